"""A row is one edit: a made-up row of each kind, added while the program runs, goes through every reader there is.

The rows of the package are looked at in the same way: each is complete, and each script that is written runs.
"""

from __future__ import annotations

import contextlib
import io
import itertools
import json
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import symbackprop as sbp
from symbackprop import cli, language, rendering, resources
from symbackprop.algebra.activations import Activation
from symbackprop.algebra.formula import Apply, Name, Number, Power, Slot
from symbackprop.algebra.functions import ACTIVATIONS, ARITIES, NAMES, PRIMITIVES, WITH_FORMULA, definition
from symbackprop.arithmetic import exact
from symbackprop.by_hand.answer_parsing import read
from symbackprop.catalog.initializers import INITIALIZERS, Initializer
from symbackprop.catalog.losses import LOSSES, Loss, TorchLoss
from symbackprop.catalog.optimizers import OPTIMIZERS, Optimizer
from symbackprop.catalog.schedules import SCHEDULES, Schedule
from symbackprop.cli.listings import LISTINGS
from symbackprop.compilation.backends import BACKENDS, Backend
from symbackprop.errors import IncompleteRowError, ProblemError, UnknownNameError
from symbackprop.figures.curves import boundary
from symbackprop.graph.notation import NAMINGS, Naming
from symbackprop.problems import Problem
from symbackprop.problems.build import fitting_activations
from symbackprop.problems.spec import SettingsTable
from symbackprop.registry import Registry
from symbackprop.rows import Counterpart, Setting, Words
from symbackprop.scripts import TARGETS, script
from symbackprop.scripts.libraries import NUMPY
from symbackprop.scripts.targets import Target
from tests.helpers import each, few, require_module
from tests.scripts.test_code import WITHOUT_JAX

REGISTRIES: tuple[Registry[Any], ...] = (
    ACTIVATIONS,
    LOSSES,
    OPTIMIZERS,
    SCHEDULES,
    INITIALIZERS,
    NAMINGS,
    BACKENDS,
    TARGETS,
    PRIMITIVES,
)


def words(**texts: str) -> Words:
    """Return the phrases of a row in every language; the table of an id is parted from its key by two underscores."""
    return {code: {id.replace("__", "."): text for id, text in texts.items()} for code in language.available()}


CELU = Activation(
    "celu",
    "max(0, z) + beta*(exp(min(0, z)/beta) - 1)",
    "CELU",
    settings={"beta": Setting(Fraction(1), "beta", "size of the lowest value", above=0)},
    below="below",
    torch=Counterpart("CELU", {"alpha": "beta"}, call="torch.nn.functional.celu({0}, {beta})"),
    sklearn="continuous",
    boundary=Fraction(0),
    spellings=("kelu",),
    words=words(activation__celu="the continuous ELU"),
)
QUARTIC = Loss(
    "quartic",
    "scale*sum((a - y)**4)",
    "quartic",
    settings={"scale": Setting(Fraction(1, 4), "s", "factor before the sum")},
    torch=(TorchLoss("QuarticLoss"),),
    words=words(reason__quartic="Fourth powers make much of large deviations.", mistake__quartic="Stopping at 3."),
)
HEAVY = Optimizer(
    "heavy",
    (("v", "inertia*v + g"), ("w", "w - learning_rate*v")),
    {
        "learning_rate": Setting(Fraction(1, 100), "eta", "learning rate"),
        "inertia": Setting(Fraction(1, 2), "iota", "share of the velocity that is kept", lowest=0, below=1),
    },
    "made up",
    "heavy",
    {"v": Fraction(0)},
    words=words(
        optimizer__heavy="heavy descent",
        setting__inertia="Inertia",
        state__heavy_v="Velocity",
        reason__heavy="What moves goes on moving.",
    ),
)
HARMONIC = Schedule(
    "harmonic",
    "learning_rate/(1 + fall*k)",
    "made up",
    {"fall": Setting(Fraction(1, 10), "phi", "how fast the rate falls", lowest=0)},
)
NARROW = Initializer(
    "narrow",
    "uniform",
    ("-reach/sqrt(fan_in)", "reach/sqrt(fan_in)"),
    {"reach": Setting(Fraction(1), "r", "reach", above=0)},
)
ACTED = Naming(
    "acted",
    NAMINGS["layered"].symbol,
    {**NAMINGS["layered"].letters, "weight": "V"},
    words=words(naming__acted="weights are called V"),
)


