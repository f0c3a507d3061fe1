// Formulas in doubles, as `arithmetic.python_code` writes them for floats: the same operations in the same order.
$.float_function = $.cache((formula, arity) => {
  "use strict";
  const LARGEST = Math.log(Number.MAX_VALUE);
  const quotient = (a, b) => {
    if (b === 0) throw $.ZeroDivisionError("float division by zero");
    return a / b;
  };
  const power = (base, exponent) => {
    if (base === 0 && exponent < 0) return Infinity;
    return base ** exponent;
  };
  const erf = (x) => $.float($.CONTEXT.erf(x)), erfc = (x) => $.float($.CONTEXT.erfc(x));
  const calls = {
    exp: (x) => (x > LARGEST ? Infinity : Math.exp(x)), ln: (x) => Math.log(x), log1p: (x) => Math.log1p(x),
    expm1: (x) => (x > LARGEST ? Infinity : Math.expm1(x)), sqrt: Math.sqrt, sin: Math.sin, cos: Math.cos, tan: Math.tan, tanh: Math.tanh,
    asin: Math.asin, acos: Math.acos, atan: Math.atan, abs: Math.abs, erf, erfc,
    logsumexp: (...all) => {
      const largest = Math.max(...all);
      if (!Number.isFinite(largest)) return largest;
      const others = all.slice();
      others.splice(others.indexOf(largest), 1);
      return largest + Math.log1p(others.reduce((sum, each) => sum + Math.exp(each - largest), 0));
    },
  };
  const F = algebra_formula$Node;
  const compiled = (node) => {
    if ($.is(node, algebra_formula$Slot)) { const place = node.$index; return (p) => p[place]; }
    const number = arithmetic_python_code$constant(node);
    if (number !== null) return () => number;
    const kind = node.constructor;
    if (kind === algebra_formula$Sum) {
      const [first, ...rest] = node.terms;
      return rest.reduce((sum, term) => {
        if ($.is(term, algebra_formula$Negative)) { const other = compiled(term.operand); return (p) => sum(p) - other(p); }
        const other = compiled(term);
        return (p) => sum(p) + other(p);
      }, compiled(first));
    }
    if (kind === algebra_formula$Negative) { const inner = compiled(node.operand); return (p) => -inner(p); }
    if (kind === algebra_formula$Product || kind === algebra_formula$Hadamard) {
      const kept = node.factors.filter((factor) => !$.eq(factor, algebra_formula$ONE));
      return kept.map(compiled).reduce((left, right) => (p) => left(p) * right(p));
    }
    if (kind === algebra_formula$Quotient) { const a = compiled(node.numerator), b = compiled(node.denominator); return (p) => quotient(a(p), b(p)); }
    if (kind === algebra_formula$Power) {
      const { base, exponent } = node, of = compiled(base);
      const value = $.is(exponent, algebra_formula$Number) ? exponent.value : null;
      if (value && $.eq(value, 2) && $.is(base, algebra_formula$Name, algebra_formula$Slot)) return (p) => of(p) * of(p);
      if (value && $.eq(value, arithmetic_python_code$HALF)) return (p) => Math.sqrt(of(p));
      const by = compiled(exponent);
      return (p) => power(of(p), by(p));
    }
    const choice = algebra_branches$choice_of(node);
    if (choice !== null) {
      const [left, sign, right] = algebra_branches$comparison_of(choice.condition), a = compiled(left), b = compiled(right);
      const holds = { "<": (x, y) => x < y, "<=": (x, y) => x <= y, ">": (x, y) => x > y, ">=": (x, y) => x >= y }[sign];
      const one = compiled(choice.holding), other = compiled(choice.otherwise);
      return (p) => (holds(a(p), b(p)) ? one(p) : other(p));
    }
    const arguments_ = node.arguments.map(compiled);
    if (node.function === "step") {
      const at = $.float(node.at_kink), [of] = arguments_;
      return (p) => { const x = of(p); return x > 0 ? 1 : x === 0 ? at : 0; };
    }
    if (node.function === "max" || node.function === "min") {
      const keeps = node.function === "max" ? (x, y) => y <= x : (x, y) => y >= x;
      return arguments_.reduce((left, right) => (p) => { const x = left(p), y = right(p); return keeps(x, y) ? x : y; });
    }
    const call = calls[node.function];
    return (p) => call(...arguments_.map((each) => each(p)));
  };
  let whole = null;
  return (...given) => {
    whole ??= compiled(arithmetic_floats$stable(formula));
    return whole(given);
  };
});
