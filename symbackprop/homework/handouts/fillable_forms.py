"""Forms that students fill in without a network, a page and a PDF each; a list of questions for forms of other makers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from symbackprop import language, rendering
from symbackprop.document.answer_symbols import symbol
from symbackprop.document.blocks import Document, Paragraph, Section, Table
from symbackprop.document.calculation.numerals import as_written
from symbackprop.homework.assignments.options import letter
from symbackprop.homework.assignments.problem_sets import ProblemSet
from symbackprop.homework.assignments.variants import HomeworkAssignment
from symbackprop.homework.classes.roster import file_name
from symbackprop.homework.handouts.distribution import Job
from symbackprop.homework.handouts.manifest import Enrolment
from symbackprop.messages import message
from symbackprop.rendering import assets, contents, escapes
from symbackprop.rendering.drafts import Draft
from symbackprop.rendering.pdf_collections import drafted
from symbackprop.rendering.typesetting import pdf_engines, pdf_fields, typst_engine
from symbackprop.rendering.view_models import ViewWriter
from symbackprop.whole_files import Content

FORMS, QUESTIONS = "students/forms", "teacher/questions.txt"
FIELD = "/"
"""What stands between the code of a sheet and an answer in the name of a field."""
_TEMPLATE, _STYLES, _SCRIPTS = "form.jinja", ("form.css",), ("form.js",)


def forms(job: Job) -> Iterator[tuple[str, Content]]:
    """Yield the path and the content of each student's forms, then of the list of questions; no key is in any of them.

    A page saves a table `student,code,time,answer,value` that marking reads, and the fields of a PDF, which is made where
    Typst is installed, are called after the code and the answer. On an anonymous one only the code is the student's.
    """
    given = job.manifest.problem_set()
    written: tuple[tuple[str, Iterator[Content]], ...] = (("html", _pages(given, job)), ("pdf", _pdfs(given, job)))
    for suffix, filled in written:
        for each, content in zip(job.manifest.enrolments, filled, strict=False):
            yield f"{FORMS}/{each.code if job.anonymous else file_name(each.student.id)}.{suffix}", content
    yield QUESTIONS, _questions(given, job.language)


def _pages(given: ProblemSet, job: Job) -> Iterator[str]:
    form = _Form.of(given, job, "html")
    folders = form.draft.format.folders
    style, scripts = assets.style(folders, _STYLES), assets.scripts(folders, _SCRIPTS)
    for each in job.manifest.enrolments:
        student = form.draft.writer.escape("" if job.anonymous else each.student.id)
        yield form.filled(each, student=student, style=style, scripts=scripts)


def _pdfs(given: ProblemSet, job: Job) -> Iterator[bytes]:
    if not typst_engine.is_installed():
        return
    form, words = _Form.of(given, job, "typst"), _Form.of(given, job, "text")
    sources = (
        form.filled(each, fields=[escapes.quoted(pdf_fields.LINK + _field(each, id)) for id in form.ids])
        for each in job.manifest.enrolments
    )
    contents = typst_engine.typeset(sources, pdf_engines.TIME_LIMIT, lenient=True)
    for each, content in zip(job.manifest.enrolments, contents, strict=True):
        yield pdf_fields.with_fields(
            content,
            {
                _field(each, id): ", ".join([f"{id}: {said}", *map(": ".join, form.options(each, id))])
                for id, (_, said) in zip(form.ids, words.rows, strict=True)
            },
        )


def _field(each: Enrolment, answer: str) -> str:
    return f"{each.code}{FIELD}{answer}"


@dataclass(frozen=True, slots=True)
class _Form:
    """The form of a class in a format: the answers that are asked, and how each is called there, beside its formula.

    Each answer has a heading: the title of its problem before the first of several problems, else "". `words` writes what
    stands in a list to choose from, which is plain text in every format.
    """

    job: Job
    given: ProblemSet
    draft: Draft
    ids: Sequence[str]
    rows: Sequence[Sequence[str]]
    headings: Sequence[str]
    words: ViewWriter

    @classmethod
    def of(cls, given: ProblemSet, job: Job, format: str) -> _Form:
        """Return the form in a format, for whoever it is."""
        content = Document(given.heading, (), given.by_problem(_asked))
        (draft,) = drafted([content], given.derivation, rendering.formats(job.templates)[format], job.language)
        rows, headings = [], []
        for section in draft.view["sections"]:
            (table,) = contents.blocks([section])
            rows += table["rows"]
            headings += [section["title"] if section["sections"] else "", *[""] * (len(table["rows"]) - 1)]
        (plain,) = drafted([content], given.derivation, rendering.formats()["text"], job.language)
        return cls(job, given, draft, [answer.id for answer in given.answers], rows, headings, plain.writer)

    def options(self, each: Enrolment, answer: str) -> list[tuple[str, str]]:
        """Return what an answer is chosen from, in plain text, with the letters."""
        return [
            (letter(place), self.words.block(Paragraph(message("text.plain", text=as_written(option.text))))["text"])
            for place, option in enumerate(each.options.get(answer, ()))
        ]

    def filled(self, each: Enrolment, **content: object) -> str:
        """Return the form of a student."""
        escape = self.draft.writer.escape
        return self.draft.fill(
            _TEMPLATE,
            answers=[
                {
                    "id": id,
                    "formula": formula,
                    "heading": heading,
                    "options": [(letter, escape(text)) for letter, text in self.options(each, own)],
                }
                for own, (id, formula), heading in zip(self.ids, self.rows, self.headings, strict=True)
            ],
            code=escape(each.code),
            subtitle=[escape(text) for text in self._subtitle(each)],
            **content,
        )

    def _subtitle(self, each: Enrolment) -> Iterator[str]:
        own = () if self.job.anonymous else (each.student.name, each.student.id)
        stated = (self.given.homework.course, self.given.homework.date)
        for text in (*(each.said(self.job.language) for each in stated), *own):
            if text:
                yield text
        yield language.say(self.job.language, message("sheet.code", code=each.code))


def _asked(part: HomeworkAssignment) -> Iterator[Section]:
    """Yield the answers of a problem with their formulas."""
    header = (message("column.answer_id"), message("column.quantity"))
    rows = tuple((answer.id, symbol(part.derivation, answer.key)) for answer in part.answers)
    yield Section(message("sheet.answers"), (Table(header, rows, (False, False)),))


def _questions(given: ProblemSet, asked: str) -> str:
    """Return the questions of a form of another maker: what to do, then the title of each question on a line of its own."""
    notes = [
        "questions",
        "titles",
        *(["letters"] if any(part.homework.rules.choices for part in given.parts) else []),
        "validation",
    ]
    said = [language.say(asked, message(f"form.{id}")) for id in notes]
    titles = [language.say(asked, message(f"form.{id}")) for id in ("student", "code")]
    return "\n".join([*said, "", *titles, *(answer.id for answer in given.answers)]) + "\n"
