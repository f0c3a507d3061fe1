"""Objects that behave: pickles, copies, equality, one line in a console, completion, help."""

from __future__ import annotations

import ast
import builtins
import copy
import dataclasses
import functools
import importlib
import inspect
import multiprocessing
import pickle
import pydoc
import re
import subprocess
import sys
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import symbackprop as sbp
from symbackprop import curvature, errors
from symbackprop.errors import SymbackpropError
from symbackprop.evaluation.evaluate import evaluate
from symbackprop.messages import message
from symbackprop.problems import Problem
from symbackprop.problems.load import examples
from symbackprop.training.history import DivergenceError
from tests.helpers import ROOT, each, gradient_formula, only
from tests.test_architecture import MODULES

LONGEST_LINE = 160


def irrational() -> Problem:
    """Return a network with a root, which is a float of 50 digits, and a logarithm."""
    network = {"inputs": 1, "layers": [{"units": 1, "activation": "elu"}], "loss": "squared_error"}
    numbers = {"parameters": {"W1": [["sqrt(2)"]], "b1": ["ln(3)"]}, "data": {"x": ["ln(2)"], "y": [0]}}
    return sbp.problem({"network": network, **numbers, "training": {"learning_rate": 0.1}}, name="irrational")


def classes() -> Problem:
    """Return a batch with a softmax and a fused loss, whose formulas are written when they are read."""
    layers = [{"units": 3, "activation": "relu"}, {"units": 3, "activation": "softmax"}]
    content = {"network": {"inputs": 2, "layers": layers, "loss": "cross_entropy"}, "parameters": {"seed": 1}}
    data = {"data": {"x": [[1, 2], [3, 4]], "y": [0, 2]}, "training": {"learning_rate": 0.1}}
    return sbp.problem({**content, **data}, name="classes")


PROBLEMS: dict[str, Callable[[], Problem]] = {
    "irrational": irrational,
    "classes": classes,
    **{name: functools.partial(sbp.example, name) for name in examples()},
}

MADE: dict[str, Callable[[Problem], Any]] = {
    "problem": lambda problem: problem,
    "derivation": sbp.derive,
    "read derivation": lambda problem: _read(sbp.derive(problem)),
    "graph": lambda problem: sbp.derive(problem).graph,
    "values": lambda problem: evaluate(sbp.derive(problem)),
    "solution": lambda problem: sbp.solve(problem, steps=1 if problem.training else None),
    "report": sbp.check,
    "compiled gradient": sbp.compile,
    "history": lambda problem: sbp.train(problem, steps=2, validation_data=_data(problem)),
}
"""What is made from a problem."""


def _read(derivation: Any) -> Any:
    """Return a derivation of which everything was looked at."""
    for quantity in derivation.parameters:
        derivation.gradient(quantity.name)
    derivation.chain(derivation.parameters[0].elements()[0])
    assert derivation.fused_links
    return derivation


def _data(problem: Problem) -> Any:
    return None if not problem.layers else (sbp.compile(problem).arguments.data_arrays(None, None)[1])


OTHERS: dict[str, Callable[[], Any]] = {
    "derivative": lambda: sbp.differentiate("abs(x)*exp(x)/ln(x)", "x"),
    "Hessian": lambda: curvature.hessian("line"),
    "Jacobian": lambda: curvature.jacobian("mazur"),
    "Newton's step": lambda: curvature.newton_step("line"),
    "critical points": lambda: curvature.critical_points("local_minima"),
    "rate limit": lambda: curvature.rate_limit("line"),
}


def objects(name: str) -> Iterator[tuple[str, Any]]:
    """Yield what is made from a problem, with its kind."""
    problem = PROBLEMS[name]()
    for kind, make in MADE.items():
        if kind != "history" or (problem.training and problem.training.optimizer):
            yield kind, make(problem)


def again(thing: Any) -> Any:
    """Return a thing from its pickle."""
    return pickle.loads(pickle.dumps(thing))


@pytest.mark.parametrize("name", only(PROBLEMS, "irrational", "classes", "attention"))
def test_object_made_from_a_problem_is_its_copies(name: str) -> None:
    """A pickle, a copy and a deep copy of everything public are equal to it, irrational numbers included."""
    for kind, thing in each(objects(name), len(MADE) - 1):
        for made in (again(thing), copy.copy(thing), copy.deepcopy(thing)):
            assert type(made) is type(thing)
            assert thing == made, kind
            assert repr(thing) == repr(made), kind


