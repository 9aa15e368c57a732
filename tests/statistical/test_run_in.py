"""A run-in: what is counted before randomisation selects patients, and they regress to the mean."""

from __future__ import annotations

import numpy as np
import pytest

from raresim.disease.outcomes import UNTREATED, Horizon
from raresim.disease.outcomes.events import patient_variance
from raresim.errors import InputError
from raresim.streams import Luck
from raresim.study import simulate
from raresim.trial.engine import decision_points, run_block
from tests.worlds import ATAXIA, CGD, differences, world

RUN_IN = 84.0


@pytest.fixture(scope="module")
def counted():
    """Return counts before and after randomisation, and the model's mean and variance."""
    model = world(CGD).model
    luck = Luck(1, 0)
    patients = model.sample(luck, 200)
    latents = model.latents(luck, patients, model.published, Horizon(RUN_IN))
    values = model.observed_at_screening(luck, latents, patients, RUN_IN)
    latent = latents["serious_infection"]
    path = model.processes["serious_infection"].path(latent, UNTREATED, {})
    after = np.sum(path.days <= RUN_IN, axis=-1)
    return model, latent, values["serious_infection_in_run_in"], after


def test_counts_before_are_those_of_the_same_patients(counted) -> None:
    """Same law before and after, within 4 Monte Carlo standard errors, and not the same luck."""
    _, latent, before, after = counted
    count = before.size
    error = np.sqrt(np.var(before) + np.var(after)) / np.sqrt(count)
    assert abs(before.mean() - after.mean()) < 4 * error
    assert np.var(before) == pytest.approx(np.var(after), rel=0.05)
    expected = np.mean(latent.intensity) * RUN_IN
    assert before.mean() == pytest.approx(expected, abs=4 * np.std(before) / np.sqrt(count))
    assert np.corrcoef(before.ravel(), after.ravel())[0, 1] < 0.5


def test_those_with_many_before_regress_to_the_mean_as_gamma_poisson_says(counted) -> None:
    """E[rate after | k before] = mu (theta + k) / (theta + mu), site factors being nearly one."""
    model, _, before, after = counted
    theta = 1 / float(patient_variance(model.published, "serious_infection")[0])
    mean = float(np.mean(before))
    for k in (0, 1, 2):
        chosen = before == k
        expected = mean * (theta + k) / (theta + mean)
        error = np.std(after[chosen]) / np.sqrt(chosen.sum())
        # sites differ too (log SD 0.2): a little more than the patients alone
        assert abs(after[chosen].mean() - expected) < 4 * error + 0.04 * expected, k
        assert k == 0 or after[chosen].mean() < k


def test_a_change_in_the_run_in_selects_slopes_as_regression_says() -> None:
    """E[slope | change seen] by the regression on it, among scores far from the ends."""
    model = world(ATAXIA).model
    luck = Luck(2, 0)
    patients = model.sample(luck, 200)
    latents = model.latents(luck, patients, model.published, Horizon(RUN_IN))
    values = model.observed_at_screening(luck, latents, patients, RUN_IN)
    latent, change = latents["mfars"], values["mfars_change_in_run_in"]
    middle = (latent.level > 25) & (latent.level < 65)
    slope, seen = latent.slope[middle] * RUN_IN, change[middle]
    noise = 2 * float(latent.noise[0]) ** 2 + 2 / 12  # two readings, rounded to whole steps
    expected = np.var(slope) / (np.var(slope) + noise)
    found = np.cov(slope, seen)[0, 1] / np.var(seen)
    assert found == pytest.approx(
        expected, abs=4 * np.std(slope) / np.std(seen) / np.sqrt(len(seen))
    )
    assert np.mean(seen) == pytest.approx(np.mean(slope), abs=4 * np.std(seen) / np.sqrt(len(seen)))


SELECTED = {
    "design.run_in": "12 weeks",
    "design.eligible": "age >= 1 and age <= 50 and serious_infection_in_run_in >= 1",
    "design.recruit_for": "60 months",
    "design.milestones.final.when": {"any": [{"everybody": "finished"}, {"calendar": "90 months"}]},
    "truth.candidates.stream.per_site": "6 per month",
}


def test_both_engines_agree_and_randomisation_waits_for_the_run_in() -> None:
    scenario = world(CGD, SELECTED)
    runs = [run_block(scenario, "effect", 5, 0, engine, 48) for engine in ("block", "simpy")]
    assert differences(*runs) == []
    ledger = runs[0].ledger
    presented = np.take_along_axis(ledger.presented, np.maximum(ledger.candidate, 0), axis=1)
    waited = (ledger.randomised - presented)[ledger.present]
    assert waited.min() >= (84 + 14) * 86_400


def test_selection_makes_the_control_arm_sicker() -> None:
    rates = []
    for changes in ({}, SELECTED):
        trial = simulate(world(CGD, changes), 200, 1, workers=1).summary.trial
        events = trial["placebo.serious_infection.events"]["mean"].value
        rates.append(events / trial["placebo.patient_years"]["mean"].value)
    theta, mean = 1.095, 1.104 * 84 / 365.25
    nobody = (theta / (theta + mean)) ** theta  # share without an event in the run-in
    # gamma-Poisson: E[Z | N = 0] = theta / (theta + mu), and the mean of Z over all is 1
    selected = (1 - nobody * theta / (theta + mean)) / (1 - nobody)
    assert selected > 1.3
    assert rates[1] / rates[0] == pytest.approx(selected, rel=0.12)


def test_without_a_run_in_nothing_is_drawn_and_nothing_may_be_named() -> None:
    assert not [point for point in decision_points(world(CGD)) if "run_in" in point]
    assert [point for point in decision_points(world(CGD, SELECTED)) if "run_in" in point]
    with pytest.raises(InputError, match="unknown name 'serious_infection_in_run_in'"):
        world(CGD, {"design.eligible": SELECTED["design.eligible"]})
