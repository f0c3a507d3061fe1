"""Recurrences for any layer are what the derivation of any network says; functions may stay symbols."""

from __future__ import annotations

import functools
import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

import symbackprop as sbp
from symbackprop.algebra import symbolic
from symbackprop.algebra.formula import Adjoint, Apply, Name, Negative, Node, Slot, rewrite
from symbackprop.algebra.functions import GENERIC, WITH_FORMULA
from symbackprop.derivation import array_entries
from symbackprop.derivation.derivations import Derivation
from symbackprop.document.display_nodes import Braced, Delta, Gradient, Letter, Local, Summation, Width
from symbackprop.document.matrix_form import layerwise, recurrences
from symbackprop.document.matrix_form.recurrences import BEFORE, LAST, THIS, Model, Recurrence
from symbackprop.errors import MissingValueError, ProblemError, SymbackpropError
from symbackprop.problems import Problem
from tests.documents import solved
from tests.helpers import each, many, only

# The derivation of a network as SymPy: every gradient multiplied out to the loss, over pre-activations and parameters


class Truth:
    """The element grain of one network: values and gradients as SymPy, in symbols for z, the parameters and the data."""

    def __init__(self, derivation: Derivation) -> None:
        self.derivation = derivation
        self.samples = range(1, (derivation.graph.samples or 0) + 1)
        self.gradient = functools.cache(self._gradient)  # type: ignore[method-assign]

    def width(self, layer: int) -> int:
        """Return the number of units of a layer."""
        return self.derivation.graph.quantities["x" if layer == 0 else f"a{layer}"].shape[0]

    def marked(self, name: str, sample: int | None) -> sympy.Symbol:
        """Return the symbol of a quantity, of one sample if it differs between them."""
        is_batched = name in self.derivation.elements.batched
        return symbolic.name_symbol(f"{name}@{sample}" if is_batched else name)

    def value(self, name: str, sample: int | None) -> sympy.Expr:
        """Return a value: activations are functions of the pre-activations, which are symbols."""
        if self.derivation.graph.quantities[name.partition("_")[0]].kind != "activation":
            return self.marked(name, sample)
        return self.written(self.derivation.equations[name].formula(), sample)

    def written(self, formula: Node, sample: int | None) -> sympy.Expr:
        """Return a formula of the derivation in these values."""
        return symbolic.to_sympy(
            formula, lambda part: self.value(part.name, sample) if isinstance(part, Name) else None
        )

    def gradient(self, name: str, sample: int | None) -> sympy.Expr:
        """Return the gradient of the loss (replaced by a cached `_gradient`)."""
        raise NotImplementedError

    def _gradient(self, name: str, sample: int | None) -> sympy.Expr:
        if name == self.derivation.graph.output:
            return sympy.Integer(1)
        batched, total = self.derivation.elements.batched, sympy.Integer(0)
        for link in self.derivation.links[name]:
            spans = link.source in batched or not batched.isdisjoint(link.term.arguments)
            places = self.samples if spans and name not in batched else [sample]
            for place in places:
                above = self.gradient(link.source, place if link.source in batched else None)
                total += above * self.written(link.partial(), place)
        return total

    def local(self, of: str, by: str, sample: int | None) -> sympy.Expr:
        """Return ∂of/∂by of neighbours."""
        found = [link for link in self.derivation.links[by] if link.source == of]
        assert found, f"{of} does not read {by}"
        return sympy.Add(*(self.written(link.partial(), sample) for link in found))


