"""Continuous outcomes: comparisons of two arms."""

from raresim.analysis.continuous.tables import ancova

__all__ = ["ancova"]
