"""Small trials of one arm with Bayesian rules, for tests."""

from __future__ import annotations

from typing import Any

from raresim.trial import Scenario
from tests.one_arm import POLICY, one_arm
from tests.worlds import CGD, world

SHARE = {"variable": "share with held by week 48", "summary": "share", "intercurrent": POLICY}
ALIKE = {"beta": [0.5, 0.5], "exchangeable": 0.4}
SHRUNK = {"mean": -0.5, "sd": 2, "between": 0.7}
BASKETS: dict[str, dict[str, Any]] = {
    "basket exchangeability": {"prior": ALIKE},
    "basket hierarchical": {"prior": SHRUNK},
}


def believing(test: str, **own: Any) -> Scenario:
    """Return the trial of one arm with one estimand of each sex, both tested by a method."""
    groups = {
        sex: {**SHARE, "population": {"where": f"sex == {sex}"}} for sex in ("male", "female")
    }
    method = {"test": test, "goal": 0.4, "posterior_above": 0.9, **own}
    done = {"when": {"everybody": "finished"}, "do": ["analyse male", "analyse female"]}
    return one_arm(
        {
            "analysis.estimands": groups,
            "analysis.methods": dict.fromkeys(groups, method),
            "analysis.success": {"any_of": ["male", "female"]},
            "design.milestones": {"final": done},
        }
    )


def rates(**own: Any) -> Scenario:
    """Return a trial of one arm whose rate of infections is held against a goal."""
    lived = {"intercurrent": {**POLICY, "death": "while alive"}}
    estimand = {"variable": "events of serious_infection", "summary": "rate per year", **lived}
    method = {"test": "gamma-poisson", "goal": 0.9, "prior": {"gamma": [1, 2]}}
    early = {"when": {"randomised": 10}, "do": ["analyse rate", "stop if efficacy"]}
    final = {"when": {"everybody": "finished"}, "do": ["analyse rate"]}
    return world(
        CGD,
        {
            "design.arms": {"interferon": {"give": "interferon"}},
            "design.control": None,
            "design.randomise": {"n": 20, "ratio": {"interferon": 1}, "method": "simple"},
            "design.milestones": {"early": early, "final": final},
            "analysis": {
                "estimands": {"rate": estimand},
                "methods": {"rate": {**method, "posterior_above": 0.9, **own}},
                "success": "rate",
            },
        },
    )
