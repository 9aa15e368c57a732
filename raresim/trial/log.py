"""The log of one trial, entry by entry, and the ledger as its fold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from raresim.trial.ledger import Ledger
from raresim.trial.plan import Plan
from raresim.trial.ticks import NEVER


class Entry(NamedTuple):
    """One line of the log.

    `number` is the arm of a randomisation, the visit, the place of an event among the patient's or
    of a period among those after the first, the reason of an exit, or how many kits were sent;
    `lag` the ticks after which the trial knows of a patient's data; `open` the arms that were open
    to a patient, the sum of 2^k over them.
    """

    tick: int
    what: str
    candidate: int = -1
    detail: str = ""
    number: int = 0
    stratum: int = 0
    lag: int = 0
    open: int = 0


def fold(log: Sequence[Entry], plan: Plan, candidates: int, visits: int) -> Ledger:
    """Return the ledger that a log amounts to: everything in it comes from an entry."""
    most = dict.fromkeys(plan.outcomes, 1)
    for entry in log:
        if entry.what == "event":
            most[entry.detail] = max(most[entry.detail], entry.number + 1)
    found = _blank(plan, candidates, visits, most)
    row: dict[int, int] = {}  # a candidate's place in the order of randomisation
    for entry in log:
        tick, k = entry.tick, row.get(entry.candidate, -1)
        if entry.what == "screened":
            found.presented[0, entry.candidate] = tick
        elif entry.what == "randomised":
            k = row[entry.candidate] = len(row)
            found.candidate[0, k], found.randomised[0, k] = entry.candidate, tick
            found.arm[0, k], found.stratum[0, k] = entry.number, entry.stratum
            found.lag[0, k], found.open[0, k] = entry.lag, entry.open
        elif entry.what == "event":
            found.events[entry.detail][0, k, entry.number] = tick
        elif entry.what == "visit":
            found.visits[0, k, entry.number] = tick
        elif entry.what == "rescue":
            found.rescued[entry.detail][0, k] = tick
        elif entry.what == "treatment stopped":
            found.stop[0, k] = tick
        elif entry.what == "period begun":
            found.periods[0, k, entry.number] = tick
        elif entry.what == "crossed over":
            found.crossed[0, k] = tick
        elif entry.what == "exit":
            found.exit[0, k], found.reason[0, k] = tick, entry.number
        elif entry.what == "kits sent":
            found.kits[0] += entry.number
        elif entry.what == "recruitment closed":
            found.closed[0] = tick
        elif entry.what == "trial ended":
            found.end[0] = tick
    return found


def _blank(plan: Plan, candidates: int, visits: int, most: dict[str, int]) -> Ledger:
    """Return a ledger of one trial in which nothing has happened."""
    n = min(plan.most, candidates)
    return Ledger(
        candidate=np.full((1, n), -1),
        randomised=np.full((1, n), NEVER),
        arm=np.zeros((1, n), np.int8),
        stratum=np.zeros((1, n), np.int64),
        open=np.zeros((1, n), np.int64),
        stop=np.full((1, n), NEVER),
        periods=np.full((1, n, max(map(len, plan.periods))), NEVER),
        crossed=np.full((1, n), NEVER),
        exit=np.full((1, n), NEVER),
        reason=np.zeros((1, n), np.int8),
        lag=np.zeros((1, n), np.int64),
        events={name: np.full((1, n, width), NEVER) for name, width in most.items()},
        rescued={name: np.full((1, n), NEVER) for name in plan.rescues},
        visits=np.full((1, n, visits), NEVER),
        presented=np.full((1, candidates), NEVER),
        kits=np.zeros(1, np.int64),
        closed=np.array([NEVER]),
        end=np.array([NEVER]),
    )
