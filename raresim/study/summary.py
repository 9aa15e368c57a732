"""Operating characteristics: what a design does over many replicates, each with its error."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from raresim.analysis import Note
from raresim.study import montecarlo
from raresim.study.claims import claims, success
from raresim.study.columns import Columns, LastRows, items
from raresim.study.design_analysis import DesignAnalysis, design_analysis, patients_on_worse_arm
from raresim.study.montecarlo import Clusters, Figure
from raresim.study.naive import naive
from raresim.study.stopping import Stopped
from raresim.study.tables import MONTHS
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


@dataclass(frozen=True)
class Summary:
    """Operating characteristics of one hypothesis of a scenario."""

    scenario: str
    question: str
    hypothesis: str
    is_null: bool
    uncertainty: str
    replicates: int
    stopped: Stopped | None
    draws: int
    success: Figure
    success_estimand: str
    chance_of_benefit: Figure | None
    estimands: dict[str, EstimandSummary]
    trial: dict[str, dict[str, Figure]]
    enrolment: dict[str, list[Figure]]

    def dict(self) -> dict[str, Any]:
        """Return plain data, ready for JSON."""
        return asdict(self)


def summarise(
    scenario: Scenario,
    hypothesis: str,
    trials: Columns,
    analyses: Columns,
    truth: dict[str, Floats],
    stopped: Stopped | None = None,
) -> Summary:
    """Return the operating characteristics of a simulated scenario."""
    clusters = np.asarray(trials["draw"])
    rejected = claims(scenario, trials, analyses)
    found = {
        name: _estimand(scenario, name, trials, analyses, truth[name], rejected[name])
        for name in scenario.spec.analysis.estimands
    }
    return Summary(
        scenario=scenario.stem,
        question=scenario.spec.question,
        hypothesis=hypothesis,
        is_null=scenario.is_null(hypothesis),
        uncertainty=scenario.spec.truth.uncertainty,
        replicates=len(trials),
        stopped=stopped,
        draws=len(np.unique(clusters)),
        success=montecarlo.proportion(success(scenario, rejected), clusters),
        success_estimand=" or ".join(scenario.spec.analysis.successes),
        chance_of_benefit=_chance_of_benefit(scenario, truth),
        estimands=found,
        trial=_trial(trials, clusters),
        enrolment=_enrolment(trials, clusters),
    )


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


def _chance_of_benefit(scenario: Scenario, truth: dict[str, Floats]) -> Figure | None:
    """Return in how many drawn truths the treatment helps at all: the ceiling of assurance."""
    if scenario.spec.truth.uncertainty not in ("effect", "all"):
        return None
    helps = np.logical_or.reduce(
        [_helps(scenario, name, truth[name]) for name in scenario.spec.analysis.successes]
    )
    return montecarlo.proportion(helps, np.arange(len(helps)))


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
    true = _truth_by_replicate(scenario, truth, clusters)
    estimate, low, high = last["estimate"], last["ci_low"], last["ci_high"]
    covered = np.where(np.isnan(low) | np.isnan(high), np.nan, (low <= true) & (true <= high))
    measure = {"hazard ratio": "log hazard ratio", "rate ratio": "log rate ratio"}
    estimand = scenario.spec.analysis.estimands[name]
    return EstimandSummary(
        rejected=montecarlo.proportion(rejected, clusters),
        rejected_bounds=(float(np.mean(rejected)), float(np.mean(rejected | failed))),
        rejected_at=_rejected_at(scenario, trials, analyses, name, clusters),
        between_truths=_between(scenario, rejected, clusters),
        analysed=montecarlo.proportion(analysed, clusters),
        not_converged=montecarlo.proportion(failed, clusters),
        truth=montecarlo.mean(truth, np.arange(len(truth))),
        measure=measure.get(estimand.summary, estimand.summary),
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


def _truth_by_replicate(scenario: Scenario, truth: Floats, clusters: Clusters) -> Floats:
    """Return the true value of each replicate: that of its draw, or the one there is."""
    if scenario.spec.truth.uncertainty == "fixed":
        return np.full(len(clusters), float(np.mean(truth)))
    return truth[clusters]


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


def on_worse_arm(
    scenario: Scenario, trials: Mapping[str, Any], clusters: Clusters, truth: Floats
) -> Floats | None:
    """Return each trial's patients on the arm that is truly worse; None where no two arms decide.

    `trials` gives the patients of each arm, `truth` the true value of the success criterion.
    """
    success = scenario.spec.analysis.primary
    if not scenario.two_arms_decide:
        return None
    true = _truth_by_replicate(scenario, truth, clusters)
    side = scenario.better(scenario.spec.analysis.estimands[success].outcome)
    control, treated = (scenario.arms[number] for number in scenario.pair(success))
    return patients_on_worse_arm(trials, (control, treated), true, side)


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
    complete = False
    final = items(trials, "enrolled_by_month", slice(MONTHS, MONTHS + 1))[:, 0]
    for first in range(0, MONTHS + 1, AT_ONCE):
        counts = items(trials, "enrolled_by_month", slice(first, first + AT_ONCE))
        for month in counts.T:
            for name, figure in zip(
                names, montecarlo.quantiles(month, LEVELS, clusters), strict=True
            ):
                found[name].append(figure)
            if complete:  # the month after the last in which anybody came is told as well
                return found
            complete = bool((month == final).all())
    return found
