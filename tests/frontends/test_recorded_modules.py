"""Any module of PyTorch's as a problem: value and gradients are autograd's; what cannot be recorded says where and why."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import symbackprop as sbp
from symbackprop.errors import ProblemError
from symbackprop.frontends.torch_recording import (
    along_axes,
    attention,
    convolutions,
    criteria,
    elementwise_functions,
    module_parameters,
    moved_elements,
    normalizations,
    recorded_modules,
    recorded_problem,
    recorded_tensors,
    recurrent_layers,
    tensor_products,
    torch_layers,
)
from symbackprop.frontends.tracing import equation_texts, placing
from symbackprop.language import phrases
from tests.helpers import each, few, require_module

try:
    import torch
    import torch.nn.functional as F
    from torch import nn

    from tests.frontends.torch_cases import LOSSES, MODULES, OPERATIONS, Function
except ImportError:
    torch = F = nn = Function = None
    LOSSES = MODULES = OPERATIONS = {}

TOLERANCE = 1e-10
OF_FLOAT32 = {"Hardsigmoid": 6 * float(np.float32(1 / 6))}
"""What PyTorch's derivative is times that of the function: it takes 1/6 in float32, of numbers in float64 too."""


@pytest.fixture(autouse=True)
def _there() -> None:
    require_module("torch")


def weighted(output: Any) -> Any:
    """Return a sum of all numbers with weights."""
    weights = torch.linspace(0.5, 1.5, output.numel(), dtype=torch.float64)
    return (output.reshape(-1) * weights).sum() if output.ndim else output * 2


def agree(model: Any, loss: Callable[..., Any], *given: Any, factor: float = 1) -> Any:
    """Compare value and gradients of a recorded module with autograd in float64, which has a factor; return the problem."""
    x, y = given
    model = model.double()
    x = tuple(part.double() for part in x)
    y = y.double() if isinstance(y, torch.Tensor) and y.is_floating_point() else y
    loss = loss.double() if isinstance(loss, nn.Module) else loss
    targets = () if y is None else y if isinstance(y, tuple) else (y,)
    problem = recorded_problem(model, loss, x if len(x) > 1 else x[0], y, None, {})
    for parameter in model.parameters():
        parameter.grad = None
    expected = loss(model(*x), *(part.double() if part.is_floating_point() else part for part in targets))
    if expected.requires_grad:
        expected.backward()
    if not problem.parameter_shapes():
        solved = sbp.solve(problem).steps[0].values.value(problem.model.output)
        assert float(expected) == pytest.approx(float(solved), rel=TOLERANCE)
        return problem
    found, gradients = sbp.compile(problem)()
    assert expected.item() == pytest.approx(found, rel=TOLERANCE, abs=TOLERANCE)
    names = module_parameters.names_of_parameters({"model": model})
    expected_gradients = {names[f"model.{path}"]: tensor.grad for path, tensor in model.named_parameters()}
    for name, gradient in gradients.items():
        theirs = expected_gradients[name].reshape(gradient.shape).numpy() / factor
        np.testing.assert_allclose(gradient, theirs, rtol=TOLERANCE, atol=TOLERANCE)
    return problem


@pytest.mark.parametrize("name", few(MODULES, 8))
def test_module_has_the_numbers_of_autograd(name: str) -> None:
    """Layers, norms, recurrent_layers, attention, convolutions: value and gradients by every parameter."""
    shapes, make = MODULES[name]
    torch.manual_seed(len(name))
    model = make()
    inputs = tuple(torch.rand(shape) * 1.6 - 0.5 for shape in shapes)
    agree(model, weighted, inputs, None, factor=OF_FLOAT32.get(name, 1))


@pytest.mark.parametrize("text", few(OPERATIONS, 6))
def test_operation_has_the_numbers_of_autograd(text: str) -> None:
    """Functions, methods and operators of tensors of any number of axes."""
    torch.manual_seed(3)
    shape = OPERATIONS[text]
    names = {"torch": torch, "F": F, "math": math}

    def operate(x: Any, scale: Any) -> Any:
        return eval(text, {**names, "x": x * scale})

    agree(Function(operate, scale=shape), weighted, (torch.rand(shape) * 0.8 + 0.1,), None)


@pytest.mark.parametrize("name", few(LOSSES, 5))
def test_loss_has_the_numbers_of_autograd(name: str) -> None:
    """Every loss with its settings and reductions."""
    loss, y = LOSSES[name]
    torch.manual_seed(len(name))
    agree(nn.Linear(4, 3), loss, (torch.randn(2, 4),), y)


