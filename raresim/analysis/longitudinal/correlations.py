"""Covariances of the visits by their correlations, as R's mmrm has them."""

import numpy as np

from raresim.analysis.arrays import FloatArray
from raresim.analysis.longitudinal.structures import Scaled, Shape, mean_in_order

NEARLY_ONE = 0.95  # correlations to start from stay within


class Unstructured(Scaled):
    """Any covariance: C = L L' with L unit lower triangular, its entries row by row."""

    def __init__(self, visits: int) -> None:
        super().__init__(visits, True)
        self.low_v, self.low_w = np.tril_indices(visits, -1)
        k = self.low_v.size
        table = np.full((visits, visits), -1)
        table[self.low_v, self.low_w] = np.arange(k)
        curve = np.zeros((self.v.size, k, k))
        for e, (v, w) in enumerate(zip(self.v, self.w, strict=True)):
            for j in range(min(v, w)):
                curve[e, table[v, j], table[w, j]] += 1.0
                curve[e, table[w, j], table[v, j]] += 1.0
        self.curve = curve
        linear = np.zeros((self.v.size, k))  # where a factor is the unit diagonal
        off = np.flatnonzero(self.v != self.w)
        linear[off, table[self.w[off], self.v[off]]] = 1.0
        self.linear = linear

    @property
    def inner_size(self) -> int:
        """Return the number of entries below the diagonal."""
        return self.low_v.size

    def inner(self, phi: FloatArray) -> FloatArray:
        """Return C (B, E): quadratic in the entries of L."""
        lower = np.zeros((phi.shape[0], self.visits, self.visits))
        diagonal = np.arange(self.visits)
        lower[:, diagonal, diagonal] = 1.0
        lower[:, self.low_v, self.low_w] = phi
        found = np.zeros((phi.shape[0], self.v.size))
        for j in range(self.visits):
            found += lower[:, self.v, j] * lower[:, self.w, j]
        return found

    def inner_shape(self, phi: FloatArray) -> Shape:
        """Return C and its derivatives; the second ones are constants."""
        first = np.repeat(self.linear[None], phi.shape[0], axis=0)
        e, k, other = np.nonzero(self.curve)
        for which in range(e.size):
            weight = self.curve[e[which], k[which], other[which]]
            first[:, e[which], k[which]] += weight * phi[:, other[which]]
        return Shape(self.inner(phi), first, np.broadcast_to(self.curve, (1, *self.curve.shape)))

    def start(self, moments: FloatArray) -> FloatArray:
        """Return the parameters of the matrix (B, m, m) itself."""
        lower = np.linalg.cholesky(moments)
        diagonal = np.arange(self.visits)
        spread = lower[:, diagonal, diagonal]
        unit = lower / spread[:, :, None]
        return np.concatenate([np.log(spread), unit[:, self.low_v, self.low_w]], axis=1)

    def inner_start(self, correlation: FloatArray) -> FloatArray:
        """Not used: `start` takes the whole matrix."""
        raise NotImplementedError


class CompoundSymmetry(Scaled):
    """One correlation rho = (1 + a) logistic(theta) - a with a = 1/(m - 1)."""

    @property
    def inner_size(self) -> int:
        """Return 1, or 0 for a single visit."""
        return 1 if self.visits > 1 else 0

    def inner(self, phi: FloatArray) -> FloatArray:
        """Return C (B, E)."""
        return self._derivatives(phi, 0)

    def _derivatives(self, phi: FloatArray, order: int) -> FloatArray:
        if self.visits == 1:
            return np.full((phi.shape[0], 1), 1.0 if order == 0 else 0.0)
        a = 1.0 / (self.visits - 1)
        p = 1.0 / (1.0 + np.exp(-phi[:, 0]))
        rho = ((1 + a) * p - a, (1 + a) * p * (1 - p), (1 + a) * p * (1 - p) * (1 - 2 * p))[order]
        off = self.v != self.w
        return np.where(off, rho[:, None], 1.0 if order == 0 else 0.0)

    def inner_shape(self, phi: FloatArray) -> Shape:
        """Return C and its derivatives."""
        k = self.inner_size
        first = self._derivatives(phi, 1)[:, :, None]
        second = self._derivatives(phi, 2)[:, :, None, None]
        return Shape(self.inner(phi), first[:, :, :k], second[:, :, :k, :k])

    def inner_start(self, correlation: FloatArray) -> FloatArray:
        """Return the parameter of the mean correlation."""
        if self.visits == 1:
            return np.zeros((correlation.shape[0], 0))
        off = self.v != self.w
        a = 1.0 / (self.visits - 1)
        mean = mean_in_order(correlation[:, self.v[off], self.w[off]])
        p = np.clip((mean + a) / (1 + a), 1 - NEARLY_ONE, NEARLY_ONE)
        return np.log(p / (1 - p))[:, None]


