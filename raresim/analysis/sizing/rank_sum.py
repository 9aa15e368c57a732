"""Size and power of the rank-sum test."""

import math

from raresim.analysis.sizing.answers import Plan, plan
from raresim.analysis.sizing.asked import between, not_null, target
from raresim.analysis.sizing.normal_test import normal_size


def rank_sum(
    superiority: float,
    *,
    n: float | None = None,
    power: float | None = None,
    ratio: float = 1.0,
    alpha: float = 0.025,
    sided: int = 1,
) -> Plan:
    """Size or power of the Wilcoxon rank-sum (Mann-Whitney) test by Noether's formula.

    n = (z_alpha + z_power)^2 / (12 w (1 - w) (superiority - 1/2)^2), w the treated share. The
    variance is that under the null hypothesis without ties, so the formula fits small effects.

    Parameters
    ----------
    superiority
        Probability that a treated patient has a higher value than a control, ties counted half.
    n, power, ratio, alpha, sided
        As in `two_means`.

    Raises
    ------
    InputError
        If superiority is 1/2 or not a probability, and as `two_means`.

    References
    ----------
    Noether GE. J Am Stat Assoc 1987;82:645-647.

    Examples
    --------
    >>> rank_sum(0.7, power=0.9)
    rank sum, Noether: n = 87.5619 (43.7809 treated, 43.7809 control), in whole patients 88
      power 0.9, one-sided alpha 0.025
    """
    asked = target(n=n, power=power, alpha=alpha, sided=sided, ratio=ratio)
    between("superiority", superiority, 0.0, 1.0)
    effect = not_null("superiority", superiority, 0.5) - 0.5
    spread = math.sqrt(1.0 / (12.0 * asked.share * (1.0 - asked.share)))
    size, reached = normal_size(asked, effect, spread, spread)
    return plan("rank sum, Noether", asked, size, reached)
