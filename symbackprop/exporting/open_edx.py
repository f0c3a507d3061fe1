"""Open edX: a content library, of which a course draws a problem for each student.

A numerical response compares with an absolute tolerance, ends included, and takes arithmetic for an answer. What is said of
wrong answers is for options only.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from xml.etree.ElementTree import Element

from symbackprop.exporting.exercises import AskedNumber, Exercise, Pool, titles
from symbackprop.exporting.fragments import FragmentWriter
from symbackprop.exporting.packages import compressed_tar, element, parsed, xml
from symbackprop.homework.assignments.options import Option


def files(pools: Sequence[Pool], style: str, language: str) -> Mapping[str, bytes]:
    """Return a library with a problem for each variant, or for each number of each."""
    problems: dict[str, Element] = {}
    for number, (pool, title) in enumerate(zip(pools, titles(pools, language), strict=True), start=1):
        writer = FragmentWriter(pool, language, "mathjax")
        for place, (name, asked, exercise) in enumerate(_parts(pool, style), start=1):
            problems[f"p{number}_{place}"] = _problem(pool, writer, exercise, asked, f"{title} {name}")
    listed = [element("problem", url_name=name) for name in problems]
    title = titles(pools, language)[0]
    attributes = {"xblock-family": "xblock.v1", "display_name": title, "org": "symbackprop", "library": "pool"}
    library = element("library", "", listed, **attributes)
    found = {f"library/problem/{name}.xml": xml(problem) for name, problem in problems.items()}
    return {"": compressed_tar({"library/library.xml": xml(library), "library/policies/assets.json": "{}", **found})}


def _parts(pool: Pool, style: str) -> Iterator[tuple[str, tuple[AskedNumber, ...], Exercise]]:
    """Yield what one problem asks: its name, its numbers, its variant."""
    for exercise in pool.exercises:
        if style == "sheet":
            yield exercise.name, exercise.asked, exercise
        else:
            yield from ((f"{exercise.name} {asked.id}", (asked,), exercise) for asked in exercise.asked)


def _problem(
    pool: Pool, writer: FragmentWriter, exercise: Exercise, asked: Sequence[AskedNumber], title: str
) -> Element:
    worked = parsed(writer.solution(exercise, asked[0] if len(asked) == 1 else None).text, "div")
    worked.set("class", "detailed-solution")
    return element(
        "problem",
        "",
        [
            parsed(writer.question(exercise).text, "div"),
            *(_response(each, writer) for each in asked),
            element("solution", "", [worked]),
        ],
        display_name=title,
        weight=f"{sum(float(each.points) for each in asked):g}",
    )


def _response(asked: AskedNumber, writer: FragmentWriter) -> Element:
    label = parsed(f"{writer.plain(asked.id)}: {writer.symbol(asked)}", "label")
    if asked.options:
        choices = [_choice(option, writer) for option in asked.options]
        group = element("choicegroup", "", choices, type="MultipleChoice", shuffle="false")
        return element("multiplechoiceresponse", "", [label, group])
    tolerance = element("responseparam", type="tolerance", default=f"{asked.tolerance:f}")
    answer = element("numericalresponse", "", [label, tolerance, element("formulaequationinput")])
    answer.set("answer", f"{asked.value:f}")
    return answer


def _choice(option: Option, writer: FragmentWriter) -> Element:
    hints = [] if option.is_key else [parsed(writer.explained(option), "choicehint")]
    return element("choice", option.shown, hints, correct="true" if option.is_key else "false")
