"""Pearson's correlation of two numbers of which one or both are whole, from that of their scores.

A whole number counts the thresholds below its normal score, so that given the other's score z its
mean is a smooth sum, and no quadrature has to find the steps:

    E[Y | z] = lower + sum over k of Phi((rho z - t[k]) / sqrt(1 - rho²)),  Phi(t[k]) = P(Y <= k)

Source: Olsson, Drasgow & Dorans, The polyserial correlation coefficient, Psychometrika
1982;47:337-347.
"""

from __future__ import annotations

from typing import TypeGuard

import numpy as np
from scipy.special import ndtr, ndtri

from raresim.evidence import Distribution
from raresim.evidence.counts import BetaBinomial, NegativeBinomial
from raresim.evidence.statistics import Floats

MOST = 300
"""A number of more steps than this is taken as continuous."""


def stepped(law: Distribution) -> TypeGuard[NegativeBinomial | BetaBinomial]:
    """Whether a law is of so few whole numbers that its steps matter."""
    return isinstance(law, (NegativeBinomial, BetaBinomial)) and law.cumulative().size <= MOST


def pearson(first: Distribution, second: Distribution, grid: Floats) -> Floats:
    """Return Pearson's correlation for each correlation of normal scores in a grid.

    Parameters
    ----------
    first, second
        Laws of which one is `stepped`.
    grid
        Correlations of normal scores, inside (-1, 1) and ascending.
    """
    other, whole = (first, second) if stepped(second) else (second, first)
    assert stepped(whole)
    z, weight = _nodes(other)
    u = np.clip(ndtr(z), 2.0**-60, 1 - 2.0**-53)
    x = other.quantile(u[None, :])[0]
    away = weight * (x - weight @ x)
    below = whole.cumulative()
    t = ndtri(below)
    share = np.diff(below, prepend=0.0, append=1.0)
    k = np.arange(share.size)
    spread = np.sqrt((away @ (x - weight @ x)) * (share @ (k - share @ k) ** 2))
    found = [
        away @ np.sum(ndtr((rho * z[:, None] - t) / np.sqrt(1 - rho**2)), axis=1) for rho in grid
    ]
    return np.maximum.accumulate(np.array(found) / spread)


def _nodes(law: Distribution) -> tuple[Floats, Floats]:
    """Return normal scores and their weights: many where the law has steps, else Gauss's."""
    if stepped(law):
        z = np.linspace(-8, 8, 801)
        weight = np.exp(-0.5 * z**2)
    else:
        z, weight = np.polynomial.hermite_e.hermegauss(80)
    return z, weight / weight.sum()
