"""What each simulated trial costs, from its ledger and the prices of the design."""

from __future__ import annotations

import numpy as np

from raresim.evidence.statistics import Floats
from raresim.trial.engine import BlockRun
from raresim.trial.scenario import Scenario
from raresim.trial.ticks import NEVER, days

MONTH = 365.25 / 12


def screenings(run: BlockRun) -> Floats:
    """Return the screenings of each trial, repeated ones too (replicates,).

    A candidate who came again is counted with all visits that fate had in store, also where
    recruitment closed before the last of them.
    """
    came = run.ledger.presented < NEVER
    return np.asarray(np.where(came, run.fate.screenings, 0).sum(axis=1), np.float64)


def cost(scenario: Scenario, run: BlockRun) -> Floats:
    """Return the cost of each trial (replicates,), in the currency of the design.

    Sites count that opened before recruitment closed, from their opening to the trial's end; a
    month is a twelfth of 365.25 days.
    """
    prices, ledger = scenario.spec.design.costs, run.ledger
    assert prices is not None
    opened = run.fate.opens <= ledger.closed[:, None]
    ended = days(ledger.end)
    open_for = np.where(opened, ended[:, None] - days(np.where(opened, run.fate.opens, 0)), 0.0)
    return np.asarray(
        prices.start
        + prices.month * ended / MONTH
        + prices.site * opened.sum(axis=1)
        + prices.site_month * open_for.sum(axis=1) / MONTH
        + prices.screening * screenings(run)
        + prices.patient * ledger.present.sum(axis=1)
        + prices.visit * (ledger.visits < NEVER).sum(axis=(1, 2))
        + prices.kit * ledger.kits
    )