@pytest.mark.parametrize("name", only(PROBLEMS, "irrational", "classes", "attention"))
def test_derivation_with_replaced_links_is_pickled_with_them(name: str) -> None:
    """What the constructor was given stays; forms are interned again where they arrive."""
    derivation = sbp.derive(PROBLEMS[name]())
    made = again(dataclasses.replace(derivation, links=again(derivation.links)))
    assert made != derivation  # which has no links of its own
    for element in each(derivation.links):
        assert gradient_formula(derivation, element) == gradient_formula(made, element)
    plain = again(derivation.elements).equations[0].terms[0].form
    assert plain is derivation.elements.equations[0].terms[0].form


@pytest.mark.parametrize("kind", OTHERS)
def test_other_object_is_its_copies(kind: str) -> None:
    """So are those that no problem is needed for."""
    thing = OTHERS[kind]()
    for made in (again(thing), copy.copy(thing), copy.deepcopy(thing)):
        assert thing == made


def test_what_differs_is_not_equal() -> None:
    """Equality looks at what an object says: other numbers, another backend, other losses are other objects."""
    problem = sbp.example("line")
    other = sbp.example("line", [("training.learning_rate", 1)])
    for make in each((sbp.derive, sbp.solve, sbp.compile, sbp.train)):
        assert make(problem) == make(problem) or make is sbp.train  # which takes its time
        assert make(problem) != make(other)
        assert make(problem) != "line"
    assert sbp.compile(problem) != sbp.compile(problem, dtype="float32")


def test_copy_of_a_compiled_gradient_computes() -> None:
    """A pickled gradient and a pickled history give the same numbers."""
    gradient, history = sbp.compile("mazur"), sbp.train("mazur", steps=3)
    assert gradient()[0] == again(gradient)()[0]
    assert np.array_equal(history.predict(), again(history).predict())
    assert history.losses.tolist() == again(history).losses.tolist()


def test_object_is_one_line_in_a_console() -> None:
    """`repr` is a short line that says what it is, however large the problem."""
    large = sbp.network([784, 128, 10], activations=["relu", "softmax"], loss="cross_entropy")
    things = [("problem", large), ("derivation", sbp.derive(large)), ("solution", sbp.solve(large))]
    things += [*objects("mazur"), *objects("attention"), ("Hessian", curvature.hessian("mazur"))]
    for kind, thing in each(things):
        assert "\n" not in repr(thing)
        assert len(repr(thing)) <= LONGEST_LINE, kind
        assert " at 0x" not in repr(thing), kind
    assert "<Derivation of mazur: 2-2-2, 10 parameters>" == repr(sbp.derive("mazur"))
    assert "<Problem network: 784-128-10, 101,770 parameters>" == repr(large)


def every_error() -> dict[str, type[SymbackpropError]]:
    """Return every kind of error of the package, by its name."""
    for module, file in MODULES.items():
        if re.search(r"^class \w+Error\(", file.read_text("utf-8"), re.MULTILINE):
            importlib.import_module(module)
    found: dict[str, type[SymbackpropError]] = {}
    waiting = [SymbackpropError]
    while waiting:
        kind = waiting.pop()
        if kind.__module__.startswith("symbackprop"):
            found[kind.__name__] = kind
        waiting += kind.__subclasses__()
    return found


def an_error(kind: type[SymbackpropError]) -> SymbackpropError:
    """Return an error of that kind with all that it can carry."""
    more = {"history": sbp.train("line", steps=1)} if issubclass(kind, DivergenceError) else {}
    what = message("error.unknown", kind=message("kind.example"), name="lin")
    return kind(what, where="here", valid=("line", "xor"), nearest="line", **more)


def test_every_error_survives_a_pickle() -> None:
    """An error of any kind says the same from its pickle and placed elsewhere, and keeps what it carries."""
    kinds = every_error()
    assert {"DivergenceError", "CurvatureError", "UnknownNameError", "KindError"} < set(kinds)
    for kind in each(kinds.values(), 10):
        error = an_error(kind)
        for made in (again(error), copy.copy(error), copy.deepcopy(error)):
            assert type(made) is kind
            assert str(error) == str(made)
            assert vars(error).keys() == vars(made).keys()
            assert getattr(error, "history", None) == getattr(made, "history", None)
        placed = error.at("there")
        assert type(placed) is kind
        assert placed.where == "there: here"
        assert vars(error).keys() == vars(placed).keys()


