"""Everything that reads what somebody hands in, each as a function of bytes, with examples of what it usually gets."""

from __future__ import annotations

import functools
import io
import json
import os
import tomllib
import warnings
import zipfile
import zlib
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np

import symbackprop as sbp
from symbackprop import cli, rendering
from symbackprop.by_hand import answer_parsing
from symbackprop.catalog import initializers
from symbackprop.document.blocks import Document, Section
from symbackprop.errors import OutputError
from symbackprop.homework.assignments import variants
from symbackprop.homework.classes.roster import file_name, numbered, read_roster
from symbackprop.homework.handouts.manifest import MANIFEST
from symbackprop.homework.marks.marking import Marker
from symbackprop.homework.marks.overrides import changed_totals, corrected, read_overrides
from symbackprop.homework.receiving.identification import ClassList
from symbackprop.homework.receiving.submissions import read_submissions
from symbackprop.homework.reporting.gradebook import filled
from symbackprop.messages import message
from symbackprop.mistakes.numbers_given import read_numbers
from symbackprop.problems import load
from symbackprop.rendering import exporters, user_markdown
from symbackprop.rendering.pdf_collections import drafted
from tests.fuzz import programs
from tests.fuzz.mutations import as_json


@dataclass(frozen=True, slots=True)
class Reader:
    """What reads bytes, in a folder of its own; `seeds` are what it usually gets, as tables of JSON where it `is_tree`."""

    read: Callable[[bytes, Path], object]
    seeds: Callable[[], Sequence[bytes]]
    is_tree: bool = False


# Problems


def bundled_files() -> list[bytes]:
    """Return the bundled problem files."""
    return [load.bundled(name).read_bytes() for name in load.examples()]


def bundled_tables() -> list[bytes]:
    """Return the bundled problem files as JSON; decimals are texts, as a file may have them."""
    return [as_json(tomllib.loads(file.decode(), parse_float=Decimal)) for file in bundled_files()]


def problem_file(data: bytes, folder: Path) -> object:
    """Read a problem file."""
    path = folder / "mine.toml"
    path.write_bytes(data)
    return load.load(path)


def tables_of(data: bytes) -> dict[str, Any] | None:
    """Return tables that are handed over as JSON, None for what is none: it is no program that hands it over."""
    try:
        content = json.loads(data)
    except (ValueError, RecursionError):
        return None
    return content if isinstance(content, dict) else None


def problem_table(data: bytes, folder: Path) -> object:
    """Read a problem that a program hands over as a mapping."""
    content = tables_of(data)
    return None if content is None else sbp.problem(content)


USES: tuple[Callable[[sbp.Problem], object], ...] = (
    lambda problem: sbp.render(sbp.solve(problem), "markdown"),
    lambda problem: sbp.render(sbp.solve(problem), "json"),
    lambda problem: sbp.render(sbp.solve(problem), "latex", "zh"),
    sbp.check,
    lambda problem: sbp.train(problem, epochs=2),
)


def problem_in_use(data: bytes, folder: Path) -> object:
    """Do with a problem one of the things that it is for; the bytes themselves say which."""
    content = tables_of(data)
    return None if content is None else USES[zlib.crc32(data) % len(USES)](sbp.problem(content))


def settings(data: bytes, folder: Path) -> object:
    """Read what `--set` says of a bundled problem, a setting on each line; the first says which."""
    name, *lines = text_of(data).split("\n")
    known = load.examples()
    source = load.find_source(name if name in known else "mazur", [load.parse_override(line) for line in lines])
    return source.problem()


def data_table(data: bytes, folder: Path) -> object:
    """Read the samples of a classifier of two classes in a CSV file."""
    (folder / "data.csv").write_bytes(data)
    (folder / "mine.toml").write_text(SAMPLES_TOML)
    return load.load(folder / "mine.toml")


SAMPLES_TOML = """
data = { file = "data.csv" }
[network]
inputs = 2
loss = "cross_entropy"
layers = [{ units = 2, activation = "softmax" }]
"""


