"""Outcome processes: what happens to a patient in time, treated or not."""

from raresim.disease.outcomes.crossing import CrossingProcess
from raresim.disease.outcomes.curve import Clock, CurvePath, DiaryProcess, TrajectoryProcess
from raresim.disease.outcomes.events import EventLatent, EventPath, EventProcess
from raresim.disease.outcomes.exposure import UNTREATED, Course, Effect, Exposure, lasting
from raresim.disease.outcomes.following import FollowingProcess
from raresim.disease.outcomes.process import Horizon, Process
from raresim.disease.outcomes.reading import Occasion, ReadProcess, on_day
from raresim.disease.outcomes.score import ScoreLatent, ScorePath, ScoreProcess
from raresim.disease.outcomes.states import StatesProcess
from raresim.disease.outcomes.timed import TimedLatent, TimedProcess

EVENTS = (EventProcess, TimedProcess, FollowingProcess, CrossingProcess)
"""Processes whose paths are days of events."""
READ = (ScoreProcess, TrajectoryProcess, DiaryProcess, StatesProcess)
"""Processes that are read at visits."""

__all__ = [
    "EVENTS", "READ", "UNTREATED", "Clock", "Course", "CrossingProcess", "CurvePath",
    "DiaryProcess", "Effect", "EventLatent", "EventPath", "EventProcess", "Exposure",
    "FollowingProcess", "Horizon", "Occasion", "Process", "ReadProcess", "ScoreLatent",
    "ScorePath", "ScoreProcess", "StatesProcess", "TimedLatent", "TimedProcess",
    "TrajectoryProcess", "lasting", "on_day",
]  # fmt: skip
