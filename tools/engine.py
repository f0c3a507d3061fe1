"""Write the engine of pages that answer back: our own modules as JavaScript, with what their entries need and no more.

Usage: `python tools/engine.py` writes `templates/html/engine/built/engine.js`, with short names by `terser` of npm
(`npm install --no-save terser@5.51.4`, which nothing else needs); `--check` says whether it is of the modules as they are.
"""

from __future__ import annotations

import ast
import hashlib
import itertools
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from javascript import Definition, Parameters, Translator, iterate

HOME = Path(__file__).parent.parent
FOLDER = HOME / "templates" / "html" / "engine"
TERSER = HOME / "node_modules" / ".bin" / "terser"
ENTRIES = ("symbackprop.rendering.explorable",)
ABSENT = (
    "symbackprop.compilation", "symbackprop.frontends", "symbackprop.scripts", "symbackprop.homework", "symbackprop.exporting",  # noqa: E501
    "symbackprop.cli", "symbackprop.jupyter", "symbackprop.estimators", "symbackprop.training", "symbackprop.templating",
    "symbackprop.resources", "symbackprop.problems.load", "symbackprop.problems.spec", "symbackprop.problems.findings",
    "symbackprop.algebra.symbolic", "symbackprop.derivation.symbols", "symbackprop.curvature",
    "symbackprop.rendering.tikz", "symbackprop.rendering.user_markdown",
    "symbackprop.algebra.piecewise", "symbackprop.derivation.dense", "symbackprop.derivation.computation_graphs",
    "symbackprop.document.matrix_form.general", "symbackprop.document.matrix_form.recurrences",
    "symbackprop.document.sections.second_order", "symbackprop.graph.alike", "symbackprop.derivation.taking_apart",
    "symbackprop.algebra.differentiation.implicit",
    "symbackprop.mistakes.array_worksheets", "symbackprop.mistakes.wrong_arrays",
    "symbackprop.mistakes.wrong_array_structures",
)  # fmt: skip
"""Wings and modules that have no place in a page: what would need them is not computed there."""

NATIVE = {
    "symbackprop.arithmetic.real_numbers.CONTEXT": "$.CONTEXT",
    "symbackprop.arithmetic.real_numbers.Real": "$.Real",
    "symbackprop.language.phrases": "$.phrases",
    "symbackprop.registry.cached": "$.cached",
    "symbackprop.language.available": "$.languages",
    "symbackprop.templating.Deferred": "$.Deferred",
    "symbackprop.arithmetic.floats.float_function": "$.float_function",
    "symbackprop.training.train": "$.train",
    "symbackprop.descent.solution._compiled": "$.compiled",
    "symbackprop.curvature.critical_points.critical_points": "$.not_computed",
}
"""What the page's own JavaScript has in place of a definition."""

_EXTERNAL = {"collections.abc": "$.abc", "typing": "$.typing"}


