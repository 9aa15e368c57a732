"""Bayesian kernels over arrays with a leading replicate axis."""

from raresim.analysis.bayesian.kernels import (
    beta_binomial,
    gamma_poisson,
    normal_known_sd,
    normal_unknown_sd,
)

__all__ = ["beta_binomial", "gamma_poisson", "normal_known_sd", "normal_unknown_sd"]
