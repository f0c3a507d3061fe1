"""Python modules → JavaScript: the subset of the language that this house is written in.

The names at the top of a module become `module$name` in one scope, so that what nobody needs can be left out. Operations
whose meaning depends on their operands are calls of the runtime (`templates/html/engine/runtime.js`), `$.add(a, b)`.
"""

from __future__ import annotations

import ast
import builtins
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

RESERVED = frozenset(
    [
        "arguments",
        "await",
        "case",
        "catch",
        "class",
        "const",
        "continue",
        "debugger",
        "default",
        "delete",
        "do",
        "else",
        "enum",
        "eval",
        "export",
        "extends",
        "false",
        "finally",
        "for",
        "function",
        "if",
        "implements",
        "import",
        "in",
        "instanceof",
        "interface",
        "let",
        "new",
        "null",
        "package",
        "private",
        "protected",
        "public",
        "return",
        "static",
        "super",
        "switch",
        "this",
        "throw",
        "true",
        "try",
        "typeof",
        "undefined",
        "var",
        "void",
        "while",
        "with",
        "yield",
        "NaN",
        "Infinity",
    ]
)
BUILTIN_ATTRIBUTES = frozenset(
    name
    for kind in (str, list, tuple, dict, set, frozenset, int, float)
    for name in dir(kind)
    if not name.startswith("_")
) - {"numerator", "denominator", "real", "imag"}
"""Methods of what Python brings along: in JavaScript they have a dollar in front, which keeps them off its own."""

_BINARY = {
    ast.Add: "add", ast.Sub: "sub", ast.Mult: "mul", ast.Div: "div", ast.FloorDiv: "floordiv", ast.Mod: "mod",
    ast.Pow: "pow", ast.BitOr: "or", ast.BitAnd: "and", ast.BitXor: "xor", ast.LShift: "shl", ast.RShift: "shr",
}  # fmt: skip
_COMPARISONS = {ast.Lt: "lt", ast.LtE: "le", ast.Gt: "gt", ast.GtE: "ge"}
_KEYWORDS = {  # the arguments of functions of Python that have names, in order
    "sorted": ("", "key", "reverse"), "max": ("", "key", "default"), "min": ("", "key", "default"),
    "zip": None, "sum": ("", "start"), "enumerate": ("", "start"), "next": ("", ""),
}  # fmt: skip


class UnknownPartError(Exception):
    """A part of Python that is not translated."""


@dataclass
class Parameters:
    """The parameters of a function: by place, `*rest` and those by name alone, each with its default."""

    names: list[str]
    rest: str = ""
    only: list[str] = field(default_factory=list)
    keywords: str = ""
    defaults: dict[str, ast.expr] = field(default_factory=dict)

    @classmethod
    def of(cls, arguments: ast.arguments) -> Parameters:
        """Return those of a definition."""
        placed = [each.arg for each in (*arguments.posonlyargs, *arguments.args)]
        only = [each.arg for each in arguments.kwonlyargs]
        defaults = dict(zip(placed[len(placed) - len(arguments.defaults) :], arguments.defaults, strict=True))
        defaults |= {n: d for n, d in zip(only, arguments.kw_defaults, strict=True) if d is not None}
        rest = arguments.vararg.arg if arguments.vararg else ""
        return cls(placed, rest, only, arguments.kwarg.arg if arguments.kwarg else "", defaults)

    @property
    def order(self) -> list[str]:
        """The parameters in the order in which JavaScript has them."""
        return [*self.names, *([] if self.rest else self.only)]


@dataclass
class Definition:
    """What stands at the top of a module under a name: its JavaScript, what it needs, how it is called."""

    id: str
    node: ast.stmt
    module: str
    parameters: Parameters | None = None
    is_class: bool = False
    fields: list[tuple[str, ast.expr | None, str]] | None = None
    text: str = ""
    needs: set[str] = field(default_factory=set)
    attributes: set[str] = field(default_factory=set)


