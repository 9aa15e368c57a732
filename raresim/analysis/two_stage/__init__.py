"""Trials of two stages for the same patients: sequential parallel comparison, and snSMART."""

from raresim.analysis.two_stage.joint_stage_bayes import (
    JointStagePosterior,
    JointStagePosteriors,
    JointStagePrior,
)
from raresim.analysis.two_stage.joint_stage_result import JointStageFit, JointStageFits
from raresim.analysis.two_stage.tables import (
    bayesian_joint_stage,
    joint_stage_regression,
    spcd_means,
    spcd_responses,
)

__all__ = [
    "JointStageFit",
    "JointStageFits",
    "JointStagePosterior",
    "JointStagePosteriors",
    "JointStagePrior",
    "bayesian_joint_stage",
    "joint_stage_regression",
    "spcd_means",
    "spcd_responses",
]
