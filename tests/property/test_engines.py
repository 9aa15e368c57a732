"""The two conducts agree on generated scenarios, to the last bit, at coarse ticks too."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from raresim.trial import Scenario, run_block
from tests.worlds import ATAXIA, CGD, differences, world

TRIALS = 12
HYPOTHESIS = "truth.hypotheses.effect"
HALVED = {"assumed": {"rate_ratio": 0.5, "ci": [0.4, 0.7]}, "why": "a test"}
BESIDE = {
    "truth.external": {
        "registry": {"n": 9, "finds": {"serious_infection": 0.7}, "why": "a test"},
    },
}
SLOWED = {"assumed": {"difference": -2, "after": "48 weeks", "ci": [-3, -1]}, "why": "a test"}


@st.composite
def infections(draw: st.DrawFn) -> Scenario:
    """Scenarios of recurrent infections with looks, small enough to run twice."""
    n = draw(st.integers(4, 30))
    ratio = draw(st.sampled_from([(1, 1), (2, 1), (1, 3)]))
    sites = draw(st.integers(1, 6))
    first = draw(st.integers(1, sites))
    then = [{"then": "one", "every": f"{draw(st.integers(1, 60))} days"}] if first < sites else []
    strata = draw(st.sampled_from([[], ["inheritance"], ["site"], ["prophylaxis", "site"]]))
    patients = draw(st.integers(1, n))
    looks: dict[str, Any] = {
        "interim": {
            "when": {
                draw(st.sampled_from(["all", "any"])): [
                    {"first": "serious_infection", "patients": patients},
                    {"calendar": f"{draw(st.integers(1, 14))} months"},
                ]
            },
            "do": ["analyse infection_free", "stop if efficacy"],
        },
        "second": {
            "when": {"first": "serious_infection", "patients": min(n, patients + 2)},
            "do": ["analyse infection_free"],
        },
        "final": {
            "when": {"any": [{"everybody": "finished"}, {"calendar": "20 months"}]},
            "do": ["analyse infection_free", "analyse infection_rate"],
        },
    }
    kept = draw(st.sampled_from([("final",), ("interim", "final"), ("interim", "second", "final")]))
    acts = draw(st.sampled_from([{}, {"responders": 0.7}, {"only_where": "age < 20"}]))
    drift = draw(st.sampled_from([{}, {"serious_infection": {"rate_ratio": 1.8, "why": "a test"}}]))
    beside = draw(st.sampled_from([{}, BESIDE]))
    return world(
        CGD,
        {
            **beside,
            f"{HYPOTHESIS}.serious_infection.interferon": {**HALVED, **acts},
            "truth.drift": drift,
            "truth.candidates.stream.per_site": f"{draw(st.integers(1, 12))} per month",
            "truth.leaves_study.rate": f"{draw(st.sampled_from([0, 0.3, 2]))} per year",
            "truth.stops_treatment.rate": f"{draw(st.sampled_from([0, 0.5]))} per year",
            "truth.missed_visits.share": draw(st.sampled_from([0.0, 0.3])),
            "truth.screening_lasts": draw(st.sampled_from(["0 to 0 days", "1 to 60 days"])),
            "truth.uncertainty": draw(st.sampled_from(["fixed", "nuisance", "all"])),
            "design.randomise": {
                "n": n,
                "ratio": {"placebo": ratio[0], "interferon": ratio[1]},
                "block": sum(ratio) * draw(st.integers(1, 2)),
                "strata": strata,
            },
            "design.sites": {
                "number": sites,
                "open": [{"first": first, "at": f"day {draw(st.integers(0, 30))}"}, *then],
            },
            "design.recruit_for": f"{draw(st.integers(1, 12))} months",
            "design.milestones": {name: looks[name] for name in kept},
            "analysis.methods.infection_free": {
                "test": draw(st.sampled_from(["logrank", "cox"])),
                "estimate": "cox",
                "strata": draw(st.sampled_from([[], ["inheritance"]])),
                "alpha": "0.025 one-sided",
                "borrow": "registry" if beside else "",
                "boundary": {
                    "spend": draw(st.sampled_from(["obrien-fleming", "pocock"])),
                    "planned_information": draw(st.integers(2, n)),
                },
            },
            "analysis.methods.infection_rate": {
                "test": draw(st.sampled_from(["negative binomial", "andersen-gill"])),
                "alpha": "0.025 one-sided",
            },
        },
    )


@st.composite
def scores(draw: st.DrawFn) -> Scenario:
    """Scenarios of a longitudinal score."""
    weeks = draw(st.sampled_from([[4, 12, 24], [48], [1, 3, 5, 48]]))
    acts = draw(st.sampled_from([{}, {"half_life": "2 weeks"}, {"responders": 0.3}]))
    drift = {"mfars": {"difference": 2, "after": "48 weeks", "why": "a test"}}
    return world(
        ATAXIA,
        {
            f"{HYPOTHESIS}.mfars.drug": {**SLOWED, **acts},
            "truth.drift": draw(st.sampled_from([{}, drift])),
            "truth.missed_visits.share": draw(st.sampled_from([0.0, 0.5])),
            "truth.leaves_study.rate": f"{draw(st.sampled_from([0, 1]))} per year",
            "design.randomise.n": draw(st.integers(4, 24)),
            "design.randomise.block": draw(st.sampled_from([2, 4, 6])),
            "design.recruit_for": f"{draw(st.integers(1, 20))} months",
            "design.visits": {"weeks": weeks, "window": f"{draw(st.integers(0, 3))} days"},
            "analysis.estimands.change.variable": f"change in mfars at week {weeks[-1]}",
            "analysis.methods.change.adjust_for": draw(
                st.sampled_from([[], ["mfars at baseline"], ["mfars at baseline", "age"]])
            ),
        },
    )


@pytest.mark.parametrize("resolution", [1, 86_400, 30 * 86_400])
@settings(max_examples=12)
@given(scenario=infections(), seed=st.integers(0, 2**32))
def test_conducts_agree_on_generated_event_trials(
    resolution: int, scenario: Scenario, seed: int
) -> None:
    runs = [
        run_block(scenario, "effect", seed, 0, engine, TRIALS, resolution)
        for engine in ("block", "simpy")
    ]
    assert differences(*runs) == []


@pytest.mark.parametrize("resolution", [1, 7 * 86_400])
@settings(max_examples=12)
@given(scenario=scores(), seed=st.integers(0, 2**32))
def test_conducts_agree_on_generated_score_trials(
    resolution: int, scenario: Scenario, seed: int
) -> None:
    runs = [
        run_block(scenario, "effect", seed, 0, engine, TRIALS, resolution)
        for engine in ("block", "simpy")
    ]
    assert differences(*runs) == []
