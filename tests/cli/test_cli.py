"""The command line as a person meets it: in an empty directory, its output, its messages, its exit codes.

Most runs are calls of `main` in this process, with streams of their own (`run`); where a process is the point, its locale,
its pipes or its hash seed, there is one (`process`, `shell`).
"""

from __future__ import annotations

import dataclasses
import io
import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest

from symbackprop import cli, language
from symbackprop.algebra.functions import ACTIVATIONS
from symbackprop.catalog.initializers import INITIALIZERS
from symbackprop.catalog.losses import LOSSES
from symbackprop.catalog.optimizers import OPTIMIZERS
from symbackprop.catalog.schedules import SCHEDULES
from symbackprop.compilation.backends import BACKENDS
from symbackprop.evaluation.evaluate import Evaluation, Values
from symbackprop.graph.notation import NAMINGS
from symbackprop.problems import load
from symbackprop.scripts import TARGETS
from tests.helpers import ROOT, only

EXAMPLES = sorted((ROOT / "examples").glob("*.toml"))
FREE = '[network]\ninputs = 1\nloss = "squared_error"\nlayers = [{ units = 1 }]\n'
NUMBERS = "[parameters]\nW1 = [[1]]\nb1 = [0]\n[data]\nx = [1]\ny = [1]\n"

Finished = subprocess.CompletedProcess[bytes]
Run = Callable[..., Finished]


def process(command: Sequence[str], folder: Path, environment: Mapping[str, str] | None = None) -> Finished:
    """Return a finished process that ran in a folder and can import this repository's package."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **(environment or {})}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, timeout=120, check=False)


def command(*arguments: str) -> list[str]:
    """Return the command that runs `symbackprop` in a process of its own."""
    return [sys.executable, "-m", "symbackprop", *arguments]


def ran(*arguments: str) -> Finished:
    """Return a run of `symbackprop` with arguments, in this process and the folder that it is in."""
    streams = [io.TextIOWrapper(io.BytesIO()) for _ in range(2)]
    with redirect_stdout(streams[0]), redirect_stderr(streams[1]), pytest.raises(SystemExit) as left:
        cli.main(arguments)
    output, errors = [(stream.flush(), stream.buffer.getvalue())[1] for stream in streams]  # type: ignore[attr-defined]
    assert isinstance(left.value.code, int)
    return Finished(arguments, left.value.code, output, errors)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Return a function that runs `symbackprop` with arguments in an empty directory."""
    monkeypatch.chdir(tmp_path)
    return ran


def assert_mistake(finished: Finished, *fragments: str) -> None:
    """Assert exit code 2, nothing on standard output, and one message on standard error that has all fragments."""
    text = finished.stderr.decode()
    assert finished.returncode == 2
    assert finished.stdout == b""
    assert text.startswith("symbackprop: error: ")
    assert "Traceback" not in text
    assert text.count("symbackprop: error:") == 1
    for fragment in fragments:
        assert fragment in text


def assert_done(finished: Finished) -> str:
    """Assert exit code 0 and a silent standard error; return standard output."""
    assert finished.stderr.decode() == ""
    assert finished.returncode == 0
    return finished.stdout.decode()


def files_in(folder: Path) -> list[str]:
    """Return every file below a folder."""
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


# solve


def test_solve_writes_latex_and_markdown_where_it_says(tmp_path: Path) -> None:
    """Without options the results are LaTeX and Markdown with its figures in output/<problem name>; paths are printed."""
    printed = assert_done(process(command("solve", "mazur"), tmp_path))
    names = ("solution.tex", "solution.md", *(f"solution.{number}.svg" for number in range(1, 5)))
    paths = [f"output/mazur/{name}" for name in names]
    assert [str(Path(path)) for path in paths] == printed.splitlines()
    assert sorted(paths) == files_in(tmp_path)


