"""Operating characteristics: what a design does over many replicates, each with its error."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, is_dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from raresim.analysis import Note
from raresim.study import montecarlo
from raresim.study.claims import claims, success
from raresim.study.columns import Columns, LastRows, RunTables, items
from raresim.study.design_analysis import DesignAnalysis, design_analysis, truth_by_replicate
from raresim.study.montecarlo import Clusters, Figure
from raresim.study.naive import naive
from raresim.study.stopping import Stopped
from raresim.trial.scenario import Scenario

Floats = npt.NDArray[np.float64]
LEVELS = (0.1, 0.5, 0.9)
AT_ONCE = 12
"""Months of all trials that are in memory at once."""


@dataclass(frozen=True)
class EstimandSummary:
    """How one estimand is tested and estimated over the replicates.

    `rejected` counts a fit that did not converge as not rejecting; `rejected_bounds` counts all
    such fits first as not rejecting, then as rejecting. Bias and coverage are those of the last
    look, on the scale of `measure`, against the true value of the same functional. `naive` says
    where the analysis does not give what the estimand asks; `notes` are those of the fits.
    """

    rejected: Figure
    rejected_bounds: tuple[float, float]
    rejected_at: dict[str, Figure]
    between_truths: Figure | None
    analysed: Figure
    not_converged: Figure
    truth: Figure
    measure: str
    estimate: Figure
    estimate_sd: Figure
    mean_se: Figure
    bias: Figure
    coverage: Figure
    alpha: float
    if_rejected: DesignAnalysis
    naive: list[str]
    notes: dict[str, Figure]


class Summary:
    """Operating characteristics of one hypothesis of a scenario, each worked out when asked for.

    Parameters
    ----------
    scenario, hypothesis
        What was simulated.
    tables
        The tables of the run; those of true values are asked for only where they matter.
    target
        The trials at most and the Monte Carlo error at which the run was to stop, if it was.

    Attributes
    ----------
    scenario, question, hypothesis, is_null, uncertainty
        What was asked.
    replicates, stopped
        The trials, and whether they were enough for the error asked for.
    """

    def __init__(
        self,
        scenario: Scenario,
        hypothesis: str,
        tables: RunTables,
        target: tuple[int, float] | None = None,
    ) -> None:
        self._scenario, self._tables, self._target = scenario, tables, target
        self.scenario, self.question = scenario.stem, scenario.spec.question
        self.hypothesis, self.is_null = hypothesis, scenario.is_null(hypothesis)
        self.uncertainty = scenario.spec.truth.uncertainty
        self.replicates = len(tables.trials)

    @cached_property
    def success(self) -> Figure:
        """How often the trial succeeds."""
        return montecarlo.proportion(success(self._scenario, self._claims), self._clusters)

    @property
    def success_estimand(self) -> str:
        """The estimands whose claim is a success."""
        return " or ".join(self._scenario.spec.analysis.successes)

    @property
    def stopped(self) -> Stopped | None:
        """What was asked of a run that stops at an error, and whether it was reached."""
        if self._target is None:
            return None
        at_most, mcse = self._target
        reached = self.replicates < at_most or (self.success.mcse or 1.0) <= mcse
        return Stopped(at_most, mcse, reached)

    @cached_property
    def draws(self) -> int:
        """Draws of the parameters behind the trials; the trials themselves where none are drawn."""
        return len(np.unique(self._clusters))

    @cached_property
    def chance_of_benefit(self) -> Figure | None:
        """In how many drawn truths the treatment helps at all: the ceiling of assurance."""
        if self.uncertainty not in ("effect", "all"):
            return None
        names = self._scenario.spec.analysis.successes
        helps = [_helps(self._scenario, name, self._tables.truth[name]) for name in names]
        found = np.logical_or.reduce(helps)
        return montecarlo.proportion(found, np.arange(len(found)))

    @cached_property
    def estimands(self) -> dict[str, EstimandSummary]:
        """How each estimand is tested and estimated."""
        tables, truth = self._tables, self._tables.truth
        return {
            name: _estimand(
                *(self._scenario, name, tables.trials, tables.analyses), truth[name], rejected
            )
            for name, rejected in self._claims.items()
        }

    @cached_property
    def trial(self) -> dict[str, dict[str, Figure]]:
        """Mean and quantiles of every number that a trial has."""
        return _trial(self._tables.trials, self._clusters)

    @cached_property
    def enrolment(self) -> dict[str, list[Figure]]:
        """The band of patients randomised by the end of each month."""
        return _enrolment(self._tables.trials, self._clusters)

    def dict(self) -> dict[str, Any]:
        """Return plain data, ready for JSON."""
        found = {name: getattr(self, name) for name in KEYS}
        return {name: _plain(value) for name, value in found.items()}

    def __eq__(self, other: object) -> bool:
        """Return whether another summary says the same."""
        return isinstance(other, Summary) and self.dict() == other.dict()

    def __repr__(self) -> str:
        """Return the rate of success and what it is that of."""
        asked = f"{self.scenario}, {self.hypothesis}, {self.replicates} trials"
        return f"Summary({asked}: success {self.success.value})"

    @cached_property
    def _clusters(self) -> Clusters:
        return np.asarray(self._tables.trials["draw"])

    @cached_property
    def _claims(self) -> Mapping[str, npt.NDArray[np.bool_]]:
        return claims(self._scenario, self._tables.trials, self._tables.analyses)


RATIOS = {"hazard ratio": "log hazard ratio", "rate ratio": "log rate ratio"}
"""Summaries that are ratios, and what their estimates are."""
KEYS = (
    "scenario", "question", "hypothesis", "is_null", "uncertainty", "replicates", "stopped",
    "draws", "success", "success_estimand", "chance_of_benefit", "estimands", "trial", "enrolment",
)  # fmt: skip
"""What a summary says, in order."""


def _plain(value: Any) -> Any:
    """Return figures and what they stand in as plain data."""
    if isinstance(value, dict):
        return {key: _plain(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_plain(part) for part in value]
    return asdict(value) if is_dataclass(value) and not isinstance(value, type) else value


def called(is_null: bool, uncertainty: str) -> str:
    """Return what a rate of success is called: under a null, an effect drawn, or an effect held.

    >>> called(False, "nuisance"), called(False, "all"), called(True, "all")
    ('power', 'assurance', 'type I error')
    """
    if is_null:
        return "type I error"
    return "assurance" if uncertainty in ("effect", "all") else "power"


def successes(scenario: Scenario, trials: Columns, analyses: Columns) -> npt.NDArray[np.bool_]:
    """Return whether each replicate meets the scenario's success criterion."""
    return success(scenario, claims(scenario, trials, analyses))


