"""Looks: what is analysed at a milestone, and whether the trial stops there.

One `Analyst` serves a luck block. Both conducts ask it, with one replicate or with many, and it
keeps every answer by replicate; a batch and a single trial go through the same functions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri, stdtrit

from raresim.analysis import boundaries
from raresim.analysis.arrays import ordered_sum
from raresim.trial.analysis_block import Threshold
from raresim.trial.analysis_tables import AnalysisTable, ChangeTable
from raresim.trial.cut import cut
from raresim.trial.fate import Fate
from raresim.trial.ledger import Ledger
from raresim.trial.methods import METHODS, part
from raresim.trial.plan import Change, Decisions, Plan
from raresim.trial.scenario import Scenario
from raresim.trial.ticks import Ticks

COLUMNS = {
    "analysed": False, "estimate": np.nan, "se": np.nan, "ci_low": np.nan, "ci_high": np.nan,
    "statistic": np.nan, "p": np.nan, "critical": np.nan, "rejected": False, "converged": False,
    "estimated": False, "used": 0, "information": 0, "notes": 0,
}  # fmt: skip
"""What is kept of each look, with the value that says nothing was done."""


Answer = dict[str, Any]
"""What one analysis found, arrays by row: the columns that are kept, futility and harm."""


@dataclass(frozen=True)
class Look:
    """One estimand at one milestone."""

    milestone: str
    estimand: str


class Analyst:
    """Analyses looks of one luck block and remembers them by replicate."""

    def __init__(self, scenario: Scenario, plan: Plan, replicates: int) -> None:
        self.scenario, self.plan = scenario, plan
        self.looks = [
            Look(milestone, estimand)
            for milestone, spec in scenario.spec.design.milestones.items()
            for estimand in spec.analyses
        ]
        self.records = {
            look: {key: np.full(replicates, empty) for key, empty in COLUMNS.items()}
            for look in self.looks
        }
        self.dropped = np.zeros((replicates, len(scenario.arms)), bool)
        self.history: dict[str, list[tuple[float, ...]]] = {
            name: [()] * replicates for name in scenario.spec.analysis.estimands
        }

    def perform(
        self, fate: Fate, ledger: Ledger, number: int, at: Ticks, rows: npt.NDArray[np.int64]
    ) -> Decisions:
        """Analyse milestone `number` at ticks `at`; return where the trial stops or changes."""
        milestone = self.scenario.milestones[number]
        spec = self.scenario.spec.design.milestones[milestone]
        final = number == len(self.scenario.milestones) - 1
        answers: dict[str, Answer] = {}
        for estimand in spec.analyses:
            table = cut(self.scenario, fate, ledger, at, estimand, final=final)
            later = self.scenario.milestones[number + 1 :]
            milestones = self.scenario.spec.design.milestones
            last = not any(estimand in milestones[name].analyses for name in later)
            found = self._analyse(table, estimand, rows, final, last or not spec.guards)
            answers[estimand] = found
            record = self.records[Look(milestone, estimand)]
            for key in COLUMNS:
                record[key][rows] = found[key]
        return self._decide(number, answers, rows, (fate, ledger, at))

    def _decide(
        self,
        number: int,
        answers: dict[str, Answer],
        rows: npt.NDArray[np.int64],
        seen: tuple[Fate, Ledger, Ticks],
    ) -> Decisions:
        """Return what follows from the answers of a milestone, by the rules of the design."""
        milestone = self.plan.milestones[number]
        stop = np.zeros(len(rows), bool)
        for reason in milestone.stops:
            stop |= self._holds(reason, answers, -1, len(rows))
        changes = np.full((len(rows), len(self.plan.changes)), -1)
        for place in milestone.changes:
            change = self.plan.changes[place]
            of = change.arm if change.kind == "drop" else -1
            made = self._holds(change.only_if, answers, of, len(rows), change.of)
            value = np.full(len(rows), change.number)
            if change.kind == "drop":
                self.dropped[rows, change.arm] |= made
            if change.estimand:
                value = self._re_estimated(change, seen)
            changes[:, place] = np.where(made, value, -1)
        return Decisions(stop, changes)

    def _holds(
        self, reason: str, answers: dict[str, Answer], arm: int, rows: int, of: str = ""
    ) -> npt.NDArray[np.bool_]:
        """Return where a reason holds: that of an estimand, or of an arm's estimands.

        The estimand is the primary one where none is named.
        """
        if not reason:
            return np.ones(rows, bool)
        key = {"efficacy": "rejected"}.get(reason, reason)
        if arm < 0:
            return np.asarray(answers[of or self.scenario.spec.analysis.primary][key])
        own = [found for name, found in answers.items() if self.scenario.compared(name) == arm]
        return np.asarray(np.logical_and.reduce([found[key] for found in own]))

    def _re_estimated(self, change: Change, seen: tuple[Fate, Ledger, Ticks]) -> Any:
        """Return n from the blinded variance of a change, see `milestone_block.ReEstimate`."""
        fate, ledger, at = seen
        table = cut(self.scenario, fate, ledger, at, change.estimand, blinded=True)
        assert isinstance(table, ChangeTable)
        return blinded_size(table, self.plan.n, change.planned_sd, change.number)

    def _analyse(
        self,
        table: AnalysisTable,
        estimand: str,
        rows: npt.NDArray[np.int64],
        final: bool,
        tests: bool,
    ) -> Answer:
        """Test and estimate one estimand for some replicates.

        Where this look does not test (it guards against futility or harm, and the estimand has no
        boundary for it), nothing is rejected; nor is it for an arm that was dropped before.
        """
        method = self.scenario.spec.analysis.methods[estimand]
        test = METHODS[method.test].run(table, method)
        estimate = test if method.estimate is None else METHODS[method.estimate].run(table, method)
        outcome = self.scenario.spec.analysis.estimands[estimand].outcome
        side = self.scenario.better(outcome)
        p = test.p_one_sided(side)
        information = table.information
        if method.boundary is None:
            critical = _quantile(1 - method.level, part(test, "df"))
            rejected = test.converged & (p <= method.level) & tests
        else:
            critical = self._boundary(estimand, information, rows, final)
            z = -test.statistic if side == "less" else test.statistic
            rejected = test.converged & (z >= critical)
        rejected = rejected & ~self.dropped[rows, self.scenario.compared(estimand)]
        return {
            "analysed": True,
            "estimate": part(estimate, "estimate"),
            "se": part(estimate, "se"),
            "ci_low": part(estimate, "ci_low"),
            "ci_high": part(estimate, "ci_high"),
            "statistic": test.statistic,
            "p": p,
            "critical": critical,
            "rejected": rejected,
            "converged": test.converged,
            "estimated": estimate.converged,
            "used": test.used,
            "information": information,
            "notes": test.notes | estimate.notes,
            "futility": _beyond(method.futility, test.converged, p),
            "harm": _beyond(method.harm, test.converged, p),
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
            critical[k] = boundaries(seen, planned, method.level, spend, final=final)[-1]
        return critical


def _beyond(
    threshold: Threshold | None, converged: npt.NDArray[np.bool_], p: npt.NDArray[np.float64]
) -> npt.NDArray[np.bool_]:
    """Return where the p-value is beyond a threshold; nothing follows where there is none."""
    return np.asarray(converged & (p > threshold.p_above) if threshold else np.zeros(p.shape, bool))


def blinded_size(table: ChangeTable, n: int, planned_sd: float, most: int) -> Any:
    """Return n (s / planned SD)^2 rounded up, held between n and `most`; s over all arms."""
    known = table.who.present & ~np.isnan(table.change)
    count = known.sum(axis=1)
    value = np.where(known, table.change, 0.0)
    mean = ordered_sum(value) / np.maximum(count, 1)
    square = ordered_sum(np.where(known, (value - mean[:, None]) ** 2, 0.0))
    variance = square / np.maximum(count - 1, 1)
    size = np.ceil(n * variance / planned_sd**2 - 1e-9)
    return np.where(count > 1, np.clip(size, n, most), n).astype(np.int64)


def _quantile(level: float, df: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the quantile of the statistic: t, normal where df is infinite, NaN without a df."""
    finite = np.where(np.isfinite(df), df, 1.0)
    known = np.where(np.isfinite(df), stdtrit(finite, level), ndtri(level))
    return np.where(np.isnan(df), np.nan, known)
