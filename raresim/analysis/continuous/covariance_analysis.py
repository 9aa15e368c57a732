"""Analysis of covariance: the difference in a mean outcome, adjusted for baseline covariates."""

import numpy as np

from raresim.analysis.arrays import (
    BoolArray,
    CodeArray,
    FloatArray,
    IntArray,
    ordered_sum,
    patients_per_arm,
)
from raresim.analysis.notes import Note
from raresim.analysis.result import Results, wald_results

COLLINEAR = 1e-10  # a column is spent when this fraction of its length is left


def ancova(
    outcome: FloatArray,
    baseline: FloatArray,
    arm: CodeArray,
    present: BoolArray,
) -> Results:
    """Estimate the adjusted difference in mean outcome, treated minus control.

    Ordinary least squares of the outcome on an intercept, the arm and p covariates; t with
    n - p - 2 degrees of freedom. The columns are centred and made orthogonal one after the
    other, the arm last: with a the part of the arm that no covariate explains, the difference
    is (a'y)/(a'a) and its variance RSS/(n - p - 2)/(a'a).

    The test is exact for normal errors of equal variance (simulated size 4.9 to 5.2 % at total
    n = 12 to 200, 100,000 trials each, Monte Carlo se 0.07).

    Parameters
    ----------
    outcome
        (B, n) change from baseline (or final value: the difference is the same if the baseline
        is a covariate), NaN if missing.
    baseline
        (B, n, p) covariates, NaN if missing; p may be 0.
    arm
        (B, n) 0 control, 1 treated.
    present
        (B, n) False for padding.

    References
    ----------
    Golub GH, Van Loan CF. Matrix Computations, 4th ed 2013, section 5.2.8 (modified
    Gram-Schmidt). Senn S. Stat Med 2006;25:4334-4344.

    Examples
    --------
    >>> import numpy as np
    >>> baseline = np.array([[[10.0], [12.0], [14.0], [11.0], [13.0], [15.0]]])
    >>> outcome = np.array([[1.0, 1.5, 1.4, 2.0, 2.6, 2.8]])
    >>> arm = np.array([[0, 0, 0, 1, 1, 1]])
    >>> ancova(outcome, baseline, arm, np.ones((1, 6), dtype=bool)).row(0)
    analysis of covariance: adjusted mean difference 1.017 (95 % CI 0.4583 to 1.575)
      se 0.1755, t(3) = 5.794, p = 0.01023, 6 patients
    """
    no_outcome = present & np.isnan(outcome)
    no_covariate = present & np.any(np.isnan(baseline), axis=2)
    used = present & ~no_outcome & ~no_covariate
    number = np.count_nonzero(used, axis=1)
    df = (number - baseline.shape[2] - 2).astype(np.float64)
    estimate, own, rss, regular = _least_squares(outcome, baseline, arm, used)
    enough = df > 0.0
    exact = ~(rss > 0.0)
    notes = _notes(arm, used, enough, regular, exact)
    notes += Note.MISSING_OUTCOME_DROPPED * np.any(no_outcome, axis=1)
    notes += Note.MISSING_COVARIATE_DROPPED * np.any(no_covariate, axis=1)
    return wald_results(
        method="analysis of covariance",
        measure="adjusted mean difference",
        estimate=estimate,
        se=np.sqrt(rss / np.where(enough, df, 1.0) / own),
        converged=enough & regular & ~exact,
        used=number,
        notes=notes,
        df=df,
    )


def _least_squares(
    outcome: FloatArray, baseline: FloatArray, arm: CodeArray, used: BoolArray
) -> tuple[FloatArray, FloatArray, FloatArray, BoolArray]:
    """Give the difference, a'a, the residual sum of squares and whether all columns counted."""
    columns = [np.where(used, baseline[:, :, j], 0.0) for j in range(baseline.shape[2])]
    columns.append(np.where(used, arm, 0).astype(np.float64))
    lengths = [ordered_sum(column * column) for column in columns]
    columns = [_centred(column, used) for column in columns]
    y = _centred(np.where(used, outcome, 0.0), used)
    total = ordered_sum(y * y)
    regular = np.ones(outcome.shape[0], dtype=np.bool_)
    slope = own = np.ones(outcome.shape[0])
    for i, column in enumerate(columns):
        own = ordered_sum(column * column)
        left = own > COLLINEAR**2 * lengths[i]
        regular &= left
        own = np.where(left, own, 1.0)
        slope = ordered_sum(column * y) / own
        y = y - slope[:, None] * column
        for j in range(i + 1, len(columns)):
            shared = ordered_sum(column * columns[j]) / own
            columns[j] = columns[j] - shared[:, None] * column
    rss = ordered_sum(y * y)
    return slope, own, np.where(rss > COLLINEAR**2 * total, rss, 0.0), regular


def _centred(values: FloatArray, used: BoolArray) -> FloatArray:
    """Subtract the mean of the used values from them; the others are 0 and stay so."""
    mean = ordered_sum(values) / np.maximum(np.count_nonzero(used, axis=1), 1)
    return np.where(used, values - mean[:, None], 0.0)


def _notes(
    arm: CodeArray,
    used: BoolArray,
    enough: BoolArray,
    regular: BoolArray,
    exact: BoolArray,
) -> IntArray:
    controls, treated = patients_per_arm(arm, used)
    both = (controls > 0) & (treated > 0)
    notes: IntArray = (
        Note.ONE_ARM_EMPTY * ~both
        + Note.TOO_FEW_PATIENTS * (both & ~enough)
        + Note.SINGULAR_DESIGN * (both & enough & ~regular)
        + Note.NO_RESIDUAL_VARIATION * (both & enough & regular & exact)
    )
    return notes