TEXTS = tuple(name for name in rendering.formats() if name != "pdf")


@pytest.fixture
def rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Have a made-up row in every registry, and a folder with the files that some of them need."""
    (tmp_path / "made_up_backend.py").write_text("from symbackprop.compilation.backends.numpy import prepare\n")
    monkeypatch.syspath_prepend(tmp_path)
    shutil.copytree(resources.folder("templates") / "script", tmp_path / "script")
    template = tmp_path / "script" / "numpy.jinja"
    template.write_text(template.read_text("utf-8") + 'KIND = "plain"\n', "utf-8")
    backend = Backend("plodding", "made_up_backend", "numpy", words(backend__plodding="the same once more"))
    target = Target("plain", "numpy.jinja", NUMPY, templates=tmp_path / "script", words=words(code__plain="Plain."))
    with contextlib.ExitStack() as stack:
        for registry, row in MADE_UP:
            stack.enter_context(registry.extended(row))
        stack.enter_context(BACKENDS.extended(backend))
        stack.enter_context(TARGETS.extended(target))
        yield tmp_path
    sys.modules.pop("made_up_backend", None)


MADE_UP: tuple[tuple[Registry[Any], Any], ...] = (
    (ACTIVATIONS, CELU),
    (LOSSES, QUARTIC),
    (OPTIMIZERS, HEAVY),
    (SCHEDULES, HARMONIC),
    (INITIALIZERS, NARROW),
    (NAMINGS, ACTED),
)

CONTENT: Mapping[str, Any] = {
    "network": {
        "inputs": 2,
        "layers": [{"units": 2, "activation": "celu", "beta": "1/2"}, {"units": 1, "activation": "celu"}],
        "loss": {"name": "quartic", "scale": "1/3"},
    },
    "parameters": {"seed": 3, "initializer": {"name": "narrow", "reach": 0.5}},
    "data": {"x": [[1, 0.5], [-1, 0.25]], "y": [[0.5], [1]]},
    "training": {
        "optimizer": "heavy",
        "learning_rate": 0.25,
        "inertia": 0.5,
        "steps": 3,
        "schedule": {"kind": "harmonic", "fall": 0.5},
    },
    "notation": {"naming": "acted"},
}


def problem() -> Problem:
    """Return a problem whose every row is made up."""
    return sbp.problem(CONTENT)


def ran(text: str) -> dict[str, Any]:
    """Run a script; return what it defines."""
    namespace: dict[str, Any] = {"__name__": "__main__"}
    with contextlib.redirect_stdout(io.StringIO()):
        exec(compile(text, "script.py", "exec"), namespace)
    return namespace


def said(*arguments: str) -> str:
    """Return what the command line prints for some arguments; it ends without a mistake."""
    stream = io.TextIOWrapper(io.BytesIO(), "utf-8")
    with contextlib.redirect_stdout(stream), pytest.raises(SystemExit) as left:
        cli.main(arguments)
    stream.flush()
    assert not left.value.code
    return stream.buffer.getvalue().decode()  # type: ignore[attr-defined]


# Made-up rows


@pytest.mark.usefixtures("rows")
@pytest.mark.parametrize(("format", "code"), few(itertools.product(TEXTS, language.available()), 6))
def test_made_up_rows_are_written_in_every_format_and_language(format: str, code: str) -> None:
    """A solution whose activation, loss, optimizer, schedule and naming are made up is a document like every other."""
    text = rendering.render(sbp.solve(problem()), format, code)
    assert isinstance(text, str) and ("CELU" in text or format == "json")  # JSON has numbers alone
    if format.startswith("markdown"):
        assert all(
            part in text
            for part in (
                "Fourth powers",
                "Stopping at 3.",
                "What moves goes on moving.",
                "heavy descent",
                r"\iota",
                "V^{",
            )
        )


@pytest.mark.usefixtures("rows")
def test_made_up_rows_compute_the_same_everywhere() -> None:
    """Checks agree; compiled code of every backend, training and steps on paper have the same numbers."""
    made, solution = problem(), sbp.solve(problem())
    assert sbp.check(made).agrees
    loss, gradients = sbp.compile(solution.derivation)()
    for name in each(BACKENDS, least=4):
        if not BACKENDS[name].is_installed:
            continue
        other, others = sbp.compile(solution.derivation, backend=name)()
        np.testing.assert_allclose(other, loss, rtol=1e-12)
        for parameter in gradients:
            np.testing.assert_allclose(others[parameter], gradients[parameter], rtol=1e-10, atol=1e-14)
    history = sbp.train(made)
    np.testing.assert_allclose(
        history.losses, [float(loss) for loss in solution.losses[: len(history.losses)]], rtol=1e-9
    )


@pytest.mark.usefixtures("rows")
@pytest.mark.parametrize("target", ["numpy", "plain"])
def test_made_up_rows_make_scripts_that_run(target: str) -> None:
    """A script that writes every update out trains to the numbers of the solution; a target may be made up too."""
    found = ran(script(problem(), target))
    np.testing.assert_allclose(found["losses"], [float(loss) for loss in sbp.solve(problem()).losses], rtol=1e-9)
    assert (target == "plain") == ("KIND" in found)


@pytest.mark.usefixtures("rows")
def test_optimizer_needs_a_counterpart_for_the_loop_of_a_library() -> None:
    """PyTorch's script has PyTorch's optimizer: one that PyTorch lacks is refused by name, one that it has trains alike."""
    require_module("torch")
    with pytest.raises(
        ProblemError, match=r"training.optimizer: torch has no optimizer that is heavy.*\n  valid: grad"
    ):
        script(problem(), "torch")
    known = Optimizer(
        "known",
        HEAVY.lines,
        HEAVY.settings,
        "made up",
        "",
        HEAVY.state,
        torch=Counterpart("SGD", {"momentum": "inertia"}),
        words=words(optimizer__known="known descent", state__known_v="Velocity"),
    )
    with OPTIMIZERS.extended(known):
        made = sbp.problem({**CONTENT, "training": {**CONTENT["training"], "optimizer": "known"}})
        found = ran(script(made, "torch"))
        assert "torch.nn.functional.celu" in script(made, "torch")
        np.testing.assert_allclose(found["losses"], [float(loss) for loss in sbp.solve(made).losses], rtol=1e-9)


@pytest.mark.usefixtures("rows")
def test_made_up_activation_is_a_module_of_torch() -> None:
    """The counterpart of an activation makes a module of the network, and the module the activation."""
    torch = require_module("torch")
    content = {**CONTENT, "network": {**CONTENT["network"], "loss": "squared_error"}, "training": {"learning_rate": 1}}
    model = sbp.to_torch(sbp.problem(content))
    assert [0.5, 1.0] == [module.alpha for module in model if type(module).__name__ == "CELU"]
    back = sbp.from_torch(model, torch.nn.MSELoss())
    assert [("celu", (("beta", Fraction(1, 2)),)), ("celu", (("beta", Fraction(1)),))] == [
        (layer.activation, layer.settings) for layer in back.network.layers
    ]


@pytest.mark.usefixtures("rows")
def test_made_up_activation_serves_the_estimators() -> None:
    """scikit-learn's estimator takes it by our name and by the one that the row says."""
    require_module("sklearn")
    from symbackprop.estimators import SymbolicMLPRegressor

    x, y = [[0.0], [1.0], [2.0]], [0.0, 1.0, 3.0]
    found = [
        SymbolicMLPRegressor((2,), name, random_state=0).partial_fit(x, y).predict(x).tolist()
        for name in ("celu", "continuous")
    ]
    assert found[0] == found[1]


