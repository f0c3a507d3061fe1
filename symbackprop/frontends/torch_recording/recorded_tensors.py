"""Tensors that record: of any number of axes, in blocks of at most four, each an array that records.

PyTorch asks what it does not know by `__torch_function__`, so that a module runs on these as on its own tensors.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn

import numpy

from symbackprop.algebra.broadcasting import MOST_AXES
from symbackprop.errors import ProblemError
from symbackprop.frontends.tracing.placing import block_of
from symbackprop.frontends.tracing.precedence import call, number
from symbackprop.frontends.tracing.recorded import Recorded, Recording, refuse
from symbackprop.messages import message

BLOCK = MOST_AXES
"""Axes of a block at most: those of an array of a graph."""

Row = Callable[..., Any]
FUNCTIONS: dict[str, Row] = {}
"""What records a function or method of PyTorch's, by its name (`torch_functions` and others fill it)."""


@dataclass(slots=True)
class Run:
    """What is known while a module runs.

    `paths` are those of the modules that are running, the innermost last; `named` are constants that are called something,
    `constants` tensors of PyTorch's that were met, by identity, with what they were recorded as;
    `suggested` results that no variable of the user's is, in the order in which they were met. Where it `takes_first`, the
    first of several largest numbers has the gradient, as in some functions of PyTorch's, and not all in equal parts.
    """

    paths: list[str] = field(default_factory=list)
    named: list[tuple[str, Any]] = field(default_factory=list)
    constants: dict[int, tuple[Any, RecordedTensor]] = field(default_factory=dict)
    suggested: list[tuple[str, RecordedTensor]] = field(default_factory=list)
    takes_first: bool = False


RUNS: list[Run] = [Run()]
"""The runs there are; the last is the one that is on."""


class RecordedTensor(Recording):
    """A tensor that remembers how it was made: `cells` are its blocks, by the axes before the last four."""

    __slots__ = ("cells",)
    __hash__ = None  # type: ignore[assignment]
    requires_grad = is_cuda = is_nested = is_sparse = is_quantized = is_mkldnn = False
    layout = names = None

    def __init__(self, cells: Any) -> None:
        self.cells = cells

    def __repr__(self) -> str:
        return f"<recorded tensor of shape {tuple(self.shape)}>"

    @property
    def blocks(self) -> Sequence[Recorded]:
        """The arrays that it is made of, in order."""
        return tuple(self.cells.ravel())

    @property
    def shape(self) -> Any:
        """The lengths of all axes, as PyTorch has them."""
        return torch().Size((*self.cells.shape, *self.blocks[0].shape))

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)

    @property
    def dtype(self) -> Any:
        """Numbers are float64."""
        return torch().float64

    @property
    def device(self) -> Any:
        """The machine's own memory."""
        return torch().device("cpu")

    @property
    def T(self) -> Any:
        """The transpose."""
        return recorded_call("permute", self, *range(self.ndim)[::-1])

    mT = property(lambda self: recorded_call("transpose", self, -1, -2))
    data = property(lambda self: self)

    @property
    def numbers(self) -> Any:
        """The numbers, as a tensor of PyTorch's."""
        return torch().tensor(numpy.array([block.value for block in self.blocks])).reshape(self.shape)

    def __len__(self) -> int:
        if not self.ndim:
            refuse(message("torch.number"))
        return int(self.shape[0])

    def __iter__(self) -> Iterator[RecordedTensor]:
        return (recorded_call("getitem", self, place) for place in range(len(self)))

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return lambda *arguments, **options: recorded_call(name, self, *arguments, **options)

    def __neg__(self) -> Any:
        return recorded_call("neg", self)

    def __invert__(self) -> Any:
        return recorded_call("logical_not", self)

    def __getitem__(self, key: Any) -> Any:
        return recorded_call("getitem", self, key)

    def __format__(self, form: str) -> str:
        """Return the numbers as a text for whoever prints them."""
        return format(self.numbers, form)

    def __array_ufunc__(self, ufunc: Any, method: str, *given: Any, **options: Any) -> NoReturn:
        unrecorded(f"numpy.{ufunc.__name__}")

    def __array__(self, *given: Any, **options: Any) -> NoReturn:
        refuse(message("torch.number"))

    def __bool__(self) -> NoReturn:
        refuse(message("trace.decided"))

    def __float__(self) -> NoReturn:
        refuse(message("torch.number"))

    __int__ = __index__ = __float__

    def __setitem__(self, key: Any, value: Any) -> NoReturn:
        refuse(message("torch.assigned"))

    @classmethod
    def __torch_function__(cls, function: Any, types: Any, arguments: Any = (), options: Any = None) -> Any:
        return recorded_call(getattr(function, "__name__", str(function)), *arguments, **(options or {}))


