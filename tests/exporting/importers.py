"""Test doubles: what importers of learning systems make of an export, written from what their own sources do.

Each reads files and returns items. An item says which variant and answer it asks, and marks a text as the system would.
"""

from __future__ import annotations

import base64
import csv
import functools
import html
import io
import itertools
import json
import re
import tarfile
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from symbackprop.homework.classes.roster import file_name


class Marked(NamedTuple):
    """The share of the points that a text earns, and the feedback that it gets."""

    share: float
    feedback: str


class Item(NamedTuple):
    """One number that is asked: its variant, its answer id, what is said before and after, and how it is marked.

    Where numbers are filled into boxes, they are multiples of the unit.
    """

    variant: str
    answer: str
    page: str
    solution: str
    mark: Callable[[str], Marked]
    figures: Mapping[str, bytes]
    unit: Decimal = Decimal(0)


def _choosing(options: Mapping[str, Marked]) -> Callable[[str], Marked]:
    """Mark the option that shows a text; no two show the same, and one of them is right."""
    assert [1] == [mark.share for mark in options.values() if mark.share]
    return lambda text: options.get(text, Marked(0, ""))


def _alone(pairs: Iterable[tuple[str, Marked]]) -> dict[str, Marked]:
    """Return options by the text that they show, which have to be different."""
    listed = list(pairs)
    assert len(listed) == len(dict(listed)) > 1
    return dict(listed)


# Moodle

_FRACTIONS = (
    0,
    5,
    10,
    11.11111,
    12.5,
    14.28571,
    16.66667,
    20,
    25,
    30,
    33.33333,
    40,
    50,
    60,
    66.66667,
    70,
    75,
    80,
    90,
    100,
)
_NUMBER = r"-?(?:(?:[0-9]+[.,]?[0-9]*|[.,][0-9]+)(?:[eE][-+]?[0-9]+)?)"
_FEEDBACK = r"(?:.*?(?<!\\)(?=[~}]|$))"
_ALTERNATIVE = rf"(?:=|%-?[0-9]+(?:[.,][0-9]*)?%)?(?:.+?(?<!\\|&)(?=[~#}}]|$))(?:#{_FEEDBACK})?"
_FIELD = re.compile(
    rf"\{{([0-9]*):(NUMERICAL|NM|MULTICHOICE|MC|SHORTANSWER|SA|MW|[A-Z_]+):({_ALTERNATIVE}(?:~{_ALTERNATIVE})*)\}}"
)
_ONE = re.compile(rf"~?(=|%(-?[0-9]+(?:[.,][0-9]*)?)%)?(.+?(?<!\\|&)(?=[~#}}]|$))(?:#({_FEEDBACK}))?")
_PRECISION = 1e-14


class _Answer(NamedTuple):
    value: float
    tolerance: float
    fraction: float
    feedback: str


def _mark_in_order(answers: Sequence[_Answer], text: str) -> Marked:
    """Mark as the numerical question does: the first answer within its interval, ends included, counts."""
    if not re.fullmatch(rf"\s*{_NUMBER}\s*", text):
        return Marked(0, "")
    typed = float(text.replace(",", "."))
    for each in answers:
        allowed = each.tolerance + _PRECISION * max(abs(each.value), _PRECISION)
        if each.value - allowed <= typed <= each.value + allowed:
            return Marked(each.fraction / 100, each.feedback)
    return Marked(0, "")


def moodle(paths: Sequence[Path]) -> Iterator[Item]:
    """Read Moodle XML: numerical questions, and fields in those with several."""
    for path in paths:
        category = ""
        for question in ElementTree.parse(path).getroot():
            kind = question.get("type")
            if kind == "category":
                category = _text(question, "category/text")
                assert category.startswith("$course$/top/")
                continue
            name, page = _text(question, "name/text"), _text(question, "questiontext/text")
            solution = _text(question, "generalfeedback/text")
            figures = {
                f"@@PLUGINFILE@@/{file.get('name')}": base64.b64decode(file.text or "")
                for file in question.findall("questiontext/file")
            }
            if kind == "multichoice":
                assert "true" == question.findtext("single") and "0" == question.findtext("shuffleanswers")
                options = _alone(map(_moodle_option, question.findall("answer")))
                yield Item(
                    name.rpartition(" ")[0], category.split("/")[-1], page, solution, _choosing(options), figures
                )
            elif kind == "numerical":
                read = [_numerical(each) for each in question.findall("answer")]
                yield _moodle_item(name.rpartition(" ")[0], category.split("/")[-1], page, solution, read, figures)
            else:
                assert kind == "cloze"
                yield from _cloze(name, page, solution, figures)


