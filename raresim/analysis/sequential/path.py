"""Where the statistic of a trial with looks stands, for the trials that have not stopped.

S_k = Z_k sqrt(I_k) is a sum of independent normal steps of mean theta (I_k - I_(k-1)) and variance
I_k - I_(k-1). Its density over the trials that go on is carried from look to look by quadrature
(Armitage, McPherson, Rowe); everything of this room is asked of it.

Source: Armitage P, McPherson CK, Rowe BC. J R Stat Soc A 1969;132:235-244; Jennison C, Turnbull
BW. Group Sequential Methods, Chapman & Hall 2000, chapter 19 (there with Simpson's rule; Gauss
panels need fewer nodes for the same digits).
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, ndtri

from raresim.analysis.arrays import FloatArray

FARTHEST = 8.5  # the normal distribution beyond this holds less than 1e-16
PANEL = 3.0  # width of a quadrature panel, in widths of the narrowest feature
MOST_PANELS = 160
ABSCISSAE, WEIGHTS = np.polynomial.legendre.leggauss(12)
SETTLED = 1e-10
NEGLIGIBLE = 1e-100  # weights below are not looked at where a search starts
NORMAL_PEAK = 0.3989422804014327  # 1 / sqrt(2 pi)

Interval = tuple[float, float]
"""Values of Z between which a trial goes on."""


@dataclass(frozen=True)
class Path:
    """Where S stood at the look before, for trials that have not stopped.

    Attributes
    ----------
    reached
        Information at that look.
    value, weight
        Nodes of S and the probability each stands for.
    theta
        Mean of a step of S for a unit of information.
    """

    reached: float
    value: FloatArray
    weight: FloatArray
    theta: float = 0.0

    @classmethod
    def at_start(cls, theta: float = 0.0) -> "Path":
        """Stand at S = 0 with certainty."""
        return cls(0.0, np.zeros(1), np.ones(1), theta)

    def onward(self, level: float, following: float, *goes_on: Interval) -> "Path":
        """Move to the look at information ``level``; only trials with z in an interval go on.

        The quadrature is fine enough for the density there and for the step to ``following``.
        """
        step = np.sqrt(level - self.reached)
        narrowest = min(1.0, step / np.sqrt(level), np.sqrt(following / level - 1.0))
        middle = self.theta * np.sqrt(level)
        parts = [
            _nodes(max(low, middle - FARTHEST), min(high, middle + FARTHEST), narrowest)
            for low, high in goes_on
        ]
        value = np.sqrt(level) * np.concatenate([z for z, _ in parts])
        width = np.sqrt(level) * np.concatenate([w for _, w in parts])
        deviate = (value[:, None] - (self.value + self.theta * step * step)) / step
        density = (NORMAL_PEAK / step) * np.exp(-0.5 * deviate * deviate) @ self.weight
        return Path(level, value, width * density, self.theta)

    def above(self, level: float, z: float) -> float:
        """Give the probability that the look at ``level`` is reached and Z there is z or more."""
        return float(ndtr(-self._deviate(level, z)) @ self.weight)

    def below(self, level: float, z: float) -> float:
        """Give the probability that the look at ``level`` is reached and Z there is z or less."""
        return self.mirrored().above(level, -z)

    def between(self, level: float, low: float, high: float) -> float:
        """Give the probability that the look is reached and Z there lies between two values."""
        return float(
            (ndtr(self._deviate(level, high)) - ndtr(self._deviate(level, low))) @ self.weight
        )

    def mirrored(self) -> "Path":
        """Give the path of -S."""
        return Path(self.reached, -self.value[::-1], self.weight[::-1], -self.theta)

    def boundary(self, level: float, probability: float) -> float:
        """Find u so that the look at ``level`` is reached and Z >= u with this probability.

        Newton's method on the logarithm of that probability, which is concave and falling in u:
        from the right it never overshoots. Where fewer trials arrive than that, u is -infinity.
        """
        if probability <= 0.0:
            return np.inf
        if probability >= float(self.weight.sum()):
            return -np.inf
        step, scale = float(np.sqrt(level - self.reached)), float(np.sqrt(level))
        shift = self.theta * step * step
        there = self.value[self.weight > NEGLIGIBLE]
        farthest = (float(there[-1]) + shift + 30.0 * step) / scale
        u = min(self.theta * scale - float(ndtri(probability)), farthest)
        for _ in range(60):
            deviate = self._deviate(level, u)
            tail = float(ndtr(-deviate) @ self.weight)
            density = float(np.exp(-0.5 * deviate * deviate) @ self.weight)
            hazard = density * NORMAL_PEAK * scale / step / tail
            if not hazard > 0.0:
                break  # so far to the left that all who arrive are above
            change = float(np.log(tail / probability)) / hazard
            u += change
            if abs(change) < SETTLED:
                break
        return u

    def lower_boundary(self, level: float, probability: float) -> float:
        """Find l so that the look at ``level`` is reached and Z <= l with this probability."""
        return -self.mirrored().boundary(level, probability)

    def _deviate(self, level: float, z: float) -> FloatArray:
        step = np.sqrt(level - self.reached)
        deviate: FloatArray = (z * np.sqrt(level) - self.value - self.theta * step * step) / step
        return deviate


def _nodes(low: float, high: float, narrowest: float) -> tuple[FloatArray, FloatArray]:
    """Give Gauss nodes and weights of Z between two values; none where they cross."""
    if not low < high:
        return np.zeros(0), np.zeros(0)
    panels = min(int(np.ceil((high - low) / (PANEL * narrowest))), MOST_PANELS)
    half = (high - low) / panels / 2.0
    centres = low + half * (2.0 * np.arange(panels) + 1.0)
    return (centres[:, None] + half * ABSCISSAE).ravel(), np.tile(half * WEIGHTS, panels)
