"""What pydantic finds wrong with the shape of a problem file, as one message of ours."""

from __future__ import annotations

import types
import typing
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from pydantic import BaseModel, ValidationError

from symbackprop.errors import ProblemError, SymbackpropError, nearest, unknown
from symbackprop.messages import message
from symbackprop.problems.spec import UNKNOWN_KEY, ProblemSpec, VariantsSpec

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails


def checked(content: typing.Any) -> ProblemSpec:
    """Return the content of a file as its tables; raises `SymbackpropError` for the first thing that is wrong."""
    try:
        return ProblemSpec.model_validate(content)
    except ValidationError as failure:
        raise _translated(failure) from None


_EXPECTED = {
    "int_type": "integer",
    "int_from_float": "integer",
    "bool_type": "boolean",
    "string_type": "text",
    "string_too_long": "short_text",
    "list_type": "list",
    "too_short": "non_empty",
    "dict_type": "table",
    "model_type": "table",
    "model_attributes_type": "table",
}
"""Pydantic's kind of finding → what was expected, as a phrase."""
_BOUNDS = {"greater_than": ">", "greater_than_equal": "≥", "less_than_equal": "≤"}
_OF_KEY = "[key]"
"""What pydantic puts behind a key that is no text."""


def _translated(failure: ValidationError) -> SymbackpropError:
    """Return pydantic's first finding as our own message."""
    finding = _telling(failure.errors(include_url=False))
    steps, keys = _location(finding["loc"])
    where, kind, context = spell_key(steps), finding["type"], finding.get("ctx", {})
    if kind == "extra_forbidden":
        return unknown("key", str(steps[-1]), keys, where=spell_key(steps[:-1]))
    if kind == UNKNOWN_KEY:
        return unknown("key", context["key"], context["valid"], where=where, spellings=context["spellings"])
    if kind == "missing":
        return ProblemError(message("problem.missing_key", key=str(steps[-1])), where=spell_key(steps[:-1]))
    if kind == "literal_error":
        valid = [part.strip(" '") for part in str(context["expected"]).replace(" or ", ", ").split(",")]
        text = str(finding["input"])
        return ProblemError(
            message("problem.choice", value=text), where=where, valid=valid, nearest=nearest(text, valid)
        )
    if kind in _BOUNDS:
        limit = next(iter(context.values()))
        return ProblemError(message("problem.bound", relation=_BOUNDS[kind], limit=limit), where=where)
    expected = _EXPECTED.get(kind, "other")
    return ProblemError(message("problem.kind", expected=message(f"kind.{expected}")), where=where)


def _telling(findings: Sequence[ErrorDetails]) -> ErrorDetails:
    """Return the finding to report: a table is not meant as a text, and a misspelt key tells more than a missing one."""
    texts = ("string_type", "literal_error")
    meant = [each for each in findings if not (each["type"] in texts and isinstance(each["input"], dict))]
    first = (meant or findings)[0]
    misspelt = (each for each in meant if each["type"] == "extra_forbidden" and each["loc"][:-1] == first["loc"][:-1])
    return next(misspelt, first) if first["type"] == "missing" else first


def _location(steps: Sequence[int | str]) -> tuple[list[int | str], tuple[str, ...]]:
    """Return the keys and places of a location, and the keys that there are beside the last of them.

    Where a value may be of several kinds, pydantic puts a label for the one it looked at between the steps. Any text can
    be a key of the user's, so labels are known by where they stand and not by what they say.
    """
    found: list[int | str] = []
    kinds: list[object] = [ProblemSpec]
    tables: list[object] = kinds
    is_labelled = False
    for step in steps:
        if len(kinds) > 1 and not is_labelled:
            is_labelled = True
        elif not (step == _OF_KEY and step == steps[-1] and found and not isinstance(found[-1], str)):
            found.append(step)
            tables, is_labelled = kinds, False
            kinds = [inner for kind in tables for inner in _inside(kind, step)]
    models = [kind for kind in tables if isinstance(kind, type) and issubclass(kind, BaseModel)]
    return found, tuple(dict.fromkeys(key for model in models for key in model.model_fields))


def _inside(kind: object, step: int | str) -> Iterator[object]:
    """Yield the kinds that a value at a key or place of a value of some kind may have."""
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        if step in kind.model_fields:
            yield from _kinds(kind.model_fields[str(step)].annotation)
        elif issubclass(kind, VariantsSpec):
            yield from _kinds(kind.quantity)
    elif typing.get_origin(kind) in (list, dict):
        yield from _kinds(typing.get_args(kind)[-1])


def _kinds(annotation: object) -> Iterator[object]:
    """Yield the kinds of value that an annotation names; None, which is what is left out, is none."""
    if typing.get_origin(annotation) is typing.Annotated:
        yield from _kinds(typing.get_args(annotation)[0])
    elif typing.get_origin(annotation) in (typing.Union, types.UnionType):
        for each in typing.get_args(annotation):
            yield from _kinds(each)
    elif annotation is not type(None):
        yield annotation


def spell_key(steps: Sequence[object]) -> str:
    """Return a location as the file would write it.

    >>> spell_key(["network", "layers", 0, "units"])
    'network.layers[0].units'
    """
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps)
    return text.removeprefix(".")
