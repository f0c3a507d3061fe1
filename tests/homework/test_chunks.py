"""Whoever works: the same results, in any order; who dies is tried again, and who has another version is told so."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import symbackprop as sbp
from symbackprop.errors import MissingLibraryError, OutputError
from symbackprop.homework.classes import chunks, dask_cluster
from symbackprop.homework.classes.chunks import MOST_DEATHS, Workers, check_versions, versions, worked
from symbackprop.homework.handouts import distribution
from tests.helpers import each, require_module
from tests.homework.test_giving_out import Run, contents, run  # noqa: F401
from tests.homework.test_shards import PROBLEM, files

PARTS = list(range(7))


def squared(folder: str, part: int) -> int:
    """Return a square, after a death for each file of the part's that says so."""
    for death in range(MOST_DEATHS):
        grave = Path(folder) / f"{part}-{death}"
        if grave.exists():
            grave.unlink()
            os.kill(os.getpid(), signal.SIGKILL)
    return part * part


def doomed(folder: Path, deaths: dict[int, int]) -> str:
    """Say that some parts are to die so often."""
    for part, count in deaths.items():
        for death in range(count):
            (folder / f"{part}-{death}").touch()
    return str(folder)


@pytest.mark.parametrize("executor", [None, ThreadPoolExecutor], ids=["own", "threads"])
def test_results_are_the_same_whoever_works(tmp_path: Path, executor: Callable[[int], Executor] | None) -> None:
    """By one process, or by an executor of any kind."""
    given = None if executor is None else executor(2)
    assert {part: part**2 for part in PARTS} == dict(worked(squared, str(tmp_path), PARTS, 1, given))


@pytest.mark.sweep
@pytest.mark.skipif(os.name != "posix", reason="signals are POSIX")
def test_a_chunk_whose_process_dies_is_tried_again_and_the_third_time_given_up(tmp_path: Path) -> None:
    """Of ours: all others go on, and no result is missing or another."""
    folder = doomed(tmp_path, {1: 1, 5: MOST_DEATHS})
    assert {part: None if part == 5 else part**2 for part in PARTS} == dict(worked(squared, folder, PARTS, 2))
    assert not list(tmp_path.iterdir())


@pytest.mark.sweep
@pytest.mark.skipif(os.name != "posix", reason="signals are POSIX")
def test_an_executor_that_breaks_leaves_the_rest_to_another_run(tmp_path: Path) -> None:
    """One that was given cannot be begun anew: what it had not come to is given up, and nothing hangs."""
    folder = doomed(tmp_path, {0: 1})
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as given:
        found = dict(worked(squared, folder, PARTS, None, given))
    assert None is found[0]
    assert PARTS == sorted(found)
    assert all(result in (None, part**2) for part, result in found.items())


def test_an_error_of_the_work_is_an_error_of_the_run(tmp_path: Path) -> None:
    """It is no death: nobody tries again."""
    with ThreadPoolExecutor(1) as given, pytest.raises(TypeError):
        list(worked(squared, str(tmp_path), ["a"], None, given))  # type: ignore[list-item]


def test_only_so_many_chunks_are_on_their_way() -> None:
    """Results of a large class are not all in memory."""
    begun: list[int] = []

    class Slow(Executor):
        """One that works when it is looked at."""

        def submit(self, work: Callable[..., Any], /, *arguments: Any, **settings: Any) -> Future[Any]:
            begun.append(len(begun))
            found: Future[Any] = Future()
            found.set_result(work(*arguments))
            return found

    for seen, _ in enumerate(worked(squared, "", range(10), None, Workers(Slow, at_once=3)), start=1):
        assert len(begun) <= seen + 3
    assert 10 == len(begun)


# Versions


