"""Every comparison as a kernel over arrays with a leading replicate axis.

Row b of a batch is bit for bit that row alone, and rows with ``present`` False change nothing.
"""

from raresim.analysis.count_regression import negative_binomial, negative_binomial_theta
from raresim.analysis.covariance_analysis import ancova
from raresim.analysis.cox_regression import cox
from raresim.analysis.log_rank import logrank
from raresim.analysis.recurrent_events import andersen_gill

__all__ = [
    "ancova",
    "andersen_gill",
    "cox",
    "logrank",
    "negative_binomial",
    "negative_binomial_theta",
]
