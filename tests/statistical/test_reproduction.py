"""The published 1991 trial lies inside the 80 % prediction intervals of its reproduction."""

from __future__ import annotations

import pytest

import raresim

PUBLISHED = {
    "placebo.serious_infection.patients": 30,
    "placebo.serious_infection.events": 56,
    "interferon.serious_infection.patients": 14,
    "interferon.serious_infection.events": 20,
}


@pytest.mark.slow
def test_patients_and_infections_of_both_arms_lie_inside() -> None:
    scenario = raresim.load_scenario("cgd-1991-reproduction")
    trial = raresim.simulate(scenario, 4096, seed=1991, workers=1).summary.trial
    for name, published in PUBLISHED.items():
        low, high = trial[name]["q10"].value, trial[name]["q90"].value
        assert low is not None and high is not None
        assert low <= published <= high, name
        assert high - low < published  # an interval that says something


@pytest.mark.slow
def test_the_follow_up_is_the_published_one() -> None:
    scenario = raresim.load_scenario("cgd-1991-reproduction")
    trial = raresim.simulate(scenario, 2048, seed=1991, workers=1).summary.trial
    for arm, patients, years in (("placebo", 65, 50.7), ("interferon", 63, 51.9)):
        assert trial[f"{arm}.patients"]["q10"].value == patients
        mean, mcse = trial[f"{arm}.patient_years"]["mean"].value, 0.1
        assert mean is not None and abs(mean - years) < 0.5 + 4 * mcse  # deaths shorten it a little
