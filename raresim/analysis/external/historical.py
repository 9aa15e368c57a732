"""Priors from historical data: power priors, commensurate and meta-analytic-predictive priors.

Each is a mixture of conjugate distributions with exact weights: where a further unknown (a power,
a between-trial standard deviation) is integrated out, every quadrature node is a component. What
follows (posterior, decision, operating characteristics) is then that of any mixture.
"""

import numpy as np
from scipy.special import betaincinv

from raresim.analysis.arrays import ordered_sum
from raresim.analysis.bayesian.between import BetweenTrials
from raresim.analysis.bayesian.hierarchical import binomial_hierarchy
from raresim.analysis.bayesian.mixtures import (
    Mixture,
    NormalMixture,
)
from raresim.analysis.bayesian.panels import panels
from raresim.analysis.bayesian.summaries import BinomialData, Data, NormalData, PoissonData
from raresim.analysis.bayesian.updating import posterior
from raresim.analysis.external.fitting import Fit, fit_beta_mixture
from raresim.errors import InputError


def power_prior(initial: Mixture, historical: Data, power: float) -> Mixture:
    """Give the prior made of historical data whose likelihood is raised to a fixed power.

    Counts are multiplied by the power a, the squared standard error divided by it: with a = 0
    the initial prior, with a = 1 full pooling. The power prior is normalised, so that a mixture
    as the initial prior is updated exactly.

    Parameters
    ----------
    initial
        Prior before the historical data.
    historical
        Binomial, Poisson or normal data.
    power
        Within 0 to 1.

    Raises
    ------
    InputError
        If the power is not within 0 to 1, or prior and data do not belong together.

    References
    ----------
    Ibrahim JG, Chen MH. Stat Sci 2000;15:46-60.

    Examples
    --------
    >>> from raresim.analysis.bayesian import BetaMixture
    >>> flat = BetaMixture.of((1.0, 1.0, 1.0))
    >>> prior = power_prior(flat, BinomialData.of(20, 100), 0.25)
    >>> prior.first, prior.second
    (array([6.]), array([21.]))
    """
    if not 0.0 <= power <= 1.0:
        raise InputError(f"power: found {power!r}; expected a number within 0 to 1.")
    return initial if power == 0.0 else posterior(initial, _discounted(historical, power))


def _discounted(data: Data, power: float) -> Data:
    if isinstance(data, BinomialData):
        return BinomialData(power * data.events, power * data.patients)
    if isinstance(data, PoissonData):
        return PoissonData(power * data.events, power * data.exposure)
    return NormalData(data.mean, data.se / np.sqrt(power))


def normalised_power_prior(
    initial: Mixture, historical: Data, *, a: float = 1.0, b: float = 1.0
) -> Mixture:
    """Give the power prior whose power is unknown too, with a Beta(a, b) prior.

    For each power the prior of the unknown is normalised, so that current data alone tell
    about the power. The power is integrated by 64 quadrature nodes in its quantiles; each is a
    component of the mixture.

    Parameters
    ----------
    initial, historical
        As in `power_prior`; the initial prior has one component.
    a, b
        Beta prior of the power; 1 and 1: uniform.

    Raises
    ------
    InputError
        If the initial prior has several components, or a parameter is impossible.

    References
    ----------
    Duan Y, Ye K, Smith EP. Environmetrics 2006;17:95-106; Neuenschwander B, Branson M,
    Spiegelhalter DJ. Stat Med 2009;28:3562-3566.

    Examples
    --------
    >>> from raresim.analysis.bayesian import BetaMixture
    >>> flat = BetaMixture.of((1.0, 1.0, 1.0))
    >>> prior = normalised_power_prior(flat, BinomialData.of(20, 100))
    >>> after = posterior(prior, BinomialData.of(10, 20))
    >>> round(float(after.mean()), 6)
    0.364862
    """
    if initial.weight.shape != (1,) or not (a > 0.0 and b > 0.0):
        raise InputError("initial: expected one component, and a and b above 0.")
    level, weight = panels(np.array([0.0, 0.02, 0.2, 0.6, 1.0]))
    powers = np.maximum(np.asarray(betaincinv(a, b, level), dtype=np.float64), 1e-12)
    each = [power_prior(initial, historical, float(power)) for power in powers]
    first, second = (np.concatenate([getattr(p, f) for p in each]) for f in ("first", "second"))
    return type(initial)(weight, first, second)


