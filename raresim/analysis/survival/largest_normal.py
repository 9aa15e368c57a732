"""How likely the largest of a few correlated standard normal values is so large.

For Z with correlations r and the same bound m for all, the derivative of P(max Z <= m) is the sum
over i of phi(m) P(all other Z <= m | Z_i = m), and given Z_i = s the others' bounds are lines
through the origin in s: s sqrt((1 - r)/(1 + r)) on the scale of the conditional SD. Done once
more for a fourth value, what is left is what holds at 0, in closed form, and one integral over
bivariate normal probabilities, which have a closed form in Owen's T. It is taken by Gauss-Legendre
from 0 to m and beyond, where the integrand is smooth even for singular correlations (FH(0,1) and
FH(1,0) add up to FH(0,0): there one value decides another, and Owen's T is not needed).

Sources: Plackett RL. Biometrika 1954;41:351-360 (reduction); Owen DB. Ann Math Stat
1956;27:1075-1090. Accuracy against scipy's mvn, closed forms and integrals of another form: see the
tests, 1e-8 and mostly better.
"""

from itertools import pairwise

import numpy as np
from scipy.special import ndtr, owens_t

from raresim.analysis.arrays import BoolArray, FloatArray, ordered_sum
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


ONE_SIDED, TWO_SIDED = _crowded(20), _crowded(48)  # two bounds turn more often than one


def bivariate_normal(h: FloatArray, k: FloatArray, r: FloatArray) -> FloatArray:
    """Give P(X <= h, Y <= k) of standard normal values with correlation r; h and k not 0.

    Examples
    --------
    >>> bivariate_normal(np.array([1e-300]), np.array([1e-300]), np.array([0.5])).round(6)
    array([0.333333])
    """
    below_h, below_k = ndtr(h), ndtr(k)
    most, least = np.minimum(below_h, below_k), np.maximum(below_h + below_k - 1.0, 0.0)
    far = np.maximum(np.abs(h), np.abs(k)) > FAR
    found: FloatArray = np.where((r > 0.0) | far, most, least)  # if one value decides the other
    rest = ~far & (1.0 - np.abs(r) >= SAME)
    if np.any(rest):
        middle = (below_h[rest] + below_k[rest]) / 2.0
        found[rest] = np.clip(middle - _missed(h[rest], k[rest], r[rest]), least[rest], most[rest])
    return found


def _missed(h: FloatArray, k: FloatArray, r: FloatArray) -> FloatArray:
    """Give how far P(X <= h, Y <= k) is below the mean of P(X <= h) and P(Y <= k)."""
    root = np.sqrt((1.0 - r) * (1.0 + r))
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        slope_h = (k - r * h) / (h * root)
        slope_k = (h - r * k) / (k * root)
    # 0/0 comes only from a node at 0, which has no weight
    slope_h, slope_k = (np.where(np.isnan(a), 0.0, a) for a in (slope_h, slope_k))
    same_side = (h > 0.0) == (k > 0.0)
    missed: FloatArray = owens_t(h, slope_h) + owens_t(k, slope_k) + np.where(same_side, 0.0, 0.5)
    return missed


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

    With g_i(s) the probability that the other three are below given Z_i = s, and Q the upper tail,
    int_m phi g_i ds = Q(m) g_i(0) + int [Q(max(u, m)) - (u < 0) Q(m)] g_i'(u) du from min(m, 0)
    on. What the bound of Z_j adds to g_i' is what that of Z_i adds to g_j', both at their bounds:
    each pair is taken once.
    """
    end = np.clip(bound, -FAR, FAR - 1.0)
    u, weight = _pieces(np.minimum(end, 0.0), end, TWO_SIDED if absolute else ONE_SIDED)
    sides = 2.0 if absolute else 1.0
    beyond = ndtr(-end)
    tail = ndtr(-np.maximum(u, end[:, None])) - np.where(u < 0.0, beyond[:, None], 0.0)
    total, at_zero = np.zeros_like(u), np.zeros_like(end)
    for i in range(MOST):
        others, low, high = _slopes(correlation, only, i, absolute)
        given = _given(correlation, i, others)
        total += only[:, i, None] * _rate(u, given, low, high, range(i, 3), absolute)
        if not absolute:  # else nothing lies between the bounds at 0
            at_zero += only[:, i] * _all_below_zero(given, np.isfinite(high))
    found = sides * ordered_sum(weight * tail * (2.0 * total)) + beyond * at_zero
    return np.minimum(found, 1.0)


def _given(correlation: FloatArray, i: int, others: list[int]) -> FloatArray:
    """Give the correlations (B, 3, 3) of the other three values given value i."""
    found = np.ones((len(correlation), 3, 3))
    for a, b in ((0, 1), (0, 2), (1, 2)):
        found[:, a, b] = found[:, b, a] = _conditional(correlation, i, others[a], others[b])
    return found


def _all_below_zero(correlation: FloatArray, bounded: BoolArray) -> FloatArray:
    """Give the probability (B,) that those of three values that are bounded lie below 0.

    Sheppard WF. Philos Trans R Soc A 1899;192:101-167.
    """
    angles = np.zeros(len(correlation))
    for a, b in ((0, 1), (0, 2), (1, 2)):
        r = correlation[:, a, b]
        r = np.where(1.0 - np.abs(r) < SAME, np.sign(r), r)
        angles += np.where(bounded[:, a] & bounded[:, b], np.arcsin(r), 0.0)
    found: FloatArray = (1.0 + 2.0 / np.pi * angles) * 0.5 ** np.count_nonzero(bounded, axis=1)
    return found


def _rate(
    u: FloatArray,
    correlation: FloatArray,
    low: FloatArray,
    high: FloatArray,
    moving: range,
    absolute: bool,
) -> FloatArray:
    """Give what the bounds of some of three values add to dP(low u <= Y <= high u)/du, (B, Q)."""
    total = np.zeros_like(u)
    for a in moving:
        b, c = (j for j in range(3) if j != a)
        inner = _conditional(correlation, a, b, c)
        for face, sign in ((high, 1.0), (low, -1.0)) if absolute else ((high, 1.0),):
            slope = face[:, a]
            moves = np.where(np.isfinite(slope), slope, 0.0)
            lows, highs = [], []
            for j in (b, c):
                r = correlation[:, a, j]
                left = (1.0 - r) * (1.0 + r)
                root = np.where(left > SAME, np.sqrt(left), SAME)  # fixed: on one side for good
                lows.append(_line((low[:, j] - r * moves) / root, u))
                highs.append(_line((high[:, j] - r * moves) / root, u))
            rate = sign * moves[:, None] * _density(moves[:, None] * u)
            total += rate * _box(lows, highs, inner, absolute)
    return total
