"""Small cross-over trials for tests: a score that progresses, and attacks."""

from __future__ import annotations

from typing import Any

from raresim.trial import Scenario
from tests.worlds import ATAXIA, world

LEVEL = {"alpha": "0.025 one-sided"}
POLICY = {"stops_treatment": "treatment policy"}
NONE = {"rate": "0 per year"}
GIVEN = {"sugar": {"give": "a tablet without"}, "drug": {"give": "a tablet with"}}
QUIET = {
    "truth.stops_treatment": NONE,
    "truth.leaves_study": NONE,
    "truth.missed_visits.share": 0,
    "truth.uncertainty": "fixed",
}
"""Nobody stops, leaves or misses a visit, and nothing is drawn."""


def periods(weeks: int, *given: str, washout: int = 0) -> dict[str, Any]:
    """Return an arm of periods, each of some weeks, with time in between."""
    found: list[dict[str, str]] = []
    for give in given:
        if found and washout:
            found.append({"give": "nothing", "for": f"{washout} weeks"})
        found.append({"give": give, "for": f"{weeks} weeks"})
    return {"periods": found}


def crossed(
    *,
    half_life: str | None = "2 days",
    washout: int = 0,
    method: dict[str, Any] | None = None,
    intercurrent: dict[str, Any] = POLICY,
    **changes: Any,
) -> Scenario:
    """Return AB/BA in Friedreich's ataxia: 12 weeks each, the drug lowers mFARS by 4 in these."""
    effect = {"assumed": {"difference": -4, "after": "12 weeks"}, "why": "a test"}
    acts = effect if half_life is None else {**effect, "half_life": half_life}
    asked = {"variable": "mfars in each period", "compare": ["drug", "sugar"]}
    asked |= {"summary": "difference in means", "intercurrent": dict(intercurrent)}
    last = {"when": {"everybody": "finished"}, "do": ["analyse score"]}
    return world(
        ATAXIA,
        {
            "truth.hypotheses.effect.mfars": {"drug": acts},
            "design.treatments": GIVEN,
            "design.arms": {
                "ab": periods(12, "drug", "sugar", washout=washout),
                "ba": periods(12, "sugar", "drug", washout=washout),
            },
            "design.control": None,
            "design.randomise": {"n": 32, "ratio": {"ab": 1, "ba": 1}, "block": 4},
            "design.visits": {"weeks": [6, 12, 18 + washout, 24 + washout]},
            "design.treat_for": f"{24 + washout} weeks",
            "design.milestones": {"final": last},
            "analysis.estimands": {"score": asked},
            "analysis.methods": {"score": {**(method or {"test": "crossover anova"}), **LEVEL}},
            "analysis.success": "score",
            **changes,
        },
    )


def attacks(
    *,
    lasts: str | None = None,
    skip: str | None = "1 week",
    method: dict[str, Any] | None = None,
    intercurrent: dict[str, Any] = POLICY,
    **changes: Any,
) -> Scenario:
    """Return AB/BA of attacks: 6 weeks each, half as many on the drug."""
    acts = {"assumed": {"rate_ratio": 0.5}, "why": "a test"} | ({"lasts": lasts} if lasts else {})
    asked = {"variable": "events of attack in each period", "compare": ["drug", "sugar"]}
    asked |= {"summary": "rate ratio", "intercurrent": dict(intercurrent)}
    asked |= {"skip": skip} if skip else {}
    return world(
        "hereditary-angioedema-n-of-1",
        {
            "truth.hypotheses": {
                "effect": {"attack": {"drug": acts}},
                "no_effect": {"attack": {"drug": {"rate_ratio": 1}}},
            },
            "design.treatments": GIVEN,
            "design.arms": {"ab": periods(6, "drug", "sugar"), "ba": periods(6, "sugar", "drug")},
            "design.randomise": {"n": 32, "ratio": {"ab": 1, "ba": 1}, "block": 4},
            "design.visits": {"weeks": [6, 12]},
            "design.treat_for": "12 weeks",
            "analysis.estimands": {"attacks": asked},
            "analysis.methods": {
                "attacks": {**(method or {"test": "conditional poisson"}), **LEVEL}
            },
            **changes,
        },
    )
