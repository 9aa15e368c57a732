"""How likely the largest of a few correlated standard normal values is so large.

For Z with correlations r and the same bound m for all, the derivative of P(max Z <= m) is the sum
over i of phi(m) P(all other Z <= m | Z_i = m), and given Z_i = s the others' bounds are lines
through the origin in s: s sqrt((1 - r)/(1 + r)) on the scale of the conditional SD. Done once
more for a fourth value, what is left is one integral over bivariate normal probabilities, which
have a closed form in Owen's T. It is taken by Gauss-Legendre on each side of 0 and m, where the
integrand is smooth even for singular correlations (FH(0,1) and FH(1,0) add up to FH(0,0)).

Sources: Plackett RL. Biometrika 1954;41:351-360 (reduction); Owen DB. Ann Math Stat
1956;27:1075-1090. Accuracy against scipy's mvn and closed forms: see the tests, 1e-9.
"""

from itertools import pairwise

import numpy as np
from scipy.special import ndtr, owens_t

from raresim.analysis.arrays import FloatArray, ordered_sum
from raresim.errors import InputError

MOST = 4
FAR = 9.0  # beyond, a standard normal value has probability 1e-19
SAME = 1e-12  # values with 1 - |r| below this are one value
ROOT_2PI = np.sqrt(2.0 * np.pi)


def _crowded(number: int) -> tuple[FloatArray, FloatArray]:
    """Give Gauss-Legendre nodes and weights for the unit interval, crowded towards its start."""
    nodes, weights = np.polynomial.legendre.leggauss(number)
    unit = (nodes + 1.0) / 2.0
    return unit**3, 3.0 * unit**2 * weights / 2.0


ONE_SIDED, TWO_SIDED = _crowded(20), _crowded(32)  # two bounds turn more often than one


def bivariate_normal(h: FloatArray, k: FloatArray, r: FloatArray) -> FloatArray:
    """Give P(X <= h, Y <= k) of standard normal values with correlation r; h and k not 0.

    Examples
    --------
    >>> bivariate_normal(np.array([1e-300]), np.array([1e-300]), np.array([0.5])).round(6)
    array([0.333333])
    """
    root = np.sqrt(np.maximum((1.0 - r) * (1.0 + r), 0.0))
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        slope_h = (k - r * h) / (h * root)
        slope_k = (h - r * k) / (k * root)
    # h = k with r = 1 (0/0): the limit is the slope of equal values, 0
    slope_h, slope_k = (np.where(np.isnan(a), 0.0, a) for a in (slope_h, slope_k))
    same_side = (h > 0.0) == (k > 0.0)
    found = (ndtr(h) + ndtr(k)) / 2.0 - owens_t(h, slope_h) - owens_t(k, slope_k)
    found = found - np.where(same_side, 0.0, 0.5)
    least = np.maximum(ndtr(h) + ndtr(k) - 1.0, 0.0)
    within: FloatArray = np.clip(found, least, np.minimum(ndtr(h), ndtr(k)))
    return within


def largest_exceeds(
    bound: FloatArray, correlation: FloatArray, *, absolute: bool = False
) -> FloatArray:
    """Give P(max Z >= bound), or with ``absolute`` P(max |Z| >= bound).

    Parameters
    ----------
    bound
        (B,) the bound of each row; with ``absolute`` 0 or more.
    correlation
        (B, k, k) correlations, k from 1 to 4; may be singular.

    Raises
    ------
    InputError
        With more than four values.

    Examples
    --------
    >>> independent = np.eye(2)[None]
    >>> largest_exceeds(np.array([1.0]), independent).round(9)
    array([0.29213902])
    """
    number = correlation.shape[-1]
    if not 1 <= number <= MOST:
        raise InputError(f"the largest of {number} statistics: expected one to {MOST}.")
    faces = [-1.0, 1.0] if absolute else [1.0]
    only = _distinct(correlation, absolute)
    if number == 1:
        return ndtr(-bound) * len(faces)
    if number < MOST:
        return _outermost(bound, correlation, only, absolute)
    return _nested(bound, correlation, only, absolute)


