"""Definitions in JavaScript: functions, classes, and what else stands at the top of a module."""

from __future__ import annotations

import ast
import json
from collections.abc import Sequence

from .calls import Calls
from .expressions import Expressions
from .parts import Definition, Parameters, bound_names, has_yield
from .patterns import Patterns
from .statements import Statements


class Translator(Statements, Patterns, Expressions, Calls):
    """Writes the definitions of one module."""

    def translate(self, definition: Definition) -> None:
        """Write a definition."""
        self.definition = definition
        self.scopes, self.temporaries = [], [[]]
        node = definition.node
        match node:
            case ast.FunctionDef():
                text = self.function(node, definition.id)
                text = self._decorated(node, definition.id, text)
            case ast.ClassDef():
                text = self._class_(node, definition)
            case ast.Assign(targets=targets, value=value):
                text = self._top_assign(targets, value)
            case ast.AnnAssign(target=target, value=value) if value is not None:
                text = self._top_assign([target], value)
            case _:
                text = self.statement(node)
        temporaries = "".join(f"let {t};" for t in self.temporaries[0])
        definition.text = temporaries + text

    def _top_assign(self, targets: Sequence[ast.expr], value: ast.expr) -> str:
        written = self.expression(value)
        parts = []
        for target in targets:
            if isinstance(target, ast.Tuple):
                ids = ",".join(self._global_id(each.id) for each in target.elts if isinstance(each, ast.Name))
                parts.append(f"const [{ids}]={written};")
            elif isinstance(target, ast.Name):
                parts.append(f"const {self._global_id(target.id)}={written};")
            else:
                return f"{self.statement(ast.Assign(targets=list(targets), value=value))}"
        return "".join(parts)

    def _global_id(self, name: str) -> str:
        found = self.lookup(self.module, name)
        assert isinstance(found, Definition), name
        return f"{found.module}${name}"

    def _decorated(self, node: ast.FunctionDef, name: str, text: str) -> str:
        for decorator in reversed(node.decorator_list):
            words = ast.unparse(decorator)
            if words.split("(")[0] in ("functools.cache", "functools.lru_cache", "cached", "registry.cached"):
                return (
                    text.replace(f"function {name}", f"const {name}=$.cache(function {name}", 1) + ");"
                    if text.startswith(f"function {name}")
                    else text.replace(f"function* {name}", f"const {name}=$.cache(function* {name}", 1) + ");"
                )
            self_call = self.expression(decorator)
            return f"const {name}={self_call}({text});"
        return text

    def _parameters(self, parameters: Parameters) -> str:
        written = []
        for name in parameters.order:
            default = parameters.defaults.get(name)
            written.append(self._local(name) + (f"={self.expression(default)}" if default is not None else ""))
        if parameters.rest:
            written.append(f"...{self._local(parameters.rest)}")
        elif parameters.keywords:
            written.append(f"{parameters.keywords}$$w")
        return ",".join(written)

    def function(self, node: ast.FunctionDef, name: str, *, method: str = "") -> str:
        """Write a function; a `method` has its first parameter from `this`."""
        parameters = Parameters.of(node.args)
        first = ""
        if method in ("self", "cls"):
            first, parameters.names = parameters.names[0], parameters.names[1:]
        all_names = {*parameters.order, *parameters.only, parameters.rest, parameters.keywords, first} - {""}
        body_names = bound_names(node.body) - all_names
        outer_scopes = self.scopes
        self.scopes = [*self.scopes, all_names | body_names]
        self.temporaries.append([])
        written = self._parameters(parameters)
        body = self._block(node.body)
        head = f"const {self._local(first)}=this;" if first else ""
        if parameters.rest and parameters.only:
            only = ",".join(
                f"{self._local(n)}={self.expression(parameters.defaults[n]) if n in parameters.defaults else 'undefined'}"
                for n in parameters.only
            )
            head += f"let {{{only}}}=$.named({self._local(parameters.rest)});"
        if parameters.keywords:
            words = self._local(parameters.keywords)
            head += (
                f"let {words}=$.words($.named({self._local(parameters.rest)}));"
                if parameters.rest
                else f"let {words}=$.words({parameters.keywords}$$w);"
            )
        names = sorted(map(self._local, body_names)) + self.temporaries.pop()
        if names:
            head += f"let {','.join(names)};"
        self.scopes = outer_scopes
        star = "*" if has_yield(node.body) else ""
        if method:
            return f"{star}{name}({written}){{{head}{body}}}"
        return f"function{star} {name}({written}){{{head}{body}}}"

    def _class_(self, node: ast.ClassDef, definition: Definition) -> str:
        name, bases = (
            definition.id,
            [self.expression(base.value if isinstance(base, ast.Subscript) else base) for base in node.bases],
        )
        is_enum = any(base.endswith("Enum") for base in bases)
        if is_enum:
            return self._enumeration(node, name)
        methods, statics, second = [], [], []
        self.classes.append(name)
        for part in node.body:
            match part:
                case ast.FunctionDef(name=method, decorator_list=decorators):
                    words = [ast.unparse(d) for d in decorators]
                    written = self._attribute_name(method)
                    if "property" in words:
                        if has_yield(part.body):
                            methods.append(self.function(part, f"$g_{written}", method="self"))
                            methods.append(f"get {written}(){{return this.$g_{written}()}}")
                        else:
                            methods.append("get " + self.function(part, written, method="self"))
                    elif "functools.cached_property" in words:
                        body = self.function(part, f"$c_{written}", method="self")
                        methods.append(body)
                        methods.append(f'get {written}(){{return $.own(this,"{written}","$c_{written}")}}')
                    elif "classmethod" in words or method == "__init_subclass__":
                        statics.append(self.function(part, written, method="cls"))
                    elif "staticmethod" in words:
                        statics.append(self.function(part, written, method="static"))
                    else:
                        methods.append(self.function(part, written, method="self"))
                case ast.Assign(targets=[ast.Tuple(elts=names)], value=ast.Tuple(elts=same)):
                    pairs = [(n.id, v.id) for n, v in zip(names, same, strict=True)]  # type: ignore[attr-defined]
                    second += [f"{name}.prototype.{n}={name}.prototype.{v};" for n, v in pairs]
                case ast.Assign(targets=[ast.Name(id=attribute)], value=value) if attribute != "__slots__":
                    if definition.fields is None or attribute not in [f[0] for f in definition.fields]:
                        statics.append(f"{self._attribute_name(attribute)}:{self.expression(value)}")
                case ast.AnnAssign(target=ast.Name(id=attribute), value=value) if value is not None:
                    if definition.fields is None or attribute not in [f[0] for f in definition.fields]:
                        statics.append(f"{self._attribute_name(attribute)}:{self.expression(value)}")
                    elif "on_demand" in ast.unparse(value):
                        compute = value.args[0]  # type: ignore[attr-defined]
                        methods.append(
                            f"get {attribute}(){{return $.demanded(this,'{attribute}',{self.expression(compute)})}}"
                        )
                        methods.append(
                            f"set {attribute}(value){{if(value!==undefined)$.hold(this,'{attribute}',value)}}"
                        )
        self.classes.pop()
        keywords = {each.arg: self.expression(each.value) for each in node.keywords if each.arg}
        self.words |= keywords.keys()
        return (
            f'{self._constructor(node, definition)}$.cls({name},"{name}",[{",".join(bases)}],{{{",".join(methods)}}},'
            f"{{{','.join(statics)}}},{self._field_names(definition)},{{{','.join(f'{k}:{v}' for k, v in keywords.items())}}},"  # noqa: E501
            f"{json.dumps(self.options(node))});{''.join(second)}"
        )

    @staticmethod
    def options(node: ast.ClassDef) -> dict[str, bool]:
        """Return what the decorators of a class say."""
        words = " ".join(map(ast.unparse, node.decorator_list))
        if any(ast.unparse(base) == "NamedTuple" for base in node.bases):
            return {"data": True, "equal": True, "tuple": True}
        return {"data": True, "equal": "eq=False" not in words} if "dataclass" in words else {}

    def _field_names(self, definition: Definition) -> str:
        if definition.fields is None:
            return "null"
        kept = [
            self._attribute_name(n) for n, default, _ in definition.fields if not _says(default, "compare", "False")
        ]
        names = [self._attribute_name(name) for name, _, _ in definition.fields]
        return json.dumps([names, None if kept == names else kept], separators=(",", ":"))

    def _constructor(self, node: ast.ClassDef, definition: Definition) -> str:
        name = definition.id
        if definition.fields is None:
            return f"function {name}(...a){{if(!new.target)return new {name}(...a);this.__init__?.(...a)}}"
        names = [each for each, _, _ in definition.fields]
        locals_ = [self._local(each) for each in names]
        defaults = []
        own_scopes, self.scopes = self.scopes, []
        for each, default, module in definition.fields:
            written = None
            if default is not None and "on_demand" not in ast.unparse(default):
                factory, given = _argument(default, "default_factory"), _argument(default, "default")
                outer, self.module = self.module, module
                if factory is not None:
                    written = f"{self.expression(factory)}()"
                elif given is not None or not (isinstance(default, ast.Call) and ast.unparse(default.func) == "field"):
                    written = self.expression(given or default)
                self.module = outer
            if written is not None:
                defaults.append(f"if({self._local(each)}===undefined){self._local(each)}={written};")
        self.scopes = own_scopes
        assigned = "".join(f"this.{self._attribute_name(n)}={v};" for n, v in zip(names, locals_, strict=True))
        post = any(isinstance(part, ast.FunctionDef) and part.name == "__post_init__" for part in node.body)
        return (
            f"function {name}({','.join(locals_)}){{if(!new.target)return new {name}({','.join(locals_)});"
            f"{''.join(defaults)}{assigned}{'this.__post_init__();' if post else ''}}}"
        )

    def _enumeration(self, node: ast.ClassDef, name: str) -> str:
        members = [
            f"{part.targets[0].id}:{self.expression(part.value)}"  # type: ignore[attr-defined]
            for part in node.body
            if isinstance(part, ast.Assign)
        ]
        statics = [
            self.function(part, self._attribute_name(part.name), method="cls")
            for part in node.body
            if isinstance(part, ast.FunctionDef) and any(ast.unparse(d) == "classmethod" for d in part.decorator_list)
        ]
        return f'const {name}=$.enumeration("{name}",{{{",".join(members)}}},{{{",".join(statics)}}});'


def _argument(node: ast.expr | None, name: str) -> ast.expr | None:
    if isinstance(node, ast.Call) and ast.unparse(node.func) == "field":
        return next((k.value for k in node.keywords if k.arg == name), None)
    return None


def _says(node: ast.expr | None, name: str, value: str) -> bool:
    found = _argument(node, name)
    return found is not None and ast.unparse(found) == value
