"""Conduct event by event with SimPy: the reference, one trial at a time.

It draws nothing, computes no logarithm and sums no floats: it adds, compares, counts and orders
integer ticks. Entries happen in the order (tick, kind, candidate). Everything that happens is an
entry of the log, and the ledger is the log's fold.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator
from typing import Any

import numpy as np
import simpy

from raresim.trial.conduct.desk import Desk
from raresim.trial.conduct.moment import ROOM, At
from raresim.trial.conduct.recruitment import ShortStreamError
from raresim.trial.conduct.supply import Supply
from raresim.trial.fate.decided import Fate
from raresim.trial.ledger import Ledger, truncate
from raresim.trial.log import Entry, fold
from raresim.trial.plan import Change, Decide, MilestonePlan, Part, Plan
from raresim.trial.ticks import NEVER, Exit, Kind, Ticks


def _counted(part: Part) -> tuple[str, str]:
    """Return what a condition counts, and of which outcome or visit."""
    if part.kind == "seen":
        return "seen", str(part.visit)
    return "all" if part.kind == "events" else part.kind, part.outcome


class Trial:
    """One trial, run to its end by `run`."""

    def __init__(self, plan: Plan, fate: Fate, decide: Decide, replicate: int) -> None:
        self.plan, self.fate, self.decide, self.replicate = plan, fate, decide, replicate
        self.env = simpy.Environment()
        self.over = self.env.event()
        self.log: list[Entry] = []
        self.desk = Desk(plan, fate)
        self.supply = Supply(self, plan.kits) if plan.kits is not None else None
        self.n = plan.n
        self.randomised = 0
        self.last = 0
        self.active: dict[int, int] = {}
        self.begun: dict[int, int] = {}
        self.closed = NEVER
        self.further: set[int] = set()
        self.longer, self.longer_since = 0, NEVER
        self.crossing = [NEVER] * len(plan.changing("cross"))
        self.lives: Counter[int] = Counter()
        self.counts: Counter[tuple[str, str, int]] = Counter()
        self.awaited = {_counted(part) for m in plan.milestones for part in m.parts}
        self.scheduled: set[int] = set()
        self.performed = [NEVER] * len(plan.milestones)
        self.stopping = False
        self.end = NEVER

    def run(self) -> None:
        """Run the trial until the milestone that ends it."""
        self.env.process(self.arrivals())
        if self.supply is not None:
            self.supply.begin()
        calendar = {p.tick for m in self.plan.milestones for p in m.parts if p.kind == "calendar"}
        for tick in sorted(calendar | {self.plan.recruit_until}):
            self.env.process(self.date(tick))
        self.env.run(until=self.over)

    def date(self, tick: int) -> Generator[Any, Any, None]:
        """At the end of a day of the calendar: recruitment may close, milestones may hold."""
        yield At(self.env, tick, Kind.LOOK)
        if tick == self.plan.recruit_until:
            self.close()
        self.check()

    def patience(self) -> Generator[Any, Any, None]:
        """Give recruitment up when nobody has been randomised for too long after somebody was."""
        since = NEVER
        while since != self.last:
            since = self.last
            yield At(self.env, since + self.plan.give_up_after, Kind.LOOK)
        self.close()
        self.check()

    def close(self, full: bool = False) -> None:
        """Close recruitment, if it is open; a stream of candidates must reach further than that."""
        if self.closed != NEVER:
            return
        now = int(self.env.now)
        last = int(self.fate.present[0, -1])
        if now > last - (not full):
            raise ShortStreamError
        self.closed = now
        self.write("recruitment closed", detail=f"{self.randomised} randomised")

    def write(
        self,
        what: str,
        candidate: int = -1,
        detail: str = "",
        number: int = 0,
        stratum: int = 0,
        lag: int = 0,
        open: int = 0,
    ) -> None:
        """Add an entry to the log."""
        now = int(self.env.now)
        self.log.append(Entry(now, what, candidate, detail, number, stratum, lag, open))

    def arrivals(self) -> Generator[Any, Any, None]:
        """Let candidates present one after the other and be screened, as long as it is open."""
        for i, tick in enumerate(self.fate.present[0].tolist()):
            if tick >= NEVER:
                return
            yield At(self.env, tick, Kind.PRESENT, i)
            if self.closed != NEVER:
                return
            self.write("screened", i)
            self.count("screened")
            if self.fate.eligible[0, i]:
                self.env.process(self.candidate(i, int(self.fate.ready[0, i])))
            else:
                self.write("consent withdrawn" if self.fate.withdrew[0, i] else "not eligible", i)

    def candidate(self, i: int, tick: int) -> Generator[Any, Any, None]:
        """Be randomised when screening is over, or at a later tick if there was no kit before."""
        yield At(self.env, tick, Kind.RANDOMISE, i)
        if self.closed != NEVER:
            return
        if not all(self.fate.narrowed[0, i, place] for place in self.further):
            self.write("no longer eligible", i)
        elif not self.desk.room(i):
            self.write("no place left", i)
        elif self.supply is not None and self.supply.lacking(i):
            self.supply.wait(i)
        else:
            self.randomise(i)

    def randomise(self, i: int) -> None:
        """Allot the candidate to an arm and begin to live through its fate."""
        stratum = int(self.fate.stratum[0, i])
        arm, how = self.desk.arm(i)
        self.randomised += 1
        self.last = int(self.env.now)
        if self.randomised == 1 and self.plan.give_up_after < NEVER:
            self.env.process(self.patience())
        self.active[i] = arm
        self.begun[i] = self.last
        lag, among = self.lag(i), sum(1 << k for k in self.desk.open)
        self.write("randomised", i, how, arm, stratum, lag, among)
        self.env.process(self.patient(i, arm, self.last))
        if self.fate.lives.arms[arm].crossed[0, self.place(i)] == 0:
            self.write("crossed over", i)
        if self.randomised == self.n:
            self.close(full=True)
        if self.supply is not None:
            self.supply.take(i, arm)
        self.count("randomised", arm=arm)

    def patient(self, i: int, arm: int, start: int, since: int = -1) -> Generator[Any, Any, None]:
        """Live through the fate of the assigned arm, from after a tick until follow-up ends.

        A change of what will happen begins another life, which goes on where this one ends.
        """
        self.lives[i] += 1
        life, lag = self.lives[i], self.lag(i)
        for tick, kind, number, name in self.agenda(i, arm, start):
            if tick <= since:
                continue
            yield At(self.env, tick, kind, i)
            if self.lives[i] != life:
                return
            if kind == Kind.OUTCOME:
                self.write("event", i, name, number, lag=lag)
                self.learn(lag, "first" if number == 0 else "later", name, arm)
            elif kind == Kind.VISIT:
                self.write("visit", i, number=number, lag=lag)
                self.learn(lag, "seen", str(number), arm)
            elif kind == Kind.PERIOD:
                self.write("period begun", i, f"{number + 2}: {name}", number, lag=lag)
            elif kind == Kind.RESCUE:
                self.write("rescue", i, name, lag=lag)
            elif kind == Kind.STOP_TREATMENT:
                self.write("treatment stopped", i, lag=lag)
            else:
                del self.active[i]
                self.write("exit", i, Exit(number).name.lower(), number, lag=lag)
                self.count("completed" if number == Exit.COMPLETED else "lost", arm=arm)

    def place(self, i: int) -> int:
        """Return a candidate's place on the roster."""
        return int(self.fate.roster.place[0, i])

    def lag(self, i: int) -> int:
        """Return how long a patient's data take to be known."""
        return int(self.fate.lives.arms[0].lag[0, self.place(i)])

    def reborn(self) -> None:
        """Let everybody in the study live through what will happen as it is decided now."""
        now = int(self.env.now)
        for i, arm in self.active.items():
            self.env.process(self.patient(i, arm, self.begun[i], now))

    def agenda(self, i: int, arm: int, start: int) -> list[tuple[int, Kind, int, str]]:
        """Return what will happen to a patient, in order, up to the end of follow-up."""
        i, life = self.place(i), self.fate.lives.arms[arm]
        out, reason = int(life.follow[0, i]), Exit.COMPLETED
        if self.longer and start + out > self.longer_since:
            out = max(out, self.longer)
        if int(life.leave[0, i]) < out:
            out, reason = int(life.leave[0, i]), Exit.LEFT
        for name in self.plan.fatal:
            if int(life.events[name][0, i, 0]) <= out:
                out, reason = int(life.events[name][0, i, 0]), Exit.DIED
        todo = [(out, Kind.EXIT, int(reason), "")]
        for name in self.plan.outcomes:
            times = life.events[name][0, i].tolist()
            todo += [(t, Kind.OUTCOME, k, name) for k, t in enumerate(times) if t <= out]
        visits = life.visits[0, i].tolist()
        todo += [(t, Kind.VISIT, k, "") for k, t in enumerate(visits) if t <= out]
        begun = zip(self.plan.periods[arm], life.periods[0, i].tolist(), strict=True)
        todo += [(t, Kind.PERIOD, k, name) for k, (name, t) in enumerate(begun) if t < out]
        for name, since in life.rescued.items():
            if int(since[0, i]) <= out:
                todo.append((int(since[0, i]), Kind.RESCUE, 0, name))
        if int(life.stop[0, i]) <= out:
            todo.append((int(life.stop[0, i]), Kind.STOP_TREATMENT, 0, ""))
        return sorted((start + tick, kind, number, name) for tick, kind, number, name in todo)

    def learn(self, lag: int, what: str, of: str, arm: int) -> None:
        """Count an entry of a patient when the trial knows of it, if a milestone waits for it."""
        if not self.waits(what, of):
            return
        if lag:
            self.env.process(self.later(lag, what, of, arm))
        else:
            self.count(what, of, arm)

    def later(self, lag: int, what: str, of: str, arm: int) -> Generator[Any, Any, None]:
        """Count an entry after its lag."""
        yield At(self.env, int(self.env.now) + lag, Kind.OUTCOME)
        self.count(what, of, arm)

    def count(self, what: str, of: str = "", arm: int = -1) -> None:
        """Count what milestones wait for, in all and by arm; the last to leave may be one, too."""
        for group in {arm, -1}:
            self.counts[what, of, group] += 1
        if self.waits(what, of) or not self.active:
            self.check()

    def waits(self, what: str, of: str) -> bool:
        """Whether a milestone waits for it."""
        return (what, of) in self.awaited or ("all", of) in self.awaited

    def check(self) -> None:
        """Plan a look at the end of this tick for every milestone that holds now."""
        for number, milestone in enumerate(self.plan.milestones):
            if number not in self.scheduled and self.holds(milestone):
                self.scheduled.add(number)
                self.env.process(self.look(number))

    def holds(self, milestone: MilestonePlan) -> bool:
        """Whether the milestone's condition holds."""
        held = [self.reached(part) for part in milestone.parts]
        return all(held) if milestone.every else any(held)

    def reached(self, part: Part) -> bool:
        """Whether one condition holds."""
        if part.kind == "calendar":
            return bool(self.env.now >= part.tick)
        if part.kind == "finished":
            return self.closed != NEVER and not self.active
        what, of = _counted(part)
        words = ("first", "later") if what == "all" else (what,)
        arms = part.arms or (-1,)
        return sum(self.counts[word, of, arm] for word in words for arm in arms) >= part.number

    def look(self, number: int) -> Generator[Any, Any, None]:
        """Perform a milestone: analyse, and stop or change the trial as was agreed."""
        yield At(self.env, int(self.env.now), Kind.LOOK, 1 + number)
        if self.over.triggered or self.stopping:
            return
        tick = int(self.env.now)
        self.performed[number] = tick
        milestone = self.plan.milestones[number]
        self.write("milestone", detail=milestone.name)
        if number == len(self.plan.milestones) - 1:
            self.finish(milestone.name)
            return
        at = np.array([tick])
        seen = truncate(self.ledger(), at)
        decisions = self.decide(self.fate, seen, number, at, np.array([self.replicate]))
        self.stopping = bool(decisions.stop[0])
        if milestone.delay:
            yield At(self.env, tick + milestone.delay, Kind.LOOK, ROOM - 2)
        if decisions.stop[0]:
            self.finish(milestone.name)
        else:
            self.turn(milestone, decisions.changes[0])

    def turn(self, milestone: MilestonePlan, made: Any) -> None:
        """Let the changes that a milestone decided act from now on."""
        for number in milestone.changes:
            if made[number] >= 0:
                self.act(self.plan.changes[number], int(made[number]))
        if self.supply is not None:
            self.supply.turn()
        self.env.process(self.bare())
        self.check()

    def act(self, change: Change, number: int) -> None:
        """Let one change act."""
        self.write(f"change: {change.kind}")
        if change.kind == "close":
            self.close()
        elif change.kind == "narrow":
            self.further.add(change.number)
        elif change.kind == "extend":
            if not self.longer:
                self.longer, self.longer_since = number, int(self.env.now)
                self.reborn()
        elif change.kind == "cross":
            self.cross(change)
        elif change.kind == "recruit":
            self.n = number
            if self.randomised >= self.n:
                self.close()
        else:
            self.desk.turn(change, number)

    def cross(self, change: Change) -> None:
        """Let the patients of an arm change treatment."""
        now = int(self.env.now)
        self.crossing[change.number] = now
        self.fate = self.fate.crossing_over(np.array([self.crossing]))
        for i, arm in self.active.items():
            since = int(self.fate.lives.arms[arm].crossed[0, self.place(i)])
            if self.begun[i] + since == now and arm == change.arm:
                self.write("crossed over", i, lag=self.lag(i))
        self.reborn()

    def bare(self) -> Generator[Any, Any, None]:
        """Close recruitment when no arm is left to be compared with the control."""
        yield At(self.env, int(self.env.now), Kind.LOOK, ROOM - 1)
        if self.desk.bare:
            self.close()
            self.check()

    def finish(self, name: str) -> None:
        """End the trial."""
        self.end = int(self.env.now)
        self.write("trial ended", detail=name)
        self.over.succeed()

    def ledger(self) -> Ledger:
        """Return the ledger of what has happened so far."""
        return fold(
            self.log, self.plan, self.fate.candidates, self.fate.lives.arms[0].visits.shape[2]
        )


def conduct(
    plan: Plan, fate: Fate, decide: Decide, replicate: int = 0
) -> tuple[Ledger, Ticks, Fate, list[Entry]]:
    """Run one trial; `fate` holds one replicate.

    Return ledger, milestone ticks, the fate as lived (see `blocks.conduct`) and the log.
    """
    trial = Trial(plan, fate, decide, replicate)
    trial.run()
    end = np.array([trial.end])
    return truncate(trial.ledger(), end), np.array([trial.performed]), trial.fate, trial.log
