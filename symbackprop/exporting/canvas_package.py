"""Canvas: a package of QTI 1.2 with one number in each item, and a group for each answer of which one variant is drawn.

Read in Canvas' own importers: every response condition that sets a score is a right answer, whatever score it sets, so a
mistake cannot be told in one; bounds are inclusive and symmetric; a number below 1/10000 becomes 0 when it is typed.
"""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from xml.etree.ElementTree import Element

from symbackprop.exporting.exercises import AskedNumber, Exercise, Pool, titles
from symbackprop.exporting.fragments import FragmentWriter
from symbackprop.exporting.packages import archive, element, xml
from symbackprop.messages import Message, message

LEAST = Decimal("0.0001")
"""A number nearer to 0 than this is taken for 0."""

_QTI = "http://www.imsglobal.org/xsd/ims_qtiasiv1p2"
_PACKAGE = "http://www.imsglobal.org/xsd/imsccv1p1/imscp_v1p1"
_BASE = "$IMS-CC-FILEBASE$/"
_ANSWER, _SOLUTION = "response1", "general_fb"


def refusal(asked: AskedNumber) -> Message | None:
    """Return why a number would be marked wrongly: right ones below a ten-thousandth are taken for 0, which is not right."""
    nearest = min(abs(asked.lowest), abs(asked.highest))
    if asked.lowest <= 0 <= asked.highest or nearest >= LEAST:
        return None
    return message("export.small", name=asked.id, value=str(asked.value), least=str(LEAST))


def files(pools: Sequence[Pool], style: str, language: str) -> Mapping[str, bytes]:
    """Return one package with an assessment for each problem."""
    found: dict[str, str | bytes] = {}
    resources = []
    for number, (pool, title) in enumerate(zip(pools, titles(pools, language), strict=True), start=1):
        name = f"assessment{number}"
        path = f"{name}/{name}.xml"
        figures: dict[str, str] = {}
        writer = FragmentWriter(pool, language, "equation_image", _BASE)
        sections = list(_sections(pool, writer, name, figures))
        root = element("section", "", sections, ident="root_section")
        assessment = element("assessment", "", [root], ident=name, title=title)
        found[path] = xml(element("questestinterop", "", [assessment], xmlns=_QTI))
        found |= figures
        resources.append(_resource(name, "imsqti_xmlv1p2", path))
        resources += [_resource(f"{name}_{place}", "webcontent", each) for place, each in enumerate(figures)]
    manifest = element(
        "manifest",
        "",
        [
            element("metadata", "", [element("schema", "IMS Content"), element("schemaversion", "1.1.3")]),
            element("organizations"),
            element("resources", "", resources),
        ],
        identifier="symbackprop",
        xmlns=_PACKAGE,
    )
    return {"": archive({"imsmanifest.xml": xml(manifest), **found})}


def _resource(identifier: str, kind: str, path: str) -> Element:
    return element("resource", "", [element("file", href=path)], identifier=identifier, type=kind, href=path)


def _sections(pool: Pool, writer: FragmentWriter, name: str, figures: dict[str, str]) -> Iterator[Element]:
    """Yield a group of questions for each answer, and put the figures of its items into `figures`."""
    for number, answer in enumerate(pool.given.answers, start=1):
        items = []
        for exercise in pool.exercises:
            page = writer.question(exercise, f"{name}/figure-{exercise.place}")
            asked = exercise.asked[number - 1]
            lines = writer.solution(exercise, asked, f"{name}/solution-{exercise.place}-{number}")
            figures |= {**page.pictures, **lines.pictures}
            text = f"{page.text}<p><strong>{writer.symbol(asked)} = ?</strong></p>\n"
            causes = [writer.explained(option) for option in asked.options]
            items.append(_item(f"{name}_{number}_{exercise.place}", exercise, asked, text, lines.text, causes))
        points = element("selection_extension", "", [element("points_per_item", _points(pool, answer.id))])
        drawn = element("selection", "", [element("selection_number", "1"), points])
        yield element(
            "section",
            "",
            [element("selection_ordering", "", [drawn]), *items],
            ident=f"{name}_{number}",
            title=answer.id,
        )


