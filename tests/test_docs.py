"""README and docs say what is so: excerpts, commands, tables, examples in TOML, Python and JSON, links."""

from __future__ import annotations

import doctest
import importlib
import itertools
import json
import re
import shlex
import shutil
import subprocess
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import symbackprop as sbp
from symbackprop import cli
from symbackprop.algebra.functions import ACTIVATIONS
from symbackprop.catalog.losses import LOSSES
from symbackprop.graph import notation
from symbackprop.problems import load
from symbackprop.problems.json_schema import schema
from tests.helpers import each, few, require_module
from tests.test_architecture import LIBRARIES

ROOT = Path(__file__).parent.parent
README = "README.md"
README_ZH = "README.zh.md"
PAGES = (
    README,
    README_ZH,
    "CHANGELOG.md",
    "output/README.md",
    *(file.relative_to(ROOT).as_posix() for file in sorted((ROOT / "docs").rglob("*.md"))),
)

_FENCE = re.compile(
    r'^```(?P<language>\w*)(?: title="(?P<title>[^"]+)")?\n(?P<content>.*?)^```$', re.MULTILINE | re.DOTALL
)
_HEADING = re.compile(r"^(#+) (.+)$", re.MULTILINE)


class Block(NamedTuple):
    """A fenced block of a page: language, content, number of its first line, the file that it is."""

    page: str
    language: str
    content: str
    line: int
    title: str = ""

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def text_of(page: str) -> str:
    """Return the text of a page."""
    return (ROOT / page).read_text("utf-8")


def prose_of(page: str) -> str:
    """Return the text of a page without its fenced blocks."""
    return _FENCE.sub("", text_of(page))


def blocks_of(page: str, *languages: str) -> list[Block]:
    """Return the fenced blocks of a page in the given languages, or all of them."""
    text = text_of(page)
    return [
        Block(page, found["language"], found["content"], text[: found.start()].count("\n") + 2, found["title"] or "")
        for found in _FENCE.finditer(text)
        if not languages or found["language"] in languages
    ]


def blocks(*languages: str) -> list[Block]:
    """Return the fenced blocks of all pages in the given languages."""
    return [block for page in PAGES for block in blocks_of(page, *languages)]


def section(page: str, title: str) -> str:
    """Return the text under a heading, up to the next heading of any level."""
    text = text_of(page)
    headings = list(_HEADING.finditer(text))
    for position, found in enumerate(headings):
        if found[2] == title:
            end = headings[position + 1].start() if position + 1 < len(headings) else len(text)
            return text[found.end() : end]
    raise AssertionError(f"{page} has no section {title!r}")


