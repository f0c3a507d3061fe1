"""Problem files and mappings → `Problem`, with overrides (`--set KEY=VALUE`)."""

from __future__ import annotations

import copy
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from symbackprop import resources
from symbackprop.catalog import initializers
from symbackprop.errors import ProblemError, SymbackpropError, unknown
from symbackprop.messages import message
from symbackprop.problems import data_file, numbers, saved_problem
from symbackprop.problems.build import build
from symbackprop.problems.types import Problem

Overrides = Sequence[tuple[str, object]] | Mapping[str, object]
"""Keys with the values that they get: pairs, or a mapping."""


def problem(content: Mapping[str, object], *, name: str = "problem") -> Problem:
    """Return the problem that a mapping with the keys of a problem file describes.

    Args:
        content: The tables and keys. A float means its shortest decimal (0.1 is 1/10); fractions, numbers of SymPy
            and of NumPy are numbers too; arrays, tensors and frames are taken as nested lists.
        name: What the problem is called in names of files and messages.

    Returns:
        The problem.

    Raises:
        SymbackpropError: A key does not fit; the message names it.

    Examples:
        >>> import symbackprop
        >>> net = {"inputs": 1, "layers": [{"units": 1, "bias": "none"}], "loss": "half_squared_error"}
        >>> symbackprop.problem({"network": net}).missing()
        ('W1', 'x', 'y')
    """
    return build(content, name)


@dataclass(frozen=True, slots=True)
class Source:
    """What a problem is made from: the content of its file with overrides, its name, and the file.

    `classes` and `columns` are the names that trained parameters were saved with, which hold where no data has its own.
    """

    content: Mapping[str, Any]
    path: Path
    classes: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()

    def problem(self) -> Problem:
        """Return the problem; the message of an error begins with the file."""
        try:
            found = build(self.content, self.path.stem, self.path.parent)
        except SymbackpropError as error:
            raise (error if error.where.startswith(str(self.path)) else error.at(str(self.path))) from None
        classes, columns = found.classes or self.classes, found.columns or self.columns
        return replace(found, classes=classes, columns=columns)

    @property
    def column_names(self) -> dict[str, Any]:
        """The names of the columns of inputs and targets, as a table `[data]` has them."""
        given = self.content.get("data", {})
        named = {key: given[key] for key in (data_file.INPUTS, data_file.TARGETS) if key in given}
        return ({data_file.INPUTS: list(self.columns)} if self.columns else {}) | named


def source(path: str | Path, overrides: Overrides = ()) -> Source:
    """Return the content of a TOML file with some keys overridden (`("training.learning_rate", 1.5)`).

    An `.npz` file of `history.save` is the problem that was trained, with the trained parameters. Raises `ProblemError`,
    beginning with the file, for one that cannot be read, is not TOML or holds no problem.
    """
    path = Path(path)
    if path.suffix == SAVED:
        return _saved(path, overrides)
    try:
        return Source(with_overrides(_read(path.read_text("utf-8-sig")), overrides), path)
    except tomllib.TOMLDecodeError as error:
        raise ProblemError(message("problem.toml", reason=str(error)), where=str(path)) from None
    except UnicodeDecodeError as error:
        raise ProblemError(message("problem.encoding", offset=error.start), where=str(path)) from None
    except OSError as error:
        raise ProblemError(message("problem.unreadable", reason=error.strerror or ""), where=str(path)) from None
    except SymbackpropError as error:
        raise error.at(str(path)) from None


SAVED = ".npz"
"""The suffix of files with trained parameters."""


def _saved(path: Path, overrides: Overrides) -> Source:
    """Return the problem in a file of trained parameters, which it reads from that file."""
    content = saved_problem.content_of(initializers.loaded_problem(path), f"{path}: {initializers.PROBLEM}")
    columns = tuple(content.pop(saved_problem.COLUMNS, ()))
    content["parameters"] = {"file": path.name}
    try:
        return Source(with_overrides(content, overrides), path, initializers.loaded_classes(path), columns)
    except SymbackpropError as error:
        raise error.at(str(path)) from None


def load(path: str | Path, overrides: Overrides = ()) -> Problem:
    r"""Return the problem in a TOML file, or the one that a file of trained parameters (`.npz`) holds.

    Args:
        path: The file.
        overrides: Keys with other values, pairs such as `("training.learning_rate", 1.5)`.

    Returns:
        The problem, called as the file is.

    Raises:
        ProblemError: The file cannot be read, or is not TOML.
        SymbackpropError: A key does not fit, as for `problem`; every message begins with the file.

    Examples:
        >>> import pathlib, tempfile
        >>> import symbackprop
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     file = pathlib.Path(folder, "root.toml")
        ...     written = file.write_text('[graph]\nparameters = { w = 3 }\nequations = ["s = w*w"]\noutput = "s"')
        ...     symbackprop.load(file, [("graph.parameters.w", 2)]).arrays["w"].entries[0].value
        Fraction(2, 1)
    """
    return source(path, overrides).problem()


