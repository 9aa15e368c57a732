"""Repeated measures of one table of patients."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from raresim.analysis.columns import several
from raresim.analysis.longitudinal import repeated_measures as kernel
from raresim.analysis.longitudinal.inference import Degrees, Errors
from raresim.analysis.longitudinal.mixed_models import FALLBACKS
from raresim.analysis.longitudinal.visit_table import read_visits
from raresim.analysis.notes import Note
from raresim.analysis.result import Result

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
) -> Result:
    """Estimate the difference in means at a visit by a mixed model; see `batch.mmrm`.

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
    )
    if table.lost.any():
        found.notes[0] |= int(Note.MISSING_COVARIATE_DROPPED)
    return found.row(0)
