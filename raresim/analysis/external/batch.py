"""Comparisons with external controls as kernels over arrays with a leading replicate axis."""

from raresim.analysis.external.balancing import entropy_balanced, matching_adjusted
from raresim.analysis.external.matching import propensity_matched
from raresim.analysis.external.tilting import tilted_weights
from raresim.analysis.external.weighting import propensity_weighted
from raresim.analysis.external.weights import (
    effective_patients,
    propensity_scores,
    propensity_weights,
    standardised_differences,
)

__all__ = [
    "effective_patients",
    "entropy_balanced",
    "matching_adjusted",
    "propensity_matched",
    "propensity_scores",
    "propensity_weighted",
    "propensity_weights",
    "standardised_differences",
    "tilted_weights",
]
