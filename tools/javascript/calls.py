"""Calls in JavaScript: arguments in their places, and functions of Python that are loops there."""

from __future__ import annotations

import ast
import json
from collections.abc import Callable

from .names import Names
from .parts import Definition, Parameters, UnknownPartError

_KEYWORDS = {  # the arguments of functions of Python that have names, in order
    "sorted": ("", "key", "reverse"), "max": ("", "key", "default"), "min": ("", "key", "default"),
    "zip": None, "sum": ("", "start"), "enumerate": ("", "start"), "next": ("", ""),
}  # fmt: skip


class Calls(Names):
    """Writes calls."""

    def _Call(self, node: ast.Call) -> str:
        function = node.func
        if isinstance(function, ast.Name) and not self._is_local(function.id):
            special = getattr(self, f"_call_{function.id}", None)
            if special is not None and self.lookup(self.module, function.id) is None:
                found = special(node)
                if found is not None:
                    return str(found)
        known = self.resolved(function)
        if isinstance(known, Definition) and known.parameters is not None and (node.keywords or known.parameters.only):
            return f"{self._needed_call(known, function)}({self.placed(node, known.parameters)})"
        if isinstance(known, Definition) and known.fields is not None and node.keywords:
            parameters = Parameters([name for name, _, _ in known.fields])
            return f"{self._needed_call(known, function)}({self.placed(node, parameters)})"
        arguments = [self._element(each) for each in node.args]
        if isinstance(function, ast.Attribute) and isinstance(function.value, ast.Call):
            inner = function.value
            if isinstance(inner.func, ast.Name) and inner.func.id == "super":
                return f'$.parent({self.classes[-1]},"{self._attribute_name(function.attr)}").call({",".join(["this", *arguments])})'  # noqa: E501
        if isinstance(known, str) or (
            known is None and isinstance(function, ast.Name) and not self._is_local(function.id)
        ):
            written = (
                self._Attribute(function, called=True)
                if isinstance(function, ast.Attribute)
                else self.expression(function)
            )
            if node.keywords:
                arguments.append(f"$.kw({self._keywords(node)})")
                self.words |= _named(node) if written.endswith("partial") else set()
            return f"{written}({','.join(arguments)})"
        if node.keywords:
            return self._named_call(function, arguments, node)
        written = (
            self._Attribute(function, called=True) if isinstance(function, ast.Attribute) else self._operand(function)
        )
        return f"{written}({','.join(arguments)})"

    def _needed_call(self, known: Definition, function: ast.expr) -> str:
        return self._needed(known, function.attr if isinstance(function, ast.Attribute) else function.id)  # type: ignore[attr-defined]

    def _keywords(self, node: ast.Call) -> str:
        parts = [
            f"...$.entries({self.expression(k.value)})" if k.arg is None else f"{k.arg}:{self.expression(k.value)}"
            for k in node.keywords
        ]
        return "{" + ",".join(parts) + "}"

    def _named_call(self, function: ast.expr, arguments: list[str], node: ast.Call) -> str:
        words = self._keywords(node)
        self.words |= _named(node)
        if isinstance(function, ast.Attribute):
            assert self.definition is not None
            self.definition.attributes.add(function.attr)
            written = self._attribute_name(function.attr)
            return f'$.named_call({self.expression(function.value)},"{written}",[{",".join(arguments)}],{words})'
        return f"$.named_call(null,{self.expression(function)},[{','.join(arguments)}],{words})"

    def placed(self, node: ast.Call, parameters: Parameters) -> str:
        """Write the arguments of a call in their places."""
        given = {k.arg: self.expression(k.value) for k in node.keywords if k.arg is not None}
        arguments = [self._element(each) for each in node.args]
        if parameters.rest:
            if given:
                places = [given.pop(n) for n in parameters.names[len(arguments) :] if n in given]
                arguments += places
                if given:
                    arguments.append("$.kw({" + ",".join(f"{k}:{v}" for k, v in given.items()) + "})")
            return ",".join(arguments)
        if parameters.keywords:
            own = list(parameters.order[len(arguments) :])
            places = [given.pop(n, "undefined") for n in own]
            words = [f"...$.entries({self.expression(k.value)})" for k in node.keywords if k.arg is None]
            words += [f"{k}:{v}" for k, v in given.items()]
            return ",".join([*arguments, *places, *([f"$.kw({{{','.join(words)}}})"] if words else [])])
        if any(k.arg is None for k in node.keywords) or (any(isinstance(a, ast.Starred) for a in node.args) and given):
            order = json.dumps(parameters.order)
            return f"...$.arranged({order},[{','.join(arguments)}],{self._keywords(node)})"
        order = parameters.order
        filled = arguments + [given.pop(name, "undefined") for name in order[len(arguments) :]]
        if given:
            raise UnknownPartError(f"{self.module}:{node.lineno}: {sorted(given)} of {order}")
        while filled and filled[-1] == "undefined":
            filled.pop()
        return ",".join(filled)

    def _loops(self, node: ast.expr) -> ast.GeneratorExp | None:
        """Return what a call goes through as loops: a generator, or what `map(change, values)` is as one."""
        match node:
            case ast.GeneratorExp():
                return node
            case ast.Call(func=ast.Name(id="map"), args=[change, *lists], keywords=[]) if self._is_plain(change):
                if not any(isinstance(values, ast.Starred) for values in lists):
                    names = [f"each{place}$" for place, _ in enumerate(lists)]
                    targets: list[ast.expr] = [ast.Name(id=name, ctx=ast.Store()) for name in names]
                    target = targets[0] if len(lists) == 1 else ast.Tuple(elts=targets, ctx=ast.Store())
                    zipped = ast.Call(func=ast.Name(id="zip", ctx=ast.Load()), args=lists, keywords=[])
                    values = lists[0] if len(lists) == 1 else zipped
                    arguments: list[ast.expr] = [ast.Name(id=name, ctx=ast.Load()) for name in names]
                    call = ast.copy_location(ast.Call(func=change, args=arguments, keywords=[]), node)
                    return ast.GeneratorExp(call, [ast.comprehension(target=target, iter=values, ifs=[], is_async=0)])
        return None

    def _is_plain(self, node: ast.expr) -> bool:
        """Say whether a function is called as it is read: it is no method of a kind, `str.isdecimal`."""
        found = self.resolved(node)
        return isinstance(node, ast.Name) or isinstance(found, Definition) or str(found).startswith("$.operator.")

    def _generated(self, node: ast.Call) -> str | None:
        if len(node.args) >= 1 and isinstance(node.args[0], ast.GeneratorExp):
            return self._lazy(node.args[0])
        return None

    def _call_tuple(self, node: ast.Call) -> str | None:
        if len(node.args) != 1 or isinstance(node.args[0], ast.GeneratorExp):
            return None
        loops = self._loops(node.args[0])
        return None if loops is None else self._ListComp(loops)

    _call_list = _call_tuple

    def _call_isinstance(self, node: ast.Call) -> str:
        return f"$.is({self.expression(node.args[0])},{self._kinds(node.args[1])})"

    def _kinds(self, node: ast.expr) -> str:
        if isinstance(node, ast.BinOp):
            return f"{self._kinds(node.left)},{self._kinds(node.right)}"
        if isinstance(node, ast.Tuple):
            return ",".join(map(self._kinds, node.elts))
        if isinstance(node, ast.Constant) and node.value is None:
            return "$.none"
        return self.expression(node)

    def _sought(self, node: ast.Call, found: Callable[[ast.expr], str], otherwise: str) -> str | None:
        """Write loops that end at the first value that `found` returns for; None where no generator is gone through."""
        loops, own = self._loops(node.args[0]), ""
        if loops is not None:
            own = self.comprehension(loops.generators, lambda: found(loops.elt))
        return None if not own or "yield" in own else f"(()=>{{{own}return {otherwise}}})()"

    def _call_any(self, node: ast.Call) -> str:
        own = self._sought(node, lambda each: f"if({self.truth(each)})return true;", "false")
        return own or f"$.any({self._generated(node) or self._element(node.args[0])})"

    def _call_all(self, node: ast.Call) -> str:
        own = self._sought(node, lambda each: f"if(!{self.truth(each)})return false;", "true")
        return own or f"$.all({self._generated(node) or self._element(node.args[0])})"

    def _call_next(self, node: ast.Call) -> str:
        if len(node.args) > 1:
            otherwise = self.expression(node.args[1])
            own = self._sought(node, lambda each: f"return {self.expression(each)};", otherwise)
            if own is not None and "yield" not in otherwise:
                return own
        rest = "".join(f",{self.expression(a)}" for a in node.args[1:])
        return f"$.next({self._generated(node) or self._element(node.args[0])}{rest})"

    def _call_max(self, node: ast.Call, name: str = "max") -> str:
        words = {k.arg: self.expression(k.value) for k in node.keywords}
        arguments = ",".join(self._element(each) for each in node.args)
        if len(node.args) == 1 and not isinstance(node.args[0], ast.Starred):
            return f"$.{name}({arguments},{words.get('key', 'null')},{words.get('default', 'undefined')})"
        return f"$.{name}([{arguments}],{words.get('key', 'null')},{words.get('default', 'undefined')})"

    def _call_min(self, node: ast.Call) -> str:
        return self._call_max(node, "min")

    def _call_zip(self, node: ast.Call) -> str:
        strict = any(k.arg == "strict" and getattr(k.value, "value", False) for k in node.keywords)
        return f"$.zip({'true' if strict else 'false'},{','.join(self._element(a) for a in node.args)})"

    def _call_sorted(self, node: ast.Call) -> str:
        words = {k.arg: self.expression(k.value) for k in node.keywords}
        return f"$.sorted({self._element(node.args[0])},{words.get('key', 'null')},{words.get('reverse', 'false')})"

    def _call_sum(self, node: ast.Call) -> str:
        words = {k.arg: self.expression(k.value) for k in node.keywords}
        start = self.expression(node.args[1]) if len(node.args) > 1 else words.get("start", "0")
        return f"$.sum({self._element(node.args[0])},{start})"

    def _call_enumerate(self, node: ast.Call) -> str:
        words = {k.arg: self.expression(k.value) for k in node.keywords}
        start = self.expression(node.args[1]) if len(node.args) > 1 else words.get("start", "0")
        return f"$.enumerate({self._element(node.args[0])},{start})"

    def _call_dict(self, node: ast.Call) -> str:
        parts = [f"...$.pairs({self.expression(a)})" for a in node.args]
        parts += [
            f'["{k.arg}",{self.expression(k.value)}]' if k.arg else f"...$.pairs({self.expression(k.value)})"
            for k in node.keywords
        ]
        return f"$.dict([{','.join(parts)}])"

    def _call_getattr(self, node: ast.Call) -> str:
        rest = "".join(f",{self.expression(a)}" for a in node.args[2:])
        key = node.args[1]
        written = json.dumps(self._attribute_name(key.value)) if isinstance(key, ast.Constant) else self.expression(key)
        return f"$.getattr({self.expression(node.args[0])},{written}{rest})"


def _named(node: ast.Call) -> set[str]:
    return {each.arg for each in node.keywords if each.arg is not None}
