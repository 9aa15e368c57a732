"""Power and size of a sequential parallel comparison design (SPCD)."""

import math
from dataclasses import dataclass
from typing import Literal

from scipy.special import ndtri

from raresim.analysis.sizing.answers import whole
from raresim.analysis.sizing.asked import Target, between, chosen, not_null, target, wrong
from raresim.analysis.sizing.normal_test import normal_size

Outcome = Literal["response", "continuous"]
Comparator = Literal["first stage", "spcdanalyze"]


@dataclass(frozen=True)
class SpcdPlan:
    """An SPCD trial and the conventional parallel one beside it.

    Attributes
    ----------
    outcome
        "response" or "continuous".
    found
        "n" or "power".
    n, power
        Patients in all (not rounded) and power of the SPCD.
    conventional_n, conventional_power
        The same of a 1:1 parallel trial that ends after the first stage; what was given is
        the same in both. The size is infinite where stage 1 alone has no effect.
    alpha, sided
        Level of the whole test and number of its sides.
    """

    outcome: str
    found: str
    n: float
    power: float
    conventional_n: float
    conventional_power: float
    alpha: float
    sided: int

    @property
    def patients(self) -> tuple[int, int]:
        """Whole patients of the SPCD and of the conventional trial."""
        return whole(self.n), whole(self.conventional_n)

    def __repr__(self) -> str:
        """Show both trials."""
        sides = "one-sided" if self.sided == 1 else "two-sided"
        return (
            f"SPCD, {self.outcome}: n = {self.n:.6g}, power {self.power:.4g}; "
            f"conventional: n = {self.conventional_n:.6g}, "
            f"power {self.conventional_power:.4g}; {sides} alpha {self.alpha:g}"
        )


def spcd(
    stage_1: tuple[float, float],
    stage_2: tuple[float, float],
    *,
    n: float | None = None,
    power: float | None = None,
    weight: float = 0.5,
    placebo: float = 0.66,
    drop_out: float = 0.0,
    outcome: Outcome = "response",
    conventional: Comparator = "first stage",
    alpha: float = 0.025,
    sided: int = 1,
) -> SpcdPlan:
    """Size or power of a sequential parallel comparison design with two arms.

    A share a = `placebo` of the patients gets placebo in stage 1; those of them who do not
    respond, q = 1 - p2 without the drop-outs d, are halved between drug and placebo in stage 2.
    With response rates p1, p2 (drug, placebo) in stage 1 and p3, p4 among them in stage 2, the
    statistic weighs w (p1 - p2) + (1 - w)(p3 - p4), and n times its variance is

        w^2 (p1 q1 / (1 - a) + p2 q2 / a) + (1 - w)^2 2 (p3 q3 + p4 q4) / (a (1 - p2)(1 - d)).

    "continuous" compares the variable of which response is a value above a cut-off: effects are
    differences of normal quantiles, and every p q becomes 1.

    Parameters
    ----------
    stage_1, stage_2
        Response rates (drug, placebo); stage 2's are those of stage 1's placebo non-responders.
    n, power
        Patients in all, or the power: exactly one of them.
    weight
        Weight w of stage 1.
    placebo
        Share of the patients on placebo in stage 1.
    drop_out
        Share of placebo non-responders who do not go on.
    outcome
        "response" or "continuous".
    conventional
        Variance of the conventional trial's response rates: "first stage" is
        2 (p1 q1 + p2 q2); "spcdanalyze" is 2 (p1 q1 + p3 q3), which the R package SPCDAnalyze 0.1
        uses: it takes the drug's rate in stage 2 where the placebo's in stage 1 belongs.
    alpha, sided
        Level of the whole test and number of its sides.

    Raises
    ------
    InputError
        If there is no weighted effect to find, the power is not above alpha, or a number is out of
        its range.

    References
    ----------
    Fava M, Evins AE, Dorer DJ, Schoenfeld DA. Psychother Psychosom 2003;72:115-127. Tamura RN,
    Huang X. Clin Trials 2007;4:309-317.

    Examples
    --------
    >>> spcd((0.6, 0.3), (0.5, 0.3), n=150, drop_out=0.1)
    SPCD, response: n = 150, power 0.9256; conventional: n = 150, power 0.9721; one-sided \
alpha 0.025
    >>> spcd((0.6, 0.4), (0.5, 0.25), power=0.8).patients
    (128, 189)
    """
    asked = target(n=n, power=power, alpha=alpha, sided=sided)
    for field, rates in (("stage_1", stage_1), ("stage_2", stage_2)):
        if len(rates) != 2:
            raise wrong(field, rates, "the rate of the treated and of the control")
        for rate in rates:
            between(field, rate, 0.0, 1.0)
    between("placebo", placebo, 0.0, 1.0)
    if not 0.0 <= weight <= 1.0:
        raise wrong("weight", weight, "a weight from 0 to 1")
    if not 0.0 <= drop_out < 1.0:
        raise wrong("drop_out", drop_out, "a share from 0 to below 1")
    chosen("outcome", outcome, ("response", "continuous"))
    chosen("conventional", conventional, ("first stage", "spcdanalyze"))
    effects = [_effect(rates, outcome) for rates in (stage_1, stage_2)]
    variances = [_variances(rates, outcome) for rates in (stage_1, stage_2)]
    going_on = placebo * (1.0 - stage_1[1]) * (1.0 - drop_out) / 2.0
    effect = weight * effects[0] + (1.0 - weight) * effects[1]
    not_null("stage_1, stage_2", effect)
    variance = weight**2 * (variances[0][0] / (1.0 - placebo) + variances[0][1] / placebo)
    variance += (1.0 - weight) ** 2 * sum(variances[1]) / going_on
    beside = variances[0][0] + (
        variances[0][1] if conventional == "first stage" else variances[1][0]
    )
    size, reached = _solved(asked, effect, variance)
    if effects[0] == 0.0 and power is not None:
        parallel_n, parallel_power = math.inf, power  # no parallel trial would find anything
    else:
        parallel_n, parallel_power = _solved(asked, effects[0], 2.0 * beside)
    found = "power" if power is None else "n"
    return SpcdPlan(
        outcome, found, size, reached, parallel_n, parallel_power, asked.alpha, asked.sided
    )


def _effect(rates: tuple[float, float], outcome: Outcome) -> float:
    if outcome == "response":
        return rates[0] - rates[1]
    return float(ndtri(rates[0]) - ndtri(rates[1]))


def _variances(rates: tuple[float, float], outcome: Outcome) -> tuple[float, float]:
    if outcome == "continuous":
        return 1.0, 1.0
    return rates[0] * (1.0 - rates[0]), rates[1] * (1.0 - rates[1])


def _solved(asked: Target, effect: float, variance: float) -> tuple[float, float]:
    return normal_size(asked, effect, math.sqrt(variance), math.sqrt(variance))
