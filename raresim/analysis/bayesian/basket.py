"""Basket trials of a binary outcome: how much the baskets may learn from each other."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.special import betaln, expit, logit

from raresim.analysis.arrays import FloatArray, ordered_sum
from raresim.analysis.bayesian.between import BetweenTrials
from raresim.analysis.bayesian.hierarchical import binomial_hierarchy
from raresim.analysis.bayesian.mixtures import BetaMixture
from raresim.errors import InputError

LARGEST_COUNT = 1e9
LARGEST_POWER = 100.0
MOST_BASKETS = 8  # 4,140 partitions


@dataclass(frozen=True)
class Baskets:
    """Posteriors of the response probabilities of J baskets in B trials, each (B, J).

    Attributes
    ----------
    mean, sd
        Of each probability.
    probability
        Posterior probability that it is above the `null` of the basket.
    low, high
        Equal-tailed 95 % credible limits.
    """

    method: str
    mean: FloatArray
    sd: FloatArray
    probability: FloatArray
    low: FloatArray
    high: FloatArray

    def __repr__(self) -> str:
        """Show the baskets of the first trial, one on each line."""
        lines = [
            f"{self.mean[0, j]:.4g} ({self.low[0, j]:.4g} to {self.high[0, j]:.4g}), "
            f"P(above null) = {self.probability[0, j]:.4g}"
            for j in range(self.mean.shape[1])
        ]
        return "\n  ".join((f"{self.method}:", *lines))


def basket_partitions(
    events: FloatArray,
    patients: FloatArray,
    null: FloatArray | float,
    *,
    a: float = 0.5,
    b: float = 0.5,
    power: float = 0.0,
) -> Baskets:
    """Average over all ways in which baskets share one probability; exact.

    A model is a partition of the baskets into groups of equal probability, each with a
    Beta(a, b) prior; its posterior weight is its prior weight, (number of groups)^power, times
    the product of beta-binomial marginals. The posterior of a basket is a mixture of betas.

    Parameters
    ----------
    events, patients
        (B, J), J up to 8; or (J,) for one trial.
    null
        Probability to be exceeded: a number, or one for each basket.
    a, b
        Prior of a group's probability.
    power
        0: all partitions equally likely; above 0 favours many groups, that is, less sharing.

    Raises
    ------
    InputError
        If counts are impossible or there are too many baskets.

    References
    ----------
    Psioda MA, Xu J, Jiang Q, Ke C, Yang Z, Ibrahim JG. Biostatistics 2021;22:19-34.

    Examples
    --------
    >>> basket_partitions(np.array([1, 2, 9]), np.array([12, 12, 12]), 0.3)
    Bayesian model averaging over partitions:
      0.1341 (0.02063 to 0.3112), P(above null) = 0.03081
      0.1579 (0.03663 to 0.3847), P(above null) = 0.07039
      0.7265 (0.4487 to 0.9237), P(above null) = 0.998
    """
    r, n = _checked(events, patients)
    _check_prior(a, b)
    if not abs(power) <= LARGEST_POWER:
        raise InputError(f"power: found {power!r}; expected at most {LARGEST_POWER:g}.")
    baskets = r.shape[1]
    models = list(_partitions(baskets))
    log, first, second = [], [], []
    for groups in models:
        joined = np.array([[x == y for y in groups] for x in groups])
        together = ordered_sum(np.where(joined, r[:, None, :], 0.0))
        apart = ordered_sum(np.where(joined, (n - r)[:, None, :], 0.0))
        leader = [groups.index(g) for g in range(max(groups) + 1)]
        marginal = betaln(a + together, b + apart) - betaln(a, b)
        log.append(ordered_sum(marginal[:, leader]) + power * np.log(len(leader)))
        first.append(a + together)
        second.append(b + apart)
    weight = _normalised(np.stack(log, axis=-1))
    shape = (r.shape[0], baskets, len(models))
    mixture = BetaMixture(
        np.broadcast_to(weight[:, None, :], shape).copy(),
        np.stack(first, axis=-1),
        np.stack(second, axis=-1),
    )
    return _summary("Bayesian model averaging over partitions", mixture, null)


def basket_exchangeability(
    events: FloatArray,
    patients: FloatArray,
    null: FloatArray | float,
    *,
    a: float = 0.5,
    b: float = 0.5,
    exchangeable: float = 0.5,
) -> Baskets:
    """Multisource exchangeability model, for each basket in its turn; exact.

    For basket j a model says which others have its probability: they are pooled with it, the
    rest have probabilities of their own. Model weight: prior (each other basket exchangeable
    with the given probability, independently) times B(a + pooled events, b + pooled others) /
    B(a, b) times the beta-binomial marginals of the rest. Each basket is averaged over its own
    2^(J-1) models; the symmetric matrix of all baskets at once is another variant.

    Parameters
    ----------
    events, patients, null, a, b
        As in `basket_partitions`.
    exchangeable
        Prior probability that another basket is exchangeable with this one.

    Raises
    ------
    InputError
        If counts are impossible, there are too many baskets, or a probability is none.

    References
    ----------
    Kaizer AM, Koopmeiners JS, Hobbs BP. Biostatistics 2018;19:169-184; Hobbs BP, Landin R. Stat
    Med 2018;37:3557-3572.

    Examples
    --------
    >>> basket_exchangeability(np.array([1, 2, 9]), np.array([12, 12, 12]), 0.3)
    multisource exchangeability model:
      0.1343 (0.02093 to 0.311), P(above null) = 0.03073
      0.1578 (0.03663 to 0.3845), P(above null) = 0.07022
      0.7155 (0.3971 to 0.9227), P(above null) = 0.9944
    """
    r, n = _checked(events, patients)
    if not 0.0 <= exchangeable <= 1.0:
        raise InputError(f"exchangeable: found {exchangeable!r}; expected within 0 to 1.")
    _check_prior(a, b)
    baskets = r.shape[1]
    alone = betaln(a + r, b + (n - r)) - betaln(a, b)
    weights, firsts, seconds = [], [], []
    for j in range(baskets):
        log, first, second = [], [], []
        for code in range(2 ** (baskets - 1)):
            others = [i for i in range(baskets) if i != j]
            joined = np.array([i == j for i in range(baskets)])
            joined[others] = [bool(code >> k & 1) for k in range(baskets - 1)]
            events_in = ordered_sum(np.where(joined, r, 0.0))
            rest_in = ordered_sum(np.where(joined, n - r, 0.0))
            number = int(np.count_nonzero(joined)) - 1
            chance = exchangeable**number * (1.0 - exchangeable) ** (baskets - 1 - number)
            with np.errstate(divide="ignore"):
                prior = np.log(chance)
            pooled = betaln(a + events_in, b + rest_in) - betaln(a, b)
            log.append(prior + pooled + ordered_sum(np.where(joined, 0.0, alone)))
            first.append(a + events_in)
            second.append(b + rest_in)
        weights.append(_normalised(np.stack(log, axis=-1)))
        firsts.append(np.stack(first, axis=-1))
        seconds.append(np.stack(second, axis=-1))
    mixture = BetaMixture(*(np.stack(x, axis=1) for x in (weights, firsts, seconds)))
    return _summary("multisource exchangeability model", mixture, null)


def basket_hierarchical(
    events: FloatArray,
    patients: FloatArray,
    null: FloatArray | float,
    *,
    between: BetweenTrials,
    mean: float = 0.0,
    sd: float = 2.0,
) -> Baskets:
    """Shrink the baskets' log odds to a common normal distribution, by quadrature.

    The model and its solution are those of `binomial_hierarchy`: exact binomial likelihoods.
    Error of the probabilities below 1e-7. Dear (0.1 s for each trial): for many trials take
    `basket_partitions`.

    Parameters
    ----------
    events, patients, null
        As in `basket_partitions`.
    between
        Prior of the standard deviation between baskets, on the log odds.
    mean, sd
        Normal prior of the mean log odds.

    Raises
    ------
    InputError
        If counts or priors are impossible.

    References
    ----------
    Berry SM, Broglio KR, Groshen S, Berry DA. Clin Trials 2013;10:720-734.

    Examples
    --------
    >>> found = basket_hierarchical(
    ...     np.array([1, 2, 9]), np.array([12, 12, 12]), 0.3, between=BetweenTrials(1.0)
    ... )
    >>> found.probability.round(4)
    array([[0.0802, 0.1891, 0.9928]])
    """
    r, n = _checked(events, patients)
    shape = r.shape
    cut = logit(np.broadcast_to(np.asarray(null, dtype=np.float64), shape))
    found = [np.full(shape, np.nan) for _ in range(5)]
    for row in range(shape[0]):
        solved = binomial_hierarchy(r[row], n[row], between, mean, sd)
        for j, density in enumerate(solved.each):
            found[0][row, j], found[1][row, j] = solved.probability_moments(density)
            found[2][row, j] = 1.0 - solved.cumulative(density, cut[row, j])
            found[3][row, j] = expit(solved.quantile(density, 0.025))
            found[4][row, j] = expit(solved.quantile(density, 0.975))
    return Baskets("hierarchical model of baskets", *found)


def _checked(events: FloatArray, patients: FloatArray) -> tuple[FloatArray, FloatArray]:
    r = np.atleast_2d(np.asarray(events, dtype=np.float64))
    n = np.atleast_2d(np.asarray(patients, dtype=np.float64))
    if r.shape != n.shape or not np.all((r >= 0.0) & (r <= n) & (n <= LARGEST_COUNT)):
        raise InputError(f"events: found {r} of {n}; expected 0 up to the number of patients.")
    if not 1 <= r.shape[1] <= MOST_BASKETS:
        raise InputError(f"events: found {r.shape[1]} baskets; expected 1 to {MOST_BASKETS}.")
    return r, n


def _check_prior(a: float, b: float) -> None:
    if not (0.0 < a <= LARGEST_COUNT and 0.0 < b <= LARGEST_COUNT):
        raise InputError(f"a, b: found {a!r}, {b!r}; expected numbers above 0.")


def _partitions(number: int) -> Iterator[list[int]]:
    """Give the group of each basket, for every partition (restricted growth strings)."""
    if number == 0:
        yield []
        return
    for shorter in _partitions(number - 1):
        for group in range(max(shorter, default=-1) + 2):
            yield [*shorter, group]


def _normalised(log: FloatArray) -> FloatArray:
    weight = np.exp(log - np.max(log, axis=-1, keepdims=True))
    found: FloatArray = weight / ordered_sum(weight)[..., None]
    return found


def _summary(method: str, mixture: BetaMixture, null: FloatArray | float) -> Baskets:
    if not np.all((np.asarray(null) >= 0.0) & (np.asarray(null) <= 1.0)):
        raise InputError(f"null: found {null}; expected probabilities from 0 to 1.")
    above = mixture.above(np.broadcast_to(null, mixture.weight.shape[:-1]))
    limits = mixture.quantile(0.025), mixture.quantile(0.975)
    return Baskets(method, mixture.mean(), mixture.sd(), above, *limits)
