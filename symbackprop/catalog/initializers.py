"""Where parameters begin: drawn from a distribution, or loaded from a file.

An initialiser is one row: a distribution, its arguments as expressions of the numbers of units that a layer joins, and its
source. Drawing is the same for every layout: weights are drawn with a row for each unit that they lead to.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from symbackprop import limits
from symbackprop.algebra import expressions
from symbackprop.algebra.formula import Name, Node
from symbackprop.algebra.functions import ARITIES
from symbackprop.arithmetic import exact
from symbackprop.errors import ProblemError, damaged
from symbackprop.messages import message
from symbackprop.registry import Registry
from symbackprop.rows import Setting, Settings, defaults

if TYPE_CHECKING:
    import numpy

DEFAULT = "glorot_uniform"


@dataclass(frozen=True, slots=True)
class Initializer:
    """An initialiser: `distribution` is `uniform` (over [low, high)), `normal` (mean, standard deviation) or `constant`.

    `arguments` are its arguments as expressions of `fan_in`, `fan_out` and the initialiser's `settings`;
    `spellings` are what it is called elsewhere.
    """

    name: str
    distribution: str
    arguments: tuple[str, ...]
    settings: Settings = field(default_factory=dict)
    source: str = ""
    spellings: tuple[str, ...] = ()


_ARGUMENTS = {"uniform": 2, "normal": 2, "constant": 1}
"""The distributions there are, with their numbers of arguments."""


def _check(row: Initializer) -> None:
    """Raise `SymbackpropError` for an initializer of another distribution, or whose arguments cannot be read."""
    if _ARGUMENTS.get(row.distribution) != len(row.arguments):
        raise ProblemError(message("row.distribution", name=row.distribution), valid=_ARGUMENTS)
    for text in row.arguments:
        expressions.parse(text, functions=ARITIES, names=("fan_in", "fan_out", *row.settings))


INITIALIZERS: Registry[Initializer] = Registry(
    "initializer",
    (
        Initializer(
            "glorot_uniform",
            "uniform",
            ("-sqrt(6/(fan_in + fan_out))", "sqrt(6/(fan_in + fan_out))"),
            source="Glorot and Bengio, AISTATS 2010, equation 16; also called Xavier",
            spellings=(
                "xavier_uniform",
                "xavier",
            ),
        ),
        Initializer(
            "glorot_normal",
            "normal",
            ("0", "sqrt(2/(fan_in + fan_out))"),
            source="Glorot and Bengio, AISTATS 2010, equation 12, not truncated (Keras truncates)",
            spellings=("xavier_normal",),
        ),
        Initializer(
            "he_uniform",
            "uniform",
            ("-sqrt(6/fan_in)", "sqrt(6/fan_in)"),
            source="He et al., ICCV 2015, the variance of equation 10; also called Kaiming",
            spellings=(
                "kaiming_uniform",
                "kaiming",
            ),
        ),
        Initializer(
            "he_normal",
            "normal",
            ("0", "sqrt(2/fan_in)"),
            source="He et al., ICCV 2015, equation 10, not truncated (Keras truncates)",
            spellings=("kaiming_normal",),
        ),
        Initializer(
            "normal",
            "normal",
            ("mean", "std"),
            settings={
                "mean": Setting(Fraction(0), "mu", "mean"),
                "std": Setting(Fraction(1), "sigma", "standard deviation", lowest=0),
            },
            source="the defaults are those of torch.nn.init.normal_",
            spellings=(
                "normal_",
                "randn",
                "random_normal",
                "gaussian",
            ),
        ),
        Initializer(
            "uniform",
            "uniform",
            ("low", "high"),
            settings={
                "low": Setting(Fraction(0), "l", "lowest value"),
                "high": Setting(Fraction(1), "h", "what values stay below"),
            },
            source="the defaults are those of torch.nn.init.uniform_",
            spellings=(
                "uniform_",
                "rand",
                "random_uniform",
            ),
        ),
        Initializer(
            "zeros",
            "constant",
            ("0",),
            source="all units of a layer stay alike: symmetry is not broken",
            spellings=("zero", "zeros_"),
        ),
    ),
    check=_check,
)


class Wanted(NamedTuple):
    """An array to be drawn, in (units, inputs) order, for a layer of `fan_out` units over `fan_in` inputs."""

    name: str
    shape: tuple[int, ...]
    fan_in: int
    fan_out: int


def scale(name: str, fan_in: int, fan_out: int, settings: Mapping[str, Fraction]) -> tuple[float, ...]:
    """Return the arguments of an initialiser's distribution for one layer, each rounded once.

    >>> scale("he_normal", 8, 3, {})
    (0.0, 0.5)
    >>> scale("uniform", 1, 1, {"high": Fraction(1, 4)})
    (0.0, 0.25)
    """
    row = INITIALIZERS[name]
    known = {**dict(defaults(row.settings)), **settings, "fan_in": Fraction(fan_in), "fan_out": Fraction(fan_out)}

    def value(part: Node) -> exact.Exact | None:
        return known[part.name] if isinstance(part, Name) else None

    formulas = [expressions.parse(text, functions=ARITIES, names=tuple(known)) for text in row.arguments]
    return tuple(float(exact.evaluate(formula, value)) for formula in formulas)


def draw(
    name: str, seed: int, arrays: Sequence[Wanted], settings: Mapping[str, Fraction] | None = None
) -> Iterator[tuple[str, Any]]:
    """Iterate over the arrays by name as nested lists of floats, drawn one after the other from PCG64(seed).

    >>> dict(draw("zeros", 0, [Wanted("W1", (1, 2), 2, 1)]))
    {'W1': [[0.0, 0.0]]}
    """
    import numpy

    row, generator = INITIALIZERS[name], numpy.random.Generator(numpy.random.PCG64(seed))
    for wanted in arrays:
        arguments = scale(row.name, wanted.fan_in, wanted.fan_out, settings or {})
        if row.distribution == "uniform":
            drawn = generator.uniform(arguments[0], arguments[1], size=wanted.shape)
        elif row.distribution == "normal":
            drawn = generator.normal(arguments[0], arguments[1], size=wanted.shape)
        else:
            drawn = numpy.full(wanted.shape, arguments[0])
        yield wanted.name, numpy.asarray(drawn).tolist()


CLASSES, PROBLEM = TEXTS = ("state.classes", "state.problem")
"""What the names of classes and the text of the problem are saved as, beside the parameters."""


def loaded(path: Path) -> dict[str, Any]:
    """Return the arrays of an `.npz` file by name, as nested lists of numbers; texts are left out.

    Raises `ProblemError` for a file that cannot be read, is no such file, or holds anything but real numbers. Pickled
    objects are never opened.
    """
    return {name: _numbers(array, f"{path}: {name}") for name, array in _arrays(path).items() if name not in TEXTS}


def loaded_classes(path: Path) -> tuple[str, ...]:
    """Return the names of classes in an `.npz` file, none where it has none; raises `ProblemError` as `loaded` does."""
    found = _arrays(path).get(CLASSES)
    if found is None:
        return ()
    if found.dtype.kind != "U" or found.ndim != 1 or not len(found) <= limits.SAVED_CLASSES:
        raise ProblemError(message("problem.npz_classes"), where=f"{path}: {CLASSES}")
    return tuple(map(str, found))


def loaded_problem(path: Path) -> str:
    """Return the text of the problem in an `.npz` file; raises `ProblemError` as `loaded` does, and where there is none."""
    found = _arrays(path).get(PROBLEM)
    if found is None:
        raise ProblemError(message("problem.npz_alone"), where=str(path))
    return str(found) if found.dtype.kind == "U" and not found.ndim else ""


def _arrays(path: Path) -> dict[str, numpy.ndarray[Any, Any]]:
    """Return the arrays of an `.npz` file by name."""
    import zipfile

    import numpy

    try:
        content = path.read_bytes()
    except OSError as error:
        raise ProblemError(message("problem.unreadable", reason=error.strerror or ""), where=str(path)) from None
    with damaged(lambda reason: message("problem.npz"), str(path)):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            size = sum(each.file_size for each in archive.infolist()) // _BYTES
        arrays = {} if size > limits.SAVED_NUMBERS else dict(numpy.load(io.BytesIO(content), allow_pickle=False))
    found = {name: numpy.asarray(array) for name, array in arrays.items()}
    if max(size, sum(each.size for each in found.values())) > limits.SAVED_NUMBERS:
        raise ProblemError(message("problem.npz_large", limit=limits.SAVED_NUMBERS), where=str(path))
    return found


_BYTES = 8


def _numbers(array: numpy.ndarray[Any, Any], where: str) -> Any:
    """Return an array of real numbers as nested lists; a float of any size stands for its shortest decimal."""
    if array.dtype.kind not in "iuf":
        raise ProblemError(message("problem.npz_numbers", kind=str(array.dtype)), where=where)
    if array.dtype.kind == "f" and array.dtype.itemsize != 8:
        return array.astype(str).astype(float).tolist()
    return array.tolist()
