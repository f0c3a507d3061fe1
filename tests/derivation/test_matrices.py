"""The matrix grain: gradients by pullbacks of array operations, proved equal to the element grain entry by entry."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import Phase, assume, given, settings
from hypothesis import strategies as st

import symbackprop as sbp
from symbackprop.algebra import functions
from symbackprop.algebra.array_operations import ARRAY_OPERATIONS
from symbackprop.algebra.formula import Adjoint, MatrixProduct, Name, Node, Transposed, walk
from symbackprop.algebra.functions import ARITIES, NAMES
from symbackprop.algebra.shapes import shape_of
from symbackprop.arithmetic import exact
from symbackprop.arithmetic.exact import CONTEXT, Exact
from symbackprop.catalog.losses import LOSSES, TARGETS
from symbackprop.catalog.losses import WITH_FORMULA as KNOWN_LOSSES
from symbackprop.derivation import matrix_grain
from symbackprop.derivation.array_entries import entry
from symbackprop.derivation.derivations import Derivation, derive
from symbackprop.derivation.matrix_grain import MatrixGradients, gradient_formula
from symbackprop.errors import EvaluationError
from symbackprop.evaluation.evaluate import Values, evaluate
from symbackprop.evaluation.kinks import kinks
from symbackprop.graph.quantities import Graph, Quantity, Role
from symbackprop.problems import Problem
from symbackprop.problems.build import fitting_activations
from symbackprop.problems.load import examples
from tests.documents import some
from tests.helpers import each, many

TOLERANCE = "1e-40"


# The element grain is the oracle: its gradients are tested against finite differences elsewhere.


def value_of(values: Values, batched: frozenset[str], node: Node, sample: int | None) -> Exact:
    """Return the value of a scalar formula over element names and adjoints, in one sample."""

    def leaf(part: Node) -> Exact | None:
        if isinstance(part, Name):
            return values.value(part.name, sample if part.name in batched else None)
        if isinstance(part, Adjoint):
            return values.gradient(part.name, sample if part.name in batched else None)
        return None

    return exact.evaluate(node, leaf)


def total(numbers: Iterator[Exact]) -> Exact:
    """Return the sum of exact numbers."""
    found: Exact = Fraction(0)
    for number in numbers:
        found = exact.add(found, number)
    return found


def samples_of(graph: Graph, quantity: Quantity, source: str) -> list[list[int | None]]:
    """Return for each value of a quantity's gradient the samples whose shares, through `source`, it adds."""
    every: list[int | None] = list(range(1, (graph.samples or 0) + 1))
    if quantity.batched:
        return [[sample] for sample in every]
    return [every if graph.quantities[source].batched else [None]]


def differences(derivation: Derivation, found: MatrixGradients) -> Iterator[tuple[str, Exact]]:
    """Iterate over the elements with |matrix grain − element grain|, relative or (below 1) absolute."""
    graph, values = derivation.graph, evaluate(derivation)
    batched = derivation.elements.batched
    for name, shares in found.items():
        quantity = graph.quantities[name]
        if name == graph.output:
            continue
        places = range(1, (graph.samples or 0) + 1) if quantity.batched else [None]
        for index in quantity.indices():
            for place, sample in enumerate(places):
                actual = total(
                    value_of(values, batched, entry(graph, share, index), each)
                    for source, share in shares
                    for each in samples_of(graph, quantity, source)[place]
                )
                expected = values.gradient(quantity.element(index), sample)
                distance = abs(exact.to_real(exact.add(expected, -actual)))
                yield quantity.element(index), distance / max(abs(exact.to_real(expected)), 1)


def assert_same_grain(derivation: Derivation) -> None:
    """Assert that the matrix grain has every gradient of the element grain, in the shapes of the quantities."""
    graph = derivation.graph
    found = matrix_grain.gradients(graph)
    reached = {name for name, quantity in graph.quantities.items() if reaches(derivation, quantity)}
    assert reached == set(found)
    assert () == found[graph.output]
    for name, shares in found.items():
        for _, share in shares:
            assert graph.shapes[name] == shape_of(share, graph.shapes, name)
        if shares:
            assert graph.shapes[name] == shape_of(gradient_formula(shares), graph.shapes, name)
    wrong = {name: distance for name, distance in differences(derivation, found) if distance > CONTEXT.mpf(TOLERANCE)}
    assert {} == wrong


def reaches(derivation: Derivation, quantity: Quantity) -> bool:
    """Say whether the output depends on a quantity, as the element grain sees it."""
    return any(element in derivation.links for element in quantity.elements())