class Instance:
    """A general formula at one place of a network: `shift` layers on, letters for these numbers, in one sample."""

    def __init__(self, truth: Truth, shift: int, numbers: Mapping[str, int], sample: int | None = None) -> None:
        self.truth, self.shift, self.numbers, self.sample = truth, shift, numbers, sample

    def name(self, general: str) -> str:
        """Return the name of a quantity: W3_k_j, two layers back with k = 2 and j = 1, is W1_2_1; layer 0 is x."""
        base, *letters = general.split("_")
        kind, layer = base.rstrip("0123456789"), base[len(base.rstrip("0123456789")) :]
        if layer:
            base = "x" if kind == "a" and int(layer) + self.shift == 0 else f"{kind}{int(layer) + self.shift}"
        return "_".join((base, *(str(self.numbers.get(letter, letter)) for letter in letters)))

    def leaf(self, part: Node) -> sympy.Expr | None:
        """Return the value of a node that a formula of the derivation does not have, or has in letters."""
        match part:
            case Name(name):
                return self.truth.value(self.name(name), self.sample)
            case Adjoint(name) | Gradient(name):
                return self.gradient(name)
            case Delta(name):
                return -self.gradient(name)
            case Local(Name(of), Name(by)):
                return self.truth.local(self.name(of), self.name(by), self.sample)
            case Braced(body, label):
                assert sympy.expand(self.expression(body) - self.expression(label)) == 0, "the brace says another thing"
                return self.expression(body)
            case Summation(body, index, layer, other):
                return sympy.Add(*(each.expression(body) for each in self._places(index, layer, other)))
            case Width(layer):
                return sympy.Integer(self.truth.width(layer + self.shift))
            case Letter(symbol) if symbol.base == "m":
                return sympy.Integer(len(self.truth.samples))
            case Apply(function, (Name(name),)) if function == GENERIC:
                return self._function(name, "order" in dict(part.settings))
        return None

    def gradient(self, name: str) -> sympy.Expr:
        """Return the gradient by a quantity, in the sample at hand where it has one for each."""
        concrete = self.name(name)
        return self.truth.gradient(
            concrete, self.sample if concrete in self.truth.derivation.elements.batched else None
        )

    def _places(self, index: str, layer: int | None, other: str) -> Iterator[Instance]:
        if layer is None:
            for sample in self.truth.samples:
                yield Instance(self.truth, self.shift, self.numbers, sample)
            return
        for unit in range(1, self.truth.width(layer + self.shift) + 1):
            if unit != self.numbers.get(other):
                yield Instance(self.truth, self.shift, {**self.numbers, index: unit}, self.sample)

    def _function(self, argument: str, is_derivative: bool) -> sympy.Expr:
        """Return f(z) or f′(z) of the layer that a pre-activation belongs to."""
        name = self.name(argument)
        form = self.truth.derivation.equations[name.replace("z", "a", 1)].terms[0].form.formula
        slot = symbolic.slot_symbol(0)
        whole = symbolic.to_sympy(form, lambda part: slot if isinstance(part, Slot) else None)
        found = whole.diff(slot) if is_derivative else whole
        return found.subs(slot, self.truth.value(name, self.sample)).doit()

    def expression(self, formula: Node) -> sympy.Expr:
        """Return the formula at this place."""
        return symbolic.to_sympy(formula, self.leaf)

    def defined(self, left: Node) -> sympy.Expr:
        """Return what a left side stands for; of a pre-activation, its equation."""
        if isinstance(left, Name) and left.name.startswith("z"):
            equation = self.truth.derivation.equations[self.name(left.name)]
            return self.truth.written(equation.formula(), self.sample)
        return self.expression(left)

    def array(self, formula: Node, index: tuple[int, ...]) -> sympy.Expr:
        """Return one element of a formula between arrays."""

        def renamed(part: Node) -> Node | None:
            match part:
                case Delta(name):
                    return Negative(Adjoint(self.name(name)))
                case Name(name) | Adjoint(name):
                    return type(part)(self.name(name))
            return None

        placed = rewrite(formula, renamed)
        scalar = array_entries.entry(self.truth.derivation.graph, placed, index)
        return Instance(self.truth, 0, {}, self.sample).expression(scalar)


def assert_zero(difference: sympy.Expr, what: object) -> None:
    """Assert that an expression is zero, by algebra."""
    if sympy.expand(difference) != 0:
        assert sympy.simplify(difference) == 0, what


def hold(truth: Truth, found: Recurrence, shift: int, numbers: Mapping[str, int]) -> int:
    """Assert that every line of a recurrence is what its left side stands for, in every sample; return the lines."""
    for sample in truth.samples or [None]:
        place = Instance(truth, shift, numbers, sample)
        expected = place.defined(found.left)
        for formula, _ in found.lines:
            assert_zero(place.expression(formula) - expected, (found.left, formula, numbers, shift))
    return len(found.lines)