def _helps(scenario: Scenario, name: str, truth: Floats) -> npt.NDArray[np.bool_]:
    """Return in which truths an estimand is on the good side of no difference, or of its goal."""
    side = scenario.better(scenario.spec.analysis.estimands[name].outcome)
    apart = truth - scenario.goal(name)
    return np.asarray(apart < 0 if side == "less" else apart > 0)


def _estimand(
    scenario: Scenario,
    name: str,
    trials: Columns,
    analyses: Columns,
    truth: Floats,
    rejected: npt.NDArray[np.bool_],
) -> EstimandSummary:
    clusters = np.asarray(trials["draw"])
    external = next(iter(scenario.spec.truth.external), "")
    external = external if scenario.compares_external(name) else ""
    last = LastRows(trials, analyses, np.asarray(analyses["estimand"]) == name)
    analysed = last.rows >= 0
    failed = analysed & ~last.flag("converged")
    true = truth_by_replicate(scenario, truth, clusters)
    estimate, low, high = last["estimate"], last["ci_low"], last["ci_high"]
    covered = np.where(np.isnan(low) | np.isnan(high), np.nan, (low <= true) & (true <= high))
    estimand = scenario.spec.analysis.estimands[name]
    return EstimandSummary(
        rejected=montecarlo.proportion(rejected, clusters),
        rejected_bounds=(float(np.mean(rejected)), float(np.mean(rejected | failed))),
        rejected_at=_rejected_at(scenario, trials, analyses, name, clusters),
        between_truths=_between(scenario, rejected, clusters),
        analysed=montecarlo.proportion(analysed, clusters),
        not_converged=montecarlo.proportion(failed, clusters),
        truth=montecarlo.mean(truth, np.arange(len(truth))),
        measure=RATIOS.get(estimand.summary, estimand.summary),
        estimate=montecarlo.mean(estimate, clusters),
        estimate_sd=montecarlo.spread(estimate, clusters),
        mean_se=montecarlo.mean(last["se"], clusters),
        bias=_bias(scenario, estimate, true, truth, clusters),
        coverage=montecarlo.proportion(covered, clusters),
        alpha=scenario.level(name),
        if_rejected=design_analysis(
            last, true, rejected, scenario.better(estimand.outcome), clusters, scenario.goal(name)
        ),
        naive=naive(estimand, scenario.spec.analysis.methods[name], external),
        notes=_notes(last, clusters),
    )


