"""What a re-randomisation test answers, and how its p-values are counted."""

from dataclasses import dataclass
from typing import Literal, TypeVar

import numpy as np

from raresim.analysis.arrays import BoolArray, FloatArray, IntArray, ordered_sum
from raresim.analysis.result import Side, of_side
from raresim.analysis.rows import one_row
from raresim.errors import InputError

TIED = 1e-9
"""Statistics that differ by less than this part of the largest are as extreme as each other."""

TwoSided = Literal["doubled", "absolute"]


@dataclass(frozen=True)
class Rerandomised:
    """A re-randomisation test of one trial.

    Attributes
    ----------
    method
        The statistic that was compared with its re-randomisation distribution.
    observed
        The statistic of the trial as it was, larger when the treated arm is higher.
    centre
        Mean of the re-randomisation distribution (with draws: of the draws and the observed).
    p
        Two-sided p-value.
    p_less, p_greater
        One-sided p-values against "not less" and "not greater".
    assignments
        Number of draws, or of all possible assignments.
    exact
        Whether all assignments were listed, with their probabilities, rather than drawn.
    ci_low, ci_high
        95 % limits of a constant shift by inverting the test; NaN where not asked for.
    converged, used, notes, left_out
        As in `Result`.
    """

    method: str
    observed: float
    centre: float
    p: float
    p_less: float
    p_greater: float
    assignments: int
    exact: bool
    ci_low: float
    ci_high: float
    converged: bool
    used: int
    notes: tuple[str, ...]
    left_out: int = 0

    def p_one_sided(self, side: Side) -> float:
        """Give the p-value against 'the treated arm is not less (or not greater)'.

        Raises
        ------
        InputError
            If ``side`` is neither "less" nor "greater".
        """
        return of_side(side, self.p_less, self.p_greater)

    def __repr__(self) -> str:
        """Show the numbers, then each note on its line."""
        if not self.converged:
            head = f"{self.method}: no p-value from {self.used} patients"
        else:
            how = "all" if self.exact else "drawn"
            head = (
                f"{self.method}: observed {self.observed:.4g}, p = {self.p:.4g} "
                f"({self.assignments} assignments, {how})"
            )
            if np.isfinite(self.ci_low) or np.isfinite(self.ci_high):
                head += f"\n  95 % CI of a shift {self.ci_low:.4g} to {self.ci_high:.4g}"
            head += f"\n  one-sided p: less {self.p_less:.4g}, greater {self.p_greater:.4g}"
            head += f", {self.used} patients"
        return "\n  ".join((head, *self.notes))


@dataclass(frozen=True)
class Rerandomisations:
    """The same test in B trials: the fields of `Rerandomised` as arrays of shape (B,)."""

    method: str
    observed: FloatArray
    centre: FloatArray
    p: FloatArray
    p_less: FloatArray
    p_greater: FloatArray
    assignments: IntArray
    exact: BoolArray
    ci_low: FloatArray
    ci_high: FloatArray
    converged: BoolArray
    used: IntArray
    notes: IntArray
    left_out: IntArray

    def __len__(self) -> int:
        return self.observed.size

    def p_one_sided(self, side: Side) -> FloatArray:
        """Give the p-values against 'the treated arm is not less (or not greater)'.

        Raises
        ------
        InputError
            If ``side`` is neither "less" nor "greater".
        """
        return of_side(side, self.p_less, self.p_greater)

    def row(self, b: int) -> Rerandomised:
        """Give the test of row b alone."""
        return one_row(self, b, Rerandomised)


@dataclass(frozen=True)
class Tails:
    """The p-values of one statistic in its re-randomisation distribution."""

    centre: float
    p: float
    p_less: float
    p_greater: float


def tails(
    observed: float, drawn: FloatArray, probability: FloatArray | None, two_sided: TwoSided
) -> Tails:
    """Count how much of a re-randomisation distribution is as extreme as the observed statistic.

    Of D draws of which b are as extreme, p = (1 + b)/(1 + D): the observed assignment is itself
    one that the procedure made, so the test holds its level whatever D. With all assignments
    listed, p is the sum of the probabilities of those as extreme.

    As extreme means not less extreme by more than 1e-9 of the largest |statistic|, so that
    rounding breaks no ties. A draw whose statistic is NaN is as extreme in each direction.

    Two-sided p: "doubled" is min(1, 2 min(p_less, p_greater)); "absolute" counts those at least
    as far from the centre, which is the mean of the draws and the observed statistic together
    (all treated alike, so the level is held), or the exact mean.
    """
    known = np.isfinite(drawn)
    values = np.where(known, drawn, 0.0)
    largest = max(abs(observed), float(np.max(np.abs(values), initial=0.0)))
    allowed = TIED * largest
    if probability is None:
        centre = (float(ordered_sum(values)) + observed) / (1 + int(np.count_nonzero(known)))
    else:
        weight = np.where(known, probability, 0.0)
        centre = float(ordered_sum(weight * values)) / float(ordered_sum(weight))
    greater = _share(~known | (values >= observed - allowed), probability)
    less = _share(~known | (values <= observed + allowed), probability)
    if two_sided == "doubled":
        both = min(1.0, 2.0 * min(less, greater))
    else:
        far = np.abs(values - centre) >= abs(observed - centre) - allowed
        both = _share(~known | far, probability)
    return Tails(centre, both, less, greater)


def _share(extreme: BoolArray, probability: FloatArray | None) -> float:
    if probability is None:
        return float((1 + np.count_nonzero(extreme)) / (1 + len(extreme)))
    return min(1.0, float(ordered_sum(np.where(extreme, probability, 0.0))))


def check_two_sided(two_sided: str) -> None:
    """Refuse a name that is no way of making a two-sided p-value."""
    if two_sided not in ("doubled", "absolute"):
        raise InputError(f"two_sided: found {two_sided!r}; expected 'doubled' or 'absolute'.")


Number = TypeVar("Number", float, FloatArray)
