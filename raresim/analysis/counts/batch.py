"""Kernels of event counts and recurrent events over arrays with a leading replicate axis."""

from raresim.analysis.counts.count_regression import (
    NegativeBinomialFits,
    negative_binomial,
    negative_binomial_fit,
    negative_binomial_theta,
)
from raresim.analysis.counts.mean_cumulative import (
    mean_cumulative_difference,
    mean_cumulative_function,
    mean_cumulative_test,
)
from raresim.analysis.counts.poisson_exact import poisson_exact
from raresim.analysis.counts.poisson_one_sample import poisson_test
from raresim.analysis.counts.poisson_regression import poisson_regression, quasi_poisson_regression
from raresim.analysis.counts.recurrent_events import andersen_gill

__all__ = [
    "NegativeBinomialFits",
    "andersen_gill",
    "mean_cumulative_difference",
    "mean_cumulative_function",
    "mean_cumulative_test",
    "negative_binomial",
    "negative_binomial_fit",
    "negative_binomial_theta",
    "poisson_exact",
    "poisson_regression",
    "poisson_test",
    "quasi_poisson_regression",
]