def _distinct(correlation: FloatArray, absolute: bool) -> FloatArray:
    """Give 1 to each value, (B, k), but 0 to one that an earlier one already is."""
    only = np.ones(correlation.shape[:2])
    for j in range(1, correlation.shape[-1]):
        for i in range(j):
            r = np.abs(correlation[:, i, j]) if absolute else correlation[:, i, j]
            only[:, j] = np.where(1.0 - r < SAME, 0.0, only[:, j])
    return only


def _pieces(
    low: FloatArray, bound: FloatArray, rule: tuple[FloatArray, FloatArray]
) -> tuple[FloatArray, FloatArray]:
    """Give nodes and weights (B, Q) for the line from ``low`` to 9 cut at 0 and at the bound.

    The nodes crowd towards 0, where bounds of nearly equal values turn within a short way.
    """
    middle = np.clip(bound, low, FAR)
    zero = np.clip(0.0, low, FAR)
    cuts = [low, np.minimum(middle, zero), np.maximum(middle, zero)]
    cuts += [np.minimum(cuts[-1] + 3.0, FAR), np.full_like(low, FAR)]
    nodes, weights = [], []
    for start, end in pairwise(cuts):
        length = (end - start)[:, None]
        if not np.any(length > 0.0):  # a piece without length adds exact zeros
            continue
        from_start = start[:, None] + length * rule[0]
        from_end = end[:, None] - length * rule[0]
        nodes.append(np.where(end[:, None] <= 0.0, from_end, from_start))
        weights.append(length * rule[1])
    return np.concatenate(nodes, axis=1), np.concatenate(weights, axis=1)


def _density(x: FloatArray) -> FloatArray:
    density: FloatArray = np.exp(-x * x / 2.0) / ROOT_2PI
    return density


def _slopes(
    correlation: FloatArray, only: FloatArray, i: int, absolute: bool
) -> tuple[list[int], FloatArray, FloatArray]:
    """Given Z_i = s, the others lie between low s and high s on the scale of their SD.

    Returns the others and (B, k - 1) slopes; infinite ones do not bound.
    """
    others = [j for j in range(correlation.shape[-1]) if j != i]
    r = np.clip(correlation[:, i, others], -1.0, 1.0)
    with np.errstate(divide="ignore"):
        high = np.sqrt((1.0 - r) / (1.0 + r))
        low = -1.0 / high if absolute else np.full_like(high, -np.inf)
    free = only[:, others] == 0.0
    return others, np.where(free, -np.inf, low), np.where(free, np.inf, high)


def _conditional(correlation: FloatArray, i: int, a: int, b: int) -> FloatArray:
    """Give the correlation of values a and b given value i; 0 where one of them is fixed by it."""
    ra, rb = correlation[:, i, a], correlation[:, i, b]
    spread = (1.0 - ra * ra) * (1.0 - rb * rb)
    partial = (correlation[:, a, b] - ra * rb) / np.sqrt(np.where(spread > 0.0, spread, 1.0))
    found: FloatArray = np.where(spread > SAME * SAME, np.clip(partial, -1.0, 1.0), 0.0)
    return found


def _line(slope: FloatArray, s: FloatArray) -> FloatArray:
    """Give slope times s, (B, Q); a slope that does not bound stays so whatever the sign of s."""
    free = np.isinf(slope)[:, None]
    return np.where(free, slope[:, None], np.where(np.isinf(slope), 1.0, slope)[:, None] * s)


def _box(
    low: list[FloatArray], high: list[FloatArray], r: FloatArray | None, absolute: bool
) -> FloatArray:
    """Give the probability (B, Q) that one or two values lie between their bounds."""
    if r is None:
        return ndtr(high[0]) - ndtr(low[0])
    rho = np.broadcast_to(r[:, None], high[0].shape)
    found = _both_below(high[0], high[1], rho)
    if absolute:
        found = found - _both_below(low[0], high[1], rho) - _both_below(high[0], low[1], rho)
        found = found + _both_below(low[0], low[1], rho)
    return np.maximum(found, 0.0)


