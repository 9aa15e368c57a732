"""Where no analysis of any replicate has an answer, power is told as 0, and as unknown."""

from __future__ import annotations

import warnings

import pytest

import raresim

GONE = {"truth.leaves_study": {"rate": "5000 per year", "why": "everybody leaves within hours"}}
METHODS = ["ancova", "mmrm", "t", "wilcoxon", "rank ancova"]


@pytest.mark.parametrize("test", METHODS)
def test_nobody_is_seen_again(test: str) -> None:
    adjust = {"adjust_for": ["mfars at baseline"]} if "ancova" in test else {}
    method = {"test": test, "alpha": "0.025 one-sided", **adjust}
    if test in ("wilcoxon", "rank ancova"):
        method["estimate"] = "t"
    scenario = raresim.load_scenario("friedreich-48-weeks")
    scenario = scenario.changed({**GONE, "analysis.methods.change": method})
    _nothing_is_known(scenario, "change")


@pytest.mark.parametrize("test", ["logrank", "cox", "firth cox", "max-combo"])
def test_nobody_has_an_event(test: str) -> None:
    method = {"test": test, "alpha": "0.025 one-sided"}
    if test == "max-combo":
        method["estimate"] = "cox"
    changes = {"analysis.methods.infection_free": method, "design.milestones": ENDS}
    scenario = raresim.load_scenario("cgd-interferon-gamma").changed({**GONE, **changes})
    _nothing_is_known(scenario, "infection_free")


DO = ["analyse infection_free", "analyse infection_rate"]
ENDS = {"final": {"when": {"everybody": "finished"}, "do": DO}}


def _nothing_is_known(scenario: raresim.Scenario, name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run = raresim.simulate(scenario, 8, seed=3, workers=1)
    found = run.summary.estimands[name]
    assert found.rejected.value == 0
    assert found.rejected_bounds == (0.0, 1.0)
    assert found.not_converged.value == 1
    assert found.notes, "who was lost is told"
    assert found.estimate.value is None
