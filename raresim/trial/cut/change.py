"""A change from baseline under the strategies of an estimand: in the analysis and in the truth.

Source of the strategies: ICH E9(R1), 2019, section A.3.2.
"""

from __future__ import annotations

import numpy as np

from raresim.either import either
from raresim.evidence.statistics import Floats
from raresim.trial.cut.intercurrent import Booleans, Intercurrent, Times
from raresim.trial.grammar.estimand import Estimand
from raresim.trial.grammar.intercurrent import CompositeValue
from raresim.trial.scenario import Scenario


def change_of(
    scenario: Scenario, events: Intercurrent, read: Floats, visits: Times, due: Times
) -> tuple[Floats, Booleans]:
    """Return the change at a visit that is due then, and where an event has decided it.

    `read` is what was read at randomisation and at each visit (the last axis), `visits` when each
    took place. Where only the time before an event counts, the change is that to the last reading
    by then, and nothing without any; a composite event gives its own value.
    """
    estimand = events.estimand
    visit = scenario.spec.design.visits.weeks.index(estimand.week)
    if not events.known("composite", "while on treatment"):
        nobody = np.zeros((1, 1), bool)
        return scaled(estimand, read[..., 1 + visit], read[..., 0]), nobody
    short, replaced = events.cut_short(due), events.replaced(due)
    later = read[..., 1 + visit]
    if estimand.having("while on treatment"):
        before = _last_before(read, visits, events.first("while on treatment"), visit)
        later = either(short, before, later)
    found = scaled(estimand, later, read[..., 0])
    for event, how in estimand.intercurrent.items():
        if isinstance(how, CompositeValue) and event in events.at:  # of several the first counts
            first = events.at[event] == events.first("composite")
            found = either(replaced & first, _value(scenario, estimand, how, read), found)
    return found, short | replaced


def scaled(estimand: Estimand, later: Floats, start: Floats) -> Floats:
    """Return the change between two readings on the scale of the variable."""
    scale = np.log1p if estimand.is_log_ratio else np.asarray
    found = scale(later) - scale(start)
    if estimand.is_percent:  # of nothing there is no per cent
        found = 100 * found / either(start == 0, np.nan, np.abs(start))
    return np.asarray(found)


def _last_before(read: Floats, visits: Times, event: Times, visit: int) -> Floats:
    """Return the last reading up to an event and a visit; that at randomisation if there is none.

    A visit at the event's tick comes before it, see `Kind`.
    """
    found = read[..., 0]
    for number in range(visit + 1):
        found = either(visits[..., number] <= event, read[..., 1 + number], found)
    return found


def _value(
    scenario: Scenario, estimand: Estimand, how: CompositeValue, read: Floats
) -> Floats | float:
    """Return the change that counts where a composite event has happened."""
    if how.composite != "worst":
        return how.composite
    worst = np.full(read.shape[:-1], scenario.model.worst(estimand.outcome))
    return scaled(estimand, worst, read[..., 0])