@pytest.mark.usefixtures("rows")
def test_made_up_rows_are_listed_and_in_the_schema() -> None:
    """The lists name each of them, the schema takes their names and settings."""
    found = {name: said("list", name) for name in LISTINGS}
    for name, row in (
        ("activations", "celu"),
        ("losses", "quartic"),
        ("optimizers", "heavy"),
        ("schedules", "harmonic"),
        ("initializers", "narrow"),
        ("namings", "acted"),
        ("backends", "plodding"),
        ("targets", "plain"),
    ):
        assert any(line.split()[0] == row for line in found[name].splitlines()), name
    schema = json.loads(said("schema"))
    for table, setting in each(
        [
            ("LayerSpec", "beta"),
            ("LossSpec", "scale"),
            ("TrainingSpec", "inertia"),
            ("ScheduleSpec", "fall"),
            ("InitializerSpec", "reach"),
        ]
    ):
        assert setting in schema["$defs"][table]["properties"] and not schema["$defs"][table]["additionalProperties"]
    names = json.dumps(schema)
    assert all(f'"{name}"' in names for name in ("celu", "quartic", "heavy", "harmonic", "narrow", "acted"))


@pytest.mark.usefixtures("rows")
def test_made_up_activation_is_a_word_of_the_expression_language() -> None:
    """Equations of a graph and derivatives step by step know it, with its setting."""
    found = sbp.solve(
        sbp.problem({"graph": {"inputs": {"x": -1}, "equations": ["a = celu(x, beta=0.5)"], "output": "a"}})
    )
    assert abs(float(found.steps[0].values.value("a")) - 0.5 * (np.exp(-2) - 1)) < 1e-12
    derivative = sbp.differentiate("celu(x)", "x").after
    value = exact.evaluate(derivative, lambda part: Fraction(-1) if part == Name("x") else None)
    assert abs(float(value) - np.exp(-1)) < 1e-15


