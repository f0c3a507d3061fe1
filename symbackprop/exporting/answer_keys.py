"""What a program that travels with an export marks an answer by: key, tolerance and known mistakes, as data of JSON."""

from __future__ import annotations

from typing import Any

from symbackprop import language as phrases
from symbackprop.exporting.exercises import AskedNumber
from symbackprop.messages import message


def answer_key(asked: AskedNumber, language: str) -> dict[str, Any]:
    """Return what `templates/export/marking.jinja` marks an answer by; numbers are texts, so that no digit is lost."""
    return {
        "value": f"{asked.value:f}",
        "tolerance": f"{asked.tolerance:f}",
        "no_number": phrases.say(language, message("form.no_number")),
        "wrong": [
            {
                "value": f"{each.value:f}",
                "tolerance": f"{each.tolerance:f}",
                "feedback": phrases.say(language, message("export.mistake", mistake=message(f"slip.{each.mistake}"))),
            }
            for each in asked.wrong
        ],
    }
