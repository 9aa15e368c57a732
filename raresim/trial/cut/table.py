"""The data cut: ledger and tick to the arrays that a method analyses.

Only what was known at the cut enters: patients randomised by then, and of each of them events,
exits and visits up to the day to which its data had been entered. At the last look everything up to
the cut is known: the data base is closed when all of it is there. The patients of an external
control stand after the trial's own, and everything about them is known at any cut.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from raresim.alike import alike, all_if, both, everywhere, take, where
from raresim.either import either
from raresim.evidence.statistics import Floats
from raresim.files.units import SECONDS_A_DAY
from raresim.trial.cut.at_visit import change, share
from raresim.trial.cut.concurrent import analysed, factors
from raresim.trial.cut.known import Data, first_of, last_visit, readings_of
from raresim.trial.cut.period_table import period_table
from raresim.trial.cut.stage_table import stage_table
from raresim.trial.cut.tables import (
    AnalysisTable,
    Booleans,
    ChangeTable,
    CountTable,
    SurvivalTable,
    Who,
)
from raresim.trial.fate.allotment import strata_of
from raresim.trial.fate.decided import Fate
from raresim.trial.fate.external import joined
from raresim.trial.grammar.analysis import PERIOD
from raresim.trial.grammar.estimand import Estimand
from raresim.trial.ledger import Ledger
from raresim.trial.methods.named import repeated
from raresim.trial.scenario import Scenario
from raresim.trial.ticks import NEVER, Ticks

SECONDS_A_YEAR = 365.25 * SECONDS_A_DAY


def cut(
    scenario: Scenario,
    fate: Fate,
    ledger: Ledger,
    at: Ticks,
    name: str,
    *,
    final: bool = False,
    blinded: bool = False,
) -> AnalysisTable:
    """Return the analysis table of the estimand `name` with what was known at ticks `at`.

    At the `final` look everything is known; a `blinded` table holds the patients of all arms.
    """
    estimand = scenario.spec.analysis.estimands[name]
    method = scenario.spec.analysis.methods[name]
    compared = scenario.compared(name)
    own = ledger.candidate.shape[1]
    until = known_until(ledger, at, final=final)
    if scenario.compares_external(name) and not blinded:
        fate, ledger = joined(scenario, fate, ledger)
        known = np.full((len(at), ledger.candidate.shape[1] - own), NEVER - 1)
        until = np.concatenate([until, known], axis=1)
    present = both(ledger.present, all_if(ledger.randomised <= at[:, None]))
    if not blinded:
        present = all_if(both(present, analysed(scenario, name, ledger)))
    if name in fate.members and not method.baskets:
        present = present & take(fate.members[name], ledger.candidate)
    by = [method.baskets] if method.baskets else method.strata
    states = {factor: take(fate.baseline[factor], ledger.candidate) for factor in by}
    stratum = everywhere(np.int64(0), ledger.stratum.shape)
    if states:
        stratum = strata_of(scenario, by, states)
    arm = np.asarray(ledger.arm == compared).astype(np.int8)
    who = Who(present, arm, stratum, own, *scenario.basket(name))
    data = Data(scenario, fate, ledger, until)
    if estimand.stages:
        return stage_table(data, estimand, who)
    if estimand.within_patients:
        return period_table(data, name, who)
    if estimand.is_share or estimand.is_change:
        found = (share if estimand.is_share else change)(data, estimand, present)
        if estimand.is_share and not final:  # whoever has come early waits for the visit, too
            due = data.due(estimand.week, scenario.spec.design.visits.window)
            found = either(due <= data.until, found, np.nan)
        nothing = np.empty((*present.shape, 0))
        earlier = _earlier(data, estimand, present) if repeated(method) else nothing
        covariates = _covariates(method.adjust_for, fate, ledger)
        return ChangeTable(
            who, found, covariates, earlier, factors(estimand, method, compared, ledger)
        )
    if data.events_of(estimand).known("principal stratum"):
        outside = data.events_of(estimand).first("principal stratum") < NEVER
        who = replace(who, present=present & ~outside)
    return (_survival if estimand.variable.startswith("time") else _counts)(data, estimand, who)


def known_until(ledger: Ledger, at: Ticks, *, final: bool) -> Ticks:
    """Return up to which tick the data of each patient are known at a look."""
    until = np.broadcast_to(at[:, None], ledger.lag.shape)
    if final or (alike(ledger.lag) and not ledger.lag.flat[0]):
        return until
    # nobody's data end before their beginning
    return np.asarray(np.maximum(until - ledger.lag, np.minimum(ledger.randomised, until)))


def _earlier(data: Data, estimand: Estimand, present: Booleans) -> Floats:
    """Return the changes at the visits before the estimand's, the last axis."""
    weeks = [week for week in data.scenario.spec.design.visits.weeks if week < estimand.week]
    found = [change(data, estimand.at_week(week), present) for week in weeks]
    return np.stack(found, axis=-1) if found else np.empty((*present.shape, 0))


def _survival(data: Data, estimand: Estimand, who: Who) -> SurvivalTable:
    ledger, events = data.ledger, data.events_of(estimand)
    at_risk = end = events.at_risk(data.end)
    endpoint = data.scenario.spec.analysis.endpoints.get(estimand.outcome)
    if endpoint is None:
        first = ledger.events[estimand.outcome][..., 0]
    else:
        first = first_of(endpoint, data, at_risk)
        if endpoint.seen_at_visits:
            end = last_visit(ledger, at_risk)
    first, end = events.composed(first, end, at_risk)
    time = where(who.present, np.minimum(first, end) - ledger.randomised, 0)
    return SurvivalTable(who, time, both(who.present, first <= end))


def _counts(data: Data, estimand: Estimand, who: Who) -> CountTable:
    end = data.events_of(estimand).at_risk(data.end)
    times = data.ledger.events[estimand.outcome]
    seen = who.present[..., None] & (times <= end[..., None])
    start = either(who.present, data.ledger.randomised, 0)
    follow_up = either(who.present, end - start, 0)
    since = either(seen, times - start[..., None], NEVER)
    return CountTable(who, seen.sum(axis=-1), follow_up / SECONDS_A_YEAR, since, follow_up)


def _covariates(names: list[str], fate: Fate, ledger: Ledger) -> Floats:
    """Return the covariates that the analysis adjusts for, (replicates, n, covariates)."""
    columns = [np.empty((*ledger.candidate.shape, 0))]
    for name in names:
        if name == PERIOD:
            continue
        if name.endswith(" at baseline"):
            outcome = name.removesuffix(" at baseline").removeprefix("log ")
            values = readings_of(fate, ledger, outcome)[..., :1]
            columns.append(np.log1p(values) if name.startswith("log ") else values)
        else:
            values = fate.baseline[name].astype(np.float64)
            columns.append(take(values, ledger.candidate)[..., None])
    return np.ascontiguousarray(np.concatenate(columns, axis=-1))
