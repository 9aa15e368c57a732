"""Size of an snSMART of three treatments with a binary outcome, by its Bayesian model."""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.special import ndtr, ndtri

from raresim.analysis.arrays import FloatArray
from raresim.analysis.sizing.asked import between, chosen, positive, wrong

Changed = Literal["counted", "snsmart"]

MOST = 300  # patients on each treatment
STEP = 0.01  # of the interval's length
WIDEST = 1.5  # times the difference: where the search of the length starts
POINTS, REACH = 4001, 9.0  # of the integrals: points, and SDs beyond the outermost mean


@dataclass(frozen=True)
class SnsmartPlan:
    """Patients on each treatment of stage 1.

    Attributes
    ----------
    n
        Patients on each of the three treatments.
    power
        Chance that the best treatment is told from the second best, by the formula.
    length
        Length of the credible interval of their difference for which n suffices.
    difference, mean_square
        Mean and mean square of that difference's posterior at n.
    linkage_1
        The beta1 that the formula used.
    """

    n: int
    power: float
    length: float
    difference: float
    mean_square: float
    linkage_1: float

    def __repr__(self) -> str:
        """Show the size in one sentence."""
        return f"snSMART: {self.n} patients on each of 3 treatments, power {self.power:.4g}"


def snsmart(
    rates: tuple[float, float, float],
    *,
    linkage_1: float,
    linkage_0: float,
    coverage: float,
    power: float,
    prior_mean: tuple[float, float, float],
    prior_patients: tuple[float, float, float],
    changed: Changed = "counted",
) -> SnsmartPlan:
    """Size a small n sequential multiple assignment trial that is to find the best treatment.

    Each treatment's rate has a beta posterior from stage 1,
    one from its responders and one from the others who change to it in stage 2 (prior patients
    shared out alike); their variances at the expected counts are joined as those of independent
    normals. D is the best less the second best of the three rates, whose order statistics the
    formula takes as independent. Starting at 1.5 times the true difference and going down by 0.01,
    for each length the smallest n is found at which the ``coverage`` interval of D is as short;
    the first with Phi((E D - length/2)/sd D) above ``power`` is taken.

    This is R's snSMART 0.2.4 ``sample_size`` but for those who change treatment: there their
    variance is added where its reciprocal belongs, so that they hardly count and more patients
    are asked for. ``changed`` "snsmart" does as R.

    beta1 is its mean under a Pareto law from 1 with mean ``linkage_1``, cut at 1/(largest rate):
    here in closed form, in R from 99,999 draws and to 3 digits.

    Parameters
    ----------
    rates
        Response rates of the treatments.
    linkage_1, linkage_0
        beta1 (above 1) of responders and beta0 of the others; see `joint_stage_regression`.
    coverage
        Of the credible interval of D.
    power
        Wanted chance to find the best.
    prior_mean, prior_patients
        Mean of each rate's beta prior, and the number of patients it is worth.
    changed
        "counted", or "snsmart": see above.

    Raises
    ------
    InputError
        If a number is out of its range, the two best rates are the same, or 300 patients on each
        treatment do not suffice.

    References
    ----------
    Wei B, Braun TM, Tamura RN, Kidwell K. J Biopharm Stat 2020;30:1109-1120.

    Examples
    --------
    >>> snsmart(
    ...     (0.7, 0.5, 0.25),
    ...     linkage_1=1.4,
    ...     linkage_0=0.5,
    ...     coverage=0.9,
    ...     power=0.3,
    ...     prior_mean=(0.65, 0.55, 0.25),
    ...     prior_patients=(10, 10, 10),
    ... )
    snSMART: 15 patients on each of 3 treatments, power 0.7141
    """
    for field, values in (("rates", rates), ("prior_mean", prior_mean)):
        for value in values:
            between(field, value, 0.0, 1.0)
    for value in prior_patients:
        positive("prior_patients", value)
    best, second = sorted(rates, reverse=True)[:2]
    between("linkage_1", linkage_1, 1.0, 1.0 / best)
    between("linkage_0", linkage_0, 0.0, 1.0)
    between("coverage", coverage, 0.0, 1.0)
    between("power", power, 0.0, 1.0)
    if best == second:
        raise wrong("rates", rates, "one treatment better than all others")
    beta1 = _mean_linkage(linkage_1, best)
    as_r = chosen("changed", changed, ("counted", "snsmart")) == "snsmart"
    arms = [
        _Arm(rates, t, beta1, linkage_0, prior_mean[t], prior_patients[t], as_r) for t in range(3)
    ]
    z = float(ndtri(0.5 + coverage / 2.0))
    first = _moments(arms, 1)
    for step in range(round(WIDEST * (best - second) / STEP)):
        length = WIDEST * (best - second) - STEP * step
        if 2.0 * z * first.sd <= length:
            continue  # one patient each would do: R takes the next length
        n = _smallest(arms, z, length)
        if n is None:
            break
        found = _moments(arms, n)
        reached = float(ndtr((found.mean - length / 2.0) / found.sd))
        if reached > power:
            return SnsmartPlan(n, reached, length, found.mean, found.square, beta1)
    raise wrong("power", power, f"a power that {MOST} patients on each treatment can reach")


