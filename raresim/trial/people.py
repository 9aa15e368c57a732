"""Candidates with their luck: what happens to each under each arm, asked in any order."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from raresim.disease import Patients
from raresim.disease.outcomes import Course, Effect, Exposure
from raresim.disease.people import condition
from raresim.evidence.statistics import Floats
from raresim.streams import Luck
from raresim.trial.adverse_events import AdverseLuck, Stages, adverse_luck, doses
from raresim.trial.drop_out import (
    constant,
    crossing,
    following,
    last_seen,
    log_ratio,
    unit_exponential,
)
from raresim.trial.endpoint_block import ScorePasses
from raresim.trial.patient_block import Hazard, Predictor, Rescue
from raresim.trial.readings import Booleans, Visits, as_planned
from raresim.trial.rescue import Rescues, nth, settled, shown
from raresim.trial.scenario import Effects, Scenario
from raresim.trial.treatment import Switch, Treatment, history

STRIP = 64
"""Replicates whose paths are computed at a time; changes no number."""


def strips(replicates: int) -> list[slice]:
    """Return slices of replicates so small that a path stays in the processor's cache."""
    return [slice(k, min(k + STRIP, replicates)) for k in range(0, replicates, STRIP)]


@dataclass(frozen=True)
class People:
    """Candidates with their luck, before any trial: baseline, latent values, treatment by arm.

    `told` are the visits of a trial; without them everybody is seen on the planned days. What is
    asked with `stops=False` or `rescue=False` is what would happen if nobody ended treatment before
    its time, or took rescue medication: the hypothetical strategies of ICH E9 (R1), same luck.
    `later` are the years from the trial's start to randomisation, where they matter (drift).
    `switches` tells, for an arm, when its patients change to another arm's treatment.
    """

    scenario: Scenario
    patients: Patients
    latents: dict[str, Any]
    effects: Effects
    luck: Luck = field(repr=False)
    screened: dict[str, Any]
    eligible: Booleans
    attempt: npt.NDArray[np.int64]
    told: Visits | None = field(default=None, repr=False)
    later: Floats | None = field(default=None, repr=False)
    switches: dict[int, Switch] = field(default_factory=dict)
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

    @property
    def stop(self) -> tuple[Floats, ...]:
        """The day on which treatment ends before its time, under each arm."""
        return tuple(self.treatment(arm).stop for arm in range(len(self.scenario.arms)))

    @property
    def rescued(self) -> dict[str, tuple[Floats, ...]]:
        """The day since which each rescue is taken, under each arm; infinite for never."""
        each = [self.treatment(arm).rescues.since for arm in range(len(self.scenario.arms))]
        return {name: tuple(since[name] for since in each) for name in each[0]}

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
            stop = self._stop(arm, rescue) if stops else np.full(self.eligible.shape, np.inf)
            found = self._treatment(arm, stop)
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
        name, switch = self.scenario.arms[arm], self.switches.get(arm)
        if not hazard.follows and switch is None:
            return constant(hazard, name, threshold)
        edges, ratios = np.zeros((*threshold.shape, 1)), np.zeros((1, 1, 1))
        if hazard.follows:
            treatment = self.treatment(arm, stops=stops, rescue=rescue)
            values = [self._followed(treatment, term) for term in hazard.follows]
            edges, ratios = self.visits.edges, log_ratio(hazard.follows, values)
        if switch is None:
            return following(hazard, name, threshold, edges, ratios)
        both = name, self.scenario.arms[switch.to]
        return crossing(hazard, both, switch.day, threshold, edges, ratios)

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
        if arm == 0 and self.scenario.externally_controlled:  # there is nothing to stop
            return np.full(self.eligible.shape, np.inf)
        own = self.comes(hazard, arm, self._stopping, stops=False, rescue=rescue)
        longest = self._stages(arm, np.full(own.shape, np.inf))
        kinds = [kind for kind in self._adverse.values() if kind.spec.stops_treatment > 0]
        return np.asarray(np.minimum.reduce([own, *(kind.ends(longest) for kind in kinds)]))

    def _stages(self, arm: int, stop: Floats) -> Stages:
        """Return the treatments of an arm, each with its end: as planned, or on the day `stop`."""
        name, planned = self.scenario.arms[arm], self.scenario.spec.design.treat_for
        switch = self.switches.get(arm)
        if switch is None:
            return [(name, np.minimum(stop, planned))]
        turns = np.isfinite(switch.day)
        first = np.minimum(stop, np.where(turns, switch.day, planned))
        second = np.where(turns, np.minimum(stop, switch.until), first)
        return [(name, first), (self.scenario.arms[switch.to], second)]

    def _treatment(self, arm: int, stop: Floats) -> Treatment:
        """Return treatment that ends on a day, without rescue."""
        stages = self._stages(arm, stop)
        adverse = {event: kind.days(stages) for event, kind in self._adverse.items()}
        kinds = [(kind, adverse[event]) for event, kind in self._adverse.items()]
        courses: dict[str, list[Course]] = {name: [] for name in self.scenario.model.processes}
        since = np.zeros((1, 1))
        for name, until in stages:
            lowered, dose = doses(kinds, since, until)
            for outcome, own in courses.items():
                effect = self.effects.get(outcome, {}).get(name)
                whole = self._acts_in(name, effect)
                own += history(effect, since, until, lowered, dose, whole)
            since = until
        if self.later is not None:
            start, never = np.zeros((1, 1)), np.full((1, 1), np.inf)
            for outcome, effect in self.scenario.drift.items():
                courses[outcome].append(Course(effect, start, never, self.later))
        exposures = {outcome: Exposure(tuple(own)) for outcome, own in courses.items()}
        return Treatment(stop, adverse, exposures, Rescues.none({}, {}, stop.shape, 0.0))

    def _acts_in(self, treatment: str, effect: Effect | None) -> Floats | float:
        """Return the dose at which an effect acts: 1, or 0 in patients in whom it does not."""
        if effect is None or (effect.responders == 1 and effect.only_where is None):
            return 1.0
        model, values = self.scenario.model, self.patients.values
        acts = condition(effect.only_where, model, values)
        if effect.responders < 1:
            acts = acts & (self._responding[treatment] < effect.responders)
        return np.broadcast_to(acts, self.eligible.shape).astype(np.float64)

    @cached_property
    def _responding(self) -> dict[str, Floats]:
        """The luck that decides who responds to each treatment, on all outcomes together."""
        partial = {
            treatment
            for effects in self.effects.values()
            for treatment, effect in effects.items()
            if effect.responders < 1
        }
        units = self.patients.units
        return {name: self.luck.uniform(f"effect.responds.{name}", units) for name in partial}

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
                for strip in strips(len(self.eligible))
            ]
            day = np.concatenate(parts)
        begins = self._takes[name] & (day <= self.scenario.longest_follow_days)
        return np.where(begins, day, np.inf)

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
