"""PyTorch's modules as problems and back: loss, gradients and outputs are those of autograd in float64."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest

import symbackprop
from symbackprop.algebra.functions import ACTIVATIONS
from symbackprop.catalog.losses import LOSSES
from symbackprop.errors import MissingLibraryError, ProblemError, UnknownNameError
from symbackprop.frontends import torch_models
from symbackprop.problems import Problem
from tests.helpers import require_module

try:
    import torch
    from torch import nn
except ImportError:
    torch = nn = None

TOLERANCE = 1e-10


def test_face_has_the_front_end_of_torch() -> None:
    """`from_torch` and `to_torch` of the package are those of this module, which names the library it needs."""
    assert (symbackprop.from_torch, symbackprop.to_torch) == (torch_models.from_torch, torch_models.to_torch)
    assert "torch" == torch_models.LIBRARY


@pytest.fixture(autouse=True)
def _seeded() -> None:
    require_module("torch").manual_seed(0)


def agree(model: Any, loss: Any, x: Any, y: Any) -> Problem:
    """Compare loss and gradients of a problem with autograd; return the problem."""
    model.zero_grad()
    expected = loss(model(x), y)
    expected.backward()
    problem = symbackprop.from_torch(model, loss, x, y)
    found, gradients = symbackprop.compile(symbackprop.derive(problem))()
    assert expected.item() == pytest.approx(found, rel=TOLERANCE, abs=TOLERANCE)
    linear = [module for module in model.modules() if isinstance(module, nn.Linear)]
    for number, module in enumerate(linear, start=1):
        np.testing.assert_allclose(gradients[f"W{number}"], module.weight.grad.numpy(), rtol=TOLERANCE, atol=TOLERANCE)
        assert (module.bias is None) == (f"b{number}" not in gradients)
        if module.bias is not None:
            np.testing.assert_allclose(
                gradients[f"b{number}"], module.bias.grad.numpy(), rtol=TOLERANCE, atol=TOLERANCE
            )
    return problem


def double(*modules: Any) -> Any:
    """Return a sequence in float64."""
    return nn.Sequential(*modules).to(torch.float64)


def data(outputs: int, samples: int = 5) -> tuple[Any, Any]:
    """Return inputs and targets between 0 and 1."""
    return torch.randn(samples, 3, dtype=torch.float64), torch.rand(samples, outputs, dtype=torch.float64)


TORCH_LOSSES = {each.name: each for row in LOSSES.values() for each in row.torch}


@pytest.mark.parametrize("name", [row.torch.name for row in ACTIVATIONS.values() if row.torch])
def test_every_activation_agrees_with_autograd_and_comes_back(name: str) -> None:
    """A module in the middle, then the module made of the problem: the same outputs."""
    arguments = {"Softmax": {"dim": -1}, "LeakyReLU": {"negative_slope": 0.2}, "ELU": {"alpha": 0.7}}.get(name, {})
    model = double(nn.Linear(3, 4), getattr(nn, name)(**arguments), nn.Linear(4, 2, bias=False))
    x, y = data(2)
    problem = agree(model, nn.MSELoss(), x, y)
    back = symbackprop.to_torch(problem)
    torch.testing.assert_close(back(x), model(x), rtol=TOLERANCE, atol=TOLERANCE)


@pytest.mark.parametrize("outputs", [1, 3])
@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("name", TORCH_LOSSES)
def test_every_loss_agrees_with_autograd(name: str, reduction: str, outputs: int) -> None:
    """Means over samples and outputs, sums, logits: PyTorch's conventions are kept."""
    row = TORCH_LOSSES[name]
    if outputs == 1 and row.output == "softmax":
        outputs = 2
    settings = {"HuberLoss": {"delta": 0.3}, "SmoothL1Loss": {"beta": 0.4}}.get(name, {})
    end = [getattr(nn, row.after)(dim=1)] if row.after else [nn.Sigmoid()] if name == "BCELoss" else []
    model = double(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, outputs), *end)
    x, y = data(outputs)
    if row.output == "softmax":
        y = torch.arange(len(x)) % outputs
    agree(model, getattr(nn, name)(reduction=reduction, **settings), x, y)


