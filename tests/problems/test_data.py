"""Samples out of CSV files: columns, classes, exact numbers, and a message with the line for whatever is wrong."""

from __future__ import annotations

import functools
import gzip
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import symbackprop as sbp
from symbackprop.csv_tables import read_csv, write_csv
from symbackprop.errors import SymbackpropError
from symbackprop.problems import Problem
from symbackprop.problems.load import load
from tests.helpers import each, many

NETWORK = """
[network]
inputs = {inputs}
loss = "{loss}"
layers = [{{ units = {outputs}, activation = "{activation}" }}]
[parameters]
seed = 1
[data]
{data}
"""


compressed = functools.partial(gzip.compress, mtime=0)
"""Compresses to the same bytes at every time."""


def problem(folder: Path, table: str | bytes, **options: Any) -> Problem:
    """Return a problem of one layer whose data stands in a file beside it."""
    (folder / "data.csv").write_bytes(table.encode() if isinstance(table, str) else table)
    known = {"inputs": 2, "outputs": 1, "loss": "half_squared_error", "activation": "linear", **options}
    known.setdefault("data", 'file = "data.csv"')
    file = folder / "problem.toml"
    file.write_text(NETWORK.format(**known))
    return load(file)


def texts(found: Problem, name: str) -> list[str]:
    """Return the numbers of an array as they are stated."""
    return [given.text for given in found.arrays[name].entries if given is not None]


def test_columns_in_order_are_inputs_and_targets(tmp_path: Path) -> None:
    """Without names the first columns are inputs and the others targets; numbers are exact and stay as written."""
    found = problem(tmp_path, "a,b,t\n0.10,-2,1\n+.5,1e-2,0.30\n")
    assert 2 == found.samples
    assert (2, 2) == found.arrays["x"].shape
    assert (2, 1) == found.arrays["y"].shape
    assert ["0.10", "-2", "0.5", "0.01"] == texts(found, "x")
    assert ["1", "0.30"] == texts(found, "y")
    assert Fraction(1, 10) == found.arrays["x"].entries[0].value  # type: ignore[union-attr]


def test_compressed_file_is_what_is_in_it(tmp_path: Path) -> None:
    """A .gz file has the samples of the file in it, also in an encoding and with a delimiter of its own."""
    for content in each(("a,b,t\n0.10,-2,1\n", "a;b;t\n0,10;-2;1\n".encode("utf-16"))):
        plain = content.encode() if isinstance(content, str) else content
        assert texts(problem(tmp_path, plain), "x") == texts(problem(tmp_path, compressed(plain)), "x")


def test_columns_are_found_by_name(tmp_path: Path) -> None:
    """Names pick columns in any order; columns that are not named are left alone."""
    data = 'file = "data.csv"\ninputs = ["b", "a"]\ntargets = ["t"]'
    found = problem(tmp_path, "id;t;a;b\nx1;3;1;2\nx2;6;4;5\n", data=data)
    assert ["2", "1", "5", "4"] == texts(found, "x")
    assert ["3", "6"] == texts(found, "y")


def test_inputs_with_names_are_found_by_them(tmp_path: Path) -> None:
    """A network whose inputs have names takes the columns that are called so."""
    found = problem(tmp_path, "t,sleep,hours\n9,8,7\n", inputs='["hours", "sleep"]')
    assert ["7", "8"] == texts(found, "x")
    assert ["9"] == texts(found, "y")


def test_a_table_of_one_row_is_a_batch_of_one(tmp_path: Path) -> None:
    """Rows are samples: one row is a batch that holds one."""
    found = problem(tmp_path, "a,b,t\n1,2,3\n")
    assert 1 == found.samples
    assert (1, 2) == found.arrays["x"].shape


def test_a_column_of_classes_is_one_hot(tmp_path: Path) -> None:
    """For cross-entropy one column may hold the class, counted from 0; one column per output is taken as it is."""
    options = {"outputs": 3, "loss": "cross_entropy", "activation": "softmax"}
    found = problem(tmp_path, "a,b,kind\n1,2,2\n3,4,0\n5,6,1.0\n", **options)
    assert ["0", "0", "1", "1", "0", "0", "0", "1", "0"] == texts(found, "y")
    whole = problem(tmp_path, "a,b,k0,k1,k2\n1,2,0.2,0.3,0.5\n", **options)
    assert ["0.2", "0.3", "0.5"] == texts(whole, "y")


