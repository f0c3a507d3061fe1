"""Scripts from problems: the parts put into a template, in a language."""

from __future__ import annotations

import functools
import operator
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from symbackprop import language as languages
from symbackprop import resources
from symbackprop.catalog.optimizers import OPTIMIZERS, RATE, Optimizer
from symbackprop.errors import ProblemError, SymbackpropError, known_language
from symbackprop.messages import Message, message
from symbackprop.problems.accepted import ProblemLike, problem_of
from symbackprop.registry import Registry
from symbackprop.rows import Counterpart, Words
from symbackprop.scripts.libraries import JAX, NUMPY, TORCH, Library
from symbackprop.scripts.loop_languages import JAVASCRIPT, JULIA, C, Language
from symbackprop.scripts.loop_parts import LoopParts
from symbackprop.scripts.script_parts import WIDTH, Parts
from symbackprop.templating import filled

FOLDER = "script"


@dataclass(frozen=True, slots=True)
class Target:
    """A kind of script: its template, and the spelling of operations in the library it computes with.

    A script in a `language` without arrays of its own kind is one of loops over numbers.
    `counterpart` finds the optimizer of a library that is one of ours, where a script leaves the updates to a library;
    `templates` is the folder of the template, by default that of the package; `words` are the phrases that it brings itself.
    """

    name: str
    template: str
    spelling: Library
    language: Language | None = None
    counterpart: Callable[[Optimizer], Counterpart | None] | None = None
    templates: Path | None = None
    words: Words = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        """The folder of its template."""
        return self.templates or resources.folder("templates") / FOLDER


def _check(row: Target) -> None:
    """Raise `ProblemError` for a target whose template is not there."""
    if not (row.folder / row.template).is_file():
        raise ProblemError(message("render.missing", name=row.template))


TARGETS: Registry[Target] = Registry(
    "target",
    (
        Target("numpy", "numpy.jinja", NUMPY),
        Target("jax", "jax.jinja", JAX),
        Target("torch", "torch.jinja", TORCH, counterpart=operator.attrgetter("torch")),
        Target("javascript", "javascript.jinja", NUMPY, JAVASCRIPT),
        Target("c", "c.jinja", NUMPY, C),
        Target("julia", "julia.jinja", NUMPY, JULIA),
    ),
    phrases=lambda row: (f"code.{row.name}",),
    check=_check,
)
"""The kinds of script there are."""


def script(
    problem: ProblemLike, target: str = "numpy", *, blanks: bool = False, language: str = languages.DEFAULT
) -> str:
    """Return a stand-alone script that trains a problem's network or graph and checks itself, in Python or another language.

    With `blanks` the lines of the gradients are `...`, to be filled in by a student. Such a script holds no gradient: it
    checks line after line, from the output down, against central differences at random numbers. Imported, a script
    defines its functions and runs nothing. Raises `SymbackpropError` for an unknown target or language and for a problem
    without numbers.

    >>> import symbackprop
    >>> print(script(symbackprop.example("mazur")).partition("delta2 = ")[2].partition("  #")[0])
    dL_da2*a2*(1 - a2)
    """
    return _text(problem, TARGETS[target], language, blanks=blanks).rstrip() + "\n"


def page_program(problem: ProblemLike) -> str | None:
    """Return the JavaScript with which a page trains a problem whose numbers were changed, as `window.symbackprop.program`.

    It has the functions of the script `javascript` and no numbers but those of samples and of the optimizer's settings. None
    where there is no such script, and for a problem without training.
    """
    problem = problem_of(problem)
    if problem.training is None or problem.training.state:
        return None
    settings = {name: float(given.value) for name, given in problem.training.settings.items() if name != RATE}
    try:
        return _text(problem, _IN_A_PAGE, languages.DEFAULT, blanks=False, settings=settings)
    except SymbackpropError:
        return None


_IN_A_PAGE = Target("page", "javascript_page.jinja", NUMPY, JAVASCRIPT)


