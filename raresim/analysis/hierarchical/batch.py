"""Kernels of prioritised outcomes over arrays with a leading replicate axis."""

from raresim.analysis.hierarchical.comparisons import Level
from raresim.analysis.hierarchical.patient_scores import (
    finkelstein_schoenfeld,
    joint_rank,
    patient_scores,
)
from raresim.analysis.hierarchical.win_statistics import WinStatistics, win_statistics

__all__ = [
    "Level",
    "WinStatistics",
    "finkelstein_schoenfeld",
    "joint_rank",
    "patient_scores",
    "win_statistics",
]