@pytest.mark.usefixtures("rows")
def test_made_up_activation_is_read_in_answers_and_drawn() -> None:
    """A student types its name or another spelling of the row; where it has a boundary a classifier's line is drawn."""
    zero = Apply("celu", (Number(Fraction(0)),))
    assert zero == read("celu(0)", (), {}).formula == read("kelu(0)", (), {}).formula
    axes = {"x": [[1, 0.5], [-1, 0.25], [-1, -1]], "y": [[1], [0], [0]]}
    last = {"units": 1, "activation": "celu"}
    network = {"inputs": 2, "layers": [{"units": 2, "activation": "tanh"}, last], "loss": "squared_error"}
    made = sbp.problem({**CONTENT, "network": network, "data": axes, "parameters": {"seed": 1}})
    assert boundary(sbp.solve(made)) is not None


@pytest.mark.usefixtures("rows")
@pytest.mark.parametrize(
    ("table", "match"),
    [
        ({"network": {"beta": 0}}, r"network.layers\[0\].beta: the value has to be > 0"),
        ({"network": {"betta": 1}}, r'network.layers\[0\]: unknown key "betta"\n  did you mean "beta"'),
        ({"network": {"alpha": 1}}, r'network.layers\[0\].alpha: celu has no parameter "alpha"\n  did you mean "beta"'),
        ({"training": {"inertia": 1}}, "training.inertia: the value has to be < 1"),
        ({"training": {"momentum": 1}}, 'training.momentum: heavy has no setting "momentum"'),
        ({"parameters": {"reach": 0}}, "parameters.initializer.reach: the value has to be > 0"),
    ],
    ids=str,
)
def test_setting_of_a_made_up_row_is_checked(table: Mapping[str, Mapping[str, object]], match: str) -> None:
    """Bounds hold, and a wrong key is answered with the settings of the row."""
    content = json.loads(json.dumps(CONTENT))
    content["network"]["layers"][0].update(table.get("network", {}))
    content["training"].update(table.get("training", {}))
    content["parameters"]["initializer"].update(table.get("parameters", {}))
    with pytest.raises((ProblemError, UnknownNameError), match=match):
        sbp.problem(content)


def test_made_up_format_is_a_folder(tmp_path: Path) -> None:
    """A folder of templates is a format; it builds on another one and writes every document."""
    (tmp_path / "shout").mkdir()
    (tmp_path / "shout" / "format.toml").write_text('base = "markdown"\nsuffix = "txt"\n', "utf-8")
    assert "txt" == rendering.formats(tmp_path)["shout"].suffix
    solution = sbp.solve(sbp.example("line"))
    assert rendering.render(solution, "markdown") == rendering.render(solution, "shout", templates=tmp_path)