def test_gradient_formula_adds_the_shares() -> None:
    """The whole gradient, entry by entry, is the sum of its shares."""
    problem = graph_problem(["p = W @ x", "f = sum(p*p) + sum(W) - dot(x, x)"], W=M23, x=V3)
    derivation = derive(problem)
    graph, values = derivation.graph, evaluate(derivation)
    summed = [(name, shares) for name, shares in matrix_grain.gradients(graph).items() if shares]
    for name, shares in each(summed, least=2):
        quantity = graph.quantities[name]
        for index in each(quantity.indices()):
            expected = values.gradient(quantity.element(index))
            formula = entry(graph, gradient_formula(shares), index)
            assert expected == value_of(values, frozenset(), formula, None)


# Every array operation

V3 = ["1/2", "-2/3", "5/4"]
U3 = ["3/7", "2", "-1/5"]
V2 = ["3/4", "-1/3"]
M23 = [["1/2", "-1", "2/3"], ["3/4", "1/5", "-7/6"]]
N23 = [["2", "1/3", "-1/7"], ["-3/5", "4/3", "1/9"]]
M32 = [["1", "-1/4"], ["2/7", "3/2"], ["-5/3", "1/8"]]
M22 = [["1/3", "2/5"], ["-3/8", "7/4"]]
P3 = ["1/2", "2/3", "5/4"]
SCALAR = "3/5"
HALF = Fraction(1, 2)


def graph_problem(equations: list[str], *, output: str = "f", **inputs: Any) -> Problem:
    """Return a graph over inputs."""
    return sbp.problem({"graph": {"inputs": inputs, "equations": equations, "output": output}})