def _moodle_item(
    name: str, answer: str, page: str, solution: str, read: list[_Answer], figures: Mapping[str, bytes]
) -> Item:
    return Item(name, answer, page, solution, lambda text: _mark_in_order(read, text), figures)


def _moodle_option(answer: Element) -> tuple[str, Marked]:
    fraction = float(answer.get("fraction", ""))
    assert fraction in _FRACTIONS and answer.find("tolerance") is None
    return _text(answer, "text"), Marked(fraction / 100, _text(answer, "feedback/text"))


def _numerical(answer: Element) -> _Answer:
    fraction = float(answer.get("fraction", ""))
    assert any(abs(abs(fraction) - known) <= 1e-3 for known in _FRACTIONS), (
        "not in Moodle's list: the question is dropped"
    )
    return _Answer(
        float(_text(answer, "text")), float(_text(answer, "tolerance")), fraction, _text(answer, "feedback/text")
    )


def _cloze(name: str, page: str, solution: str, figures: Mapping[str, bytes]) -> Iterator[Item]:
    fields = list(_FIELD.finditer(page))
    assert re.findall(r"\{\d*:", page) == [f"{{{field[1]}:" for field in fields], (
        "every field is read, and nothing else"
    )
    for field in fields:
        assert field[2] in ("NM", "NUMERICAL") and int(field[1]) > 0
        read = []
        for _, fraction, answer, feedback in _ONE.findall(field[3]):
            number = re.fullmatch(rf"({_NUMBER})(?::({_NUMBER}))?", answer)
            assert number, answer
            read.append(
                _Answer(float(number[1]), float(number[2] or 0), float(fraction or 100), html.unescape(feedback))
            )
        row = page[: field.start()].rpartition("<tr><td>")[2]
        yield _moodle_item(name, html.unescape(row.partition("</td>")[0]), page, solution, read, figures)


def _text(element: Element, path: str) -> str:
    found = element.find(path)
    assert found is not None, path
    return found.text or ""


# Canvas

_QTI = "{http://www.imsglobal.org/xsd/ims_qtiasiv1p2}"
_CP = "{http://www.imsglobal.org/xsd/imsccv1p1/imscp_v1p1}"
_SMALL = Decimal("0.0001")


def canvas(paths: Sequence[Path]) -> Iterator[Item]:
    """Read a package as both of Canvas' importers do, which have to agree on every text."""
    for path in paths:
        with zipfile.ZipFile(io.BytesIO(path.read_bytes())) as package:
            names = set(package.namelist())
            manifest = ElementTree.fromstring(package.read("imsmanifest.xml"))
            listed = [file.get("href", "") for file in manifest.iter(f"{_CP}file")]
            assert sorted(listed) == sorted(names - {"imsmanifest.xml"})
            figures = {f"$IMS-CC-FILEBASE$/{name}": package.read(name) for name in names if name.endswith(".svg")}
            for resource in manifest.iter(f"{_CP}resource"):
                if resource.get("type") == "imsqti_xmlv1p2":
                    yield from _assessment(ElementTree.fromstring(package.read(resource.get("href", ""))), figures)


def _assessment(root: Element, figures: Mapping[str, bytes]) -> Iterator[Item]:
    identifiers = [item.get("ident") for item in root.iter(f"{_QTI}item")]
    assert len(identifiers) == len(set(identifiers))
    for section in root.iter(f"{_QTI}section"):
        for item in section.findall(f"{_QTI}item"):
            assert "1" == _text(section, f"{_QTI}selection_ordering/{_QTI}selection/{_QTI}selection_number")
            yield _canvas_item(item, section.get("title", ""), figures)


def _canvas_item(item: Element, answer: str, figures: Mapping[str, bytes]) -> Item:
    if item.find(f".//{_QTI}render_choice") is not None:
        return _canvas_choice(item, answer, figures)
    blanks = list(item.iter(f"{_QTI}render_fib"))
    assert 1 == len(blanks) and "Decimal" == blanks[0].get("fibtype"), "else the answer is compared as text"
    entries = {
        _text(f, f"{_QTI}fieldlabel"): _text(f, f"{_QTI}fieldentry") for f in item.iter(f"{_QTI}qtimetadatafield")
    }
    assert "numerical_question" == entries["question_type"] and float(entries["points_possible"]) > 0
    scoring = [each for each in item.iter(f"{_QTI}respcondition") if each.find(f"{_QTI}setvar") is not None]
    feedback = _text(item, f"{_QTI}itemfeedback/{_QTI}flow_mat/{_QTI}material/{_QTI}mattext")
    page = _text(item, f"{_QTI}presentation/{_QTI}material/{_QTI}mattext")

    def mark(text: str) -> Marked:
        try:
            typed = Decimal(text)
        except InvalidOperation:
            return Marked(0, "")
        typed = Decimal(0) if abs(typed) < _SMALL else typed
        marks = {any(importer(each, typed) for each in scoring) for importer in (_classic, _new_quizzes)}
        assert 1 == len(marks), "the two importers mark alike"
        return Marked(float(marks.pop()), "")

    return Item(item.get("title", "").rpartition(" ")[0], answer, page, feedback, mark, figures)


