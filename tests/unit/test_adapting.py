"""Arms chosen by the data: ratios that follow them, selection, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from raresim.analysis.bayesian import best_mean
from raresim.errors import InputError
from raresim.randomisation import adaptive_parts
from raresim.trial import run_block
from raresim.trial.plan import make_plan
from tests.three_arms import adapts, two_doses
from tests.worlds import differences

DESIGNS: dict[str, list[list[Any]]] = {
    "adapts": [[adapts()], [adapts(power=1, control_fixed=0.4)]],
    "keeps": [[{"keep_best": 1, "of": ["low", "high"]}]],
    "both": [["drop low if futility", adapts()], [{"keep_best": 1, "of": ["high", "low"]}]],
}


@pytest.mark.parametrize("resolution", [1, 30 * 86_400])
@pytest.mark.parametrize("name", DESIGNS)
def test_conducts_agree(name: str, resolution: int) -> None:
    scenario = two_doses(*DESIGNS[name])
    runs = [
        run_block(scenario, "effect", 3, 0, engine, 16, resolution) for engine in ("block", "simpy")
    ]
    assert differences(*runs) == []


def test_a_row_of_a_batch_is_that_trial_alone() -> None:
    scenario = two_doses(*DESIGNS["adapts"])
    many, few = (run_block(scenario, "effect", 3, 0, "block", rows) for rows in (16, 5))
    assert np.array_equal(many.ledger.arm[:5, :40], few.ledger.arm[:, :40])


def test_the_share_of_an_arm_follows_what_is_seen_of_it() -> None:
    """The better of two doses gets more patients after the look, and nobody too few."""
    scenario = two_doses([adapts(power=1)], patients=24)
    run = run_block(scenario, "effect", 3, 0, replicates=128)
    after = run.ledger.present & (run.ledger.randomised > run.performed[:, :1])
    share = [(after & (run.ledger.arm == arm)).sum() / after.sum() for arm in range(3)]
    assert share[2] > share[1] > share[0] > 0.1
    assert share[2] > 0.4


def test_only_the_best_arm_gets_patients_after_it_was_chosen() -> None:
    scenario = two_doses([{"keep_best": 1, "of": ["low", "high"]}])
    run = run_block(scenario, "effect", 3, 0, replicates=64)
    seen = [run.analyst.records[look]["z"] for look in run.analyst.looks[:2]]
    low, high = (np.where(np.isnan(z), -np.inf, z) for z in seen)
    after = run.ledger.present & (run.ledger.randomised > run.performed[:, :1])
    for arm, lost in ((1, low < high), (2, high < low)):
        assert 0 < lost.sum() < 64
        assert not (after & (run.ledger.arm == arm))[lost].any()
        last = run.analyst.records[run.analyst.looks[arm + 1]]
        assert not last["rejected"][lost].any()
    assert np.array_equal(run.analyst.dropped[:, 1], low < high)


def test_parts_are_those_of_the_data_seen() -> None:
    """What was decided at a look is worked out again from the readings of its patients."""
    scenario = two_doses([adapts(power=1)], patients=24)
    run = run_block(scenario, "effect", 3, 0, replicates=4)
    at, ledger = run.performed[:, 0], run.ledger
    decided = run.analyst.perform(run.fate, ledger, 0, at, np.arange(4)).changes
    assert [change.kind for change in make_plan(scenario).changes] == ["part"] * 3
    for row in range(4):
        known = ledger.visits[row, :, 1] + ledger.lag[row] <= at[row]
        arm, who = ledger.arm[row], run.fate.place(ledger.candidate)[row]
        read = np.array(
            [
                run.fate.lives.arms[a].readings["mfars"][row, i]
                for a, i in zip(arm, who, strict=True)
            ]
        )
        change = read[:, 2] - read[:, 0]
        groups = [change[known & (arm == a)] for a in range(3)]
        df = sum(len(g) - 1 for g in groups)
        sd = np.sqrt(sum(((g - g.mean()) ** 2).sum() for g in groups) / df)
        mean = np.array([[g.mean() for g in groups]])
        se = np.array([[sd / np.sqrt(len(g)) for g in groups]])
        wanted = adaptive_parts(best_mean(mean, se, highest=False), 0.15, 1.0)
        assert np.abs(decided[row] - wanted[0]).max() <= 1


BLOCKS = {"n": 60, "ratio": {"placebo": 1, "low": 1, "high": 1}, "block": 6}
LATE = {"n": 60, "ratio": {"placebo": 1, "low": 0, "high": 1}, "method": "simple"}


@pytest.mark.parametrize(
    ("actions", "changes", "said"),
    [
        ([adapts()], {"design.randomise": BLOCKS}, "permuted blocks cannot follow"),
        ([adapts()], {"design.randomise": LATE}, "a part for every arm"),
        ([adapts(floor=0.4)], {}, "a floor of 0.4 for 3 arms is more than 1"),
        ([adapts(floor=0.3, control_fixed=0.5)], {}, "for 2 arms is more than 0.5"),
        ([adapts(of="middle")], {}, "unknown estimand 'middle'"),
        ([{"keep_best": 2, "of": ["low", "high"]}], {}, "all of these arms are kept"),
        ([{"keep_best": 1, "of": ["low", "low"]}], {}, "compares another arm"),
        ([{"keep_best": 1, "of": ["low", "middle"]}], {}, "unknown estimand 'middle'"),
    ],
)
def test_choices_that_cannot_be_are_refused(
    actions: list[Any], changes: dict[str, Any], said: str
) -> None:
    with pytest.raises(InputError, match=said) as caught:
        two_doses(actions, changes=changes)
    assert all(problem.mend for problem in caught.value.problems)
