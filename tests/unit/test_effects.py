"""How fast and in whom treatments act, against closed forms; what fate makes of it."""

from __future__ import annotations

import numpy as np
import pytest

from raresim.disease.outcomes import Course, Effect
from raresim.errors import InputError
from raresim.streams import Luck
from raresim.trial import Scenario
from raresim.trial.fate.candidates import people
from raresim.trial.fate.people import People
from tests.worlds import ATAXIA, CGD, world

ASSUMED = {"difference": "-2.4 points", "after": "48 weeks"}
EFFECT = "truth.hypotheses.effect.mfars.drug"


def days(*values: float) -> np.ndarray:
    return np.array([values])


def course(since: float, until: float, half_life: float) -> Course:
    effect = Effect("difference", np.array([-3.0]), 14.0, half_life)
    return Course(effect, np.full((1, 1), since), np.full((1, 1), until))


def test_a_symptomatic_difference_comes_and_goes() -> None:
    own = course(0.0, 28.0, 7.0)
    plateau = -3.0 / 0.75  # after two half-lives three quarters of it are there
    found = own.grown(days(-5, 0, 7, 14, 28, 35, 42))
    wanted = plateau * np.array([[0, 0, 0.5, 0.75, 15 / 16, 15 / 32, 15 / 64]])
    np.testing.assert_allclose(found, wanted, rtol=1e-14)


def test_it_solves_the_equation_of_an_effect_compartment() -> None:
    """E' = ln 2 / h (plateau [on treatment] - E), two courses, by small steps."""
    h, parts = 9.0, (course(3.0, 20.0, 9.0), course(31.0, 40.0, 9.0))
    plateau, step, level = -3.0 / (1 - 2 ** (-14 / h)), 1e-3, 0.0
    for k in range(60_000):
        day = k * step
        on = 3 <= day < 20 or 31 <= day < 40
        level += step * np.log(2) / h * (plateau * on - level)
    found = sum(float(part.grown(days(60.0))[0, 0]) for part in parts)
    assert found == pytest.approx(level, rel=1e-3)


def test_without_a_half_life_it_grows_and_is_kept() -> None:
    found = course(0.0, 28.0, 0.0).grown(days(0, 14, 28, 90))
    np.testing.assert_allclose(found, [[0.0, -3.0, -6.0, -6.0]])


def folk(scenario: Scenario, units: int = 64, **told: object) -> People:
    luck = Luck(11, 0)
    numbers, effects = scenario.numbers("effect", luck, "centre")
    return people(scenario, luck, units, numbers, effects, **told)  # type: ignore[arg-type]


def changes(scenario: Scenario, arm: int, **told: object) -> np.ndarray:
    """Return the true change by day 336, without noise, in every patient."""
    walked = folk(scenario, **told).walk(arm, slice(None), {"mfars"}, stops=False)["mfars"]
    return walked.level(np.full((1, 1), 336.0)) - walked.level(np.zeros((1, 1)))


def effect_of(**keys: object) -> Scenario:
    return world(ATAXIA, {EFFECT: {"assumed": ASSUMED, "why": "a test", **keys}})


def test_responders_have_the_whole_average() -> None:
    scenario = effect_of(responders=0.4)
    apart = changes(scenario, 1) - changes(scenario, 0)
    respond = apart < -1e-9
    np.testing.assert_allclose(apart[respond], -2.4 / 0.4)
    np.testing.assert_allclose(apart[~respond], 0.0, atol=1e-9)
    error = np.sqrt(0.4 * 0.6 / respond.size)
    assert abs(respond.mean() - 0.4) < 4 * error


def test_the_same_patients_respond_on_every_outcome() -> None:
    both = {"drug": {"assumed": {"rate_ratio": 0.5}, "why": "a test", "responders": 0.7}}
    scenario = world(CGD, {"truth.hypotheses.effect.serious_infection.interferon": both["drug"]})
    people_ = folk(scenario)
    found = people_.exposures(1)["serious_infection"].courses[0]
    assert found.effect is not None
    assert found.effect.value == pytest.approx(1 - 0.5 / 0.7)
    dose = np.asarray(found.dose)
    assert set(np.unique(dose)) == {0.0, 1.0}
    mean = 1 + (found.effect.value[0] - 1) * dose.mean()
    assert mean == pytest.approx(0.5, abs=4 * np.sqrt(0.21 / dose.size) / 0.7)


def test_an_effect_acts_only_where_it_may() -> None:
    scenario = effect_of(only_where="onset_age < 15")
    young = folk(scenario).patients.values["onset_age"] < 15
    apart = changes(scenario, 1) - changes(scenario, 0)
    np.testing.assert_allclose(apart, np.where(young, -2.4, 0.0), atol=1e-9)


def test_drift_is_the_same_in_all_arms_and_grows_with_the_day_of_entry() -> None:
    drift = {"mfars": {"difference": 1.5, "after": "336 days", "why": "a test"}}
    scenario = world(ATAXIA, {"truth.drift": drift})
    later = np.full((1, 1), 2.0)
    for arm in (0, 1):
        moved = changes(scenario, arm, calendar=later) - changes(scenario, arm)
        np.testing.assert_allclose(moved, 3.0)


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"half_life": "0 days"}, "half-life above zero"),
        ({"responders": 0}, "responders"),
        ({"only_where": "mfars > 30"}, "is read at screening"),
        ({"only_where": "nothing_known > 3"}, "nothing_known"),
    ],
)
def test_what_cannot_act_is_refused(keys: dict[str, object], said: str) -> None:
    with pytest.raises(InputError, match=said):
        effect_of(**keys)


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"half_life": "1 week"}, "a ratio has no half-life"),
        ({"responders": 0.5}, "a ratio of 0.4 needs more than 60% responders"),
    ],
)
def test_what_a_ratio_cannot_do_is_refused(keys: dict[str, object], said: str) -> None:
    stated = {"assumed": {"rate_ratio": 0.4}, "why": "a test", **keys}
    with pytest.raises(InputError, match=said):
        world(CGD, {"truth.hypotheses.effect.serious_infection.interferon": stated})


@pytest.mark.parametrize(
    ("drift", "said"),
    [
        ({"rate_ratio": 0.9}, "is a 'difference'"),
        ({"difference": 1}, "grows in a time"),
        ({"difference": 1, "after": "0 days"}, "above zero"),
        ({"difference": 1, "after": "1 week", "rate_ratio": 2}, "either"),
    ],
)
def test_drift_that_makes_no_sense_is_refused(drift: dict[str, object], said: str) -> None:
    with pytest.raises(InputError, match=said):
        world(ATAXIA, {"truth.drift": {"mfars": {**drift, "why": "a test"}}})
