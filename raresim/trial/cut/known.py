"""What is known of each patient at a data cut: events, visits and readings up to then."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from raresim.either import either
from raresim.evidence.statistics import Floats
from raresim.files.units import SECONDS_A_DAY
from raresim.trial.cut.intercurrent import Intercurrent
from raresim.trial.fate.decided import Fate
from raresim.trial.grammar.endpoint import Endpoint, ScorePasses, first_passed
from raresim.trial.grammar.estimand import Estimand
from raresim.trial.grammar.intercurrent import CROSSES, STOPS
from raresim.trial.ledger import Ledger
from raresim.trial.scenario import Scenario
from raresim.trial.ticks import NEVER, Ticks, never


@dataclass(frozen=True)
class Data:
    """What is known at a cut: `until` is the tick up to which each patient's data are (rows, n)."""

    scenario: Scenario
    fate: Fate
    ledger: Ledger
    until: Ticks

    @property
    def end(self) -> Ticks:
        """Until when each patient was observed."""
        return np.minimum(self.ledger.exit, self.until)

    def due(self, week: int, allowance: float = 0.0) -> Ticks:
        """Return the tick of a week's visit; where none is known of, that of the plan.

        `allowance` days are added to the plan.
        """
        weeks = self.scenario.spec.design.visits.weeks
        visit = self.ledger.visits[..., weeks.index(week)]
        planned = int((7 * week + allowance) * SECONDS_A_DAY)
        return either(visit <= self.until, visit, self.ledger.randomised + planned)

    def events_of(self, estimand: Estimand) -> Intercurrent:
        """Return when each intercurrent event happened, as far as it is known.

        An event that puts a score at its worst is in the readings already.
        """
        ending = self.scenario.model.ending.get(estimand.outcome, ())
        at = {e: self._tick(e) for e in estimand.intercurrent if e not in ending}
        known = {
            event: either(tick <= self.until, tick, NEVER)
            for event, tick in at.items()
            if not never(tick)
        }
        bad = self.scenario.better(estimand.outcome) == "less"
        return Intercurrent(estimand, bad, known, NEVER)

    def _tick(self, event: str) -> Ticks:
        """Return the tick of an intercurrent event, NEVER where it did not happen."""
        ledger = self.ledger
        if event == STOPS:
            if never(ledger.stop):
                return ledger.stop
            begun = either(ledger.present, ledger.randomised, 0)
            planned = int(self.scenario.spec.design.treat_for * SECONDS_A_DAY)
            return either(ledger.stop < begun + planned, ledger.stop, NEVER)
        if event == CROSSES:
            return ledger.crossed
        if event in ledger.rescued:
            return ledger.rescued[event]
        return np.asarray(ledger.events[event][..., 0])


def readings_of(fate: Fate, ledger: Ledger, outcome: str) -> Floats:
    """Return what was read of each patient, at randomisation and each visit, under their arm."""
    if fate.patients is not None:
        return fate.patients.readings[outcome]
    arms = np.stack([life.readings[outcome] for life in fate.lives.arms])
    rows = np.arange(ledger.replicates)[:, None]
    return np.asarray(arms[ledger.arm, rows, fate.place(ledger.candidate)])


def first_of(endpoint: Endpoint, data: Data, end: Ticks) -> Ticks:
    """Return the tick of the first of an endpoint's parts, as known at `end`."""
    parts = [data.ledger.events[name][..., 0] for name in endpoint.events]
    parts += [_passed(line, data, end) for line in endpoint.scores]
    return np.asarray(np.minimum.reduce(parts))


def _passed(line: ScorePasses, data: Data, end: Ticks) -> Ticks:
    """Return the tick of the first visit at which a score has passed a line, by `end`."""
    readings = readings_of(data.fate, data.ledger, line.score)
    came = data.ledger.visits <= end[..., None]
    met = line.met(readings[..., 1:], readings[..., :1])
    found = first_passed(met, came, line.confirmed)
    return np.asarray(np.min(either(found, data.ledger.visits, NEVER), axis=-1))


def last_visit(ledger: Ledger, end: Ticks) -> Ticks:
    """Return the last visit by `end`; randomisation where there was none."""
    came = ledger.visits <= end[..., None]
    last = np.max(either(came, ledger.visits, 0), axis=-1)
    return np.asarray(np.maximum(last, np.minimum(ledger.randomised, end)))
