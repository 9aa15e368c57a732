"""Borrowing that looks at the current data first: self-adapting mixtures, and test-then-pool."""

import numpy as np
from scipy.special import gammaln, ndtr, xlog1py, xlogy

from raresim.analysis.arrays import BoolArray, FloatArray, ordered_sum
from raresim.analysis.bayesian.mixtures import BetaMixture, GammaMixture, Mixture, NormalMixture
from raresim.analysis.bayesian.summaries import BinomialData, Data, NormalData, PoissonData
from raresim.analysis.bayesian.updating import posterior
from raresim.errors import InputError

EDGE = 0.01  # a probability at a distance stays within this of 0 and 1


def self_adapting_weight(
    prior: Mixture, data: Data, difference: float, *, odds: float = 1.0
) -> FloatArray:
    """Give the weight of the informative prior in the self-adapting mixture (SAM).

    w = R / (1 + R), R = odds L(h) / max(L(h + d), L(h - d)): the likelihood ratio of the current
    data between the informative prior's mean h and the values a clinically significant
    difference d away. Probabilities h - d and h + d are kept within 0.01 and 0.99; a rate h - d
    not above 0 is left out.

    Parameters
    ----------
    prior
        Informative prior of shape (K,), or (B, K).
    data
        Of the current control arm, (B,).
    difference
        The clinically significant difference d.
    odds
        Prior odds that the current controls are like the historical ones.

    Returns
    -------
    (B,) weights.

    Raises
    ------
    InputError
        If difference or odds are not above 0, or prior and data do not belong together.

    References
    ----------
    Yang P, Zhao Y, Nie L, Vallejo J, Yuan Y. Biometrics 2023;79:2857-2868.

    Examples
    --------
    >>> prior = BetaMixture.of((1.0, 40.0, 60.0))
    >>> float(self_adapting_weight(prior, BinomialData.of(12, 60), 0.15).round(6))
    0.006238
    """
    if not (difference > 0.0 and odds > 0.0):
        raise InputError(f"difference: found {difference} and odds {odds}; expected above 0.")
    centre = np.asarray(prior.mean())
    here = _log_likelihood(prior, data, centre)
    away = [_log_likelihood(prior, data, x) for x in _distant(prior, centre, difference)]
    log_ratio = here + np.log(odds) - np.maximum.reduce(away)
    found: FloatArray = 1.0 / (1.0 + np.exp(np.clip(-log_ratio, -700.0, 700.0)))
    return found


def _distant(prior: Mixture, centre: FloatArray, difference: float) -> list[FloatArray]:
    low, high = centre - difference, centre + difference
    if isinstance(prior, BetaMixture):
        return [np.maximum(low, EDGE), np.minimum(high, 1.0 - EDGE)]
    if isinstance(prior, GammaMixture):
        return [np.where(low > 0.0, low, high), high]
    return [low, high]


def _log_likelihood(prior: Mixture, data: Data, value: FloatArray) -> FloatArray:
    if isinstance(prior, BetaMixture) and isinstance(data, BinomialData):
        log = xlogy(data.events, value) + xlog1py(data.patients - data.events, -value)
        return np.asarray(log, dtype=np.float64)
    if isinstance(prior, GammaMixture) and isinstance(data, PoissonData):
        return np.asarray(xlogy(data.events, value) - value * data.exposure, dtype=np.float64)
    if isinstance(prior, NormalMixture) and isinstance(data, NormalData):
        z = (data.mean - value) / data.se
        return -0.5 * z * z
    raise InputError("prior: found a prior and data that do not belong together.")


def self_adapting_posterior(
    prior: Mixture, vague: Mixture, data: Data, difference: float, *, odds: float = 1.0
) -> Mixture:
    """Give the posterior after a self-adapting mixture (SAM) of an informative and a vague prior.

    The prior weight of the informative part is that of `self_adapting_weight`, made from the
    same data; they are used twice.

    Parameters
    ----------
    prior, vague
        Informative and vague prior, of one family.
    data, difference, odds
        As in `self_adapting_weight`.

    Returns
    -------
    The mixture of shape (B, K + V).

    Raises
    ------
    InputError
        As in `self_adapting_weight`, or if the priors are of two families.

    References
    ----------
    Yang P, Zhao Y, Nie L, Vallejo J, Yuan Y. Biometrics 2023;79:2857-2868.

    Examples
    --------
    >>> prior, flat = BetaMixture.of((1.0, 40.0, 60.0)), BetaMixture.of((1.0, 1.0, 1.0))
    >>> after = self_adapting_posterior(prior, flat, BinomialData.of(12, 60), 0.15)
    >>> float(after.mean().round(6))
    0.209809
    """
    if type(prior) is not type(vague):
        raise InputError("vague: expected a prior of the informative prior's family.")
    weight = self_adapting_weight(prior, data, difference, odds=odds)[..., None]
    shape = np.broadcast_shapes((*weight.shape[:-1], 1))
    mixed = type(prior)(
        np.concatenate((weight * prior.weight, (1.0 - weight) * vague.weight), axis=-1),
        np.concatenate(
            [np.broadcast_to(p.first, (*shape[:-1], p.first.shape[-1])) for p in (prior, vague)],
            axis=-1,
        ),
        np.concatenate(
            [np.broadcast_to(p.second, (*shape[:-1], p.second.shape[-1])) for p in (prior, vague)],
            axis=-1,
        ),
    )
    return posterior(mixed, data)


