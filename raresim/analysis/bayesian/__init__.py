"""Bayesian analyses in closed form or by quadrature: prior, data summary, decision."""

from raresim.analysis.bayesian.basket import (
    Baskets,
    basket_exchangeability,
    basket_hierarchical,
    basket_partitions,
)
from raresim.analysis.bayesian.best import best_mean, best_share
from raresim.analysis.bayesian.between import BetweenTrials
from raresim.analysis.bayesian.characteristics import (
    Arm,
    predictive_success,
    success_probability,
)
from raresim.analysis.bayesian.comparing import probability_above
from raresim.analysis.bayesian.decision import Decision, succeeds
from raresim.analysis.bayesian.mixtures import BetaMixture, GammaMixture, NormalMixture
from raresim.analysis.bayesian.result import Posterior, Posteriors
from raresim.analysis.bayesian.student import NormalInverseGamma
from raresim.analysis.bayesian.summaries import BinomialData, NormalData, PoissonData
from raresim.analysis.bayesian.tables import (
    beta_binomial,
    gamma_poisson,
    normal_known_sd,
    normal_unknown_sd,
)
from raresim.analysis.bayesian.updating import posterior

__all__ = [
    "Arm",
    "Baskets",
    "BetaMixture",
    "BetweenTrials",
    "BinomialData",
    "Decision",
    "GammaMixture",
    "NormalData",
    "NormalInverseGamma",
    "NormalMixture",
    "PoissonData",
    "Posterior",
    "Posteriors",
    "basket_exchangeability",
    "basket_hierarchical",
    "basket_partitions",
    "best_mean",
    "best_share",
    "beta_binomial",
    "gamma_poisson",
    "normal_known_sd",
    "normal_unknown_sd",
    "posterior",
    "predictive_success",
    "probability_above",
    "succeeds",
    "success_probability",
]