def _canvas_choice(item: Element, answer: str, figures: Mapping[str, bytes]) -> Item:
    entries = {
        _text(f, f"{_QTI}fieldlabel"): _text(f, f"{_QTI}fieldentry") for f in item.iter(f"{_QTI}qtimetadatafield")
    }
    assert "multiple_choice_question" == entries["question_type"] and float(entries["points_possible"]) > 0
    said = {
        each.get("ident", ""): _text(each, f"{_QTI}flow_mat/{_QTI}material/{_QTI}mattext")
        for each in item.findall(f"{_QTI}itemfeedback")
    }
    shown = {
        each.get("ident", ""): html.unescape(_text(each, f"{_QTI}material/{_QTI}mattext"))
        for each in item.iter(f"{_QTI}response_label")
    }
    shares, feedback = dict.fromkeys(shown, 0.0), dict.fromkeys(shown, "")
    for condition in item.iter(f"{_QTI}respcondition"):
        chosen = condition.find(f"{_QTI}conditionvar/{_QTI}varequal")
        if chosen is None:
            continue
        if condition.find(f"{_QTI}setvar") is not None:
            shares[chosen.text or ""] = 1.0
        link = condition.find(f"{_QTI}displayfeedback")
        if link is not None:
            feedback[chosen.text or ""] = said[link.get("linkrefid", "")]
    options = _alone((shown[ident], Marked(shares[ident], feedback[ident])) for ident in shown)
    page = _text(item, f"{_QTI}presentation/{_QTI}material/{_QTI}mattext")
    variant = item.get("title", "").rpartition(" ")[0]
    return Item(variant, answer, page, said["general_fb"], _choosing(options), figures)


def _bound(condition: Element, name: str) -> Element | None:
    return condition.find(f".//{_QTI}{name}")


def _classic(condition: Element, typed: Decimal) -> bool:
    """Mark with the margin of the upper bound on both sides of the exact value, whatever score the condition sets."""
    exact, upper, lower = (_bound(condition, name) for name in ("varequal", "varlte", "vargt"))
    assert exact is not None and upper is not None and lower is None, "vargt may be taken for a number of digits"
    margin = Decimal(upper.text or "") - Decimal(exact.text or "")
    return abs(typed - Decimal(exact.text or "")) <= margin


def _new_quizzes(condition: Element, typed: Decimal) -> bool:
    """Mark by the margin that is stated, or the exact value where both bounds are it; refuse what it cannot read."""
    exact, upper, lower = (_bound(condition, name) for name in ("varequal", "varlte", "vargte"))
    assert exact is not None and upper is not None and lower is not None
    if exact.text == upper.text == lower.text:
        return typed == Decimal(exact.text or "")
    assert exact.text not in (upper.text, lower.text) and "absolute" == exact.get("margintype", "absolute")
    return abs(typed - Decimal(exact.text or "")) <= Decimal(exact.get("margin", ""))


# QTI 2.1 and 3.0


def qti(paths: Sequence[Path]) -> Iterator[Item]:
    """Read a package as a player does: the test's sections, their items, and the rules that each item states."""
    for path in paths:
        with zipfile.ZipFile(io.BytesIO(path.read_bytes())) as package:
            names = set(package.namelist())
            manifest = _plain(package.read("imsmanifest.xml"))
            resources = {each.get("href", ""): each for each in manifest.iter("resource")}
            assert names - {"imsmanifest.xml"} == {file.get("href") for file in manifest.iter("file")}
            test = _plain(package.read("test.xml"))
            known = {each.get("identifier") for each in resources.values()}
            assert {each.get("identifierref") for each in manifest.iter("dependency")} < known
            for section in test.iter("assessmentSection"):
                assert "1" == section.find("selection").get("select")  # type: ignore[union-attr]
                for reference in section.iter("assessmentItemRef"):
                    href = reference.get("href", "")
                    item = _plain(package.read(href))
                    assert item.get("identifier") == reference.get("identifier")
                    listed = [file.get("href", "") for file in resources[href].iter("file")]
                    yield from _qti_item(item, {name: package.read(name) for name in listed})


