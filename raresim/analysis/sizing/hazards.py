"""What a survival trial is planned with: hazards, accrual, drop-out and when it is analysed."""

import math
from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from raresim.analysis.arrays import FloatArray
from raresim.analysis.sizing.asked import positive, wrong


@dataclass(frozen=True)
class Hazard:
    """A hazard that is constant in pieces of the time since entry.

    Attributes
    ----------
    rates
        Events per unit of time in each piece; the last one lasts.
    starts
        When the second and later pieces start, rising.

    Examples
    --------
    >>> Hazard.median(12.0).rates
    (0.057762265046662105,)
    >>> Hazard((0.05, 0.03, 0.02), (6.0, 12.0)).cumulative(15.0).round(6).item()
    0.54
    """

    rates: tuple[float, ...]
    starts: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if not all(0.0 <= rate < math.inf for rate in self.rates) or not self.rates:
            raise wrong("rates", self.rates, "hazard rates of 0 or more")
        if len(self.starts) != len(self.rates) - 1:
            raise wrong("starts", self.starts, "one start fewer than there are rates")
        if not all(a < b for a, b in zip((0.0, *self.starts), self.starts, strict=False)):
            raise wrong("starts", self.starts, "times above 0 that rise")

    @classmethod
    def median(cls, median: float) -> "Hazard":
        """Give the constant hazard with this median time to the event."""
        return cls((math.log(2.0) / positive("median", median),))

    @classmethod
    def share(cls, share: float, by: float) -> "Hazard":
        """Give the constant hazard with which this share has the event by a time."""
        if not 0.0 <= share < 1.0:
            raise wrong("share", share, "a share from 0 to below 1")
        return cls((-math.log1p(-share) / positive("by", by),))

    def time_to(self, total: float) -> float:
        """Give the time at which the hazard adds up to a total; infinite if it never does."""
        edges = (0.0, *self.starts, math.inf)
        for rate, (start, end) in zip(self.rates, pairwise(edges), strict=True):
            left = total - float(self.cumulative(start))
            if rate > 0.0 and left <= rate * (end - start):
                return start + left / rate
        return math.inf

    def times(self, ratio: float) -> "Hazard":
        """Give the hazard multiplied by a hazard ratio."""
        return Hazard(tuple(rate * positive("ratio", ratio) for rate in self.rates), self.starts)

    def at(self, time: npt.ArrayLike) -> FloatArray:
        """Give the rate at each time; at a start the later piece holds."""
        piece = np.searchsorted(np.asarray(self.starts), np.asarray(time), side="right")
        return np.asarray(self.rates)[piece]

    def cumulative(self, time: npt.ArrayLike) -> FloatArray:
        """Give the hazard added up to each time."""
        time = np.asarray(time, dtype=float)
        total = np.zeros_like(time)
        edges = (0.0, *self.starts, math.inf)
        for rate, (start, end) in zip(self.rates, pairwise(edges), strict=True):
            total = total + rate * (np.clip(time, start, end) - start)
        return total


NO_DROP_OUT = Hazard((0.0,))


@dataclass(frozen=True)
class Accrual:
    """How patients enter: uniformly within periods that follow each other.

    Attributes
    ----------
    durations
        Length of each period.
    weights
        Relative rates of entry in the periods (patients per unit of time, or multiples).

    Examples
    --------
    >>> Accrual((12.0,)).entered(6.0).item()
    0.5
    >>> Accrual((2.0, 2.0, 10.0), (3.0, 6.0, 9.0)).entered(4.0).round(6).item()
    0.166667
    """

    durations: tuple[float, ...]
    weights: tuple[float, ...] = (1.0,)

    def __post_init__(self) -> None:
        if len(self.durations) != len(self.weights) or not self.durations:
            raise wrong("weights", self.weights, "one relative rate for each period")
        if not all(0.0 < length < math.inf for length in self.durations):
            raise wrong("durations", self.durations, "lengths above 0")
        if not all(0.0 <= w < math.inf for w in self.weights) or not any(self.weights):
            raise wrong("weights", self.weights, "rates of 0 or more, at least one above")

    @property
    def duration(self) -> float:
        """Length of all periods."""
        return math.fsum(self.durations)

    @property
    def knots(self) -> tuple[float, ...]:
        """Calendar times at which periods start or end."""
        return tuple(np.cumsum((0.0, *self.durations)).tolist())

    def entered(self, calendar: npt.ArrayLike) -> FloatArray:
        """Give the share of the patients who have entered by each calendar time."""
        parts = np.asarray(self.durations) * np.asarray(self.weights)
        heights = np.concatenate(([0.0], np.cumsum(parts)))
        share: FloatArray = np.interp(
            np.asarray(calendar, dtype=float), self.knots, heights / heights[-1]
        )
        return share


@dataclass(frozen=True)
class SurvivalTrial:
    """The assumptions of a trial with a time to an event.

    Attributes
    ----------
    control, treated
        Hazards of the event in the two arms.
    accrual
        How patients enter.
    duration
        Calendar time of the analysis since the first entry.
    drop_out, drop_out_treated
        Hazard of leaving the trial; in both arms the same unless the second is given.
    longest
        The longest follow-up of any patient: a fixed follow-up where it is shorter than what
        the duration allows.
    ratio
        Treated patients for each control.
    hazard_ratio
        Treated to control, worked out: NaN where it changes over time.

    Examples
    --------
    >>> trial = SurvivalTrial(Hazard.median(12), Hazard.median(24), Accrual((12.0,)), 24.0)
    >>> trial.with_duration(30.0).duration
    30.0
    """

    control: Hazard
    treated: Hazard
    accrual: Accrual
    duration: float
    drop_out: Hazard = NO_DROP_OUT
    drop_out_treated: Hazard | None = None
    longest: float = math.inf
    ratio: float = 1.0
    hazard_ratio: float = field(init=False, default=math.nan, compare=False)

    def __post_init__(self) -> None:
        positive("duration", self.duration)
        positive("ratio", self.ratio)
        if not self.longest > 0.0:
            raise wrong("longest", self.longest, "a follow-up above 0")
        starts = sorted({0.0, *self.control.starts, *self.treated.starts})
        treated, control = self.treated.at(starts), self.control.at(starts)
        if (control > 0.0).all():
            ratios = treated / control
            if np.ptp(ratios) <= 1e-12 * ratios[0]:
                object.__setattr__(self, "hazard_ratio", float(ratios[0]))

    @property
    def share(self) -> float:
        """The share of the patients who are treated."""
        return self.ratio / (1.0 + self.ratio)

    def with_duration(self, duration: float) -> "SurvivalTrial":
        """Give the same trial analysed at another calendar time."""
        return replace(self, duration=duration)
