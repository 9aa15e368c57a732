"""What visits read of each candidate, under each arm: fate's part for scores and diaries."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from raresim.disease.outcomes import Occasion
from raresim.evidence.statistics import Floats
from raresim.streams import Luck
from raresim.trial.scenario import Scenario

if TYPE_CHECKING:
    from raresim.trial.fate import People


def readings(
    scenario: Scenario, folk: People, luck: Luck, when: Floats
) -> dict[str, tuple[Floats, ...]]:
    """Return what is read at randomisation and at each visit, under each arm."""
    model, units = scenario.model, when.shape[1]
    names = list(model.readers)
    ending = {event for name in names for event in model.ending[name]}
    found: dict[str, list[Floats]] = {name: [] for name in names}
    occasions = _occasions(scenario, when)
    drawn = {name: _luck_of_readings(scenario, name, luck, occasions, units) for name in names}
    for arm in range(len(scenario.arms) if names else 0):
        walked = folk.walk(arm, slice(None), {*names, *ending})
        for name in names:
            first, *later = drawn[name]
            own = zip(occasions, later, strict=True)
            read = [model.read(name, walked, occasion, u) for occasion, u in own]
            begin = model.read_at_start(name, walked, folk.screened[name], first)
            found[name].append(np.stack([begin, *read], axis=-1))
    return {name: tuple(arms) for name, arms in found.items()}


def _occasions(scenario: Scenario, when: Floats) -> list[Occasion]:
    """Return the visits, each with the days since the one before."""
    days = np.moveaxis(when, -1, 0)
    before = [np.zeros(when.shape[:2]), *days[:-1]]
    weeks = scenario.spec.design.visits.weeks
    return [
        Occasion(f"week{week}", np.ascontiguousarray(day), np.ascontiguousarray(last))
        for week, day, last in zip(weeks, days, before, strict=True)
    ]


def _luck_of_readings(
    scenario: Scenario, name: str, luck: Luck, occasions: list[Occasion], units: int
) -> list[tuple[Floats, ...]]:
    """Return the luck of the reading at randomisation and of each visit's."""
    model = scenario.model
    reader = model.readers[name]
    first = model.luck_at_start(name, luck, units)
    return [first, *(reader.luck_of(luck, occasion.label, units) for occasion in occasions)]
