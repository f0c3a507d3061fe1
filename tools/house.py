"""Draw the house and list its rooms: the picture and the list in `docs/architecture.md`, from the code itself.

`python tools/house.py` (`make house`) writes both anew. Wings are folders and modules directly below the package, arrows
are imports, descriptions are the first lines of docstrings: nothing is told twice, and a test compares what is there with
what this program makes.
"""

from __future__ import annotations

import ast
import functools
import html
import itertools
import pathlib
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from symbackprop.figures.layered_layout import layout, ranks_of

ROOT = pathlib.Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "symbackprop"
PAGE = ROOT / "docs" / "architecture.md"
PICTURE = ROOT / "docs" / "architecture.svg"

WINGS = (
    "messages",
    "language",
    "errors",
    "rows",
    "registry",
    "resources",
    "limits",
    "csv_tables",
    "whole_files",
    "templating",
    "display",
    "algebra",
    "arithmetic",
    "graph",
    "catalog",
    "problems",
    "derivation",
    "evaluation",
    "compilation",
    "frontends",
    "curvature",
    "descent",
    "by_hand",
    "mistakes",
    "testing",
    "training",
    "figures",
    "scripts",
    "document",
    "estimators",
    "rendering",
    "homework",
    "exporting",
    "jupyter",
    "cli",
    "__main__",
)
"""The wings in the order of the data's way: a wing imports itself and those before it. A wing is a module or a package
directly below `symbackprop`."""

FIRST = "algebra"
"""Where the data's way begins; the wings before it serve all others."""

WRITTEN = re.compile(r"(<!-- (?P<name>picture|rooms): written by tools/house.py -->\n)(.*?)(<!-- end -->\n)", re.DOTALL)
"""A part of the page that is written here, between its marks."""


def name_of(file: pathlib.Path) -> str:
    """Return the dotted name of a module; a package is named without `__init__`."""
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def wing_of(module: str) -> str:
    """Return the wing of a module; the package itself has the wing ""."""
    return module.split(".")[1] if "." in module else ""


def imports_of(tree: ast.Module, known: frozenset[str]) -> Iterator[str]:
    """Iterate over the modules that a module imports, wherever it does; `known` are the modules of the package.

    `from symbackprop import errors` names the module symbackprop.errors, `from symbackprop.errors import unknown` too.
    """
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            assert node.module is not None
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield inner if inner in known else node.module


class House:
    """The modules of the package as they are now: files, syntax trees, descriptions, imports."""

    def __init__(self) -> None:
        """Look at the files of the package."""
        self.files = {name_of(file): file for file in sorted(PACKAGE.rglob("*.py"))}
        self.known = frozenset(self.files)

    @functools.cached_property
    def trees(self) -> Mapping[str, ast.Module]:
        """The syntax tree of each module."""
        return {module: ast.parse(file.read_text("utf-8")) for module, file in self.files.items()}

    @functools.cached_property
    def imports(self) -> Mapping[str, frozenset[str]]:
        """Which of our modules each module imports."""
        return {
            module: frozenset(name for name in imports_of(tree, self.known) if name.split(".")[0] == PACKAGE.name)
            for module, tree in self.trees.items()
        }

    def description(self, module: str) -> str:
        """Return the first line of a module's docstring."""
        return (ast.get_docstring(self.trees[module]) or "").partition("\n")[0]

    def inside(self, module: str) -> list[str]:
        """Return the modules and packages directly inside a package, in alphabetical order."""
        return [each for each in self.files if each.rpartition(".")[0] == module]

    def rooms(self, wing: str) -> list[str]:
        """Return the modules of a wing; where it is a package, those inside it."""
        modules = [module for module in self.files if wing_of(module) == wing]
        return [module for module in modules if not self.inside(module)]

    def below(self, wing: str) -> set[str]:
        """Return the wings on the data's way that a wing imports."""
        imported = {wing_of(each) for module in self.files if wing_of(module) == wing for each in self.imports[module]}
        return imported & set(WINGS[WINGS.index(FIRST) :]) - {wing}

    def arrows(self) -> list[tuple[str, str]]:
        """Return the imports between wings on the data's way, from the imported one, without those that others imply."""
        below = {wing: self.below(wing) for wing in WINGS[WINGS.index(FIRST) :]}
        reached: dict[str, set[str]] = {}
        for wing, direct in below.items():  # In the order of wings, each after those below it.
            reached[wing] = direct.union(*(reached[each] for each in direct))
        return [
            (lower, wing)
            for wing, direct in below.items()
            for lower in WINGS
            if lower in direct and not any(lower in reached[other] for other in direct)
        ]


# The list


