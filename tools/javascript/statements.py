"""Statements in JavaScript."""

from __future__ import annotations

import ast
import json
from collections.abc import Sequence

from .names import Names
from .parts import BINARY, UnknownPartError


class Statements(Names):
    """Writes statements but for patterns."""

    def _block(self, body: Sequence[ast.stmt]) -> str:
        return "".join(self.statement(each) for each in body)

    def _target(self, node: ast.expr) -> str:
        match node:
            case ast.Name(id=name):
                return self._local(name)
            case ast.Tuple(elts=elements) | ast.List(elts=elements):
                starred = [place for place, each in enumerate(elements) if isinstance(each, ast.Starred)]
                if starred and starred[0] != len(elements) - 1:
                    raise UnknownPartError(f"{self.module}:{node.lineno}: a star that is not the last")
                return f"[{','.join(map(self._part, elements))}]"
            case ast.Starred(value=value):
                return f"...{self._target(value)}"
            case ast.Attribute(value=value, attr=attribute):
                return f"{self._operand(value)}.{self._attribute_name(attribute)}"
        raise UnknownPartError(f"{self.module}:{node.lineno}: target {ast.unparse(node)}")

    def _part(self, node: ast.expr) -> str:
        inner = node.value if isinstance(node, ast.Starred) else node
        return "" if isinstance(inner, ast.Name) and inner.id == "_" else self._target(node)

    def _assigned(self, target: ast.expr, written: str) -> str:
        match target:
            case ast.Subscript(value=value, slice=index):
                return f"$.put({self.expression(value)},{self.expression(index)},{written});"
            case ast.Tuple(elts=elements) | ast.List(elts=elements):
                starred = [place for place, each in enumerate(elements) if isinstance(each, ast.Starred)]
                if starred and starred[0] != len(elements) - 1:
                    before, after = starred[0], len(elements) - 1 - starred[0]
                    kept = self._temporary()
                    text = f"{kept}=[...{written}];"
                    for place, each in enumerate(elements):
                        if place < before:
                            text += self._assigned(each, f"{kept}[{place}]")
                        elif place == before:
                            assert isinstance(each, ast.Starred)
                            text += self._assigned(each.value, f"{kept}.slice({before},{kept}.length-{after})")
                        else:
                            text += self._assigned(each, f"{kept}[{kept}.length-{len(elements) - place}]")
                    return text
                if any(isinstance(each, ast.Subscript) for each in elements):
                    kept = self._temporary()
                    return f"{kept}=[...{written}];" + "".join(
                        self._assigned(e, f"{kept}[{n}]") for n, e in enumerate(elements)
                    )
                return f"{self._target(target)}={written};"
        return f"{self._target(target)}={written};"

    def statement(self, node: ast.stmt) -> str:
        """Write a statement."""
        method = getattr(self, f"_on_{type(node).__name__}", None)
        if method is None:
            raise UnknownPartError(f"{self.module}:{node.lineno}: {type(node).__name__}")
        return str(method(node))

    def _on_Expr(self, node: ast.Expr) -> str:
        if isinstance(node.value, ast.Constant):
            return ""
        return f"{self.expression(node.value)};"

    def _on_Return(self, node: ast.Return) -> str:
        return f"return {self.expression(node.value) if node.value else 'null'};"

    def _on_Assign(self, node: ast.Assign) -> str:
        written = self.expression(node.value)
        if len(node.targets) == 1:
            return self._assigned(node.targets[0], written)
        kept = self._temporary()
        return f"{kept}={written};" + "".join(self._assigned(target, kept) for target in node.targets)

    def _on_AnnAssign(self, node: ast.AnnAssign) -> str:
        return "" if node.value is None else self._assigned(node.target, self.expression(node.value))

    def _on_AugAssign(self, node: ast.AugAssign) -> str:
        operation = (
            "i" + BINARY[type(node.op)] if type(node.op) in (ast.Add, ast.BitOr, ast.Sub) else BINARY[type(node.op)]
        )
        load = ast.copy_location(ast.parse(ast.unparse(node.target), mode="eval").body, node.target)
        return self._assigned(node.target, f"$.{operation}({self.expression(load)},{self.expression(node.value)})")

    def _on_If(self, node: ast.If) -> str:
        text = f"if({self.truth(node.test)}){{{self._block(node.body)}}}"
        return text + (f"else{{{self._block(node.orelse)}}}" if node.orelse else "")

    def _on_For(self, node: ast.For) -> str:
        kept = ""
        if isinstance(node.target, ast.Name):
            head = f"for({self._local(node.target.id)} of {self.expression(node.iter)})"
        elif any(isinstance(n, ast.Subscript) for n in ast.walk(node.target)) or (
            isinstance(node.target, ast.Tuple) and any(isinstance(e, ast.Starred) for e in node.target.elts[:-1])
        ):
            name = self._temporary()
            head, kept = f"for({name} of {self.expression(node.iter)})", self._assigned(node.target, name)
        else:
            head = f"for({self._target(node.target)} of {self.expression(node.iter)})"
        if node.orelse:
            flag = self._temporary()
            body = self._block(node.body).replace("break;", f"{{{flag}=true;break;}}")
            return f"{flag}=false;{head}{{{kept}{body}}}if(!{flag}){{{self._block(node.orelse)}}}"
        return f"{head}{{{kept}{self._block(node.body)}}}"

    def _on_While(self, node: ast.While) -> str:
        return f"while({self.truth(node.test)}){{{self._block(node.body)}}}"

    def _on_Break(self, node: ast.Break) -> str:
        return "break;"

    def _on_Continue(self, node: ast.Continue) -> str:
        return "continue;"

    def _on_Pass(self, node: ast.Pass) -> str:
        return ""

    def _on_Assert(self, node: ast.Assert) -> str:
        return ""

    def _on_Nonlocal(self, node: ast.Nonlocal) -> str:
        return ""

    def _on_Global(self, node: ast.Global) -> str:
        return ""

    def _on_Delete(self, node: ast.Delete) -> str:
        text = ""
        for target in node.targets:
            assert isinstance(target, ast.Subscript)
            text += f"$.remove({self.expression(target.value)},{self.expression(target.slice)});"
        return text

    def _on_Raise(self, node: ast.Raise) -> str:
        return f"throw $.raised({self.expression(node.exc)});" if node.exc else "throw e$;"

    def _on_FunctionDef(self, node: ast.FunctionDef) -> str:
        text = self.function(node, self._local(node.name))
        for decorator in reversed(node.decorator_list):
            text = f"{self.expression(decorator)}({text})"
        return f"{self._local(node.name)}={text};"

    def _on_Import(self, node: ast.Import | ast.ImportFrom) -> str:
        text = ""
        for each in node.names:
            name = (each.asname or each.name).split(".")[0]
            module = getattr(node, "module", None)
            found = self.lookup(module, each.name) if module and module.startswith("symbackprop") else None
            known = found if isinstance(found, str) and found.startswith("$") else None
            text += f"{self._local(name)}={known or f'$.absent({json.dumps(module or each.name)})'};"
        return text

    _on_ImportFrom = _on_Import

    def _on_With(self, node: ast.With) -> str:
        (item,) = node.items
        kept = self._temporary()
        bound = (
            self._assigned(item.optional_vars, f"{kept}.__enter__()") if item.optional_vars else f"{kept}.__enter__();"
        )
        return f"{kept}={self.expression(item.context_expr)};{bound}try{{{self._block(node.body)}}}finally{{{kept}.__exit__()}}"  # noqa: E501

    def _on_Try(self, node: ast.Try) -> str:
        text = f"try{{{self._block(node.body)}{'o$=true;' if node.orelse else ''}}}"
        if node.orelse:
            text = f"{{let o$=false;{text}"
        if node.handlers:
            text += "catch(e$){"
            for handler in node.handlers:
                kinds = self._kinds(handler.type) if handler.type else "$.Exception"
                bound = f"{self._local(handler.name)}=e$;" if handler.name else ""
                text += f"if($.caught(e$,{kinds})){{{bound}{self._block(handler.body)}}}else "
            text += "throw e$;}"
        if node.finalbody:
            text += f"finally{{{self._block(node.finalbody)}}}"
        if node.orelse:
            text += f"if(o$){{{self._block(node.orelse)}}}}}"
        return text

    def _on_ClassDef(self, node: ast.ClassDef) -> str:
        raise UnknownPartError(f"{self.module}:{node.lineno}: a class inside a function")

    # --- patterns

    def _on_Match(self, node: ast.Match) -> str:
        self.count += 1
        label, subject = f"m{self.count}$", self._temporary()
        text = f"{label}:{{{subject}={self.expression(node.subject)};"
        for case in node.cases:
            test = self.pattern(case.pattern, subject)
            if case.guard is not None:
                test = f"{test}&&{self.truth(case.guard)}"
            text += f"if({test}){{{self._block(case.body)}break {label};}}"
        return text + "}"
