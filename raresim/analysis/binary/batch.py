"""Binary and ordered outcomes: every method over arrays with a leading replicate axis."""

from raresim.analysis.binary.cumulative_logit import proportional_odds, proportional_odds_score
from raresim.analysis.binary.fisher import fisher_exact, fisher_mid_p
from raresim.analysis.binary.goal_scaling import goal_attainment, goal_attainment_t
from raresim.analysis.binary.hybrid import newcombe
from raresim.analysis.binary.logistic_regression import firth, logistic
from raresim.analysis.binary.mantel_haenszel import (
    cochran_mantel_haenszel,
    cochran_mantel_haenszel_exact,
    mantel_haenszel_risk_difference,
)
from raresim.analysis.binary.one_sample import binomial_test
from raresim.analysis.binary.score import farrington_manning, miettinen_nurminen
from raresim.analysis.binary.score_strata import stratified_miettinen_nurminen
from raresim.analysis.binary.standardised import standardised_risk_difference
from raresim.analysis.binary.two_stage import simon_analysis
from raresim.analysis.binary.unconditional import barnard, boschloo

__all__ = [
    "barnard",
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
    "standardised_risk_difference",
    "stratified_miettinen_nurminen",
]