def hold_between_arrays(truth: Truth, found: Recurrence, shift: int) -> int:
    """Assert that a recurrence between arrays holds for every element, in every sample; return the number of elements."""
    ((formula, _),) = found.lines
    assert isinstance(found.left, Name | Adjoint | Delta)
    graph = truth.derivation.graph
    checked = 0
    for sample in truth.samples or [None]:
        place = Instance(truth, shift, {}, sample)
        quantity = graph.quantities[place.name(found.left.name)]
        for index in quantity.indices():
            element = type(found.left)(quantity.element(index))
            left = Instance(truth, 0, {}, sample).defined(element)
            assert_zero(place.array(formula, index) - left, (found.left, index, shift))
            checked += 1
    return checked


def units(truth: Truth, **layers: int) -> Iterator[dict[str, int]]:
    """Yield all choices of units for letters: `j=1` runs j over the units of layer 1."""
    ranges = [range(1, truth.width(layer) + 1) for layer in layers.values()]
    for chosen in itertools.product(*ranges):
        yield dict(zip(layers, chosen, strict=True))


def hold_everywhere(problem: Problem) -> int:
    """Assert all general recurrences, unit by unit and between arrays, in every layer they are for; return a count."""
    derivation = sbp.derive(problem)
    truth, checked = Truth(derivation), 0
    depth = len(problem.network.layers)
    for bias in {layer.bias for layer in problem.network.layers}:
        model = recurrences.model_of(problem, bias)
        checked += _output(truth, model, depth)
        for layer in range(1, depth):
            for numbers in units(truth, j=layer):
                checked += hold(truth, recurrences.hidden_error(model), layer - THIS, numbers)
            checked += hold_between_arrays(truth, layerwise.error_arrays(model, THIS), layer - THIS)
        for number, layer_of in enumerate(problem.network.layers, start=1):
            if layer_of.bias == bias:
                checked += _layer(truth, model, number)
    return checked


def _output(truth: Truth, model: Model, depth: int) -> int:
    shift = depth - LAST
    checked = hold_between_arrays(truth, layerwise.error_arrays(model, LAST), shift)
    return checked + sum(
        hold(truth, recurrences.output_error(model), shift, numbers) for numbers in units(truth, j=depth)
    )


def _layer(truth: Truth, model: Model, layer: int) -> int:
    shift, checked = layer - THIS, 0
    for numbers in units(truth, i=layer + BEFORE - THIS, j=layer):
        for found in (*recurrences.forward(model), *recurrences.parameter_gradients(model)):
            checked += hold(truth, found, shift, numbers)
    for found in (*layerwise.forward_arrays(model), *layerwise.parameter_arrays(model)):
        checked += hold_between_arrays(truth, found, shift)
    return checked


# Networks


BIASES = ("per_unit", "shared", "none", "threshold")
NOTATIONS: tuple[dict[str, str], ...] = (
    {},
    {"delta_sign": "negative"},
    {"backward": "activation"},
    {"layers": "leave", "index_order": "from_to", "naming": "flat"},
)


def network(
    widths: tuple[int, ...] = (2, 2, 2),
    activations: tuple[str, ...] | None = None,
    biases: tuple[str, ...] | None = None,
    *,
    samples: int | None = None,
    **tables: Any,
) -> Problem:
    """Return a network without numbers; `loss`, `reduction`, `notation` and `regularization` are keys of the file."""
    count = len(widths) - 1
    layers = [
        {"units": units, "activation": activation, "bias": bias}
        for units, activation, bias in zip(
            widths[1:], activations or ("generic",) * count, biases or ("per_unit",) * count, strict=True
        )
    ]
    content: dict[str, Any] = {
        "network": {
            "inputs": widths[0],
            "layers": layers,
            "loss": tables.get("loss", "generic"),
            "reduction": tables.get("reduction", "mean"),
        },
        "notation": tables.get("notation", {}),
    }
    if samples is not None:
        content["data"] = {"x": [[1] * widths[0]] * samples}
    if "regularization" in tables:
        content["regularization"] = tables["regularization"]
    return sbp.problem(content)


