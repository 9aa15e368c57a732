"""When something happens: shares free of it at some times, or quartiles of the time, to a law.

A law of time knows its cumulative hazard H and the inverse of H, both exact far into the tail. That
is all a process needs: with a unit exponential E, somebody who is free of the event at time a has
it at H^-1(H(a) + E), and a treatment that multiplies the hazard divides E.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import ClassVar, Protocol

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator
from scipy.special import betaincinv, logit

from raresim.either import either
from raresim.errors import Fault
from raresim.evidence.statistics import (
    Z95,
    Floats,
    Numbers,
    Quantiles,
    Statistic,
    Uniform,
    rows_of,
)
from raresim.files import units


class EventFree(Statistic):
    """Shares of patients who are free of an event at some times, as read off a survival curve."""

    keys: ClassVar = ("free",)

    free: dict[str, float] = Field(
        min_length=1,
        max_length=60,
        description="share still free of the event, by time, from 0 to 1 and falling; a median "
        "time is a time with share 0.5",
        examples=[{"6 months": 0.81, "12 months": 0.52}],
    )

    @model_validator(mode="after")
    def _falls(self) -> EventFree:
        times, shares = self.times, list(self.free.values())
        if times[0] <= 0 or any(later <= time for time, later in pairwise(times)):
            raise Fault("expected times above zero that ascend", "write the earliest time first")
        if shares[-1] <= 0 or any(later >= share for share, later in pairwise([1.0, *shares])):
            mend = "leave out times at which nothing happened, and those with nobody left"
            raise Fault("expected shares below 1 and above 0 that fall with time", mend)
        return self

    @cached_property
    def times(self) -> list[float]:
        """The times in days."""
        return [units.duration(text) for text in self.free]

    def numbers(self) -> Numbers:
        """Return the share free of the event by time."""
        return dict(self.free)

    def errors(self) -> dict[str, float | None]:
        """Return sqrt(S (1 - S) / n), as without censoring, floored at Wilson's."""
        if self.n is None:
            return dict.fromkeys(self.free)
        floor = Z95 / (2 * (self.n + Z95**2))
        return {t: max(float(np.sqrt(s * (1 - s) / self.n)), floor) for t, s in self.free.items()}

    def draw(self, uniform: Uniform) -> dict[str, Floats]:
        """Draw the curve by conditional increments, so that it falls.

        Of the n S(t[k-1]) patients free at one time, the share still free at the next is drawn from
        the Beta posterior under Jeffreys' prior. Censoring in between is not known: the spread is
        that of n patients followed in full, the smallest that it can be.
        """
        if self.n is None:
            return self.point()
        before, drawn_before = 1.0, np.ones(1)
        found: dict[str, Floats] = {}
        for name, share in self.free.items():
            stayed, gone = self.n * share + 0.5, self.n * (before - share) + 0.5
            drawn_before = drawn_before * betaincinv(stayed, gone, uniform(name))
            found[name] = drawn_before
            before = share
        return found

    def text(self) -> str:
        """Return the shares in per cent."""
        parts = [f"{100 * share:.3g} % free at {time}" for time, share in self.free.items()]
        return ", ".join(parts) + (f" (n = {self.n})" if self.n else "")


class TimeLaw(Protocol):
    """The law of the time to an event, in days."""

    def hazard(self, days: Floats) -> Floats:
        """Return the cumulative hazard H at times of shape (replicates, units)."""
        ...

    def time(self, hazard: Floats) -> Floats:
        """Return the time at which the cumulative hazard reaches a value: the inverse of H."""
        ...

    def describe(self) -> str:
        """Return family and parameters as a line for people."""
        ...

    def rows(self, chosen: slice) -> TimeLaw:
        """Return the law in some replicates."""
        ...


@dataclass(frozen=True)
class PiecewiseExponential:
    """A constant hazard between the knots; after the last one the last hazard goes on.

    `knots` (days, from 0) has shape (K + 1,), `at_knots` the cumulative hazards, (replicates, K +
    1). Source: Friedman, Annals of Statistics 1982;10:101-113.
    """

    knots: Floats
    at_knots: Floats

    def hazard(self, days: Floats) -> Floats:
        """Interpolate H between the knots."""
        last = len(self.knots) - 2
        piece = np.clip(np.searchsorted(self.knots, days, side="right") - 1, 0, last)
        return np.asarray(
            _pick(self.at_knots, piece) + _pick(self._slopes, piece) * (days - self.knots[piece])
        )

    def time(self, hazard: Floats) -> Floats:
        """Interpolate the inverse; where a last hazard is zero the event never comes."""
        found: Floats = np.empty(0)
        for k, slope in enumerate(self._slopes.T):
            since = hazard - self.at_knots[:, k, None]
            with np.errstate(divide="ignore", invalid="ignore"):
                later = self.knots[k] + either(since > 0, since / slope[:, None], 0.0)
            found = either(since >= 0, later, found) if k else later
        return found

    @property
    def _slopes(self) -> Floats:
        return np.asarray(np.diff(self.at_knots, axis=1) / np.diff(self.knots))

    def describe(self) -> str:
        """Return the yearly hazards and where they begin."""
        parts = zip(365.25 * self._slopes[0], self.knots, strict=False)
        told = ", ".join(f"{slope:.3g} from day {knot:.4g}" for slope, knot in parts)
        return f"piecewise exponential, per year: {told}"

    def rows(self, chosen: slice) -> PiecewiseExponential:
        """Return the law in some replicates."""
        return PiecewiseExponential(self.knots, rows_of(self.at_knots, chosen))


