"""Sample size and power of simple designs, by closed formulas and exact enumeration.

Each function finds the size for a power or the power of a size. Formulas give sizes that are not
whole; `Plan.patients` rounds each arm up. Exact tests are enumerated for whole patients.
"""

from raresim.analysis.sizing.answers import Plan
from raresim.analysis.sizing.conditional_counts import exact_event_rates
from raresim.analysis.sizing.counts import two_event_rates
from raresim.analysis.sizing.course import expected_events, time_of_events
from raresim.analysis.sizing.exact_one_rate import one_rate
from raresim.analysis.sizing.exact_plan import ExactPlan
from raresim.analysis.sizing.fisher import fisher_exact
from raresim.analysis.sizing.hazards import Accrual, Hazard, SurvivalTrial
from raresim.analysis.sizing.log_rank import log_rank
from raresim.analysis.sizing.log_rank_events import log_rank_events
from raresim.analysis.sizing.means import crossover_means, one_mean, paired_means, two_means
from raresim.analysis.sizing.rank_sum import rank_sum
from raresim.analysis.sizing.rates import (
    continuity_corrected_rates,
    one_rate_normal,
    two_rates,
)
from raresim.analysis.sizing.snsmart import SnsmartPlan, snsmart
from raresim.analysis.sizing.spcd import SpcdPlan, spcd
from raresim.analysis.sizing.survival_curves import survival_curves, survival_percentiles
from raresim.analysis.sizing.trial_length import accrual_needed, duration_needed
from raresim.analysis.sizing.wins import win_odds, win_ratio, win_ratio_interval
from raresim.analysis.sizing.with_looks import (
    SequentialSize,
    sequential_size,
    size_from_simulation,
)

__all__ = [
    "Accrual",
    "ExactPlan",
    "Hazard",
    "Plan",
    "SequentialSize",
    "SnsmartPlan",
    "SpcdPlan",
    "SurvivalTrial",
    "accrual_needed",
    "continuity_corrected_rates",
    "crossover_means",
    "duration_needed",
    "exact_event_rates",
    "expected_events",
    "fisher_exact",
    "log_rank",
    "log_rank_events",
    "one_mean",
    "one_rate",
    "one_rate_normal",
    "paired_means",
    "rank_sum",
    "sequential_size",
    "size_from_simulation",
    "snsmart",
    "spcd",
    "survival_curves",
    "survival_percentiles",
    "time_of_events",
    "two_event_rates",
    "two_means",
    "two_rates",
    "win_odds",
    "win_ratio",
    "win_ratio_interval",
]
