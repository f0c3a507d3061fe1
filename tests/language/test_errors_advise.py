"""Law: every error says what is expected or what to do, not only what is wrong, in both languages."""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterator

from symbackprop import language
from tests.helpers import ROOT

EXPECTED = re.compile(
    r"\bexpected\b|\bmust\b|\b(?:has|have) to\b|\bat (?:most|least)\b|\bas in\b|\bsuch as\b|\bonly in\b|\bneeds? (?:a|one)\b"
    r"|\bfrom 0 to\b|\bbetween\b|\b(?:is|are) written\b|\bby name\b|\btakes (?:two|an)\b|\bstand in\b|\bpip install\b"
    r"|\bgives any\b"
    r"|\b(?:a name consists|a network is made|a variable is|a case is chosen)\b|\bany browser prints\b|\bthese are\b"
    r"|\b(?:number of axes|of length|for the shape)\b"
)
"""How a message says what would be right."""

VERBS = (
    "add ask build call check choose delete derive fill freeze give hand install join leave make mark move name number put"
    " reduce rename run save say split take try use write"
)
DEED = re.compile(rf"(?:[:;,.] (?:or |and |then )?|^)(?:{'|'.join(VERBS.split())})\b")
"""How a message says what to do: an imperative at the beginning of a clause."""

DEED_IN_CHINESE = re.compile("请|可|应|须|需|改用|写作|写成|只能|最多|应为|用于|写在")

WRAPPERS = ("compilation.targets", "csv.readings", "expression.mistake", "gradients.wrong")
"""Phrases that place what another one says."""

PRINTED = ("curvature.singular",)
"""Reasons that a document prints in the middle of a sentence of its own."""


def _ids(node: ast.AST) -> Iterator[str]:
    for call in ast.walk(node):
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "message":
            yield from (
                each.value
                for each in ast.walk(call.args[0])
                if isinstance(each, ast.Constant) and "." in str(each.value)
            )


def _raised(function: ast.FunctionDef) -> Iterator[str]:
    """Yield the ids of what a function raises without a list of what is valid: it says what to do itself."""
    parts = list(ast.walk(function))
    named: dict[str, list[str]] = {}
    for each in parts:
        if isinstance(each, ast.Assign) and isinstance(each.targets[0], ast.Name):
            named.setdefault(each.targets[0].id, []).extend(_ids(each.value))
    for each in parts:
        if isinstance(each, ast.Raise) and isinstance(each.exc, ast.Call):
            if any(keyword.arg == "valid" for keyword in each.exc.keywords):
                continue
            for argument in each.exc.args[:1]:
                yield from named.get(argument.id, ()) if isinstance(argument, ast.Name) else _ids(argument)


@functools.cache
def raised() -> list[str]:
    """Return the ids of errors of the package that have to say themselves what to do."""
    texts = [file.read_text("utf-8") for file in sorted((ROOT / "symbackprop").rglob("*.py"))]
    trees = [ast.parse(text) for text in texts if "raise " in text and "message(" in text]
    functions = [part for tree in trees for part in ast.walk(tree) if isinstance(part, ast.FunctionDef)]
    found = {id for function in functions for id in _raised(function) if id in language.phrases("en")}
    return sorted({id for id in found if not id.startswith("kind.")} - {*WRAPPERS, *PRINTED})


def advises(english: str, chinese: str) -> bool:
    """Return whether an error says what would be right, or, in both languages, what to do."""
    return bool(EXPECTED.search(english) or (DEED.search(english) and DEED_IN_CHINESE.search(chinese)))


def test_errors_say_what_is_expected_or_what_to_do() -> None:
    """Someone who reads one line on a terminal knows what to change."""
    languages = [language.phrases(name) for name in ("en", "zh")]
    assert [] == [id for id in raised() if not advises(*(phrases[id] for phrases in languages))]


def test_the_law_sees_errors_and_finds_those_that_do_not_advise() -> None:
    """It is about some hundreds of phrases, and one that only complains is found."""
    assert len(raised()) > 250
    assert {"problem.missing_key", "graph.shapes", "homework.no_students"} <= set(raised())
    complaint = "the shapes 2 and 3 do not fit together elementwise"
    assert not advises(complaint, "请")
