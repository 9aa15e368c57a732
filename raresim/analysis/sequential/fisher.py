"""Critical values of Fisher's combination test over several stages."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from raresim.analysis.arrays import FloatArray
from raresim.analysis.sequential.exits import rising, root
from raresim.analysis.sequential.product_path import ProductPath
from raresim.errors import InputError

Method = Literal["equal-alpha", "full-alpha"]
FARTHEST = 80.0  # the sums beyond hold less than 1e-16 for weights up to 2


@dataclass(frozen=True)
class FisherDesign:
    """Critical values of a weighted product of p-values.

    Attributes
    ----------
    critical
        (K,) reject after stage k with a product of this or less.
    weights
        (K,) exponents of the p-values.
    stage_levels
        (K,) probability of a product of this or less if no stage before it stops the trial.
    alpha_spent
        (K,) type I error up to each stage.
    """

    critical: FloatArray
    weights: FloatArray
    stage_levels: FloatArray
    alpha_spent: FloatArray


def fisher_combination(
    looks: int | Sequence[float],
    *,
    alpha: float = 0.025,
    alpha0: Sequence[float] | None = None,
    method: Method | Sequence[float] = "equal-alpha",
) -> FisherDesign:
    """Find critical values of Fisher's product, to about 1e-9 of themselves.

    "equal-alpha": the same level at each stage, seen alone (rpact's default); "full-alpha": the
    last stage at the full level, those before it at one level that uses what futility stops
    leave (without such stops all critical values are equal); or numbers, the type I error spent
    up to each stage.

    Parameters
    ----------
    looks
        Number of stages with equal weights, or the information at each look: the weights are
        then sqrt((t_k - t_(k-1)) / t_1), as in rpact.
    alpha
        One-sided level.
    alpha0
        (K - 1,) a stage with a p-value above it stops for futility, bindingly; by default 1.
    method
        See above.

    Raises
    ------
    InputError
        If an argument is out of range.

    References
    ----------
    Bauer P, Koehne K. Biometrics 1994;50:1029-1041. Wassmer G. Biometrics 1999;55:696-701.

    Examples
    --------
    >>> fisher_combination(2).critical.round(8)
    array([0.01578807, 0.00222054])
    """
    weights = _weights(looks)
    stages = weights.size
    stops = np.ones(stages - 1) if alpha0 is None else np.asarray(alpha0, np.float64)
    if stops.shape != (stages - 1,) or not np.all((stops > alpha) & (stops <= 1.0)):
        raise InputError(f"alpha0: found {alpha0}; expected {stages - 1} above alpha, at most 1.")
    if not 0.0 < alpha < 0.5:
        raise InputError(f"alpha: found {alpha}; expected a one-sided level between 0 and 0.5.")
    least = -weights * np.log(np.append(stops, 1.0))
    free = _free_paths(weights)
    if isinstance(method, str):
        if method not in ("equal-alpha", "full-alpha"):
            raise InputError(f"method: found {method!r}; expected 'equal-alpha' or 'full-alpha'.")
        high = _levelled(weights, least, alpha, free, full=method == "full-alpha")
    else:
        high = _spending(weights, least, alpha, np.asarray(method, np.float64))
    levels = np.array([_tail(free[k], high[k]) for k in range(stages)])
    return FisherDesign(np.exp(-high), weights, levels, np.cumsum(_crossings(weights, least, high)))


def _weights(looks: int | Sequence[float]) -> FloatArray:
    if isinstance(looks, int | np.integer):
        if not 1 <= looks <= 10:
            raise InputError(f"looks: found {looks}; expected 1 to 10.")
        return np.ones(looks)
    levels = rising("looks", looks)
    return np.sqrt(np.diff((0.0, *levels)) / levels[0])


def _free_paths(weights: FloatArray) -> list[ProductPath]:
    """Give the path after each stage if nothing ever stops the trial."""
    path, paths = ProductPath.at_start(), []
    for weight in weights:
        path = path.onward(float(weight), 0.0, FARTHEST * float(weights.max()))
        paths.append(path)
    return paths


def _tail(path: ProductPath, high: float) -> float:
    return path.mass() - path.mass(high)


def _crossings(weights: FloatArray, least: FloatArray, high: FloatArray) -> FloatArray:
    """Give the probability of a first rejection at each stage."""
    path, found = ProductPath.at_start(), np.zeros(weights.size)
    for k, weight in enumerate(weights):
        found[k] = path.crossing(float(weight), float(high[k]))
        path = path.onward(float(weight), float(least[k]), float(high[k]))
    return found


def _levelled(
    weights: FloatArray, least: FloatArray, alpha: float, free: list[ProductPath], *, full: bool
) -> FloatArray:
    """Find sums of one local level at each stage, or at each but the last."""
    most = FARTHEST * float(weights.max()) / 2.0

    def sum_at(stage: int, log_level: float) -> float:
        return root(
            lambda h: float(np.exp(log_level)) - _tail(free[stage], h), 0.0, most, tight=1e-12
        )

    last = sum_at(weights.size - 1, float(np.log(alpha)))

    def sums(log_level: float) -> FloatArray:
        found = np.array([sum_at(k, log_level) for k in range(weights.size)])
        return np.minimum(np.append(found[:-1], last), last) if full else found

    def excess(log_level: float) -> float:
        return float(_crossings(weights, least, sums(log_level)).sum()) - alpha

    if weights.size == 1:
        return np.array([last])
    low, high = float(np.log(alpha / 100.0)), float(np.log(alpha))
    if excess(low) > -1e-12:  # no futility stops: nothing is left for the earlier stages
        return np.full(weights.size, last)
    return sums(root(excess, low, high, tight=1e-12))


def _spending(
    weights: FloatArray, least: FloatArray, alpha: float, spent: FloatArray
) -> FloatArray:
    """Find the sums whose first rejections spend what was asked for."""
    steps = np.diff(np.append(0.0, spent))
    if spent.shape != weights.shape or np.any(steps <= 0.0) or abs(spent[-1] - alpha) > 1e-9:
        raise InputError(f"method: expected {weights.size} rising numbers that end at {alpha:g}.")
    path, high = ProductPath.at_start(), np.zeros(weights.size)
    for k, weight in enumerate(map(float, weights)):
        high[k] = _sum_crossed_with(path, weight, float(steps[k]), FARTHEST * weights.max())
        path = path.onward(weight, float(least[k]), float(high[k]))
    return high


def _sum_crossed_with(path: ProductPath, weight: float, probability: float, most: float) -> float:
    return root(lambda h: probability - path.crossing(weight, h), 1e-9, most, tight=1e-12)
