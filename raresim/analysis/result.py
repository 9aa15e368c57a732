"""What a comparison of two arms answers: one fit, or a batch of fits.

A fit that has no answer is data: ``converged`` is False, the numbers are NaN and a note says why.
"""

from dataclasses import dataclass
from typing import Literal, TypeVar

import numpy as np
from scipy.special import ndtr, stdtr, stdtrit

from raresim.analysis.arrays import BoolArray, FloatArray, IntArray
from raresim.analysis.left_out import flags_of, nobody
from raresim.analysis.notes import Note
from raresim.analysis.rows import one_row
from raresim.errors import InputError

CONFIDENCE = 0.95
NORMAL_975 = 1.959963984540054  # standard normal quantile at 0.975

Side = Literal["less", "greater"]
P = TypeVar("P", float, FloatArray)


@dataclass(frozen=True)
class Result:
    """The comparison of the treated with the control arm in one trial.

    Attributes
    ----------
    method
        The test or model.
    measure
        What ``estimate`` measures, treated relative to control.
    estimate, se
        Estimate and standard error; NaN if not converged.
    ci_low, ci_high
        95 % confidence limits.
    df
        Degrees of freedom of ``statistic``; infinite when it is compared with the normal.
    statistic
        estimate / se, positive when the treated arm is higher (or has more hazard).
    p
        Two-sided p-value.
    converged
        Whether there is an estimate.
    used
        Number of patients in the fit.
    notes
        Sentences to read with the numbers.
    left_out
        Number of patients of the table who are not in the fit; the notes say why.
    """

    method: str
    measure: str
    estimate: float
    se: float
    ci_low: float
    ci_high: float
    df: float
    statistic: float
    p: float
    converged: bool
    used: int
    notes: tuple[str, ...] = ()
    left_out: int = 0

    def p_one_sided(self, side: Side) -> float:
        """Give the p-value against 'the treated arm is not less (or not greater)'."""
        return float(_one_sided(np.array(self.statistic), np.array(self.df), side))

    def __repr__(self) -> str:
        """Show the numbers, then each note on its line."""
        if not self.converged:
            head = f"{self.method}: no {self.measure} from {self.used} patients"
        else:
            letter = "z" if np.isinf(self.df) else f"t({self.df:g})"
            head = (
                f"{self.method}: {self.measure} {self.estimate:.4g} "
                f"(95 % CI {self.ci_low:.4g} to {self.ci_high:.4g})\n  "
                f"se {self.se:.4g}, {letter} = {self.statistic:.4g}, p = {self.p:.4g}, "
                f"{self.used} patients"
            )
        return "\n  ".join((head, *self.notes))


@dataclass(frozen=True)
class Results:
    """The same comparison in B trials: the fields of `Result` as arrays of shape (B,).

    ``notes`` holds `Note` flags as integers, ``left_out`` the patients by reason (see `left_out`).
    """

    method: str
    measure: str
    estimate: FloatArray
    se: FloatArray
    ci_low: FloatArray
    ci_high: FloatArray
    df: FloatArray
    statistic: FloatArray
    p: FloatArray
    converged: BoolArray
    used: IntArray
    notes: IntArray
    left_out: IntArray

    def __len__(self) -> int:
        return self.estimate.size

    def row(self, b: int) -> Result:
        """Give the fit of row b alone."""
        return one_row(self, b, Result)

    def p_one_sided(self, side: Side) -> FloatArray:
        """Give the p-values against 'the treated arm is not less (or not greater)'.

        Parameters
        ----------
        side
            The alternative: "less" when a low value is the benefit (hazards, rates),
            "greater" when a high one is.

        Raises
        ------
        InputError
            If ``side`` is neither.
        """
        return _one_sided(self.statistic, self.df, side)


def check_side(side: str) -> None:
    """Refuse a side of a test that is neither of the two."""
    if side not in ("less", "greater"):
        raise InputError(f"side: found {side!r}; expected 'less' or 'greater'.")


def of_side(side: Side, less: P, greater: P) -> P:
    """Choose the p-value of a side."""
    check_side(side)
    return less if side == "less" else greater


def _one_sided(statistic: FloatArray, df: FloatArray, side: Side) -> FloatArray:
    check_side(side)
    return _lower_tail(statistic if side == "less" else -statistic, df)


def _lower_tail(statistic: FloatArray, df: FloatArray) -> FloatArray:
    normal = np.isinf(df)
    if normal.all():
        return np.asarray(ndtr(statistic))
    finite_df = np.where(normal | ~(df > 0.0), 1.0, df)
    tail: FloatArray = stdtr(finite_df, statistic)
    return np.where(normal, ndtr(statistic), tail) if normal.any() else tail


def wald_results(
    *,
    method: str,
    measure: str,
    estimate: FloatArray,
    se: FloatArray,
    converged: BoolArray,
    used: IntArray,
    notes: IntArray,
    df: FloatArray | None = None,
    null: float = 0.0,
    left_out: IntArray | None = None,
) -> Results:
    """Build the results of estimates compared with their standard errors.

    Rows that did not converge get NaN, and the note NOT_CONVERGED if no other reason stands.
    All arrays have shape (B,); without ``df`` the normal distribution is used. The notes on those
    ``left_out`` (nobody, if not given) are added.
    """
    answered = converged & np.isfinite(estimate) & np.isfinite(se) & (se > 0.0)
    left_out = nobody(len(used)) if left_out is None else left_out
    unexplained = (notes == 0) & (left_out[:, -1] == 0)  # lost strata are a reason
    notes = np.where(~answered & unexplained, int(Note.NOT_CONVERGED), notes)
    estimate = np.where(answered, estimate, np.nan)
    se = np.where(answered, se, np.nan)
    statistic = (estimate - null) / se
    if df is None:
        df = np.full(estimate.shape, np.inf)
        quantile = np.full(estimate.shape, NORMAL_975)
    else:
        quantile = stdtrit(np.where(df > 0.0, df, 1.0), 0.5 + CONFIDENCE / 2.0)
    return Results(
        method=method,
        measure=measure,
        estimate=estimate,
        se=se,
        ci_low=estimate - quantile * se,
        ci_high=estimate + quantile * se,
        df=df,
        statistic=statistic,
        p=2.0 * _lower_tail(-np.abs(statistic), df),
        converged=answered,
        used=used,
        notes=notes.astype(np.int64) | flags_of(left_out),
        left_out=left_out,
    )
