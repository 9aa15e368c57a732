"""Screening: who presents when, what is found, and the way from there to any of their lives."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from raresim.alike import alike, take
from raresim.disease import Parameters
from raresim.disease.outcomes.curve import YEAR
from raresim.either import either
from raresim.streams import Luck, TakenLuck
from raresim.trial.fate.arrivals import presenting
from raresim.trial.fate.candidates import asked_at_screening, people
from raresim.trial.fate.effects import Effects
from raresim.trial.fate.enrolment import survival_of
from raresim.trial.fate.follow_up import visit_plan
from raresim.trial.fate.life import Life, life
from raresim.trial.fate.people import People
from raresim.trial.fate.readings import Booleans, visits
from raresim.trial.fate.screening import screening_days, withdraws
from raresim.trial.scenario import Scenario
from raresim.trial.ticks import NEVER, Ticks, ticks


@dataclass(frozen=True)
class Screened:
    """All candidates: who presents when, and what screening finds; from it, any of their lives."""

    luck: Luck
    folk: People
    numbers: Parameters
    calendar: Any
    resolution: int
    opens: Ticks
    present: Ticks
    ready: Ticks
    eligible: Booleans
    withdrew: Booleans

    def on(
        self, candidate: npt.NDArray[np.int64], luck: Luck | None = None
    ) -> tuple[People, Ticks]:
        """Return some candidates (replicates, places) with all that they are, and their visits.

        The same luck as at screening, so that they are who was screened; or one that is `keeping`
        its draws for others.
        """
        scenario, units = self.folk.scenario, candidate.shape[1]
        own = (luck or self.luck).afresh()
        luck = TakenLuck(own, self.folk.patients.units, candidate)
        jitter, seen = visit_plan(scenario, luck, units, self.resolution)
        found = people(
            *(scenario, luck, units, self.numbers, self.folk.effects),
            calendar=None if self.calendar is None else take(self.calendar, candidate),
            visits=visits(scenario, luck, jitter, seen < NEVER),
            known=self.folk.patients.taken(candidate),
        )
        return found, seen

    def lives(
        self, candidate: npt.NDArray[np.int64], arms: Iterable[int], luck: Luck | None = None
    ) -> tuple[Life, ...]:
        """Return the lives of some candidates under some arms.

        Points that only lives ask for are entered into the register of screening's luck.
        """
        folk, seen = self.on(candidate, luck)
        found = tuple(life(folk.scenario, folk, arm, seen, self.resolution) for arm in arms)
        asked, known = folk.luck.points, self.luck.points
        self.luck.adopt({point: units for point, units in asked.items() if point not in known})
        return found


def screened(
    scenario: Scenario,
    luck: Luck,
    numbers: Parameters,
    effects: Effects,
    candidates: int,
    resolution: int,
) -> Screened:
    """Let all candidates present and be screened."""
    spec = scenario.spec
    survival, until = survival_of(spec.truth, numbers), spec.design.recruit_for
    came = presenting(spec.truth, spec.design.sites, luck, candidates, until, survival)
    luck = came.luck  # what is drawn from here on belongs to candidates
    lasts = screening_days(scenario, luck, candidates)
    waited = calendar = None
    if came.waiting is not None or scenario.follows_calendar or scenario.drift:
        when = either(np.isfinite(came.day), came.day + lasts[0], 0.0)
        waited = None if came.waiting is None else came.waiting.clock(when)
        calendar = when / YEAR if scenario.follows_calendar or scenario.drift else None
    names = asked_at_screening(scenario)
    place = (came.site, calendar)
    folk = people(scenario, luck, candidates, numbers, effects, *place, waited=waited, names=names)
    whole = lasts[0]
    if len(lasts) > 1:
        whole = np.take_along_axis(np.stack(lasts), folk.attempt[None], axis=0)[0]
    present, wait = ticks(came.day, resolution), ticks(whole, resolution)
    if alike(wait):
        wait = wait[:1, :1]
    wait = np.maximum(wait, resolution)  # not while presenting
    eligible = folk.eligible
    if came.waiting is not None:  # who dies during screening is not randomised
        eligible = eligible & came.waiting.alive(came.day + whole)
    withdrew = withdraws(scenario, luck, candidates)
    if not alike(withdrew):
        withdrew = eligible & withdrew
        eligible = eligible & ~withdrew
    return Screened(
        luck,
        folk,
        numbers,
        calendar,
        resolution,
        opens=ticks(came.opens, resolution),
        present=present,
        ready=np.minimum(present + wait, NEVER),
        eligible=eligible,
        withdrew=withdrew,
    )
