"""Every comparison as a kernel over arrays with a leading replicate axis.

Row b of a batch is bit for bit that row alone, and rows with ``present`` False change nothing.
"""

from raresim.analysis.continuous.covariance_analysis import ancova
from raresim.analysis.counts.count_regression import negative_binomial, negative_binomial_theta
from raresim.analysis.counts.recurrent_events import andersen_gill
from raresim.analysis.survival.cox_regression import cox
from raresim.analysis.survival.log_rank import logrank

__all__ = [
    "ancova",
    "andersen_gill",
    "cox",
    "logrank",
    "negative_binomial",
    "negative_binomial_theta",
]
