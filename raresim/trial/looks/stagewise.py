"""Stages of an adaptive trial: their own statistics, and the one that combines them.

A patient belongs to the stage in which the outcome became known, so that stages share nobody:
changes and shares to the look at which the visit is known, counts of events to that at which
follow-up is known to have ended. For times to an event stages are the increments of the
statistic, (z_k sqrt(d_k) - z_j sqrt(d_j)) / sqrt(d_k - d_j) for d_k events, which are independent
(Schaefer and Mueller, Stat Med 2001;20:3741-3751; Wassmer, Biom J 2006;48), as long as
nothing but that outcome decides how the trial goes on.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from raresim.evidence.statistics import Floats
from raresim.trial.cut.table import cut, known_until
from raresim.trial.cut.tables import (
    AnalysisTable,
    Booleans,
    ChangeTable,
    CountTable,
    SurvivalTable,
)
from raresim.trial.fate.decided import Fate
from raresim.trial.ledger import Ledger
from raresim.trial.methods.named import METHODS
from raresim.trial.scenario import Scenario
from raresim.trial.ticks import Ticks

NOT_YET = -1
"""The tick of the look before the first."""


@dataclass(frozen=True)
class Seen:
    """What a look sees: rows of a luck block, their fate and ledger, and the ticks of the cut."""

    fate: Fate
    ledger: Ledger
    at: Ticks
    rows: npt.NDArray[np.int64]
    final: bool


class Stages:
    """Stages of one estimand, remembered by replicate."""

    def __init__(self, scenario: Scenario, estimand: str, replicates: int) -> None:
        self.scenario, self.estimand = scenario, estimand
        _, boundary = scenario.bounded(estimand)
        self.timing = np.array(boundary.timing)
        self.tick = np.full(replicates, NOT_YET)
        self.total, self.share, self.plain, self.events = np.zeros((4, replicates))

    def combined(self, seen: Seen, table: AnalysisTable, z: Floats, look: int) -> Floats:
        """Return the combined statistic of a look, NaN where its stage cannot be tested.

        Z = sum of w_k z_k / sqrt(sum of w_k^2), w_k^2 being the planned steps of information
        (Lehmacher and Wassmer, Biometrics 1999;55:1286-1290). A look that did not come, or could
        not test, leaves its weight and its patients to the next.
        """
        rows, timing = seen.rows, self.timing[look]
        if isinstance(table, SurvivalTable):
            stage = self._increment(rows, z, table.information)
        else:
            stage = self._statistic(seen, table, z)
        total = self.total[rows] + np.sqrt(timing - self.share[rows]) * stage
        tested = ~np.isnan(stage)
        self.total[rows] = np.where(tested, total, self.total[rows])
        self.share[rows] = np.where(tested, timing, self.share[rows])
        self.tick[rows] = np.where(tested, seen.at, self.tick[rows])
        self.plain[rows] = np.where(tested, z, self.plain[rows])
        self.events[rows] = np.where(tested, table.information, self.events[rows])
        return np.where(tested, total / np.sqrt(timing), np.nan)

    def _increment(
        self, rows: npt.NDArray[np.int64], z: Floats, events: npt.NDArray[np.int64]
    ) -> Floats:
        """Return the statistic of the events since the look before, NaN where there are none."""
        before = self.events[rows]
        more = np.where(events > before, events - before, np.nan)
        return (z * np.sqrt(events) - self.plain[rows] * np.sqrt(before)) / np.sqrt(more)

    def _statistic(self, seen: Seen, table: AnalysisTable, z: Floats) -> Floats:
        """Return the statistic of those whose outcome became known since the look before.

        It is `z` where those are the patients of the whole table: at the first look.
        """
        mine = table.who.present & (self._known(seen, table) | seen.final)
        before = self.tick[seen.rows]
        if (before > NOT_YET).any():
            earlier = replace(seen, at=before, final=False)
            then = cut(self.scenario, seen.fate, seen.ledger, before, self.estimand)
            mine &= ~(self._known(earlier, then) & then.who.present)
        if np.array_equal(mine, table.who.present):
            return z
        own = replace(table, who=replace(table.who, present=mine))
        method = self.scenario.spec.analysis.methods[self.estimand]
        test = METHODS[method.test].run(own, method)
        side = self.scenario.better(self.scenario.spec.analysis.estimands[self.estimand].outcome)
        return normal(test.p_one_sided(side), test.converged)

    def _known(self, seen: Seen, table: AnalysisTable) -> Booleans:
        """Return whose outcome is known and will change no more."""
        if isinstance(table, CountTable):
            until = known_until(seen.ledger, seen.at, final=seen.final)
            return np.asarray(seen.ledger.exit <= until)
        assert isinstance(table, ChangeTable)
        return ~np.isnan(table.change)


def normal(p: Floats, converged: Booleans) -> Floats:
    """Return one-sided p-values as z, large where the treated are better; NaN without an answer."""
    return np.where(converged, -ndtri(p), np.nan)
