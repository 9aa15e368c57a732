"""What a sample size formula answers."""

import math
from dataclasses import dataclass

from raresim.analysis.sizing.asked import Target

NEARLY_WHOLE = 1e-9
"""A size within this of a whole number is that number: 20.000000000001 patients are 20."""


def whole(size: float) -> int:
    """Round a size up to whole patients.

    >>> whole(63.2), whole(20.000000000001)
    (64, 20)
    """
    return math.ceil(size - NEARLY_WHOLE)


@dataclass(frozen=True)
class Plan:
    """Patients and power of a fixed-sample trial: one was given, the other was found.

    Attributes
    ----------
    method
        The test and the formula, with its variant.
    found
        Which was found: "n", "events" or "power".
    n_treated, n_control
        Patients in each arm, as the formula gives them: not rounded. One sample counts as
        treated, with no control. NaN where a formula counts events only.
    power
        The probability to reject under the assumed effect, for the sizes just named.
    alpha, sided, ratio
        Level of the whole test, number of its sides, treated patients for each control.
    events
        Expected events, where the formula counts them; NaN otherwise.
    notes
        Sentences to read with the numbers.
    """

    method: str
    found: str
    n_treated: float
    n_control: float
    power: float
    alpha: float
    sided: int
    ratio: float
    events: float = math.nan
    notes: tuple[str, ...] = ()

    @property
    def n(self) -> float:
        """Patients in all, not rounded."""
        return self.n_treated + self.n_control

    @property
    def patients(self) -> int:
        """Whole patients in all, each arm rounded up."""
        return whole(self.n_treated) + whole(self.n_control)

    def __repr__(self) -> str:
        """Show what was found, in one sentence, then each note on its line."""
        parts = []
        if not math.isnan(self.n):
            arms = f" ({self.n_treated:.6g} treated, {self.n_control:.6g} control)"
            parts.append(f"n = {self.n:.6g}" + (arms if self.n_control else ""))
        if self.found == "n":
            parts.append(f"in whole patients {self.patients}")
        if not math.isnan(self.events):
            parts.append(f"{self.events:.6g} events")
        sides = "one-sided" if self.sided == 1 else "two-sided"
        head = f"{self.method}: {', '.join(parts)}"
        level = f"power {self.power:.4g}, {sides} alpha {self.alpha:g}"
        return "\n  ".join((head, level, *self.notes))


def plan(
    method: str,
    asked: Target,
    n: float,
    power: float,
    *,
    events: float = math.nan,
    notes: tuple[str, ...] = (),
) -> Plan:
    """Give the plan of two arms with n patients in all."""
    return Plan(
        method=method,
        found="power" if asked.power is None else "n",
        n_treated=n * asked.share,
        n_control=n * (1.0 - asked.share),
        power=power,
        alpha=asked.alpha,
        sided=asked.sided,
        ratio=asked.ratio,
        events=events,
        notes=notes,
    )


def one_sample(
    method: str, asked: Target, n: float, power: float, notes: tuple[str, ...] = ()
) -> Plan:
    """Give the plan of a single sample of n patients."""
    found = "power" if asked.power is None else "n"
    return Plan(method, found, n, 0.0, power, asked.alpha, asked.sided, math.inf, notes=notes)