def rows_of(text: str) -> list[list[str]]:
    """Return the cells of the first table of a text, without header and rule.

    Backticks around a whole cell are taken off.
    """
    below = itertools.dropwhile(lambda line: not line.startswith("|"), text.splitlines())
    _, _, *lines = itertools.takewhile(lambda line: line.startswith("|"), below)
    return [[re.sub(r"^`([^`]*)`$", r"\1", cell.strip()) for cell in line[1:-1].split("|")] for line in lines]


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty folder with a copy of `examples/`, as in a clone, and make it the current one."""
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def output_of(command: str, capsys: pytest.CaptureFixture[str]) -> str:
    """Return what a `symbackprop` command prints, on either stream; it ends with 0, or with a message and 2."""
    program, *arguments = shlex.split(command)
    assert program == "symbackprop"
    with pytest.raises(SystemExit) as left:
        cli.main(arguments)
    printed = capsys.readouterr()
    assert left.value.code == (2 if re.match("symbackprop(: error|：错误)", printed.err) else 0), printed.err
    return printed.out + printed.err


# The README


EXCERPT: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Forward pass", ("z_{h_1}", "h_1")),
    ("Backward pass", (r"\frac{\partial E}{\partial w_5}",)),
    ("Update", ("w^+_5",)),
)
"""The formulas that the README shows: the section of the solution, and the left sides."""


def formulas(output: str, title: str, lefts: tuple[str, ...]) -> str:
    """Return a block of formulas cut from a solution in Markdown: whole lines, the last without its line break."""
    lines = itertools.dropwhile(lambda line: not re.fullmatch(rf"## \d+ {title}", line), output.splitlines())
    cut: list[str] = []
    for left in lefts:
        lines = itertools.dropwhile(lambda line: not line.startswith(f"{left} &"), lines)  # noqa: B023 - used at once
        cut.append(next(lines))
        following = list(lines)
        cut += itertools.takewhile(lambda line: line.startswith(" &"), following)
        lines = iter(following)
    cut[-1] = cut[-1].removesuffix(r" \\")
    return "\n".join((r"\begin{aligned}", *cut, r"\end{aligned}", ""))


def test_readme_excerpt_is_the_output(request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]) -> None:
    """The formulas of the README are lines of the Markdown that its command prints; `--update-golden` writes them anew."""
    command = "symbackprop solve mazur -f markdown -o -"
    assert f"`{command}`" in text_of(README)
    output = output_of(command, capsys)
    expected = [formulas(output, title, lefts) for title, lefts in EXCERPT]
    shown = blocks_of(README, "math")
    if request.config.getoption("--update-golden", default=False):
        text = text_of(README)
        for block, new in zip(shown, expected, strict=True):
            text = text.replace(block.content, new)
        (ROOT / README).write_text(text, "utf-8")
        shown = blocks_of(README, "math")
    assert expected == [block.content for block in shown]


def test_readme_quotes_numbers_that_hold() -> None:
    """The two products with which the README explains guard digits round as it says."""
    products = re.findall(r"([\d.]+) × ([\d.]+)\s+(?:gives|would\s+give)\s+([\d.]+\d)", text_of(README))
    assert 2 == len(products)
    for left, right, product in products:
        assert product == f"{float(Fraction(left) * Fraction(right)):.{len(product) - 2}f}"


def test_readme_opens_with_the_two_commands() -> None:
    """The first block of the README is `make solve` and `make test`, and what it needs is what pyproject.toml says."""
    assert "make solve\nmake test\n" == blocks_of(README, "sh")[0].content
    python = tomllib.loads(text_of("pyproject.toml"))["project"]["requires-python"].removeprefix(">=")
    assert f"Python {python}" in text_of(README).split("```")[0]


@pytest.mark.parametrize("page", PAGES)
def test_page_names_targets_that_make_has(page: str) -> None:
    """Every `make NAME` of a page is a target of the Makefile."""
    targets = set(re.findall(r"^([a-z]+):", text_of("Makefile"), re.MULTILINE))
    named = set(re.findall(r"^make (\w+)$|`make (\w+)`", text_of(page), re.MULTILINE))
    assert set() == {name for pair in named for name in pair if name} - targets


def test_readme_lists_every_command() -> None:
    """The table of commands has each command once, with an example of it."""
    rows = rows_of(section(README, "Commands"))
    assert list(cli.command_names()) == sorted(name for name, _, _ in rows)
    assert [name for name, _, _ in rows] == [shlex.split(example)[1] for _, _, example in rows]


@pytest.mark.parametrize("example", [row[2] for row in rows_of(section(README, "Commands"))])
def test_readme_example_of_a_command_runs(example: str, workplace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each example of the table of commands runs, and prints no error."""
    if shlex.split(example)[1] == "grade":
        # It marks what the example of `homework` gave out.
        output_of(next(row[2] for row in rows_of(section(README, "Commands")) if row[0] == "homework"), capsys)
        shutil.copyfile("class/teacher/answers.csv", "submissions.csv")
    if shlex.split(example)[1] == "merge":
        for number in (1, 2):
            options = f"--variants 3 -f markdown --secret secret --shard {number}/2 -o part{number}"
            output_of(f"symbackprop homework homework {options}", capsys)
    if shlex.split(example)[1] == "predict":
        sbp.train(sbp.example("mazur"), epochs=10).save("mazur.npz")
        Path("new.csv").write_text("x1,x2\n0.1,0.2\n")
    assert not output_of(example, capsys).startswith("symbackprop: error:")


