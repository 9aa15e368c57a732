"""Outcome processes: what happens to a patient in time, treated or not."""

from raresim.disease.outcomes.events import EventLatent, EventPath, EventProcess
from raresim.disease.outcomes.process import Clock, Effect, Exposure, Horizon, Process
from raresim.disease.outcomes.score import ScoreLatent, ScorePath, ScoreProcess

__all__ = [
    "Clock", "Effect", "EventLatent", "EventPath", "EventProcess", "Exposure", "Horizon",
    "Process", "ScoreLatent", "ScorePath", "ScoreProcess",
]  # fmt: skip
