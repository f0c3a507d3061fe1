// Objects of Python from data: each is a row, [kind, …]; what occurs again is [number].
$.revive = (data, known) => {
  "use strict";
  const made = new Array(data.rows.length);
  const value = (entry) => {
    if (!Array.isArray(entry)) return entry;
    if (entry[0] === "n") return BigInt(entry[1]);
    const number = entry[0];
    if (made[number] === undefined) made[number] = row(data.rows[number], number);
    return made[number];
  };
  const row = (found, number) => {
    const [sort, ...rest] = found;
    switch (sort) {
      case "F": return $.Fraction(rest[0]);
      case "R": return $.float_of([rest[0], BigInt(rest[1]), rest[2], rest[3]]);
      case "T": return rest.map(value);
      case "D": return $.dict(rest.flatMap((_, n) => (n % 2 ? [] : [[value(rest[n]), value(rest[n + 1])]])));
      case "S": return $.set(rest.map(value));
      case "f": return known(rest[0]);
    }
    const kind = known(data.kinds[rest[0]]), object = Object.create(kind.prototype);
    made[number] = object;
    for (let n = 1; n < rest.length; n += 2) {
      const read = value(rest[n + 1]);
      Object.defineProperty(object, $.attr(rest[n]), { value: read, writable: true, configurable: true, enumerable: true });
    }
    return object;
  };
  return value(data.root);
};
$.Deferred = (make) => ({ isDeferred: true, get text() { return make(); } });
