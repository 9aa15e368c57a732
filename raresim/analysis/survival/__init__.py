"""Times to an event: curves, comparisons of arms, competing risks."""

from raresim.analysis.survival.aalen_johansen import IncidenceCurves
from raresim.analysis.survival.combined_weights import MAX_COMBO, MaxCombo
from raresim.analysis.survival.concordance import Concordance
from raresim.analysis.survival.cox_covariates import CoxFits
from raresim.analysis.survival.curve_tables import (
    cumulative_incidence,
    gray_test,
    kaplan_meier,
    milestone_survival,
    rmst,
)
from raresim.analysis.survival.group_log_rank import GroupTest
from raresim.analysis.survival.model_tables import (
    concordance,
    cox,
    cox_model,
    firth_cox,
)
from raresim.analysis.survival.product_limit import SurvivalCurves
from raresim.analysis.survival.tables import (
    logrank,
    logrank_groups,
    logrank_permutation,
    max_combo,
)
from raresim.analysis.survival.weights import (
    GEHAN,
    FlemingHarrington,
    ModestlyWeighted,
    PetoPeto,
    TaroneWare,
)

__all__ = [
    "GEHAN",
    "MAX_COMBO",
    "Concordance",
    "CoxFits",
    "FlemingHarrington",
    "GroupTest",
    "IncidenceCurves",
    "MaxCombo",
    "ModestlyWeighted",
    "PetoPeto",
    "SurvivalCurves",
    "TaroneWare",
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
]
