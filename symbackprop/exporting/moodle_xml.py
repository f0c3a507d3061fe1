"""Moodle XML: each variant as one page with embedded fields (Cloze), or each number as a question, to be typed or chosen.

Read in Moodle's own importers: the first answer that fits counts, in the order of the file; tolerances are absolute; an
embedded field has whole-number weights, and no brace, tilde or hash sign in its feedback.
"""

from __future__ import annotations

import base64
import html
from collections.abc import Iterator, Mapping, Sequence
from xml.etree.ElementTree import Element

from symbackprop.exporting.exercises import AskedNumber, Fragment, Pool, titles, whole_weights
from symbackprop.exporting.fragments import FragmentWriter
from symbackprop.exporting.packages import element, xml

_FILES = "@@PLUGINFILE@@/"
_PENALTY = "0.3333333"
_BRACES = str.maketrans({"{": "&#123;", "}": "&#125;"})
"""Braces of a page's text: a field begins with one."""
_IN_FIELDS = str.maketrans({"~": "∼", "#": "♯", "{": "(", "}": ")", "\\": "∖", "/": "∕", '"': "″"})
"""What means something in a field, and what stands in its place in feedback."""


def files(pools: Sequence[Pool], style: str, language: str) -> Mapping[str, bytes]:
    """Return a file with a category for each problem, and below it one for each number that is a question of its own."""
    questions = _sheets if style == "sheet" else _single
    found = [
        question
        for pool, title in zip(pools, titles(pools, language), strict=True)
        for question in questions(pool, title, FragmentWriter(pool, language, "mathjax", _FILES))
    ]
    return {"": xml(element("quiz", "", found))}


def _sheets(pool: Pool, title: str, writer: FragmentWriter) -> Iterator[Element]:
    yield _category(title)
    weights = whole_weights([asked.weight for asked in pool.exercises[0].asked])
    for exercise in pool.exercises:
        page = writer.question(exercise, "question")
        rows = "".join(
            f"<tr><td>{writer.plain(asked.id).translate(_BRACES)}</td><td>{writer.symbol(asked).translate(_BRACES)}</td>"
            f"<td>{_field(asked, weight, writer)}</td></tr>\n"
            for asked, weight in zip(exercise.asked, weights, strict=True)
        )
        text = f'{page.text.translate(_BRACES)}<table class="table">\n<tbody>\n{rows}</tbody>\n</table>\n'
        solution = writer.solution(exercise, stem="solution")
        yield _question("cloze", f"{title} {exercise.name}", Fragment(text, page.pictures), solution)


def _field(asked: AskedNumber, weight: int, writer: FragmentWriter) -> str:
    """Return an embedded field: the key first, then the numbers of known mistakes."""
    answers = [f"={asked.value}:{asked.tolerance}"]
    for wrong in asked.wrong:
        answers.append(f"%0%{wrong.value}:{wrong.tolerance}#{_in_field(writer.mistake(wrong.mistake))}")
    return f"{{{weight}:NM:{'~'.join(answers)}}}"


def _in_field(text: str) -> str:
    """Return a text of a page as feedback of a field, in which no sign means anything."""
    return html.escape(html.unescape(text), quote=False).translate(_IN_FIELDS)


def _single(pool: Pool, title: str, writer: FragmentWriter) -> Iterator[Element]:
    for number, answer in enumerate(pool.given.answers):
        yield _category(title, answer.id)
        for exercise in pool.exercises:
            asked = exercise.asked[number]
            page = writer.question(exercise, "question")
            text = f"{page.text}<p><strong>{writer.symbol(asked)} = ?</strong></p>\n"
            lines = writer.solution(exercise, asked, "solution")
            kind, own = ("multichoice", _options) if asked.options else ("numerical", _answers)
            name = f"{title} {exercise.name} {asked.id}"
            yield _question(kind, name, Fragment(text, page.pictures), lines, list(own(asked, writer)), asked)


def _answers(asked: AskedNumber, writer: FragmentWriter) -> Iterator[Element]:
    """Yield the key and the numbers of known mistakes, each with its interval."""
    yield _answer(100, str(asked.value), "", element("tolerance", str(asked.tolerance)))
    for each in asked.wrong:
        yield _answer(0, str(each.value), writer.mistake(each.mistake), element("tolerance", str(each.tolerance)))


def _options(asked: AskedNumber, writer: FragmentWriter) -> Iterator[Element]:
    """Yield how the options are shown, which keep their order, and the options."""
    for name, text in (("single", "true"), ("shuffleanswers", "0"), ("answernumbering", "ABCD")):
        yield element(name, text)
    for option in asked.options:
        yield _answer(100 if option.is_key else 0, option.shown, writer.explained(option))


def _answer(fraction: int, text: str, feedback: str, *more: Element) -> Element:
    said = element("feedback", "", [element("text", feedback)], format="html")
    children = [element("text", text), *more, said]
    return element("answer", "", children, fraction=fraction, format="moodle_auto_format")


def _category(*names: str) -> Element:
    """Return where the next questions go: a category below that of the course."""
    path = "/".join(("$course$", "top", *(name.replace("/", "//") for name in names)))
    return element("question", "", [element("category", "", [element("text", path)])], type="category")


def _question(
    kind: str,
    name: str,
    page: Fragment,
    solution: Fragment,
    answers: Sequence[Element] = (),
    asked: AskedNumber | None = None,
) -> Element:
    own = [element("defaultgrade", f"{float(asked.points):g}")] if asked is not None else []
    return element(
        "question",
        "",
        [
            element("name", "", [element("text", name)]),
            _text("questiontext", page),
            _text("generalfeedback", solution),
            *own,
            element("penalty", _PENALTY),
            element("hidden", "0"),
            *answers,
        ],
        type=kind,
    )


def _text(tag: str, fragment: Fragment) -> Element:
    figures = [
        element("file", base64.b64encode(svg.encode()).decode("ascii"), name=name, path="/", encoding="base64")
        for name, svg in fragment.pictures.items()
    ]
    return element(tag, "", [element("text", fragment.text), *figures], format="html")
