"""Small trials beside the patients of a registry, for tests."""

from __future__ import annotations

from typing import Any

from raresim.trial import Scenario
from tests.worlds import ATAXIA, CGD, world

REGISTRY = "truth.external.registry"
LEVEL = {"alpha": "0.025 one-sided"}
PRIORS: list[dict[str, Any]] = [
    {"test": "power prior", "borrowing": {"power": 0.5}},
    {"test": "robust mixture prior", "borrowing": {"between": 1, "share": 0.8}},
    {"test": "self-adapting prior", "borrowing": {"difference": 1.5}},
]


def registry(changes: dict[str, Any] | None = None, **told: Any) -> Scenario:
    """Return a trial of one arm whose control is a registry; `told` is what is said of that."""
    design = {
        "truth.uncertainty": "fixed",
        "truth.external": {"registry": {"n": 40, "why": "a test", **told}},
        "design.arms": {"drug": {"give": "the drug"}},
        "design.control": "registry",
        "design.randomise": {"n": 30, "ratio": {"drug": 1}, "method": "simple"},
        "analysis.methods.change": {"test": "t", **LEVEL},
    }
    return world(ATAXIA, {**design, **(changes or {})})


def infections(changes: dict[str, Any] | None = None, **told: Any) -> Scenario:
    """Return a trial of infections whose control is a registry."""
    final = {"when": {"everybody": "finished"}, "do": ["analyse infection_rate"]}
    policy = {"stops_treatment": "treatment policy", "death": "while alive"}
    rate = {"variable": "events of serious_infection", "summary": "rate ratio"}
    design = {
        "truth.uncertainty": "fixed",
        "truth.external": {"registry": {"n": 60, "why": "a test", **told}},
        "design.arms": {"interferon": {"give": "interferon"}},
        "design.control": "registry",
        "design.randomise": {"n": 40, "ratio": {"interferon": 1}, "method": "simple"},
        "design.milestones": {"final": final},
        "analysis": {
            "estimands": {"infection_rate": {**rate, "intercurrent": policy}},
            "methods": {"infection_rate": {"test": "poisson", **LEVEL}},
            "success": "infection_rate",
        },
    }
    return world(CGD, {**design, **(changes or {})})


def beside(method: dict[str, Any], **told: Any) -> Scenario:
    """Return a randomised trial with a registry's patients beside its control."""
    changes = {
        "truth.uncertainty": "fixed",
        "truth.external": {"registry": {"n": 80, "why": "a test", **told}},
        "analysis.methods.change": {"borrow": "registry", **method, **LEVEL},
    }
    return world(ATAXIA, changes)
