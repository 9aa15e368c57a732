"""Where a rate that rises with a number reaches a target, from trials at some values of it.

Near the target the probit of the rate is taken as a straight line in the root of the number,

    P(success at x) = Phi(a + b sqrt(x)),

which is exact for a test of a mean with a known variance, and close for others as trials gather
about the target: each value has the weight exp(-(z - target)^2 / 2 h^2) of its probit z. Lines are
fitted by maximum likelihood; where the values are not on one (Pearson's test), h is made smaller,
so that a line is asked only of values that are nearer. The confidence interval of the crossing is
Fieller's: all x whose fitted probit is not further from the target's than its own standard errors
allow.
Sources: Finney, Probit Analysis, 3rd ed., Cambridge 1971 (probit line, Fieller's interval); Wu,
J Am Stat Assoc 1985;80:974-984 (placing each next trial by a line fitted to those before).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import chdtrc, ndtr, ndtri

Floats = npt.NDArray[np.float64]
NEAR = (0.35, 0.2, 0.12, 0.07)
"""Standard deviations of the weights in probits: the first with which the values are on a line."""
STRAIGHT = 0.05
"""P-value above which they are."""
CLOSE = 0.3
"""Weight from which a value is near the target."""
STEPS, SMALL = 60, 1e-10
FLAT = 1e-6


@dataclass(frozen=True)
class Tried:
    """Trials at a value: how many, and how many succeed; both as if trials were independent."""

    at: float
    trials: float
    successes: float


@dataclass(frozen=True)
class Crossing:
    """Where the rate reaches the target.

    Attributes
    ----------
    at
        The estimate.
    low, high
        Its confidence interval; infinite where the trials do not bound it.
    rises
        Whether the rate rises with the number.
    bent
        P-value of the hypothesis that the rate is a probit line near the target: small where it
        is not, as with exact tests, whose power goes up in steps. NaN with fewer than three values.
    """

    at: float
    low: float
    high: float
    rises: bool
    bent: float


def crossing(tried: Sequence[Tried], target: float, z: float) -> Crossing | None:
    """Return where the rate reaches the target, None where the rate does not change at all.

    Parameters
    ----------
    tried
        Trials at two values or more.
    target
        The rate.
    z
        Standard errors of the confidence interval, such as 1.96.

    Examples
    --------
    >>> tried = [Tried(40, 10_000, 6_900), Tried(50, 10_000, 7_910), Tried(60, 10_000, 8_610)]
    >>> found = crossing(tried, 0.8, 1.96)
    >>> round(found.at, 1), round(found.low, 1), round(found.high, 1)
    (51.2, 50.6, 51.8)
    """
    x = np.sqrt([each.at for each in tried])
    trials = np.array([each.trials for each in tried])
    hits = np.array([each.successes for each in tried])
    aim = float(ndtri(target))
    share = (hits + 0.5) / (trials + 1)
    apart = ndtri(share) - aim
    near = np.ones(x.size)  # where fewer than two values are near
    for width in NEAR:
        closer = np.exp(-0.5 * (apart / width) ** 2)
        if np.count_nonzero(closer > CLOSE) < 2:  # a line needs two
            break
        near = closer
        if not _bent(x, trials, hits, near, _line(x, trials, hits, near)[0]) <= STRAIGHT:
            break
    line, covariance = _line(x, trials, hits, near)
    if abs(line[1]) < FLAT:
        return None
    at = (aim - line[0]) / line[1]
    low, high = _fieller(line, covariance, aim, z)
    return Crossing(
        at=_square(at),
        low=_square(low),
        high=_square(high),
        rises=bool(line[1] > 0),
        bent=_bent(x, trials, hits, near, line),
    )


def _square(root: float) -> float:
    return float(max(root, 0.0) ** 2)


def _line(x: Floats, trials: Floats, hits: Floats, near: Floats) -> tuple[Floats, Floats]:
    """Return the probit line and its covariance, by Fisher scoring.

    With weights w the covariance is A^-1 B A^-1, A = sum w I and B = sum w^2 I.
    """
    design = np.stack([np.ones(x.size), x], axis=1)
    share = (hits + 0.5) / (trials + 1)
    start = np.sqrt(trials * near)
    line = np.linalg.lstsq(design * start[:, None], ndtri(share) * start, rcond=None)[0]
    information = np.eye(2)
    for _ in range(STEPS):
        score, own = _slopes(design @ line, trials, hits)
        information = (design * (near * own)[:, None]).T @ design
        step = np.linalg.solve(information + 1e-12 * np.eye(2), design.T @ (near * score))
        line = line + np.clip(step, -1.0, 1.0)
        if np.max(np.abs(step)) < SMALL:
            break
    inverse = np.linalg.inv(information + 1e-12 * np.eye(2))
    _, own = _slopes(design @ line, trials, hits)
    middle = (design * (near**2 * own)[:, None]).T @ design
    return line, inverse @ middle @ inverse


def _slopes(probit: Floats, trials: Floats, hits: Floats) -> tuple[Floats, Floats]:
    """Return score and information of each value's trials in its probit."""
    probit = np.clip(probit, -6.0, 6.0)
    rate, density = ndtr(probit), np.exp(-0.5 * probit**2) / np.sqrt(2 * np.pi)
    spread = rate * (1 - rate)
    return density * (hits - trials * rate) / spread, trials * density**2 / spread


def _fieller(line: Floats, covariance: Floats, aim: float, z: float) -> tuple[float, float]:
    """Return the ends of all x with (a + b x - aim)^2 <= z^2 var(a + b x)."""
    (a, b), square = line, z * z
    second = b * b - square * covariance[1, 1]
    first = 2 * ((a - aim) * b - square * covariance[0, 1])
    none = (a - aim) ** 2 - square * covariance[0, 0]
    inside = first * first - 4 * second * none
    if second <= 0 or inside < 0:
        return -np.inf, np.inf
    root = np.sqrt(inside)
    return float((-first - root) / (2 * second)), float((-first + root) / (2 * second))


def _bent(x: Floats, trials: Floats, hits: Floats, near: Floats, line: Floats) -> float:
    """Return the p-value of Pearson's test of the line over the values near the target."""
    some = near > CLOSE
    freedom = int(some.sum()) - 2
    if freedom < 1:
        return float("nan")
    rate = ndtr(line[0] + line[1] * x[some])
    apart = hits[some] - trials[some] * rate
    return float(chdtrc(freedom, np.sum(apart**2 / (trials[some] * rate * (1 - rate)))))
