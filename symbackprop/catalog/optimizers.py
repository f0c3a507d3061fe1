"""Optimizers as expressions: the update that documents print is the update that is run.

A row of `OPTIMIZERS` is data. Its `lines` are assignments `(target, text)` in the order in which they are carried out for
every number of every parameter; each reads the values that names have at that moment. They are written over

* `w`, the parameter, and `g`, the gradient of the loss by it;
* the names in `state`, which keep their value from one update to the next (at first the number given there);
* the names in `settings`, numbers of the problem (the learning rate is that of the update's schedule);
* `t`, the number of the update, counted from 1.

A target that is neither a state nor `w` is a name for a part of the same update (`m_hat`). The last target is `w`.

`lines(name)` gives the assignments as formulas, whatever the settings and the update. `reduced(name, zero, first=…)` gives
those that are left for settings that are 0, in the first update or a later one: a weight decay of 0 leaves no trace. Only
these are run and printed; they give the same numbers.
"""

from __future__ import annotations

import functools
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from symbackprop.algebra import expressions
from symbackprop.algebra.folding import folded
from symbackprop.algebra.formula import ONE, ZERO, Apply, Name, Node, Power, names, rewrite
from symbackprop.errors import ProblemError, unknown
from symbackprop.messages import message
from symbackprop.registry import Registry, cached
from symbackprop.rows import Counterpart, Setting, Settings, Words, reason_phrases

Line = tuple[str, Node]
"""A target and its new value."""

RATE = "learning_rate"
"""The setting that every optimizer has, and that a problem may draw for each student."""


@dataclass(frozen=True, slots=True)
class Optimizer:
    """An optimizer: its lines (see the module), settings, initial states, and where the form comes from.

    `reason` is the end of the id of the phrase that explains it ("" for none). `torch` and `sklearn` are its counterparts in
    PyTorch and scikit-learn, if it has any; `spellings` are what it is called elsewhere, `state_spellings` what its states
    are, `words` the phrases that it brings itself.
    """

    name: str
    lines: tuple[tuple[str, str], ...]
    settings: Settings
    source: str
    reason: str
    state: Mapping[str, Fraction] = field(default_factory=dict)
    torch: Counterpart | None = None
    sklearn: Counterpart | None = None
    spellings: tuple[str, ...] = ()
    state_spellings: Mapping[str, str] = field(default_factory=dict)
    words: Words = field(default_factory=dict)

    @property
    def update(self) -> str:
        """The lines in one text."""
        return "; ".join(f"{target} = {text}" for target, text in self.lines)


_RATES = ("lr", "eta", "eta0", "learning_rate_init")


def _rate(default: str) -> Mapping[str, Setting]:
    return {RATE: Setting(Fraction(default), "eta", "learning rate; a negative one is ascent", spellings=_RATES)}


def _share(default: str, symbol: str, meaning: str) -> Setting:
    return Setting(Fraction(default), symbol, meaning, lowest=0, below=1)


def _decay(default: str, meaning: str) -> Mapping[str, Setting]:
    return {"weight_decay": Setting(Fraction(default), "lambda", meaning, lowest=0)}


def _epsilon(default: str) -> Mapping[str, Setting]:
    return {"epsilon": Setting(Fraction(default), "epsilon", "keeps the divisor away from 0", lowest=0)}


_ADDED = _decay("0", "weight decay: this times w is added to the gradient")
_MOMENTUM = Setting(Fraction("0.9"), "mu", "share of the velocity that is kept", above=0)
_BETAS = {
    "beta1": _share("0.9", "beta_1", "share of the mean gradient that is kept"),
    "beta2": _share("0.999", "beta_2", "share of the mean square that is kept"),
}
_DECAYED = ("g_tilde", "g + weight_decay*w")
_MOMENTS = (
    ("m_hat", "m/(1 - beta1**t)"),
    ("v_hat", "v/(1 - beta2**t)"),
)

_DECAY = {"weight_decay": "weight_decay"}
_EPS = {"eps": "epsilon", **_DECAY}
_OF_ADAM: Mapping[str, str | tuple[str, ...]] = {"betas": ("beta1", "beta2"), **_EPS}
"""What PyTorch calls some of the settings."""
_VELOCITY = {"velocity": "v", "momentum_buffer": "v"}
_MEANS = {"exp_avg": "m", "exp_avg_sq": "v"}