def saved_arrays(data: bytes, folder: Path) -> object:
    """Read a file of arrays that training saved: its arrays, its classes and its problem."""
    path = folder / "trained.npz"
    path.write_bytes(data)
    return initializers.loaded(path), initializers.loaded_classes(path), load.load(path)


@functools.cache
def saved_seeds() -> Sequence[bytes]:
    """Return files as training saves them, packed and not."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "trained.npz"
        sbp.train(sbp.example("xor"), epochs=1).save(path)
        content = path.read_bytes()
    packed = io.BytesIO()
    with np.load(io.BytesIO(content)) as arrays:
        np.savez_compressed(packed, **arrays)
    return [content, packed.getvalue()]


# Expressions and answers


def expression(data: bytes, folder: Path) -> object:
    """Read an expression three times: as an equation, as an activation and as what is to be differentiated."""
    text = text_of(data)
    found = []
    for read in (_equation, _activation, lambda text: sbp.differentiate(text, "x")):
        try:
            found.append(read(text))
        except sbp.SymbackpropError as error:
            str(error)
    return found


def _equation(text: str) -> object:
    parameters = {"w": "7/10", "x": [1, 2], "W": [[1, 2], [3, 4]]}
    return sbp.problem({"graph": {"parameters": parameters, "equations": [f"L = {text}"], "output": "L"}})


def _activation(text: str) -> object:
    layers = [{"units": 1, "activation": {"expression": text}}]
    return sbp.problem({"network": {"inputs": 1, "loss": "half_squared_error", "layers": layers}})


EXPRESSIONS = (
    *("1/2*(w - 3)**2", "sum((W @ x - 1)**2)", "sigmoid(w)*tanh(-w)", "max(0, w) + min(w, 1)", "x[0]*W[1, :].T"),
    *("z/(1 + exp(-z))", "leaky_relu(z, alpha=0.2)", "where(z > 0, z, 1/10*z)", "ln(1 + exp(-abs(z)))"),
    *("x**2*sin(x)", "f(x)*g(x**2)", "x**2 + y**2 = 25", "sqrt(1 - x**2)/x", "softmax([w, 2*w])[0]", "outer(x, x)"),
    *("concat(x, x)[1:3]", "mean(W, axis=0)", "1e-3*pi", "-w**-2", "((((w))))", "not (x > 1 and x < 2)"),
)


@functools.cache
def homework() -> tuple[Marker, dict[str, float], dict[str, float], dict[str, str]]:
    """Return what marks the bundled homework, one student's numbers and tolerances, and the names of answers."""
    given = variants.assignment(load.example("homework", [("homework.answers", "both")]))
    cohort = variants.draw(given, ["s1"], 3, {"s1": 1})
    tolerances = {id: float(array[0]) for id, array in cohort.tolerances.items()}
    names = {name: answer.id for answer in given.answers for name in (answer.id, *answer.aliases)}
    return Marker(given), cohort.numbers(0), tolerances, names


def answers(data: bytes, folder: Path) -> object:
    """Mark a sheet, an answer on each line, and read each of them by itself."""
    marker, numbers, tolerances, names = homework()
    lines = text_of(data).split("\n")
    ids = list(dict.fromkeys(names.values()))
    for line in lines[:20]:
        answer_parsing.precision(answer_parsing.read(line, ids[:1], {}))
        answer_parsing.names_itself(line, ids)
    return marker.mark(numbers, tolerances, dict(zip(ids, lines, strict=False)))


ANSWERS = (
    *("0,5\n−0.25\n½\n1 1/2\n5·10⁻³\n12 592.65", "z1 = 0.4\n0.4 = 2/5\n≈ 0.4\nabout 0.4\n40%\n$\\frac{1}{2}$"),
    *("a1(1−a1)\nδ₂₁·x₁\nσ(z1_2)\n(a1_1 − y_1)²\ndL/dz1_1\n2w1", "-\n\n?\nn/a\n=1+1\n'0.5\n[0.5]\n0.5 (rounded)"),
)


