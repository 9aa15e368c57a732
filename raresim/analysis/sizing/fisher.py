"""Fisher's exact test of two rates: power by enumeration of all tables."""

import numpy as np

from raresim.analysis.arrays import BoolArray
from raresim.analysis.sizing.answers import whole
from raresim.analysis.sizing.asked import chosen, not_null, target, wrong
from raresim.analysis.sizing.exact_plan import ExactPlan, saw_tooth, split
from raresim.analysis.sizing.rates import continuity_corrected_rates
from raresim.analysis.sizing.tails import (
    REJECTIONS,
    Rejection,
    binomial,
    log_choose,
    tail_rejections,
)


def fisher_exact(
    treated: float,
    control: float,
    *,
    n: int | None = None,
    power: float | None = None,
    ratio: float = 1.0,
    alpha: float = 0.025,
    sided: int = 1,
    rejection: Rejection = "likelihood",
    most: int | None = None,
) -> ExactPlan:
    """Size or power of Fisher's exact test, over all tables of two binomial numbers.

    Given the number of events in all, the treated arm's is hypergeometric under the null
    hypothesis. One-sided, the tail in the assumed direction must be at most alpha. Two-sided,
    "likelihood" adds up the tables no likelier than the one at hand (R's fisher.test, SAS),
    "equal tails" takes alpha / 2 on each side; rejections in both directions count as power.

    Parameters
    ----------
    treated, control
        Assumed rates, from 0 to 1.
    n, power
        Patients in all, split by the ratio as nearly as can be (an odd one is treated), or the
        power.
    ratio
        Treated patients for each control; arms of searched sizes are m controls and ratio m
        treated, rounded up.
    alpha, sided
        Level of the whole test and number of its sides.
    rejection
        How a two-sided test rejects.
    most
        The most controls to look at; without it, what the chi-square test with continuity
        correction needs, half as many again and 10 more. The time taken grows with its cube:
        two seconds for 100 in an arm, half a minute for 400.

    Raises
    ------
    InputError
        If there is no effect, the power is not above alpha, n is not whole, or no trial looked
        at reaches the power.

    References
    ----------
    Casagrande JT, Pike MC, Smith PG. Biometrics 1978;34:483-486. Fisher RA. J R Stat Soc
    1935;98:39-54.

    Examples
    --------
    >>> fisher_exact(0.2, 0.8, power=0.8, alpha=0.05, sided=2)
    two rates, Fisher exact (likelihood): n = 24 (12 treated, 12 control)
      power 0.8115, size 0.01194 at two-sided alpha 0.05
      No larger trial up to 60 patients falls below that power.
    """
    asked = target(n=n, power=power, alpha=alpha, sided=sided, ratio=ratio)
    chosen("rejection", rejection, REJECTIONS)
    for name, value in (("treated", treated), ("control", control)):
        if not 0.0 <= value <= 1.0:
            raise wrong(name, value, "a rate from 0 to 1")
    not_null("treated", treated, control)

    def built(controls: int, settled: int = 0, looked_at: int = 0) -> ExactPlan:
        arms = (whole(ratio * controls), controls) if n is None else split(n, ratio)
        rejects = fisher_rejections(*arms, alpha, sided, treated > control, rejection)
        return ExactPlan(
            method="two rates, Fisher exact" + (f" ({rejection})" if sided == 2 else ""),
            found="power" if n is not None else "n",
            n_treated=arms[0],
            n_control=arms[1],
            power=rejected(rejects, treated, control),
            size=rejected(rejects, control, control),
            alpha=asked.alpha,
            sided=asked.sided,
            settled=settled,
            looked_at=looked_at,
        )

    if n is not None:
        return built(split(n, ratio)[1])
    assert power is not None
    inside = [min(max(rate, 1e-3), 1.0 - 1e-3) for rate in (treated, control)]
    near = continuity_corrected_rates(*inside, power=power, ratio=ratio, alpha=alpha, sided=sided)
    limit = most or whole(1.5 * near.n_control) + 10
    return saw_tooth(built, lambda m: whole(ratio * m) + m, limit, power)


def fisher_rejections(
    n_treated: int,
    n_control: int,
    alpha: float,
    sided: int,
    more_treated: bool,
    rejection: Rejection = "likelihood",
) -> BoolArray:
    """Say of each table whether Fisher's test rejects: (n_treated + 1, n_control + 1).

    >>> fisher_rejections(3, 3, 0.05, 1, True).astype(int).tolist()
    [[0, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0], [1, 0, 0, 0]]
    """
    rejects = np.zeros((n_treated + 1, n_control + 1), dtype=bool)
    for events in range(n_treated + n_control + 1):
        x = np.arange(max(0, events - n_control), min(n_treated, events) + 1)
        chance = np.exp(
            log_choose(n_treated, x)
            + log_choose(n_control, events - x)
            - log_choose(n_treated + n_control, np.asarray(events))
        )
        rejects[x, events - x] = tail_rejections(chance, alpha, sided, more_treated, rejection)
    return rejects


def rejected(rejects: BoolArray, treated: float, control: float) -> float:
    """Add up the probabilities of the tables that are rejected."""
    n_treated, n_control = rejects.shape[0] - 1, rejects.shape[1] - 1
    first = binomial(np.arange(n_treated + 1), n_treated, treated)
    second = binomial(np.arange(n_control + 1), n_control, control)
    return float(np.sum(first[:, None] * second * rejects))
