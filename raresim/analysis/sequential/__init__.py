"""Looks at accumulating data: designs, alpha spending, boundaries, and what they leave to say."""

from raresim.analysis.sequential.conditional import (
    conditional_error,
    conditional_exits,
    conditional_power,
    predictive_power,
)
from raresim.analysis.sequential.design import GroupSequentialDesign, group_sequential
from raresim.analysis.sequential.exits import Exits, exit_probabilities
from raresim.analysis.sequential.inference import (
    StagewiseInference,
    repeated_confidence_intervals,
    repeated_p_values,
    stagewise_inference,
    stagewise_p_value,
)
from raresim.analysis.sequential.spending import boundaries, spent

__all__ = [
    "Exits",
    "GroupSequentialDesign",
    "StagewiseInference",
    "boundaries",
    "conditional_error",
    "conditional_exits",
    "conditional_power",
    "exit_probabilities",
    "group_sequential",
    "predictive_power",
    "repeated_confidence_intervals",
    "repeated_p_values",
    "spent",
    "stagewise_inference",
    "stagewise_p_value",
]