LINKS: dict[str, Callable[[], Any]] = {
    "linear": lambda: nn.Linear(4, 4), "norm": lambda: nn.LayerNorm(4), "tanh": lambda: nn.Tanh(), "gelu": lambda: nn.GELU(),
    "softmax": lambda: nn.Softmax(-1), "residual": lambda: Function(lambda x, W: x + F.silu(x @ W), W=(4, 4)),
    "gate": lambda: Function(lambda x, v: torch.sigmoid((x * v).sum(-1, keepdim=True)) * x, v=(4,)),
    "attention": lambda: Function(lambda x: F.scaled_dot_product_attention(x, x, x)),
    "turned": lambda: Function(lambda x, W: (x.transpose(-1, -2) @ W).transpose(-1, -2), W=(2, 2)),
    "scale": lambda: Function(lambda x, g: x * torch.exp(g[:, None]), g=(2,)),
}  # fmt: skip


@pytest.mark.parametrize("seed", few(range(12), 1))
def test_random_compositions_have_the_numbers_of_autograd(seed: int) -> None:
    """Layers in any order, on matrices and on stacks of them."""
    torch.manual_seed(seed)
    generator = np.random.default_rng(seed)
    chosen = [LINKS[str(name)]() for name in generator.choice(list(LINKS), 4)]
    shape = (2, 4) if seed % 2 else (2, 2, 4)
    agree(nn.Sequential(*chosen, nn.Linear(4, 2)), weighted, (torch.randn(shape),), None)


def test_functions_agree_with_rows() -> None:
    """The rooms of functions are known, and every case of the tables above is of a function or module that has a row."""
    rooms = (
        along_axes,
        attention,
        convolutions,
        elementwise_functions,
        moved_elements,
        normalizations,
        tensor_products,
        criteria,
    )
    assert all(room.FUNCTIONS is recorded_tensors.FUNCTIONS for room in each(rooms))
    assert (
        recurrent_layers.RECURRENCES.keys()
        <= torch_layers.MODULES.keys()
        <= module_parameters.PARAMETERS.keys() | {"BatchNorm3d"}
    )
    assert placing.block_of and recorded_modules.recorded_problem is recorded_problem
    assert equation_texts.OUTPUT == "loss"


class Net(nn.Module if nn is not None else object):  # type: ignore[misc]
    """A net with a residual connection."""

    def __init__(self) -> None:
        super().__init__()
        self.fc1, self.norm, self.fc2 = nn.Linear(3, 4), nn.LayerNorm(4), nn.Linear(4, 2)

    def forward(self, x: Any) -> Any:
        """Return scores."""
        x = torch.relu(self.fc1(x))
        h = self.norm(x)
        return self.fc2(h + x)


def net_problem(**tables: Any) -> Any:
    """Return the problem of the net and cross-entropy."""
    torch.manual_seed(0)
    return sbp.from_torch(
        Net(), nn.CrossEntropyLoss(), torch.randn(3, 3).round(decimals=1), torch.tensor([0, 1, 1]), **tables
    )


def test_problem_is_named_as_a_textbook_would() -> None:
    """Parameters have the letters of their layers, equations those of variables, classes are rows of zeros and ones."""
    problem = net_problem()
    assert problem.model.parameters == ("W1", "b1", "gamma", "beta", "W2", "b2")
    assert problem.model.equations == (
        "z1 = x @ W1.T + b1",
        "h1 = relu(z1)",
        "h2 = layer_norm(h1) * gamma + beta",
        "z2 = (h2 + h1) @ W2.T + b2",
        "loss = -sum(y * log_softmax(z2)) / 3",
    )
    assert problem.model.targets == ("y",)
    assert problem.arrays["y"].floats() == [1, 0, 0, 1, 0, 1]


@pytest.mark.parametrize("name", few(["conv2d with padding", "lstm", "attention", "block"], 1))
def test_recorded_module_is_checked_and_written(name: str) -> None:
    """What is recorded goes through the oracles and into documents of both languages."""
    shapes, make = MODULES[name]
    torch.manual_seed(1)
    problem = recorded_problem(make(), weighted, torch.rand(shapes[0]).round(decimals=1), None, None, {})
    for language in ("en", "zh"):
        assert "begin{aligned}" in str(sbp.render(problem, "markdown", language, detail="matrix"))
    assert sbp.check(problem).agrees


