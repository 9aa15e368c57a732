"""Controls of an arm that opens later: who is concurrent, which period, what is adjusted for."""

from __future__ import annotations

import numpy as np
import pytest

from raresim.analysis import batch
from raresim.trial import Scenario, run_block
from raresim.trial.concurrent import analysed, periods
from raresim.trial.cut import cut
from raresim.trial.engine import BlockRun
from tests.worlds import world

TRIALS = 12


@pytest.fixture(scope="module")
def platform() -> Scenario:
    return world("als-platform", {})


@pytest.fixture(scope="module")
def run(platform: Scenario) -> BlockRun:
    return run_block(platform, "effect", 5, 0, "block", TRIALS)


def test_concurrent_is_who_came_while_the_arm_was_open(platform: Scenario, run: BlockRun) -> None:
    ledger, b = run.ledger, platform.arms.index("b")
    joins, closes = (run.performed[:, k, None] for k in (0, 2))
    meanwhile = (ledger.randomised > joins) & (ledger.randomised <= closes) & ledger.present
    found = analysed(platform, "b", ledger) & ledger.present
    assert np.array_equal(found, meanwhile & np.isin(ledger.arm, [0, b]))
    pooled = analysed(platform, "b_pooled", ledger) & ledger.present
    assert np.array_equal(pooled, ledger.present & np.isin(ledger.arm, [0, b]))
    assert (pooled.sum(1) > found.sum(1)).all()


def test_periods_begin_with_each_opening_and_closing(platform: Scenario, run: BlockRun) -> None:
    ledger = run.ledger
    turns = np.sort(run.performed[:, :3], axis=1)
    since = (ledger.randomised[..., None] > turns[:, None, :]).sum(-1)
    there = ledger.present
    assert np.array_equal(periods(ledger)[there], since[there])


def test_the_adjusted_analysis_is_that_of_all_arms_with_their_columns(
    platform: Scenario, run: BlockRun
) -> None:
    """The factors are what a reader would write down as columns of noughts and ones."""
    end = run.performed[:, -1]
    table = cut(platform, run.fate, run.ledger, end, "b_adjusted", final=True)
    period, other = np.moveaxis(table.factors, -1, 0)
    columns = [period == 1, period == 2, other == platform.arms.index("a")]
    covariates = np.concatenate(
        [table.covariates, np.stack(columns, axis=-1).astype(float)], axis=-1
    )
    who = table.who
    written = batch.ancova(table.change, covariates, who.arm, who.present)
    answered = run.analyst.records[run.analyst.looks[-1]]
    assert answered["estimate"] == pytest.approx(written.estimate, rel=1e-9)
    assert answered["p"] == pytest.approx(written.p_one_sided("greater"), rel=1e-9)