OPERATIONS: Mapping[str, tuple[list[str], dict[str, Any]]] = {
    # name: equations, inputs. A fixed non-linear sum at the end gives every element another upstream gradient.
    "sum_of_terms": (["p = x + y - 2"], {"x": V3, "y": U3}),
    "negative": (["p = -(x - y)"], {"x": V3, "y": U3}),
    "product": (["p = x*y*x"], {"x": V3, "y": U3}),
    "product_of_matrices": (["p = X*Y"], {"X": M23, "Y": N23}),
    "scalar_times_vector": (["p = s*x"], {"s": SCALAR, "x": V3}),
    "scalar_times_matrix": (["p = 3*s*X"], {"s": SCALAR, "X": M23}),
    "scalar_plus_matrix": (["p = s + X"], {"s": SCALAR, "X": M23}),
    "row_broadcast": (["p = X + x"], {"X": M23, "x": V3}),
    "row_broadcast_product": (["p = X*x"], {"X": M23, "x": V3}),
    "column_broadcast": (["p = X*C"], {"X": M23, "C": [["2"], ["1/3"]]}),
    "row_matrix_broadcast": (["p = X - R"], {"X": M23, "R": [V3]}),
    "column_by_row_broadcast": (["p = C*R"], {"C": [["2"], ["1/3"]], "R": [V3]}),
    "column_by_vector_broadcast": (["p = C + x"], {"C": [["2"], ["1/3"]], "x": V3}),
    "one_by_one_broadcast": (["p = O*X"], {"O": [["3/5"]], "X": M23}),
    "broadcast_of_a_computed_part": (["p = X*(x - y)"], {"X": M23, "x": V3, "y": U3}),
    "quotient": (["p = x/y"], {"x": V3, "y": U3}),
    "quotient_by_scalar": (["p = X/s"], {"X": M23, "s": SCALAR}),
    "scalar_by_vector": (["p = s/x"], {"x": V3, "s": SCALAR}),
    "quotient_broadcast": (["p = X/x"], {"X": M23, "x": V3}),
    "quotient_by_column": (["p = X/C"], {"X": M23, "C": [["2"], ["1/3"]]}),
    "quotient_by_number": (["p = X/7"], {"X": M23}),
    "square": (["p = x**2"], {"x": V3}),
    "cube_of_a_sum": (["p = (x + y)**3"], {"x": V3, "y": U3}),
    "power_one": (["p = x**1"], {"x": V3}),
    "power_zero": (["p = x**0 + x"], {"x": V3}),
    "power_zero_of_zero": (["p = x**0 + x"], {"x": ["0", "1", "2"]}),
    "negative_power": (["p = x**-2"], {"x": V3}),
    "root_power": (["p = x**(1/2)"], {"x": P3}),
    "power_of_arrays": (["p = x**y"], {"x": P3, "y": U3}),
    "power_of_number": (["p = 2**x"], {"x": V3}),
    "power_broadcast": (["p = X**s"], {"X": [P3, P3[::-1]], "s": SCALAR}),
    "power_by_vector": (["p = X**x"], {"X": [P3, P3[::-1]], "x": V3}),
    "matrix_vector": (["p = W @ x"], {"W": M23, "x": V3}),
    "vector_matrix": (["p = x @ W"], {"W": M32, "x": V3}),
    "matrix_matrix": (["p = A @ B"], {"A": M23, "B": M32}),
    "vector_vector": (["p = x @ y"], {"x": V3, "y": U3}),
    "chain_of_products": (["p = A @ B @ x"], {"A": M23, "B": M32, "x": V2}),
    "product_with_itself": (["p = A @ A"], {"A": M22}),
    "product_with_own_transpose": (["p = A.T @ A"], {"A": M23}),
    "product_of_sums": (["p = (A + C) @ (x - y)"], {"A": M23, "C": N23, "x": V3, "y": U3}),
    "masked_side": (["p = (A*C) @ B"], {"A": M23, "C": N23, "B": M32}),
    "masked_activation": (["p = (tanh(A @ B)*C) @ B.T"], {"A": M23, "B": M32, "C": M22}),
    "scaled_columns": (["p = (A*x) @ C.T"], {"A": M23, "x": V3, "C": N23}),
    "scaled_rows": (["p = (C*B) @ A"], {"C": [["2"], ["1/3"], ["-1"]], "A": M23, "B": M32}),
    "vector_by_masked": (["p = y @ (A*C)"], {"y": V2, "A": M23, "C": N23}),
    "masked_by_vector": (["p = (A*C*2) @ x"], {"A": M23, "C": N23, "x": V3}),
    "scaled_by_a_sum": (["p = (A*sum(x)) @ B"], {"A": M23, "x": V3, "B": M32}),
    "negative_side": (["p = (-A) @ (-2*B*3)"], {"A": M23, "B": M32}),
    "quotient_as_a_side": (["p = (A/x) @ (B/2)"], {"A": M23, "x": U3, "B": M32}),
    "masked_both": (["p = (A*C) @ (B*D)"], {"A": M23, "C": N23, "B": M32, "D": [V2, V2, V2[::-1]]}),
    "transposed_mask": (["p = (A*C).T @ y"], {"A": M23, "C": N23, "y": V2}),
    "constant_times_product": (["p = 2*(A @ x)/3 - x[0:2]"], {"A": M23, "x": V3}),
    "transpose": (["p = A.T"], {"A": M23}),
    "transpose_of_a_sum": (["p = (A + B.T).T @ y"], {"A": M23, "B": M32, "y": V2}),
    "double_transpose": (["p = A.T.T"], {"A": M23}),
    "index": (["p = x[0]*x[2] + x[-1]"], {"x": V3}),
    "index_of_matrix": (["p = A[0, 1]*A[1, -1]"], {"A": M23}),
    "row": (["p = A[1] * A[0]"], {"A": M23}),
    "column": (["p = A[:, 1] * A[:, 0]"], {"A": M23}),
    "slice": (["p = x[0:2]*x[1:]"], {"x": V3}),
    "negative_slice": (["p = x[:-1]*x[-2:]"], {"x": V3}),
    "block": (["p = A[0:1, 1:]"], {"A": M23}),
    "row_of_transpose": (["p = A.T[2]"], {"A": M23}),
    "index_of_index": (["p = A[1][0:2][1]*A[0]"], {"A": M23}),
    "index_of_a_sum": (["p = (x + y)[1]*x"], {"x": V3, "y": U3}),
    "index_of_a_product": (["p = (A @ x)[0]*x"], {"A": M23, "x": V3}),
    "stack_of_scalars": (["p = [x[1], x[0]*x[2], 3, x[1]]"], {"x": V3}),
    "stack_of_rows": (["p = [x, x*y, y]"], {"x": V3, "y": U3}),
    "stack_of_matrix": (["p = [[x[0], 1], [x[1]*x[2], x[0]]]"], {"x": V3}),
    "index_of_a_stack": (["p = [x[0], x[1]**2][1]*x"], {"x": V3}),
    "product_of_a_stack": (["p = [[x[0], 1], [0, x[1]]] @ y"], {"x": V3, "y": V2}),
    "sum": (["p = sum(x*y)*x"], {"x": V3, "y": U3}),
    "sum_axis_0": (["p = sum(A*A, axis=0)"], {"A": M23}),
    "sum_axis_1": (["p = sum(A*A, axis=1)"], {"A": M23}),
    "sum_axis_negative": (["p = sum(A, axis=-1)"], {"A": M23}),
    "sum_of_vector_axis": (["p = sum(x*x, axis=0)*x"], {"x": V3}),
    "sum_of_matrix": (["p = sum(A)*A"], {"A": M23}),
    "sum_of_scalar": (["p = sum(s)*sum(s*s)"], {"s": SCALAR}),
    "mean": (["p = mean(x)*x"], {"x": V3}),
    "mean_axis_0": (["p = mean(A*A, axis=0)"], {"A": M23}),
    "mean_axis_1": (["p = mean(A, axis=1)"], {"A": M23}),
    "mean_of_matrix": (["p = mean(A*A) + A"], {"A": M23}),
    "mean_of_scalar": (["p = mean(s)*s"], {"s": SCALAR}),
    "centred": (["p = x - mean(x)"], {"x": V3}),
    "max_of_vector": (["p = max(x)*x"], {"x": V3}),
    "max_of_one": (["p = max(s)*s"], {"s": SCALAR}),
    "max_axis_0": (["p = max(A, axis=0)"], {"A": M23}),
    "max_axis_1": (["p = max(A*A, axis=1)"], {"A": M23}),
    "max_of_matrix": (["p = max(A)*A"], {"A": M23}),
    "min_of_vector": (["p = min(x*y)*x"], {"x": V3, "y": U3}),
    "min_axis_1": (["p = min(A, axis=-1)"], {"A": M23}),
    "max_of_two": (["p = max(x, y)"], {"x": V3, "y": U3}),
    "min_of_two": (["p = min(A, x)"], {"A": M23, "x": V3}),
    "max_with_number": (["p = max(A, 1/4)"], {"A": M23}),
    "max_with_scalar": (["p = max(s, A)"], {"A": M23, "s": SCALAR}),
    "ones": (["p = ones(2, 3)*A + outer(ones(2), x)"], {"A": M23, "x": V3}),
    "zeros": (["p = max(zeros(3), x)"], {"x": V3}),
    "eye": (["p = A @ (A.T + [[1, 2], [0, 1], [2, 1]]) @ eye(2) + 2*eye(2)"], {"A": M23}),
    "max_kept": (["p = A - max(A, axis=1, keepdims=true)"], {"A": M23}),
    "sum_kept": (["p = A/sum(A*A, keepdims=true)"], {"A": M23}),
    "mean_kept": (["p = (A - mean(A, axis=0, keepdims=true)) @ x"], {"A": M23, "x": V3}),
    "mean_of_vector_kept": (["p = x*mean(x*y, axis=0, keepdims=True)"], {"x": V3, "y": U3}),
    "mean_not_kept": (["p = x*mean(x, keepdims=false)"], {"x": V3}),
    "logsumexp": (["p = logsumexp(x)*x + logsumexp(A)"], {"x": V3, "A": M23}),
    "logsumexp_axis": (["p = logsumexp(A, axis=0)*x"], {"x": V3, "A": M23}),
    "log_softmax": (["p = log_softmax(A)*x"], {"x": V3, "A": M23}),
    "log_softmax_axis": (["p = log_softmax(A, axis=0)"], {"A": M23}),
    "prod": (["p = prod(x)*x + prod(A)"], {"x": V3, "A": M23}),
    "prod_axis": (["p = prod(A, axis=1)"], {"A": M23}),
    "prod_with_a_zero": (["p = prod(A, axis=1) + prod(A[0])"], {"A": [["0", "2", "3"], ["0", "1", "0"]]}),
    "var": (["p = var(x)*x + var(A)"], {"x": V3, "A": M23}),
    "var_axis": (["p = var(A, axis=0)"], {"A": M23}),
    "std": (["p = (x - mean(x))/std(x)"], {"x": V3}),
    "std_axis": (["p = A/std(A, axis=1, keepdims=true)"], {"A": M23}),
    "norm": (["p = x/norm(x) + norm(A)"], {"x": V3, "A": M23}),
    "norm_axis": (["p = norm(A, axis=1)"], {"A": M23}),
    "dot": (["p = dot(x, y)*x"], {"x": V3, "y": U3}),
    "dot_with_itself": (["p = dot(x, x)*x"], {"x": V3}),
    "outer": (["p = outer(x, y)"], {"x": V3, "y": V2}),
    "outer_with_itself": (["p = outer(x, x) @ y"], {"x": V3, "y": U3}),
    "outer_of_sums": (["p = outer(x + y, x*y)"], {"x": V3, "y": U3}),
    "concat": (["p = concat(x, y*y, x)"], {"x": V3, "y": V2}),
    "reshape": (["p = reshape(A*B, 3, -1) @ x"], {"A": M23, "B": N23, "x": V2}),
    "rows_of_a_matrix": (["p = A @ x - B + mean(x, keepdims=true)"], {"A": M23, "x": V3, "B": M22}),
    "reshape_of_a_vector": (["p = A @ reshape(x, 3, 1)"], {"A": M23, "x": V3}),
    "flatten": (["p = outer(x, flatten(A))"], {"A": M23, "x": V2}),
    "concat_of_one": (["p = concat(x)"], {"x": V3}),
    "concat_axis_0": (["p = concat(A, A*B, axis=0)"], {"A": M23, "B": N23}),
    "concat_axis_1": (["p = concat(A, C, axis=1)"], {"A": M23, "C": M22}),
    "concat_of_a_product": (["p = W @ concat(x, y)"], {"W": M23, "x": V2, "y": ["5"]}),
    "softmax": (["p = softmax(x)"], {"x": V3}),
    "softmax_of_one": (["p = softmax(x) + x"], {"x": ["2/3"]}),
    "softmax_rows": (["p = softmax(A)"], {"A": M23}),
    "softmax_columns": (["p = softmax(A, axis=0)"], {"A": M23}),
    "softmax_inside": (["p = softmax(x*y)*y"], {"x": V3, "y": U3}),
    "softmax_rows_inside": (["p = softmax(A @ B / 2, axis=1) @ y"], {"A": M23, "B": M32, "y": V2}),
    "pi": (["p = pi*x + pi"], {"x": V3}),
    "layer_norm": (["p = layer_norm(A) + layer_norm(x, eps=1/2)"], {"A": M23, "x": V3}),
    "layer_norm_axis_0": (["p = layer_norm(tanh(A) @ B, axis=0)"], {"A": M23, "B": M32}),
    "batch_norm": (["p = batch_norm(A)*batch_norm(A, axis=1)"], {"A": M23}),
    "attention": (["p = attention(A, C, A @ B)"], {"A": M23, "C": N23, "B": M32}),
    "attention_with_a_mask": (["p = attention(A, C, D, D)"], {"A": M23, "C": N23, "D": M22}),
    "clip": (["p = clip(A, x, 1)"], {"A": M23, "x": ["-1", "0", "1/7"]}),
    "take": (["p = take(A, [1, 0, 1])*take(B, [1, 0, -1], axis=1)"], {"A": M23, "B": [V3, U3, P3]}),
    "one_hot": (["p = one_hot([2, 0], 3)*A + one_hot(1, 3)"], {"A": M23}),
    "einsum": (["p = einsum('ij,kj,k->ik', A, C, x)"], {"A": M23, "C": N23, "x": V2}),
    "einsum_of_a_diagonal": (["p = einsum('ii,ij->j', A, A)*einsum('ii', A)"], {"A": M22}),
    "conv1d": (["p = conv1d(x*x, y)"], {"x": V3, "y": V2}),
    "conv2d": (["p = conv2d(A @ B, C)"], {"A": N23, "B": [V3, U3, P3], "C": M22}),
    "conv2d_of_one_entry": (["p = conv2d(A, C)"], {"A": M23, "C": [["2"]]}),
    "conv2d_of_rows": (["p = conv2d(A, C)"], {"A": M23, "C": [["2"], ["1/3"]]}),
    "max_pool": (["p = max_pool(A) + max_pool(x, stride=1)"], {"A": M23, "x": V2}),
    "stack_along_axis": (["p = stack(A, A*A, axis=1)"], {"A": M23}),
    "transpose_of_stack": (["p = transpose(stack(A, B), 2, 0, 1)"], {"A": M23, "B": N23}),
    "flip_along_axis": (["p = flip(A, axis=1)"], {"A": M23}),
    "pools_along_one_axis": (["q = max_pool1d(A)", "p = avg_pool1d(A, stride=1)*q"], {"A": M23}),
    "avg_pool": (["p = avg_pool(x, size=2, stride=1)"], {"x": V3}),
    "cumsum": (["p = cumsum(x)*reverse_cumsum(y)"], {"x": V3, "y": U3}),
    "cumsum_axis_1": (["p = cumsum(A, axis=1) + reverse_cumsum(A*A, axis=0)"], {"A": M23}),
    "flip": (["p = flip(A)*flip(x)"], {"A": M23, "x": V3}),
    "elementwise_function": (["p = exp(x)"], {"x": V3}),
    "function_of_a_product": (["p = tanh(A @ x)"], {"A": M23, "x": V3}),
    "function_inside": (["p = x*sigmoid(A @ y)"], {"A": M22, "x": V2, "y": ["1", "-2"]}),
    "nested_functions": (["p = ln(1 + exp(sin(x)))"], {"x": V3}),
    "root": (["p = sqrt(x)/sqrt(dot(x, x))"], {"x": P3}),
    "abs": (["p = abs(x)*y"], {"x": V3, "y": U3}),
    "unused_quantity": (["q = x*x", "p = x + y"], {"x": V3, "y": U3}),
    "used_twice": (["q = x*x", "p = q*x + q"], {"x": V3}),
    "constant": (["p = [1, 2, 3]*x"], {"x": V3}),
}


