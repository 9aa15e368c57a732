"""A small trial of one arm against goals, for tests."""

from __future__ import annotations

from typing import Any

from raresim.trial import Scenario
from tests.worlds import ATAXIA, world

POLICY = {"stops_treatment": "treatment policy"}
LEVEL = {"alpha": "0.025 one-sided"}


def one_arm(changes: dict[str, Any] | None = None) -> Scenario:
    """Return a trial of one arm: a share against a goal, then a mean against one."""
    held = {"label": "no worse", "better": "earlier", "first_of": [{"score": "mfars", "below": 60}]}
    share = {"variable": "share with held by week 48", "summary": "share", "intercurrent": POLICY}
    mean = {"variable": "change in mfars at week 48", "summary": "mean", "intercurrent": POLICY}
    final = {"when": {"everybody": "finished"}, "do": ["analyse held", "analyse change"]}
    design = {
        "design.arms": {"drug": {"give": "the drug"}},
        "design.control": None,
        "design.randomise": {"n": 24, "ratio": {"drug": 1}, "method": "simple"},
        "design.milestones": {"final": final},
    }
    analysis = {
        "endpoints": {"held": held},
        "estimands": {"held": share, "change": mean},
        "methods": {
            "held": {"test": "exact binomial", "goal": 0.4, **LEVEL},
            "change": {"test": "one-sample t", "goal": 1.5, **LEVEL},
        },
        "success": "held",
    }
    return world(ATAXIA, {**design, "analysis": analysis, **(changes or {})})
