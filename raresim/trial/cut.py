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
from raresim.trial.endpoint_block import Endpoint, ScorePasses, first_passed
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
        return _survival(scenario, estimand, fate, ledger, at, who)
    if estimand.variable.startswith("events of"):
        return _counts(estimand, ledger, at, who)
    if estimand.is_share:
        change = _share(scenario, estimand, fate, ledger, at, who)
    else:
        change = _change(scenario, estimand, fate, ledger, at, present)
    return ChangeTable(who, change, _covariates(method.adjust_for, fate, ledger))


def take(values: npt.NDArray[Any], candidate: npt.NDArray[np.int64]) -> npt.NDArray[Any]:
    """Return candidates' values in the order of the ledger (of candidate 0 where nobody is)."""
    order = np.maximum(candidate, 0)
    return np.take_along_axis(values, order if values.ndim == 2 else order[..., None], 1)


def _end(ledger: Ledger, at: Ticks) -> Ticks:
    """Return until when each patient was observed."""
    return np.minimum(ledger.exit, at[:, None])


def _survival(
    scenario: Scenario, estimand: Estimand, fate: Fate, ledger: Ledger, at: Ticks, who: Who
) -> SurvivalTable:
    end = _end(ledger, at)
    endpoint = scenario.spec.analysis.endpoints.get(estimand.outcome)
    if endpoint is None:
        first = ledger.events[estimand.outcome][..., 0]
    else:
        first = _first(endpoint, fate, ledger, end)
        if endpoint.seen_at_visits:
            end = _last_visit(ledger, end)
    for name in fate.fatal:
        if estimand.intercurrent.get(name) == "composite":
            first = np.minimum(first, ledger.events[name][..., 0])
    time = np.where(who.present, np.minimum(first, end) - ledger.randomised, 0)
    return SurvivalTable(who, time, who.present & (first <= end))


def _first(endpoint: Endpoint, fate: Fate, ledger: Ledger, end: Ticks) -> Ticks:
    """Return the tick of the first of an endpoint's parts, as known at `end`."""
    parts = [ledger.events[name][..., 0] for name in endpoint.events]
    parts += [_passed(line, fate, ledger, end) for line in endpoint.scores]
    return np.asarray(np.minimum.reduce(parts))


def _share(
    scenario: Scenario, estimand: Estimand, fate: Fate, ledger: Ledger, at: Ticks, who: Who
) -> Floats:
    """Return 1 where the endpoint has come by the visit, 0 where not, NaN where nobody knows.

    Known is also who died by then, where death is composite: it counts as the bad answer, unless
    the endpoint had come before.
    """
    visits, end = scenario.spec.design.visits, _end(ledger, at)
    endpoint = scenario.spec.analysis.endpoints[estimand.outcome]
    last = ledger.visits[..., visits.weeks.index(estimand.week)]
    window = int((7 * estimand.week + visits.window) * SECONDS_A_DAY)
    until = np.minimum(end, np.where(last < NEVER, last, ledger.randomised + window))
    came = _first(endpoint, fate, ledger, end) <= until
    known = came | (last <= end)
    for name in fate.fatal:
        if estimand.intercurrent.get(name) == "composite":
            died = ledger.events[name][..., 0] <= until
            known |= died
            came |= died & (endpoint.better == "later")
    return np.where(who.present & known, came.astype(np.float64), np.nan)


def _passed(line: ScorePasses, fate: Fate, ledger: Ledger, end: Ticks) -> Ticks:
    """Return the tick of the first visit at which a score has passed a line, by `end`."""
    readings = _read(fate, ledger, line.score)
    came = ledger.visits <= end[..., None]
    met = line.met(readings[..., 1:], readings[..., :1])
    found = first_passed(met, came, line.confirmed)
    return np.asarray(np.min(np.where(found, ledger.visits, NEVER), axis=-1))


def _last_visit(ledger: Ledger, end: Ticks) -> Ticks:
    """Return the last visit by `end`; randomisation where there was none."""
    came = ledger.visits <= end[..., None]
    last = np.max(np.where(came, ledger.visits, 0), axis=-1)
    return np.asarray(np.maximum(last, np.minimum(ledger.randomised, end)))


def _read(fate: Fate, ledger: Ledger, outcome: str) -> Floats:
    """Return what was read of each patient, at randomisation and each visit, under their arm."""
    control, treated = (take(values, ledger.candidate) for values in fate.readings[outcome])
    return np.where(ledger.arm[..., None] == 1, treated, control)


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
    """Return the change (or log ratio) since baseline, NaN where there was no visit by the cut."""
    visit = scenario.spec.design.visits.weeks.index(estimand.week)
    attended = present & (ledger.visits[..., visit] <= at[:, None])
    control, treated = fate.readings[estimand.outcome]
    scale = np.log1p if estimand.is_log_ratio else np.asarray
    readings = []
    for number in (1 + visit, 0):
        by_arm = [take(values[..., number], ledger.candidate) for values in (control, treated)]
        readings.append(scale(np.where(ledger.arm == 1, by_arm[1], by_arm[0])))
    change = readings[0] - readings[1]
    if estimand.is_percent:  # of nothing there is no per cent
        change = 100 * change / np.where(readings[1] == 0, np.nan, np.abs(readings[1]))
    return np.where(attended, change, np.nan)


def _covariates(names: list[str], fate: Fate, ledger: Ledger) -> Floats:
    """Return the covariates that the analysis adjusts for, (replicates, n, covariates)."""
    columns = [np.empty((*ledger.candidate.shape, 0))]
    for name in names:
        if name.endswith(" at baseline"):
            outcome = name.removesuffix(" at baseline").removeprefix("log ")
            values = fate.readings[outcome][0][..., 0]
            values = np.log1p(values) if name.startswith("log ") else values
        else:
            values = fate.baseline[name].astype(np.float64)
        columns.append(take(values, ledger.candidate)[..., None])
    return np.ascontiguousarray(np.concatenate(columns, axis=-1))
