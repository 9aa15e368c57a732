"""Kernels of repeated measures, over arrays with a leading replicate axis."""

from raresim.analysis.longitudinal.arm_by_visit import mmrm
from raresim.analysis.longitudinal.design import Layout
from raresim.analysis.longitudinal.mixed_models import mixed_models
from raresim.analysis.longitudinal.progression import (
    proportional_slowing,
    proportional_slowing_test,
)
from raresim.analysis.longitudinal.slopes import random_slope

__all__ = [
    "Layout",
    "mixed_models",
    "mmrm",
    "proportional_slowing",
    "proportional_slowing_test",
    "random_slope",
]
