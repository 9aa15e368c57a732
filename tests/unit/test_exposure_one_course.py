"""One course from randomisation on, by the formulas for it alone, to the last bit."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from raresim.disease.outcomes import UNTREATED, Effect, Exposure
from tests.exposed import (
    KNOTS,
    NEVER,
    REPLICATES,
    SHAPE,
    UNITS,
    WEEKS,
    day,
    following,
    of_crossing,
    of_curve,
    of_diary,
    of_events,
    of_following,
    of_score,
    of_states,
    of_time,
    recurrent,
    same,
    scores,
    states,
    timed,
)


def until() -> np.ndarray:
    """Return days of stopping that differ between patients, some never."""
    found = np.random.default_rng(7).exponential(150, SHAPE)
    return np.where(found > 300, NEVER, found)


def one(value: float = 0.4) -> Exposure:
    return Exposure.one(until(), Effect("ratio", np.full(REPLICATES, value)))


def test_one_course_of_recurrent_events() -> None:
    latent, last = recurrent(), 0.4 * until()[..., None]
    days = latent.thresholds / latent.intensity[..., None]
    with np.errstate(invalid="ignore"):
        after = days - last + until()[..., None]
    assert same(of_events(one()), np.where(days <= last, days / 0.4, after))
    assert same(of_events(UNTREATED), days)


@pytest.mark.parametrize("smooth", [False, True])
def test_one_course_of_an_event_with_a_law_of_time(smooth: bool) -> None:
    latent = timed(smooth)
    lived = latent.hazard(latent.origin)
    treated = latent.hazard(latent.origin + np.minimum(until(), 1e9)) - lived
    treated = np.where(np.isinf(until()), NEVER, treated)
    by_end = latent.threshold <= 0.4 * treated
    needed = np.where(by_end, latent.threshold / 0.4, latent.threshold + (1 - 0.4) * treated)
    expected = latent.time(lived + needed) - latent.origin
    assert same(of_time(one(), smooth)[..., 0], np.maximum(expected, 0))
    assert same(
        of_time(UNTREATED, smooth)[..., 0], latent.time(lived + latent.threshold) - latent.origin
    )


def test_one_course_of_an_event_on_a_grid() -> None:
    """The treated part of each interval counts with the ratio, evenly over the interval."""
    latent = following()
    left, expected = latent.threshold.copy(), np.full(SHAPE, NEVER)
    for k, (first, last) in enumerate(pairwise(KNOTS)):
        part = np.clip((until() - first) / (last - first), 0, 1)
        step = latent.law.at_knots[0, k + 1] - latent.law.at_knots[0, k]
        hazard = step * (1 + (0.4 - 1) * part)
        now = (hazard >= left) & np.isinf(expected)
        expected = np.where(now, first + left / hazard * (last - first), expected)
        left = left - hazard
    assert same(of_following(one())[..., 0], expected)


def test_one_course_of_scores() -> None:
    exposure = Exposure.one(until(), Effect("difference", np.full(REPLICATES, 5.0), 100.0))
    latent = scores()
    for on, level in zip(WEEKS, of_score(exposure, WEEKS), strict=True):
        grown = 5.0 * (np.minimum(on, until()) / 100)
        assert same(level, latent.level + latent.slope * on + grown)
    gained = of_curve(exposure, WEEKS) - of_curve(UNTREATED, WEEKS)
    assert np.allclose(gained, 5.0 * np.minimum(WEEKS[:, None, None], until()) / 100, atol=1e-12)


def test_one_course_of_a_score_that_crosses_a_line() -> None:
    """level + slope t + 5 t / 100 = 40, a straight line, so exact on any grid."""
    exposure = Exposure.one(day(NEVER), Effect("difference", np.array([5.0]), 100.0))
    latent = scores()
    expected = (40 - latent.level) / (latent.slope + 0.05)
    found = of_crossing(exposure)[..., 0]
    seen = np.isfinite(found)
    assert seen.sum() > REPLICATES * UNITS / 2
    assert np.allclose(found[seen], np.maximum(expected, 0)[seen])


def test_one_course_of_a_diary() -> None:
    found = of_diary(one(), WEEKS)
    for on, expected in zip(WEEKS, found, strict=True):
        treated = np.maximum(np.minimum(on, until()) - (on - 7), 0)
        assert same(expected, 0.2 * (7 + (0.4 - 1) * treated))


def test_one_course_through_states() -> None:
    """At each tick: chances of moves to worse states times the ratio up to the last day."""
    latent, found = states(), of_states(one(), WEEKS)
    for row, unit in ((0, 0), (1, 20), (2, 59)):
        state, at = int(latent.start[row, unit]), 0
        for on, read in zip(WEEKS, found[:, row, unit], strict=True):
            while latent.ticks[row, unit, at] <= on:
                chances = latent.rates[0, state] / 0.1
                treated = latent.ticks[row, unit, at] <= until()[row, unit]
                chances = np.where(np.arange(3) > state, chances * (0.4 if treated else 1), chances)
                passed = int(np.sum(latent.choices[row, unit, at] >= np.cumsum(chances)))
                state, at = passed if passed < 3 else state, at + 1
            assert read == state
