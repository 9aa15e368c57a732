"""What an outcome process is: the one interface between a patient and a trial.

A patient's luck and latent values are drawn once; treatment only bends the path that they take. So
a process has two steps, `latent` (luck -> what the patient is) and `path` (what the patient is, and
the history of exposure -> what happens), and the same latent value answers for every arm. A trial
then *observes* the path. `docs/processes.md` says how Duchenne's walk test and the bilirubin-driven
death of biliary cholangitis are stated in these terms.

The places of the interface
---------------------------
clock
    The time that the process itself runs on. `path` always answers in days since randomisation; a
    process on age or onset adds its origin, the baseline variable that holds it (`timed`).
history
    Days below zero: run-in and prior slope are the same path asked for negative days, and prevalent
    survivors are sampled by a conditional inverse CDF at the origin, never by rejection.
states and links
    `reads` names the processes whose latent value or path this one needs (an acyclic graph); `ends`
    names those that are over when its event happens.
effects
    What treatment does, with its `Exposure`: until when, and by how much on which scale.
observation
    `read` turns the latent truth into what is written down, with luck of its own (`reading`).
derived endpoints
    Functions of observed paths, made at the data cut (`trial/cut.py`), never inside a process.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from raresim.disease.network import Patients
from raresim.disease.parameters import Parameters
from raresim.evidence.statistics import Floats, rows_of
from raresim.streams import Luck


@dataclass(frozen=True)
class Effect:
    """What an arm does to an outcome: a ratio of rates, or a difference grown in `after` days."""

    scale: str
    value: Floats
    after: float = 0.0

    def rows(self, chosen: slice) -> Effect:
        """Return some replicates only."""
        return Effect(self.scale, rows_of(self.value, chosen), self.after)


@dataclass(frozen=True)
class Exposure:
    """A history of treatment: on the arm's effect from randomisation until `until` (days)."""

    until: Floats
    effect: Effect | None = None

    def rows(self, chosen: slice) -> Exposure:
        """Return some replicates only."""
        effect = None if self.effect is None else self.effect.rows(chosen)
        return Exposure(rows_of(self.until, chosen), effect)


def grown(exposure: Exposure, days: Floats) -> Floats:
    """Return the difference that treatment has made to a score by `days`; it is kept after."""
    effect = exposure.effect
    if effect is None:
        return np.zeros((1, 1))
    treated = np.clip(np.minimum(days, exposure.until), 0, None)
    return np.asarray(effect.value[:, None] * (treated / effect.after))


@dataclass(frozen=True)
class Horizon:
    """How far the paths will be asked for: days ahead and before, the largest ratio on the rate."""

    days: float
    largest_ratio: float = 1.0
    before: float = 0.0


class Process(Protocol):
    """One outcome of a disease."""

    @property
    def name(self) -> str:
        """The outcome's name in the model file."""
        ...

    @property
    def reads(self) -> tuple[str, ...]:
        """Processes whose latent value or path this one needs."""
        ...

    def latent(
        self,
        luck: Luck,
        patients: Patients,
        parameters: Parameters,
        linked: Mapping[str, Any],
        horizon: Horizon,
    ) -> Any:
        """Draw what each patient is, arrays of shape (1024, units)."""
        ...

    def path(self, latent: Any, exposure: Exposure, linked: Mapping[str, Any]) -> Any:
        """Return what happens to each patient under a history of exposure; draws nothing."""
        ...
