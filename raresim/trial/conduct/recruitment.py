"""Recruitment over blocks of replicates: who is randomised, when, and to which arm."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from raresim.alike import alike, all_if, everywhere, rows_alike, take, where
from raresim.either import either
from raresim.randomisation import chosen, in_block
from raresim.trial.course import RATIO, Course
from raresim.trial.fate.decided import Fate
from raresim.trial.plan import Ints, Plan
from raresim.trial.ticks import NEVER, Ticks

Booleans = npt.NDArray[np.bool_]


class ShortStreamError(Exception):
    """The stream of candidates ended before recruitment did: a longer one must be made."""


@dataclass(frozen=True)
class Recruited:
    """Patients in the order of randomisation, (replicates, n); `full` tells where n was reached.

    `open` is the sum of 2^k over the arms k that each could be allotted to.
    """

    order: Ints
    inside: Booleans
    ready: Ticks
    stratum: Ints
    arm: npt.NDArray[np.int8]
    open: Ints
    closed: Ticks
    full: Booleans


def recruit(plan: Plan, fate: Fate, course: Course) -> Recruited:
    """Return the patients of trials in which changes act as the course says."""
    order, ready = _queue(plan, fate, course)
    closed, full = _closing(plan, course, ready)
    _check_stream(fate, closed, full)
    place = np.arange(ready.shape[1])
    n = either(full, _reached(plan, course, ready), plan.most)
    inside = all_if((ready <= closed[:, None]) & (place < n[:, None]) & (ready < NEVER))
    stratum = where(inside, take(fate.stratum, order), 0)
    arm, among = _arms(plan, fate, course, order, inside, ready, stratum)
    return Recruited(order, inside, ready, stratum, arm, among, closed, full)


def _queue(plan: Plan, fate: Fate, course: Course) -> tuple[Ints, Ticks]:
    """Return who is randomised one after the other if there is room, and when (NEVER: not)."""
    if rows_alike(fate.roster.candidate) and fate.roster.candidate.shape[1] == plan.most:
        order = fate.roster.candidate  # the first candidates, as they come
        return order, take(fate.ready, order)
    key = either(fate.eligible, fate.ready, NEVER)
    if plan.changing("narrow"):
        key = either(course.narrowed(plan, fate.narrowed, fate.ready), key, NEVER)
    if plan.caps:
        key = _under_caps(plan, fate, key)
    order = np.argsort(key, axis=1, kind="stable")[:, : plan.most]  # ties: lower candidate first
    return order, take(key, order)


def _target(plan: Plan, course: Course, ready: Ticks) -> tuple[Ticks, Ints, Ticks]:
    """Return since when another n holds, that n, and the tick at which the planned n is reached."""
    at, number = course.first(plan, "recruit")
    planned = ready[:, plan.n - 1] if ready.shape[1] >= plan.n else np.full(len(ready), NEVER)
    return at, number, planned


def _reached(plan: Plan, course: Course, ready: Ticks) -> Ints:
    """Return how many are randomised where recruitment closed because n was reached."""
    at, number, planned = _target(plan, course, ready)
    return either(planned <= at, plan.n, number)


def _closing(plan: Plan, course: Course, ready: Ticks) -> tuple[Ticks, Booleans]:
    """Return the tick at which recruitment closes, and where that is because n is reached.

    Another n acts only while recruitment is open; where as many are in already, it closes it.
    """
    at, number, planned = _target(plan, course, ready)
    last = np.clip(number - 1, 0, ready.shape[1] - 1)[:, None]
    later = either(number <= ready.shape[1], np.take_along_axis(ready, last, 1)[:, 0], NEVER)
    surplus = (planned > at) & (later <= at)
    full = either(planned <= at, planned, either(surplus, NEVER, later))
    surplus_at = either(surplus, at, NEVER)
    dry = _given_up(plan, ready)
    stopped = np.minimum(course.first(plan, "close")[0], course.bare(plan))
    other = np.minimum.reduce([np.full(len(ready), plan.recruit_until), surplus_at, dry, stopped])
    return np.minimum(full, other), full <= other


def _given_up(plan: Plan, ready: Ticks) -> Ticks:
    """Return the tick at which nobody has been randomised for too long, NEVER where it is not."""
    if plan.give_up_after >= NEVER:
        return np.full(len(ready), NEVER)
    after = np.concatenate([ready[:, 1:], np.full((len(ready), 1), NEVER)], axis=1)
    dry = (ready < NEVER) & (after - np.minimum(ready, after) > plan.give_up_after)
    found = either(dry, ready, NEVER).min(axis=1)
    return either(found < NEVER, found + plan.give_up_after, NEVER)


def _check_stream(fate: Fate, closed: Ticks, full: Booleans) -> None:
    """Refuse a stream whose candidates were used up while recruitment was open.

    Candidates present in order, so whoever is beyond the stream presents after the last one.
    """
    last = either(full, fate.present[:, -1], fate.present[:, -1] - 1)
    if not bool(np.all(closed <= last)):
        raise ShortStreamError


def _under_caps(plan: Plan, fate: Fate, key: Ticks) -> Ticks:
    """Return the ticks of who finds room, candidate after candidate: NEVER for who does not."""
    order = np.argsort(key, axis=1, kind="stable")
    rows = np.arange(len(key))
    found = np.full(key.shape, NEVER)
    levels = [fate.baseline[cap.variable] for cap in plan.caps]
    taken = [np.zeros((len(key), len(cap.most)), np.int64) for cap in plan.caps]
    for position in range(key.shape[1]):
        candidate = order[:, position]
        at = key[rows, candidate]
        room = at <= plan.recruit_until
        if not room.any():
            break
        own = [level[rows, candidate] for level in levels]
        for cap, level, count in zip(plan.caps, own, taken, strict=True):
            room = room & (count[rows, level] < np.array(cap.most)[level])
        found[rows[room], candidate[room]] = at[room]
        for level, count in zip(own, taken, strict=True):
            count[rows[room], level[room]] += 1
    return found


def _arms(
    plan: Plan,
    fate: Fate,
    course: Course,
    order: Ints,
    inside: Booleans,
    ready: Ticks,
    stratum: Ints,
) -> tuple[npt.NDArray[np.int8], Ints]:
    """Return each patient's arm, and the arms that it could have been."""
    among = where(inside, everywhere(_coded(np.array(plan.ratio)), inside.shape), 0)
    if plan.scheme is None:
        arm = _listed(fate.lists, stratum, inside)
        acts = course.since[:, plan.changing(*RATIO)].min(axis=1, initial=NEVER)
        changed = (inside & (ready > acts[:, None])).any(axis=0)
        if not changed.any():
            return arm, among
        first, arm = int(np.argmax(changed)), arm.copy()  # before that, the lists decide
    else:
        first, arm = 0, np.zeros(stratum.shape, np.int8)
    among = among.copy()
    sequence = _Sequence(plan, fate, course, len(order))
    for k in range(first, order.shape[1]):
        rows = np.flatnonzero(inside[:, k])
        if not len(rows):
            break
        listed = arm[rows, k] if plan.scheme is None else None
        arm[rows, k] = sequence.next(rows, order[rows, k], stratum[rows, k], ready[rows, k], listed)
        among[rows, k] = _coded(sequence.ratio[rows])
    return arm, among


