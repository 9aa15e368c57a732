"""The data cut: ledger and tick to the arrays that a method analyses.

Only what was known at the cut enters: patients randomised by then, events, exits and visits by
then.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from raresim.evidence.statistics import Floats
from raresim.files.units import SECONDS_A_DAY
from raresim.trial.analysis_block import Estimand
from raresim.trial.fate import Booleans, Fate, strata_of
from raresim.trial.ledger import Ledger
from raresim.trial.scenario import Scenario
from raresim.trial.ticks import NEVER, Ticks

SECONDS_A_YEAR = 365.25 * SECONDS_A_DAY


@dataclass(frozen=True)
class Who:
    """Who is in an analysis: arrays (replicates, n)."""

    present: Booleans
    arm: npt.NDArray[np.int8]
    stratum: Ticks


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
    """Change of a score, NaN where it was not read, and covariates (a third axis)."""

    who: Who
    change: Floats
    covariates: Floats

    @property
    def information(self) -> npt.NDArray[np.int64]:
        """Patients with a change, (replicates,)."""
        return np.asarray((~np.isnan(self.change) & self.who.present).sum(axis=1))


AnalysisTable = SurvivalTable | CountTable | ChangeTable


def cut(scenario: Scenario, fate: Fate, ledger: Ledger, at: Ticks, name: str) -> AnalysisTable:
    """Return the analysis table of the estimand `name` with what was known at ticks `at`."""
    estimand = scenario.spec.analysis.estimands[name]
    method = scenario.spec.analysis.methods[name]
    present = ledger.present & (ledger.randomised <= at[:, None])
    states = {factor: take(fate.baseline[factor], ledger.candidate) for factor in method.strata}
    stratum = (
        strata_of(scenario, method.strata, states) if states else np.zeros_like(ledger.stratum)
    )
    who = Who(present, ledger.arm, stratum)
    if estimand.variable.startswith("time to first"):
        return _survival(estimand, fate, ledger, at, who)
    if estimand.variable.startswith("events of"):
        return _counts(estimand, ledger, at, who)
    change = _change(scenario, estimand, fate, ledger, at, present)
    return ChangeTable(who, change, _covariates(method.adjust_for, fate, ledger))


def take(values: npt.NDArray[Any], candidate: npt.NDArray[np.int64]) -> npt.NDArray[Any]:
    """Return candidates' values in the order of the ledger (of candidate 0 where nobody is)."""
    order = np.maximum(candidate, 0)
    return np.take_along_axis(values, order if values.ndim == 2 else order[..., None], 1)


def _end(ledger: Ledger, at: Ticks) -> Ticks:
    """Return until when each patient was observed."""
    return np.minimum(ledger.exit, at[:, None])


def _survival(estimand: Estimand, fate: Fate, ledger: Ledger, at: Ticks, who: Who) -> SurvivalTable:
    first = ledger.events[estimand.outcome][..., 0]
    for name in fate.fatal:
        if estimand.intercurrent.get(name) == "composite":
            first = np.minimum(first, ledger.events[name][..., 0])
    end = _end(ledger, at)
    time = np.where(who.present, np.minimum(first, end) - ledger.randomised, 0)
    return SurvivalTable(who, time, who.present & (first <= end))


def _counts(estimand: Estimand, ledger: Ledger, at: Ticks, who: Who) -> CountTable:
    end = _end(ledger, at)
    times = ledger.events[estimand.outcome]
    seen = who.present[..., None] & (times <= end[..., None])
    start = np.where(who.present, ledger.randomised, 0)
    follow_up = np.where(who.present, end - start, 0)
    since = np.where(seen, times - start[..., None], NEVER)
    return CountTable(who, seen.sum(axis=-1), follow_up / SECONDS_A_YEAR, since, follow_up)


def _change(
    scenario: Scenario,
    estimand: Estimand,
    fate: Fate,
    ledger: Ledger,
    at: Ticks,
    present: Booleans,
) -> Floats:
    """Return the change since randomisation, NaN where the visit did not take place by the cut."""
    visit = scenario.spec.design.visits.weeks.index(estimand.week)
    attended = present & (ledger.visits[..., visit] <= at[:, None])
    control, treated = fate.readings[estimand.outcome]
    readings = []
    for number in (1 + visit, 0):
        by_arm = [take(values[..., number], ledger.candidate) for values in (control, treated)]
        readings.append(np.where(ledger.arm == 1, by_arm[1], by_arm[0]))
    return np.where(attended, readings[0] - readings[1], np.nan)


def _covariates(names: list[str], fate: Fate, ledger: Ledger) -> Floats:
    """Return the covariates that the analysis adjusts for, (replicates, n, covariates)."""
    columns = [np.empty((*ledger.candidate.shape, 0))]
    for name in names:
        if name.endswith(" at baseline"):
            values = fate.readings[name.removesuffix(" at baseline")][0][..., 0]
        else:
            values = fate.baseline[name].astype(np.float64)
        columns.append(take(values, ledger.candidate)[..., None])
    return np.ascontiguousarray(np.concatenate(columns, axis=-1))