def diverge(rate: float) -> float:
    """Train until the loss is infinite."""
    problem = {
        "graph": {"parameters": {"w": 1}, "equations": ["L = w**4"], "output": "L"},
        "training": {"steps": 200},
    }
    return float(sbp.train(problem, learning_rate=rate).loss)


@pytest.mark.filterwarnings("ignore:os.fork:RuntimeWarning")  # of JAX, where another test imported it in this process
def test_error_with_a_history_leaves_a_process() -> None:
    """A sweep of learning rates over processes ends, with the histories of those that diverged."""
    # This pool ends its process however it stands; an executor waits for one that hangs.
    with multiprocessing.Pool(1) as pool:
        jobs = [pool.apply_async(diverge, (rate,)) for rate in (100.0, 0.01)]
        with pytest.raises(DivergenceError) as caught:
            jobs[0].get(timeout=100)
        assert len(caught.value.history.losses) > 0
        assert jobs[1].get(timeout=100) < 1


def test_errors_module_names_all_but_those_of_their_wings() -> None:
    """Every error is in `errors`, but for two that belong to what they carry or limit."""
    assert {"DivergenceError", "CurvatureError"} >= {name for name in every_error() if not hasattr(errors, name)}


# The face of the package


def imported_for_type_checkers() -> dict[str, str]:
    """Return what the package says to type checkers: the module of every name."""
    tree = ast.parse(Path(sbp.__file__).read_text("utf-8"))
    return {
        alias.name: node.module or ""
        for block in tree.body
        if isinstance(block, ast.If)
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }


def test_type_checkers_see_what_there_is() -> None:
    """A name has one home, for those who run and for those who check; the marker of PEP 561 is there."""
    assert imported_for_type_checkers() == sbp._HOME
    assert (Path(sbp.__file__).parent / "py.typed").is_file()


def test_public_names_complete_and_are_listed() -> None:
    """`dir` lists what there is, before anything was used, and nothing of the machinery; so completion finds it."""
    code = "import symbackprop, rlcompleter; print(dir(symbackprop)); print(rlcompleter.Completer({'sbp': symbackprop})"
    code += ".attr_matches('sbp.tr'))"
    listed, completed = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    ).stdout.splitlines()
    assert sorted([*sbp._HOME, "__version__"]) == ast.literal_eval(listed)
    assert ["sbp.trace(", "sbp.train("] == ast.literal_eval(completed)


def test_every_error_is_at_the_top() -> None:
    """Whoever catches an error finds its kind at the top of the package, and all of them are `SymbackpropError`."""
    for name, kind in each(every_error().items(), 10):
        assert getattr(sbp, name) is kind
        assert issubclass(kind, sbp.SymbackpropError)


def test_star_import_leaves_python_alone() -> None:
    """No name of `from symbackprop import *` is a builtin; all functions but `compile` are among them."""
    scope: dict[str, Any] = {}
    exec("from symbackprop import *", scope)
    assert set(sbp.__all__) == set(scope) - {"__builtins__"}
    assert not set(sbp.__all__) & set(dir(builtins))
    functions = {name for name in sbp._HOME if isinstance(getattr(sbp, name), types.FunctionType)}
    assert {"compile", "to_latex", "to_markdown", "to_text"} == functions - set(sbp.__all__)


def test_help_shows_the_public_functions() -> None:
    """`help(symbackprop)` has every function with its signature, in types without quotes."""
    text = pydoc.plain(pydoc.render_doc(sbp))
    for name in each(sbp.__all__):
        assert re.search(rf"^ +{name}\(", text, re.MULTILINE), name
    assert "compile" in text
    assert "'" not in str(inspect.signature(sbp.derive)), inspect.signature(sbp.derive)
    assert "problem: ProblemLike" in text


def test_version_is_that_of_the_project() -> None:
    """`__version__` is a version, that of the installed package."""
    assert re.fullmatch(r"\d+(\.\d+)+|0\+unknown", sbp.__version__)
