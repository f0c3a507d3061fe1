"""The house explains itself: names lead to rooms, each room says what it is, the page shows what is there."""

from __future__ import annotations

import ast
import importlib
import itertools
import re
from collections import Counter
from collections.abc import Mapping
from xml.etree import ElementTree

import pytest

from tests.helpers import ROOT, each
from tools import house
from tools.house import PACKAGE, PAGE, WINGS, House

HOUSE = House()
ROOMS = tuple(module for module in HOUSE.files if not HOUSE.inside(module))

QUESTIONS = {
    "Where is the sign in a sum decided?": "document.chain_rule.signs",
    "Where does a schedule such as exponential decay stand?": "catalog.schedules",
    "Where do the initial weights come from, the initializers?": "catalog.initializers",
    "Where do activations stand?": "algebra.activations",
    "Where are the two rules of a batch, its axis?": "graph.batch_axis",
    "Where are the scalars of a graph named?": "graph.scalars",
    "Where are arrays lowered into memory?": "compilation.array_lowering",
    "Where do losses such as the cross-entropy stand?": "catalog.losses",
    "Where does the catalog have its optimizers?": "catalog.optimizers",
    "Where does backprop itself run?": "derivation.backprop",
    "Where does a dense network become equations in a derivation?": "derivation.dense",
    "Where is a gradient derived at the grain of a matrix?": "derivation.matrix_grain",
    "Where is an expression read?": "algebra.expressions",
    "Where are the rules of differentiation?": "algebra.differentiation.rules",
    "Where is the shape of an array found?": "algebra.shapes",
    "Where does exact arithmetic take place?": "arithmetic.exact",
    "Where are letters and superscripts chosen, the notation?": "graph.notation",
    "Where is the table [training] of a problem read?": "problems.training_table",
    "Where is the JSON schema made?": "problems.json_schema",
    "Where are the models of torch read?": "frontends.torch_models",
    "Where do independent checks of an evaluation stand?": "evaluation.checks",
    "Where is the Hessian computed?": "curvature.hessian",
    "Where is the search by Newton's method?": "curvature.newton_search",
    "Where does the code for the backend Numba come from?": "compilation.backends.numba",
    "Where are samples put into batches while training?": "training.batching",
    "Where is the diagram of a network drawn?": "figures.network_diagram",
    "Where is every printed line verified?": "document.calculation.verified_lines",
    "Where are the numerals on paper chosen?": "document.calculation.numerals",
    "Where is it told how softmax and cross-entropy are fused into one loss?": "document.sections.fused_loss",
    "Where does the glossary of a document come from?": "document.notes.glossary",
    "Where does a line break that is too long?": "rendering.layout.breaking",
    "Where is the MathML of a formula written?": "rendering.dialects.mathml",
    "Where is the answer of a student parsed?": "by_hand.answer_parsing",
    "Where is it decided how near an answer must be, the tolerance?": "by_hand.tolerance",
    "Where is the roster of a class read?": "homework.classes.roster",
    "Where are CSV tables read?": "csv_tables",
    "Where is the command `train`?": "cli.commands.train",
}
"""What a newcomer asks, and the room that answers."""

_SMALL_WORDS = re.compile(
    r"\b(where|is|the|an?|in|of|are|does?|it|itself|that|how|its|and|for|every|one|be|by|into|to)\b"
)
_ENDINGS = ("ing", "ed", "es", "e", "s")


def stem(word: str) -> str:
    """Return a word without its ending: batches, batching and batch are one."""
    return next((word[: -len(end)] for end in _ENDINGS if word.endswith(end) and len(word) - len(end) >= 3), word)


def words(text: str) -> frozenset[str]:
    """Return the words of a question or of a path that say something."""
    return frozenset(map(stem, re.findall("[a-z]+", _SMALL_WORDS.sub("", text.lower()))))


def answers(question: str, rooms: Mapping[str, frozenset[str]]) -> list[str]:
    """Return the rooms that a question leads to by the words in their paths; a word that few paths have counts for more."""
    count = Counter(itertools.chain.from_iterable(rooms.values()))
    asked = sorted(words(question))
    found = {room: sum(1 / count[word] for word in asked if word in own) for room, own in rooms.items()}
    best = max(found.values())
    return [room for room, likeness in found.items() if likeness == best > 0]


NAMES = {room.removeprefix(f"{PACKAGE.name}."): words(room.removeprefix(f"{PACKAGE.name}.")) for room in ROOMS}


@pytest.mark.parametrize("question", QUESTIONS)
def test_names_lead_to_the_room(question: str) -> None:
    """The words of a question lead to one room, by names alone."""
    assert [QUESTIONS[question]] == answers(question, NAMES)


def test_answers_tell_names_that_lead_nowhere() -> None:
    """Of two rooms that could be meant none is the answer, and what no name says has none."""
    rooms = {"document.lines": words("document.lines"), "scripts.lines": words("scripts.lines")}
    assert list(rooms) == answers("Where are lines written?", rooms)
    assert [] == answers("Where is the sign decided?", rooms)
    assert ["scripts.lines"] == answers("Where are the lines of a script written?", rooms)


def test_questions_ask_about_most_wings() -> None:
    """The questions go through the house, and each has a room of its own."""
    assert len(QUESTIONS) == len(set(QUESTIONS.values())) >= 10
    assert len({room.partition(".")[0] for room in QUESTIONS.values()}) >= 15


