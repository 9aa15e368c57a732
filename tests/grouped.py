"""A trial with claims on all patients and on a subgroup, for tests."""

from __future__ import annotations

from typing import Any

from raresim.trial import Scenario
from tests.worlds import ATAXIA, world

LEVEL = {"alpha": "0.025 one-sided"}
WOMEN = {"where": "sex == female and mfars >= 30"}
LEAKY = {"weights": {"whole": 1, "women": 0}, "passes": {"whole": {"early": 1}}}
EARLY = {"visit": 12, "patients": 20}


def grouped(changes: dict[str, Any] | None = None) -> Scenario:
    """Return a trial with a claim on all and one on a subgroup, which is enriched after a look."""
    change = {
        "variable": "change in mfars at week 24",
        "summary": "difference in means",
        "intercurrent": {"stops_treatment": "treatment policy"},
    }
    early = {**change, "variable": "change in mfars at week 12"}
    narrow = {"eligible": "sex == female", "only_if": "futility", "of": "early"}
    shared = {"test": "t", **LEVEL}
    analysis = {
        "estimands": {"early": early, "whole": change, "women": {**change, "population": WOMEN}},
        "methods": {
            "early": {**shared, "futility": {"p_above": 0.5}},
            "whole": shared,
            "women": shared,
        },
        "success": {"any_of": ["whole", "women"]},
        "multiplicity": {"procedure": "holm", "of": ["whole", "women"]},
    }
    effect = {"assumed": {"difference": -8, "after": "24 weeks"}, "why": "a test"}
    return world(
        ATAXIA,
        {
            "truth.uncertainty": "fixed",
            "truth.hypotheses.effect.mfars.drug": {**effect, "only_where": "sex == female"},
            "design.randomise.n": 60,
            "design.milestones": {
                "look": {"when": EARLY, "do": ["analyse early", narrow]},
                "final": {
                    "when": {"everybody": "finished"},
                    "do": ["analyse whole", "analyse women"],
                },
            },
            "analysis": analysis,
            **(changes or {}),
        },
    )
