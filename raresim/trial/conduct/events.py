"""Conduct event by event with SimPy: the reference, one trial at a time.

It draws nothing, computes no logarithm and sums no floats: it adds, compares, counts and orders
integer ticks. Entries happen in the order (tick, kind, candidate). Everything that happens is an
entry of the log, and the ledger is the log's fold.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import simpy
from simpy.events import EventPriority

from raresim.trial.conduct.blocks import ShortStreamError
from raresim.trial.fate import Fate
from raresim.trial.ledger import Ledger, truncate
from raresim.trial.plan import Decide, MilestonePlan, Plan
from raresim.trial.ticks import NEVER, Exit, Kind, Ticks

_ROOM = 10_000_000
_FIRST = 10


@dataclass(frozen=True)
class Entry:
    """One line of the log."""

    tick: int
    what: str
    candidate: int = -1
    detail: str = ""
    number: int = 0


class At(simpy.Event):
    """Wait for an absolute tick, with a place among those that share it (Timeout knows neither)."""

    def __init__(self, env: simpy.Environment, tick: int, kind: Kind, index: int = 0) -> None:
        super().__init__(env)
        self._ok = True
        self._value = None
        place = EventPriority(_FIRST + kind * _ROOM + index)
        env.schedule(self, priority=place, delay=tick - env.now)


@dataclass
class _Patient:
    candidate: int
    randomised: int
    arm: int
    stratum: int
    stop: int = NEVER
    exit: int = NEVER
    reason: Exit = Exit.NONE
    events: dict[str, list[int]] = field(default_factory=dict)
    visits: dict[int, int] = field(default_factory=dict)


class Trial:
    """One trial, run to its end by `run`."""

    def __init__(self, plan: Plan, fate: Fate, decide: Decide, replicate: int) -> None:
        self.plan, self.fate, self.decide, self.replicate = plan, fate, decide, replicate
        self.env = simpy.Environment()
        self.over = self.env.event()
        self.log: list[Entry] = []
        self.patients: list[_Patient] = []
        self.places: dict[int, int] = {}
        self.presented: dict[int, int] = {}
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
        self.write("recruitment closed", detail=f"{len(self.patients)} randomised")

    def write(self, what: str, candidate: int = -1, detail: str = "", number: int = 0) -> None:
        """Add an entry to the log."""
        self.log.append(Entry(int(self.env.now), what, candidate, detail, number))

    def candidate(self, i: int) -> Generator[Any, Any, None]:
        """Present, be screened, and be randomised if recruitment is still open."""
        if int(self.fate.present[0, i]) >= NEVER:
            return
        yield At(self.env, int(self.fate.present[0, i]), Kind.PRESENT, i)
        if self.closed != NEVER:
            return
        self.presented[i] = int(self.env.now)
        self.write("screened", i)
        if not self.fate.eligible[0, i]:
            self.write("not eligible", i)
            return
        yield At(self.env, int(self.fate.ready[0, i]), Kind.RANDOMISE, i)
        if self.closed == NEVER:
            yield from self.patient(self.randomise(i))

    def randomise(self, i: int) -> _Patient:
        """Open the next envelope of the candidate's stratum."""
        stratum = int(self.fate.stratum[0, i])
        place = self.places.get(stratum, 0)
        self.places[stratum] = place + 1
        arm = int(self.fate.lists[0, stratum, place])
        patient = _Patient(i, int(self.env.now), arm, stratum)
        self.patients.append(patient)
        self.active += 1
        self.write("randomised", i, f"stratum {stratum}, place {place}", arm)
        if len(self.patients) == self.plan.n:
            if int(self.env.now) > int(self.fate.present[0, -1]):
                raise ShortStreamError
            self.close()
        return patient

    def patient(self, patient: _Patient) -> Generator[Any, Any, None]:
        """Live through the fate of the assigned arm until follow-up ends."""
        for tick, kind, number, name in self.agenda(patient):
            yield At(self.env, tick, kind, patient.candidate)
            if kind == Kind.OUTCOME:
                times = patient.events.setdefault(name, [])
                times.append(tick)
                self.write("event", patient.candidate, name, number)
                if len(times) == 1:
                    self.infected[name] += 1
                    self.check()
            elif kind == Kind.VISIT:
                patient.visits[number] = tick
                self.write("visit", patient.candidate, number=number)
            elif kind == Kind.STOP_TREATMENT:
                patient.stop = tick
                self.write("treatment stopped", patient.candidate)
            else:
                patient.exit, patient.reason = tick, Exit(number)
                self.active -= 1
                self.write("exit", patient.candidate, Exit(number).name.lower(), number)
                self.check()

    def agenda(self, patient: _Patient) -> list[tuple[int, Kind, int, str]]:
        """Return what will happen to a patient, in order, up to the end of follow-up."""
        i, arm, start = patient.candidate, patient.arm, patient.randomised
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
        """Return the ledger of what has happened so far: the log, folded by patient."""
        n, width = self.plan.n, self.fate.visits.shape[2]
        most = {
            name: max([1, *(len(p.events.get(name, ())) for p in self.patients)])
            for name in self.plan.outcomes
        }
        found = Ledger(
            candidate=np.full((1, n), -1),
            randomised=np.full((1, n), NEVER),
            arm=np.zeros((1, n), np.int8),
            stratum=np.zeros((1, n), np.int64),
            stop=np.full((1, n), NEVER),
            exit=np.full((1, n), NEVER),
            reason=np.zeros((1, n), np.int8),
            events={name: np.full((1, n, most[name]), NEVER) for name in self.plan.outcomes},
            visits=np.full((1, n, width), NEVER),
            presented=np.full((1, self.fate.candidates), NEVER),
            closed=np.array([self.closed]),
            end=np.array([self.end]),
        )
        for k, patient in enumerate(self.patients):
            found.candidate[0, k] = patient.candidate
            found.randomised[0, k] = patient.randomised
            found.arm[0, k], found.stratum[0, k] = patient.arm, patient.stratum
            found.stop[0, k], found.exit[0, k] = patient.stop, patient.exit
            found.reason[0, k] = patient.reason
            for name, times in patient.events.items():
                found.events[name][0, k, : len(times)] = times
            for number, tick in patient.visits.items():
                found.visits[0, k, number] = tick
        for candidate, tick in self.presented.items():
            found.presented[0, candidate] = tick
        return found


def conduct(
    plan: Plan, fate: Fate, decide: Decide, replicate: int = 0
) -> tuple[Ledger, Ticks, list[Entry]]:
    """Run one trial; `fate` holds one replicate. Return ledger, milestone ticks and log."""
    trial = Trial(plan, fate, decide, replicate)
    trial.run()
    end = np.array([trial.end])
    return truncate(trial.ledger(), end), np.array([trial.performed]), trial.log
