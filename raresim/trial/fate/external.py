"""External patients: a registry's, drawn with luck of their own, and put beside the trial's.

They are of the same disease, live as they would without any treatment of the trial, and are never
randomised: no conduct sees them. A data cut appends them to the ledger as patients of the control.
Their day 0 is time zero, which stands as the trial's start; all of their data are known at any cut.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from raresim import limits
from raresim.alike import take
from raresim.disease import Parameters
from raresim.disease.outcomes.curve import YEAR
from raresim.disease.score_block import Longitudinal, Trajectory
from raresim.either import either
from raresim.errors import RefusedError
from raresim.evidence.statistics import Floats
from raresim.streams import Luck, RenamedLuck
from raresim.trial.fate.candidates import people
from raresim.trial.fate.follow_up import events, follow_up, leaves, visit_plan
from raresim.trial.fate.life import Life, Lives
from raresim.trial.fate.people import People, strips
from raresim.trial.fate.readings import Booleans, visits
from raresim.trial.fate.screening import members
from raresim.trial.grammar.external import External, chance
from raresim.trial.grammar.patient import Hazard
from raresim.trial.ledger import Ledger, appended, beside
from raresim.trial.scenario import Scenario
from raresim.trial.ticks import NEVER, Exit, Ticks, ticks

ODD_LUCK = 5.0
"""Standard errors by which a first stream of patients is longer than is needed on average."""


if TYPE_CHECKING:
    from raresim.trial.fate.decided import Fate


@dataclass(frozen=True)
class Externals:
    """The registry's patients, (replicates, n): what is written down of them, read, and known.

    The ledger's candidates count from 0 among themselves; `readings` are at time zero and at each
    visit; `members` says who belongs to each estimand's subgroup. Any arm was open to them all.
    """

    ledger: Ledger
    readings: dict[str, Floats]
    baseline: dict[str, npt.NDArray[Any]]
    members: dict[str, Booleans]

    def rows(self, chosen: Any) -> Externals:
        """Return some replicates only."""
        return Externals(
            self.ledger.rows(chosen),
            {name: values[chosen] for name, values in self.readings.items()},
            {name: values[chosen] for name, values in self.baseline.items()},
            {name: values[chosen] for name, values in self.members.items()},
        )


def as_registry(scenario: Scenario) -> Scenario:
    """Return the scenario as the registry's patients live it: one arm, which nothing is given."""
    assert scenario.external is not None
    name, spec = scenario.external
    design, truth = scenario.spec.design, scenario.spec.truth
    window = design.visits.window if spec.window is None else spec.window
    missed = truth.missed_visits.share if spec.missed_visits is None else spec.missed_visits
    changed = {
        "arms": {},
        "control": name,
        "screen_again": None,
        "eligible": design.eligible if spec.eligible is None else spec.eligible,
        "visits": design.visits.model_copy(update={"window": window}),
    }
    world = {
        "followed_for": None,
        "stops_treatment": Hazard.model_validate({"rate": "0 per year"}),
        "missed_visits": truth.missed_visits.model_copy(update={"share": missed}),
    }
    told = {
        "design": design.model_copy(update=changed),
        "truth": truth.model_copy(update=world),
    }
    return replace(scenario, spec=scenario.spec.model_copy(update=told))


def externals(
    scenario: Scenario, luck: Luck, numbers: Parameters, resolution: int
) -> Externals | None:
    """Decide the lives of the registry's patients: the first n of a stream who get into it.

    A longer stream has the shorter one as its beginning, so its length changes nothing.

    Raises
    ------
    RefusedError
        When hardly anybody gets into it.
    """
    if scenario.external is None:
        return None
    name, spec = scenario.external
    registry, units = as_registry(scenario), 2 * spec.n + 10
    while units <= limits.CANDIDATES.value:
        own = RenamedLuck(luck.afresh(), f"external {name}")
        stream = _Stream.of(registry, spec, own, numbers, units, resolution)
        fewest = int(np.sum(stream.belongs, axis=1).min())
        if fewest >= spec.n:
            found = stream.lives(spec)
            luck.adopt(own.points)
            return found
        share = max((fewest + 0.5) / units, 1e-4)
        spare = ODD_LUCK * np.sqrt(spec.n * (1 - share))
        units = min(4 * units, max(int(1.5 * units), int((spec.n + spare) / share))) + 10
    raise RefusedError(
        f"more than {limits.CANDIDATES.value:,} patients would be needed to fill the registry "
        f"{name!r}; widen its 'eligible' or change 'selected'"
    )