@st.composite
def networks(draw: st.DrawFn) -> Problem:
    """Draw a network of functions that are symbols."""
    widths = tuple(draw(st.lists(st.integers(1, 3), min_size=2, max_size=4)))
    biases = tuple(draw(st.lists(st.sampled_from(BIASES), min_size=len(widths) - 1, max_size=len(widths) - 1)))
    notation = {**draw(st.sampled_from(NOTATIONS)), "layout": draw(st.sampled_from(("column", "row")))}
    return network(
        widths,
        None,
        biases,
        samples=draw(st.sampled_from((None, 1, 2))),
        reduction=draw(st.sampled_from(("mean", "sum"))),
        notation=notation,
    )


@settings(max_examples=many(25, 12), deadline=None)
@given(networks())
def test_general_recurrences_hold_in_every_network(problem: Problem) -> None:
    """At every layer, unit and sample of a random network each printed line is the gradient of the element grain."""
    assert hold_everywhere(problem) > 0


@pytest.mark.parametrize("form", ["half", "half_mean", "convex"])
def test_general_recurrences_hold_with_a_penalty(form: str) -> None:
    """The penalty adds its own derivative to that by a weight, once, not for every sample."""
    penalty = {"l2": 0.5, "form": form, "biases": True}
    assert hold_everywhere(network((2, 2, 1), samples=2, regularization=penalty)) > 0
    assert hold_everywhere(network((2, 1), biases=("shared",), regularization=penalty)) > 0


def test_a_wrong_recurrence_is_reported() -> None:
    """The tests above see weights that are not transposed, and a factor that is missing."""
    problem = network((2, 2, 2))
    truth, model = Truth(sbp.derive(problem)), recurrences.model_of(problem, "per_unit")
    right = recurrences.hidden_error(model)
    swapped = rewrite(right.lines[-1][0], lambda part: Name("W3_j_k") if part == Name("W3_k_j") else None)
    with pytest.raises(AssertionError):
        hold(truth, replace(right, lines=((swapped, ""),)), -1, {"j": 1})
    whole = layerwise.error_arrays(model, THIS)
    short = replace(whole, lines=((whole.lines[0][0].factors[0], ""),))  # type: ignore[attr-defined]
    with pytest.raises(AssertionError):
        hold_between_arrays(truth, short, -1)


# What a problem's own functions put in


ELEMENTWISE = [name for name in WITH_FORMULA if name != "softmax"]


@pytest.mark.parametrize("activation", ELEMENTWISE)
def test_named_derivative_is_that_of_the_activation(activation: str) -> None:
    """f′ as the page names it, a(1 − a) say, is the derivative of the layer's function."""
    problem = network((1, 2, 1), (activation, "linear"), loss="squared_error")
    truth = Truth(sbp.derive(problem))
    found = layerwise.activation_derivative(problem, problem.network.layers[0])
    place, (formula, _) = Instance(truth, -1, {"j": 2}), found.lines[0]
    z = truth.marked("z1_2", None)
    difference = place.expression(formula) - truth.value("a1_2", None).diff(z)
    for side in (1, -1):  # of a kink at 0
        assert_zero(_on_side(difference, z, side), (activation, side))


def _on_side(expression: sympy.Expr, z: sympy.Symbol, side: int) -> sympy.Expr:
    """Return an expression where z has a sign: |z| is ±z, and a step is 0 or 1."""
    without = expression.replace(symbolic.Absolute, lambda p, c: side * p)
    return without.replace(symbolic.Step, lambda p, c: sympy.Integer(bool(side * p / z > 0)))


PAIRS = [
    ("half_squared_error", "sigmoid"),
    ("squared_error", "linear"),
    ("mean_squared_error", "tanh"),
    ("binary_cross_entropy", "sigmoid"),
    ("cross_entropy", "softmax"),
    ("absolute_error", "linear"),
    ("huber", "linear"),
    ({"expression": "sum((a - y)**4)/5"}, "linear"),
    ({"expression": "mean((a - y)**4)"}, "linear"),
]


