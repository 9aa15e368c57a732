"""At which look a trial with given boundaries stops, and on which side, whatever the truth is."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from raresim.analysis.arrays import FloatArray
from raresim.analysis.sequential.path import Interval, Path
from raresim.errors import InputError

FARTHEST_STEP = 1e4  # a zero farther away than this many first steps is none


@dataclass(frozen=True)
class Bounds:
    """Boundaries of Z at K looks, each an array of shape (K,).

    Attributes
    ----------
    upper
        Efficacy: a trial stops with Z of this or more.
    lower
        A trial stops with Z of this or less: for futility, in a two-sided test for efficacy on
        the other side. -infinity where nothing stops.
    inner
        Futility of a two-sided test: a trial stops with abs(Z) of this or less; NaN where nothing
        stops.
    """

    upper: FloatArray
    lower: FloatArray
    inner: FloatArray

    def goes_on(self, look: int) -> tuple[Interval, ...]:
        """Give the values of Z at a look with which a trial goes on."""
        low, high, inner = self.lower[look], self.upper[look], self.inner[look]
        if np.isnan(inner):
            return ((low, high),)
        return ((low, -inner), (inner, high))


@dataclass(frozen=True)
class Exits:
    """Probabilities to stop at each look, arrays of shape (K,).

    Attributes
    ----------
    upper, lower, inner
        To stop there for the first time, at that boundary.
    reached
        To reach the look.
    expected_information
        Mean information when the trial ends.
    """

    upper: FloatArray
    lower: FloatArray
    inner: FloatArray
    reached: FloatArray
    expected_information: float


def exit_probabilities(
    information: Sequence[float],
    upper: Sequence[float],
    lower: Sequence[float] | None = None,
    theta: float = 0.0,
    *,
    inner: Sequence[float] | None = None,
) -> Exits:
    """Give the probability of a first exit at each look, under any truth, to about 1e-10.

    Z_k has mean theta sqrt(I_k), variance 1 and correlation sqrt(I_j / I_k) with Z_j: the
    canonical joint distribution, integrated look by look.

    Parameters
    ----------
    information
        (K,) information at the looks, rising; 1/se^2, or fractions of the last.
    upper
        (K,) a trial stops with Z of this or more; infinite where it does not.
    lower
        (K,) a trial stops with Z of this or less; by default it never does.
    theta
        The true effect on the scale of ``information``: with fractions, the drift
        theta sqrt(largest information).
    inner
        (K,) a trial stops with abs(Z) of this or less; NaN (the default) where it does not.

    Raises
    ------
    InputError
        If information does not rise or the lengths differ.

    References
    ----------
    See `raresim.analysis.sequential.path`.

    Examples
    --------
    >>> exit_probabilities((0.5, 1.0), (2.96258804, 1.96859564)).upper.round(7)
    array([0.0015253, 0.0234747])
    """
    levels = rising("information", information)
    looks = len(levels)
    bounds = Bounds(
        _of_length("upper", upper, looks, np.inf),
        _of_length("lower", lower, looks, -np.inf),
        _of_length("inner", inner, looks, np.nan),
    )
    if not np.isfinite(theta):
        raise InputError(f"theta: found {theta}; expected a finite number.")
    return exits_of(levels, bounds, float(theta))


def exits_of(levels: tuple[float, ...], bounds: Bounds, theta: float) -> Exits:
    """Give the exits for boundaries that have been checked."""
    looks = len(levels)
    upper, lower, inner, reached = np.zeros((4, looks))
    path = Path.at_start(theta)
    for k, level in enumerate(levels):
        reached[k] = float(path.weight.sum())
        upper[k] = path.above(level, bounds.upper[k]) if bounds.upper[k] < np.inf else 0.0
        lower[k] = path.below(level, bounds.lower[k]) if bounds.lower[k] > -np.inf else 0.0
        if bounds.inner[k] > 0.0:
            inner[k] = path.between(level, -bounds.inner[k], bounds.inner[k])
        if k + 1 < looks:
            path = path.onward(level, levels[k + 1], *bounds.goes_on(k))
    expected = float(np.diff((0.0, *levels)) @ reached)
    return Exits(upper, lower, inner, reached, expected)


def rising(name: str, values: Sequence[float]) -> tuple[float, ...]:
    """Read numbers that must be positive and rise."""
    levels = tuple(float(value) for value in values) if np.ndim(values) == 1 else ()
    rises = all(low < high for low, high in zip((0.0, *levels), levels, strict=False))
    if not levels or not rises or not np.isfinite(levels[-1]):
        raise InputError(
            f"{name}: found {values}; expected finite positive values that rise, one for each look."
        )
    return levels


def _of_length(name: str, values: Sequence[float] | None, looks: int, missing: float) -> FloatArray:
    if values is None:
        return np.full(looks, missing)
    array = np.asarray(values, dtype=np.float64)
    if array.shape != (looks,):
        raise InputError(
            f"{name}: found shape {array.shape}; expected one value for each of {looks} looks."
        )
    check_no_nan(name, array)
    return array


def check_no_nan(name: str, bounds: FloatArray) -> None:
    """Refuse a boundary that is no number; where there is none it is infinite."""
    if np.any(np.isnan(bounds)):
        raise InputError(f"{name}: found {bounds}; expected numbers, infinite where none is.")


def root(function: Callable[[float], float], low: float, high: float, *, tight: float) -> float:
    """Find the zero of a rising function between two points, to ``tight``."""
    from scipy.optimize import brentq  # lazily: only who designs pays for the import

    return float(brentq(function, low, high, xtol=tight, rtol=8.9e-16, maxiter=200))


def bracketed_root(
    function: Callable[[float], float], start: float, step: float, *, tight: float
) -> float:
    """Find the zero of a rising function near ``start``, widening by doubled steps; else NaN."""
    low = high = start
    width = step
    while function(low) > 0.0:
        low, width = low - width, 2.0 * width
        if width > FARTHEST_STEP * step:
            return np.nan
    width = step
    while function(high) < 0.0:
        high, width = high + width, 2.0 * width
        if width > FARTHEST_STEP * step:
            return np.nan
    return low if low == high else root(function, low, high, tight=tight)