def _phrases(row: Optimizer) -> Iterator[str]:
    yield f"optimizer.{row.name}"
    yield from (f"setting.{name}" for name in row.settings)
    yield from (setting.note for setting in row.settings.values() if setting.note)
    yield from (f"state.{row.name}_{name}" for name in row.state)
    yield from reason_phrases(row.reason)


def _check(row: Optimizer) -> None:
    """Raise `SymbackpropError` for an optimizer without a learning rate or whose lines cannot be read."""
    if RATE not in row.settings or not row.lines or row.lines[-1][0] != "w":
        raise ProblemError(message("row.update", rate=RATE))
    for name in row.state_spellings.values():
        if name not in row.state:
            raise unknown("state", name, row.state)
    list(_parsed(row))


OPTIMIZERS: Registry[Optimizer] = Registry(
    "optimizer",
    (
        Optimizer(
            "gradient_descent",
            (_DECAYED, ("w", "w - learning_rate*g_tilde")),
            {**_rate("0.001"), **_ADDED},
            "Cauchy (1847); torch.optim.SGD without momentum",
            "",
            torch=Counterpart("SGD", _DECAY),
            sklearn=Counterpart("sgd", fixed={"momentum": (0,)}),
            spellings=("gd", "vanilla", "steepest_descent", "backprop"),
        ),
        Optimizer(
            "momentum",
            (
                _DECAYED,
                # The dampening holds from the second update on: in the first the velocity is the gradient.
                ("v", "momentum*v + (1 - dampening*min(1, t - 1))*g_tilde"),
                ("w", "w - learning_rate*v"),
            ),
            {
                **_rate("0.001"),
                "momentum": _MOMENTUM,
                "dampening": Setting(
                    Fraction("0"),
                    "tau",
                    "share of the gradient left out, from the second update",
                    note="training.first",
                ),
                **_ADDED,
            },
            "Polyak (1964), the heavy ball; torch.optim.SGD with momentum",
            "momentum",
            {"v": Fraction(0)},
            torch=Counterpart("SGD", {**_DECAY, "momentum": "momentum", "dampening": "dampening"}),
            sklearn=Counterpart("sgd", {"momentum": "momentum"}, {"nesterovs_momentum": (False,)}),
            spellings=("heavy_ball",),
            state_spellings=_VELOCITY,
        ),
        Optimizer(
            "nesterov",
            (
                _DECAYED,
                ("v", "momentum*v + g_tilde"),
                ("w", "w - learning_rate*(g_tilde + momentum*v)"),
            ),
            {**_rate("0.001"), "momentum": _MOMENTUM, **_ADDED},
            "Nesterov (1983) as in Sutskever et al. (2013); torch.optim.SGD with nesterov",
            "nesterov",
            {"v": Fraction(0)},
            torch=Counterpart("SGD", {**_DECAY, "momentum": "momentum"}, {"nesterov": (True,)}),
            sklearn=Counterpart("sgd", {"momentum": "momentum"}),
            spellings=("nag", "nesterov_momentum"),
            state_spellings=_VELOCITY,
        ),
        Optimizer(
            "adagrad",
            (
                _DECAYED,
                ("s", "s + g_tilde**2"),
                ("w", "w - learning_rate/(1 + (t - 1)*lr_decay)*g_tilde/(sqrt(s) + epsilon)"),
            ),
            {
                **_rate("0.01"),
                "lr_decay": Setting(Fraction("0"), "kappa", "decay of the learning rate, 1/(1 + (t − 1)κ)", lowest=0),
                **_epsilon("1e-10"),
                **_ADDED,
            },
            "Duchi, Hazan and Singer (2011); torch.optim.Adagrad",
            "adagrad",
            {"s": Fraction(0)},
            torch=Counterpart("Adagrad", {**_EPS, "lr_decay": "lr_decay"}),
            state_spellings={"sum": "s"},
        ),
        Optimizer(
            "rmsprop",
            (
                _DECAYED,
                ("v", "alpha*v + (1 - alpha)*g_tilde**2"),
                ("u", "momentum*u + g_tilde/(sqrt(v) + epsilon)"),
                ("w", "w - learning_rate*u"),
            ),
            {
                **_rate("0.01"),
                "alpha": _share("0.99", "rho", "share of the mean square that is kept"),
                **_epsilon("1e-8"),
                "momentum": Setting(Fraction("0"), "mu", "share of the velocity that is kept", lowest=0),
                **_ADDED,
            },
            "Tieleman and Hinton (2012); torch.optim.RMSprop",
            "rmsprop",
            {"v": Fraction(0), "u": Fraction(0)},
            torch=Counterpart("RMSprop", {**_EPS, "alpha": "alpha", "momentum": "momentum"}),
            state_spellings={"square_avg": "v", "momentum_buffer": "u"},
        ),
        Optimizer(
            "adam",
            (
                _DECAYED,
                ("m", "beta1*m + (1 - beta1)*g_tilde"),
                ("v", "beta2*v + (1 - beta2)*g_tilde**2"),
                *_MOMENTS,
                ("w", "w - learning_rate*m_hat/(sqrt(v_hat) + epsilon)"),
            ),
            {**_rate("0.001"), **_BETAS, **_epsilon("1e-8"), **_ADDED},
            "Kingma and Ba (2015), algorithm 1; torch.optim.Adam",
            "adam",
            {"m": Fraction(0), "v": Fraction(0)},
            torch=Counterpart("Adam", _OF_ADAM),
            sklearn=Counterpart("adam", {"beta_1": "beta1", "beta_2": "beta2", "epsilon": "epsilon"}),
            state_spellings=_MEANS,
        ),
        Optimizer(
            "adamw",
            (
                ("m", "beta1*m + (1 - beta1)*g"),
                ("v", "beta2*v + (1 - beta2)*g**2"),
                *_MOMENTS,
                ("w", "w - learning_rate*weight_decay*w - learning_rate*m_hat/(sqrt(v_hat) + epsilon)"),
            ),
            {
                **_rate("0.001"),
                **_BETAS,
                **_epsilon("1e-8"),
                **_decay("0.01", "weight decay: w shrinks by this times the learning rate, apart from the gradient"),
            },
            "Loshchilov and Hutter (2019), algorithm 2; torch.optim.AdamW",
            "adam",
            {"m": Fraction(0), "v": Fraction(0)},
            torch=Counterpart("AdamW", _OF_ADAM),
            state_spellings=_MEANS,
        ),
    ),
    aliases={"sgd": "gradient_descent"},
    phrases=_phrases,
    check=_check,
)

