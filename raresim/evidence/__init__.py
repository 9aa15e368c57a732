"""Evidence: a number never travels without its source."""

from raresim.evidence.distributions import Distribution, SplitLogistic, TruncatedNormal, fit
from raresim.evidence.events import Difference, Dispersion, EventRate, Ratio
from raresim.evidence.kinds import AnyStatistic
from raresim.evidence.stated import Interval, Source, Stated, Unpublished
from raresim.evidence.statistics import (
    Correlation,
    Mean,
    Quantiles,
    Share,
    Slope,
    Spread,
    Statistic,
)

__all__ = [
    "AnyStatistic", "Correlation", "Difference", "Dispersion", "Distribution", "EventRate",
    "Interval", "Mean", "Quantiles", "Ratio", "Share", "Slope", "Source", "SplitLogistic", "Spread",
    "Stated", "Statistic", "TruncatedNormal", "Unpublished", "fit",
]  # fmt: skip
