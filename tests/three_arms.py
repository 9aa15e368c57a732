"""A small trial of two doses against placebo whose arms the data may choose, for tests."""

from __future__ import annotations

from typing import Any

from raresim.trial import Scenario
from tests.worlds import ATAXIA, world

LEVEL = {"alpha": "0.025 one-sided"}
DOSES = ("low", "high")


def adapts(**changes: Any) -> dict[str, Any]:
    """Return the action of a ratio that follows the change in the score."""
    return {"adapt_ratio": {"of": "low", "floor": 0.15, **changes}}


def two_doses(
    *looks: list[Any], patients: int = 12, changes: dict[str, Any] | None = None
) -> Scenario:
    """Return a trial with looks after each so many patients at week 12, whose actions are told."""
    policy = {"stops_treatment": "treatment policy"}
    estimand = {"variable": "change in mfars at week 12", "summary": "difference in means"}
    effects = {arm: {"difference": -2.4 * k, "after": "12 weeks"} for k, arm in enumerate(DOSES, 1)}
    told = {arm: {"assumed": effect, "why": "a test"} for arm, effect in effects.items()}
    none = {arm: {"difference": 0, "after": "12 weeks"} for arm in DOSES}
    analysed = [f"analyse {arm}" for arm in DOSES]
    milestones = {
        f"look{k + 1}": {
            "when": {"visit": 12, "patients": (k + 1) * patients},
            "do": [*analysed, *actions],
        }
        for k, actions in enumerate(looks)
    }
    methods = {arm: {"test": "t", "futility": {"p_above": 0.7}, **LEVEL} for arm in DOSES}
    return world(
        ATAXIA,
        {
            "truth.hypotheses": {"effect": {"mfars": told}, "no_effect": {"mfars": none}},
            "design.arms": {arm: {"give": arm} for arm in ("placebo", *DOSES)},
            "design.randomise": {
                "n": 60, "ratio": dict.fromkeys(("placebo", *DOSES), 1), "method": "simple"
            },
            "design.visits": {"weeks": [4, 12], "window": "7 days"},
            "design.treat_for": "12 weeks",
            "design.milestones": {
                **milestones, "final": {"when": {"everybody": "finished"}, "do": analysed}
            },
            "analysis": {
                "estimands": {
                    arm: {**estimand, "arm": arm, "intercurrent": policy} for arm in DOSES
                },
                "methods": methods,
                "success": "high",
            },
            **(changes or {}),
        },
    )  # fmt: skip
