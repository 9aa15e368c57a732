"""Sizes and powers of comparisons of means: normal, noncentral t, cross-over."""

import math
from typing import Literal

from scipy.special import nctdtr, ndtr, stdtrit

from raresim.analysis.sizing.answers import Plan, one_sample, plan
from raresim.analysis.sizing.asked import Target, between, chosen, not_null, positive, target, wrong
from raresim.analysis.sizing.normal_test import smallest

Distribution = Literal["t", "normal"]
DISTRIBUTIONS = ("t", "normal")


def two_means(
    difference: float,
    sd: float,
    *,
    n: float | None = None,
    power: float | None = None,
    null: float = 0.0,
    correlation: float = 0.0,
    sd_control: float | None = None,
    ratio: float = 1.0,
    alpha: float = 0.025,
    sided: int = 1,
    distribution: Distribution = "t",
    far_tail: bool = False,
) -> Plan:
    """Size or power of the comparison of two means by a t-test or analysis of covariance.

    With n patients, of whom a share w is treated, the statistic has the noncentrality
    (difference - null) sqrt(n w (1 - w)) / s, where s = sd sqrt(1 - correlation^2). "t" is the
    noncentral t distribution with n - 2 degrees of freedom (n - 3 with a covariate), solved for a
    continuous n; "normal" takes the normal distribution, whose size has a closed form.

    Parameters
    ----------
    difference
        Assumed difference of means, treated minus control.
    sd
        Standard deviation within the arms.
    n, power
        Patients in all, or the power: exactly one of them.
    null
        The difference under the null hypothesis; a margin makes it a non-inferiority test.
    correlation
        Between the outcome and a baseline covariate that the analysis adjusts for; 0 for a
        t-test.
    sd_control
        Standard deviation of the controls where it is another than that of the treated; with
        the normal distribution only.
    ratio
        Treated patients for each control.
    alpha, sided
        Level of the whole test and number of its sides.
    distribution
        "t" or "normal".
    far_tail
        Whether a two-sided test's rejections in the wrong direction count as power (R's
        power.t.test with strict = TRUE, statsmodels, SAS, rpact with t); by default they do not.

    Raises
    ------
    InputError
        If there is no effect, the power is not above alpha, or a number is out of its range.

    References
    ----------
    Chow SC, Shao J, Wang H, Lokhnygina Y. Sample Size Calculations in Clinical Research, 3rd
    edition, CRC Press 2018. Borm GF, Fransen J, Lemmens WAJG. J Clin Epidemiol
    2007;60:1234-1238 (analysis of covariance).

    Examples
    --------
    >>> two_means(0.8, 1.0, power=0.9)
    two means, noncentral t: n = 67.6511 (33.8256 treated, 33.8256 control), in whole patients 68
      power 0.9, one-sided alpha 0.025
    >>> round(two_means(0.8, 1.0, n=40).power, 6)
    0.693399
    """
    asked = target(n=n, power=power, alpha=alpha, sided=sided, ratio=ratio)
    chosen("distribution", distribution, DISTRIBUTIONS)
    between("correlation", correlation, -1.0, 1.0)
    second = positive("sd_control", sd if sd_control is None else sd_control)
    if second != sd and distribution == "t":
        raise wrong("distribution", "'t'", "'normal' where the arms' deviations differ")
    variance = positive("sd", sd) ** 2 / asked.share + second**2 / (1.0 - asked.share)
    spread = math.sqrt(variance * (1.0 - correlation**2))
    effect = not_null("difference", difference, null) - null
    lost = 2 if correlation == 0.0 else 3
    size, reached = _size_and_power(asked, effect / spread, lost, distribution, far_tail)
    name = "two means" if lost == 2 else "two means, analysis of covariance"
    return plan(f"{name}, {_named(distribution)}", asked, size, reached)


def one_mean(
    difference: float,
    sd: float,
    *,
    n: float | None = None,
    power: float | None = None,
    null: float = 0.0,
    alpha: float = 0.025,
    sided: int = 1,
    distribution: Distribution = "t",
    far_tail: bool = False,
) -> Plan:
    """Size or power of a one-sample t-test, which is also the test of paired differences.

    The noncentrality is (difference - null) sqrt(n) / sd with n - 1 degrees of freedom.

    Parameters
    ----------
    difference
        Assumed mean.
    sd
        Standard deviation of the values (of the differences within pairs).
    n, power, null, alpha, sided, distribution, far_tail
        As in `two_means`.

    Raises
    ------
    InputError
        As `two_means`.

    References
    ----------
    Chow SC, Shao J, Wang H, Lokhnygina Y. Sample Size Calculations in Clinical Research, 3rd
    edition, CRC Press 2018.

    Examples
    --------
    >>> one_mean(0.6, 1.0, n=16, alpha=0.05, sided=2)
    one mean, noncentral t: n = 16
      power 0.6121, two-sided alpha 0.05
    """
    asked = target(n=n, power=power, alpha=alpha, sided=sided)
    chosen("distribution", distribution, DISTRIBUTIONS)
    effect = (not_null("difference", difference, null) - null) / positive("sd", sd)
    size, reached = _size_and_power(asked, effect, 1, distribution, far_tail)
    return one_sample(f"one mean, {_named(distribution)}", asked, size, reached)