class House:
    """The modules as far as they have been asked for."""

    def __init__(self) -> None:
        self.modules: dict[str, dict[str, Definition]] = {}
        self.imports: dict[str, dict[str, str]] = {}
        self.order: list[str] = []
        self.loose: dict[str, list[Definition]] = {}

    @staticmethod
    def _file(module: str) -> Path | None:
        base = HOME / Path(*module.split("."))
        return next((f for f in (base.with_suffix(".py"), base / "__init__.py") if f.is_file()), None)

    def _is_absent(self, module: str) -> bool:
        return any(module == each or module.startswith(f"{each}.") for each in ABSENT)

    def _load(self, module: str) -> None:
        if module in self.modules:
            return
        file = self._file(module)
        assert file is not None, module
        tree = ast.parse(file.read_text("utf-8"))
        own: dict[str, Definition] = {}
        imports: dict[str, str] = {}
        self.modules[module], self.imports[module], self.loose[module] = own, imports, []
        alias = module.removeprefix("symbackprop.").replace(".", "_") or "symbackprop"
        statements = list(iterate(tree))
        for node in statements:
            if isinstance(node, ast.ImportFrom):
                for each in node.names:
                    source = f"{node.module}.{each.name}"
                    imports[each.asname or each.name] = source
                    for needed in (source, node.module or ""):
                        if (
                            needed.startswith("symbackprop")
                            and self._file(needed)
                            and not self._is_absent(needed)
                            and needed != "symbackprop"
                        ):
                            self._load(needed)
            elif isinstance(node, ast.Import):
                for each in node.names:
                    imports[each.asname or each.name.split(".")[0]] = (
                        each.name if each.asname else each.name.split(".")[0]
                    )
        self.order.append(module)
        for node in statements:
            self._define(node, module, alias, own)
        for definition in own.values():
            if isinstance(definition.node, ast.ClassDef) and _has_fields(definition.node):
                definition.fields = self._fields(module, definition.node)

    def _define(self, node: ast.stmt, module: str, alias: str, own: dict[str, Definition]) -> None:
        match node:
            case ast.FunctionDef(name=name, args=arguments):
                own[name] = Definition(f"{alias}${name}", node, alias, Parameters.of(arguments))
            case ast.ClassDef(name=name):
                own[name] = Definition(f"{alias}${name}", node, alias, is_class=True)
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name), value=ast.expr()):
                own[name] = Definition(f"{alias}${name}", node, alias)
            case ast.Assign(targets=[ast.Tuple(elts=elements)]):
                names = [each.id for each in elements if isinstance(each, ast.Name)]
                own |= {name: Definition(f"{alias}${name}", node, alias) for name in names}
            case ast.For() | ast.AugAssign() | ast.Expr(value=ast.Call()):
                self.loose[module].append(Definition(f"{alias}$loose{len(self.loose[module])}", node, alias))

    def _fields(self, module: str, node: ast.ClassDef) -> list[tuple[str, ast.expr | None, str]]:
        found: dict[str, tuple[str, ast.expr | None, str]] = {}
        for base in node.bases:
            known = self._resolve(module, base)
            if known is not None and isinstance(known[1].node, ast.ClassDef) and _has_fields(known[1].node):
                found |= {name: (name, d, m) for name, d, m in self._fields(known[0], known[1].node)}
        for part in node.body:
            if (
                isinstance(part, ast.AnnAssign)
                and isinstance(part.target, ast.Name)
                and "ClassVar" not in ast.unparse(part.annotation)
            ):
                found[part.target.id] = (part.target.id, part.value, module)
        return list(found.values())

    def _resolve(self, module: str, node: ast.expr) -> tuple[str, Definition] | None:
        if isinstance(node, ast.Name):
            return self._whose(module, node.id)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            source = self.imports[module].get(node.value.id)
            if source in self.modules:
                return self._whose(source, node.attr)
        return None

    def _whose(self, module: str, name: str) -> tuple[str, Definition] | None:
        if name in self.modules[module]:
            return module, self.modules[module][name]
        source = self.imports[module].get(name)
        if source is None or source in self.modules:
            return None
        owner, _, rest = source.rpartition(".")
        return self._whose(owner, rest) if owner in self.modules else None

    def lookup(self, module: str, name: str) -> Definition | str | None:
        """Return what a name at the top of a module is."""
        if not module.startswith("symbackprop"):
            return f"$.{module}.{name}"
        native = NATIVE.get(f"{module}.{name}")
        if native:
            return native
        if module not in self.modules:
            return None
        if name in self.modules[module]:
            return self.modules[module][name]
        source = self.imports[module].get(name)
        if source is None:
            return (
                f"module:{module}.{name}"
                if self._file(f"{module}.{name}") and f"{module}.{name}" in self.modules
                else None
            )
        if NATIVE.get(source):
            return NATIVE[source]
        if self._is_absent(source) or self._is_absent(source.rpartition(".")[0]):
            return f'$.absent("{source}")'
        if source in self.modules:
            return f"module:{source}"
        owner, _, rest = source.rpartition(".")
        if owner.startswith("symbackprop"):
            return self.lookup(owner, rest)
        if owner in _EXTERNAL:
            return f"{_EXTERNAL[owner]}.{rest}"
        if owner == "":
            return f"$.{source}"
        return f"$.{source}" if owner in ("mpmath",) else f"$.{rest}"


