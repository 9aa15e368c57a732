"""Fate: everything that luck and the files decide before anybody conducts a trial.

Array functions of shape (replicates, candidates, ...). Fate is made for a whole luck block at once
and exists once: both conducts read the same integer ticks, and neither draws nor computes a float.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from raresim.alike import everywhere, rows_alike, take
from raresim.alike import rows as rows_of
from raresim.either import either
from raresim.evidence.statistics import Floats
from raresim.streams import Luck
from raresim.trial.deferred import Deferred, deferred
from raresim.trial.fate.allotment import coin, randomisation_lists, strata_of
from raresim.trial.fate.arrivals import most_candidates
from raresim.trial.fate.candidates import asked_at_screening, people
from raresim.trial.fate.crossing import crossed, spliced, switches
from raresim.trial.fate.effects import rows_of_effects
from raresim.trial.fate.external import Externals, externals
from raresim.trial.fate.life import Life, Lives, life, put_together
from raresim.trial.fate.people import People
from raresim.trial.fate.readings import Booleans
from raresim.trial.fate.roster import Roster, roster
from raresim.trial.fate.screened import Screened, screened
from raresim.trial.fate.screening import members, narrowed
from raresim.trial.ledger import everybody
from raresim.trial.once import once
from raresim.trial.scenario import Scenario
from raresim.trial.ticks import NEVER, Ticks


@dataclass(frozen=True)
class Fate(Deferred):
    """What is decided for each candidate, in ticks since the trial's start or since randomisation.

    Of all candidates: `opens` (of sites), `present` and `ready` (screening over) are absolute;
    `screenings` counts how often a candidate came; `narrowed` (a third axis) says who meets each
    condition that a milestone may add, `members` who belongs to each estimand's subgroup; `factors`
    are the levels of the factors of randomisation, `coin` what decides the arm where no list does.
    `lives` are those of who is on the `roster`, in its order, since only they can be randomised:
    under each arm. `patients` is, where it is known who is in the ledger, the life of each patient
    under the arm allotted. `row` are the numbers of the replicates in their luck block. `external`
    are the patients of a registry, whom no conduct sees.
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
    baseline: dict[str, npt.NDArray[Any]]
    lives: Lives = field(repr=False)
    asked: Question
    row: npt.NDArray[np.int64]
    external: Externals | None
    screened: Screened | None = field(default=None, repr=False)
    patients: Life | None = field(default=None, repr=False)

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
            if isinstance(value, (Externals, Roster, Lives, Life)):
                return value.rows(chosen)
            if isinstance(value, Screened):
                return None
            return rows_of(value, chosen) if isinstance(value, np.ndarray) else value

        return deferred(Fate, lambda name: cut(getattr(self, name)))

    def allotted(self, candidate: npt.NDArray[np.int64], arm: npt.NDArray[np.int8]) -> Life:
        """Return the lives of candidates under an arm each, both (replicates, n).

        Of nobody else, and under no other arm, where this is the fate of screening itself; else
        from what is known of the roster.
        """
        if self.screened is None:
            width = self.roster.candidate.shape[1]
            return put_together(self.lives.arms, self.place(candidate) + width * arm.astype(int))
        parts: list[Life] = []
        luck = self.screened.luck.keeping()
        at, before = np.zeros(arm.shape, np.int64), 0
        if rows_alike(arm):
            numbers = np.unique(arm[0]).tolist()
            turns = [np.flatnonzero(arm[0] == number) for number in numbers]
            for number, places in zip(numbers, turns, strict=True):
                chosen = everywhere(places, (len(arm), len(places)))
                parts += self.screened.lives(take(candidate, chosen), [number], luck)
            where = np.argsort(np.concatenate(turns))
            return put_together(parts, everywhere(where, arm.shape))
        for number in np.unique(arm).tolist():
            mine = arm == number
            width = int(mine.sum(axis=1).max())
            own = np.argsort(~mine, axis=1, kind="stable")[:, :width]
            parts += self.screened.lives(take(candidate, own), [number], luck)
            at = either(mine, before + np.cumsum(mine, axis=1) - 1, at)
            before += width
        return put_together(parts, at)

    def crossing_over(self, at: Ticks) -> Fate:
        """Return the fate where crossings act since the ticks `at` (replicates, crossings).

        Fate is asked again, with the same luck, for the replicates from the first to the last.
        """
        first = int(self.row.min())
        width = self.roster.candidate.shape[1]
        asked = replace(self.asked, luck=self.asked.luck.afresh(), width=width)
        known = _decided(asked, slice(first, int(self.row.max()) + 1))
        acts = np.full((len(known.row), at.shape[1]), NEVER)
        acts[self.row - first] = at
        assert known.screened is not None
        folk, seen = known.screened.on(known.roster.candidate)

        def lived(folk: People) -> tuple[Life, ...]:
            arms, resolution = range(len(asked.scenario.arms)), asked.resolution
            return tuple(life(asked.scenario, folk, arm, seen, resolution) for arm in arms)

        before = lived(folk)
        since = switches(asked.scenario, known, before, acts, asked.resolution)
        after = lived(crossed(asked.scenario, folk, since))
        pairs = enumerate(zip(before, after, strict=True))
        whole = tuple(spliced(*pair, since.get(arm)) for arm, pair in pairs)
        return replace(known, lives=Lives(lambda: whole), screened=None).rows(self.row - first)

    def replaced(self, rows: npt.NDArray[np.int64], others: list[Fate]) -> Fate:
        """Return the fate with the lives of some rows from others, in their order."""
        lives = self.lives.replaced(rows, [other.lives for other in others])
        return replace(self, lives=lives, screened=None)


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
    return _decided(asked, rows)


def _decided(asked: Question, rows: slice) -> Fate:
    """Return the fate of some replicates."""
    scenario, resolution = asked.scenario, asked.resolution
    numbers, effects = scenario.numbers(asked.hypothesis, asked.luck, asked.place)
    numbers, effects = numbers.rows(rows), rows_of_effects(effects, rows)
    lists = randomisation_lists(scenario, asked.luck.only(rows))
    others = externals(scenario, asked.luck.only(rows), numbers, resolution)
    size = (asked.candidates, resolution)
    found = screened(scenario, asked.luck.only(rows), numbers, effects, *size)
    luck, folk = found.luck, found.folk
    who = roster(scenario, found.eligible, found.ready, asked.width)
    states: dict[str, Any] = {**folk.patients.values, "site": folk.patients.site}
    strata = scenario.spec.design.randomise.strata
    return Fate(
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
        roster=who,
        baseline=states,
        lives=Lives(lambda: found.lives(who.candidate, range(len(scenario.arms)))),
        asked=asked,
        row=np.arange(luck.replicates) + (rows.start or 0),
        external=others,
        screened=found,
    )


@once
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
