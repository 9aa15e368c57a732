"""Imputed data spread as the error of the clicks and the unknown censoring say; seeds are fixed."""

import numpy as np

from raresim.evidence.kaplan_meier import impute, uniforms_needed
from raresim.evidence.km_curve import DigitisedCurve
from raresim.evidence.km_data import landmarks
from raresim.streams import Luck

TIME = np.arange(2.0, 22.0, 2.0)
TRUE = np.array([0.92, 0.85, 0.77, 0.7, 0.62, 0.55, 0.47, 0.4, 0.32, 0.25])
RISK_TIME, AT_RISK = [0, 7, 13], [400, 298, 201]
SD = 0.006
CLICKS = TRUE.size + 1  # the cleaned curve starts at time 0


def curve(survival: np.ndarray, events: int | None = None) -> DigitisedCurve:
    return DigitisedCurve(TIME, survival, RISK_TIME, AT_RISK, events)


def luck(seed: int, given: DigitisedCurve, sets: int) -> np.ndarray:
    return Luck(seed, 0).uniform("figure", uniforms_needed(given))[:sets]


def test_landmarks_spread_as_the_clicks_do(capsys) -> None:
    """SD between sets: that of the clicks, and of rounding to patients (at most a step / sqrt 12).

    Steps are at least 11 errors wide, so no click is levelled with its neighbour. A Monte Carlo SD
    from M sets has error SD / sqrt(2 M), a mean SD / sqrt(M); k = 4 of both are allowed.
    """
    sets = 600
    given = curve(TRUE)
    found = landmarks(impute(given, luck(5, given, sets), click_sd=SD), TIME)
    spread = found.survival.std(axis=0, ddof=1)
    with capsys.disabled():
        print(f"\nspread over stated error: {np.round(spread / SD, 3)}")
    step = 1 / 80  # one of the 80 or so at risk last, where a step is widest
    most = np.sqrt(SD**2 + step**2 / 12)
    k_errors = 4 / np.sqrt(2 * sets)
    assert np.all(spread >= SD * (1 - k_errors))
    assert np.all(spread <= most * (1 + k_errors))
    assert np.all(np.abs(found.survival.mean(axis=0) - TRUE) <= 4 * spread / np.sqrt(sets) + 5e-4)


def test_intervals_from_imputed_sets_cover_the_true_curve(capsys) -> None:
    """Mean -+ 1.645 SD of 30 sets, about clicks that are themselves off by the stated error.

    With so few sets, P(|t29| sqrt(1 + 1/30) <= 1.645) = 0.883 is what they cover. Error of a share
    from 250 figures: sqrt(0.883 0.117 / 250) = 0.020; k = 4 are allowed on both sides.
    """
    figures, sets = 250, 30
    rng = np.random.default_rng(17)
    covered = np.zeros(TRUE.size)
    for figure in range(figures):
        given = curve(TRUE + SD * rng.standard_normal(TRUE.size))
        found = landmarks(impute(given, luck(figure, given, sets), click_sd=SD), TIME).survival
        off = np.abs(found.mean(axis=0) - TRUE)
        covered += off <= 1.645 * found.std(axis=0, ddof=1)
    with capsys.disabled():
        print(f"\ncoverage of 90 % intervals: {covered / figures}")
    assert np.all(np.abs(covered / figures - 0.883) <= 4 * np.sqrt(0.883 * 0.117 / figures))


def test_censored_patients_leave_uniformly_inside_their_interval() -> None:
    """A level stretch: times of leaving have the mean and SD of a uniform; k = 4 errors."""
    given = DigitisedCurve([2, 10, 20], [0.9, 0.9, 0.5], [0, 4, 8], [100, 90, 60], events=40)
    times = np.concatenate(
        [one.time[(one.time >= 4) & (one.time < 8)] for one in impute(given, luck(3, given, 200))]
    )
    assert times.size >= 200 * 25
    error = 4 / np.sqrt(12) / np.sqrt(times.size)
    assert abs(times.mean() - 6) <= 4 * error
    assert abs(times.std() - 4 / np.sqrt(12)) <= 4 * error


def test_what_a_figure_does_not_say_widens_the_spread_of_events() -> None:
    """Without a total, the number censored last is drawn; a total, once known, is met."""
    known, unknown = curve(TRUE, events=260), curve(TRUE)
    stated = [one.events for one in impute(known, luck(2, known, 100), click_sd=0.0)]
    drawn = [one.events for one in impute(unknown, luck(2, unknown, 100), click_sd=0.0)]
    assert np.std(drawn) > 2 * np.std(stated)
    assert min(drawn) < np.mean(stated) < max(drawn)


def test_pooled_errors_hold_both_the_study_and_the_figure() -> None:
    """Total variance is Greenwood's within the sets and the spread between them (Rubin)."""
    given = curve(TRUE)
    found = landmarks(impute(given, luck(4, given, 200), click_sd=SD), TIME)
    mean, error = found.pooled()
    within = np.sqrt((found.se**2).mean(axis=0))
    assert np.all(error > within)
    np.testing.assert_allclose(error**2, within**2 + SD**2, rtol=0.15)
    np.testing.assert_allclose(mean, TRUE, atol=0.003)
