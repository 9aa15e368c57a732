"""A trial of one arm is held against a goal: what is compared, what is true, what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import raresim
from raresim.analysis import batch
from raresim.errors import InputError
from raresim.trial import run_block
from tests.one_arm import LEVEL, POLICY, one_arm
from tests.worlds import CGD, differences, world


@pytest.mark.parametrize("resolution", [1, 14 * 86_400])
def test_conducts_agree(resolution: int) -> None:
    runs = [
        run_block(one_arm(), "effect", 3, 0, engine, 24, resolution)
        for engine in ("block", "simpy")
    ]
    assert differences(*runs) == []


def test_the_share_is_tested_against_its_goal() -> None:
    run = raresim.simulate(one_arm(), 40, seed=2, workers=1)
    found = run.analyses[run.analyses["estimand"] == "held"].reset_index(drop=True)
    for _, row in found.iterrows():
        used, events = int(row["used"]), int(row["statistic"])
        outcome = np.arange(used)[None] < events
        alone = batch.binomial_test(outcome, np.ones((1, used), bool), goal=0.4).row(0)
        assert row["p"] == alone.p_greater
        assert row["estimate"] == alone.estimate
        assert row["rejected"] == (alone.p_greater <= 0.025)


def test_true_values_are_those_of_the_one_arm() -> None:
    """Without noise in time: the mean change under the drug is that without it less the effect."""
    effects = {}
    for hypothesis in ("effect", "no_effect"):
        fixed = one_arm({"truth.uncertainty": "fixed"})
        run = raresim.simulate(fixed, 8, seed=2, hypothesis=hypothesis, workers=1)
        effects[hypothesis] = run.summary.estimands["change"].truth.value or 0.0
    assert effects["effect"] - effects["no_effect"] == pytest.approx(-2.4, abs=0.15)


def test_estimates_are_unbiased_and_nobody_is_on_a_worse_arm() -> None:
    summary = raresim.simulate(one_arm(), 512, seed=2, workers=1).summary
    change = summary.estimands["change"]
    assert abs(change.bias.value or 9) < 4 * (change.bias.mcse or 0.0)
    assert "patients_on_worse_arm" not in summary.trial


def test_a_rate_is_tested_against_its_goal() -> None:
    rate = {"variable": "events of serious_infection", "summary": "rate per year"}
    rate["intercurrent"] = {**POLICY, "death": "while alive"}  # type: ignore[assignment]
    analysis = {
        "estimands": {"rate": rate},
        "methods": {"rate": {"test": "exact poisson", "goal": 1.0, **LEVEL}},
        "success": "rate",
    }
    final = {"when": {"everybody": "finished"}, "do": ["analyse rate"]}
    scenario = world(
        CGD,
        {
            "design.arms": {"interferon": {"give": "interferon"}},
            "design.control": None,
            "design.randomise": {"n": 20, "ratio": {"interferon": 1}, "method": "simple"},
            "design.milestones": {"final": final},
            "analysis": analysis,
        },
    )
    found = raresim.simulate(scenario, 256, seed=1, workers=1).summary.estimands["rate"]
    truth, estimate = found.truth, found.estimate
    assert 0.1 < (truth.value or 0) < 1.0
    assert abs((estimate.value or 0) - (truth.value or 0)) < 4 * np.hypot(
        estimate.mcse or 0, truth.mcse or 0
    )


PATH = "analysis.estimands"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"design.control": "drug"}, "a trial of one arm has no control"),
        (
            {
                "design.arms": {"drug": {"give": "x"}, "placebo": {"give": "y"}},
                "design.randomise": {"n": 24, "ratio": {"drug": 1, "placebo": 1}, "block": 2},
            },
            "add 'control: drug'",
        ),
        ({f"{PATH}.held.summary": "difference in means"}, "write 'summary: share'"),
        ({f"{PATH}.change.summary": "share"}, "write 'summary: mean'"),
        ({f"{PATH}.held.variable": "time to first held"}, "no hazard to compare"),
        ({"analysis.methods.held": {"test": "exact binomial", **LEVEL}}, "add 'goal: ...'"),
        ({"analysis.methods.held.goal": 1.2}, "a share between 0 and 1"),
        ({"analysis.methods.held.test": "fisher"}, "use exact binomial"),
        ({"analysis.methods.change.test": "ancova"}, "use one-sample t"),
    ],
)
def test_what_one_arm_cannot_do_is_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError) as refused:
        one_arm(changes)
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"analysis.methods.infection_rate.goal": 2}, "takes no 'goal'"),
        ({"analysis.methods.infection_rate.test": "exact poisson"}, "does not analyse"),
        ({f"{PATH}.infection_rate.summary": "rate per year"}, "that of a trial of one arm"),
    ],
)
def test_what_two_arms_cannot_do_is_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError) as refused:
        world(CGD, changes)
    assert said in str(refused.value)
