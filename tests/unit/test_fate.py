"""Fate against closed forms: arrivals, counts, survival, change. k = 4 standard errors."""

from __future__ import annotations

import numpy as np
import pytest

from raresim.disease import load_model
from raresim.disease.outcomes import UNTREATED, Effect, Exposure, Horizon
from raresim.streams import Luck
from raresim.trial.fate.arrivals import arrivals
from raresim.trial.grammar.spec import ScenarioSpec
from tests.worlds import ATAXIA, CGD, world

K = 4


def near(values: np.ndarray, expected: float) -> bool:
    """Whether the mean of independent values lies within K standard errors of what is expected."""
    return abs(values.mean() - expected) < K * values.std() / np.sqrt(values.size)


def spec(**changes: object) -> ScenarioSpec:
    return world(CGD, {name.replace("__", "."): value for name, value in changes.items()}).spec


def test_arrivals_are_poisson_gamma() -> None:
    """Counts by day T from S open sites: mean S r T, variance S r T + S (r T)² / shape."""
    changed = spec(
        truth__site_opening_delay={"mean": "0 days", "why": "a test"},
        design__sites={"number": 8, "open": [{"first": 8, "at": "day 0"}]},
    )
    came = arrivals(changed.truth, changed.design.sites, Luck(4, 0), 300)
    day, site = came.day, came.site
    counts = (day <= 300).sum(1)
    assert counts.max() < 300
    rate = 1.5 / (365.25 / 12) * 300
    mean, variance = 8 * rate, 8 * rate + 8 * rate**2 / 2
    assert near(counts, mean)
    square = (counts - mean) ** 2
    assert abs(square.mean() - variance) < K * square.std() / np.sqrt(len(square))
    first = (site[:, :50] == 0).mean(1)
    assert near(first, 1 / 8)


def test_nobody_presents_at_a_site_before_it_opens() -> None:
    plan = {
        "number": 4,
        "open": [{"first": 1, "at": "day 10"}, {"then": "one", "every": "100 days"}],
    }
    changed = spec(
        truth__site_opening_delay={"mean": "0 days", "why": "a test"}, design__sites=plan
    )
    came = arrivals(changed.truth, changed.design.sites, Luck(4, 0), 60)
    day, site = came.day, came.site
    opens = np.array(changed.design.sites.planned())
    assert (day >= opens[site]).all()
    assert (np.diff(day, axis=1) > 0).all()
    assert set(np.unique(site)) == {0, 1, 2, 3}


def paths(ratio: float | None, until: float) -> np.ndarray:
    model = load_model("chronic-granulomatous-disease")
    luck = Luck(9, 0)
    patients = model.sample(luck, 60)
    latents = model.latents(luck, patients, model.published, Horizon(365.25))
    effect = None if ratio is None else Effect("ratio", np.array([ratio]))
    exposure = Exposure.one(np.full((1024, 60), until), effect)
    process = model.processes["serious_infection"]
    return np.asarray(process.path(latents["serious_infection"], exposure, {}).days)


def test_counts_over_a_year_have_the_published_mean_and_dispersion() -> None:
    counts = (paths(None, 0.0) <= 365.25).sum(-1).ravel().astype(float)
    rate = 56 / 50.72
    assert near(counts, rate)
    square = (counts - rate) ** 2
    assert near(square, rate + rate**2 / 1.095)


def test_treatment_multiplies_the_rate_only_while_it_lasts() -> None:
    half = 365.25 / 2
    counts = (paths(0.25, half) <= 365.25).sum(-1).ravel().astype(float)
    rate = 56 / 50.72
    assert near(counts, rate * (0.25 + 1) / 2)
    early = (paths(0.25, half) <= half).sum(-1).ravel().astype(float)
    assert near(early, rate * 0.25 / 2)


def test_a_treatment_without_effect_and_a_perfect_one() -> None:
    assert np.allclose(paths(1.0, 100.0), paths(None, 0.0), rtol=1e-12)
    perfect = paths(0.0, 365.25)
    assert (perfect[..., 0] > 365.25).all()


def test_deaths_come_at_the_published_rate_and_to_the_frail() -> None:
    model = load_model("chronic-granulomatous-disease")
    luck = Luck(2, 0)
    patients = model.sample(luck, 200)
    latents = model.latents(luck, patients, model.published, Horizon(365.25))
    days = model.processes["death"].path(latents["death"], UNTREATED, {}).days[..., 0]
    died = days <= 365.25
    frailty = latents["serious_infection"].frailty
    expected = 1 - np.exp(-0.015 * frailty)  # given the frailty that death shares with infections
    assert near(died - expected, 0.0)
    assert frailty[died].mean() > 1.5 * frailty[~died].mean()


def test_change_of_the_score_is_linear_and_the_effect_grows_with_exposure() -> None:
    model = load_model("friedreich-ataxia")
    luck = Luck(1, 0)
    patients = model.sample(luck, 40)
    latent = model.latents(luck, patients, model.published, Horizon(400))["mfars"]
    process = model.processes["mfars"]
    effect = Effect("difference", np.array([-2.4]), after=336.0)
    stop = np.full((1024, 40), 168.0)
    treated = process.path(latent, Exposure.one(stop, effect), {})
    control = process.path(latent, UNTREATED, {})
    for day, expected in ((0.0, 0.0), (84.0, -0.6), (168.0, -1.2), (336.0, -1.2)):
        at = np.full((1024, 40), day)
        assert np.allclose(treated.level(at) - control.level(at), expected)
    before = control.level(np.full((1024, 40), -336.0))
    change = control.level(np.full((1024, 40), 336.0)) - control.level(np.zeros((1024, 40)))
    assert np.allclose(change, control.level(np.zeros((1024, 40))) - before)


def test_readings_are_steps_inside_the_scale() -> None:
    from raresim.trial.fate.decided import fate

    lives = fate(world(ATAXIA), Luck(1, 0), "effect", 60).lives.arms
    readings = [life.readings["mfars"] for life in lives]
    for arm in readings:
        assert arm.min() >= 0 and arm.max() <= 93
        assert np.array_equal(arm, np.round(arm))
    assert np.array_equal(readings[0][..., 0], readings[1][..., 0])  # before treatment: the same


def test_eligibility_acts_on_the_score_as_it_was_read() -> None:
    from raresim.trial.fate.decided import people

    scenario = world(ATAXIA, {"design.eligible": "mfars >= 30 and mfars <= 50"})
    numbers, effects = scenario.model.published, scenario.effects("effect", None)
    folk = people(scenario, Luck(3, 0), 50, numbers, effects)
    read, latent = folk.screened["mfars"], folk.latents["mfars"].level
    assert np.array_equal(folk.eligible, (read >= 30) & (read <= 50))
    assert ((latent[folk.eligible] < 29) | (latent[folk.eligible] > 51)).any()


@pytest.mark.parametrize("place", ["lower", "centre", "upper"])
def test_what_nobody_published_is_taken_where_it_is_asked_for(place: str) -> None:
    model = load_model("chronic-granulomatous-disease")
    numbers = model.parameters(place=place)
    expected = {"lower": 0.0, "centre": 0.2, "upper": 0.75}[place]
    assert numbers.numbers["serious_infection", "site_log_sd"].tolist() == [expected]
    # whatever sites explain, the published total stays: (1 + var Z)(1 + var S) - 1 = 1 / theta
    from raresim.disease.outcomes.events import patient_variance

    of_patients = patient_variance(numbers, "serious_infection")[0]
    total = (1 + of_patients) * np.exp(expected**2) - 1
    assert total == pytest.approx(1 / 1.095, rel=1e-9)
