"""Quantiles of gamma and beta distributions, many of the same one: from a table of each.

Inverting an incomplete gamma or beta function takes half a microsecond a draw, and a virtual cohort
needs millions. With z the normal score of a probability u, log Q of a gamma and logit Q of a beta
distribution are smooth in z; they are tabulated at equal steps of z with two derivatives, and lie
between by the polynomial of degree 5 that fits both ends (Hermite). For y = log x of a gamma with
shape k, density f, and y = logit x of a beta with a and b:

    gamma:  y' = phi(z) / (x f(x)),          y'' = -y' (z + (k - x) y')
    beta:   y' = phi(z) / (x (1 - x) f(x)),  y'' = -y' (z + (a (1 - x) - b x) y')

The error is below 1e-12 of x (of x and of 1 - x for a beta), less than what rounding u does in the
tails. A value hangs on the parameters and on u alone, whatever stands beside it.
Source: Hörmann & Leydold, Continuous random variate generation by fast numerical inversion, ACM
Trans Model Comput Simul 2003;13:347-362.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from scipy.special import (
    betainccinv,
    betaincinv,
    betaln,
    expit,
    gammainccinv,
    gammaincinv,
    gammaln,
    ndtr,
    ndtri,
)  # fmt: skip

from raresim.evidence.statistics import Floats

FARTHEST = 8.25
"""Normal score beyond every uniform that there is."""
STEPS = 528
SHAPES = (0.25, 1e4)
"""Shapes for which a table is as exact as told; others are inverted draw by draw."""
TABLES = 2048
"""Tables that are kept: those of some luck blocks in which parameters are drawn."""

STRIP = 8192
"""Draws that are looked up at a time; changes no number."""
LOG_ROOT_2_PI = 0.9189385332046727

Table = npt.NDArray[np.float64]


def gamma_quantile(shape: Floats, u: Floats) -> Floats:
    """Return the quantiles of gamma distributions with scale 1.

    Parameters
    ----------
    shape
        Of each replicate, (replicates,) or one for all (1,).
    u
        Probabilities inside (0, 1), (replicates, units).

    Examples
    --------
    >>> gamma_quantile(np.array([1.0]), np.array([[0.5]])).round(12)  # the exponential: log 2
    array([[0.69314718]])
    """
    return _by_rows(_gamma, u, shape)


def beta_quantile(a: Floats, b: Floats, u: Floats) -> Floats:
    """Return the quantiles of beta distributions.

    Parameters
    ----------
    a, b
        Of each replicate, (replicates,) or one for all (1,).
    u
        Probabilities inside (0, 1), (replicates, units).

    Examples
    --------
    >>> beta_quantile(np.array([2.0]), np.array([1.0]), np.array([[0.25]])).round(12)
    array([[0.5]])
    """
    return _by_rows(_beta, u, a, b)


def _by_rows(quantile: Callable[..., Floats], u: Floats, *parameters: Floats) -> Floats:
    """Return the quantiles of each replicate, those that share parameters together."""
    own = np.stack(np.broadcast_arrays(*parameters))
    turns = np.flatnonzero((own[:, 1:] != own[:, :-1]).any(axis=0)) + 1
    if not len(turns):
        return quantile(u, *own[:, 0].tolist())
    ends = [0, *turns.tolist(), own.shape[1]]
    return np.concatenate(
        [quantile(u[first:last], *own[:, first].tolist()) for first, last in pairwise(ends)]
    )


def _gamma(u: Floats, shape: float) -> Floats:
    if not SHAPES[0] <= shape <= SHAPES[1]:
        return np.asarray(gammaincinv(shape, u))
    return np.asarray(np.exp(_looked_up(_gamma_table(shape), u)))


def _beta(u: Floats, a: float, b: float) -> Floats:
    if min(a, b) < SHAPES[0] or max(a, b) > SHAPES[1]:
        return np.asarray(betaincinv(a, b, u))
    return np.asarray(expit(_looked_up(_beta_table(a, b), u)))


@lru_cache(TABLES)
def _gamma_table(shape: float) -> Table:
    """Return the table of log x."""
    z = _scores()
    below, above = ndtr(z[z < 0]), ndtr(-z[z >= 0])
    x = np.concatenate([gammaincinv(shape, below), gammainccinv(shape, above)])
    log_density = shape * np.log(x) - x - gammaln(shape)  # of log x
    slope = np.exp(-0.5 * z**2 - LOG_ROOT_2_PI - log_density)
    return _table(np.log(x), slope, -slope * (z + (shape - x) * slope))


@lru_cache(TABLES)
def _beta_table(a: float, b: float) -> Table:
    """Return the table of logit x."""
    z = _scores()
    below, above = ndtr(z[z < 0]), ndtr(-z[z >= 0])
    x = np.concatenate([betaincinv(a, b, below), betainccinv(a, b, above)])
    rest = np.concatenate([betainccinv(b, a, below), betaincinv(b, a, above)])  # 1 - x
    log_density = a * np.log(x) + b * np.log(rest) - betaln(a, b)  # of logit x
    slope = np.exp(-0.5 * z**2 - LOG_ROOT_2_PI - log_density)
    return _table(np.log(x) - np.log(rest), slope, -slope * (z + (a * rest - b * x) * slope))


def _scores() -> Floats:
    return np.linspace(-FARTHEST, FARTHEST, STEPS + 1)


def _table(value: Floats, slope: Floats, bend: Floats) -> Table:
    """Return the six coefficients of each step, the lowest power first, (6, steps)."""
    width = 2 * FARTHEST / STEPS
    y0, y1 = value[:-1], value[1:]
    d0, d1 = width * slope[:-1], width * slope[1:]
    c0, c1 = 0.5 * width**2 * bend[:-1], 0.5 * width**2 * bend[1:]
    rise, left, right = y1 - y0 - d0 - c0, d1 - d0 - 2 * c0, c1 - c0
    return np.stack([
        y0, d0, c0, 10 * rise - 4 * left + right, -15 * rise + 7 * left - 2 * right,
        6 * rise - 3 * left + right,
    ])  # fmt: skip


def _looked_up(table: Table, u: Floats) -> Floats:
    """Return the polynomials' values at the normal scores of u, rows in strips that stay cached."""
    found = np.empty(u.shape)
    rows = max(1, STRIP // max(u.shape[1], 1))
    for k in range(0, len(u), rows):
        at = (ndtri(u[k : k + rows]) + FARTHEST) * (STEPS / (2 * FARTHEST))
        step = at.astype(np.int64)
        at -= step
        value = table[5][step]
        for power in (4, 3, 2, 1, 0):
            value *= at
            value += table[power][step]
        found[k : k + rows] = value
    return found
