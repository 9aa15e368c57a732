"""Weights that make groups of patients comparable, and how well they do it."""

from typing import Literal

import numpy as np

from raresim.analysis.arrays import BoolArray, CodeArray, FloatArray, ordered_sum
from raresim.analysis.logistic_fit import Design, Point, design, likelihood, maximise
from raresim.analysis.small_matrices import times
from raresim.errors import InputError

Estimand = Literal["ate", "att", "overlap"]
STEEPEST = 30.0  # log odds beyond which the covariates tell the arms apart


def propensity_scores(
    arm: CodeArray, covariates: FloatArray, used: BoolArray
) -> tuple[FloatArray, BoolArray]:
    """Give each patient's probability of being treated, by logistic regression.

    Parameters
    ----------
    arm
        (B, n) 0 control, 1 treated.
    covariates
        (B, n, p).
    used
        (B, n) who counts.

    Returns
    -------
    (B, n) scores, NaN where the fit failed, and (B,) whether it converged.

    References
    ----------
    Rosenbaum PR, Rubin DB. Biometrika 1983;70:41-55.

    Examples
    --------
    >>> arm = np.array([[0, 0, 0, 1, 0, 1, 1, 1]])
    >>> age = np.array([[[1.0], [1.0], [1.0], [1.0], [2.0], [2.0], [2.0], [2.0]]])
    >>> propensity_scores(arm, age, np.ones((1, 8), dtype=bool))[0].round(6)
    array([[0.25, 0.25, 0.25, 0.25, 0.75, 0.75, 0.75, 0.75]])
    """
    _, model, converged = propensity_model(arm, covariates, used)
    return np.where(converged[:, None], model.chance, np.nan), converged


def propensity_model(
    arm: CodeArray, covariates: FloatArray, used: BoolArray
) -> tuple[Design, Point, BoolArray]:
    """Fit the logistic regression of the arm on the covariates.

    Returns
    -------
    The columns, the likelihood where it is largest, and (B,) whether there is such a place and
    nobody's arm is as good as certain there: odds beyond e^30 leave nothing to weigh.
    """
    data = design(np.asarray(arm == 1, dtype=np.float64), covariates, used)
    beta, converged, _ = maximise(data)
    steepest = np.max(np.abs(times(data.by_patient, beta)), axis=1, initial=0.0)
    overlap = converged & (steepest <= STEEPEST)
    beta = np.where(overlap[:, None], beta, 0.0)
    return data, likelihood(data, beta, penalised=False), overlap


def propensity_weights(
    scores: FloatArray,
    arm: CodeArray,
    used: BoolArray,
    estimand: Estimand = "att",
    *,
    stabilised: bool = False,
) -> FloatArray:
    """Give the weights of patients with propensity scores e.

        ate       1/e treated, 1/(1 - e) control: the effect in everyone
        att       1 treated, e/(1 - e) control: the effect in those like the treated
        overlap   1 - e treated, e control: the effect where either arm was possible

    Parameters
    ----------
    scores, arm, used
        (B, n).
    estimand
        In whom the effect is wanted.
    stabilised
        Multiply the weights of each arm so that they add up to its number of patients (ate,
        att, overlap alike). It changes no weighted mean.

    Returns
    -------
    (B, n) weights, 0 for those not used.

    Raises
    ------
    InputError
        If the estimand is not known.

    References
    ----------
    Li F, Morgan KL, Zaslavsky AM. J Am Stat Assoc 2018;113:390-400; Robins JM, Hernan MA,
    Brumback B. Epidemiology 2000;11:550-560 (stabilised weights).

    Examples
    --------
    >>> everyone = np.ones((1, 2), dtype=bool)
    >>> propensity_weights(np.array([[0.2, 0.2]]), np.array([[0, 1]]), everyone, "att")
    array([[0.25, 1.  ]])
    """
    weight, _ = weights_and_slopes(scores, arm, estimand)
    weight = np.where(used, weight, 0.0)
    if stabilised:
        for group in (0, 1):
            who = used & (arm == group)
            total = ordered_sum(np.where(who, weight, 0.0))
            share = np.count_nonzero(who, axis=1) / np.where(total > 0.0, total, 1.0)
            weight = np.where(who, weight * share[:, None], weight)
    return weight


