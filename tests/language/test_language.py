"""Languages: the same phrases in each, none left over from another, and every phrase that the code asks for."""

from __future__ import annotations

import ast
import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

import symbackprop as sbp
from symbackprop import cli, errors, language, rendering
from symbackprop.errors import ProblemError, UnknownNameError
from symbackprop.messages import message
from symbackprop.problems import load
from tests.documents import text_of
from tests.helpers import few

PACKAGE = Path(language.__file__).parents[1]
TEMPLATES = PACKAGE.parent / "templates"
OTHERS = [code for code in language.available() if code != language.DEFAULT]
PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")
HAN = re.compile(r"[\u4e00-\u9fff]")
ALIKE = {"ReLU", "ELU", "SiLU", "GELU", "sigmoid", "tanh", "softplus", "softsign", "softmax"}
"""Names that a Chinese text writes in Latin letters."""


def tables(code: str) -> dict[str, dict[str, dict[str, str]]]:
    """Return the phrases of a language by file, table and key."""
    folder = PACKAGE / "language" / code
    return {file.name: tomllib.loads(file.read_text("utf-8")) for file in sorted(folder.glob("*.toml"))}


@pytest.mark.parametrize("code", language.available())
def test_language_shares_no_table_between_files(code: str) -> None:
    """A table stands in one file, so that no file hides a phrase of another."""
    counts = Counter(table for content in tables(code).values() for table in content)
    assert dict.fromkeys(counts, 1) == dict(counts)


@pytest.mark.parametrize("code", OTHERS)
def test_language_has_the_files_and_phrases_of_the_default(code: str) -> None:
    """Every language has the same files with the same tables and keys, in the same order."""
    keys = {
        each: {
            file: [(table, list(phrases)) for table, phrases in content.items()]
            for file, content in tables(each).items()
        }
        for each in (language.DEFAULT, code)
    }
    assert keys[language.DEFAULT] == keys[code]


@pytest.mark.parametrize("code", OTHERS)
def test_language_has_the_placeholders_of_the_default(code: str) -> None:
    """A phrase leaves the same things to be filled in, in every language."""
    expected = {id: set(PLACEHOLDER.findall(text)) for id, text in language.phrases(language.DEFAULT).items()}
    assert expected == {id: set(PLACEHOLDER.findall(text)) for id, text in language.phrases(code).items()}


@pytest.mark.parametrize("code", language.available())
def test_language_has_no_empty_phrase(code: str) -> None:
    """No phrase is empty or blank."""
    assert [] == [id for id, text in language.phrases(code).items() if not text.strip()]


def test_chinese_leaves_no_phrase_in_english() -> None:
    """A phrase with words in it is in Chinese; names such as ReLU are the same in both."""
    left = {}
    for id, text in language.phrases("zh").items():
        words = set(re.findall(r"[^\W\d_]+", PLACEHOLDER.sub(" ", text)))
        if words and not HAN.search(text) and not words <= ALIKE and id != "page.language":
            left[id] = text
    assert {} == left


def test_chinese_uses_its_own_punctuation() -> None:
    """Beside Chinese characters stand full-width commas, semicolons, colons and parentheses."""
    half = re.compile(r"[\u4e00-\u9fff“”{}]?(?:(?<=[\u4e00-\u9fff”])[,;:!?(]|[,;!?)](?=[\u4e00-\u9fff“]))")
    assert {} == {id: text for id, text in language.phrases("zh").items() if half.search(text)}


def test_chinese_keeps_letters_and_characters_apart() -> None:
    """Between Latin letters or digits and Chinese characters there is a space."""
    touching = re.compile(r"[A-Za-z0-9][\u4e00-\u9fff]|[\u4e00-\u9fff][A-Za-z0-9]")
    found = {id: PLACEHOLDER.sub("", text) for id, text in language.phrases("zh").items()}
    assert {} == {id: text for id, text in found.items() if touching.search(text)}