def test_solve_names_the_folder_after_the_file(run: Run, tmp_path: Path) -> None:
    """A problem file `mine.toml` is solved into output/mine."""
    (tmp_path / "mine.toml").write_bytes((ROOT / "examples" / "line.toml").read_bytes())
    assert_done(run("solve", "mine.toml", "-f", "json"))
    assert ["mine.toml", "output/mine/solution.json"] == files_in(tmp_path)


def test_solve_writes_into_the_given_folder(run: Run, tmp_path: Path) -> None:
    """`-o DIR` writes into DIR itself, which it makes; a second run replaces the files."""
    for _ in range(2):
        assert_done(run("solve", "line", "-f", "json,json", "-o", "a/b"))
        assert ["a/b/solution.json"] == files_in(tmp_path)


def test_solve_quiet_prints_nothing(run: Run, tmp_path: Path) -> None:
    """`--quiet` writes the files and prints nothing."""
    assert assert_done(run("solve", "line", "-f", "json", "--quiet")) == ""
    assert ["output/line/solution.json"] == files_in(tmp_path)


def test_solve_to_standard_output_writes_no_file(run: Run, tmp_path: Path) -> None:
    """`-o -` prints the result and writes nothing; it is the very text that a file would hold."""
    printed = assert_done(run("solve", "mazur", "-f", "json", "-o", "-"))
    assert json.loads(printed)["values"]["L"] == pytest.approx(0.298371108760003, rel=1e-12)
    assert files_in(tmp_path) == []
    assert_done(run("solve", "mazur", "-f", "json"))
    assert (tmp_path / "output/mazur/solution.json").read_text("utf-8") == printed


def test_solve_to_standard_output_refuses_several_formats(run: Run, tmp_path: Path) -> None:
    """Two documents cannot share standard output."""
    assert_mistake(run("solve", "mazur", "-o", "-"), "latex, markdown")
    assert files_in(tmp_path) == []


def test_solve_output_is_utf8_whatever_the_locale(tmp_path: Path) -> None:
    """Documents and messages are UTF-8 in an ASCII locale too."""
    ascii_only = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": "ascii"}
    (tmp_path / "mine.toml").write_text(f'title = "Schritt für Schritt: δ"\n{FREE}{NUMBERS}', "utf-8")
    solving = command("solve", "mine.toml", "-f", "json", "-o", "-")
    result = json.loads(assert_done(process(solving, tmp_path, ascii_only)))
    assert "Schritt für Schritt: δ" == result["title"]
    (tmp_path / "mine.toml").write_text(FREE.replace("units = 1", 'units = 1, activation = "σ"'), "utf-8")
    assert_mistake(process(solving, tmp_path, ascii_only), 'unknown activation "σ"')


SURROUNDINGS = (
    ({"PYTHONHASHSEED": "0", "TZ": "UTC", "LC_ALL": "C.UTF-8"}, "1"),
    (
        {"PYTHONHASHSEED": "1", "TZ": "Asia/Kathmandu", "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        "2",
    ),
    ({"PYTHONHASHSEED": "2", "TZ": "Pacific/Apia", "LANG": "de_DE.UTF-8", "HOME": "/absent"}, "1"),
)
"""What differs from machine to machine, and how many processes work."""

SAME = (
    "solve xor -f json,latex,markdown,html,notebook --steps 1 -o solved --quiet",
    "homework homework --variants 3 -f markdown --seed 5 --secret secret --forms -o class --processes {processes} --quiet",
    "export homework --to moodle --variants 2 -o bank.xml --quiet",
    "code lstm --target julia -o lstm.jl",
    "train xor --epochs 5 --log losses.csv --save trained.npz --quiet",
)
RUNNING = """
import sys
from symbackprop import cli
if __name__ == "__main__":
    for line in sys.argv[1:]:
        try:
            cli.main(line.split())
        except SystemExit as left:
            if left.code:
                raise
"""


@pytest.mark.sweep
def test_results_are_the_same_bytes_everywhere(tmp_path: Path) -> None:
    """No order of a set, time zone, locale, home or number of processes reaches a result."""
    found = []
    for number, (environment, processes) in enumerate(SURROUNDINGS):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / "run.py").write_text(RUNNING, "utf-8")
        (folder / "secret").write_text("0123456789abcdef\n", "utf-8")
        lines = [line.format(processes=processes) for line in SAME]
        assert_done(process([sys.executable, "run.py", *lines], folder, environment))
        found.append({name: (folder / name).read_bytes() for name in files_in(folder) if "__pycache__" not in name})
    assert len(found[0]) > 25
    for other in found[1:]:
        assert [name for name in found[0] if found[0][name] != other.get(name)] == []
        assert found[0].keys() == other.keys()


