"""Counts of events in periods, compared within patients: Poisson regression given their totals."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from raresim.analysis.arrays import BoolArray, CodeArray, FloatArray, IntArray, ordered_sum
from raresim.analysis.crossover.periods import (
    check_contrast,
    check_shapes,
    number_of_treatments,
    observed,
    over_periods,
    patients_used,
)
from raresim.analysis.notes import Note
from raresim.analysis.result import Results, wald_results
from raresim.analysis.survival.small_matrices import inverse, quadratic, times
from raresim.errors import InputError

Variance = Literal["robust", "poisson"]
MOST_ITERATIONS = 50
TOLERANCE = 1e-10
LONGEST_STEP = 2.0  # coefficients are logarithms of ratios: a factor of 7 in one step is far
FARTHEST = 15.0  # a log ratio beyond this runs off to infinity
SMALL_TRIAL = 20  # informative patients; see tests/statistical/test_within_sizes.py
SPENT = 1e-9  # a column with less than this share of its information left is explained by others


def conditional_poisson(
    count: FloatArray,
    exposure: FloatArray,
    treatment: CodeArray,
    present: BoolArray,
    *,
    treated: int = 1,
    control: int = 0,
    periods: bool = True,
    variance: Variance = "robust",
) -> Results:
    """Estimate the log rate ratio of two treatments from counts in periods, within patients.

    Poisson regression with an effect of each patient, each period (unless ``periods`` is False)
    and each treatment, and offset log(exposure). Given each patient's total the patients' effects
    drop out (the counts are multinomial), and the estimate is the same as with a coefficient for
    each patient. It needs only the means to be right, not that counts vary as Poisson's do, if
    the variance is "robust": with s_i the score of patient i and I the information,
    I^-1 (sum s_i s_i') I^-1 times m/(m - k), compared with t of m - k degrees of freedom, m
    patients with events in two periods' time at least, k coefficients. "poisson" is I^-1,
    compared with the normal.

    Without period effects and with equal exposures in one period each, the rate ratio is the
    ratio of the treatments' totals, and its robust variance that of paired rates.

    Patients without events, or with one period only, tell nothing and are not counted as used.
    Periods and further treatments in which nobody had an event say nothing either: they are
    left aside.

    Parameters
    ----------
    count
        (B, n, P) events of each patient in each period, NaN if missing.
    exposure
        (B, n, P) time in which they were counted, any unit; 0 for none.
    treatment, present, treated, control
        As in `crossover_anova`.
    periods
        Whether periods have effects.
    variance
        "robust" or "poisson".

    Raises
    ------
    InputError
        If shapes do not fit, a treatment is compared with itself, or ``variance`` is unknown.

    References
    ----------
    Hausman J, Hall BH, Griliches Z. Econometrica 1984;52:909-938. Wooldridge JM. J Econometrics
    1999;90:77-97 (robust variance).

    Examples
    --------
    >>> import numpy as np
    >>> count = np.array([[[5, 2], [3, 1], [2, 2], [1, 4], [0, 2], [2, 5]]], dtype=float)
    >>> order = np.array([[[0, 1], [0, 1], [0, 1], [1, 0], [1, 0], [1, 0]]])
    >>> here = np.ones((1, 6), dtype=bool)
    >>> conditional_poisson(count, np.ones((1, 6, 2)), order, here).row(0)
    conditional Poisson regression (robust): log rate ratio -0.9962 \
(95 % CI -1.63 to -0.3624)
      se 0.2283, t(4) = -4.364, p = 0.01203, 6 patients
      Small trial: the size may not be the nominal; re-randomising the same statistic keeps it.
    """
    check_shapes(count, treatment, present)
    check_contrast(treated, control)
    if variance not in ("robust", "poisson"):
        raise InputError(f"variance: found {variance!r}; expected 'robust' or 'poisson'.")
    if exposure.shape != count.shape:
        raise InputError(f"exposure: found the shape {exposure.shape}; expected {count.shape}.")
    seen = observed(count, treatment, present) & (np.where(np.isnan(exposure), 0.0, exposure) > 0.0)
    y = np.where(seen, count, 0.0)
    arms = number_of_treatments(treatment, treated, control)
    used = _informative(y, seen, treatment, arms)
    y = np.where(used, y, 0.0)
    columns = _columns(used, treatment, treated, control, arms, periods)
    offset = np.where(used, np.log(np.where(used, exposure, 1.0)), 0.0)
    events = [
        ordered_sum(over_periods(np.where(treatment == code, y, 0.0))) for code in (control, treated)
    ]
    none, one = (events[0] + events[1] == 0.0), (events[0] * events[1] == 0.0)
    fit = _fit(y, offset, used, columns, ~one)
    patients = patients_used(used)
    df = (patients - fit.rank).astype(np.float64)
    spread = fit.variance
    robust = variance == "robust"
    enough = df > 0.0
    if robust:
        spread = fit.robust * patients / np.where(enough, df, 1.0)
    varies = spread > 0.0
    shown = fit.shown & ~one
    notes = (
        Note.NO_EVENTS * none
        + Note.NO_EVENTS_IN_ONE_ARM * (~none & one)
        + Note.NOT_WITHIN_PATIENTS * (~one & ~fit.shown)
        + Note.NOT_CONVERGED * (shown & ~fit.converged)
        + Note.TOO_FEW_PATIENTS * (shown & fit.converged & robust & ~enough)
        + Note.VARIANCE_NOT_ESTIMABLE * (shown & fit.converged & enough & ~varies)
        + Note.PERIODS_LEFT_OUT
        * np.any(present[:, :, None] & (treatment >= 0) & ~seen, axis=(1, 2))
        + Note.RERANDOMISE * (robust & (patients < SMALL_TRIAL))
    )
    return wald_results(
        method=f"conditional Poisson regression ({variance})",
        measure="log rate ratio",
        estimate=fit.slope,
        se=np.sqrt(spread),
        converged=shown & fit.converged & (enough | np.bool_(not robust)),
        used=patients,
        notes=notes,
        df=df if robust else None,
    )


def _informative(
    y: FloatArray, seen: BoolArray, treatment: CodeArray, arms: int
) -> BoolArray:
    """Keep what says something: patients with events and two periods that had events at all."""
    used = seen
    for _ in range(3):  # each step may take the last events of a period away
        patient = (over_periods(np.where(used, y, 0.0)) > 0.0) & (
            np.count_nonzero(used, axis=2) > 1
        )
        used = used & patient[:, :, None]
        here = np.where(used, y, 0.0)
        used = used & np.any(here > 0.0, axis=1)[:, None, :]
        for code in range(arms):
            mine = treatment == code
            used = used & ~(mine & ~np.any(mine & (here > 0.0), axis=(1, 2))[:, None, None])
    return used


def _columns(
    used: BoolArray, treatment: CodeArray, treated: int, control: int, arms: int, periods: bool
) -> FloatArray:
    """Give the indicators (B, n, P, k) of periods and treatments, that of the contrast last."""
    period = np.arange(treatment.shape[2])
    columns = [
        np.broadcast_to(period == p, treatment.shape) for p in range(1, period.size) if periods
    ]
    columns += [treatment == code for code in range(arms) if code not in (treated, control)]
    columns.append(treatment == treated)
    return np.where(used[..., None], np.stack(columns, axis=3), 0.0).astype(np.float64)


@dataclass(frozen=True)
class _Fit:
    """The last coefficient, its variances, the number of coefficients, and what went well."""

    slope: FloatArray
    variance: FloatArray
    robust: FloatArray
    rank: IntArray
    shown: BoolArray
    converged: BoolArray


def _fit(
    y: FloatArray, offset: FloatArray, used: BoolArray, columns: FloatArray, asked: BoolArray
) -> _Fit:
    rows, size = y.shape[0], columns.shape[3]
    beta = np.zeros((rows, size))
    _, start, _ = _derivatives(y, offset, used, columns, beta)
    live = _independent(start)
    converged = ~asked
    for _ in range(MOST_ITERATIONS):
        active = np.flatnonzero(~converged)
        if active.size == 0:
            break
        part = (y[active], offset[active], used[active], columns[active])
        score, information, _ = _derivatives(*part, beta[active])
        step = times(_inverse(information, live[active]), score)
        longest = np.max(np.abs(step), axis=1)
        step = step * np.minimum(1.0, LONGEST_STEP / np.maximum(longest, 1e-300))[:, None]
        beta[active] += step
        size_now = 1.0 + np.max(np.abs(beta[active]), axis=1)
        converged[active] = longest <= TOLERANCE * size_now
    _, information, meat = _derivatives(y, offset, used, columns, beta)
    back = _inverse(information, live)
    return _Fit(
        slope=beta[:, -1],
        variance=back[:, -1, -1],
        robust=quadratic(meat, back[:, -1, :]),
        rank=np.count_nonzero(live, axis=1),
        shown=live[:, -1],
        converged=converged & asked & (np.max(np.abs(beta), axis=1) < FARTHEST),
    )


def _derivatives(
    y: FloatArray, offset: FloatArray, used: BoolArray, columns: FloatArray, beta: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Give score (R, k), information (R, k, k) and the sum of patients' squared scores."""
    size = columns.shape[3]
    line = offset
    for j in range(size):
        line = line + columns[..., j] * beta[:, None, None, j]
    top = np.max(np.where(used, line, -np.inf), axis=2, initial=-1e300)
    weight = np.where(used, np.exp(np.where(used, line - top[..., None], 0.0)), 0.0)
    total = over_periods(weight)
    share = weight / np.where(total > 0.0, total, 1.0)[..., None]
    number = over_periods(y)
    mean = [over_periods(share * columns[..., j]) for j in range(size)]
    own = [over_periods(y * columns[..., j]) - number * mean[j] for j in range(size)]
    score = np.stack([ordered_sum(part) for part in own], axis=1)
    information = np.zeros((y.shape[0], size, size))
    meat = np.zeros((y.shape[0], size, size))
    for j in range(size):
        for m in range(j + 1):
            both = over_periods(share * columns[..., j] * columns[..., m]) - mean[j] * mean[m]
            information[:, j, m] = information[:, m, j] = ordered_sum(number * both)
            meat[:, j, m] = meat[:, m, j] = ordered_sum(own[j] * own[m])
    return score, information, meat


def _independent(information: FloatArray) -> BoolArray:
    """Say which columns have information that those before them do not explain, (R, k)."""
    left = information.copy()
    size = left.shape[1]
    live = np.zeros(left.shape[:2], dtype=np.bool_)
    for j in range(size):
        pivot = left[:, j, j].copy()
        live[:, j] = pivot > SPENT * np.maximum(information[:, j, j], 1e-300)
        factor = left[:, :, j] / np.where(live[:, j], pivot, 1.0)[:, None]
        taken = factor[:, :, None] * left[:, None, j, :]
        left = left - np.where(live[:, j, None, None], taken, 0.0)
    return live


def _inverse(information: FloatArray, live: BoolArray) -> FloatArray:
    """Invert the part of the live columns; zeros elsewhere."""
    both = live[:, :, None] & live[:, None, :]
    found, _ = inverse(np.where(both, information, np.eye(live.shape[1])))
    return np.where(both, found, 0.0)
