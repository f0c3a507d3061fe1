// What Python brings along, for modules that were translated from it: numbers, containers, functions, classes.
const $ = (() => {
  "use strict";
  const $ = {};
  const NotImplemented = Symbol("NotImplemented");
  $.NotImplemented = NotImplemented;

  // The methods of what Python brings along have a dollar before their names.
  const OWN = new Set("add append as_integer_ratio bit_count bit_length capitalize casefold center clear conjugate copy count difference difference_update discard encode endswith expandtabs extend find format format_map from_bytes fromhex fromkeys get hex index insert intersection intersection_update is_integer isalnum isalpha isascii isdecimal isdigit isdisjoint isidentifier islower isnumeric isprintable isspace issubset issuperset istitle isupper items join keys ljust lower lstrip maketrans partition pop popitem remove removeprefix removesuffix replace reverse rfind rindex rjust rpartition rsplit rstrip setdefault sort split splitlines startswith strip swapcase symmetric_difference symmetric_difference_update title to_bytes translate union update upper values zfill".split(" "));
  $.attr = (name) => (OWN.has(name) ? `$${name}` : name);

  // --- errors

  class PythonError extends Error {
    constructor(...values) { super(); this.args = values; }
    get message() { return `${this.constructor.name}: ${this.args.map($.str).join(", ")}`; }
  }
  const error = (name, base) => {
    const kind = { [name]: class extends base {} }[name];
    $[name] = function (...values) { return new kind(...values); };
    $[name].$kind = kind;
    return kind;
  };
  $.Exception = Object.assign(() => {}, { $kind: Error });
  const Arithmetic = error("ArithmeticError", PythonError), Lookup = error("LookupError", PythonError);
  for (const name of ["TypeError", "ValueError", "AttributeError", "NotImplementedError", "StopIteration", "AssertionError", "RuntimeError"])
    error(name, PythonError);
  error("ZeroDivisionError", Arithmetic); error("OverflowError", Arithmetic);
  error("KeyError", Lookup); error("IndexError", Lookup); error("RecursionError", PythonError);
  class Absent extends PythonError {}
  $.Absent = Absent;
  $.raised = (thrown) => (typeof thrown === "function" ? thrown() : thrown);
  $.caught = (thrown, ...kinds) => kinds.some((kind) => thrown instanceof (kind.$kind ?? kind));

  // --- whole numbers: numbers while they are safe, else BigInt

  const whole = (value) => typeof value === "bigint" || Number.isInteger(value) || typeof value === "boolean";
  const norm = (value) =>
    value >= -9007199254740991n && value <= 9007199254740991n ? Number(value) : value;
  $.norm = norm;
  const both = (one, other) => whole(one) && whole(other);
  const plain = (value) => typeof value === "number" || typeof value === "bigint" || typeof value === "boolean";

  const slow = (name, reflected, sign, one, other) => {
    if (plain(one) && plain(other)) throw $.TypeError(name);
    if (one != null && typeof one[name] === "function") {
      const found = one[name](other);
      if (found !== NotImplemented) return found;
    }
    if (other != null && typeof other[reflected] === "function") {
      const found = other[reflected](one);
      if (found !== NotImplemented) return found;
    }
    throw $.TypeError(`${sign} of ${$.type_name(one)} and ${$.type_name(other)}`);
  };
  const operation = (name, ofNumbers, ofWholes, more = () => undefined) => (one, other) => {
    if (typeof one === "number" && typeof other === "number") {
      const found = ofNumbers(one, other);
      if (Number.isSafeInteger(found) || !Number.isSafeInteger(one) || !Number.isSafeInteger(other)) return found;
      return Number.isInteger(found) ? norm(ofWholes(BigInt(one), BigInt(other))) : found;
    }
    if (plain(one) && plain(other))
      return both(one, other) ? norm(ofWholes(BigInt(one), BigInt(other))) : ofNumbers(Number(one), Number(other));
    const found = more(one, other);
    return found === undefined ? slow(`__${name}__`, `__r${name}__`, name, one, other) : found;
  };
  const joined = (one, other) => {
    if (typeof one === "string" && typeof other === "string") return one + other;
    if (Array.isArray(one)) return [...one, ...other];
  };
  const repeated = (one, other) => {
    if (typeof one === "string") return other > 0 ? one.repeat(other) : "";
    if (typeof other === "string") return repeated(other, one);
    if (Array.isArray(one)) return Array.from({ length: Math.max(other, 0) }).flatMap(() => one);
    if (Array.isArray(other)) return repeated(other, one);
  };
  $.add = operation("add", (a, b) => a + b, (a, b) => a + b, joined);
  $.mul = operation("mul", (a, b) => a * b, (a, b) => a * b, repeated);
  $.sub = operation("sub", (a, b) => a - b, (a, b) => a - b, (a, b) => a instanceof PySet || Array.isArray(a) ? new PySet([...a].filter((v) => !$.has(b, v))) : undefined);
  const quotient = (a, b) => {
    if (b === 0) throw $.ZeroDivisionError("division by zero");
    return a / b;
  };
  $.div = (one, other) => {
    if (typeof one === "number" && typeof other === "number") return quotient(one, other);
    if (both(one, other)) return ratioToFloat(BigInt(one), BigInt(other));
    if (plain(one) && plain(other)) return quotient(Number(one), Number(other));
    return slow("__truediv__", "__rtruediv__", "div", one, other);
  };
  const floorBig = (a, b) => {
    if (b === 0n) throw $.ZeroDivisionError("division by zero");
    const found = a / b;
    return a % b !== 0n && (a < 0n) !== (b < 0n) ? found - 1n : found;
  };
  $.floordiv = operation("floordiv", (a, b) => Math.floor(quotient(a, b)), floorBig);
  $.mod = operation("mod", (a, b) => {
    if (b === 0) throw $.ZeroDivisionError("modulo by zero");
    const found = a % b;
    return found !== 0 && (found < 0) !== (b < 0) ? found + b : found;
  }, (a, b) => a - floorBig(a, b) * b, (a, b) => {
    if (typeof a !== "string") return undefined;
    const given = Array.isArray(b) ? [...b] : [b];
    return a.replace(/%(?:\.(\d+))?([sdrgf%])/g, (all, places, type) => type === "%" ? "%" : "gf".includes(type) ? $.format(given.shift(), `.${places ?? 6}${type}`) : $.str(given.shift()));
  });
  $.divmod = (a, b) => [$.floordiv(a, b), $.mod(a, b)];
  $.pow = (one, other) => {
    if (plain(one) && plain(other)) {
      if (both(one, other) && other >= 0) {
        const found = Number(one) ** Number(other);
        return Number.isSafeInteger(found) ? found : norm(BigInt(one) ** BigInt(other));
      }
      return Number(one) ** Number(other);
    }
    return slow("__pow__", "__rpow__", "pow", one, other);
  };
  $.neg = (value) => {
    if (typeof value === "number") return value === 0 ? 0 : -value;
    if (typeof value === "bigint") return norm(-value);
    return typeof value === "boolean" ? -Number(value) : value.__neg__();
  };
  $.pos = (value) => (plain(value) ? value : value.__pos__());
  $.abs = (value) => {
    if (typeof value === "number") return Math.abs(value);
    if (typeof value === "bigint") return value < 0n ? norm(-value) : value;
    return value.__abs__();
  };
  $.shl = (a, b) => norm(BigInt(a) << BigInt(b));
  $.shr = (a, b) => norm(BigInt(a) >> BigInt(b));
  $.or = (a, b) => {
    if (a instanceof Dict) return new Dict([...a.$items(), ...b.$items()]);
    if (a instanceof PySet || (Array.isArray(a) && typeof a[0] !== "function")) return new PySet([...a, ...b]);
    if (typeof a === "boolean" && typeof b === "boolean") return a || b;
    if (!plain(a)) { const kinds = [].concat(a, b); kinds.__args__ = kinds; return kinds; } // `int | str`
    return norm(BigInt(a) | BigInt(b));
  };
  $.and = (a, b) => {
    if (a instanceof PySet || Array.isArray(a)) return new PySet([...a].filter((v) => $.has(b, v)));
    if (a != null && typeof a.__and__ === "function") return a.__and__(b);
    return typeof a === "boolean" ? a && b : norm(BigInt(a) & BigInt(b));
  };
  $.xor = (a, b) => (a instanceof PySet ? $.or($.sub(a, b), $.sub(b, a)) : typeof a === "boolean" ? a !== b : norm(BigInt(a) ^ BigInt(b)));
  $.iadd = (a, b) => {
    if (!Array.isArray(a)) return $.add(a, b);
    for (const each of b) a.push(each);
    return a;
  };
  $.isub = (a, b) => {
    if (!(a instanceof PySet)) return $.sub(a, b);
    for (const each of b) a.$discard(each);
    return a;
  };
  $.ior = (a, b) => {
    if (a instanceof Dict) { a.$update(b); return a; }
    if (a instanceof PySet) { for (const each of b) a.$add(each); return a; }
    return $.or(a, b);
  };

  const order = (one, other) => {
    if (plain(one) && plain(other)) return one < other ? -1 : one > other ? 1 : 0;
    if (typeof one === "string") return one < other ? -1 : one > other ? 1 : 0;
    if (Array.isArray(one)) {
      for (let n = 0; n < one.length && n < other.length; n++)
        if (!$.eq(one[n], other[n])) return order(one[n], other[n]);
      return one.length - other.length;
    }
    if (one instanceof PySet) return [...one].every((v) => $.has(other, v)) ? one.size - other.size : 1;
    if (one != null && typeof one.__cmp__ === "function") {
      const found = one.__cmp__(other);
      if (found !== NotImplemented) return found;
    }
    if (one != null && typeof one.__lt__ === "function") return $.eq(one, other) ? 0 : one.__lt__(other) ? -1 : 1;
    if (other != null && typeof other.__cmp__ === "function") {
      const found = other.__cmp__(one);
      if (found !== NotImplemented) return -found;
    }
    if (other != null && typeof other.__lt__ === "function") return $.eq(one, other) ? 0 : other.__lt__(one) ? 1 : -1;
    throw $.TypeError(`order of ${$.type_name(one)} and ${$.type_name(other)}`);
  };
  $.order = order;
  $.lt = (a, b) => (typeof a === "number" && typeof b === "number" ? a < b : order(a, b) < 0);
  $.le = (a, b) => (typeof a === "number" && typeof b === "number" ? a <= b : order(a, b) <= 0);
  $.gt = (a, b) => (typeof a === "number" && typeof b === "number" ? a > b : order(a, b) > 0);
  $.ge = (a, b) => (typeof a === "number" && typeof b === "number" ? a >= b : order(a, b) >= 0);

  $.eq = (a, b) => {
    if (a === b) return true;
    if (a == null || b == null) return a == b;
    if (typeof a !== "object" && typeof b !== "object") return plain(a) && plain(b) && a == b;
    if (b instanceof PySet && Array.isArray(a)) return b.__eq__(a);
    if (Array.isArray(a)) return Array.isArray(b) && a.length === b.length && a.every((each, n) => $.eq(each, b[n]));
    if (typeof a === "object" && typeof a.__eq__ === "function") {
      const found = a.__eq__(b);
      if (found !== NotImplemented) return found;
    }
    if (typeof b === "object" && typeof b.__eq__ === "function") {
      const found = b.__eq__(a);
      return found !== NotImplemented && found;
    }
    return false;
  };
  $.t = (value) => {
    if (!value) return false;
    if (typeof value !== "object") return true;
    if (Array.isArray(value)) return value.length > 0;
    if (typeof value.__bool__ === "function") return value.__bool__();
    return typeof value.__len__ === "function" ? value.__len__() > 0 : true;
  };

  // --- keys of dictionaries

  const interned = new Map(), identities = new WeakMap();
  let identity = 0;
  $.id = (value) => {
    if (value === null || (typeof value !== "object" && typeof value !== "function")) return $.key(value);
    let found = identities.get(value);
    if (found === undefined) identities.set(value, (found = ++identity));
    return found;
  };
  const intern = (text) => {
    let found = interned.get(text);
    if (found === undefined) interned.set(text, (found = `\u0000${interned.size}`));
    return found;
  };
  const token = (value) => {
    const found = $.key(value);
    return typeof found === "string" ? (found[0] === "\u0000" ? found : `${found.length}'${found}`) : String(found);
  };
  $.key = (value) => {
    switch (typeof value) {
      case "string": case "number": return value;
      case "boolean": return Number(value);
      case "bigint": return intern(`b${value}`);
      case "undefined": return null;
      case "function": return `\u0000f${$.id(value)}`;
    }
    if (value === null) return null;
    if (Array.isArray(value)) {
      let text = "(";
      for (const each of value) text += `${token(each)},`;
      return intern(text);
    }
    if (value.$k !== undefined) return value.$k;
    if (value instanceof FractionClass && value.d === 1n) return $.key(norm(value.n)); // 1 and a fraction of 1 are one key
    if (typeof value.__key__ === "function") return intern(value.__key__());
    const fields = value.constructor.$equal;
    if (!fields) return (value.$k = `\u0000o${$.id(value)}`);
    let text = `${$.id(value.constructor)}:`;
    for (const name of fields) text += `${token(value[name])},`;
    return (value.$k = intern(text));
  };
  $.hash = $.key;

  class Dict {
    constructor(pairs = []) {
      this.map = new Map();
      for (const [key, value] of pairs) this.map.set($.key(key), [key, value]);
    }
    static $fromkeys(keys, value = null) { return new Dict([...keys].map((key) => [key, value])); }
    [Symbol.iterator]() { return this.$keys()[Symbol.iterator](); }
    $keys() { return Array.from(this.map.values(), (pair) => pair[0]); }
    $values() { return Array.from(this.map.values(), (pair) => pair[1]); }
    $items() { return Array.from(this.map.values()); }
    $get(key, other = null) { const found = this.map.get($.key(key)); return found === undefined ? other : found[1]; }
    $pop(key, other) {
      const kept = $.key(key), found = this.map.get(kept);
      if (found === undefined) { if (other === undefined) throw $.KeyError(key); return other; }
      this.map.delete(kept);
      return found[1];
    }
    $setdefault(key, value = null) {
      const kept = $.key(key);
      if (!this.map.has(kept)) this.map.set(kept, [key, value]);
      return this.map.get(kept)[1];
    }
    $update(other) { for (const [key, value] of $.pairs(other)) this.put(key, value); }
    $copy() { return new Dict(this.$items()); }
    $clear() { this.map.clear(); }
    __init__(pairs = []) { this.map = new Map(); for (const [key, value] of pairs) this.put(key, value); }
    at(key) {
      const found = this.map.get($.key(key));
      if (found !== undefined) return found[1];
      if (this.__missing__) return this.__missing__(key);
      throw $.KeyError(key);
    }
    put(key, value) {
      const kept = $.key(key), found = this.map.get(kept);
      if (found === undefined) this.map.set(kept, [key, value]); else found[1] = value;
    }
    __getitem__(key) { return this.at(key); }
    remove(key) { this.map.delete($.key(key)); }
    __contains__(key) { return this.map.has($.key(key)); }
    __len__() { return this.map.size; }
    __eq__(other) {
      return other instanceof Dict && this.map.size === other.map.size &&
        this.$items().every(([key, value]) => other.__contains__(key) && $.eq(value, other.at(key)));
    }
  }
  class PySet {
    constructor(values = []) {
      this.map = new Map();
      for (const value of values) this.$add(value);
    }
    get size() { return this.map.size; }
    [Symbol.iterator]() { return this.map.values(); }
    $add(value) { const kept = $.key(value); if (!this.map.has(kept)) this.map.set(kept, value); }
    $discard(value) { this.map.delete($.key(value)); }
    $update(...others) { for (const other of others) for (const value of other) this.$add(value); }
    $union(...others) { const found = new PySet(this); found.$update(...others); return found; }
    $intersection(...others) { return others.reduce((kept, other) => $.and(kept, $.set(other)), this); }
    $difference(other) { return $.sub(this, $.set(other)); }
    $isdisjoint(other) { for (const value of other) if (this.__contains__(value)) return false; return true; }
    $issubset(other) { return [...this].every((value) => $.has($.set(other), value)); }
    $issuperset(other) { return [...other].every((value) => this.__contains__(value)); }
    $copy() { return new PySet(this); }
    $pop() { const [[key, value]] = this.map; this.map.delete(key); return value; }
    $remove(value) { this.map.delete($.key(value)); }
    $clear() { this.map.clear(); }
    __contains__(value) { return this.map.has($.key(value)); }
    __len__() { return this.map.size; }
    // The keys of a dictionary are an array here, and are compared with sets.
    __eq__(other) { return Array.isArray(other) ? this.__eq__(new PySet(other)) : other instanceof PySet && this.size === other.size && this.$issubset(other); }
    __key__() { return `{${[...this].map(token).sort().join()}}`; }
  }
  class Counter extends Dict {
    constructor(values = []) { super(); this.$update(values); }
    $update(values) { for (const each of values) this.put(each, this.$get(each, 0) + 1); }
    __missing__() { return 0; }
    $most_common() { return this.$items().slice().sort((a, b) => b[1] - a[1]); }
  }
  class DefaultDict extends Dict {
    constructor(make) { super(); this.make = make; }
    __missing__(key) { const value = this.make(); this.put(key, value); return value; }
  }
  $.Dict = Dict; $.PySet = PySet;
  $.dict = (pairs = []) => new Dict(pairs);
  $.dict.$kind = Dict; $.dict.$fromkeys = Dict.$fromkeys;
  $.set = (values = []) => new PySet(values);
  $.frozenset = (values = []) => new PySet(values);
  $.set.$kind = $.frozenset.$kind = PySet;
  $.Counter = (values) => new Counter(values);
  $.defaultdict = (make) => new DefaultDict(make);
  $.pairs = (value) => (typeof value.$items === "function" ? value.$items() : value instanceof Kw ? Object.entries(value.words) : [...value]);
  $.entries = (value) => Object.fromEntries($.pairs(value));

  // --- sequences

  const points = (text) => (/[\ud800-\udfff]/.test(text) ? [...text] : text);
  $.len = (value) => {
    if (Array.isArray(value)) return value.length;
    if (typeof value === "string") return points(value).length;
    return value.__len__();
  };
  $.at = (value, index) => {
    if (Array.isArray(value) || typeof value === "string") {
      if (index instanceof Span) return $.slice(value, index.start, index.stop, index.step);
      const list = typeof value === "string" ? points(value) : value;
      const place = index < 0 ? list.length + Number(index) : Number(index);
      if (place < 0 || place >= list.length) throw $.IndexError(index);
      return list[place];
    }
    if (typeof value.at === "function") return value.at(index);
    if (typeof value.__getitem__ === "function") return value.__getitem__(index);
    if (typeof value === "function") return value; // a kind with its parameters, tuple[int]
    throw $.TypeError(`no items in ${$.type_name(value)}`);
  };
  class Span {
    constructor(start, stop, step) { this.start = start; this.stop = stop; this.step = step; }
    indices(size) {
      const bound = (at, other) => (at == null ? other : Math.min(Math.max(at < 0 ? at + size : at, 0), size));
      return [bound(this.start, 0), bound(this.stop, size), 1];
    }
  }
  $.span = (start = null, stop = null, step = null) => new Span(start, stop, step);
  $.slice = (value, start, stop, step) => {
    const list = typeof value === "string" ? points(value) : Array.isArray(value) ? value : [...value];
    if (step == null || step === 1) {
      const found = list.slice(start ?? 0, stop ?? undefined);
      return typeof value === "string" && Array.isArray(found) ? found.join("") : found;
    }
    const found = [], size = list.length;
    const clamp = (bound, low, high) => Math.min(Math.max(bound < 0 ? bound + size : bound, low), high);
    if (step > 0) for (let n = clamp(start ?? 0, 0, size); n < clamp(stop ?? size, 0, size); n += step) found.push(list[n]);
    else for (let n = start == null ? size - 1 : clamp(start, -1, size - 1), end = stop == null ? -1 : clamp(stop, -1, size); n > end; n += step) found.push(list[n]);
    return typeof value === "string" ? found.join("") : found;
  };
  $.put = (value, index, item) => {
    if (!Array.isArray(value)) return value.put(index, item);
    if (index instanceof Span) value.splice(index.start ?? 0, (index.stop ?? value.length) - (index.start ?? 0), ...item);
    else value[index < 0 ? value.length + index : index] = item;
  };
  $.remove = (value, index) => (Array.isArray(value) ? value.splice(index, 1) : value.remove(index));
  $.has = (value, item) => {
    if (typeof value === "string") return value.includes(item);
    if (Array.isArray(value)) return typeof item === "string" ? value.includes(item) : value.some((each) => $.eq(each, item));
    if (typeof value.__contains__ === "function") return value.__contains__(item);
    for (const each of value) if ($.eq(each, item)) return true;
    return false;
  };
  // A loop that is left does not close what it went through: Python goes on there, JavaScript would not.
  Object.getPrototypeOf(Object.getPrototypeOf((function* () {})())).return = function (value) { return { done: true, value }; };
  $.iter = (value) => (typeof value.__iter__ === "function" ? $.iter(value.__iter__()) : value[Symbol.iterator]());
  $.next = (value, other) => {
    const found = (typeof value.next === "function" ? value : $.iter(value)).next();
    if (!found.done) return found.value;
    if (other === undefined) throw $.StopIteration();
    return other;
  };
  $.each = (values, change) => (Array.isArray(values) ? values.map((value) => change(value)) : Array.from(values, (value) => change(value)));
  $.list = (values = []) => [...values];
  $.tuple = (values = []) => (Array.isArray(values) ? values : [...values]);
  $.any = (values) => { for (const each of values) if ($.t(each)) return true; return false; };
  $.all = (values) => { for (const each of values) if (!$.t(each)) return false; return true; };
  $.map = function (change, ...lists) {
    return (function* () {
      if (lists.length === 1) for (const each of lists[0]) yield change(each);
      else for (const each of $.zip(false, ...lists)) yield change(...each);
    })();
  };
  $.filter = (test, values) => [...values].filter((each) => (test === null ? $.t(each) : $.t(test(each))));
  const zipped = function* (strict, iterators) {
    for (;;) {
      const found = [];
      for (const each of iterators) {
        const next = each.next();
        if (next.done) {
          if (strict && (found.length || iterators.slice(1).some((other) => !other.next().done))) throw $.ValueError("zip");
          return;
        }
        found.push(next.value);
      }
      yield found;
    }
  };
  $.zip = (strict, ...lists) => {
    if (!lists.every(Array.isArray)) return zipped(strict, lists.map($.iter));
    const size = Math.min(...lists.map((list) => list.length)), found = new Array(lists.length ? size : 0);
    if (strict && lists.some((list) => list.length !== size)) return zipped(strict, lists.map($.iter));
    for (let n = 0; n < found.length; n++) found[n] = lists.map((list) => list[n]);
    return found.values();
  };
  const enumerated = function* (values, start) { let n = start; for (const each of values) yield [n++, each]; };
  $.enumerate = (values, start = 0) => (Array.isArray(values) ? values.map((each, n) => [n + start, each]).values() : enumerated(values, start));
  $.range = (start, stop, step = 1) => {
    if (stop === undefined) [start, stop] = [0, start];
    const found = [];
    if (step > 0) for (let n = start; n < stop; n += step) found.push(n);
    else for (let n = start; n > stop; n += step) found.push(n);
    return found;
  };
  $.reversed = (values) => [...(values instanceof Dict ? values.$keys() : values)].reverse();
  $.sorted = (values, key = null, reverse = false) => {
    const found = Array.from(values, (each) => [key ? key(each) : each, each]);
    const sign = $.t(reverse) ? -1 : 1;
    return found.sort((a, b) => sign * order(a[0], b[0])).map((pair) => pair[1]);
  };
  const best = (sign) => (values, key = null, other = undefined) => {
    let found, of;
    let empty = true;
    for (const each of values) {
      const own = key ? key(each) : each;
      if (empty || sign * order(own, of) > 0) [found, of, empty] = [each, own, false];
    }
    if (!empty) return found;
    if (other === undefined) throw $.ValueError("empty");
    return other;
  };
  $.max = best(1); $.min = best(-1);
  $.sum = (values, start = 0) => { let found = start; for (const each of values) found = $.add(found, each); return found; };

  // --- kinds

  const kind = (name, test, make) => { $[name] = Object.assign(make, { $test: test, $title: name }); };
  kind("int", (v) => whole(v), (value = 0, base = 10) => {
    if (typeof value === "string") return norm(BigInt(value.trim()));
    if (typeof value === "number") return Math.trunc(value);
    if (typeof value === "bigint") return norm(value);
    return typeof value === "boolean" ? Number(value) : value.__int__();
  });
  kind("float", (v) => typeof v === "number" && !Number.isInteger(v), (value = 0) => {
    if (typeof value === "object") return value.__float__();
    if (typeof value === "string" && /^[+-]?inf$/.test(value)) return value[0] === "-" ? -Infinity : Infinity;
    return Number(value);
  });
  kind("bool", (v) => typeof v === "boolean", (value = false) => $.t(value));
  kind("str", (v) => typeof v === "string", (value = "") => text(value));
  $.list.$test = Array.isArray;
  $.tuple.$test = (v) => Array.isArray(v) || !!v?.constructor?.$tuple;
  $.NamedTuple = {};
  $.none = { $test: (v) => v === null };
  $.object = { $test: () => true };
  $.type = (value) => {
    switch (typeof value) {
      case "string": return $.str;
      case "boolean": return $.bool;
      case "bigint": return $.int;
      case "number": return Number.isInteger(value) ? $.int : $.float;
    }
    if (value === null) return $.none;
    if (Array.isArray(value)) return $.tuple;
    if (value.constructor === Dict) return $.dict;
    return value.constructor;
  };
  $.type_name = (value) => (value == null ? "None" : $.type(value).$title ?? $.type(value).name);
  $.is = (value, ...kinds) => {
    for (const each of kinds) {
      if (each.$plain) { if (value instanceof each) return true; continue; }
      if (Array.isArray(each)) { if ($.is(value, ...each)) return true; continue; }
      if (Object.hasOwn(each, "$test") ? each.$test(value) : (each.$kind ?? each).prototype && value instanceof (each.$kind ?? each)) return true;
    }
    return false;
  };
  $.issubclass = (one, other) => one === other || one.prototype instanceof other;
  const abstract = (test) => Object.assign(() => {}, { $test: test });
  function MappingBase() {}
  Object.assign(MappingBase.prototype, {
    [Symbol.iterator]() { return $.iter(this.__iter__()); },
    $keys() { return [...this]; }, $values() { return $.each(this, (key) => this.__getitem__(key)); },
    $items() { return $.each(this, (key) => [key, this.__getitem__(key)]); },
    $get(key, other = null) { return $.has(this, key) ? this.__getitem__(key) : other; },
    __contains__(key) { try { this.__getitem__(key); return true; } catch (e) { if ($.caught(e, $.KeyError)) return false; throw e; } },
  });
  MappingBase.$test = (v) => v instanceof Dict || v instanceof MappingBase;
  MappingBase.$mixin = true;
  $.abc = {
    Mapping: MappingBase, Sequence: abstract((v) => Array.isArray(v) || typeof v === "string"),
    Callable: abstract((v) => typeof v === "function"), Iterable: abstract((v) => v != null && !!v[Symbol.iterator]),
  };
  $.callable = (value) => typeof value === "function";
  $.hasattr = (value, name) => value != null && value[$.attr(name)] !== undefined;
  $.getattr = (value, name, other) => {
    const found = value == null ? undefined : value[$.attr(name)];
    if (found !== undefined) return typeof found === "function" && !found.prototype ? found.bind(value) : found;
    if (other === undefined) throw $.AttributeError(name);
    return other;
  };
  $.bound = (value, name) => {
    const found = typeof value === "function" && value[name] === Function.prototype[name] ? undefined : value[name];
    if (typeof found === "function") return Object.hasOwn(value, name) && typeof value !== "function" ? found : found.bind(value);
    if (found === undefined && typeof value === "function") return (self, ...given) => self[name](...given);
    return found;
  };
  $.vars = (value) => $.dict(Object.entries(value));
  $.object_new = (kind) => Object.create(kind.prototype);
  $.absent = (name) => {
    const thrower = () => { throw new Absent(name); };
    return new Proxy(thrower, { get: (_, key) => key === "$test" ? () => false : typeof key === "symbol" || key[0] === "$" || key === "prototype" ? undefined : $.absent(`${name}.${key}`), construct: thrower });
  };

  // --- classes

  class Base {
    [Symbol.iterator]() { return $.iter(this.__iter__()); }
  }
  $.cls = (made, name, bases, methods, statics, fields, keywords, options) => {
    const base = bases.find((each) => typeof each === "function" && (each.$kind ?? each).prototype && (!Object.hasOwn(each, "$test") || each.$mixin));
    Object.setPrototypeOf(made.prototype, (base ? (base.$kind ?? base) : Base).prototype);
    if (base) Object.setPrototypeOf(made, base.$kind ?? base);
    made.$title = name;
    made.$plain = true; // its objects are known by their prototypes alone
    Object.defineProperties(made.prototype, Object.getOwnPropertyDescriptors(methods));
    for (const extra of bases) {
      if (extra === base || typeof extra !== "function" || !extra.prototype) continue;
      for (const [key, found] of Object.entries(Object.getOwnPropertyDescriptors(extra.prototype)))
        if (key !== "constructor" && !(key in methods)) Object.defineProperty(made.prototype, key, found);
    }
    for (const [key, found] of Object.entries(Object.getOwnPropertyDescriptors(statics))) {
      Object.defineProperty(made, key, { ...found, configurable: true });
      if (!(key in made.prototype))
        Object.defineProperty(made.prototype, key, {
          get() { const value = this.constructor[key]; return typeof value === "function" ? value.bind(this.constructor) : value; },
          set(value) { Object.defineProperty(this, key, { value, writable: true, configurable: true }); }, configurable: true,
        });
    }
    made.prototype.constructor = made;
    if (fields) {
      made.$fields = fields[0];
      made.prototype.__slots__ = made.__match_args__ = fields[0].map((each) => each.replace(/^\$/, ""));
      if (options.equal) {
        made.$equal = fields[1] ?? fields[0];
        if (!("__eq__" in methods))
          made.prototype.__eq__ = function (other) {
            return other instanceof made && other.constructor === this.constructor && made.$equal.every((each) => $.eq(this[each], other[each]));
          };
      } else made.$equal = null;
    }
    if (options.tuple) {
      made.$tuple = true;
      Object.assign(made.prototype, {
        [Symbol.iterator]() { return fields[0].map((each) => this[each])[Symbol.iterator](); },
        __len__() { return fields[0].length; }, at(place) { return $.at([...this], place); },
        _replace(words) { return $.replace(this, words); }, __cmp__(other) { return $.order([...this], [...other]); },
      });
    }
    if (typeof made.__init_subclass__ === "function" && base) {
      const names = parameterNames(made.__init_subclass__);
      made.__init_subclass__(...names.map((each) => keywords[each]));
    }
  };
  $.parent = (kind, method) => Object.getPrototypeOf(kind.prototype)[method] ?? (() => null);
  $.own = (object, name, compute) => {
    const value = object[compute]();
    Object.defineProperty(object, name, { value, writable: true, configurable: true });
    return value;
  };
  $.demanded = (object, name, compute) => {
    const kept = `$d_${name}`;
    if (object[kept] === undefined) object[kept] = compute(object);
    return object[kept];
  };
  $.hold = (object, name, value) => { object[`$d_${name}`] = value; };
  $.enumeration = (name, members, statics) => {
    const found = { ...statics, $title: name, $members: Object.values(members) };
    found.$test = (value) => found.$members.includes(value);
    const made = Object.assign((value) => value, found, members);
    made[Symbol.iterator] = () => found.$members[Symbol.iterator]();
    made.__len__ = () => found.$members.length;
    return made;
  };
  $.StrEnum = $.Enum = {};

  // --- calls with names

  class Kw { constructor(words) { this.words = words; } }
  $.kw = (words) => new Kw(words);
  const known = new WeakMap();
  const parameterNames = (made) => {
    if (made.$p) return made.$p;
    if (made.prototype?.__init__) return parameterNames(made.prototype.__init__);
    let found = known.get(made);
    if (found) return found;
    const source = made.toString();
    found = [];
    const open = source.indexOf("(");
    const arrow = /^\s*(?:async\s*)?([A-Za-z_$][\w$]*)\s*=>/.exec(source);
    if (arrow) found = [arrow[1]];
    else {
      let depth = 0, part = "", quote = "";
      for (const c of source.slice(open + (source[open + 1] === "(" && source.startsWith("(") ? 1 : 0))) {
        if (quote) { if (c === quote) quote = ""; part += c; continue; }
        if (c === '"' || c === "'") quote = c;
        if ("([{".includes(c)) { depth++; if (depth === 1) continue; }
        if (")]}".includes(c)) { depth--; if (depth === 0) break; }
        if (c === "," && depth === 1) { found.push(part); part = ""; } else part += c;
      }
      if (part.trim()) found.push(part);
      found = found.map((each) => each.split("=")[0].trim());
    }
    known.set(made, found);
    return found;
  };
  const arranged = (names, given, words) => {
    const rest = names.findIndex((name) => name.startsWith("..."));
    const placed = [...given], left = { ...words };
    const takes = rest < 0 && names.length && names[names.length - 1].endsWith("$w");
    const last = takes ? names.length - 1 : rest < 0 ? names.length : rest;
    for (let n = given.length; n < last; n++) {
      const name = names[n].replace(/_$/, "");
      const key = names[n] in left ? names[n] : name;
      placed.push(left[key]);
      delete left[key];
    }
    if (Object.keys(left).length) {
      if (rest < 0 && !takes) throw $.TypeError(`no parameters ${Object.keys(left)}`);
      placed.push(new Kw(left));
    }
    return placed;
  };
  $.arranged = arranged;
  $.words = (given) => $.dict(Object.entries(given === undefined ? {} : given instanceof Kw ? given.words : given));
  $.named = (rest) => (rest.length && rest[rest.length - 1] instanceof Kw ? rest.pop().words : {});
  $.named_call = (owner, method, given, words) => {
    const made = owner === null ? method : owner[method];
    if (typeof made !== "function") throw $.AttributeError(String(method));
    if (made.$names) return made.call(owner, ...given, new Kw(words));
    return made.call(owner, ...arranged(parameterNames(made), given, words));
  };
  $.replace = (object, changes) => {
    const kind = object.constructor, words = changes.words;
    const values = kind.$fields.map((name) => (name.replace(/^\$/, "") in words ? words[name.replace(/^\$/, "")] : "$d_" + name in object ? object["$d_" + name] : object[name]));
    return new kind(...values);
  };
  $.fields = (value) => (value.$fields ?? value.constructor.$fields).map((name) => ({ name: name.replace(/^\$/, "") }));
  $.is_dataclass = (value) => value != null && !!(value.$fields ?? value.constructor.$fields);
  $.cache = (made) => {
    const kept = new Map();
    return Object.assign((...given) => {
      const key = given.length === 1 ? $.key(given[0]) : $.key(given);
      let found = kept.get(key);
      if (found === undefined) kept.set(key, (found = made(...given)));
      return found;
    }, { $p: parameterNames(made), $kept: kept });
  };

  $.cached = (made, most) => $.cache(made);
  $.functools = {
    reduce: (change, values, ...first) => {
      let found = first[0], empty = !first.length;
      for (const each of values) { found = empty ? each : change(found, each); empty = false; }
      return found;
    },
    partial: (made, ...given) => {
      const words = $.named(given);
      const partial = (...more) => {
        const own = { ...words, ...$.named(more) };
        return Object.keys(own).length ? $.named_call(null, made, [...given, ...more], own) : made(...given, ...more);
      };
      return Object.assign(partial, { $names: true, func: made, args: given, keywords: words });
    },
    cmp_to_key: (compare) => (value) => ({ value, __cmp__: (other) => compare(value, other.value) }),
    total_ordering: (kind) => kind, wraps: () => (made) => made, cache: $.cache, lru_cache: () => $.cache,
  };
  $.operator = {
    attrgetter: (...names) => {
      const read = (value, name) => name.split(".").reduce((part, each) => part[$.attr(each)], value);
      return names.length === 1 ? (value) => read(value, names[0]) : (value) => names.map((name) => read(value, name));
    },
    itemgetter: (...keys) => (keys.length === 1 ? (value) => $.at(value, keys[0]) : (value) => keys.map((key) => $.at(value, key))),
    is_not: (a, b) => a !== b, add: $.add, mul: $.mul, sub: $.sub, truediv: $.div, neg: $.neg, eq: $.eq,
    lt: $.lt, le: $.le, gt: $.gt, ge: $.ge, pow: $.pow,
  };
  const chain = function* (...lists) { for (const list of lists) yield* $.iter(list); };
  chain.from_iterable = function* (lists) { for (const list of lists) yield* $.iter(list); };
  $.itertools = {
    chain,
    islice: function* (values, start, stop, step = 1) {
      if (stop === undefined) [start, stop] = [0, start];
      let n = 0;
      const end = stop ?? Infinity;
      if (end <= 0) return;
      for (const each of values) { if (n >= (start ?? 0) && (n - (start ?? 0)) % step === 0) yield each; if (++n >= end) return; }
    },
    count: function* (start = 0, step = 1) { for (let n = start; ; n += step) yield n; },
    repeat: function* (value, times = Infinity) { for (let n = 0; n < times; n++) yield value; },
    cycle: function* (values) { const all = [...values]; for (;;) yield* all; },
    pairwise: (values) => { const all = [...values]; return all.slice(1).map((each, n) => [all[n], each]); },
    product: (...given) => {
      const words = $.named(given);
      const lists = given.map((each) => [...each]), all = Array.from({ length: words.repeat ?? 1 }).flatMap(() => lists);
      return all.reduce((found, list) => found.flatMap((each) => list.map((value) => [...each, value])), [[]]);
    },
    combinations: (values, size) => {
      const all = [...values];
      const of = (start, left) => left === 0 ? [[]] : all.slice(start).flatMap((each, n) => of(start + n + 1, left - 1).map((rest) => [each, ...rest]));
      return of(0, size);
    },
    starmap: function* (change, values) { for (const each of values) yield change(...each); },
    accumulate: function* (values, change = $.add, words = undefined) {
      let own = change, initial;
      for (const given of [change, words]) if (given instanceof Kw) { initial = given.words.initial; if (given === change) own = $.add; if (given.words.func) own = given.words.func; }
      let found = initial, empty = initial === undefined;
      if (!empty) yield found;
      for (const each of values) { found = empty ? each : own(found, each); empty = false; yield found; }
    },
    groupby: function* (values, key = null) {
      if (key instanceof Kw) key = key.words.key;
      let of, group = null;
      for (const each of values) {
        const own = key ? key(each) : each;
        if (group !== null && $.eq(own, of)) group.push(each);
        else { if (group !== null) yield [of, group]; [of, group] = [own, [each]]; }
      }
      if (group !== null) yield [of, group];
    },
    zip_longest: (...given) => {
      const { fillvalue = null } = $.named(given);
      const lists = given.map((each) => [...each]);
      return Array.from({ length: Math.max(0, ...lists.map((list) => list.length)) }, (_, n) => lists.map((list) => (n < list.length ? list[n] : fillvalue)));
    },
    takewhile: function* (test, values) { for (const each of values) { if (!$.t(test(each))) return; yield each; } },
    dropwhile: function* (test, values) { let on = false; for (const each of values) { on ||= !$.t(test(each)); if (on) yield each; } },
  };
  // A group is read once, as an iterator; here it is a list that can be read by `next` as well.
  const bits = (value) => { const size = value < 0n ? -value : value; return size === 0n ? 0 : size.toString(2).length; };
  $.bits = bits;
  const root = (n) => {
    if (n < 2n) return n;
    let found = 1n << BigInt((bits(n) + 1) >> 1);
    for (;;) { const lower = (found + n / found) >> 1n; if (lower >= found) return found; found = lower; }
  };
  const logOf = (value, log, two) => {
    if (typeof value !== "bigint") return log(Number(value));
    const shift = Math.max(bits(value) - 64, 0);
    return log(Number(value >> BigInt(shift))) + shift * two;
  };
  const gcd = (a, b) => { while (b) [a, b] = [b, a % b]; return a < 0n ? -a : a; };
  const integer = (found) => norm(BigInt(found));
  // The length of a vector, rounded as if it had been computed with twice the digits, as Python does.
  const length = (x, y) => {
    const split = (v) => { const c = 134217729 * v, high = c - (c - v); return [high, v - high]; };
    const square = (v) => { const p = v * v, [h, l] = split(v); return [p, h * h - p + 2 * h * l + l * l]; };
    const [a, aLow] = square(x), [b, bLow] = square(y), sum = a + b, found = Math.sqrt(sum);
    if (found === 0 || !Number.isFinite(found)) return found;
    const low = (a >= b ? a - sum + b : b - sum + a) + aLow + bLow, [p, pLow] = square(found);
    return found + (sum - p - pLow + low) / (2 * found);
  };
  $.math = {
    floor: (v) => (typeof v === "object" ? v.__floor__() : Number.isInteger(v) || typeof v === "bigint" ? v : Math.floor(v)),
    ceil: (v) => (typeof v === "object" ? $.neg($.neg(v).__floor__()) : Math.ceil(Number(v))),
    log10: (v) => logOf(v, Math.log10, Math.log10(2)), log2: (v) => logOf(v, Math.log2, 1), log: (v) => logOf(v, Math.log, Math.LN2),
    gcd: (a, b) => norm(gcd(BigInt(a), BigInt(b))), lcm: (a, b) => integer(BigInt(a) / gcd(BigInt(a), BigInt(b)) * BigInt(b)),
    isqrt: (v) => norm(root(BigInt(v))), prod: (values, words) => { let found = words?.words?.start ?? 1; for (const each of values) found = $.mul(found, each); return found; },
    hypot: (x, y) => length(x, y), sqrt: Math.sqrt, cos: Math.cos, sin: Math.sin, atan2: Math.atan2, asin: Math.asin, acos: Math.acos, exp: Math.exp,
    log1p: Math.log1p, expm1: Math.expm1, tan: Math.tan, tanh: Math.tanh, pi: Math.PI, inf: Infinity, nan: NaN, e: Math.E,
    isfinite: (v) => Number.isFinite(Number(v)), isinf: (v) => Math.abs(Number(v)) === Infinity, isnan: Number.isNaN,
    radians: (v) => v * Math.PI / 180, degrees: (v) => v * 180 / Math.PI, dist: ([a, b], [c, d]) => length(a - c, b - d),
    fsum: (values) => [...values].reduce((a, b) => a + b, 0),
    copysign: (a, b) => (b < 0 || Object.is(b, -0) ? -Math.abs(a) : Math.abs(a)),
  };

  // --- fractions

  const ratioToFloat = (above, below) => {
    if (below === 0n) throw $.ZeroDivisionError("division by zero");
    const sign = above < 0n !== below < 0n ? -1 : 1;
    let a = above < 0n ? -above : above, b = below < 0n ? -below : below;
    if (a === 0n) return 0;
    const shift = 66 - bits(a) + bits(b);
    if (shift > 0) a <<= BigInt(shift); else b <<= BigInt(-shift);
    let q = a / b;
    if (a % b) q |= 1n;
    const power = -shift, large = Number(q);
    return sign * (power < -1000 ? large * 2 ** (power + 500) * 2 ** -500 : power > 900 ? large * 2 ** (power - 200) * 2 ** 200 : large * 2 ** power);
  };
  $.ratioToFloat = ratioToFloat;
  const floatRatio = (value) => {
    if (Number.isInteger(value)) return [BigInt(value), 1n];
    let power = 0;
    while (!Number.isInteger(value)) { value *= 2; power++; }
    return [BigInt(value), 1n << BigInt(power)];
  };
  class FractionClass {
    constructor(n, d, reduced = false) {
      if (!reduced) {
        if (d === 0n) throw $.ZeroDivisionError("Fraction(…, 0)");
        if (d < 0n) { n = -n; d = -d; }
        if (d !== 1n) { const shared = gcd(n, d); if (shared !== 1n) { n /= shared; d /= shared; } }
      }
      this.n = n; this.d = d;
    }
    get numerator() { return norm(this.n); }
    get denominator() { return norm(this.d); }
    $as_integer_ratio() { return [norm(this.n), norm(this.d)]; }
    __bool__() { return this.n !== 0n; }
    __key__() { return this.d === 1n ? `F${this.n}` : `F${this.n}/${this.d}`; }
    __neg__() { return new FractionClass(-this.n, this.d, true); }
    __pos__() { return this; }
    __abs__() { return this.n < 0n ? this.__neg__() : this; }
    __int__() { return norm(this.n / this.d); }
    __floor__() { return norm(floorBig(this.n, this.d)); }
    __float__() { return ratioToFloat(this.n, this.d); }
    __str__() { return this.d === 1n ? `${this.n}` : `${this.n}/${this.d}`; }
    __repr__() { return `Fraction(${this.n}, ${this.d})`; }
    __round__(places = undefined) {
      if (places === undefined) return norm(halves(this.n, this.d));
      const scale = 10n ** BigInt(Math.abs(places));
      return places >= 0 ? new FractionClass(halves(this.n * scale, this.d), scale) : new FractionClass(halves(this.n, this.d * scale) * scale, 1n);
    }
    $with(other, change, onFloat) {
      if (other instanceof FractionClass) return change(other.n, other.d);
      if (whole(other)) return change(BigInt(other), 1n);
      return typeof other === "number" ? onFloat(this.__float__(), other) : NotImplemented;
    }
    __add__(o) { return this.$with(o, (n, d) => d === this.d ? new FractionClass(this.n + n, d) : new FractionClass(this.n * d + n * this.d, this.d * d), (a, b) => a + b); }
    __radd__(o) { return this.__add__(o); }
    __sub__(o) { return this.$with(o, (n, d) => new FractionClass(this.n * d - n * this.d, this.d * d), (a, b) => a - b); }
    __rsub__(o) { return this.$with(o, (n, d) => new FractionClass(n * this.d - this.n * d, this.d * d), (a, b) => b - a); }
    __mul__(o) { return this.$with(o, (n, d) => new FractionClass(this.n * n, this.d * d), (a, b) => a * b); }
    __rmul__(o) { return this.__mul__(o); }
    __truediv__(o) { return this.$with(o, (n, d) => new FractionClass(this.n * d, this.d * n), quotient); }
    __rtruediv__(o) { return this.$with(o, (n, d) => new FractionClass(n * this.d, d * this.n), (a, b) => quotient(b, a)); }
    __floordiv__(o) { return this.$with(o, (n, d) => norm(floorBig(this.n * d, this.d * n)), (a, b) => Math.floor(a / b)); }
    __mod__(o) { return this.$with(o, (n, d) => new FractionClass(this.n * d - floorBig(this.n * d, this.d * n) * n * this.d, this.d * d), (a, b) => $.mod(a, b)); }
    __rmod__(o) { return $.mod(Fraction(o), this); }
    __pow__(o) {
      if (o instanceof FractionClass && o.d === 1n) o = norm(o.n);
      if (whole(o)) {
        const size = BigInt(o);
        return size >= 0n ? new FractionClass(this.n ** size, this.d ** size, true) : new FractionClass(this.d ** -size, this.n ** -size);
      }
      return o instanceof FractionClass ? this.__float__() ** o.__float__() : typeof o === "number" ? this.__float__() ** o : NotImplemented;
    }
    __rpow__(o) { return whole(o) && this.d === 1n ? $.pow(Fraction(o), this) : $.pow($.float(o), this.__float__()); }
    __cmp__(o) {
      if (typeof o === "number" && !Number.isInteger(o)) {
        if (!Number.isFinite(o)) return Number.isNaN(o) ? NaN : o > 0 ? -1 : 1;
        const [n, d] = floatRatio(o);
        return this.__cmp__(new FractionClass(n, d));
      }
      return this.$with(o, (n, d) => { const a = this.n * d, b = n * this.d; return a < b ? -1 : a > b ? 1 : 0; }, () => NotImplemented);
    }
    __eq__(o) {
      if (o instanceof FractionClass) return this.n === o.n && this.d === o.d;
      return plain(o) ? this.__cmp__(o) === 0 : NotImplemented;
    }
  }
  const halves = (above, below) => {
    const found = floorBig(above, below), rest = (above - found * below) * 2n;
    return rest > below || (rest === below && found % 2n !== 0n) ? found + 1n : found;
  };
  const Fraction = (n = 0, d = undefined) => {
    if (d !== undefined) {
      if (n instanceof FractionClass || d instanceof FractionClass) return $.div(Fraction(n), Fraction(d));
      return new FractionClass(BigInt(n), BigInt(d));
    }
    if (n instanceof FractionClass) return n;
    if (whole(n)) return new FractionClass(BigInt(n), 1n, true);
    if (typeof n === "number") return new FractionClass(...floatRatio(n));
    if (typeof n === "string") {
      const found = /^\s*([+-]?)(\d[\d_]*)?(?:\/(\d+)|(?:\.(\d*))?(?:[eE]([+-]?\d+))?)\s*$/.exec(n);
      if (!found || (found[2] === undefined && !found[4])) throw $.ValueError(n);
      const [, sign, front = "0", below, back = "", power = "0"] = found;
      const size = BigInt((sign === "-" ? "-" : "") + front.replaceAll("_", "") + back);
      if (below !== undefined) return new FractionClass(size, BigInt(below));
      const places = BigInt(power) - BigInt(back.length);
      return places >= 0n ? new FractionClass(size * 10n ** places, 1n) : new FractionClass(size, 10n ** -places);
    }
    return n.__fraction__();
  };
  Fraction.$kind = FractionClass; Fraction.$class = FractionClass;
  $.Fraction = Fraction;
  const ofType = $.type;
  $.type = (value) => (value instanceof FractionClass ? Fraction : ofType(value));
  for (const [owner, read] of [[Number, (v) => v.valueOf()], [BigInt, (v) => v.valueOf()]]) {
    const own = { $bit_length() { return bits(BigInt(this)); }, $as_integer_ratio() { return floatRatio(Number(this)).map(norm); },
      $is_integer() { return Number.isInteger(Number(this)); } };
    for (const [name, value] of Object.entries(own)) Object.defineProperty(owner.prototype, name, { value, configurable: true });
    Object.defineProperty(owner.prototype, "numerator", { get() { return read(this); }, configurable: true });
    Object.defineProperty(owner.prototype, "denominator", { get() { return 1; }, configurable: true });
  }
  const decimalDigits = (above, below, places) => {
    const scaled = halves((above < 0n ? -above : above) * 10n ** BigInt(places), below);
    const text = scaled.toString().padStart(places + 1, "0");
    return (above < 0n ? "-" : "") + (places ? `${text.slice(0, -places)}.${text.slice(-places)}` : text);
  };
  $.round = (value, places = undefined) => {
    if (typeof value === "object") return value.__round__(places);
    if (whole(value) && (places ?? 0) >= 0) return value;
    if (!Number.isFinite(value)) return value;
    const [n, d] = floatRatio(value);
    if (places === undefined) return norm(halves(n, d));
    if (places < 0) return $.float(new FractionClass(n, d).__round__(places));
    const found = Number(decimalDigits(n, d, places));
    return found === 0 ? 0 : found;
  };

  // --- text

  const floatText = (value) => {
    if (!Number.isFinite(value)) return Number.isNaN(value) ? "nan" : value > 0 ? "inf" : "-inf";
    const [digits, power] = Math.abs(value).toExponential().split("e").map((part, n) => (n ? Number(part) : part.replace(".", "")));
    if (value === 0) return "0.0";
    if (power < -4 || power >= 16) {
      const head = digits.length > 1 ? `${digits[0]}.${digits.slice(1)}` : digits;
      return `${value < 0 ? "-" : ""}${head}e${power < 0 ? "-" : "+"}${String(Math.abs(power)).padStart(2, "0")}`;
    }
    const found = String(value);
    return found.includes(".") ? found : `${found}.0`;
  };
  const text = (value) => {
    switch (typeof value) {
      case "string": return value;
      case "number": return Number.isInteger(value) ? String(value) : floatText(value);
      case "bigint": return value.toString();
      case "boolean": return value ? "True" : "False";
    }
    if (value === undefined) throw $.TypeError("undefined");
    if (value === null) return "None";
    if (typeof value === "object" && typeof value.__str__ === "function") return value.__str__();
    return $.repr(value);
  };
  $.repr = (value) => {
    if (typeof value === "string") return `'${value}'`;
    if (Array.isArray(value)) return `(${value.map($.repr).join(", ")})`;
    if (typeof value === "object" && value !== null) return value.__repr__ ? value.__repr__() : value.__str__ ? value.__str__() : `<${value.constructor.$title ?? value.constructor.name}>`;
    return text(value);
  };
  const general = (value, digits) => {
    if (value === 0) return "0";
    const [mantissa, power] = value.toExponential(digits - 1).split("e");
    const trim = (t) => (t.includes(".") ? t.replace(/\.?0+$/, "") : t);
    if (power < -4 || power >= digits) return `${trim(mantissa)}e${power < 0 ? "-" : "+"}${String(Math.abs(power)).padStart(2, "0")}`;
    return trim(value.toFixed(Math.max(digits - 1 - power, 0)));
  };
  $.format = (value, spec) => {
    const found = /^(?:(.)?([<>=^]))?([+ -]?)(#?)(0?)(\d*)([,_]?)(?:\.(\d+))?([a-z%]?)$/su.exec(spec);
    if (!found) throw $.ValueError(spec);
    let [, fill = " ", align, sign, , zero, width, group, places, type] = found;
    let body;
    const isNumber = plain(value) || (typeof value === "object" && value !== null && value.__float__);
    if (type === "f" || type === "e" || type === "g" || (isNumber && places !== undefined)) {
      const number = type === "f" ? value : $.float(value);
      if (type === "f") {
        const real = typeof value === "object" ? $.float(value) : Number(value);
        body = Number.isFinite(real) ? decimalDigits(...floatRatio(real), Number(places ?? 6)) : floatText(real);
        if (Object.is(real, -0)) body = `-${body}`;
      } else if (type === "e") body = number.toExponential(Number(places ?? 6)).replace(/e([+-])(\d)$/, "e$10$2");
      else body = Number.isFinite(number) ? general(number, Math.max(Number(places ?? 6), 1)) : floatText(number);
    } else body = text(value);
    if (group) body = body.replace(/^(-?\d+)/, (digits) => digits.replace(/\B(?=(\d{3})+$)/g, group));
    if (sign === "+" && isNumber && !body.startsWith("-")) body = `+${body}`;
    const lacking = Number(width || 0) - [...body].length;
    if (lacking <= 0) return body;
    if (zero && !align) return body.replace(/^(-?)/, `$1${"0".repeat(lacking)}`);
    align ??= isNumber ? ">" : "<";
    const left = align === ">" ? lacking : align === "^" ? Math.floor(lacking / 2) : 0;
    return fill.repeat(left) + body + fill.repeat(lacking - left);
  };
  $.ord = (c) => c.codePointAt(0);
  $.chr = (n) => String.fromCodePoint(n);

  const methods = (owner, own) => {
    for (const [name, value] of Object.entries(own))
      Object.defineProperty(owner.prototype, `$${name}`, { value, configurable: true, writable: true });
  };
  const trimmer = (chars) => (chars == null ? /\s/ : { test: (c) => chars.includes(c) });
  const stripped = (value, chars, left, right) => {
    const test = trimmer(chars);
    let start = 0, end = value.length;
    while (left && start < end && test.test(value[start])) start++;
    while (right && end > start && test.test(value[end - 1])) end--;
    return value.slice(start, end);
  };
  const starts = (value, part, method) => (Array.isArray(part) ? part.some((each) => value[method](each)) : value[method](part));
  methods(String, {
    join(values) { return Array.from(values).join(this); },
    split(separator = null, most = -1) {
      const value = String(this);
      if (separator === null) { const found = value.trim(); return found ? found.split(/\s+/) : []; }
      const parts = value.split(separator);
      return most >= 0 && parts.length > most + 1 ? [...parts.slice(0, most), parts.slice(most).join(separator)] : parts;
    },
    rsplit(separator, most) { const parts = this.split(separator); const cut = Math.max(parts.length - most, 1); return [parts.slice(0, cut).join(separator), ...parts.slice(cut)]; },
    splitlines() { return this.replace(/\n$/, "").split(/\r\n|[\n\r]/); },
    replace(one, other, count = -1) { return count === 1 ? this.replace(one, () => other) : this.replaceAll(one, () => other); },
    startswith(part, at = 0) { return Array.isArray(part) ? part.some((each) => this.startsWith(each, at)) : this.startsWith(part, at); },
    endswith(part) { return starts(this, part, "endsWith"); },
    strip(chars) { return stripped(String(this), chars, true, true); },
    lstrip(chars) { return stripped(String(this), chars, true, false); },
    rstrip(chars) { return stripped(String(this), chars, false, true); },
    removeprefix(part) { return this.startsWith(part) ? this.slice(part.length) : String(this); },
    removesuffix(part) { return part && this.endsWith(part) ? this.slice(0, -part.length) : String(this); },
    partition(part) { const at = this.indexOf(part); return at < 0 ? [String(this), "", ""] : [this.slice(0, at), part, this.slice(at + part.length)]; },
    rpartition(part) { const at = this.lastIndexOf(part); return at < 0 ? ["", "", String(this)] : [this.slice(0, at), part, this.slice(at + part.length)]; },
    lower() { return this.toLowerCase(); }, upper() { return this.toUpperCase(); }, casefold() { return this.toLowerCase(); },
    capitalize() { return this.charAt(0).toUpperCase() + this.slice(1).toLowerCase(); },
    title() { return this.replace(/\p{L}+/gu, (w) => w[0].toUpperCase() + w.slice(1).toLowerCase()); },
    find(part, at = 0) { return this.indexOf(part, at); }, index(part) { const at = this.indexOf(part); if (at < 0) throw $.ValueError(part); return at; },
    rfind(part) { return this.lastIndexOf(part); },
    count(part) { return this.split(part).length - 1; },
    isdecimal() { return /^\p{Nd}+$/u.test(this); }, isdigit() { return /^\p{Nd}+$/u.test(this); },
    isalpha() { return /^\p{L}+$/u.test(this); }, isalnum() { return /^[\p{L}\p{N}]+$/u.test(this); },
    isascii() { return /^[\x00-\x7f]*$/.test(this); }, isspace() { return /^\s+$/.test(this); },
    isupper() { return this == this.toUpperCase() && this != this.toLowerCase(); }, islower() { return this == this.toLowerCase() && this != this.toUpperCase(); },
    isprintable() { return !/[\p{C}\p{Zl}\p{Zp}]/u.test(this) && !/[^\P{Zs} ]/u.test(this); },
    isidentifier() { return /^[\p{L}_][\p{L}\p{N}_]*$/u.test(this); },
    rjust(width, fill = " ") { return this.padStart(width, fill); }, ljust(width, fill = " ") { return this.padEnd(width, fill); }, zfill(width) { return this.replace(/^(-?)(.*)$/, (_, s, d) => s + d.padStart(width - s.length, "0")); },
    translate(table) { return Array.from(this, (c) => { const found = table.$get(c.codePointAt(0), undefined); return found === undefined ? c : found === null ? "" : typeof found === "number" ? String.fromCodePoint(found) : found; }).join(""); },
    format(...given) {
      const words = $.named(given);
      let n = 0;
      return this.replace(/\{\{|\}\}|\{([^{}:!]*)(?::([^{}]*))?\}/g, (all, name, spec) => {
        if (name === undefined) return all[0];
        const value = name === "" ? given[n++] : /^\d+$/.test(name) ? given[Number(name)] : words[name];
        if (value === undefined) throw $.KeyError(name);
        return spec ? $.format(value, spec) : text(value);
      });
    },
    format_map(words) { return this.$format($.kw(Object.fromEntries($.pairs(words)))); },
    encode() { return { $hex: () => "" }; },
  });
  // A member of an enumeration is its text.
  Object.defineProperty(String.prototype, "value", { get() { return String(this); }, configurable: true });
  $.str.maketrans = $.str.$maketrans = (one, other) => {
    if (typeof one === "string") return $.dict([...one].map((c, n) => [c.codePointAt(0), [...other][n]]));
    return $.dict($.pairs(one).map(([key, value]) => [typeof key === "string" ? key.codePointAt(0) : key, value]));
  };
  $.str.$join = (separator, values) => separator.$join(values);
  $.str.$strip = (value) => value.trim(); $.str.$isdigit = (value) => value.$isdigit(); $.str.$isalpha = (value) => value.$isalpha(); $.str.$lower = (value) => value.toLowerCase();
  methods(Array, {
    append(value) { this.push(value); }, extend(values) { for (const each of values) this.push(each); },
    insert(at, value) { this.splice(at, 0, value); },
    pop(at = -1) { if (!this.length) throw $.IndexError(at); return this.splice(at, 1)[0]; },
    index(value) { const at = this.findIndex((each) => $.eq(each, value)); if (at < 0) throw $.ValueError("not in list"); return at; },
    count(value) { return this.filter((each) => $.eq(each, value)).length; },
    copy() { return this.slice(); }, clear() { this.length = 0; }, reverse() { this.reverse(); },
    remove(value) { this.splice(this.$index(value), 1); },
    sort(words = undefined) { const { key = null, reverse = false } = words?.words ?? {}; this.splice(0, this.length, ...$.sorted(this, key, reverse)); },
  });
  for (const [name, value] of Object.entries({ __getitem__(place) { return $.at(this, place); }, __contains__(each) { return $.has(this, each); } })) {
    Object.defineProperty(Array.prototype, name, { value, configurable: true });
    if (name === "__contains__") { Dict.prototype[name] ??= value; }
  }
  Array.prototype.$sort.$names = true;
  String.prototype.$format.$names = true;

  const words = (source) => {
    let found = "", inside = false;
    for (let n = 0; n < source.length; n++) {
      const c = source[n], pair = source.slice(n, n + 2);
      if (source.startsWith("[^\\W\\d]", n)) { found += "[\\p{L}_]"; n += 6; continue; }
      if (pair === "\\w") { found += inside ? "\\p{L}\\p{N}_" : "[\\p{L}\\p{N}_]"; n++; continue; }
      if (c === "\\") { found += pair; n++; continue; }
      if (c === "[") inside = true; else if (c === "]") inside = false;
      found += c;
    }
    return found;
  };
  const pattern = (source, extra) => words(source).replace(/\(\?P</g, "(?<").replace(/\(\?P=(\w+)\)/g, "\\k<$1>").replace(/\\Z/g, "$").replace(/\\A/g, "^").replace(/\\([-"'#&`~!@%<>=,:;\/ ])/g, (all, c) => ("-/".includes(c) ? all : c));
  class Match {
    constructor(found) { this.found = found; }
    $one(key) { const value = typeof key === "number" ? this.found[key] : this.found.groups?.[key]; return value === undefined ? null : value; }
    group(...keys) { return keys.length > 1 ? keys.map((key) => this.$one(key)) : this.$one(keys[0] ?? 0); }
    groups() { return this.found.slice(1).map((each) => each ?? null); }
    groupdict() { return $.dict(Object.entries(this.found.groups ?? {}).map(([key, value]) => [key, value ?? null])); }
    at(key) { return this.$one(key); }
    span(key = 0) { const found = typeof key === "number" ? this.found.indices[key] : this.found.indices.groups[key]; return found ?? [-1, -1]; }
    start(key = 0) { return this.span(key)[0]; }
    end(key = 0) { return this.span(key)[1]; }
    get lastgroup() { return Object.entries(this.found.groups ?? {}).filter(([, v]) => v !== undefined).map(([k]) => k).at(-1) ?? null; }
  }
  class Pattern {
    constructor(source, flags = "") { this.source = pattern(source); this.flags = `${flags}u`; this.kept = {}; }
    $made(flags, wrap = (s) => s) { const key = flags + wrap("."); return (this.kept[key] ??= new RegExp(wrap(this.source), flags + this.flags)); }
    $run(made, value, at = 0) { made.lastIndex = at; const found = made.exec(value); return found ? new Match(found) : null; }
    fullmatch(value) { return this.$run(this.$made("yd", (s) => `(?:${s})$`), value); }
    match(value, at = 0) { return this.$run(this.$made("yd"), value, at); }
    search(value, at = 0) { return this.$run(this.$made("gd"), value, at); }
    finditer(value) { return Array.from(value.matchAll(this.$made("gd")), (found) => new Match(found)); }
    findall(value) { return Array.from(value.matchAll(this.$made("g")), (found) => (found.length > 2 ? found.slice(1) : found.length === 2 ? found[1] : found[0])); }
    sub(change, value) {
      const by = typeof change === "function" ? (...all) => { const groups = typeof all.at(-1) === "object" ? all.pop() : undefined; const at = all.at(-2); const found = Object.assign(all.slice(0, -2), { index: at, groups }); return change(new Match(found)); }
        : change.replace(/\$/g, "$$$$").replace(/\\g<(\w+)>/g, (_, n) => (/^\d+$/.test(n) ? `$${n}` : `$<${n}>`)).replace(/\\(\d)/g, "$$$1");
      return value.replace(this.$made("g"), by);
    }
    $split(value) { return value.split(this.$made("")); }
    $sub(change, value) { return this.sub(change, value); }
  }
  $.re = { IGNORECASE: "i", compile: (source, flags) => new Pattern(source, flags), escape: (value) => value.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"),
    sub: (source, change, value) => new Pattern(source).sub(change, value), fullmatch: (source, value) => new Pattern(source).fullmatch(value),
    split: (source, value) => new Pattern(source).$split(value), search: (source, value) => new Pattern(source).search(value), match: (source, value) => new Pattern(source).match(value) };
  $.html = { escape: (value, quote = true) => { const found = value.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;"); return quote === false || quote?.words?.quote === false ? found : found.replace(/"/g, "&quot;").replace(/'/g, "&#x27;"); } };
  const wide = /[\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]/u;
  $.unicodedata = { normalize: (form, value) => value.normalize(form), east_asian_width: (c) => (wide.test(c) ? "W" : "N"), combining: (c) => (/\p{Mn}/u.test(c) ? 230 : 0),
    lookup: (name) => {
      const [, wide, letter] = /^(MATHEMATICAL )?SCRIPT CAPITAL ([A-Z])$/.exec(name) ?? [];
      const old = { B: 0x212c, E: 0x2130, F: 0x2131, H: 0x210b, I: 0x2110, L: 0x2112, M: 0x2133, R: 0x211b }[letter];
      if (!letter || !wide === !old) throw $.KeyError(name);
      return String.fromCodePoint(old ?? 0x1d49c + letter.charCodeAt(0) - 65);
    },
    category: (c) => (/\p{L}/u.test(c) ? "L" : /\p{N}/u.test(c) ? "N" : "S") };
  error("CycleError", $.ValueError.$kind);
  $.graphlib = {
    CycleError: $.CycleError,
    TopologicalSorter: (graph) => ({
      static_order() {
        const nodes = new Dict();
        const info = (node) => nodes.$setdefault(node, { count: 0, after: [] });
        for (const [node, before] of $.pairs(graph)) {
          info(node);
          for (const each of before) { info(node).count += 1; info(each).after.push(node); }
        }
        const found = [];
        let ready = nodes.$items().filter(([, { count }]) => !count).map(([node]) => node);
        while (ready.length) {
          found.push(...ready);
          const next = [];
          for (const node of ready) for (const each of nodes.at(node).after) if (!--nodes.at(each).count) next.push(each);
          ready = next;
        }
        if (found.length < nodes.__len__()) throw $.CycleError("nodes are in a cycle");
        return found;
      },
    }),
  };
  $.difflib = { get_close_matches: () => [] }; // What somebody may have meant is not guessed here.
  $.MappingProxyType = (value) => value;
  $.Decimal = $.Path = $.bytes = abstract(() => false); // Nothing here is one.
  $.typing = { Any: $.object, NamedTuple: $.NamedTuple, TYPE_CHECKING: false, cast: (_, value) => value };
  return $;
})();
