"""Texts of the problem file that may be given in several languages."""

from __future__ import annotations

from collections.abc import Mapping

from symbackprop.errors import known_language
from symbackprop.language import DEFAULT, Wording


def wording(given: str | Mapping[str, str], where: str) -> Wording:
    """Return a text that is one for all languages or a table of one for each; without a language, the first counts.

    The first is that of the default language, if it is there. Raises `UnknownNameError`, naming `where`, for a language
    that does not exist.

    >>> wording({"zh": "电路", "en": "circuit"}, "title").text
    'circuit'
    """
    if isinstance(given, str):
        return Wording(given, {})
    for code in given:
        known_language(code, where=where)
    texts = {code: given[code] for code in sorted(given, key=lambda code: code != DEFAULT) if given[code].strip()}
    return Wording(next(iter(texts.values()), ""), texts)
