"""What a significant result would be worth: exaggeration, wrong sign, the least that rejects.

Source: Gelman & Carlin, Beyond power calculations: assessing type S (sign) and type M (magnitude)
errors, Perspectives on Psychological Science 2014;9:641-651.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from raresim.study import montecarlo
from raresim.study.columns import Columns
from raresim.study.montecarlo import NOTHING, Clusters, Figure
from raresim.trial.scenario import Scenario

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class DesignAnalysis:
    """What to make of a rejection, on the scale of the estimand's measure.

    Attributes
    ----------
    exaggeration
        Type M: mean size of the estimates that reject over the mean true size in those trials.
        Nothing where there is no true effect.
    wrong_sign
        Type S: share of rejections in which the true effect is not on the side that was found.
    least_significant
        Median over trials of the estimate that would just reject: critical value times SE.
    """

    exaggeration: Figure
    wrong_sign: Figure
    least_significant: Figure


def design_analysis(
    last: Mapping[str, Any],
    true: Floats,
    rejected: npt.NDArray[np.bool_],
    side: Literal["less", "greater"],
    clusters: Clusters,
    goal: float = 0.0,
) -> DesignAnalysis:
    """Return the design analysis of one estimand.

    Parameters
    ----------
    last
        Columns of the last analysis of each replicate, in the order of the replicates.
    true
        The true value of each replicate.
    rejected
        Whether each replicate rejects.
    side
        On which side of zero the benefit lies.
    clusters
        The draw of each replicate.
    goal
        What one arm is held against; effects are then what it is apart from that.
    """
    estimate, true = np.asarray(last["estimate"], np.float64) - goal, true - goal
    good = -1.0 if side == "less" else 1.0
    counted = rejected & ~np.isnan(estimate)
    wrong = np.where(rejected, (good * true < 0).astype(np.float64), np.nan)
    critical, se = (np.asarray(last[key], np.float64) for key in ("critical", "se"))
    least = good * critical * se
    least = goal + least
    least = np.where(np.isfinite(least), least, np.nan)
    return DesignAnalysis(
        exaggeration=_ratio_of_means(np.abs(estimate), np.abs(true), counted, clusters),
        wrong_sign=montecarlo.proportion(wrong, clusters) if rejected.any() else NOTHING,
        least_significant=montecarlo.quantile(least, 0.5, clusters),
    )


def _ratio_of_means(
    over: Floats, under: Floats, counted: npt.NDArray[np.bool_], clusters: Clusters
) -> Figure:
    """Return mean(over) / mean(under), its error that of (over - ratio under) / mean(under)."""
    if not counted.any():
        return NOTHING
    x, y, group = over[counted], under[counted], clusters[counted]
    centre = float(np.mean(y))
    if centre < 1e-3:  # no effect to exaggerate
        return NOTHING
    ratio = float(np.mean(x)) / centre
    return Figure(ratio, montecarlo.mean((x - ratio * y) / centre, group).mcse, int(counted.sum()))


def patients_on_worse_arm(
    trials: Columns, arms: tuple[str, str], true: Floats, side: Literal["less", "greater"]
) -> Floats:
    """Return each trial's patients on the arm that is truly worse, none where arms are equal.

    `arms` are the two that the success criterion compares; patients of others are not counted.
    """
    good = -1.0 if side == "less" else 1.0
    control, treated = (np.asarray(trials[f"{arm}.patients"], np.float64) for arm in arms)
    helped = good * true
    return np.where(helped > 1e-3, control, np.where(helped < -1e-3, treated, 0.0))


def on_worse_arm(
    scenario: Scenario, trials: Columns, clusters: Clusters, truth: Floats
) -> Floats | None:
    """Return each trial's patients on the arm that is truly worse; None where no two arms decide.

    `trials` gives the patients of each arm, `truth` the true value of the success criterion.
    """
    success = scenario.spec.analysis.primary
    if not scenario.two_arms_decide:
        return None
    true = truth_by_replicate(scenario, truth, clusters)
    side = scenario.better(scenario.spec.analysis.estimands[success].outcome)
    control, treated = (scenario.arms[number] for number in scenario.pair(success))
    return patients_on_worse_arm(trials, (control, treated), true, side)


def truth_by_replicate(scenario: Scenario, truth: Floats, clusters: Clusters) -> Floats:
    """Return the true value of each replicate: that of its draw, or the one there is."""
    if scenario.spec.truth.uncertainty == "fixed":
        return np.full(len(clusters), float(np.mean(truth)))
    return truth[clusters]
