"""Nodes and weights at which the Bayesian joint stage model is integrated."""

from functools import cache
from typing import NamedTuple

import numpy as np
from scipy.special import expit, roots_jacobi, roots_legendre, sici

from raresim.analysis.arrays import FloatArray

FARTHEST = 4.0
PANEL = 16


class RateNodes(NamedTuple):
    """Nodes on (0, 1) for integrands with powers of x and 1 - x at the ends.

    The rule is tanh-sinh: x = expit(pi sinh(s)), s in equal steps; its error falls exponentially.

    Attributes
    ----------
    step
        Between the values of s.
    place
        (N,) s.
    value, rest
        (N,) x, and 1 - x without cancellation.
    log_weight
        (N,) logarithm of dx.
    below
        (N, N) turns values of a density in s into its integrals up to each node (the indefinite
        integral of the sinc interpolant).
    """

    step: float
    place: FloatArray
    value: FloatArray
    rest: FloatArray
    log_weight: FloatArray
    below: FloatArray

    def at(self, x: FloatArray) -> FloatArray:
        """Give the s of values inside (0, 1)."""
        found: FloatArray = np.arcsinh((np.log(x) - np.log1p(-x)) / np.pi)
        return found


@cache
def rate_nodes(patients: int) -> RateNodes:
    """Return nodes fine enough for the posterior of that many patients on one treatment.

    Examples
    --------
    >>> nodes = rate_nodes(20)
    >>> float(np.exp(nodes.log_weight).sum().round(12))
    1.0
    """
    step = 1.0 / 16.0
    # the posterior's SD in s is about 2/(pi root n): steps of that size leave errors of e^-16
    while step > 0.7 / np.sqrt(max(patients, 1)):
        step /= 2.0
    whole = np.arange(-round(FARTHEST / step), round(FARTHEST / step) + 1)
    place: FloatArray = whole.astype(np.float64) * step
    logit = np.pi * np.sinh(place)
    log_weight = (
        np.log(np.pi * np.cosh(place) * step) - np.logaddexp(0.0, logit) - np.logaddexp(0.0, -logit)
    )
    apart = np.subtract.outer(np.arange(place.size), np.arange(place.size))
    below = 0.5 + sici(np.pi * apart)[0] / np.pi
    return RateNodes(step, place, expit(logit), expit(-logit), log_weight, below)


@cache
def panels(nodes_for: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Give (N - 1, 16) nodes x, 1 - x and weights dx between each node and the next."""
    nodes = rate_nodes(nodes_for)
    inner, weight = roots_legendre(PANEL)
    place = nodes.place[:-1, None] + nodes.step * (inner + 1.0) / 2.0
    logit = np.pi * np.sinh(place)
    x, rest = expit(logit), expit(-logit)
    return x, rest, x * rest * np.pi * np.cosh(place) * weight * nodes.step / 2.0


@cache
def beta_nodes(number: int, a: float, b: float) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Give nodes on (0, 1), 1 less them, and weights of a beta (a, b) law (Gauss-Jacobi).

    Examples
    --------
    >>> value, _, weight = beta_nodes(8, 1.6, 0.4)
    >>> float((value * weight).sum().round(12))
    0.8
    """
    place, weight = roots_jacobi(number, b - 1.0, a - 1.0)
    return (1.0 + place) / 2.0, (1.0 - place) / 2.0, weight / weight.sum()
