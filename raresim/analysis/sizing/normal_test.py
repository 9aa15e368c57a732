"""The normal approximation that most formulas share, and how its sizes are found."""

import math
from collections.abc import Callable

from scipy.optimize import brentq
from scipy.special import ndtr

from raresim.analysis.sizing.asked import Target, wrong

MOST_PATIENTS = 1e12


def normal_size(asked: Target, effect: float, null_sd: float, sd: float) -> tuple[float, float]:
    """Give size and power of a test on an estimate with these standard deviations for one patient.

    The estimate of n patients has mean `effect` above its null value and variance sd^2 / n; the
    test divides it by null_sd / sqrt(n). With z = z_(1 - alpha/sided):

        n = ((z null_sd + z_power sd) / effect)^2,
        power = Phi((|effect| sqrt(n) - z null_sd) / sd).

    The chance of a two-sided test to reject on the wrong side is left out.
    """
    if asked.n is None:
        assert asked.power is not None
        root = (asked.z_alpha * null_sd + asked.z_power * sd) / abs(effect)
        if root <= 0.0:
            raise wrong("power", asked.power, "a power that this test does not have already")
        return root * root, asked.power
    shift = abs(effect) * math.sqrt(asked.n)
    return asked.n, float(ndtr((shift - asked.z_alpha * null_sd) / sd))


def smallest(power_of: Callable[[float], float], wanted: float, low: float) -> float:
    """Find the (continuous) size above `low` from which a rising power reaches the one wanted."""
    if power_of(low) >= wanted:
        return low
    high = 2.0 * low + 1.0
    while power_of(high) < wanted:
        high *= 2.0
        if high > MOST_PATIENTS:
            raise wrong("power", wanted, "a power that some number of patients reaches")
    if not power_of(high) >= wanted:  # NaN: beyond what floating-point numbers can tell
        raise wrong("effect", "its power overflows", "an effect of a size that trials can see")
    return float(brentq(lambda n: power_of(n) - wanted, low, high, xtol=1e-10, rtol=1e-14))