def test_made_up_language_is_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder of phrases is a language: documents, scripts and messages are said in it."""
    shutil.copytree(language.HOME, tmp_path / "language", ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    shutil.copytree(language.HOME / "en", tmp_path / "language" / "xx")
    file = tmp_path / "language" / "xx" / "errors.toml"
    file.write_text(file.read_text("utf-8").replace("did you mean", "perchance"), "utf-8")
    monkeypatch.setattr(language, "HOME", tmp_path / "language")
    language.phrases.cache_clear()  # type: ignore[attr-defined]
    assert "xx" in language.available() and "xx" in said("list", "languages")
    solution = sbp.solve(sbp.example("line"))
    assert rendering.render(solution, "markdown") == rendering.render(solution, "markdown", "xx")
    assert script(sbp.example("mazur"), language="xx") == script(sbp.example("mazur"))
    assert "perchance" in language.phrases("xx")["error.nearest"]
    monkeypatch.undo()
    language.phrases.cache_clear()  # type: ignore[attr-defined]


def test_row_that_goes_leaves_nothing() -> None:
    """After a row is gone its name is unknown, its words are, and a row of the same name is read anew."""
    with ACTIVATIONS.extended(CELU):
        assert all("celu" in table for table in (ARITIES, NAMES, WITH_FORMULA, fitting_activations("any")))
        before = definition(Apply("celu", (Slot(0),)))
    assert "celu" not in ACTIVATIONS and "celu" not in ARITIES and "celu" not in WITH_FORMULA
    assert "activation.celu" not in language.phrases("en")
    with ACTIVATIONS.extended(Activation("celu", "z**2", "C", words=CELU.words)):
        assert before != definition(Apply("celu", (Slot(0),))) == Power(Slot(0), Number(Fraction(2)))


# Incomplete rows


@pytest.mark.parametrize(
    ("registry", "row", "match"),
    [
        (
            ACTIVATIONS,
            Activation("mish", "z", "Mish"),
            "activation mish: the language en has no phrase .* activation.mish",
        ),
        (
            ACTIVATIONS,
            Activation("mish", "z", "Mish", words={"en": {"activation.mish": "Mish"}}),
            "activation mish: the language zh has no phrase .* activation.mish",
        ),
        (ACTIVATIONS, Activation("mish", "", "Mish", words=words(activation__mish="m")), "it has no expression"),
        (ACTIVATIONS, Activation("mish", "z*beta", "M", words=words(activation__mish="m")), 'unknown name "beta"'),
        (ACTIVATIONS, Activation("mish", "z", "M", "a*b", words=words(activation__mish="m")), 'unknown name "b"'),
        (ACTIVATIONS, Activation("mi sh", "z", "M"), '"mi sh" cannot name a row'),
        (LOSSES, Loss("cubic", "sum(a - y)**3", "cubic"), "loss cubic: the language en has no phrase .* reason.cubic"),
        (LOSSES, Loss("cubic", "", ""), "it has no expression"),
        (LOSSES, Loss("cubic", "sum(a - q)", ""), 'unknown name "q"'),
        (OPTIMIZERS, Optimizer("slow", (("w", "w"),), {}, "", ""), "the language en has no phrase .* optimizer.slow"),
        (
            OPTIMIZERS,
            Optimizer("slow", (("w", "w - g"),), {}, "", "", words=words(optimizer__slow="slow")),
            "its last line has to be that of w, and learning_rate one of its settings",
        ),
        (
            OPTIMIZERS,
            Optimizer("slow", HEAVY.lines, HEAVY.settings, "", "", HEAVY.state, words=words(optimizer__slow="slow")),
            "has no phrase .* setting.inertia, state.slow_v",
        ),
        (SCHEDULES, Schedule("wild", "learning_rate*wildness", ""), 'unknown name "wildness"'),
        (SCHEDULES, Schedule("wild", "learning_rate/k", "", {}, "often"), 'unknown key "often"'),
        (INITIALIZERS, Initializer("odd", "cauchy", ("0", "1")), "there is no distribution cauchy"),
        (INITIALIZERS, Initializer("odd", "normal", ("0", "spread")), 'unknown name "spread"'),
        (NAMINGS, Naming("mine", ACTED.symbol, {}), "the language en has no phrase .* naming.mine"),
        (BACKENDS, Backend("fast", "no_such_module", "numpy", words(backend__fast="fast")), "no module no_such_module"),
        (BACKENDS, Backend("fast", "math", "numpy"), "the language en has no phrase .* backend.fast"),
        (TARGETS, Target("lua", "lua.jinja", NUMPY, words=words(code__lua="Lua")), "lua.jinja"),
    ],
    ids=lambda part: getattr(part, "kind", None) or getattr(part, "name", None),
)
def test_incomplete_row_is_refused_when_it_is_added(registry: Registry[Any], row: Any, match: str) -> None:
    """What a reader would stumble over later is said at once, with the row's kind and name; the table stays as it was."""
    before = list(registry.items())
    with pytest.raises(IncompleteRowError, match=match) as caught:
        registry.add(row)
    assert caught.value.where == f"{registry.kind} {row.name}"
    assert before == list(registry.items())


