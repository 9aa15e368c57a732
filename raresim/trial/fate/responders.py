"""In whom treatments act: in a share of patients, in those of whom a condition holds, or in all."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from raresim.disease import DiseaseModel, Patients
from raresim.disease.outcomes import Effect
from raresim.disease.people import condition
from raresim.evidence.statistics import Floats
from raresim.streams import Luck
from raresim.trial.fate.effects import Effects


@dataclass(frozen=True)
class Responders:
    """Patients with the luck that decides in whom treatments act: before randomisation and after.

    Whoever responds to a treatment responds whenever they get it, on all outcomes together.
    """

    model: DiseaseModel
    patients: Patients
    effects: Effects
    luck: Luck = field(repr=False)

    def dose(self, treatment: str, effect: Effect | None) -> Floats | float:
        """Return the dose at which an effect acts: 1, or 0 in patients in whom it does not."""
        if effect is None or (effect.responders == 1 and effect.only_where is None):
            return 1.0
        acts = condition(effect.only_where, self.model, self.patients.values)
        if effect.responders < 1:
            acts = acts & (self._responding[treatment] < effect.responders)
        return np.asarray(acts, np.float64)

    @cached_property
    def _responding(self) -> dict[str, Floats]:
        """The luck that decides who responds to each treatment."""
        partial = {
            treatment
            for effects in self.effects.values()
            for treatment, effect in effects.items()
            if effect.responders < 1
        }
        units = self.patients.units
        return {name: self.luck.uniform(f"effect.responds.{name}", units) for name in partial}
