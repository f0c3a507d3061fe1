"""The settings of a row as a table of the problem file gives them, checked against what the row says of them."""

from __future__ import annotations

from fractions import Fraction

from symbackprop.arithmetic import exact
from symbackprop.errors import ProblemError, SymbackpropError, nearest
from symbackprop.messages import Message, message
from symbackprop.problems import numbers
from symbackprop.problems.spec import SettingsTable
from symbackprop.problems.types import Given
from symbackprop.registry import Registry, Row
from symbackprop.rows import Defaults, Setting, Settings, other_settings


def row_named(registry: Registry[Row], name: str, where: str) -> Row:
    """Return a row by its name; the error for a name that is not there is placed at `where`."""
    try:
        return registry[name]
    except SymbackpropError as error:
        raise error.at(where) from None


def settings(table: SettingsTable, name: str, known: Settings, where: str) -> dict[str, Given]:
    """Return the settings `known` of the row `name`, those that a table gives or their defaults, in the row's order."""
    row = table.registry.get(name)
    elsewhere = {} if row is None else other_settings(row)
    for key in table.settings:
        if key not in known:
            what = _no_setting(table, name, known, key)
            raise ProblemError(what, where=f"{where}.{key}", valid=known, nearest=nearest(key, known, elsewhere))
    return {key: setting_of(table.settings.get(key), setting, key, where) for key, setting in known.items()}


def fractions(table: SettingsTable, name: str, known: Settings, where: str) -> Defaults:
    """Return the settings as `settings` does, as fractions; raises `ProblemError` for another number."""
    return tuple(
        (key, numbers.fraction(given, f"{where}.{key}")) for key, given in settings(table, name, known, where).items()
    )


def _no_setting(table: SettingsTable, name: str, known: Settings, key: str) -> Message:
    if not table.is_of_formula:
        return message("training.setting", name=name, key=key)
    return message("problem.no_parameter" if known else "problem.no_parameters", name=name, key=key)


def setting_of(value: object, setting: Setting, key: str, where: str) -> Given:
    """Return a setting that is given, or its default; raises `ProblemError` for one outside its bounds."""
    if value is None:
        if setting.default is None:
            raise ProblemError(message("problem.missing_key", key=key), where=where)
        return numbers.stated(setting.default)
    found, place = numbers.number(value, f"{where}.{key}"), f"{where}.{key}"
    if setting.whole and not (isinstance(found.value, Fraction) and found.value.denominator == 1):
        raise ProblemError(message("problem.kind", expected=message("kind.integer")), where=place)
    for limit, relation, wrong in (
        (setting.lowest, "≥", (-1,)),
        (setting.above, ">", (-1, 0)),
        (setting.below, "<", (1, 0)),
    ):
        if limit is not None and exact.compare(found.value, Fraction(limit)) in wrong:
            raise ProblemError(message("problem.bound", relation=relation, limit=limit), where=place)
    return found
