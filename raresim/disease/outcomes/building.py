"""From an outcome as it stands in the file to its process."""

from __future__ import annotations

from raresim import limits
from raresim.disease.network import states_of
from raresim.disease.outcome_block import Recurrent, TimeToEvent
from raresim.disease.outcomes.crossing import CrossingProcess
from raresim.disease.outcomes.curve import YEAR, Clock, DiaryProcess, TrajectoryProcess
from raresim.disease.outcomes.events import EventProcess
from raresim.disease.outcomes.following import FollowingProcess
from raresim.disease.outcomes.process import Process
from raresim.disease.outcomes.score import ScoreProcess
from raresim.disease.outcomes.states import StatesProcess
from raresim.disease.outcomes.timed import TimedProcess
from raresim.disease.score_block import CALENDAR, RANDOMISATION, Longitudinal, States, Trajectory
from raresim.disease.spec import ModelSpec
from raresim.disease.variable_block import Category
from raresim.files.units import days_in


def build(spec: ModelSpec, name: str) -> Process:
    """Return the process of the outcome `name`."""
    outcome = spec.outcomes[name]
    if isinstance(outcome, Recurrent):
        return EventProcess(name, (), limits.EVENTS.value + 1, own_frailty=True)
    if isinstance(outcome, TimeToEvent):
        return _event(spec, name, outcome)
    if isinstance(outcome, Longitudinal):
        return ScoreProcess(name, outcome)
    if isinstance(outcome, States):
        return StatesProcess(name, outcome)
    clock = _clock(spec, outcome.clock, YEAR)
    if isinstance(outcome, Trajectory):
        return TrajectoryProcess(name, outcome, clock, states_of(spec))
    return DiaryProcess(name, outcome, clock, states_of(spec))


def _event(spec: ModelSpec, name: str, outcome: TimeToEvent) -> Process:
    """Return the process of one event."""
    clock = _clock(spec, outcome.clock, 1.0)
    if outcome.when is not None:
        line = outcome.when
        return CrossingProcess(name, line, clock.since, clock.days_a_unit, (line.score,))
    if outcome.follows:
        return FollowingProcess(name, tuple(outcome.follows))
    if outcome.time is not None:
        given = outcome.time.given
        states = states_of(spec)[given] if given else ("",)
        return TimedProcess(name, clock.since, clock.days_a_unit, given, states)
    reads = (outcome.shares_frailty_with,) if outcome.shares_frailty_with else ()
    return EventProcess(name, reads, 1, own_frailty=False)


def _clock(spec: ModelSpec, since: str, without: float) -> Clock:
    """Return the clock that a number of the patients holds, or that of randomisation."""
    if since == RANDOMISATION:
        return Clock(None, without)
    if since == CALENDAR:
        return Clock(CALENDAR, YEAR)
    variable = spec.patients[since]
    assert not isinstance(variable, Category)
    return Clock(since, days_in(variable.unit))