_OPERATORS = {
    "add": "add", "sub": "sub", "mul": "mul", "truediv": "div", "pow": "pow", "matmul": "matmul",
    "floordiv": "floor_divide", "mod": "remainder",
}  # fmt: skip
_SIDED = {
    "lt": "lt",
    "le": "le",
    "gt": "gt",
    "ge": "ge",
    "and": "logical_and",
    "or": "logical_or",
    "eq": "eq",
    "ne": "ne",
}


def _install() -> None:
    """Give tensors the operators of Python, each the function of its name."""

    def operator(name: str, is_swapped: bool = False) -> Callable[[Any, Any], Any]:
        return lambda one, other: recorded_call(name, *((other, one) if is_swapped else (one, other)))

    for sign, name in _OPERATORS.items():
        setattr(RecordedTensor, f"__{sign}__", operator(name))
        setattr(RecordedTensor, f"__r{sign}__", operator(name, is_swapped=True))
    for sign, name in _SIDED.items():
        setattr(RecordedTensor, f"__{sign}__", operator(name))


_install()


def torch() -> Any:
    """Return PyTorch, which is there where a module is."""
    import importlib

    return importlib.import_module("torch")


def recorded_call(name: str, *arguments: Any, **options: Any) -> Any:
    """Return what a function of PyTorch's records; raises `ProblemError` for one without a row."""
    if name in _REFUSED:
        _REFUSED[name](name)
    row = FUNCTIONS.get(name.strip("_")) if not _changes_in_place(name, options) else None
    if row is None:
        unrecorded(name)
    found = row(*arguments, **{key: value for key, value in options.items() if key not in ("inplace", "out")})
    if isinstance(found, RecordedTensor) and not torch().is_grad_enabled():
        return lifted(found.numbers)
    return found


_REFUSED: Mapping[str, Callable[[str], NoReturn]] = {
    "__setitem__": lambda name: refuse(message("torch.assigned")),
    **dict.fromkeys(("requires_grad_", "backward", "register_hook"), lambda name: unrecorded(name, "derivative")),
}
"""What has an advice of its own, by its name."""


def _changes_in_place(name: str, options: Any) -> bool:
    return (name[-1:] == "_" != name[-2:-1]) or options.get("out") is not None


def unrecorded(name: str, advice: str = "function") -> NoReturn:
    """Raise `ProblemError` for what has no row, with the path of the module that asked for it."""
    what = message(f"torch.unrecorded_{advice}", name=name)
    paths = RUNS[-1].paths
    raise ProblemError(what, where=paths[-1] if paths else "model")


def suggest(letter: str, tensor: Any) -> Any:
    """Return a tensor, which is called by a letter unless a variable is assigned to it."""
    RUNS[-1].suggested.append((letter, tensor))
    return tensor


def lifted(value: Any, name: str = "") -> Any:
    """Return a tensor that records: numbers and tensors of PyTorch's are constants, which may be called something."""
    if isinstance(value, RecordedTensor):
        return value
    if getattr(value, "requires_grad", False):
        unrecorded("tensor", "foreign")
    if hasattr(value, "detach"):
        return _of_tensor(value, name)
    return _constant(numpy.asarray(value), name)


def _of_tensor(value: Any, name: str) -> RecordedTensor:
    """Return a tensor of PyTorch's as a constant, the same one each time while its numbers stay what they are."""
    known = RUNS[-1].constants
    array = value.detach().cpu().numpy()
    if id(value) not in known or not numpy.array_equal(known[id(value)][1].numbers.numpy(), array):
        known[id(value)] = value, _constant(array, name)
    return known[id(value)][1]


def _constant(array: Any, name: str) -> RecordedTensor:
    """Return numbers as a constant, which may be called something."""

    def constant(block: Any) -> Recorded:
        if name:
            RUNS[-1].named.append((name, block))
        return Recorded(block, constant=block)

    return in_blocks(array if array.dtype == bool else array.astype(float), constant)


def in_blocks(array: Any, block: Callable[[Any], Recorded]) -> RecordedTensor:
    """Return an array of numbers in blocks, each made by a function."""
    lead = array.shape[:-BLOCK]
    cells = numpy.empty(lead, dtype=object)
    for index in numpy.ndindex(*lead):
        cells[index] = block(array[index])
    return RecordedTensor(cells)


def single(block: Any) -> Any:
    """Return a tensor of one block."""
    cells = numpy.empty((), dtype=object)
    cells[()] = block
    return RecordedTensor(cells)


def in_shape(numbers: Any, shape: Sequence[int]) -> Any:
    """Return recorded numbers, in order, as a tensor of a shape."""
    return _placed(numpy.arange(1, len(numbers) + 1).reshape(tuple(shape)), list(numbers))


