"""Event counts and recurrent events: comparisons of two arms."""

from raresim.analysis.counts.recurrent_tables import (
    andersen_gill,
    mean_cumulative_difference,
    mean_cumulative_function,
    mean_cumulative_test,
)
from raresim.analysis.counts.tables import (
    negative_binomial,
    poisson_exact,
    poisson_regression,
    poisson_test,
    quasi_poisson_regression,
)

__all__ = [
    "andersen_gill",
    "mean_cumulative_difference",
    "mean_cumulative_function",
    "mean_cumulative_test",
    "negative_binomial",
    "poisson_exact",
    "poisson_regression",
    "poisson_test",
    "quasi_poisson_regression",
]
