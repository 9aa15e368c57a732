"""Candidates with their luck: what happens to each under each arm, asked in any order."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from raresim.disease import Patients
from raresim.disease.outcomes import Course, Exposure
from raresim.either import either
from raresim.evidence.statistics import Floats
from raresim.streams import Luck
from raresim.trial.fate.adverse_events import AdverseLuck, adverse_luck, doses
from raresim.trial.fate.drop_out import comes_on, last_seen, log_ratio, unit_exponential
from raresim.trial.fate.effects import Effects
from raresim.trial.fate.readings import Booleans, Visits, as_planned
from raresim.trial.fate.rescue import Rescues, nth, settled, shown
from raresim.trial.fate.responders import Responders
from raresim.trial.fate.run_in import from_run_in
from raresim.trial.fate.sequence import Sequence, came_times, in_order, past_line
from raresim.trial.fate.treatment import Treatment, beyond, history
from raresim.trial.grammar.arm import Planned
from raresim.trial.grammar.endpoint import ScorePasses
from raresim.trial.grammar.patient import Hazard, Predictor, Rescue
from raresim.trial.scenario import Scenario

STRIP = 16_384
"""Patients whose paths are computed at a time; changes no number."""


def strips(replicates: int, units: int) -> list[slice]:
    """Return slices of replicates so small that a path stays in the processor's cache.

    >>> strips(1000, 40)
    [slice(0, 409, None), slice(409, 818, None), slice(818, 1000, None)]
    """
    rows = max(1, STRIP // units)
    return [slice(k, min(k + rows, replicates)) for k in range(0, replicates, rows)]


@dataclass(frozen=True)
class People:
    """Candidates with their luck, before any trial: baseline, latent values, treatment by arm.

    `told` are the visits of a trial; without them everybody is seen on the planned days. What is
    asked with `stops=False` or `rescue=False` is what would happen if nobody ended treatment before
    its time, or took rescue medication: the hypothetical strategies of ICH E9 (R1), same luck.
    `later` are the years from the trial's start to randomisation, where they matter (drift).
    `crossed` are, for an arm, the treatments of its patients where they cross over to another's.
    """

    scenario: Scenario
    patients: Patients
    latents: dict[str, Any]
    effects: Effects
    responders: Responders = field(repr=False)
    luck: Luck = field(repr=False)
    screened: dict[str, Any]
    eligible: Booleans
    attempt: npt.NDArray[np.int64]
    told: Visits | None = field(default=None, repr=False)
    later: Floats | None = field(default=None, repr=False)
    crossed: dict[int, Sequence] = field(default_factory=dict)
    _taken: dict[tuple[int, bool], list[Booleans]] = field(
        default_factory=dict, init=False, repr=False
    )
    _treatments: dict[tuple[int, bool, bool], Treatment] = field(
        default_factory=dict, init=False, repr=False
    )

    def walk(
        self,
        arm: int,
        chosen: slice,
        names: set[str] | None = None,
        *,
        stops: bool = True,
        rescue: bool = True,
    ) -> dict[str, Any]:
        """Return the path of every outcome and adverse event (or of some) for some replicates."""
        return self._walk(self.treatment(arm, stops=stops, rescue=rescue), chosen, names)

    def read(
        self, arm: int, names: list[str], *, stops: bool = True, rescue: bool = True
    ) -> dict[str, Floats]:
        """Return what is read of some scores at randomisation and each visit, the last axis."""
        return self._read(self.treatment(arm, stops=stops, rescue=rescue), names)

    def exposures(
        self, arm: int, *, stops: bool = True, rescue: bool = True
    ) -> dict[str, Exposure]:
        """Return the whole history of exposure, rescue included, for each outcome."""
        found = self.treatment(arm, stops=stops, rescue=rescue)
        return found.rescues.added(found.exposures, len(found.rescues.since))

    @cached_property
    def visits(self) -> Visits:
        """When everybody is seen, and the luck of what is read."""
        if self.told is not None:
            return self.told
        return as_planned(self.scenario, self.luck, self.patients.units)

    def treatment(self, arm: int, *, stops: bool = True, rescue: bool = True) -> Treatment:
        """Return what becomes of treatment under an arm."""
        key = (arm, stops, rescue)
        if key not in self._treatments:
            stop = self._stop(arm, rescue) if stops else self._endless
            found = self._treatment(self.sequence(arm, rescue=rescue), stop)
            self._treatments[key] = self._rescued(found) if rescue else found
        return self._treatments[key]

    def comes(
        self,
        hazard: Hazard,
        arm: int,
        threshold: Floats,
        *,
        stops: bool = True,
        rescue: bool = True,
    ) -> Floats:
        """Return the day on which what has a hazard comes, at a unit exponential `threshold`."""
        sequence = self.sequence(arm, rescue=rescue)
        edges, ratios = np.zeros((*threshold.shape, 1)), np.zeros((1, 1, 1))
        if hazard.follows:
            treatment = self.treatment(arm, stops=stops, rescue=rescue)
            values = [self._followed(treatment, term) for term in hazard.follows]
            edges, ratios = self.visits.edges, log_ratio(hazard.follows, values)
        turns: list[Floats] = []
        if len(sequence.names) > 1:
            ends = self.treatment(arm, rescue=rescue).stop if stops else self._endless
            turns = sequence.turns(ends)
        return comes_on(hazard, sequence.names, turns, threshold, edges, ratios)

    def sequence(self, arm: int, *, rescue: bool = True) -> Sequence:
        """Return the treatments of an arm one after the other, for who does not stop before."""
        if arm in self.crossed:
            return self.crossed[arm]
        return in_order(self.scenario.periods(arm), self.taken(arm, rescue=rescue))

    def taken(self, arm: int, *, rescue: bool = True) -> list[Booleans]:
        """Return who takes each period of an arm after the first, if treatment goes on till then.

        One period after the other: what decides on a period depends on nothing after its beginning,
        so that those before are settled, and those after it as if nobody took them.
        """
        key = (arm, rescue)
        if key not in self._taken:
            periods = self.scenario.periods(arm)
            found = [np.full((1, 1), period.line is None) for period in periods[1:]]
            for number, period in enumerate(periods[1:]):
                if period.line is not None:
                    treatment = self._treatment(in_order(periods, found), self._endless)
                    treatment = self._rescued(treatment) if rescue else treatment
                    past = self._past(treatment, periods[number], period)
                    found[number] = past if period.past else ~past
            self._taken[key] = found
        return self._taken[key]

    def begins(self, arm: int) -> list[Floats]:
        """Return the day on which each period of an arm after the first is begun, or infinity."""
        stop, later = self.treatment(arm).stop, self.scenario.periods(arm)[1:]
        pairs = zip(later, self.taken(arm), strict=True)
        return [either(takes & (p.since < stop), p.since, np.inf) for p, takes in pairs]

    def _walk(
        self, treatment: Treatment, chosen: slice, names: set[str] | None = None
    ) -> dict[str, Any]:
        return treatment.walk(self.scenario.model, self.latents, chosen, names)

    def _read(self, treatment: Treatment, names: list[str]) -> dict[str, Floats]:
        model = self.scenario.model
        ending = {event for name in names for event in model.ending[name]}
        walked = self._walk(treatment, slice(None), {*names, *ending})
        return {name: self.visits.read(model, name, walked, self.screened[name]) for name in names}

    def _followed(self, treatment: Treatment, term: Predictor) -> Floats:
        """Return x of a score from randomisation and from each visit on, the last axis."""
        if term.seen:
            x = last_seen(self._read(treatment, [term.score])[term.score], self.visits.came)
            return x - x[..., :1] if term.of == "change" else x
        level = self._walk(treatment, slice(None), {term.score})[term.score].level
        edges = self.visits.edges
        end = np.maximum(edges[..., -1:], self.scenario.longest_follow_days)
        middle = (edges + np.concatenate([edges[..., 1:], end], axis=-1)) / 2
        days = [np.ascontiguousarray(day) for day in np.moveaxis(middle, -1, 0)]
        x = np.stack([np.broadcast_to(level(day), day.shape) for day in days], axis=-1)
        return x - level(np.zeros(middle.shape[:2]))[..., None] if term.of == "change" else x

    def _stop(self, arm: int, rescue: bool) -> Floats:
        """Return when treatment ends before its time: by its own hazard, or by an adverse event.

        A hazard may follow what is read before it acts. Treatment acts only until it ends, so what
        is read by then is read as well where treatment goes on: one pass with that is enough.
        """
        hazard = self.scenario.spec.truth.stops_treatment
        kinds = [kind for kind in self._adverse.values() if kind.spec.stops_treatment > 0]
        if arm == 0 and self.scenario.externally_controlled:  # there is nothing to stop
            return self._endless
        if hazard.rate == 0 and not kinds:
            return self._endless
        own = self.comes(hazard, arm, self._stopping, stops=False, rescue=rescue)
        longest = self.sequence(arm, rescue=rescue).stages(self._endless)
        return np.asarray(np.minimum.reduce([own, *(kind.ends(longest) for kind in kinds)]))

    @property
    def _endless(self) -> Floats:
        """The day on which treatment ends before its time where it never does."""
        return np.full((1, 1), np.inf)

    def _past(self, treatment: Treatment, before: Planned, period: Planned) -> Booleans:
        """Return who is past the line of a period when it begins, after the one before it."""
        line = period.line
        if isinstance(line, ScorePasses):
            came = self.visits.came & (self.visits.days <= period.since)
            read = self._read(treatment, [line.score])[line.score]
            return past_line(line, read, came, self.visits.days)
        assert line is not None
        parts = [
            came_times(
                self._walk(treatment, strip, {line.event})[line.event].days,
                *(line.times, before.since, period.since),
            )
            for strip in strips(*self.eligible.shape)
        ]
        return np.concatenate(parts)

    def _treatment(self, sequence: Sequence, stop: Floats) -> Treatment:
        """Return treatment that ends on a day, without rescue."""
        stages = sequence.stages(stop)
        adverse = {event: kind.days(stages) for event, kind in self._adverse.items()}
        kinds = [(kind, adverse[event]) for event, kind in self._adverse.items()]
        courses: dict[str, list[Course]] = {name: [] for name in self.scenario.model.processes}
        since, stages = from_run_in(self.scenario.spec.design, stages)
        for name, until in stages:
            lowered, dose = doses(kinds, since, until)
            for outcome, own in courses.items():
                stated = self.effects.get(outcome, {})
                effect = stated.get(name)
                whole = self.responders.dose(name, effect)
                own += history(effect, since, until, lowered, dose, whole)
                if effect is not None and effect.on_top_of:
                    below = stated[effect.on_top_of]
                    own.append(
                        Course(below, since, until, self.responders.dose(effect.on_top_of, below))
                    )
            since = until
        courses = {outcome: beyond(own) for outcome, own in courses.items()}
        if self.later is not None:
            start, never = np.zeros((1, 1)), np.full((1, 1), np.inf)
            for outcome, effect in self.scenario.drift.items():
                courses[outcome].append(Course(effect, start, never, self.later))
        exposures = {outcome: Exposure(tuple(own)) for outcome, own in courses.items()}
        return Treatment(stop, adverse, exposures, Rescues.none({}, {}, stop.shape, 0.0))

    def _rescued(self, treatment: Treatment) -> Treatment:
        """Return treatment with each patient's rescues, settled in the order of their days."""
        scenario = self.scenario
        after = 1 + max(scenario.longest_follow_days, scenario.spec.design.treat_for)
        kinds = scenario.spec.truth.rescue
        lasts = {n: np.inf if kind.lasts is None else kind.lasts for n, kind in kinds.items()}
        rescues = Rescues.none(scenario.rescues, lasts, self.eligible.shape, after)
        for _ in scenario.rescues:
            treatment = replace(treatment, rescues=rescues)
            needs = {n: self._needed(treatment, n, kind) for n, kind in kinds.items()}
            rescues = settled(rescues, needs)
        return replace(treatment, rescues=rescues)

    def _needed(self, treatment: Treatment, name: str, rescue: Rescue) -> Floats:
        """Return the day on which each patient begins a rescue, as far as others are settled."""
        when = rescue.when
        if isinstance(when, ScorePasses):
            read = self._read(treatment, [when.score])[when.score]
            day = shown(when, read, self.visits.came, self.visits.days)
        else:
            parts = [
                nth(self._walk(treatment, strip, {when.event})[when.event].days, when.times)
                for strip in strips(*self.eligible.shape)
            ]
            day = np.concatenate(parts)
        begins = self._takes[name] & (day <= self.scenario.longest_follow_days)
        return either(begins, day, np.inf)

    @cached_property
    def leaving(self) -> Floats:
        """The luck of leaving the study, the same under every arm."""
        return unit_exponential(self.luck, "conduct.leaves_study", self.patients.units)

    @cached_property
    def closing(self) -> Floats:
        """The luck of how long a patient is followed, where a published trial says it."""
        return self.luck.uniform("conduct.followed_for", self.patients.units)

    @cached_property
    def entering(self) -> Floats:
        """The luck of how long data take to be known."""
        return unit_exponential(self.luck, "conduct.data_entry", self.patients.units)

    @cached_property
    def _stopping(self) -> Floats:
        return unit_exponential(self.luck, "conduct.stops_treatment", self.patients.units)

    @cached_property
    def _adverse(self) -> dict[str, AdverseLuck]:
        kinds, days = self.scenario.spec.truth.adverse_events, self.scenario.longest_follow_days
        units = self.patients.units
        return {n: adverse_luck(n, kind, self.luck, units, days) for n, kind in kinds.items()}

    @cached_property
    def _takes(self) -> dict[str, Booleans]:
        """Who takes a rescue when in need."""
        units = self.patients.units
        return {
            name: self.luck.uniform(f"conduct.rescue.{name}", units) < rescue.share
            for name, rescue in self.scenario.spec.truth.rescue.items()
        }
