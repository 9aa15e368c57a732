"""Event counts and recurrent events: comparisons of two arms."""

from raresim.analysis.counts.count_regression import NegativeBinomialFit
from raresim.analysis.counts.recurrent_tables import (
    andersen_gill,
    mean_cumulative_difference,
    mean_cumulative_function,
    mean_cumulative_test,
)
from raresim.analysis.counts.tables import (
    negative_binomial,
    negative_binomial_fit,
    poisson_exact,
    poisson_regression,
    poisson_test,
    quasi_poisson_regression,
)

__all__ = [
    "NegativeBinomialFit",
    "andersen_gill",
    "mean_cumulative_difference",
    "mean_cumulative_function",
    "mean_cumulative_test",
    "negative_binomial",
    "negative_binomial_fit",
    "poisson_exact",
    "poisson_regression",
    "poisson_test",
    "quasi_poisson_regression",
]
