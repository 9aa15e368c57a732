"""Where Fisher's product stands: S_k = -(w_1 log p_1 + ... + w_k log p_k) on the paths that go on.

Under the null hypothesis each step is w_k times an exponential. A step of less than
-w_k log(alpha0_k) stops the trial for futility, a sum of h_k or more with a rejection. The density
of S_k is smooth between kinks, which are known; between them it is kept at Gauss nodes, and
its integrals are those of the polynomial through them.
"""

import itertools
from dataclasses import dataclass

import numpy as np

from raresim.analysis.arrays import FloatArray

DEGREE = 20
NODES, WEIGHTS = np.polynomial.legendre.leggauss(DEGREE)
LONGEST = 1.0  # of a piece, in units of the narrowest exponential
TO_SERIES = (
    np.polynomial.legendre.legvander(NODES, DEGREE - 1) * WEIGHTS[:, None]
) * (2.0 * np.arange(DEGREE) + 1.0) / 2.0  # fmt: skip
"""From values at the nodes to coefficients of Legendre polynomials."""


@dataclass(frozen=True)
class ProductPath:
    """The sub-density of S after a stage, in P pieces; no pieces before the first stage.

    Attributes
    ----------
    edges
        (P + 1,) ends of the pieces, rising.
    density
        (P, DEGREE) at the Gauss nodes of each piece.
    kinks
        Where the density may not be smooth, the ends of its support among them.
    """

    edges: FloatArray
    density: FloatArray
    kinks: tuple[float, ...]

    @classmethod
    def at_start(cls) -> "ProductPath":
        """Stand at S = 0 with certainty."""
        return cls(np.zeros(0), np.zeros((0, DEGREE)), (0.0,))

    def onward(self, weight: float, least: float, high: float) -> "ProductPath":
        """Take a stage: steps below ``least`` and sums of ``high`` or more stop the trial."""
        kinks = tuple(sorted({min(kink + least, high) for kink in self.kinks} | {high}))
        edges = _edges(kinks, LONGEST * min(1.0, weight))
        if edges.size < 2:
            return ProductPath(np.zeros(2), np.zeros((1, DEGREE)), kinks)
        middle, half = (edges[1:] + edges[:-1]) / 2.0, np.diff(edges) / 2.0
        s = middle[:, None] + half[:, None] * NODES
        density = self._tilted(weight, s - least, s) / weight
        return ProductPath(edges, density, kinks)

    def crossing(self, weight: float, high: float) -> float:
        """Give the probability that the next sum is ``high`` or more."""
        level = np.array([[high]])
        stay = float(self._tilted(weight, level, level)[0, 0])
        return stay + self.mass() - self.mass(high)

    def mass(self, below: float = np.inf) -> float:
        """Give the probability to be on the path with S below a value."""
        if self.edges.size == 0:
            return 1.0 if below > 0.0 else 0.0
        return float(self._integral(self.density, np.array([below]))[0])

    def _tilted(self, weight: float, upto: FloatArray, s: FloatArray) -> FloatArray:
        """Integrate density(r) exp(-(s - r) / weight) over r up to ``upto``, for each s."""
        if self.edges.size == 0:
            return np.where(upto >= 0.0, np.exp(-s / weight), 0.0)
        half = np.diff(self.edges) / 2.0
        middle = (self.edges[1:] + self.edges[:-1]) / 2.0
        r = middle[:, None] + half[:, None] * NODES
        total = self._integral(self.density * np.exp(r / weight), upto.ravel())
        return total.reshape(upto.shape) * np.exp(-s / weight)

    def _integral(self, values: FloatArray, upto: FloatArray) -> FloatArray:
        """Integrate pieces of polynomials, given at the nodes, from the start to each point."""
        half = np.diff(self.edges) / 2.0
        whole = np.concatenate(([0.0], np.cumsum(half * (values @ WEIGHTS))))
        place = np.clip(np.searchsorted(self.edges, upto, side="right") - 1, 0, half.size - 1)
        point = np.clip(upto, self.edges[place], self.edges[place + 1])
        width = np.where(half[place] > 0.0, half[place], 1.0)
        x = (point - self.edges[place]) / width - 1.0
        series = np.polynomial.legendre.legint((values @ TO_SERIES).T, lbnd=-1, axis=0)
        basis = np.polynomial.legendre.legvander(x, DEGREE)
        part = np.sum(basis * series.T[place], axis=1) * half[place]
        return np.asarray(whole[place] + part)


def _edges(kinks: tuple[float, ...], longest: float) -> FloatArray:
    ends = [kinks[0]]
    for low, high in itertools.pairwise(kinks):
        pieces = max(int(np.ceil((high - low) / longest)), 1)
        ends.extend(np.linspace(low, high, pieces + 1)[1:])
    return np.array(ends)