@pytest.mark.parametrize(
    ("overrides", "start", "rate", "target"),
    [
        (["training.learning_rate=1.75"], 0.0, 1.75, 1.0),
        (["parameters.W1=[[3]]"], 3.0, 0.5, 1.0),
        (['data.y=["1/2"]', "training.learning_rate=1/4"], 0.0, 0.25, 0.5),
    ],
)
def test_set_overrides_the_file(run: Run, overrides: list[str], start: float, rate: float, target: float) -> None:
    """`--set KEY=VALUE` replaces a value of the file: here w − t after two steps of the line."""
    options = [part for override in overrides for part in ("--set", override)]
    result = json.loads(assert_done(run("solve", "line", "-f", "json", "-o", "-", *options)))
    error = result["final"]["parameters"]["W1"][0][0] - target
    # With x = 1 each step multiplies the error by 1 − η.
    assert (1 - rate) ** 2 * (start - target) == pytest.approx(error, abs=1e-15)


def test_steps_replaces_the_number_of_updates(run: Run) -> None:
    """`--steps 3` takes three updates, whatever the file says."""
    result = json.loads(assert_done(run("solve", "line", "-f", "json", "-o", "-", "--steps", "3")))
    assert [0.5, 0.125, 0.03125] == [step["loss"] for step in result["steps"]]


def test_digits_is_an_override_of_the_notation(run: Run) -> None:
    """`--digits` is checked like the key it overrides, and wins over `--set`."""
    assert_mistake(run("solve", "line", "--digits", "0"), "notation.digits")
    assert_done(run("solve", "line", "-f", "json", "-o", "-", "--set", "notation.digits=0", "--digits", "3"))


# mistakes

MISTAKES: dict[str, tuple[list[str], list[str]]] = {
    "no such problem": (["solve", "mazor"], ['"mazor"', 'did you mean "mazur"?']),
    "no such file": (["solve", "absent/mine.toml"], ["mine.toml", "No such file"]),
    "problem missing": (["solve"], ["PROBLEM", "symbackprop solve --help"]),
    "no such format": (["solve", "mazur", "-f", "latec"], ['unknown format "latec"', 'did you mean "latex"?']),
    "empty format": (["solve", "mazur", "-f", ""], ['unknown format ""']),
    "no such language": (["solve", "mazur", "--lang", "xx"], ['unknown language "xx"', "valid: en"]),
    "no such command": (["sove", "mazur"], ['unknown command "sove"', 'did you mean "solve"?']),
    "no such option": (["solve", "mazur", "--step", "3"], ["--step"]),
    "no such listing": (["list", "loses"], ['unknown list "loses"', 'did you mean "losses"?']),
    "no such detail": (["solve", "mazur", "--detail", "all"], ['unknown level of detail "all"', "full"]),
    "override without value": (["solve", "mazur", "--set", "training"], ["--set", "KEY=VALUE"]),
    "override of no key": (["solve", "mazur", "--set", "training.rate=1"], ["training", "learning_rate"]),
    "no such activation": (
        ["check", "mazur", "--set", "network.layers.0.activation=sigmoit"],
        ["network.layers[0].activation", 'did you mean "sigmoid"?'],
    ),
    "negative steps": (["solve", "mazur", "--steps=-1"], ["--steps"]),
    "no template folder": (["solve", "mazur", "--templates", "absent"], ["absent"]),
    "surplus argument": (["schema", "mazur"], ["mazur"]),
}


