"""Covariances of the visits that random intercepts and slopes imply."""

from dataclasses import dataclass

import numpy as np

from raresim.analysis.arrays import FloatArray
from raresim.analysis.longitudinal.structures import Shape, Structure, mean_in_order


@dataclass(frozen=True)
class Loading:
    """What one standard normal effect of a patient adds at the visits, and its derivatives.

    ``first`` and ``second`` are keyed by the positions of the parameters; those that are not
    there are 0.
    """

    value: FloatArray  # (B, m)
    first: dict[int, FloatArray]
    second: dict[tuple[int, int], FloatArray]


class RandomEffects(Structure):
    """A sum of squares of loadings plus independent residuals; the last parameter is theirs.

    ``rank`` 2: intercepts and slopes with any covariance G: log standard deviations of the
    two, and how far slopes follow intercepts. ``rank`` 1: G at its limit, where one effect
    moves both: log size and angle. ``rank`` 0: residuals alone.
    """

    def __init__(self, times: FloatArray, rank: int) -> None:
        super().__init__(times.size)
        self.times = times
        self.rank = rank

    @property
    def size(self) -> int:
        """Return the number of parameters."""
        return (1, 3, 4)[self.rank]

    def loadings(self, theta: FloatArray) -> list[Loading]:
        """Return the loadings at parameters (B, K)."""
        t = np.broadcast_to(self.times, (theta.shape[0], self.visits))
        if self.rank == 0:
            return []
        scale = np.exp(theta[:, :1])
        if self.rank == 1:
            cosine, sine = np.cos(theta[:, 1:2]), np.sin(theta[:, 1:2])
            x, turned = scale * (cosine + sine * t), scale * (cosine * t - sine)
            second = {(0, 0): x, (0, 1): turned, (1, 0): turned, (1, 1): -x}
            return [Loading(x, {0: x, 1: turned}, second)]
        own = scale * np.ones_like(t)
        steep, follow = np.exp(theta[:, 1:2]) * t, theta[:, 2:3]
        both = steep * follow
        second = {(0, 0): own, (1, 1): both, (1, 2): steep, (2, 1): steep}
        return [
            Loading(own + both, {0: own, 1: both, 2: steep}, second),
            Loading(steep, {1: steep}, {(1, 1): steep}),
        ]

    def value(self, theta: FloatArray) -> FloatArray:
        """Return the entries (B, E) at parameters (B, K)."""
        found = np.where(self.v == self.w, np.exp(2.0 * theta[:, -1:]), 0.0)
        for loading in self.loadings(theta):
            x = loading.value
            found = found + x[:, self.v] * x[:, self.w]
        return found

    def shape(self, theta: FloatArray) -> Shape:
        """Return the entries and their derivatives at parameters (B, K)."""
        rows, k, v, w = theta.shape[0], self.size, self.v, self.w
        residual = np.where(v == w, np.exp(2.0 * theta[:, -1:]), 0.0)
        first = np.zeros((rows, v.size, k))
        second = np.zeros((rows, v.size, k, k))
        first[:, :, -1], second[:, :, -1, -1] = 2.0 * residual, 4.0 * residual
        for loading in self.loadings(theta):
            x = loading.value
            for i, a in loading.first.items():
                first[:, :, i] += a[:, v] * x[:, w] + x[:, v] * a[:, w]
                for j, b in loading.first.items():
                    second[:, :, i, j] += a[:, v] * b[:, w] + b[:, v] * a[:, w]
            for (i, j), a in loading.second.items():
                second[:, :, i, j] += a[:, v] * x[:, w] + x[:, v] * a[:, w]
        return Shape(self.value(theta), first, second)

    def start(self, moments: FloatArray) -> FloatArray:
        """Return parameters: half of the mean variance residual, the rest of the patients."""
        diagonal = np.arange(self.visits)
        variance = mean_in_order(moments[:, diagonal, diagonal])
        half, zero = 0.5 * np.log(variance / 2.0), np.zeros(variance.shape)
        if self.rank == 0:
            return 0.5 * np.log(variance)[:, None]
        if self.rank == 1:
            return np.stack([half, zero + 0.1, half], axis=1)
        reach = np.sqrt(mean_in_order(self.times**2))
        return np.stack([half, half - 0.7 - np.log(reach), zero, half], axis=1)
