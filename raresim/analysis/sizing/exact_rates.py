"""Exact tests of one and of two rates: power by enumeration, and the saw-tooth of sizes."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.special import betaln, xlog1py, xlogy

from raresim.analysis.arrays import BoolArray, FloatArray, IntArray
from raresim.analysis.sizing.answers import whole
from raresim.analysis.sizing.asked import Target, between, chosen, not_null, target, wrong
from raresim.analysis.sizing.rates import continuity_corrected_rates, two_rates

Rejection = Literal["likelihood", "equal tails"]
REJECTIONS = ("likelihood", "equal tails")
AS_LIKELY = 1.0 + 1e-7
"""Tables within this factor count as equally likely: their probabilities differ by rounding."""


@dataclass(frozen=True)
class ExactPlan:
    """Whole patients and exact power of a test by enumeration.

    Attributes
    ----------
    method
        The test.
    found
        "n" or "power".
    n_treated, n_control
        Whole patients in each arm; one sample counts as treated. If found, the fewest with which
        the power is reached.
    power, size
        Exact probabilities to reject under the assumed rates, and under the null hypothesis
        (for two rates: both arms at the control rate).
    alpha, sided
        Level asked for and number of sides.
    critical
        For one sample: the numbers of events that reject, from this one on outwards (NaN where
        no number of that side does): (low, high).
    settled
        If n was found: the patients in all from which on no larger trial up to `looked_at` falls
        below the power again, as exact power goes up and down like the teeth of a saw.
    looked_at
        The largest trial that was looked at.
    """

    method: str
    found: str
    n_treated: int
    n_control: int
    power: float
    size: float
    alpha: float
    sided: int
    critical: tuple[float, float] = (math.nan, math.nan)
    settled: int = 0
    looked_at: int = 0

    @property
    def n(self) -> int:
        """Patients in all."""
        return self.n_treated + self.n_control

    def __repr__(self) -> str:
        """Show sizes, power and real size, then what holds for larger trials."""
        sizes = f"n = {self.n}"
        if self.n_control:
            sizes += f" ({self.n_treated} treated, {self.n_control} control)"
        sides = "one-sided" if self.sided == 1 else "two-sided"
        lines = [
            f"{self.method}: {sizes}",
            f"power {self.power:.4g}, size {self.size:.4g} at {sides} alpha {self.alpha:g}",
        ]
        if self.found == "n":
            lines.append(
                f"The power falls below again for some larger trials; from {self.settled} "
                f"patients on it does not, up to the {self.looked_at} that were looked at."
                if self.settled > self.n
                else f"No larger trial up to {self.looked_at} patients falls below that power."
            )
        return "\n  ".join(lines)


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
      power 0.8179, size 0.02357 at one-sided alpha 0.025
    >>> plan = one_rate(0.2, 0.05, power=0.8)
    >>> plan.n, plan.settled
    (33, 41)
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
    spread = (math.sqrt(null * (1 - null)) * asked.z_alpha) + (
        math.sqrt(rate * (1 - rate)) * asked.z_power
    )
    limit = most or whole(2.0 * (spread / (rate - null)) ** 2) + 50
    return saw_tooth(built, lambda m: m, 1, limit, power)


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
        Patients in all (rounded so that treated = n ratio / (1 + ratio)), or the power.
    ratio
        Treated patients for each control; arms of searched sizes are m controls and ratio m
        treated, rounded up.
    alpha, sided
        Level of the whole test and number of its sides.
    rejection
        How a two-sided test rejects.
    most
        The most controls to look at; without it, what the chi-square test with continuity
        correction needs, half as many again and 10 more.

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
      power 0.8115, size 0.01379 at two-sided alpha 0.05
      No larger trial up to 58 patients falls below that power.
    """
    asked = target(n=n, power=power, alpha=alpha, sided=sided, ratio=ratio)
    chosen("rejection", rejection, REJECTIONS)
    for name, value in (("treated", treated), ("control", control)):
        if not 0.0 <= value <= 1.0:
            raise wrong(name, value, "a rate from 0 to 1")
    not_null("treated", treated, control)

    def built(controls: int, settled: int = 0, looked_at: int = 0) -> ExactPlan:
        arms = _arms(controls, ratio) if n is None else (int(n) - controls, controls)
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
        patients = whole_number("n", n)
        controls = round(patients / (1.0 + ratio))
        if not 0 < controls < patients:
            raise wrong("n", n, "at least one patient in each arm")
        return built(controls)
    assert power is not None
    inside = [min(max(rate, 1e-3), 1.0 - 1e-3) for rate in (treated, control)]
    near = continuity_corrected_rates(*inside, power=power, ratio=ratio, alpha=alpha, sided=sided)
    least = two_rates(*inside, power=power, ratio=ratio, alpha=alpha, sided=sided)
    start = max(1, int(0.5 * least.n_control))
    limit = most or whole(1.5 * near.n_control) + 10
    return saw_tooth(built, lambda m: sum(_arms(m, ratio)), start, limit, power)


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
            _log_choose(n_treated, x)
            + _log_choose(n_control, events - x)
            - _log_choose(n_treated + n_control, np.asarray(events))
        )
        rejects[x, events - x] = tail_rejections(chance, alpha, sided, more_treated, rejection)
    return rejects


