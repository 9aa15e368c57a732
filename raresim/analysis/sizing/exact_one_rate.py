"""The exact test of one rate: power by enumeration."""

import math

import numpy as np

from raresim.analysis.sizing.answers import whole
from raresim.analysis.sizing.asked import Target, between, not_null, target
from raresim.analysis.sizing.exact_plan import ExactPlan, saw_tooth, whole_number
from raresim.analysis.sizing.rates import one_rate_normal
from raresim.analysis.sizing.tails import binomial


def one_rate(
    rate: float,
    null: float,
    *,
    n: int | None = None,
    power: float | None = None,
    alpha: float = 0.025,
    sided: int = 1,
    most: int | None = None,
) -> ExactPlan:
    """Size or power of the exact binomial test of one rate.

    The one-sided test for a rate above `null` rejects from the smallest k on with
    P(X >= k | null) <= alpha, and in the mirrored way for a rate below; the two-sided test does
    both at alpha / 2 (equal tails), and its power counts both.

    Parameters
    ----------
    rate
        Assumed rate.
    null
        The rate under the null hypothesis.
    n, power
        Patients, or the power: exactly one of them.
    alpha, sided
        Level of the whole test and number of its sides.
    most
        The largest trial to look at; without it, twice what the normal approximation needs
        and 50 more.

    Raises
    ------
    InputError
        If there is no effect, the power is not above alpha, n is not whole, or no trial up to
        `most` reaches the power.

    References
    ----------
    Chernick MR, Liu CY. Am Stat 2002;56:149-155 (the saw-tooth). A'Hern RP. Stat Med
    2001;20:859-866.

    Examples
    --------
    >>> one_rate(0.2, 0.05, n=33)
    one rate, exact binomial: n = 33
      power 0.8179, size 0.02303 at one-sided alpha 0.025
    >>> plan = one_rate(0.2, 0.05, power=0.8)
    >>> plan.n, plan.settled
    (33, 39)
    """
    asked = target(n=n, power=power, alpha=alpha, sided=sided)
    between("rate", rate, 0.0, 1.0)
    between("null", null, 0.0, 1.0)
    not_null("rate", rate, null)

    def built(patients: int, settled: int = 0, looked_at: int = 0) -> ExactPlan:
        low, high = _critical(patients, null, asked, rate > null)
        x = np.arange(patients + 1)
        rejects = (x <= low) | (x >= high)
        return ExactPlan(
            method="one rate, exact binomial",
            found="power" if asked.power is None else "n",
            n_treated=patients,
            n_control=0,
            power=float(binomial(x, patients, rate)[rejects].sum()),
            size=float(binomial(x, patients, null)[rejects].sum()),
            alpha=asked.alpha,
            sided=asked.sided,
            critical=(
                float(low) if low >= 0 else math.nan,
                float(high) if high <= patients else math.nan,
            ),
            settled=settled,
            looked_at=looked_at,
        )

    if n is not None:
        return built(whole_number("n", n))
    assert power is not None
    near = one_rate_normal(rate, null, power=power, alpha=alpha, sided=sided)
    limit = most or whole(2.0 * near.n) + 50
    return saw_tooth(built, lambda m: m, limit, power)


def _critical(n: int, null: float, asked: Target, upper: bool) -> tuple[int, int]:
    """Find the largest low and the smallest high number of events that reject."""
    chance = binomial(np.arange(n + 1), n, null)
    slack = asked.tail * 1e-12
    low = int(np.count_nonzero(np.cumsum(chance) <= asked.tail + slack)) - 1
    high = n + 1 - int(np.count_nonzero(np.cumsum(chance[::-1]) <= asked.tail + slack))
    if asked.sided == 1:
        return (-1, high) if upper else (low, n + 1)
    return low, high
