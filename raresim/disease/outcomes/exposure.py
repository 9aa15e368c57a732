"""What a patient is exposed to: courses of treatment, each with its days, its effect and a dose.

One course from randomisation on is the treatment of an arm. Others say what else there is: rescue
medication, a lower dose, cross-over, a delayed start, withdrawal. Where courses overlap their
ratios multiply and their differences add, as effects do that are independent of each other (Bliss,
Annals of Applied Biology 1939;26:585-615, for the ratio of those who are left). A dose x scales an
effect on its linear scale: ratio^x, or x times the difference.

A difference grows while treatment lasts and is kept after it (a disease-modifying effect), or comes
and goes with a half-life (a symptomatic one). The latter is first-order kinetics, which is linear:
what several courses add up to is what one patient on and off treatment would show (Sheiner et al.,
Clinical Pharmacology and Therapeutics 1979;25:358-371, for the effect compartment).

Days count from randomisation and may be negative: nobody is treated before, unless a course says
so. What has happened is never changed by what comes later: a course bends a path from its first day
on (processes that work on a grid: from the interval in which that day lies).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from raresim.either import either
from raresim.evidence.statistics import Floats, rows_of
from raresim.files.expressions import Expression


@dataclass(frozen=True)
class Effect:
    """What a treatment does to an outcome: a ratio of rates, or a difference after `after` days.

    `half_life` is that with which a difference comes and goes, 0 for one that grows in proportion
    to the time under treatment and is kept; a ratio `lasts` so many days beyond treatment. It acts
    `only_where` a condition on the patient holds, and there in a share of `responders` only;
    `on_top_of` names a treatment whose effect acts too.
    """

    scale: str
    value: Floats
    after: float = 0.0
    half_life: float = 0.0
    lasts: float = 0.0
    responders: float = 1.0
    only_where: Expression | None = None
    on_top_of: str = ""

    def rows(self, chosen: slice) -> Effect:
        """Return some replicates only."""
        return replace(self, value=rows_of(self.value, chosen))

    def at(self, dose: Floats | float) -> Floats:
        """Return the effect at a dose, shape (replicates, units) or with a 1 for either."""
        value = self.value[:, None]
        return np.asarray(value**dose if self.scale == "ratio" else value * dose)


@dataclass(frozen=True)
class Course:
    """On an effect from the day `since` until the day `until`, at a dose; no effect does nothing.

    Days and dose have shape (replicates, units) or (1, 1). `until` may be infinite, and is where a
    ratio ends that lasts beyond treatment, see `lasting`; a course that does not end after it
    begins is empty. The first day of a difference is finite, as it grows.
    """

    effect: Effect | None
    since: Floats
    until: Floats
    dose: Floats | float = 1.0

    def rows(self, chosen: slice) -> Course:
        """Return some replicates only."""
        effect = None if self.effect is None else self.effect.rows(chosen)
        dose = rows_of(self.dose, chosen) if isinstance(self.dose, np.ndarray) else self.dose
        return Course(effect, rows_of(self.since, chosen), rows_of(self.until, chosen), dose)

    def ratio(self, on: npt.NDArray[np.bool_]) -> Floats:
        """Return the ratio where somebody is `on` the course, 1 elsewhere."""
        if self.effect is None:
            return np.ones((1, 1))
        return either(on, self.effect.at(self.dose), 1.0)

    def grown(self, days: Floats) -> Floats:
        """Return the difference made by `days` since randomisation.

        value * dose * (days on the course) / after, or with a half-life h

            value * dose * (1 - 2^(-on / h)) / (1 - 2^(-after / h)) * 2^(-off / h)

        with the days `on` the course and `off` it since its end.
        """
        if self.effect is None:
            return np.zeros((1, 1))
        spent = np.clip(np.minimum(days, self.until) - self.since, 0, None)
        after, half_life = self.effect.after, self.effect.half_life
        if not half_life:
            return np.asarray(self.effect.at(self.dose) * (spent / after))
        off = np.clip(days - self.until, 0, None)
        share = (1 - np.exp2(-spent / half_life)) / (1 - np.exp2(-after / half_life))
        return np.asarray(self.effect.at(self.dose) * share * np.exp2(-off / half_life))


def lasting(courses: list[Course]) -> list[Course]:
    """Return the courses of one treatment, in order, with what its ratio lasts beyond each.

    It lasts until the next course of the same treatment, if that comes before: it does not act
    twice. A course that takes no time leaves nothing behind.

    >>> drug = Effect("ratio", np.array([0.5]), lasts=14.0)
    >>> day = [np.full((1, 1), each) for each in (0.0, 28.0, 35.0, 63.0)]
    >>> found = lasting([Course(drug, day[0], day[1]), Course(drug, day[2], day[3])])
    >>> [float(course.until[0, 0]) for course in found]
    [35.0, 77.0]
    """
    found: list[Course] = []
    following: Floats = np.full((1, 1), np.inf)
    for course in reversed(courses):
        taken = course.since < course.until
        if course.effect is not None and course.effect.lasts:
            longer = np.minimum(course.until + course.effect.lasts, following)
            course = replace(course, until=either(taken, longer, course.until))
        found.insert(0, course)
        following = either(taken, course.since, following)
    return found


@dataclass(frozen=True)
class Stage:
    """Days between which the same courses are on, and the product of their ratios."""

    since: Floats
    until: Floats
    ratio: Floats

    def days(self, since: Floats | float, until: Floats | float) -> Floats:
        """Return how many of the days between two fall into the stage."""
        inside = np.minimum(until, self.until) - np.maximum(since, self.since)
        return np.asarray(np.maximum(inside, 0.0))


@dataclass(frozen=True)
class Exposure:
    """A history of treatment: its courses, in any order; without any, nobody is treated.

    Examples
    --------
    Half the rate for 100 days, and rescue medication from day 60 on:

    >>> drug, rescue = Effect("ratio", np.array([0.5])), Effect("ratio", np.array([0.2]))
    >>> start, late, stop, never = (np.full((1, 1), day) for day in (0.0, 60.0, 100.0, np.inf))
    >>> history = Exposure((Course(drug, start, stop), Course(rescue, late, never)))
    >>> [float(stage.ratio[0, 0]) for stage in history.stages]
    [0.5, 0.1, 0.2]
    """

    courses: tuple[Course, ...] = ()

    @classmethod
    def one(cls, until: Floats, effect: Effect | None) -> Exposure:
        """Return a single course from randomisation until a day."""
        return cls((Course(effect, np.zeros((1, 1)), until),))

    def rows(self, chosen: slice) -> Exposure:
        """Return some replicates only."""
        return Exposure(tuple(course.rows(chosen) for course in self.courses))

    @cached_property
    def stages(self) -> tuple[Stage, ...]:
        """The stretches of days between each start or end of a course and the next, for ratios.

        Sorted for each patient, so that some stages of a patient may last no time. Before the first
        and after the last nobody is treated.
        """
        acting = [course for course in self.courses if course.effect is not None]
        if not acting:
            return ()
        ends = [day for c in acting for day in (c.since, np.maximum(c.since, c.until))]
        if len(acting) > 1:  # one course, the usual case, is in order
            ends = list(np.sort(np.stack(np.broadcast_arrays(*ends)), axis=0))
        found = []
        for since, until in pairwise(ends):
            ratio: Floats = np.ones((1, 1))
            for course in acting:
                ratio = ratio * course.ratio((course.since <= since) & (until <= course.until))
            found.append(Stage(since, until, ratio))
        return tuple(found)

    def ratio(self, days: Floats) -> Floats:
        """Return the product of the ratios on some days; a course holds on its last day."""
        found: Floats = np.ones((1, 1))
        for course in self.courses:
            found = found * course.ratio((course.since < days) & (days <= course.until))
        return found

    def grown(self, days: Floats) -> Floats:
        """Return the difference that treatment makes to a score on some days."""
        found: Floats = np.zeros((1, 1))
        for course in self.courses:
            found = found + course.grown(days)
        return found


UNTREATED = Exposure()
