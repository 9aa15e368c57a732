"""The Bayesian joint stage model with one linkage for responders and one for the others."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from raresim.analysis.arrays import FloatArray, IntArray
from raresim.analysis.two_stage.rate_nodes import RateNodes, beta_nodes, rate_nodes

TAIL = 0.025
HALVINGS = 24  # 6e-8 of a rate: the nodes of the linkages leave more


class Counts(NamedTuple):
    """Patients of one trial.

    Attributes
    ----------
    first
        (K, 2) by treatment and response in stage 1.
    stayed
        (K, 2) responders by treatment and response in stage 2.
    changed
        (K, K, 2) the others by treatment in stage 1, in stage 2, and response in stage 2.
    """

    first: IntArray
    stayed: IntArray
    changed: IntArray

    @property
    def most(self) -> int:
        """The largest number of responses to be told on any treatment."""
        return int(np.max(self.first.sum(1) + self.stayed.sum(1) + self.changed.sum((0, 2))))

    @property
    def nodes(self) -> int:
        """How many nodes a linkage gets: the more patients, the narrower its posterior."""
        return min(20 + int(self.first.sum()) // 8, 64)


class Answer(NamedTuple):
    """Posterior of the rates (K,) and of their pairs (K, K)."""

    mean: FloatArray
    sd: FloatArray
    low: FloatArray
    high: FloatArray
    difference: FloatArray
    difference_sd: FloatArray
    above: FloatArray


def shared_linkages(
    counts: Counts,
    rates: tuple[tuple[float, float], ...],
    linkage_0: tuple[float, float],
    shape: float,
) -> Answer:
    """Integrate over u = 1/beta1 (a beta law), beta0, and x_t = beta1 pi_t of each treatment.

    The factors of treatment t are (u x)^(a - 1 + y) (1 - u x)^(b - 1 + n - y) u dx of stage 1,
    x^r (1 - x)^s of the responders and (beta0 u x)^q (1 - beta0 u x)^w of the others.
    """
    nodes = rate_nodes(counts.most)
    powers = shape + sum(a for a, _ in rates)
    u, rest_u, weight_u = beta_nodes(counts.nodes, powers, 1.0)
    v, rest_v, weight_v = beta_nodes(counts.nodes, *linkage_0)
    log_rest = np.log(rest_u[:, None] + u[:, None] * nodes.rest)  # 1 - u x
    log_changed = np.log(  # 1 - beta0 u x
        rest_v[:, None] + v[:, None] * (rest_u[:, None] + u[:, None] * nodes.rest)[:, None, :]
    )
    responses = counts.first[:, 1].sum() + counts.changed[..., 1].sum()
    outer = np.log(weight_u)[:, None] + np.log(weight_v) + float(responses) * np.log(u)[:, None]
    outer = outer + float(counts.changed[..., 1].sum()) * np.log(v)
    densities = []
    for t, (a, b) in enumerate(rates):
        none, some = counts.first[t].tolist()
        stopped, again = counts.stayed[t].tolist()
        lost, won = counts.changed[:, t].sum(0).tolist()
        log_x, log_rest_x = np.log(nodes.value), np.log(nodes.rest)
        fixed = nodes.log_weight + (a - 1.0 + some + won + again) * log_x + stopped * log_rest_x
        line = (fixed + (b - 1.0 + none) * log_rest)[:, None, :] + lost * log_changed
        top = np.max(line, axis=2, keepdims=True)
        density = np.exp(line - top)
        size = density.sum(axis=2, keepdims=True)
        densities.append(density / size)
        outer = outer + (top + np.log(size))[..., 0]
    weight = np.exp(outer - outer.max())
    return _answer(densities, weight / weight.sum(), u, nodes)


def _answer(
    densities: list[FloatArray], weight: FloatArray, u: FloatArray, nodes: RateNodes
) -> Answer:
    """Average over the linkages; given them the rates are independent."""
    means = np.stack([density @ nodes.value for density in densities]) * u[:, None]
    squares = np.stack([density @ nodes.value**2 for density in densities]) * u[:, None] ** 2
    mean = np.sum(weight * means, axis=(1, 2))
    second = np.sum(weight * squares, axis=(1, 2))
    both = np.sum(weight * means[:, None] * means[None, :], axis=(2, 3))
    above = np.full(both.shape, np.nan)
    limits = []
    for t, density in enumerate(densities):
        below = density @ nodes.below.T
        for other, theirs in enumerate(densities[:t]):
            chance = float(np.sum(weight * np.sum(below * theirs, axis=2)))
            above[other, t], above[t, other] = chance, 1.0 - chance
        known = np.sum(weight[..., None] * below, axis=1)
        slope = np.sum(weight[..., None] * density, axis=1)
        limits.append(quantiles(mixture(known, slope, weight.sum(axis=1), u, nodes)))
    return summary(mean, second, both, above, np.array(limits))


def summary(
    mean: FloatArray, second: FloatArray, both: FloatArray, above: FloatArray, limits: FloatArray
) -> Answer:
    """Turn moments E pi, E pi^2 and E pi pi' into an answer."""
    variance = np.maximum(second - mean**2, 0.0)
    covariance = both - np.outer(mean, mean)
    apart = np.maximum(variance[:, None] + variance - 2.0 * covariance, 0.0)
    np.fill_diagonal(apart, 0.0)
    return Answer(
        mean,
        np.sqrt(variance),
        limits[:, 0],
        limits[:, 1],
        mean[:, None] - mean,
        np.sqrt(apart),
        above,
    )


def mixture(
    known: FloatArray, slope: FloatArray, whole: FloatArray, u: FloatArray, nodes: RateNodes
) -> Callable[[FloatArray], FloatArray]:
    """Return P(pi <= rate) of rates, from integrals over x = pi / u for each u (M,)."""

    def chance(rate: FloatArray) -> FloatArray:
        inside = rate[:, None] < u
        x = np.where(inside, rate[:, None] / u, 0.5)
        found: FloatArray = np.sum(
            np.where(inside, hermite(known, slope, nodes.at(x), nodes), whole), axis=1
        )
        return found

    return chance


def hermite(
    known: FloatArray, slope: FloatArray, place: FloatArray, nodes: RateNodes
) -> FloatArray:
    """Interpolate integrals (M, N), of the derivatives slope/step, at places (..., M)."""
    at = np.clip((place - nodes.place[0]) / nodes.step, 0.0, nodes.place.size - 1.001)
    i = at.astype(np.int64)
    s, row = at - i, np.arange(len(known))
    low, high = known[row, i], known[row, i + 1]
    found: FloatArray = (
        low
        + (high - low) * s * s * (3.0 - 2.0 * s)
        + slope[row, i] * s * (1.0 - s) ** 2
        - slope[row, i + 1] * s * s * (1.0 - s)
    )
    return found


def quantiles(chance: Callable[[FloatArray], FloatArray]) -> tuple[float, float]:
    """Give the rates below which a distribution has 2.5 and 97.5 %, by halving."""
    wanted = np.array([TAIL, 1.0 - TAIL])
    low, high = np.zeros(2), np.ones(2)
    for _ in range(HALVINGS):
        middle = (low + high) / 2.0
        below = chance(middle) < wanted
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    first, last = ((low + high) / 2.0).tolist()
    return first, last