def _points(pool: Pool, id: str) -> str:
    return f"{float(pool.given.most[id]):g}"


def _item(
    identifier: str, exercise: Exercise, asked: AskedNumber, text: str, solution: str, causes: Sequence[str]
) -> Element:
    """Return a question; `causes` say of each option why it is wrong, and are empty where a number is typed."""
    kind = "multiple_choice_question" if causes else "numerical_question"
    fields = {"question_type": kind, "points_possible": f"{float(asked.points):g}"}
    metadata = [
        element("qtimetadatafield", "", [element("fieldlabel", label), element("fieldentry", entry)])
        for label, entry in fields.items()
    ]
    outcomes = element("decvar", maxvalue="100", minvalue="0", varname="SCORE", vartype="Decimal")
    shown = element("displayfeedback", feedbacktype="Response", linkrefid=_SOLUTION)
    always = element("respcondition", "", [element("conditionvar", "", [element("other")]), shown], continue_="Yes")
    conditions = _choosing(asked, causes) if causes else [_condition(asked)]
    feedback = {_SOLUTION: solution, **{_said(place): cause for place, cause in enumerate(causes) if cause}}
    return element(
        "item",
        "",
        [
            element("itemmetadata", "", [element("qtimetadata", "", metadata)]),
            element("presentation", "", [_material(text), _response(asked)]),
            element("resprocessing", "", [element("outcomes", "", [outcomes]), always, *conditions]),
            *(
                element("itemfeedback", "", [element("flow_mat", "", [_material(said)])], ident=ident)
                for ident, said in feedback.items()
            ),
        ],
        ident=identifier,
        title=f"{exercise.name} {asked.id}",
    )


def _response(asked: AskedNumber) -> Element:
    """Return what is filled in: a number, or one of the options."""
    if not asked.options:
        blank = element("render_fib", "", fibtype="Decimal")
        return element("response_str", "", [blank], ident=_ANSWER, rcardinality="Single")
    labels = [
        element("response_label", "", [_material(html.escape(option.shown))], ident=_option(place))
        for place, option in enumerate(asked.options)
    ]
    return element("response_lid", "", [element("render_choice", "", labels)], ident=_ANSWER, rcardinality="Single")


def _option(place: int) -> str:
    return f"option{place + 1}"


def _said(place: int) -> str:
    return f"{_option(place)}_fb"


def _choosing(asked: AskedNumber, causes: Sequence[str]) -> Iterator[Element]:
    """Yield what is said of each wrong option, and the only condition that sets a score: that of the key."""
    for place, cause in enumerate(causes):
        if cause:
            shown = element("displayfeedback", feedbacktype="Response", linkrefid=_said(place))
            yield element("respcondition", "", [_chosen(place), shown], continue_="Yes")
    key = next(place for place, option in enumerate(asked.options) if option.is_key)
    yield element("respcondition", "", [_chosen(key), _right()], continue_="No")


def _chosen(place: int) -> Element:
    return element("conditionvar", "", [element("varequal", _option(place), respident=_ANSWER)])


def _right() -> Element:
    return element("setvar", "100", action="Set", varname="SCORE")


def _condition(asked: AskedNumber) -> Element:
    """Return the condition of a number, the only one that sets a score."""
    exact = {"margintype": "absolute", "margin": f"{asked.tolerance:f}"} if asked.tolerance else {}
    bounds = [
        element(name, f"{bound:f}", respident=_ANSWER)
        for name, bound in (("vargte", asked.lowest), ("varlte", asked.highest))
    ]
    key = element("varequal", f"{asked.value:f}", respident=_ANSWER, **exact)
    right = element("conditionvar", "", [element("or", "", [key, element("and", "", bounds)])])
    return element("respcondition", "", [right, _right()], continue_="No")


def _material(text: str) -> Element:
    return element("material", "", [element("mattext", text, texttype="text/html")])
