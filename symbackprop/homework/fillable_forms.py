"""Forms that students fill in without a network: one page each, and a list of questions for forms of other makers."""

from __future__ import annotations

from collections.abc import Iterator

from symbackprop import language, rendering
from symbackprop.document.answer_symbols import symbol
from symbackprop.document.blocks import Document, Section, Table
from symbackprop.homework.distribution import Job
from symbackprop.homework.manifest import Enrolment
from symbackprop.homework.roster import file_name
from symbackprop.homework.variants import HomeworkAssignment
from symbackprop.messages import message
from symbackprop.rendering import assets
from symbackprop.rendering.drafts import Draft
from symbackprop.rendering.pdf_collections import drafted

FORMS, QUESTIONS = "students/forms", "teacher/questions.txt"
_TEMPLATE, _STYLES, _SCRIPTS = "form.jinja", ("form.css",), ("form.js",)


def forms(job: Job) -> Iterator[tuple[str, str]]:
    """Yield the path and the text of each student's form, then of the list of questions; there is no key in any of them.

    A form saves a table `student,code,time,answer,value` that marking reads. On an anonymous one only the code is the
    student's.
    """
    given = job.manifest.assignment()
    draft = _draft(given, job)
    (block,) = draft.view["sections"][0]["blocks"]
    answers = [{"id": id, "formula": formula} for id, formula in block["rows"]]
    style = assets.style(draft.format.folders, _STYLES)
    scripts = assets.scripts(draft.format.folders, _SCRIPTS)
    for each in job.manifest.enrolments:
        student = "" if job.anonymous else each.student.id
        yield (
            f"{FORMS}/{each.code if job.anonymous else file_name(each.student.id)}.html",
            draft.fill(
                _TEMPLATE,
                answers=answers,
                student=draft.writer.escape(student),
                code=draft.writer.escape(each.code),
                subtitle=[draft.writer.escape(text) for text in _subtitle(given, job, each)],
                style=style,
                scripts=scripts,
            ),
        )
    yield QUESTIONS, _questions(given, job.language)


def _draft(given: HomeworkAssignment, job: Job) -> Draft:
    """Return the page of the answers, of which a form takes the title and the formulas."""
    header = (message("column.answer_id"), message("column.quantity"))
    rows = tuple((answer.id, symbol(given.derivation, answer.key)) for answer in given.answers)
    section = Section(message("sheet.answers"), (Table(header, rows, (False, False)),))
    content = Document(given.problem.heading, (), (section,))
    (draft,) = drafted([content], given.derivation, rendering.formats(job.templates)["html"], job.language)
    return draft


def _subtitle(given: HomeworkAssignment, job: Job, each: Enrolment) -> Iterator[str]:
    own = () if job.anonymous else (each.student.name, each.student.id)
    stated = (given.homework.course, given.homework.date)
    for text in (*(each.said(job.language) for each in stated), *own):
        if text:
            yield text
    yield language.say(job.language, message("sheet.code", code=each.code))


def _questions(given: HomeworkAssignment, asked: str) -> str:
    """Return the questions of a form of another maker: what to do, then the title of each question on a line of its own."""
    said = [language.say(asked, message(f"form.{id}")) for id in ("questions", "titles", "validation")]
    titles = [language.say(asked, message(f"form.{id}")) for id in ("student", "code")]
    return "\n".join([*said, "", *titles, *(answer.id for answer in given.answers)]) + "\n"
