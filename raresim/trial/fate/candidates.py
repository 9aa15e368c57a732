"""Candidates before any trial: drawn, and seen at screening."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np
import numpy.typing as npt

from raresim.alike import all_if, everywhere
from raresim.disease import Parameters, Patients
from raresim.disease.outcomes import Effect, Exposure, Horizon
from raresim.disease.outcomes.curve import YEAR
from raresim.disease.people import condition
from raresim.disease.score_block import CALENDAR
from raresim.either import either
from raresim.evidence.statistics import Floats
from raresim.streams import Luck, RenamedLuck
from raresim.trial.fate.effects import Effects
from raresim.trial.fate.enrolment import clock_of
from raresim.trial.fate.people import People
from raresim.trial.fate.readings import Booleans, Visits
from raresim.trial.fate.responders import Responders
from raresim.trial.fate.run_in import in_run_in
from raresim.trial.scenario import Scenario


def people(
    scenario: Scenario,
    luck: Luck,
    units: int,
    numbers: Parameters,
    effects: Effects,
    site: Any = None,
    calendar: Any = None,
    visits: Visits | None = None,
    waited: Floats | None = None,
    earliest: float = 0.0,
    known: Patients | None = None,
    names: Collection[str] | None = None,
) -> People:
    """Draw candidates (also used for the true values).

    `calendar` is when they are randomised, in years since the trial's start; 0 where not told.
    `visits` are those of the trial; as planned where not told. `waited` are the days from diagnosis
    to randomisation of a pool's survivors; as on the trial's first day where not told. `earliest`
    is by how many years some of them precede the trial's start at most. Patients who are `known`
    are not drawn; only outcomes with one of the `names` are, where these are told.
    """
    model = scenario.model
    if known is None:
        clock = clock_of(scenario.spec.truth, model, luck, units, numbers, waited)
        patients = model.sample(luck, units, numbers, told=clock, **_placed(scenario, site))
        if calendar is not None and scenario.follows_calendar:
            patients.values[CALENDAR] = calendar
    else:
        patients = known
    run_in = scenario.spec.design.run_in_days
    horizon = Horizon(scenario.longest_follow_days, before=run_in)
    ratios = largest_ratios(scenario, effects, earliest)
    latents = model.latents(luck, patients, numbers, horizon, ratios, names)
    responders = Responders(model, patients, effects, luck)
    treated = in_run_in(scenario.spec.design, responders)
    if known is None or any(own.baseline() is None for own in model.readers.values()):
        screened, eligible, attempt = _screened(scenario, luck, latents, patients, treated)
    else:  # they have been screened, and nothing that was read then is their baseline
        shape = (luck.replicates, units)
        screened, eligible = dict.fromkeys(model.readers), everywhere(np.True_, shape)
        attempt = everywhere(np.int64(0), shape)
    return People(
        scenario,
        patients,
        latents,
        effects,
        responders,
        luck,
        screened,
        eligible,
        attempt,
        told=visits,
        later=calendar if scenario.drift else None,
    )


def _placed(scenario: Scenario, site: Any) -> dict[str, Any]:
    """Return how many sites there are, and their names, where candidates have one."""
    labels = tuple(scenario.spec.design.sites.labels())
    return {} if site is None else {"site": site, "sites": len(labels), "site_names": labels}


def asked_at_screening(scenario: Scenario) -> set[str]:
    """Return the outcomes that decide who may be randomised, and who belongs to what."""
    estimands = scenario.spec.analysis.estimands.values()
    conditions = [
        scenario.spec.design.eligible,
        *(change.eligible for change in scenario.narrowings),
        *(estimand.where for estimand in estimands),
    ]
    names = {name for asked in conditions if asked is not None for name in asked.names}
    return scenario.model.asked_of(names)


def largest_ratios(scenario: Scenario, effects: Effects, earliest: float = 0.0) -> dict[str, float]:
    """Return the most by which anything can multiply each outcome's rate at once.

    That is the largest ratio of a treatment (a lower dose lies between it and 1), or the product of
    those above 1 where one lasts on into the next, times that of drift by the end of recruitment
    (of patients who precede the trial: so many years before it), and those of every rescue above 1.
    """
    found = {outcome: _at_once(arms) for outcome, arms in effects.items()}
    design, screened = scenario.spec.design, scenario.spec.truth.screening_lasts[1]
    years = (design.recruit_for + screened + design.run_in_days) / YEAR
    for outcome, effect in scenario.drift.items():
        if effect.scale == "ratio":
            ratio = float(effect.value[0])
            most = max(1.0, ratio**years, ratio**-earliest)
            found[outcome] = max(1.0, found.get(outcome, 1.0)) * most
    for rescue in scenario.rescues.values():
        for outcome, effect in rescue.items():
            more = float(np.max(effect.value)) if effect.scale == "ratio" else 1.0
            found[outcome] = max(1.0, found.get(outcome, 1.0)) * max(1.0, more)
    return found


def _at_once(effects: dict[str, Effect]) -> float:
    """Return the most by which treatments can multiply a rate at once."""
    ratios = [float(np.max(effect.value)) for effect in effects.values() if effect.scale == "ratio"]
    if any(effect.lasts for effect in effects.values()):
        return float(np.prod([max(1.0, ratio) for ratio in ratios]))
    return max(ratios, default=1.0)


def again(luck: Luck, attempt: int) -> Luck:
    """Return the luck of a screening: the first (0) or a later one."""
    return luck if attempt == 0 else RenamedLuck(luck, f"screening {attempt + 1}")


def _screened(
    scenario: Scenario,
    luck: Luck,
    latents: dict[str, Any],
    patients: Patients,
    treated: dict[str, Exposure],
) -> tuple[dict[str, Any], Booleans, npt.NDArray[np.int64]]:
    """Return what was seen at the screening that counts, who is eligible, and its number.

    It counts the first at which a candidate is eligible, or the last. A later screening takes its
    readings anew; the patient is taken to be as at the first.
    """
    design = scenario.spec.design
    seen: dict[str, Any] = {}
    eligible = np.zeros((1, 1), bool)
    attempt = np.zeros((1, 1), np.int64)
    for number in range(design.screenings):
        own = again(luck, number)
        found = scenario.model.observed_at_screening(
            own, latents, patients, design.run_in_days, treated
        )
        fits = all_if(condition(design.eligible, scenario.model, found))
        if number:
            attempt = either(eligible, attempt, number)
            seen = {name: either(eligible, seen[name], value) for name, value in found.items()}
            eligible = eligible | fits
        else:
            seen, eligible, attempt = found, fits, everywhere(np.int64(0), fits.shape)
    return seen, eligible, attempt