def operation_problem(name: str, **changes: Any) -> Problem:
    """Return the graph of one operation, p, with an output that weighs every element of p differently."""
    equations, inputs = OPERATIONS[name]
    shape = derive(graph_problem([*equations, "f = sum(p)"], **inputs)).graph.shapes["p"]
    weights = weights_of(shape)
    graph = {"inputs": inputs, "equations": [*equations, f"f = sum({weights}*p*p) + sum({weights}*p)"], "output": "f"}
    return sbp.problem({"graph": {**graph, **changes}})


def weights_of(shape: tuple[int, ...], start: int = 2) -> str:
    """Return a literal of distinct numbers in a shape."""
    if not shape:
        return f"{start}"
    step = 1 if len(shape) == 1 else shape[1]
    return "[" + ", ".join(weights_of(shape[1:], start + step * position) for position in range(shape[0])) + "]"


@pytest.mark.parametrize("name", list(OPERATIONS))
def test_operation_has_the_same_gradient_in_both_grains(name: str) -> None:
    """The pullback of every array operation is the sum of the element grain's links."""
    assert_same_grain(derive(operation_problem(name)))


def test_operations_cover_every_array_function() -> None:
    """Every function of arrays stands in the table above, with and without an axis where it takes one."""
    texts = [text for equations, _ in OPERATIONS.values() for text in equations]
    for function, row in each(ARRAY_OPERATIONS.items()):
        assert any(f"{function}(" in text for text in texts), function
        assert row.axis is None or any(f"{function}(" in text and "axis=" in text for text in texts), function