def test_sequences_inside_sequences_and_linear_layers_in_a_row() -> None:
    """What is nested is flattened; Linear on Linear has the identity between."""
    x, y = data(2)
    agree(double(nn.Sequential(nn.Linear(3, 4), nn.ReLU()), nn.Linear(4, 4), nn.Linear(4, 2)), nn.MSELoss(), x, y)


def test_trained_parameters_go_back_into_a_module() -> None:
    """A history's parameters in a module give the history's outputs; its state can be loaded into the first module."""
    x, y = data(1)
    model = double(nn.Linear(3, 4), nn.Sigmoid(), nn.Linear(4, 1))
    training = {"optimizer": "adam", "learning_rate": 0.05, "epochs": 5}
    problem = symbackprop.from_torch(model, nn.MSELoss(), x, y, training=training)
    history = symbackprop.train(problem)
    trained = symbackprop.to_torch(problem, history.parameters)
    np.testing.assert_allclose(history.predict(), trained(x).detach().numpy(), rtol=1e-12)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
    for _ in range(5):
        optimizer.zero_grad()
        nn.MSELoss()(model(x), y).backward()
        optimizer.step()
    for name, array in trained.state_dict().items():
        torch.testing.assert_close(array, model.state_dict()[name], rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("bias", ["per_unit", "shared", "threshold", "none"])
@pytest.mark.parametrize("layout", ["row", "column"])
def test_layouts_and_biases_come_out_as_modules(layout: str, bias: str) -> None:
    """A module has one bias for each unit and its own layout; the outputs are the problem's."""
    problem = symbackprop.problem(
        {
            "network": {
                "inputs": 3,
                "loss": "mse",
                "layers": [
                    {"units": 4, "activation": "tanh", "bias": bias},
                    {"units": 2, "activation": "softmax", "bias": bias},
                ],
            },
            "parameters": {"seed": 1, "initializer": {"name": "uniform", "low": -1, "high": 1, "biases": True}},
            "data": {"x": [[1, 2, 3], [0, -1, 0.5]], "y": [[1, 0], [0, 1]]},
            "notation": {"layout": layout},
        }
    )
    expected = symbackprop.compile(symbackprop.derive(problem)).predict()
    x = torch.tensor([[1, 2, 3], [0, -1, 0.5]], dtype=torch.float64)
    np.testing.assert_allclose(expected, symbackprop.to_torch(problem)(x).detach().numpy(), rtol=1e-12)


def tied_weights() -> Any:
    """Return a module of which two layers share their weights, and have biases of their own."""
    first, second = nn.Linear(3, 3), nn.Linear(3, 3)
    second.weight = first.weight
    return nn.Sequential(first, nn.Tanh(), second)


REFUSED = [
    (lambda: (nn.ReLU(), nn.MSELoss()), ProblemError, "expected a torch.nn.Sequential, found ReLU"),
    (lambda: (nn.Sequential(*2 * [nn.Linear(3, 3)]), nn.MSELoss()), ProblemError, "W1 and W2 are one parameter"),
    (lambda: (tied_weights(), nn.MSELoss()), ProblemError, "W1 and W2 are one parameter"),
    (lambda: (nn.Sequential(nn.Linear(3, 2), nn.Dropout(0.5)), nn.MSELoss()), ProblemError, r"call model.eval\(\)"),
    (lambda: (nn.Sequential(nn.Linear(3, 2), nn.Flatten()), nn.MSELoss()), ProblemError, "Flatten cannot stand here"),
    (
        lambda: (nn.Sequential(nn.utils.parametrizations.weight_norm(nn.Linear(3, 2))), nn.MSELoss()),
        UnknownNameError,
        "ParametrizedLinear",
    ),
    (
        lambda: (nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2)), nn.MSELoss()),
        UnknownNameError,
        "BatchNorm1d.*\n.*Tanh",
    ),
    (lambda: (nn.Sequential(nn.ReLU(), nn.Linear(3, 2)), nn.MSELoss()), ProblemError, "ReLU cannot stand here"),
    (
        lambda: (nn.Sequential(nn.Linear(3, 2), nn.ReLU(), nn.Tanh()), nn.MSELoss()),
        ProblemError,
        "Tanh cannot stand here",
    ),
    (lambda: (nn.Sequential(), nn.MSELoss()), ProblemError, "no Linear"),
    (lambda: (nn.Sequential(nn.Linear(3, 2)), nn.CTCLoss()), UnknownNameError, "CTCLoss"),
    (lambda: (nn.Sequential(nn.Linear(3, 2)), nn.MSELoss(reduction="none")), ProblemError, "reduction = none"),
    (lambda: (nn.Sequential(nn.Linear(3, 2)), nn.NLLLoss()), ProblemError, "LogSoftmax"),
    (lambda: (nn.Sequential(nn.Linear(3, 2), nn.Sigmoid()), nn.BCEWithLogitsLoss()), ProblemError, "sigmoid itself"),
    (
        lambda: (nn.Sequential(nn.Linear(3, 2)), nn.CrossEntropyLoss(weight=torch.ones(2))),
        ProblemError,
        "weight = tensor",
    ),
    (
        lambda: (nn.Sequential(nn.Linear(3, 2)), nn.CrossEntropyLoss(weight=torch.ones(2))),
        ProblemError,
        "weight = tensor",
    ),
    (lambda: (nn.Sequential(nn.Linear(3, 2), nn.GELU(approximate="tanh")), nn.MSELoss()), ProblemError, "approximate"),
]