_KEPT = re.compile(rb"<math[ >].*?</math>", re.DOTALL)


def _plain(content: bytes) -> Element:
    """Return a document without namespaces, the elements and attributes of version 3.0 by the names of 2.1."""
    for formula in _KEPT.findall(content):
        assert formula.startswith(b'<math xmlns="http://www.w3.org/1998/Math/MathML"'), (
            "no prefix, and its own namespace"
        )
    root = ElementTree.fromstring(content)
    for each in root.iter():
        each.tag = _camel(each.tag.rpartition("}")[2].removeprefix("qti-"))
        each.attrib = {_camel(name.rpartition("}")[2]): value for name, value in each.attrib.items()}
    return root


def _camel(name: str) -> str:
    return re.sub("-([a-z])", lambda found: found[1].upper(), name)


def _qti_item(item: Element, figures: Mapping[str, bytes]) -> Iterator[Item]:
    declared = {each.get("identifier", ""): each for each in item.iter("responseDeclaration")}
    body = item.find("itemBody")
    assert body is not None
    page, solution = _shown(body), _shown(item.find("modalFeedback"))
    most = float(item.findtext("outcomeDeclaration[@identifier='MAXSCORE']/defaultValue/value", ""))
    keys = {name: each.findtext("correctResponse/value", "") for name, each in declared.items()}
    assert abs(most - _scored(item, keys)[0]) < 1e-9, "the key earns all points"
    rows = [row for row in body.iter("tr") if row.find(".//textEntryInteraction") is not None]
    assert len(rows) == len(list(body.iter("textEntryInteraction")))
    chosen = [row for row in body.iter("tr") if row.find(".//choiceInteraction") is not None]
    assert len(rows) + len(chosen) == len(declared)
    for row in chosen:
        answer = row.findtext("td", "")
        options = _alone(_qti_options(item, row))
        yield Item(
            item.get("title", "").removesuffix(f" {answer}"), answer, page, solution, _choosing(options), figures
        )
    for row in rows:
        field = row.find(".//textEntryInteraction")
        assert field is not None and "float" == declared[field.get("responseIdentifier", "")].get("baseType")
        answer = row.findtext("td", "")
        variant = item.get("title", "").removesuffix(f" {answer}")
        full = _scored(item, {field.get("responseIdentifier", ""): keys[field.get("responseIdentifier", "")]})[0]
        yield Item(variant, answer, page, solution, _qti_mark(item, field.get("responseIdentifier", ""), full), figures)


def _qti_options(item: Element, row: Element) -> Iterator[tuple[str, Marked]]:
    interaction = row.find(".//choiceInteraction")
    assert interaction is not None and ("1", "false") == (interaction.get("maxChoices"), interaction.get("shuffle"))
    name = interaction.get("responseIdentifier", "")
    causes = {
        each.get("identifier", ""): _shown(each)
        for each in item.iter("modalFeedback")
        if each.get("outcomeIdentifier") == "CAUSE"
    }
    for choice in interaction.iter("simpleChoice"):
        own = choice.get("identifier", "")
        score, feedback = _scored(item, {name: own})
        assert "SOLUTION" == feedback
        yield choice.text or "", Marked(float(score > 0), re.sub("<[^>]*>", " ", causes.get(own, "")))


def _qti_mark(item: Element, name: str, full: float) -> Callable[[str], Marked]:
    def mark(text: str) -> Marked:
        score, feedback = _scored(item, {name: text})
        assert "SOLUTION" == feedback
        return Marked(score / full, "")

    return mark


def _scored(item: Element, responses: Mapping[str, str]) -> tuple[float, str]:
    """Return the score and the feedback that the rules of an item give for some responses."""
    outcomes: dict[str, float | str] = {"SCORE": 0.0}
    processing = item.find("responseProcessing")
    assert processing is not None
    for rule in processing:
        if rule.tag == "responseCondition":
            (branch,) = rule
            assert "responseIf" == branch.tag
            condition, *rule_actions = branch
            actions = rule_actions if _holds(item, condition, responses) else []
        else:
            actions = [rule]
        for action in actions:
            (value,) = action
            if action.get("identifier") != "CAUSE":
                outcomes[action.get("identifier", "")] = _outcome(value, outcomes)
    return float(outcomes["SCORE"]), str(outcomes["FEEDBACK"])


