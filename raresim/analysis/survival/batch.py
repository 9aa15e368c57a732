"""The kernels of this room, over arrays with a leading replicate axis."""

from raresim.analysis.survival.aalen_johansen import cumulative_incidence
from raresim.analysis.survival.adjusted_restricted_mean import rmst_adjusted
from raresim.analysis.survival.combined_weights import max_combo
from raresim.analysis.survival.concordance import concordance
from raresim.analysis.survival.cox_covariates import cox_model
from raresim.analysis.survival.cox_regression import cox
from raresim.analysis.survival.gray import gray_test
from raresim.analysis.survival.group_log_rank import logrank_groups
from raresim.analysis.survival.log_rank import logrank
from raresim.analysis.survival.milestone import milestone_survival
from raresim.analysis.survival.penalised_cox import firth_cox
from raresim.analysis.survival.permutation_log_rank import logrank_permutation
from raresim.analysis.survival.product_limit import kaplan_meier
from raresim.analysis.survival.restricted_mean import rmst

__all__ = [
    "concordance",
    "cox",
    "cox_model",
    "cumulative_incidence",
    "firth_cox",
    "gray_test",
    "kaplan_meier",
    "logrank",
    "logrank_groups",
    "logrank_permutation",
    "max_combo",
    "milestone_survival",
    "rmst",
    "rmst_adjusted",
]
