"""What an exact test's enumeration answers, and the search along the saw-tooth of its power."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from raresim.analysis.sizing.asked import wrong


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


def saw_tooth(
    built: Callable[..., ExactPlan],
    patients: Callable[[int], int],
    limit: int,
    power: float,
) -> ExactPlan:
    """Find the smallest trial that reaches a power, and from where on all do."""
    reaches = np.array([built(m).power >= power for m in range(1, limit + 1)])
    if not reaches.any():
        raise wrong("most", patients(limit), "a trial large enough to reach the power")
    first = 1 + int(np.argmax(reaches))
    short = np.flatnonzero(~reaches)
    settled = 1 + (int(short[-1]) + 1 if short.size else 0)
    return built(first, patients(settled), patients(limit))


def split(n: float, ratio: float) -> tuple[int, int]:
    """Split whole patients into treated and control; the odd one is treated.

    >>> split(87, 1.0)
    (44, 43)
    """
    patients = whole_number("n", n)
    treated = math.floor(patients * ratio / (1.0 + ratio) + 0.5)
    if not 0 < treated < patients:
        raise wrong("n", n, "at least one patient in each arm")
    return treated, patients - treated


def whole_number(field: str, value: float) -> int:
    """Return a number of patients that must be whole."""
    if value != int(value) or value < 1:
        raise wrong(field, value, "a whole number of patients", "exact tests have no fractions")
    return int(value)
