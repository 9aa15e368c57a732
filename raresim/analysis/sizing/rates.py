"""Sizes and powers of comparisons of two rates by the score test's normal approximation."""

import math
from typing import Literal

from raresim.analysis.sizing.answers import Plan, one_sample, plan
from raresim.analysis.sizing.asked import between, chosen, not_null, positive, target
from raresim.analysis.sizing.normal_test import normal_size
from raresim.analysis.sizing.null_rates import SCALES, Scale, measured, null_rates

Variance = Literal["null", "alternative"]


def two_rates(
    treated: float,
    control: float,
    *,
    n: float | None = None,
    power: float | None = None,
    scale: Scale = "difference",
    null: float | None = None,
    variance: Variance = "null",
    ratio: float = 1.0,
    alpha: float = 0.025,
    sided: int = 1,
) -> Plan:
    """Size or power of the comparison of two rates, by Farrington and Manning.

    The test divides an estimate by its standard deviation under the null hypothesis, at the
    rates to which maximum likelihood moves the assumed ones there; its power is that of a normal
    estimate whose standard deviation is the one at the assumed rates themselves. For the
    difference 0 the null rates are both the pooled rate (chi-square test without continuity
    correction).

    By ``scale``, estimate and variance for one patient, w the treated share:

    - ``"difference"``: p1 - p0 - null; p1 q1 / w + p0 q0 / (1 - w)
    - ``"ratio"``: p1 - null p0; p1 q1 / w + null^2 p0 q0 / (1 - w)
    - ``"odds ratio"``: log odds ratio - log null; 1 / (p1 q1 w) + 1 / (p0 q0 (1 - w))

    Parameters
    ----------
    treated, control
        Assumed rates p1 and p0, between 0 and 1.
    n, power
        Patients in all, or the power: exactly one of them.
    scale
        What is compared.
    null
        Its value under the null hypothesis: a margin makes it a non-inferiority test. 0 for a
        difference and 1 for a ratio if not given.
    variance
        "null" as described; "alternative" also tests with the variance at the assumed rates
        (the Wald, "unpooled" test).
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
    Farrington CP, Manning G. Stat Med 1990;9:1447-1454. Fleiss JL, Levin B, Paik MC. Statistical
    Methods for Rates and Proportions, 3rd edition, Wiley 2003.

    Examples
    --------
    >>> two_rates(0.6, 0.2, power=0.8)
    two rates, difference, null variance: n = 44.6603 (22.3301 treated, 22.3301 control), in \
whole patients 46
      power 0.8, one-sided alpha 0.025
    >>> round(two_rates(0.4, 0.05, power=0.8, null=0.2, alpha=0.05).n, 4)
    159.6876
    """
    asked = target(n=n, power=power, alpha=alpha, sided=sided, ratio=ratio)
    chosen("scale", scale, SCALES)
    chosen("variance", variance, ("null", "alternative"))
    between("treated", treated, 0.0, 1.0)
    between("control", control, 0.0, 1.0)
    if null is None:
        null = 0.0 if scale == "difference" else 1.0
    if scale != "difference":
        positive("null", null)
    else:
        between("null", null, -1.0, 1.0)
    not_null("treated", measured(treated, control, scale), null)
    null_treated, null_control = null_rates(treated, control, scale, null, asked.ratio)
    effect = _effect(treated, control, scale, null)
    sd = _sd(treated, control, scale, null, asked.share)
    null_sd = _sd(null_treated, null_control, scale, null, asked.share)
    size, reached = normal_size(asked, effect, null_sd if variance == "null" else sd, sd)
    return plan(f"two rates, {scale}, {variance} variance", asked, size, reached)


def one_rate_normal(
    rate: float,
    null: float,
    *,
    n: float | None = None,
    power: float | None = None,
    alpha: float = 0.025,
    sided: int = 1,
) -> Plan:
    """Size or power of the test of one rate by the normal approximation.

    n = ((z_alpha sqrt(null (1 - null)) + z_power sqrt(rate (1 - rate))) / (rate - null))^2; for
    small trials take the exact `one_rate`.

    Parameters
    ----------
    rate, null
        Assumed rate, and the rate under the null hypothesis.
    n, power, alpha, sided
        As in `two_rates`.

    Raises
    ------
    InputError
        As `two_rates`.

    References
    ----------
    Fleiss JL, Levin B, Paik MC. Statistical Methods for Rates and Proportions, 3rd edition,
    Wiley 2003.

    Examples
    --------
    >>> one_rate_normal(0.2, 0.05, power=0.8)
    one rate, normal: n = 25.9293, in whole patients 26
      power 0.8, one-sided alpha 0.025
    """
    asked = target(n=n, power=power, alpha=alpha, sided=sided)
    between("rate", rate, 0.0, 1.0)
    between("null", null, 0.0, 1.0)
    sd, null_sd = math.sqrt(rate * (1.0 - rate)), math.sqrt(null * (1.0 - null))
    size, reached = normal_size(asked, not_null("rate", rate, null) - null, null_sd, sd)
    return one_sample("one rate, normal", asked, size, reached)


def continuity_corrected_rates(
    treated: float,
    control: float,
    *,
    power: float,
    ratio: float = 1.0,
    alpha: float = 0.025,
    sided: int = 1,
) -> Plan:
    """Size for the chi-square test with continuity correction, close to that of Fisher's test.

    With r treated for each control, the m' controls of `two_rates` become
    m = m'/4 (1 + sqrt(1 + 2 (r + 1) / (m' r abs(p1 - p0))))^2.

    Parameters
    ----------
    treated, control, power, ratio, alpha, sided
        As in `two_rates`.

    Raises
    ------
    InputError
        As `two_rates`.

    References
    ----------
    Casagrande JT, Pike MC, Smith PG. Biometrics 1978;34:483-486. Fleiss JL, Tytun A, Ury HK.
    Biometrics 1980;36:343-346.

    Examples
    --------
    >>> continuity_corrected_rates(0.2, 0.8, power=0.8).patients
    26
    """
    without = two_rates(treated, control, power=power, ratio=ratio, alpha=alpha, sided=sided)
    control_n, gap = without.n_control, abs(treated - control)
    root = 1.0 + math.sqrt(1.0 + 2.0 * (ratio + 1.0) / (control_n * ratio * gap))
    corrected = control_n / 4.0 * root * root * (1.0 + ratio)
    asked = target(n=None, power=power, alpha=alpha, sided=sided, ratio=ratio)
    return plan("two rates, chi-square with continuity correction", asked, corrected, power)


def _effect(treated: float, control: float, scale: Scale, null: float) -> float:
    """Give the estimate's distance from its null value."""
    if scale == "odds ratio":
        return math.log(measured(treated, control, scale) / null)
    return treated - control - null if scale == "difference" else treated - null * control


def _sd(treated: float, control: float, scale: Scale, null: float, share: float) -> float:
    """Give the estimate's standard deviation for one patient in all."""
    first, second = treated * (1.0 - treated), control * (1.0 - control)
    if scale == "odds ratio":
        return math.sqrt(1.0 / (first * share) + 1.0 / (second * (1.0 - share)))
    weight = null * null if scale == "ratio" else 1.0
    return math.sqrt(first / share + weight * second / (1.0 - share))
