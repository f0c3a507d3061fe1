"""Tables of named rows are mappings: what Python promises of a mapping holds for each of them."""

import pickle
from typing import Any

import pytest

from symbackprop.algebra.functions import ACTIVATIONS, PRIMITIVES
from symbackprop.catalog.initializers import INITIALIZERS
from symbackprop.catalog.losses import LOSSES
from symbackprop.catalog.optimizers import OPTIMIZERS
from symbackprop.catalog.schedules import SCHEDULES
from symbackprop.compilation.backends import BACKENDS
from symbackprop.errors import SymbackpropError, UnknownNameError
from symbackprop.registry import Registry
from symbackprop.scripts import TARGETS

REGISTRIES: tuple[Registry[Any], ...] = (
    ACTIVATIONS,
    PRIMITIVES,
    LOSSES,
    OPTIMIZERS,
    SCHEDULES,
    INITIALIZERS,
    BACKENDS,
    TARGETS,
)


@pytest.mark.parametrize("registry", REGISTRIES, ids=lambda each: each.kind)
def test_registry_answers_as_a_mapping(registry: Registry[Any]) -> None:
    """`get` gives the row of every name and second name that `[]` gives, and its default for a name that is not there."""
    names = [*registry, *registry.aliases]
    assert names and all(registry.get(name) is registry[name] and name in registry for name in names)
    assert (None, "mine") == (registry.get("no such row"), registry.get("no such row", "mine"))
    assert list(registry.items()) == [(name, registry[name]) for name in registry] and len(registry) == len([*registry])


@pytest.mark.parametrize("registry", REGISTRIES, ids=lambda each: each.kind)
def test_unknown_name_is_a_key_error_that_explains_itself(registry: Registry[Any]) -> None:
    """`[]` with a wrong name raises what a mapping raises, and what the command line explains; pickling keeps both."""
    with pytest.raises(KeyError) as caught:
        registry["no such row"]
    error = caught.value
    assert isinstance(error, UnknownNameError) and isinstance(error, SymbackpropError)
    assert str(error).startswith("unknown ") and "valid: " in str(error) and "no such row" in str(error)
    copy = pickle.loads(pickle.dumps(error))
    assert (str(error), type(error), error.valid) == (str(copy), type(copy), copy.valid)
    assert str(error.at("mine.toml")).startswith("mine.toml: ")


NAMES_ELSEWHERE = {
    "activation": {
        "linear": "identity Identity Linear linear",
        "sigmoid": "logistic Logistic Sigmoid SIGMOID",
        "tanh": "Tanh TANH",
        "relu": "ReLU RELU Relu",
        "leaky_relu": "LeakyReLU leakyrelu leaky-relu",
        "elu": "ELU",
        "softplus": "Softplus",
        "softsign": "Softsign",
        "silu": "SiLU swish Swish",
        "gelu": "GELU",
        "softmax": "Softmax",
    },
    "loss": {
        "mean_squared_error": "MSE MSELoss mse_loss MeanSquaredError",
        "binary_cross_entropy": "BCE BCELoss BCEWithLogitsLoss binary_crossentropy BinaryCrossentropy",
        "cross_entropy": "CrossEntropyLoss categorical_crossentropy sparse_categorical_crossentropy CategoricalCrossentropy",
        "absolute_error": "mae MAE L1Loss l1_loss mean_absolute_error MeanAbsoluteError",
        "huber": "HuberLoss huber_loss Huber SmoothL1Loss",
        "hinge": "Hinge MultiMarginLoss CategoricalHinge",
    },
    "optimizer": {
        "gradient_descent": "SGD Sgd GradientDescent",
        "nesterov": "Nesterov nag NAG",
        "adagrad": "Adagrad AdaGrad",
        "rmsprop": "RMSprop RMSProp",
        "adam": "Adam ADAM",
        "adamw": "AdamW",
    },
    "initializer": {
        "glorot_uniform": "xavier_uniform GlorotUniform xavier_uniform_",
        "glorot_normal": "xavier_normal GlorotNormal",
        "he_uniform": "kaiming_uniform HeUniform kaiming_uniform_",
        "he_normal": "kaiming_normal HeNormal",
        "normal": "normal_ RandomNormal",
        "uniform": "uniform_ RandomUniform",
        "zeros": "zeros_ Zeros",
    },
    "schedule": {"step": "StepLR", "exponential": "ExponentialLR"},
}
"""What PyTorch, scikit-learn and Keras call the rows in their documentation."""


@pytest.mark.parametrize("registry", REGISTRIES, ids=lambda each: each.kind)
def test_name_of_another_library_leads_to_ours(registry: Registry[Any]) -> None:
    """A name in other letters, with other signs between its words or of another library is taken or answered with ours."""
    names = {name: row for row, text in NAMES_ELSEWHERE.get(registry.kind, {}).items() for name in text.split()}
    names |= {spelled: name for name in registry for spelled in (name.upper(), name.title(), name.replace("_", ""))}
    names |= {second.upper(): registry[second].name for second in registry.aliases}
    assert names
    for name, row in names.items():
        if name in registry:
            assert row == registry[name].name
            continue
        with pytest.raises(UnknownNameError) as caught:
            registry[name]
        assert (name, row) == (name, caught.value.nearest)
