"""Comparisons with patients weighted to given means: entropy balancing and MAIC."""

from typing import Literal

import numpy as np

from raresim.analysis.arrays import (
    BoolArray,
    CodeArray,
    FloatArray,
    ordered_sum,
    patients_per_arm,
)
from raresim.analysis.designs import column_sums, cross_products
from raresim.analysis.external.tilting import tilted_weights
from raresim.analysis.external.weighting import FEW
from raresim.analysis.external.weights import effective_patients
from raresim.analysis.left_out import left_out
from raresim.analysis.notes import Note
from raresim.analysis.result import Results, wald_results
from raresim.analysis.small_matrices import inverse, times
from raresim.errors import InputError

Measure = Literal["mean difference", "log odds ratio", "log risk ratio"]


def entropy_balanced(
    outcome: FloatArray,
    covariates: FloatArray,
    arm: CodeArray,
    present: BoolArray,
    *,
    moments: int = 1,
) -> Results:
    """Estimate the difference of means with controls weighted to the treated (att).

    The controls' weights change as little as possible (in entropy, from equal weights) so that
    their weighted covariate means are those of the treated, and with two moments their means of
    squares too. The variance is the sandwich of the stacked estimating equations of target,
    weights and means, divisor n, normal distribution.

    Simulated two-sided size in per cent at the nominal 5 %, as in `propensity_weighted` (total n
    and size): 12: 7.9, 20: 9.8, 40: 9.6, 60: 7.9, 120: 6.8, 200: 5.5. At 12 patients only half of
    the tables can be balanced at all. With fewer than 40 effective patients in an arm the note
    FEW_EFFECTIVE_PATIENTS is attached.

    Parameters
    ----------
    outcome, covariates, arm, present
        As in `propensity_weighted`.
    moments
        1: balance means; 2: means and variances (not for 0/1 covariates, whose squares are
        themselves).

    Raises
    ------
    InputError
        If moments are neither 1 nor 2.

    References
    ----------
    Hainmueller J. Polit Anal 2012;20:25-46; Zhao Q, Percival D. J Causal Inference
    2017;5:20160010.

    Examples
    --------
    >>> age = np.array([[[1.0], [2.0], [3.0], [5.0], [2.0], [4.0], [3.0], [4.0]]])
    >>> arm = np.array([[0, 0, 0, 0, 1, 1, 1, 1]])
    >>> outcome = np.array([[1.0, 3.0, 2.0, 6.0, 4.0, 7.0, 5.0, 8.0]])
    >>> entropy_balanced(outcome, age, arm, np.ones((1, 8), dtype=bool)).row(0)
    entropy balancing: weighted difference of means 2.412 (95 % CI 1.39 to 3.434)
      se 0.5215, z = 4.625, p = 3.752e-06, 8 patients
      Fewer than 40 effective patients in an arm: ...
    """
    no_outcome = present & np.isnan(outcome)
    no_covariate = present & np.any(np.isnan(covariates), axis=2)
    used = present & ~no_outcome & ~no_covariate
    x = with_moments(np.where(used[:, :, None], covariates, 0.0), moments)
    y = np.where(used, outcome, 0.0)
    treated, controls = used & (arm == 1), used & (arm != 1)
    sizes = patients_per_arm(arm, used)
    both = (sizes[0] > 0) & (sizes[1] > 0)
    number = np.maximum(sizes[1], 1)[:, None]
    target = column_sums(x, np.where(treated, 1.0, 0.0)) / number
    weight, met = tilted_weights(x, target, controls & both[:, None])
    weight = np.where(met[:, None], weight, 0.0)
    centred = np.where(used[:, :, None], x - target[:, None, :], 0.0)
    mean, influence, pull, regular = _arm_mean(y, centred, weight, controls)
    own = ordered_sum(np.where(treated, y, 0.0)) / number[:, 0]
    influence = np.where(treated, (y - own[:, None]) / number, 0.0) - influence
    # the target was estimated from the treated: where it moves, so do weights and mean
    total = ordered_sum(weight)[:, None]
    influence = influence - np.where(treated, times(centred, pull) * total / number, 0.0)
    answered = both & met & regular
    few = answered & (np.minimum(effective_patients(weight), sizes[1]) < FEW)
    return wald_results(
        method="entropy balancing",
        measure="weighted difference of means",
        estimate=own - mean,
        se=np.sqrt(ordered_sum(influence * influence)),
        converged=answered,
        used=np.count_nonzero(used, axis=1),
        notes=Note.ONE_ARM_EMPTY * ~both
        + Note.SUMMARY_OUT_OF_REACH * (both & ~answered)
        + Note.FEW_EFFECTIVE_PATIENTS * few,
        left_out=left_out(outcome=no_outcome, covariate=no_covariate),
    )