def listing(house: House) -> str:
    """Return the list of wings and rooms in Markdown: a heading for each wing, a line for each module."""
    return "\n".join(itertools.chain.from_iterable(_wing(house, wing) for wing in WINGS))


def _wing(house: House, wing: str) -> Iterator[str]:
    module = f"{PACKAGE.name}.{wing}"
    yield f"### {wing}\n" if wing.strip("_") == wing else f"### `{wing}`\n"
    yield f"{house.description(module)}\n"
    lines = list(_rooms(house, module, ""))
    if lines:
        yield "\n".join(lines) + "\n"


def _rooms(house: House, package: str, indent: str) -> Iterator[str]:
    for module in house.inside(package):
        name, path = module.rpartition(".")[2], house.files[module].relative_to(ROOT)
        is_package = path.name == "__init__.py"
        target = path.parent if is_package else path
        yield f"{indent}* [`{name}{'/' if is_package else ''}`](../{target.as_posix()}): {house.description(module)}"
        yield from _rooms(house, module, indent + "  ")


def page(house: House, text: str) -> str:
    """Return the text of the page with the picture's words and the list as they are now."""
    parts = {"picture": f"![{told(house)}]({PICTURE.name})\n", "rooms": f"\n{listing(house)}\n"}
    assert list(parts) == [match["name"] for match in WRITTEN.finditer(text)], "the page has the marks of both parts"
    return WRITTEN.sub(lambda match: match[1] + parts[match["name"]] + match[4], text)


# The picture

_WIDTH, _GAP_X, _GAP_Y, _MARGIN = 158, 26, 34, 24
"""Of a wing, between wings side by side and above each other, around everything; in pixels."""
_SQUARE, _STEP, _TITLE = 6, 9, 30
"""The side of a module's square, from one square to the next, and the height of a wing's title."""
_IN_A_ROW = (_WIDTH - 20) // _STEP
_LEGEND = (
    "A square is a module. An arrow leads from a wing to one that builds on it;",
    "arrows that follow from others are left out.",
)

_STYLE = """text { font: 13px ui-sans-serif, system-ui, -apple-system, "Segoe UI", Arial, sans-serif; fill: #1f2328 }
.name { font-weight: 600 }
.quiet { fill: #59636e }
.ground { fill: #ffffff }
.wing { fill: #f6f8fa; stroke: #8c959f }
.module { fill: #0969da }
.arrow { fill: none; stroke: #8c959f; stroke-width: 1.5 }
.head { fill: #8c959f }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3 }
.quiet { fill: #9198a1 }
.ground { fill: #0d1117 }
.wing { fill: #151b23; stroke: #656c76 }
.module { fill: #4493f8 }
.arrow { stroke: #656c76 }
.head { fill: #656c76 }
}"""


class Box(NamedTuple):
    """A wing in the picture: its left upper corner, its size, the number of its modules."""

    x: float
    y: float
    width: float
    height: float
    modules: int

    @property
    def middle(self) -> float:
        """Where arrows arrive and leave."""
        return self.x + self.width / 2


def picture(house: House) -> str:
    """Return the picture of the data's way as SVG: the same bytes for the same house."""
    way, served = WINGS[WINGS.index(FIRST) :], WINGS[: WINGS.index(FIRST)]
    arrows = house.arrows()
    counts = {wing: len(house.rooms(wing)) for wing in WINGS}
    found = layout(arrows, ranks_of(way, arrows, ()))
    across = 1 + max(found.places.values())
    width = 2 * _MARGIN + across * _WIDTH + (across - 1) * _GAP_X
    lines = list(_served(served, counts, width))
    tops = _tops(way, counts, found.rank_of, top=_MARGIN + 20 * len(lines) + 36)
    boxes = {wing: _box(counts[wing], _left(found.places[wing]), tops[found.rank_of[wing]]) for wing in way}
    height = max(box.y + box.height for box in boxes.values()) + _MARGIN + 20 * len(_LEGEND) + 14
    body = [
        f'<rect class="ground" width="{width:g}" height="{height:g}" rx="8"/>',
        f'<rect class="wing" x="{_MARGIN}" y="{_MARGIN}" width="{width - 2 * _MARGIN:g}" height="{20 * len(lines) + 14}"'
        ' rx="6" stroke-dasharray="4 3"/>',
        *(
            f'<text class="quiet" x="{_MARGIN + 12}" y="{_MARGIN + 22 + 20 * k}">{line}</text>'
            for k, line in enumerate(lines)
        ),
        *(
            _arrow(
                boxes[start],
                boxes[end],
                [
                    (_left(place) + _WIDTH / 2, tops[level], tops[level + 1] - _GAP_Y)
                    for level, place in enumerate(found.passes[start, end], found.rank_of[start] + 1)
                ],
            )
            for start, end in arrows
        ),
        *(shape for wing, box in boxes.items() for shape in _drawn(wing, box)),
        *(
            f'<text class="quiet" x="{_MARGIN}" y="{height - _MARGIN - 20 * (len(_LEGEND) - 1 - k):g}">{line}</text>'
            for k, line in enumerate(_LEGEND)
        ),
    ]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:g}" height="{height:g}"'
            f' viewBox="0 0 {width:g} {height:g}" role="img" aria-labelledby="title told">',
            '<title id="title">The data\'s way through the wings of symbackprop</title>',
            f'<desc id="told">{html.escape(told(house))}</desc>',
            f"<style>\n{_STYLE}\n</style>",
            *body,
            "</svg>\n",
        ]
    )