@pytest.mark.parametrize(("arguments", "fragments"), MISTAKES.values(), ids=MISTAKES)
def test_mistake_is_one_message_and_exit_code_2(
    run: Run, tmp_path: Path, arguments: list[str], fragments: list[str]
) -> None:
    """A mistake of the user's is one message on standard error, exit code 2, and nothing is written."""
    assert_mistake(run(*arguments), *fragments)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("content", "fragments"),
    [
        (b"title = \n", ["mine.toml", "line 1, column 9"]),
        (b'title = "\xff"\n', ["mine.toml", "UTF-8"]),
        (FREE.encode(), ["mine.toml", "W1", "x", "y"]),
        (b"", ["mine.toml", "network"]),
    ],
    ids=["no TOML", "no UTF-8", "no values", "empty"],
)
def test_bad_file_is_one_message_that_names_it(run: Run, tmp_path: Path, content: bytes, fragments: list[str]) -> None:
    """A file that cannot be used is named in the message, and no output folder appears."""
    (tmp_path / "mine.toml").write_bytes(content)
    assert_mistake(run("solve", "mine.toml", "-f", "json"), *fragments)
    assert files_in(tmp_path) == ["mine.toml"]


def test_steps_without_training_is_a_mistake(run: Run, tmp_path: Path) -> None:
    """Steps that nothing would take are refused, not ignored."""
    (tmp_path / "mine.toml").write_text(FREE + NUMBERS)
    assert_mistake(run("solve", "mine.toml", "-f", "json", "--steps", "2"), "--steps", "[training]")


def test_directory_is_no_problem_file(run: Run, tmp_path: Path) -> None:
    """A folder named like a problem file is answered with a message."""
    (tmp_path / "mine.toml").mkdir()
    assert_mistake(run("solve", "mine.toml"), "mine.toml")


def test_unwritable_output_is_a_mistake(run: Run, tmp_path: Path) -> None:
    """A file where the folder should be: a message with its name, exit code 2."""
    (tmp_path / "taken").write_text("mine")
    assert_mistake(run("solve", "line", "-f", "json", "-o", "taken"), "taken", "Not a directory")
    assert (tmp_path / "taken").read_text() == "mine"


def test_failed_writing_leaves_no_half_result(run: Run, tmp_path: Path) -> None:
    """When one of two files cannot be written, the other is not written either, and no draft stays behind."""
    (tmp_path / "results" / "solution.md").mkdir(parents=True)
    assert_mistake(run("solve", "line", "-f", "json,markdown", "-o", "results"), "solution.md")
    assert files_in(tmp_path) == []


def test_failed_computation_leaves_the_old_result(run: Run, tmp_path: Path) -> None:
    """A descent that diverges is a message; the files of the run before are as they were."""
    assert_done(run("solve", "line", "-f", "json"))
    before = (tmp_path / "output/line/solution.json").read_bytes()
    assert_mistake(run("solve", "line", "-f", "json", "--steps", "5000", "--set", "training.learning_rate=9"))
    assert (tmp_path / "output/line/solution.json").read_bytes() == before


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no device that is always full")
def test_full_disk_on_standard_output_is_a_mistake(tmp_path: Path) -> None:
    """A result that standard output does not take is a message and exit code 2."""
    finished = shell("symbackprop solve line -f json -o - > /dev/full", tmp_path)
    assert_mistake(finished, "standard output")


@pytest.mark.parametrize("arguments", ["schema", "solve line -f json -o -", "list losses", "--help"])
def test_broken_pipe_is_silent(tmp_path: Path, arguments: str) -> None:
    """A reader that stops reading is no mistake and leaves no message."""
    finished = shell(f"(symbackprop {arguments}; echo $? >&2) | true", tmp_path)
    assert finished.stderr.decode().strip() in ("0", "1")


