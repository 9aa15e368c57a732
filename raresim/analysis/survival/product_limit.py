"""The Kaplan-Meier and the Nelson-Aalen estimate."""

from dataclasses import dataclass, replace

import numpy as np

from raresim.alike import pick
from raresim.analysis.arrays import (
    BoolArray,
    FloatArray,
    IntArray,
    NumberArray,
    flagged_first,
)
from raresim.analysis.survival.curve_intervals import Scale, curve_limits
from raresim.analysis.survival.risk_sets import RiskSets, risk_sets
from raresim.errors import InputError

EQUAL = np.sqrt(np.finfo(float).eps)  # how near a curve counts as being at a level, as in R


@dataclass(frozen=True)
class CurvePoints:
    """A curve at one time in B trials: arrays (B,).

    Attributes
    ----------
    survival, se
        Kaplan-Meier estimate and Greenwood's standard error.
    low, high
        Confidence limits; NaN where the scale has none (see `curve_limits`).
    at_risk
        Patients under observation at the time.
    followed
        Whether the curve is known there: someone was followed so far, or it is at 0.
    """

    survival: FloatArray
    se: FloatArray
    low: FloatArray
    high: FloatArray
    at_risk: IntArray
    followed: BoolArray


@dataclass(frozen=True)
class SurvivalCurves:
    """Kaplan-Meier and Nelson-Aalen curves of B trials at their D distinct event times.

    Columns beyond a row's own event times have ``real`` False, time infinity and the curve's
    last value. `row` gives one curve.

    Attributes
    ----------
    time, real, at_risk, events
        (B, D) event times; patients at risk and events there.
    survival, log_se
        (B, D) product of 1 - d/n, and the root of Greenwood's sum d/(n (n - d)), which is the
        standard error of log S; infinite once the curve is at 0.
    hazard, hazard_se
        (B, D) Nelson-Aalen estimate sum d/n and the root of sum d/n^2.
    last
        (B,) longest follow-up; 0 without patients.
    follow_up
        (B, n) all follow-up times in rising order, infinity for the absent.
    used
        (B,) number of patients.
    """

    time: FloatArray
    real: BoolArray
    at_risk: FloatArray
    events: FloatArray
    survival: FloatArray
    log_se: FloatArray
    hazard: FloatArray
    hazard_se: FloatArray
    last: FloatArray
    follow_up: FloatArray
    used: IntArray

    def __len__(self) -> int:
        return self.last.size

    def row(self, b: int) -> "SurvivalCurves":
        """Give the curve of row b as a batch of one, without padding."""
        own = int(np.count_nonzero(self.real[b]))
        cut = {name: value[b : b + 1] for name, value in vars(self).items()}
        for name in ("time", "real", "at_risk", "events", "survival", "log_se", "hazard"):
            cut[name] = cut[name][:, :own]
        cut["hazard_se"] = cut["hazard_se"][:, :own]
        cut["follow_up"] = cut["follow_up"][:, : int(self.used[b])]
        return replace(self, **cut)

    @property
    def se(self) -> FloatArray:
        """Greenwood's standard error of the curve, (B, D); 0 where it is at 0."""
        spread: FloatArray = np.where(
            self.survival > 0.0,
            self.survival * np.where(self.survival > 0.0, self.log_se, 0.0),
            0.0,
        )
        return spread

    @property
    def ends_at_zero(self) -> BoolArray:
        """Whether the last patient followed had the event, (B,)."""
        down: BoolArray = np.any(self.real & (self.survival <= 0.0), axis=1)
        return down

    def limits(self, interval: Scale = "log", level: float = 0.95) -> tuple[FloatArray, FloatArray]:
        """Give the pointwise confidence limits, (B, D); see `curve_limits`."""
        return curve_limits(self.survival, self.log_se, interval, level)

    def at(
        self, time: float | FloatArray, interval: Scale = "log", level: float = 0.95
    ) -> CurvePoints:
        """Read the curves at one time, or at one time for each row."""
        when = np.broadcast_to(np.asarray(time, dtype=np.float64), self.last.shape)[:, None]
        passed = np.count_nonzero(self.time <= when, axis=1)
        column = np.maximum(passed - 1, 0)[:, None]
        if self.time.shape[1] == 0:
            survival, log_se = np.ones(self.last.shape), np.zeros(self.last.shape)
        else:
            survival = np.where(passed > 0, pick(self.survival, column)[:, 0], 1.0)
            log_se = np.where(passed > 0, pick(self.log_se, column)[:, 0], 0.0)
        low, high = curve_limits(survival, log_se, interval, level)
        at_risk = self.used - np.count_nonzero(self.follow_up < when, axis=1)
        return CurvePoints(
            survival=survival,
            se=survival * np.where(survival > 0.0, log_se, 0.0),
            low=low,
            high=high,
            at_risk=at_risk,
            followed=(when[:, 0] <= self.last) | (survival <= 0.0),
        )

    def quantile(
        self, share: float = 0.5, interval: Scale = "log", level: float = 0.95
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Give the time by which a share of patients had the event, with confidence limits.

        The first time with S(t) < 1 - share; where the curve runs at 1 - share exactly, the
        middle of that stretch (to the end of follow-up if it is the last). The limits are those
        of Brookmeyer and Crowley: the same rule read off the curve's lower and upper limits on
        the scale of ``interval``. What is not reached is infinite, where R prints NA. This is
        ``quantile`` of an R survfit object.

        References
        ----------
        Brookmeyer R, Crowley J. Biometrics 1982;38:29-41.
        """
        if not 0.0 < share < 1.0:
            raise InputError(f"share: found {share}; expected a number between 0 and 1.")
        low, high = self.limits(interval, level)
        return (
            self._first_below(self.survival, 1.0 - share),
            self._first_below(low, 1.0 - share),
            self._first_below(high, 1.0 - share),
        )

    def _first_below(self, curve: FloatArray, height: float) -> FloatArray:
        touching = self._first(self.real & (curve <= height + EQUAL))
        below = self._first(self.real & (curve < height - EQUAL))
        flat_to_the_end = np.isfinite(touching) & np.isinf(below)
        end = np.where(flat_to_the_end, self.last, below)
        middle: FloatArray = np.where(np.isfinite(touching), (touching + end) / 2.0, np.inf)
        return middle

    def _first(self, flags: BoolArray) -> FloatArray:
        if flags.shape[1] == 0:
            return np.full(self.last.shape, np.inf)
        first = pick(self.time, np.argmax(flags, axis=1)[:, None])[:, 0]
        return np.where(np.any(flags, axis=1), first, np.inf)

    def __repr__(self) -> str:
        """Show the median of a single curve."""
        if len(self) != 1:
            return f"Kaplan-Meier curves of {len(self)} trials"
        median, low, high = (float(x[0]) for x in self.quantile())
        return (
            f"Kaplan-Meier curve: {self.used[0]} patients, {self.events.sum():g} events, "
            f"median {median:.4g} (95 % CI {low:.4g} to {high:.4g})"
        )


def kaplan_meier(
    time: NumberArray, event: BoolArray, present: BoolArray, *, tied_one_by_one: bool = False
) -> SurvivalCurves:
    """Estimate survival curves and cumulative hazards.

    Parameters
    ----------
    time
        (B, n) follow-up until the event or censoring, in any unit; patients are at risk up to
        and including it, so that an event comes before a censoring at the same time.
    event
        (B, n) whether the event was observed.
    present
        (B, n) False for padding.
    tied_one_by_one
        Let the cumulative hazard of d tied events be 1/n + 1/(n-1) + ... and its variance that
        of squares (Fleming and Harrington; R's ``ctype = 2``) instead of d/n and d/n^2.

    References
    ----------
    Kaplan EL, Meier P. J Am Stat Assoc 1958;53:457-481. Aalen O. Ann Stat 1978;6:701-726.
    Fleming TR, Harrington DP. Commun Stat Theory Methods 1984;13:2469-2486.

    Examples
    --------
    >>> time = np.array([[6, 6, 6, 6, 7, 9, 10, 10, 11, 13, 16]])
    >>> event = np.array([[1, 1, 1, 0, 1, 0, 1, 0, 0, 1, 1]], dtype=bool)
    >>> curve = kaplan_meier(time, event, np.ones((1, 11), dtype=bool))
    >>> curve
    Kaplan-Meier curve: 11 patients, 7 events, median 10 (95 % CI 7 to inf)
    >>> curve.survival.round(4)
    array([[0.7273, 0.6234, 0.4987, 0.2494, 0.    ]])
    """
    event = event & present
    sets = risk_sets(time, event, np.zeros_like(event), present)
    place, real = flagged_first(sets.closes)
    at_risk = np.where(real, pick(sets.at_risk_0, place), 1.0)
    events = np.where(real, pick(sets.events, place), 0.0)
    when = pick(pick(time, sets.record), place).astype(np.float64)
    left = at_risk - events
    step: FloatArray = np.where(real, left / at_risk, 1.0)
    with np.errstate(divide="ignore"):
        greenwood = np.cumsum(np.where(real, events / (at_risk * left), 0.0), axis=1)
    hazard, variance = _hazard(sets, place, real, tied_one_by_one)
    follow_up = np.sort(np.where(present, time.astype(np.float64), np.inf), axis=1)
    return SurvivalCurves(
        time=np.where(real, when, np.inf),
        real=real,
        at_risk=at_risk,
        events=events,
        survival=np.multiply.accumulate(step, axis=1),
        log_se=np.sqrt(greenwood),
        hazard=hazard,
        hazard_se=np.sqrt(variance),
        last=np.max(np.where(present, time, 0), axis=1, initial=0).astype(np.float64),
        follow_up=follow_up,
        used=np.count_nonzero(present, axis=1),
    )


def _hazard(
    sets: RiskSets, place: IntArray, real: BoolArray, one_by_one: bool
) -> tuple[FloatArray, FloatArray]:
    gone = sets.rank if one_by_one else 0.0
    share = np.where(sets.real, 1.0 / np.where(sets.real, sets.at_risk_0 - gone, 1.0), 0.0)
    hazard, variance = np.cumsum(share, axis=1), np.cumsum(share * share, axis=1)
    final = np.where(real, place, np.maximum(np.count_nonzero(sets.real, axis=1) - 1, 0)[:, None])
    if not one_by_one:  # d/n once, not 1/n d times: the sum that the books give, to the last bit
        at_risk = np.where(real, pick(sets.at_risk_0, place), 1.0)
        events = np.where(real, pick(sets.events, place), 0.0)
        return np.cumsum(events / at_risk, axis=1), np.cumsum(events / at_risk**2, axis=1)
    return pick(hazard, final), pick(variance, final)
