"""A confidence interval of proportions that inverts no test."""

from dataclasses import dataclass

from raresim.analysis.arrays import BoolArray, FloatArray, IntArray
from raresim.analysis.rows import one_row


@dataclass(frozen=True, kw_only=True)
class ProportionInterval:
    """An estimate with a confidence interval that inverts no test.

    Attributes
    ----------
    method, measure, estimate, ci_low, ci_high, converged, used, notes, left_out
        As in `TailResult`.
    """

    method: str
    measure: str
    estimate: float
    ci_low: float
    ci_high: float
    converged: bool
    used: int
    notes: tuple[str, ...] = ()
    left_out: int = 0

    def __repr__(self) -> str:
        """Show the numbers, then each note on its line."""
        if not self.converged:
            head = f"{self.method}: no {self.measure} from {self.used} patients"
        else:
            head = (
                f"{self.method}: {self.measure} {self.estimate:.4g} "
                f"(95 % CI {self.ci_low:.4g} to {self.ci_high:.4g}), {self.used} patients"
            )
        return "\n  ".join((head, *self.notes))


@dataclass(frozen=True, kw_only=True)
class ProportionIntervals:
    """The same interval in B trials: the fields of `ProportionInterval` as arrays (B,)."""

    method: str
    measure: str
    estimate: FloatArray
    ci_low: FloatArray
    ci_high: FloatArray
    converged: BoolArray
    used: IntArray
    notes: IntArray
    left_out: IntArray

    def __len__(self) -> int:
        return self.estimate.size

    def row(self, b: int) -> ProportionInterval:
        """Give the interval of row b alone."""
        return one_row(self, b, ProportionInterval)
