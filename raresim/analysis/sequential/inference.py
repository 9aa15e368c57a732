"""Estimates, intervals and p-values that take the looks into account.

At any look, whether or not the trial stops: repeated p-values and intervals. After it has
stopped: p-value, interval and median-unbiased estimate by the stage-wise ordering, in which an
earlier efficacy stop is more extreme than a later one, and an earlier futility stop less.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import expit

from raresim.analysis.arrays import FloatArray
from raresim.analysis.sequential.design import GroupSequentialDesign, designed
from raresim.analysis.sequential.exits import bracketed_root, check_no_nan, rising, root
from raresim.analysis.sequential.path import Path
from raresim.errors import InputError

LEAST_LEVEL, MOST_LEVEL = 1e-12, 0.499999  # of one side, between which p-values are looked for


@dataclass(frozen=True)
class StagewiseInference:
    """What a trial that stopped says of its effect.

    Attributes
    ----------
    p
        One-sided p-value against theta = 0 or less.
    estimate
        Median-unbiased estimate of theta.
    ci_low, ci_high
        Confidence limits of theta.
    level
        Of the interval.
    """

    p: float
    estimate: float
    ci_low: float
    ci_high: float
    level: float


def stagewise_p_value(
    information: Sequence[float],
    upper: Sequence[float],
    z: float,
    theta: float = 0.0,
    *,
    lower: Sequence[float] | None = None,
) -> float:
    """Give the probability under ``theta`` of a result as extreme as a stop at the last look given.

    Parameters
    ----------
    information
        (k,) information up to the look at which the trial stopped.
    upper
        (k - 1,) or more efficacy boundaries; only those before the stop matter.
    z
        The statistic with which it stopped; for efficacy, or for futility if it is not above
        the lower boundary of that look.
    theta
        Effect on the scale of ``information``.
    lower
        Futility boundaries that were obeyed (binding), as ``upper``; by default there are none.

    Raises
    ------
    InputError
        If information does not rise or boundaries are missing.

    References
    ----------
    Tsiatis AA, Rosner GL, Mehta CR. Biometrics 1984;40:797-803. Jennison C, Turnbull BW. Group
    Sequential Methods, Chapman & Hall 2000, section 8.4.

    Examples
    --------
    >>> round(stagewise_p_value((0.5, 1.0), (2.178,), 2.5), 6)
    0.018428
    """
    levels = rising("information", information)
    if np.isnan(z) or not np.isfinite(theta):
        raise InputError(f"z, theta: found {z}, {theta}; expected a statistic and an effect.")
    looks = len(levels)
    highs = _before("upper", upper, looks)
    lows = np.full(looks - 1, -np.inf) if lower is None else _before("lower", lower, looks)
    path, crossed = Path.at_start(theta), 0.0
    for k in range(looks - 1):
        crossed += path.above(levels[k], highs[k])
        path = path.onward(levels[k], levels[k + 1], (lows[k], highs[k]))
    if lower is not None and len(lower) >= looks and z <= lower[looks - 1] < upper[looks - 1]:
        # less extreme: futility before, and as low a statistic here; all else is as extreme
        return 1.0 - _stopped_low(levels, highs, lows, theta) - path.below(levels[-1], z)
    return crossed + path.above(levels[-1], z)


def _before(name: str, bound: Sequence[float], looks: int) -> FloatArray:
    values = np.atleast_1d(np.asarray(bound, dtype=np.float64))
    if len(values) < looks - 1:
        raise InputError(f"{name}: found {len(values)} values; expected {looks - 1} or more.")
    check_no_nan(name, values)
    return values[: looks - 1]


def _stopped_low(
    levels: tuple[float, ...], highs: FloatArray, lows: FloatArray, theta: float
) -> float:
    path, stopped = Path.at_start(theta), 0.0
    for k in range(len(levels) - 1):
        stopped += path.below(levels[k], lows[k]) if lows[k] > -np.inf else 0.0
        path = path.onward(levels[k], levels[k + 1], (lows[k], highs[k]))
    return stopped


def stagewise_inference(
    information: Sequence[float],
    upper: Sequence[float],
    z: float,
    *,
    lower: Sequence[float] | None = None,
    level: float = 0.95,
) -> StagewiseInference:
    """Give p-value, median-unbiased estimate and interval of a trial that stopped.

    The limits and the estimate are the theta whose p-values are (1 - level) / 2, 1/2 and
    (1 + level) / 2. See `stagewise_p_value` for the parameters and references.

    Parameters
    ----------
    information, upper, z, lower
        As in `stagewise_p_value`.
    level
        Of the two-sided interval.

    Raises
    ------
    InputError
        If ``level`` is not between 0 and 1, or as `stagewise_p_value`.

    Examples
    --------
    >>> found = stagewise_inference((50.0, 100.0), (2.797, 1.977), 2.4)
    >>> round(found.p, 5), round(found.estimate, 4)
    (0.00978, 0.2377)
    """
    if not 0.0 < level < 1.0:
        raise InputError(f"level: found {level}; expected a number between 0 and 1.")
    levels = rising("information", information)
    if not np.isfinite(z):
        raise InputError(f"z: found {z}; expected a finite statistic.")
    scale = 1.0 / np.sqrt(levels[-1])

    def theta_of(p: float) -> float:
        return bracketed_root(
            lambda t: stagewise_p_value(levels, upper, z, t, lower=lower) - p,
            z * scale,
            2.0 * scale,
            tight=1e-11 * scale,
        )

    tail = (1.0 - level) / 2.0
    p = stagewise_p_value(levels, upper, z, lower=lower)
    return StagewiseInference(p, theta_of(0.5), theta_of(tail), theta_of(1.0 - tail), level)


def repeated_confidence_intervals(
    information: Sequence[float], upper: Sequence[float], z: Sequence[float]
) -> FloatArray:
    """Give intervals of theta that hold at all looks together: (z +- u) / sqrt(I).

    Parameters
    ----------
    information, upper, z
        (k,) information, boundaries and statistics of the looks so far. The upper boundaries of
        a one-sided level alpha give intervals of simultaneous level 1 - 2 alpha or more.

    Returns
    -------
    (k, 2) lower and upper limits.

    Raises
    ------
    InputError
        If the lengths differ.

    References
    ----------
    Jennison C, Turnbull BW. J R Stat Soc B 1989;51:305-361.

    Examples
    --------
    >>> repeated_confidence_intervals((50, 100), (2.797, 1.977), (1.0, 2.4)).round(3)
    array([[-0.254,  0.537],
           [ 0.042,  0.438]])
    """
    levels = np.array(rising("information", information))
    high = np.atleast_1d(np.asarray(upper, np.float64))[: levels.size]
    seen = np.asarray(z, np.float64)
    if high.shape != levels.shape or seen.shape != levels.shape:
        raise InputError("upper, z: expected one value for each look.")
    check_no_nan("upper, z", np.concatenate((high, seen)))
    limits = np.stack((seen - high, seen + high), axis=1)
    return np.asarray(limits / np.sqrt(levels)[:, None])


def repeated_p_values(design: GroupSequentialDesign, z: Sequence[float]) -> FloatArray:
    """Give, for each look, the smallest level at which the design would reject there.

    The level is that of the whole design: of both sides together where there are two (then
    abs(z) counts). The smallest of those seen so far is gsDesign's sequentialPValue. Values
    outside 1e-12 to 0.499999 for a side are given as these.

    Parameters
    ----------
    design
        Futility counts only where it binds.
    z
        (k,) statistics of the looks so far.

    Raises
    ------
    InputError
        If there are more statistics than looks, or boundaries do not follow the level.

    References
    ----------
    Jennison C, Turnbull BW. Group Sequential Methods, Chapman & Hall 2000, section 9.5.

    Examples
    --------
    >>> from raresim.analysis.sequential import group_sequential
    >>> repeated_p_values(group_sequential(2, efficacy="pocock"), (1.2, 2.178)).round(4)
    array([0.1736, 0.025 ])
    """
    recipe = design.recipe
    if isinstance(recipe.efficacy, tuple) or recipe.efficacy == "haybittle-peto":
        raise InputError("design: found fixed numbers; expected boundaries that follow the level.")
    if len(z) > len(recipe.timing):
        raise InputError(f"z: found {len(z)} values; expected one for each look so far.")
    check_no_nan("z", np.asarray(z, np.float64))
    sides = recipe.sides
    free = design if recipe.binding else _without_futility(design)
    return np.array(
        [
            sides * _smallest_level(free, k, abs(value) if sides == 2 else value)
            for k, value in enumerate(z)
        ]
    )


def _without_futility(design: GroupSequentialDesign) -> GroupSequentialDesign:
    recipe = design.recipe
    bare = replace(
        recipe,
        futility=None,
        futility_parameter=None,
        futility_bounds=None,
        under_null=False,
        futility_level=None,
    )
    return design if recipe.efficacy == "pampallona-tsiatis" else designed(bare)


def _smallest_level(design: GroupSequentialDesign, look: int, z: float) -> float:
    """Find the one-sided level whose boundary at a look is z, on the scale of its log odds."""
    sides = design.recipe.sides

    def short(log_odds: float) -> float:
        return z - float(design.at_level(sides * float(expit(log_odds))).upper[look])

    low, high = (float(np.log(a / (1.0 - a))) for a in (LEAST_LEVEL, MOST_LEVEL))
    if short(low) >= 0.0:
        return LEAST_LEVEL
    if short(high) <= 0.0:
        return MOST_LEVEL
    return float(expit(root(short, low, high, tight=1e-10)))