@pytest.mark.parametrize("module", HOUSE.files)
def test_module_says_what_it_is(module: str) -> None:
    """The first line of a docstring is a whole sentence, and says more than the name does."""
    line = HOUSE.description(module)
    assert line.endswith(".") and not line.endswith("..")
    assert len(words(line) - words(module)) >= 3


def test_modules_say_different_things() -> None:
    """No two modules have one description."""
    assert {line for line, count in Counter(map(HOUSE.description, HOUSE.files)).items() if count > 1} == set()


def exists(name: str) -> bool:
    """Say whether a dotted name is a module of the package, or a name in one."""
    inside = name.removeprefix(f"{PACKAGE.name}.")
    if f"{PACKAGE.name}.{inside}" in HOUSE.files:
        return True
    module, _, attribute = f"{PACKAGE.name}.{inside}".rpartition(".")
    found = importlib.import_module(module) if module in HOUSE.files else None
    return hasattr(found, attribute)


def test_architecture_names_exist() -> None:
    """What the page names, outside the list that is written for it, is there: a module, a name in it, a file."""
    own = house.WRITTEN.sub("", PAGE.read_text("utf-8"))
    prose = re.sub(r"^```.*?^```$", "", own, flags=re.MULTILINE | re.DOTALL)
    named = set(re.findall(r"`((?!sympy)[a-z_]+(?:\.\w+)+)`", prose))
    assert len(named) > 10
    assert {name for name in named if not exists(name)} == set()
    paths = set(re.findall(r"`([\w./]+/[\w./]*)`", prose))
    assert len(paths) > 5
    assert {path for path in paths if not any((folder / path).exists() for folder in (ROOT, PACKAGE))} == set()


def test_picture_shows_every_wing_and_module() -> None:
    """The picture has a box for each wing on the data's way, a square for each of its modules, and says so in words."""
    drawn = house.picture(HOUSE)
    way = WINGS[WINGS.index(house.FIRST) :]
    assert list(way) == re.findall(r'class="name"[^>]*>(\w+)<', drawn)
    assert sum(len(HOUSE.rooms(wing)) for wing in way) == drawn.count('class="module"')
    assert len(HOUSE.arrows()) == drawn.count('class="arrow"') >= len(way) - 1
    assert all(re.search(rf"\b{wing} \(\d+ modules?\)", house.told(HOUSE)) for wing in way)
    assert drawn == house.picture(House())


def test_picture_arrows_imply_every_import() -> None:
    """An import between wings on the data's way is an arrow, or follows from arrows; no arrow follows from others."""
    arrows = HOUSE.arrows()

    def leads(start: str, end: str, along: list[tuple[str, str]]) -> bool:
        return start == end or any(leads(after, end, along) for before, after in along if before == start)

    for wing in WINGS[WINGS.index(house.FIRST) :]:
        assert all(leads(lower, wing, arrows) for lower in HOUSE.below(wing))
    assert not any(leads(*arrow, [other for other in arrows if other != arrow]) for arrow in arrows)


def test_picture_boxes_stand_apart() -> None:
    """The picture is well-formed, runs nothing, and no wing covers another or leaves the page."""
    tree = ElementTree.fromstring(house.picture(HOUSE))
    assert {"svg", "title", "desc", "style", "rect", "text", "path"} == {
        each.tag.partition("}")[2] for each in tree.iter()
    }
    width, height = float(tree.attrib["width"]), float(tree.attrib["height"])
    found = [each.attrib for each in tree.iter() if each.get("class") == "wing"]
    boxes = [tuple(float(each[side]) for side in ("x", "y", "width", "height")) for each in found]
    assert len(boxes) == 1 + len(WINGS[WINGS.index(house.FIRST) :])
    assert all(x >= 0 and y >= 0 and x + wide <= width and y + high <= height for x, y, wide, high in boxes)
    for (x, y, wide, high), (left, top, across, down) in itertools.combinations(boxes, 2):
        assert x + wide <= left or left + across <= x or y + high <= top or top + down <= y


def test_page_is_what_the_code_says() -> None:
    """The list of rooms and the picture's words are those of today's house; `make house` writes them anew."""
    text = PAGE.read_text("utf-8")
    assert house.page(HOUSE, text) == text, "make house"


def test_picture_is_what_the_code_says() -> None:
    """The picture is that of today's house, byte by byte; `make house` draws it anew."""
    assert house.picture(HOUSE) == house.PICTURE.read_text("utf-8"), "make house"


def test_nothing_stands_in_a_room_that_nobody_uses() -> None:
    """Each function, class and table of a module is read somewhere: there, in another one, or in a template."""
    files = [path for folder in ("symbackprop", "templates", "tools") for path in sorted((ROOT / folder).rglob("*.*"))]
    words = Counter(
        word
        for path in files
        if path.suffix in (".py", ".jinja", ".toml")
        for word in re.findall(r"\w+", path.read_text("utf-8"))
    )
    unused = []
    for path in each((ROOT / "symbackprop").rglob("*.py"), 300):
        for node in ast.parse(path.read_text("utf-8")).body:
            named = [node.name] if isinstance(node, ast.FunctionDef | ast.ClassDef) else []
            targets = (
                node.targets
                if isinstance(node, ast.Assign)
                else [node.target]
                if isinstance(node, ast.AnnAssign)
                else []
            )
            named += [target.id for target in targets if isinstance(target, ast.Name)]
            unused += [f"{path.name}: {name}" for name in named if words[name] == 1 and not name.startswith("__")]
    assert [] == unused
