"""From prior and data to posterior: exact, component by component.

The posterior of a mixture of conjugate priors is the mixture of their posteriors; the weight of
each component is multiplied by the probability that it gave to the data.
"""

from typing import overload

import numpy as np
from scipy.special import betaln, gammaln, xlogy

from raresim.analysis.arrays import FloatArray, ordered_sum
from raresim.analysis.bayesian.mixtures import (
    HALF_LOG_2PI,
    BetaMixture,
    GammaMixture,
    Mixture,
    NormalMixture,
)
from raresim.analysis.bayesian.summaries import BinomialData, Data, NormalData, PoissonData
from raresim.errors import InputError


@overload
def posterior(prior: BetaMixture, data: BinomialData) -> BetaMixture: ...
@overload
def posterior(prior: GammaMixture, data: PoissonData) -> GammaMixture: ...
@overload
def posterior(prior: NormalMixture, data: NormalData) -> NormalMixture: ...
@overload
def posterior(prior: Mixture, data: Data) -> Mixture: ...
def posterior(prior: Mixture, data: Data) -> Mixture:
    """Update a mixture of conjugate priors with the data of B trials.

    Beta(a, b) with r events in n patients becomes Beta(a + r, b + n - r); Gamma(a, b) with y
    events in time T becomes Gamma(a + y, b + T); a normal prior and a mean are weighted by
    their precisions. Weights are multiplied by the marginal probability of the data.

    Parameters
    ----------
    prior
        (K,) components, or (B, K).
    data
        Binomial for a beta, Poisson for a gamma, normal for a normal prior; (B,).

    Returns
    -------
    The mixture of shape (B, K).

    Raises
    ------
    InputError
        If prior and data do not belong together.

    References
    ----------
    Gelman A et al. Bayesian Data Analysis, 3rd ed 2013, chapter 2.

    Examples
    --------
    >>> prior = BetaMixture.of((0.5, 4.0, 16.0), (0.5, 1.0, 1.0))
    >>> after = posterior(prior, BinomialData.of(8, 10))
    >>> after.weight.round(6), after.first, after.second
    (array([0.012173, 0.987827]), array([12.,  9.]), array([18.,  3.]))
    """
    log_marginal = log_probability(prior, data)
    with np.errstate(divide="ignore"):
        log = np.log(prior.weight) + log_marginal
    weight = np.exp(log - np.max(log, axis=-1, keepdims=True))
    weight = weight / ordered_sum(weight)[..., None]
    return type(prior)(weight, *_updated(prior, data))


def _updated(prior: Mixture, data: Data) -> tuple[FloatArray, FloatArray]:
    if isinstance(data, BinomialData):
        r, n = data.events[..., None], data.patients[..., None]
        return prior.first + r, prior.second + (n - r)
    if isinstance(data, PoissonData):
        return prior.first + data.events[..., None], prior.second + data.exposure[..., None]
    known, seen = prior.second**-2.0, data.se[..., None] ** -2.0
    total = known + seen
    return (known * prior.first + seen * data.mean[..., None]) / total, total**-0.5


def log_probability(prior: Mixture, data: Data) -> FloatArray:
    """Give the log probability of the data under each component: marginal, or prior predictive.

    Beta-binomial and gamma-Poisson probabilities lack the factor that no prior enters: the
    binomial coefficient, and exposure^events / events!.

    Returns
    -------
    (..., K).

    Raises
    ------
    InputError
        If prior and data do not belong together.

    Examples
    --------
    >>> prior = BetaMixture.of((1.0, 1.0, 1.0))
    >>> float(np.exp(log_probability(prior, BinomialData.of(1, 1))).round(12)[0])
    0.5
    """
    a, b = prior.first, prior.second
    if isinstance(prior, BetaMixture) and isinstance(data, BinomialData):
        r, n = data.events[..., None], data.patients[..., None]
        found: FloatArray = betaln(a + r, b + (n - r)) - betaln(a, b)
        return found
    if isinstance(prior, GammaMixture) and isinstance(data, PoissonData):
        y, time = data.events[..., None], data.exposure[..., None]
        counts: FloatArray = gammaln(a + y) - gammaln(a) - xlogy(y, b + time)
        return counts - xlogy(a, 1.0 + time / b)
    if isinstance(prior, NormalMixture) and isinstance(data, NormalData):
        se = data.se[..., None]
        spread = np.sqrt(b * b + np.where(np.isinf(se), 0.0, se) ** 2)
        z = (data.mean[..., None] - a) / spread
        return np.where(np.isinf(se), 0.0, -0.5 * z * z - np.log(spread) - HALF_LOG_2PI)
    raise InputError(
        f"prior: found {type(prior).__name__} with {type(data).__name__}; expected a beta "
        "mixture with binomial, a gamma mixture with Poisson, or a normal one with normal data."
    )