def bound_names(nodes: Sequence[ast.AST]) -> set[str]:
    """Return the names that a body binds, without those inside functions and comprehensions of its own."""
    found: set[str] = set()
    kept: set[str] = set()

    def visit(node: ast.AST, inside: bool = False) -> None:
        match node:
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                found.add(name)
                return
            case ast.Lambda():
                return
            case ast.Nonlocal(names=names) | ast.Global(names=names):
                kept.update(names)
            case ast.NamedExpr(target=ast.Name(id=name)):
                found.add(name)
            case ast.Name(id=name, ctx=ast.Store()) if not inside:
                found.add(name)
            case ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
                found.add(name)
            case ast.ExceptHandler(name=str(name)):
                found.add(name)
            case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
                inside = True
            case ast.Import(names=names) | ast.ImportFrom(names=names):
                found.update((each.asname or each.name).split(".")[0] for each in names)
        for child in ast.iter_child_nodes(node):
            visit(child, inside)

    for each in nodes:
        visit(each)
    return found - kept


def has_yield(body: Sequence[ast.AST]) -> bool:
    """Say whether a function makes its values one after the other."""
    waiting = list(body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Yield | ast.YieldFrom):
            return True
        if not isinstance(node, ast.FunctionDef | ast.Lambda):
            waiting += ast.iter_child_nodes(node)
    return False


Lookup = Callable[[str, str], "Definition | str | None"]
"""What a name at the top of a module is: a definition, `module:…` for a module, or the JavaScript of the runtime."""