ELEMENTWISE = [name for name in NAMES if ARITIES.get(name) == 1]
BOUNDED = ("asin", "acos", "arcsin", "arccos")
"""Functions that have a value between -1 and 1 only."""


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("function", ELEMENTWISE)
def test_elementwise_function_has_the_same_gradient_in_both_grains(function: str, whole: bool) -> None:
    """Every function of one number is pulled back by its derivative, classroom form (alone in its equation) or plain."""
    inside = "tanh({})/2" if function in BOUNDED else "{}"
    text = f"p = {function}({inside.format('X')})" if whole else f"p = {function}({inside.format('X*x')})*x"
    problem = graph_problem([text, "f = sum(X*p*p)"], X=[P3, P3[::-1]], x=P3)
    assert_same_grain(derive(problem))


@pytest.mark.parametrize("name", list(OPERATIONS))
def test_operation_has_the_same_gradient_in_both_grains_for_samples(name: str) -> None:
    """With samples of the first input the others are parameters, whose shares add over the samples."""
    equations, inputs = OPERATIONS[name]
    first, *others = inputs
    shape = derive(operation_problem(name)).graph.shapes["p"]
    content = {
        "graph": {
            "parameters": {other: inputs[other] for other in others},
            "inputs": {first: inputs[first]},
            "equations": [*equations, f"f = sum({weights_of(shape)}*p*p)"],
            "output": "f",
        },
        "data": {first: [inputs[first], scaled(inputs[first])]},
    }
    assert_same_grain(derive(sbp.problem(content)))


