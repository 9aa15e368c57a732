"""Bayesian analyses of one table of patients: a batch of one given to its kernel."""

from typing import TYPE_CHECKING

from raresim.analysis.arrays import IntArray
from raresim.analysis.bayesian import kernels
from raresim.analysis.bayesian.mixtures import BetaMixture, GammaMixture, NormalMixture
from raresim.analysis.bayesian.result import Posterior
from raresim.analysis.bayesian.student import NormalInverseGamma
from raresim.analysis.columns import all_present, arms, flags, measured, numbers, require

if TYPE_CHECKING:
    import pandas as pd


def beta_binomial(
    data: "pd.DataFrame",
    *,
    event: str,
    prior: BetaMixture,
    control_prior: BetaMixture | None = None,
    arm: str | None = None,
    control: object = None,
    margin: float = 0.0,
) -> Posterior:
    """Analyse a binary outcome with beta (mixture) priors; see `batch.beta_binomial`.

    Parameters
    ----------
    data
        One row for each patient.
    event
        Column of 1 (event) or 0.
    prior, control_prior
        Of the treated and of the control arm (the same where none is given).
    arm, control
        Column of two arms, and its value that is the control; without them there is one arm.
    margin
        Above which the probability, or its difference, is wanted.

    Raises
    ------
    InputError
        If a column is missing or holds values that do not fit.

    References
    ----------
    Gelman A et al. Bayesian Data Analysis, 3rd ed 2013, section 2.4.

    Examples
    --------
    >>> import pandas as pd
    >>> data = pd.DataFrame({"response": [1, 1, 0, 1, 0, 0, 1, 0], "arm": list("ttttpppp")})
    >>> flat = BetaMixture.of((1.0, 1.0, 1.0))
    >>> beta_binomial(data, event="response", prior=flat, arm="arm", control="p")
    beta-binomial model: difference of probabilities 0.3333 (95 % credible -0.1958 to 0.773)
      sd 0.252, P(above 0) = 0.8968, 8 patients
      A posterior probability holds no level by itself. ...
    """
    require(data, (event,) if arm is None else (event, arm))
    return kernels.beta_binomial(
        flags(data, event)[None],
        _arm(data, arm, control),
        all_present(len(data)),
        prior,
        control_prior,
        margin=margin,
    ).row(0)


def gamma_poisson(
    data: "pd.DataFrame",
    *,
    count: str,
    exposure: str,
    prior: GammaMixture,
    control_prior: GammaMixture | None = None,
    arm: str | None = None,
    control: object = None,
    margin: float = 1.0,
) -> Posterior:
    """Analyse event counts with gamma (mixture) priors; see `batch.gamma_poisson`.

    Parameters
    ----------
    count, exposure
        Columns of events and of the time in which they were counted.
    data, prior, control_prior, arm, control, margin
        As in `beta_binomial`; the margin is a rate, or with two arms a ratio of rates.

    Raises
    ------
    InputError
        If a column is missing or holds values that do not fit.

    References
    ----------
    Gelman A et al. Bayesian Data Analysis, 3rd ed 2013, section 2.6.

    Examples
    --------
    >>> import pandas as pd
    >>> data = pd.DataFrame({"attacks": [4, 2, 3], "years": [1.0, 0.5, 1.5]})
    >>> vague = GammaMixture.of((1.0, 0.5, 0.001))
    >>> gamma_poisson(data, count="attacks", exposure="years", prior=vague, margin=2.0)
    gamma-Poisson model: rate 3.166 (95 % credible 1.484 to 5.474)
      sd 1.027, P(above 2) = 0.8855, 3 patients
    """
    require(data, (count, exposure) if arm is None else (count, exposure, arm))
    return kernels.gamma_poisson(
        numbers(data, count)[None],
        numbers(data, exposure)[None],
        _arm(data, arm, control),
        all_present(len(data)),
        prior,
        control_prior,
        margin=margin,
    ).row(0)


def normal_known_sd(
    data: "pd.DataFrame",
    *,
    outcome: str,
    sd: float,
    prior: NormalMixture,
    control_prior: NormalMixture | None = None,
    arm: str | None = None,
    control: object = None,
    margin: float = 0.0,
) -> Posterior:
    """Analyse normal outcomes of known standard deviation; see `batch.normal_known_sd`.

    Parameters
    ----------
    outcome
        Column of the outcome, missing values allowed.
    sd
        Known standard deviation of a patient.
    data, prior, control_prior, arm, control, margin
        As in `beta_binomial`.

    Raises
    ------
    InputError
        If a column is missing or holds values that do not fit, or the sd is not above 0.

    References
    ----------
    Gelman A et al. Bayesian Data Analysis, 3rd ed 2013, section 2.5.

    Examples
    --------
    >>> import pandas as pd
    >>> data = pd.DataFrame({"change": [1.0, 2.0, 3.0, 6.0]})
    >>> prior = NormalMixture.of((0.8, 2.0, 1.0), (0.2, 0.0, 10.0))
    >>> normal_known_sd(data, outcome="change", sd=2.0, prior=prior)
    normal model, known sd: mean 2.519 (95 % credible 1.111 to 3.964)
      sd 0.7274, P(above 0) = 0.9997, 4 patients
    """
    require(data, (outcome,) if arm is None else (outcome, arm))
    return kernels.normal_known_sd(
        measured(data, outcome)[None],
        _arm(data, arm, control),
        all_present(len(data)),
        sd,
        prior,
        control_prior,
        margin=margin,
    ).row(0)


def normal_unknown_sd(
    data: "pd.DataFrame",
    *,
    outcome: str,
    prior: NormalInverseGamma,
    control_prior: NormalInverseGamma | None = None,
    arm: str | None = None,
    control: object = None,
    margin: float = 0.0,
) -> Posterior:
    """Analyse normal outcomes of unknown standard deviation; see `batch.normal_unknown_sd`.

    Takes the arguments of `normal_known_sd` but `sd`.

    Raises
    ------
    InputError
        If a column is missing or holds values that do not fit.

    References
    ----------
    Gelman A et al. Bayesian Data Analysis, 3rd ed 2013, section 3.3.

    Examples
    --------
    >>> import pandas as pd
    >>> data = pd.DataFrame({"change": [1.0, 2.0, 3.0, 6.0, 0.0, 1.0, 0.5], "arm": list("ttttppp")})
    >>> vague = NormalInverseGamma()
    >>> normal_unknown_sd(data, outcome="change", prior=vague, arm="arm", control="p")
    normal model, unknown sd: difference of means 2.5 (95 % credible -1.256 to 6.256)
      sd inf, P(above 0) = 0.937, 7 patients
    """
    require(data, (outcome,) if arm is None else (outcome, arm))
    return kernels.normal_unknown_sd(
        measured(data, outcome)[None],
        _arm(data, arm, control),
        all_present(len(data)),
        prior,
        control_prior,
        margin=margin,
    ).row(0)


def _arm(data: "pd.DataFrame", name: str | None, control: object) -> IntArray | None:
    return None if name is None else arms(data, name, control)[None]
