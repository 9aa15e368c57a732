"""Histories of several courses in every kind of outcome: what adds up, and what must not change."""

from __future__ import annotations

import numpy as np
import pytest

from raresim.disease.outcomes import UNTREATED, Course, Effect
from raresim.disease.outcomes.crossing import STEP
from tests.exposed import (
    NEVER,
    REPLICATES,
    SHAPE,
    UNITS,
    WEEKS,
    day,
    following,
    history,
    of_crossing,
    of_curve,
    of_diary,
    of_events,
    of_following,
    of_score,
    of_states,
    of_time,
    ratio,
    same,
    shift,
)

RATIOS = {
    "events": of_events,
    "time": of_time,
    "smooth time": lambda exposure: of_time(exposure, smooth=True),
    "following": of_following,
    "diary": lambda exposure: of_diary(exposure, WEEKS),
    "states": lambda exposure: of_states(exposure, WEEKS),
}
DIFFERENCES = {
    "score": lambda exposure: of_score(exposure, WEEKS),
    "curve": lambda exposure: of_curve(exposure, WEEKS),
    "crossing": of_crossing,
}
EVERY = [(kind, ratio, answer) for kind, answer in RATIOS.items()]
EVERY += [(kind, shift, answer) for kind, answer in DIFFERENCES.items()]
each_kind = pytest.mark.parametrize(
    ("course", "answer"), [each[1:] for each in EVERY], ids=[each[0] for each in EVERY]
)


@each_kind
def test_a_course_in_two_parts_is_one_course(course, answer) -> None:
    whole = answer(history(course(0.4, 0, 200)))
    parts = answer(history(course(0.4, 75, 200), course(0.4, 0, 75)))
    assert not np.allclose(whole, answer(UNTREATED), rtol=1e-3)
    assert np.allclose(whole, parts, rtol=1e-9)


@pytest.mark.parametrize("answer", RATIOS.values(), ids=RATIOS)
def test_ratios_multiply_where_courses_overlap(answer) -> None:
    overlapping = history(ratio(0.5, 20, 140), ratio(0.3, 80, 250))
    apart = history(ratio(0.5, 20, 80), ratio(0.15, 80, 140), ratio(0.3, 140, 250))
    assert np.allclose(answer(overlapping), answer(apart), rtol=1e-9)


@pytest.mark.parametrize("answer", DIFFERENCES.values(), ids=DIFFERENCES)
def test_differences_add_where_courses_overlap(answer) -> None:
    overlapping = history(shift(5, 20, 140), shift(-2, 80, 250))
    apart = history(shift(5, 20, 80), shift(3, 80, 140), shift(-2, 140, 250))
    assert np.allclose(answer(overlapping), answer(apart), rtol=1e-9)


@pytest.mark.parametrize("drug", [None, 0.5])
@pytest.mark.parametrize(("course", "answer"), [each[1:] for each in EVERY[:4]])
def test_what_comes_later_changes_no_event_before(course, answer, drug) -> None:
    """To the last bit; on a grid from the interval on in which the course begins."""
    before = [course(drug, 0, 60)] if drug else []
    for since in (90.0, 120.0):
        early = answer(history(*before))
        late = answer(history(*before, course(0.2, since, 400)))
        assert same(np.where(early <= since, early, NEVER), np.where(late <= since, late, NEVER))
        assert not np.allclose(early, late)


@pytest.mark.parametrize("before", [0, 1])
@pytest.mark.parametrize(
    ("course", "answer"), [each[1:] for each in EVERY[4:8]], ids=[each[0] for each in EVERY[4:8]]
)
def test_what_comes_later_changes_no_reading_before(course, answer, before) -> None:
    first = [course(0.5, 0, 60)] * before
    early, late = answer(history(*first)), answer(history(*first, course(0.2, 98, 400)))
    upto = WEEKS <= 98
    assert same(early[upto], late[upto])
    assert not np.allclose(early, late)


def test_what_comes_later_changes_no_crossing_before() -> None:
    early, late = of_crossing(UNTREATED), of_crossing(history(shift(20, 10 * STEP, 400)))
    since = 10 * STEP
    assert same(np.where(early <= since, early, NEVER), np.where(late <= since, late, NEVER))
    assert (late[early > since] > early[early > since]).all()


def test_a_course_that_some_have_changes_nothing_for_the_others() -> None:
    """Whoever has none begins it never, or has it end when it begins."""
    has = np.arange(UNITS) % 2 == 0
    rescue = Effect("ratio", np.array([0.2]))
    drug = ratio(0.5, 0, 100)
    plain = of_events(history(drug))
    for since, stop in ((np.inf, np.inf), (0.0, 0.0), (50.0, 20.0)):
        begins, ends = np.where(has, 30.0, since)[None, :], np.where(has, 400.0, stop)[None, :]
        found = of_events(history(drug, Course(rescue, begins, ends)))
        assert same(found[:, ~has], plain[:, ~has])
        assert (found[:, has] >= plain[:, has]).all()


@each_kind
def test_courses_that_do_nothing(course, answer) -> None:
    untreated = answer(UNTREATED)
    nothing = Course(None, day(0), day(NEVER))
    empty = course(0.4, 100, 100), course(0.4, 150, 50)
    for courses in ((nothing,), (course(0.4, 0, NEVER, 0.0),), empty, (*empty, nothing)):
        assert np.allclose(answer(history(*courses)), untreated, rtol=1e-12)


