"""Continuous outcomes: comparisons of two arms."""

from raresim.analysis.continuous.tables import (
    ancova,
    brunner_munzel,
    one_sample_t,
    paired_t,
    rank_ancova,
    two_sample_t,
    van_elteren,
    wilcoxon,
)

__all__ = [
    "ancova",
    "brunner_munzel",
    "one_sample_t",
    "paired_t",
    "rank_ancova",
    "two_sample_t",
    "van_elteren",
    "wilcoxon",
]