def _outcome(value: Element, outcomes: Mapping[str, float | str]) -> float | str:
    if value.tag == "sum":
        return sum(float(_outcome(each, outcomes)) for each in value)
    if value.tag == "variable":
        return outcomes[value.get("identifier", "")]
    assert "baseValue" == value.tag
    return float(value.text or "") if value.get("baseType") == "float" else value.text or ""


def _holds(item: Element, condition: Element, responses: Mapping[str, str]) -> bool:
    if condition.tag == "match":
        name = condition[0].get("identifier", "")
        assert ["variable", "correct"] == [operand.tag for operand in condition]
        return responses.get(name) == item.findtext(f"responseDeclaration[@identifier='{name}']/correctResponse/value")
    return _is_between(condition, responses)


def _is_between(condition: Element, responses: Mapping[str, str]) -> bool:
    """Compare as `and` does of `gte` and `lte`: null where there is no float, ends included."""
    assert "and" == condition.tag and ["gte", "lte"] == [bound.tag for bound in condition]
    found = []
    for bound in condition:
        variable, value = bound
        assert ("variable", "baseValue", "float") == (variable.tag, value.tag, value.get("baseType"))
        try:
            given = Decimal(responses.get(variable.get("identifier", ""), ""))
        except InvalidOperation:
            return False
        found.append(given >= Decimal(value.text or "") if bound.tag == "gte" else given <= Decimal(value.text or ""))
    return all(found)


def _shown(element: Element | None) -> str:
    assert element is not None
    return ElementTree.tostring(element, encoding="unicode").replace("&quot;", '"')


# Open edX

_EDX_RESPONSES = ("numericalresponse", "multiplechoiceresponse")


def open_edx(paths: Sequence[Path]) -> Iterator[Item]:
    """Read a library as Studio does: the problems that it lists, each response with its absolute tolerance."""
    for path in paths:
        with tarfile.open(path, "r:gz") as package:
            read = {name: package.extractfile(name) for name in package.getnames()}
            documents = {name: file.read() for name, file in read.items() if file is not None}
        library = ElementTree.fromstring(documents["library/library.xml"])
        listed = [f"library/problem/{each.get('url_name')}.xml" for each in library]
        assert sorted(listed) == sorted(name for name in documents if name.startswith("library/problem/"))
        for name in listed:
            problem = ElementTree.fromstring(documents[name])
            page, solution = _shown(problem.find("div")), _shown(problem.find("solution"))
            for response in (each for tag in _EDX_RESPONSES for each in problem.iter(tag)):
                answer = _shown(response.find("label")).partition(">")[2].partition(":")[0]
                variant = problem.get("display_name", "").removesuffix(f" {answer}")
                options = list(map(_edx_option, response.iter("choice")))
                mark = _choosing(_alone(options)) if options else _edx_mark(response)
                yield Item(variant, answer, page, solution, mark, {})


def _edx_option(choice: Element) -> tuple[str, Marked]:
    hint = choice.find("choicehint")
    return choice.text or "", Marked(choice.get("correct") == "true", "" if hint is None else "".join(hint.itertext()))


def _edx_mark(response: Element) -> Callable[[str], Marked]:
    parameter = response.find("responseparam")
    assert parameter is not None and "tolerance" == parameter.get("type") and "%" not in parameter.get("default", "")
    assert response.find("formulaequationinput") is not None

    def mark(text: str) -> Marked:
        try:
            typed = Decimal(text)
        except InvalidOperation:
            return Marked(0, "")
        return Marked(abs(typed - Decimal(response.get("answer", ""))) <= Decimal(parameter.get("default", "")), "")

    return mark


# Blackboard

_MOST_RECORDS = 250


def blackboard(paths: Sequence[Path]) -> Iterator[Item]:
    """Read files of lines with tabs: no header, no empty line, at most so many records in each."""
    for path in paths:
        records = path.read_text("utf-8").split("\n")
        assert len(records) <= _MOST_RECORDS
        for record in records:
            kind, question, *told = record.split("\t")
            assert question == question.strip()
            if kind == "MC":
                rights = [Marked(right == "correct", "") for right in told[1::2]]
                assert {"correct", "incorrect"} == set(told[1::2]) and len(told) <= 200
                mark = _choosing(_alone(zip(told[::2], rights, strict=True)))
            else:
                assert "NUM" == kind and 2 == len(told)
                mark = _blackboard_mark(*map(Decimal, told))
            variant, _, answer = question.removeprefix("<p>").partition("</p>")[0].rpartition(" ")
            yield Item(variant, answer, question, "", mark, {})


