"""Mean and variance of the log-rank test's score under an alternative, for one patient in all."""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from raresim.analysis.arrays import FloatArray
from raresim.analysis.sizing.course import Course, course
from raresim.analysis.sizing.hazards import SurvivalTrial

Weight = Literal["none", "gehan", "tarone-ware"] | tuple[float, float]
WEIGHTS = ("none", "gehan", "tarone-ware")


@dataclass(frozen=True)
class Score:
    """Limits of the log-rank score (observed less expected events of the treated) over n.

    Attributes
    ----------
    mean
        Of the score: below 0 where the treated have less hazard.
    local_mean
        The same for small log hazard ratios, which stand in it for the hazards' difference.
    variance
        What the test's hypergeometric variance goes to.
    spread
        The score's own variance, in blocks of randomisation that fix the arms' sizes.
    """

    mean: float
    local_mean: float
    variance: float
    spread: float


def score(trial: SurvivalTrial, weight: Weight = "none") -> Score:
    """Integrate the log-rank score of a trial.

    With p(x) the treated share of those at risk, pi all at risk, l1, l0 the hazards and l the
    pooled one,

        mean = int pi p (1 - p) (l1 - l0) dx, variance = int pi p (1 - p) l dx,
        local mean = int pi p (1 - p) l log(l1 / l0) dx,

    and the score is, up to what vanishes with n, a sum over patients of
    int (z - p) (dN - Y l dx), z being 1 for the treated and 0 for a control; its variance within
    the arms is `spread`. A weighted test has its weight under each integral, squared in the
    variance.

    References
    ----------
    Lakatos E. Biometrics 1988;44:229-241. Luo X, Mao X, Chen X, Qiu J, Bai S, Quan H. Stat Med
    2019;38:1848-1866. Yung G, Liu Y. Biometrics 2020;76:939-950.
    """
    path = course(trial)
    at_risk, share = path.at_risk_0 + path.at_risk_1, path.treated_share
    mixed = at_risk * share * (1.0 - share)
    weights = _weights(trial, path, weight)
    # variances within the arms, weighted by the arms' shares: at_risk_* holds these already
    control = _within(path, -weights * share, path.at_risk_0, path.hazard_0, 1.0 - trial.share)
    treated = _within(path, weights * (1.0 - share), path.at_risk_1, path.hazard_1, trial.share)
    logs = log_ratio(path.hazard_1, path.hazard_0)
    return Score(
        mean=path.integral(weights * mixed * (path.hazard_1 - path.hazard_0)),
        local_mean=path.integral(weights * mixed * path.pooled_hazard * logs),
        variance=path.integral(weights**2 * mixed * path.pooled_hazard),
        spread=control + treated,
    )


def _weights(trial: SurvivalTrial, path: Course, weight: Weight) -> FloatArray:
    """Give the limit of a test's weight at each node, up to a factor.

    Fleming and Harrington's pooled survival goes to the arms' survival in their shares (exactly
    so where drop-out is the same in both).
    """
    if isinstance(weight, tuple):
        treated = np.exp(-trial.treated.cumulative(path.time))
        control = np.exp(-trial.control.cumulative(path.time))
        survival = trial.share * treated + (1.0 - trial.share) * control
        weights: FloatArray = survival ** weight[0] * (1.0 - survival) ** weight[1]
        return weights
    at_risk = path.at_risk_0 + path.at_risk_1
    powers = {"none": 0.0, "gehan": 1.0, "tarone-ware": 0.5}
    return at_risk ** powers[weight]


def log_ratio(first: FloatArray, second: FloatArray) -> FloatArray:
    """Give log(first / second), 0 where either is 0 (NaN would spread to what has weight 0).

    >>> log_ratio(np.array([1.0, 0.0]), np.array([1.0, 2.0])).tolist()
    [0.0, 0.0]
    """
    there = (first > 0.0) & (second > 0.0)
    return np.log(np.where(there, first, 1.0) / np.where(there, second, 1.0))


def _within(
    path: Course, weight: FloatArray, at_risk: FloatArray, hazard: FloatArray, of_all: float
) -> float:
    """Variance of int weight (dN - Y pooled dx) within one arm, times the arm's share.

    A patient's sum is weight at his event less R at the end of his time at risk, R the running
    integral of weight x pooled hazard. E[sum^2] = int weight^2 h - 2 R (weight h - R') with h
    the density of events and R' = weight pooled.
    """
    density = at_risk * hazard
    steps = weight * path.pooled_hazard
    running = path.running(steps)
    squares = path.integral(weight * weight * density)
    squares += 2.0 * path.integral(running * (steps * at_risk - weight * density))
    mean = path.integral(weight * density - steps * at_risk) / of_all
    return squares - of_all * mean * mean


def average_hazard_ratio(trial: SurvivalTrial) -> tuple[float, float, float]:
    """Give the log of the average hazard ratio and its information under both hypotheses.

    In each piece of time since entry in which both hazards are constant, d0 and d1 events are
    expected. The logarithms are averaged with weights d0 + d1; the information under the
    alternative is the sum over pieces of 1 / (1/d0 + 1/d1), under the null hypothesis
    w (1 - w) of all events, w the treated share; for one patient in all.

    References
    ----------
    Kalbfleisch JD, Prentice RL. Biometrika 1981;68:105-112. Schemper M, Wakounig S, Heinze G.
    Stat Med 2009;28:2473-2489.
    """
    path = course(trial)
    starts = sorted({0.0, *trial.control.starts, *trial.treated.starts})
    logs, information, everything = [], [], []
    for start, end in zip(starts, [*starts[1:], math.inf], strict=True):
        inside = (path.time > start) & (path.time < end)
        if not inside.any():
            continue
        control = path.integral(path.at_risk_0 * path.hazard_0 * inside)
        treated = path.integral(path.at_risk_1 * path.hazard_1 * inside)
        ratio = float(trial.treated.at(start) / trial.control.at(start))
        logs.append(math.log(ratio) * (control + treated))
        information.append(control * treated / (control + treated))
        everything.append(control + treated)
    events = math.fsum(everything)
    null = events * trial.share * (1.0 - trial.share)
    return math.fsum(logs) / events, math.fsum(information), null