def commensurate_prior(historical: NormalData, between: BetweenTrials) -> NormalMixture:
    """Give the prior of a current mean that differs from one historical mean by N(0, tau^2).

    theta ~ N(theta_h, tau^2), theta_h ~ N(mean, se^2) after the historical data with a flat
    prior; tau is integrated by quadrature, each node a component N(mean, se^2 + tau^2). The
    prior of tau here is one of `BetweenTrials`, not the spike and slab on the precision.

    Raises
    ------
    InputError
        If more than one historical mean is given.

    References
    ----------
    Hobbs BP, Sargent DJ, Carlin BP. Bayesian Anal 2012;7:639-674.

    Examples
    --------
    >>> prior = commensurate_prior(NormalData.of(10.0, 1.0), BetweenTrials(1.0))
    >>> round(float(prior.sd()), 6)  # sqrt(1 + 1)
    1.414214
    """
    if historical.mean.size != 1 or not np.all(np.isfinite(historical.se)):
        raise InputError("historical: expected one mean with a finite standard error.")
    tau, weight = between.nodes()
    mean = np.full(tau.size, float(np.ravel(historical.mean)[0]))
    return NormalMixture(weight, mean, np.hypot(float(np.ravel(historical.se)[0]), tau))


def meta_analytic_normal(
    historical: NormalData, between: BetweenTrials, *, mean: float = 0.0, sd: float = np.inf
) -> NormalMixture:
    """Give the predictive (MAP) prior of a new trial's mean from historical means.

    y_j ~ N(theta_j, se_j^2), theta_j and the new theta ~ N(mu, tau^2), mu ~ N(mean, sd^2).
    Given tau all is normal; tau is integrated by quadrature, each node a component whose weight
    is its prior times the marginal likelihood of the historical data. With one historical trial
    tau enters twice, for that trial and for the new one; in `commensurate_prior` once.

    Parameters
    ----------
    historical
        (J,) means and standard errors.
    between
        Prior of tau.
    mean, sd
        Prior of mu; without an sd it is flat.

    Raises
    ------
    InputError
        If a standard error is not above 0 and finite.

    References
    ----------
    Neuenschwander B et al. Clin Trials 2010;7:5-18; Roever C. J Stat Softw 2020;93(6):1-51
    (the grid of tau).

    Examples
    --------
    >>> historical = NormalData.of(np.array([-50.0, -45.0, -60.0]), np.array([8.0, 9.0, 7.0]))
    >>> prior = meta_analytic_normal(historical, BetweenTrials(10.0))
    >>> round(float(prior.mean()), 4), round(float(prior.sd()), 4)
    (-52.5055, 10.2278)
    """
    y = np.atleast_1d(historical.mean)
    se = np.broadcast_to(np.atleast_1d(historical.se), y.shape)
    if y.ndim != 1 or not (np.all(np.isfinite(se)) and np.all(se > 0.0)):
        raise InputError(f"historical: found errors {se}; expected numbers above 0.")
    tau, weight = between.nodes()
    variance = se * se + tau[:, None] ** 2
    known = 0.0 if np.isinf(sd) else sd**-2.0
    total = ordered_sum(1.0 / variance) + known
    centre = (ordered_sum(y / variance) + known * mean) / total
    away = ordered_sum((y - centre[:, None]) ** 2 / variance) + known * (centre - mean) ** 2
    log = -0.5 * (ordered_sum(np.log(variance)) + np.log(total) + away)
    raw = weight * np.exp(log - np.max(log))
    return NormalMixture(raw / ordered_sum(raw), centre, np.sqrt(1.0 / total + tau * tau))


def meta_analytic_binomial(
    historical: BinomialData,
    between: BetweenTrials,
    *,
    mean: float = 0.0,
    sd: float = 2.0,
    components: int = 2,
) -> Fit:
    """Give the predictive (MAP) prior of a new trial's probability, as a mixture of betas.

    The model is that of `binomial_hierarchy` (normal on the log odds, exact likelihoods); its
    predictive density is exact to 1e-8 and is then approximated by a mixture of betas fitted by
    the EM algorithm to the density itself, without random numbers.

    Parameters
    ----------
    historical
        (J,) events and patients.
    between
        Prior of the between-trial standard deviation, on the log odds.
    mean, sd
        Prior of the mean log odds.
    components
        Of the mixture.

    Returns
    -------
    The mixture, with exact moments of the predictive and how far the mixture is from it.

    Raises
    ------
    InputError
        If counts, priors or the number of components are impossible.

    References
    ----------
    Schmidli H et al. Biometrics 2014;70:1023-1032; Weber S et al. J Stat Softw
    2021;100(19):1-32.

    Examples
    --------
    >>> historical = BinomialData.of(np.array([9.0, 6.0, 10.0]), np.array([39.0, 20.0, 35.0]))
    >>> fit = meta_analytic_binomial(historical, BetweenTrials(1.0), components=1)
    >>> round(fit.exact_mean, 4), round(float(fit.mixture.mean()), 4)
    (0.2846, 0.2882)
    """
    solved = binomial_hierarchy(
        np.atleast_1d(historical.events), np.atleast_1d(historical.patients), between, mean, sd
    )
    return fit_beta_mixture(solved.grid, solved.new, components)
