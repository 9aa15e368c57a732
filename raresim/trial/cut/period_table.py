"""The data cut of a comparison within patients: what each had in each period of the arm.

A period counts under the treatment that the arm has planned for it. Under treatment policy that
holds for who has stopped treatment, too; where only the time on treatment counts, or a world
without stopping is asked for, what comes after it is missing.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from raresim.either import either
from raresim.evidence.statistics import Floats
from raresim.files.units import SECONDS_A_DAY
from raresim.trial.cut.intercurrent import Booleans, Intercurrent, Times
from raresim.trial.cut.known import Data, readings_of
from raresim.trial.cut.periods_counted import Counted
from raresim.trial.cut.tables import PeriodTable, Who
from raresim.trial.grammar.estimand import Estimand
from raresim.trial.ticks import NEVER, Ticks

SECONDS_A_YEAR = 365.25 * SECONDS_A_DAY


def period_table(data: Data, name: str, who: Who) -> PeriodTable:
    """Return the table of an estimand with what is known of each patient and period."""
    ledger, estimand = data.ledger, data.scenario.spec.analysis.estimands[name]
    of_arms = data.scenario.periods_counted(estimand)
    each = _counts if estimand.counts else _scores
    outcomes, years, codes = [], [], []
    for of_period in zip(*of_arms, strict=True):
        code = np.array([period.code for period in of_period])[ledger.arm]
        outcome, exposure = each(data, estimand, of_period)
        outcomes.append(either(who.present & (code >= 0), outcome, np.nan))
        years.append(either(who.present & (code >= 0), exposure, 0.0))
        codes.append(code)
    stacked = (np.stack(found, axis=-1) for found in (outcomes, codes, years))
    return PeriodTable(who, *stacked)


def _counts(
    data: Data, estimand: Estimand, of_period: tuple[Counted, ...]
) -> tuple[Floats, Floats]:
    """Return events in a period after what is skipped, and the years; NaN where it was not lived.

    Events on a period's first tick belong to the period before, as patients begin it at its end.
    """
    ledger = data.ledger
    begun = either(ledger.present, ledger.randomised, 0)
    since = begun + _ticks([p.since + estimand.skip for p in of_period])[ledger.arm]
    until = begun + _ticks([period.until for period in of_period])[ledger.arm]
    until = np.minimum(data.events_of(estimand).at_risk(data.end), until)
    times = ledger.events[estimand.outcome]
    seen = (times > since[..., None]) & (times <= until[..., None])
    lived = np.maximum(until - since, 0) / SECONDS_A_YEAR
    return either(lived > 0, seen.sum(axis=-1), np.nan), lived


def _scores(
    data: Data, estimand: Estimand, of_period: tuple[Counted, ...]
) -> tuple[Floats, Floats]:
    """Return what was read in a period, and no exposure."""
    weeks, arm = data.scenario.spec.design.visits.weeks, data.ledger.arm
    own = np.array([[k in p.visits for k in range(len(weeks))] for p in of_period])[arm]
    last = np.array([max(p.visits, default=0) for p in of_period])[arm]
    due = np.stack([data.due(week) for week in weeks], axis=-1)
    read = readings_of(data.fate, data.ledger, estimand.outcome)
    visits = either(data.ledger.visits <= data.until[..., None], data.ledger.visits, NEVER)
    found = read_in_period(
        data.events_of(estimand), read[..., 1:], visits, own, last, _at(due, last)
    )
    return found, np.zeros(found.shape)


def read_in_period(
    events: Intercurrent, read: Floats, visits: Times, own: Booleans, last: Any, due: Times
) -> Floats:
    """Return what is read at the `last` visit of a period, NaN where it did not take place.

    Where only the time before an event counts and that comes before the visit is `due`: at the last
    of the period's `own` visits by then, NaN where there was none.
    """
    came = own & (visits < NEVER)
    found = either(_at(came, last), _at(read, last), np.nan)
    before = events.first("while on treatment")
    short = before < due
    sooner = np.full(found.shape, np.nan)
    for number in range(read.shape[-1]):
        counts = came[..., number] & (visits[..., number] <= before)
        sooner = either(counts, read[..., number], sooner)
    found = either(short, sooner, found)
    return either(events.left_out(due), np.nan, found)


def _at(values: npt.NDArray[Any], number: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return the values of visits by their numbers, of each patient's own."""
    return np.take_along_axis(values, number[..., None], axis=-1)[..., 0]


def _ticks(days: list[float]) -> Ticks:
    return np.array([round(day * SECONDS_A_DAY) for day in days], np.int64)
