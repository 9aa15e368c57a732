"""Re-randomisation over arrays with a leading replicate axis."""

from raresim.analysis.rerandomisation.general import rerandomised
from raresim.analysis.rerandomisation.linear import rerandomised_scores
from raresim.analysis.rerandomisation.scores import logrank_scores, rank_scores, residual_scores

__all__ = [
    "logrank_scores",
    "rank_scores",
    "rerandomised",
    "rerandomised_scores",
    "residual_scores",
]
