"""Studies: replicates of a trial to operating characteristics."""

from raresim.study.montecarlo import Figure
from raresim.study.run import Run, Settings, simulate
from raresim.study.single import SingleTrial, run_trial
from raresim.study.summary import EstimandSummary, Summary
from raresim.study.unpublished import Swing, swings

__all__ = [
    "EstimandSummary",
    "Figure",
    "Run",
    "Settings",
    "SingleTrial",
    "Summary",
    "Swing",
    "run_trial",
    "simulate",
    "swings",
]
