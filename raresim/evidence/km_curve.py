"""A digitised Kaplan-Meier curve as clicked, and as it must be before anything is computed from it.

Clicks are off by a pixel or two: they come unsorted, twice, in per cent, a little above 1 or a
little higher than the click before. What a slip of the hand explains is mended and said in a note;
what it cannot explain is refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.optimize import isotonic_regression

from raresim.errors import InputError, Problem
from raresim.evidence.statistics import Floats

HAIR = 0.005
"""Half a per cent of survival: nearer than that to 0, or to 1 at time zero, a click is on it."""

SLIP = 0.05
"""A click may lie this far above an earlier one, or outside 0 to 1; farther is not a slip."""

_PERCENT = 1.5
"""Survival above this was written in per cent."""


@dataclass(frozen=True)
class DigitisedCurve:
    """A Kaplan-Meier curve read off a figure, with what is printed below it.

    Parameters
    ----------
    time, survival
        The clicks, in any order. A step is taken to lie where the first lower click is, so click
        at the foot of each step. Survival from 0 to 1, or in per cent.
    risk_time, at_risk
        Times and numbers below the figure; the first is the number of patients at time 0. A number
        counts who is still there just before its time.
    events
        Total number of events, where it is printed.

    Examples
    --------
    >>> curve = DigitisedCurve([2, 5, 9], [0.9, 0.7, 0.6], [0, 6], [20, 11], events=7)
    >>> curve.patients
    20
    """

    time: Sequence[float] | Floats
    survival: Sequence[float] | Floats
    risk_time: Sequence[float] | Floats
    at_risk: Sequence[int] | Sequence[float] | Floats
    events: int | None = None

    @property
    def patients(self) -> int:
        """Number of patients at time 0."""
        return int(self.at_risk[0])


@dataclass(frozen=True)
class CleanCurve:
    """A curve that starts in (0, 1), does not rise, and has one click for each time.

    `risk_time` and `at_risk` keep the numbers above zero only; `notes` say what was mended.
    """

    time: Floats
    survival: Floats
    risk_time: Floats
    at_risk: tuple[int, ...]
    events: int | None
    notes: tuple[str, ...]

    @property
    def patients(self) -> int:
        """Number of patients at time 0."""
        return self.at_risk[0]

    @property
    def end(self) -> float:
        """Time at which the curve ends."""
        return float(self.time[-1])


def clean(curve: DigitisedCurve | CleanCurve) -> CleanCurve:
    """Return the curve sorted, between 0 and 1 and not rising, with a note for every change.

    Clicks left of zero are left out; of clicks at one time the lowest stays; rises are levelled by
    isotonic regression, the nearest curve that does not rise (least squares, Barlow et al. 1972).

    Raises
    ------
    InputError
        With every fault found, where no slip of the hand explains the numbers.

    Examples
    --------
    >>> cleaned = clean(DigitisedCurve([5, 2, 7, 9], [70, 90, 70.4, 60], [0], [20]))
    >>> cleaned.survival.round(3).tolist()
    [1.0, 0.9, 0.702, 0.702, 0.6]
    >>> for note in cleaned.notes:
    ...     print(note)
    survival was read as per cent
    clicks were put in order of time
    rises were levelled, no click moved by more than 0.002
    """
    if isinstance(curve, CleanCurve):
        return curve
    problems = [*_faulty_clicks(curve), *_faulty_numbers(curve)]
    if problems:
        raise InputError(problems)
    notes: list[str] = []
    time, survival = _in_range(_array(curve.time), _array(curve.survival), notes)
    time, survival = _ordered(time, survival, notes)
    survival = _levelled(time, survival, notes)
    risk_time, numbers = _array(curve.risk_time), _array(curve.at_risk)
    gone = risk_time[numbers == 0]
    there = numbers > 0
    at_risk = tuple(int(number) for number in numbers[there])
    cleaned = CleanCurve(time, survival, risk_time[there], at_risk, curve.events, tuple(notes))
    return _ended(cleaned, float(gone[0]) if gone.size else np.inf)


def level(survival: Floats) -> Floats:
    """Return the nearest values between 0 and 1 that do not rise.

    >>> level(np.array([1.01, 0.8, 0.9])).round(2).tolist()
    [1.0, 0.85, 0.85]
    """
    held = np.clip(survival, 0.0, 1.0)
    if np.all(np.diff(held) <= 0):
        return held
    return np.asarray(isotonic_regression(held, increasing=False).x, dtype=np.float64)


def _array(values: Any) -> Floats:
    return np.atleast_1d(np.asarray(values, dtype=np.float64))


def _faulty_clicks(curve: DigitisedCurve) -> list[Problem]:
    """Return what no slip of the hand explains in the clicks."""
    time, survival = _array(curve.time), _array(curve.survival)
    if time.shape != survival.shape or time.ndim != 1:
        found = f"{time.size} times and {survival.size} survivals"
        return [_fault("clicks are pairs", "time", found, "write one survival for each time")]
    if not time.size or not np.all(np.isfinite(time) & np.isfinite(survival)):
        mend = "click the curve again, one finite time and survival for each click"
        return [_fault("there is no curve", "time", f"{time.size} clicks", mend)]
    if not (last := float(time.max())) > 0:
        return [_fault("no click lies after time 0", "time", "", "check the axis of time")]
    problems = []
    if (first := float(time.min())) < -0.02 * last:
        mend = "calibrate the axis so that the curve starts at time 0"
        problems.append(_fault("a click lies left of time 0", "time", f"{first:g}", mend))
    low, high = float(survival.min()), float(survival.max())
    top = 100.0 if high > _PERCENT else 1.0
    if low < -SLIP * top or high > (1 + SLIP) * top:
        mend = "calibrate the axis; survival runs from 0 to 1, or from 0 to 100"
        found = f"{low:g} to {high:g}"
        problems.append(_fault("survival lies outside 0 to 1", "survival", found, mend))
    order = np.lexsort((-survival, time))
    ordered = survival[order] / top
    rise = ordered - np.minimum.accumulate(ordered)
    if rise.max() > SLIP:
        at = time[order][int(rise.argmax())]
        found = f"{rise.max():.3g} higher at time {at:g} than before"
        mend = "leave that click out; hand in 1 minus a curve of cumulative incidence"
        problems.append(_fault("the curve rises", "survival", found, mend))
    return problems


def _faulty_numbers(curve: DigitisedCurve) -> list[Problem]:
    """Return what cannot be in the numbers at risk and the number of events."""
    time, numbers = _array(curve.risk_time), _array(curve.at_risk)
    if time.shape != numbers.shape or not time.size:
        found = f"{time.size} times and {numbers.size} numbers"
        mend = "leave out times without a printed number; the number at time 0 is needed"
        return [_fault("numbers at risk belong to times", "at_risk", found, mend)]
    problems = []
    if time[0] != 0 or not np.all(np.isfinite(time)) or np.any(np.diff(time) <= 0):
        found, mend = f"{time.tolist()}", "start with 0, then write the times in ascending order"
        problems.append(_fault("times do not ascend from 0", "risk_time", found, mend))
    whole = np.isfinite(numbers) & (numbers >= 0) & (numbers == np.floor(numbers))
    if not np.all(whole) or numbers[0] < 1:
        mend = "write whole numbers, at least 1 at time 0"
        problems.append(_fault("not numbers of patients", "at_risk", f"{numbers.tolist()}", mend))
    elif np.any(rises := np.diff(numbers) > 0):
        k = int(rises.argmax())
        found = f"{numbers[k]:g} at {time[k]:g}, then {numbers[k + 1]:g} at {time[k + 1]:g}"
        mend = "check the numbers below the figure and which arm they belong to"
        problems.append(_fault("the number at risk rises", "at_risk", found, mend))
    if curve.events is not None and not 0 <= curve.events <= numbers[0]:
        found = f"{curve.events} events, {numbers[0]:g} patients"
        mend = "count patients with an event, at most one each"
        problems.append(_fault("more events than patients", "events", found, mend))
    return problems


def _fault(message: str, field: str, found: str, mend: str) -> Problem:
    return Problem(message, field=field, found=found, mend=mend)


def _in_range(time: Floats, survival: Floats, notes: list[str]) -> tuple[Floats, Floats]:
    """Turn per cent into shares, hold them to 0 to 1 and leave out clicks left of zero."""
    if survival.max() > _PERCENT:
        survival = survival / 100
        notes.append("survival was read as per cent")
    if np.any((survival < 0) | (survival > 1)):
        notes.append("survival outside 0 to 1 was put on the line")
        survival = np.clip(survival, 0.0, 1.0)
    if np.any(left := time < 0):
        notes.append(f"clicks left of time 0 were left out: {int(left.sum())}")
    return time[~left], survival[~left]


def _ordered(time: Floats, survival: Floats, notes: list[str]) -> tuple[Floats, Floats]:
    """Sort by time, keep the lowest click of a time, start in (0, 1)."""
    if np.any(np.diff(time) < 0):
        notes.append("clicks were put in order of time")
    order = np.lexsort((survival, time))
    time, first = np.unique(time[order], return_index=True)
    if doubled := order.size - time.size:
        notes.append(f"the lowest of several clicks at one time was kept, {doubled} left out")
    survival = survival[order][first]
    if time[0] > 0:
        return np.concatenate([[0.0], time]), np.concatenate([[1.0], survival])
    if 1 - HAIR <= survival[0] < 1:
        survival = np.concatenate([[1.0], survival[1:]])
        notes.append("the click at time 0 was put on 1")
    elif survival[0] < 1:
        notes.append(f"the curve is at {survival[0]:.3g} at time 0: events at time 0")
    return time, survival


def _levelled(time: Floats, survival: Floats, notes: list[str]) -> Floats:
    """Take out the rises."""
    found = level(survival)
    moved = float(np.max(np.abs(found - survival)))
    if moved > 0:
        notes.append(f"rises were levelled, no click moved by more than {moved:.2g}")
    return found


def _ended(curve: CleanCurve, empty_from: float) -> CleanCurve:
    """Let the curve end while somebody is at risk, and no sooner than the last number at risk.

    Raises
    ------
    InputError
        When patients are at risk after the curve has reached 0.
    """
    time, survival, notes = curve.time, curve.survival, list(curve.notes)
    if np.any(late := time >= empty_from):
        notes.append(f"clicks from time {empty_from:g} on, where nobody is at risk, were left out")
        time, survival = time[~late], survival[~late]
    last = float(curve.risk_time[-1])
    before = survival[time < last]
    if before.size and before[-1] <= 0:
        found = f"{curve.at_risk[-1]} at risk at time {last:g}"
        mend = "check the lowest clicks and the numbers at risk"
        raise InputError(_fault("the curve is at 0 before", "at_risk", found, mend))
    if last > time[-1]:
        notes.append(f"the curve was drawn on, level, to the number at risk at time {last:g}")
        time, survival = np.append(time, last), np.append(survival, survival[-1])
    return replace(curve, time=time, survival=survival, notes=tuple(notes))
