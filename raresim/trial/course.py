"""The course of a trial: which changes were decided, and from when on each one acts.

A change that acts since tick E was decided at the end of that tick: it acts on entries after E.
What it does at a tick is answered here for rows of replicates; `conduct/blocks.py` asks it, while
`conduct/events.py` changes its own state as time goes by.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from raresim.trial.plan import Ints, Plan
from raresim.trial.ticks import NEVER, Ticks

RATIO = ("ratio", "part", "drop", "add", "shut")
"""Kinds of change that act on which arm is next."""


@dataclass(frozen=True)
class Course:
    """`since` (replicates, changes) is NEVER where a change is not made; `number` belongs to it."""

    since: Ticks
    number: Ints

    @classmethod
    def unchanged(cls, plan: Plan, replicates: int) -> Course:
        """Return the course of trials in which nothing has been decided."""
        shape = (replicates, len(plan.changes))
        return cls(np.full(shape, NEVER), np.zeros(shape, np.int64))

    def rows(self, chosen: Any) -> Course:
        """Return some replicates only."""
        return Course(self.since[chosen], self.number[chosen])

    def made(self, rows: Ints, since: Ticks, changes: Ints) -> None:
        """Note what was decided for some rows (in place): -1 where a change is not made."""
        decided = changes >= 0
        self.since[rows] = np.where(decided, since[:, None], self.since[rows])
        self.number[rows] = np.where(decided, changes, self.number[rows])

    def first(self, plan: Plan, kind: str) -> tuple[Ticks, Ints]:
        """Return since when the first change of a kind acts, NEVER if none, and its number."""
        at, number = np.full(len(self.since), NEVER), np.zeros(len(self.since), np.int64)
        for change in plan.changing(kind):
            sooner = self.since[:, change] < at
            at = np.where(sooner, self.since[:, change], at)
            number = np.where(sooner, self.number[:, change], number)
        return at, number

    def ratio(self, plan: Plan, tick: Ticks) -> Ints:
        """Return the ratio in which a patient of each row is allotted at its tick, (rows, arms).

        Changes act in the order of their ticks, then of the file; a dropped arm stays dropped.
        """
        found = np.tile(np.array(plan.ratio, np.int64), (len(tick), 1))
        dropped = np.zeros(found.shape, bool)
        kinds = plan.changing(*RATIO)
        order = np.argsort(self.since[:, kinds], axis=1, kind="stable")
        for position in range(len(kinds)):
            for place, number in enumerate(kinds):
                change = plan.changes[number]
                now = (order[:, position] == place) & (self.since[:, number] < tick)
                if change.kind == "ratio":
                    found[now] = change.ratio
                elif change.kind == "part":
                    found[now, change.arm] = self.number[now, number]
                elif change.kind in ("add", "shut"):
                    found[now, change.arm] = int(change.kind == "add")
                else:
                    dropped[now, change.arm] = True
        return np.where(dropped, 0, found)

    def crossings(self, plan: Plan) -> Ticks:
        """Return since when each crossing acts, (replicates, crossings)."""
        return self.since[:, plan.changing("cross")]

    def bare(self, plan: Plan) -> Ticks:
        """Return the tick since which no arm but the control is open, NEVER if there always is."""
        found = np.full(len(self.since), NEVER)
        if len(plan.ratio) == 1:
            return found
        for number in plan.changing(*RATIO):
            since = self.since[:, number]
            left = self.ratio(plan, np.where(since < NEVER, since + 1, 0))[:, 1:].sum(axis=1)
            found = np.where((since < NEVER) & (left == 0), np.minimum(found, since), found)
        return found

    def narrowed(self, plan: Plan, allowed: npt.NDArray[np.bool_], tick: Ticks) -> Any:
        """Return who may be randomised at their ticks (replicates, candidates).

        `allowed` (replicates, candidates, narrowings) says who meets each further condition.
        """
        found = np.ones(tick.shape, bool)
        for place, number in enumerate(plan.changing("narrow")):
            acts = self.since[:, number, None] < tick
            found &= allowed[..., place] | ~acts
        return found
