"""Kernels of trials of two stages over arrays with a leading replicate axis."""

from raresim.analysis.two_stage.estimating_equations import joint_stage_regression
from raresim.analysis.two_stage.joint_stage_bayes import bayesian_joint_stage
from raresim.analysis.two_stage.parallel_comparison import (
    combined_stages,
    spcd_means,
    spcd_responses,
)

__all__ = [
    "bayesian_joint_stage",
    "combined_stages",
    "joint_stage_regression",
    "spcd_means",
    "spcd_responses",
]
