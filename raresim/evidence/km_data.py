"""Individual times and events, and what Kaplan and Meier make of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from raresim.evidence.statistics import Z95, Floats

Flags = npt.NDArray[np.bool_]
Counts = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Steps:
    """A Kaplan-Meier curve: its steps, the patients at risk at each and Greenwood's sum so far."""

    time: Floats
    at_risk: Counts
    events: Counts
    survival: Floats
    greenwood: Floats


@dataclass(frozen=True)
class IndividualData:
    """Time under observation of each patient and whether it ended with the event.

    A patient censored at the time of somebody's event was still at risk.

    Examples
    --------
    >>> data = IndividualData(np.array([2.0, 3.0, 3.0, 5.0]), np.array([True, True, False, False]))
    >>> data.patients, data.events
    (4, 2)
    >>> data.survival([1, 2, 4]).tolist()
    [1.0, 0.75, 0.5]
    """

    time: Floats
    event: Flags

    @property
    def patients(self) -> int:
        """Number of patients."""
        return self.time.size

    @property
    def events(self) -> int:
        """Number of events."""
        return int(self.event.sum())

    def at_risk(self, times: Any) -> Counts:
        """Return how many are still there just before the times."""
        gone = np.searchsorted(np.sort(self.time), np.asarray(times, dtype=np.float64), "left")
        return np.asarray(self.patients - gone, dtype=np.int64)

    @cached_property
    def steps(self) -> Steps:
        """The product-limit estimate: S(t) = product of 1 - d/n over event times up to t.

        Greenwood's sum is that of d / (n (n - d)). Kaplan and Meier, J Am Stat Assoc
        1958;53:457-481; Greenwood, Reports on Public Health and Medical Subjects 1926;33.
        """
        time, events = np.unique(self.time[self.event], return_counts=True)
        at_risk = self.at_risk(time)
        left = at_risk - events
        survival = np.cumprod(left / at_risk).astype(np.float64)
        with np.errstate(divide="ignore"):
            greenwood = np.cumsum(events / (at_risk * left)).astype(np.float64)
        return Steps(time, at_risk, events, survival, greenwood)

    def survival(self, times: Any) -> Floats:
        """Return the Kaplan-Meier estimate, nan after the last patient was censored."""
        return self._at(times, self.steps.survival, 1.0)

    def survival_se(self, times: Any) -> Floats:
        """Return Greenwood's standard error S(t) sqrt(sum d / (n (n - d))).

        It is nan where the curve has reached 0 and after the last time under observation.
        """
        with np.errstate(invalid="ignore"):
            error = self.steps.survival * np.sqrt(self.steps.greenwood)
        return self._at(times, error, 0.0)

    def median(self) -> float:
        """Return the first time at which survival is a half or less, infinite where it is not."""
        return self._first(self.steps.survival)

    def median_interval(self) -> tuple[float, float]:
        """Return the 95 % interval of the median, on the log scale (the default of R's survfit).

        The ends are where S exp(-+ z SE(log S)) comes down to a half: Brookmeyer and Crowley,
        Biometrics 1982;38:29-41.
        """
        steps = self.steps
        with np.errstate(invalid="ignore"):
            width = np.exp(Z95 * np.sqrt(steps.greenwood))
            lower, upper = steps.survival / width, steps.survival * width
        return self._first(lower), self._first(upper)

    def _first(self, curve: Floats) -> float:
        low = np.flatnonzero(curve <= 0.5 + 1e-12)
        return float(self.steps.time[low[0]]) if low.size else np.inf

    def _at(self, times: Any, values: Floats, start: float) -> Floats:
        wanted = np.asarray(times, dtype=np.float64)
        found = np.concatenate([[start], values])[
            np.searchsorted(self.steps.time, wanted, side="right")
        ]
        known = (wanted <= self.time.max()) | (found == 0)
        return np.where(known, found, np.nan)


@dataclass(frozen=True)
class Landmarks:
    """Survival at some times in each data set, with Greenwood's errors; shape (sets, times)."""

    time: Floats
    survival: Floats
    se: Floats

    def pooled(self) -> tuple[Floats, Floats]:
        """Return mean survival and its total standard error by Rubin's rules.

        With M data sets: SE² = mean of SE² + (1 + 1/M) times the variance between the data sets.
        Rubin, Multiple Imputation for Nonresponse in Surveys, Wiley 1987.
        """
        sets = self.survival.shape[0]
        between = self.survival.var(axis=0, ddof=1) if sets > 1 else np.zeros(self.time.size)
        within = np.mean(self.se**2, axis=0)
        return self.survival.mean(axis=0), np.sqrt(within + (1 + 1 / sets) * between)


def landmarks(sets: Sequence[IndividualData], times: Sequence[float] | Floats) -> Landmarks:
    """Return survival at the times in each data set.

    Examples
    --------
    >>> data = IndividualData(np.array([2.0, 3.0, 5.0, 7.0]), np.array([True, False, True, False]))
    >>> found = landmarks([data, data], [4.0])
    >>> survival, error = found.pooled()
    >>> round(float(survival[0]), 2), round(float(error[0]), 3)
    (0.75, 0.217)
    """
    wanted = np.asarray(times, dtype=np.float64)
    survival = np.stack([data.survival(wanted) for data in sets])
    return Landmarks(wanted, survival, np.stack([data.survival_se(wanted) for data in sets]))