def binomial(x: IntArray, n: int, rate: float) -> FloatArray:
    """Binomial probabilities; rates of 0 and 1 are allowed.

    >>> binomial(np.arange(3), 2, 0.5).round(12).tolist()
    [0.25, 0.5, 0.25]
    """
    chance: FloatArray = np.exp(_log_choose(n, x) + xlogy(x, rate) + xlog1py(n - x, -rate))
    return chance


def rejected(rejects: BoolArray, treated: float, control: float) -> float:
    """Add up the probabilities of the tables that are rejected."""
    n_treated, n_control = rejects.shape[0] - 1, rejects.shape[1] - 1
    first = binomial(np.arange(n_treated + 1), n_treated, treated)
    second = binomial(np.arange(n_control + 1), n_control, control)
    return float(np.sum(first[:, None] * second * rejects))


def tail_rejections(
    chance: FloatArray, alpha: float, sided: int, upper: bool, rejection: Rejection
) -> BoolArray:
    """Say which of the outcomes, whose null probabilities stand in their order, reject.

    >>> tail_rejections(np.array([0.02, 0.48, 0.47, 0.03]), 0.05, 2, True, "likelihood").tolist()
    [True, False, False, True]
    """
    slack = alpha * 1e-12  # a tail that is alpha but for rounding rejects
    from_low, from_high = np.cumsum(chance), np.cumsum(chance[::-1])[::-1]
    if sided == 1:
        tail: BoolArray = (from_high if upper else from_low) <= alpha + slack
        return tail
    if rejection == "equal tails":
        both: BoolArray = np.minimum(from_low, from_high) <= alpha / 2.0 + slack
        return both
    order = np.argsort(chance, kind="stable")
    total = np.cumsum(chance[order])
    through = np.searchsorted(chance[order], chance * AS_LIKELY, side="right")
    unlikely: BoolArray = total[through - 1] <= alpha + slack
    return unlikely


def _critical(n: int, null: float, asked: Target, upper: bool) -> tuple[int, int]:
    """Find the largest low and the smallest high number of events that reject."""
    chance = binomial(np.arange(n + 1), n, null)
    slack = asked.tail * 1e-12
    low = int(np.count_nonzero(np.cumsum(chance) <= asked.tail + slack)) - 1
    high = n + 1 - int(np.count_nonzero(np.cumsum(chance[::-1]) <= asked.tail + slack))
    if asked.sided == 1:
        return (-1, high) if upper else (low, n + 1)
    return low, high


def saw_tooth(
    built: Callable[..., ExactPlan],
    patients: Callable[[int], int],
    start: int,
    limit: int,
    power: float,
) -> ExactPlan:
    """Find the smallest trial that reaches a power, and from where on all do."""
    reaches = np.array([built(m).power >= power for m in range(start, limit + 1)])
    if not reaches.any():
        raise wrong("most", patients(limit), "a trial large enough to reach the power")
    first = start + int(np.argmax(reaches))
    short = np.flatnonzero(~reaches)
    settled = start + (int(short[-1]) + 1 if short.size else 0)
    return built(first, patients(settled), patients(limit))


def _arms(controls: int, ratio: float) -> tuple[int, int]:
    return whole(ratio * controls), controls


def whole_number(field: str, value: float) -> int:
    if value != int(value) or value < 1:
        raise wrong(field, value, "a whole number of patients", "exact tests have no fractions")
    return int(value)


def _log_choose(n: int, x: IntArray) -> FloatArray:
    chosen_of: FloatArray = -np.log1p(n) - betaln(n - x + 1.0, x + 1.0)
    return chosen_of
