"""Operating characteristics: what a design does over many replicates, each with its error."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from raresim.analysis import Note
from raresim.study import montecarlo
from raresim.study.design_analysis import DesignAnalysis, design_analysis, patients_on_worse_arm
from raresim.study.montecarlo import Figure
from raresim.study.naive import naive
from raresim.study.tables import MONTHS
from raresim.trial.scenario import Scenario

if TYPE_CHECKING:
    import pandas as pd

Floats = npt.NDArray[np.float64]
LEVELS = (0.1, 0.5, 0.9)


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
    trials: pd.DataFrame,
    analyses: pd.DataFrame,
    truth: dict[str, Floats],
) -> Summary:
    """Return the operating characteristics of a simulated scenario."""
    clusters = trials["draw"].to_numpy()
    rejected = rejections(scenario, trials, analyses)
    success = scenario.spec.analysis.success
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
        draws=len(np.unique(clusters)),
        success=montecarlo.proportion(rejected[success], clusters),
        success_estimand=success,
        chance_of_benefit=_chance_of_benefit(scenario, success, truth[success]),
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


def successes(
    scenario: Scenario, trials: pd.DataFrame, analyses: pd.DataFrame
) -> npt.NDArray[np.bool_]:
    """Return whether each replicate meets the scenario's success criterion."""
    return rejections(scenario, trials, analyses)[scenario.spec.analysis.success]


def _chance_of_benefit(scenario: Scenario, name: str, truth: Floats) -> Figure | None:
    """Return in how many drawn truths the treatment helps at all: the ceiling of assurance."""
    if scenario.spec.truth.uncertainty not in ("effect", "all"):
        return None
    side = scenario.better(scenario.spec.analysis.estimands[name].outcome)
    apart = truth - scenario.goal(name)
    helps = apart < 0 if side == "less" else apart > 0
    return montecarlo.proportion(helps, np.arange(len(truth)))


def rejections(
    scenario: Scenario, trials: pd.DataFrame, analyses: pd.DataFrame
) -> dict[str, npt.NDArray[np.bool_]]:
    """Return by estimand whether each replicate rejects, in the fixed sequence if there is one."""
    found = {}
    for name in scenario.spec.analysis.estimands:
        mine = analyses[(analyses["estimand"] == name) & analyses["rejected"]]
        found[name] = trials["replicate"].isin(mine["replicate"]).to_numpy()
    allowed = np.ones(len(trials), bool)
    for name in scenario.spec.analysis.order:
        found[name] = found[name] & allowed
        allowed = found[name]
    return found


def _estimand(
    scenario: Scenario,
    name: str,
    trials: pd.DataFrame,
    analyses: pd.DataFrame,
    truth: Floats,
    rejected: npt.NDArray[np.bool_],
) -> EstimandSummary:
    clusters = trials["draw"].to_numpy()
    mine = analyses[analyses["estimand"] == name]
    last = mine.groupby("replicate", sort=True).tail(1).set_index("replicate")
    last = last.reindex(trials["replicate"])
    analysed = last["used"].notna().to_numpy()
    failed = analysed & ~last["converged"].eq(True).to_numpy()  # missing where not analysed
    true = _truth_by_replicate(scenario, truth, clusters)
    estimate = last["estimate"].to_numpy(np.float64)
    low, high = last["ci_low"].to_numpy(np.float64), last["ci_high"].to_numpy(np.float64)
    covered = np.where(np.isnan(estimate), np.nan, (low <= true) & (true <= high))
    measure = {"hazard ratio": "log hazard ratio", "rate ratio": "log rate ratio"}
    estimand = scenario.spec.analysis.estimands[name]
    at = {
        str(milestone): montecarlo.proportion(
            trials["replicate"].isin(part.loc[part["rejected"], "replicate"]).to_numpy(), clusters
        )
        for milestone, part in mine.groupby("milestone", sort=False)
    }
    return EstimandSummary(
        rejected=montecarlo.proportion(rejected, clusters),
        rejected_bounds=(float(np.mean(rejected)), float(np.mean(rejected | failed))),
        rejected_at={m: at[m] for m in scenario.milestones if m in at},
        between_truths=_between(scenario, rejected, clusters),
        analysed=montecarlo.proportion(analysed, clusters),
        not_converged=montecarlo.proportion(failed, clusters),
        truth=montecarlo.mean(truth, np.arange(len(truth))),
        measure=measure.get(estimand.summary, estimand.summary),
        estimate=montecarlo.mean(estimate, clusters),
        estimate_sd=montecarlo.spread(estimate, clusters),
        mean_se=montecarlo.mean(last["se"].to_numpy(np.float64), clusters),
        bias=_bias(scenario, estimate, true, truth, clusters),
        coverage=montecarlo.proportion(covered, clusters),
        alpha=scenario.spec.analysis.methods[name].alpha,
        if_rejected=design_analysis(
            last, true, rejected, scenario.better(estimand.outcome), clusters, scenario.goal(name)
        ),
        naive=naive(estimand, scenario.spec.analysis.methods[name]),
        notes=_notes(last, clusters),
    )


