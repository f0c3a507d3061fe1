"""Expressions in JavaScript."""

from __future__ import annotations

import ast
import json
from collections.abc import Callable, Sequence

from .names import Names
from .parts import BINARY, BUILTIN_ATTRIBUTES, Definition, Parameters, UnknownPartError, bound_names

_COMPARISONS = {ast.Lt: "lt", ast.LtE: "le", ast.Gt: "gt", ast.GtE: "ge"}


class Expressions(Names):
    """Writes expressions but for calls."""

    def expression(self, node: ast.expr) -> str:
        """Write an expression."""
        method = getattr(self, f"_{type(node).__name__}", None)
        if method is None:
            raise UnknownPartError(f"{self.module}:{node.lineno}: {type(node).__name__}")
        return str(method(node))

    def _Constant(self, node: ast.Constant) -> str:
        match node.value:
            case None:
                return "null"
            case bool(value):
                return "true" if value else "false"
            case int(value):
                return str(value) if abs(value) < 2**53 else f"{value}n"
            case float(value):
                return "Infinity" if value == float("inf") else repr(value)
            case str(value):
                return json.dumps(value, ensure_ascii=False)
        if node.value is ...:
            return "undefined"
        raise UnknownPartError(f"{self.module}: {node.value!r}")

    def _Name(self, node: ast.Name) -> str:
        return self._name(node.id)

    def _Tuple(self, node: ast.Tuple | ast.List) -> str:
        return f"[{','.join(self._element(each) for each in node.elts)}]"

    _List = _Tuple

    def _element(self, node: ast.expr) -> str:
        if isinstance(node, ast.Starred):
            return f"...{self.expression(node.value)}"
        return self.expression(node)

    def _Set(self, node: ast.Set) -> str:
        return f"$.set([{','.join(self._element(each) for each in node.elts)}])"

    def _Dict(self, node: ast.Dict) -> str:
        parts = [
            f"...$.pairs({self.expression(value)})"
            if key is None
            else f"[{self.expression(key)},{self.expression(value)}]"
            for key, value in zip(node.keys, node.values, strict=True)
        ]
        return f"$.dict([{','.join(parts)}])"

    def _Attribute(self, node: ast.Attribute, called: bool = False) -> str:
        found = self.resolved(node)
        if isinstance(found, Definition):
            return self._needed(found, node.attr)
        if isinstance(found, str):
            return found
        assert self.definition is not None
        self.definition.attributes.add(node.attr)
        if node.attr == "__class__":
            return f"$.type({self.expression(node.value)})"
        if node.attr == "__dict__":
            return f"$.vars({self.expression(node.value)})"
        written = self._operand(node.value)
        if (
            not called
            and isinstance(node.ctx, ast.Load)
            and (node.attr in self.named or node.attr in BUILTIN_ATTRIBUTES)
        ):
            return f'$.bound({written},"{self._attribute_name(node.attr)}")'
        return f"{written}.{self._attribute_name(node.attr)}"

    def _operand(self, node: ast.expr) -> str:
        written = self.expression(node)
        simple = isinstance(node, ast.Name | ast.Attribute | ast.Call | ast.Subscript)
        return written if simple else f"({written})"

    def _Subscript(self, node: ast.Subscript) -> str:
        if isinstance(node.slice, ast.Slice):
            bounds = [
                self.expression(b) if b is not None else "null"
                for b in (node.slice.lower, node.slice.upper, node.slice.step)
            ]
            return f"$.slice({self.expression(node.value)},{','.join(bounds)})"
        if isinstance(self.resolved(node.value), str) and not isinstance(node.value, ast.Attribute | ast.Name):
            return self.expression(node.value)
        return f"$.at({self.expression(node.value)},{self.expression(node.slice)})"

    def _Slice(self, node: ast.Slice) -> str:
        bounds = [self.expression(b) if b is not None else "null" for b in (node.lower, node.upper, node.step)]
        return f"$.span({','.join(bounds)})"

    def _Starred(self, node: ast.Starred) -> str:
        return f"...{self.expression(node.value)}"

    def _BinOp(self, node: ast.BinOp) -> str:
        left, right = self.expression(node.left), self.expression(node.right)
        return f"$.{BINARY[type(node.op)]}({left},{right})"

    def _UnaryOp(self, node: ast.UnaryOp) -> str:
        if isinstance(node.op, ast.Not):
            return f"!{self.truth(node.operand)}"
        if isinstance(node.op, ast.USub):
            if isinstance(node.operand, ast.Constant) and isinstance(node.operand.value, int | float):
                return f"(-{self.expression(node.operand)})"
            return f"$.neg({self.expression(node.operand)})"
        if isinstance(node.op, ast.UAdd):
            return f"$.pos({self.expression(node.operand)})"
        return f"(~{self.expression(node.operand)})"

    def _is_boolean(self, node: ast.expr) -> bool:
        match node:
            case ast.Compare() | ast.UnaryOp(op=ast.Not()):
                return True
            case ast.Constant(value=bool()):
                return True
            case ast.BoolOp(values=values):
                return all(map(self._is_boolean, values))
            case ast.Call(func=ast.Name(id="isinstance" | "any" | "all" | "bool" | "callable" | "hasattr")):
                return True
        return False

    def truth(self, node: ast.expr) -> str:
        """Write a condition."""
        match node:
            case ast.BoolOp(op=op, values=values):
                return "(" + ("&&" if isinstance(op, ast.And) else "||").join(map(self.truth, values)) + ")"
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return f"!{self.truth(operand)}"
        written = self.expression(node)
        return f"({written})" if self._is_boolean(node) else f"$.t({written})"

    def _BoolOp(self, node: ast.BoolOp) -> str:
        if self._is_boolean(node):
            return self.truth(node)
        written = self.expression(node.values[-1])
        for value in reversed(node.values[:-1]):
            if self._is_boolean(value):
                sign = "&&" if isinstance(node.op, ast.And) else "||"
                written = f"({self.truth(value)}{sign}{written})"
                continue
            kept = self._temporary()
            test = f"$.t({kept}={self.expression(value)})"
            written = f"({test}?{written}:{kept})" if isinstance(node.op, ast.And) else f"({test}?{kept}:{written})"
        return written

    def _IfExp(self, node: ast.IfExp) -> str:
        return f"({self.truth(node.test)}?{self.expression(node.body)}:{self.expression(node.orelse)})"

    def _NamedExpr(self, node: ast.NamedExpr) -> str:
        return f"({self._local(node.target.id)}={self.expression(node.value)})"

    def _Compare(self, node: ast.Compare) -> str:
        if len(node.ops) == 1:
            return self._comparison(node.left, node.ops[0], node.comparators[0])
        parts, left, written_left = [], node.left, None
        for place, (op, right) in enumerate(zip(node.ops, node.comparators, strict=True)):
            keeps = place < len(node.ops) - 1 and not isinstance(right, ast.Constant | ast.Name)
            kept = self._temporary() if keeps else ""
            written = f"({kept}={self.expression(right)})" if kept else self.expression(right)
            parts.append(self._compared(written_left or self.expression(left), op, written, left, right))
            left, written_left = right, kept or None
        return f"({'&&'.join(parts)})"

    def _comparison(self, left: ast.expr, op: ast.cmpop, right: ast.expr) -> str:
        return self._compared(self.expression(left), op, self.expression(right), left, right)

    def _compared(self, one: str, op: ast.cmpop, other: str, left: ast.expr, right: ast.expr) -> str:
        match op:
            case ast.Is() | ast.IsNot():
                sign = "===" if isinstance(op, ast.Is) else "!=="
                if other == "null":
                    sign = "==" if isinstance(op, ast.Is) else "!="
                return f"({one}{sign}{other})"
            case ast.Eq() | ast.NotEq():
                mark = "" if isinstance(op, ast.Eq) else "!"
                for side in (left, right):
                    if isinstance(side, ast.Constant) and isinstance(side.value, str):
                        return f"({one}{mark or '='}=={other})"
                return f"{mark}$.eq({one},{other})"
            case ast.In():
                return f"$.has({other},{one})"
            case ast.NotIn():
                return f"!$.has({other},{one})"
        return f"$.{_COMPARISONS[type(op)]}({one},{other})"

    def _JoinedStr(self, node: ast.JoinedStr) -> str:
        parts = []
        for part in node.values:
            if isinstance(part, ast.Constant):
                parts.append(json.dumps(part.value, ensure_ascii=False))
            elif isinstance(part, ast.FormattedValue):
                value = self.expression(part.value)
                if part.conversion == ord("r"):
                    value = f"$.repr({value})"
                spec = self.expression(part.format_spec) if part.format_spec is not None else ""
                parts.append(f"$.format({value},{spec})" if spec else f"$.str({value})")
        return "(" + "+".join(parts) + ")" if parts else '""'

    def _Lambda(self, node: ast.Lambda) -> str:
        parameters = Parameters.of(node.args)
        names = {*parameters.order, parameters.rest} - {""}
        self.scopes.append(names | bound_names([node.body]))
        self.temporaries.append([])
        written = self._parameters(parameters)
        body = self.expression(node.body)
        names_ = self.temporaries.pop()
        walrus = sorted(bound_names([node.body]) - names)
        self.scopes.pop()
        if names_ or walrus:
            return f"(({written})=>{{let {','.join([*names_, *walrus])};return {body}}})"
        return f"(({written})=>({body}))"

    def comprehension(self, generators: Sequence[ast.comprehension], inner: Callable[[], str]) -> str:
        """Write loops one inside the other around what `inner` writes."""
        if not generators:
            return inner()
        first, *rest = generators
        iterated = self.expression(first.iter)
        names = {n.id for n in ast.walk(first.target) if isinstance(n, ast.Name)}
        self.scopes.append(names)
        target = self._target(first.target)
        tests = [self.truth(test) for test in first.ifs]
        body = self.comprehension(rest, inner)
        self.scopes.pop()
        for test in reversed(tests):
            body = f"if({test}){body}"
        return f"for(const {target} of {iterated}){{{body}}}"

    def _ListComp(self, node: ast.ListComp | ast.GeneratorExp) -> str:
        simple = node.generators[0]
        if len(node.generators) == 1 and isinstance(simple.target, ast.Name) and not simple.ifs:
            iterated = self.expression(simple.iter)
            self.scopes.append({simple.target.id})
            written = self.expression(node.elt)
            self.scopes.pop()
            if "yield" not in written:
                body = f"({written})" if written.startswith("{") else written
                return f"$.each({iterated},{self._local(simple.target.id)}=>{body})"
        body = self.comprehension(node.generators, lambda: f"r$.push({self.expression(node.elt)});")
        return f"(()=>{{const r$=[];{body}return r$}})()"

    def _lazy(self, node: ast.GeneratorExp) -> str:
        body = self.comprehension(node.generators, lambda: f"yield {self.expression(node.elt)};")
        return f"(function*(){{{body}}})()"

    _GeneratorExp = _ListComp

    def _SetComp(self, node: ast.SetComp) -> str:
        return f"$.set({self._ListComp(ast.ListComp(elt=node.elt, generators=node.generators))})"

    def _DictComp(self, node: ast.DictComp) -> str:
        def pair() -> str:
            return f"r$.push([{self.expression(node.key)},{self.expression(node.value)}]);"

        body = self.comprehension(node.generators, pair)
        return f"(()=>{{const r$=[];{body}return $.dict(r$)}})()"

    def _Yield(self, node: ast.Yield) -> str:
        return f"(yield {self.expression(node.value) if node.value else 'null'})"

    def _YieldFrom(self, node: ast.YieldFrom) -> str:
        return f"(yield* $.iter({self.expression(node.value)}))"
