"""Least squares with effects of patients, periods and treatments, and of carry-over."""

from typing import Literal

import numpy as np

from raresim.analysis.arrays import BoolArray, CodeArray, FloatArray, ordered_sum
from raresim.analysis.continuous.covariance_analysis import least_squares
from raresim.analysis.crossover.periods import (
    check_contrast,
    check_shapes,
    comparable,
    left_out_of,
    number_of_treatments,
    observed,
    over_periods,
    patients_used,
    previous,
    within_patients,
)
from raresim.analysis.notes import Note
from raresim.analysis.result import Results, wald_results
from raresim.errors import InputError

Contrast = Literal["treatment", "carry-over"]
ROUNDING = 1e-13  # outcomes that vary within patients by less than this share are constant


def crossover_anova(
    outcome: FloatArray,
    treatment: CodeArray,
    present: BoolArray,
    *,
    treated: int = 1,
    control: int = 0,
    carry_over: bool = False,
    contrast: Contrast = "treatment",
) -> Results:
    """Estimate the difference in mean outcome between two treatments of a cross-over trial.

    Ordinary least squares with a fixed effect of each patient, of each period and of each
    treatment (SAS: PROC GLM with the patient in the model; R: ``lm(y ~ patient + period +
    treatment)``); t with the residual degrees of freedom: periods with an outcome, less patients,
    less the independent columns. In AB/BA it is the t-test of Hills and Armitage: half the
    difference between the two sequences in the mean difference of the periods.

    With ``carry_over`` the treatment of the period before has an effect too (first order, that
    of the control being 0, none in the first period). In AB/BA it cannot be told apart from the
    treatment within patients and there is no answer (note NOT_WITHIN_PATIENTS); testing for it
    first and falling back on the first period does not keep the level (Freeman 1989).

    Patients are fixed effects, so that all is within them: what patients with missing periods
    tell between patients is not recovered (a mixed model does that). Errors are taken as
    independent and of equal variance. If patients differ in their treatment effect and have
    several periods on each treatment, use `crossover_t`. Simulated two-sided size in per cent
    at the nominal 5 % in AB/BA, n = 12, 20, 40 and 60 (20,000 trials, Monte Carlo se 0.15): 5.1,
    5.0, 4.8, 4.9 with normal errors, 3.3, 3.8, 4.1, 4.4 with lognormal ones, and 4.8, 5.3, 4.9, 5.1
    for one of five categories; in a Williams design of four treatments 4.0 to 5.3.

    Parameters
    ----------
    outcome
        (B, n, P) outcome of each patient in each period, NaN if missing.
    treatment
        (B, n, P) number of the treatment from 0; -1 where none was given (left out).
    present
        (B, n) False for padding.
    treated, control
        Numbers of the two treatments to compare.
    carry_over
        Whether to fit carry-over.
    contrast
        "treatment", or "carry-over": the difference in carry-over after the two.

    Raises
    ------
    InputError
        If shapes do not fit, a treatment is compared with itself, or ``contrast`` is unknown.

    References
    ----------
    Hills M, Armitage P. Br J Clin Pharmacol 1979;8:7-20. Jones B, Kenward MG. Design and Analysis
    of Cross-Over Trials, 3rd ed 2014, chapters 2 and 5. Freeman PR. Stat Med 1989;8:1421-1432.

    Examples
    --------
    >>> import numpy as np
    >>> outcome = np.array([[[1.0, 2.5], [2.0, 3.1], [4.0, 2.2], [3.0, 2.4]]])
    >>> order = np.array([[[0, 1], [0, 1], [1, 0], [1, 0]]])
    >>> crossover_anova(outcome, order, np.ones((1, 4), dtype=bool)).row(0)
    cross-over analysis of variance: mean difference 1.25 (95 % CI -0.1106 to 2.611)
      se 0.3162, t(2) = 3.953, p = 0.05845, 4 patients
    """
    check_shapes(outcome, treatment, present)
    check_contrast(treated, control)
    if contrast not in ("treatment", "carry-over"):
        raise InputError(f"contrast: found {contrast!r}; expected 'treatment' or 'carry-over'.")
    seen = observed(outcome, treatment, present)
    used = comparable(seen)
    flat = (outcome.shape[0], outcome.shape[1] * outcome.shape[2])
    columns = [
        within_patients(column.astype(np.float64), used).reshape(flat)
        for column in _columns(treatment, treated, control, carry_over, contrast)
    ]
    y = np.where(used, outcome, 0.0)
    apart = within_patients(y, used)
    sizes = [ordered_sum(over_periods(values * values)) for values in (apart, y)]
    varies = sizes[0] > ROUNDING**2 * sizes[1]
    apart = np.where(varies[:, None, None], apart, 0.0).reshape(flat)
    fit = least_squares(apart, columns, used.reshape(flat))
    patients = patients_used(used)
    rank = np.add.reduce(np.stack(fit.counted), axis=0)
    df = (np.count_nonzero(used, axis=(1, 2)) - patients - rank).astype(np.float64)
    shown, enough, apart_from_fit = fit.counted[-1], df > 0.0, fit.rss > 0.0
    notes = (
        Note.NOT_WITHIN_PATIENTS * ~shown
        + Note.TOO_FEW_PATIENTS * (shown & ~enough)
        + Note.NO_RESIDUAL_VARIATION * (shown & enough & ~apart_from_fit)
        + Note.MISSING_OUTCOME_DROPPED * _left_out(seen, used, present, treatment)
    )
    return wald_results(
        method="cross-over analysis of variance" + (" with carry-over" if carry_over else ""),
        measure="mean difference" if contrast == "treatment" else "difference in carry-over",
        estimate=fit.slope,
        se=np.sqrt(fit.rss / np.where(enough, df, 1.0) / fit.length),
        converged=shown & enough & apart_from_fit,
        used=patients,
        notes=notes,
        df=df,
        left_out=left_out_of(used, seen, treatment, present),
    )


def _columns(
    treatment: CodeArray, treated: int, control: int, carry_over: bool, contrast: Contrast
) -> list[BoolArray]:
    """Give the indicators of periods, treatments and carry-over; the one of the contrast last."""
    period = np.arange(treatment.shape[2])
    columns = [np.broadcast_to(period == p, treatment.shape) for p in range(1, period.size)]
    others = [
        code
        for code in range(number_of_treatments(treatment, treated, control))
        if code not in (treated, control)
    ]
    columns += [treatment == code for code in others]
    now, then = [treatment == treated], []
    if carry_over or contrast == "carry-over":
        before = previous(treatment)
        columns += [before == code for code in others]
        then = [before == treated]
    return columns + (then + now if contrast == "treatment" else now + then)


def _left_out(
    seen: BoolArray, used: BoolArray, present: BoolArray, treatment: CodeArray
) -> BoolArray:
    planned = present[:, :, None] & (treatment >= 0)
    found: BoolArray = np.any(planned & ~(seen & used), axis=(1, 2))
    return found
