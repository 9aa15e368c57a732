"""Fate: everything that luck and the files decide before anybody conducts a trial.

Array functions of shape (replicates, candidates, ...). Fate is made for a whole luck block at once
and exists once: both conducts read the same integer ticks, and neither draws nor computes a float.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from raresim.disease import Parameters, Patients
from raresim.disease.outcomes import EVENTS, Exposure, Horizon
from raresim.disease.outcomes.curve import YEAR
from raresim.disease.people import condition
from raresim.disease.score_block import CALENDAR
from raresim.evidence.distributions import fit
from raresim.evidence.statistics import Floats
from raresim.randomisation import permuted_blocks
from raresim.streams import Luck, point_name
from raresim.trial.arrivals import arrivals
from raresim.trial.readings import readings
from raresim.trial.scenario import Effects, Scenario
from raresim.trial.ticks import NEVER, Ticks, ticks

Booleans = npt.NDArray[np.bool_]
STRIP = 64
"""Replicates whose paths are computed at a time; changes no number."""


@dataclass(frozen=True)
class Fate:
    """What is decided for each candidate, in ticks since the trial's start or since randomisation.

    `present` and `ready` (screening over) are absolute; `stop` (of treatment), `leave`, `follow`
    (end of follow-up, by arm), `visits`, `events` and `readings` count from randomisation.
    `events[outcome]` and `readings[outcome]` hold an array for each arm; the first reading is that
    of randomisation.
    """

    present: Ticks
    ready: Ticks
    eligible: Booleans
    stratum: Ticks
    lists: npt.NDArray[np.int8]
    stop: Ticks
    leave: Ticks
    follow: tuple[Ticks, ...]
    visits: Ticks
    events: dict[str, tuple[Ticks, ...]]
    readings: dict[str, tuple[Floats, ...]]
    baseline: dict[str, npt.NDArray[Any]]
    fatal: tuple[str, ...]

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


@dataclass(frozen=True)
class People:
    """Candidates with their luck, before any trial: baseline, latent values, exposure by arm."""

    scenario: Scenario
    patients: Patients
    latents: dict[str, Any]
    exposures: tuple[dict[str, Exposure], ...]
    screened: dict[str, Any]
    eligible: Booleans
    stop: Floats

    def walk(self, arm: int, chosen: slice, names: set[str] | None = None) -> dict[str, Any]:
        """Return the path of every outcome (or of some) under an arm, for some replicates."""
        latents = {name: latent.rows(chosen) for name, latent in self.latents.items()}
        exposures = {name: e.rows(chosen) for name, e in self.exposures[arm].items()}
        return self.scenario.model.walk(latents, exposures, names)


def strips(replicates: int) -> list[slice]:
    """Return slices of replicates so small that a path stays in the processor's cache."""
    return [slice(k, min(k + STRIP, replicates)) for k in range(0, replicates, STRIP)]


def people(
    scenario: Scenario,
    luck: Luck,
    units: int,
    numbers: Parameters,
    effects: Effects,
    site: Any = None,
    calendar: Any = None,
) -> People:
    """Draw candidates and what they are exposed to (also used for the true values).

    `calendar` is when they are randomised, in years since the trial's start; 0 where not told.
    """
    labels = tuple(scenario.spec.design.sites.labels())
    model = scenario.model
    placed = {} if site is None else {"site": site, "sites": len(labels), "site_names": labels}
    patients = model.sample(luck, units, numbers, **placed)
    if calendar is not None:
        patients.values[CALENDAR] = calendar
    ratios = {
        outcome: max(
            (float(np.max(e.value)) for e in arms.values() if e.scale == "ratio"), default=1
        )
        for outcome, arms in effects.items()
    }
    run_in = scenario.spec.design.run_in or 0.0
    horizon = Horizon(scenario.follow_days, before=run_in)
    latents = model.latents(luck, patients, numbers, horizon, ratios)
    screened = model.observed_at_screening(luck, latents, patients, run_in)
    rate = scenario.spec.truth.stops_treatment.rate
    stop = exponential(luck, "conduct.stops_treatment", units, rate)
    until = np.minimum(stop, scenario.spec.design.treat_for)
    exposures = tuple(
        {name: Exposure(until, effects.get(name, {}).get(arm)) for name in model.processes}
        for arm in scenario.arms
    )
    eligible = condition(scenario.spec.design.eligible, model, screened)
    return People(scenario, patients, latents, exposures, screened, eligible, stop)


def exponential(luck: Luck, point: str, units: int, rate: float) -> Floats:
    """Return exponential times in days, infinite at rate zero; the point is drawn all the same."""
    u = luck.uniform(point, units)
    return -np.log(u) / rate if rate > 0 else np.full(u.shape, np.inf)


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
    days, site = arrivals(spec.truth, spec.design.sites, luck, candidates)
    low, high = spec.truth.screening_lasts
    lasts = low + (high - low) * luck.uniform("screening.days", candidates)
    lasts = lasts + (spec.design.run_in or 0.0)
    calendar: Any = np.where(np.isfinite(days), days + lasts, 0.0) / YEAR
    if CALENDAR not in {getattr(o, "clock", "") for o in scenario.model.spec.outcomes.values()}:
        calendar = None
    folk = people(scenario, luck, candidates, numbers, effects, site, calendar)
    present = ticks(days, resolution)
    wait = np.maximum(ticks(lasts, resolution), resolution)  # nobody is randomised while presenting
    ready = np.where(present < NEVER, present + wait, NEVER)
    states: dict[str, Any] = {**folk.patients.values, "site": site}
    jitter, visits = _visits(scenario, luck, candidates, resolution)
    return Fate(
        present=present,
        ready=ready,
        eligible=np.asarray(folk.eligible),
        stratum=strata_of(scenario, spec.design.randomise.strata, states),
        lists=_lists(scenario, luck),
        stop=ticks(folk.stop, resolution),
        leave=ticks(
            exponential(luck, "conduct.leaves_study", candidates, spec.truth.leaves_study.rate),
            resolution,
        ),
        follow=_follow(scenario, luck, candidates, resolution),
        visits=visits,
        events=_events(scenario, folk, resolution),
        readings=readings(scenario, folk, luck, jitter),
        baseline=states,
        fatal=scenario.model.spec.fatal,
    )