def matching_adjusted(
    outcome: FloatArray,
    covariates: FloatArray,
    present: BoolArray,
    target: FloatArray,
    other: tuple[float, float],
    arm: CodeArray | None = None,
    *,
    measure: Measure = "mean difference",
    known_weights: bool = False,
) -> Results:
    """Compare own patients with a published result, adjusted to its population (MAIC).

    Own patients are weighted so that their covariate means are those published (variances are
    matched by giving squares as covariates and mean^2 + sd^2 as targets: `published_moments`).
    Unanchored (no `arm`): the weighted mean outcome less the published one. Anchored: the
    weighted comparison of the own arms less the published comparison with the same control.

    The variance adds the published se^2 to the sandwich variance of the own estimate: stacked,
    knowing that the weights were estimated for a fixed target, or as with known weights
    (`known_weights`, Signorovitch's robust se). Unanchored comparisons are biased by every
    prognostic covariate that is not balanced.

    Simulated two-sided size in per cent at the nominal 5 %, published means 0.4 and 0.2 sd away,
    published result known exactly (50,000 trials, se 0.1), total n:

        total n                                          12    20    40    60
        unanchored, normal outcome                     23.0  14.2   8.8   7.3
        unanchored, log-normal outcome                 38.1  29.2  20.6  17.2
        unanchored, known weights, normal outcome       5.5   2.9   1.2   0.8
        unanchored, known weights, log-normal outcome  25.6  21.2  16.1  13.5
        anchored, normal outcome, one covariate        19.2  13.0   8.8   7.4
        anchored, log-normal outcome, one covariate    27.3  18.4   9.5   7.2

    For a log-normal outcome it is still 8 % at 800 patients (2,000 trials, se 0.5):
    PUBLISHED_MEAN_ALONE is attached to every unanchored result. With fewer than 40 effective
    patients in an arm the note FEW_EFFECTIVE_PATIENTS is attached.

    Parameters
    ----------
    outcome
        (B, n), NaN if missing; 0 and 1 for ratios.
    covariates
        (B, n, p), NaN if missing.
    present
        (B, n) False for padding.
    target
        (p,) or (B, p) published means.
    other
        Published estimate and its standard error on the scale of the measure: of the arm
        (mean, log odds, log risk) if unanchored, of the comparison if anchored.
    arm
        (B, n) 0 common control, 1 treated, if anchored.
    measure
        "mean difference", "log odds ratio" or "log risk ratio".
    known_weights
        Whether the variance takes the weights as known.

    Raises
    ------
    InputError
        If the measure is not known or the published standard error is negative.

    References
    ----------
    Signorovitch JE et al. Pharmacoeconomics 2010;28:935-945; Phillippo DM et al. NICE Decision
    Support Unit technical support document 18, 2016; Cheng D, Ayyagari R, Signorovitch J. Ann
    Appl Stat 2020;14:1806-1833 (variance).

    Examples
    --------
    >>> age = np.array([[[40.0], [45.0], [50.0], [55.0], [60.0], [65.0]]])
    >>> outcome = np.array([[1.0, 2.0, 2.0, 3.0, 5.0, 4.0]])
    >>> everyone = np.ones((1, 6), dtype=bool)
    >>> matching_adjusted(outcome, age, everyone, np.array([57.0]), (2.0, 0.5)).row(0)
    MAIC, unanchored: mean difference 1.459 (95 % CI 0.2896 to 2.629)
      se 0.5968, z = 2.445, p = 0.01448, 6 patients
      Fewer than 40 effective patients in an arm: ...
    """
    if measure not in ("mean difference", "log odds ratio", "log risk ratio"):
        raise InputError(f"measure: found {measure!r}; expected a mean difference or a log ratio.")
    if len(other) != 2 or not (np.isfinite(other[0]) and other[1] >= 0.0):
        raise InputError(f"other: found {other}; expected an estimate and its standard error.")
    no_outcome = present & np.isnan(outcome)
    no_covariate = present & np.any(np.isnan(covariates), axis=2)
    used = present & ~no_outcome & ~no_covariate
    target = np.broadcast_to(target, (len(present), covariates.shape[2]))
    x = np.where(used[:, :, None], covariates, 0.0)
    weight, met = tilted_weights(x, target, used)
    weight = np.where(met[:, None], weight, 0.0)
    centred = np.where(used[:, :, None], x - target[:, None, :], 0.0)
    y = np.where(used, outcome, 0.0)
    groups = [used] if arm is None else [used & (arm == 1), used & (arm != 1)]
    estimate, influence = np.zeros(len(present)), np.zeros(present.shape)
    regular, few = met.copy(), np.zeros(len(present), dtype=np.bool_)
    for sign, who in zip((1.0, -1.0), groups, strict=False):
        mean, bends, _, here = _arm_mean(y, centred, weight, who, known_weights)
        value, slope, possible = _linked(mean, measure)
        estimate = estimate + sign * value
        influence = influence + sign * slope[:, None] * bends
        regular &= here & possible
        few |= effective_patients(np.where(who, weight, 0.0)) < FEW
    empty = ~np.logical_and.reduce([np.any(who, axis=1) for who in groups])
    return wald_results(
        method=f"MAIC, {'unanchored' if arm is None else 'anchored'}",
        measure=measure,
        estimate=estimate - other[0],
        se=np.sqrt(ordered_sum(influence * influence) + other[1] ** 2),
        converged=regular & ~empty,
        used=np.count_nonzero(used, axis=1),
        notes=Note.ONE_ARM_EMPTY * empty
        + Note.SUMMARY_OUT_OF_REACH * (~empty & ~met)
        + Note.NO_EVENTS_IN_ONE_ARM * (~empty & met & ~regular)
        + Note.FEW_EFFECTIVE_PATIENTS * (~empty & met & few)
        + Note.PUBLISHED_MEAN_ALONE * (~empty & met & (arm is None)),
        left_out=left_out(outcome=no_outcome, covariate=no_covariate),
    )


