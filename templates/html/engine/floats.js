// Binary floats of as many digits as wanted, as mpmath has them: sign, whole mantissa, power of two, number of bits.
// Sums, products and quotients are rounded to the nearest, halves to even; functions are those of decimal.js.
(() => {
  "use strict";
  const zero = [0, 0n, 0, 0], infinity = [0, 0n, -456, -2], minusInfinity = [1, 0n, -789, -3];
  const context = { prec: 169, digits: 50 };
  const abs = (value) => (value < 0n ? -value : value);

  const made = (value, power, prec) => {
    if (value === 0n) return zero;
    const sign = value < 0n ? 1 : 0;
    let size = abs(value), bits = $.bits(size);
    if (bits > prec) {
      const cut = BigInt(bits - prec), rest = size & ((1n << cut) - 1n), half = 1n << (cut - 1n);
      size >>= cut;
      power += bits - prec;
      if (rest > half || (rest === half && size & 1n)) size += 1n;
    }
    if (!(size & 1n)) {
      const text = size.toString(2), zeros = text.length - text.lastIndexOf("1") - 1;
      size >>= BigInt(zeros);
      power += zeros;
    }
    return [sign, size, power, $.bits(size)];
  };
  const signed = (raw) => (raw[0] ? -raw[1] : raw[1]);
  const special = (raw) => raw[1] === 0n && raw[2] !== 0;
  const quotient = (above, below, power, prec) => {
    if (below === 0n) throw $.ZeroDivisionError("division by zero");
    if (above === 0n) return zero;
    const shift = Math.max(prec - $.bits(abs(above)) + $.bits(abs(below)) + 4, 0);
    const large = abs(above) << BigInt(shift), size = abs(below);
    let found = (large / size) << 1n;
    if (large % size) found |= 1n;
    return made(above < 0n !== below < 0n ? -found : found, power - shift - 1, prec);
  };
  const add = (one, other, prec = Infinity) => {
    if (special(one) || special(other)) return special(one) ? one : other;
    if (!one[1]) return made(signed(other), other[2], prec);
    if (!other[1]) return made(signed(one), one[2], prec);
    const [low, high] = one[2] < other[2] ? [one, other] : [other, one];
    const gap = high[2] - low[2];
    if (gap > 4000 && high[2] + high[3] - low[2] - low[3] > prec + 4 && prec !== Infinity)
      return made((signed(high) << BigInt(prec + 8)) + (low[0] ? -1n : 1n), high[2] - prec - 8, prec);
    return made(signed(low) + (signed(high) << BigInt(gap)), low[2], prec);
  };
  const multiply = (one, other, prec) => {
    if (special(one) || special(other)) return (one[0] ^ other[0]) || (special(one) && one[2] === -789) !== (special(other) && other[2] === -789) ? minusInfinity : infinity;
    return made(signed(one) * signed(other), one[2] + other[2], prec);
  };
  const divide = (one, other, prec) => quotient(signed(one), signed(other), one[2] - other[2], prec);
  const negative = (raw) => (special(raw) ? (raw === infinity ? minusInfinity : infinity) : raw[1] ? [1 - raw[0], raw[1], raw[2], raw[3]] : raw);
  const rational = (above, below, prec) => quotient(BigInt(above), BigInt(below), 0, prec);
  const rounded = (raw, prec) => (special(raw) ? raw : made(signed(raw), raw[2], prec));

  // --- functions, by decimal.js

  const places = (prec) => Math.ceil(prec * 0.30103) + 12;
  const decimals = new Map();
  const D = (digits) => {
    const size = Math.ceil(digits / 20) * 20;
    if (!decimals.has(size)) decimals.set(size, Decimal.clone({ precision: size, toExpNeg: -9e15, toExpPos: 9e15, maxE: 9e15, minE: -9e15, defaults: true }));
    return decimals.get(size);
  };
  const toDecimal = (raw, digits) => {
    const kind = D(digits);
    return new kind(signed(raw).toString()).times(new kind(2).pow(raw[2]));
  };
  const fromDecimal = (value, prec) => {
    if (value.isZero()) return zero;
    if (!value.isFinite()) return value.isNegative() ? minusInfinity : infinity;
    const [digits, power] = value.toExponential().split("e");
    const whole = BigInt(digits.replace(".", "")), exponent = Number(power) - (digits.split(".")[1] ?? "").length;
    if (Math.abs(exponent) > 20000) {
      // 10^e = 2^(e·log2 10): the whole part of the power is apart.
      const kind = D(prec * 0.31 + 60), all = new kind(exponent).times(kind.log2(10)), whole2 = all.floor();
      return multiply(made(whole, whole2.toNumber(), prec + 60), fromDecimal(new kind(2).pow(all.minus(whole2)), prec + 60), prec);
    }
    return exponent >= 0 ? made(whole * 10n ** BigInt(exponent), 0, prec) : quotient(whole, 10n ** BigInt(-exponent), 0, prec);
  };
  const magnitude = (raw) => (raw[1] ? (raw[2] + raw[3]) * 0.30103 : -Infinity);
  const call = (name, spare = 0) => (raw, prec) => {
    if (special(raw)) return name === "exp" ? (raw === minusInfinity ? zero : infinity) : raw;
    const digits = places(prec) + spare + Math.max(Math.ceil(magnitude(raw)), 0);
    return fromDecimal(toDecimal(raw, digits)[name](), prec);
  };
  const one = [0, 1n, 0, 1];
  // exp and ln, which are wanted all the time, in whole numbers of units of 2^-bits.
  const logarithmsOfTwo = new Map();
  const logarithmOfTwo = (bits) => {
    if (!logarithmsOfTwo.has(bits)) {
      const wide = BigInt(bits + 20), inverse = (q) => {
        let power = (1n << wide) / q, sum = power;
        for (let n = 3n; power; n += 2n) { power /= q * q; sum += power / n; }
        return sum;
      };
      logarithmsOfTwo.set(bits, (18n * inverse(26n) - 2n * inverse(4801n) + 8n * inverse(8749n)) >> 20n);
    }
    return logarithmsOfTwo.get(bits);
  };
  const shifted = (value, by) => (by >= 0 ? value << BigInt(by) : value >> BigInt(-by));
  const HALVINGS = 8;
  const exponential = (fixed, bits) => {
    // e^x of 0 <= x < 1 as a whole number of units.
    const unit = BigInt(bits), small = fixed >> BigInt(HALVINGS);
    let term = 1n << unit, sum = term;
    for (let n = 1n; ; n++) {
      term = (term * small >> unit) / n;
      if (!term) break;
      sum += term;
    }
    for (let n = 0; n < HALVINGS; n++) sum = sum * sum >> unit;
    return sum;
  };
  const exp = (raw, prec) => {
    if (special(raw)) return raw === minusInfinity ? zero : infinity;
    if (!raw[1]) return one;
    const size = raw[2] + raw[3];
    if (size < -prec - 8) return add(one, raw, prec);
    const bits = prec + 40 + Math.max(size, 0), fixed = shifted(signed(raw), raw[2] + bits), two = logarithmOfTwo(bits);
    let times = fixed / two;
    if (fixed < 0n) times -= 1n;
    return made(exponential(fixed - times * two, bits), Number(times) - bits, prec);
  };
  const log = (raw, prec) => {
    const beside = add(raw, negative(one));
    if (!beside[1]) return zero;
    const lost = Math.max(-(beside[2] + beside[3]), 0), power = raw[2] + raw[3], bits = prec + 40 + lost;
    const x = shifted(raw[1], bits - raw[3]), unit = 1n << BigInt(bits); // between 1/2 and 1
    let y = 0n;
    // −ln x by e^y: y grows by 2 (e^-y − x)/(e^-y + x), three times as many digits each time.
    const start = -Math.log(Number(raw[1] >> BigInt(Math.max(raw[3] - 60, 0))) / 2 ** Math.min(raw[3], 60));
    y = shifted(BigInt(Math.round(start * 2 ** 50)), bits - 50);
    for (let right = 46; right < bits; right *= 3) {
      const found = exponential(y > 0n ? y : 0n, bits), product = found * x >> BigInt(bits);
      y += 2n * ((unit - product) << BigInt(bits)) / (unit + product);
    }
    return made(BigInt(power) * logarithmOfTwo(bits) - y, -bits, prec);
  };
  const series = (raw, prec, terms) => {
    let total = zero, power = one;
    for (const [above, below] of terms) {
      power = multiply(power, raw, prec + 20);
      total = add(total, multiply(power, rational(above, below, prec + 20), prec + 20), prec + 20);
    }
    return rounded(total, prec);
  };
  const log1p = (raw, prec) => magnitude(raw) < -60 ? series(raw, prec, [[1, 1], [-1, 2], [1, 3], [-1, 4]]) : log(add(one, raw), prec);
  const expm1 = (raw, prec) => {
    if (!raw[1]) return zero;
    if (magnitude(raw) < -60) return series(raw, prec, [[1, 1], [1, 2], [1, 6], [1, 24]]);
    const spare = Math.max(Math.ceil(-magnitude(raw) * 3.4), 0) + 10;
    return add(exp(raw, prec + spare), negative(one), prec);
  };
  const root = (raw, prec) => {
    if (!raw[1]) return raw;
    let shift = Math.max(2 * prec + 8 - raw[3], 0);
    if ((raw[2] - shift) % 2) shift += 1;
    const large = raw[1] << BigInt(shift);
    let found = BigInt($.math.isqrt(large)) << 1n;
    if ((found >> 1n) ** 2n !== large) found |= 1n;
    return made(found, (raw[2] - shift) / 2 - 1, prec);
  };
  const errorFunction = (raw, prec) => {
    const kind = D(places(prec) + 30 + Math.ceil(10 ** Math.max(2 * magnitude(raw), 0)));
    const x = toDecimal(raw, kind.precision), square = x.times(x);
    let term = x, total = x;
    for (let n = 1; !term.isZero() && term.e > total.e - kind.precision; n++) {
      term = term.times(square).neg().div(n);
      total = total.plus(term.div(2 * n + 1));
    }
    return total.times(2).div(kind.acos(-1).sqrt());
  };
  const erf = (raw, prec) => fromDecimal(errorFunction(raw, prec), prec);
  const erfc = (raw, prec) => {
    const x = toDecimal(raw, places(prec)), size = x.toNumber();
    if (size < 27) {
      const kind = D(places(prec) + 30 + Math.ceil(size * size));
      return fromDecimal(new kind(1).minus(errorFunction(raw, Math.ceil(kind.precision * 3.33))), prec);
    }
    const kind = D(places(prec) + 10), square = x.times(x).times(2);
    let term = new kind(1), total = term;
    for (let n = 1; n < 300 && term.abs().e > -kind.precision; n++) {
      term = term.times(-(2 * n - 1)).div(square);
      total = total.plus(term);
    }
    return fromDecimal(new kind(x).pow(2).neg().exp().div(new kind(x).times(kind.acos(-1).sqrt())).times(total), prec);
  };
  const functions = { exp, log, log1p, expm1, sqrt: root, erf, erfc, sin: call("sin", 30), cos: call("cos", 30), tan: call("tan", 30),
    asin: call("asin", 10), acos: call("acos", 10), atan: call("atan", 10), sinh: call("sinh", 10), cosh: call("cosh", 10), tanh: call("tanh", 10) };

  // --- the numbers

  class Float {
    constructor(raw) { this._mpf_ = raw; }
    __add__(o) { return combined(this, o, add); }
    __radd__(o) { return combined(this, o, add); }
    __sub__(o) { return combined(this, o, (a, b, prec) => add(a, negative(b), prec)); }
    __rsub__(o) { return combined(this, o, (a, b, prec) => add(b, negative(a), prec)); }
    __mul__(o) { return combined(this, o, multiply); }
    __rmul__(o) { return combined(this, o, multiply); }
    __truediv__(o) { return combined(this, o, divide); }
    __rtruediv__(o) { return combined(this, o, (a, b, prec) => divide(b, a, prec)); }
    __neg__() { return new Float(negative(rounded(this._mpf_, context.prec))); }
    __pos__() { return new Float(rounded(this._mpf_, context.prec)); }
    __abs__() { const raw = rounded(this._mpf_, context.prec); return new Float(raw[0] ? negative(raw) : raw); }
    __pow__(o) {
      const raw = this._mpf_;
      if (typeof o === "number" && Number.isInteger(o)) {
        if (raw[3] * Math.abs(o) < 20000) {
          const found = made(signed(raw) ** BigInt(Math.abs(o)), raw[2] * Math.abs(o), o < 0 ? Infinity : context.prec);
          return new Float(o < 0 ? divide(one, found, context.prec) : found);
        }
        const size = power(abs1(raw), raw_of(o), context.prec);
        return new Float(raw[0] && o % 2 ? negative(size) : size);
      }
      return new Float(power(raw, raw_of(o), context.prec));
    }
    __rpow__(o) { return new Float(power(raw_of(o), this._mpf_, context.prec)); }
    __bool__() { return this._mpf_[1] !== 0n || special(this._mpf_); }
    __cmp__(o) {
      const other = raw_of(o);
      if (other === null) return $.NotImplemented;
      if (special(this._mpf_) || special(other)) {
        const size = (raw) => (special(raw) ? (raw === infinity ? 1 : -1) : 0);
        return size(this._mpf_) - size(other);
      }
      const found = add(this._mpf_, negative(other));
      return found[1] === 0n ? 0 : found[0] ? -1 : 1;
    }
    __eq__(o) { const found = this.__cmp__(o); return found === $.NotImplemented ? found : found === 0; }
    __int__() { const [, size, exponent] = this._mpf_; const found = exponent >= 0 ? size << BigInt(exponent) : size >> BigInt(-exponent); return $.norm(this._mpf_[0] ? -found : found); }
    __float__() {
      const [sign, size, exponent, length] = this._mpf_;
      if (special(this._mpf_)) return sign ? -Infinity : Infinity;
      if (exponent + length > 1100) return sign ? -Infinity : Infinity;
      if (exponent + length < -1200) return 0;
      return exponent >= 0 ? Number(signed(this._mpf_) << BigInt(exponent)) : $.ratioToFloat(signed(this._mpf_), 1n << BigInt(-exponent));
    }
    __floor__() { return $.norm($.Fraction(...ratio(this._mpf_)).__floor__()); }
    __round__(places) { return $.Fraction(...ratio(this._mpf_)).__round__(places); }
    __key__() { return `R${this._mpf_.join()}`; }
    __str__() { return nstr(this, 15); }
  }
  const ratio = (raw) => (raw[2] >= 0 ? [signed(raw) << BigInt(raw[2]), 1n] : [signed(raw), 1n << BigInt(-raw[2])]);
  const abs1 = (raw) => (raw[0] ? negative(raw) : raw);
  const power = (base, exponent, prec) => {
    if (exponent[1] === 1n && exponent[2] === -1 && !exponent[0]) return root(base, prec);
    const spare = Math.max(Math.ceil(magnitude(exponent) * 3.4), 0) + Math.max(Math.ceil(Math.log2(Math.abs(base[2] + base[3]) + 2)), 0) + 20;
    return exp(multiply(exponent, log(base, prec + spare), prec + spare), prec);
  };
  const ofDouble = (value) => {
    if (!Number.isFinite(value)) return value > 0 ? infinity : minusInfinity;
    const [above, below] = value.$as_integer_ratio();
    return quotient(BigInt(above), BigInt(below), 0, 200);
  };
  const raw_of = (value, prec = context.prec) => {
    if (value instanceof Float) return value._mpf_;
    if (typeof value === "bigint" || (typeof value === "number" && Number.isInteger(value))) return made(BigInt(value), 0, Infinity);
    if (typeof value === "number") return ofDouble(value);
    if (typeof value === "boolean") return value ? one : zero;
    if (value instanceof $.Fraction.$class) return rational(value.n, value.d, prec);
    if (typeof value === "string") {
      if (/inf/.test(value)) return value.startsWith("-") ? minusInfinity : infinity;
      const read = $.Fraction(value);
      return rational(read.n, read.d, prec);
    }
    return value != null && value._mpf_ ? value._mpf_ : null;
  };
  const combined = (left, right, change) => {
    const other = raw_of(right);
    return other === null ? $.NotImplemented : new Float(change(left._mpf_, other, context.prec));
  };
  const Real = (value = 0) => new Float(rounded(raw_of(value), context.prec));
  Real.$kind = Float; Real.$title = "mpf";
  const ofType = $.type;
  $.type = (value) => (value instanceof Float ? Real : ofType(value));
  // Always with a power of ten, as it is asked for by these names, but where that is 0.
  const nstr = (value, digits, strip_zeros, min_fixed, max_fixed) => {
    const raw = value._mpf_ ?? raw_of(value);
    if (!raw[1]) return "0.0";
    return toDecimal(raw, Math.max(digits, 30) + 20).toExponential(digits - 1).replace(/e\+0$/, "");
  };
  const argument = (value) => rounded(raw_of(value), Math.max(context.prec, raw_of(value)[3]));
  const CONTEXT = {
    get prec() { return context.prec; }, get dps() { return context.digits; }, set dps(digits) { context.digits = digits; context.prec = Math.round((digits + 1) * 3.3219280948873626); },
    mpf: Real, make_mpf: (raw) => new Float(raw), zero: new Float(zero), inf: new Float(infinity), ninf: new Float(minusInfinity), one: new Float(one),
    get pi() { return new Float(fromDecimal(D(places(context.prec) + 10).acos(-1), context.prec)); },
    // Asked for by those who want to know a size.
    log10: (value) => { const raw = raw_of(value); return new Float(multiply(log(raw, 60), rational(10000000000000000n, 23025850929940457n, 60), 60)); },
    mag: (value) => { const raw = raw_of(value); return raw[2] + raw[3]; },
    isint: (value) => { const raw = raw_of(value); return !special(raw) && raw[2] >= 0 || raw[1] === 0n; },
    isinf: (value) => special(raw_of(value)), isnan: () => false, nstr,
    workdps: (digits) => { const before = { ...context }; return { __enter__() { CONTEXT.dps = digits; }, __exit__() { Object.assign(context, before); } }; },
  };
  for (const [name, run] of Object.entries(functions)) CONTEXT[name] = (value) => new Float(run(argument(value), context.prec));
  CONTEXT.ln = CONTEXT.log;
  const libmp = {
    from_int: (value, prec = Infinity) => made(BigInt(value), 0, prec), mpf_div: divide, mpf_add: (a, b, prec = Infinity) => add(a, b, prec), mpf_mul: multiply,
    mpf_neg: negative, mpf_pos: rounded, mpf_log: log, from_rational: rational, to_rational: (raw) => ratio(raw).map($.norm), from_pickable: (raw) => raw,
  };
  $.mpmath = { libmp, MPContext: () => CONTEXT };
  $.Real = Real; $.CONTEXT = CONTEXT; $.float_of = (raw) => new Float(raw);
})();
