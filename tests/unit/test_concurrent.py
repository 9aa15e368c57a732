"""Controls of an arm that opens later: who is concurrent, which period, what is adjusted for."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from raresim.analysis import batch
from raresim.errors import InputError
from raresim.trial import Scenario, run_block
from raresim.trial.cut.concurrent import analysed, periods
from raresim.trial.cut.table import cut
from raresim.trial.cut.tables import ChangeTable
from raresim.trial.engine import BlockRun
from tests.worlds import differences, world

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
    assert isinstance(table, ChangeTable)
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


def test_a_closed_arm_takes_nobody_and_may_still_claim(platform: Scenario, run: BlockRun) -> None:
    ledger, a = run.ledger, platform.arms.index("a")
    since = run.performed[:, 1, None]
    mine = ledger.present & (ledger.arm == a)
    assert (mine.sum(1) == 80).all()
    assert not (mine & (ledger.randomised > since)).any()
    final = {look.estimand: record for look, record in run.analyst.records.items()}
    assert final["a"]["rejected"].any()


def test_whom_nothing_closed_to_everybody_is_concurrent() -> None:
    """Where arms neither open nor close the two words mean the same."""
    plain = world("friedreich-48-weeks", {})
    pooled = plain.changed({"analysis.estimands.change.controls": "all"})
    runs = [run_block(scenario, "effect", 3, 0, "block", TRIALS) for scenario in (plain, pooled)]
    assert differences(*runs) == []


@pytest.mark.parametrize("resolution", [1, 30 * 86_400])
@pytest.mark.parametrize("scheme", [{}, {"method": "simple", "block": None, "strata": []}])
def test_both_conducts_open_and_close_arms_alike(resolution: int, scheme: dict[str, Any]) -> None:
    changes = {f"design.randomise.{key}": value for key, value in scheme.items()}
    small: dict[str, Any] = {
        "design.milestones.a_full.when.randomised": 20,
        "design.randomise.n": 90,
    }
    small["design.milestones.b_joins.when.calendar"] = "5 months"
    scenario = world("als-platform", {**small, **changes})
    runs = [
        run_block(scenario, "only_a", 9, 0, engine, TRIALS // 2, resolution)
        for engine in ("block", "simpy")
    ]
    assert differences(*runs) == []


def test_an_arm_that_never_opens_leaves_the_others_adjusted() -> None:
    """Levels that nobody has cost nothing: b is compared with nobody, a as if b were not there."""
    late: dict[str, Any] = {"design.milestones.b_joins.when.calendar": "10 years"}
    late["design.milestones.final.when"] = {
        "any": [{"everybody": "finished"}, {"calendar": "9 years"}]
    }
    late["analysis.methods.a.adjust_for"] = ["period"]
    late["analysis.estimands.a.controls"] = "all"
    scenario = world("als-platform", late)
    run = run_block(scenario, "effect", 2, 0, "block", 4)
    found = {look.estimand: record for look, record in run.analyst.records.items()}
    assert found["a"]["converged"].all()
    assert not found["b"]["converged"].any()
    plain = scenario.changed({"analysis.methods.a.adjust_for": []})
    again = run_block(plain, "effect", 2, 0, "block", 4)
    same = {look.estimand: record for look, record in again.analyst.records.items()}
    assert np.array_equal(found["a"]["p"], same["a"]["p"])


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("analysis.methods.b_adjusted.test", "mmrm", "'mmrm' does not adjust for the period"),
        ("analysis.methods.b_adjusted.test", "t", "'t' does not adjust for the period"),
        ("design.milestones.a_full.when.arm", "aa", "unknown arm 'aa'"),
        ("design.milestones.a_full.do", ["close aa"], "unknown arm 'aa'"),
        ("design.milestones.a_full.do", ["close control"], "the control is open as long as"),
        ("analysis.estimands.b.controls", "concurent", "concurrent"),
    ],
)
def test_what_cannot_be_is_refused(path: str, value: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        world("als-platform", {path: value})
