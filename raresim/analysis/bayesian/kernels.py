"""Conjugate analyses of patients in one arm or two, over batches of trials."""

import numpy as np

from raresim.analysis.arrays import (
    BoolArray,
    CodeArray,
    FloatArray,
    IntArray,
    NumberArray,
    ordered_sum,
    patients_per_arm,
)
from raresim.analysis.bayesian.comparing import probability_above
from raresim.analysis.bayesian.effects import effect_moments, effect_quantile
from raresim.analysis.bayesian.mixtures import (
    BetaMixture,
    GammaMixture,
    Mixture,
    NormalMixture,
)
from raresim.analysis.bayesian.result import TAIL, Posteriors, posteriors
from raresim.analysis.bayesian.root import falling_root
from raresim.analysis.bayesian.student import (
    NormalInverseGamma,
    Student,
    student_above,
    student_posterior,
)
from raresim.analysis.bayesian.summaries import BinomialData, Data, NormalData, PoissonData
from raresim.analysis.bayesian.updating import posterior
from raresim.analysis.left_out import left_out, nobody
from raresim.analysis.notes import Note
from raresim.errors import InputError

LEAST_SD = 1e-100  # squares of it, and of its inverse, are still numbers


def beta_binomial(
    event: BoolArray,
    arm: CodeArray | None,
    present: BoolArray,
    prior: BetaMixture,
    control_prior: BetaMixture | None = None,
    *,
    margin: float = 0.0,
) -> Posteriors:
    """Analyse a binary outcome with beta (mixture) priors, in one arm or two.

    Posterior of the probability, or of the difference of probabilities, treated - control, and
    the probability that it is above the margin; see `posterior` and `probability_above`. All
    exact, the comparison by quadrature with an error below 1e-10. The limits of a difference
    are dear (10 ms for each trial): where only the decision is wanted, take `succeeds`.

    Parameters
    ----------
    event
        (B, n) whether the patient had the event.
    arm
        (B, n) 0 control, 1 treated; None for a trial of one arm.
    present
        (B, n) False for padding.
    prior, control_prior
        Of the treated and of the control arm (the same where none is given).
    margin
        See `Posterior`.

    References
    ----------
    Gelman A et al. Bayesian Data Analysis, 3rd ed 2013, section 2.4.

    Examples
    --------
    >>> event = np.array([[1, 1, 0, 1, 0, 0]], dtype=bool)
    >>> flat = BetaMixture.of((1.0, 1.0, 1.0))
    >>> beta_binomial(event, None, np.ones((1, 6), dtype=bool), flat, margin=0.2).row(0)
    beta-binomial model: probability 0.5 (95 % credible 0.1841 to 0.8159)
      sd 0.1667, P(above 0.2) = 0.9667, 6 patients
    """
    data = [
        BinomialData(np.count_nonzero(event & who, axis=1) + 0.0, np.count_nonzero(who, axis=1))
        for who in _arms(arm, present)
    ]
    measure = "probability" if arm is None else "difference of probabilities"
    priors = (prior, control_prior)
    return _analysed(
        "beta-binomial model", measure, data, priors, margin, present, nobody(len(present))
    )


def gamma_poisson(
    count: NumberArray,
    exposure: FloatArray,
    arm: CodeArray | None,
    present: BoolArray,
    prior: GammaMixture,
    control_prior: GammaMixture | None = None,
    *,
    margin: float = 1.0,
) -> Posteriors:
    """Analyse event counts over exposure with gamma (mixture) priors, in one arm or two.

    One arm: the rate. Two arms: the log of the rate ratio, treated / control; the margin is a
    ratio, and the probability that of an F distribution. The counts are taken as Poisson:
    patients of one arm share one rate, so that heterogeneous patients make it overconfident.
    Deciding where P(better) or P(worse) is above 97.5 %, with Gamma(0.1, 0.1) priors, total
    n = 12, 20, 40 and 60 and 0.8 events in a year, has a two-sided size of 7.8, 6.5, 5.4 and 5.4 %
    for Poisson counts (10,000 trials, Monte Carlo se 0.2), and of 16.9, 14.3, 13.1 and 12.3 % with
    a gamma frailty of variance 0.9.

    Parameters
    ----------
    count, exposure
        (B, n) events of each patient and the time in which they were counted.
    arm, present, prior, control_prior, margin
        As in `beta_binomial`.

    References
    ----------
    Gelman A et al. Bayesian Data Analysis, 3rd ed 2013, section 2.6.

    Examples
    --------
    >>> count = np.array([[4, 3, 5, 1, 0, 2]])
    >>> arm = np.array([[0, 0, 0, 1, 1, 1]])
    >>> vague = GammaMixture.of((1.0, 0.1, 0.1))
    >>> gamma_poisson(count, np.ones((1, 6)), arm, np.ones((1, 6), dtype=bool), vague).row(0)
    gamma-Poisson model: log rate ratio -1.49 (95 % credible -2.961 to -0.2758)
      sd 0.6828, P(above 1) = 0.006851, 6 patients
      Sized for Poisson counts: where patients differ, quasi_poisson_regression or re-randomising.
      A posterior probability holds no level by itself. ...
    """
    used = present & (exposure > 0.0)
    data = [
        PoissonData(
            ordered_sum(np.where(who, count, 0).astype(np.float64)),
            ordered_sum(np.where(who, exposure, 0.0)),
        )
        for who in _arms(arm, used)
    ]
    measure = "rate" if arm is None else "log rate ratio"
    lost = left_out(exposure=present & ~used)
    notes = 0 if arm is None else int(Note.COUNTS_TAKEN_AS_POISSON)
    priors = (prior, control_prior)
    return _analysed("gamma-Poisson model", measure, data, priors, margin, used, lost, notes)


