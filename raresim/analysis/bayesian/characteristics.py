"""Operating characteristics of Bayesian decisions, without simulation.

Counts are enumerated. For means the decision is monotone in each arm's mean, since a larger mean
makes every normal mixture posterior stochastically larger; so the boundary is found by halving
and the normal density integrated beyond it.

What the data follow is a `Law`: a fixed truth (type I error, power), or the predictive
distribution of a mixture (assurance; predictive probability of success at an interim look).
"""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from scipy.special import betaln, gammaln, ndtr, xlog1py, xlogy

from raresim.analysis.arrays import BoolArray, FloatArray, ordered_sum
from raresim.analysis.bayesian.decision import Decision, chance_beyond, succeeds
from raresim.analysis.bayesian.mixtures import (
    BetaMixture,
    GammaMixture,
    Mixture,
    NormalMixture,
)
from raresim.analysis.bayesian.panels import panels
from raresim.analysis.bayesian.summaries import BinomialData, NormalData, PoissonData
from raresim.analysis.bayesian.updating import posterior
from raresim.errors import InputError

Law: TypeAlias = float | Mixture
HALVINGS = 200
FARTHEST = 8.3  # standard deviations; beyond them lies less than 1e-16
PANEL = 0.5  # standard deviations of the control's mean


@dataclass(frozen=True)
class Arm:
    """An arm: prior of the analysis, size, and what is already known at an interim look.

    Attributes
    ----------
    prior
        With which the arm is analysed.
    size
        Patients, or the exposure where the prior is a gamma mixture.
    sd
        Known standard deviation of one patient, where the prior is a normal mixture.
    seen
        Sum of the outcomes (events, or patients times mean) of those already observed.
    seen_size
        How many of `size` those are.
    """

    prior: Mixture
    size: float
    sd: float = float("nan")
    seen: float = 0.0
    seen_size: float = 0.0

    def __post_init__(self) -> None:
        if not (0.0 <= self.seen_size <= self.size and np.isfinite(self.size) and self.size > 0):
            raise InputError(f"size: found {self.size} with {self.seen_size} seen; expected more.")
        whole = isinstance(self.prior, BetaMixture)
        if whole and (self.size != int(self.size) or self.seen_size != int(self.seen_size)):
            raise InputError(f"size: found {self.size!r}; expected a whole number of patients.")
        if isinstance(self.prior, NormalMixture) and not self.sd > 0.0:
            raise InputError(f"sd: found {self.sd!r}; expected a number above 0 with normal data.")


def success_probability(
    decision: Decision,
    treated: Arm,
    law_treated: Law,
    control: Arm | None = None,
    law_control: Law | None = None,
) -> float:
    """Give the probability that the trial will be a success, in one or two arms; exact.

    With true values as laws this is type I error or power; with a prior it is the assurance;
    with `seen` data and their posterior it is the predictive probability of success.

    Counts are enumerated (Poisson counts up to a tail of 1e-13); normal means are integrated
    with an error below 1e-8.

    Parameters
    ----------
    decision
        What counts as success.
    treated, control
        The arms; one family. Without a control the treated arm stands alone.
    law_treated, law_control
        True probability, rate or mean of the arm, or a mixture for the unknown one.

    Raises
    ------
    InputError
        If families or laws do not belong together.

    References
    ----------
    Schmidli H et al. Biometrics 2014;70:1023-1032; Spiegelhalter DJ, Abrams KR, Myles JP.
    Bayesian Approaches to Clinical Trials and Health-Care Evaluation, Wiley 2004, chapter 6.

    Examples
    --------
    >>> arm = Arm(NormalMixture.of((1.0, 0.0, 100.0)), 155, sd=2.0)
    >>> not_worse = Decision((0.95,), (0.4,), "less")
    >>> round(success_probability(not_worse, arm, 0.0), 4)
    0.801
    """
    if control is not None and type(control.prior) is not type(treated.prior):
        raise InputError("control: found another family than the treated arm's; expected one.")
    if (control is None) != (law_control is None):
        raise InputError("law_control: expected one where there is a control, and only there.")
    if isinstance(treated.prior, NormalMixture):
        return _normal(decision, treated, law_treated, control, law_control)
    own, chances = _counts(treated, law_treated)
    if control is None or law_control is None:
        won = succeeds(decision, _after(treated, own))
        return float(ordered_sum(np.where(won, chances, 0.0)))
    theirs, their_chances = _counts(control, law_control)
    won = success_table(decision, treated, own, control, theirs)
    return float(ordered_sum(ordered_sum(np.where(won, their_chances, 0.0)) * chances))