# The rows of the package


@pytest.mark.parametrize("registry", REGISTRIES, ids=lambda registry: registry.kind)
def test_rows_of_the_package_are_complete(registry: Registry[Any]) -> None:
    """Each row could be added as it is: its texts can be read, and every language has its words."""
    for row in each(registry.values(), least=2):
        registry.verify(row)


@pytest.mark.parametrize("table", SettingsTable.__subclasses__(), ids=lambda table: table.__name__)
def test_no_setting_is_a_key_of_its_table(table: type[SettingsTable]) -> None:
    """The settings of the rows that a table names are none of the keys that it has itself."""
    for row in each(table.registry.values()):
        assert not set(row.settings) & set(table.model_fields), row.name


def described(kind: str, name: str) -> dict[str, Any]:
    """Return a small problem with one row of a registry."""
    activation, loss = (name, "squared_error") if kind == "activation" else ("tanh", "squared_error")
    if kind == "loss":
        activation, loss = fitting_activations(LOSSES[name].predictions)[-1], name
    training = {"learning_rate": 0.1, "steps": 2}
    if kind == "optimizer":
        training |= {"optimizer": name}
    if kind == "schedule":
        needed = {key: 1 for key, setting in SCHEDULES[name].settings.items() if setting.default is None}
        training |= {"schedule": {"kind": name, **needed}}
    return {
        "network": {"inputs": 2, "layers": [{"units": 2, "activation": activation}], "loss": loss},
        "parameters": {"seed": 5, "initializer": name if kind == "initializer" else "glorot_uniform"},
        "data": {"x": [[0.5, -1], [2, 0.25]], "y": [[1, 0], [0, 1]]},
        "training": training,
    }


ROWS = [
    (registry.kind, name)
    for registry in (ACTIVATIONS, LOSSES, OPTIMIZERS, SCHEDULES, INITIALIZERS)
    for name in registry
    if name != "generic"
]


@pytest.mark.parametrize(
    ("target", "kind", "name"), few(((target, *row) for target in WITHOUT_JAX for row in ROWS), 24)
)
def test_every_row_makes_a_script_that_runs_or_is_refused(target: str, kind: str, name: str) -> None:
    """Whatever the row and the target: a script trains to the numbers of the solution, or there is none and a reason."""
    if target == "torch":
        require_module("torch")
    made = sbp.problem(described(kind, name))
    counterpart: Callable[[Any], object] | None = TARGETS[target].counterpart
    if counterpart and made.training and counterpart(OPTIMIZERS[made.training.optimizer]) is None:
        with pytest.raises(ProblemError, match=r"^training\.optimizer: "):
            script(made, target)
        return
    found = ran(script(made, target))
    np.testing.assert_allclose(found["losses"], [float(loss) for loss in sbp.solve(made).losses], rtol=1e-8)