class Bundle:
    """The definitions that some entries need, with those of their methods that anybody asks for."""

    def __init__(self, entries: Iterable[str]) -> None:
        self.house = House()
        self.entries = list(entries)
        for entry in self.entries:
            self.house._load(entry)
        self.by_id = {d.id: (m, d) for m, own in self.house.modules.items() for d in own.values()}
        self.used: set[str] = set()
        self.kept: dict[str, Definition] = {}
        self.methods: set[str] = set()
        """What is called so in some class that is kept is bound to its object where it is not called."""
        self.roots: list[str] = []
        self.words: set[str] = set()
        """The names of arguments that some call gives by name."""

    def written(self, roots: Iterable[str]) -> str:
        """Return the JavaScript of everything that the roots need."""
        self.roots = list(roots)
        while True:
            before = len(self.used), len(self.kept)
            self._pass_()
            if before == (len(self.used), len(self.kept)):
                break
        ordered = [d for m in self.house.order for d in self._of(m)]
        return "\n".join(d.text for d in ordered)

    def _of(self, module: str) -> list[Definition]:
        found = {id(d.node): d for d in self.house.modules[module].values() if d.id in self.kept}
        loose = [d for d in self.house.loose[module] if d.id in self.kept]
        return sorted([*found.values(), *loose], key=lambda d: d.node.lineno)

    def _pass_(self) -> None:
        waiting, seen = list(self.roots), set()
        self.methods = {name for kept in self.kept.values() for name in _methods(kept.node) if name in self.used}
        while waiting:
            id = waiting.pop()
            if id in seen:
                continue
            seen.add(id)
            if id not in self.by_id:
                raise KeyError(id)
            module, definition = self.by_id[id]
            self.kept[id] = definition
            self._translate(module, definition)
            waiting += definition.needs
            for loose in self.house.loose[module]:
                target = loose.node
                names = {n.id for n in ast.walk(target) if isinstance(n, ast.Name)}
                if (
                    definition.node is not None
                    and any(self.house.modules[module].get(n) is definition for n in names)
                    and not _is_aside(target)
                ) and loose.id not in seen:
                    seen.add(loose.id)
                    self.kept[loose.id] = loose
                    self._translate(module, loose)
                    waiting += loose.needs

    def _translate(self, module: str, definition: Definition) -> None:
        definition.needs, definition.attributes = set(), set()
        node = definition.node
        if isinstance(node, ast.ClassDef):
            kept = [part for part in node.body if self._is_used(part)]
            definition.node = ast.ClassDef(
                name=node.name,
                bases=node.bases,
                keywords=node.keywords,
                body=kept,
                decorator_list=node.decorator_list,
                lineno=node.lineno,
            )
        translator = Translator(module, self.house.lookup, self.methods)
        translator.translate(definition)
        self.words |= translator.words
        definition.node = node
        self.used |= definition.attributes

    def _is_used(self, part: ast.stmt) -> bool:
        if not isinstance(part, ast.FunctionDef):
            return True
        return part.name.startswith("__") or part.name in self.used


def _methods(node: ast.stmt) -> Iterator[str]:
    for part in node.body if isinstance(node, ast.ClassDef) else ():
        if isinstance(part, ast.FunctionDef) and not any("property" in ast.unparse(d) for d in part.decorator_list):
            yield part.name


def _has_fields(node: ast.ClassDef) -> bool:
    words = " ".join(map(ast.unparse, (*node.decorator_list, *node.bases)))
    return "dataclass" in words or "NamedTuple" in words


def _is_aside(node: ast.stmt) -> bool:
    return "copyreg" in ast.unparse(node)


LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
ROOTS = (
    "rendering_explorable$recomposed", "rendering_explorable$pictured", "rendering_explorable$changes",
    "rendering_explorable$solved", "rendering_explorable$writer_of", "rendering_explorable$edited",
    "rendering_explorable$floats", "rendering_explorable$loss_after",
    "errors$EvaluationError", "errors$SymbackpropError", "messages$message", "language$say",
    "document_sections_figure_placement$_CLOSING", "arithmetic_floats$stable", "arithmetic_python_code$constant", "arithmetic_python_code$HALF",  # noqa: E501
    "algebra_branches$choice_of", "algebra_branches$comparison_of", "algebra_formula$ONE",
)  # fmt: skip
"""What the page's own JavaScript calls."""
BEFORE = ("runtime.js", "decimal.min.js", "floats.js", "revival.js", "doubles.js")
AFTER = ("course.js", "answers.js")


HELD = ("symbackprop.algebra.formula", "symbackprop.problems.types")
"""Modules whose objects derivations hold, whichever of them the examples have."""


def kinds() -> list[str]:
    """Return the classes and functions that the derivations of the examples hold."""
    import symbackprop
    from symbackprop.descent.solution import solve
    from symbackprop.document import compose
    from symbackprop.problems.load import examples
    from symbackprop.rendering.object_graphs import ObjectGraph

    graph = ObjectGraph()
    for name in examples():
        problem = symbackprop.example(name)
        solution = solve(problem, derivation=symbackprop.derive(problem))
        compose(solution)
        graph.entry(solution.derivation)
    functions = [row[1] for row in graph.rows if row and row[0] == "f"]
    return sorted({*graph.kinds, *functions})