def _blackboard_mark(key: Decimal, tolerance: Decimal) -> Callable[[str], Marked]:
    def mark(text: str) -> Marked:
        try:
            return Marked(abs(Decimal(text) - key) <= tolerance, "")
        except InvalidOperation:
            return Marked(0, "")

    return mark


# nbgrader


def nbgrader(paths: Sequence[Path]) -> Iterator[Item]:
    """Read assignments as nbgrader does: the cells by their roles, tests that are run against answers of a student."""
    for path in paths:
        cells = json.loads(path.read_text("utf-8"))["cells"]
        roles = [cell["metadata"]["nbgrader"] for cell in cells]
        assert len({role["grade_id"] for role in roles}) == len(roles)
        assert all(re.fullmatch(r"[a-zA-Z0-9_\-]+", role["grade_id"]) for role in roles)
        page = "".join(cells[0]["source"])
        for solution, test in zip(cells[2::2], cells[3::2], strict=True):
            assert solution["metadata"]["nbgrader"]["solution"] and test["metadata"]["nbgrader"]["points"] > 0
            answer = solution["source"][0].removeprefix("# ").strip()
            released = re.sub(r"### BEGIN SOLUTION.*### END SOLUTION", "", "".join(solution["source"]), flags=re.DOTALL)
            assert [f"# {answer}"] == released.split("\n\n")[0].splitlines()
            key: dict[str, object] = {"answers": {}}
            exec("".join(solution["source"]), key)
            shown = re.sub(r"### BEGIN HIDDEN.*### END HIDDEN", "", "".join(test["source"]), flags=re.DOTALL)
            assert not re.search(r"[0-9]\.[0-9]", shown) and "assert" not in shown
            mark = functools.partial(_run_test, "".join(test["source"]), answer)
            assert 1 == mark(str(key["answers"][answer])).share  # type: ignore[index]
            yield Item(path.parent.name.removeprefix("variant-"), answer, page, "", mark, {})


def _run_test(test: str, answer: str, text: str) -> Marked:
    try:
        exec(test, {"answers": {answer: text}})
    except Exception as error:
        return Marked(0, str(error) if isinstance(error, AssertionError) else "")
    return Marked(1, "")


# Gradescope


def gradescope(paths: Sequence[Path]) -> Iterator[Item]:
    """Unpack an autograder as Gradescope does, and run its program on a submission of each text."""
    for path in paths:
        with zipfile.ZipFile(path) as package:
            documents = {name: package.read(name).decode() for name in package.namelist()}
        assert {"setup.sh", "run_autograder", "grade.py", "key.json"} < set(documents)
        program: dict[str, Any] = {"__name__": "grade"}
        exec(documents["grade.py"], program)
        key = json.loads(documents["key.json"])
        for variant, own in key["variants"].items():
            page = documents[f"variants/{file_name(variant)}.txt"]
            for asked in own["asked"]:
                yield Item(
                    variant, asked["answer"], page, own["solution"], _gradescope_mark(program, key, variant, asked), {}
                )


def _gradescope_mark(
    program: dict[str, Any], key: dict[str, Any], variant: str, asked: dict[str, Any]
) -> Callable[[str], Marked]:
    def mark(text: str) -> Marked:
        rows = [{"student": variant, "answer": asked["answer"], "value": text}]
        results = program["graded"](key, rows, [])["tests"]
        (result,) = [each for each in results if each["name"] == asked["answer"]]
        assert [0] == [each["score"] for each in results[:-1] if each["name"] != asked["answer"]][:1] or len(
            results
        ) == 2
        return Marked(result["score"] / asked["points"], result["output"])

    return mark


# PrairieLearn


