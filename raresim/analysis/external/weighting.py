"""Comparison of two arms, weighted by the propensity score."""

import numpy as np

from raresim.analysis.arrays import (
    BoolArray,
    CodeArray,
    FloatArray,
    ordered_sum,
    patients_per_arm,
)
from raresim.analysis.designs import column_sums
from raresim.analysis.external.weights import (
    Estimand,
    effective_patients,
    propensity_model,
    weights_and_slopes,
)
from raresim.analysis.left_out import left_out
from raresim.analysis.notes import Note
from raresim.analysis.result import Results, wald_results
from raresim.analysis.small_matrices import inverse, times

FEW = 40.0  # effective patients in an arm; see the sizes in `propensity_weighted`


def propensity_weighted(
    outcome: FloatArray,
    covariates: FloatArray,
    arm: CodeArray,
    present: BoolArray,
    estimand: Estimand = "att",
) -> Results:
    """Estimate the difference of means by propensity score weighting, treated - control.

    Logistic regression of the arm on the covariates; the weighted means are divided by the sum
    of their weights (Hajek). The variance is the sandwich of the stacked estimating equations
    of scores and means: it knows that the weights were estimated. The divisor is n (HC0), and
    the normal distribution is used. For a 0/1 outcome the difference is one of probabilities.

    Simulated two-sided size in per cent at the nominal 5 %, total n, two normal covariates that
    steer arm (log odds 0.6 per sd of the first) and outcome (R^2 about 0.55), 3,000 trials (Monte
    Carlo se 0.4; a fit that did not converge does not reject):

        total n      12    20    40    60   120   200
        ate        18.5  12.7   8.3   5.9   6.0   5.3
        att        17.7  12.3   8.1   7.3   5.8   6.1
        overlap    22.2  12.6   8.0   6.3   5.6   4.9

    With fewer than 40 effective patients in an arm the note FEW_EFFECTIVE_PATIENTS is attached:
    matched sets (`propensity_matched`), or covariance analysis, keep the level there.

    Parameters
    ----------
    outcome
        (B, n), NaN if missing.
    covariates
        (B, n, p) of before treatment, NaN if missing.
    arm
        (B, n) 0 control (external or concurrent), 1 treated.
    present
        (B, n) False for padding.
    estimand
        "ate", "att" or "overlap"; see `propensity_weights`.

    Raises
    ------
    InputError
        If the estimand is not known.

    References
    ----------
    Lunceford JK, Davidian M. Stat Med 2004;23:2937-2960; Li F, Morgan KL, Zaslavsky AM. J Am
    Stat Assoc 2018;113:390-400; Stefanski LA, Boos DD. Am Stat 2002;56:29-38.

    Examples
    --------
    >>> age = np.array([[[1.0], [1.0], [1.0], [1.0], [2.0], [2.0], [2.0], [2.0]]])
    >>> arm = np.array([[0, 0, 0, 1, 0, 1, 1, 1]])
    >>> outcome = np.array([[1.0, 2.0, 0.0, 3.0, 4.0, 5.0, 7.0, 6.0]])
    >>> propensity_weighted(outcome, age, arm, np.ones((1, 8), dtype=bool)).row(0)
    propensity score weighting (att): weighted difference of means 2 (95 % CI 1.27 to 2.73)
      se 0.3727, z = 5.367, p = 8.025e-08, 8 patients
      Fewer than 40 effective patients in an arm: ...
    """
    no_outcome = present & np.isnan(outcome)
    no_covariate = present & np.any(np.isnan(covariates), axis=2)
    used = present & ~no_outcome & ~no_covariate
    y = np.where(used, outcome, 0.0)
    data, model, fitted = propensity_model(arm, covariates, used)
    scores, x = model.chance, data.by_patient
    undone, _ = inverse(model.information)
    weight, slope = weights_and_slopes(scores, arm, estimand)
    score = np.where(used, (arm == 1) - scores, 0.0)
    parts = []
    for group in (1, 0):
        who = used & (arm == group)
        parts.append(_mean(y, x, np.where(who, weight, 0.0), np.where(who, slope, 0.0)))
    bend = times(undone, parts[0][2] - parts[1][2])
    influence = parts[0][1] - parts[1][1] + times(x, bend) * score
    sizes = patients_per_arm(arm, used)
    both = (sizes[0] > 0) & (sizes[1] > 0)
    effective = [
        effective_patients(np.where(used & (arm == group), weight, 0.0)) for group in (0, 1)
    ]
    few = fitted & (np.minimum(*effective) < FEW)
    return wald_results(
        method=f"propensity score weighting ({estimand})",
        measure="weighted difference of means",
        estimate=parts[0][0] - parts[1][0],
        se=np.sqrt(ordered_sum(influence * influence)),
        converged=both & fitted,
        used=np.count_nonzero(used, axis=1),
        notes=Note.ONE_ARM_EMPTY * ~both
        + Note.NO_OVERLAP * (both & ~fitted)
        + Note.FEW_EFFECTIVE_PATIENTS * (both & few),
        left_out=left_out(outcome=no_outcome, covariate=no_covariate),
    )


def _mean(
    y: FloatArray, x: FloatArray, weight: FloatArray, slope: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Give a weighted mean, its influences and its derivative by the coefficients."""
    total = ordered_sum(weight)
    total = np.where(total > 0.0, total, 1.0)
    mean = ordered_sum(weight * y) / total
    away = (y - mean[:, None]) / total[:, None]
    return mean, weight * away, column_sums(x, slope * away)