def engine() -> tuple[str, list[str]]:
    """Return the whole engine as one script, and the names in it that are to stay: parameters that calls give by name."""
    bundle = Bundle(ENTRIES)
    held = [
        definition.id for module in HELD for definition in bundle.house.modules[module].values() if definition.is_class
    ]
    classes = sorted({*kinds(), *held})
    translated = bundle.written([*ROOTS, *classes])
    registry = "const CLASSES={" + ",".join(f'"{name.replace("$", "·")}":{name}' for name in classes) + "};"
    parts = [*map(_own, BEFORE), translated, registry, *map(_own, AFTER)]
    text = short_names("\n".join(part.strip() for part in parts))
    # Made by tools/engine.py; a name of the data has a dollar again.
    text = "(()=>{\n" + re.sub(r'"(\w+)·(\w+)":', r'"\1$\2":', text) + "\n})();\n"
    words = bundle.words | set(re.findall(r"\w+\$\$w\b|\b[a-z]+_(?=[=,)])", text))
    return text, sorted(words)


def lacking(text: str) -> list[str]:
    """Return the names of the runtime that a script reads and that are in no file of it: each would be undefined."""
    own = [(name, _own(name)) for name in (*BEFORE, *AFTER)]
    read = re.findall(r"(?<![\w$.])\$\.([a-zA-Z_]\w*)(?:\.(\$?[a-zA-Z_]\w*))?", text)
    later = {name for file, part in own if file in AFTER for name in re.findall(r"^\$\.(\w+) = ", part, re.MULTILINE)}
    names = sorted({".".join(filter(None, parts)) for parts in read if parts[0] not in later})
    is_lacking = "name => name.split('.').reduce((owner, key) => owner?.[key], $) === undefined"
    probe = f"process.stdout.write(JSON.stringify({json.dumps(names)}.filter({is_lacking})))"
    script = "\n".join([*(part for file, part in own if file in BEFORE), probe])
    run = subprocess.run(["node", "-"], input=script, capture_output=True, text=True, check=True)
    return list(json.loads(run.stdout))


def minified(text: str, kept: Sequence[str]) -> str:
    """Return a script that does the same in fewer bytes, with the digests of what it was made of and of itself."""
    options = {
        "compress": {"passes": 2, "ecma": 2020},
        "mangle": {"reserved": list(kept)},
        "format": {"comments": "/^!/", "ecma": 2020},
    }
    with tempfile.TemporaryDirectory() as folder:
        source, settings = Path(folder) / "engine.js", Path(folder) / "options.json"
        source.write_text(text, "utf-8")
        settings.write_text(json.dumps(options), "utf-8")
        command = [str(TERSER), str(source), "--config-file", str(settings)]
        run = subprocess.run(command, capture_output=True, text=True, check=True)
    script = run.stdout.strip()
    return f"{script}\n//{digest(text)} {digest(script)}\n"


def is_made_of(built: str, text: str) -> bool:
    """Say whether a script is what `minified` makes of a text: neither that nor the script itself was changed since."""
    script, _, digests = built.strip().rpartition("\n//")
    return digests == f"{digest(text)} {digest(script)}"


def digest(text: str) -> str:
    """Return what tells a text from every other."""
    return hashlib.sha256(text.encode()).hexdigest()


def _own(name: str) -> str:
    text = (FOLDER / name).read_text("utf-8")
    return (
        text
        if name.endswith(".min.js")
        else "\n".join(line.strip() for line in text.splitlines() if not line.strip().startswith("//"))
    )


def short_names(text: str) -> str:
    """Return a text in which names with the names of their modules are short ones."""
    names: dict[str, str] = {}
    fresh = ("".join(each) for size in itertools.count(1) for each in itertools.product(LETTERS, repeat=size))

    def change(found: re.Match[str]) -> str:
        name = found[0]
        if name not in names:
            names[name] = f"{next(fresh)}$"
        return names[name]

    return re.sub(r"(?<![\w$])(?<!(?<!\.\.)\.)[a-z_]+[a-z]\$\w+", change, text)


if __name__ == "__main__":
    (script, names), file = engine(), FOLDER / "built" / "engine.js"
    if unknown := lacking(script):
        sys.exit(f"the runtime has no {', '.join(unknown)}")
    if "--check" in sys.argv:
        sys.exit(
            0
            if is_made_of(file.read_text("utf-8"), script)
            else f"{file.name} is not what its modules say: run tools/engine.py"
        )
    file.write_text(minified(script, names), "utf-8")