@each_kind
def test_doses_scale_an_effect(course, answer) -> None:
    """Of a ratio r dose x is r^x, of a difference x times it; doses may differ between patients."""
    scaled = 0.4**0.5 if course is ratio else 0.4 * 0.5
    half = answer(history(course(0.4, 30, 200, 0.5)))
    assert np.allclose(half, answer(history(course(scaled, 30, 200))), rtol=1e-12)
    twice = answer(history(course(0.4, 30, 200, 0.5), course(0.4, 30, 200, 0.5)))
    assert np.allclose(twice, answer(history(course(0.4, 30, 200))), rtol=1e-9)
    own = np.where(np.arange(UNITS) % 2 == 0, 0.5, 0.0)[None, :]
    mixed = answer(history(course(0.4, 30, 200, own)))
    units = 2 if mixed.ndim == 3 and mixed.shape[2] == UNITS else 1
    for first, other in ((0, half), (1, answer(UNTREATED))):
        chosen = (slice(None),) * units + (slice(first, None, 2),)
        assert np.allclose(mixed[chosen], other[chosen], rtol=1e-12)


def test_on_the_day_of_a_change_the_course_before_holds() -> None:
    on = np.array([[0.0, 1.0, 75.0, 76.0, 200.0, 201.0]])
    found = history(ratio(0.4, 0, 75), ratio(0.3, 75, 200)).ratio(on)
    assert found.tolist() == [[1.0, 0.4, 0.4, 0.3, 0.3, 1.0]]


def test_a_perfect_treatment_lets_nothing_happen_while_it_lasts() -> None:
    for answer in (of_events, of_time, of_following):
        plain, perfect = answer(UNTREATED), answer(history(ratio(0, 60, 150)))
        assert not ((perfect > 60) & (perfect < 150)).any()
        assert same(perfect[plain <= 60], plain[plain <= 60])
        assert np.isinf(answer(history(ratio(0, 0, NEVER)))).all()
    assert np.allclose(of_events(history(ratio(0, 60, 150))), _pushed(of_events(UNTREATED), 60, 90))


def _pushed(days: np.ndarray, since: float, by: float) -> np.ndarray:
    return np.where(days > since, days + by, days)


def test_delayed_start_and_withdrawal_of_a_drug_for_a_score() -> None:
    """Those who start late never catch up; what a course has given is kept when it stops."""
    on = np.array([-50.0, 0.0, 50.0, 100.0, 150.0, 300.0])
    plain = of_score(UNTREATED, on)

    def gained(*courses: Course) -> np.ndarray:
        return (of_score(history(*courses), on) - plain).mean(axis=(1, 2))

    assert gained(shift(5, 0, 200)) == pytest.approx([0, 0, 2.5, 5, 7.5, 10])
    assert gained(shift(5, 100, 200)) == pytest.approx([0, 0, 0, 0, 2.5, 5])
    assert gained(shift(5, 0, 50), shift(5, 100, 150)) == pytest.approx([0, 0, 2.5, 2.5, 5, 5])
    assert gained(shift(5, 0, 100), shift(5, 100, 200, 0.5)) == pytest.approx(
        [0, 0, 2.5, 5, 6.25, 7.5]
    )
    assert gained(shift(5, -100, NEVER)) == pytest.approx([2.5, 5, 7.5, 10, 12.5, 20])


def test_a_course_before_randomisation() -> None:
    """It counts for what is read before; events are counted from randomisation on."""
    exposure = history(ratio(0.5, -70, 35))
    on = np.array([-70.0, -63.0, 0.0, 7.0, 35.0, 42.0])
    assert of_diary(exposure, on).mean(axis=(1, 2)) == pytest.approx([1.4, 0.7, 0.7, 0.7, 0.7, 1.4])
    for answer in (of_events, of_time, of_following):
        assert same(answer(exposure), answer(history(ratio(0.5, 0, 35))))
        gone = answer(history(ratio(0.5, -70, -35)))
        assert np.allclose(gone, answer(UNTREATED), rtol=1e-12)
        assert same(answer(history(ratio(0.5, -np.inf, 35))), answer(exposure))


def test_courses_in_step_with_the_grid_are_exact_on_it() -> None:
    """On the grid's own days the event on a grid is the event with that law of time."""
    exposure = history(ratio(0.5, 30, 210), ratio(0.2, 90, 300))
    latent = following()
    at = [latent.law.hazard(day(each))[0, 0] for each in (30, 90, 210, 300)]
    rates = [1, 0.5, 0.1, 0.2, 1]
    reached = np.concatenate([[0.0], np.cumsum(np.diff([0.0, *at]) * rates[:-1])])
    stage = np.searchsorted(reached[1:], latent.threshold)
    needed = (
        np.array([0.0, *at])[stage] + (latent.threshold - reached[stage]) / np.array(rates)[stage]
    )
    expected = latent.law.time(needed)
    found = of_following(exposure)[..., 0]
    seen = np.isfinite(found)
    assert seen.mean() > 0.5
    assert np.allclose(found[seen], expected[seen], rtol=1e-9)


def test_some_replicates_of_a_history() -> None:
    dose = np.random.default_rng(3).uniform(0, 1, SHAPE)
    effect = Effect("ratio", np.array([0.2, 0.5, 0.8]))
    late = Course(effect, day(40), day(NEVER), dose)
    until = np.random.default_rng(7).exponential(150, SHAPE)
    whole = history(Course(effect, day(0), until), late)
    for row in range(REPLICATES):
        part = whole.rows(slice(row, row + 1))
        for mine, theirs in zip(part.stages, whole.stages, strict=True):
            assert same(mine.since[0], theirs.since[row])
            assert same(mine.until[0], theirs.until[row])
            assert same(mine.ratio[0], theirs.ratio[row])
    assert history(ratio(0.5, 0, 1, 0.5)).rows(slice(0, 1)).courses[0].dose == 0.5
