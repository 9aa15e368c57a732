"""Any history of exposure: the inverted hazard is the integrated one; the past stays as it was."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from raresim.disease.outcomes import Course
from tests.exposed import (
    LAST,
    day,
    history,
    of_diary,
    of_events,
    of_following,
    of_score,
    of_states,
    of_time,
    ratio,
    recurrent,
    shift,
    timed,
)

WEEKS = np.arange(7.0, 300.0, 7.0)


@st.composite
def courses(draw: st.DrawFn, since: int = -50) -> tuple[float, ...]:
    """Return ratio or difference, first day, last day and dose of a course, not before a day."""
    first = draw(st.integers(since, 300))
    lasts = draw(st.one_of(st.integers(-10, 300), st.just(np.inf)))
    dose = draw(st.sampled_from([0.0, 0.5, 1.0, 1.7]))
    return draw(st.floats(0.1, 3)), first, first + lasts, dose


HISTORIES = st.lists(courses(), max_size=4)


def ratios(rows: list[tuple[float, ...]]) -> list[Course]:
    return [ratio(*row) for row in rows]


def ratio_on(rows: list[tuple[float, ...]], on: np.ndarray) -> np.ndarray:
    """Return the product of the ratios on some days, by its definition."""
    found = np.ones(on.shape)
    for value, since, until, dose in rows:
        found *= np.where((since <= on) & (on < until), value**dose, 1.0)
    return found


def integrated(rows: list[tuple[float, ...]], hazard, until: float) -> float:
    """Return the sum of ratio times rise of the hazard over pieces on which the ratio is constant.

    `hazard` is the cumulative hazard without treatment by a day.
    """
    ends = sorted({0.0, until, *(e for row in rows for e in row[1:3] if 0 < e < until)})
    return sum(
        float(ratio_on(rows, np.array((first + last) / 2))) * (hazard(last) - hazard(first))
        for first, last in pairwise(ends)
    )


@given(HISTORIES)
def test_events_come_where_the_integrated_intensity_reaches_their_threshold(rows) -> None:
    latent, days = recurrent(), of_events(history(*ratios(rows)))
    for row, unit in ((0, 0), (1, 31), (2, 59)):
        per_day = latent.intensity[row, unit]
        for threshold, found in zip(latent.thresholds[row, unit], days[row, unit], strict=True):
            reached = integrated(rows, lambda on, rate=per_day: rate * on, found)
            assert np.isclose(reached, threshold, rtol=1e-9)
    assert (np.diff(days, axis=-1) >= 0).all()


@given(HISTORIES, st.booleans())
def test_an_event_comes_where_the_integrated_hazard_reaches_its_threshold(rows, smooth) -> None:
    latent, days = timed(smooth), of_time(history(*ratios(rows)), smooth)[..., 0]
    for row, unit in ((0, 0), (0, 17), (1, 31), (2, 59)):
        origin = latent.origin[row, unit]

        def hazard(on: float, since: float = origin) -> float:
            return float(latent.hazard(day(since + on))[0, 0])

        reached = integrated(rows, hazard, days[row, unit])
        assert np.isclose(reached, latent.threshold[row, unit], rtol=1e-7)


@given(HISTORIES, st.data())
def test_cutting_a_course_in_two_or_another_order_changes_nothing(rows, data) -> None:
    cut = []
    for value, since, until, dose in rows:
        at = since + data.draw(st.integers(0, 100))
        cut += [(value, at, until, dose), (value, since, min(at, until), dose)]
    cut = [row for row in cut if row[1] < row[2]]
    for answer in (of_events, of_time, of_following):
        whole, parts = (answer(history(*ratios(some))) for some in (rows, cut))
        assert np.allclose(whole, parts, rtol=1e-9)
    for answer, course in ((of_diary, ratio), (of_score, shift), (of_states, ratio)):
        whole, parts = (
            answer(history(*(course(*row) for row in some)), WEEKS) for some in (rows, cut)
        )
        assert np.allclose(whole, parts, rtol=1e-9)


@given(HISTORIES, st.lists(courses(since=90), min_size=1, max_size=3))
def test_what_comes_later_changes_nothing_before(rows, later) -> None:
    """To the last bit, from the earliest day on which anything begins that was not there before."""
    since = float(min(row[1] for row in later))
    for answer in (of_events, of_time, of_following):
        early, late = (answer(history(*ratios(some))) for some in (rows, rows + later))
        upto = since if answer is not of_following else 30 * np.floor(since / 30)
        assert np.array_equal(*(np.where(each <= upto, each, np.inf) for each in (early, late)))
    before = WEEKS[since >= WEEKS]
    for answer, course in ((of_diary, ratio), (of_score, shift), (of_states, ratio)):
        early, late = (
            answer(history(*(course(*row) for row in some)), before)
            for some in (rows, rows + later)
        )
        assert np.array_equal(early, late)


@settings(max_examples=50)
@given(HISTORIES)
def test_a_stage_is_a_stretch_with_the_product_of_the_ratios(rows) -> None:
    stages = history(*ratios(rows)).stages
    for stage in stages:
        since, until = float(stage.since[0, 0]), float(stage.until[0, 0])
        if until > since:
            middle = np.array((since + min(until, since + 2 * LAST)) / 2)
            assert np.isclose(stage.ratio[0, 0], ratio_on(rows, middle))
    for first, second in pairwise(stages):
        assert (first.until == second.since).all()
