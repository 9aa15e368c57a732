"""Times to an event: comparisons of two arms."""

from raresim.analysis.survival.tables import cox, logrank

__all__ = ["cox", "logrank"]