@pytest.mark.parametrize(("loss", "activation"), PAIRS)
@pytest.mark.parametrize("samples", [None, 3])
@pytest.mark.parametrize("outputs", [2, 4])
def test_named_loss_gradient_is_that_of_the_loss(loss: Any, activation: str, samples: int | None, outputs: int) -> None:
    """∂L/∂a as the page names it holds for every output, whatever their number."""
    problem = network((1, outputs), (activation,), loss=loss, samples=samples)
    found = layerwise.loss_derivative(problem)
    assert found is not None
    truth = Truth(sbp.derive(problem))
    for numbers in units(truth, j=1):
        assert hold(truth, found, 1 - LAST, numbers) == 1


def test_a_loss_that_compares_outputs_has_no_named_gradient() -> None:
    """Hinge reads all outputs at once: its partial by one is not that by another with the index changed."""
    assert layerwise.loss_derivative(network((1, 3), ("linear",), loss="hinge")) is None


@pytest.mark.parametrize(("loss", "activation"), [("binary_cross_entropy", "sigmoid"), ("cross_entropy", "softmax")])
@pytest.mark.parametrize("samples", [None, 2])
@pytest.mark.parametrize("notation", NOTATIONS[:2], ids=["gradient", "negative"])
def test_fused_error_is_that_of_loss_and_activation(
    loss: str, activation: str, samples: int | None, notation: dict[str, str]
) -> None:
    """δ = a − y (times 1/m) is the gradient through both; targets of a distribution sum to 1."""
    problem = network((1, 3), (activation,), loss=loss, samples=samples, notation=notation)
    found = layerwise.fused_error(problem)
    assert found is not None
    truth = Truth(sbp.derive(problem))
    for numbers in units(truth, j=1):
        for sample in truth.samples or [None]:
            place = Instance(truth, 1 - LAST, numbers, sample)
            difference = place.expression(found.lines[0][0]) - place.defined(found.left)
            last = truth.marked("y_3", sample)
            if loss == "cross_entropy":
                difference = difference.subs(last, 1 - truth.marked("y_1", sample) - truth.marked("y_2", sample))
            assert sympy.simplify(difference) == 0


@pytest.mark.parametrize("notation", [NOTATIONS[0], NOTATIONS[1]], ids=["gradient", "negative"])
def test_softmax_error_adds_over_all_activations_of_the_layer(notation: dict[str, str]) -> None:
    """The Jacobian of softmax and the error through it, line by line, in a hidden layer."""
    problem = network((2, 3, 1), ("softmax", "generic"), notation=notation)
    truth = Truth(sbp.derive(problem))
    own, other, error = layerwise.softmax_error(problem, problem.network.layers[0])
    for numbers in each(units(truth, j=1, k=1)):
        if numbers["j"] != numbers["k"]:
            hold(truth, other, -1, numbers)
        hold(truth, own, -1, numbers)
        assert hold(truth, error, -1, numbers) == 3


# Functions that stay symbols


def markdown(problem: Problem, detail: str = "general") -> str:
    """Return the document of a problem as Markdown."""
    text = sbp.render(sbp.derive(problem), format="markdown", detail=detail, explain="brief")
    assert isinstance(text, str)
    return text


def test_generic_network_has_a_derivation_in_undefined_functions() -> None:
    """SymPy sees f1(z1_1) and its derivative, and the partial of the loss by an output."""
    derivation = sbp.derive(sbp.network([2, 2, 1], activations=["generic", "generic"], loss="generic"))
    z, a, y = (symbolic.name_symbol(name) for name in ("z2_1", "a2_1", "y_1"))
    above = symbolic.name_symbol("dL_da2_1")
    assert sympy.Matrix([[above * sympy.Function("f2")(z).diff(z)]]) == derivation.gradient("z2")
    assert sympy.Matrix([[sympy.Function("loss")(a, y).diff(a)]]) == derivation.gradient("a2")
    assert derivation.gradient("W1").shape == (2, 2)


def test_generic_functions_become_any_others() -> None:
    """With f = tanh and half the squared error put in, the symbolic gradient is that of the network with these functions."""
    symbols, concrete = (
        Truth(sbp.derive(network((2, 2, 2), (name, name), loss=loss)))
        for name, loss in (("generic", "generic"), ("tanh", "half_squared_error"))
    )
    for name in ("W1_2_1", "b1_1", "W2_1_2", "x_1"):
        found = symbols.gradient(name, None)
        found = found.replace(sympy.Function("loss"), lambda p, q, s, t: ((p - s) ** 2 + (q - t) ** 2) / 2).doit()
        for layer in (1, 2):
            found = found.replace(sympy.Function(f"f{layer}"), sympy.tanh).doit()
        assert_zero(found - concrete.gradient(name, None), name)


