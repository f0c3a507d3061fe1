"""What a translation is made of: definitions with their parameters, the names that bodies bind, and words that are taken."""

from __future__ import annotations

import ast
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

BINARY = {
    ast.Add: "add", ast.Sub: "sub", ast.Mult: "mul", ast.Div: "div", ast.FloorDiv: "floordiv", ast.Mod: "mod",
    ast.Pow: "pow", ast.BitOr: "or", ast.BitAnd: "and", ast.BitXor: "xor", ast.LShift: "shl", ast.RShift: "shr",
}  # fmt: skip
"""What operators are called in the runtime."""


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


def iterate(tree: ast.Module) -> Iterator[ast.stmt]:
    """Iterate over the statements at the top of a module, without what is for type checkers alone."""
    for node in tree.body:
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        yield node