def told(house: House) -> str:
    """Return the picture in words: each wing with its size and what it builds on."""
    below: dict[str, list[str]] = {}
    for lower, wing in house.arrows():
        below.setdefault(wing, []).append(lower)
    served = ", ".join(WINGS[: WINGS.index(FIRST)])
    sentences = [f"Every wing may use {served}."]
    for wing in WINGS[WINGS.index(FIRST) :]:
        count = len(house.rooms(wing))
        size = f"{wing} ({count} module{'s' if count > 1 else ''})"
        sentences.append(f"{size} builds on {' and '.join(below[wing])}." if wing in below else f"{size} begins.")
    return " ".join(sentences)


def _served(wings: Sequence[str], counts: Mapping[str, int], width: float) -> Iterator[str]:
    """Yield lines that name the wings which all others may use, as wide as the picture."""
    names = [f"{wing} ({counts[wing]})" if counts[wing] > 1 else wing for wing in wings]
    line = "Every wing may use"
    for name in names:
        longer = f"{line} {name}{'' if name == names[-1] else ','}"
        if len(longer) * 6.8 > width - 2 * _MARGIN - 24:
            yield line
            longer = longer.removeprefix(f"{line} ")
        line = longer
    yield line


def _left(place: float) -> float:
    return _MARGIN + place * (_WIDTH + _GAP_X)


def _tops(way: Sequence[str], counts: Mapping[str, int], levels: Mapping[str, int], top: float) -> list[float]:
    """Return where each level begins: below the highest wing of the one before."""
    tops = [top]
    for level in range(max(levels.values())):
        highest = max(_box(counts[wing], 0, 0).height for wing in way if levels[wing] == level)
        tops.append(tops[-1] + highest + _GAP_Y)
    return tops


def _box(modules: int, x: float, y: float) -> Box:
    rows = -(-modules // _IN_A_ROW)
    return Box(x, y, _WIDTH, _TITLE + rows * _STEP + 5, modules)


def _drawn(wing: str, box: Box) -> Iterator[str]:
    """Yield a wing: its name, and a square for each module."""
    yield f'<rect class="wing" x="{box.x:g}" y="{box.y:g}" width="{box.width:g}" height="{box.height:g}" rx="6"/>'
    yield f'<text class="name" x="{box.x + 10:g}" y="{box.y + 20:g}">{wing}</text>'
    yield f'<text class="quiet" x="{box.x + box.width - 10:g}" y="{box.y + 20:g}" text-anchor="end">{box.modules}</text>'
    for k in range(box.modules):
        row, place = divmod(k, _IN_A_ROW)
        x, y = box.x + 11 + place * _STEP, box.y + _TITLE + row * _STEP
        yield f'<rect class="module" x="{x:g}" y="{y:g}" width="{_SQUARE}" height="{_SQUARE}" rx="1"/>'


def _arrow(start: Box, end: Box, passed: Sequence[tuple[float, float, float]]) -> str:
    """Return an arrow from a wing down to another, straight past the levels between: where, from which height to which."""
    x, y = start.middle, start.y + start.height
    path = f"M{x:g} {y:g}"
    for place, top, bottom in (*passed, (end.middle, end.y - 6, end.y - 6)):
        middle = (y + top) / 2
        path += f" C{x:g} {middle:g} {place:g} {middle:g} {place:g} {top:g}" + (f" V{bottom:g}" if bottom > top else "")
        x, y = place, bottom
    head = f"M{x - 4:g} {y - 1:g} h8 l-4 7 z"
    return f'<path class="arrow" d="{path}"/><path class="head" d="{head}"/>'


def main() -> None:
    """Write the picture, and its words and the list into the page."""
    house = House()
    PICTURE.write_text(picture(house), "utf-8", newline="\n")
    PAGE.write_text(page(house, PAGE.read_text("utf-8")), "utf-8", newline="\n")


if __name__ == "__main__":
    main()
