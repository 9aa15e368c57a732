"""Kernels of continuous outcomes over arrays with a leading replicate axis."""

from raresim.analysis.continuous.covariance_analysis import ancova
from raresim.analysis.continuous.rank_analyses import brunner_munzel, rank_ancova, van_elteren
from raresim.analysis.continuous.t_tests import one_sample_t, paired_t, two_sample_t
from raresim.analysis.continuous.wilcoxon_test import wilcoxon

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
