"""The whole mixed model of one table, as R's mmrm codes it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from raresim.analysis.arrays import FloatArray
from raresim.analysis.columns import several
from raresim.analysis.longitudinal.arm_by_visit import treatment_layout, with_arm
from raresim.analysis.longitudinal.fitted import MixedModelFit, fit_model
from raresim.analysis.longitudinal.inference import Degrees, Errors, check_choices
from raresim.analysis.longitudinal.mixed_models import (
    FALLBACKS,
    Stopping,
    check_method,
    check_stopping,
    checked,
    title_of,
)
from raresim.analysis.longitudinal.prepared import prepare
from raresim.analysis.longitudinal.visit_table import VisitTable, read_visits
from raresim.analysis.notes import Note
from raresim.analysis.result import Result

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, repr=False)
class RepeatedMeasuresFit(MixedModelFit):
    """A fit of arm by visit, with the means that it implies."""

    _table: VisitTable = field(repr=False)

    def _at(self, visit: object, arm: int) -> FloatArray:
        """Return the weights of the mean of an arm at a visit, at the reference covariates."""
        values = np.concatenate([[1.0, float(arm)], self._table.reference])
        found: FloatArray = values @ self._data.layout.map[self._table.position(visit)]
        return found

    def ls_mean(self, visit: object, *, treated: bool) -> Result:
        """Estimate the least-squares mean of an arm at a visit.

        Numbers among the covariates stand at their mean over the rows used, categories at
        equal shares of their levels, as in R's emmeans.
        """
        measure = f"mean of the {'treated' if treated else 'control'} at {visit}"
        return self.contrast(self._at(visit, int(treated)).tolist(), measure)

    def difference(self, visit: object = None) -> Result:
        """Estimate the difference in means at a visit, treated minus control."""
        shown = self._table.visits[self._table.position(visit)]
        weights = self._at(visit, 1) - self._at(visit, 0)
        return self.contrast(weights.tolist(), f"difference in means at {shown}")

    def arm_by_visit(self) -> FloatArray:
        """Return the weights (m, p) of the differences at all visits, for `f_test`."""
        visits = self._table.visits
        return np.array([self._at(v, 1) - self._at(v, 0) for v in visits])


def repeated_measures(
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
    stopping: Stopping = "maximum",
) -> RepeatedMeasuresFit:
    """Fit a mixed model for repeated measures and keep all of it.

    Coefficients are coded as in R: intercept, covariates, arm, visits after the first,
    covariates by those visits, arm by those visits.

    Parameters
    ----------
    data, outcome, visit, subject, arm, control, covariates, by_visit
        As in `mmrm`.
    covariance, method, df, standard_errors, by_arm, weights
        As in `mmrm`.
    stopping
        "maximum": the maximum of the likelihood, as far as rounding lets it be found. "mmrm":
        where R's mmrm 0.3 stops on its way there; see `mmrm`.

    Raises
    ------
    InputError
        If a column is missing or holds values that do not fit, or choices do not go together.

    Examples
    --------
    >>> import pandas as pd
    >>> rows = [("a", 1, 3.1), ("a", 2, 4.2), ("b", 1, 2.5), ("b", 2, 2.9), ("c", 1, 4.0),
    ...         ("c", 2, 4.4), ("d", 1, 5.0), ("d", 2, 6.8), ("e", 1, 4.1), ("e", 2, 5.5),
    ...         ("f", 1, 4.9), ("g", 1, 3.0), ("g", 2, 3.3), ("h", 1, 6.1), ("h", 2, 7.7)]
    >>> data = pd.DataFrame(rows, columns=["who", "week", "score"])
    >>> data["drug"] = data["who"].isin(list("defh"))
    >>> fit = repeated_measures(
    ...     data, outcome="score", visit="week", subject="who", arm="drug", control=False
    ... )
    >>> fit.names
    ('intercept', 'drug', 'week[2]', 'drug:week[2]')
    >>> round(fit.difference(2).estimate, 3)
    2.923
    """
    check_method(method)
    check_choices(df, standard_errors, method == "REML")
    check_stopping(stopping)
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
    visits = len(table.visits)
    changing = table.covariates.ndim == 3 or table.weights is not None
    layout = treatment_layout(visits, table.by_visit, changing)
    filled = np.where(np.isnan(table.covariates), 0.0, table.covariates)[None]
    values = with_arm(filled, table.arm[None], visits, changing)
    _, chain = checked(table.outcome[None], values, layout, covariance)
    prepared = prepare(
        table.outcome[None],
        values,
        layout,
        np.ones((1, len(table.subjects)), dtype=np.bool_),
        table.arm[None] if by_arm else None,
        2 if by_arm else 1,
        None if table.weights is None else table.weights[None],
    )
    fit = fit_model(
        prepared,
        _names(table, arm, visit),
        chain,
        method=method,
        df=df,
        standard_errors=standard_errors,
        stopping=stopping,
        title=title_of(chain, method, df, standard_errors),
        lost=table.left_out(),
        flags=int(Note.MISSING_COVARIATE_DROPPED) if table.lost.any() else 0,
    )
    return RepeatedMeasuresFit(**vars(fit), _table=table)


def _names(table: VisitTable, arm: str, visit: str) -> list[str]:
    later = [f"{visit}[{label}]" for label in table.visits[1:]]
    names = ["intercept", *table.names, arm, *later]
    for name, each in zip(table.names, table.by_visit, strict=True):
        if each:
            names += [f"{name}:{label}" for label in later]
    return names + [f"{arm}:{label}" for label in later]