# Words of each language

BY = re.compile(
    r"\b(?:gradients?|derivatives?|slopes?|∂\w+/∂\w+)\b[^.,:;]{0,30}? by "
    r"(?!the chain rule\b|name\b|convention\b|its own partial\b)"
)
"""A gradient *with respect to* a quantity: after these words "by" would be read as "caused by"."""

OTHER_WORDS = {
    "神经元": re.compile(r"单元(?!格)"),
    "正则化项": re.compile(r"正则项|惩罚项"),
    "舍入": re.compile(r"取舍"),
    "不可导点": re.compile(r"折点"),
}
"""For each term of the textbooks what might be said in its place; in a notebook 单元 is a cell."""


def test_english_says_with_respect_to() -> None:
    """No gradient and no derivative is "by" a quantity."""
    assert BY.search("the derivative of a product by one factor") and BY.search("the gradients by weights are sums")
    assert not BY.search("finding all gradients by the chain rule")
    assert {} == {id: text for id, text in language.phrases("en").items() if BY.search(text)}


@pytest.mark.parametrize("term", OTHER_WORDS)
def test_chinese_has_one_word_for_each_term(term: str) -> None:
    """A term has one word, that of the textbooks, in every phrase."""
    known = {id: text for id, text in language.phrases("zh").items() if not id.startswith("notebook.")}
    assert any(term in text for text in known.values())
    assert {} == {id: text for id, text in known.items() if OTHER_WORDS[term].search(text)}


# What the code says

SAYING = {"message", "Message", "say", "_say", "working", "progress", "plain"}


def called(node: ast.Call) -> str:
    """Return the name of what is called, without what it belongs to."""
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def pattern_of(text: ast.JoinedStr) -> str:
    """Return an f-string as a pattern."""
    parts = (re.escape(str(part.value)) if isinstance(part, ast.Constant) else "[a-z0-9_]+" for part in text.values)
    return "".join(parts)


def asked() -> Iterator[tuple[str, str]]:
    """Yield a pattern of every phrase that the code asks for by a literal, with the place."""
    for file in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if not isinstance(node, ast.Call) or called(node) not in SAYING:
                continue
            for argument in node.args:
                choices = [argument.body, argument.orelse] if isinstance(argument, ast.IfExp) else [argument]
                for choice in choices:
                    place = f"{file.relative_to(PACKAGE)}:{choice.lineno}"
                    if isinstance(choice, ast.Constant) and re.fullmatch(r"[a-z_]+\.[a-z0-9_]+", str(choice.value)):
                        yield place, re.escape(str(choice.value))
                    elif isinstance(choice, ast.JoinedStr) and re.match(r"[a-z_]+\\\.", pattern_of(choice)):
                        yield place, pattern_of(choice)


def test_code_asks_for_phrases_that_exist() -> None:
    """Every id that stands in the code is that of a phrase; an id with a part filled in fits at least one."""
    found = list(asked())
    assert len(found) > 200, "the walk over the code sees the calls"
    ids = list(language.phrases(language.DEFAULT))
    assert [] == [(place, id) for place, id in found if not any(re.fullmatch(id, known) for known in ids)]


def test_what_can_be_unknown_has_a_word() -> None:
    """Every kind of name that may be mistaken, in a table of rows or where a name is looked up, can be told."""
    calls = (
        node
        for file in sorted(PACKAGE.rglob("*.py"))
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.Call) and called(node) in ("unknown", "Registry") and node.args
    )
    kinds = {str(call.args[0].value) for call in calls if isinstance(call.args[0], ast.Constant)}
    assert len(kinds) > 20
    assert [] == sorted(kind for kind in kinds if f"kind.{kind}" not in language.phrases(language.DEFAULT))


