"""Conduct event by event with SimPy: the reference, one trial at a time.

It draws nothing, computes no logarithm and sums no floats: it adds, compares, counts and orders
integer ticks. Entries happen in the order (tick, kind, candidate). Everything that happens is an
entry of the log, and the ledger is the log's fold.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import numpy as np
import simpy
from simpy.events import EventPriority

from raresim.trial.conduct.blocks import ShortStreamError
from raresim.trial.fate import Fate
from raresim.trial.ledger import Ledger, truncate
from raresim.trial.log import Entry, fold
from raresim.trial.plan import Decide, MilestonePlan, Plan
from raresim.trial.ticks import NEVER, Exit, Kind, Ticks

_ROOM = 10_000_000
_FIRST = 10


class At(simpy.Event):
    """Wait for an absolute tick, with a place among those that share it (Timeout knows neither)."""

    def __init__(self, env: simpy.Environment, tick: int, kind: Kind, index: int = 0) -> None:
        super().__init__(env)
        self._ok = True
        self._value = None
        place = EventPriority(_FIRST + kind * _ROOM + index)
        env.schedule(self, priority=place, delay=tick - env.now)


class Trial:
    """One trial, run to its end by `run`."""

    def __init__(self, plan: Plan, fate: Fate, decide: Decide, replicate: int) -> None:
        self.plan, self.fate, self.decide, self.replicate = plan, fate, decide, replicate
        self.env = simpy.Environment()
        self.over = self.env.event()
        self.log: list[Entry] = []
        self.places: dict[int, int] = {}
        self.randomised = 0
        self.active = 0
        self.closed = NEVER
        self.infected: dict[str, int] = dict.fromkeys(plan.outcomes, 0)
        self.scheduled: set[int] = set()
        self.performed = [NEVER] * len(plan.milestones)
        self.end = NEVER

    def run(self) -> None:
        """Run the trial until the milestone that ends it."""
        for candidate in range(self.fate.candidates):
            self.env.process(self.candidate(candidate))
        calendar = {p.tick for m in self.plan.milestones for p in m.parts if p.kind == "calendar"}
        for tick in sorted(calendar | {self.plan.recruit_until}):
            self.env.process(self.date(tick))
        self.env.run(until=self.over)

    def date(self, tick: int) -> Generator[Any, Any, None]:
        """At the end of a day of the calendar: recruitment may close, milestones may hold."""
        yield At(self.env, tick, Kind.LOOK)
        if tick == self.plan.recruit_until and self.closed == NEVER:
            if int(self.fate.present[0, -1]) <= tick:
                raise ShortStreamError
            self.close()
        self.check()

    def close(self) -> None:
        """Close recruitment."""
        self.closed = int(self.env.now)
        self.write("recruitment closed", detail=f"{self.randomised} randomised")

    def write(
        self, what: str, candidate: int = -1, detail: str = "", number: int = 0, stratum: int = 0
    ) -> None:
        """Add an entry to the log."""
        self.log.append(Entry(int(self.env.now), what, candidate, detail, number, stratum))

    def candidate(self, i: int) -> Generator[Any, Any, None]:
        """Present, be screened, and be randomised if recruitment is still open."""
        if int(self.fate.present[0, i]) >= NEVER:
            return
        yield At(self.env, int(self.fate.present[0, i]), Kind.PRESENT, i)
        if self.closed != NEVER:
            return
        self.write("screened", i)
        if not self.fate.eligible[0, i]:
            self.write("not eligible", i)
            return
        yield At(self.env, int(self.fate.ready[0, i]), Kind.RANDOMISE, i)
        if self.closed == NEVER:
            yield from self.patient(i, self.randomise(i))

    def randomise(self, i: int) -> int:
        """Open the next envelope of the candidate's stratum; return the arm."""
        stratum = int(self.fate.stratum[0, i])
        place = self.places.get(stratum, 0)
        self.places[stratum] = place + 1
        arm = int(self.fate.lists[0, stratum, place])
        self.randomised += 1
        self.active += 1
        self.write("randomised", i, f"stratum {stratum}, place {place}", arm, stratum)
        if self.randomised == self.plan.n:
            if int(self.env.now) > int(self.fate.present[0, -1]):
                raise ShortStreamError
            self.close()
        return arm

    def patient(self, i: int, arm: int) -> Generator[Any, Any, None]:
        """Live through the fate of the assigned arm until follow-up ends."""
        for tick, kind, number, name in self.agenda(i, arm):
            yield At(self.env, tick, kind, i)
            if kind == Kind.OUTCOME:
                self.write("event", i, name, number)
                if number == 0:
                    self.infected[name] += 1
                    self.check()
            elif kind == Kind.VISIT:
                self.write("visit", i, number=number)
            elif kind == Kind.STOP_TREATMENT:
                self.write("treatment stopped", i)
            else:
                self.active -= 1
                self.write("exit", i, Exit(number).name.lower(), number)
                self.check()

    def agenda(self, i: int, arm: int) -> list[tuple[int, Kind, int, str]]:
        """Return what will happen to a patient, in order, up to the end of follow-up."""
        start = int(self.env.now)
        out, reason = int(self.fate.follow[arm][0, i]), Exit.COMPLETED
        if int(self.fate.leave[0, i]) < out:
            out, reason = int(self.fate.leave[0, i]), Exit.LEFT
        for name in self.plan.fatal:
            if int(self.fate.events[name][arm][0, i, 0]) <= out:
                out, reason = int(self.fate.events[name][arm][0, i, 0]), Exit.DIED
        todo = [(out, Kind.EXIT, int(reason), "")]
        for name in self.plan.outcomes:
            times = self.fate.events[name][arm][0, i]
            todo += [(int(t), Kind.OUTCOME, k, name) for k, t in enumerate(times) if t <= out]
        visits = enumerate(self.fate.visits[0, i])
        todo += [(int(t), Kind.VISIT, k, "") for k, t in visits if t <= out]
        if int(self.fate.stop[0, i]) <= out:
            todo.append((int(self.fate.stop[0, i]), Kind.STOP_TREATMENT, 0, ""))
        return sorted((start + tick, kind, number, name) for tick, kind, number, name in todo)

    def check(self) -> None:
        """Plan a look at the end of this tick for every milestone that holds now."""
        for number, milestone in enumerate(self.plan.milestones):
            if number not in self.scheduled and self.holds(milestone):
                self.scheduled.add(number)
                self.env.process(self.look(number))

    def holds(self, milestone: MilestonePlan) -> bool:
        """Whether the milestone's condition holds."""
        held = []
        for part in milestone.parts:
            if part.kind == "calendar":
                held.append(self.env.now >= part.tick)
            elif part.kind == "finished":
                held.append(self.closed != NEVER and self.active == 0)
            else:
                held.append(self.infected[part.outcome] >= part.patients)
        return all(held) if milestone.every else any(held)

    def look(self, number: int) -> Generator[Any, Any, None]:
        """Perform a milestone: analyse, and stop the trial if that was agreed."""
        yield At(self.env, int(self.env.now), Kind.LOOK, 1 + number)
        if self.over.triggered:
            return
        tick = int(self.env.now)
        self.performed[number] = tick
        milestone = self.plan.milestones[number]
        self.write("milestone", detail=milestone.name)
        stop = number == len(self.plan.milestones) - 1
        if not stop:
            at = np.array([tick])
            seen = truncate(self.ledger(), at)
            stop = bool(self.decide(seen, number, at, np.array([self.replicate]))[0])
        if stop:
            self.end = tick
            self.write("trial ended", detail=milestone.name)
            self.over.succeed()

    def ledger(self) -> Ledger:
        """Return the ledger of what has happened so far."""
        return fold(self.log, self.plan, self.fate.candidates, self.fate.visits.shape[2])


def conduct(
    plan: Plan, fate: Fate, decide: Decide, replicate: int = 0
) -> tuple[Ledger, Ticks, list[Entry]]:
    """Run one trial; `fate` holds one replicate. Return ledger, milestone ticks and log."""
    trial = Trial(plan, fate, decide, replicate)
    trial.run()
    end = np.array([trial.end])
    return truncate(trial.ledger(), end), np.array([trial.performed]), trial.log
