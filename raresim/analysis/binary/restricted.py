"""Maximum-likelihood proportions of two arms under a fixed difference, ratio or odds ratio.

Sources: Miettinen O, Nurminen M. Stat Med 1985;4:213-226; Farrington CP, Manning G. Stat Med
1990;9:1447-1454 (closed forms in their appendices).
"""

from typing import Literal

import numpy as np

from raresim.analysis.arrays import FloatArray

Measure = Literal["risk difference", "risk ratio", "odds ratio", "log odds ratio"]
Pair = tuple[FloatArray, FloatArray]
POLISH = 2  # Newton steps that give back the digits that the arc cosine loses


def given_difference(
    x0: FloatArray, n0: FloatArray, x1: FloatArray, n1: FloatArray, difference: FloatArray
) -> Pair:
    """Give (p0, p1) with p1 = p0 + difference: the middle root of a cubic."""
    n, x = n0 + n1, x0 + x1
    low, high = np.maximum(0.0, -difference), np.minimum(1.0, 1.0 - difference)
    square = (n1 + 2.0 * n0) * difference - n - x
    linear = (n0 * difference - n - 2.0 * x0) * difference + x
    constant = x0 * difference * (1.0 - difference)
    third = square / (3.0 * n)
    c = third**3 - square * linear / (6.0 * n * n) + constant / (2.0 * n)
    b = np.where(c >= 0.0, 1.0, -1.0) * np.sqrt(np.maximum(third**2 - linear / (3.0 * n), 0.0))
    cube = b**3
    ratio = np.where(cube != 0.0, c / np.where(cube != 0.0, cube, 1.0), 0.0)
    angle = (np.pi + np.arccos(np.clip(ratio, -1.0, 1.0))) / 3.0
    p0 = np.clip(2.0 * b * np.cos(angle) - third, low, high)
    for _ in range(POLISH):
        value = ((n * p0 + square) * p0 + linear) * p0 + constant
        slope = (3.0 * n * p0 + 2.0 * square) * p0 + linear
        steep = np.abs(slope) > 1e-6 * n
        step = np.where(steep, value / np.where(steep, slope, 1.0), 0.0)
        p0 = np.clip(p0 - np.clip(step, -1e-6, 1e-6), low, high)
    return p0, np.clip(p0 + difference, 0.0, 1.0)


def given_ratio(
    x0: FloatArray, n0: FloatArray, x1: FloatArray, n1: FloatArray, ratio: FloatArray
) -> Pair:
    """Give (p0, p1) with p1 = ratio p0."""
    a = (n0 + n1) * ratio
    b = n1 * ratio + x1 + n0 + x0 * ratio
    root = np.sqrt(np.maximum(b * b - 4.0 * a * (x0 + x1), 0.0))
    p0 = 2.0 * (x0 + x1) / (b + root)
    p0 = np.minimum(p0, np.minimum(1.0, 1.0 / ratio))
    return p0, np.minimum(ratio * p0, 1.0)


def given_odds_ratio(
    x0: FloatArray, n0: FloatArray, x1: FloatArray, n1: FloatArray, odds_ratio: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Give (p0, 1 - p0, p1, 1 - p1) with odds(p1) = odds_ratio odds(p0), all to full precision."""
    p0 = _control_root(x0 + x1, n0, n1, odds_ratio)
    q0 = _control_root(n0 + n1 - x0 - x1, n0, n1, 1.0 / odds_ratio)
    total = q0 + p0 * odds_ratio
    some = total > 0.0
    total = np.where(some, total, 1.0)
    return p0, q0, np.where(some, p0 * odds_ratio / total, 0.0), np.where(some, q0 / total, 1.0)


def _control_root(
    x: FloatArray, n0: FloatArray, n1: FloatArray, odds_ratio: FloatArray
) -> FloatArray:
    """Solve the quadratic of the control's proportion; its discriminant is a sum of positives."""
    b = odds_ratio * (n1 - x) + n0 + x
    inner = n1 * n0 + x * (n1 + n0 - x)
    root = np.sqrt((odds_ratio * (n1 - x)) ** 2 + (n0 - x) ** 2 + 2.0 * odds_ratio * inner)
    plus = b >= 0.0
    a = np.where(plus, 1.0, 2.0 * n0 * (odds_ratio - 1.0))
    return np.clip(
        np.where(plus, 2.0 * x / np.where(plus, b + root, 1.0), (root - b) / a), 0.0, 1.0
    )
