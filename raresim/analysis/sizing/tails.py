"""Binomial probabilities, and which outcomes of an exact test reject."""

from typing import Literal

import numpy as np
from scipy.special import betaln, xlog1py, xlogy

from raresim.analysis.arrays import BoolArray, FloatArray, IntArray

Rejection = Literal["likelihood", "equal tails"]
REJECTIONS = ("likelihood", "equal tails")
AS_LIKELY = 1.0 + 1e-7
"""Tables within this factor count as equally likely: their probabilities differ by rounding."""


def binomial(x: IntArray, n: int, rate: float) -> FloatArray:
    """Binomial probabilities; rates of 0 and 1 are allowed.

    >>> binomial(np.arange(3), 2, 0.5).round(12).tolist()
    [0.25, 0.5, 0.25]
    """
    chance: FloatArray = np.exp(log_choose(n, x) + xlogy(x, rate) + xlog1py(n - x, -rate))
    return chance


def tail_rejections(
    chance: FloatArray, alpha: float, sided: int, upper: bool, rejection: Rejection
) -> BoolArray:
    """Say which of the outcomes, whose null probabilities stand in their order, reject.

    >>> tail_rejections(np.array([0.02, 0.48, 0.47, 0.03]), 0.05, 2, True, "likelihood").tolist()
    [True, False, False, True]
    """
    slack = alpha * 1e-12  # a tail that is alpha but for rounding rejects
    from_low, from_high = np.cumsum(chance), np.cumsum(chance[::-1])[::-1]
    if sided == 1:
        tail: BoolArray = (from_high if upper else from_low) <= alpha + slack
        return tail
    if rejection == "equal tails":
        both: BoolArray = np.minimum(from_low, from_high) <= alpha / 2.0 + slack
        return both
    order = np.argsort(chance, kind="stable")
    total = np.cumsum(chance[order])
    through = np.searchsorted(chance[order], chance * AS_LIKELY, side="right")
    unlikely: BoolArray = total[through - 1] <= alpha + slack
    return unlikely


def log_choose(n: int, x: IntArray) -> FloatArray:
    """Give the logarithm of the number of ways to choose x of n."""
    chosen_of: FloatArray = -np.log1p(n) - betaln(n - x + 1.0, x + 1.0)
    return chosen_of