def test_training_goes_the_way_of_pytorch() -> None:
    """A few updates of the recorded problem give the parameters that PyTorch's optimizer gives."""
    history = sbp.train(net_problem(training={"learning_rate": 0.1, "steps": 3}))
    torch.manual_seed(0)
    model, x, y = Net(), torch.randn(3, 3).round(decimals=1).double(), torch.tensor([0, 1, 1])
    model.double()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimizer.step()
    np.testing.assert_allclose(history.parameters["W1"], model.fc1.weight.detach().numpy(), rtol=1e-8)


def test_module_is_left_as_it_is() -> None:
    """Neither parameters nor statistics nor the mode of the module change, and it runs as before."""
    model = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    sbp.from_torch(model, nn.MSELoss(), torch.randn(4, 3), torch.randn(4, 2))
    assert all(torch.equal(tensor, before[name]) for name, tensor in each(model.state_dict().items()))
    assert model.training and isinstance(model(torch.randn(4, 3)), torch.Tensor)


@pytest.mark.parametrize("last", [0.0, -1.0])
def test_derivative_at_a_tie_is_pytorchs(last: float) -> None:
    """Where several are the largest, `max` along an axis and pooling send everything to the first, `amax` equal parts."""
    x = torch.tensor([[1.0, 1.0, last, 0.5]])
    for function in each(
        [
            lambda x, w: (x * w).max(dim=1).values * torch.tensor(2.0),
            lambda x, w: (x * w).amax(dim=1),
            lambda x, w: F.max_pool1d((x * w).unsqueeze(0), 2).square(),
            lambda x, w: torch.clamp(x * w, 0.0, 1.0),
            lambda x, w: F.hardtanh(x * w, 0.0, 1.0),
            lambda x, w: torch.maximum(x * w, x.flip(0)),
            lambda x, w: F.relu((x - 1) * w) + F.relu6(x * w) + (x - 1).mul(w).abs(),
        ]
    ):
        model = Function(function, w=(4,))
        model.w.data = torch.ones(4)
        agree(model, weighted, (x,), None)


@pytest.mark.parametrize(
    ("function", "sentence"),
    few(
        [
            (lambda x, w: torch.clamp(x * w, 0.0, 1.0), "convention.branches"),
            (lambda x, w: F.relu(x * w), "convention.relu_at_zero"),
            (lambda x, w: (x * w).abs(), "convention.abs_at_zero"),
            (lambda x, w: F.max_pool1d((x * w).unsqueeze(0), 2), "convention.branches"),
            (lambda x, w: (x * w).amax(dim=1), "convention.tie"),
        ],
        2,
    ),
)
def test_document_says_what_pytorch_does_at_a_kink(function: Callable[..., Any], sentence: str) -> None:
    """The convention stands among the conventions, and the numbers at a kink are named."""
    model = Function(function, w=(4,))
    model.w.data = torch.ones(4)
    problem = sbp.from_torch(model, weighted, torch.tensor([[1.0, 1.0, 0.0, 0.5]], dtype=torch.float64))
    text = str(sbp.render(problem, "markdown"))
    assert phrases("en")[sentence].replace("{value}", "$0$") in text
    assert phrases("en")["text.kinks"].partition("{")[0] in text


def test_what_runs_without_gradient_is_a_constant() -> None:
    """Within `torch.no_grad` numbers are numbers, and are printed as such."""

    def centred(x: Any, w: Any) -> Any:
        with torch.no_grad():
            level = (x * w).mean()
        return x * w * len(f"{level:.1f}") - level

    agree(Function(centred, w=(3,)), weighted, (torch.tensor([[1.0, -0.5, 0.25]]),), None)


def test_dropout_takes_the_mask_that_it_is_given() -> None:
    """What a mask keeps is divided by the share that is kept on average."""
    model = nn.Sequential(nn.Linear(2, 3), nn.Dropout(0.25), nn.Linear(3, 1)).double()
    x, y, mask = torch.randn(2, 2).double(), torch.randn(2, 1).double(), torch.tensor([[1, 0, 1], [1, 1, 0]])
    problem = sbp.from_torch(model, nn.MSELoss(), x, y, masks={"1": mask})
    expected = F.mse_loss(model[2](model[0](x) * mask / 0.75), y)
    expected.backward()
    value, gradients = sbp.compile(problem)()
    assert value == pytest.approx(expected.item(), rel=TOLERANCE)
    np.testing.assert_allclose(gradients["W1"], model[0].weight.grad.numpy(), rtol=TOLERANCE)


