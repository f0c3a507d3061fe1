"""What a graph answers: its layers, what it predicts, its losses, and where an element stands."""

from __future__ import annotations

import pytest
import random_problems

import symbackprop
from symbackprop.derivation.derivations import derive
from symbackprop.graph.quantities import Graph, Role
from symbackprop.graph.scalars import Scalar, element_name, located
from symbackprop.problems import Problem
from symbackprop.problems.load import examples
from tests.helpers import each

PROBLEMS: dict[str, Problem] = {name: symbackprop.example(name) for name in examples()}
PROBLEMS |= {f"random {seed}": symbackprop.problem(random_problems.problem(seed)) for seed in range(30)}


@pytest.fixture(params=PROBLEMS)
def problem(request: pytest.FixtureRequest) -> Problem:
    """Return one problem after the other: networks and computation graphs, in batches and without."""
    return PROBLEMS[request.param]


@pytest.fixture
def graph(problem: Problem) -> Graph:
    """Return the graph of a problem."""
    return derive(problem).graph


def test_layers_are_those_of_the_problem(problem: Problem, graph: Graph) -> None:
    """A network has its layers in order, with every array that belongs to one; a computation graph has none."""
    assert [layer.number for layer in graph.layers] == list(range(1, len(problem.layers) + 1))
    assert [layer.activation.shape for layer in graph.layers] == [(layer.units,) for layer in problem.layers]
    in_layers = {array.name for layer in graph.layers for array in layer.arrays}
    others = {Role.INPUT, Role.TARGET, Role.OUTPUT}
    if problem.layers:
        assert in_layers == {
            quantity.name
            for quantity in graph.quantities.values()
            if quantity.role not in others and quantity.layer is not None
        }
        assert {each.name for layer in graph.layers for each in layer.parameters} == set(problem.parameter_shapes())


def test_prediction_is_what_the_loss_compares_with_targets(problem: Problem, graph: Graph) -> None:
    """The loss of the data reads the prediction and the target; each predicted element has its own target."""
    if graph.prediction is None:
        assert not problem.layers
        assert graph.targets == {}
        return
    elements = derive(problem).equations[graph.data_loss]
    read = {name for term in elements.terms for name in term.arguments}
    assert read <= {*graph.targets, *graph.targets.values()}
    assert [graph.place_of(name).numbers for name in graph.targets] == [
        graph.place_of(name).numbers for name in graph.targets.values()
    ]


def test_loss_of_a_sample_is_joined_in_the_output(graph: Graph) -> None:
    """In a batch the output of one sample is batched and the output reads it; else both are one."""
    assert graph.quantities[graph.sample_loss].batched == graph.joins_samples
    assert graph.joins_samples == (graph.samples is not None and graph.sample_loss != graph.output)
    assert [each.name for each in graph.quantities.values() if graph.is_sample_loss(each)] == (
        [graph.sample_loss] if graph.joins_samples else []
    )


def test_every_element_has_its_place(graph: Graph) -> None:
    """The place of an element spells it again, and a name is found by its letters where it is none of the elements."""
    names = [(quantity, name) for quantity in graph.quantities.values() for name in quantity.elements()]
    assert names
    for quantity, name in names:
        found, numbers = graph.place_of(name)
        assert (found, element_name(found.name, numbers)) == (quantity, name)
        assert located(name, graph.quantities) == (quantity.name, numbers)
        letters = tuple("jk"[: len(numbers)])
        assert graph.place_of(element_name(quantity.name, letters)) == (quantity, letters)


def test_unknown_name_has_no_place() -> None:
    """A name of no array raises, whatever it looks like."""
    graph = derive(PROBLEMS["mazur"]).graph
    with pytest.raises(KeyError, match="v1_1"):
        graph.place_of("v1_1")


def test_scalars_are_in_the_order_of_the_numbers(problem: Problem, graph: Graph) -> None:
    """A declared array has a scalar for every number, sample after sample."""
    for name, array in each(problem.arrays.items()):
        quantity = graph.quantities[name]
        scalars = list(graph.scalars(quantity))
        assert len(scalars) == len(array.entries)
        assert scalars == [
            Scalar(element, sample) for sample in graph.samples_of(quantity) for element in quantity.elements()
        ]


@pytest.mark.parametrize("scalar", [Scalar("W1_1_2"), Scalar("z1_2", 12), Scalar("L@"), Scalar("x")])
def test_scalar_is_read_as_it_is_spelled(scalar: Scalar) -> None:
    """Spelling and reading are inverse to each other."""
    assert Scalar.read(str(scalar)) == scalar
