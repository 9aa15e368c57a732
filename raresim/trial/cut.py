"""The data cut: ledger and tick to the arrays that a method analyses.

Only what was known at the cut enters: patients randomised by then, events, exits and visits by then.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from raresim.evidence.statistics import Floats
from raresim.files.units import SECONDS_A_DAY
from raresim.trial.fate import Booleans, Fate, strata_of
from raresim.trial.ledger import Ledger
from raresim.trial.scenario import Scenario
from raresim.trial.spec import Estimand
from raresim.trial.ticks import NEVER, Ticks

SECONDS_A_YEAR = 365.25 * SECONDS_A_DAY


@dataclass(frozen=True)
class AnalysisTable:
    """The columns of an estimand, arrays (replicates, n); absent where they mean nothing.

    `time` is in ticks since randomisation, `exposure` in years; `event_times` has a third axis.
    """

    present: Booleans
    arm: npt.NDArray[np.int8]
    stratum: Ticks
    time: Ticks | None = None
    event: Booleans | None = None
    count: Ticks | None = None
    exposure: Floats | None = None
    event_times: Ticks | None = None
    outcome: Floats | None = None
    covariates: Floats | None = None

    @property
    def information(self) -> npt.NDArray[np.int64]:
        """Patients with an event, or with an outcome, (replicates,)."""
        if self.event is not None:
            has = self.event
        elif self.count is not None:
            has = self.count > 0
        else:
            assert self.outcome is not None
            has = ~np.isnan(self.outcome)
        return np.asarray((has & self.present).sum(axis=1))


def cut(scenario: Scenario, fate: Fate, ledger: Ledger, at: Ticks, name: str) -> AnalysisTable:
    """Return the analysis table of the estimand `name` with what was known at ticks `at`."""
    estimand = scenario.spec.analysis.estimands[name]
    method = scenario.spec.analysis.methods[name]
    present = ledger.present & (ledger.randomised <= at[:, None])
    gathered = {
        key: take(value, ledger.candidate)
        for key, value in fate.baseline.items()
        if key in method.strata or key in method.adjust_for
    }
    shape = np.zeros(present.shape, np.int64)
    stratum = strata_of(scenario, method.strata, gathered) if method.strata else shape
    base: dict[str, Any] = {"present": present, "arm": ledger.arm, "stratum": stratum}
    if estimand.variable.startswith("time to first"):
        return AnalysisTable(**base, **_survival(estimand, fate, ledger, at, present))
    if estimand.variable.startswith("events of"):
        return AnalysisTable(**base, **_counts(estimand, ledger, at, present))
    outcome = _change(scenario, estimand, fate, ledger, at, present)
    covariates = _covariates(method.adjust_for, fate, ledger, gathered)
    return AnalysisTable(**base, outcome=outcome, covariates=covariates)


def take(values: npt.NDArray[Any], candidate: npt.NDArray[np.int64]) -> npt.NDArray[Any]:
    """Return candidates' values in the order of the ledger (of candidate 0 where nobody is)."""
    order = np.maximum(candidate, 0)
    return np.take_along_axis(values, order if values.ndim == 2 else order[..., None], 1)


def _end(ledger: Ledger, at: Ticks) -> Ticks:
    """Return until when each patient was observed."""
    return np.minimum(ledger.exit, at[:, None])


def _survival(
    estimand: Estimand, fate: Fate, ledger: Ledger, at: Ticks, present: Booleans
) -> dict[str, Any]:
    first = ledger.events[estimand.outcome][..., 0]
    for name in fate.fatal:
        if estimand.intercurrent.get(name) == "composite":
            first = np.minimum(first, ledger.events[name][..., 0])
    end = _end(ledger, at)
    event = present & (first <= end)
    time = np.where(present, np.minimum(first, end) - ledger.randomised, 0)
    return {"time": time, "event": event}


def _counts(estimand: Estimand, ledger: Ledger, at: Ticks, present: Booleans) -> dict[str, Any]:
    end = _end(ledger, at)
    times = ledger.events[estimand.outcome]
    seen = present[..., None] & (times <= end[..., None])
    start = np.where(present, ledger.randomised, 0)
    follow_up = np.where(present, end - start, 0)
    return {
        "count": seen.sum(axis=-1),
        "exposure": follow_up / SECONDS_A_YEAR,
        "time": follow_up,
        "event_times": np.where(seen, times - start[..., None], NEVER),
    }


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


def _covariates(
    names: list[str], fate: Fate, ledger: Ledger, gathered: dict[str, Any]
) -> Floats:
    """Return the covariates that the analysis adjusts for, (replicates, n, covariates)."""
    if not names:
        return np.empty((*ledger.candidate.shape, 0))
    columns = []
    for name in names:
        if name.endswith(" at baseline"):
            score = fate.readings[name.removesuffix(" at baseline")][0][..., 0]
            columns.append(take(score, ledger.candidate))
        else:
            columns.append(np.asarray(gathered[name], np.float64))
    return np.ascontiguousarray(np.stack(columns, axis=-1))