def normal_known_sd(
    outcome: FloatArray,
    arm: CodeArray | None,
    present: BoolArray,
    sd: float,
    prior: NormalMixture,
    control_prior: NormalMixture | None = None,
    *,
    margin: float = 0.0,
) -> Posteriors:
    """Analyse normal outcomes of known standard deviation with normal (mixture) priors.

    Parameters
    ----------
    outcome
        (B, n) values, NaN if missing.
    sd
        Known standard deviation of a patient.
    arm, present, prior, control_prior, margin
        As in `beta_binomial`.

    Raises
    ------
    InputError
        If the standard deviation is not above 0.

    References
    ----------
    Gelman A et al. Bayesian Data Analysis, 3rd ed 2013, section 2.5.

    Examples
    --------
    >>> outcome = np.array([[1.0, 2.0, 3.0, 6.0]])
    >>> prior = NormalMixture.of((1.0, 0.0, 10.0))
    >>> normal_known_sd(outcome, None, np.ones((1, 4), dtype=bool), 2.0, prior).row(0)
    normal model, known sd: mean 2.97 (95 % credible 1.02 to 4.921)
      sd 0.995, P(above 0) = 0.9986, 4 patients
    """
    if not LEAST_SD < sd < 1.0 / LEAST_SD:
        raise InputError(f"sd: found {sd!r}; expected a number above 0.")
    used = present & ~np.isnan(outcome)
    data = []
    for who in _arms(arm, used):
        n, mean, _ = _moments(outcome, who)
        with np.errstate(divide="ignore"):
            data.append(NormalData(mean, sd / np.sqrt(n)))
    lost = left_out(outcome=present & ~used)
    measure = "mean" if arm is None else "difference of means"
    priors = (prior, control_prior)
    return _analysed("normal model, known sd", measure, data, priors, margin, used, lost)


def normal_unknown_sd(
    outcome: FloatArray,
    arm: CodeArray | None,
    present: BoolArray,
    prior: NormalInverseGamma,
    control_prior: NormalInverseGamma | None = None,
    *,
    margin: float = 0.0,
) -> Posteriors:
    """Analyse normal outcomes of unknown standard deviation, one of its own in each arm.

    Normal-inverse-gamma priors; the posterior of a mean is a t distribution, that of the
    difference the Behrens-Fisher distribution, by quadrature. With the vague prior the interval
    of one arm is the classical t interval.

    Parameters
    ----------
    outcome
        (B, n) values, NaN if missing.
    prior, control_prior
        Of the treated and of the control arm (the same where none is given).
    arm, present, margin
        As in `beta_binomial`.

    References
    ----------
    Gelman A et al. Bayesian Data Analysis, 3rd ed 2013, section 3.3.

    Examples
    --------
    >>> outcome = np.array([[1.0, 2.0, 3.0, 6.0]])
    >>> everyone = np.ones((1, 4), dtype=bool)
    >>> normal_unknown_sd(outcome, None, everyone, NormalInverseGamma()).row(0)
    normal model, unknown sd: mean 3 (95 % credible -0.4374 to 6.437)
      sd 1.871, P(above 0) = 0.9654, 4 patients
    """
    used = present & ~np.isnan(outcome)
    priors = (prior, prior if control_prior is None else control_prior)
    found = [
        student_posterior(own, *_moments(outcome, who))
        for own, who in zip(priors, _arms(arm, used), strict=False)
    ]
    proper = np.logical_and.reduce([np.isfinite(one.scale) for one in found])
    found = [_filled(one, proper) for one in found]
    mean, sd = found[0].mean, found[0].sd()
    if arm is None:
        low, high = found[0].quantile(TAIL), found[0].quantile(1.0 - TAIL)
        chance = found[0].above(margin)
    else:
        mean, sd = mean - found[1].mean, np.hypot(sd, found[1].sd())
        low, high = (_student_quantile(found[0], found[1], p) for p in (TAIL, 1.0 - TAIL))
        chance = student_above(found[0], found[1], margin)
    return posteriors(
        method="normal model, unknown sd",
        measure="mean" if arm is None else "difference of means",
        mean=mean,
        sd=sd,
        low=low,
        high=high,
        probability=chance,
        margin=margin,
        converged=proper,
        used=np.count_nonzero(used, axis=1),
        notes=Note.NO_PROPER_POSTERIOR * ~proper + _empty(arm, used),
        left_out=left_out(outcome=present & ~used),
    )