def prairielearn(paths: Sequence[Path]) -> Iterator[Item]:
    """Run questions as PrairieLearn does: the program chooses by the seed, the elements mark, then the program does."""
    folders = sorted({path.parent for path in paths})
    assert len(paths) == 4 * len(folders) and {"questions"} == {folder.parent.name for folder in folders}
    told = [json.loads((folder / "info.json").read_text("utf-8")) for folder in folders]
    assert len(told) == len({each["uuid"] for each in told}) and {"v3"} == {each["type"] for each in told}
    for folder in folders:
        program: dict[str, Any] = {}
        exec((folder / "server.py").read_text("utf-8"), program)
        page = (folder / "question.html").read_text("utf-8")
        for seed in range(len(json.loads((folder / "variants.json").read_text("utf-8")))):
            data = {
                "options": {"question_path": str(folder)},
                "variant_seed": seed,
                "params": {},
                "correct_answers": {},
            }
            program["generate"](data)
            data = json.loads(json.dumps(data))
            shown = _SECTION.sub(lambda found, own=data: _repeated(own, found[1], found[2]), page)
            shown = re.sub(r"\{\{\{?params\.([a-z0-9.]+)\}?\}\}", lambda found, own=data: _param(own, found[1]), shown)
            plain = _SECTION.sub("", page).replace("{{{params", "").replace("{{params", "")
            assert "{{" not in re.sub(r"\\\(.*?\\\)|\$", "", plain)
            fields = {found[1]: found[0] for found in re.finditer(r'<pl-number-input answers-name="(\w+)".*?>', shown)}
            choices = re.findall(r"<pl-multiple-choice.*?</pl-multiple-choice>", shown, re.DOTALL)
            asked, _, solution = shown.partition("<pl-answer-panel>")
            for text in choices:
                name, options = _pl_choice(data, text)
                mark = _choosing(options)
                yield Item(data["params"]["variant"], data["params"]["ids"][name], asked, solution, mark, {})
            if choices:
                assert not fields and "grade" not in program and len(choices) == 1
                continue
            assert list(fields) == [each["name"] for each in data["params"]["asked"]]
            for name in fields:
                mark = functools.partial(_prairielearn_mark, program, data, fields, name)
                yield Item(data["params"]["variant"], data["params"]["ids"][name], asked, solution, mark, {})


_SECTION = re.compile(r"\{\{#params\.([a-z0-9.]+)\}\}\n(.*?)\{\{/params\.\1\}\}\n", re.DOTALL)


def _repeated(data: Mapping[str, Any], path: str, text: str) -> str:
    """Return the text of a section once for each entry of a list, as Mustache does; two braces escape."""
    found: Any = data["params"]
    for part in path.split("."):
        found = found[part]
    return "".join(re.sub(r"\{\{(\w+)\}\}", lambda name, own=each: html.escape(own[name[1]]), text) for each in found)


def _pl_choice(data: Mapping[str, Any], text: str) -> tuple[str, dict[str, Marked]]:
    """Return the name of a choice and its options; the element takes no name that the program has used already."""
    element = ElementTree.fromstring(text)
    name = element.attrib["answers-name"]
    assert {**element.attrib} == {"answers-name": name, "weight": "1", "order": "fixed", "allow-blank": "true"}
    assert name not in data["params"] and name not in data["correct_answers"]
    assert all(each.tag == "pl-answer" and set(each.attrib) == {"correct", "feedback"} for each in element)
    options = _alone(
        ((each.text or "").strip(), Marked(each.attrib["correct"] == "true", each.attrib["feedback"]))
        for each in element
    )
    return name, options


def _param(data: Mapping[str, Any], path: str) -> str:
    found: Any = data["params"]
    for part in path.split("."):
        found = found[part]
    return str(found)


def _prairielearn_mark(
    program: dict[str, Any], data: dict[str, Any], fields: Mapping[str, str], name: str, text: str
) -> Marked:
    """Mark one text, all other fields blank; a text that is no number makes the submission invalid, so nobody marks it."""
    typed = {**dict.fromkeys(fields, ""), name: text}
    scores = {}
    for each, field in fields.items():
        assert 'allow-blank="true"' in field and 'rtol="0"' in field
        allowed = re.search(r'atol="([^"]*)"', field)
        weight = re.search(r'weight="([^"]*)"', field)
        assert allowed is not None and weight is not None
        try:
            number = float(typed[each] or 0)
        except ValueError:
            return Marked(0, "")
        is_right = abs(number - data["correct_answers"][each]) <= float(allowed[1])
        scores[each] = {"score": int(is_right), "weight": int(weight[1])}
    marked = {**data, "raw_submitted_answers": typed, "partial_scores": scores, "score": 0}
    program["grade"](marked)
    own = marked["partial_scores"][name]
    whole = sum(each["weight"] for each in scores.values())
    assert abs(marked["score"] - own["score"] * own["weight"] / whole) < 1e-12, "blanks earn nothing"
    return Marked(own["score"], own["feedback"])


# auto-multiple-choice

_NUMERIC = re.compile(
    r"\\begin\{questionmultx\}\{[A-Za-z0-9-]+\}\n(.*?)\\quad .*?\n"
    r"\\AMCnumericChoices\{(.*?)\}\{(.*?)\}\n\\end\{questionmultx\}"
)


