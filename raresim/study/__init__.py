"""Studies: replicates of a trial to operating characteristics."""

from raresim.study.comparison import Comparison, DesignFigures, compare
from raresim.study.design_size import Size, size
from raresim.study.foretelling import Backtest, Score, backtest
from raresim.study.montecarlo import Figure
from raresim.study.one_at_a_time import Move, Sensitivity, sensitivity
from raresim.study.run import Run, Settings, simulate
from raresim.study.single import SingleTrial, run_trial
from raresim.study.summary import EstimandSummary, Summary

__all__ = [
    "Backtest",
    "Comparison",
    "DesignFigures",
    "EstimandSummary",
    "Figure",
    "Move",
    "Run",
    "Score",
    "Sensitivity",
    "Settings",
    "SingleTrial",
    "Size",
    "Summary",
    "backtest",
    "compare",
    "run_trial",
    "sensitivity",
    "simulate",
    "size",
]