def test_versions_are_compared_before_anything_is_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker with another library, Python or program is named, with both versions."""
    check_versions(versions())
    for name in each(versions(), least=4):
        with pytest.raises(OutputError, match=f"another version of {name}"):
            check_versions({**versions(), name: "0"})
    monkeypatch.setattr(chunks, "versions", lambda: {"numpy": "0"})

    def never(shared: str, part: int) -> int:
        raise AssertionError

    with pytest.raises(OutputError, match="numpy"):
        chunks._checked(never, {"numpy": "1"}, "", 0)


# Homework


class Watched(ThreadPoolExecutor):
    """A thread that remembers what it was given, as another machine gets it."""

    sent: bytes = b""

    def submit(self, work: Callable[..., Any], /, *arguments: Any, **settings: Any) -> Future[Any]:
        """Take what stays of it on its way."""
        packed = pickle.dumps((work, arguments))
        self.sent += packed
        work, arguments = pickle.loads(packed)
        return super().submit(work, *arguments, **settings)


def give(folder: Path, executor: Executor | None) -> Path:
    """Give out to a class of several chunks."""
    students = {f"s{number}": f"Student {number}" for number in range(7)}
    secret = folder.parent / "secret"
    course = sbp.homework(PROBLEM, students=students, folder=folder, secret=secret, formats=["text"], executor=executor)
    assert not course.unfinished
    return folder


def test_the_secret_stays_where_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An executor gets codes and numbers, each chunk its own students, and the files are those of one process."""
    monkeypatch.setattr(distribution, "CHUNK", 2)
    with Watched(1) as watched:
        given_out = give(tmp_path / "executor", watched)
    assert files(given_out) == files(give(tmp_path / "process", None))
    secret = (tmp_path / "secret").read_text().strip()
    assert 32 == len(secret)
    assert secret.encode() not in watched.sent
    assert all(1 == watched.sent.count(f"Student {number}".encode()) for number in range(7))


def test_students_who_were_given_up_are_named_and_come_next_time(
    run: Run,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The others have their files; the second run writes what is missing, and nothing else."""

    def failing(*arguments: Any) -> Iterator[tuple[int, Any]]:
        for place, found in honest(*arguments):
            yield place, None if place == 1 else found

    honest = worked
    monkeypatch.setattr(distribution, "CHUNK", 2)
    give_out = ("homework", "homework", "--variants", "5", "-f", "text", "--processes", "1", "-o", "class")
    with monkeypatch.context() as patch:
        patch.setattr(chunks, "worked", failing)
        assert "the documents of 2 students were given up" in (printed := run(*give_out, code=1))
        assert "(3, 4)" in printed
    before = contents("class")
    assert {"1", "2", "5"} == {path.stem for path in Path("class/students/sheets").iterdir()}
    run(*give_out)
    after = contents("class")
    assert before.items() - after.items() == {item for item in before.items() if item[0].endswith("unfinished.json")}
    assert {"1", "2", "3", "4", "5"} == {path.stem for path in Path("class/students/sheets").iterdir()}


# Dask


@pytest.fixture(scope="module")
def scheduler() -> Iterator[str]:
    """Return the address of a cluster with one worker, in threads of this process."""
    distributed = require_module("distributed")
    settings: dict[str, Any] = {"processes": False, "dashboard_address": None, "protocol": "tcp://"}
    with distributed.LocalCluster(n_workers=1, threads_per_worker=1, **settings) as cluster:
        yield cluster.scheduler_address


def test_a_cluster_writes_what_one_process_writes(run: Run, scheduler: str) -> None:  # noqa: F811
    """By the command, with the address of the scheduler."""
    options = ("homework", "homework", "--variants", "3", "-f", "text", "--secret", "s")
    one = run(*options, "--processes", "1", "-o", "one")
    many = run(*options, "--scheduler", scheduler, "-o", "many")
    assert one.splitlines()[-1] == many.splitlines()[-1]


def test_what_is_no_cluster_is_said(monkeypatch: pytest.MonkeyPatch, scheduler: str) -> None:
    """Where nobody answers, where workers differ, and where Dask is not installed."""
    with monkeypatch.context() as patch:
        patch.setattr(dask_cluster, "SECONDS", 0.2)
        with pytest.raises(OutputError, match="no scheduler"), dask_cluster.workers_of("tcp://127.0.0.1:1"):
            pass
    with monkeypatch.context() as patch:
        patch.setattr(dask_cluster, "versions", lambda: {**versions(), "numpy": "0"})
        with pytest.raises(OutputError, match="another version of numpy"), dask_cluster.workers_of(scheduler):
            pass
    with monkeypatch.context() as patch:
        patch.setitem(__import__("sys").modules, "distributed", None)
        with pytest.raises(MissingLibraryError, match="pip install"), dask_cluster.workers_of(scheduler):
            pass