def scaled(value: Any) -> Any:
    """Return nested numbers, each 3/2 as large."""
    return [scaled(item) for item in value] if isinstance(value, list) else str(Fraction(value) * 3 / 2)


def test_regularised_graph_adds_its_penalty_once() -> None:
    """Parameters read beside the samples: the share through an equation without samples is not added over them."""
    content = {
        "graph": {
            "parameters": {"w": V3},
            "inputs": {"x": V3},
            "equations": ["r = dot(w, w)", "p = dot(w, x)", "f = p**2 + r/2 + sum(w)"],
            "output": "f",
            "reduction": "sum",
        },
        "data": {"x": [V3, U3]},
    }
    derivation = derive(sbp.problem(content))
    assert_same_grain(derivation)
    assert evaluate(derivation).gradient("r") == 1  # ½ in each of two samples


# Networks


def network_problem(
    layers: list[dict[str, Any]], loss: Any, *, layout: str = "column", samples: int | None = None, inputs: int = 2
) -> Problem:
    """Return a network with fractions all different, one sample or a batch."""
    counter = iter(range(1, 10_000))

    def array(*shape: int) -> Any:
        if not shape:
            position = next(counter)
            return str(Fraction((-1) ** position * (2 + 5 * position % 17), 11 + position % 3))
        return [array(*shape[1:]) for _ in range(shape[0])]

    parameters, width = {}, inputs
    for number, layer in enumerate(layers, start=1):
        units, bias = layer["units"], layer.get("bias", "per_unit")
        parameters[f"W{number}"] = array(units, width) if layout == "column" else array(width, units)
        if bias != "none":
            parameters["theta" if bias == "threshold" else f"b{number}"] = array(*([] if bias == "shared" else [units]))
        if "theta" in parameters:
            parameters[f"theta{number}"] = parameters.pop("theta")
        width = units
    targets = [[str(Fraction(int(unit == sample % width))) for unit in range(width)] for sample in range(samples or 1)]
    x = array(samples or 1, inputs)
    return sbp.problem(
        {
            "network": {"inputs": inputs, "layers": layers, "loss": loss},
            "parameters": parameters,
            "data": {"x": x if samples else x[0], "y": targets if samples else targets[0]},
            "notation": {"layout": layout},
        }
    )


OWN = {"expression": "z/(1 + z**2)", "name": "own"}
BATCHES = [None, 2]
every_batch = pytest.mark.parametrize("samples", BATCHES, ids=["one", "batch"])
every_layout = pytest.mark.parametrize("layout", ["column", "row"])


