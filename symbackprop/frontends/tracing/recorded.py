"""Arrays that record: each has its numbers, and knows by which operation on which others it was made."""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextvars import ContextVar
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

import numpy
from numpy.lib.mixins import NDArrayOperatorsMixin

from symbackprop.algebra.broadcasting import MOST_AXES
from symbackprop.errors import ProblemError, SymbackpropError
from symbackprop.frontends.tracing.precedence import ATOM, Writer, Written, call, suffix
from symbackprop.messages import Message, message

_OURS = str(Path(__file__).parent.parent)
_NUMPY = str(Path(numpy.__file__).parent)
MOST_ELEMENTS = 400
"""Elements of a selection that is written out one by one."""

CHANGES: ContextVar[list[tuple[str, str]]] = ContextVar("CHANGES")
"""What changed an array in place in the run that is on, and at which line of the user's code."""

Handler = Callable[..., Any]
FUNCTIONS: dict[Any, Handler] = {}
"""What records a function of NumPy's (`functions` fills it)."""
UFUNCS: dict[tuple[str, str], Handler] = {}
"""What records a ufunc, by its name and method."""


class Recording:
    """What records, in arrays of its own."""

    __slots__ = ()

    @property
    def blocks(self) -> Sequence[Recorded]:
        """The arrays that it is made of."""
        raise NotImplementedError


class Recorded(NDArrayOperatorsMixin, Recording):
    """An array of numbers that remembers how it was made.

    `value` are the numbers; `writer` writes the operation from the texts of its `operands`. What is given has a `name`
    from the start, a result the name of the first variable that it is assigned to. What consists of elements of other arrays
    may have these as its `origin`, with the number of the array that each element is of and its place there.
    """

    __slots__ = ("constant", "name", "operands", "origin", "value", "writer")
    __hash__ = None  # type: ignore[assignment]

    def __init__(
        self,
        value: Any,
        writer: Writer | None = None,
        operands: Sequence[Recorded] = (),
        name: str = "",
        constant: Any = None,
    ) -> None:
        self.value = numpy.array(value, dtype=bool if numpy.asarray(value).dtype == bool else float)
        if self.value.ndim > MOST_AXES:
            refuse(message("trace.axes", axes=self.value.ndim, limit=MOST_AXES))
        self.writer, self.operands, self.name, self.constant = writer, tuple(operands), name, constant
        self.origin: tuple[Sequence[Recorded], Any, Any] | None = None

    def __repr__(self) -> str:
        return f"<recorded {self.name or 'array'} of shape {self.shape}>"

    @property
    def blocks(self) -> Sequence[Recorded]:
        """Itself."""
        return (self,)

    @property
    def shape(self) -> tuple[int, ...]:
        """The lengths of the axes."""
        return self.value.shape

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return self.value.ndim

    @property
    def size(self) -> int:
        """The number of elements."""
        return self.value.size

    @property
    def dtype(self) -> Any:
        """The kind of the numbers."""
        return self.value.dtype

    @property
    def T(self) -> Recorded:
        """The array with its axes in the opposite order."""
        return self if self.ndim < 2 else Recorded(self.value.T, suffix(".T"), [self])

    def __len__(self) -> int:
        return len(self.value)

    def __iter__(self) -> Iterator[Recorded]:
        return (self[place] for place in range(len(self)))

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        if any(value is not None for name, value in options.items() if name in ("out", "where")):
            refuse(message("trace.in_place", name=ufunc.__name__))
        handler = UFUNCS.get((ufunc.__name__, method))
        if handler is None:
            refuse(message("trace.function", name=ufunc.__name__ + ("" if method == "__call__" else f".{method}")))
        return handler(ufunc, *inputs, **{name: value for name, value in options.items() if value is not None})

    def __array_function__(self, function: Any, types: Any, arguments: Any, options: Any) -> Any:
        handler = FUNCTIONS.get(function)
        if handler is None:
            refuse(message("trace.function", name=function.__name__))
        return handler(*arguments, **options)

    def __getattr__(self, name: str) -> Any:
        """Return a method of an array as the function of the same name."""
        function = _METHODS.get(name)
        if function is None:
            if name.startswith("__"):
                raise AttributeError(name)
            refuse(message("trace.function", name=f"array.{name}"))
        return lambda *arguments, **options: function(self, *arguments, **options)

    def __getitem__(self, key: Any) -> Recorded:
        return _selected(self, key)

    def __setitem__(self, key: Any, value: Any) -> NoReturn:
        refuse(message("trace.assigned"))

    def __array__(self, *arguments: Any, **options: Any) -> NoReturn:
        name = function_of_library(sys._getframe(1))
        refuse(message("trace.function", name=name) if name else message("trace.converted", name="numpy.array"))

    def __float__(self) -> NoReturn:
        refuse(message("trace.number"))

    __int__ = __index__ = __complex__ = __round__ = __trunc__ = __floor__ = __ceil__ = __float__

    def __format__(self, form: str) -> str:
        """Return the numbers as a text for whoever prints them."""
        return format(self.value.item() if form else self.value, form)

    def __bool__(self) -> NoReturn:
        refuse(message("trace.decided"))

    def _augmented(self, ufunc: Any, other: Any) -> Any:
        """Return a new array in the place of what changes; whether that had other names is seen afterwards."""
        if self.ndim:
            CHANGES.get().append((ufunc.__name__, place_in_user_code(sys._getframe(1))))
        return ufunc(self, other)

    def __iadd__(self, other: Any) -> Any:
        return self._augmented(numpy.add, other)

    def __isub__(self, other: Any) -> Any:
        return self._augmented(numpy.subtract, other)

    def __imul__(self, other: Any) -> Any:
        return self._augmented(numpy.multiply, other)

    def __itruediv__(self, other: Any) -> Any:
        return self._augmented(numpy.true_divide, other)


