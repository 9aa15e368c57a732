"""Looks at the number of responders in one arm, exactly: no normal approximation anywhere."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import gammaln, xlog1py, xlogy

from raresim.analysis.arrays import FloatArray, IntArray
from raresim.analysis.sequential.spending import Spending, spent
from raresim.errors import InputError

MOST_PATIENTS = 100_000


@dataclass(frozen=True)
class BinomialExits:
    """Probabilities to stop at each look, arrays of shape (K,), and the mean sample size.

    Attributes
    ----------
    upper, lower
        To stop there first, with that many responders or more, or that few or fewer.
    expected_n
        Mean number of patients when the trial ends.
    """

    upper: FloatArray
    lower: FloatArray
    expected_n: float


def binomial_exits(
    n: Sequence[int], upper: Sequence[int], p: float, *, lower: Sequence[int] | None = None
) -> BinomialExits:
    """Give the exact probability of a first exit at each look of a one-arm trial.

    Parameters
    ----------
    n
        (K,) patients at the looks, rising.
    upper
        (K,) a look stops with this many responders or more; n + 1 or more never does.
    p
        True chance to respond.
    lower
        (K,) a look stops with this many or fewer; -1 (the default) never does.

    Raises
    ------
    InputError
        If the arguments do not fit.

    References
    ----------
    Jennison C, Turnbull BW. Group Sequential Methods, Chapman & Hall 2000, section 12.1. The
    same as gsDesign's gsBinomialExact.

    Examples
    --------
    Simon's optimal design for 5 % against 25 %: stop with 0 of 9, reject with 3 of 17.

    >>> found = binomial_exits((9, 17), (10, 3), 0.05, lower=(0, 2))
    >>> found.upper.round(4), round(found.expected_n, 2)
    (array([0.    , 0.0466]), 11.96)
    """
    looks = _sizes(n)
    high = _whole("upper", upper)
    low = np.full(looks.size, -1) if lower is None else _whole("lower", lower)
    if high.shape != looks.shape or low.shape != looks.shape or np.any(low >= high):
        raise InputError("upper, lower: expected one for each look, lower below upper.")
    if not 0.0 <= p <= 1.0:
        raise InputError(f"p: found {p}; expected a number between 0 and 1.")
    chance, before, mean = np.ones(1), 0, 0.0
    found = np.zeros((2, looks.size))
    for k, size in enumerate(looks):
        mean += float(chance.sum()) * float(size - before)
        chance = np.convolve(chance, _binomial(int(size - before), p))
        found[:, k] = chance[max(high[k], 0) :].sum(), chance[: max(low[k] + 1, 0)].sum()
        chance = _kept(chance, int(low[k]), int(high[k]))
        before = int(size)
    return BinomialExits(found[0], found[1], mean)


def binomial_boundaries(
    n: Sequence[int],
    p0: float,
    alpha: float,
    spending: Spending = "obrien-fleming",
    *,
    parameter: float | None = None,
    lower: Sequence[int] | None = None,
) -> IntArray:
    """Find the fewest responders that reject at each look, never spending more than allowed.

    Each look has the smallest number with which the exact type I error up to that look stays
    within what `spent` allows for n_k / n_K; what a look leaves because counts are whole is
    open to the later ones.

    Parameters
    ----------
    n
        (K,) patients at the looks, rising.
    p0
        Chance to respond under the null hypothesis; more responders are better.
    alpha
        One-sided level.
    spending, parameter
        As in `spent`.
    lower
        Futility boundaries that bind, as in `binomial_exits`.

    Returns
    -------
    (K,) boundaries; n + 1 where no number of responders rejects.

    Raises
    ------
    InputError
        If the arguments do not fit.

    References
    ----------
    Jennison C, Turnbull BW. Group Sequential Methods, Chapman & Hall 2000, section 12.1.

    Examples
    --------
    >>> upper = binomial_boundaries((20, 40), 0.1, 0.025)
    >>> upper, round(float(binomial_exits((20, 40), upper, 0.1).upper.sum()), 4)
    (array([8, 9]), 0.0155)
    """
    looks = _sizes(n)
    if not 0.0 < p0 < 1.0 or not 0.0 < alpha < 0.5:
        raise InputError(f"p0, alpha: found {p0}, {alpha}; expected below 1 and below 0.5.")
    low = np.full(looks.size, -1) if lower is None else _whole("lower", lower)
    if low.shape != looks.shape or np.any(low >= looks):
        raise InputError(f"lower: found {lower}; expected one below n for each look.")
    high, gone, chance, before = np.zeros(looks.size, np.int64), 0.0, np.ones(1), 0
    for k, size in enumerate(looks):
        chance = np.convolve(chance, _binomial(int(size - before), p0))
        allowed = spent(size / looks[-1], alpha, spending, parameter) - gone
        tail = np.cumsum(chance[::-1])[::-1]
        within = np.append(tail, 0.0) <= allowed
        high[k] = max(int(np.argmax(within)), int(low[k]) + 1)
        gone += float(np.append(tail, 0.0)[high[k]])
        chance = _kept(chance, int(low[k]), int(high[k]))
        before = int(size)
    return high


def _sizes(n: Sequence[int]) -> IntArray:
    looks = _whole("n", n)
    if looks.ndim != 1 or looks.size == 0 or np.any(np.diff(np.append(0, looks)) < 1):
        raise InputError(f"n: found {n}; expected whole numbers above 0 that rise.")
    return looks


def _whole(name: str, values: Sequence[int]) -> IntArray:
    found = np.asarray(values, np.float64)
    if found.ndim != 1 or not np.all((np.abs(found) <= MOST_PATIENTS) & (found == np.rint(found))):
        raise InputError(f"{name}: found {values}; expected whole numbers, at most 100,000.")
    return found.astype(np.int64)


def _binomial(n: int, p: float) -> FloatArray:
    x = np.arange(n + 1.0)
    ways = gammaln(n + 1.0) - gammaln(x + 1.0) - gammaln(n - x + 1.0)
    return np.asarray(np.exp(ways + xlogy(x, p) + xlog1py(n - x, -p)))


def _kept(chance: FloatArray, low: int, high: int) -> FloatArray:
    x = np.arange(chance.size)
    return np.where((x > low) & (x < high), chance, 0.0)