def alike(data: Data, historical: Data, level: float) -> BoolArray:
    """Say whether a two-sided test leaves current and historical controls alike (p >= level).

    Probabilities: Fisher's exact test (all tables that are no more likely). Means: z test. Rates:
    the exact conditional binomial test, two-sided in the same way.

    Parameters
    ----------
    data, historical
        Of one kind, (B,) and single numbers.
    level
        Of the test, such as 0.1.

    Raises
    ------
    InputError
        If the data are of two kinds.

    References
    ----------
    Viele K et al. Pharm Stat 2014;13:41-54 (test-then-pool).

    Examples
    --------
    >>> alike(BinomialData.of(np.array([4.0, 14.0]), 20.0), BinomialData.of(20, 100), 0.1)
    array([ True, False])
    """
    if isinstance(data, NormalData) and isinstance(historical, NormalData):
        z = (data.mean - historical.mean) / np.hypot(data.se, historical.se)
        return np.asarray(2.0 * ndtr(-np.abs(z)) >= level)
    if isinstance(data, BinomialData) and isinstance(historical, BinomialData):
        p = [
            _fisher(float(r), float(n), float(historical.events), float(historical.patients))
            for r, n in zip(*_flat(data.events, data.patients), strict=True)
        ]
        return np.reshape(np.array(p) >= level, np.shape(data.events))
    if isinstance(data, PoissonData) and isinstance(historical, PoissonData):
        p = [
            _split(float(y), float(y + historical.events), float(t / (t + historical.exposure)))
            for y, t in zip(*_flat(data.events, data.exposure), strict=True)
        ]
        return np.reshape(np.array(p) >= level, np.shape(data.events))
    raise InputError("historical: expected data of the same kind as the current ones.")


def _flat(one: FloatArray, other: FloatArray) -> tuple[FloatArray, FloatArray]:
    first, second = np.broadcast_arrays(one, other)
    return np.ravel(first), np.ravel(second)


def _fisher(r: float, n: float, r0: float, n0: float) -> float:
    k = r + r0
    x = np.arange(max(0.0, k - n0), min(n, k) + 1.0)
    log = _ways(n, x) + _ways(n0, k - x) - _ways(n + n0, np.array([k]))
    return _no_likelier(np.exp(log), int(r - x[0]))


def _split(y: float, total: float, share: float) -> float:
    x = np.arange(total + 1.0)
    log = _ways(total, x) + xlogy(x, share) + xlog1py(total - x, -share)
    return _no_likelier(np.exp(log), int(y))


def _ways(n: float, k: FloatArray) -> FloatArray:
    return np.asarray(gammaln(n + 1.0) - gammaln(k + 1.0) - gammaln(n - k + 1.0), np.float64)


def _no_likelier(chances: FloatArray, at: int) -> float:
    # tables of the same probability differ by rounding only: R's fisher.test has the same factor
    least = chances <= chances[at] * (1.0 + 1e-7)
    return min(1.0, float(ordered_sum(np.where(least, chances, 0.0))))


def pool_if_alike(vague: Mixture, data: Data, historical: Data, *, level: float = 0.1) -> Mixture:
    """Give the posterior of the controls, pooled with the historical ones where they are `alike`.

    Parameters
    ----------
    vague
        Prior without historical data, of one component.
    data, historical, level
        As in `alike`.

    Returns
    -------
    Posteriors (B, 1).

    Raises
    ------
    InputError
        If prior and data do not belong together.

    References
    ----------
    Viele K et al. Pharm Stat 2014;13:41-54.

    Examples
    --------
    >>> flat = BetaMixture.of((1.0, 1.0, 1.0))
    >>> current = BinomialData.of(np.array([4.0, 14.0]), np.array([20.0, 20.0]))
    >>> pool_if_alike(flat, current, BinomialData.of(20, 100)).first
    array([[25.],
           [15.]])
    """
    same = alike(data, historical, level)[..., None]
    alone = posterior(vague, data)
    pooled = posterior(posterior(vague, historical), data)
    return type(vague)(
        np.ones(alone.first.shape),
        np.where(same, pooled.first, alone.first),
        np.where(same, pooled.second, alone.second),
    )