def success_table(
    decision: Decision, treated: Arm, own: FloatArray, control: Arm, theirs: FloatArray
) -> BoolArray:
    """Say for each pair of counts whether it is a success: (len(own), len(theirs))."""
    first, second = _after(treated, own), _after(control, theirs)
    return succeeds(decision, _wider(first, 1), _wider(second, 0))


def _wider(mixture: Mixture, axis: int) -> Mixture:
    parts = (np.expand_dims(x, axis) for x in (mixture.weight, mixture.first, mixture.second))
    return type(mixture)(*parts)


def _after(arm: Arm, counts: FloatArray) -> Mixture:
    size = np.full(counts.shape, float(arm.size))
    if isinstance(arm.prior, BetaMixture):
        return posterior(arm.prior, BinomialData(counts, size))
    return posterior(arm.prior, PoissonData(counts, size))


def _counts(arm: Arm, law: Law) -> tuple[FloatArray, FloatArray]:
    """Give the possible final counts and their probabilities."""
    left = arm.size - arm.seen_size
    if isinstance(arm.prior, BetaMixture):
        new = np.arange(int(left) + 1, dtype=np.float64)
        return arm.seen + new, binomial_chances(int(left), law)
    most = _most_events(left, law)
    new = np.arange(most + 1, dtype=np.float64)
    return arm.seen + new, _poisson_chances(new, left, law)


def binomial_chances(patients: int, law: Law) -> FloatArray:
    """Give the (beta-)binomial probabilities of 0 to `patients` events.

    Raises
    ------
    InputError
        If the law is neither a probability nor a beta mixture.

    Examples
    --------
    >>> binomial_chances(2, 0.5), binomial_chances(2, BetaMixture.of((1.0, 1.0, 1.0))).round(9)
    (array([0.25, 0.5 , 0.25]), array([0.33333333, 0.33333333, 0.33333333]))
    """
    r = np.arange(patients + 1, dtype=np.float64)
    ways = -np.log1p(patients) - betaln(r + 1.0, patients - r + 1.0)
    if isinstance(law, BetaMixture):
        a, b = law.first, law.second
        log = betaln(a + r[:, None], b + (patients - r)[:, None]) - betaln(a, b)
        return ordered_sum(law.weight * np.exp(ways[:, None] + log))
    if isinstance(law, Mixture) or not 0.0 <= law <= 1.0:
        raise InputError(f"law: found {law!r}; expected a probability or a beta mixture.")
    chances: FloatArray = np.exp(ways + xlogy(r, law) + xlog1py(patients - r, -law))
    return chances


def _most_events(exposure: float, law: Law) -> int:
    if isinstance(law, GammaMixture):
        rate = float(law.quantile(1.0 - 1e-14))
    elif isinstance(law, Mixture) or not 0.0 <= law < np.inf:
        raise InputError(f"law: found {law!r}; expected an event rate or a gamma mixture.")
    else:
        rate = law
    mean = rate * exposure
    most = mean + 9.0 * np.sqrt(mean) + 30.0
    if most > 20_000:
        raise InputError(f"law: found {mean:.3g} expected events; at most 18,000 are enumerated.")
    return int(most)


def _poisson_chances(new: FloatArray, exposure: float, law: Law) -> FloatArray:
    if isinstance(law, GammaMixture):
        a, b, y = law.first, law.second, new[:, None]
        log = gammaln(a + y) - gammaln(a) - gammaln(y + 1.0)
        log = log - xlogy(a, 1.0 + exposure / b) + xlogy(y, exposure / (b + exposure))
        return ordered_sum(law.weight * np.exp(log))
    assert not isinstance(law, Mixture)
    mean = law * exposure
    chances: FloatArray = np.exp(xlogy(new, mean) - mean - gammaln(new + 1.0))
    return chances


def _normal(
    decision: Decision, treated: Arm, law: Law, control: Arm | None, law_control: Law | None
) -> float:
    weight, mean, sd = _final_mean(treated, law)
    if control is None or law_control is None:
        edge = _boundary(decision, treated, None, np.zeros(1))
        return float(_beyond(decision, edge, weight, mean, sd)[0])
    total = 0.0
    for w, centre, spread in zip(*_final_mean(control, law_control), strict=True):
        steps = np.arange(-FARTHEST, FARTHEST + PANEL, PANEL)
        z, dz = panels(steps if spread > 0.0 else np.array([-0.5, 0.5]))
        density = np.exp(-0.5 * z * z) / np.sqrt(2.0 * np.pi) if spread > 0.0 else np.ones(z.size)
        edge = _boundary(decision, treated, control, centre + spread * z)
        beyond = _beyond(decision, edge, weight, mean, sd)
        total += w * float(ordered_sum(dz * density * beyond))
    return min(total, 1.0)


