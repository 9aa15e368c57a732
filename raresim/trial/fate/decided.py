"""Fate: everything that luck and the files decide before anybody conducts a trial.

Array functions of shape (replicates, candidates, ...). Fate is made for a whole luck block at once
and exists once: both conducts read the same integer ticks, and neither draws nor computes a float.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from raresim.disease import Parameters
from raresim.disease.outcomes.curve import YEAR
from raresim.evidence.statistics import Floats
from raresim.streams import Luck, TakenLuck
from raresim.trial.fate.allotment import coin, randomisation_lists, strata_of
from raresim.trial.fate.arrivals import most_candidates, presenting
from raresim.trial.fate.candidates import asked_at_screening, people
from raresim.trial.fate.crossing import crossed, spliced, switches
from raresim.trial.fate.effects import Effects, rows_of_effects
from raresim.trial.fate.enrolment import survival_of
from raresim.trial.fate.external import Externals, externals
from raresim.trial.fate.follow_up import (
    data_lag,
    events,
    follow_up,
    leaves,
    periods,
    rescued,
    visit_plan,
)
from raresim.trial.fate.people import People
from raresim.trial.fate.readings import Booleans, readings, visits
from raresim.trial.fate.roster import Roster, roster
from raresim.trial.fate.screening import members, narrowed, screening_days, withdraws
from raresim.trial.ledger import everybody, replaced, stacked, take
from raresim.trial.scenario import Scenario
from raresim.trial.ticks import NEVER, Ticks, ticks

LIFE = ("stop", "leave", "events", "readings", "rescued", "crossed")
"""What of fate is another when a patient changes treatment."""


@dataclass(frozen=True)
class Fate:
    """What is decided for each candidate, in ticks since the trial's start or since randomisation.

    Of all candidates: `opens` (of sites), `present` and `ready` (screening over) are absolute;
    `screenings` counts how often a candidate came; `narrowed` (a third axis) says who meets each
    condition that a milestone may add, `members` who belongs to each estimand's subgroup; `factors`
    are the levels of the factors of randomisation, `coin` what decides the arm where no list does.
    Of those on the `roster`, in its order, since only they can be randomised: `lag` is how long
    data take to be known; `stop` (of treatment), `leave`, `follow` (end of follow-up), `visits`,
    `events`, `readings` and `rescued` count from randomisation.
    `periods` (a third axis) is when each period of an arm after the first is begun, NEVER by
    whoever does not take it or ended treatment before.
    `events[outcome]` (adverse events too), `readings[outcome]` and `rescued[medication]` hold an
    array for each arm; the first reading is that of randomisation. `crossed` is when each patient
    changes to another arm's treatment, which a milestone decides: NEVER until `crossing_over`.
    `row` are the numbers of the replicates in their luck block. `external` are the patients of a
    registry, whom no conduct sees.
    """

    opens: Ticks
    present: Ticks
    ready: Ticks
    eligible: Booleans
    screenings: Ticks
    withdrew: Booleans
    narrowed: Booleans
    members: dict[str, Booleans]
    stratum: Ticks
    factors: tuple[Ticks, ...]
    lists: npt.NDArray[np.int8]
    coin: Floats
    roster: Roster
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
    periods: tuple[Ticks, ...]
    crossed: tuple[Ticks, ...]
    asked: Question
    row: npt.NDArray[np.int64]
    external: Externals | None

    @property
    def candidates(self) -> int:
        """Number of candidates in each replicate."""
        return int(self.present.shape[1])

    def place(self, candidate: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Return the places of candidates on the roster (that of candidate 0 for nobody)."""
        return take(self.roster.place, candidate)

    def rows(self, chosen: Any) -> Fate:
        """Return the fate of some replicates only; of all of them what there is, uncopied."""
        if everybody(chosen, len(self.present)):
            return self

        def cut(value: Any) -> Any:
            if isinstance(value, tuple):
                return tuple(cut(part) for part in value)
            if isinstance(value, dict):
                return {name: cut(part) for name, part in value.items()}
            if isinstance(value, (Externals, Roster)):
                return value.rows(chosen)
            return value[chosen] if isinstance(value, np.ndarray) else value

        return Fate(**{name: cut(getattr(self, name)) for name in self.__dataclass_fields__})

    def crossing_over(self, at: Ticks) -> Fate:
        """Return the fate where crossings act since the ticks `at` (replicates, crossings).

        Fate is asked again, with the same luck, for the replicates from the first to the last.
        """
        first = int(self.row.min())
        width = self.roster.candidate.shape[1]
        asked = replace(self.asked, luck=self.asked.luck.afresh(), width=width)
        known, folk = _decided(asked, slice(first, int(self.row.max()) + 1))
        acts = np.full((len(known.row), at.shape[1]), NEVER)
        acts[self.row - first] = at
        scenario, resolution = self.asked.scenario, self.asked.resolution
        since = switches(scenario, known, acts, resolution)
        later = crossed(scenario, folk, since)
        lived = spliced(known, _life(scenario, later, resolution), since)
        return lived.rows(self.row - first)

    def replaced(self, rows: npt.NDArray[np.int64], others: list[Fate]) -> Fate:
        """Return the fate with the lives of some rows from others, in their order."""
        lives = {
            name: replaced(getattr(self, name), rows, stacked([getattr(o, name) for o in others]))
            for name in LIFE
        }
        return replace(self, **lives)


