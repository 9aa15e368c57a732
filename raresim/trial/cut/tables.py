"""What a method analyses: tables of whole batches, by kind of variable."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from raresim.alike import both, counted
from raresim.either import either
from raresim.evidence.statistics import Floats
from raresim.trial.ticks import Ticks

Booleans = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Who:
    """Who is in an analysis: arrays (replicates, n); `arm` is 0 for the control, else 1.

    Where a method learns from several baskets, all their patients are in it: `stratum` is each
    one's basket, `basket` the number of the one that is asked about, of so many `baskets`.
    The first `own` columns are the trial's own patients, the others an external control's.
    """

    present: Booleans
    arm: npt.NDArray[np.int8]
    stratum: Ticks
    own: int
    basket: int = 0
    baskets: int = 1

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
        return counted(both(self.who.present, self.event))


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
        """Events, (replicates,)."""
        return np.asarray(either(self.who.present, self.count, 0).sum(axis=1))


@dataclass(frozen=True)
class ChangeTable:
    """Change of a score, NaN where it was not read, and covariates (a third axis).

    `earlier` holds the changes at earlier visits (a third axis), where a method reads them all;
    `factors` codes of what is no number, such as the period of recruitment (a third axis).
    """

    who: Who
    change: Floats
    covariates: Floats
    earlier: Floats
    factors: npt.NDArray[np.int64]

    @property
    def information(self) -> npt.NDArray[np.int64]:
        """Patients analysed, (replicates,)."""
        return counted(both(self.who.present, ~np.isnan(self.change)))


@dataclass(frozen=True)
class StageTable:
    """Two stages (a third axis) of the same patients.

    `outcome` is a change or 1 and 0, NaN where unknown; `treatment` the number of what was given,
    one of `treatments`, or -1; `counts` who is in the analysis of a stage. `control` is what the
    control gets in each, `weight` that of the first stage, `compared` are two treatments whose
    shares are. `shares` says that outcomes are 1 and 0, `bad` that 1 is no response but its
    absence.
    """

    who: Who
    outcome: Floats
    treatment: npt.NDArray[np.int64]
    counts: Booleans
    control: tuple[int, ...]
    treatments: int
    weight: float | None
    compared: tuple[int, int]
    shares: bool
    bad: bool

    @property
    def information(self) -> npt.NDArray[np.int64]:
        """Patients with an outcome in the first stage, (replicates,)."""
        known = ~np.isnan(self.outcome[..., 0]) & self.counts[..., 0]
        return np.asarray(known.sum(axis=1))


@dataclass(frozen=True)
class PeriodTable:
    """What each patient had in each period (a third axis): a score, or events and their years.

    `outcome` is NaN where it is missing; `treatment` is 0 for the control, 1 for what is compared
    with it, more for others, and -1 for none, as during a wash-out.
    """

    who: Who
    outcome: Floats
    treatment: npt.NDArray[np.int64]
    exposure: Floats

    @property
    def information(self) -> npt.NDArray[np.int64]:
        """Patients with an outcome under both treatments, (replicates,)."""
        known = ~np.isnan(self.outcome) & self.who.present[..., None]
        both = [np.any(known & (self.treatment == code), axis=-1) for code in (0, 1)]
        return np.asarray((both[0] & both[1]).sum(axis=1))


AnalysisTable = SurvivalTable | CountTable | ChangeTable | StageTable | PeriodTable
