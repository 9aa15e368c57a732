"""What is written down at a visit: the one way from a true path to a reading.

An outcome that is read at visits answers `read` for an *occasion*: a label that names the luck of
the reading, the day on which it is read, and, for what is counted, the day since when.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from scipy.special import ndtri

from raresim.disease.outcomes.process import Process
from raresim.evidence.statistics import Floats
from raresim.streams import Luck, point_name


@dataclass(frozen=True)
class Occasion:
    """A reading: `label` names its luck; days since randomisation, `since` for what is counted."""

    label: str
    until: Floats
    since: Floats


def on_day(label: str, until: Floats | float, since: Floats | float = 0.0) -> Occasion:
    """Return the occasion of a day, the same for all patients or one for each."""
    return Occasion(label, np.atleast_2d(until), np.atleast_2d(since))


class ReadProcess(Process, Protocol):
    """An outcome that is read at visits."""

    def luck_of(self, luck: Luck, label: str, units: int) -> tuple[Floats, ...]:
        """Return the luck of a reading, arrays of shape (replicates, units)."""
        ...

    def screening(self, run_in: float) -> Occasion:
        """Return the occasion of screening, after a run-in of so many days (or none)."""
        ...

    def baseline(self) -> Occasion | None:
        """Return the occasion at randomisation; None where the reading of screening serves."""
        ...

    def read(self, path: Any, occasion: Occasion, drawn: tuple[Floats, ...]) -> Floats:
        """Return what is written down, shape (replicates, units)."""
        ...


class AssessedProcess:
    """A score that an assessor writes down: noise about the truth, once at each occasion."""

    name: str

    def luck_of(self, luck: Luck, label: str, units: int) -> tuple[Floats, ...]:
        """Return the luck of a reading's noise."""
        return (luck.uniform(point_name("outcome", self.name, "noise", labels=[label]), units),)

    def screening(self, run_in: float) -> Occasion:
        """Return the day of screening, day 0 of the patient's path."""
        return on_day("screening", 0.0)

    def baseline(self) -> Occasion | None:
        """Return the day of randomisation, with noise of its own."""
        return on_day("baseline", 0.0)


def assessed(
    level: Floats, noise: Floats, u: Floats, bounds: tuple[float, float], step: float
) -> Floats:
    """Return a level with noise of the SD `noise`, held to the bounds, in whole steps.

    `level` and `u` have shape (replicates, units), `noise` (replicates,) or (1,).
    """
    low, high = bounds
    read = level + noise[:, None] * ndtri(u)
    read = np.minimum(np.maximum(read, low), high)
    read -= low
    read /= step
    np.rint(read, out=read)
    read *= step
    read += low
    return read