WITH_NUMBERS: dict[str, Any] = {
    "parameters": {"W1": [[1, 2]], "b1": [0], "W2": [[1]], "b2": [0]},
    "data": {"x": [1, 2], "y": [1]},
    "training": {"learning_rate": 0.1},
}


def generic(activations: tuple[str, str], loss: str) -> Problem:
    """Return a network with all its numbers."""
    layers = [{"units": 1, "activation": activation} for activation in activations]
    return sbp.problem({"network": {"inputs": 2, "layers": layers, "loss": loss}, **WITH_NUMBERS})


@pytest.mark.parametrize(
    ("activations", "loss", "keys"),
    [
        (("generic", "linear"), "squared_error", r"network\.layers\[0\]\.activation: "),
        (("linear", "generic"), "squared_error", r"network\.layers\[1\]\.activation: "),
        (("tanh", "linear"), "generic", r"network\.loss: "),
    ],
)
def test_what_needs_numbers_names_the_generic_functions(activations: tuple[str, str], loss: str, keys: str) -> None:
    """Derivation and document are symbolic, whatever numbers are given; JSON and check say what has no formula."""
    problem = generic(activations, loss)
    solution = sbp.solve(problem)
    assert () == solution.steps
    assert sbp.derive(problem).gradient("W1").shape == (1, 2)
    with pytest.raises(MissingValueError, match=keys):
        sbp.check(problem)
    with pytest.raises(MissingValueError, match=keys):
        sbp.render(solution, format="json")
    for format in ("latex", "markdown"):
        assert sbp.render(solution, format=format, detail="full,matrix,general")


def test_generic_functions_are_no_words_of_the_expression_language() -> None:
    """A quantity of a computation graph may be called generic or loss, and neither is a function there."""
    graph: dict[str, Any] = {"inputs": {"generic": 2}, "equations": ["loss = generic**2"], "output": "loss"}
    assert sbp.derive(sbp.problem({"graph": graph})).gradient("generic")
    with pytest.raises(SymbackpropError, match="generic"):
        sbp.derive(sbp.problem({"graph": {"inputs": {"x": 2}, "equations": ["f = generic(x)"], "output": "f"}}))


def test_full_and_matrix_details_show_the_symbols() -> None:
    """The element lines and the matrix lines keep f′(z) and ∂L/∂a."""
    problem = network((2, 2, 2), samples=2)
    text = markdown(problem, "full,matrix")
    assert r"f^{(1)\prime}(z^{(1)[1]}_1)" in text
    assert r"\frac{\partial L_1}{\partial a^{(2)[1]}_1}" in text
    assert r"\odot \underset{2 \times 1}{f^{(2)\prime}" in text or r"\odot f^{(2)\prime}" in text
    assert r"\underbrace{\frac{\partial L" not in text


# The page


@pytest.mark.parametrize("name", only(["mazur", "xor", "deep", "classifier", "line"], "mazur", "line"))
@pytest.mark.parametrize("notation", NOTATIONS, ids=["plain", "negative", "activation", "leave"])
def test_general_page_has_no_numbers_but_those_of_its_formulas(name: str, notation: dict[str, str]) -> None:
    """Every example network has its page of recurrences; it shows no decimal, and no unit or layer beyond 0 by number."""
    problem = sbp.example(name)
    problem = replace(problem, notation=replace(problem.notation, **notation))  # type: ignore[arg-type]
    text = markdown(problem)
    page = text[text.index("Recurrences for any layer") :]
    formulas = "".join(line for line in page.splitlines() if not line.startswith("#"))
    assert not re.search(r"\d\.\d", formulas)
    assert r"\sum_{k=1}^{d_{l+1}}" in page
    assert r"\sum_{n=1}^{m}" in page or problem.samples is None
    assert "_{1}" not in page and "^{(2)}" not in page


