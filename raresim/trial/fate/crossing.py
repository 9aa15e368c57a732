"""Patients who cross over: what becomes of them when a milestone changes their treatment.

From its tick on, whoever is on the treatment of one arm gets that of another one; whoever is
randomised to the arm later gets it from the beginning. Arms stay as randomised. What a patient then
lives through is asked of fate again, with the same luck, so that all that happened before the
change stays as it was: an entry by then is the old one, an entry after it the new one. An entry
that either life has by then is the old one too, where an event is found on a grid (see `rescue`).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from raresim.alike import take
from raresim.either import either
from raresim.evidence.statistics import Floats
from raresim.trial.fate.life import Life
from raresim.trial.fate.people import People
from raresim.trial.fate.sequence import Sequence
from raresim.trial.ledger import widened
from raresim.trial.scenario import Scenario
from raresim.trial.ticks import NEVER, Ticks, days, ticks

if TYPE_CHECKING:
    from raresim.trial.fate.decided import Fate


def switches(
    scenario: Scenario, fate: Fate, lives: tuple[Life, ...], at: Ticks, resolution: int
) -> dict[int, Ticks]:
    """Return when each on the roster changes, in ticks since randomisation, by the arm that does.

    `lives` are those under each arm if nobody did; `at` (replicates, crossings of the design) is
    the tick since which each acts, NEVER if it does not. Whoever has ended treatment before,
    planned or not, does not change; one whose planned end has come does where the change brings a
    time of its own.
    """
    found: dict[int, Ticks] = {}
    ready = take(fate.ready, fate.roster.candidate)
    planned = int(ticks(scenario.spec.design.treat_for, resolution))
    for number, crossing in enumerate(scenario.crossings):
        arm, acts = scenario.arms.index(crossing.cross_over), at[:, number, None]
        there = (acts < NEVER) & (ready < NEVER)
        since = np.maximum(either(there, acts - either(there, ready, 0), 0), 0)
        ongoing = lives[arm].stop > since
        if crossing.treat_for is None:
            ongoing &= since < planned
        found[arm] = either(there & ongoing, since, NEVER)
    return found


def crossed(scenario: Scenario, folk: People, since: dict[int, Ticks]) -> People:
    """Return the people with their changes of treatment."""
    found, planned = {}, scenario.spec.design.treat_for
    for crossing in scenario.crossings:
        arm = scenario.arms.index(crossing.cross_over)
        turns = since[arm] < NEVER
        day = days(either(turns, since[arm], 0))
        until = day + crossing.treat_for if crossing.treat_for is not None else planned
        names = (crossing.cross_over, crossing.to)
        begins = (np.zeros((1, 1)), either(turns, day, planned))
        found[arm] = Sequence(names, begins, either(turns, until, planned))
    return replace(folk, crossed=found, luck=folk.luck.afresh())


def spliced(before: Life, after: Life, since: Ticks | None) -> Life:
    """Return the life of an arm that is `before` up to each one's change, `after` from then on."""
    if since is None:
        return before

    def each(how: Any, old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
        return {name: how(value, new[name], since) for name, value in old.items()}

    def read(old: Floats, new: Floats, since: Ticks) -> Floats:
        return _read(old, new, before.visits, since)

    return replace(
        before,
        stop=_spliced(before.stop, after.stop, since),
        leave=_spliced(before.leave, after.leave, since),
        events=each(_spliced, before.events, after.events),
        rescued=each(_spliced, before.rescued, after.rescued),
        readings=each(read, before.readings, after.readings),
        crossed=since,
    )


def _spliced(old: Ticks, new: Ticks, since: Ticks) -> Ticks:
    """Return ticks of one arm: those by the change as they were, those after it anew."""
    if old.ndim == 3:
        width = max(old.shape[-1], new.shape[-1])
        old, new, since = widened(old, width), widened(new, width), since[..., None]
    return either((old <= since) | (new <= since), old, new)


def _read(old: Floats, new: Floats, visits: Ticks, since: Ticks) -> Floats:
    """Return readings of one arm: at randomisation and at visits by the change as they were."""
    later = np.concatenate([np.zeros((*since.shape, 1), bool), visits > since[..., None]], axis=-1)
    return either(later, new, old)