def with_moments(covariates: FloatArray, moments: int) -> FloatArray:
    """Put the squares of the covariates (B, n, p) behind them, where two moments are wanted.

    Raises
    ------
    InputError
        If moments are neither 1 nor 2.

    Examples
    --------
    >>> with_moments(np.array([[[3.0]]]), 2)
    array([[[3., 9.]]])
    """
    if moments not in (1, 2):
        raise InputError(f"moments: found {moments!r}; expected 1 or 2.")
    if moments == 1:
        return covariates
    return np.concatenate((covariates, covariates * covariates), axis=2)


def published_moments(mean: FloatArray, sd: FloatArray) -> FloatArray:
    """Give the means of covariates and of their squares from published means and sds.

    Examples
    --------
    >>> published_moments(np.array([50.0]), np.array([10.0]))
    array([  50., 2600.])
    """
    return np.concatenate((mean, mean * mean + sd * sd))


def _arm_mean(
    y: FloatArray, centred: FloatArray, weight: FloatArray, who: BoolArray, known: bool = False
) -> tuple[FloatArray, FloatArray, FloatArray, BoolArray]:
    """Give an arm's weighted mean, everybody's influence on it, and how the weights pull it.

    Patients of all arms made the weights, so that all have an influence.
    """
    own = np.where(who, weight, 0.0)
    total = ordered_sum(own)
    total = np.where(total > 0.0, total, 1.0)
    mean = ordered_sum(own * y) / total
    away = own * (y - mean[:, None]) / total[:, None]
    if known:
        return mean, away, np.zeros(centred.shape[::2]), np.ones(len(total), dtype=np.bool_)
    undone, regular = inverse(cross_products(centred, weight))
    pull = times(undone, column_sums(centred, away))
    return mean, away - weight * times(centred, pull), pull, regular


def _linked(mean: FloatArray, measure: Measure) -> tuple[FloatArray, FloatArray, BoolArray]:
    """Give the mean on the scale of the measure, its derivative, and whether there is one."""
    if measure == "mean difference":
        return mean, np.ones(mean.shape), np.ones(mean.shape, dtype=np.bool_)
    top = np.inf if measure == "log risk ratio" else 1.0
    possible = (mean > 0.0) & (mean < top)
    p = np.where(possible, mean, 0.5)
    if measure == "log risk ratio":
        return np.log(p), 1.0 / p, possible
    return np.log(p / (1.0 - p)), 1.0 / (p * (1.0 - p)), possible
