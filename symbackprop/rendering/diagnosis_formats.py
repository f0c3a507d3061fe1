"""Diagnoses in a format: a document, or data."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from symbackprop.document import diagnosis_document
from symbackprop.errors import unknown
from symbackprop.mistakes.gradient_reports import DiagnosedGradient, GradientDiagnosis
from symbackprop.mistakes.verdicts import DiagnosedAnswer, Diagnosis, Explanation
from symbackprop.rendering.exporters import written
from symbackprop.rendering.formats import formats, spellings
from symbackprop.rendering.pdf_collections import drafted

WITHOUT = ("notebook",)
"""Formats that recompute the numbers of a solution."""


def rendered(
    found: Diagnosis | GradientDiagnosis, format: str = "text", templates: str | Path | None = None
) -> str | bytes:
    """Return a diagnosis, of numbers or of code, in a format and its own language: a text, or bytes for `pdf`.

    Raises `UnknownNameError` for a format that does not exist.
    """
    table = {name: row for name, row in formats(templates).items() if name not in WITHOUT}
    if format not in table:
        raise unknown("format", format, table, spellings=spellings(table))
    if table[format].finish == "json":
        return json.dumps(result(found), ensure_ascii=False, indent=1) + "\n"
    content = (
        diagnosis_document.compose(found)
        if isinstance(found, Diagnosis)
        else diagnosis_document.compose_gradients(found)
    )
    (draft,) = drafted([content], found.derivation, table[format], found.language)
    return written(draft)


def result(found: Diagnosis | GradientDiagnosis) -> dict[str, Any]:
    """Return a diagnosis as data: `answers`, each with verdict, mistakes and message, and the `summary` of verdicts."""
    answers = (
        [_answer(found, answer) for answer in found.answers]
        if isinstance(found, Diagnosis)
        else [_gradient(found, answer) for answer in found.answers]
    )
    return {"answers": answers, "summary": dict(found.summary)}


def _gradient(found: GradientDiagnosis, answer: DiagnosedGradient) -> dict[str, Any]:
    """Return what an array turned out to be; a difference that is no number is null."""
    return {
        "gradient": answer.name,
        "verdict": answer.verdict.value,
        "difference": float(answer.difference) if math.isfinite(answer.difference) else None,
        "mistakes": [{"id": each.id, "at": list(each.at)} for each in answer.mistakes],
        "possible": [{"id": each.id, "at": list(each.at)} for each in answer.possible],
        "message": found.say(answer.said),
    }


def _answer(found: Diagnosis, answer: DiagnosedAnswer) -> dict[str, Any]:
    return {
        "answer": answer.answer,
        "given": answer.given,
        "value": answer.value,
        "expected": answer.expected,
        "verdict": answer.verdict.value,
        "mistakes": [_mistake(each) for each in answer.mistakes],
        "possible": [_mistake(each) for each in answer.possible],
        "message": found.say(answer.said),
    }


def _mistake(each: Explanation) -> dict[str, Any]:
    return {"id": each.id, "at": list(each.at), "value": each.value}
