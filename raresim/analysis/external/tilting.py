"""Entropy balancing and the weights of MAIC: the least change of weights that meets given means.

Both solve the same problem: weights w_i = exp(x_i' a), x centred at the target, where a minimises
the convex sum of the w_i; at the minimum the weighted means of the covariates are the target.
"""

import numpy as np

from raresim.analysis.arrays import BoolArray, FloatArray, ordered_sum
from raresim.analysis.designs import column_sums, cross_products
from raresim.analysis.small_matrices import inverse, times

MOST_ITERATIONS = 200
HALVINGS = 40
TOLERANCE = 1e-10  # of the weighted means, in standard deviations
STEEPEST = 200.0


def tilted_weights(
    covariates: FloatArray, target: FloatArray, used: BoolArray
) -> tuple[FloatArray, BoolArray]:
    """Give positive weights whose weighted means of the covariates are the target.

    Parameters
    ----------
    covariates
        (B, n, p).
    target
        (B, p) means to be met (of squares too, where variances are to be met).
    used
        (B, n) who is weighted.

    Returns
    -------
    (B, n) weights that add up to the number of patients, 0 for the others, and (B,) whether
    the target was met; it cannot be met outside the convex hull of the covariates.

    References
    ----------
    Hainmueller J. Polit Anal 2012;20:25-46; Signorovitch JE et al. Pharmacoeconomics
    2010;28:935-945; Phillippo DM et al. Res Synth Methods 2020;11:568-572 (that both agree).

    Examples
    --------
    >>> age = np.array([[[1.0], [2.0], [3.0]]])
    >>> weight, met = tilted_weights(age, np.array([[2.5]]), np.ones((1, 3), dtype=bool))
    >>> weight.round(6), met
    (array([[0.348612, 0.802776, 1.848612]]), array([ True]))
    """
    z = _standardised(covariates, target, used)
    rows, _, p = z.shape
    tilt = np.zeros((rows, p))
    met, lost = np.zeros(rows, dtype=np.bool_), ~np.any(used, axis=1)
    for _ in range(MOST_ITERATIONS):
        at = np.flatnonzero(~met & ~lost)
        if at.size == 0:
            break
        log_total, share = _shares(z[at], tilt[at], used[at])
        mean = column_sums(z[at], share)
        done = np.max(np.abs(mean), axis=1, initial=0.0) <= TOLERANCE
        met[at[done]] = True
        spread = cross_products(z[at], share) - mean[:, :, None] * mean[:, None, :]
        found, regular = inverse(spread)
        step = -times(found, mean)
        bad = ~done & (~regular | (np.max(np.abs(tilt[at]), axis=1, initial=0.0) > STEEPEST))
        lost[at[bad]] = True
        on = ~done & ~bad
        at, step, log_total = at[on], step[on], log_total[on]
        size = np.ones(at.size)
        for _ in range(HALVINGS):
            worse = _shares(z[at], tilt[at] + size[:, None] * step, used[at])[0] > log_total + 1e-12
            if not np.any(worse):
                break
            size = np.where(worse, size / 2.0, size)
        tilt[at] = tilt[at] + size[:, None] * step
    share = _shares(z, tilt, used)[1]
    return np.where(met[:, None], share * np.count_nonzero(used, axis=1)[:, None], np.nan), met


def _standardised(covariates: FloatArray, target: FloatArray, used: BoolArray) -> FloatArray:
    """Centre at the target and divide by the standard deviation about the mean."""
    n = np.maximum(np.count_nonzero(used, axis=1), 1)[:, None]
    centred = np.where(used[:, :, None], covariates - target[:, None, :], 0.0)
    mean = column_sums(centred, np.ones(used.shape)) / n
    away = np.where(used[:, :, None], centred - mean[:, None, :], 0.0)
    spread = np.sqrt(column_sums(away * away, np.ones(used.shape)) / n)
    scale = np.where(spread > 1e-12 * (1.0 + np.abs(target)), spread, 1.0)
    return centred / scale[:, None, :]


def _shares(z: FloatArray, tilt: FloatArray, used: BoolArray) -> tuple[FloatArray, FloatArray]:
    eta = np.where(used, times(z, tilt), -np.inf)
    top = np.max(eta, axis=1, initial=-1e300)[:, None]
    raw = np.where(used, np.exp(eta - top), 0.0)
    total = ordered_sum(raw)
    total = np.where(total > 0.0, total, 1.0)
    return np.log(total) + top[:, 0], raw / total[:, None]
