"""Competing trials: they take members of the pool who are free, and keep them for a time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from raresim.either import either
from raresim.evidence.statistics import Floats
from raresim.streams import Luck, point_name
from raresim.trial.fate.enrolment.intensity import Intensity
from raresim.trial.grammar.candidate import FinitePool


@dataclass(frozen=True)
class Contest:
    """A competing trial in each replicate, in days: `until` and `fails` are (replicates, 1).

    `fails` is infinite where the trial does not fail; a trial that has failed recruits no more.
    """

    start: float
    until: Floats
    rate: float
    keeps: float
    fails: Floats

    def takes(self, since: Floats, patience: Floats) -> Floats:
        """Return when it takes a member who is free since a day, infinite where it does not.

        The member's hazard is `rate` while the trial recruits, so that a unit exponential
        `patience` runs out patience / rate days after both may begin.
        """
        if self.rate == 0:
            return np.full(since.shape, np.inf)
        day = np.maximum(since, self.start) + patience / self.rate
        return either(day < self.until, day, np.inf)

    def used(self, since: Floats, to: Floats) -> Floats:
        """Return the cumulative hazard of a member who was free from `since` to `to`."""
        start, end = np.maximum(since, self.start), np.minimum(to, self.until)
        return np.asarray(self.rate * np.maximum(end - start, 0.0))

    def releases(self, taken: Floats) -> Floats:
        """Return when a member who was taken is free again."""
        return np.minimum(taken + self.keeps, self.fails)


def contests(pool: FinitePool, luck: Luck) -> dict[str, Contest]:
    """Draw which of the competing trials fail: once in each replicate."""
    found = {}
    for name, rival in pool.competing.items():
        fails = np.full((luck.replicates, 1), np.inf)
        if rival.fails is not None:
            u = luck.once(point_name("enrolment", "fails", labels=[name]))
            fails = either(u[:, None] < rival.fails.share, rival.fails.at, np.inf)
        until = np.minimum(rival.until, fails)
        found[name] = Contest(rival.start, until, rival.takes, rival.keeps_for, fails)
    return found


def presenting(
    intensity: Intensity,
    since: Floats,
    need: Floats,
    rivals: list[Contest],
    patience: list[Floats],
) -> Floats:
    """Return the day on which each member presents, (replicates, members).

    A member presents when its cumulative intensity, over the time in which it is free, reaches
    `need`. Whoever is first takes it: this trial, or the rival whose `patience` runs out first,
    while which the member's intensity and the other rivals' hazards stand still. Each rival takes
    a member once at most, so that there are no more rounds than rivals.

    Parameters
    ----------
    intensity
        The intensity of the country's sites.
    since
        Day from which each member is free for the first time.
    need
        Unit exponentials times the size of the full pool.
    rivals
        The competing trials.
    patience
        Unit exponentials of the members, for each rival.
    """
    day = intensity.inverse(intensity.cumulative(since) + need)
    left = list(patience)
    for _ in rivals:
        taken = np.stack([rival.takes(since, u) for rival, u in zip(rivals, left, strict=True)])
        first, at = np.argmin(taken, axis=0), np.min(taken, axis=0)
        lost = at < day
        at = either(lost, at, since)
        for number, rival in enumerate(rivals):
            after = left[number] - rival.used(since, at)
            left[number] = either(lost & (first == number), np.inf, after)
        need = need - (intensity.cumulative(at) - intensity.cumulative(since))
        for number, rival in enumerate(rivals):
            since = either(lost & (first == number), rival.releases(at), since)
        again = intensity.inverse(intensity.cumulative(since) + need)
        day = either(lost, again, day)
    return day
