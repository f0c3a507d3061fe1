"""Names that problem files and options can use, kind by kind: what `list` prints and what a shell offers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from symbackprop import language
from symbackprop.cli.outputs import say
from symbackprop.registry import Registry, Row


def _activations() -> Iterator[Sequence[str]]:
    from symbackprop.algebra.functions import ACTIVATIONS

    # A vector activation has no expression in one z: its definition depends on the number of units.
    return _rows(ACTIVATIONS, lambda row: "exp(z[j])/sum(exp(z))" if row.vector else row.expression or row.source)


def _losses() -> Iterator[Sequence[str]]:
    from symbackprop.catalog.losses import LOSSES

    return _rows(LOSSES, lambda row: row.expression)


def _optimizers() -> Iterator[Sequence[str]]:
    from symbackprop.catalog.optimizers import OPTIMIZERS

    return _rows(OPTIMIZERS, lambda row: row.update)


def _schedules() -> Iterator[Sequence[str]]:
    from symbackprop.catalog.schedules import SCHEDULES

    return _rows(SCHEDULES, lambda row: row.rate)


def _initializers() -> Iterator[Sequence[str]]:
    from symbackprop.catalog.initializers import INITIALIZERS

    return _rows(INITIALIZERS, lambda row: f"{row.distribution}({', '.join(row.arguments)})")


def _namings() -> Iterator[Sequence[str]]:
    from symbackprop.graph.notation import NAMINGS

    return _rows(NAMINGS, lambda row: say(f"naming.{row.name}"))


def _formats() -> Iterator[Sequence[str]]:
    from symbackprop import rendering

    for row in rendering.formats().values():
        yield row.name, f".{row.suffix}"


def _languages() -> Iterator[Sequence[str]]:
    return ((code,) for code in language.available())


def _backends() -> Iterator[Sequence[str]]:
    from symbackprop.compilation.backends import BACKENDS

    for row in BACKENDS.values():
        yield row.name, say(f"backend.{row.name}"), "" if row.is_installed else f"({say('backend.missing')})"


def _targets() -> Iterator[Sequence[str]]:
    from symbackprop.scripts import TARGETS

    return _rows(TARGETS, lambda row: say(f"code.{row.name}"))


def _mistakes() -> Iterator[Sequence[str]]:
    from symbackprop.mistakes.known_mistakes import MISTAKES

    return _rows(MISTAKES, lambda row: say(f"slip.{row.name}"))


def _systems() -> Iterator[Sequence[str]]:
    from symbackprop.exporting.learning_systems import LEARNING_SYSTEMS

    return _rows(LEARNING_SYSTEMS, lambda row: say(f"system.{row.name}"))


def _examples() -> Iterator[Sequence[str]]:
    from symbackprop.problems import load

    for name in load.examples():
        yield name, load.example(name).title


def _rows(registry: Registry[Row], beside: Callable[[Row], str]) -> Iterator[Sequence[str]]:
    for name, row in registry.items():
        aliases = [alias for alias, canonical in registry.aliases.items() if canonical == name]
        yield name, beside(row), f"({say('cli.aliases', names=aliases)})" if aliases else ""


LISTINGS: Mapping[str, Callable[[], Iterable[Sequence[str]]]] = {
    "activations": _activations,
    "losses": _losses,
    "optimizers": _optimizers,
    "schedules": _schedules,
    "initializers": _initializers,
    "namings": _namings,
    "formats": _formats,
    "languages": _languages,
    "backends": _backends,
    "targets": _targets,
    "mistakes": _mistakes,
    "systems": _systems,
    "examples": _examples,
}
"""What can be listed, with what yields a row for each thing there is: its name and what stands beside it."""