def recorded(value: Any) -> Recorded:
    """Return a value that records: what is a plain number or array is a constant."""
    return value if isinstance(value, Recorded) else Recorded(value, constant=value)


def refuse(what: Message) -> NoReturn:
    """Raise `ProblemError` at the line of the user's code."""
    raise ProblemError(what, where=place_in_user_code(sys._getframe(1))) from None


def place_in_user_code(frame: FrameType | None) -> str:
    """Return file and line of the innermost frame that is neither of this package nor of NumPy."""
    while frame is not None and not is_user_code(frame):
        frame = frame.f_back
    return "" if frame is None else f"{Path(frame.f_code.co_filename).name}:{frame.f_lineno}"


def attempted(function: Callable[[], Any], place: Callable[[], str] = str) -> Any:
    """Return what a function of the user's returns; raises `ProblemError` with the place of what went wrong in it.

    That is `place()`, or where this is empty the line.
    """
    try:
        return function()
    except SymbackpropError:
        raise
    except Exception as error:
        traceback = error.__traceback__
        while traceback is not None and traceback.tb_next is not None:
            traceback = traceback.tb_next
        where = place() or ("" if traceback is None else place_in_user_code(traceback.tb_frame))
        if isinstance(error.__cause__, ProblemError):  # an element of a plain array was to become one of ours
            raise ProblemError(message("trace.assigned"), where=where) from error
        raise ProblemError(message("trace.failed", reason=f"{type(error).__name__}: {error}"), where=where) from error


def function_of_library(frame: FrameType | None) -> str:
    """Return the function of a library, SciPy say, that the user's code calls, nothing where it calls NumPy or us."""
    name, folders = "", tuple(_folders())
    while frame is not None and not is_user_code(frame):
        name = frame.f_code.co_name if frame.f_code.co_filename.startswith(folders) else ""
        frame = frame.f_back
    return name


def is_user_code(frame: FrameType) -> bool:
    """Say whether a frame is neither of this package nor of a library that functions call."""
    return not frame.f_code.co_filename.startswith((_OURS, _NUMPY, "<__array_function__", *_folders()))


_LIBRARIES = ("torch", "scipy")


def _folders() -> Iterator[str]:
    """Yield the folders of libraries that are in use."""
    for name in _LIBRARIES:
        file = getattr(sys.modules.get(name), "__file__", None)
        if file is not None:
            yield os.path.dirname(file) + os.sep


def _selected(array: Recorded, key: Any) -> Recorded:
    """Return elements of an array: by an index of the language where it has one, else element by element."""
    keys = key if isinstance(key, tuple) else (key,)
    if any(isinstance(part, Recorded) for part in keys):
        refuse(message("trace.index"))
    try:
        places = numpy.arange(array.size).reshape(array.shape)[key]
    except IndexError as error:
        refuse(message("trace.failed", reason=str(error)))
    value = array.value[key]
    plain = _without_ellipsis(keys, array.ndim)
    if all(map(_is_plain, plain)) and 0 < len(plain) <= array.ndim:
        text = ", ".join(str(int(part)) if not isinstance(part, slice) else _slice(part) for part in plain)
        return Recorded(value, suffix(f"[{text}]"), [array])
    if all(part is None or _is_plain(part) for part in plain):
        kept = tuple(part for part in plain if part is not None)
        is_whole = all(isinstance(part, slice) for part in kept) and value.size == array.size
        return reshaped(array if is_whole else _selected(array, kept), value.shape)
    return gathered(array, places)


