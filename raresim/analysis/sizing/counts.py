"""Sizes and powers of comparisons of event rates: negative binomial and Poisson."""

import math
from typing import Literal

import numpy as np
from scipy.optimize import brentq

from raresim.analysis.arrays import FloatArray
from raresim.analysis.sizing.answers import Plan, plan
from raresim.analysis.sizing.asked import chosen, not_null, positive, target, wrong
from raresim.analysis.sizing.normal_test import normal_size

NullVariance = Literal["alternative", "control", "likelihood"]
NULL_VARIANCES = ("alternative", "control", "likelihood")
NODES, WEIGHTS = np.polynomial.legendre.leggauss(40)


def two_event_rates(
    treated: float,
    control: float,
    *,
    n: float | None = None,
    power: float | None = None,
    dispersion: float = 0.0,
    exposure: float | tuple[float, float] = 1.0,
    null: float = 1.0,
    null_variance: NullVariance = "alternative",
    ratio: float = 1.0,
    alpha: float = 0.025,
    sided: int = 1,
) -> Plan:
    """Size or power of the Wald test of the ratio of two (negative binomial) event rates.

    A patient with exposure t has events with mean m = rate t and variance m + dispersion m^2;
    dispersion 0 is Poisson. The log rate of an arm with N patients has variance
    1 / (N E[m / (1 + dispersion m)]), which for equal exposures is (1/m + dispersion) / N.

    Parameters
    ----------
    treated, control
        Events per patient and unit of time.
    n, power
        Patients in all, or the power: exactly one of them.
    dispersion
        Variance of the patients' rates over their squared mean.
    exposure
        Follow-up of every patient, or (shortest, longest) of follow-ups that are spread
        uniformly in between: accrual over longest - shortest, analysed shortest after its end.
    null
        Rate ratio under the null hypothesis; a margin makes it a non-inferiority test.
    null_variance
        Rates at which the test's own variance stands: those of the "alternative" (rpact;
        Zhu and Lakkis' method 2), the "control" rate and its `null`-fold (their method 1), or
        those of maximum "likelihood" under the null hypothesis (their method 3).
    ratio
        Treated patients for each control.
    alpha, sided
        Level of the whole test and number of its sides. A two-sided test's rejections in the
        wrong direction are not counted as power.

    Raises
    ------
    InputError
        If there is no effect, the power is not above alpha, or a number is out of its range.

    References
    ----------
    Zhu H, Lakkis H. Stat Med 2014;33:376-387. Muetze T, Glimm E, Schmidli H, Friede T. Stat
    Methods Med Res 2019;28:2326-2347.

    Examples
    --------
    >>> two_event_rates(0.7, 1.4, power=0.9, dispersion=1.0)
    two event rates, negative binomial, alternative null variance: n = 181.207 (90.6036 treated, \
90.6036 control), in whole patients 182
      power 0.9, one-sided alpha 0.025
    """
    asked = target(n=n, power=power, alpha=alpha, sided=sided, ratio=ratio)
    chosen("null_variance", null_variance, NULL_VARIANCES)
    ratio_wanted = positive("treated", treated) / positive("control", control)
    effect = math.log(not_null("treated", ratio_wanted, positive("null", null)) / null)
    if not 0.0 <= dispersion < math.inf:
        raise wrong("dispersion", dispersion, "a number of 0 or more")
    shortest, longest = exposure if isinstance(exposure, tuple) else (exposure, exposure)
    if not 0.0 <= shortest <= longest < math.inf or longest <= 0.0:
        raise wrong("exposure", exposure, "a time above 0, or (shortest, longest)")

    def sd(rate_1: float, rate_0: float) -> float:
        information = [_information(x, dispersion, shortest, longest) for x in (rate_1, rate_0)]
        share = asked.share
        return math.sqrt(1.0 / (share * information[0]) + 1.0 / ((1 - share) * information[1]))

    rates = treated, control
    if null_variance == "control":
        rates = null * control, control
    elif null_variance == "likelihood":
        rates = _null_rates(treated, control, null, ratio, dispersion, shortest, longest)
    size, reached = normal_size(asked, effect, sd(*rates), sd(treated, control))
    law = "negative binomial" if dispersion else "Poisson"
    return plan(f"two event rates, {law}, {null_variance} null variance", asked, size, reached)


def _follow_ups(shortest: float, longest: float) -> tuple[FloatArray, FloatArray]:
    """Nodes and weights of a mean over uniform follow-ups (all alike if the ends are)."""
    half = (longest - shortest) / 2.0
    return shortest + half * (1.0 + NODES), WEIGHTS / 2.0


def _information(rate: float, dispersion: float, shortest: float, longest: float) -> float:
    """Information of one patient about the log rate: the mean of m / (1 + dispersion m)."""
    times, weights = _follow_ups(shortest, longest)
    mean = rate * times
    return float(np.sum(weights * mean / (1.0 + dispersion * mean)))


def _null_rates(
    treated: float,
    control: float,
    null: float,
    ratio: float,
    dispersion: float,
    shortest: float,
    longest: float,
) -> tuple[float, float]:
    """Find the rates, `null` apart, at which the expected score of the common rate is 0."""
    times, weights = _follow_ups(shortest, longest)

    def score(rate: float) -> float:
        total = 0.0
        for share, true, here in ((ratio, treated, null * rate), (1.0, control, rate)):
            residual = times * (true - here) / (1.0 + dispersion * here * times)
            total += share * float(np.sum(weights * residual))
        return total

    ends = control, treated / null
    rate = float(brentq(score, min(ends), max(ends), xtol=1e-300, rtol=1e-14))
    return null * rate, rate
