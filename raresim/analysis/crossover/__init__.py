"""Cross-over, Williams and aggregated n-of-1 trials: treatments compared within patients."""

from raresim.analysis.crossover.tables import (
    conditional_poisson,
    crossover_anova,
    crossover_signed_rank,
    crossover_t,
    mainland_gart,
    prescott,
    sign_flip,
)

__all__ = [
    "conditional_poisson",
    "crossover_anova",
    "crossover_signed_rank",
    "crossover_t",
    "mainland_gart",
    "prescott",
    "sign_flip",
]
