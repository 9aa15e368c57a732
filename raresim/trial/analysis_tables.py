"""What a method analyses: tables of whole batches, by kind of variable."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from raresim.evidence.statistics import Floats
from raresim.trial.ticks import Ticks

Booleans = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Who:
    """Who is in an analysis: arrays (replicates, n); `arm` is 0 for the control, else 1.

    The first `own` columns are the trial's own patients, the others an external control's.
    """

    present: Booleans
    arm: npt.NDArray[np.int8]
    stratum: Ticks
    own: int

    @property
    def external(self) -> Booleans:
        """Who is of an external control."""
        return self.present & (np.arange(self.present.shape[1]) >= self.own)


@dataclass(frozen=True)
class SurvivalTable:
    """Time to a first event, in ticks since randomisation."""

    who: Who
    time: Ticks
    event: Booleans

    @property
    def information(self) -> npt.NDArray[np.int64]:
        """Patients with an event, (replicates,)."""
        return np.asarray((self.event & self.who.present).sum(axis=1))


@dataclass(frozen=True)
class CountTable:
    """Events over follow-up: count, years, times (a third axis) and follow-up in ticks."""

    who: Who
    count: Ticks
    exposure: Floats
    event_times: Ticks
    follow_up: Ticks

    @property
    def information(self) -> npt.NDArray[np.int64]:
        """Patients with an event, (replicates,)."""
        return np.asarray(((self.count > 0) & self.who.present).sum(axis=1))


@dataclass(frozen=True)
class ChangeTable:
    """Change of a score, NaN where it was not read, and covariates (a third axis).

    `earlier` holds the changes at earlier visits (a third axis), where a method reads them all.
    """

    who: Who
    change: Floats
    covariates: Floats
    earlier: Floats

    @property
    def information(self) -> npt.NDArray[np.int64]:
        """Patients with a change, (replicates,)."""
        return np.asarray((~np.isnan(self.change) & self.who.present).sum(axis=1))


AnalysisTable = SurvivalTable | CountTable | ChangeTable