def _read(text: str) -> dict[str, Any]:
    """Return the content of TOML text; what its parser leaves to Python's limits is a `ProblemError` too."""
    try:
        return tomllib.loads(text, parse_float=numbers.decimal)
    except tomllib.TOMLDecodeError:
        raise
    except ValueError:  # Python converts integers of at most 4300 digits
        raise ProblemError(message("problem.digits")) from None
    except RecursionError:
        raise ProblemError(message("problem.nested")) from None


def network(
    widths: Sequence[int], *, activations: str | Sequence[str], loss: str, bias: str = "per_unit", **options: object
) -> Problem:
    """Return a problem without numbers: a dense network of the given widths.

    Args:
        widths: The numbers of inputs and of the units of each layer.
        activations: One activation for each layer, or one for all.
        loss: A name of `symbackprop list losses`.
        bias: `"per_unit"`, `"shared"`, `"none"` or `"threshold"`.
        options: Further keys of `[network]`.

    Returns:
        The problem, of which every array lacks its numbers.

    Raises:
        SymbackpropError: A name or a number does not fit; the message names the key.

    Examples:
        >>> import symbackprop
        >>> found = symbackprop.network([784, 128, 10], activations=["relu", "softmax"], loss="cross_entropy")
        >>> found.parameter_shapes()["W2"]
        (10, 128)
    """
    if isinstance(activations, str):
        activations = [activations] * (len(widths) - 1)
    if len(activations) != len(widths) - 1:
        raise ProblemError(message("problem.activations", layers=len(widths) - 1, count=len(activations)))
    layers = [
        {"units": units, "activation": activation, "bias": bias}
        for units, activation in zip(widths[1:], activations, strict=True)
    ]
    return problem({"network": {"inputs": widths[0], "layers": layers, "loss": loss, **options}}, name="network")


def examples() -> tuple[str, ...]:
    """Return the names of the bundled examples, in alphabetical order."""
    return tuple(sorted(file.stem for file in resources.folder("examples").glob("*.toml")))


def example(name: str, overrides: Overrides = ()) -> Problem:
    """Return a bundled example.

    Args:
        name: A name of `symbackprop list examples`.
        overrides: Keys with other values, pairs such as `("training.learning_rate", 1.5)`.

    Returns:
        The problem.

    Raises:
        UnknownNameError: There is no such example.
        SymbackpropError: An override does not fit; the message names the key.

    Examples:
        >>> import symbackprop
        >>> symbackprop.example("mazur").network.inputs
        2
    """
    return load(bundled(name), overrides)


def bundled(name: str, *, where: str = "") -> Path:
    """Return the file of a bundled example; the error for a name that is none is placed at `where`."""
    if name not in examples():
        raise unknown("example", name, examples(), where=where)
    return resources.folder("examples") / f"{name}.toml"


def find_source(name: str, overrides: Overrides = ()) -> Source:
    """Return the source of the problem that a command line names: a file, else a bundled example."""
    path = Path(name)
    if not path.is_file() and name in examples():
        path = bundled(name)
    elif not (path.is_file() or path.suffix in (".toml", SAVED) or len(path.parts) > 1):
        raise unknown("problem", name, examples())
    return source(path, overrides)


def with_overrides(content: Mapping[str, object], overrides: Overrides) -> Mapping[str, object]:
    """Return the content with keys replaced; `network.layers.0.units` reaches into a list.

    `network.layers[0].units`, as messages spell it, is the same key.
    """
    changed: Any = copy.deepcopy(dict(content))
    for key, value in overrides.items() if isinstance(overrides, Mapping) else overrides:
        *steps, last = re.sub(r"\[(\d+)\]", r".\1", key).split(".")
        place = changed
        for depth, step in enumerate(steps):
            if isinstance(place, dict):
                place = place.setdefault(step, {})
            else:
                place = _item(place, step, ".".join(steps[: depth + 1]))
        if isinstance(place, dict):
            place[last] = value
        else:
            _item(place, last, key)
            place[int(last)] = value
    return dict(changed)


def _item(place: object, step: str, key: str) -> Any:
    if not isinstance(place, list):
        raise ProblemError(message("problem.no_table", key=key), where="--set")
    if not step.isdigit() or int(step) >= len(place):
        raise unknown("key", step, map(str, range(len(place))), where=f"--set {key}")
    return place[int(step)]


def parse_override(text: str) -> tuple[str, object]:
    """Return key and value of `KEY=VALUE`; the value is read as TOML, or else as plain text.

    >>> parse_override("training.learning_rate=1.5")
    ('training.learning_rate', Decimal('1.5'))
    >>> parse_override("notation.naming=flat")
    ('notation.naming', 'flat')
    """
    key, equals, value = text.partition("=")
    if not equals or not all(key.strip().split(".")):
        raise ProblemError(message("problem.override", text=text), where="--set")
    try:
        content = _read(f"value = {value}")
    except tomllib.TOMLDecodeError:
        return key.strip(), value.strip()
    except SymbackpropError as error:
        raise error.at(f"--set {key.strip()}") from None
    return key.strip(), content["value"] if set(content) == {"value"} else value.strip()