def shell(line: str, folder: Path) -> Finished:
    """Return the finished run of a line of shell in which `symbackprop` is this package's command."""
    line = re.sub(r"\bsymbackprop\b", f'"{sys.executable}" -m symbackprop', line, count=1)
    return process(["sh", "-c", line], folder)


# check


@pytest.mark.parametrize("name", only(load.examples(), "line", "mazur"))
def test_check_agrees_with_every_example(run: Run, name: str) -> None:
    """The gradients of every bundled example agree with the independent oracles: exit code 0."""
    printed = assert_done(run("check", name))
    assert "0 differ" in printed.splitlines()[-1]


def test_check_prints_a_row_for_each_gradient_of_a_small_problem(run: Run) -> None:
    """Up to forty gradients are listed; the last line sums up."""
    printed = assert_done(run("check", "line"))
    assert re.search(r"^W1\S* +agrees +\d", printed, re.MULTILINE)
    assert "\x1b" not in printed


def test_check_names_a_kink_as_skipped(run: Run) -> None:
    """A gradient whose path touches a kink of ReLU is skipped and says where, never agreeing."""
    options = ["--set", "network.layers.0.activation=relu", "--set", "parameters.W1=[[0, 0], [1, 1]]"]
    printed = assert_done(run("check", "mazur", *options, "--set", "parameters.b1=0"))
    assert re.search(r"^W1_1_2 +skipped, at a kink: a1_1$", printed, re.MULTILINE)
    assert re.search(r"^W1_2_2 +agrees ", printed, re.MULTILINE)


def test_check_of_many_gradients_prints_the_summary_only(run: Run, tmp_path: Path) -> None:
    """More than forty gradients that agree are summed up in one line, and each oracle has its own."""
    (tmp_path / "wide.toml").write_text(
        f"[network]\ninputs = 50\nloss = 'mse'\nlayers = [{{ units = 1 }}]\n"
        f"[parameters]\nW1 = [{[1] * 50}]\nb1 = [0]\n[data]\nx = {[2] * 50}\ny = [1]\n"
    )
    differences, composed, compared, summary = assert_done(run("check", "wide.toml")).splitlines()
    assert "compared: 51 gradients with respect to parameters, 50 with respect to inputs" == compared
    assert "101 agree, 0 differ, 0 skipped" == summary
    assert re.fullmatch(r"central differences: largest relative difference \d\.\de-\d+", differences)
    assert re.fullmatch(r"SymPy, composed loss: largest relative difference \d\.\de[-+]\d+", composed)