def instructions(data: bytes, folder: Path) -> object:
    """Read the instructions of a homework, and write them in every way of writing formulas."""
    found = user_markdown.blocks(data.decode("utf-8", "replace"))
    given = homework()[0].assignment
    content = Document(given.problem.heading, (), (Section(message("sheet.answers"), found),))
    formats = [rendering.formats()[name] for name in ("html", "latex", "markdown", "text")]
    return [exporters.written(next(iter(drafted([content], given.derivation, each, "en")))) for each in formats]


INSTRUCTIONS = (
    *("Do **this**:\n\n* $x^2 + \\frac{1}{2}$\n* `a` and *b*\n\n$$\\sum_{i=1}^n w_i x_i$$", "1. a\n2. b $\\alpha_1'$"),
    *(
        "Costs 5\\$ <b>x</b> [a](http://b)",
        "$\\sqrt{\\left(\\frac{a}{b}\\right)}$ ***x*** \\*y\\*",
        "$\\text{a b}\\le\\hat{y}$",
    ),
)


# Classes

ROSTERS = (
    'Group;Name;ID\nA;"Müller, Anna";s1\nB;王小明;s2\nC;=cmd();s/3\n'.encode(),
    b'Student,ID,SIS User ID,SIS Login ID,Section\n    Points Possible,,,,\nB; x,17,0017,b@x.org,A\n"Student, Test",,,,\n',
    b"\xef\xbb\xbfOrgDefinedId,Username,Last Name,First Name,End-of-Line Indicator\n#0012,#a,Ng,Li,#\n#0013,#b,O'x,Al,#\n",
    "学号\t姓名\r\n20240001\t王小明\r\n20240002\t李娜\r\n".encode("gb18030"),
    "sep=;\nid;name\n1;Zoë\n2;Jon\n".encode("utf-16"),
)


@functools.cache
def class_list() -> ClassList:
    """Return a class of three."""
    from symbackprop.homework.handouts.manifest import Enrolment

    codes = ("ABCDEFGHIJ", "5DQSBDHHTC", "OOIIBB2345")
    students = numbered(3, 3).students
    return ClassList.of([Enrolment(each, code, 1, {}) for each, code in zip(students, codes, strict=True)])


def roster(data: bytes, folder: Path) -> object:
    """Read a list of students, and name their files."""
    path = folder / "roster.csv"
    path.write_bytes(data)
    found = read_roster(path, {})
    names = [file_name(student.id) for student in found.students]
    assert all(name and "/" not in name and "\\" not in name and "\0" not in name for name in names)
    assert len({name.casefold() for name in names}) == len(names)
    return found


SUBMISSIONS = (
    b"student,answer,value\n001,z1_1,0.5\n002,z2_1,1/2\n003,L,=cmd()\n",
    b"Timestamp,Student ID,z1_1,z1_1 [Score],a1_1,L\n2026/3/1 8:00:00,001,5,0/1,2,\n2026/3/2 8:00,ABCDEFGHIJ,4,1,,7\n",
    "开始时间;学号（必填）;编码;z1_1;z2_1\r\n2026-03-01 10:00;002;5DQSBDHHTC;0,5;½\r\n".encode("gb18030"),
)
FORMS = (
    b'\xef\xbb\xbf"student","code","time","answer","value"\r\n"001","ABCDEFGHIJ","2026-03-01T10:00:00Z","z1_1","0.5"\r\n'
    b'"001","ABCDEFGHIJ","2026-03-01T10:00:00Z","a1_1","""x"""\r\n',
    b'"student","code","time","answer","value"\r\n"","5dqs bdhh tc","2026-03-01T10:00:00Z","L","1/3"\r\n',
)


def submissions(data: bytes, folder: Path) -> object:
    """Read a table of answers."""
    path = folder / "in.csv"
    path.write_bytes(data)
    return read_submissions(path, class_list(), homework()[3])


