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

from raresim.trial.cut.table import cut
from raresim.trial.cut.tables import ChangeTable
from raresim.trial.fate.decided import Fate
from raresim.trial.grammar.boundary import Threshold
from raresim.trial.ledger import Ledger
from raresim.trial.looks.adapting import loses, ratio_parts
from raresim.trial.looks.boundary import Monitor
from raresim.trial.looks.re_estimate import blinded_size, promising_size
from raresim.trial.looks.stagewise import Seen, normal
from raresim.trial.methods.named import METHODS, part
from raresim.trial.plan import Change, Decisions, Plan
from raresim.trial.scenario import Scenario
from raresim.trial.ticks import Ticks

COLUMNS = {
    "analysed": False, "estimate": np.nan, "se": np.nan, "ci_low": np.nan, "ci_high": np.nan,
    "statistic": np.nan, "p": np.nan, "z": np.nan, "critical": np.nan, "futile_below": np.nan,
    "rejected": False, "converged": False, "estimated": False, "used": 0, "information": 0,
    "notes": 0,
}  # fmt: skip
"""What is kept of each look, with the value that says nothing was done."""


Answer = dict[str, Any]
"""What one analysis found, arrays by row: the columns that are kept, futility, harm, the stand."""


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
        self.monitors = {
            name: Monitor(scenario, name, replicates) for name in scenario.spec.analysis.estimands
        }

    def perform(
        self, fate: Fate, ledger: Ledger, number: int, at: Ticks, rows: npt.NDArray[np.int64]
    ) -> Decisions:
        """Analyse milestone `number` at ticks `at`; return where the trial stops or changes."""
        milestone = self.scenario.milestones[number]
        spec = self.scenario.spec.design.milestones[milestone]
        final = number == len(self.scenario.milestones) - 1
        answers: dict[str, Answer] = {}
        seen = Seen(fate, ledger, at, rows, final)
        for estimand in spec.analyses:
            later = self.scenario.milestones[number + 1 :]
            milestones = self.scenario.spec.design.milestones
            last = not any(estimand in milestones[name].analyses for name in later)
            found = self._analyse(seen, milestone, estimand, last or not spec.guards)
            answers[estimand] = found
            record = self.records[Look(milestone, estimand)]
            for key in COLUMNS:
                record[key][rows] = found[key]
        return self._decide(number, answers, seen)

    def _decide(self, number: int, answers: dict[str, Answer], seen: Seen) -> Decisions:
        """Return what follows from the answers of a milestone, by the rules of the design."""
        milestone, rows = self.plan.milestones[number], seen.rows
        stop = np.zeros(len(rows), bool)
        for reason in milestone.stops:
            stop |= self._holds(reason, answers, -1, len(rows))
        changes = np.full((len(rows), len(self.plan.changes)), -1)
        parts = np.zeros((len(rows), len(self.scenario.arms)), np.int64)
        for place in milestone.changes:
            change = self.plan.changes[place]
            of = change.arm if change.kind == "drop" else -1
            made = self._holds(change.only_if, answers, of, len(rows), change.of)
            value = np.full(len(rows), change.number)
            if change.among:
                made = loses(self.scenario, answers, change, self.dropped[rows])
            if change.adaptive is not None:
                if change.arm == 0:  # the parts of all arms are decided together
                    parts = ratio_parts(self.scenario, seen, change.adaptive, self.dropped[rows])
                value = parts[:, change.arm]
            if change.kind == "drop":
                self.dropped[rows, change.arm] |= made
            if change.estimand:
                value = self._re_estimated(change, seen, answers)
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

    def _re_estimated(self, change: Change, seen: Seen, answers: dict[str, Answer]) -> Any:
        """Return n, from the blinded variance of a change or from the trend of an answer."""
        if change.zone is None:
            table = cut(
                self.scenario, seen.fate, seen.ledger, seen.at, change.estimand, blinded=True
            )
            assert isinstance(table, ChangeTable)
            return blinded_size(table, self.plan.n, change.planned_sd, change.number)
        found, planned = (
            answers[change.estimand],
            self.monitors[change.estimand].planned_information,
        )
        size = (self.plan.n, change.zone, change.number)
        return promising_size(found["stand"], found["information"], planned, *size)

    def _analyse(self, seen: Seen, milestone: str, estimand: str, tests: bool) -> Answer:
        """Test and estimate one estimand for some replicates.

        Where this look does not test (it guards against futility or harm, and the estimand has no
        boundary for it), nothing is rejected; nor is it for an arm that was dropped before.
        """
        method, monitor = self.scenario.spec.analysis.methods[estimand], self.monitors[estimand]
        table = cut(self.scenario, seen.fate, seen.ledger, seen.at, estimand, final=seen.final)
        test = METHODS[method.test].run(table, method)
        estimate = test if method.estimate is None else METHODS[method.estimate].run(table, method)
        outcome = self.scenario.spec.analysis.estimands[estimand].outcome
        p = test.p_one_sided(self.scenario.better(outcome))
        information = table.information
        stand = monitor.stand(seen, table, normal(p, test.converged), milestone)
        if method.responders_above is not None:
            critical = np.full(len(p), method.responders_above + 1.0)
            rejected = test.converged & (test.statistic >= critical) & tests
        elif method.boundary is None:
            critical = _quantile(1 - method.level, part(test, "df"))
            rejected = test.converged & (p <= method.level) & tests
        else:
            critical = stand.critical
            rejected = np.isfinite(critical) & (stand.z >= critical)
        arm = self.scenario.compared(estimand)
        if arm is not None:
            rejected = rejected & ~self.dropped[seen.rows, arm]
        return {
            "analysed": True,
            "estimate": part(estimate, "estimate"),
            "se": part(estimate, "se"),
            "ci_low": part(estimate, "ci_low"),
            "ci_high": part(estimate, "ci_high"),
            "statistic": test.statistic,
            "p": p,
            "z": stand.z,
            "critical": critical,
            "futile_below": stand.lower,
            "rejected": rejected,
            "converged": test.converged,
            "estimated": estimate.converged,
            "used": test.used,
            "information": information,
            "notes": test.notes | estimate.notes,
            "futility": test.converged & monitor.futile(stand, information, p, test.statistic),
            "harm": _beyond(method.harm, test.converged, p),
            "stand": stand,
        }


def _beyond(
    threshold: Threshold | None, converged: npt.NDArray[np.bool_], p: npt.NDArray[np.float64]
) -> npt.NDArray[np.bool_]:
    """Return where the p-value is beyond a threshold; nothing follows where there is none."""
    return np.asarray(converged & (p > threshold.p_above) if threshold else np.zeros(p.shape, bool))


def _quantile(level: float, df: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the quantile of the statistic: t, normal where df is infinite, NaN without a df."""
    finite = np.where(np.isfinite(df), df, 1.0)
    known = np.where(np.isfinite(df), stdtrit(finite, level), ndtri(level))
    return np.where(np.isnan(df), np.nan, known)
