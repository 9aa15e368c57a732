"""Looks: what is analysed at a milestone, and whether the trial stops there.

One `Analyst` serves a luck block. Both conducts ask it, with one replicate or with many, and it
keeps every answer by replicate; a batch and a single trial go through the same functions.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri, stdtrit

from raresim.analysis import Results, batch, boundaries
from raresim.trial.cut import AnalysisTable, cut
from raresim.trial.fate import Fate
from raresim.trial.ledger import Ledger
from raresim.trial.scenario import Scenario
from raresim.trial.ticks import Ticks

METHODS: dict[str, Callable[[Any], Results]] = {
    "logrank": lambda t: batch.logrank(t.time, t.event, t.who.arm, t.who.present, t.who.stratum),
    "cox": lambda t: batch.cox(t.time, t.event, t.who.arm, t.who.present, t.who.stratum),
    "negative binomial": lambda t: batch.negative_binomial(
        t.count, t.exposure, t.who.arm, t.who.present
    ),
    "andersen-gill": lambda t: batch.andersen_gill(
        t.event_times, t.follow_up, t.who.arm, t.who.present
    ),
    "ancova": lambda t: batch.ancova(t.change, t.covariates, t.who.arm, t.who.present),
}
"""Methods by the name that files use; each reads its own kind of analysis table."""

COLUMNS = {
    "analysed": False, "estimate": np.nan, "se": np.nan, "ci_low": np.nan, "ci_high": np.nan,
    "statistic": np.nan, "p": np.nan, "critical": np.nan, "rejected": False, "converged": False,
    "estimated": False, "used": 0, "information": 0, "notes": 0,
}  # fmt: skip
"""What is kept of each look, with the value that says nothing was done."""


@dataclass(frozen=True)
class Look:
    """One estimand at one milestone."""

    milestone: str
    estimand: str


class Analyst:
    """Analyses looks of one luck block and remembers them by replicate."""

    def __init__(self, scenario: Scenario, fate: Fate, replicates: int) -> None:
        self.scenario, self.fate = scenario, fate
        self.looks = [
            Look(milestone, estimand)
            for milestone, spec in scenario.spec.design.milestones.items()
            for estimand in spec.analyses
        ]
        self.records = {
            look: {key: np.full(replicates, empty) for key, empty in COLUMNS.items()}
            for look in self.looks
        }
        self.history: dict[str, list[tuple[float, ...]]] = {
            name: [()] * replicates for name in scenario.spec.analysis.estimands
        }

    def perform(
        self, ledger: Ledger, number: int, at: Ticks, rows: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.bool_]:
        """Analyse milestone `number` at ticks `at`; return where the trial stops for efficacy."""
        milestone = self.scenario.milestones[number]
        spec = self.scenario.spec.design.milestones[milestone]
        final = number == len(self.scenario.milestones) - 1
        some = slice(int(rows[0]), int(rows[0]) + 1) if len(rows) == 1 else rows
        fate = self.fate.rows(some)
        stop = np.zeros(len(rows), bool)
        for estimand in spec.analyses:
            table = cut(self.scenario, fate, ledger, at, estimand)
            found = self._analyse(table, estimand, rows, final)
            record = self.records[Look(milestone, estimand)]
            for key, values in found.items():
                record[key][rows] = values
            if spec.stops and estimand == self.scenario.spec.analysis.success:
                stop = found["rejected"]
        return stop

    def _analyse(
        self, table: AnalysisTable, estimand: str, rows: npt.NDArray[np.int64], final: bool
    ) -> dict[str, Any]:
        """Test and estimate one estimand for some replicates."""
        method = self.scenario.spec.analysis.methods[estimand]
        test = METHODS[method.test](table)
        estimate = test if method.estimate is None else METHODS[method.estimate](table)
        outcome = self.scenario.spec.analysis.estimands[estimand].outcome
        side = self.scenario.better(outcome)
        p = test.p_one_sided(side)
        information = table.information
        if method.boundary is None:
            critical = _quantile(1 - method.alpha, test.df)
            rejected = test.converged & (p <= method.alpha)
        else:
            critical = self._boundary(estimand, information, rows, final)
            z = -test.statistic if side == "less" else test.statistic
            rejected = test.converged & (z >= critical)
        return {
            "analysed": True,
            "estimate": estimate.estimate,
            "se": estimate.se,
            "ci_low": estimate.ci_low,
            "ci_high": estimate.ci_high,
            "statistic": test.statistic,
            "p": p,
            "critical": critical,
            "rejected": rejected,
            "converged": test.converged,
            "estimated": estimate.converged,
            "used": test.used,
            "information": information,
            "notes": test.notes | estimate.notes,
        }

    def _boundary(
        self,
        estimand: str,
        information: npt.NDArray[np.int64],
        rows: npt.NDArray[np.int64],
        final: bool,
    ) -> npt.NDArray[np.float64]:
        """Return the z boundary of this look, given the information of each look so far."""
        method = self.scenario.spec.analysis.methods[estimand]
        assert method.boundary is not None
        critical = np.full(len(rows), np.inf)
        for k, row in enumerate(rows):
            if information[k] < 1:
                continue  # nobody had an event: there is nothing to test and no alpha is spent
            seen = (*self.history[estimand][row], float(information[k]))
            self.history[estimand][row] = seen
            planned = float(method.boundary.planned_information)
            spend = method.boundary.spend
            critical[k] = boundaries(seen, planned, method.alpha, spend, final=final)[-1]
        return critical


def _quantile(level: float, df: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the quantile of the statistic's distribution: t, or normal where df is infinite."""
    finite = np.where(np.isfinite(df), df, 1.0)
    return np.where(np.isfinite(df), stdtrit(finite, level), ndtri(level))