def strata_of(scenario: Scenario, factors: list[str], states: dict[str, Any]) -> Ticks:
    """Return the number of each candidate's stratum, the last factor running fastest."""
    shape = next(iter(states.values())).shape
    found = np.zeros(shape, np.int64)
    for factor in factors:
        found = found * len(scenario.labels_of([factor])) + states[factor]
    return found


def _lists(scenario: Scenario, luck: Luck) -> npt.NDArray[np.int8]:
    """Return the randomisation list of each stratum, as in envelopes: the arm at each place."""
    randomise = scenario.spec.design.randomise
    ratio = tuple(randomise.ratio[arm] for arm in scenario.arms)
    places = -(-randomise.n // randomise.block) * randomise.block
    lists = [
        permuted_blocks(
            luck.uniform(point_name("randomisation", "list", labels=label), places),
            ratio,
            randomise.block,
        )
        for label in scenario.strata
    ]
    return np.stack(lists, axis=1)


def _visits(
    scenario: Scenario, luck: Luck, candidates: int, resolution: int
) -> tuple[Floats, Ticks]:
    """Return the day of each visit and its tick, NEVER where it is missed."""
    spec = scenario.spec
    share = spec.truth.missed_visits.share
    when, seen = [], []
    for week in spec.design.visits.weeks:
        early = spec.design.visits.window * (
            2 * luck.uniform(f"visit.week{week}.jitter", candidates) - 1
        )
        missed = luck.uniform(f"visit.week{week}.missed", candidates) < share
        when.append(7.0 * week + early)
        seen.append(np.where(missed, NEVER, ticks(when[-1], resolution)))
    return np.stack(when, axis=-1), np.stack(seen, axis=-1)


def _follow(scenario: Scenario, luck: Luck, candidates: int, resolution: int) -> tuple[Ticks, ...]:
    """Return the end of follow-up for each arm: by design, or as a published trial closed."""
    closed = scenario.spec.truth.followed_for
    u = luck.uniform("conduct.followed_for", candidates)
    whole = ticks(np.full(u.shape, scenario.follow_days), resolution)
    if closed is None:
        return whole, whole
    found = []
    for arm in scenario.arms:
        law = fit(closed[arm].statistic, (0.0, scenario.follow_days), None)
        found.append(np.minimum(ticks(law.quantile(u), resolution), whole))
    return tuple(found)


def _events(scenario: Scenario, folk: People, resolution: int) -> dict[str, tuple[Ticks, ...]]:
    """Return the ticks of each outcome's events under each arm, NEVER after the follow-up."""
    names = [n for n, p in scenario.model.processes.items() if isinstance(p, EVENTS)]
    found: dict[str, list[Ticks]] = {name: [] for name in names}
    for arm in range(len(scenario.arms)):
        walked: dict[str, list[Ticks]] = {name: [] for name in names}
        for strip in strips(len(folk.stop)):
            paths = folk.walk(arm, strip)
            for name in names:
                days = paths[name].days
                inside = days <= scenario.follow_days
                kept = max(1, int(np.max(np.sum(inside, axis=-1))))
                followed = np.where(inside[..., :kept], days[..., :kept], np.inf)
                walked[name].append(ticks(followed, resolution))
        for name in names:
            found[name].append(_wide(walked[name]))
    return {name: tuple(arms) for name, arms in found.items()}


def _wide(parts: list[Ticks]) -> Ticks:
    """Join strips along the replicates, with room for the most events."""
    width = max(part.shape[-1] for part in parts)
    whole = np.full((sum(map(len, parts)), parts[0].shape[1], width), NEVER)
    row = 0
    for part in parts:
        whole[row : row + len(part), :, : part.shape[-1]] = part
        row += len(part)
    return whole


def expected_candidates(scenario: Scenario) -> int:
    """Return a number of candidates that is probably enough, from the model's own patients.

    Those for n eligible ones with four standard deviations to spare, and those who present while
    the last one is screened at a fast pace; a longer stream is made where it was not enough.
    """
    luck = Luck(0, 0)
    numbers, effects = scenario.model.published, scenario.effects(scenario.hypotheses[0], None)
    share = max(float(np.mean(people(scenario, luck, 4, numbers, effects).eligible)), 0.01)
    design, truth = scenario.spec.design, scenario.spec.truth
    needed = (design.randomise.n + 4 * np.sqrt(design.randomise.n * (1 - share))) / share
    pace = truth.candidates.stream.per_site * design.sites.number
    waits = truth.screening_lasts[1] + (design.run_in or 0.0)
    return int(needed + 1.6 * pace * waits) + 10