class Translator:
    """Writes the definitions of one module."""

    def __init__(self, module: str, lookup: Lookup, named: set[str]) -> None:
        self.module, self.lookup, self.named = module, lookup, named
        self.scopes: list[set[str]] = []
        self.definition: Definition | None = None
        self.count = 0
        self.temporaries: list[list[str]] = []
        self.cls = ""
        self.classes: list[str] = []
        self.words: set[str] = set()
        """Names by which parameters are found when the page runs."""

    # --- definitions

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

    # --- names

    @staticmethod
    def _local(name: str) -> str:
        return f"{name}_" if name in RESERVED else name

    def _attribute_name(self, name: str) -> str:
        if name in BUILTIN_ATTRIBUTES:
            return f"${name}"
        return name

    def _is_local(self, name: str) -> bool:
        return any(name in scope for scope in self.scopes)

    def _name(self, name: str) -> str:
        if self._is_local(name):
            return self._local(name)
        found = self.lookup(self.module, name)
        if isinstance(found, Definition):
            return self._needed(found, name)
        if isinstance(found, str):
            return found
        if hasattr(builtins, name):
            return "$.span" if name == "slice" else f"$.{name}"
        if name == "__name__":
            return json.dumps(self.module)
        raise UnknownPartError(f"{self.module}: {name}")

    def _needed(self, found: Definition, name: str) -> str:
        assert self.definition is not None
        self.definition.needs.add(found.id)
        return found.id

    def resolved(self, node: ast.expr) -> Definition | str | None:
        """Return what a name or a dotted name leads to, where that is known."""
        match node:
            case ast.Name(id=name):
                return None if self._is_local(name) else self.lookup(self.module, name)
            case ast.Attribute(value=value, attr=attribute):
                owner = self.resolved(value)
                if isinstance(owner, str) and owner.startswith("module:"):
                    return self.lookup(owner.removeprefix("module:"), attribute)
                if isinstance(owner, str) and owner.startswith("$"):
                    return f"{owner}.{attribute}"
        return None

    def _temporary(self) -> str:
        self.count += 1
        name = f"t{self.count}$"
        self.temporaries[-1].append(name)
        return name

    # --- expressions

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
        return f"$.{_BINARY[type(node.op)]}({left},{right})"

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

    # --- calls

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

    # --- statements

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
            "i" + _BINARY[type(node.op)] if type(node.op) in (ast.Add, ast.BitOr, ast.Sub) else _BINARY[type(node.op)]
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

    def pattern(self, node: ast.pattern, subject: str) -> str:
        """Write the condition under which a value has a form; it binds names as it goes."""
        match node:
            case ast.MatchAs(pattern=None, name=None):
                return "true"
            case ast.MatchAs(pattern=None, name=str(name)):
                return f"(({self._local(name)}={subject}),true)"
            case ast.MatchAs(pattern=pattern, name=str(name)) if pattern is not None:
                return f"({self.pattern(pattern, subject)}&&(({self._local(name)}={subject}),true))"
            case ast.MatchOr(patterns=patterns):
                return "(" + "||".join(self.pattern(each, subject) for each in patterns) + ")"
            case ast.MatchValue(value=value):
                return f"$.eq({subject},{self.expression(value)})"
            case ast.MatchSingleton(value=value):
                return f"({subject}==={'null' if value is None else str(value).lower()})"
            case ast.MatchSequence(patterns=patterns):
                return self._sequence(patterns, subject)
            case ast.MatchMapping(keys=keys, patterns=patterns, rest=None):
                parts = [f"$.is({subject},$.abc.Mapping)"]
                for key, each in zip(keys, patterns, strict=True):
                    written = self.expression(key)
                    parts.append(f"$.has({subject},{written})&&{self._inner(each, f'$.at({subject},{written})')}")
                return "(" + "&&".join(parts) + ")"
            case ast.MatchClass(cls=kind, patterns=patterns, kwd_attrs=names, kwd_patterns=named):
                return self._of_class(kind, patterns, names, named, subject)
        raise UnknownPartError(f"{self.module}:{node.lineno}: pattern {type(node).__name__}")

    def _sequence(self, patterns: Sequence[ast.pattern], subject: str) -> str:
        starred = [place for place, each in enumerate(patterns) if isinstance(each, ast.MatchStar)]
        count = len(patterns) - len(starred)
        parts = [f"Array.isArray({subject})", f"{subject}.length{'>=' if starred else '==='}{count}"]
        for place, each in enumerate(patterns):
            if isinstance(each, ast.MatchStar):
                if each.name:
                    end = f"{subject}.length-{len(patterns) - 1 - place}"
                    parts.append(f"(({self._local(each.name)}={subject}.slice({place},{end})),true)")
                continue
            index = str(place) if not starred or place < starred[0] else f"{subject}.length-{len(patterns) - place}"
            parts.append(self._inner(each, f"{subject}[{index}]"))
        return "(" + "&&".join(parts) + ")"

    def _inner(self, pattern: ast.pattern, value: str) -> str:
        if isinstance(pattern, ast.MatchAs) and pattern.pattern is None:
            return self.pattern(pattern, value)
        kept = self._temporary()
        return f"(({kept}={value}),{self.pattern(pattern, kept)})"

    def _of_class(
        self, kind: ast.expr, patterns: list[ast.pattern], names: list[str], named: list[ast.pattern], subject: str
    ) -> str:
        parts = [f"$.is({subject},{self._kinds(kind)})"]
        found = self.resolved(kind)
        places: list[str] = []
        if isinstance(found, Definition) and found.fields is not None:
            places = [name for name, _, _ in found.fields]
        for place, each in enumerate(patterns):
            if isinstance(kind, ast.Name) and kind.id in ("str", "int", "float", "bool", "tuple", "list"):
                parts.append(self.pattern(each, subject))
            elif place >= len(places):
                raise UnknownPartError(f"{self.module}: {ast.unparse(kind)} is no class with fields")
            else:
                parts.append(self._inner(each, f"{subject}.{self._attribute_name(places[place])}"))
        parts += [
            self._inner(each, f"{subject}.{self._attribute_name(n)}") for n, each in zip(names, named, strict=True)
        ]
        return "(" + "&&".join(parts) + ")"


def _named(node: ast.Call) -> set[str]:
    return {each.arg for each in node.keywords if each.arg is not None}


def _argument(node: ast.expr | None, name: str) -> ast.expr | None:
    if isinstance(node, ast.Call) and ast.unparse(node.func) == "field":
        return next((k.value for k in node.keywords if k.arg == name), None)
    return None


def _says(node: ast.expr | None, name: str, value: str) -> bool:
    found = _argument(node, name)
    return found is not None and ast.unparse(found) == value


def iterate(tree: ast.Module) -> Iterator[ast.stmt]:
    """Iterate over the statements at the top of a module, without what is for type checkers alone."""
    for node in tree.body:
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        yield node
