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
    What treatment does, with its `Exposure`: in which courses, and by how much on which scale.
observation
    `read` turns the latent truth into what is written down, with luck of its own (`reading`).
derived endpoints
    Functions of observed paths, made at the data cut (`trial/cut`), never inside a process.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from raresim.disease.network import Patients
from raresim.disease.outcomes.exposure import Exposure
from raresim.disease.parameters import Parameters
from raresim.streams import Luck


@dataclass(frozen=True)
class Horizon:
    """How far the paths will be asked for: days ahead and before, the largest ratio on the rate.

    `largest_ratio` bounds what all courses together may multiply a rate by: the largest product,
    over any day, of the ratios (each to the power of its dose) of the courses that can be on then.
    Luck is drawn as far as that takes: with a larger ratio a path would miss events or moves.
    """

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