@dataclass(frozen=True)
class Question:
    """What fate was asked of a luck block, so that it can be asked again for who crosses over."""

    scenario: Scenario
    luck: Luck
    hypothesis: str
    candidates: int
    resolution: int
    place: str
    width: int | None = None
    """Of the roster, where it is known."""


def fate(
    scenario: Scenario,
    luck: Luck,
    hypothesis: str,
    candidates: int,
    resolution: int = 1,
    place: str = "centre",
    rows: slice = slice(None),
    width: int | None = None,
) -> Fate:
    """Decide the fate of `candidates` candidates in each of some replicates of a luck block.

    The roster has `width` places where that is told, else as many as can be needed.

    The parameters are those of the whole block, cut afterwards: a fit that iterates until all
    replicates agree would otherwise differ in its last digits with the replicates at hand.
    """
    asked = Question(scenario, luck, hypothesis, candidates, resolution, place, width)
    return _decided(asked, rows)[0]


def _decided(asked: Question, rows: slice) -> tuple[Fate, People]:
    """Return the fate of some replicates, and the people on the roster, whose lives it tells."""
    scenario, resolution = asked.scenario, asked.resolution
    numbers, effects = scenario.numbers(asked.hypothesis, asked.luck, asked.place)
    numbers, effects = numbers.rows(rows), rows_of_effects(effects, rows)
    lists = randomisation_lists(scenario, asked.luck.only(rows))
    others = externals(scenario, asked.luck.only(rows), numbers, resolution)
    found = _screened(asked, asked.luck.only(rows), numbers, effects)
    luck, folk = found.luck, found.folk
    who = roster(scenario, found.eligible, found.ready, asked.width)
    lives, seen = _on_roster(found, who, numbers, resolution)
    states: dict[str, Any] = {**folk.patients.values, "site": folk.patients.site}
    strata = scenario.spec.design.randomise.strata
    nobody = np.broadcast_to(np.int64(NEVER), who.candidate.shape)
    fate = Fate(
        opens=found.opens,
        present=found.present,
        ready=found.ready,
        eligible=found.eligible,
        screenings=folk.attempt + 1,
        withdrew=found.withdrew,
        narrowed=narrowed(scenario, folk),
        members=members(scenario, folk),
        stratum=strata_of(scenario, strata, states),
        factors=tuple(np.asarray(states[name], np.int64) for name in strata),
        lists=lists,
        coin=coin(scenario, luck, asked.candidates),
        baseline=states,
        roster=who,
        lag=data_lag(scenario, lives.luck, lives.patients.units, resolution),
        follow=follow_up(scenario, lives.luck, lives.patients.units, resolution),
        visits=seen,
        fatal=scenario.model.spec.fatal,
        periods=periods(scenario, lives, resolution),
        crossed=(nobody,) * len(scenario.arms),
        asked=asked,
        row=np.arange(luck.replicates) + (rows.start or 0),
        external=others,
        **_life(scenario, lives, resolution),
    )
    known = luck.points
    luck.adopt({point: n for point, n in lives.luck.points.items() if point not in known})
    return fate, lives


