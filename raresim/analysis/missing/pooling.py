"""Rubin's rules: one answer from several imputed data sets."""

import numpy as np

from raresim.analysis.arrays import BoolArray, FloatArray, IntArray, ordered_sum
from raresim.analysis.notes import Note
from raresim.analysis.result import Results, wald_results


def rubin(
    estimate: FloatArray,
    se: FloatArray,
    df_complete: FloatArray,
    *,
    answered: BoolArray | None = None,
    measure: str = "estimate",
    used: IntArray | None = None,
    notes: IntArray | None = None,
    left_out: IntArray | None = None,
) -> Results:
    """Pool the estimates of M imputed data sets.

    With Q the mean estimate, W the mean squared standard error and V the variance of the estimates
    (divisor M - 1), the total variance is T = W + (1 + 1/M) V. Degrees of freedom are those of
    Barnard & Rubin: with lambda = (1 + 1/M) V / T, df_old = (M - 1) / lambda² and
    df_obs = (df + 1)/(df + 3) df (1 - lambda), 1 / (1/df_old + 1/df_obs); with infinite df of the
    complete data, Rubin's df_old.

    Parameters
    ----------
    estimate, se
        (B, M) of each imputed data set.
    df_complete
        (B,) degrees of freedom of the analysis had nothing been missing; infinite for a normal.
    answered
        (B, M) imputations that have an estimate; the others are left out, with the note
        REFIT_FAILED. At least two have to stay.
    measure, used, notes, left_out
        Passed on to the results; ``used`` and ``notes`` (B,), ``left_out`` as `left_out` counts.

    References
    ----------
    Rubin DB. Multiple Imputation for Nonresponse in Surveys 1987. Barnard J, Rubin DB. Biometrika
    1999;86:948-955.

    Examples
    --------
    >>> rubin(np.array([[1.0, 2.0, 3.0]]), np.ones((1, 3)), np.array([20.0])).row(0)
    multiple imputation: estimate 2 (95 % CI -2.53 to 6.53)
      se 1.528, t(3.43592) = 1.309, p = 0.2711, 0 patients
    """
    kept = np.isfinite(estimate) & np.isfinite(se)
    if answered is not None:
        kept = kept & answered
    number = np.count_nonzero(kept, axis=1)
    enough = number >= 2
    m = np.where(enough, number, 2).astype(np.float64)
    mean = ordered_sum(np.where(kept, estimate, 0.0)) / m
    within = ordered_sum(np.where(kept, se * se, 0.0)) / m
    far = np.where(kept, estimate - mean[:, None], 0.0)
    between = (1.0 + 1.0 / m) * ordered_sum(far * far) / (m - 1.0)
    total = within + between
    found = np.zeros(len(mean), dtype=np.int64) if notes is None else notes.copy()
    found |= Note.REFIT_FAILED * (number < estimate.shape[1])
    return wald_results(
        method="multiple imputation",
        measure=measure,
        estimate=mean,
        se=np.sqrt(total),
        converged=enough & (total > 0.0),
        used=np.zeros(len(mean), dtype=np.int64) if used is None else used,
        notes=found,
        left_out=left_out,
        df=_barnard_rubin(between, total, m, df_complete),
    )


def _barnard_rubin(
    between: FloatArray, total: FloatArray, m: FloatArray, complete: FloatArray
) -> FloatArray:
    missing = between / np.where(total > 0.0, total, 1.0)
    old = (m - 1.0) / np.where(missing > 0.0, missing, 1.0) ** 2
    old = np.where(missing > 0.0, old, np.inf)
    finite = np.where(np.isfinite(complete), complete, 1.0)
    observed = (finite + 1.0) / (finite + 3.0) * finite * (1.0 - missing)
    observed = np.where(observed > 0.0, observed, np.finfo(np.float64).tiny)
    df: FloatArray = np.where(np.isfinite(complete), 1.0 / (1.0 / old + 1.0 / observed), old)
    return df
