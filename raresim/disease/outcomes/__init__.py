"""Outcome processes: what happens to a patient in time, treated or not."""

from raresim.disease.outcomes.events import EventLatent, EventPath, EventProcess
from raresim.disease.outcomes.process import Effect, Exposure, Horizon, Process
from raresim.disease.outcomes.score import ScoreLatent, ScorePath, ScoreProcess
from raresim.disease.outcomes.timed import TimedLatent, TimedProcess

EVENTS = (EventProcess, TimedProcess)
"""Processes whose paths are days of events."""

__all__ = [
    "EVENTS", "Effect", "EventLatent", "EventPath", "EventProcess", "Exposure", "Horizon",
    "Process", "ScoreLatent", "ScorePath", "ScoreProcess",
    "TimedLatent", "TimedProcess",
]  # fmt: skip
