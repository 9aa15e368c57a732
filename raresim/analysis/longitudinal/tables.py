"""Repeated measures of one table of patients."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from raresim.analysis.columns import numbers, require, several
from raresim.analysis.left_out import flags_of
from raresim.analysis.longitudinal import arm_by_visit as kernel
from raresim.analysis.longitudinal import progression, slopes
from raresim.analysis.longitudinal.inference import Degrees, Errors
from raresim.analysis.longitudinal.mixed_models import FALLBACKS, Stopping
from raresim.analysis.longitudinal.visit_table import VisitTable, read_visits
from raresim.analysis.notes import Note
from raresim.analysis.result import Result, Results

if TYPE_CHECKING:
    import pandas as pd


def mmrm(
    data: "pd.DataFrame",
    *,
    outcome: str,
    visit: str,
    subject: str,
    arm: str,
    control: object,
    covariates: Sequence[str] = (),
    by_visit: Sequence[str] = (),
    covariance: str | Sequence[str] = FALLBACKS,
    method: str = "REML",
    df: Degrees = "satterthwaite",
    standard_errors: Errors = "model",
    by_arm: bool = False,
    weights: str | None = None,
    at_visit: object = None,
    same_start: bool = False,
    stopping: Stopping = "maximum",
) -> Result:
    """Estimate the difference in means at a visit by a mixed model; see `batch.mmrm`.

    Fitted to the maximum of the likelihood, which R's mmrm stops short of: its optimiser ends when
    a step gains less than 4e-9 of the likelihood, and estimates can then still move by some 1e-4
    of their standard errors. With ``stopping="mmrm"`` its output comes out digit by digit.

    Parameters
    ----------
    data
        One row for each patient and visit; visits may be missing.
    outcome
        Column of the outcome, or of its change from baseline; may be missing.
    visit
        Column of the visit; in the order of its categories, or sorted.
    subject
        Column that tells the patients apart.
    arm, control
        As in `logrank`.
    covariates
        Columns with one coefficient for all visits; what is not a number is a category.
    by_visit
        Columns with a coefficient for each visit.
    covariance, method, df, standard_errors
        As in `batch.mixed_models`.
    by_arm
        Whether each arm has a covariance of its own.
    weights
        Column of weights, if any.
    at_visit
        The visit of the difference, the last one by default.
    same_start
        Whether the first visit is the baseline, with the same mean in both arms: constrained
        longitudinal data analysis.
    stopping
        "maximum", as far as rounding lets it be found; "mmrm" starts and stops as R's mmrm 0.3
        does, for comparisons with its output.

    Raises
    ------
    InputError
        If a column is missing or holds values that do not fit, or choices do not go together.

    References
    ----------
    Mallinckrodt CH et al. Drug Inf J 2008;42:303-319.

    Examples
    --------
    >>> import pandas as pd
    >>> rows = [("a", 1, 3.1), ("a", 2, 4.2), ("b", 1, 2.5), ("b", 2, 2.9), ("c", 1, 4.0),
    ...         ("c", 2, 4.4), ("d", 1, 5.0), ("d", 2, 6.8), ("e", 1, 4.1), ("e", 2, 5.5),
    ...         ("f", 1, 4.9), ("g", 1, 3.0), ("g", 2, 3.3), ("h", 1, 6.1), ("h", 2, 7.7)]
    >>> data = pd.DataFrame(rows, columns=["who", "week", "score"])
    >>> data["drug"] = data["who"].isin(list("defh"))
    >>> mmrm(data, outcome="score", visit="week", subject="who", arm="drug", control=False)
    MMRM (unstructured): difference in means at a visit 2.923 (95 % CI 1.486 to 4.36)
      se 0.5918, t(6.1973) = 4.939, p = 0.002378, 8 patients
      Small trial: this asymptotic test can exceed its nominal size; re-randomisation keeps it.
      Measured size of this test at the nominal 5 %, 12 to 60 patients: 3.5 to 10.2 %.
    """
    table = read_visits(
        data,
        outcome=outcome,
        visit=visit,
        subject=subject,
        arm=arm,
        control=control,
        covariates=several(covariates),
        by_visit=several(by_visit),
        weights=weights,
    )
    found = kernel.mmrm(
        table.outcome[None],
        table.covariates[None],
        table.arm[None],
        np.ones((1, len(table.subjects)), dtype=np.bool_),
        at_visit=table.position(at_visit),
        by_visit=table.by_visit,
        covariance=covariance,
        method=method,
        df=df,
        standard_errors=standard_errors,
        by_arm=by_arm,
        weights=None if table.weights is None else table.weights[None],
        same_start=same_start,
        stopping=stopping,
    )
    return _told(found, table)


def random_slope(
    data: "pd.DataFrame",
    *,
    outcome: str,
    time: str,
    subject: str,
    arm: str,
    control: object,
    covariates: Sequence[str] = (),
    same_start: bool = False,
    method: str = "REML",
    df: Degrees = "satterthwaite",
    standard_errors: Errors = "model",
) -> Result:
    """Estimate the difference in mean slopes over time; see `batch.random_slope`.

    Parameters
    ----------
    data
        One row for each patient and time.
    outcome
        Column of the outcome; may be missing.
    time
        Column of scheduled times, numbers: patients share them (each different time is a
        visit, so give the planned day, not the actual one).
    subject, arm, control, covariates
        As in `mmrm`.
    same_start, method, df, standard_errors
        As in `batch.random_slope`.

    Raises
    ------
    InputError
        If a column is missing or holds values that do not fit.

    References
    ----------
    Laird NM, Ware JH. Biometrics 1982;38:963-974.

    Examples
    --------
    >>> import pandas as pd
    >>> slopes = {"a": -2.0, "b": -1.6, "c": -2.3, "d": -0.9, "e": -1.2, "f": -0.7}
    >>> wave = [0.2, -0.3, 0.0, 0.1]
    >>> rows = [
    ...     (who, t, 50.0 + slope * t + (wave[t] if who in "ace" else -wave[t]))
    ...     for who, slope in slopes.items()
    ...     for t in range(4)
    ... ]
    >>> data = pd.DataFrame(rows, columns=["who", "year", "score"])
    >>> data["drug"] = data["who"].isin(list("def"))
    >>> random_slope(data, outcome="score", time="year", subject="who", arm="drug", control=False)
    random slopes: difference in slopes 1.033 (95 % CI 0.3493 to 1.717)
      se 0.2583, t(4.55349) = 4, p = 0.01246, 6 patients
      Small trial: this asymptotic test can exceed its nominal size; re-randomisation keeps it.
      Measured size of this test at the nominal 5 %, 12 to 60 patients: 2.9 to 5.3 %.
    """
    require(data, (time,))
    numbers(data, time, least=-np.inf)
    table = read_visits(
        data,
        outcome=outcome,
        visit=time,
        subject=subject,
        arm=arm,
        control=control,
        covariates=several(covariates),
    )
    found = slopes.random_slope(
        table.outcome[None],
        np.array(table.visits, dtype=np.float64),
        table.covariates[None],
        table.arm[None],
        np.ones((1, len(table.subjects)), dtype=np.bool_),
        same_start=same_start,
        method=method,
        df=df,
        standard_errors=standard_errors,
    )
    return _told(found, table)


def proportional_slowing(
    data: "pd.DataFrame",
    *,
    outcome: str,
    visit: str,
    subject: str,
    arm: str,
    control: object,
    covariance: str | Sequence[str] = FALLBACKS,
    method: str = "REML",
) -> Result:
    """Estimate the share of the controls' change averted; see `batch.proportional_slowing`.

    Parameters
    ----------
    data
        One row for each patient and visit; the first visit is the baseline.
    outcome
        Column of the outcome itself, not its change; may be missing.
    visit, subject, arm, control
        As in `mmrm`.
    covariance, method
        As in `batch.mixed_models`.

    Raises
    ------
    InputError
        If a column is missing or holds values that do not fit.

    References
    ----------
    Raket LL. Stat Med 2022;41:5537-5557.

    Examples
    --------
    >>> import pandas as pd
    >>> values = {"a": (20, 18, 16.2), "b": (22, 19.8, 18.3), "c": (19, 17.4, 15.0),
    ...           "d": (21, 20.1, 19.2), "e": (20, 19.3, 17.8), "f": (23, 21.8, 21.0)}
    >>> rows = [(who, v, y) for who, ys in values.items() for v, y in enumerate(ys)]
    >>> data = pd.DataFrame(rows, columns=["who", "visit", "score"])
    >>> data["drug"] = data["who"].isin(list("def"))
    >>> columns = {"outcome": "score", "visit": "visit", "subject": "who", "arm": "drug"}
    >>> proportional_slowing(data, **columns, control=False, covariance="cs")
    proportional slowing: share of change averted 0.4824 (95 % CI 0.3705 to 0.5944)
      se 0.04962, t(9.17647) = 9.723, p = 3.917e-06, 6 patients
      Small trial: this asymptotic test can exceed its nominal size; re-randomisation keeps it.
      Measured size of this test at the nominal 5 %, 12 to 60 patients: 29.1 to 35.8 %.
    """
    table = read_visits(
        data, outcome=outcome, visit=visit, subject=subject, arm=arm, control=control
    )
    present = np.ones((1, len(table.subjects)), dtype=np.bool_)
    return progression.proportional_slowing(
        table.outcome[None], table.arm[None], present, covariance=covariance, method=method
    ).row(0)


def proportional_slowing_test(
    data: "pd.DataFrame",
    *,
    outcome: str,
    visit: str,
    subject: str,
    arm: str,
    control: object,
    covariance: str | Sequence[str] = FALLBACKS,
    method: str = "REML",
    df: Degrees = "kenward-roger-linear",
) -> Result:
    """Test that no share of the change is averted; see `batch.proportional_slowing_test`.

    Parameters
    ----------
    data, outcome, visit, subject, arm, control, covariance, method
        As in `proportional_slowing`.
    df
        As in `batch.mixed_models`.

    Raises
    ------
    InputError
        If a column is missing or holds values that do not fit.

    Examples
    --------
    >>> import pandas as pd
    >>> values = {"a": (20, 18, 16.2), "b": (22, 19.8, 18.3), "c": (19, 17.4, 15.0),
    ...           "d": (21, 20.1, 19.2), "e": (20, 19.3, 17.8), "f": (23, 21.8, 21.0)}
    >>> rows = [(who, v, y) for who, ys in values.items() for v, y in enumerate(ys)]
    >>> data = pd.DataFrame(rows, columns=["who", "visit", "score"])
    >>> data["drug"] = data["who"].isin(list("def"))
    >>> columns = {"outcome": "score", "visit": "visit", "subject": "who", "arm": "drug"}
    >>> proportional_slowing_test(data, **columns, control=False, covariance="cs")
    test of proportional slowing: first-order share averted 0.6356 (95 % CI 0.4491 to 0.8221)
      se 0.08271, t(9.19277) = 7.685, p = 2.705e-05, 6 patients
      Small trial: this asymptotic test can exceed its nominal size; re-randomisation keeps it.
      Measured size of this test at the nominal 5 %, 12 to 60 patients: 4.8 to 17.8 %.
    """
    table = read_visits(
        data, outcome=outcome, visit=visit, subject=subject, arm=arm, control=control
    )
    present = np.ones((1, len(table.subjects)), dtype=np.bool_)
    return progression.proportional_slowing_test(
        table.outcome[None], table.arm[None], present, covariance=covariance, method=method, df=df
    ).row(0)


def _told(found: Results, table: VisitTable) -> Result:
    """Give the answer, with who was left out for want of a covariate, which arrays do not show."""
    lost = table.left_out()
    alone = found.notes & ~int(Note.MISSING_OUTCOME_DROPPED) | flags_of(lost)
    if table.lost.any():
        alone |= int(Note.MISSING_COVARIATE_DROPPED)
    return replace(found, notes=alone, left_out=lost).row(0)
