"""Fate: everything that luck and the files decide before anybody conducts a trial.

Array functions of shape (replicates, candidates, ...). Fate is made for a whole luck block at once
and exists once: both conducts read the same integer ticks, and neither draws nor computes a float.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from raresim.disease.outcomes.curve import YEAR
from raresim.disease.score_block import CALENDAR
from raresim.evidence.statistics import Floats
from raresim.streams import Luck
from raresim.trial.allotment import coin, randomisation_lists, strata_of
from raresim.trial.arrivals import most_candidates, presenting
from raresim.trial.candidates import people
from raresim.trial.enrolment import survival_of
from raresim.trial.follow_up import data_lag, events, follow_up, leaves, rescued, visit_plan
from raresim.trial.readings import Booleans, readings, visits
from raresim.trial.scenario import Scenario
from raresim.trial.screening import narrowed, screening_days, withdraws
from raresim.trial.ticks import NEVER, Ticks, ticks


@dataclass(frozen=True)
class Fate:
    """What is decided for each candidate, in ticks since the trial's start or since randomisation.

    `opens` (of sites), `present` and `ready` (screening over) are absolute; `screenings` counts how
    often a candidate came; `narrowed` (a third axis) says who meets each condition that a milestone
    may add; `factors` are the levels of the factors of randomisation, `coin` what decides the arm
    where no list does, `lag` how long data take to be known. `stop` (of treatment), `leave`,
    `follow` (end of follow-up), `visits`, `events`, `readings` and `rescued` count from
    randomisation.
    `events[outcome]` (adverse events too), `readings[outcome]` and `rescued[medication]` hold an
    array for each arm; the first reading is that of randomisation.
    """

    opens: Ticks
    present: Ticks
    ready: Ticks
    eligible: Booleans
    screenings: Ticks
    withdrew: Booleans
    narrowed: Booleans
    stratum: Ticks
    factors: tuple[Ticks, ...]
    lists: npt.NDArray[np.int8]
    coin: Floats
    lag: Ticks
    stop: tuple[Ticks, ...]
    leave: tuple[Ticks, ...]
    follow: tuple[Ticks, ...]
    visits: Ticks
    events: dict[str, tuple[Ticks, ...]]
    readings: dict[str, tuple[Floats, ...]]
    baseline: dict[str, npt.NDArray[Any]]
    fatal: tuple[str, ...]
    rescued: dict[str, tuple[Ticks, ...]]

    @property
    def candidates(self) -> int:
        """Number of candidates in each replicate."""
        return int(self.present.shape[1])

    def rows(self, chosen: Any) -> Fate:
        """Return the fate of some replicates only."""

        def cut(value: Any) -> Any:
            if isinstance(value, tuple):
                return tuple(cut(part) for part in value)
            if isinstance(value, dict):
                return {name: cut(part) for name, part in value.items()}
            return value[chosen] if isinstance(value, np.ndarray) else value

        return Fate(**{name: cut(getattr(self, name)) for name in self.__dataclass_fields__})


def fate(
    scenario: Scenario,
    luck: Luck,
    hypothesis: str,
    candidates: int,
    resolution: int = 1,
    place: str = "centre",
    rows: slice = slice(None),
) -> Fate:
    """Decide the fate of `candidates` candidates in each of some replicates of a luck block.

    The parameters are those of the whole block, cut afterwards: a fit that iterates until all
    replicates agree would otherwise differ in its last digits with the replicates at hand.
    """
    spec = scenario.spec
    numbers, effects = scenario.numbers(hypothesis, luck, place)
    numbers, luck = numbers.rows(rows), luck.only(rows)
    effects = {
        name: {arm: e.rows(rows) for arm, e in arms.items()} for name, arms in effects.items()
    }
    survival, until = survival_of(spec.truth, numbers), spec.design.recruit_for
    came = presenting(spec.truth, spec.design.sites, luck, candidates, until, survival)
    days, site, lists = came.day, came.site, randomisation_lists(scenario, luck)
    luck = came.luck  # what is drawn from here on belongs to candidates
    lasts = screening_days(scenario, luck, candidates)
    when = np.where(np.isfinite(days), days + lasts[0], 0.0)
    waited = None if came.waiting is None else came.waiting.clock(when)
    calendar: Any = when / YEAR
    if CALENDAR not in {getattr(o, "clock", "") for o in scenario.model.spec.outcomes.values()}:
        calendar = None
    jitter, seen = visit_plan(scenario, luck, candidates, resolution)
    own = visits(scenario, luck, jitter, seen < NEVER)
    folk = people(scenario, luck, candidates, numbers, effects, site, calendar, own, waited)
    present = ticks(days, resolution)
    whole = np.take_along_axis(lasts, folk.attempt[None], axis=0)[0]
    wait = np.maximum(ticks(whole, resolution), resolution)  # nobody is randomised while presenting
    eligible = folk.eligible
    if came.waiting is not None:  # who dies during screening is not randomised
        eligible = eligible & came.waiting.alive(days + whole)
    withdrew = eligible & withdraws(scenario, luck, candidates)
    states: dict[str, Any] = {**folk.patients.values, "site": site}
    randomise = spec.design.randomise
    return Fate(
        opens=ticks(came.opens, resolution),
        present=present,
        ready=np.where(present < NEVER, present + wait, NEVER),
        eligible=np.asarray(eligible & ~withdrew),
        screenings=folk.attempt + 1,
        withdrew=withdrew,
        narrowed=narrowed(scenario, folk),
        stratum=strata_of(scenario, randomise.strata, states),
        factors=tuple(np.asarray(states[name], np.int64) for name in randomise.strata),
        lists=lists,
        coin=coin(scenario, luck, candidates),
        lag=data_lag(scenario, luck, candidates, resolution),
        stop=tuple(ticks(stop, resolution) for stop in folk.stop),
        leave=leaves(scenario, folk, luck, resolution),
        follow=follow_up(scenario, luck, candidates, resolution),
        visits=seen,
        events=events(scenario, folk, resolution),
        readings=readings(scenario, folk),
        baseline=states,
        fatal=scenario.model.spec.fatal,
        rescued=rescued(folk, resolution),
    )


def expected_candidates(scenario: Scenario) -> int:
    """Return a number of candidates that is probably enough, from the model's own patients.

    Those for n eligible ones with four standard deviations to spare, and those who present while
    the last one is screened at a fast pace; a longer stream is made where it was not enough.
    """
    luck = Luck(0, 0)
    numbers, effects = scenario.model.published, scenario.effects(scenario.hypotheses[0], None)
    share = max(float(np.mean(people(scenario, luck, 4, numbers, effects).eligible)), 0.01)
    design, truth = scenario.spec.design, scenario.spec.truth
    needed = (design.most + 4 * np.sqrt(design.most * (1 - share))) / share
    pace = truth.candidates.pace * design.sites.number
    waits = truth.screening_lasts[1] + (design.run_in or 0.0)
    found = int(needed + 1.6 * pace * waits) + 10
    return int(min(found, most_candidates(truth, design.recruit_for)))