@pytest.mark.parametrize(("given", "kind", "said"), REFUSED)
def test_what_has_no_counterpart_is_refused_by_name(given: Any, kind: type[Exception], said: str) -> None:
    """The message names the module and what was expected."""
    with pytest.raises(kind, match=f"(?s){said}"):
        symbackprop.from_torch(*given())


def test_graphs_and_own_activations_are_no_modules() -> None:
    """A computation graph is refused, and so is an activation of the user's own."""
    with pytest.raises(ProblemError, match="computation graph"):
        symbackprop.to_torch(symbackprop.example("circuit"))
    layers = [{"units": 1, "activation": {"expression": "z**2", "name": "squared"}}]
    own = symbackprop.problem({"network": {"inputs": 1, "layers": layers, "loss": "mse"}, "parameters": {"seed": 1}})
    with pytest.raises(ProblemError, match="squared"):
        symbackprop.to_torch(own)
    with pytest.raises(ProblemError, match="W1"):
        symbackprop.to_torch(symbackprop.network([2, 1], activations=["relu"], loss="mse"))


def test_without_pytorch_a_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """PyTorch is needed for these functions only."""
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(MissingLibraryError, match="pip install torch"):
        symbackprop.to_torch(symbackprop.example("mazur"))


def test_module_may_be_wrapped_and_hold_what_does_nothing() -> None:
    """One layer, subclasses that compute the same, Flatten in front and Dropout that drops nothing are as without them."""

    class Mine(nn.Linear):  # type: ignore[misc, name-defined]
        """A layer under another name."""

    x, y = data(2)
    agree(nn.Linear(3, 2).double(), nn.MSELoss(), x, y)
    agree(double(nn.Flatten(), Mine(3, 4), nn.ReLU(), nn.Dropout(0.0), nn.Linear(4, 2)), nn.MSELoss(), x, y)
    agree(double(nn.Linear(3, 4), nn.ReLU(), nn.Dropout(0.5), nn.Linear(4, 2)).eval(), nn.MSELoss(), x, y)


