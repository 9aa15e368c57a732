"""Luck blocks that go through the arrays together give, trial by trial, what they give alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import raresim
from raresim.streams import LUCK_BLOCK
from raresim.study import tasks
from raresim.study.tables import analyses_table, trials_table
from raresim.study.tasks import trials_of
from raresim.trial import Scenario, run_block
from tests.worlds import ATAXIA, CGD, world

FILES = Path(__file__).parents[1] / "benchmarks" / "workloads"
FIXED = {"truth.uncertainty": "fixed"}
MORE = 40
"""Trials of the last block, which is not a whole one."""


def asked(name: str) -> Scenario:
    if (file := FILES / f"{name}.yaml").is_file():
        return raresim.load_scenario(file)
    return world(name, FIXED)


@pytest.mark.parametrize(
    "name",
    ["w3", "w5", "w6", "w7", CGD, ATAXIA, "cgd-efficacy-and-futility", "duchenne-bespoke"],
)
def test_blocks_together_are_those_one_by_one(name: str) -> None:
    scenario = asked(name)
    effect = scenario.hypotheses[0]
    whole = run_block(scenario, effect, 3, 4, replicates=LUCK_BLOCK + MORE)
    parts = [(4, LUCK_BLOCK), (5, MORE)]
    alone = [(run_block(scenario, effect, 3, b, replicates=n), b) for b, n in parts]
    for table in (trials_table, analyses_table):
        together = table(scenario, whole, 4)
        for column in together.columns:
            one_by_one = np.concatenate([table(scenario, run, b)[column] for run, b in alone])
            np.testing.assert_array_equal(together[column], one_by_one, err_msg=column)


def test_tasks_hold_the_same_blocks_whoever_does_them() -> None:
    small = asked("w3")
    found = trials_of(small, 20 * LUCK_BLOCK + MORE, curves=False, single=False)
    assert [task.number for task in found] == [0, 4, 8, 12, 16, 20]
    assert [task.replicates for task in found] == [4 * LUCK_BLOCK] * 5 + [MORE]
    single = trials_of(small, 3 * LUCK_BLOCK, curves=False, single=True)
    assert [task.replicates for task in single] == [LUCK_BLOCK] * 3
    drawn = small.changed({"truth.uncertainty": "all"})
    assert len(trials_of(drawn, 20 * LUCK_BLOCK, curves=False, single=False)) == 20


def test_a_run_is_the_same_with_more_blocks_in_a_task(monkeypatch: pytest.MonkeyPatch) -> None:
    scenario, trials = asked("w3"), 8 * LUCK_BLOCK
    some = raresim.simulate(scenario, trials, workers=1)
    monkeypatch.setattr(tasks, "MOST_TOGETHER", 1)
    single = raresim.simulate(scenario, trials, workers=1)
    for kind in ("trials", "analyses", "curves"):
        one, other = getattr(some.tables, kind), getattr(single.tables, kind)
        for column in one.columns:
            np.testing.assert_array_equal(one[column], other[column], err_msg=column)
    assert some.summary.success == single.summary.success
