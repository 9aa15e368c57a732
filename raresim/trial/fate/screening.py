"""Screening: how long it lasts, who withdraws consent, who meets a condition that comes later."""

from __future__ import annotations

import numpy as np

from raresim.alike import everywhere
from raresim.disease.people import condition
from raresim.evidence.statistics import Floats
from raresim.streams import Luck
from raresim.trial.fate.candidates import again
from raresim.trial.fate.people import People
from raresim.trial.fate.readings import Booleans
from raresim.trial.scenario import Scenario


def screening_days(scenario: Scenario, luck: Luck, candidates: int) -> list[Floats]:
    """Return the days from presenting to the end of each screening, (replicates, units) each."""
    design = scenario.spec.design
    low, high = scenario.spec.truth.screening_lasts
    found: list[Floats] = []
    for attempt in range(design.screenings):
        lasts = everywhere(low + design.run_in_days, (luck.replicates, candidates))
        if high > low:
            u = again(luck, attempt).uniform("screening.days", candidates)
            lasts = low + (high - low) * u + design.run_in_days
        if design.screen_again is not None and attempt:
            lasts = found[-1] + design.screen_again.after + lasts
        found.append(lasts)
    return found


def withdraws(scenario: Scenario, luck: Luck, candidates: int) -> Booleans:
    """Return who withdraws consent between screening and randomisation."""
    share = scenario.spec.truth.withdraws_consent.share
    if share == 0:
        return everywhere(np.False_, (luck.replicates, candidates))
    return np.asarray(luck.uniform("screening.withdraws", candidates) < share)


def members(scenario: Scenario, folk: People) -> dict[str, Booleans]:
    """Return who belongs to each estimand's subgroup, where it has one."""
    shape = folk.eligible.shape
    return {
        name: np.broadcast_to(condition(estimand.where, scenario.model, folk.screened), shape)
        for name, estimand in scenario.spec.analysis.estimands.items()
        if estimand.where is not None
    }


def narrowed(scenario: Scenario, folk: People) -> Booleans:
    """Return who meets each condition that a milestone may add, (replicates, units, conditions)."""
    met = [condition(c.eligible, scenario.model, folk.screened) for c in scenario.narrowings]
    shape = folk.eligible.shape
    each = [np.broadcast_to(one, shape) for one in met]
    return np.stack(each, axis=-1) if each else np.zeros((*shape, 0), bool)