def _rejected_at(
    scenario: Scenario, trials: Columns, analyses: Columns, name: str, clusters: Clusters
) -> dict[str, Figure]:
    """Return how often an estimand rejects at each milestone that analyses it."""
    everybody, of = np.asarray(trials["replicate"]), np.asarray(analyses["replicate"])
    mine, at = np.asarray(analyses["estimand"]) == name, np.asarray(analyses["milestone"])
    rejected, found = np.asarray(analyses["rejected"], bool), {}
    for milestone in scenario.milestones:
        here = mine & (at == milestone)
        if here.any():
            hits = np.isin(everybody, of[here & rejected])
            found[milestone] = montecarlo.proportion(hits, clusters)
    return found


def _between(
    scenario: Scenario, rejected: npt.NDArray[np.bool_], clusters: Clusters
) -> Figure | None:
    if scenario.spec.truth.uncertainty == "fixed":
        return None
    return montecarlo.between(rejected, clusters)


def _bias(
    scenario: Scenario,
    estimate: Floats,
    true: Floats,
    truth: Floats,
    clusters: Clusters,
) -> Figure:
    """Return the mean error; where the truth is one number, its own Monte Carlo error is added."""
    found = montecarlo.mean(estimate - true, clusters)
    if scenario.spec.truth.uncertainty != "fixed" or found.mcse is None:
        return found
    own = montecarlo.mean(truth, np.arange(len(truth))).mcse or 0.0
    return Figure(found.value, float(np.hypot(found.mcse, own)), found.replicates)


def _notes(last: LastRows, clusters: Clusters) -> dict[str, Figure]:
    """Return each note of the fits with the share of replicates that carry it."""
    flags = np.nan_to_num(last["notes"]).astype(np.int64)
    carried = {note: (flags & note.value) > 0 for note in Note}
    return {
        " ".join(note.sentences()): montecarlo.proportion(where, clusters)
        for note, where in carried.items()
        if where.any()
    }


def _trial(trials: Columns, clusters: Clusters) -> dict[str, dict[str, Figure]]:
    """Return mean and quantiles of every number that a trial has."""
    skip = {"replicate", "draw", "ended_at", "enrolled_by_month"}
    names = [f"q{int(100 * level)}" for level in LEVELS]
    found: dict[str, dict[str, Figure]] = {}
    for column in trials.columns:
        if column in skip:
            continue
        values = np.asarray(trials[column], np.float64)
        figures = montecarlo.quantiles(values, LEVELS, clusters)
        found[str(column)] = {"mean": montecarlo.mean(values, clusters)}
        found[str(column)] |= dict(zip(names, figures, strict=True))
    for milestone, share in _shares(np.asarray(trials["ended_at"]), clusters).items():
        found[f"ended_at.{milestone}"] = {"mean": share}
    return found


def _shares(ended: npt.NDArray[Any], clusters: Clusters) -> dict[str, Figure]:
    return {str(m): montecarlo.proportion(ended == m, clusters) for m in sorted(set(ended))}


def _enrolment(trials: Columns, clusters: Clusters) -> dict[str, list[Figure]]:
    """Return the band of patients randomised by the end of each month, until nothing changes."""
    names = [f"q{int(100 * level)}" for level in LEVELS]
    found: dict[str, list[Figure]] = {name: [] for name in names}
    complete, first = False, 0
    final = items(trials, "enrolled_by_month", slice(-1, None))[:, 0]
    while (counts := items(trials, "enrolled_by_month", slice(first, first + AT_ONCE))).shape[1]:
        for month in counts.T:
            figures = montecarlo.quantiles(month, LEVELS, clusters)
            for name, figure in zip(names, figures, strict=True):
                found[name].append(figure)
            if complete:  # the month after the last in which anybody came is told as well
                return found
            complete = bool((month == final).all())
        first += AT_ONCE
    return found
