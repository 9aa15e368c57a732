"""Outcomes at visits: mixed models for repeated measures, slopes, progression."""

from raresim.analysis.longitudinal.model_tables import RepeatedMeasuresFit, repeated_measures
from raresim.analysis.longitudinal.tables import (
    mmrm,
    proportional_slowing,
    proportional_slowing_test,
    random_slope,
)

__all__ = [
    "RepeatedMeasuresFit",
    "mmrm",
    "proportional_slowing",
    "proportional_slowing_test",
    "random_slope",
    "repeated_measures",
]
