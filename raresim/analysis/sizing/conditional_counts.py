"""The exact conditional comparison of two Poisson rates: power by enumeration."""

import math

import numpy as np
from scipy.special import gammaln, pdtr, pdtrc

from raresim.analysis.sizing.answers import whole
from raresim.analysis.sizing.asked import chosen, not_null, positive, target
from raresim.analysis.sizing.counts import two_event_rates
from raresim.analysis.sizing.exact_plan import ExactPlan, saw_tooth, split
from raresim.analysis.sizing.tails import REJECTIONS, Rejection, binomial, tail_rejections

LEFT_OUT = 1e-14  # probability of totals that are not enumerated, on each side


def exact_event_rates(
    treated: float,
    control: float,
    *,
    n: int | None = None,
    power: float | None = None,
    exposure: float = 1.0,
    null: float = 1.0,
    ratio: float = 1.0,
    alpha: float = 0.025,
    sided: int = 1,
    rejection: Rejection = "likelihood",
    most: int | None = None,
) -> ExactPlan:
    """Size or power of the exact conditional test of two Poisson rates.

    Given the events of both arms together, those of the treated arm are binomial, with
    probability n1 null / (n1 null + n0) under the null hypothesis. One-sided, the tail in the
    assumed direction must be at most alpha; two-sided as in `fisher_exact` ("likelihood" is R's
    binom.test and poisson.test), rejections in both directions counting as power.

    Parameters
    ----------
    treated, control
        Events per patient and unit of time.
    n, power
        Patients in all, split by the ratio as nearly as can be (an odd one is treated), or the
        power.
    exposure
        Follow-up of every patient.
    null
        Rate ratio under the null hypothesis.
    ratio
        Treated patients for each control; searched sizes are m controls and ratio m treated,
        rounded up.
    alpha, sided
        Level of the whole test and number of its sides.
    rejection
        How a two-sided test rejects.
    most
        The most controls to look at; without it, 1.6 times those of the Wald test and 10 more.

    Raises
    ------
    InputError
        If there is no effect, the power is not above alpha, n is not whole, or no trial looked
        at reaches the power.

    References
    ----------
    Przyborowski J, Wilenski H. Biometrika 1940;31:313-323. Krishnamoorthy K, Thomson J. J Stat
    Plan Inference 2004;119:23-35.

    Examples
    --------
    >>> round(exact_event_rates(1.0, 2.0, n=30, alpha=0.05, sided=2).power, 6)
    0.56271
    """
    asked = target(n=n, power=power, alpha=alpha, sided=sided, ratio=ratio)
    chosen("rejection", rejection, REJECTIONS)
    rates = positive("treated", treated), positive("control", control)
    positive("exposure", exposure)
    if power is not None:
        not_null("treated", treated / control, positive("null", null))

    def built(controls: int, settled: int = 0, looked_at: int = 0) -> ExactPlan:
        arms = (whole(ratio * controls), controls) if n is None else split(n, ratio)
        chances = []
        for first in (treated, null * control):
            means = exposure * arms[0] * first, exposure * arms[1] * control
            share = arms[0] * null / (arms[0] * null + arms[1])
            upper = rates[0] > null * rates[1]
            chances.append(_power(means, share, alpha, sided, upper, rejection))
        return ExactPlan(
            method="two Poisson rates, conditional exact"
            + (f" ({rejection})" if sided == 2 else ""),
            found="power" if n is not None else "n",
            n_treated=arms[0],
            n_control=arms[1],
            power=chances[0],
            size=chances[1],
            alpha=asked.alpha,
            sided=asked.sided,
            settled=settled,
            looked_at=looked_at,
        )

    if n is not None:
        return built(split(n, ratio)[1])
    assert power is not None
    near = two_event_rates(
        treated,
        control,
        power=power,
        exposure=exposure,
        null=null,
        ratio=ratio,
        alpha=alpha,
        sided=sided,
    ).n_control
    limit = most or whole(1.6 * near) + 10
    return saw_tooth(built, lambda m: whole(ratio * m) + m, limit, power)


def _power(
    means: tuple[float, float],
    share: float,
    alpha: float,
    sided: int,
    upper: bool,
    rejection: Rejection,
) -> float:
    """Add up, over the events in all, the probability that their split rejects."""
    expected = sum(means)
    split = means[0] / expected
    low, high = _range(expected)
    rejects = []
    for events in range(low, high + 1):
        x = np.arange(events + 1)
        region = tail_rejections(binomial(x, events, share), alpha, sided, upper, rejection)
        chance = math.exp(events * math.log(expected) - expected - float(gammaln(events + 1)))
        rejects.append(chance * float(np.sum(binomial(x, events, split)[region])))
    return math.fsum(rejects)


def _range(expected: float) -> tuple[int, int]:
    """Find the totals outside of which next to nothing lies."""
    low = high = int(expected)
    step = max(1, int(math.sqrt(expected)))
    while low > 0 and pdtr(low, expected) > LEFT_OUT:
        low = max(0, low - step)
    while pdtrc(high, expected) > LEFT_OUT:
        high += step
    return low, high
