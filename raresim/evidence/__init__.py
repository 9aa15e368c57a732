"""Evidence: a number never travels without its source."""

from raresim.evidence.distributions import Distribution, TruncatedNormal, fit
from raresim.evidence.events import Difference, Dispersion, EventRate, Ratio
from raresim.evidence.kaplan_meier import impute, reconstruct
from raresim.evidence.kinds import AnyStatistic
from raresim.evidence.km_curve import DigitisedCurve
from raresim.evidence.pooling import pool, posterior
from raresim.evidence.quantile_table import QuantileTable
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
from raresim.evidence.survival import EventFree, TimeLaw, fit_time
from raresim.evidence.through import SplitLogistic

__all__ = [
    "AnyStatistic", "Correlation", "Difference", "DigitisedCurve", "Dispersion", "Distribution",
    "EventFree", "EventRate", "Interval", "Mean", "QuantileTable", "Quantiles", "Ratio", "Share",
    "Slope", "Source", "SplitLogistic", "Spread", "Stated", "Statistic", "TimeLaw",
    "TruncatedNormal", "Unpublished", "fit", "fit_time", "impute", "pool", "posterior",
    "reconstruct",
]  # fmt: skip