class Correlated(Scaled):
    """Structures whose correlations are products of powers of rho_k = t_k/sqrt(1 + t_k^2).

    ``exponent`` (E, k) says how often each rho_k is in an entry.
    """

    def __init__(self, visits: int, heterogeneous: bool, exponent: FloatArray) -> None:
        super().__init__(visits, heterogeneous)
        self.exponent = exponent

    @property
    def inner_size(self) -> int:
        """Return the number of correlations."""
        return int(self.exponent.shape[1])

    def inner(self, phi: FloatArray) -> FloatArray:
        """Return C (B, E)."""
        found = np.ones((phi.shape[0], self.v.size))
        for k in range(self.inner_size):
            found = found * self._factor(phi, k, 0)
        return found

    def _factor(self, phi: FloatArray, k: int, order: int) -> FloatArray:
        """Return the derivative of rho_k to its power, (B, E)."""
        t = phi[:, k, None]
        root = np.sqrt(1.0 + t * t)
        rho, slope = t / root, 1.0 / root**3
        x = self.exponent[:, k]
        if order == 0:
            return _power(rho, x)
        once = x * _power(rho, np.maximum(x - 1, 0))
        if order == 1:
            return once * slope
        twice = x * (x - 1) * _power(rho, np.maximum(x - 2, 0))
        found: FloatArray = twice * slope * slope - once * 3.0 * t / root**5
        return found

    def inner_shape(self, phi: FloatArray) -> Shape:
        """Return C and its derivatives."""
        k, rows = self.inner_size, phi.shape[0]
        factors = [[self._factor(phi, j, order) for order in range(3)] for j in range(k)]
        first = np.zeros((rows, self.v.size, k))
        second = np.zeros((rows, self.v.size, k, k))
        for i in range(k):
            first[:, :, i] = _product(factors, {i: 1})
            second[:, :, i, i] = _product(factors, {i: 2})
            for j in range(i):
                second[:, :, i, j] = second[:, :, j, i] = _product(factors, {i: 1, j: 1})
        return Shape(self.inner(phi), first, second)

    def inner_start(self, correlation: FloatArray) -> FloatArray:
        """Return the parameters of mean correlations of the entries that have one rho alone."""
        found = []
        flat = correlation[:, self.v, self.w]
        alone = self.exponent.sum(axis=1) == 1
        for k in range(self.inner_size):
            rho = mean_in_order(flat[:, alone & (self.exponent[:, k] == 1)])
            found.append(np.clip(rho, -NEARLY_ONE, NEARLY_ONE))
        rho = np.stack(found, axis=1) if found else np.zeros((correlation.shape[0], 0))
        return rho / np.sqrt(1.0 - rho * rho)


def _power(base: FloatArray, exponent: FloatArray) -> FloatArray:
    """Raise to small whole powers by multiplying: the same bits for any length of the batch."""
    found = np.ones(np.broadcast_shapes(base.shape, exponent.shape))
    for step in range(int(exponent.max(initial=0))):
        found = np.where(exponent > step, found * base, found)
    return found


def _product(factors: list[list[FloatArray]], orders: dict[int, int]) -> FloatArray:
    found = np.ones_like(factors[0][0])
    for k, factor in enumerate(factors):
        found = found * factor[orders.get(k, 0)]
    return found
