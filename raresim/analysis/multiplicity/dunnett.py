"""Dunnett's test: several arms against one control, with their exact joint distribution.

T_i = (mean_i - mean_0) / (s sqrt(1 / n_i + 1 / n_0)) share the control, so they are independent
given it: corr(T_i, T_j) = l_i l_j with l_i = sqrt(n_i / (n_i + n_0)), and the probability that all
stay below their limits is one integral over the control and, where the variance is estimated,
one over s. scipy.stats.dunnett integrates by randomised sampling; this is exact to 1e-10.
"""

from itertools import combinations

import numpy as np
from scipy.special import gammainccinv, gammaincinv, gammaln, ndtr, stdtrit

from raresim.analysis.arrays import FloatArray
from raresim.errors import InputError

FARTHEST = 8.5
ABSCISSAE, WEIGHTS = np.polynomial.legendre.leggauss(16)
LEAST_TAIL = 1e-15
LEAST_DF = 0.01
NORMAL_DF = 1e10  # from here on the estimated standard deviation is the true one
MOST_ARMS_CLOSED = 10  # the closed test looks at every set of arms
NORMAL_PEAK = 0.3989422804014327  # 1 / sqrt(2 pi)


def dunnett_probability(
    limits: FloatArray, patients: FloatArray, df: float = np.inf, *, sides: int = 1
) -> float:
    """Give the probability under the null hypothesis that every T_i is at most its limit.

    Parameters
    ----------
    limits
        (K,) limits of T_i or, with ``sides=2``, of abs(T_i).
    patients
        (K + 1,) patients of the control and of each arm; only their ratios matter.
    df
        Degrees of freedom of the common variance; infinite if it is known.
    sides
        1 or 2.

    Raises
    ------
    InputError
        If an argument is out of range.

    References
    ----------
    Dunnett CW. J Am Stat Assoc 1955;50:1096-1121.

    Examples
    --------
    >>> round(dunnett_probability(np.array([2.3, 2.3]), np.array([10.0, 10.0, 10.0]), 27), 6)
    0.973142
    """
    share, limits = _shares(patients, df, sides), np.asarray(limits, np.float64)
    if limits.shape != share.shape:
        raise InputError(f"limits: found shape {limits.shape}; expected one for each arm.")
    return _inside(limits, share, df, sides)


def dunnett_critical(
    alpha: float, patients: FloatArray, df: float = np.inf, *, sides: int = 1
) -> float:
    """Give the one limit that some T_i exceeds with probability ``alpha`` under the null.

    See `dunnett_probability` for the parameters, errors and references.

    Examples
    --------
    >>> round(dunnett_critical(0.05, np.array([1.0, 1.0, 1.0, 1.0, 1.0])), 4)
    2.1603
    """
    from scipy.optimize import brentq

    share = _shares(patients, df, sides)
    if not 0.0 < alpha < 0.5:
        raise InputError(f"alpha: found {alpha}; expected a level between 0 and 0.5.")
    tail = alpha / (share.size * sides)
    bonferroni = -float(stdtrit(min(df, 1e10), tail))  # a little above what is looked for

    def missing(c: float) -> float:
        return _inside(np.full(share.size, c), share, df, sides) - (1.0 - alpha)

    return float(brentq(missing, 0.0 if sides == 2 else -5.0, 1.001 * bonferroni, xtol=1e-12))


def dunnett_adjusted(
    statistics: FloatArray,
    patients: FloatArray,
    df: float | FloatArray = np.inf,
    *,
    sides: int = 1,
    step_down: bool = False,
) -> FloatArray:
    """Adjust the comparisons of K arms with one control; large statistics reject.

    Parameters
    ----------
    statistics
        (B, K) or (K,) statistics T_i; NaN for an arm that could not be compared, which stays
        NaN and counts for the others as an arm that never rejects.
    patients
        (K + 1,) or (B, K + 1) patients of the control and of each arm.
    df
        Degrees of freedom, one or (B,).
    sides
        1 or 2.
    step_down
        Whether to take the closed test of Dunnett tests, which rejects at least as much: the
        largest p-value over the sets of arms that hold the arm. Up to 10 arms.

    Returns
    -------
    Adjusted p-values of the shape of ``statistics``.

    Raises
    ------
    InputError
        If an argument is out of range.

    References
    ----------
    Dunnett CW. J Am Stat Assoc 1955;50:1096-1121. Marcus R, Peritz E, Gabriel KR. Biometrika
    1976;63:655-660. Naik UD. Commun Stat 1975;4:519-535.

    Examples
    --------
    >>> dunnett_adjusted(np.array([2.5, 1.0]), np.array([10.0, 10.0, 10.0]), 27.0).round(4)
    array([0.0174, 0.2603])
    >>> dunnett_adjusted(
    ...     np.array([2.5, 1.0]), np.array([10.0, 10.0, 10.0]), 27.0, step_down=True
    ... ).round(4)
    array([0.0174, 0.1631])
    """
    values = np.asarray(statistics, np.float64)
    rows = np.atleast_2d(values)
    arms = np.shape(patients)[-1:]
    if (
        rows.ndim != 2
        or arms != (rows.shape[1] + 1,)
        or np.shape(patients)[:-1]
        not in (
            (),
            (1,),
            rows.shape[:1],
        )
    ):
        raise InputError(
            f"patients: found shape {np.shape(patients)} for statistics of shape {values.shape}; "
            "expected the control and each arm."
        )
    sizes = np.broadcast_to(np.asarray(patients, np.float64), (len(rows), rows.shape[1] + 1))
    freedom = np.broadcast_to(np.asarray(df, np.float64), (len(rows),))
    if step_down and rows.shape[1] > MOST_ARMS_CLOSED:
        raise InputError(f"statistics: found {rows.shape[1]} arms; expected at most 10.")
    one_row = _closed if step_down else _single_step
    found = np.stack(
        [
            one_row(row, _shares(size, float(nu), sides), float(nu), sides)
            for row, size, nu in zip(rows, sizes, freedom, strict=True)
        ]
    )
    return found.reshape(values.shape)


