"""Looks at accumulating data: designs, alpha spending, boundaries, and what they leave to say."""

from raresim.analysis.sequential.combination import fisher_product, inverse_normal
from raresim.analysis.sequential.conditional import (
    conditional_error,
    conditional_exits,
    conditional_power,
    predictive_power,
)
from raresim.analysis.sequential.design import GroupSequentialDesign, group_sequential
from raresim.analysis.sequential.exact_binomial import (
    BinomialExits,
    binomial_boundaries,
    binomial_exits,
)
from raresim.analysis.sequential.exits import Exits, exit_probabilities
from raresim.analysis.sequential.fisher import FisherDesign, fisher_combination
from raresim.analysis.sequential.futility import spending_bounds
from raresim.analysis.sequential.inference import (
    StagewiseInference,
    repeated_confidence_intervals,
    repeated_p_values,
    stagewise_inference,
    stagewise_p_value,
)
from raresim.analysis.sequential.multi_arm import MultiArmDesign, multi_arm_multi_stage
from raresim.analysis.sequential.spending import boundaries, spent
from raresim.analysis.sequential.trend import chances_at_last_look, information_for_power

__all__ = [
    "BinomialExits",
    "Exits",
    "FisherDesign",
    "GroupSequentialDesign",
    "MultiArmDesign",
    "StagewiseInference",
    "binomial_boundaries",
    "binomial_exits",
    "boundaries",
    "chances_at_last_look",
    "conditional_error",
    "conditional_exits",
    "conditional_power",
    "exit_probabilities",
    "fisher_combination",
    "fisher_product",
    "group_sequential",
    "information_for_power",
    "inverse_normal",
    "multi_arm_multi_stage",
    "predictive_power",
    "repeated_confidence_intervals",
    "repeated_p_values",
    "spending_bounds",
    "spent",
    "stagewise_inference",
    "stagewise_p_value",
]