_FUNCTIONS = {"sqrt": 1, "min": 2}


@cached
def lines(optimizer: str) -> tuple[Line, ...]:
    """Return the assignments of an optimizer as formulas, in order; the last target is `w`.

    >>> [target for target, formula in lines("adam")]
    ['g_tilde', 'm', 'v', 'm_hat', 'v_hat', 'w']
    """
    return tuple(_parsed(OPTIMIZERS[optimizer]))


def _parsed(row: Optimizer) -> Iterator[Line]:
    known = ["w", "g", "t", *row.settings, *row.state]
    for target, text in row.lines:
        yield target, expressions.parse(text, functions=_FUNCTIONS, names=known, arities=_FUNCTIONS)
        known.append(target)


@cached
def reduced(optimizer: str, zero: frozenset[str] = frozenset(), *, first: bool = False) -> tuple[Line, ...]:
    """Return the lines with the settings `zero` put to 0 and all that falls away left out, for the first update or later.

    A line that gives a name to something that has one is gone, and a state that no longer reads its old value is written
    where it is read.

    >>> [target for target, formula in reduced("rmsprop", frozenset({"weight_decay", "momentum"}))]
    ['v', 'w']
    """
    state = OPTIMIZERS[optimizer].state
    known: dict[str, Node] = dict.fromkeys(zero, ZERO)
    found = []
    for target, formula in lines(optimizer):
        known.pop(target, None)
        value = folded(rewrite(formula, functools.partial(_known, known, first)))
        is_no_state = target in state and target not in names(value)
        if target != "w" and (is_no_state or isinstance(value, Name)):
            known[target] = value
        else:
            found.append((target, value))
    return tuple(found)


def carried(optimizer: str, remaining: Collection[Line]) -> tuple[str, ...]:
    """Return the states that some of the lines left by `reduced` carry on.

    >>> carried("momentum", reduced("momentum", frozenset({"momentum"})))
    ()
    """
    targets = {target for target, _ in remaining}
    return tuple(name for name in OPTIMIZERS[optimizer].state if name in targets)


def _known(known: Mapping[str, Node], first: bool, part: Node) -> Node | None:
    """Return what stands for a name, or for a function of `t` alone that tells the first update from the others."""
    match part:
        case Name(name):
            return known.get(name)
        case Power(Name(base), Name("t")) if known.get(base) == ZERO:
            return ZERO  # t is at least 1
        case Apply() if names(part) == ("t",):
            return ZERO if first else ONE
    return None