def test_parameter_without_gradient_is_frozen() -> None:
    """What PyTorch does not train, the problem does not either; what its tables freeze stays frozen too."""
    x, y = data(2)
    model = double(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
    assert symbackprop.from_torch(model, nn.MSELoss(), x, y).training is None
    model[0].weight.requires_grad = False
    training = {"steps": 3, "learning_rate": 0.1, "frozen": ["b2"]}
    problem = symbackprop.from_torch(model, nn.MSELoss(), x, y, training=training)
    assert problem.training is not None and {"W1", "b2"} == problem.training.frozen
    after = symbackprop.train(problem).parameters
    np.testing.assert_array_equal(model[0].weight.numpy(), after["W1"])
    assert (model[0].bias.detach().numpy() != after["b1"]).all()


@pytest.mark.parametrize("name", [each.name for each in TORCH_LOSSES.values() if each.output and not each.after])
def test_module_comes_back_with_the_outputs_that_its_loss_takes(name: str) -> None:
    """With `logits` a module made of a problem gives its loss what the first module gave it."""
    x, y = data(2)
    if TORCH_LOSSES[name].output == "softmax":
        y = torch.arange(len(x)) % 2
    model, loss = double(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2)), getattr(nn, name)()
    problem = symbackprop.from_torch(model, loss, x, y)
    torch.testing.assert_close(symbackprop.to_torch(problem, logits=True)(x), model(x), rtol=TOLERANCE, atol=TOLERANCE)
    outputs = symbackprop.compile(symbackprop.derive(problem)).predict()
    np.testing.assert_allclose(outputs, symbackprop.to_torch(problem)(x).detach().numpy(), rtol=1e-12)


def test_logits_are_refused_where_no_loss_brings_the_activation() -> None:
    """A loss that takes the outputs as they are needs their activation."""
    problem = symbackprop.problem(
        {
            "network": {"inputs": 1, "layers": [{"units": 1, "activation": "sigmoid"}], "loss": "mse"},
            "parameters": {"seed": 1},
        }
    )
    with pytest.raises(ProblemError, match="no loss mean_squared_error that brings the activation sigmoid"):
        symbackprop.to_torch(problem, logits=True)


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("kind", ["classes", "shares", "one class", "one sample of shares"])
def test_smoothed_labels_are_targets_of_the_problem(kind: str, reduction: str) -> None:
    """Label smoothing is PyTorch's loss with other targets: classes or shares, many samples or one, exact fractions."""
    x = torch.randn(4, 3, dtype=torch.float64)
    shares = torch.tensor([[0.5, 0.25, 0.25], [1, 0, 0], [0, 0.125, 0.875], [0, 1, 0]], dtype=torch.float64)
    given = {
        "classes": (x, torch.tensor([0, 2, 1, 2])),
        "shares": (x, shares),
        "one class": (x[0], torch.tensor(2)),
        "one sample of shares": (x[0], shares[0]),
    }
    model = double(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 3))
    problem = agree(model, nn.CrossEntropyLoss(label_smoothing=0.3, reduction=reduction), *given[kind])
    if "class" in kind:
        assert {"1/10", "4/5"} == {str(entry.value) for entry in problem.arrays["y"].entries if entry is not None}


def test_smoothing_without_targets_or_classes_is_refused() -> None:
    """Targets that come later would not be smoothed; a number that is no class has no share."""
    model, loss = double(nn.Linear(3, 3)), nn.CrossEntropyLoss(label_smoothing=0.1)
    with pytest.raises(ProblemError, match="hand over y"):
        symbackprop.from_torch(model, loss)
    with pytest.raises(ProblemError, match='the class "3" is not a whole number from 0 to 2'):
        symbackprop.from_torch(model, loss, torch.ones(2, 3), torch.tensor([0, 3]))
    with pytest.raises(ProblemError, match="SmoothL1Loss with beta = 0 is L1Loss"):
        symbackprop.from_torch(double(nn.Linear(3, 1)), nn.SmoothL1Loss(beta=0.0))
