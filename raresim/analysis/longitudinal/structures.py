"""Covariance structures of the visits: the matrix and its derivatives in free parameters.

The parameters are those of R's mmrm. They matter in one place: the Kenward-Roger covariance
uses second derivatives, so it is that of mmrm only in mmrm's own parameters.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np

from raresim.analysis.arrays import FloatArray, IntArray


def entries(visits: int) -> tuple[IntArray, IntArray]:
    """List the entries (v, w) with v <= w of a symmetric matrix, row by row."""
    v, w = np.triu_indices(visits)
    return v.astype(np.int64), w.astype(np.int64)


@dataclass(frozen=True)
class Shape:
    """A matrix, its entries (B, E), and their first and second derivatives."""

    value: FloatArray  # (B, E)
    first: FloatArray  # (B, E, K)
    second: FloatArray  # (B, E, K, K)


class Structure(ABC):
    """A covariance structure of m visits with K parameters."""

    def __init__(self, visits: int) -> None:
        self.visits = visits
        self.v, self.w = entries(visits)

    @property
    @abstractmethod
    def size(self) -> int:
        """Return the number of parameters."""

    @abstractmethod
    def start(self, moments: FloatArray) -> FloatArray:
        """Return parameters (B, K) near a positive definite matrix (B, m, m)."""

    @abstractmethod
    def value(self, theta: FloatArray) -> FloatArray:
        """Return the entries (B, E) at parameters (B, K)."""

    @abstractmethod
    def shape(self, theta: FloatArray) -> Shape:
        """Return the entries and their derivatives at parameters (B, K)."""

    def bent(self, theta: FloatArray, weights: FloatArray) -> tuple[Shape, FloatArray]:
        """Return entries and derivatives, the second ones only as their weighted sum.

        Weights (B, E) give the sum over entries, (B, K, K); the shape comes without them.
        """
        shape = self.shape(theta)
        rows, e, k = shape.first.shape
        second = shape.second.reshape(shape.second.shape[0], e, k * k)
        total = np.matmul(weights[:, None, :], second).reshape(rows, k, k)
        return Shape(shape.value, shape.first, np.zeros((0, 0, 0, 0))), total


class Scaled(Structure):
    """Structures of the form s_v s_w C_vw: log standard deviations, then parameters of C.

    ``heterogeneous`` ones have a standard deviation for each visit, the others one for all.
    """

    def __init__(self, visits: int, heterogeneous: bool) -> None:
        super().__init__(visits)
        self.scales = visits if heterogeneous else 1
        which = np.arange(visits) if heterogeneous else np.zeros(visits, dtype=np.int64)
        self.of_v, self.of_w = which[self.v], which[self.w]
        power = np.zeros((self.v.size, self.scales))  # how often each scale is in an entry
        np.add.at(power, (np.arange(self.v.size), self.of_v), 1.0)
        np.add.at(power, (np.arange(self.v.size), self.of_w), 1.0)
        self.power = power

    @property
    def size(self) -> int:
        """Return the number of parameters."""
        return self.scales + self.inner_size

    @property
    @abstractmethod
    def inner_size(self) -> int:
        """Return the number of parameters of C."""

    @abstractmethod
    def inner(self, phi: FloatArray) -> FloatArray:
        """Return C (B, E) at its parameters (B, k)."""

    @abstractmethod
    def inner_shape(self, phi: FloatArray) -> Shape:
        """Return C and its derivatives in its parameters."""

    @abstractmethod
    def inner_start(self, correlation: FloatArray) -> FloatArray:
        """Return parameters near correlations (B, m, m)."""

    def start(self, moments: FloatArray) -> FloatArray:
        """Return parameters (B, K) near a positive definite matrix (B, m, m)."""
        diagonal = np.arange(self.visits)
        variance = moments[:, diagonal, diagonal]
        spread = np.sqrt(variance)
        correlation = moments / (spread[:, :, None] * spread[:, None, :])
        if self.scales == 1:
            spread = np.sqrt(mean_in_order(variance))[:, None]
        return np.concatenate([np.log(spread), self.inner_start(correlation)], axis=1)

    def value(self, theta: FloatArray) -> FloatArray:
        """Return the entries (B, E) at parameters (B, K)."""
        scale = np.exp(theta[:, : self.scales])
        inner = self.inner(np.ascontiguousarray(theta[:, self.scales :]))
        return scale[:, self.of_v] * scale[:, self.of_w] * inner

    def _parts(self, theta: FloatArray) -> tuple[FloatArray, FloatArray, Shape, FloatArray]:
        """Return s_v s_w, the entries, C with its derivatives, and the first ones scaled."""
        scale = np.exp(theta[:, : self.scales])
        factor = scale[:, self.of_v] * scale[:, self.of_w]
        inner = self.inner_shape(np.ascontiguousarray(theta[:, self.scales :]))
        return factor, factor * inner.value, inner, factor[:, :, None] * inner.first

    def shape(self, theta: FloatArray) -> Shape:
        """Return the entries and their derivatives at parameters (B, K)."""
        s, size = self.scales, self.size
        factor, value, inner, slope = self._parts(theta)
        first = np.concatenate([value[:, :, None] * self.power, slope], axis=2)
        second = np.zeros((*value.shape, size, size))
        squares = self.power[:, :, None] * self.power[:, None, :]
        second[:, :, :s, :s] = value[:, :, None, None] * squares
        cross = self.power[None, :, :, None] * slope[:, :, None, :]
        second[:, :, :s, s:] = cross
        second[:, :, s:, :s] = np.swapaxes(cross, 2, 3)
        second[:, :, s:, s:] = factor[:, :, None, None] * inner.second
        return Shape(value, first, second)

    def bent(self, theta: FloatArray, weights: FloatArray) -> tuple[Shape, FloatArray]:
        """Return what `Structure.bent` does, without laying the second derivatives out."""
        s, size, rows = self.scales, self.size, theta.shape[0]
        factor, value, inner, slope = self._parts(theta)
        first = np.concatenate([value[:, :, None] * self.power, slope], axis=2)
        total = np.zeros((rows, size, size))
        flat = (weights * value)[:, None, :]
        e = value.shape[1]
        squares = (self.power[:, :, None] * self.power[:, None, :]).reshape(e, s * s)
        total[:, :s, :s] = np.matmul(flat, squares).reshape(rows, s, s)
        cross = np.matmul(self.power.T, weights[:, :, None] * slope)
        total[:, :s, s:] = cross
        total[:, s:, :s] = np.swapaxes(cross, 1, 2)
        second = inner.second.reshape(inner.second.shape[0], e, (size - s) ** 2)
        flat = (weights * factor)[:, None, :]
        total[:, s:, s:] = np.matmul(flat, second).reshape(rows, size - s, size - s)
        return Shape(value, first, np.zeros((0, 0, 0, 0))), total


def mean_in_order(values: FloatArray) -> FloatArray:
    """Return the mean along the last axis, added from left to right."""
    total = np.cumsum(values, axis=-1)[..., -1]
    mean: FloatArray = total / values.shape[-1]
    return mean