@dataclass(frozen=True)
class _Stream:
    """Patients of the disease from whom the registry's are taken, and who of them belongs."""

    scenario: Scenario
    folk: People
    luck: Luck
    seen: Ticks
    belongs: Booleans
    resolution: int

    @classmethod
    def of(
        cls,
        scenario: Scenario,
        spec: External,
        luck: Luck,
        numbers: Parameters,
        units: int,
        resolution: int,
    ) -> _Stream:
        """Draw them, and decide who gets in: eligible, selected, and without an early event."""
        jitter, seen = visit_plan(scenario, luck, units, resolution)
        told = visits(scenario, luck, jitter, seen < NEVER)
        low, high = (0.0, 0.0) if spec.earlier is None else (day / YEAR for day in spec.earlier)
        calendar: Any = None
        if scenario.follows_calendar or scenario.drift:
            calendar = -(low + (high - low) * luck.uniform("earlier", units))
        folk = people(scenario, luck, units, numbers, {}, None, calendar, told, earliest=high)
        belongs = folk.eligible
        if spec.selected:
            belongs = belongs & (luck.uniform("selected", units) < chance(spec, folk.screened))
        if spec.immortal is not None:
            belongs = belongs & (_first_event(folk, spec.immortal.without) > spec.immortal.first)
        return cls(scenario, folk, luck, seen, np.asarray(belongs), resolution)

    def lives(self, spec: External) -> Externals:
        """Return what is known of the first n who belong."""
        chosen = np.argsort(~self.belongs, axis=1, kind="stable")[:, : spec.n]
        read = self.folk.read(0, list(self.scenario.model.readers))
        read = _as_rated(self.scenario, self.luck, read, spec)
        values = self.folk.patients.values
        return Externals(
            self._ledger(chosen, spec),
            {name: take(found, chosen) for name, found in read.items()},
            {name: take(found, chosen) for name, found in values.items()},
            {n: take(found, chosen) for n, found in members(self.scenario, self.folk).items()},
        )

    def _ledger(self, chosen: npt.NDArray[np.int64], spec: External) -> Ledger:
        """Return what the registry wrote down: nothing after a patient's exit, nor all events."""
        scenario, folk, resolution = self.scenario, self.folk, self.resolution
        happened = events(scenario, folk, 0, resolution)
        follow = follow_up(scenario, folk, 0, resolution)
        leave = leaves(scenario, folk, 0, resolution)
        out = np.minimum(follow, leave)
        reason = either(leave < follow, Exit.LEFT, Exit.COMPLETED)
        for name in scenario.model.spec.fatal:
            death = happened[name][..., 0]
            reason = either(death <= out, Exit.DIED, reason)
            out = np.minimum(out, death)
        happened = {n: _found(n, at, self.luck, spec) for n, at in happened.items()}

        def kept(at: Ticks) -> Ticks:
            last = out if at.ndim == 2 else out[..., None]
            return take(either(at <= last, at, NEVER), chosen)

        shape, nothing = chosen.shape, np.full(chosen.shape, NEVER)
        return Ledger(
            candidate=np.broadcast_to(np.arange(spec.n), shape),
            randomised=np.zeros(shape, np.int64),
            arm=np.zeros(shape, np.int8),
            stratum=np.zeros(shape, np.int64),
            open=np.full(shape, -1),
            stop=nothing,
            periods=np.zeros((*shape, 0), np.int64),
            crossed=nothing,
            exit=take(out, chosen),
            reason=take(reason, chosen).astype(np.int8),
            lag=np.zeros(shape, np.int64),
            events={name: kept(at) for name, at in happened.items()},
            rescued={
                name: kept(ticks(day, resolution))
                for name, day in folk.treatment(0).rescues.since.items()
            },
            visits=kept(self.seen),
            presented=nothing,
            kits=np.zeros(len(chosen), np.int64),
            closed=np.zeros(len(chosen), np.int64),
            end=np.full(len(chosen), NEVER),
        )


def _first_event(folk: People, names: list[str]) -> Floats:
    """Return the day of the first of some events, infinite where none comes."""
    parts = []
    for strip in strips(*folk.eligible.shape):
        paths = folk.walk(0, strip, set(names))
        parts.append(np.minimum.reduce([paths[name].days[..., 0] for name in names]))
    return np.concatenate(parts)


def _found(name: str, at: Ticks, luck: Luck, spec: External) -> Ticks:
    """Return the events that are written down, the earliest first."""
    if name not in spec.finds:
        return at
    share, found = spec.finds[name], []
    for number in range(at.shape[-1]):
        seen = luck.uniform(f"finds.{name}[{number}]", at.shape[1]) < share
        found.append(either(seen, at[..., number], NEVER))
    return np.sort(np.stack(found, axis=-1), axis=-1)


def _as_rated(
    scenario: Scenario, luck: Luck, read: dict[str, Floats], spec: External
) -> dict[str, Floats]:
    """Return what the registry's raters read: with more noise, and shifted after time zero.

    Held to the score's range; a score that an event has put at its worst stays there.
    """
    found = dict(read)
    labels = ["start", *(f"week{week}" for week in scenario.spec.design.visits.weeks)]
    for name, rating in spec.readings.items():
        values, outcome = found[name], scenario.model.spec.outcomes[name]
        assert isinstance(outcome, (Longitudinal, Trajectory))  # the references were checked
        units = values.shape[1]
        noise = [ndtri(luck.uniform(f"rating.{name}.{label}", units)) for label in labels]
        later = np.arange(len(labels)) > 0
        other = values + rating.sd * np.stack(noise, axis=-1) + rating.later * later
        other = np.clip(other, *outcome.range)
        found[name] = either(values == scenario.model.worst(name), values, other)
    return found


def joined(scenario: Scenario, fate: Fate, ledger: Ledger) -> tuple[Fate, Ledger]:
    """Return fate and ledger with the registry's patients after the trial's own.

    They stand on arm 0, as candidates after all others, and have no site: that of number 0.
    """
    external, width = fate.external, fate.candidates
    assert external is not None
    nowhere = np.zeros(external.ledger.candidate.shape, np.int64)
    baseline = {
        name: beside(own, external.baseline.get(name, nowhere))
        for name, own in fate.baseline.items()
    }
    belong = {name: beside(own, external.members[name]) for name, own in fate.members.items()}
    number = external.ledger.candidate
    other = replace(external.ledger, candidate=number + width)
    place = np.concatenate([fate.roster.place, number + fate.roster.candidate.shape[1]], axis=1)
    roster = replace(fate.roster, place=place)

    def read(own: Life) -> Life:
        found = {name: beside(each, external.readings[name]) for name, each in own.readings.items()}
        return replace(own, readings=found)

    lives = Lives(lambda: tuple(read(own) for own in fate.lives.arms))
    patients = None if fate.patients is None else read(fate.patients)
    whole = replace(
        fate, baseline=baseline, members=belong, roster=roster, lives=lives, patients=patients
    )
    return whole, appended(ledger, other)
