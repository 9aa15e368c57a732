"""Rules counted in responders: both stages of Simon's design in a scenario, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from raresim.errors import InputError
from raresim.trial import Scenario, run_block
from tests.one_arm import LEVEL, one_arm
from tests.worlds import ATAXIA, differences, world

METHOD = "analysis.methods.held"
RULES = {
    "test": "exact binomial", "goal": 0.4, "futility": {"responders_at_most": 4},
    "responders_above": 15, **LEVEL,
}  # fmt: skip


def two_stages(method: dict[str, Any] | None = None, first: int = 10) -> Scenario:
    """Return a trial that stops with 4 responders or fewer among 10, and succeeds with 16 of 24."""
    stage = {"when": {"visit": 48, "patients": first}, "do": ["analyse held", "stop if futility"]}
    final = {"when": {"everybody": "finished"}, "do": ["analyse held", "analyse change"]}
    return one_arm(
        {
            "design.eligible": "mfars >= 58 and mfars <= 80",
            "truth.missed_visits.share": 0,
            "truth.leaves_study.rate": "0.0000001 per year",
            "design.milestones": {"first": stage, "final": final},
            METHOD: {**RULES, **(method or {})},
        }
    )


@pytest.mark.parametrize("resolution", [1, 30 * 86_400])
def test_conducts_agree(resolution: int) -> None:
    runs = [
        run_block(two_stages(), "effect", 3, 0, engine, 32, resolution)
        for engine in ("block", "simpy")
    ]
    assert differences(*runs) == []


def test_trials_stop_and_succeed_by_the_number_of_responders() -> None:
    run = run_block(two_stages(), "no_effect", 3, 0, replicates=128)
    first, last, _ = (run.analyst.records[look] for look in run.analyst.looks)
    stopped = first["statistic"] <= 4
    assert (first["used"] == 10).all()  # who responded before the visit waits for it
    assert 0 < stopped.sum() < 128
    assert np.array_equal(stopped, ~last["analysed"])
    assert np.array_equal(last["rejected"], last["analysed"] & (last["statistic"] > 15))
    assert not first["rejected"].any()
    assert (last["critical"][last["analysed"]] == 16).all()


def test_a_share_waits_for_the_visit_whatever_the_rule() -> None:
    boundary = {"looks": [0.4, 1], "planned_information": 24}
    rule = {"responders_above": None, "futility": {"p_above": 0.6}, "boundary": boundary}
    run = run_block(two_stages(rule), "no_effect", 3, 0, replicates=16)
    assert (run.analyst.records[run.analyst.looks[0]]["used"] == 10).all()


@pytest.mark.parametrize(
    ("method", "said"),
    [
        ({"responders_above": 13}, r"rejects 0\.0\d+ at the goal, more than 0\.025"),
        ({"responders_above": 24}, "24 patients cannot give more"),
        ({"boundary": {"planned_information": 24}}, "are two rules"),
        ({"test": "one-sample t"}, "takes no 'responders_above'"),
    ],
)
def test_rules_that_cannot_be_are_refused(method: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said) as caught:
        two_stages(method)
    assert all(problem.mend for problem in caught.value.problems)


def test_the_level_counts_on_the_first_stage_only_where_it_stops() -> None:
    """14 of 24 at a goal of 0.4 is rejected too often, but for a first stage that stops many."""
    with pytest.raises(InputError, match=r"more than 0\.05"):
        two_stages({"responders_above": 13, "alpha": "0.05 one-sided", "futility": None})
    two_stages({"responders_above": 13, "alpha": "0.05 one-sided"})


def test_only_a_good_event_is_a_response() -> None:
    with pytest.raises(InputError, match="later is better"):
        one_arm({METHOD: RULES, "analysis.endpoints.held.better": "later"})
    with pytest.raises(InputError, match="'t' counts no responders"):
        change = {"test": "t", "futility": {"responders_at_most": 4}, **LEVEL}
        world(ATAXIA, {"analysis.methods.change": change})