def _arms(arm: CodeArray | None, used: BoolArray) -> list[BoolArray]:
    """Give who is treated and, if there are two arms, who is a control."""
    return [used] if arm is None else [used & (arm == 1), used & (arm != 1)]


def _empty(arm: CodeArray | None, used: BoolArray) -> IntArray:
    if arm is None:
        none: IntArray = Note.PRIOR_ONLY * ~np.any(used, axis=1)
        return none
    controls, treated = patients_per_arm(arm, used)
    found: IntArray = Note.PRIOR_ONLY * ((controls == 0) | (treated == 0))
    return found


def _moments(values: FloatArray, who: BoolArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Give number, mean and sum of squared deviations."""
    n = np.count_nonzero(who, axis=1).astype(np.float64)
    mean = ordered_sum(np.where(who, values, 0.0)) / np.maximum(n, 1.0)
    away = np.where(who, values - mean[:, None], 0.0)
    return n, mean, ordered_sum(away * away)


def _analysed(
    method: str,
    measure: str,
    data: list[BinomialData] | list[PoissonData] | list[NormalData],
    priors: tuple[Mixture, Mixture | None],
    margin: float,
    used: BoolArray,
    lost: IntArray,
    notes: int = 0,
) -> Posteriors:
    each: list[Data] = list(data)
    treated = posterior(priors[0], each[0])
    if len(each) == 1:
        mean, sd, chance = treated.mean(), treated.sd(), treated.above(margin)
        low, high = treated.quantile(TAIL), treated.quantile(1.0 - TAIL)
        missing = ~np.any(used, axis=1)
        found = np.full(missing.shape, notes)
    else:
        control = posterior(priors[0] if priors[1] is None else priors[1], each[1])
        mean, sd = effect_moments(treated, control)
        chance = probability_above(treated, control, margin)
        low, high = (effect_quantile(treated, control, p) for p in (TAIL, 1.0 - TAIL))
        if isinstance(treated, GammaMixture):
            low, high = np.log(low), np.log(high)
        missing = np.logical_or.reduce([_nobody(one) for one in each])
        found = notes + Note.POSTERIOR_WITHOUT_LEVEL * ~missing
    return posteriors(
        method=method,
        measure=measure,
        mean=mean,
        sd=sd,
        low=low,
        high=high,
        probability=chance,
        margin=margin,
        converged=np.ones(mean.shape, dtype=np.bool_),
        used=np.count_nonzero(used, axis=1),
        notes=found + Note.PRIOR_ONLY * missing,
        left_out=lost,
    )


def _nobody(data: Data) -> BoolArray:
    if isinstance(data, BinomialData):
        nobody: BoolArray = data.patients == 0.0
        return nobody
    return data.exposure == 0.0 if isinstance(data, PoissonData) else np.isinf(data.se)


def _filled(found: Student, proper: BoolArray) -> Student:
    return Student(
        np.where(proper, found.df, 1.0),
        np.where(proper, found.mean, 0.0),
        np.where(proper, found.scale, 1.0),
    )


def _student_quantile(treated: Student, control: Student, level: float) -> FloatArray:
    def excess(value: FloatArray, rows: IntArray) -> FloatArray:
        one = Student(treated.df[rows], treated.mean[rows], treated.scale[rows])
        other = Student(control.df[rows], control.mean[rows], control.scale[rows])
        return student_above(one, other, value) - (1.0 - level)

    low = treated.quantile(level / 4.0) - control.quantile(1.0 - level / 4.0)
    high = treated.quantile(1.0 - (1.0 - level) / 4.0) - control.quantile((1.0 - level) / 4.0)
    return falling_root(excess, low, high)