def _single_step(row: FloatArray, share: FloatArray, df: float, sides: int) -> FloatArray:
    return np.array([_p_value(t, share, df, sides) for t in (row if sides == 1 else np.abs(row))])


def _p_value(largest: float, share: FloatArray, df: float, sides: int) -> float:
    if np.isnan(largest):
        return np.nan
    return 1.0 - _inside(np.full(share.size, largest), share, df, sides)


def _closed(row: FloatArray, share: FloatArray, df: float, sides: int) -> FloatArray:
    seen = row if sides == 1 else np.abs(row)
    ranked = np.where(np.isnan(seen), -np.inf, seen)
    found = np.where(np.isnan(seen), np.nan, 0.0)
    for size in range(1, row.size + 1):
        for members in map(list, combinations(range(row.size), size)):
            largest = float(ranked[members].max())
            if largest > -np.inf:
                p = _p_value(largest, share[members], df, sides)
                found[members] = np.where(
                    np.isnan(found[members]), np.nan, np.maximum(found[members], p)
                )
    return found


def _shares(patients: FloatArray, df: float, sides: int) -> FloatArray:
    """Give the l_i of the arms."""
    n = np.asarray(patients, np.float64)
    if n.ndim != 1 or n.size < 2 or not np.all((n > 0.0) & np.isfinite(n)):
        raise InputError(f"patients: found {n}; expected some in the control and in each arm.")
    if not df >= LEAST_DF:
        raise InputError(f"df: found {df}; expected at least {LEAST_DF}.")
    if sides not in (1, 2):
        raise InputError(f"sides: found {sides}; expected 1 or 2.")
    return np.asarray(np.sqrt(n[1:] / (n[1:] + n[0])))


def _inside(limits: FloatArray, share: FloatArray, df: float, sides: int) -> float:
    scale, chance = _scales(df)
    own = np.sqrt(1.0 - share * share)
    x, width = _panels(-FARTHEST, FARTHEST, min(1.0, float(np.min(own / share))))
    moved = share[:, None, None] * x
    limit = limits[:, None, None] * scale[:, None]
    below = ndtr((limit + moved) / own[:, None, None])
    if sides == 2:
        below = below - ndtr((moved - limit) / own[:, None, None])
    density = width * NORMAL_PEAK * np.exp(-0.5 * x * x)
    return float(chance @ (np.prod(below, axis=0) @ density))


def _scales(df: float) -> tuple[FloatArray, FloatArray]:
    """Give nodes and probabilities of the estimated over the true standard deviation."""
    if df >= NORMAL_DF:
        return np.ones(1), np.ones(1)
    low, high = (
        float(np.sqrt(2.0 * inverse(df / 2.0, LEAST_TAIL) / df))
        for inverse in (gammaincinv, gammainccinv)
    )
    s, width = _panels(low, high, max(1.0 / np.sqrt(2.0 * df), (high - low) / 20.0))
    log_density = (
        df / 2.0 * np.log(df / 2.0)
        - gammaln(df / 2.0)
        + np.log(2.0)
        + (df - 1.0) * np.log(s)
        - df * s * s / 2.0
    )
    chance = width * np.exp(log_density)
    return s, chance / chance.sum()  # for a large df the gamma function loses digits


def _panels(low: float, high: float, feature: float) -> tuple[FloatArray, FloatArray]:
    panels = min(max(int(np.ceil((high - low) / (2.5 * feature))), 2), 200)
    half = (high - low) / panels / 2.0
    centres = low + half * (2.0 * np.arange(panels) + 1.0)
    return (centres[:, None] + half * ABSCISSAE).ravel(), np.tile(half * WEIGHTS, panels)
