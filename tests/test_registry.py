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
