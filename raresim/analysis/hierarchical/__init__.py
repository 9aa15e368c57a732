"""Several outcomes in order of priority: wins, losses and joint ranks of two arms."""

from raresim.analysis.hierarchical.comparisons import BUYSETEST, WINS, Rules
from raresim.analysis.hierarchical.tables import (
    Endpoint,
    finkelstein_schoenfeld,
    joint_rank,
    win_statistics,
)

__all__ = [
    "BUYSETEST",
    "WINS",
    "Endpoint",
    "Rules",
    "finkelstein_schoenfeld",
    "joint_rank",
    "win_statistics",
]
