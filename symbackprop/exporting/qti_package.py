"""QTI 2.1 and 3.0: a test that draws one variant, with its items and their figures, as a content package.

A number is a float between two bounds, ends included: not every player knows the tolerances of `equal`. Formulas are MathML
without a prefix. The later version has the same elements under other names.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from symbackprop.exporting.exercises import AskedNumber, Exercise, Pool, titles
from symbackprop.exporting.fragments import FragmentWriter
from symbackprop.exporting.packages import archive, element, parsed, xml

_MATHML = "http://www.w3.org/1998/Math/MathML"
_PACKAGE = "http://www.imsglobal.org/xsd/imscp_v1p1"
_SOLUTION, _FEEDBACK, _CAUSE, _SCORE = "SOLUTION", "FEEDBACK", "CAUSE", "SCORE"
_CAPITAL = re.compile("[A-Z]")


@dataclass(frozen=True, slots=True)
class _Item:
    """One item: its identifier, its content and figures, and the group of which one is drawn."""

    identifier: str
    content: Element
    figures: Mapping[str, str]


def files(pools: Sequence[Pool], style: str, language: str, version: str = "2p1") -> Mapping[str, bytes]:
    """Return a package with one test, whose sections draw one variant of each problem, or of each answer."""
    groups: dict[str, list[_Item]] = {}
    for number, (pool, title) in enumerate(zip(pools, titles(pools, language), strict=True), start=1):
        maker = _Maker(FragmentWriter(pool, language, "mathml"), f"p{number}")
        if style == "sheet":
            groups[title] = [maker.item(each, each.asked, each.name) for each in pool.exercises]
            continue
        for position, answer in enumerate(pool.given.answers):
            found = (
                maker.item(each, each.asked[position : position + 1], f"{each.name} {answer.id}", position + 1)
                for each in pool.exercises
            )
            groups[f"{title}: {answer.id}"] = list(found)
    return {"": archive(_package(groups, version))}


def files_of_later_version(pools: Sequence[Pool], style: str, language: str) -> Mapping[str, bytes]:
    """Return the same in the names of version 3.0."""
    return files(pools, style, language, "3p0")


@dataclass(frozen=True)
class _Maker:
    """Makes the items of a pool, whose identifiers and figures begin with a prefix."""

    writer: FragmentWriter
    prefix: str

    def item(self, exercise: Exercise, asked: Sequence[AskedNumber], title: str, answer: int = 0) -> _Item:
        """Return the item that asks some numbers of a variant; `answer` is the number of a single one."""
        stem = f"{self.prefix}-{exercise.place}"
        identifier = stem + (f"-{answer}" if answer else "")
        page = self.writer.question(exercise, stem)
        shown = self.writer.solution(exercise, asked[0] if answer else None, f"{identifier}-solution")
        names = [f"RESPONSE{number}" for number in range(1, len(asked) + 1)]
        body = _content(page.text)
        body.append(self._blanks(dict(zip(names, asked, strict=True))))
        causes = {
            _choice(place): self.writer.explained(option)
            for each in asked
            for place, option in enumerate(each.options)
            if not option.is_key
        }
        content = element(
            "assessmentItem",
            "",
            [
                *(_response(name, each) for name, each in zip(names, asked, strict=True)),
                *_outcomes(asked),
                element("itemBody", "", [body]),
                element("responseProcessing", "", _processing(dict(zip(names, asked, strict=True)))),
                _modal(_FEEDBACK, _SOLUTION, _content(shown.text)),
                *(_modal(_CAUSE, name, _content(cause)) for name, cause in causes.items()),
            ],
            identifier=identifier,
            title=title,
            adaptive="false",
            timeDependent="false",
        )
        content.set("xml:lang", self.writer.language)
        return _Item(identifier, content, {**page.pictures, **shown.pictures})

    def _blanks(self, asked: Mapping[str, AskedNumber]) -> Element:
        rows = []
        for name, each in asked.items():
            blank = _interaction(name, each)
            symbol = _content(self.writer.symbol(each), "td")
            rows.append(element("tr", "", [element("td", each.id), symbol, element("td", "", [blank])]))
        return element("table", "", [element("tbody", "", rows)])


def _content(fragment: str, tag: str = "div") -> Element:
    """Return a piece of a page as an element, its formulas in the namespace of theirs.

    They are without their TeX, which a player that does not know MathML would show beside them.
    """
    found = parsed(fragment, tag)
    for formula in found.iter("math"):
        formula.set("xmlns", _MATHML)
        for semantics in formula.findall("semantics"):
            formula[:] = list(semantics)[:1]
    return found


def _choice(place: int) -> str:
    """Return the identifier of the option at a place."""
    return f"CHOICE{place + 1}"


def _interaction(name: str, asked: AskedNumber) -> Element:
    """Return what is filled in: a number, or one of the options, in their order."""
    if not asked.options:
        return element("textEntryInteraction", responseIdentifier=name, expectedLength=15)
    choices = [
        element("simpleChoice", option.shown, identifier=_choice(place)) for place, option in enumerate(asked.options)
    ]
    return element("choiceInteraction", "", choices, responseIdentifier=name, maxChoices=1, shuffle="false")


def _response(name: str, asked: AskedNumber) -> Element:
    right = [_choice(place) for place, option in enumerate(asked.options) if option.is_key] or [f"{asked.value:f}"]
    key = element("correctResponse", "", [element("value", right[0])])
    kind = "identifier" if asked.options else "float"
    return element("responseDeclaration", "", [key], identifier=name, cardinality="single", baseType=kind)


def _outcomes(asked: Sequence[AskedNumber]) -> Iterator[Element]:
    most = sum(float(each.points) for each in asked)
    for name, value in ((_SCORE, "0"), ("MAXSCORE", f"{most:g}")):
        default = element("defaultValue", "", [element("value", value)])
        yield element("outcomeDeclaration", "", [default], identifier=name, cardinality="single", baseType="float")
    for name in (_FEEDBACK, *[_CAUSE] * any(each.options for each in asked)):
        yield element("outcomeDeclaration", identifier=name, cardinality="single", baseType="identifier")


def _processing(asked: Mapping[str, AskedNumber]) -> Iterator[Element]:
    """Yield the rules: each right number earns its points; the solution is shown, and what is wrong with an option."""
    for name, each in asked.items():
        is_right = _is_right(name, each)
        earned = _float(f"{float(each.points):g}")
        added = element("sum", "", [element("variable", identifier=_SCORE), earned])
        set_score = element("setOutcomeValue", "", [added], identifier=_SCORE)
        yield element("responseCondition", "", [element("responseIf", "", [is_right, set_score])])
    shown = element("baseValue", _SOLUTION, baseType="identifier")
    yield element("setOutcomeValue", "", [shown], identifier=_FEEDBACK)
    for name, each in asked.items():
        if each.options:
            yield element("setOutcomeValue", "", [element("variable", identifier=name)], identifier=_CAUSE)


def _is_right(name: str, asked: AskedNumber) -> Element:
    """Return the condition of a right answer: between two bounds, or the right option."""
    if asked.options:
        return element("match", "", [element("variable", identifier=name), element("correct", identifier=name)])
    bounds = [
        element(tag, "", [element("variable", identifier=name), _float(f"{bound:f}")])
        for tag, bound in (("gte", asked.lowest), ("lte", asked.highest))
    ]
    return element("and", "", bounds)


def _float(text: str) -> Element:
    return element("baseValue", text, baseType="float")


def _modal(outcome: str, name: str, content: Element) -> Element:
    return element("modalFeedback", "", [content], outcomeIdentifier=outcome, showHide="show", identifier=name)


def _package(groups: Mapping[str, Sequence[_Item]], version: str) -> Mapping[str, str | bytes]:
    """Return the files of a package: the manifest, the test, the items and the figures."""
    items = [item for group in groups.values() for item in group]
    figures = {name: svg for item in items for name, svg in item.figures.items()}
    documents = {"test.xml": _test(groups)} | {f"{item.identifier}.xml": item.content for item in items}
    resources = [
        _resource(
            name,
            f"imsqti_{'test' if name == 'test.xml' else 'item'}_xmlv{version}",
            *(each.identifier for each in items if name == "test.xml"),
            files=next((tuple(each.figures) for each in items if f"{each.identifier}.xml" == name), ()),
        )
        for name in documents
    ]
    about = [
        element("schema", "QTIv2.1 Package" if version == "2p1" else "QTI Package"),
        element("schemaversion", "1.0.0"),
    ]
    manifest = element(
        "manifest",
        "",
        [element("metadata", "", about), element("organizations"), element("resources", "", resources)],
        identifier="symbackprop",
        xmlns=_PACKAGE,
    )
    written = {name: xml(_named(root, version)) for name, root in documents.items()}
    return {"imsmanifest.xml": xml(manifest), **written, **figures}


def _resource(name: str, kind: str, *needed: str, files: Sequence[str]) -> Element:
    listed = [element("file", href=path) for path in (name, *files)]
    identifier = name.removesuffix(".xml")
    others = [element("dependency", identifierref=each) for each in needed]
    return element("resource", "", [*listed, *others], identifier=identifier, type=kind, href=name)


def _test(groups: Mapping[str, Sequence[_Item]]) -> Element:
    sections = []
    for number, (title, items) in enumerate(groups.items(), start=1):
        references = [element("assessmentItemRef", identifier=i.identifier, href=f"{i.identifier}.xml") for i in items]
        drawn = element("selection", select=1)
        identifier = f"section{number}"
        sections.append(
            element("assessmentSection", "", [drawn, *references], identifier=identifier, title=title, visible="true")
        )
    part = element("testPart", "", sections, identifier="part", navigationMode="nonlinear", submissionMode="individual")
    return element("assessmentTest", "", [part], identifier="test", title=next(iter(groups)), toolName="symbackprop")


_OWN_TAGS = frozenset({"value", "and", "gte", "lte", "match", "correct", "variable", "sum", "selection"})
"""Elements of the standard without a capital in their names, which no page has."""
_NAMESPACES = {
    "2p1": "http://www.imsglobal.org/xsd/imsqti_v2p1",
    "3p0": "http://www.imsglobal.org/xsd/imsqtiasi_v3p0",
}


def _named(root: Element, version: str) -> Element:
    """Return a document in the names of a version."""
    if version != "2p1":
        _rename(root)
    root.set("xmlns", _NAMESPACES[version])
    return root


def _rename(found: Element) -> None:
    """Give an element, and those in it, the names of version 3.0; what pages have keeps its own."""
    if found.tag == "math":
        return
    if found.tag in _OWN_TAGS or _CAPITAL.search(found.tag):
        found.tag = f"qti-{_kebab(found.tag)}"
        for name in [name for name in found.attrib if _CAPITAL.search(name)]:
            found.set(_kebab(name), found.attrib.pop(name))
    for each in list(found):
        _rename(each)
    if found.tag == "qti-modal-feedback":
        inner = element("qti-content-body", "", list(found))
        for each in list(found):
            found.remove(each)
        found.append(inner)


def _kebab(name: str) -> str:
    return _CAPITAL.sub(lambda letter: f"-{letter[0].lower()}", name)
