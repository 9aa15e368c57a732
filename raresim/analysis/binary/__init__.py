"""Binary and ordered outcomes: comparisons of two arms, and one arm against a goal."""

from raresim.analysis.binary.goal_scaling import goal_attainment_t
from raresim.analysis.binary.model_tables import (
    firth,
    goal_attainment,
    logistic,
    proportional_odds,
    proportional_odds_score,
    standardised_risk_difference,
)
from raresim.analysis.binary.one_sample import binomial_power
from raresim.analysis.binary.result import (
    ProportionInterval,
    ProportionIntervals,
)
from raresim.analysis.binary.simon import SimonDesign, simon_design
from raresim.analysis.binary.single_arm_tables import binomial_test, simon_analysis
from raresim.analysis.binary.strata_tables import (
    cochran_mantel_haenszel,
    cochran_mantel_haenszel_exact,
    mantel_haenszel_risk_difference,
    stratified_miettinen_nurminen,
)
from raresim.analysis.binary.tables import (
    barnard,
    boschloo,
    farrington_manning,
    fisher_exact,
    fisher_mid_p,
    miettinen_nurminen,
    newcombe,
)

__all__ = [
    "ProportionInterval",
    "ProportionIntervals",
    "SimonDesign",
    "barnard",
    "binomial_power",
    "binomial_test",
    "boschloo",
    "cochran_mantel_haenszel",
    "cochran_mantel_haenszel_exact",
    "farrington_manning",
    "firth",
    "fisher_exact",
    "fisher_mid_p",
    "goal_attainment",
    "goal_attainment_t",
    "logistic",
    "mantel_haenszel_risk_difference",
    "miettinen_nurminen",
    "newcombe",
    "proportional_odds",
    "proportional_odds_score",
    "simon_analysis",
    "simon_design",
    "standardised_risk_difference",
    "stratified_miettinen_nurminen",
]
