"""When a run has trials enough, and tables that are read column by column."""

from __future__ import annotations

import itertools
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest

import raresim
from raresim.errors import InputError
from raresim.study import montecarlo, tasks
from raresim.study.columns import items, last_rows, taken
from raresim.study.parquet import ParquetTable
from raresim.study.stopping import Stopping, Tally, tally
from raresim.study.truth import true_values
from raresim.study.workers import spread
from tests.killing import files
from tests.worlds import CGD, world

SMALL = "duchenne-bespoke"


def blocks(many: int, size: int, share: float) -> list[tuple[np.ndarray, np.ndarray]]:
    """Successes and draws of some blocks; each draw has a chance of its own."""
    rng = np.random.Generator(np.random.PCG64(7))
    found = []
    for block in range(many):
        draws = block * size + np.arange(size) // 8
        chance = np.clip(share + 0.3 * rng.standard_normal(size)[draws - block * size], 0, 1)
        found.append((rng.random(size) < chance, draws))
    return found


@pytest.mark.parametrize("share", [0.0, 0.03, 0.5, 0.8, 1.0])
def test_the_error_is_that_of_the_summary(share: float) -> None:
    some = blocks(3, 101, share)  # the last draw of each is cut short
    found = sum((tally(*block) for block in some), Tally())
    hits, draws = (np.concatenate(parts) for parts in zip(*some, strict=True))
    expected = montecarlo.proportion(hits, draws)
    assert found.mcse == pytest.approx(expected.mcse, rel=1e-12)
    assert found.successes / found.trials == pytest.approx(expected.value)
    assert found.draws == len(np.unique(draws))


def test_a_run_stops_after_the_same_block_whoever_is_first() -> None:
    tallies = [tally(*block) for block in blocks(5, 96, 0.5)]
    sums = list(itertools.accumulate(tallies))
    target = 1.0001 * sums[2].mcse
    expected = next(k for k, each in enumerate(sums, 1) if each.mcse <= target)
    for order in itertools.permutations(range(5)):
        rule = Stopping(5, target)
        for block in order:
            rule.add(block, tallies[block])
        assert rule.needed == expected
    assert expected < 5


def test_a_run_stops_at_the_error_asked_for(tmp_path: Path) -> None:
    found = {}
    for workers in (1, 2):
        folder = tmp_path / str(workers)
        run = raresim.simulate(world(SMALL), mcse=0.0112, folder=folder, workers=workers)
        found[workers] = files(folder)
    assert found[1] == found[2]
    assert run.summary.replicates == 2048
    assert run.summary.stopped.reached and run.summary.success.mcse <= 0.0112
    first = raresim.simulate(world(SMALL), 1024, workers=1).summary.success.mcse
    assert first > 0.0112
    same = raresim.simulate(world(SMALL), 2048, workers=1)
    pd.testing.assert_frame_equal(same.trials, run.trials)
    assert same.summary.success == run.summary.success


def test_too_few_trials_for_the_error_are_told() -> None:
    run = raresim.simulate(world(SMALL), 100, mcse=0.001, workers=1)
    assert run.summary.replicates == 100
    assert run.summary.stopped.reached is False
    with pytest.raises(InputError, match="mcse: expected a share above 0 and below 1"):
        raresim.simulate(world(SMALL), mcse=2.0)


def test_tables_read_the_same_from_shards_from_a_folder_and_as_frames(tmp_path: Path) -> None:
    passing = raresim.simulate(world(CGD), 1100, workers=1)
    kept = raresim.simulate(world(CGD), 1100, workers=1, folder=tmp_path / "run")
    assert isinstance(kept.tables.trials, ParquetTable)
    assert not isinstance(passing.tables.trials, ParquetTable)
    for kind in ("trials", "analyses", "curves", "truth"):
        one, other = getattr(passing.tables, kind), getattr(kept.tables, kind)
        frame = other.frame()
        assert list(one.columns) == list(other.columns) == list(frame.columns)
        assert len(one) == len(other) == len(frame)
        for name in set(one.columns) - {"enrolled_by_month"}:
            np.testing.assert_array_equal(one[name], other[name])
            np.testing.assert_array_equal(one[name], frame[name].to_numpy())
            np.testing.assert_array_equal(one[name], one.frame()[name].to_numpy())
    some, month = slice(3, 9), "enrolled_by_month"
    lists = [items(run.tables.trials, month, some) for run in (passing, kept)]
    np.testing.assert_array_equal(*lists)
    np.testing.assert_array_equal(lists[0], np.stack(list(passing.trials[month]))[:, some])
    assert passing.summary.dict() == kept.summary.dict()
    for run in (passing, kept):
        with pytest.raises(KeyError):
            run.tables.trials["what"]


def test_a_run_works_out_nothing_that_nobody_asks_for(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(tasks, "true_values", lambda *of: asked.append(of) or true_values(*of))
    run = raresim.simulate(world(CGD), 64, workers=1)
    assert 0 < run.summary.success.value < 1
    assert not asked
    assert run.summary.estimands and asked


def test_last_rows_are_those_of_a_grouped_frame() -> None:
    rng = np.random.Generator(np.random.PCG64(3))
    replicate, value = rng.integers(0, 30, 50), rng.random(50)
    wanted = np.arange(32)
    expected = pd.Series(value).groupby(replicate).tail(1)
    expected.index = replicate[expected.index]
    found = taken(value, last_rows(wanted, replicate), np.nan)
    np.testing.assert_array_equal(found, expected.reindex(wanted).to_numpy())
    assert taken([], last_rows(wanted, []), False).tolist() == [False] * 32


@pytest.mark.parametrize("backend", ["threading", "multiprocessing"])
def test_the_back_end_of_joblib_is_the_callers_choice(backend: str) -> None:
    """Ray's is one like `multiprocessing`: it gives nothing back until a wave is done."""
    todo = list(range(20))
    with joblib.parallel_config(backend, n_jobs=2):
        found = list(spread(abs, iter(todo), 1, "block", len(todo)))
    assert sorted(found) == todo
