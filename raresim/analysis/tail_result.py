"""Answers of tests whose p-values are tails of the distribution of a statistic.

Rank tests and conditional tests have p-values of both sides that no normal or t statistic gives,
and an estimate with an interval but without a standard error.
"""

from dataclasses import dataclass

import numpy as np

from raresim.analysis.arrays import BoolArray, FloatArray, IntArray
from raresim.analysis.result import Side, of_side
from raresim.analysis.rows import one_row


@dataclass(frozen=True)
class TailResult:
    """The comparison of the treated with the control arm in one trial.

    Attributes
    ----------
    method
        The test.
    measure
        What ``estimate`` measures, treated relative to control.
    estimate, ci_low, ci_high
        Estimate and 95 % confidence limits; may be infinite, NaN if not converged.
    statistic
        The test statistic.
    p
        Two-sided p-value.
    p_less, p_greater
        One-sided p-values: small when the treated are lower, or higher.
    converged
        Whether there is an answer.
    used
        Number of patients in the test.
    notes
        Sentences to read with the numbers.
    """

    method: str
    measure: str
    estimate: float
    ci_low: float
    ci_high: float
    statistic: float
    p: float
    p_less: float
    p_greater: float
    converged: bool
    used: int
    notes: tuple[str, ...] = ()

    def p_one_sided(self, side: Side) -> float:
        """Give the p-value against 'the treated arm is not less (or not greater)'."""
        return of_side(side, self.p_less, self.p_greater)

    def __repr__(self) -> str:
        """Show the numbers, then each note on its line."""
        head = f"{self.method}: no {self.measure} from {self.used} patients"
        if self.converged:
            head = (
                f"{self.method}: {self.measure} {self.estimate:.4g} "
                f"(95 % CI {self.ci_low:.4g} to {self.ci_high:.4g})\n  "
                f"statistic {self.statistic:.4g}, p = {self.p:.4g}, {self.used} patients"
            )
        return "\n  ".join((head, *self.notes))


@dataclass(frozen=True)
class TailResults:
    """The same comparison in B trials: the fields of `TailResult` as arrays of shape (B,).

    ``notes`` holds `Note` flags as integers.
    """

    method: str
    measure: str
    estimate: FloatArray
    ci_low: FloatArray
    ci_high: FloatArray
    statistic: FloatArray
    p: FloatArray
    p_less: FloatArray
    p_greater: FloatArray
    converged: BoolArray
    used: IntArray
    notes: IntArray

    def __len__(self) -> int:
        return self.estimate.size

    def row(self, b: int) -> TailResult:
        """Give the answer of row b alone."""
        return one_row(self, b, TailResult)

    def p_one_sided(self, side: Side) -> FloatArray:
        """Give the p-values against 'the treated arm is not less (or not greater)'.

        Parameters
        ----------
        side
            The alternative: "less" when a low value is the benefit, "greater" when a high one is.

        Raises
        ------
        InputError
            If ``side`` is neither.
        """
        return of_side(side, self.p_less, self.p_greater)


def tail_results(
    *,
    method: str,
    measure: str,
    numbers: dict[str, FloatArray],
    converged: BoolArray,
    used: IntArray,
    notes: IntArray,
) -> TailResults:
    """Build the results; rows that did not converge get NaN.

    ``numbers`` holds estimate, ci_low, ci_high, statistic, p, p_less and p_greater, each (B,).
    """
    kept = {name: np.where(converged, values, np.nan) for name, values in numbers.items()}
    return TailResults(
        method=method,
        measure=measure,
        **kept,
        converged=converged,
        used=used,
        notes=notes.astype(np.int64),
    )
