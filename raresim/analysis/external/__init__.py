"""External and historical controls: weighting, matching, published summaries, borrowing."""

from raresim.analysis.external.drift import DriftTable, borrowing_methods, size_against_drift
from raresim.analysis.external.effective_size import effective_size, moment_size
from raresim.analysis.external.fitting import Fit, fit_beta_mixture
from raresim.analysis.external.historical import (
    commensurate_prior,
    meta_analytic_binomial,
    meta_analytic_normal,
    normalised_power_prior,
    power_prior,
)
from raresim.analysis.external.self_adapting import (
    alike,
    pool_if_alike,
    self_adapting_posterior,
    self_adapting_weight,
)
from raresim.analysis.external.tables import (
    entropy_balanced,
    matching_adjusted,
    propensity_matched,
    propensity_weighted,
)

__all__ = [
    "DriftTable",
    "Fit",
    "alike",
    "borrowing_methods",
    "commensurate_prior",
    "effective_size",
    "entropy_balanced",
    "fit_beta_mixture",
    "matching_adjusted",
    "meta_analytic_binomial",
    "meta_analytic_normal",
    "moment_size",
    "normalised_power_prior",
    "pool_if_alike",
    "power_prior",
    "propensity_matched",
    "propensity_weighted",
    "self_adapting_posterior",
    "self_adapting_weight",
    "size_against_drift",
]