def asked_by_templates() -> Iterator[str]:
    """Yield the ids that templates say; those of scripts are in a table of their own."""
    for file in sorted(TEMPLATES.rglob("*.jinja")):
        for id in re.findall(r'\bsay\("([^"]+)"', file.read_text("utf-8")):
            yield id if "." in id else f"code.{id}"


def test_templates_ask_for_phrases_that_exist() -> None:
    """Every phrase that a template says exists."""
    found = list(asked_by_templates())
    assert found
    assert [] == [id for id in found if id not in language.phrases(language.DEFAULT)]


def test_every_phrase_is_said() -> None:
    """No phrase is left that nothing asks for, by its id or by an id with a part filled in."""
    literals: set[str] = set()
    patterns: set[str] = set()
    for file in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                literals.add(node.value)
            elif isinstance(node, ast.JoinedStr):
                patterns.add(pattern_of(node))
    literals |= set(asked_by_templates())
    in_table = re.compile("|".join(each for each in patterns if re.match(r"[a-z_]+\\\.", each)))
    key = re.compile("|".join(each for each in patterns if re.fullmatch(r"\[a-z0-9_\]\+[a-z_]+", each)))

    def is_said(id: str) -> bool:
        table, _, name = id.partition(".")
        if id in literals or in_table.fullmatch(id):
            return True
        # Table and key may both be values; what a starter file says of a key goes by the name of the key's table.
        return table.startswith("starter_") or (table in literals and (name in literals or bool(key.fullmatch(name))))

    silent = [id for id in language.phrases(language.DEFAULT) if not is_said(id)]
    assert [] == silent


# What is said


@pytest.mark.parametrize(("code", "expected"), [("en", "x, y, z"), ("zh", "x、y、z")])
def test_list_is_separated_as_the_language_does(code: str, expected: str) -> None:
    """A list of names stands between the commas of its language, in plain text and in a document."""
    assert expected == language.say(code, message("text.items", items=["x", "y", "z"]))


def test_error_is_explained_in_chinese() -> None:
    """An error carries ids, so that the same error can be told in any language: place, mistake, nearest, valid."""
    with pytest.raises(UnknownNameError) as caught:
        sbp.problem({"network": {"inputs": 1, "loss": "mse", "layers": [{"units": 1, "activation": "sigmod"}]}})
    expected = "network.layers[0].activation：没有这样的激活函数：“sigmod”\n  是不是想写“sigmoid”？\n  可选：linear、"
    assert errors.explain("zh", caught.value).startswith(expected)
    assert str(caught.value).startswith('network.layers[0].activation: unknown activation "sigmod"\n  did you mean')


GRAPH = {"parameters": {"w": 1}, "equations": ["f = w**2"], "output": "f"}


@pytest.mark.parametrize(
    ("title", "said"),
    [
        ("One", {"en": "One", "zh": "One"}),
        ({"en": "One", "zh": "一"}, {"en": "One", "zh": "一"}),
        ({"zh": "一", "en": "One"}, {"en": "One", "zh": "一"}),
        ({"zh": "一"}, {"en": "一", "zh": "一"}),
        ({}, {"en": "name", "zh": "name"}),
    ],
)
def test_title_is_said_in_the_language_of_the_document(title: object, said: dict[str, str]) -> None:
    """A title is one text for all languages or one for each; JSON has the English one, or the only one there is."""
    problem = sbp.problem({"title": title, "graph": GRAPH}, name="name")
    assert said["en"] == problem.title
    for code, text in said.items():
        written = sbp.render(sbp.derive(problem), format="markdown", language=code)
        assert isinstance(written, str)
        assert written.startswith(f"# {text}\n")


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ({"en": 3}, "title.en: expected a text"),
        ({"en": "x" * 301}, "title.en: expected a text of at most 300 characters"),
        ({"xx": "One"}, 'title: unknown language "xx"\n  valid: en, zh'),
    ],
)
def test_wrong_title_is_told(title: object, expected: str) -> None:
    """What is no title in a language is an error that names the key."""
    with pytest.raises((ProblemError, UnknownNameError)) as caught:
        sbp.problem({"title": title, "graph": GRAPH})
    assert expected == str(caught.value)


