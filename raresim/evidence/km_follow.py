"""From one number at risk to the next: who has the event, and how many are censored on the way.

Every number of censored patients that the interval allows is tried at once (the arrays' last axis),
so that nothing has to converge.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from raresim.evidence.km_curve import HAIR
from raresim.evidence.km_data import Counts, Flags
from raresim.evidence.statistics import Floats

NEAR = 0.01
"""A curve within this distance of the clicks follows them."""

_TIE = 1e-9
"""Shares of an interval nearer than this are the same."""


class Spread(Protocol):
    """Where inside an interval the censored patients leave, as shares of its length."""

    def before(self, shares: Floats, numbers: Counts) -> Counts:
        """Return, by share and number of censored patients, how many leave before the share."""
        ...

    def places(self, number: int) -> Floats:
        """Return the shares at which `number` censored patients leave."""
        ...


class Even:
    """Evenly: c patients leave at 1/(c + 1), 2/(c + 1), ..., as in Guyot et al.

    >>> Even().places(3).tolist()
    [0.25, 0.5, 0.75]
    >>> Even().before(np.array([0.5]), np.array([0, 3, 4])).tolist()
    [[0, 1, 2]]
    """

    def before(self, shares: Floats, numbers: Counts) -> Counts:
        """Return the number of j with j / (c + 1) < share."""
        passed = np.ceil((shares[:, None] - _TIE) * (numbers + 1)) - 1
        return np.asarray(np.clip(passed, 0, numbers), dtype=np.int64)

    def places(self, number: int) -> Floats:
        """Return j / (c + 1)."""
        return np.arange(1, number + 1) / (number + 1)


class Drawn:
    """At random: the first c of some uniforms.

    >>> Drawn(np.array([0.9, 0.2])).before(np.array([0.5]), np.array([0, 1, 2])).tolist()
    [[0, 0, 1]]
    """

    def __init__(self, uniforms: Floats) -> None:
        self.uniforms = uniforms

    def before(self, shares: Floats, numbers: Counts) -> Counts:
        """Return how many of the first c uniforms lie below the share."""
        passed = np.zeros((shares.size, self.uniforms.size + 1), dtype=np.int64)
        np.cumsum(self.uniforms < shares[:, None] - _TIE, axis=1, out=passed[:, 1:])
        return passed[:, numbers]

    def places(self, number: int) -> Floats:
        """Return the first uniforms."""
        return self.uniforms[:number]


@dataclass(frozen=True)
class Interval:
    """A stretch of the curve, its clicks and where in it time stands, as shares from 0 to 1.

    Shares are those of time, or those of the area under the curve through `knots`: patients whose
    time of leaving would be uniform, had none the event before, leave in proportion to the curve.
    """

    start: float
    stop: float
    time: Floats
    survival: Floats
    knots: Floats
    area: Floats

    @classmethod
    def of(
        cls, start: float, stop: float, time: Floats, survival: Floats, before: float | None = None
    ) -> Interval:
        """Return an interval; with the survival before it, its shares are those of the area.

        >>> Interval.of(0, 4, np.array([2.0]), np.array([0.5])).shares.tolist()
        [0.5]
        >>> Interval.of(0, 4, np.array([2.0]), np.array([0.5]), before=1).shares.round(3).tolist()
        [0.667]
        """
        knots = np.concatenate([[start], time, [stop]])
        heights = np.ones(time.size + 1)
        if before is not None and before > 0:
            heights = np.concatenate([[before], survival])
        area = np.concatenate([[0.0], np.cumsum(np.diff(knots) * heights)])
        whole = area[-1] if area[-1] > 0 else 1.0
        return cls(start, stop, time, survival, knots, area / whole)

    @property
    def shares(self) -> Floats:
        """Places of the clicks from 0 to 1."""
        return self.area[1:-1]

    def times(self, shares: Floats) -> Floats:
        """Return the times at some shares, those on a click exactly on it."""
        found = np.interp(shares, self.area, self.knots)
        if not self.time.size:
            return found
        near = np.abs(shares[:, None] - self.shares).argmin(axis=1)
        same = np.abs(shares - self.shares[near]) <= _TIE
        return np.where(same, self.time[near], found)


@dataclass(frozen=True)
class Trial:
    """What each tried number of censored patients leads to; last axis: the numbers.

    `deaths` has shape (clicks, numbers), the others (numbers,). `misfit` is the sum of squared
    distances to the clicks, `worst` the largest distance, `survival` that at the end.
    """

    numbers: Counts
    deaths: Counts
    survival: Floats
    misfit: Floats
    worst: Floats

    @property
    def dead(self) -> Counts:
        """Events in the interval."""
        return np.asarray(self.deaths.sum(axis=0), dtype=np.int64)


def follow(
    interval: Interval,
    at_start: int,
    survival: float,
    spread: Spread,
    numbers: Counts,
    room: int | None = None,
) -> Trial:
    """Go along the clicks and let as many have the event as brings the curve nearest to each.

    At click k, with n at risk and the fitted curve at S before it, d = n (1 - S_k / S) rounded to
    the next whole number, then S (1 - d / n): Guyot et al. 2012. The last patient at risk has the
    event only where the clicks reach 0.

    Parameters
    ----------
    interval
        The clicks.
    at_start, survival
        Patients at risk and the fitted curve at the start.
    spread
        Where the censored patients leave.
    numbers
        The numbers of censored patients to try.
    room
        The most events that there may be; None for no bound.

    Examples
    --------
    >>> interval = Interval.of(0, 10, np.array([4.0, 8.0]), np.array([0.8, 0.6]))
    >>> trial = follow(interval, 10, 1.0, Even(), np.array([0, 1, 2]))
    >>> trial.dead.tolist(), trial.survival.round(3).tolist()
    ([4, 4, 3], [0.6, 0.571, 0.648])
    """
    staying = at_start - spread.before(interval.shares, numbers)
    deaths = np.zeros(staying.shape, dtype=np.int64)
    curves = np.zeros(staying.shape)
    dead = np.zeros(numbers.size, dtype=np.int64)
    curve = np.full(numbers.size, survival)
    for k, clicked in enumerate(interval.survival.tolist()):
        at_risk = np.maximum(staying[k] - dead, 0)
        most = np.maximum(at_risk - 1, 0) if clicked > HAIR else at_risk
        if room is not None:
            most = np.minimum(most, np.maximum(room - dead, 0))
        fall = 1 - clicked / np.where(curve > 0, curve, 1.0)
        asked = np.floor(at_risk * fall + 0.5 + _TIE)
        now = np.minimum(np.maximum(asked, 0), most).astype(np.int64)
        curve = curve * (1 - now / np.maximum(at_risk, 1))
        deaths[k], curves[k], dead = now, curve, dead + now
    off = np.abs(curves - interval.survival[:, None])
    misfit = np.cumsum(off**2, axis=0)[-1] if len(off) else np.zeros(numbers.size)
    return Trial(numbers, deaths, curve, misfit, off.max(axis=0, initial=0.0))


def best(trial: Trial, first: Counts, guess: float, allowed: Flags) -> int:
    """Return the place of the number with the least `first`, then misfit, then nearest to a guess.

    Parameters
    ----------
    trial
        The numbers tried.
    first
        What counts before the fit, by number.
    guess
        What is likely before any number is tried.
    allowed
        Which numbers may be taken; at least one.
    """
    places = np.flatnonzero(allowed)
    off = np.abs(trial.numbers[places] - guess)
    order = np.lexsort((off, np.round(trial.misfit[places], 12), first[places]))
    return int(places[order[0]])


def near(trial: Trial, possible: Flags) -> Flags:
    """Return which possible numbers stay within 0.01 of the clicks, or as near as any of them."""
    return possible & (trial.worst <= max(NEAR, float(trial.worst[possible].min())))