def pdf_form(data: bytes, folder: Path) -> object:
    """Read a form in PDF that was filled in."""
    path = folder / "in.pdf"
    path.write_bytes(data)
    return read_submissions(path, class_list(), homework()[3])


PDF = (
    b"%PDF-1.7\n1 0 obj<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields[4 0 R 5 0 R]>>>>endobj\n"
    b"2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
    b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]/Annots[4 0 R 5 0 R]>>endobj\n"
    b"4 0 obj<</Type/Annot/Subtype/Widget/FT/Tx/T(ABCDEFGHIJ/L)/V(0.5)/Rect[0 0 1 1]>>endobj\n"
    b"5 0 obj<</Type/Annot/Subtype/Widget/FT/Tx/T(ABCDEFGHIJ/z1_1)/V<FEFF00BD>/Rect[0 0 1 1]>>endobj\n"
    b"xref\n0 1\n0000000000 65535 f \ntrailer<</Root 1 0 R/Size 6>>\nstartxref\n0\n%%EOF\n"
)


def archive(data: bytes, folder: Path) -> object:
    """Read an archive of tables."""
    path = folder / "in.zip"
    path.write_bytes(data)
    return read_submissions(path, class_list(), homework()[3])


@functools.cache
def archive_seeds() -> Sequence[bytes]:
    """Return archives as learning systems hand them out, packed and not, and one inside a folder."""
    found = []
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w", method) as packed:
            for number, table in enumerate((*SUBMISSIONS, *FORMS)):
                packed.writestr(f"s{number}/answers.csv", table)
            packed.writestr("__MACOSX/._a.csv", b"\0")
        found.append(content.getvalue())
    return found


def members(data: bytes, folder: Path) -> object:
    """Read an archive of the tables, by name, that JSON has: what is in it is damaged, and it is not."""
    content = tables_of(data) or {}
    with zipfile.ZipFile(folder / "in.zip", "w") as packed, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a name that stands twice
        for name, table in content.items():
            if name.isprintable():
                packed.writestr(name or "/", str(table))
    return read_submissions(folder / "in.zip", class_list(), homework()[3])


MEMBERS = {f"s{number}/a.csv": table.decode("utf-8") for number, table in enumerate((*SUBMISSIONS[:2], *FORMS))}


def overrides(data: bytes, folder: Path) -> object:
    """Read corrections of marks, and carry them out."""
    marker, numbers, tolerances, names = homework()
    path = folder / "corrections.toml"
    path.write_bytes(data)
    texts = dict(zip(dict.fromkeys(names.values()), ("0.5", "x", "1/2", ""), strict=False))
    found = read_overrides(path, ("s1", "7"), names, texts.values())
    marks = {"s1": marker.mark(numbers, tolerances, texts)}
    return corrected(marks, found), changed_totals(marks, found)


OVERRIDES = (
    b'[[override]]\nanswer = "z1_1"\nstudent = "s1"\nexcuse = true\nreason = "misprint"\n',
    b'[[override]]\naccept = "0.5"\n[[override]]\nanswer = "L"\npoints = -0.5\n[[override]]\nstudent = 7\ntotal = -3\n',
    b'override = [{ student = "s1", copied = false }, { factor = 0.8 }, { answer = "a1_1", points = 1e2 }]\n',
)


def gradebook(data: bytes, folder: Path) -> object:
    """Write points into a column of a gradebook; what stands in no cell of it stays."""
    from fractions import Fraction

    points = {"001": Fraction(17, 2), "002": Fraction(0)}
    found, _ = filled(data, "book.csv", "HW 1", points, class_list(), most=Fraction(20))
    return found


GRADEBOOKS = (
    b"Student,ID,HW 1,HW 2\r\nMax,,20.00,\r\nA,001,,1.5\r\nB,002,3.00,2\r\n",
    '\ufeff"id";"HW 1";"x"\n"003";"1,5";"ü"\n001;;\n'.encode(),
    "学号\tHW 1\n002\t\n".encode("gb18030"),
)


