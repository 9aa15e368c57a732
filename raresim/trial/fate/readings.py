"""What visits read of each candidate, under each arm: fate's part for scores and diaries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from raresim.disease import DiseaseModel
from raresim.disease.outcomes import Occasion
from raresim.evidence.statistics import Floats
from raresim.streams import Luck
from raresim.trial.scenario import Scenario

Booleans = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Visits:
    """When each patient is due, who comes, and the luck of what is read.

    `days` since randomisation and `came` have shape (replicates, units, visits). `drawn[score]` is
    the luck of the reading at randomisation and of each visit's: the same under every arm.
    """

    days: Floats
    came: Booleans
    drawn: dict[str, list[tuple[Floats, ...]]]
    labels: tuple[str, ...]

    @property
    def edges(self) -> Floats:
        """Randomisation and the days of the visits, whether they took place or not."""
        return np.concatenate([np.zeros((*self.days.shape[:2], 1)), self.days], axis=-1)

    def read(self, model: DiseaseModel, name: str, walked: dict[str, Any], start: Any) -> Floats:
        """Return what is read of a score at randomisation and at each visit, the last axis.

        `start` is what screening found, for scores that are not read at randomisation.
        """
        first, *later = self.drawn[name]
        own = zip(self._occasions(), later, strict=True)
        read = [model.read(name, walked, occasion, u) for occasion, u in own]
        begin = model.read_at_start(name, walked, start, first)
        return np.stack([begin, *read], axis=-1)

    def _occasions(self) -> list[Occasion]:
        """Return the visits, each with the days since the one before."""
        days = [np.ascontiguousarray(day) for day in np.moveaxis(self.days, -1, 0)]
        before = [np.zeros(self.days.shape[:2]), *days[:-1]]
        return [Occasion(*each) for each in zip(self.labels, days, before, strict=True)]


def visits(scenario: Scenario, luck: Luck, days: Floats, came: Booleans) -> Visits:
    """Draw the luck of all readings."""
    model, units = scenario.model, days.shape[1]
    labels = tuple(f"week{week}" for week in scenario.spec.design.visits.weeks)
    drawn = {}
    for name, reader in model.readers.items():
        first = model.luck_at_start(name, luck, units)
        drawn[name] = [first, *(reader.luck_of(luck, label, units) for label in labels)]
    return Visits(days, came, drawn, labels)


def as_planned(scenario: Scenario, luck: Luck, units: int) -> Visits:
    """Return visits on their planned days, none of them missed: those of the true values."""
    planned = 7.0 * np.array(scenario.spec.design.visits.weeks, np.float64)
    shape = (luck.replicates, units, len(planned))
    return visits(scenario, luck, np.broadcast_to(planned, shape), np.ones(shape, bool))
