"""Scalars: what one number of a graph is called, and how such a name is spelled and read. No other module parses one.

A scalar is an element of an array, in one sample if it differs between samples. Its code name numbers the element from 1,
the unit that it leads to before the unit that it comes from: `W1_2_3`. Texts that people and programs exchange name the
sample behind it: `z1_2@4`. The loss of one sample is `L@` where the loss of all is `L`.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator
from typing import NamedTuple

INDEX, _SAMPLE, _STEP = "_", "@", "@step"


class Scalar(NamedTuple):
    """One number of a graph: the code name of an element, and its sample, from 1, where samples differ in it.

    The graph knows the array and the index of the name (`Graph.place_of`); the name itself is one string for all samples.
    """

    name: str
    sample: int | None = None

    def __str__(self) -> str:
        return self.name if self.sample is None else f"{self.name}{_SAMPLE}{self.sample}"

    @classmethod
    def read(cls, text: str) -> Scalar:
        """Return the scalar that a text names.

        >>> Scalar.read("z1_2@4"), str(Scalar("z1_2", 4)), Scalar.read("L@")
        (Scalar(name='z1_2', sample=4), 'z1_2@4', Scalar(name='L@', sample=None))
        """
        name, _, sample = text.rpartition(_SAMPLE)
        return cls(name, int(sample)) if name and sample.isdecimal() else cls(text)


def element_name(array: str, index: Iterable[int | str]) -> str:
    """Return the code name of an element of an array; letters stand for any number.

    >>> element_name("W1", (2, 3)), element_name("z2", "j"), element_name("L", ())
    ('W1_2_3', 'z2_j', 'L')
    """
    return INDEX.join([array, *map(str, index)])


def located(name: str, arrays: Container[str]) -> tuple[str, tuple[str, ...]]:
    """Return the array and the index of an element by its code name; raises `KeyError` for an element of none.

    >>> located("W1_k_j", {"W1", "x"})
    ('W1', ('k', 'j'))
    """
    array = name
    index: tuple[str, ...] = ()
    while array not in arrays:
        array, _, position = array.rpartition(INDEX)
        index = (position, *index)
        if not array:
            raise KeyError(name)
    return array, index


def beginnings(name: str) -> Iterator[str]:
    """Yield a name, and what an array would be called that has an element, or arrays in it, of that name.

    >>> list(beginnings("y_tanh_2"))
    ['y_tanh_2', 'y_tanh', 'y']
    """
    while name:
        yield name
        name = name.rpartition(INDEX)[0]


def numbered(name: str) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Yield the arrays that an element, or an array in one, of that name may belong to, each with the numbers behind it.

    >>> list(numbered("W_1_2"))
    [('W_1_2', ()), ('W_1', (2,)), ('W', (1, 2))]
    """
    index: tuple[int, ...] = ()
    while name:
        yield name, index
        name, _, number = name.rpartition(INDEX)
        if not (number.isdecimal() and number.isascii()) or number.startswith("0"):
            return
        index = (int(number), *index)


def in_step(name: str, step: int) -> str:
    """Return the name of something in a step of a descent; the first goes without saying.

    >>> in_step("L", 1), in_step("z1_2@3", 2)
    ('L', 'z1_2@3@step2')
    """
    return name if step == 1 else f"{name}{_STEP}{step}"


def step_of(text: str) -> tuple[str, int]:
    """Return the name in a text, and the step that stands behind it.

    >>> step_of("z1_2@3@step2"), step_of("z1_2@3")
    (('z1_2@3', 2), ('z1_2@3', 1))
    """
    name, _, step = text.rpartition(_STEP)
    return (name, int(step)) if name and step.isdecimal() and step.isascii() and int(step) else (text, 1)


def of_one_sample(output: str) -> str:
    """Return the code name of an output in one sample, where the output itself joins the samples."""
    return output + _SAMPLE


def identifier(name: str) -> str:
    """Return the code name of a scalar as a Python identifier: the loss of one sample, `L@`, is `L_samples`."""
    return name.replace(_SAMPLE, "_samples")


def error_name(layer: int, numbers: Iterable[int | str]) -> str:
    """Return the code name of the error of a unit: δ, the gradient by its pre-activation."""
    return element_name(f"delta{layer}", numbers)


def gradient_name(output: str, name: str) -> str:
    """Return the code name of the gradient of an output by a quantity, where it has no letter of its own."""
    return f"d{output}{INDEX}d{name}"


def gradient_of(name: str, output: str) -> str | None:
    """Return the quantity by which such a name is the gradient, None for another name.

    >>> gradient_of(gradient_name("L", "w_1"), "L"), gradient_of("w_1", "L")
    ('w_1', None)
    """
    prefix = gradient_name(output, "")
    return name.removeprefix(prefix) if name.startswith(prefix) else None
