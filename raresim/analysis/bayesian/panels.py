"""Gauss-Legendre quadrature in panels between break points, for many rows at once."""

import numpy as np

from raresim.analysis.arrays import FloatArray

NODES = 16
ABSCISSAE, WEIGHTS = np.polynomial.legendre.leggauss(NODES)

# Levels between which a distribution function is smooth enough for one panel each
LEVELS = (1e-16, 1e-12, 1e-9, 1e-6, 1e-4, 3e-3, 0.03, 0.12, 0.3, 0.5)


def panels(breaks: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Give nodes and weights between neighbouring break points.

    Parameters
    ----------
    breaks
        (..., P) break points, never falling; an empty panel gets weights of zero.

    Returns
    -------
    Nodes and weights, each (..., (P - 1) NODES).

    Examples
    --------
    >>> nodes, weights = panels(np.array([0.0, 0.5, 2.0]))
    >>> round(float(np.sum(weights * nodes**3)), 12)
    4.0
    """
    low, high = breaks[..., :-1, None], breaks[..., 1:, None]
    half = (high - low) / 2.0
    nodes = (low + high) / 2.0 + half * ABSCISSAE
    weights = half * WEIGHTS
    flat = (*breaks.shape[:-1], -1)
    return nodes.reshape(flat), weights.reshape(flat)