def _mean_linkage(mean: float, best: float) -> float:
    """Give the mean of a Pareto law from 1 with this mean, cut at 1/best."""
    shape, top = mean / (mean - 1.0), 1.0 / best
    cut: float = shape / (shape - 1.0) * (1.0 - top ** (1.0 - shape)) / (1.0 - top**-shape)
    return cut


class _Arm:
    """One treatment: its rate, and the variance of its posterior with n patients on each."""

    def __init__(
        self,
        rates: tuple[float, ...],
        which: int,
        beta1: float,
        beta0: float,
        prior_mean: float,
        prior_patients: float,
        as_r: bool,
    ) -> None:
        self.as_r = as_r
        self.rate, self.beta1, self.beta0 = rates[which], beta1, beta0
        self.changing = sum(1.0 - rate for t, rate in enumerate(rates) if t != which) / 2.0
        some = prior_mean * prior_patients
        none = prior_patients - some
        self.first = (some, none)
        stay = beta1 * some**2 / prior_patients
        self.stayed = (stay, some - stay)
        change = beta0 * some * none / prior_patients / 2.0
        self.changed = (change, (beta0 * some * none + none**2) / prior_patients / 2.0)

    def variance(self, n: float) -> float:
        parts = (
            _beta_variance(self.first, n, self.rate),
            _beta_variance(self.stayed, n * self.rate, self.rate * self.beta1) / self.beta1**2,
            _beta_variance(self.changed, n * self.changing, self.rate * self.beta0) / self.beta0**2,
        )
        told = [1.0 / part for part in parts]
        if self.as_r:
            told[2] = parts[2]
        return 1.0 / sum(told)


def _beta_variance(prior: tuple[float, float], n: float, rate: float) -> float:
    a, b = prior[0] + n * rate, prior[1] + n * (1.0 - rate)
    return a * b / ((a + b) ** 2 * (a + b + 1.0))


@dataclass(frozen=True)
class _Moments:
    """Mean and mean square of the best less the second best rate."""

    mean: float
    square: float

    @property
    def sd(self) -> float:
        return math.sqrt(max(self.square - self.mean**2, 0.0))


def _moments(arms: list[_Arm], n: float) -> _Moments:
    sd = [math.sqrt(arm.variance(n)) for arm in arms]
    means = [arm.rate for arm in arms]
    low = min(m - REACH * s for m, s in zip(means, sd, strict=True))
    high = max(m + REACH * s for m, s in zip(means, sd, strict=True))
    x = np.linspace(low, high, POINTS)
    z = [(x - m) / s for m, s in zip(means, sd, strict=True)]
    below: list[FloatArray] = [ndtr(one) for one in z]
    density = [
        np.exp(-one * one / 2.0) / (s * math.sqrt(2.0 * math.pi))
        for one, s in zip(z, sd, strict=True)
    ]
    first, second = np.zeros(POINTS), np.zeros(POINTS)
    for t, u, v in ((0, 1, 2), (1, 0, 2), (2, 0, 1)):
        first += density[t] * below[u] * below[v]
        second += density[t] * (below[u] * (1.0 - below[v]) + below[v] * (1.0 - below[u]))
    step = x[1] - x[0]
    # integrals over d > 0 of f2(x) f1(x + d) d and d^2, from sums of f2 below each point
    sums = [np.cumsum(second * x**k) for k in range(3)]
    mean = np.sum(first * (x * sums[0] - sums[1])) * step**2
    square = np.sum(first * (x * x * sums[0] - 2.0 * x * sums[1] + sums[2])) * step**2
    return _Moments(float(mean), float(square))


def _smallest(arms: list[_Arm], z: float, length: float) -> int | None:
    """Give the smallest n at which the interval is as short, None above the most."""
    low, high = 1, MOST
    if 2.0 * z * _moments(arms, high).sd > length:
        return None
    while high - low > 1:
        middle = (low + high) // 2
        if 2.0 * z * _moments(arms, middle).sd > length:
            low = middle
        else:
            high = middle
    return high