def gathered(array: Recorded, places: Any) -> Recorded:
    """Return the elements of an array at places, which are counted row by row; the shape is that of the places."""
    places = numpy.asarray(places)
    if places.ndim and places.size == array.size and (places.ravel() == numpy.arange(array.size)).all():
        return reshaped(array, places.shape)
    found = turned(array, places)
    if found is not None:
        return found
    chosen = taken(array, places)
    if chosen is not None:
        return chosen
    if places.size > MOST_ELEMENTS:
        refuse(message("trace.selection", count=places.size, limit=MOST_ELEMENTS))
    names = [_element(array, int(place)) for place in places.ravel()]
    value = array.value.ravel()[places]

    def write(parts: Sequence[Written]) -> Written:
        return nested([f"{parts[0].at(ATOM)}{name}" for name in names], places.shape)

    return Recorded(value, write, [array] * min(places.size, 2))


def nested(elements: Sequence[str], shape: Sequence[int]) -> Written:
    """Return texts of elements, in order, as an array of a shape that is written out."""
    rows = list(elements)
    for length in reversed(shape):
        rows = [f"[{', '.join(rows[start : start + length])}]" for start in range(0, len(rows), length)]
    return Written(rows[0])


def turned(array: Recorded, places: Any) -> Recorded | None:
    """Return an array in the opposite order along axes, as which its elements at places are; None for others."""
    if places.shape != array.shape or not places.ndim:
        return None
    start = numpy.unravel_index(places.ravel()[0], array.shape)
    axes = tuple(axis for axis, place in enumerate(start) if place)
    if not axes or (places != numpy.flip(numpy.arange(array.size).reshape(array.shape), axes)).any():
        return None
    is_whole = all(length == 1 for axis, length in enumerate(array.shape) if axis not in axes)
    value = array.value.ravel()[places]
    return Recorded(value, call("flip", "" if is_whole else f"axis={axes[0] if len(axes) == 1 else axes}"), [array])


def taken(array: Recorded, places: Any) -> Recorded | None:
    """Return the parts along one axis of an array that some places are; None for other places."""
    if array.ndim < 2 or places.ndim != array.ndim:
        return None
    for axis in range(array.ndim):
        if places.shape[:axis] + places.shape[axis + 1 :] == array.shape[:axis] + array.shape[axis + 1 :]:
            first = numpy.moveaxis(places, axis, 0).reshape(places.shape[axis], -1)[:, 0]
            chosen = first // math.prod(array.shape[axis + 1 :])
            whole = numpy.arange(array.size).reshape(array.shape)
            if (chosen < array.shape[axis]).all() and (places == whole.take(chosen, axis)).all():
                options = f"[{', '.join(map(str, chosen))}]" + (f", axis={axis}" if axis else "")
                return Recorded(array.value.ravel()[places], call("take", options), [array])
    return None


def reshaped(array: Recorded, shape: tuple[int, ...]) -> Recorded:
    """Return an array in another shape."""
    value = array.value.reshape(shape)
    if value.shape == array.shape:
        return array
    if not value.shape:
        return Recorded(value, suffix(_element(array, 0)), [array])
    if not array.shape:
        return Recorded(value, lambda parts: Written("[" * value.ndim + parts[0].text + "]" * value.ndim), [array])
    if value.ndim == 1:
        return Recorded(value, call("flatten"), [array])
    return Recorded(value, call("reshape", ", ".join(map(str, value.shape))), [array])


def _element(array: Recorded, place: int) -> str:
    index = numpy.unravel_index(place, array.shape)
    return f"[{', '.join(str(int(part)) for part in index)}]" if index else ""


def _is_plain(part: Any) -> bool:
    if isinstance(part, slice):
        return part.step is None or part.step > 0
    return isinstance(part, int | numpy.integer) and not isinstance(part, bool)


def _slice(part: slice) -> str:
    ends = ":".join("" if end is None else str(int(end)) for end in (part.start, part.stop))
    return ends if part.step in (None, 1) else f"{ends}:{int(part.step)}"


def _without_ellipsis(keys: Sequence[Any], rank: int) -> Sequence[Any]:
    """Return the parts of an index with as many whole axes in the place of `...` as it stands for."""
    place = next((at for at, part in enumerate(keys) if part is Ellipsis), None)
    if place is None:
        return keys
    whole = rank - sum(part is not None for part in keys) + 1
    return (*keys[:place], *[slice(None)] * whole, *keys[place + 1 :])


_METHODS: dict[str, Handler] = {}


def method(name: str, handler: Handler) -> None:
    """Let arrays have a method."""
    _METHODS[name] = handler
