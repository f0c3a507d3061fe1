"""Scripts from problems: the parts put into a template, in a language."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass, field

from symbackprop import language as languages
from symbackprop import resources
from symbackprop.errors import ProblemError, known_language
from symbackprop.messages import Message, message
from symbackprop.problems import Problem
from symbackprop.registry import Registry
from symbackprop.scripts.libraries import NUMPY, TORCH, Library
from symbackprop.scripts.script_parts import WIDTH, Parts
from symbackprop.templating import filled

FOLDER = "script"
_SETTINGS = {"weight_decay": "weight_decay"}
_MOMENTUM = {**_SETTINGS, "momentum": "momentum"}
_ADAM = {"epsilon": "eps", "weight_decay": "weight_decay"}


@dataclass(frozen=True, slots=True)
class TorchOptimizer:
    """The class of `torch.optim` that is one of our optimizers: its names for our settings, and what is fixed."""

    name: str
    settings: Mapping[str, str]
    fixed: str = ""
    betas: bool = False


TORCH_OPTIMIZERS: Mapping[str, TorchOptimizer] = {
    "gradient_descent": TorchOptimizer("SGD", _SETTINGS),
    "momentum": TorchOptimizer("SGD", {**_MOMENTUM, "dampening": "dampening"}),
    "nesterov": TorchOptimizer("SGD", _MOMENTUM, "nesterov=True"),
    "adagrad": TorchOptimizer("Adagrad", {**_ADAM, "lr_decay": "lr_decay"}),
    "rmsprop": TorchOptimizer("RMSprop", {**_ADAM, "alpha": "alpha", "momentum": "momentum"}),
    "adam": TorchOptimizer("Adam", _ADAM, betas=True),
    "adamw": TorchOptimizer("AdamW", _ADAM, betas=True),
}


@dataclass(frozen=True, slots=True)
class Target:
    """A kind of script: its template, the spelling of operations in the library it computes with, its optimizers."""

    template: str
    spelling: Library
    optimizers: Mapping[str, TorchOptimizer] = field(default_factory=dict)


TARGETS: Registry[Target] = Registry(
    "target",
    {"numpy": Target("numpy.jinja", NUMPY), "torch": Target("torch.jinja", TORCH, TORCH_OPTIMIZERS)},
)
"""The kinds of script there are."""


def script(problem: Problem, target: str = "numpy", *, blanks: bool = False, language: str = languages.DEFAULT) -> str:
    """Return a stand-alone Python script that trains a problem's network or graph and checks itself.

    With `blanks` the lines of the gradients are `...`, to be filled in by a student; until they are, the script's checks
    fail. Raises `SymbackpropError` for an unknown target or language and for a problem without numbers.

    >>> import symbackprop
    >>> print(script(symbackprop.example("mazur")).partition("delta2 = ")[2].partition("  #")[0])
    dL_da2*a2*(1 - a2)
    """
    row = TARGETS[target]
    known_language(language)
    if blanks and row.optimizers:
        raise ProblemError(message("code.no_blanks", target=target), where="--blanks")
    view = dict(Parts(problem, row.spelling).view())
    if row.optimizers and view["training"] and view["training"]["layers"]:
        raise ProblemError(message("code.sequential_update", target=target), where="training.update")

    def say(id: str, **arguments: object) -> str:
        return " ".join(languages.say(language, Message(f"code.{id}", arguments)).split())

    title = " ".join(
        "".join(c if c.isprintable() else " " for c in problem.heading.said(language) or problem.name).split()
    )
    text = filled(
        [resources.folder("templates") / FOLDER],
        row.template,
        say=say,
        comment=_comment,
        wrapped=_wrapped,
        title=title,
        blanks=blanks,
        optimizer=_torch_call(row, view["training"]) if view["training"] else "",
        **view,
    )
    return text.rstrip() + "\n"


def _comment(text: str, indent: int = 0) -> str:
    """Return a sentence as lines of comment."""
    lines = list(languages.wrapped(text, WIDTH - indent)) or [""]
    return ("\n" + " " * indent).join(f"# {line}".rstrip() for line in lines)


def _wrapped(text: str, indent: int) -> str:
    """Return a list of names in lines that are not too long."""
    return ("\n" + " " * indent).join(textwrap.wrap(text, WIDTH - indent))


def _torch_call(row: Target, training: Mapping[str, object]) -> str:
    """Return the constructor of the optimizer; its learning rate, which may be negative, is set before every update."""
    known = row.optimizers.get(str(training["optimizer"]))
    if known is None:
        return ""
    given = training["given"]
    assert isinstance(given, Mapping)
    arguments = [f"lr={abs(given['learning_rate'])!r}"]
    if known.betas:
        arguments.append(f"betas=({given['beta1']!r}, {given['beta2']!r})")
    arguments += [f"{name}={given[setting]!r}" for setting, name in known.settings.items()]
    return f"torch.optim.{known.name}(trained, {', '.join([*arguments, *([known.fixed] if known.fixed else [])])})"