def test_general_page_follows_layout_and_index_order() -> None:
    """In rows the layer multiplies from the right; from_to turns the indices of weights round."""

    def page(**notation: str) -> str:
        return markdown(network(notation=notation))

    column, row, turned = page(), page(layout="row"), page(index_order="from_to")
    assert r"\delta^{(l)} = {(W^{(l+1)})}^{\top} \, \delta^{(l+1)} \odot" in column
    assert r"\delta^{(l)} = \delta^{(l+1)} \, {(W^{(l+1)})}^{\top} \odot" in row
    assert r"\underset{d_l \times d_{l+1}}{W^{(l+1)}}" in row
    assert r"\underset{d_{l+1} \times d_l}{W^{(l+1)}}" in column
    assert "W^{(l+1)}_{k j}" in column
    assert "W^{(l+1)}_{j k}" in turned


@pytest.mark.parametrize("name", ["mazur", "xor", "deep", "classifier", "line"])
def test_document_of_recurrences_alone_has_no_numbers(name: str) -> None:
    """No decimal, no picture and no word of digits stands in it, and each equation of backpropagation has its box."""
    text = str(sbp.render(solved(name), "markdown", detail="general"))
    assert not re.search(r"\d\.\d", re.sub(r"^#+ [\d.]+ ", "", text, flags=re.MULTILINE))
    assert "![" not in text
    assert "digits" not in text
    biases = {layer.bias for layer in sbp.example(name).network.layers} - {"none"}
    assert text.count(r"\boxed") == 3 + len(biases)


def test_letter_of_the_depth_is_no_other_letter() -> None:
    """L is the depth where the loss has another letter, else H, and whatever is free beyond."""
    usual, own = network(), sbp.example("mazur")
    both = network(notation={"symbols": {"activation": "H"}})
    letters = [recurrences.model_of(problem, "per_unit").depth for problem in (usual, own, both)]
    assert letters == ["H", "L", "N"]


def test_general_needs_layers() -> None:
    """A computation graph has none, and the message says so."""
    with pytest.raises(ProblemError, match="layers"):
        sbp.render(sbp.derive(sbp.example("circuit")), detail="general")


def test_each_kind_of_bias_has_its_gradient() -> None:
    """A network with several kinds of bias names each kind and shows its gradient once."""
    text = markdown(network((2, 2, 2, 2), None, ("threshold", "shared", "none")))
    page = text[text.index("Gradients of a layer") : text.index("The algorithm")]
    assert 1 == page.count(r"\frac{\partial L}{\partial \theta^{(l)}_j} &=")
    assert 2 == page.count(r"\frac{\partial L}{\partial b^{(l)}} &=")
    assert 2 == page.count("Where the bias of a layer is")


def test_algorithm_of_a_softmax_output_does_not_go_unit_by_unit() -> None:
    """The algorithm's error of a softmax is a − y with its cross-entropy, and its sum over outputs with another loss."""
    usual = markdown(network((2, 3), ("softmax",), loss="cross_entropy"))
    other = markdown(network((2, 3), ("softmax",), loss="squared_error"))
    assert r"$\delta^{(H)}_j = a^{(H)}_j - y_j$" in usual
    assert r"$\delta^{(H)}_j = a^{(H)}_j \left(\partial L/\partial a^{(H)}_j - " in other
    assert r"\odot f^{(H)" not in usual[usual.index("The algorithm") :]


def test_entry_of_a_product_inside_an_equation_names_its_sample() -> None:
    """What a softmax of a graph is of differs between samples, and its entries say in which one they are."""
    found = sbp.problem(
        {
            "graph": {
                "parameters": {"A": [[1, 2], [3, 4]]},
                "inputs": {"x": {"shape": [2]}},
                "equations": ["h = softmax(A @ x)", "L = h[0]"],
                "output": "L",
            },
            "data": {"x": [[0.1, 0.2], [0.3, 0.4]]},
        }
    )
    text = str(sbp.render(sbp.solve(found), format="markdown"))
    assert [f"{{(A \\, x^{{[{n}]}})}}_{{1}} &= A_{{11}} \\, x^{{[{n}]}}_1" in text for n in (1, 2)] == [True, True]