def _final_mean(arm: Arm, law: Law) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Give weights, means and standard deviations of the law of the arm's final mean."""
    if isinstance(law, NormalMixture):
        weight, centre, spread = law.weight, law.first, law.second
    elif isinstance(law, Mixture) or not np.isfinite(law):
        raise InputError(f"law: found {law!r}; expected a mean or a normal mixture.")
    else:
        weight, centre, spread = np.ones(1), np.array([float(law)]), np.zeros(1)
    left = arm.size - arm.seen_size
    mean = (arm.seen + left * centre) / arm.size
    sd = np.sqrt((left * spread) ** 2 + left * arm.sd**2) / arm.size
    return weight, mean, sd


def _beyond(
    decision: Decision, edge: FloatArray, weight: FloatArray, mean: FloatArray, sd: FloatArray
) -> FloatArray:
    sign = -1.0 if decision.side == "greater" else 1.0
    away = sign * (edge[:, None] - mean)
    known = sd == 0.0
    chance = np.where(known, away > 0.0, ndtr(away / np.where(known, 1.0, sd)))
    return ordered_sum(weight * chance)


def _boundary(
    decision: Decision, treated: Arm, control: Arm | None, others: FloatArray
) -> FloatArray:
    """Find the mean of the treated arm at which success begins, for each mean of the control."""
    se = treated.sd / np.sqrt(treated.size)
    other = None
    if control is not None:
        assert isinstance(control.prior, NormalMixture)
        theirs = np.full(others.shape, control.sd / np.sqrt(control.size))
        other = posterior(control.prior, NormalData(others, theirs))
    edges = [
        _one_boundary(decision.side, probability, margin, treated.prior, se, other, others)
        for probability, margin in zip(decision.probability, decision.margin, strict=True)
    ]
    strictest = np.maximum if decision.side == "greater" else np.minimum
    found: FloatArray = strictest.reduce(edges)
    return found


def _one_boundary(
    side: str,
    probability: float,
    margin: float,
    prior: Mixture,
    se: float,
    other: Mixture | None,
    others: FloatArray,
) -> FloatArray:
    assert isinstance(prior, NormalMixture)
    error = np.full(others.shape, se)

    def won(mean: FloatArray) -> BoolArray:
        after = posterior(prior, NormalData(mean, error))
        chance = chance_beyond("greater" if side == "greater" else "less", margin, after, other)
        return chance > probability if side == "greater" else chance <= probability

    # a step that grows until it brackets the boundary: tight priors push it far out
    low, high, step = others - se, others + se, np.full(others.shape, se)
    for _ in range(HALVINGS):
        low = np.where(won(low), low - step, low)
        high = np.where(won(high), high, high + step)
        step = 2.0 * step
        if np.all(~won(low) & won(high)) or step[0] > 1e150:
            break
    for _ in range(HALVINGS):
        middle = low + (high - low) / 2.0
        above = won(middle)
        low, high = np.where(above, low, middle), np.where(above, middle, high)
        if np.all(high - low <= 4e-16 * np.maximum(np.abs(low), np.abs(high))):
            break
    return low + (high - low) / 2.0


def predictive_success(decision: Decision, treated: Arm, control: Arm | None = None) -> float:
    """Give the predictive probability that the trial will be a success, at an interim look.

    `success_probability` where the patients still to come follow the predictive distribution
    of the posterior of those already `seen`.

    Raises
    ------
    InputError
        As `success_probability`.

    References
    ----------
    Lee JJ, Liu DD. Clin Trials 2008;5:93-106.

    Examples
    --------
    >>> arm = Arm(BetaMixture.of((1.0, 0.6, 0.4)), 40, seen=16, seen_size=23)
    >>> round(predictive_success(Decision((0.9,), (0.6,)), arm), 4)
    0.5656
    """
    laws = [None if arm is None else _known_so_far(arm) for arm in (treated, control)]
    assert laws[0] is not None
    return success_probability(decision, treated, laws[0], control, laws[1])


def _known_so_far(arm: Arm) -> Mixture:
    seen, size = np.asarray(arm.seen), np.asarray(arm.seen_size)
    if isinstance(arm.prior, BetaMixture):
        return posterior(arm.prior, BinomialData.of(seen, size))
    if isinstance(arm.prior, GammaMixture):
        return posterior(arm.prior, PoissonData.of(seen, size))
    if arm.seen_size == 0.0:
        return arm.prior
    return posterior(arm.prior, NormalData(seen / size, np.asarray(arm.sd / np.sqrt(size))))