def numbers(data: bytes, folder: Path) -> object:
    """Read numbers of a paper, and look for the mistakes that explain them."""
    path = folder / "numbers.csv"
    path.write_bytes(data)
    return sbp.diagnose(sbp.example("line"), read_numbers(path))


NUMBERS = (b"answer,value\nz1_1,0.5\nL,1/8\ndL_dW1_1_1,-0.5\n", b"Answer;Value\nL;0,125\nnew_W1_1_1;x\n;\n")


@functools.cache
def manifests() -> Sequence[bytes]:
    """Return the teacher's manifests of two homeworks that were given out, with a student of each."""
    from symbackprop.homework.handouts import enrolment

    found = []
    for name in ("homework", "line"):
        changes = [] if name == "homework" else [("variants.x", {"choices": [1, 2, 3]})]
        source = load.find_source(name, [("homework.ask", ["L", "gradients"]), *changes])
        course = enrolment.prepare(
            [source], numbered(2, 1), Path("absent"), seed=0, formats=["markdown"], language="en", same=True
        )
        content = course.files[f"{enrolment.TEACHER}/{MANIFEST}"]
        found.append(content.encode() if isinstance(content, str) else b"")
    return found


def manifest(data: bytes, folder: Path) -> object:
    """Mark a class whose manifest somebody damaged."""
    path = folder / "teacher" / MANIFEST
    path.parent.mkdir()
    path.write_bytes(data)
    (folder / "in.csv").write_text("student,answer,value\n1,L,0.5\n2,L,0.5\n")
    return sbp.grade(folder, [folder / "in.csv"])


# Commands and functions


def command(data: bytes, folder: Path) -> object:
    """Run a command line, an argument on each line, in a folder; exit code 2 is a refusal."""
    arguments = [word for word in text_of(data).replace("\0", "").split("\n") if word]
    if any(map(_is_beyond, arguments)):
        return None
    (folder / "roster.csv").write_bytes(ROSTERS[0])
    (folder / "numbers.csv").write_bytes(NUMBERS[0])
    (folder / "mine.toml").write_bytes(bundled_files()[0])
    output, errors = io.TextIOWrapper(io.BytesIO()), io.TextIOWrapper(io.BytesIO())
    before = {path: path.read_bytes() for path in folder.iterdir()}
    try:
        with redirect_stdout(output), redirect_stderr(errors), _inside(folder):
            cli.main(arguments)
    except SystemExit as left:
        errors.flush()
        said = errors.buffer.getvalue().decode()  # type: ignore[attr-defined]
        assert left.code in (0, 1, 2) and "Traceback" not in said, (left.code, said)
        drafts = [path for path in folder.rglob(f".*{os.getpid()}*") if path.is_file()]
        assert drafts == [], drafts
        if left.code == 2:
            assert before == {path: path.read_bytes() for path in folder.iterdir()}, list(folder.iterdir())
            raise OutputError(message("cli.error", text=said)) from None
    return None


_LONG = ("--watch", "--scheduler", "--processes")
"""What waits for others, or keeps the machine busy because it is asked to."""


def _is_beyond(word: str) -> bool:
    """Say whether an argument leads out of the folder, or asks for a long run."""
    digits = max(map(len, "".join(sign if sign.isdigit() else " " for sign in word).split()), default=0)
    return word.startswith(("/", "~", *_LONG)) or ".." in word or digits > 2 or "=/" in word


