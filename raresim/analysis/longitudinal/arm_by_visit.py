"""The difference between two arms at a visit, by a mixed model for repeated measures."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from raresim.analysis.arrays import BoolArray, CodeArray, FloatArray, IntArray
from raresim.analysis.left_out import flags_of, left_out
from raresim.analysis.longitudinal.design import Layout
from raresim.analysis.longitudinal.inference import Degrees, Errors, check_choices
from raresim.analysis.longitudinal.mixed_models import (
    FALLBACKS,
    Coding,
    Stopping,
    check_method,
    check_stopping,
    checked,
    combined_results,
    title_of,
)
from raresim.analysis.longitudinal.named_structures import mmrm_start, structure
from raresim.analysis.longitudinal.prepared import prepare
from raresim.analysis.notes import Note
from raresim.analysis.result import Results
from raresim.errors import InputError

SMALL_ARM = 20  # patients; see the sizes in `mmrm`
SMALL_ARM_BOLD = 50  # with the same start, or second derivatives of Kenward and Roger


def mmrm(
    outcome: FloatArray,
    baseline: FloatArray,
    arm: CodeArray,
    present: BoolArray,
    *,
    at_visit: int = -1,
    by_visit: Sequence[bool] | None = None,
    covariance: str | Sequence[str] = FALLBACKS,
    method: str = "REML",
    df: Degrees = "satterthwaite",
    standard_errors: Errors = "model",
    by_arm: bool = False,
    weights: FloatArray | None = None,
    same_start: bool = False,
    stopping: Stopping = "maximum",
) -> Results:
    """Estimate the difference in means at a visit, treated minus control.

    Means of the m visits by arm, covariates with one coefficient for all visits or one for
    each, and a covariance of the visits; the contrast is that of the arm means at
    ``at_visit``. With one visit it is the analysis of covariance.

    The default chain of covariances is unstructured, heterogeneous Toeplitz, heterogeneous
    AR(1), compound symmetry: each next one is nested in, or has far fewer parameters than, the
    one before, so that a trial too small for m(m + 1)/2 covariances still gets a fit, and the
    last one has two parameters only. A row takes the next structure only if the fit before did
    not converge or its information was singular, never because a p-value was larger: the size
    of the whole chain is what the simulations below show.

    Simulated two-sided size in per cent at the nominal 5 %, the whole chain, total n in two
    equal arms, four visits after baseline, drop-out that follows scores, baseline by visit
    (1,000 trials each, Monte Carlo se 0.7; range over normal, skewed and bounded whole-number
    scores; ``python -m tests.statistical.sizes_longitudinal 10000`` runs more):

        total n                          12         20         40         60
        satterthwaite             5.6 - 6.2  5.0 - 5.8  4.5 - 5.8  4.7 - 5.9
        kenward-roger             8.5 - 9.7  6.4 - 8.7  5.5 - 6.7  5.5 - 6.6
        kenward-roger-linear      4.9 - 5.4  4.6 - 5.1  4.3 - 5.6  4.5 - 5.9
        same start, satterthwaite 9.0 - 9.8  6.5 - 7.8  5.6 - 6.6  5.6 - 6.5

    "kenward-roger" takes second derivatives in the parameters of R's mmrm, as that does by
    default, and is the boldest; the linear variant is that of SAS and the one for few
    patients. With fewer than 20 patients in an arm (50 with "kenward-roger" or the same start,
    which are bolder) the note SIZE_ABOVE_NOMINAL is attached. At n = 12 the unstructured covariance
    could not be fitted in 2 to 3 % of the trials.

    Parameters
    ----------
    outcome
        (B, n, m) outcomes, or changes from baseline, NaN if missing.
    baseline
        (B, n, q) covariates of patients, or (B, n, m, q) if they change from visit to visit;
        patients (visits) with a missing one are left out. q may be 0.
    arm
        (B, n) 0 control, 1 treated.
    present
        (B, n) False for padding.
    at_visit
        Position of the visit, the last one by default.
    by_visit
        For each covariate whether it has a coefficient for each visit; by default all have.
    covariance, method, df, standard_errors, weights
        As in `mixed_models`.
    by_arm
        Whether each arm has a covariance of its own.
    same_start
        Whether the first visit is the baseline and the arms have the same mean there:
        constrained longitudinal data analysis. Covariates by visit then belong to the later
        visits only.
    stopping
        "maximum", or for a batch of one "mmrm": where R's mmrm stops; see `mmrm` of a table.

    Raises
    ------
    InputError
        If a name is not known, or the choices do not go together.

    References
    ----------
    Mallinckrodt CH et al. Drug Inf J 2008;42:303-319. Lu K, Mehrotra DV. Stat Med
    2010;29:474-488 (why unstructured comes first). Liang KY, Zeger SL. Sankhya B
    2000;62:134-148 (the same start).

    Examples
    --------
    >>> import numpy as np
    >>> outcome = np.array([[[1.0, 2.0], [0.5, 1.1], [0.2, 0.4], [2.0, 3.5], [1.8, 2.2],
    ...                      [2.4, 3.1], [1.4, np.nan], [1.1, 2.9]]])
    >>> arm = np.array([[0, 0, 0, 0, 1, 1, 1, 1]])
    >>> baseline = np.array([[[3.0], [2.0], [2.5], [4.0], [3.1], [3.6], [2.7], [2.0]]])
    >>> present = np.ones((1, 8), dtype=bool)
    >>> mmrm(outcome, baseline, arm, present, by_visit=[False], covariance="cs").row(0)
    MMRM (compound symmetry): difference in means at a visit 0.9393 (95 % CI -0.08395 to 1.963)
      se 0.4495, t(8.64118) = 2.09, p = 0.06748, 8 patients
      Small trial: this asymptotic test can exceed its nominal size; re-randomisation keeps it.
    """
    check_method(method)
    check_choices(df, standard_errors, method == "REML")
    check_stopping(stopping)
    if stopping == "mmrm" and outcome.shape[0] != 1:
        raise InputError("stopping: found 'mmrm' for many tables; expected a batch of one.")
    visits, q = outcome.shape[2], baseline.shape[-1]
    if not -visits <= at_visit < visits:
        raise InputError(f"at_visit: found {at_visit}; expected a position among {visits} visits.")
    each = [True] * q if by_visit is None else list(by_visit)
    if len(each) != q:
        raise InputError(f"by_visit: found {len(each)} entries; expected {q}, one a covariate.")
    changing = baseline.ndim == 4 or weights is not None
    gone = missing_covariates(baseline, outcome)
    known = np.where(gone, np.nan, outcome)
    covariates = with_arm(np.where(np.isnan(baseline), 0.0, baseline), arm, visits, changing)
    cells = cell_layout(visits, each, changing, same_start)
    plain = treatment_layout(visits, each, changing, same_start)
    where = at_visit % visits
    if same_start and where == 0:
        raise InputError("at_visit: found the first visit; expected one after the same start.")
    contrast = np.zeros(cells.coefficients)
    contrast[visits + where - same_start] = 1.0
    other = np.zeros(plain.coefficients)
    other[1 + q] = float(not same_start)
    if where > 0:
        other[plain.coefficients - visits + where] = 1.0
    _, chain = checked(outcome, covariates, cells, covariance)
    group = np.where(present, arm, 0).astype(np.int64) if by_arm else None
    data = prepare(known, covariates, cells, present, group, 2 if by_arm else 1, weights)
    starts = [np.tile(mmrm_start(name, visits), data.groups) for name in chain]
    found = combined_results(
        data,
        [structure(name, visits) for name in chain],
        contrast,
        method=method,
        df=df,
        standard_errors=standard_errors,
        title=title_of(chain, method, df, standard_errors),
        measure="difference in means at a visit",
        coding=Coding(plain, other),
        starts=starts if stopping == "mmrm" else None,
    )
    small = SMALL_ARM_BOLD if same_start or df == "kenward-roger" else SMALL_ARM
    return with_notes(found, data.seen, arm, present, outcome, gone, small=small)


def missing_covariates(baseline: FloatArray, outcome: FloatArray) -> BoolArray:
    """Return the observations (B, n, m) that lack a covariate."""
    missing = np.any(np.isnan(baseline), axis=-1)
    return np.broadcast_to(missing if baseline.ndim == 4 else missing[:, :, None], outcome.shape)


def with_arm(baseline: FloatArray, arm: CodeArray, visits: int, changing: bool) -> FloatArray:
    """Put a constant and the arm before the covariates."""
    treated = (arm == 1).astype(np.float64)
    own = np.stack([np.ones_like(treated), treated], axis=2)
    if not changing:
        return np.concatenate([own, baseline], axis=2)
    if baseline.ndim == 3:
        baseline = np.repeat(baseline[:, :, None], visits, axis=2)
    return np.concatenate([np.repeat(own[:, :, None], visits, axis=2), baseline], axis=3)


def cell_layout(
    visits: int, by_visit: Sequence[bool], changing: bool, same_start: bool = False
) -> Layout:
    """Return the design with a mean of the controls and a difference for each visit.

    With the same start there is no difference, and no covariate by visit, at the first one.
    """
    skip = 1 if same_start else 0
    columns = 2 * visits - skip + sum(visits - skip if each else 1 for each in by_visit)
    table = np.zeros((visits, 2 + len(by_visit), columns))
    at, later = np.arange(visits), np.arange(skip, visits)
    table[at, 0, at] = 1.0
    table[later, 1, visits + later - skip] = 1.0
    used = 2 * visits - skip
    for a, each in enumerate(by_visit):
        if each:
            table[later, 2 + a, used + later - skip] = 1.0
        else:
            table[at, 2 + a, used] = 1.0
        used += visits - skip if each else 1
    return Layout(table, changing)


def treatment_layout(
    visits: int, by_visit: Sequence[bool], changing: bool, same_start: bool = False
) -> Layout:
    """Return the same design as R codes it: the first visit and the controls as reference.

    Columns: intercept, covariates, arm, visits, covariates by visit, arm by visit. With the
    same start there is a column for the arm, of zeros, that no combination involves.
    """
    q, later = len(by_visit), np.arange(1, visits)
    steps = visits - 1
    columns = 2 + q + steps * (2 + sum(by_visit))
    table = np.zeros((visits, 2 + q, columns))
    table[:, 0, 0] = 1.0
    for a, each in enumerate(by_visit):
        if not (same_start and each):
            table[:, 2 + a, 1 + a] = 1.0
    if not same_start:
        table[:, 1, 1 + q] = 1.0
    used = 2 + q
    table[later, 0, used + later - 1] = 1.0
    used += steps
    for a, each in enumerate(by_visit):
        if each:
            table[later, 2 + a, used + later - 1] = 1.0
            used += steps
    table[later, 1, used + later - 1] = 1.0
    return Layout(table, changing)


def with_notes(
    found: Results,
    seen: BoolArray,
    arm: CodeArray,
    present: BoolArray,
    outcome: FloatArray,
    gone: BoolArray,
    *,
    thin_matters: bool = True,
    small: int = SMALL_ARM,
) -> Results:
    """Add what is to be said of arms, visits and missing values."""
    treated = (arm == 1)[:, :, None]
    by_control = np.count_nonzero(seen & ~treated, axis=1)
    by_treated = np.count_nonzero(seen & treated, axis=1)
    anyone = np.any(seen, axis=2)
    controls = np.count_nonzero(anyone & (arm != 1), axis=1)
    actives = np.count_nonzero(anyone & (arm == 1), axis=1)
    both = (controls > 0) & (actives > 0)
    thin = np.any((by_control == 0) | (by_treated == 0), axis=1)
    unseen = present & np.all(np.isnan(outcome), axis=2)
    lost = np.any(present & np.any(gone & ~np.isnan(outcome), axis=2), axis=1)
    left = left_out(outcome=unseen, covariate=present & ~anyone)
    notes: IntArray = (
        found.notes
        | Note.ONE_ARM_EMPTY * ~both
        | Note.VISIT_WITHOUT_AN_ARM * (both & thin & thin_matters)
        | flags_of(left)
        | Note.MISSING_COVARIATE_DROPPED * lost
        | Note.SIZE_ABOVE_NOMINAL * (found.converged & (np.minimum(controls, actives) < small))
    )
    return replace(found, notes=notes.astype(np.int64), left_out=left)