def test_check_finds_a_wrong_derivative(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a wrong derivative planted in the derivation `check` names what differs and exits with 1."""
    right = Evaluation.backward

    def wrong(evaluation: Evaluation, values: Values) -> Values:
        found = right(evaluation, values)
        return dataclasses.replace(found, gradients={name: value * 2 for name, value in found.gradients.items()})

    monkeypatch.setattr(Evaluation, "backward", wrong)
    finished = run("check", "line")
    assert finished.stderr.decode() == ""
    assert finished.returncode == 1
    assert re.search(r"^W1\S* +differs +\d", finished.stdout.decode(), re.MULTILINE)


# list, schema, help


@pytest.mark.parametrize(
    ("listing", "names"),
    [
        ("activations", tuple(ACTIVATIONS)),
        ("losses", tuple(LOSSES)),
        ("optimizers", tuple(OPTIMIZERS)),
        ("schedules", tuple(SCHEDULES)),
        ("initializers", tuple(INITIALIZERS)),
        ("namings", tuple(NAMINGS)),
        ("languages", language.available()),
        ("backends", tuple(BACKENDS)),
        ("targets", tuple(TARGETS)),
        ("examples", tuple(path.stem for path in EXAMPLES)),
    ],
)
def test_list_prints_each_name_on_a_line(run: Run, listing: str, names: tuple[str, ...]) -> None:
    """Each line begins with a name that can be used as it stands."""
    assert list(names) == [line.split()[0] for line in assert_done(run("list", listing)).splitlines()]


def test_list_formats_has_the_three_of_the_solution(run: Run) -> None:
    """LaTeX, Markdown and JSON are listed with the suffix of their files."""
    lines = [line.split() for line in assert_done(run("list", "formats")).splitlines()]
    assert {("latex", ".tex"), ("markdown", ".md"), ("json", ".json")} <= {(name, suffix) for name, suffix in lines}


def test_list_shows_what_stands_beside_a_name(run: Run) -> None:
    """An activation's expression, a loss's aliases and an example's title stand beside the name."""
    assert re.search(r"^sigmoid +1/\(1 \+ exp\(-z\)\)$", assert_done(run("list", "activations")), re.MULTILINE)
    assert re.search(r"^mean_squared_error .*\(also mse\)$", assert_done(run("list", "losses")), re.MULTILINE)
    assert re.search(r"^mazur +One gradient-descent step", assert_done(run("list", "examples")), re.MULTILINE)


def test_schema_knows_every_key_of_the_examples(run: Run) -> None:
    """The schema describes every table and key that the bundled examples use, and no unknown key is allowed."""
    schema = json.loads(assert_done(run("schema")))
    assert schema["$schema"].startswith("https://json-schema.org/")
    for path in EXAMPLES:
        content = tomllib.loads(path.read_text("utf-8"))
        for table, keys in content.items():
            described = properties(schema, schema["properties"][table])
            if isinstance(keys, dict) and described is not None:
                assert set(keys) <= set(described), f"{path.name}: {table}"
        layer = properties(schema, {"$ref": "#/$defs/LayerSpec"})
        assert layer is not None
        assert all(set(keys) <= set(layer) for keys in content.get("network", {}).get("layers", []))


def properties(schema: Mapping[str, object], place: Mapping[str, object]) -> Mapping[str, object] | None:
    """Return the properties of a table of a JSON schema; None where any key is allowed."""
    choices = place.get("anyOf", [place])
    assert isinstance(choices, list)
    for choice in choices:
        if "$ref" in choice:
            definition = schema
            for step in choice["$ref"].removeprefix("#/").split("/"):
                definition = definition[step]  # type: ignore[assignment]  # a JSON pointer leads to tables
            if choice["$ref"].endswith(("/ParametersSpec", "/VariantsSpec")):
                return None
            assert definition["additionalProperties"] is False
            found = definition["properties"]
            assert isinstance(found, dict)
            return found
    return None


def test_schema_lists_the_names_of_the_registries(run: Run) -> None:
    """`activation`, `loss` and `optimizer` take exactly the names and aliases that the registries have."""
    definitions = json.loads(assert_done(run("schema")))["$defs"]
    for table, key, registry in (
        ("LayerSpec", "activation", ACTIVATIONS),
        ("NetworkSpec", "loss", LOSSES),
        ("TrainingSpec", "optimizer", OPTIMIZERS),
    ):
        described = definitions[table]["properties"][key]
        # A key that may also be a table has its names in the branch for texts.
        text = next((branch for branch in described.get("anyOf", ()) if branch["type"] == "string"), described)
        names = text["enum"]
        assert set(names) == {*registry, *registry.aliases}


@pytest.mark.parametrize("arguments", [[], ["--help"], ["solve", "--help"], ["check", "-h"], ["list", "--help"]])
def test_help_is_printed_on_standard_output(run: Run, arguments: list[str]) -> None:
    """Help is no mistake: standard output, exit code 0."""
    assert assert_done(run(*arguments)).startswith("Usage: symbackprop")


# import


HEAVY = {"numpy", "pydantic", "jinja2", "click", "rich"}


@pytest.mark.parametrize("statement", ["import symbackprop", "import sympy", "import symbackprop.registry"])
def test_import_is_light(tmp_path: Path, statement: str) -> None:
    """Neither the package nor SymPy loads arrays, validation, templates or the command line."""
    program = f"import sys; {statement}; print(*sorted({HEAVY!r} & set(sys.modules)))"
    finished = process([sys.executable, "-c", program], tmp_path)
    assert assert_done(finished).strip() == ""