def elementwise(function: Callable[..., Any], *operands: Any) -> Any:
    """Return a function of blocks, applied to tensors that are brought to one shape by broadcasting."""
    given = [lifted(each) for each in operands]
    cells = numpy.broadcast_arrays(*(each.cells for each in given))
    found = numpy.empty(cells[0].shape, dtype=object)
    made: dict[tuple[int, ...], Recorded] = {}
    for index in numpy.ndindex(*found.shape):
        blocks = [each[index] for each in cells]
        key = tuple(map(id, blocks))
        if key not in made:
            made[key] = _applied(function, blocks)
        found[index] = made[key]
    return RecordedTensor(found)


def composite(name: str, function: Callable[..., Any], *operands: Any, **options: Any) -> Any:
    """Return a function of the language of whole blocks, cell by cell, with the numbers that a function of PyTorch's has.

    `options` are numbers that the function of the language has by name.
    """
    given = [lifted(each) for each in operands]
    cells = numpy.broadcast_arrays(*(each.cells for each in given))
    text = ", ".join(f"{key}={number(float(value)).text}" for key, value in options.items())
    found = numpy.empty(cells[0].shape, dtype=object)
    for index in numpy.ndindex(*found.shape):
        blocks: list[Any] = [each[index] for each in cells]
        numbers = function(*(torch().tensor(block.value) for block in blocks))
        found[index] = Recorded(numbers.numpy(), call(name, text), blocks)
    return RecordedTensor(found)


def _applied(function: Callable[..., Any], blocks: Sequence[Any]) -> Recorded:
    """Return a function of blocks; of numbers in the shape of arrays it is that of the numbers, in that shape."""
    shape = numpy.broadcast_shapes(*(block.shape for block in blocks))
    if not shape or math.prod(shape) > 1 or all(block.origin is None for block in blocks):
        return function(*_as_numbers(blocks))  # type: ignore[no-any-return]
    zero = numpy.zeros((), dtype=int)
    single_number = function(*(block_of(zero, zero, [block]) if block.ndim else block for block in blocks))
    return block_of(numpy.zeros(shape, dtype=int), numpy.zeros(shape, dtype=int), [single_number])


def _as_numbers(blocks: Sequence[Any]) -> Sequence[Any]:
    """Return arrays with a number in the place of one of a single element, where another has the shape of the result."""
    shape = numpy.broadcast_shapes(*(block.shape for block in blocks))
    if not any(block.shape == shape and block.size > 1 for block in blocks):
        return blocks
    zero = numpy.zeros((), dtype=int)
    return [
        block_of(zero, zero, [block]) if block.ndim and block.size == 1 and block.writer is not None else block
        for block in blocks
    ]


def rearranged(function: Callable[..., Any], *tensors: Any) -> Any:
    """Return what a function of PyTorch's makes of tensors whose elements it only moves: by where each comes from.

    The function is given whole numbers from 1, one for each element; 0 in its result is the number 0.
    """
    given = [lifted(each) for each in tensors]
    starts = itertools.accumulate((math.prod(each.shape) for each in given), initial=1)
    numbers = [
        torch().arange(start, start + math.prod(each.shape)).reshape(each.shape)
        for start, each in zip(starts, given, strict=False)
    ]
    blocks = [block for each in given for block in each.blocks]
    result = function(*numbers)
    if isinstance(result, tuple | list):
        return tuple(_placed(each.numpy(), blocks) for each in result)
    return _placed(result.numpy(), blocks)


def _placed(numbers: Any, blocks: Sequence[Recorded]) -> RecordedTensor:
    """Return the tensor whose elements have these numbers, counted through some blocks from 1."""
    ends = numpy.cumsum([block.size for block in blocks])
    owners = numpy.where(numbers > 0, numpy.searchsorted(ends, numbers - 1, side="right"), -1)
    starts = numpy.concatenate([[0], ends])[owners]
    places = numbers - 1 - starts
    lead = numbers.shape[:-BLOCK]
    cells = numpy.empty(lead, dtype=object)
    for index in numpy.ndindex(*lead):
        cells[index] = block_of(owners[index], places[index], blocks)
    return RecordedTensor(cells)


def axes_of(tensor: RecordedTensor, dim: Any) -> tuple[int, ...]:
    """Return the axes that PyTorch's `dim` means, all of them for None and for an empty list, from 0."""
    if dim is None or (not isinstance(dim, int) and not len(dim)):
        return tuple(range(tensor.ndim))
    return tuple(sorted(int(each) % max(tensor.ndim, 1) for each in numpy.atleast_1d(dim))) if tensor.ndim else ()


def with_axis_last(tensor: RecordedTensor, axis: int) -> RecordedTensor:
    """Return a tensor with one of its axes moved behind the others."""
    return tensor if axis == tensor.ndim - 1 else recorded_call("movedim", tensor, axis, -1)
