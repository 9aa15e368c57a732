"""A course through states: from each to others at constant rates, back as well as on.

A patient in state s moves to state d at the rate q(s, d); a ratio multiplies the rates of moves to
worse states (later in the list) while treated, several of them as their product. The course is that
of a Markov chain, made by uniformisation: a clock of rate c = max over s of sum over d of q(s, d)
ticks for each patient, and at a tick the patient moves to d with probability q(s, d) / c or stays.
Ticks and choices are luck of their own, the same under every arm. A read state is its place in the
list, from 0.
Source: Jensen, Skandinavisk Aktuarietidskrift 1953;36:87-91; Kalbfleisch & Lawless, Journal of the
American Statistical Association 1985;80:863-871 (panel data from such chains).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from raresim import limits
from raresim.disease.network import Patients
from raresim.disease.outcomes.exposure import Exposure
from raresim.disease.outcomes.process import Horizon
from raresim.disease.outcomes.reading import AssessedProcess, Occasion
from raresim.disease.parameters import Parameters
from raresim.disease.score_block import States
from raresim.either import either
from raresim.errors import InputError, Problem
from raresim.evidence.statistics import Floats, rows_of
from raresim.streams import Luck

YEAR = 365.25
Integers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class StatesLatent:
    """First state, ticks of the patient's clock (days) and choices at them, rates per day.

    `start` (replicates, units), `ticks` and `choices` (replicates, units, ticks), `rates`
    (replicates or 1, states, states), `clock` (replicates or 1).
    """

    start: Integers
    ticks: Floats
    choices: Floats
    rates: Floats
    clock: Floats

    def rows(self, chosen: slice) -> StatesLatent:
        """Return some replicates only."""
        return StatesLatent(
            self.start[chosen],
            self.ticks[chosen],
            self.choices[chosen],
            rows_of(self.rates, chosen),
            rows_of(self.clock, chosen),
        )


@dataclass(frozen=True)
class StatesPath:
    """The state of each patient from each tick on; `states` has one entry more, the first."""

    ticks: Floats
    states: Integers

    def level(self, days: Floats) -> Floats:
        """Return the state at `days`; before randomisation it is that of randomisation."""
        passed = np.sum(self.ticks <= days[..., None], axis=-1)
        found = np.take_along_axis(self.states, passed[..., None], axis=-1)[..., 0]
        return found.astype(np.float64)


@dataclass(frozen=True)
class StatesProcess(AssessedProcess):
    """A course through states."""

    name: str
    spec: States
    reads: tuple[str, ...] = ()

    def latent(
        self,
        luck: Luck,
        patients: Patients,
        parameters: Parameters,
        linked: Mapping[str, Any],
        horizon: Horizon,
    ) -> StatesLatent:
        """Draw ticks and choices as far as the horizon asks."""
        rates = self._rates(parameters)
        clock = rates.sum(2).max(1) * max(1.0, horizon.largest_ratio)
        at = np.zeros((luck.replicates, patients.units))
        ticks: list[Floats] = []
        choices: list[Floats] = []
        while not ticks or bool(np.any(at <= horizon.days)):
            if len(ticks) >= limits.EVENTS.value:
                message = f"a patient's state may change more than {limits.EVENTS.value} times"
                mend = f"check the rates and their units, {limits.EVENTS.mend}"
                raise InputError(Problem(message, field=f"outcomes.{self.name}", mend=mend))
            number = len(ticks) + 1
            u = luck.uniform(f"outcome.{self.name}.tick[{number}]", patients.units)
            at = at - np.log(u) / clock[:, None]
            ticks.append(at)
            choices.append(luck.uniform(f"outcome.{self.name}.move[{number}]", patients.units))
        start = np.broadcast_to(patients.values[self.spec.starts], at.shape)
        return StatesLatent(start, np.stack(ticks, -1), np.stack(choices, -1), rates, clock)

    def _rates(self, parameters: Parameters) -> Floats:
        """Return the rates per day, (replicates or 1, states, states)."""
        names = self.spec.states
        drawn = {
            (names.index(move.origin), names.index(move.to)): parameters.numbers[
                self.name, f"moves.{move.origin}.{move.to}"
            ]
            for move in self.spec.moves
        }
        rates = np.zeros((max(map(len, drawn.values())), len(names), len(names)))
        for (origin, to), rate in drawn.items():
            rates[:, origin, to] = rate / YEAR
        return rates

    def path(
        self, latent: StatesLatent, exposure: Exposure, linked: Mapping[str, Any]
    ) -> StatesPath:
        """Follow each patient from tick to tick."""
        count = len(self.spec.states)
        rows = np.arange(latent.start.shape[0])[:, None] if len(latent.rates) > 1 else 0
        worse = np.arange(count)
        state = latent.start
        states = [state]
        for k in range(latent.ticks.shape[-1]):
            chances = latent.rates[rows, state] / latent.clock[:, None, None]
            ratio = exposure.ratio(latent.ticks[..., k])[..., None]
            chances = either(worse > state[..., None], chances * ratio, chances)
            upper = np.cumsum(chances, axis=-1)
            passed = np.sum(latent.choices[..., k, None] >= upper, axis=-1)
            state = either(passed < count, passed, state)
            states.append(state)
        return StatesPath(latent.ticks, np.stack(states, axis=-1))

    def luck_of(self, luck: Luck, label: str, units: int) -> tuple[Floats, ...]:
        """Return nothing: a state is seen as it is."""
        return ()

    def read(self, path: StatesPath, occasion: Occasion, drawn: tuple[Floats, ...]) -> Floats:
        """Return the state on a day."""
        return path.level(occasion.until)
