"""Adverse events as the variable: true values by hand, trials that estimate them, and their size.

An adverse event comes at the rate r_a while treatment lasts, and treatment ends at the hazard h_a
of its own, or with the share p of the events: after a time S, P(S > s) = exp(-(h_a + p r_a) s).
k = 4 Monte Carlo standard errors; 3 for the size.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from raresim.study.truth import true_values
from raresim.trial import Scenario, run_block
from raresim.trial.looks.look import Look
from tests.estimands import MODEL, SCENARIO, STOPPING, STOPS, YEAR, W, cox_limit
from tests.statistical.test_estimands import estimates, near
from tests.worlds import differences, scenario_from

RATE = 1.5 / YEAR
RATIO = 2.0
SIZE_BLOCKS = 4
HOWS = {
    "policy": "treatment policy",
    "hypothetical": "hypothetical",
    "while": "while on treatment",
    "stratum": "principal stratum",
}
KINDS = {
    "time": ("time to first rash", "hazard ratio", "cox"),
    "count": ("events of rash", "rate ratio", "negative binomial"),
}


def world(folder: Path, event: dict[str, Any], stopping: bool, **changes: Any) -> Scenario:
    """Return a trial in which nothing but a rash is of interest."""
    file = folder / "estimands.yaml"
    file.write_text(MODEL)
    estimands, methods, looks = [], [], []
    for kind, (variable, summary, test) in KINDS.items():
        for name, how in HOWS.items():
            own = f"summary: {summary}, intercurrent: {{stops_treatment: {how}}}"
            estimands.append(f"    {kind}_{name}: {{variable: {variable}, {own}}}")
            methods.append(f"    {kind}_{name}: {{test: {test}, alpha: 0.025 one-sided}}")
            looks.append(f"analyse {kind}_{name}")
    rash = {"rate": "1.5 per year", "by_arm": {"drug": RATIO}, "why": "a test", **event}
    truth = f"adverse_events: {json.dumps({'rash': rash})}"
    text = SCENARIO.replace("STOPPING", f"{truth}\n  {STOPPING}" if stopping else truth)
    text = text.replace("ANALYSES", ", ".join(looks)).replace("SUCCESS", "time_policy")
    text = text.replace("ESTIMANDS", "\n".join(estimands)).replace("METHODS", "\n".join(methods))
    return scenario_from(text, file).changed(changes)


def on_treatment(hazard: float) -> float:
    """Mean time on treatment within the follow-up."""
    return (1 - math.exp(-hazard * W)) / hazard if hazard else W


def first(rate: float, hazard: float) -> tuple[Any, Any]:
    """Share without a first event, and its density, where it comes only before treatment ends."""
    total = rate + hazard
    return (
        lambda t: 1 - rate / total * (1 - math.exp(-total * t)),
        lambda t: rate * math.exp(-total * t),
    )


def by_hand(event: dict[str, Any], hazards: tuple[float, float]) -> dict[str, float]:
    """The true values under treatment policy; on treatment the rates themselves compare."""
    rates, share = (RATE, RATIO * RATE), event.get("stops_treatment", 0.0)
    spent = [on_treatment(h + share * r) for h, r in zip(hazards, rates, strict=True)]
    if event.get("while") == "always":
        numbers = [r * s + RATE * (W - s) for r, s in zip(rates, spent, strict=True)]
        return {"count_policy": math.log(numbers[1] / numbers[0])}
    g, f = zip(*(first(r, h) for r, h in zip(rates, hazards, strict=True)), strict=True)
    ratio = rates[1] * spent[1] / (rates[0] * spent[0])
    return {
        "count_policy": math.log(ratio),
        "time_policy": cox_limit(g[0], f[0], g[1], f[1]),
        **{f"{kind}_while": math.log(RATIO) for kind in KINDS},
    }


def test_without_stopping_the_rate_ratio_is_that_of_the_file(tmp_path: Path) -> None:
    for while_ in ("treated", "always"):
        scenario = world(tmp_path, {"while": while_}, stopping=False)
        for name, values in true_values(scenario, "effect", 1, 0).items():
            assert near(values, math.log(RATIO)), (name, values.mean())


CASES = [
    {"while": "treated"},
    {"while": "always"},
    {"while": "treated", "stops_treatment": 0.5},
]


@pytest.mark.parametrize("event", CASES, ids=str)
def test_with_stopping_true_values_and_trials_are_those_by_hand(
    tmp_path: Path, event: dict[str, Any]
) -> None:
    scenario = world(tmp_path, event, stopping=True)
    wanted = by_hand(event, STOPS)
    truth, found = true_values(scenario, "effect", 1, 0), estimates(scenario, 2)
    for name, value in wanted.items():
        assert near(truth[name], value, floor=1e-4), (name, truth[name].mean(), value)
        assert near(found[name], value), (name, found[name].mean(), value)
    assert wanted["count_policy"] < math.log(RATIO) - 0.1


def test_no_hypothesis_takes_an_adverse_effect_away(tmp_path: Path) -> None:
    nothing = {"truth.hypotheses.effect": {"score": {"drug": {"difference": 0, "after": "1 days"}}}}
    assert not world(tmp_path, {}, stopping=False, **nothing).is_null("effect")
    assert world(tmp_path, {"by_arm": {}}, stopping=False, **nothing).is_null("effect")
    assert not world(tmp_path, {"by_arm": {}}, stopping=False).is_null("effect")


def test_as_if_nobody_stopped_the_rate_ratio_is_that_of_the_file(tmp_path: Path) -> None:
    scenario = world(tmp_path, {"while": "treated"}, stopping=True)
    truth = true_values(scenario, "effect", 1, 0)
    for kind in KINDS:
        for name in ("hypothetical", "stratum"):
            assert near(truth[f"{kind}_{name}"], math.log(RATIO)), (kind, name)


def test_both_conducts_agree_about_adverse_events_that_are_the_variable(tmp_path: Path) -> None:
    changes = {"design.randomise.n": 40, "truth.leaves_study": {"rate": "0.3 per year"}}
    scenario = world(tmp_path, {"stops_treatment": 0.2}, stopping=True, **changes)
    runs = [run_block(scenario, "effect", 3, 0, engine, 8) for engine in ("block", "simpy")]
    assert differences(*runs) == []


def test_where_the_drug_changes_nothing_tests_of_40_patients_hold_their_level(
    tmp_path: Path,
) -> None:
    changes = {
        "design.randomise.n": 40,
        "truth.stops_treatment": {"rate": "0.4 per year"},
        "analysis.methods.time_policy.test": "logrank",
    }
    scenario = world(tmp_path, {"by_arm": {}}, stopping=True, **changes)
    names = ("time_policy", "count_policy")
    rejected: dict[str, list[Any]] = {name: [] for name in names}
    for block in range(SIZE_BLOCKS):
        records = run_block(scenario, "effect", 11, block).analyst.records
        for name in names:
            rejected[name].append(records[Look("final", name)]["rejected"])
    for name, parts in rejected.items():
        values = np.concatenate(parts)
        error = math.sqrt(0.025 * 0.975 / len(values))
        assert abs(values.mean() - 0.025) <= 3 * error, (name, values.mean(), error)