@pytest.mark.parametrize("name", load.examples())
def test_bundled_example_has_a_title_in_every_language(name: str) -> None:
    """A bundled example is called by a title of the document's language."""
    titles = load.example(name).titles
    assert set(language.available()) == set(titles)
    assert HAN.search(titles["zh"])


FORMATS = [name for name in rendering.formats() if name not in ("pdf", "json")]


@pytest.mark.parametrize("format", few(FORMATS, 3))
def test_chinese_document_has_no_english_sentence(format: str) -> None:
    """Of the words of an English document none that is not a name is left in the Chinese one."""
    solved = sbp.solve(sbp.example("line"))
    texts = {code: str(sbp.render(solved, format=format, language=code)) for code in ("en", "zh")}
    sentences = [
        text
        for text in language.phrases("en").values()
        if len(text.split()) > 2 and not PLACEHOLDER.search(text) and text in texts["en"]
    ]
    assert sentences, "the English document has English sentences"
    assert [] == [text for text in sentences if text in texts["zh"]]


def test_chinese_page_says_its_language() -> None:
    """A page and what a screen reader hears of it are marked as Chinese."""
    assert '<html lang="zh-Hans">' in text_of("line", "html", "zh")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (
            ["solve", "mazzur", "--lang", "zh"],
            "symbackprop：错误：没有这样的题目（既不是文件，也不是自带的示例）：“mazzur”\n",
        ),
        (["solve", "mazur", "--lang", "zh", "-f", "tex"], "symbackprop：错误：--format：没有这样的格式：“tex”\n"),
        (["solve", "mazur", "--lang", "fr"], 'symbackprop: error: unknown language "fr"\n'),
        (["solve", "mazzur"], 'symbackprop: error: unknown problem (neither a file nor a bundled example) "mazzur"\n'),
    ],
)
def test_command_line_tells_mistakes_in_the_language_asked_for(
    arguments: list[str], expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """With --lang the message is in that language, wherever the option stands; an unknown language is told in English."""
    with pytest.raises(SystemExit) as left:
        cli.main(arguments)
    assert 2 == left.value.code
    assert capsys.readouterr().err.startswith(expected)


def test_chinese_solution_has_its_own_file_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Chinese solution lies beside the English one, and so do its figures."""
    monkeypatch.chdir(tmp_path)
    for options in ([], ["--lang", "zh"]):
        with pytest.raises(SystemExit):
            cli.main(["solve", "line", "-f", "latex,markdown", *options, "--quiet"])
    names = {path.name for path in (tmp_path / "output" / "line").iterdir()}
    assert {"solution.tex", "solution.md", "solution.zh.tex", "solution.zh.md"} <= names
    pictures = {name for name in names if name.endswith(".svg")}
    assert {name.replace("solution.", "solution.zh.") for name in pictures if ".zh." not in name} == {
        name for name in pictures if ".zh." in name
    }


def test_starter_file_in_chinese_is_a_problem(tmp_path: Path) -> None:
    """`new --lang zh` writes a file with Chinese title and comments that can be solved; no line starts with a comma."""
    with pytest.raises(SystemExit):
        cli.main(["new", str(tmp_path / "first.toml"), "--lang", "zh", "--quiet"])
    text = (tmp_path / "first.toml").read_text("utf-8")
    assert "第一个网络" == sbp.load(tmp_path / "first.toml").title
    comments = [line for line in text.splitlines() if line.startswith("#")]
    assert [] == [line for line in comments if not HAN.search(line) and "per_unit" not in line]
    assert [] == [line for line in comments if re.match(r"# [，。：；、？！）”]", line)]
    assert sbp.solve(sbp.load(tmp_path / "first.toml")).losses
