"""Event counts and recurrent events: comparisons of two arms."""

from raresim.analysis.counts.tables import andersen_gill, negative_binomial

__all__ = ["andersen_gill", "negative_binomial"]