def test_parameters_without_gradient_are_frozen_and_unused_ones_left_out() -> None:
    """As in the short form."""
    model = Net()
    model.norm.weight.requires_grad = False
    model.other = nn.Linear(2, 2)
    problem = sbp.from_torch(model, nn.MSELoss(), torch.randn(2, 3), torch.randn(2, 2), training={"steps": 1})
    assert problem.training is not None and problem.training.frozen == {"gamma"}
    assert "W3" not in problem.model.parameters


def derivative_inside(x: Any, w: Any) -> Any:
    """Return the residual of a differential equation by PyTorch's own derivative."""
    t = x.clone().requires_grad_(True)
    u = torch.tanh(w * t)
    return torch.autograd.grad(u.sum(), t, create_graph=True)[0] + u


REFUSED: dict[str, tuple[Callable[..., Any], str]] = {
    "an if": (lambda x, w: x if (x * w).sum() > 0 else w, "numpy.where"),
    "item": (lambda x, w: x * (w.sum()).item(), "item cannot be recorded"),
    "float": (lambda x, w: x * float(w.sum()), r"leave out float\(\)"),
    "a sort": (lambda x, w: (x * w).sort().values, "sort cannot be recorded"),
    "in place": (lambda x, w: (x * w).relu_(), "relu_ cannot be recorded"),
    "an assignment": (lambda x, w: (x * w).__setitem__(0, 1.0), "torch.stack"),
    "dropout": (lambda x, w: F.dropout(x * w, 0.5, True), r"call model.eval\(\)"),
    "a foreign parameter": (lambda x, w: x * w * torch.ones(3, requires_grad=True), "torch.nn.Parameter"),
    "a setting": (lambda x, w: torch.cdist(x[None] * w, x[None], p=1.0), "cdist with p=1.0 cannot be recorded"),
    "a derivative in a module": (derivative_inside, "write the inner one as a formula"),
    "elements of a plain tensor": (lambda x, w: torch.zeros(3).__setitem__(0, w[0]), "torch.stack"),
    "a tensor of numbers": (lambda x, w: torch.tensor([w[0], w[1]]), "torch.stack for torch.tensor"),
    "a function of NumPy's": (lambda x, w: np.exp(x * w), "numpy.exp cannot be recorded"),
    "elements that fulfil a condition": (lambda x, w: (x * w)[x > 0], "an index has to be a plain number"),
    "places that are recorded": (lambda x, w: w.gather(0, x), "gather takes places"),
    "a remainder": (lambda x, w: (x * w) % 1, "remainder cannot be recorded"),
    "places that are computed": (
        lambda x, w: w[(x * w).argmax()] * F.embedding(x * w, w[:, None]).sum(),
        "whole numbers",
    ),
    "too many elements": (lambda x, w: x * w * (w[:, None] * torch.ones(3, 900)).flatten()[::2].sum(), "at most 400"),
    "an error of PyTorch's": (lambda x, w: x @ torch.ones(2).double() + w, "the function stopped"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_refusal_names_the_module_and_what_to_write(kind: str) -> None:
    """One line with the path of the module, the operation, and what to write instead."""
    function, said = REFUSED[kind]

    class Outer(nn.Module):  # type: ignore[misc, name-defined]
        """A module around the one that cannot be recorded."""

        def __init__(self) -> None:
            super().__init__()
            self.inner = Function(function, w=(3,))

        def forward(self, x: Any) -> Any:
            return self.inner(x)

    with pytest.raises(ProblemError, match=f"(?s){said}") as caught:
        sbp.from_torch(Outer(), lambda z: z.sum(), torch.tensor([0.5, 0.25, 1.0], dtype=torch.float64))
    assert "inner" in caught.value.where or ".py:" in caught.value.where or caught.value.where == "model"


def test_result_has_to_be_a_number() -> None:
    """A loss that is no number is refused with its shape; without data the short form says what is wrong."""
    with pytest.raises(ProblemError, match="a tensor of shape 2, 2"):
        sbp.from_torch(Net(), lambda z: z, torch.randn(2, 3))
    with pytest.raises(ProblemError, match="Sequential"):
        sbp.from_torch(Net(), nn.MSELoss())
    with pytest.raises(ProblemError, match="shape"):
        sbp.from_torch(Net(), nn.MSELoss(reduction="none"), torch.randn(2, 3), torch.randn(2, 2))


class Writer(nn.Module if nn is not None else object):  # type: ignore[misc]
    """A transformer of one block that says which word comes next; scores by the words themselves."""

    def __init__(self) -> None:
        super().__init__()
        self.words, self.places = nn.Embedding(5, 4), nn.Embedding(3, 4)
        self.all, self.out, self.norm = nn.Linear(4, 12), nn.Linear(4, 4), nn.LayerNorm(4)
        self.scores = nn.Linear(4, 5, bias=False)
        self.words.weight = self.scores.weight
        self.register_buffer("seen", torch.tril(torch.ones(3, 3)).view(1, 1, 3, 3))

    def forward(self, words: Any, targets: Any) -> Any:
        """Return scores and loss."""
        samples, length = words.size()
        x = self.words(words) + self.places(torch.arange(length))
        parts = self.all(self.norm(x)).split(4, dim=2)
        q, k, v = (part.view(samples, length, 2, 2).transpose(1, 2) for part in parts)
        weights = (q @ k.transpose(-2, -1)) * k.size(-1) ** -0.5
        weights = F.softmax(weights.masked_fill(self.seen[:, :, :length, :length] == 0, float("-inf")), dim=-1)
        x = x + self.out((weights @ v).transpose(1, 2).contiguous().view(samples, length, 4))
        scores = self.scores(self.norm(x))
        return scores, F.cross_entropy(scores.view(-1, 5), targets.view(-1), ignore_index=-1)


def test_transformer_with_tied_words_is_written_in_matrices() -> None:
    """Rows of words, heads as an axis, one mask: nothing is written out number by number, tied weights are one parameter."""
    torch.manual_seed(0)
    words, targets = torch.tensor([[0, 3, 1]]), torch.tensor([[3, 1, -1]])
    problem = sbp.from_torch(Writer(), lambda output: output[1], (words, targets))
    equations = problem.model.equations
    assert "= reshape(take(E1, [0, 3, 1]), 1, 3, 4) + E2" in equations[0]
    assert any("3, 2, 2), 0, 2, 1, 3) @" in equation and "* (1/sqrt(2))" in equation for equation in equations)
    assert len(equations) <= 10 and all(len(equation) < 150 for equation in each(equations))
    assert [name for name, shape in problem.parameter_shapes().items() if shape == (5, 4)] == ["E1"]


def test_several_inputs_and_names_of_arrays() -> None:
    """Several inputs are numbered; parameters and gradients have the axes that they have in PyTorch."""
    model = nn.Bilinear(2, 3, 2)
    problem = sbp.from_torch(model, lambda z: z.sum(), (torch.randn(4, 2), torch.randn(4, 3)))
    assert problem.model.inputs == ("x1", "x2")
    assert sbp.compile(problem)()[1]["W"].shape == (2, 2, 3)
    assert problem.parameter_shapes()["W"] == (2, 2, 3)


def test_layers_of_images_and_samples_are_one_equation_each() -> None:
    """Convolutions, pools, norms and heads stand as functions of whole arrays, with the axes of PyTorch."""
    torch.manual_seed(0)
    image, words = torch.randn(2, 2, 5, 5), torch.randn(2, 3, 4)
    for model, given, written in each(
        [
            (nn.Conv2d(2, 3, 2, stride=2, padding=1), image, "conv2d(x, W, stride=2, padding=1) + reshape(b, 3, 1, 1)"),
            (nn.Conv2d(2, 3, 2, bias=False), image, "conv2d(x, W)"),
            (nn.Conv1d(3, 2, 2, dilation=2), words, "conv1d(x, W, dilation=2) + reshape(b, 2, 1)"),
            (nn.MaxPool2d(2), image, "max_pool(x, size=2)"),
            (nn.AvgPool1d(2), words, "avg_pool1d(x, size=2)"),
            (nn.AdaptiveAvgPool2d(1), image, "mean(x, axis=(2, 3), keepdims=true)"),
            (nn.LayerNorm(4), words, "layer_norm(x) * gamma + beta"),
            (nn.Linear(4, 2), words, "x @ W.T + b"),
            (nn.Unflatten(2, (2, 2)), words, "reshape(x, 2, 3, 2, 2)"),
        ]
    ):
        found = sbp.from_torch(model, lambda z: (z**2).sum(), given)
        assert any(
            equation.partition(" = ")[2] in (written, f"sum({written}**2)") for equation in found.model.equations
        ), (
            written,
            found.model.equations,
        )
