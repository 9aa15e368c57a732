"""Patients made by hand, some for each kind of outcome, for tests of what exposure does to them."""

from __future__ import annotations

from typing import Any

import numpy as np

from raresim.disease.outcome_block import Crossing
from raresim.disease.outcomes import (
    Clock,
    Course,
    CrossingProcess,
    DiaryProcess,
    Effect,
    EventLatent,
    EventProcess,
    Exposure,
    FollowingProcess,
    ScoreLatent,
    ScorePath,
    StatesProcess,
    TimedLatent,
    TimedProcess,
    TrajectoryProcess,
)
from raresim.disease.outcomes.crossing import CrossingLatent
from raresim.disease.outcomes.curve import CurveLatent
from raresim.disease.outcomes.following import FollowingLatent
from raresim.disease.outcomes.states import StatesLatent
from raresim.disease.score_block import Diary, States, Trajectory
from raresim.evidence.survival import PiecewiseExponential, SplitLogLogistic
from raresim.files.expressions import parse_formula

REPLICATES, UNITS, EVENTS, LAST = 3, 60, 12, 600.0
SHAPE = (REPLICATES, UNITS)
KNOTS = np.arange(0.0, LAST + 1, 30.0)
"""The grid of the event that follows scores; a course in step with it has no approximation."""


def day(value: float) -> np.ndarray:
    """Return one day for everybody."""
    return np.full((1, 1), float(value))


def ratio(value: float, since: float, until: float, dose: Any = 1.0) -> Course:
    """Return a course that multiplies a rate."""
    return Course(Effect("ratio", np.array([value])), day(since), day(until), dose)


def shift(value: float, since: float, until: float, dose: Any = 1.0) -> Course:
    """Return a course that adds `value` to a score in 100 days."""
    return Course(Effect("difference", np.array([value]), 100.0), day(since), day(until), dose)


def history(*courses: Course) -> Exposure:
    """Return an exposure of some courses."""
    return Exposure(courses)


def _luck(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


def recurrent() -> EventLatent:
    """Return patients with an event every 50 days or so, the rates differing fourfold."""
    luck = _luck(1)
    intensity = 0.01 * 4 ** luck.uniform(0, 1, SHAPE)
    thresholds = np.cumsum(luck.exponential(1, (*SHAPE, EVENTS)), axis=-1)
    return EventLatent(intensity, np.ones(SHAPE), thresholds)


def piecewise() -> PiecewiseExponential:
    """Return a law of time with a hazard that rises and falls."""
    steps = 0.1 + 0.08 * np.sin(np.arange(len(KNOTS) - 1))
    at_knots = np.concatenate([[0.0], np.cumsum(steps)])
    return PiecewiseExponential(KNOTS, at_knots[None, :])


def timed(smooth: bool = False) -> TimedLatent:
    """Return patients whose clock has run for up to 200 days, under a law of time."""
    luck = _luck(2)
    law: Any = piecewise()
    if smooth:
        law = SplitLogLogistic(np.array([[0.25, 0.5, 0.75]]), np.log([[90.0, 200.0, 500.0]]))
    return TimedLatent(luck.exponential(1, SHAPE), luck.uniform(0, 200, SHAPE), (law,))


def following() -> FollowingLatent:
    """Return patients with an event on a grid, which no score bends."""
    return FollowingLatent(_luck(3).exponential(1, SHAPE), piecewise(), (), LAST)


def scores() -> ScoreLatent:
    """Return patients with a score that falls by 10 in 100 days or so."""
    luck = _luck(4)
    slope = -0.1 + 0.02 * luck.standard_normal(SHAPE)
    return ScoreLatent(60 + 10 * luck.standard_normal(SHAPE), slope, np.ones(1))


def states() -> StatesLatent:
    """Return patients who move between three states on clocks of 1 tick in 10 days."""
    luck = _luck(5)
    ticks = np.cumsum(luck.exponential(10, (*SHAPE, 120)), axis=-1)
    choices = luck.uniform(0, 1, ticks.shape)
    rates = np.array([[[0, 0.02, 0.005], [0.03, 0, 0.02], [0.01, 0.03, 0]]])
    start = luck.integers(0, 3, SHAPE)
    return StatesLatent(start, ticks, choices, rates, np.array([0.1]))


def of_events(exposure: Exposure) -> np.ndarray:
    """Return the days of recurrent events."""
    return EventProcess("e", (), EVENTS, True).path(recurrent(), exposure, {}).days


def of_time(exposure: Exposure, smooth: bool = False) -> np.ndarray:
    """Return the day of an event with a law of time."""
    process = TimedProcess("t", None, 1.0, None, ("",))
    return process.path(timed(smooth), exposure, {}).days


def of_following(exposure: Exposure) -> np.ndarray:
    """Return the day of an event on a grid."""
    return FollowingProcess("f", ()).path(following(), exposure, {}).days


def of_crossing(exposure: Exposure) -> np.ndarray:
    """Return the day on which the score falls below 40."""
    line = Crossing(score="s", below=40)
    process = CrossingProcess("c", line, None, 1.0, ("s",))
    path = ScorePath(scores(), exposure)
    return process.path(CrossingLatent(day(0), LAST), Exposure(), {"s": path}).days


def of_score(exposure: Exposure, on: np.ndarray) -> np.ndarray:
    """Return the true score on some days."""
    return np.stack([ScorePath(scores(), exposure).level(day(each)) for each in on])


def of_curve(exposure: Exposure, on: np.ndarray) -> np.ndarray:
    """Return the true value of a trajectory on some days."""
    spec = Trajectory.model_construct(curve=parse_formula("60 - 30 * t"))
    process = TrajectoryProcess("k", spec, Clock(), {})
    latent = CurveLatent({}, np.zeros(SHAPE), np.ones(1))
    path = process.path(latent, exposure, {})
    return np.stack([path.level(day(each)) for each in on])


def of_diary(exposure: Exposure, on: np.ndarray) -> np.ndarray:
    """Return the events expected in each week before some days, at 0.2 a day."""
    process = DiaryProcess("d", Diary.model_construct(rate=parse_formula("0.2")), Clock(), {})
    path = process.path(CurveLatent({}, np.zeros(SHAPE), np.ones(1)), exposure, {})
    found = [path.expected(day(each - 7), day(each)) for each in on]
    return np.stack([np.broadcast_to(each, SHAPE) for each in found])


def of_states(exposure: Exposure, on: np.ndarray) -> np.ndarray:
    """Return the state on some days."""
    spec = States.model_construct(states=["good", "fair", "poor"])
    path = StatesProcess("p", spec).path(states(), exposure, {})
    return np.stack([path.level(np.full(SHAPE, each)) for each in on])


NEVER = np.inf
WEEKS = np.arange(7.0, 400.0, 7.0)


def same(first: np.ndarray, second: np.ndarray) -> bool:
    """Whether two arrays are equal to the last bit."""
    return bool(np.array_equal(first, second))
