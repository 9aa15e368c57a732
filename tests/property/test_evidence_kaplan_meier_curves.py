"""Whatever the true data are, their printed curve and numbers at risk come back."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from raresim.errors import InputError
from raresim.evidence.kaplan_meier import impute, reconstruct, uniforms_needed
from raresim.evidence.km_curve import DigitisedCurve, clean
from raresim.evidence.km_data import IndividualData, landmarks
from raresim.evidence.km_hazards import piecewise_hazards
from raresim.streams import Luck


@st.composite
def studies(draw, censoring=("none", "early", "mixed", "at_end")):
    """Return a study of 12 to 300 patients: its data, its curve and its numbers at risk."""
    seed, n = draw(st.integers(0, 10**6)), draw(st.integers(12, 300))
    rng = np.random.default_rng(seed)
    time = 10 * rng.weibull(draw(st.sampled_from([0.6, 1.0, 2.0])), n)
    kind = draw(st.sampled_from(censoring))
    left = {
        "none": np.full(n, np.inf),
        "early": rng.uniform(0, 8, n),
        "mixed": rng.uniform(0, 30, n),
        "at_end": np.minimum(rng.exponential(20, n), 12),
    }[kind]
    event, time = time <= left, np.minimum(time, left)
    if draw(st.booleans()):
        time = np.ceil(4 * time) / 4  # ties
    time = np.maximum(time, 0.01)
    event[int(time.argmin())] = True
    data = IndividualData(time, event)
    end = float(time.max())
    risk_time = np.linspace(0, end, draw(st.integers(2, 8)))[:-1]
    clicks = np.append(data.steps.time, end)
    survival = np.append(data.steps.survival, data.steps.survival[-1])
    return data, DigitisedCurve(clicks, survival, risk_time, data.at_risk(risk_time))


def contradicts(notes):
    return any("the clicks ask for" in note for note in notes)


@settings(max_examples=300)
@given(studies())
def test_numbers_at_risk_come_back_and_the_curve_stays_near(study):
    data, curve = study
    found = reconstruct(curve)
    if not any("the clicks were kept" in note for note in found.notes):
        assert found.at_risk.tolist() == list(curve.at_risk)
    assert found.data.patients == data.patients
    assert found.data.events <= data.patients
    assert found.data.time.min() >= 0 and found.data.time.max() == data.time.max()
    assert set(found.data.time[found.data.event]) <= set(data.time[data.event])
    at_risk = np.maximum(found.data.at_risk(found.curve.time), 1)
    step = np.concatenate([[1.0], found.fitted[:-1]]) / at_risk
    steps = 1.5 if contradicts(found.notes) else 0.5
    off = np.abs(found.fitted - found.curve.survival)
    assert np.all(off <= np.maximum(0.01, steps * step) + 1e-9)


@given(studies(censoring=("none",)))
def test_data_without_censoring_come_back_as_they_were(study):
    data, curve = study
    found = reconstruct(curve).data
    np.testing.assert_array_equal(found.time, np.sort(data.time))
    assert found.event.all()


@given(studies(), st.integers(0, 10**6))
def test_the_order_of_clicks_does_not_matter(study, seed):
    _, curve = study
    order = np.random.default_rng(seed).permutation(len(curve.time))
    mixed = DigitisedCurve(curve.time[order], curve.survival[order], curve.risk_time, curve.at_risk)
    first, second = reconstruct(curve).data, reconstruct(mixed).data
    np.testing.assert_array_equal(first.time, second.time)
    np.testing.assert_array_equal(first.event, second.event)


@given(studies(), st.sampled_from([365.25, 12.0, 1 / 7, 1e-3]))
def test_another_unit_of_time_only_scales_the_times(study, factor):
    _, curve = study
    scaled = DigitisedCurve(
        factor * curve.time, curve.survival, factor * curve.risk_time, curve.at_risk
    )
    first, second = reconstruct(curve).data, reconstruct(scaled).data
    np.testing.assert_allclose(second.time, factor * first.time, rtol=1e-9)
    assert first.events == second.events


@given(studies(), st.integers(0, 10**6))
def test_per_cent_slips_and_doubled_clicks_change_little(study, seed):
    _, curve = study
    rng = np.random.default_rng(seed)
    slipped = curve.survival + rng.uniform(-0.002, 0.002, len(curve.survival))
    time, survival = np.tile(curve.time, 2), 100 * np.tile(slipped, 2)
    cleaned = clean(DigitisedCurve(time, survival, curve.risk_time, curve.at_risk))
    assert np.all(np.diff(cleaned.time) > 0) and np.all(np.diff(cleaned.survival) <= 0)
    at = np.searchsorted(cleaned.time, curve.time)
    held = curve.time < cleaned.end + 1e-12
    np.testing.assert_allclose(cleaned.survival[at[held]], curve.survival[held], atol=0.0021)
    assert clean(cleaned) is cleaned


@settings(max_examples=40)
@given(studies(), st.integers(0, 1000))
def test_imputed_data_keep_patients_numbers_at_risk_and_their_own_luck(study, seed):
    data, curve = study
    uniforms = Luck(seed, 0).uniform("figure", uniforms_needed(curve))[:3]
    sets = impute(curve, uniforms)
    again = impute(curve, uniforms[1:2])[0]
    np.testing.assert_array_equal(again.time, sets[1].time)
    np.testing.assert_array_equal(again.event, sets[1].event)
    for one in sets:
        assert one.patients == data.patients and one.events <= data.patients
        assert one.time.max() <= data.time.max() * (1 + 1e-12)
    grid = [0.0, *np.linspace(0, data.time.max() * 1.01, 5)[1:]]
    pieces = piecewise_hazards(sets, grid)
    assert pieces.events.sum(axis=1).tolist() == [one.events for one in sets]
    np.testing.assert_allclose(pieces.exposure.sum(axis=1), [one.time.sum() for one in sets])
    survival = landmarks(sets, grid[:3]).survival
    assert survival.shape == (3, 3) and np.all(np.diff(survival, axis=1) <= 1e-12)


@settings(max_examples=100)
@given(studies())
def test_exact_clicks_without_luck_of_the_hand_are_followed_in_every_set(study):
    _, curve = study
    uniforms = Luck(1, 0).uniform("figure", uniforms_needed(curve))[:2]
    for one in impute(curve, uniforms, click_sd=0.0):
        found = one.at_risk(curve.risk_time)
        assert found[0] == curve.at_risk[0]
        assert np.abs(found - curve.at_risk).max() <= 1


WRONG = {
    "rises": (DigitisedCurve([1, 2, 3], [0.9, 0.5, 0.8], [0], [20]), "the curve rises"),
    "incidence": (DigitisedCurve([1, 2, 3], [0.1, 0.3, 0.5], [0], [20]), "cumulative incidence"),
    "none": (DigitisedCurve([], [], [0], [20]), "no curve"),
    "nan": (DigitisedCurve([1, np.nan], [0.9, 0.8], [0], [20]), "no curve"),
    "left": (DigitisedCurve([-2, 5], [1, 0.9], [0], [20]), "left of time 0"),
    "above": (DigitisedCurve([1, 5], [1.3, 0.9], [0], [20]), "outside 0 to 1"),
    "below": (DigitisedCurve([1, 5], [90, -20], [0], [20]), "outside 0 to 1"),
    "events": (DigitisedCurve([1, 5], [0.9, 0.8], [0], [20], 21), "more events than patients"),
    "risk rises": (DigitisedCurve([1, 5], [0.9, 0.8], [0, 2], [20, 21]), "number at risk rises"),
    "risk starts": (DigitisedCurve([1, 5], [0.9, 0.8], [1, 2], [20, 18]), "ascend from 0"),
    "lengths": (DigitisedCurve([1, 5], [0.9, 0.8], [0, 2, 4], [20, 18]), "leave out times"),
    "at zero": (DigitisedCurve([1, 5], [0.5, 0.0], [0, 8], [20, 3]), "at 0 before"),
    "halves": (DigitisedCurve([1, 5], [0.9, 0.8], [0], [20.5]), "not numbers of patients"),
    "pairs": (DigitisedCurve([1, 5], [0.9], [0], [20]), "pairs"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_no_slip_explains_is_refused(name):
    curve, said = WRONG[name]
    with pytest.raises(InputError, match=said) as caught:
        reconstruct(curve)
    assert all(problem.mend for problem in caught.value.problems)


def test_every_fault_is_named_at_once():
    with pytest.raises(InputError) as caught:
        clean(DigitisedCurve([1, 2], [0.2, 0.9], [0, 1], [5, 9], 12))
    assert len(caught.value.problems) == 3


def test_wrong_uniforms_are_refused():
    curve = DigitisedCurve([1, 5], [0.9, 0.8], [0], [20])
    with pytest.raises(InputError, match="24"):
        impute(curve, np.full((2, 5), 0.5))
    with pytest.raises(InputError, match="inside"):
        impute(curve, np.zeros((2, 24)))
    with pytest.raises(InputError, match="share"):
        impute(curve, np.full((2, 24), 0.5), click_sd=0.5)


def test_a_misprinted_number_at_risk_is_said_and_the_clicks_are_kept():
    curve = DigitisedCurve([2, 4, 6, 8], [0.8, 0.6, 0.4, 0.3], [0, 5], [50, 45])
    found = reconstruct(curve)
    assert any("the clicks ask for 20 events, 5 may leave" in note for note in found.notes)
    assert found.largest_distance < 0.02 and found.at_risk.tolist() == [50, 30]


def test_a_curve_may_stop_before_the_last_number_at_risk_and_go_on_after_the_last_patient():
    found = reconstruct(DigitisedCurve([2, 4], [0.9, 0.8], [0, 3, 6], [20, 18, 9]))
    assert any("drawn on" in note for note in found.notes)
    assert found.at_risk.tolist() == [20, 18, 9] and found.data.time.max() == 6
    found = reconstruct(DigitisedCurve([2, 4, 9], [0.9, 0.8, 0.8], [0, 3, 6], [20, 18, 0]))
    assert any("nobody is at risk" in note for note in found.notes)
    assert found.data.time.max() == 4