@every_batch
@every_layout
@pytest.mark.parametrize("bias", ["per_unit", "shared", "none", "threshold"])
@pytest.mark.parametrize("activation", [*functions.WITH_FORMULA, OWN], ids=[*functions.WITH_FORMULA, "own"])
def test_activation_has_the_same_gradient_in_both_grains(
    activation: Any, bias: str, layout: str, samples: int | None
) -> None:
    """Every activation, kind of bias and layout, for one sample and for a batch."""
    layers = [{"units": 3, "activation": activation, "bias": bias}, {"units": 2, "bias": bias}]
    assert_same_grain(derive(network_problem(layers, "sse", layout=layout, samples=samples)))


@every_batch
@every_layout
@pytest.mark.parametrize("loss", [*KNOWN_LOSSES, {"expression": "sum((a - y)**4)/4"}], ids=[*KNOWN_LOSSES, "own"])
def test_loss_has_the_same_gradient_in_both_grains(loss: Any, layout: str, samples: int | None) -> None:
    """Every loss behind an output layer that it accepts, in both layouts, for one sample and for a batch."""
    fitting = ["linear"] if isinstance(loss, dict) else fitting_activations(LOSSES[loss].predictions)
    layers = [{"units": 2, "activation": "tanh"}, {"units": 3, "activation": fitting[-1]}]
    assert_same_grain(derive(network_problem(layers, loss, layout=layout, samples=samples)))


@pytest.mark.parametrize("name", some(examples()))
def test_example_has_the_same_gradient_in_both_grains(name: str) -> None:
    """Every bundled example, networks and graphs."""
    assert_same_grain(derive(sbp.example(name)))


@st.composite
def networks(draw: st.DrawFn) -> Problem:
    """Draw a network of 1-3 layers from the full registries."""
    loss = draw(st.sampled_from(sorted(KNOWN_LOSSES)))
    last = draw(st.sampled_from(fitting_activations(LOSSES[loss].predictions)))
    widths = draw(st.lists(st.integers(1, 3), min_size=1, max_size=3))
    fewest = 1 if TARGETS[LOSSES[loss].targets].total is None else 2  # of one score no class can be chosen
    widths.append(draw(st.integers(fewest, 3)))
    hidden = [draw(st.sampled_from(sorted(functions.WITH_FORMULA))) for _ in widths[2:]]
    biases = [draw(st.sampled_from(("per_unit", "shared", "none", "threshold"))) for _ in widths[1:]]
    layers = [
        {"units": units, "activation": activation, "bias": bias}
        for units, activation, bias in zip(widths[1:], (*hidden, last), biases, strict=True)
    ]
    layout, samples = draw(st.sampled_from(("column", "row"))), draw(st.sampled_from((None, 1, 3)))
    return network_problem(layers, loss, layout=layout, samples=samples, inputs=widths[0])


@settings(
    derandomize=True, deadline=None, max_examples=many(60), database=None, phases=(Phase.explicit, Phase.generate)
)
@given(networks())
def test_random_network_has_the_same_gradient_in_both_grains(problem: Problem) -> None:
    """Random networks over the full registries, away from kinks."""
    derivation = derive(problem)
    try:
        assume(not kinks(derivation, evaluate(derivation)))
    except EvaluationError:
        assume(False)  # a saturated unit: the loss is infinite
    assert_same_grain(derivation)


# What the formulas look like


def test_layer_has_the_formulas_of_the_textbook() -> None:
    """Of z = W x + b: W̄ = z̄ xᵀ (an outer product), b̄ = z̄, x̄ = Wᵀ z̄."""
    graph = derive(network_problem([{"units": 3}, {"units": 2}], "sse")).graph
    found = {name: gradient_formula(shares) for name, shares in matrix_grain.gradients(graph).items() if shares}
    upstream = Adjoint("z2")
    assert MatrixProduct(Transposed(Name("W2")), upstream) == found["a1"]
    assert upstream == found["b2"]
    assert (upstream, Name("a1")) == tuple(found["W2"])
    assert "outer" == getattr(found["W2"], "function", "")


def test_gradients_stand_after_what_they_read() -> None:
    """Each gradient reads only the gradients of quantities before it: the order can be worked through."""
    for name in each(examples()):
        graph = derive(sbp.example(name)).graph
        known: set[str] = set()
        for quantity, shares in each(matrix_grain.gradients(graph).items()):
            reads = [
                (source, {part.name for part in walk(share) if isinstance(part, Adjoint)}) for source, share in shares
            ]
            assert [] == [(source, read) for source, read in reads if not read <= known & {source}]
            known.add(quantity)


def test_gradients_leave_out_what_the_output_ignores() -> None:
    """A quantity that the output does not depend on has no gradient formula."""
    graph = derive(graph_problem(["q = 2*y", "f = dot(x, x)"], x=V3, y=U3)).graph
    assert {"f", "x"} == set(matrix_grain.gradients(graph))


# Planted mistakes


