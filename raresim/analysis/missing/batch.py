"""Missing outcomes, over arrays with a leading replicate axis."""

from raresim.analysis.missing.conditional_mean import conditional_mean_imputation
from raresim.analysis.missing.multiple import multiple_imputation
from raresim.analysis.missing.pooling import rubin
from raresim.analysis.missing.tipping import tipping_point
from raresim.analysis.missing.trial import Plan

__all__ = ["Plan", "conditional_mean_imputation", "multiple_imputation", "rubin", "tipping_point"]
