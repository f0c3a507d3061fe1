"""A step that does not see the whole data: its headings and formulas with the numbers that the data gives them."""

from __future__ import annotations

import functools
from dataclasses import fields, is_dataclass
from typing import Any

from symbackprop.document.blocks import Paragraph
from symbackprop.document.display_nodes import Letter, OverSamples
from symbackprop.graph.notation import BATCH
from symbackprop.messages import Message, message


def of_batch(batch: tuple[int, ...], sections: Any) -> Any:
    """Return a document's parts with the samples of a batch called by their numbers in the data."""
    change = functools.partial(of_batch, batch)
    if isinstance(sections, tuple):
        return tuple(map(change, sections))
    if isinstance(sections, Message):
        arguments = {key: change(value) for key, value in sections.arguments.items()}
        if sections.id == "title.sample":
            arguments["number"] = batch[arguments["number"] - 1]
        return Message(sections.id, arguments)
    if not is_dataclass(sections) or isinstance(sections, type):
        return sections
    found = {each.name: change(getattr(sections, each.name)) for each in fields(sections) if each.init}
    if isinstance(sections, OverSamples):
        found["of_batch"] = True
    if isinstance(found.get("sample"), int):
        found["sample"] = batch[found["sample"] - 1]
    return type(sections)(**found)


def batch_sentence(batch: tuple[int, ...]) -> Paragraph:
    """Return the sentence that names the samples of a step."""
    if len(batch) == 1:
        return Paragraph(message("training.one_sample", number=batch[0], batch=Letter(BATCH)))
    return Paragraph(message("training.samples", numbers=tuple(str(number) for number in batch), batch=Letter(BATCH)))
