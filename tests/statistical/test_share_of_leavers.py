"""Whoever leaves by chance alone takes nothing from a share, however early others have come."""

from __future__ import annotations

import numpy as np

from raresim.trial import run_block
from raresim.trial.looks.look import Look
from tests.one_arm import one_arm

K, TRIALS = 4, 512


def shares(leaving: float, missed: float) -> tuple[float, float]:
    """Return the mean estimated share and its Monte Carlo standard error."""
    changes = {
        "truth.uncertainty": "fixed",
        "truth.leaves_study.rate": f"{leaving} per year",
        "truth.missed_visits.share": missed,
    }
    run = run_block(one_arm(changes), "no_effect", 11, 0, "block", TRIALS)
    found = run.analyst.records[Look("final", "held")]["estimate"]
    return float(np.nanmean(found)), float(np.nanstd(found, ddof=1) / np.sqrt(TRIALS))


def test_leaving_and_missed_visits_do_not_move_a_share() -> None:
    """Seven of ten leave in a year, or miss the visit; k = 4."""
    whole, error = shares(1e-7, 0)
    for leaving, missed in ((0.5, 0), (1e-7, 0.4)):
        found, own = shares(leaving, missed)
        assert abs(found - whole) <= K * np.hypot(error, own), (leaving, missed)