@dataclass(frozen=True)
class _Screened:
    """All candidates: who presents when, and what screening finds."""

    luck: Luck
    folk: People
    calendar: Any
    opens: Ticks
    present: Ticks
    ready: Ticks
    eligible: Booleans
    withdrew: Booleans


def _screened(asked: Question, luck: Luck, numbers: Parameters, effects: Effects) -> _Screened:
    """Let all candidates present and be screened."""
    scenario, candidates, spec = asked.scenario, asked.candidates, asked.scenario.spec
    survival, until = survival_of(spec.truth, numbers), spec.design.recruit_for
    came = presenting(spec.truth, spec.design.sites, luck, candidates, until, survival)
    luck = came.luck  # what is drawn from here on belongs to candidates
    lasts = screening_days(scenario, luck, candidates)
    when = np.where(np.isfinite(came.day), came.day + lasts[0], 0.0)
    waited = None if came.waiting is None else came.waiting.clock(when)
    calendar = when / YEAR if scenario.follows_calendar or scenario.drift else None
    names = asked_at_screening(scenario)
    place = (came.site, calendar)
    folk = people(scenario, luck, candidates, numbers, effects, *place, waited=waited, names=names)
    whole = np.take_along_axis(lasts, folk.attempt[None], axis=0)[0]
    present = ticks(came.day, asked.resolution)
    wait = np.maximum(ticks(whole, asked.resolution), asked.resolution)  # not while presenting
    eligible = folk.eligible
    if came.waiting is not None:  # who dies during screening is not randomised
        eligible = eligible & came.waiting.alive(came.day + whole)
    withdrew = eligible & withdraws(scenario, luck, candidates)
    return _Screened(
        luck,
        folk,
        calendar,
        opens=ticks(came.opens, asked.resolution),
        present=present,
        ready=np.where(present < NEVER, present + wait, NEVER),
        eligible=np.asarray(eligible & ~withdrew),
        withdrew=withdrew,
    )


def _on_roster(
    found: _Screened, who: Roster, numbers: Parameters, resolution: int
) -> tuple[People, Ticks]:
    """Return the people on the roster, with all that they are, and the ticks of their visits.

    The same luck as at screening, so that they are who was screened.
    """
    scenario, folk, units = found.folk.scenario, found.folk, who.candidate.shape[1]
    luck = TakenLuck(found.luck.afresh(), folk.patients.units, who.candidate)
    jitter, seen = visit_plan(scenario, luck, units, resolution)
    lives = people(
        *(scenario, luck, units, numbers, folk.effects),
        calendar=None if found.calendar is None else take(found.calendar, who.candidate),
        visits=visits(scenario, luck, jitter, seen < NEVER),
        known=folk.patients.taken(who.candidate),
    )
    return lives, seen


def _life(scenario: Scenario, folk: People, resolution: int) -> dict[str, Any]:
    """Return what becomes of everybody after randomisation, under each arm."""
    return {
        "stop": tuple(ticks(stop, resolution) for stop in folk.stop),
        "leave": leaves(scenario, folk, resolution),
        "events": events(scenario, folk, resolution),
        "readings": readings(scenario, folk),
        "rescued": rescued(folk, resolution),
    }


def expected_candidates(scenario: Scenario) -> int:
    """Return a number of candidates that is probably enough, from the model's own patients.

    Those for n eligible ones with four standard deviations to spare, and those who present while
    the last one is screened at a fast pace; a longer stream is made where it was not enough. Where
    strata have caps, recruitment often lasts until its end: then, all who present until then.
    """
    numbers, effects = scenario.model.published, scenario.effects(scenario.hypotheses[0], None)
    some = people(*(scenario, Luck(0, 0), 4, numbers, effects), names=asked_at_screening(scenario))
    share = max(float(np.mean(some.eligible)), 0.01)
    design, truth = scenario.spec.design, scenario.spec.truth
    needed = (design.most + 4 * np.sqrt(design.most * (1 - share))) / share
    pace = truth.candidates.pace(design.sites.number)
    waits = truth.screening_lasts[1] + design.run_in_days
    if design.randomise.at_most:
        needed = max(needed, 1.1 * pace * design.recruit_for)
    found = int(needed + 1.6 * pace * waits) + 10
    return int(min(found, most_candidates(truth, design.recruit_for)))
