"""What an analysis at a visit makes of each patient: a share's 0 or 1, a change, or nothing."""

from __future__ import annotations

import numpy as np

from raresim.either import either
from raresim.evidence.statistics import Floats
from raresim.trial.cut.change import change_of
from raresim.trial.cut.intercurrent import Booleans
from raresim.trial.cut.known import Data, first_of, readings_of
from raresim.trial.grammar.estimand import Estimand
from raresim.trial.ticks import Exit


def share(data: Data, estimand: Estimand, present: Booleans) -> Floats:
    """Return 1 where the endpoint has come by the visit, 0 where not, NaN where nobody knows.

    Whoever left before, or missed the visit where scores are read, is not known, also if the
    endpoint had come before: to keep those, and not the others who left, would raise the share.
    Known is of whom a composite event decided by then (it counts as the bad answer, unless the
    endpoint had come before), who died having come to it, and who was no longer on treatment where
    only that time counts.
    """
    endpoint = data.scenario.spec.analysis.endpoints[estimand.outcome]
    events = data.events_of(estimand)
    due = data.due(estimand.week, data.scenario.spec.design.visits.window)
    until = np.minimum(data.end, due)
    at_risk = events.at_risk(until)
    first, end = events.composed(first_of(endpoint, data, at_risk), at_risk, at_risk)
    came = first <= end
    visits = data.scenario.spec.design.visits.weeks
    seen = data.ledger.visits[..., visits.index(estimand.week)] <= data.end
    known = seen if endpoint.scores else seen | (data.end >= due)
    known |= came & (data.ledger.reason == Exit.DIED) & (data.ledger.exit <= until)
    known |= events.first("composite", "while on treatment") <= until
    known &= ~events.left_out(due)
    return either(present & known, came.astype(np.float64), np.nan)


def change(data: Data, estimand: Estimand, present: Booleans) -> Floats:
    """Return the change (or log ratio) since baseline, NaN where there was no visit by the cut.

    Where an event decides it, it does so when the visit was due by the cut.
    """
    visits, due = data.ledger.visits, data.due(estimand.week)
    events = data.events_of(estimand)
    read = readings_of(data.fate, data.ledger, estimand.outcome)
    found, decided = change_of(data.scenario, events, read, visits, due)
    visit = data.scenario.spec.design.visits.weeks.index(estimand.week)
    known = visits[..., visit] <= data.until
    if events.known("composite", "while on treatment"):
        known = known | (decided & (due <= data.until))
    return either(present & known & ~events.left_out(due), found, np.nan)