def weights_and_slopes(
    scores: FloatArray, arm: CodeArray, estimand: Estimand
) -> tuple[FloatArray, FloatArray]:
    """Give the weights and their derivatives by the linear predictor of the score."""
    treated = arm == 1
    odds = scores / (1.0 - scores)
    if estimand == "ate":
        return np.where(treated, 1.0 / scores, 1.0 + odds), np.where(treated, -1.0 / odds, odds)
    if estimand == "att":
        return np.where(treated, 1.0, odds), np.where(treated, 0.0, odds)
    if estimand == "overlap":
        slope = scores * (1.0 - scores)
        return np.where(treated, 1.0 - scores, scores), np.where(treated, -slope, slope)
    raise InputError(f"estimand: found {estimand!r}; expected 'ate', 'att' or 'overlap'.")


def effective_patients(weight: FloatArray) -> FloatArray:
    """Give Kish's effective sample size (sum w)^2 / sum w^2 of weights (B, n), as (B,).

    References
    ----------
    Kish L. Survey Sampling, Wiley 1965.

    Examples
    --------
    >>> effective_patients(np.array([[1.0, 1.0, 2.0, 0.0]])).round(6)
    array([2.666667])
    """
    square = ordered_sum(weight * weight)
    total = ordered_sum(weight)
    return np.where(square > 0.0, total * total / np.where(square > 0.0, square, 1.0), 0.0)


def standardised_differences(
    covariates: FloatArray,
    arm: CodeArray,
    used: BoolArray,
    weight: FloatArray | None = None,
    *,
    treated_only: bool = False,
) -> FloatArray:
    """Give the difference of (weighted) means, treated - control, in standard deviations.

    The denominator is the same before and after weighting: the square root of the mean of both
    arms' unweighted variances (divisor n - 1), or the treated arm's alone.

    Parameters
    ----------
    covariates
        (B, n, p).
    arm, used, weight
        (B, n); without weights everyone counts alike.
    treated_only
        Divide by the treated arm's standard deviation, as is usual for the att.

    Returns
    -------
    (B, p); NaN where a covariate does not vary, or an arm has fewer than two patients.

    References
    ----------
    Austin PC. Stat Med 2009;28:3083-3107.

    Examples
    --------
    >>> age = np.array([[[1.0], [2.0], [3.0], [4.0]]])
    >>> arm, everyone = np.array([[0, 0, 1, 1]]), np.ones((1, 4), dtype=bool)
    >>> standardised_differences(age, arm, everyone).round(6)
    array([[2.828427]])
    """
    weight = np.ones(arm.shape) if weight is None else weight
    means, variances = [], []
    for group in (0, 1):
        who = used & (arm == group)
        plain = _weighted_means(covariates, np.where(who, 1.0, 0.0))
        n = np.count_nonzero(who, axis=1)[:, None]
        squares = [
            ordered_sum(np.where(who, (covariates[:, :, j] - plain[:, None, j]) ** 2, 0.0))
            for j in range(covariates.shape[2])
        ]
        variances.append(np.stack(squares, axis=1) / np.where(n > 1, n - 1, 1) * (n > 1))
        means.append(_weighted_means(covariates, np.where(who, weight, 0.0)))
    spread = np.sqrt(variances[1] if treated_only else (variances[0] + variances[1]) / 2.0)
    known = spread > 0.0
    return np.where(known, (means[1] - means[0]) / np.where(known, spread, 1.0), np.nan)


def _weighted_means(covariates: FloatArray, weight: FloatArray) -> FloatArray:
    total = ordered_sum(weight)
    total = np.where(total > 0.0, total, np.nan)
    sums = [
        ordered_sum(np.where(weight > 0.0, covariates[:, :, j] * weight, 0.0)) / total
        for j in range(covariates.shape[2])
    ]
    return np.stack(sums, axis=1)