def _both_below(h: FloatArray, k: FloatArray, r: FloatArray) -> FloatArray:
    """Give `bivariate_normal` for bounds that may be infinite."""
    bounded = np.isfinite(h) & np.isfinite(k)
    inner = bivariate_normal(np.where(bounded, h, 1.0), np.where(bounded, k, 1.0), r)
    return np.where(bounded, inner, ndtr(np.minimum(h, k)) * (np.maximum(h, k) > 0.0))


def _outermost(
    bound: FloatArray, correlation: FloatArray, only: FloatArray, absolute: bool
) -> FloatArray:
    """Integrate the density of the largest of two or three values from the bound on."""
    end = np.clip(bound, -FAR, FAR - 1.0)
    s, weight = _pieces(end, end, TWO_SIDED if absolute else ONE_SIDED)
    total = np.zeros_like(s)
    for i in range(correlation.shape[-1]):
        others, low, high = _slopes(correlation, only, i, absolute)
        r = _conditional(correlation, i, *others) if len(others) == 2 else None
        lows = [_line(low[:, j], s) for j in range(len(others))]
        highs = [_line(high[:, j], s) for j in range(len(others))]
        total += only[:, i, None] * _box(lows, highs, r, absolute)
    sides = 2.0 if absolute else 1.0
    return np.minimum(ordered_sum(weight * sides * _density(s) * total), 1.0)


def _nested(
    bound: FloatArray, correlation: FloatArray, only: FloatArray, absolute: bool
) -> FloatArray:
    """Four values: the inner probability is itself an integral; their order is exchanged.

    With g_i(s) the probability that the other three are below given Z_i = s,
    int_m phi g_i ds = int min(Q(m), Q(u)) g_i'(u) du, Q being the upper tail.
    """
    end = np.clip(bound, -FAR, FAR - 1.0)
    low = np.full_like(end, 0.0 if absolute else -FAR)
    u, weight = _pieces(low, end, TWO_SIDED if absolute else ONE_SIDED)
    sides = 2.0 if absolute else 1.0
    tail = sides * ndtr(-np.maximum(u, end[:, None]))
    total = np.zeros_like(u)
    for i in range(correlation.shape[-1]):
        others, low, high = _slopes(correlation, only, i, absolute)
        conditional = np.stack(
            [
                np.stack(
                    [
                        np.ones(end.shape) if a == b else _conditional(correlation, i, a, b)
                        for b in others
                    ],
                    axis=-1,
                )
                for a in others
            ],
            axis=-2,
        )
        total += only[:, i, None] * _rate(u, conditional, low, high, absolute)
    return np.minimum(ordered_sum(weight * tail * total), 1.0)


def _rate(
    u: FloatArray, correlation: FloatArray, low: FloatArray, high: FloatArray, absolute: bool
) -> FloatArray:
    """Give the derivative by u of P(low u <= Y <= high u) of three values, (B, Q)."""
    total = np.zeros_like(u)
    for a in range(3):
        b, c = (j for j in range(3) if j != a)
        inner = _conditional(correlation, a, b, c)
        for face, sign in ((high, 1.0), (low, -1.0)) if absolute else ((high, 1.0),):
            slope = face[:, a]
            moves = np.where(np.isfinite(slope), slope, 0.0)
            lows, highs = [], []
            for j in (b, c):
                r = correlation[:, a, j]
                root = np.sqrt(np.maximum((1.0 - r) * (1.0 + r), SAME * SAME))
                lows.append(_line((low[:, j] - r * moves) / root, u))
                highs.append(_line((high[:, j] - r * moves) / root, u))
            rate = sign * moves[:, None] * _density(moves[:, None] * u)
            total += rate * _box(lows, highs, inner, absolute)
    return total