class _inside:
    """Runs a block in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.before = folder, Path.cwd()

    def __enter__(self) -> None:
        os.chdir(self.folder)

    def __exit__(self, *error: object) -> None:
        os.chdir(self.before)


COMMANDS = (
    "solve line -f json -o out", "solve mine.toml -f markdown --steps 2 --digits 5 --lang zh -o -",
    "solve xor --detail matrix -f text --quiet -o out", "check line --set parameters.W1=[['1/2']]", "schema",
    "train xor --epochs 3 --set training.learning_rate=1/2 --seed 4", "list activations", "list mistakes",
    "differentiate x**2*f(x) x", "code line --target c -o a.c", "new mine2", "diagnose line numbers.csv",
    "homework homework --students roster.csv --student-columns id=ID,name=Name -f markdown --anonymous -o class",
    "homework line --same --variants 2 -f text --forms --seed 3 --shard 1/2 --secret s -o class",
    "export homework --to moodle --variants 2 -o bank.xml", "grade class numbers.csv --into x --tolerance 2",
    "merge a b -o c", "predict mine.toml numbers.csv", "--version",
    "solve line -f json --set notation.naming=flat --set training={}",
)  # fmt: skip


def traced(data: bytes, folder: Path) -> object:
    """Trace a random function of NumPy arrays; what NumPy itself refuses is no function."""
    function = programs.function(data)
    arrays = {name: np.array(value) for name, value in programs.ARRAYS.items()}
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            plain = function(**arrays)
        except (ArithmeticError, AttributeError, IndexError, TypeError, ValueError):
            return None
        assert np.ndim(plain) == 0
        return sbp.trace(function, arrays)


def text_of(data: bytes) -> str:
    """Return bytes as the text that Python makes of an argument or a file that is not UTF-8."""
    return data.decode("utf-8", "surrogateescape")


def _texts(texts: Sequence[str]) -> Callable[[], Sequence[bytes]]:
    return lambda: [text.encode() for text in texts]


SETTINGS = (
    "line\ntraining.learning_rate=1.5\nnotation.naming=flat", "mazur\nnetwork.layers[0].activation=tanh\nparameters.b1=0",
    "homework\nvariants.W1={low=-1,high=1,step=0.5}\nhomework.ask=['L']", "xor\ndata.x=[[1,2]]\ntraining={}",
    'circuit\ngraph.equations=["L = x*w"]\ngraph.parameters={w=1}', "rnn\nnotation.digits=3\ntitle.en=x",
)  # fmt: skip

READERS: dict[str, Reader] = {
    "problem_file": Reader(problem_file, bundled_files),
    "problem_table": Reader(problem_table, bundled_tables, is_tree=True),
    "problem_in_use": Reader(problem_in_use, bundled_tables, is_tree=True),
    "settings": Reader(settings, _texts(SETTINGS)),
    "data_table": Reader(
        data_table, lambda: [b"a,b,class\n0.5,1,yes\n-1,2e3,no\n", b"x1;x2;y1;y2\n0,5;1;0;1\n1;1;1;0\n"]
    ),
    "saved_arrays": Reader(saved_arrays, saved_seeds),
    "expression": Reader(expression, _texts(EXPRESSIONS)),
    "answers": Reader(answers, _texts(ANSWERS)),
    "instructions": Reader(instructions, _texts(INSTRUCTIONS)),
    "roster": Reader(roster, lambda: ROSTERS),
    "submissions": Reader(submissions, lambda: SUBMISSIONS),
    "forms": Reader(submissions, lambda: FORMS),
    "pdf_form": Reader(pdf_form, lambda: [PDF]),
    "archive": Reader(archive, archive_seeds),
    "members": Reader(
        members, lambda: [as_json(MEMBERS), as_json({"b.tsv": "id\tz1_1\n1\t2\n", "": "x"})], is_tree=True
    ),
    "overrides": Reader(overrides, lambda: OVERRIDES),
    "gradebook": Reader(gradebook, lambda: GRADEBOOKS),
    "numbers": Reader(numbers, lambda: NUMBERS),
    "manifest": Reader(manifest, manifests, is_tree=True),
    "command": Reader(command, _texts([line.replace(" ", "\n") for line in COMMANDS])),
    "traced": Reader(traced, lambda: programs.SEEDS),
}
