"""The parts of a training: its settings, the samples of each update, the loop, and the history that is left."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

import symbackprop as sbp
from symbackprop.descent import compiled_course, epochs
from symbackprop.errors import ProblemError
from symbackprop.training import batching, history, watching
from symbackprop.training.batching import UpdateBlock
from symbackprop.training.settings import settled
from tests.helpers import each


def test_settings_asked_for_take_the_place_of_those_of_the_problem() -> None:
    """What is asked for wins, what is not asked for stays; steps take the place of epochs and the other way round."""
    xor = sbp.example("xor")
    found = settled(xor, 4, {"steps": 7, "optimizer": "adam", "batch_size": None})
    assert ("adam", 7, None) == (found.optimizer, found.steps, found.epochs)
    assert xor.training is not None
    assert xor.training.seed == found.seed
    with pytest.raises(ProblemError):
        settled(sbp.problem({"network": {"inputs": 1, "layers": [{"units": 1}], "loss": "mse"}}), 1, {})


def test_batches_of_an_epoch_have_every_sample_once() -> None:
    """Shuffled batches of two out of five: three updates an epoch, the last one smaller, each sample in one of them."""
    training = settled(sbp.example("xor"), 5, {"steps": 6, "batch_size": 2, "shuffle": True})
    blocks = list(itertools.takewhile(lambda block: block.epochs[0] == 1, batching.from_arrays(5, training, 0)))
    taken = [int(sample) for block in blocks for sample in np.ravel(block.batches)]
    assert [0, 1, 2, 3, 4] == sorted(taken)
    assert 3 == sum(block.updates for block in blocks)
    assert [False, False, True] == [bool(ends) for block in blocks for ends in block.ends]


def test_training_that_goes_on_leaves_out_the_updates_that_are_done() -> None:
    """From the second update on, the batches are those that would have come."""
    training = settled(sbp.example("xor"), 5, {"steps": 6, "batch_size": 2, "shuffle": True})

    def first(done: int, count: int) -> list[int]:
        blocks = itertools.islice(batching.from_arrays(5, training, done), count)
        return [int(sample) for block in blocks for sample in np.ravel(block.batches)]

    assert first(0, 2)[2:] == first(1, 2)


def block_of(epoch: int, batches: np.ndarray[Any, Any]) -> UpdateBlock:
    """Return the updates of one epoch, which ends with the last of them."""
    ends = np.arange(len(batches)) == len(batches) - 1
    return UpdateBlock(np.full(len(batches), epoch), ends, batches)


def test_block_of_updates_splits_and_joins() -> None:
    """A block gives its first updates and keeps the others; only the last part ends the epoch. Joined they are one again."""
    block = block_of(1, np.arange(6).reshape(3, 2))
    first, rest = block.split(2)
    assert rest is not None
    assert ((2, [False, False]), (1, [True])) == (
        (first.updates, first.ends.tolist()),
        (rest.updates, rest.ends.tolist()),
    )
    (whole,) = batching.joined([first, rest])
    np.testing.assert_array_equal(block.batches, whole.batches)
    other = block_of(1, np.arange(3).reshape(1, 3))
    assert first.joins(rest) and not first.joins(other)
    assert 2 == len(batching.joined([first, rest, other]))
    assert (block, None) == block.split(3)


def test_batches_that_are_handed_over_are_pairs() -> None:
    """A list of pairs of arrays is batches, an array is not; what is no pair is refused where it stands."""
    x, y = np.ones((2, 3)), np.ones((2, 1))
    assert batching.is_batches([(x, y)], None)
    assert not batching.is_batches(x, None) and not batching.is_batches([(x, y)], y)
    assert (x, y) == batching.pair((x, y), "x")
    with pytest.raises(ProblemError, match="x"):
        batching.pair((x,), "x")


def test_held_back_samples_are_some_and_not_all() -> None:
    """A fraction is at least one sample and leaves one; together both parts are all samples, without one twice."""
    assert [1, 1, 3] == [batching.held_out_count(4, fraction) for fraction in (0.01, 0.25, 0.99)]
    data = (5, [np.arange(5), np.arange(5) * 10])
    (kept, parts), (watched, others) = batching.held_back(data, 0.4, seed=3)
    assert (3, 2) == (kept, watched)
    assert [0, 1, 2, 3, 4] == sorted([*parts[0], *others[0]])
    with pytest.raises(ProblemError):
        batching.held_back((1, [np.ones(1)]), 0.5, 1)


def test_loop_tells_its_callback_every_update() -> None:
    """A training of four updates calls back four times with falling losses; the rate is no setting of the others."""
    seen: list[history.TrainingState] = []
    found = sbp.train(sbp.example("line"), steps=4, callbacks=[seen.append])
    assert [1, 2, 3, 4] == [state.step for state in seen]
    assert sorted((state.loss for state in seen), reverse=True) == [state.loss for state in seen]
    assert "learning_rate" not in compiled_course.fractions(found.training)


def test_history_is_an_archive_and_a_log() -> None:
    """The log has a row for each update under its columns; the archive has the parameters by name."""
    found = sbp.train(sbp.example("line"), steps=3)
    header, *rows = found.log().splitlines()
    assert ",".join(history.COLUMNS) == header
    assert 3 == found.last == len([row for row in rows if not row.startswith("0,")])
    assert found.archive()[:2] == b"PK"
    assert (5, 10) == (history.Every(5, print).after(0), history.Every(5, print).after(5))


def test_watching_marks_the_updates_that_somebody_wants_to_see() -> None:
    """A callback after every third update, one record, and ends of epochs where a loss is watched that no update knows."""
    gradient = sbp.compile(sbp.derive(sbp.example("xor")))
    data = gradient.arguments.data_arrays(None, None)
    training = settled(sbp.example("xor"), 4, {"steps": 9, "batch_size": 2})
    steps, ends = np.arange(5, 11), np.array([False, True] * 3)
    calls = [history.Every(3, print)]
    for validation, expected in ((None, [6, 7, 9]), (data, [6, 7, 8, 9, 10])):
        found = watching.Watching(gradient, training, data, validation=validation, callbacks=calls, recorded=[7])
        assert expected == steps[found.looks(steps, ends)].tolist()


def test_watch_takes_many_losses_as_it_takes_one_after_the_other() -> None:
    """The place where training ends does not depend on how many losses come at a time."""
    losses = np.random.default_rng(5).uniform(size=40).tolist()
    for patience in (1, 2, 5, 9, 40):
        single, all_at_once = (epochs.Watch(0.05, patience, 0.9) for _ in range(2))
        stops = [single.stops(loss) for loss in losses]
        assert (stops.index(True) if any(stops) else None) == all_at_once.stops_at(losses)


@pytest.mark.parametrize("steps", [1, 3, 120_000])
def test_history_holds_arrays_of_its_own(steps: int) -> None:
    """However many stretches a training had, what it noted of each update can be written to, one number at a time."""
    found = sbp.train("line", steps=steps, learning_rate=0.01)
    for array in each((found.losses, found.learning_rates, found.epochs)):
        assert (steps,) == array.shape and array.flags.writeable
    found.learning_rates[0] = 7.0
    assert [7.0, *[0.01] * min(steps - 1, 2)] == found.learning_rates[:3].tolist()