def wrong(derivation: Derivation) -> set[str]:
    """Return the elements whose gradients differ between the grains."""
    found = matrix_grain.gradients(derivation.graph)
    return {name for name, distance in differences(derivation, found) if distance > CONTEXT.mpf(TOLERANCE)}


def test_planted_pullback_without_its_transpose_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """x̄ = W z̄ instead of Wᵀ z̄ (W square, so that the shapes still fit) is seen at once."""
    original = matrix_grain._RULES[MatrixProduct]

    def planted(self: Any, node: MatrixProduct, upstream: Node) -> Iterator[tuple[Node, Node]]:
        (left, share), (right, _) = original(self, node, upstream)
        yield left, share
        yield right, MatrixProduct(node.left, upstream)

    monkeypatch.setattr(matrix_grain, "_RULES", {**matrix_grain._RULES, MatrixProduct: planted})
    derivation = derive(graph_problem(["p = W @ x", "f = sum(p*p)"], W=M22, x=V2))
    assert {"x_1", "x_2"} == wrong(derivation)
    with pytest.raises(AssertionError):
        assert_same_grain(derivation)


def test_planted_forward_change_is_caught() -> None:
    """The comparison uses the graph's own numbers: a pullback of another equation differs."""
    problem = graph_problem(["p = x*y", "f = sum(p*p)"], x=V3, y=U3)
    derivation = derive(problem)
    other = derive(graph_problem(["p = x*x", "f = sum(p*p)"], x=V3, y=U3)).graph
    swapped = dataclasses.replace(derivation.graph, equations=other.equations)
    found = matrix_grain.gradients(swapped)
    assert any(distance > CONTEXT.mpf(TOLERANCE) for _, distance in differences(derivation, found))


def test_planted_lost_share_is_caught() -> None:
    """A gradient that misses the share of one equation differs in every element of it."""
    derivation = derive(graph_problem(["p = x*y", "q = 3*x", "f = sum(p*p) + sum(q*q)"], x=V3, y=U3))
    found = dict(matrix_grain.gradients(derivation.graph))
    found["x"] = found["x"][:-1]
    differing = {name for name, distance in differences(derivation, found) if distance > CONTEXT.mpf(TOLERANCE)}
    assert {"x_1", "x_2", "x_3"} == differing


def test_a_target_is_pulled_back_like_any_other_quantity() -> None:
    """Targets have gradients in both grains, though no result lists them."""
    derivation = derive(network_problem([{"units": 2}], "sse"))
    assert derivation.graph.of_role(Role.TARGET)
    assert "y" in matrix_grain.gradients(derivation.graph)
    assert_same_grain(derivation)


@pytest.mark.parametrize(
    ("equation", "expected"),
    [
        ("m = max(w)", {"w": (0, HALF, HALF)}),
        ("m = min(w)", {"w": (1, 0, 0)}),
        ("m = sum(max(M, axis=0))", {"M": (HALF, 1, 0, HALF, 0, 1)}),
        ("m = sum(max(M, axis=1))", {"M": (0, HALF, HALF, 0, 0, 1)}),
        ("m = sum(min(M, axis=1))", {"M": (1, 0, 0, HALF, HALF, 0)}),
        ("m = min(w*w - w*w)", {"w": (0, 0, 0)}),
        ("m = max(M - M + 2)", {"M": (0,) * 6}),
        ("m = min(M[1])**2 - max(w[1], w[2])", {"w": (0, -HALF, -HALF), "M": (0,) * 6}),
        ("m = max(w, w)[1] + max([w[0], w[0], w[0]])", {"w": (1, 1, 0)}),
        ("m = max(0, w[0] - 1) + min(w[0] - 1, 0)", {"w": (1, 0, 0)}),
        ("m = max(0, w[0] - 1)", {"w": (0, 0, 0)}),
        ("m = min(0, w[0] - 1)", {"w": (1, 0, 0)}),
    ],
)
def test_tied_extremes_share_the_partial_in_both_grains(equation: str, expected: dict[str, tuple[int, ...]]) -> None:
    """Elements that tie for the largest (or smallest) have equal shares of 1; max(0, z) is ReLU, min(0, z) the rest of z."""
    parameters = {"w": [1, 2, 2], "M": [[0, 5, 5], [0, 0, 6]]}
    used = {name: parameters[name] for name in expected}
    derivation = derive(sbp.problem({"graph": {"parameters": used, "equations": [equation], "output": "m"}}))
    values, found = evaluate(derivation), matrix_grain.gradients(derivation.graph)
    for name, numbers in each(expected.items()):
        quantity = derivation.graph.quantities[name]
        assert numbers == tuple(values.gradient(element) for element in quantity.elements())
        formula = gradient_formula(found[name])
        by_array = [
            value_of(values, derivation.elements.batched, entry(derivation.graph, formula, index), None)
            for index in quantity.indices()
        ]
        assert list(numbers) == by_array
