"""Trials: scenario, fate, two conducts, ledger, cut and looks."""

from raresim.trial.engine import BlockRun, run_block, run_one
from raresim.trial.ledger import Ledger
from raresim.trial.scenario import Scenario, load_scenario

__all__ = ["BlockRun", "Ledger", "Scenario", "load_scenario", "run_block", "run_one"]