def amc(paths: Sequence[Path]) -> Iterator[Item]:
    """Read the source of an exam as the package does: a copy for each variant, whole numbers of units that are compared."""
    found = {path.name: path for path in paths}
    listed = found["students.csv"].read_text("utf-8").splitlines() if "students.csv" in found else []
    class_list = {row["id"]: row["student"] for row in csv.DictReader(listed)}
    _, *copies = found["exam.tex"].read_text("utf-8").split("\\onecopy{1}{%\n")
    for number, copy in enumerate(copies, start=1):
        association = re.search(r"^\\AMCassociation\{(.*)\}%$", copy, re.MULTILINE)
        variant = class_list[association[1]] if association else str(number)
        body, _, solution = copy.partition("\\explaincontext{%")
        page, *_ = re.split(r"\\begin\{question", body.partition("\\begin{symbackprop}")[2], maxsplit=1)
        assert body.count(r"\begin{question") == len(_NUMERIC.findall(body)) + len(_CHOICE.findall(body)) > 0
        for id, options in _CHOICE.findall(body):
            yield Item(variant, id.replace("\\_", "_"), page, solution, _choosing(_alone(_amc_options(options))), {})
        for id, key, options in _NUMERIC.findall(body):
            told = dict(option.split("=") for option in options.split(","))
            unit = Decimal(1).scaleb(-int(told["decimals"]))
            assert int(told["digits"]) <= 9 and "true" == told["sign"], "TeX counts to 2^31"
            mark = functools.partial(_amc_mark, key, told, unit)
            yield Item(variant, id.replace("\\_", "_"), page, solution, mark, {}, unit)


def _amc_mark(key: str, told: Mapping[str, str], unit: Decimal, text: str) -> Marked:
    """Mark a number in boxes: its distance in units from the key, or from what is right as well, is at most `exact`."""
    try:
        units = int(Decimal(text) / unit)
    except InvalidOperation:
        return Marked(0, "")
    assert units * unit == Decimal(text), "there is no box for it"
    if len(str(abs(units))) > int(told["digits"]):
        return Marked(0, "")
    centres = [Decimal(each) for each in (key, told.get("alsocorrect", key))]
    distance = min(abs(units - int(centre / unit)) for centre in centres)
    return Marked(distance <= int(told["exact"]), "")


_CHOICE = re.compile(
    r"\\begin\{question\}\{[A-Za-z0-9-]+\}\\scoring\{b=[0-9.]+,m=0,e=0,v=0\}\n(.*?)\\quad .*?\n"
    r"\\begin\{choices\}\[o\]\n(.*?)\\end\{choices\}\n\\end\{question\}",
    re.DOTALL,
)


def _amc_options(text: str) -> Iterator[tuple[str, Marked]]:
    for kind, shown in re.findall(r"^\\(correct|wrong)choice\{(.*)\}$", text, re.MULTILINE):
        yield _signs(shown), Marked(kind == "correct", "")


def _signs(shown: str) -> str:
    """Return a number in TeX in signs of its own."""
    mantissa, _, power = shown.strip("$").replace("-", "−").partition(r" \times 10^")
    raised = power.strip("{}").translate(str.maketrans("0123456789−", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻"))
    return f"{mantissa} × 10{raised}" if raised else mantissa


# Brightspace


def brightspace(paths: Sequence[Path]) -> Iterator[Item]:
    """Read a table of parts of questions: the first cell says which part, an option has its share before its text."""
    for path in paths:
        rows = list(csv.reader(path.read_text("utf-8-sig").splitlines()))
        starts = [place for place, row in enumerate(rows) if row[0] == "NewQuestion"]
        assert starts[0] == 0 and not any("\n" in cell for row in rows for cell in row)
        for start, end in itertools.pairwise([*starts, len(rows)]):
            own = rows[start:end]
            assert "MC" == own[0][1]
            parts = {row[0]: row for row in own if row[0] != "Option"}
            assert float(parts["Points"][1]) > 0 and {"HTML"} == {parts[n][2] for n in ("QuestionText", "Feedback")}
            chosen = [row for row in own if row[0] == "Option"]
            assert all(row[3] == row[5] == "HTML" for row in chosen)
            options = _alone((html.unescape(row[2]), Marked(float(row[1]) / 100, row[4])) for row in chosen)
            variant, _, answer = parts["Title"][1].rpartition(" ")
            yield Item(variant, answer, parts["QuestionText"][1], parts["Feedback"][1], _choosing(options), {})


IMPORTERS: Mapping[str, Callable[[Sequence[Path]], Iterator[Item]]] = {
    "moodle": moodle,
    "canvas": canvas,
    "qti21": qti,
    "qti30": qti,
    "olx": open_edx,
    "nbgrader": nbgrader,
    "gradescope": gradescope,
    "prairielearn": prairielearn,
    "amc": amc,
    "blackboard": blackboard,
    "brightspace": brightspace,
}
"""What reads the files of each system."""