@settings(max_examples=many(30), deadline=None, derandomize=True)
@given(
    rows=st.lists(
        st.tuples(*[st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-999, max_value=999)] * 3),
        min_size=1,
        max_size=6,
    ),
    delimiter=st.sampled_from(",;\t|"),
    bom=st.booleans(),
    end=st.sampled_from(["\n", "\r\n"]),
)
def test_what_is_written_is_read(
    rows: list[Any], delimiter: str, bom: bool, end: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Whatever the delimiter, mark and line ends, every number arrives exactly."""
    lines = ["a" + delimiter + "b" + delimiter + "t", *(delimiter.join(map(str, row)) for row in rows)]
    folder = tmp_path_factory.mktemp("data")
    found = problem(folder, ("\ufeff" if bom else "") + end.join(lines) + end)
    flat = [entry.value for entry in found.arrays["x"].entries if entry is not None]
    assert [Fraction(number) for row in rows for number in row[:2]] == flat
    assert [Fraction(row[2]) for row in rows] == [e.value for e in found.arrays["y"].entries if e is not None]


NAMED = 'file = "data.csv"\n'
CLASSES = {"outputs": 3, "loss": "cross_entropy", "activation": "softmax"}


@pytest.mark.parametrize(
    ("table", "options", "match"),
    [
        ("a,b,t\n1,2,3\n1,zwei,3\n", {}, r'data\.csv:3: expected a number in column "b", found "zwei"'),
        (
            "a,b,t\n1,2,3\n1,nan,3\n",
            {},
            r'data\.csv:3: the cell of column "b" says "nan", that a value is missing',
        ),
        ("a,b,t\n1,=1+1,3\n", {}, r"data\.csv:2: expected a number"),
        ("a,b,t\n1,1_000,3\n", {}, r"data\.csv:2: expected a number"),
        ("a,b,t\n1,١,3\n", {}, r"data\.csv:2: expected a number"),
        ("a,b,t\n1,1e999,3\n", {}, r"data\.csv:2: .*finite"),
        ("a,b,t\n1,2,3\n\n1,,3\n", {}, r'data\.csv:4: the cell of column "b" is empty'),
        ("a,b,t\n1,2\n", {}, r"data\.csv:2: the row has 2 cells, the header 3"),
        ("a,b,t\n1,2,3,4\n", {}, r"data\.csv:2: the row has 4 cells, the header 3"),
        ("", {}, r"data\.csv: the file is empty"),
        ("a,b,t\n", {}, r"data\.csv: the table has a header and no rows"),
        ("a,a,t\n1,2,3\n", {}, r'data\.csv:1: two columns are called "a"'),
        ("a,b\n1,2\n", {}, r"data\.csv:1: the table has 2 columns; 2 inputs and 1 outputs need 3"),
        ("a,b,t,u\n1,2,3,4\n", CLASSES, r"need 3 / 5"),
        ("a,b,k\n1,2,3\n", CLASSES, r'data\.csv:2: expected a class from 0 to 2 in column "k", found "3"'),
        ("a,b,k\n1,2,-1\n", CLASSES, r"expected a class from 0 to 2"),
        ("a,b,k\n1,2,0.5\n", CLASSES, r"expected a class from 0 to 2"),
        ("a,b,k\n1,2, \n", CLASSES, r'the cell of column "k" is empty'),
        ("a,b,k\n1,2,a\n1,2,NA\n", CLASSES, r'data\.csv:3: the cell of column "k" says "NA"'),
        ("a,b,k\n1,2,a\n1,2,b\n", CLASSES, r'data\.csv: the column "k" names 2 classes, and the network tells 3: a, b'),
        ("1,2,3\n4,5,6\n", {}, r"data\.csv:1: the first line holds numbers.*x1,x2,y"),
        ("1,5;2,5;3\n4;5;6\n", {}, r"data\.csv:1: the first line holds numbers"),
        ("a,b,t\n1,2,3\n,,\n", {}, r"data\.csv:3: all cells of the row are empty"),
        ("a;b;t\n1,234;2;3\n", {}, r'data\.csv:2: in column "a" the comma of "1,234" may'),
        ("a;b;t\n1,23;2.5;3\n", {}, r'data\.csv:2: expected a number in column "b"'),
        ("a;b;t\n1.234,5;2;3\n", {}, r'data\.csv:2: expected a number in column "a"'),
        ("A,a,t\n1,2,3\n", {"inputs": '["a", "b"]'}, r'no column "b"'),
        (
            "height,width,t\n1,2,3\n",
            {"inputs": '["width", "heigth"]'},
            r'no column "heigth".*\n.*did you mean "height"',
        ),
        (b"\x1f\x8b\x08\0", {}, r"data\.csv: this compressed file is damaged"),
        (compressed(b"a,b,t\n1,2,3\n")[:-9], {}, r"data\.csv: this compressed file is damaged"),
        (compressed(b"a,b,t\n1,2,x\n"), {}, r"data\.csv:2: "),
        (compressed(b" " * 60_000_000), {}, r"data\.csv: .*50"),
        (compressed(compressed(b"a,b,t\n1,2,3\n")), {}, r"data\.csv: this is a compressed file"),
        (b"BZh9", {}, r"data\.csv: this is a compressed file"),
        ("a,b,t\n1,2,3\n", {"data": NAMED + 'inputs = ["a", "bb"]'}, r'no column "bb".*\n.*did you mean "b"'),
        ("a,b,t\n1,2,3\n", {"data": NAMED + 'inputs = ["a"]'}, r"data\.inputs: number of columns named: 1 \(a\)"),
        ("a,b,t\n1,2,3\n", {"data": NAMED + "targets = []"}, r"data\.targets: number of columns named: 0"),
        ("a,b,t\n1,2,3\n", {"data": NAMED + "inputs = 2"}, r"data\.inputs: expected a list"),
        ("a,b,t\n1,2,3\n", {"data": NAMED + "inputs = [1, 2]"}, r"data\.inputs\[0\]: expected a text"),
        ("a,b,t\n1,2,3\n", {"data": "file = 3"}, r"data\.file: expected a text"),
        ("a,b,t\n1,2,3\n", {"data": 'inputs = ["a"]'}, r"no file"),
        ("a,b,t\n1,2,3\n", {"data": NAMED + "x = [1, 2]"}, r"exclude each other"),
        ("a,b,t\n1,2,3\n", {"data": 'file = "dta.csv"'}, r"dta\.csv: the file cannot be read"),
        ("a,b,t\n1,2,3\n", {"data": 'fil = "data.csv"'}, r'did you mean "file"'),
    ],
)
def test_what_is_wrong_has_a_message_with_its_place(
    table: str, options: dict[str, Any], match: str, tmp_path: Path
) -> None:
    """The message names the file, the line, and what was expected there."""
    with pytest.raises(SymbackpropError, match=match):
        problem(tmp_path, table, **options)


def test_samples_of_a_file_train_like_written_ones(tmp_path: Path) -> None:
    """A solution and a training of a file's samples are those of the same samples in the problem file."""
    found = problem(tmp_path, "a,b,t\n0.5,-1,1\n1,0.25,0\n0,1,1\n")
    data = "x = [[0.5, -1], [1, 0.25], [0, 1]]\ny = [[1], [0], [1]]"
    written = problem(tmp_path, "", data=data)
    assert written.arrays == found.arrays
    histories = [sbp.train(each, learning_rate=0.1, epochs=5) for each in (found, written)]
    assert histories[0].losses.tolist() == histories[1].losses.tolist()


def test_rows_may_be_short_unless_all_cells_are_asked_for(tmp_path: Path) -> None:
    """A table of a class may lack cells at the end; one of samples may not."""
    path = tmp_path / "table.csv"
    path.write_text("a,b\n1\n")
    assert {"a": "1", "b": ""} == read_csv(path).rows[0][1]
    with pytest.raises(SymbackpropError, match="1 cells"):
        read_csv(path, whole_rows=True)


def test_numbers_are_written_as_they_are() -> None:
    """Negative numbers, exponents and what is not finite are cells like others; formulas are not."""
    assert "a\n-0.5\n-1e-05\n'=1+1\ninf\n" == write_csv(["a"], [[-0.5], [-1e-05], ["=1+1"], [float("inf")]])


SEMICOLONS = "a;b;t\n1,70;-2;1,5e2\n0,125;3;1,234\n"


def test_decimals_may_have_a_comma_where_cells_do_not(tmp_path: Path) -> None:
    """Between semicolons a comma is that of a decimal, once one number of the columns shows it."""
    found = problem(tmp_path, SEMICOLONS)
    assert [1.7, -2, 0.125, 3] == found.arrays["x"].floats()
    assert [150, 1.234] == found.arrays["y"].floats()


def test_inputs_with_names_are_found_whatever_their_capitals(tmp_path: Path) -> None:
    """Columns are found as those are that a key names: by name, however the letters are cased."""
    found = problem(tmp_path, "Chins,Situps,Jumps\n1,2,3\n", inputs='["jumps", "situps"]')
    assert (["3", "2"], ["1"]) == (texts(found, "x"), texts(found, "y"))


def test_column_that_two_names_fit_is_an_error(tmp_path: Path) -> None:
    """A name that two columns have in other letters picks none of them; written as it stands, it does."""
    path = tmp_path / "x.csv"
    path.write_text("Id,ID,name\n1,2,3\n")
    sheet = read_csv(path)
    assert "ID" == sheet.column("ID", "inputs") and "name" == sheet.column("Name", "inputs")
    with pytest.raises(SymbackpropError, match='several columns are called "id"'):
        sheet.column("id", "inputs")


def test_classes_may_have_names(tmp_path: Path) -> None:
    """Names in the column of targets are classes in alphabetical order: one-hot, or 0 and 1 for one output of shares."""
    found = problem(tmp_path, "a,b,k\n1,2,wolf\n3,4,ape\n5,6,cat\n", **CLASSES)
    assert ("ape", "cat", "wolf") == found.classes
    assert [0, 0, 1, 1, 0, 0, 0, 1, 0] == found.arrays["y"].floats()
    found = problem(tmp_path, "a,b,k\n1,2,yes\n3,4,no\n", loss="bce", activation="sigmoid")
    assert (("no", "yes"), [1, 0]) == (found.classes, found.arrays["y"].floats())
    assert () == problem(tmp_path, "a,b,k\n1,2,1\n3,4,0\n", loss="bce", activation="sigmoid").classes


READINGS = {
    "gb18030": ("学号,姓名\n1,王小明\n2,张伟\n3,欧阳修\n", None),
    "euc-kr": ("id,name\n20250001,김민준\n2,이서연\n", 'euc-kr reads "김민준"'),
    "euc-jp": ("id,name\n1,田中一郎\n2,さとう\n", 'euc-jp reads "田中一郎"'),
    "cp1251": ("id,name\n1,Петр\n2,Анна\n", 'cp1251 reads "Петр"'),
    "cp1252": ("id,name\n1,Conceição\n2,Assunção\n", 'cp1252 reads "Conceição"'),
    "latin-1": ("Größe,b,t\n1,2,3\n", 'cp1252 reads "Größe"'),
}


@pytest.mark.parametrize("encoding", READINGS)
def test_encoding_is_guessed_only_where_one_reads_well(encoding: str, tmp_path: Path) -> None:
    """A guess is said with something as it was read; where another encoding reads a text too, that is an error with both."""
    text, match = READINGS[encoding]
    path = tmp_path / "x.csv"
    path.write_bytes(text.encode(encoding))
    if match is None:
        sheet = read_csv(path, encoding="")
        assert sheet.guess is not None and "王小明" == sheet.guess.arguments["sample"]
    else:
        with pytest.raises(SymbackpropError, match=match):
            read_csv(path, encoding="")
    assert text.partition(",")[0] == read_csv(path, encoding=encoding).columns[0]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("mark", [True, False])
def test_table_is_written_as_it_was_read(delimiter: str, mark: bool, tmp_path: Path) -> None:
    """Delimiter and byte-order mark are known of a table, and can be written again; a lone sign is no formula."""
    rows = [["1", "Ä", "-"], ["2", "b", "+1"]]
    path = tmp_path / "x.csv"
    path.write_text(write_csv(["id", "name", "grade"], rows, delimiter=delimiter, bom=mark), "utf-8")
    sheet = read_csv(path)
    assert (delimiter, mark) == (sheet.delimiter, sheet.has_bom)
    assert rows == [list(row.values()) for _, row in sheet.rows]
