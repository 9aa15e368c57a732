"""Kernels of comparisons within patients over arrays with a leading replicate axis."""

from raresim.analysis.crossover.analysis_of_variance import crossover_anova
from raresim.analysis.crossover.patient_means import (
    crossover_signed_rank,
    crossover_t,
    patient_means,
)
from raresim.analysis.crossover.period_counts import conditional_poisson
from raresim.analysis.crossover.preferences import mainland_gart, prescott
from raresim.analysis.crossover.reordering import cycles, rerandomised_sequences, sign_flip
from raresim.analysis.crossover.signed_rank_test import signed_rank

__all__ = [
    "conditional_poisson",
    "crossover_anova",
    "crossover_signed_rank",
    "crossover_t",
    "cycles",
    "mainland_gart",
    "patient_means",
    "prescott",
    "rerandomised_sequences",
    "sign_flip",
    "signed_rank",
]
