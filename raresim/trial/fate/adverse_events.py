"""Adverse events: a Poisson process in each patient, and what it does to treatment.

Sums E1 < E2 < ... of unit exponentials divided by the rate are the events of an untreated patient.
Treatment with the ratio r until the day s turns the untreated day d into d / r, if that is by s,
and into s + (d - r s) afterwards (nothing comes afterwards where only the treated have it); so from
stage to stage, where a patient changes to another treatment. So what comes by the end of treatment
does not depend on when treatment ends, and an event may end it.
Each event ends treatment with a chance of its own, and, where it does not, lowers the dose with
another; the rate of events does not depend on the dose.
Source: inversion of the cumulative intensity, Cook & Lawless, The Statistical Analysis of Recurrent
Events, Springer 2007.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from raresim import limits
from raresim.either import either
from raresim.errors import InputError, Problem
from raresim.evidence.statistics import Floats
from raresim.streams import Luck
from raresim.trial.fate.readings import Booleans
from raresim.trial.grammar.patient import AdverseEvent

Stages = list[tuple[str, Floats]]
"""The treatments of arms, one after the other from randomisation on: each with the day it ends."""


@dataclass(frozen=True)
class AdverseLuck:
    """Of one kind of event: days without treatment; which would end it, or lower the dose.

    All of shape (replicates, units, events).
    """

    spec: AdverseEvent
    untreated: Floats
    stops: Booleans
    lowers: Booleans

    def days(self, treated: Stages) -> Floats:
        """Return the day of each event under stages of treatment, infinite if it never comes."""
        found = np.full(self.untreated.shape, np.inf)
        left, begin = self.untreated, np.zeros((1, 1, 1))
        for arm, until in treated:
            ratio, end = self.spec.by_arm.get(arm, 1.0), until[..., None]
            with np.errstate(divide="ignore"):
                day = begin + left / ratio
            found = either(np.isinf(found) & (day <= end), day, found)
            left, begin = left - ratio * (end - begin), end
        after = begin + np.maximum(left, 0.0)
        if self.spec.while_ == "treated":
            after = np.full((1, 1, 1), np.inf)
        return either(np.isinf(found), after, found)

    def ends(self, treated: Stages) -> Floats:
        """Return when stages of treatment end for an event of this kind, else infinity."""
        days, last = self.days(treated), treated[-1][1][..., None]
        return np.asarray(either(self.stops & (days <= last), days, np.inf).min(-1))


def adverse_luck(
    name: str, spec: AdverseEvent, luck: Luck, units: int, horizon: float
) -> AdverseLuck:
    """Draw as many events as anybody can have within the horizon (days) under any arm.

    Raises
    ------
    InputError
        When that is more than `limits.EVENTS`.
    """
    reach = spec.rate * horizon * max(1.0, *spec.by_arm.values(), 1.0)
    at = np.zeros((luck.replicates, units))
    sums: list[Floats] = []
    acts: list[list[Floats]] = []
    while not sums or (not spec.once and bool(np.any(at <= reach))):
        if len(sums) >= limits.EVENTS.value:
            message = f"a patient has more than {limits.EVENTS.value} events"
            mend = f"check the rate and its unit, {limits.EVENTS.mend}"
            raise InputError(Problem(message, field=f"truth.adverse_events.{name}", mend=mend))
        number = f"[{len(sums) + 1}]"
        at = at - np.log(luck.uniform(f"adverse_event.{name}.gap{number}", units))
        sums.append(at)
        acts.append([luck.uniform(f"adverse_event.{name}.{act}{number}", units) for act in ACTS])
    with np.errstate(divide="ignore"):
        untreated = np.stack(sums, axis=-1) / spec.rate
    stops = np.stack([u for u, _ in acts], axis=-1) < spec.stops_treatment
    share = spec.lowers_dose.share if spec.lowers_dose is not None else 0.0
    lowers = (np.stack([u for _, u in acts], axis=-1) < share) & ~stops
    return AdverseLuck(spec, untreated, stops, lowers)


ACTS = ("stops_treatment", "lowers_dose")
"""What an event may do, each with luck of its own, so that one moves nothing of the other."""


def doses(
    kinds: list[tuple[AdverseLuck, Floats]], since: Floats | float, until: Floats
) -> tuple[Floats, Floats]:
    """Return the days between two on which the dose is lowered, and the dose from each on.

    `kinds` come with the days of their events. Ascending, (replicates, units, times); days that do
    not come are infinite.
    """
    shape = np.broadcast_shapes(until.shape, *(own.shape[:2] for _, own in kinds))
    days, factors = [np.full((*shape, 0), np.inf)], [np.ones((*shape, 0))]
    begin, end = np.asarray(since)[..., None], until[..., None]
    for kind, own in kinds:
        if kind.spec.lowers_dose is not None:
            counts = kind.lowers & (own > begin) & (own < end)
            days.append(either(counts, own, np.inf))
            factors.append(np.full(own.shape, kind.spec.lowers_dose.to))
    when, factor = np.concatenate(days, axis=-1), np.concatenate(factors, axis=-1)
    most = int(np.max(np.sum(np.isfinite(when), axis=-1), initial=0))
    order = np.argsort(when, axis=-1, kind="stable")[..., :most]
    when, factor = (np.take_along_axis(each, order, axis=-1) for each in (when, factor))
    return when, np.cumprod(factor, axis=-1)
