"""The stratified Miettinen-Nurminen score test and interval of a common risk difference."""

from collections.abc import Callable
from typing import Literal

import numpy as np
from scipy.special import ndtr

from raresim.analysis.arrays import BoolArray, CodeArray, FloatArray, ordered_sum
from raresim.analysis.binary.event_counts import count_by_stratum
from raresim.analysis.binary.restricted import given_difference
from raresim.analysis.left_out import flags_of
from raresim.analysis.notes import Note
from raresim.analysis.result import NORMAL_975
from raresim.analysis.tail_result import TailResults
from raresim.errors import InputError

HALVINGS = 60
ROUNDS = 12  # of the weights, which settle within a few

Weights = Literal["mn", "mh"]


def stratified_miettinen_nurminen(
    outcome: FloatArray,
    arm: CodeArray,
    present: BoolArray,
    stratum: CodeArray,
    *,
    null: float = 0.0,
    weights: Weights = "mn",
    correction: bool = True,
) -> TailResults:
    """Compare two proportions over strata by the score method for a common risk difference.

    With d_s the difference of stratum s and V_s its variance at the maximum-likelihood
    proportions under the null value D (`miettinen_nurminen`, each with its N_s/(N_s - 1)),

        z = sum w_s (d_s - D) / sqrt(sum w_s^2 V_s).

    Weights "mn" are those of Miettinen and Nurminen, 1/w_s = R/n1_s + 1/n0_s, where R is the
    ratio of p1 (1 - p1) to p0 (1 - p0) at the weighted means of the restricted proportions; they
    are iterated until they settle (R ratesci stops after two rounds) and R is 1 where it is 0/0.
    Weights "mh" are Mantel and Haenszel's n0_s n1_s / N_s (R lrstat, metalite.ae "cmh"). The
    estimate is where z = 0, the 95 % limits are where z meets the normal quantiles. Strata with
    one arm only are left out with a note. ``statistic`` is z.

    Parameters
    ----------
    outcome
        (B, n) 1 with the event, 0 without, NaN if missing.
    arm
        (B, n) 0 control, 1 treated.
    present
        (B, n) False for padding.
    stratum
        (B, n) integer codes.
    null
        Difference under the null hypothesis.
    weights
        "mn" or "mh".
    correction
        Whether each V_s is multiplied by N_s/(N_s - 1).

    Raises
    ------
    InputError
        If the weights are unknown or the null value is not between -1 and 1.

    References
    ----------
    Miettinen O, Nurminen M. Stat Med 1985;4:213-226.

    Examples
    --------
    >>> import numpy as np
    >>> outcome = np.array([[1, 1, 0, 0, 0, 1, 1, 1, 1, 0, 0, 1]])
    >>> arm = np.array([[1, 1, 1, 0, 0, 0, 1, 1, 1, 0, 0, 0]])
    >>> stratum = np.repeat([[0, 1]], 6, axis=1)
    >>> found = stratified_miettinen_nurminen(outcome, arm, np.ones((1, 12), dtype=bool), stratum)
    >>> found.estimate.round(4), found.p.round(4)
    (array([0.5]), array([0.1037]))
    """
    if weights not in ("mn", "mh"):
        raise InputError(f"weights: found {weights!r}; expected 'mn' or 'mh'.")
    if not -1.0 < null < 1.0:
        raise InputError(f"null: found {null:g}; expected a difference between -1 and 1.")
    counts = count_by_stratum(outcome, arm, present, stratum)
    kept = counts.both_arms
    whole = counts.pooled()
    answered = np.any(kept, axis=1)
    tables = np.stack(
        [counts.events_0, counts.patients_0, counts.events_1, counts.patients_1]
    ).astype(np.float64)
    tables = np.where(kept, tables, np.array([0.0, 1.0, 0.0, 1.0])[:, None, None])

    def z(at: FloatArray) -> FloatArray:
        return _statistic(tables, kept, at, weights, correction)

    estimate, low, high = (_where(z, level, len(kept)) for level in (0.0, NORMAL_975, -NORMAL_975))
    found = z(np.full(len(kept), float(null)))
    nothing = np.where(answered, 0.0, np.nan)
    used, lost = counts.without(kept, "stratum")
    return TailResults(
        method=f"stratified Miettinen-Nurminen score test (weights {weights.upper()})",
        measure="common risk difference",
        null=null,
        estimate=estimate + nothing,
        ci_low=low + nothing,
        ci_high=high + nothing,
        statistic=found + nothing,
        p=2.0 * ndtr(-np.abs(found)) + nothing,
        p_less=ndtr(found) + nothing,
        p_greater=ndtr(-found) + nothing,
        converged=answered,
        used=used,
        left_out=lost,
        notes=whole.notes(asymptotic=True) + Note.NO_COMPARISON * (whole.both_arms & ~answered)
        | flags_of(lost),
    )


def _statistic(
    tables: FloatArray, kept: BoolArray, null: FloatArray, weights: str, correction: bool
) -> FloatArray:
    x0, n0, x1, n1 = tables
    p0, p1 = given_difference(x0, n0, x1, n1, null[:, None])
    variance = p1 * (1.0 - p1) / n1 + p0 * (1.0 - p0) / n0
    if correction:
        variance = variance * (n0 + n1) / np.maximum(n0 + n1 - 1.0, 1.0)
    own = np.where(kept, n0 * n1 / (n0 + n1), 0.0)
    if weights == "mn":
        for _ in range(ROUNDS):
            own = np.where(kept, 1.0 / (_spread_ratio(own, p0, p1)[:, None] / n1 + 1.0 / n0), 0.0)
    own = own / np.maximum(ordered_sum(own), 1e-300)[:, None]
    top = ordered_sum(own * ((x1 * n0 - x0 * n1) / (n0 * n1) - null[:, None]))
    square = ordered_sum(own * own * variance)
    varied = square > 0.0
    z = top / np.sqrt(np.where(varied, square, 1.0))
    return np.where(varied, z, np.where(np.abs(top) < 1e-12, 0.0, np.copysign(np.inf, top)))


def _spread_ratio(weights: FloatArray, p0: FloatArray, p1: FloatArray) -> FloatArray:
    total = np.maximum(ordered_sum(weights), 1e-300)
    mean_0, mean_1 = ordered_sum(weights * p0) / total, ordered_sum(weights * p1) / total
    spread_0, spread_1 = mean_0 * (1.0 - mean_0), mean_1 * (1.0 - mean_1)
    some = (spread_0 > 1e-12) & (spread_1 > 1e-12)
    return np.where(some, spread_1 / np.where(some, spread_0, 1.0), 1.0)


def _where(z: Callable[[FloatArray], FloatArray], level: float, rows: int) -> FloatArray:
    """Find where z falls through a level between the differences -1 and 1, by halving."""
    low, high = np.full(rows, -1.0), np.full(rows, 1.0)
    for _ in range(HALVINGS):
        middle = 0.5 * (low + high)
        above = z(middle) > level
        low, high = np.where(above, middle, low), np.where(above, high, middle)
    found: FloatArray = 0.5 * (low + high)
    return found
