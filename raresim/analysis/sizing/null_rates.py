"""The two rates nearest to those assumed, by maximum likelihood, under a null hypothesis."""

import math
from typing import Literal

from scipy.optimize import brentq

Scale = Literal["difference", "ratio", "odds ratio"]
SCALES = ("difference", "ratio", "odds ratio")
EDGE = 1e-15


def measured(treated: float, control: float, scale: Scale) -> float:
    """Compare two rates on a scale.

    >>> round(measured(0.6, 0.2, "odds ratio"), 6)
    6.0
    """
    if scale == "difference":
        return treated - control
    if scale == "ratio":
        return treated / control
    return treated * (1.0 - control) / (control * (1.0 - treated))


def null_rates(
    treated: float, control: float, scale: Scale, null: float, ratio: float
) -> tuple[float, float]:
    """Give the treated and control rate that maximum likelihood finds where `null` holds.

    `treated` and `control` take the place of observed rates, `ratio` treated for each control.
    The score of the restricted likelihood falls in the control rate, so one root is sought.

    >>> rates = null_rates(0.6, 0.2, "difference", 0.0, 1.0)
    >>> [round(rate, 9) for rate in rates]
    [0.4, 0.4]
    """
    low, high = EDGE, 1.0 - EDGE
    if scale == "difference":
        low, high = max(low, EDGE - null), min(high, 1.0 - EDGE - null)
    elif scale == "ratio":
        high = min(high, (1.0 - EDGE) / null)

    def score(rate: float) -> float:
        other = _other(rate, scale, null)
        slope = _slope(rate, scale, null)
        mine = (control - rate) / (rate * (1.0 - rate))
        return mine + ratio * (treated - other) / (other * (1.0 - other)) * slope

    root = float(brentq(score, low, high, xtol=1e-16, rtol=1e-15))
    return _other(root, scale, null), root


def _other(rate: float, scale: Scale, null: float) -> float:
    """Return the treated rate that stands `null` away from a control rate."""
    if scale == "difference":
        return rate + null
    if scale == "ratio":
        return rate * null
    return null * rate / (1.0 + rate * (null - 1.0))


def _slope(rate: float, scale: Scale, null: float) -> float:
    """Return how the treated rate changes with the control rate."""
    if scale == "difference":
        return 1.0
    if scale == "ratio":
        return null
    return null / math.pow(1.0 + rate * (null - 1.0), 2)