def _pick(table: Floats, piece: npt.NDArray[np.int64]) -> Floats:
    """Return each unit's entry of its replicate's row (or of the one row there is)."""
    if table.shape[0] == 1:
        return np.asarray(table[0][piece])
    if piece.shape[0] == 1:
        return np.asarray(table[:, piece[0]])
    return np.take_along_axis(table, piece, axis=1)


@dataclass(frozen=True)
class SplitLogLogistic:
    """A two-piece log-logistic through three quantiles of the time.

    logit F is a straight line in log t on either side of the median, through the three points; H =
    log(1 + odds). `levels` and `log_times` have shape (replicates, 3).
    """

    levels: Floats
    log_times: Floats

    def hazard(self, days: Floats) -> Floats:
        """Return log(1 + odds of having had the event)."""
        with np.errstate(divide="ignore"):
            since = np.log(days) - self.log_times[:, 1:2]
        below, above, middle = self._line()
        slope = np.where(since < 0, below, above)
        return np.logaddexp(0.0, middle + since * slope)

    def time(self, hazard: Floats) -> Floats:
        """Return exp of the line at log odds log(e^H - 1)."""
        with np.errstate(divide="ignore", over="ignore"):
            odds = np.where(hazard > 30, hazard, np.log(np.expm1(np.minimum(hazard, 30.0))))
        below, above, middle = self._line()
        since = (odds - middle) / np.where(odds < middle, below, above)
        with np.errstate(over="ignore"):
            return np.asarray(np.exp(self.log_times[:, 1:2] + since))

    def _line(self) -> tuple[Floats, Floats, Floats]:
        """Return the slopes below and above the median, and the median's log odds."""
        odds, y = logit(self.levels), self.log_times
        below = (odds[:, 1] - odds[:, 0]) / (y[:, 1] - y[:, 0])
        above = (odds[:, 2] - odds[:, 1]) / (y[:, 2] - y[:, 1])
        return below[:, None], above[:, None], odds[:, 1:2]

    def describe(self) -> str:
        """Return the quantiles that it goes through."""
        parts = zip(self.levels[0], np.exp(self.log_times[0]), strict=True)
        told = ", ".join(f"{100 * level:.3g} % by day {day:.4g}" for level, day in parts)
        return f"two-piece log-logistic: {told}"

    def rows(self, chosen: slice) -> SplitLogLogistic:
        """Return the law in some replicates."""
        return SplitLogLogistic(rows_of(self.levels, chosen), rows_of(self.log_times, chosen))


def fit_time(
    statistic: EventFree | Quantiles, days_a_unit: float, uniform: Uniform | None
) -> TimeLaw:
    """Return the law of time that has the statistic; with `uniform`, one for each replicate.

    Parameters
    ----------
    statistic
        Shares free of the event, or quartiles of the time in units of `days_a_unit` days.

    Examples
    --------
    >>> law = fit_time(EventFree(free={"6 months": 0.8, "1 year": 0.5}), 1.0, None)
    >>> float(np.exp(-law.hazard(np.array([[365.25]])))[0, 0])
    0.5
    """
    if isinstance(statistic, EventFree):
        drawn = statistic.point() if uniform is None else statistic.draw(uniform)
        shares = np.stack([drawn[name] for name in statistic.free], axis=-1)
        start = np.zeros((shares.shape[0], 1))
        at_knots = np.concatenate([start, -np.log(shares)], axis=1)
        return PiecewiseExponential(np.array([0.0, *statistic.times]), at_knots)
    times = np.array([statistic.q1, statistic.median, statistic.q3]) * days_a_unit
    if times[0] <= 0:
        raise Fault("expected quartiles of the time above zero", "check 'q1'")
    if uniform is None:
        levels = np.array([[0.25, 0.5, 0.75]])
    else:
        allowed = statistic.draw(uniform)
        levels = np.stack([allowed[name] for name in ("q1", "median", "q3")], axis=-1)
    return SplitLogLogistic(levels, np.broadcast_to(np.log(times), levels.shape))
