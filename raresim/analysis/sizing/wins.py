"""Sizes and powers of the win ratio and the win odds."""

import math
from typing import Literal

from scipy.special import ndtri

from raresim.analysis.sizing.answers import Plan, plan
from raresim.analysis.sizing.asked import between, chosen, not_null, positive, target, wrong
from raresim.analysis.sizing.normal_test import normal_size

Alternative = Literal["shift", "max"]
ALTERNATIVES = ("shift", "max")


def win_ratio(
    ratio_of_wins: float,
    *,
    n: float | None = None,
    power: float | None = None,
    ties: float = 0.0,
    ratio: float = 1.0,
    alpha: float = 0.025,
    sided: int = 1,
) -> Plan:
    """Size or power of the win ratio test by the formula of Yu and Ganju.

    The log win ratio of n patients, a share w of them treated, has the variance
    4 (1 + ties) / (3 w (1 - w) (1 - ties)) / n, which holds near a win ratio of 1.

    Parameters
    ----------
    ratio_of_wins
        Assumed win ratio: pairs won by the treated over pairs lost.
    n, power
        Patients in all, or the power: exactly one of them.
    ties
        Probability that a pair of a treated patient and a control is tied.
    ratio
        Treated patients for each control.
    alpha, sided
        Level of the whole test and number of its sides. A two-sided test's rejections in the
        wrong direction are not counted as power.

    Raises
    ------
    InputError
        If the ratio is 1, the power is not above alpha, or a number is out of its range.

    References
    ----------
    Yu RX, Ganju J. Stat Med 2022;41:950-963.

    Examples
    --------
    >>> win_ratio(1.25, power=0.9, ties=0.1)
    win ratio, Yu-Ganju: n = 1375.55 (687.775 treated, 687.775 control), in whole patients 1376
      power 0.9, one-sided alpha 0.025
    """
    asked = target(n=n, power=power, alpha=alpha, sided=sided, ratio=ratio)
    effect = math.log(not_null("ratio_of_wins", positive("ratio_of_wins", ratio_of_wins), 1.0))
    sd = _win_ratio_sd(ties, asked.share)
    size, reached = normal_size(asked, effect, sd, sd)
    return plan("win ratio, Yu-Ganju", asked, size, reached)


def win_ratio_interval(
    ratio_of_wins: float, n: float, *, ties: float = 0.0, ratio: float = 1.0, level: float = 0.95
) -> tuple[float, float]:
    """Give the confidence interval to be expected around a win ratio; see `win_ratio`.

    Parameters
    ----------
    ratio_of_wins, n, ties, ratio
        As in `win_ratio`.
    level
        Confidence level, both sides together.

    Raises
    ------
    InputError
        If a number is out of its range.

    References
    ----------
    See `win_ratio`.

    Examples
    --------
    >>> low, high = win_ratio_interval(1.22, 1200, ties=0.04)
    >>> round(low, 4), round(high, 4)
    (1.0649, 1.3977)
    """
    positive("ratio_of_wins", ratio_of_wins)
    between("level", level, 0.0, 1.0)
    share = positive("ratio", ratio) / (1.0 + ratio)
    half = float(ndtri(0.5 + level / 2.0)) * _win_ratio_sd(ties, share)
    half /= math.sqrt(positive("n", n))
    return ratio_of_wins * math.exp(-half), ratio_of_wins * math.exp(half)


def win_odds(
    odds: float,
    *,
    n: float | None = None,
    power: float | None = None,
    null: float = 1.0,
    alternative: Alternative = "shift",
    sd: float | None = None,
    ratio: float = 1.0,
    alpha: float = 0.025,
    sided: int = 1,
) -> Plan:
    """Size or power of the win odds test, on the scale of the win probability.

    The win probability is p = odds / (1 + odds), ties split evenly; its estimate is tested
    against null / (1 + null) with the variance, for one patient in all and w the treated share,

    By ``alternative``, the variance for one patient:

    - ``"shift"``: 1 / (12 w (1 - w)): Noether's, at no effect and without ties
    - ``"max"``: p (1 - p) / min(w, 1 - w): the largest of any two distributions

    Parameters
    ----------
    odds
        Assumed win odds.
    n, power
        Patients in all, or the power: exactly one of them.
    null
        Win odds under the null hypothesis.
    alternative
        See above.
    sd
        Standard deviation of the win probability's estimate for one patient in all, if known;
        it takes the place of `alternative`.
    ratio
        Treated patients for each control.
    alpha, sided
        Level of the whole test and number of its sides. A two-sided test's rejections in the
        wrong direction are not counted as power.

    Raises
    ------
    InputError
        If the odds are the null odds, the power is not above alpha, or a number is out of its
        range.

    References
    ----------
    Gasparyan SB, Kowalewski EK, Folkvaljon F, et al. J Biopharm Stat 2021;31:765-787. Noether
    GE. J Am Stat Assoc 1987;82:645-647. Bamber D. J Math Psychol 1975;12:387-415.

    Examples
    --------
    >>> win_odds(1.25, power=0.9).patients
    1136
    >>> round(win_odds(1.2, n=1000).power, 3)
    0.702
    """
    asked = target(n=n, power=power, alpha=alpha, sided=sided, ratio=ratio)
    chosen("alternative", alternative, ALTERNATIVES)
    won = positive("odds", odds) / (1.0 + odds)
    against = positive("null", null) / (1.0 + null)
    not_null("odds", odds, null)
    if sd is None:
        share = asked.share
        shift = 1.0 / (12.0 * share * (1.0 - share))
        largest = won * (1.0 - won) / min(share, 1.0 - share)
        sd = math.sqrt(shift if alternative == "shift" else largest)
        name = f"win odds, {alternative}"
    else:
        name = "win odds, given standard deviation"
    size, reached = normal_size(asked, won - against, positive("sd", sd), sd)
    return plan(name, asked, size, reached)


def _win_ratio_sd(ties: float, share: float) -> float:
    if not 0.0 <= ties < 1.0:
        raise wrong("ties", ties, "a probability from 0 to below 1")
    return math.sqrt(4.0 * (1.0 + ties) / (3.0 * share * (1.0 - share) * (1.0 - ties)))