def cells(
    problem: ProblemLike, target: str = "numpy", *, blanks: bool = False, language: str = languages.DEFAULT
) -> list[tuple[str, str]]:
    """Return the exercise of `script` as cells of a notebook: what each is, and its code.

    A cell is `given`, the `solution` (the backward pass), or `test NAME`, the check of one of its lines. Each line of the
    solution stands between the markers of nbgrader and otter, `### BEGIN SOLUTION` and `### END SOLUTION`; with `blanks` it
    is `...`. Raises what `script` does, for PyTorch too, which has no such lines.
    """
    pieces = _text(problem, TARGETS[target], language, blanks=blanks, cells=True).split(_CELL)
    named = [piece.partition("\n") for piece in ("given\n" + pieces[0], *pieces[1:])]
    return [(kind, code.strip()) for kind, _, code in named if code.strip()]


_CELL = "\f"
"""What begins a cell: a sign that no title and no name has."""


def _text(
    problem: ProblemLike, row: Target, language: str, *, blanks: bool, cells: bool = False, **content: Any
) -> str:
    """Return a script, or the code of a notebook's cells one after the other, each begun by its kind."""
    problem = problem_of(problem)
    known_language(language)
    if (blanks or cells) and (row.spelling.differentiates or row.language):
        raise ProblemError(message("code.no_blanks", target=row.name), where="--blanks")
    parts = Parts(problem, row.spelling) if row.language is None else LoopParts(problem, row.language)
    view = dict(parts.view())
    if row.counterpart and view["training"] and view["training"]["layers"]:
        raise ProblemError(message("code.sequential_update", target=row.name), where="training.update")
    if row.counterpart and view["training"] and view["training"]["given_states"]:
        raise ProblemError(message("code.given_states", target=row.name), where="training.state")

    def say(id: str, **arguments: object) -> str:
        return " ".join(languages.say(language, Message(f"code.{id}", arguments)).split())

    title = " ".join(
        "".join(c if c.isprintable() else " " for c in problem.heading.said(language) or problem.name).split()
    )
    return filled(
        [row.folder],
        row.template,
        trusted=True,
        say=say,
        comment=_comment if row.language is None else functools.partial(_comment, sign=row.language.comment),
        language=row.language,
        language_code=language,
        wrapped=_wrapped,
        title=title,
        blanks=blanks,
        cells=cells,
        cell=lambda kind: f"{_CELL}{kind}\n" if cells else "",
        optimizer=_optimizer_call(row, view["training"]) if row.counterpart and view["training"] else "",
        **content,
        **view,
    )


def _comment(text: str, indent: int = 0, sign: str = "#") -> str:
    """Return a sentence as lines of comment."""
    lines = list(languages.wrapped(text, WIDTH - indent)) or [""]
    return ("\n" + " " * indent).join(f"{sign} {line}".rstrip(" \\") for line in lines)


def _wrapped(text: str, indent: int) -> str:
    """Return a list of names in lines that are not too long."""
    return ("\n" + " " * indent).join(textwrap.wrap(text, WIDTH - indent))


def _optimizer_call(row: Target, training: Mapping[str, Any]) -> str:
    """Return the constructor of the optimizer; its learning rate, which may be negative, is set before every update.

    Raises `ProblemError` for an optimizer that the library does not have.
    """
    assert row.counterpart is not None
    known = {each.name: theirs for each in OPTIMIZERS.values() if (theirs := row.counterpart(each)) is not None}
    name, given = training["optimizer"], training["given"]
    if name not in known:
        what = message("code.no_optimizer", target=row.name, optimizer=name)
        raise ProblemError(what, where="training.optimizer", valid=known)
    arguments = {"lr": abs(given[RATE]), **known[name].arguments(given)}
    spelled = ", ".join(f"{name}={value!r}" for name, value in arguments.items())
    return f"torch.optim.{known[name].name}(trained, {spelled})"