def paired_means(
    difference: float,
    sd: float,
    correlation: float,
    *,
    n: float | None = None,
    power: float | None = None,
    null: float = 0.0,
    alpha: float = 0.025,
    sided: int = 1,
    distribution: Distribution = "t",
    far_tail: bool = False,
) -> Plan:
    """Size (in pairs) or power of a paired t-test: `one_mean` of the differences within pairs.

    Values with standard deviation `sd` and this correlation within a pair differ with standard
    deviation sd sqrt(2 (1 - correlation)).

    Parameters
    ----------
    difference
        Assumed mean difference within pairs.
    sd
        Standard deviation of the values.
    correlation
        Of the two values of a pair.
    n, power, null, alpha, sided, distribution, far_tail
        As in `two_means`.

    Raises
    ------
    InputError
        As `two_means`.

    References
    ----------
    See `one_mean`.

    Examples
    --------
    >>> round(paired_means(0.6, 1.0, 0.5, n=16, alpha=0.05, sided=2).power, 4)
    0.6121
    """
    between("correlation", correlation, -1.0, 1.0)
    of_differences = positive("sd", sd) * math.sqrt(2.0 * (1.0 - correlation))
    return one_mean(
        difference,
        of_differences,
        n=n,
        power=power,
        null=null,
        alpha=alpha,
        sided=sided,
        distribution=distribution,
        far_tail=far_tail,
    )


def crossover_means(
    difference: float,
    sd_within: float,
    *,
    n: float | None = None,
    power: float | None = None,
    null: float = 0.0,
    alpha: float = 0.025,
    sided: int = 1,
    distribution: Distribution = "t",
    far_tail: bool = False,
) -> Plan:
    """Size or power of a 2 x 2 cross-over (AB/BA) with n patients, half in each sequence.

    The estimated difference has variance 2 sd_within^2 / n and the test n - 2 degrees of
    freedom, as period and sequence are in the model; there is no carry-over.

    Parameters
    ----------
    difference
        Assumed difference of the treatments.
    sd_within
        Standard deviation within patients, of one value.
    n, power, null, alpha, sided, distribution, far_tail
        As in `two_means`.

    Raises
    ------
    InputError
        As `two_means`.

    References
    ----------
    Senn S. Cross-over Trials in Clinical Research, 2nd edition, Wiley 2002.

    Examples
    --------
    >>> crossover_means(0.5, 0.6, power=0.8)
    2 x 2 cross-over, noncentral t: n = 24.6814, in whole patients 25
      power 0.8, one-sided alpha 0.025
      An odd number of patients leaves one more in a sequence: round up to an even one.
    """
    asked = target(n=n, power=power, alpha=alpha, sided=sided)
    chosen("distribution", distribution, DISTRIBUTIONS)
    spread = positive("sd_within", sd_within) * math.sqrt(2.0)
    effect = (not_null("difference", difference, null) - null) / spread
    size, reached = _size_and_power(asked, effect, 2, distribution, far_tail)
    even = "An odd number of patients leaves one more in a sequence: round up to an even one."
    return one_sample(f"2 x 2 cross-over, {_named(distribution)}", asked, size, reached, (even,))


def _named(distribution: Distribution) -> str:
    return "noncentral t" if distribution == "t" else "normal"


def _size_and_power(
    asked: Target, effect: float, lost: int, distribution: Distribution, far_tail: bool
) -> tuple[float, float]:
    """Size and power of a test with noncentrality effect sqrt(n) and n - lost degrees."""

    def power_of(n: float) -> float:
        return _power(abs(effect) * math.sqrt(n), n - lost, asked, distribution, far_tail)

    if asked.n is not None:
        positive("n (less the degrees of freedom used up)", asked.n - lost)
        return asked.n, power_of(asked.n)
    assert asked.power is not None
    if distribution == "normal" and not (far_tail and asked.sided == 2):
        return ((asked.z_alpha + asked.z_power) / effect) ** 2, asked.power
    # a t-test needs a degree of freedom; below one, quantiles leave the range of doubles
    size = smallest(power_of, asked.power, lost + 1.0 if distribution == "t" else 1e-9)
    return size, power_of(size)


def _power(
    noncentrality: float, df: float, asked: Target, distribution: Distribution, far_tail: bool
) -> float:
    both = far_tail and asked.sided == 2
    if distribution == "normal":
        near = float(ndtr(noncentrality - asked.z_alpha))
        return near + (float(ndtr(-noncentrality - asked.z_alpha)) if both else 0.0)
    critical = -float(stdtrit(df, asked.tail))
    near = float(nctdtr(df, -noncentrality, -critical))  # P(T > c) is P(-T < -c), no 1 - ...
    far = float(nctdtr(df, noncentrality, -critical)) if both else 0.0
    # scipy 1.17 says NaN where so little is left in the far tail that it is below 1e-14
    return near + (0.0 if math.isnan(far) else far)