def _between(
    scenario: Scenario, rejected: npt.NDArray[np.bool_], clusters: npt.NDArray[np.int64]
) -> Figure | None:
    if scenario.spec.truth.uncertainty == "fixed":
        return None
    return montecarlo.between(rejected, clusters)


def _truth_by_replicate(
    scenario: Scenario, truth: Floats, clusters: npt.NDArray[np.int64]
) -> Floats:
    """Return the true value of each replicate: that of its draw, or the one there is."""
    if scenario.spec.truth.uncertainty == "fixed":
        return np.full(len(clusters), float(np.mean(truth)))
    return truth[clusters]


def _bias(
    scenario: Scenario,
    estimate: Floats,
    true: Floats,
    truth: Floats,
    clusters: npt.NDArray[np.int64],
) -> Figure:
    """Return the mean error; where the truth is one number, its own Monte Carlo error is added."""
    found = montecarlo.mean(estimate - true, clusters)
    if scenario.spec.truth.uncertainty != "fixed" or found.mcse is None:
        return found
    own = montecarlo.mean(truth, np.arange(len(truth))).mcse or 0.0
    return Figure(found.value, float(np.hypot(found.mcse, own)), found.replicates)


def _notes(last: pd.DataFrame, clusters: npt.NDArray[np.int64]) -> dict[str, Figure]:
    """Return each note of the fits with the share of replicates that carry it."""
    flags = last["notes"].fillna(0).to_numpy().astype(np.int64)
    carried = {note: (flags & note.value) > 0 for note in Note}
    return {
        " ".join(note.sentences()): montecarlo.proportion(where, clusters)
        for note, where in carried.items()
        if where.any()
    }


def with_worse_arm(scenario: Scenario, trials: pd.DataFrame, truth: Floats) -> pd.DataFrame:
    """Add the number of patients on the arm that is truly worse for the success criterion."""
    if not scenario.controlled:
        return trials
    success = scenario.spec.analysis.success
    true = _truth_by_replicate(scenario, truth, trials["draw"].to_numpy())
    side = scenario.better(scenario.spec.analysis.estimands[success].outcome)
    control, treated = (scenario.arms[number] for number in scenario.pair(success))
    worse = patients_on_worse_arm(trials, (control, treated), true, side)
    return trials.assign(patients_on_worse_arm=worse)


def _trial(trials: pd.DataFrame, clusters: npt.NDArray[np.int64]) -> dict[str, dict[str, Figure]]:
    """Return mean and quantiles of every number that a trial has."""
    skip = {"replicate", "draw", "ended_at", "enrolled_by_month"}
    found: dict[str, dict[str, Figure]] = {}
    for column in trials.columns:
        if column in skip:
            continue
        values = trials[column].to_numpy(np.float64)
        found[str(column)] = {"mean": montecarlo.mean(values, clusters)} | {
            f"q{int(100 * level)}": montecarlo.quantile(values, level, clusters) for level in LEVELS
        }
    for milestone, share in _shares(trials["ended_at"].to_numpy(), clusters).items():
        found[f"ended_at.{milestone}"] = {"mean": share}
    return found


def _shares(ended: npt.NDArray[Any], clusters: npt.NDArray[np.int64]) -> dict[str, Figure]:
    return {str(m): montecarlo.proportion(ended == m, clusters) for m in sorted(set(ended))}


def _enrolment(trials: pd.DataFrame, clusters: npt.NDArray[np.int64]) -> dict[str, list[Figure]]:
    """Return the band of patients randomised by the end of each month, until nothing changes."""
    counts = np.array(trials["enrolled_by_month"].to_list())
    assert counts.shape[1] == MONTHS + 1
    months = int(np.argmax((counts == counts[:, -1:]).all(axis=0))) + 1
    return {
        f"q{int(100 * level)}": [
            montecarlo.quantile(column, level, clusters) for column in counts.T[: months + 1]
        ]
        for level in LEVELS
    }