def test_readme_lists_every_bundled_example() -> None:
    """The table of examples has each bundled example, in alphabetical order, with the widths of its layers."""
    rows = {name: widths for name, widths, _ in rows_of(section(README, "Examples"))}
    assert list(load.examples()) == list(rows)
    for name, widths in rows.items():
        assert shape_of(name) == widths


def test_chinese_readme_lists_every_bundled_example() -> None:
    """The Chinese table of examples has each bundled example with its Chinese title."""
    expected = [[name, load.example(name).titles["zh"]] for name in load.examples()]
    assert expected == rows_of(section(README_ZH, "自带的示例"))


def shape_of(example: str) -> str:
    """Return the widths of an example's layers as people write them, `2-3-1`; of one without layers, `graph`."""
    content = tomllib.loads(text_of(f"examples/{example}.toml"))
    if "network" not in content:
        return "graph"
    network = content["network"]
    return "-".join(map(str, (network["inputs"], *(layer["units"] for layer in network["layers"]))))


def test_readme_is_what_the_package_shows() -> None:
    """The package's metadata take the README as its description."""
    assert README == tomllib.loads(text_of("pyproject.toml"))["project"]["readme"]


# Blocks of all pages


@pytest.mark.parametrize("page", few([page for page in PAGES if blocks_of(page, "console")], 3))
def test_commands_print_what_the_page_shows(page: str, workplace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each `$ command` of a page, one after the other, prints what stands below it; `...` stands for anything.

    A block with a title is a file: what the commands before it wrote, or else what those after it read.
    """
    for block in each(blocks_of(page)):
        if block.title and Path(block.title).exists():
            assert block.content == Path(block.title).read_text("utf-8"), str(block)
        elif block.title:
            Path(block.title).write_text(block.content, "utf-8")
        elif block.language == "console":
            assert_printed(block, capsys)


def assert_printed(block: Block, capsys: pytest.CaptureFixture[str]) -> None:
    """Hold that the commands of a block print what it shows."""
    checker = doctest.OutputChecker()
    parts = re.split(r"^\$ (.*)\n", block.content, flags=re.MULTILINE)
    assert "" == parts[0]
    for command, shown in zip(parts[1::2], parts[2::2], strict=True):
        printed = output_of(command, capsys)
        if not checker.check_output(shown, printed, doctest.ELLIPSIS):
            assert shown == printed, str(block)


@pytest.mark.parametrize("page", [page for page in PAGES if blocks_of(page, "python")])
def test_python_of_a_page_runs(page: str, workplace: Path) -> None:
    """The Python blocks of a page, taken together, do what they show."""
    examples = "\n".join(block.content for block in blocks_of(page, "python"))
    if "import torch" in examples:
        require_module("torch")
    test = doctest.DocTestParser().get_doctest(examples, {}, page, page, 0)
    assert test.examples, "written as a session, with >>>"
    report: list[str] = []
    doctest.DocTestRunner(verbose=False).run(test, out=report.append)
    assert "" == "".join(report)


@pytest.mark.parametrize("block", blocks("toml"), ids=str)
def test_toml_of_a_page_is_a_problem(block: Block, tmp_path: Path) -> None:
    """Each TOML block is a complete problem: it loads, as a file and as a mapping, and can be derived."""
    file = tmp_path / "problem.toml"
    file.write_text(block.content, "utf-8")
    problem = sbp.load(file)
    assert problem == sbp.problem(content_of(block))
    assert sbp.derive(problem).links
    if not problem.missing():
        assert sbp.check(problem).agrees


def content_of(block: Block) -> dict[str, Any]:
    """Return what a TOML block says, its numbers as decimals, which keep their zeros (0.20)."""
    return tomllib.loads(block.content, parse_float=Decimal)


def test_complete_problem_of_the_docs_is_mazur() -> None:
    """The complete problem of docs/problem-format.md is the bundled example, so that its numbers are the README's."""
    first = blocks_of("docs/problem-format.md", "toml")[0]
    # The bundled example has its title in other languages too.
    assert replace(sbp.example("mazur"), titles={}) == sbp.problem(content_of(first), name="mazur")


def test_json_of_the_docs_is_the_output(capsys: pytest.CaptureFixture[str]) -> None:
    """The JSON result of docs/problem-format.md is what its command writes, down to the order of its keys."""
    (block,) = blocks_of("docs/problem-format.md", "json")
    commands = [
        command for command in re.findall(r"^\$ (.*)$", text_of(block.page), re.MULTILINE) if "-f json" in command
    ]
    assert 1 == len(commands)
    printed = output_of(re.sub(r"-o \S+", "-o -", commands[0]), capsys)
    expected, actual = json.loads(printed), json.loads(block.content)
    assert json.dumps(expected) == json.dumps(actual)


def test_json_keys_of_the_docs_are_those_of_a_result(capsys: pytest.CaptureFixture[str]) -> None:
    """The table of the JSON result lists the keys of a result with training, in order."""
    result = json.loads(output_of("symbackprop solve line -f json -o -", capsys))
    assert list(result) == [row[0] for row in rows_of(section("docs/problem-format.md", "The JSON result"))]


# Tables of the problem file


SCHEMA = schema()


def tables_of(definition: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the tables of the problem file by the headings that document them: `Top level`, `[network]`, ….

    A key that takes one of several tables is documented with the table that it stands in.
    """
    for key, described in definition["properties"].items():
        kinds = [kind for kind in described.get("anyOf", [described]) if kind != {"type": "null"}]
        if len(kinds) > 1:
            continue
        name, items = f"{path}.{key}".removeprefix("."), kinds[0].get("items", {})
        reference = kinds[0].get("$ref") or items.get("$ref")
        if reference:
            table = SCHEMA["$defs"][reference.rpartition("/")[2]]
            yield f"`[[{name}]]`" if items else f"`[{name}]`", table
            yield from tables_of(table, name)


TABLES = {"Top level": SCHEMA, **dict(tables_of(SCHEMA))}


@pytest.mark.parametrize("table", TABLES)
def test_docs_list_every_key_of_a_table(table: str) -> None:
    """docs/problem-format.md has one row for each key, which says whether it is required and what its default is."""
    rows = {row[0]: row[2] for row in rows_of(section("docs/problem-format.md", table))}
    definition = TABLES[table]
    assert set(definition["properties"]) == set(rows)
    for key, default in rows.items():
        described = definition["properties"][key]
        assert (key in definition.get("required", ())) is (default == "required"), key
        if default not in ("required", "–"):
            given = tomllib.loads(f"value = {default}")["value"]
            stated = described.get("default")
            assert given == ({} if "$ref" in described else stated), key
        elif default == "–":
            assert described.get("default") is None, key


def test_docs_list_every_symbol() -> None:
    """docs/problem-format.md lists each kind of symbol with its letter in every naming convention."""
    table = section("docs/problem-format.md", "`[notation]`")
    rows = {row[0]: row[1:] for row in rows_of(table[table.index("| symbol") :])}
    letters = [{**notation.COMMON, **row.letters} for row in notation.NAMINGS.values()]
    assert {kind: [each.get(kind, "–") for each in letters] for kind in notation.KINDS} == rows


@pytest.mark.parametrize("command", list(cli.command_names()))
def test_docs_describe_every_command_and_option(command: str) -> None:
    """The section of a command in docs/problem-format.md names all its options, and no other."""
    (title,) = re.findall(rf"^### (`symbackprop {command}\b.*`)$", text_of("docs/problem-format.md"), re.MULTILINE)
    options = {option for parameter in cli.command(command).params for option in parameter.opts}
    expected = {option for option in options if option.startswith("-")}
    assert expected == set(re.findall(r"`(-\w|--[a-z-]+)", section("docs/problem-format.md", title)))


def test_docs_define_every_loss() -> None:
    """The table of losses in docs/conventions.md is the registry: names, aliases, expressions, in order."""
    expected = [
        [name, ", ".join(alias for alias, of in LOSSES.aliases.items() if of == name), row.expression]
        for name, row in LOSSES.items()
        if row.expression
    ]
    *rows, generic = rows_of(section("docs/conventions.md", "Losses"))
    assert expected == rows
    assert [generic[0]] == [name for name, row in LOSSES.items() if not row.expression]


def test_docs_define_every_activation() -> None:
    """The table of activations in docs/conventions.md is the registry; softmax and generic have words for it."""
    rows = dict(rows_of(section("docs/conventions.md", "Activations")))
    assert list(ACTIVATIONS) == list(rows)
    assert {name: row.expression for name, row in ACTIVATIONS.items() if row.expression} == {
        name: text for name, text in rows.items() if ACTIVATIONS[name].expression
    }


@pytest.mark.parametrize(
    ("name", "value"), [row[:2] for row in rows_of(section("docs/conventions.md", "The numbers behind these rules"))]
)
def test_docs_state_constants_of_the_code(name: str, value: str) -> None:
    """Each number that docs/conventions.md gives for a rule is the one in the code."""
    module, _, constant = name.rpartition(".")
    actual = getattr(importlib.import_module(f"symbackprop.{module}"), constant)
    assert Fraction(value) == Fraction(str(actual))


# Architecture


def test_docs_say_which_wing_imports_which_library() -> None:
    """The table of libraries in docs/architecture.md is the plan that the tests hold."""
    rows = rows_of(section("docs/architecture.md", "Libraries"))
    assert {library: set(wings) for library, wings in LIBRARIES.items()} == {
        library: set(re.findall(r"\w+", wings)) for library, wings in rows
    }


# Links and words


def anchors_of(page: str) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    titles = [title for _, title in _HEADING.findall(prose_of(page))]
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def test_relative_links_lead_somewhere() -> None:
    """Each relative link of a page leads to a file that exists and, where it names a place in it, to a heading."""
    links = [(page, target) for page in PAGES for target in re.findall(r"\]\(([^)]+)\)", prose_of(page))]
    for page, target in each([link for link in links if not link[1].startswith(("https://", "http://"))], least=20):
        path, _, anchor = target.partition("#")
        file = (ROOT / page).parent / path if path else ROOT / page
        assert file.exists(), (page, target)
        if anchor:
            assert anchor in anchors_of(str(file.resolve().relative_to(ROOT.resolve()))), (page, target)


@pytest.mark.parametrize("page", PAGES)
def test_page_names_commands_that_exist(page: str) -> None:
    """What a page calls a command of symbackprop is one, and each example it solves is bundled."""
    assert set(re.findall(r"`(?:\$ )?symbackprop ([a-z]\w*)", text_of(page))) <= set(cli.command_names())
    known = {*load.examples(), "mazzur"}
    assert set(re.findall(r"symbackprop (?:solve|check) ([a-z]\w*)(?![\w/.])", text_of(page))) <= known


def test_files_name_no_place_outside_the_project() -> None:
    """No file of the project speaks of the machine or the folders that it was made in."""
    if not (ROOT / ".git").exists() or shutil.which("git") is None:
        pytest.skip("not a git checkout")
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    names = [name for name in listed.stdout.decode().split("\0") if name and (ROOT / name).is_file()]
    # Written with brackets, so that this file does not hold what it looks for.
    outside = re.compile(r"(?<![\w.-])/[w]ork\b|(?<![\w.-])/[f]arm\b|\b[s]hared/")
    assert {} == {name: found[0] for name in names if (found := outside.search(read_leniently(ROOT / name)))}


def read_leniently(file: Path) -> str:
    """Return the text of a file; what is not UTF-8 in it is replaced."""
    return file.read_bytes().decode("utf-8", "replace")
