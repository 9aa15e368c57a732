"""Outcomes at visits: mixed models for repeated measures, slopes, progression."""

from raresim.analysis.longitudinal.fitted import MixedModelFit
from raresim.analysis.longitudinal.model_arrays import mixed_model
from raresim.analysis.longitudinal.model_tables import RepeatedMeasuresFit, repeated_measures
from raresim.analysis.longitudinal.tables import (
    mmrm,
    proportional_slowing,
    proportional_slowing_test,
    random_slope,
)

__all__ = [
    "MixedModelFit",
    "RepeatedMeasuresFit",
    "mixed_model",
    "mmrm",
    "proportional_slowing",
    "proportional_slowing_test",
    "random_slope",
    "repeated_measures",
]