def _coded(ratio: Ints) -> Ints:
    """Return the sum of 2^k over the arms k (last axis) that are open."""
    return np.asarray(((ratio > 0) << np.arange(ratio.shape[-1])).sum(axis=-1))


def _listed(lists: npt.NDArray[np.int8], stratum: Ints, inside: Booleans) -> npt.NDArray[np.int8]:
    """Return list[place] of each patient's stratum; the place counts those randomised before."""
    if rows_alike(lists) and lists.shape[1] == 1 and alike(inside) and inside.flat[0]:
        return everywhere(lists[0, 0, : inside.shape[1]], inside.shape)
    arm = np.zeros(stratum.shape, np.int8)
    for number in range(lists.shape[1]):
        here = inside & (stratum == number)
        place = np.cumsum(here, axis=1) - here
        place = np.minimum(place, lists.shape[2] - 1)  # beyond the list only where nobody is
        arm = either(here, np.take_along_axis(lists[:, number], place, 1), arm)
    return arm


class _Sequence:
    """Patient after patient, where the next arm depends on those before or the ratio changes."""

    def __init__(self, plan: Plan, fate: Fate, course: Course, replicates: int) -> None:
        self.plan, self.fate, self.course = plan, fate, course
        arms, strata = len(plan.ratio), int(np.prod(plan.factors, dtype=np.int64))
        self.own = np.zeros((replicates, strata, arms), np.int64)
        self.margins = [np.zeros((replicates, levels, arms), np.int64) for levels in plan.factors]
        self.ratio = np.tile(np.array(plan.ratio, np.int64), (replicates, 1))
        self.changed = np.zeros(replicates, bool)

    def next(
        self,
        rows: Ints,
        candidate: Ints,
        stratum: Ints,
        ready: Ticks,
        listed: npt.NDArray[np.int8] | None,
    ) -> npt.NDArray[np.int8]:
        """Return the arms of the next patients of some rows, and count them."""
        self._turn(rows, ready)
        levels = [factor[rows, candidate] for factor in self.fate.factors]
        ratio, own = self.ratio[rows], self.own[rows, stratum]
        u = self.fate.coin[rows, candidate]
        if listed is None:
            assert self.plan.scheme is not None
            margins = [m[rows, level] for m, level in zip(self.margins, levels, strict=True)]
            shape = (len(rows), len(margins), ratio.shape[1])
            stacked = np.stack(margins, axis=1) if margins else np.zeros(shape, np.int64)
            arm = chosen(self.plan.scheme.chances(own, stacked, ratio), u)
        else:  # the lists of the first ratio; blocks of the new one are drawn place by place
            arm = either(
                self.changed[rows], chosen(in_block(own, ratio, self.plan.block), u), listed
            ).astype(np.int8)
        self.own[rows, stratum, arm] += 1
        for margin, level in zip(self.margins, levels, strict=True):
            margin[rows, level, arm] += 1
        return arm

    def _turn(self, rows: Ints, ready: Ticks) -> None:
        """Take over a ratio that has changed; blocks begin anew with it."""
        if not self.plan.changing(*RATIO):
            return
        now = self.course.rows(rows).ratio(self.plan, ready)
        turned = np.any(now != self.ratio[rows], axis=1)
        self.ratio[rows] = now
        self.changed[rows] |= turned
        if self.plan.scheme is None:
            self.own[rows[turned]] = 0
