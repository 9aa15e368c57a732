"""Comparison of two arms after matching on the propensity score."""

import numpy as np
from scipy.special import logit

from raresim.analysis.arrays import (
    BoolArray,
    CodeArray,
    FloatArray,
    IntArray,
    ordered_sum,
    patients_per_arm,
)
from raresim.analysis.external.weights import propensity_scores
from raresim.analysis.left_out import left_out
from raresim.analysis.notes import Note
from raresim.analysis.result import Results, wald_results
from raresim.errors import InputError


def propensity_matched(
    outcome: FloatArray,
    covariates: FloatArray,
    arm: CodeArray,
    present: BoolArray,
    *,
    controls: int = 1,
    caliper: float = 0.2,
) -> Results:
    """Estimate the difference of means in matched sets, treated - control (att).

    Greedy nearest neighbours on the logit of the propensity score, without replacement: the
    treated from the highest score to the lowest, in rounds of one control each; ties go to the
    patient who comes first in the table. Nobody is matched beyond the caliper; a treated patient
    with no control is left out, and the effect is then one in those who were matched.

    Variance: that of the differences within sets, (treated - mean of its controls), t with
    sets - 1 degrees of freedom. It takes the scores as known, which for the att of matched
    pairs is mostly conservative: simulated two-sided size in per cent at the nominal 5 %, 1:1, as
    in `propensity_weighted` (1,000 trials, se 0.7), total n and size: 12: 2.0, 20: 3.5, 40: 3.7,
    60: 3.3, 120: 4.3, 200: 5.8.

    Parameters
    ----------
    outcome, covariates, arm, present
        As in `propensity_weighted`.
    controls
        At most so many for each treated patient (1:k).
    caliper
        Farthest distance, in standard deviations of the logit (root of the mean of both arms'
        variances); infinity for none.

    Raises
    ------
    InputError
        If `controls` or `caliper` is impossible.

    References
    ----------
    Austin PC. Pharm Stat 2011;10:150-161 (caliper); Austin PC. Stat Med 2011;30:1292-1301
    (variance of matched pairs).

    Examples
    --------
    >>> age = np.array([[[3.0], [5.0], [4.0], [6.0], [3.1], [5.2], [4.4], [6.5], [9.0], [1.0]]])
    >>> arm = np.array([[0, 0, 0, 0, 1, 1, 1, 1, 0, 0]])
    >>> outcome = np.array([[1.0, 2.0, 1.5, 2.5, 3.0, 4.5, 3.0, 5.0, 4.0, 0.0]])
    >>> propensity_matched(outcome, age, arm, np.ones((1, 10), dtype=bool), caliper=1.0).row(0)
    propensity score matching (1:1): difference in matched sets 2.125 (95 % CI 1.363 to 2.887)
      se 0.2394, t(3) = 8.878, p = 0.003013, 8 patients
      2 of 10 patients were left out: no treated patient needed them.
    """
    if controls < 1 or not caliper > 0.0:
        raise InputError(f"caliper: found {controls} and {caliper}; expected both above 0.")
    no_outcome = present & np.isnan(outcome)
    no_covariate = present & np.any(np.isnan(covariates), axis=2)
    used = present & ~no_outcome & ~no_covariate
    scores, fitted = propensity_scores(arm, covariates, used)
    distance = logit(np.where(used & fitted[:, None], scores, 0.5))
    reach = (
        caliper * _spread(distance, arm, used)
        if np.isfinite(caliper)
        else np.full(len(arm), np.inf)
    )
    partners = np.stack(
        [
            _matches(distance[b], arm[b] == 1, used[b] & fitted[b], float(reach[b]), controls)
            for b in range(len(arm))
        ]
    )
    number = np.count_nonzero(partners >= 0, axis=2)
    sets = np.count_nonzero(number > 0, axis=1)
    mean, variance = _difference(np.where(used, outcome, 0.0), partners)
    sizes = patients_per_arm(arm, used)
    both = (sizes[0] > 0) & (sizes[1] > 0)
    tried = used & (both & fitted)[:, None]
    return wald_results(
        method=f"propensity score matching (1:{controls})",
        measure="difference in matched sets",
        estimate=mean,
        se=np.sqrt(variance),
        converged=both & fitted & (sets > 1) & (variance > 0.0),
        used=np.where(both & fitted, sets + np.sum(number, axis=1), sizes[0] + sizes[1]),
        notes=Note.ONE_ARM_EMPTY * ~both
        + Note.NO_OVERLAP * (both & ~fitted)
        + Note.TOO_FEW_PATIENTS * (both & fitted & (sets < 2))
        + Note.NO_RESIDUAL_VARIATION * ((sets > 1) & (variance == 0.0)),
        df=np.maximum(sets - 1, 1).astype(np.float64),
        left_out=left_out(
            outcome=no_outcome,
            covariate=no_covariate,
            unmatched=tried & (arm == 1) & ~np.any(partners >= 0, axis=2),
            spare=tried & (arm != 1) & ~_taken(partners),
        ),
    )


def _difference(y: FloatArray, partners: IntArray) -> tuple[FloatArray, FloatArray]:
    """Give the mean difference of patients and their controls' mean (B,), and its variance."""
    number = np.count_nonzero(partners >= 0, axis=2)
    others = np.where(partners >= 0, y[np.arange(len(y))[:, None, None], partners], 0.0)
    matched = number > 0
    difference = np.where(matched, y - ordered_sum(others) / np.maximum(number, 1), 0.0)
    sets = np.count_nonzero(matched, axis=1)
    mean = ordered_sum(difference) / np.maximum(sets, 1)
    away = np.where(matched, difference - mean[:, None], 0.0)
    return mean, ordered_sum(away * away) / np.maximum(sets - 1, 1) / np.maximum(sets, 1)


def _taken(partners: IntArray) -> BoolArray:
    """Say who is somebody's control, (B, n)."""
    found = np.zeros(partners.shape[:2], dtype=np.bool_)
    row, _, _ = np.nonzero(partners >= 0)
    found[row, partners[partners >= 0]] = True
    return found


def _spread(distance: FloatArray, arm: CodeArray, used: BoolArray) -> FloatArray:
    total = np.zeros(len(arm))
    for group in (0, 1):
        who = used & (arm == group)
        n = np.count_nonzero(who, axis=1)
        mean = ordered_sum(np.where(who, distance, 0.0)) / np.maximum(n, 1)
        away = np.where(who, distance - mean[:, None], 0.0)
        total = total + ordered_sum(away * away) / np.maximum(n - 1, 1) / 2.0
    return np.sqrt(total)


def _matches(
    distance: FloatArray, treated: BoolArray, used: BoolArray, reach: float, controls: int
) -> IntArray:
    """Give the controls of each patient of one table, (n, controls), -1 for none."""
    partners = np.full((treated.size, controls), -1, dtype=np.int64)
    free = used & ~treated
    cases = np.flatnonzero(used & treated)
    order = cases[np.argsort(-distance[cases], kind="stable")]
    for turn in range(controls):
        for case in order:
            apart = np.where(free, np.abs(distance - distance[case]), np.inf)
            nearest = int(np.argmin(apart))
            if free[nearest] and apart[nearest] <= reach:
                partners[case, turn] = nearest
                free[nearest] = False
    return partners
