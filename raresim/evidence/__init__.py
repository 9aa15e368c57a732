"""Evidence: a number never travels without its source."""

from raresim.evidence.distributions import Distribution, Metalog, TruncatedNormal, fit
from raresim.evidence.stated import Interval, Source, Stated, Unpublished
from raresim.evidence.statistics import (
    AnyStatistic,
    Correlation,
    Difference,
    Dispersion,
    EventRate,
    Mean,
    Quantiles,
    Ratio,
    Share,
    Slope,
    Spread,
    Statistic,
)

__all__ = [
    "AnyStatistic", "Correlation", "Difference", "Dispersion", "Distribution", "EventRate",
    "Interval", "Mean", "Metalog", "Quantiles", "Ratio", "Share", "Slope", "Source", "Spread",
    "Stated", "Statistic", "TruncatedNormal", "Unpublished", "fit",
]  # fmt: skip
