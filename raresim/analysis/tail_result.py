"""Answers of tests whose p-values are tails of the distribution of a statistic.

Exact, rank and score tests have p-values of both sides that no estimate / standard error gives.
A p-value that exists is given even where an estimate is infinite.
"""

from dataclasses import dataclass

import numpy as np

from raresim.analysis.arrays import BoolArray, FloatArray, IntArray
from raresim.analysis.left_out import flags_of, nobody
from raresim.analysis.result import Side, of_side
from raresim.analysis.rows import one_row


@dataclass(frozen=True, kw_only=True)
class TailResult:
    """The comparison of the treated with the control arm in one trial, or of one arm with a goal.

    Attributes
    ----------
    method
        The test and its variant.
    measure
        What ``estimate`` measures, treated relative to control (or of the one arm).
    null
        Value of the measure under the null hypothesis.
    estimate
        Estimate; NaN if there is none, infinite if an arm has no (or only) events.
    ci_low, ci_high
        95 % confidence limits; infinite where the data do not bound the measure, NaN from a
        method that gives none.
    statistic
        What the test orders the possible outcomes by; see the method.
    p
        Two-sided p-value.
    p_less, p_greater
        One-sided p-values; the alternative is a measure below (above) the null value.
    converged
        Whether there is a p-value.
    used
        Number of patients in the test.
    notes
        Sentences to read with the numbers.
    left_out
        Number of patients of the table who are not in the test; the notes say why.
    """

    method: str
    measure: str
    null: float
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
    left_out: int = 0

    def p_one_sided(self, side: Side) -> float:
        """Give the p-value against 'the treated arm is not less (or not greater)'."""
        return of_side(side, self.p_less, self.p_greater)

    def __repr__(self) -> str:
        """Show the numbers, then each note on its line."""
        head = f"{self.method}: no {self.measure} from {self.used} patients"
        if self.converged:
            limits = f" (95 % CI {self.ci_low:.4g} to {self.ci_high:.4g})"
            head = (
                f"{self.method}: {self.measure} {self.estimate:.4g}"
                f"{'' if np.isnan(self.ci_low) else limits}\n  statistic {self.statistic:.4g}, "
                f"p = {self.p:.4g} (less {self.p_less:.4g}, greater {self.p_greater:.4g}) "
                f"against {self.null:g}, {self.used} patients"
            )
        return "\n  ".join((head, *self.notes))


@dataclass(frozen=True, kw_only=True)
class TailResults:
    """The same comparison in B trials: the fields of `TailResult` as arrays of shape (B,).

    ``notes`` holds `Note` flags as integers, ``left_out`` the patients by reason (see `left_out`),
    and the null value holds for all trials.
    """

    method: str
    measure: str
    null: float
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
    left_out: IntArray

    def __len__(self) -> int:
        return self.p.size

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
    null: float,
    numbers: dict[str, FloatArray],
    converged: BoolArray,
    used: IntArray,
    notes: IntArray,
    left_out: IntArray | None = None,
) -> TailResults:
    """Build the results; rows that did not converge get NaN.

    ``numbers`` holds estimate, ci_low, ci_high, statistic, p, p_less and p_greater, each (B,). The
    notes on those ``left_out`` (nobody, if not given) are added.
    """
    left_out = nobody(len(used)) if left_out is None else left_out
    kept = {name: np.where(converged, values, np.nan) for name, values in numbers.items()}
    return TailResults(
        method=method,
        measure=measure,
        null=null,
        **kept,
        converged=converged,
        used=used,
        notes=notes.astype(np.int64) | flags_of(left_out),
        left_out=left_out,
    )
