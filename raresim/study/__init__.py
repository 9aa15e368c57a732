"""Studies: replicates of a trial to operating characteristics."""

from raresim.study.foretelling import Backtest, Score, backtest
from raresim.study.montecarlo import Figure
from raresim.study.one_at_a_time import Move, Sensitivity, sensitivity
from raresim.study.run import (
    Run,
    carry_out,
    complete,
    finished,
    passing,
    settings_for,
    simulate,
    work_in,
)
from raresim.study.single import SingleTrial, run_trial
from raresim.study.summary import EstimandSummary, Summary
from raresim.study.tasks import Settings

__all__ = [
    "Backtest",
    "EstimandSummary",
    "Figure",
    "Move",
    "Run",
    "Score",
    "Sensitivity",
    "Settings",
    "SingleTrial",
    "Summary",
    "backtest",
    "carry_out",
    "complete",
    "finished",
    "passing",
    "run_trial",
    "sensitivity",
    "settings_for",
    "simulate",
    "work_in",
]
