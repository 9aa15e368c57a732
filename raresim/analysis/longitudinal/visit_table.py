"""A long table, one row for each patient and visit, as arrays of patients by visits."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from raresim.analysis.arrays import BoolArray, FloatArray, IntArray
from raresim.analysis.columns import arms, measured, require, several, unreadable
from raresim.analysis.left_out import left_out
from raresim.errors import InputError

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class VisitTable:
    """Patients by visits.

    Attributes
    ----------
    outcome
        (n, m), NaN where missing or where a covariate is missing.
    covariates
        (n, q), or (n, m, q) if one changes within a patient; NaN where missing.
    by_visit
        (q,) which have a coefficient for each visit.
    names
        (q,) names of the columns; levels of categories in brackets.
    reference
        (q,) where least-squares means stand: the mean of a number over the rows used, equal
        shares of the levels of a category.
    arm
        (n,) 0 control, 1 treated.
    visits
        Labels of the m visits, in order.
    subjects
        (n,) labels of the patients.
    weights
        (n, m), or None.
    lost
        (n, m) outcomes left out for a missing covariate.
    """

    outcome: FloatArray
    covariates: FloatArray
    by_visit: tuple[bool, ...]
    names: tuple[str, ...]
    reference: FloatArray
    arm: IntArray
    visits: tuple[object, ...]
    subjects: tuple[object, ...]
    weights: FloatArray | None
    lost: BoolArray

    def left_out(self) -> IntArray:
        """Count the patients without an outcome that can be used, and why, (1, R + 1)."""
        unseen = np.all(np.isnan(self.outcome), axis=1)
        return left_out(covariate=(unseen & np.any(self.lost, axis=1))[None], outcome=unseen[None])

    def position(self, visit: object) -> int:
        """Return the position of a visit; None is the last."""
        if visit is None:
            return len(self.visits) - 1
        if visit not in self.visits:
            shown = ", ".join(repr(label) for label in self.visits[:8])
            raise InputError(f"at_visit: found {visit!r}; expected one of the visits: {shown}.")
        return self.visits.index(visit)


def read_visits(
    data: "pd.DataFrame",
    *,
    outcome: str,
    visit: str,
    subject: str,
    arm: str,
    control: object,
    covariates: Sequence[str] = (),
    by_visit: Sequence[str] = (),
    weights: str | None = None,
) -> VisitTable:
    """Check a long table and lay it out.

    Visits are in the order of their categories, or sorted. Columns that are not numbers are
    categories: one column for each level but the first.

    Raises
    ------
    InputError
        If a column is missing or holds values that do not fit, a patient has two rows for a
        visit or changes arm.
    """
    extra = [weights] if weights is not None else []
    wanted = list(dict.fromkeys([*several(covariates), *several(by_visit)]))
    require(data, (outcome, visit, subject, arm, *wanted, *extra))
    for name in (visit, subject):
        if data[name].isna().any():
            raise InputError(f"{name}: found missing values; expected one in every row.")
    value = measured(data, outcome)
    columns, names, each, categorical = _columns(data, wanted, by_visit)
    unknown = np.any(np.isnan(columns), axis=1)
    lost_rows = unknown & ~np.isnan(value)
    value = np.where(unknown, np.nan, value)
    row, subjects = _patients(data, subject)
    column, visits = _visits(data, visit, ~np.isnan(value))
    kept = column >= 0
    _one_row_each(data, row, column, kept, subject, visit)
    treated = _arm_of_patient(data, arm, control, row, len(subjects), subject)
    shape = (len(subjects), len(visits))
    wide = np.full(shape, np.nan)
    wide[row[kept], column[kept]] = value[kept]
    lost = np.zeros(shape, dtype=np.bool_)
    lost[row[kept], column[kept]] = lost_rows[kept]
    used = ~np.isnan(value)
    reference = np.array(
        [
            np.nan if not used.any() else share if np.isfinite(share) else columns[used, j].mean()
            for j, share in enumerate(categorical)
        ]
    )
    return VisitTable(
        outcome=wide,
        covariates=_by_patient(columns, row, column, kept, shape),
        by_visit=tuple(each),
        names=tuple(names),
        reference=reference,
        arm=treated,
        visits=visits,
        subjects=subjects,
        weights=_weights(data, weights, row, column, kept, shape, used),
        lost=lost,
    )


def _columns(
    data: "pd.DataFrame", wanted: Sequence[str], by_visit: Sequence[str]
) -> tuple[FloatArray, list[str], list[bool], list[float]]:
    """Return the covariates (rows, q), their names, which go by visit, and levels' shares."""
    from pandas.api.types import is_bool_dtype, is_numeric_dtype

    found: list[FloatArray] = []
    names: list[str] = []
    each: list[bool] = []
    shares: list[float] = []
    for name in wanted:
        series = data[name]
        if is_numeric_dtype(series) and not is_bool_dtype(series):
            parts = {name: measured(data, name)}
            share = np.nan
        else:
            levels = list(series.astype("category").cat.remove_unused_categories().cat.categories)
            gone = series.isna().to_numpy(dtype=np.bool_)
            parts = {
                f"{name}[{level}]": np.where(gone, np.nan, (series == level).to_numpy() * 1.0)
                for level in levels[1:]
            }
            share = 1.0 / len(levels) if levels else np.nan
        for label, values in parts.items():
            found.append(values)
            names.append(label)
            each.append(name in by_visit)
            shares.append(share)
    columns = np.stack(found, axis=1) if found else np.zeros((len(data), 0))
    return columns, names, each, shares


def _patients(data: "pd.DataFrame", subject: str) -> tuple[IntArray, tuple[object, ...]]:
    import pandas as pd

    codes, labels = pd.factorize(data[subject])
    return codes.astype(np.int64), tuple(labels.tolist())


def _visits(
    data: "pd.DataFrame", visit: str, used: BoolArray
) -> tuple[IntArray, tuple[object, ...]]:
    """Give numbers to the visits that have an outcome; rows of other visits get -1."""
    series = data[visit].astype("category")
    codes = series.cat.codes.to_numpy().astype(np.int64)
    seen = np.zeros(len(series.cat.categories), dtype=np.bool_)
    seen[codes[used]] = True
    if not seen.any():
        raise InputError("The table has no outcome with complete covariates.")
    position = np.where(seen, np.cumsum(seen) - 1, -1)
    labels = [label for label, has in zip(series.cat.categories.tolist(), seen, strict=True) if has]
    return position[codes], tuple(labels)


def _one_row_each(
    data: "pd.DataFrame",
    row: IntArray,
    column: IntArray,
    kept: BoolArray,
    subject: str,
    visit: str,
) -> None:
    place = row * (int(column.max(initial=0)) + 1) + column
    order = np.argsort(place, kind="stable")
    twice = kept[order][1:] & (place[order][1:] == place[order][:-1])
    if np.any(twice):
        at = int(order[1:][twice][0])
        raise unreadable(
            visit,
            f"{data[subject].iloc[at]} twice at {data[visit].iloc[at]}",
            "one row for each patient and visit",
            "keep one of the rows",
        )


def _arm_of_patient(
    data: "pd.DataFrame", arm: str, control: object, row: IntArray, patients: int, subject: str
) -> IntArray:
    each = arms(data, arm, control)
    found = np.zeros(patients, dtype=np.int64)
    found[row] = each
    changed = found[row] != each
    if np.any(changed):
        at = int(np.argmax(changed))
        raise unreadable(
            arm,
            f"{data[subject].iloc[at]} in two arms",
            "one arm for each patient",
            "give the arm that the patient was assigned to",
        )
    return found


def _by_patient(
    columns: FloatArray,
    row: IntArray,
    column: IntArray,
    kept: BoolArray,
    shape: tuple[int, int],
) -> FloatArray:
    """Return covariates (n, q) if none changes within a patient, else (n, m, q)."""
    q = columns.shape[1]
    wide = np.full((*shape, q), np.nan)
    wide[row[kept], column[kept]] = columns[kept]
    known = ~np.isnan(wide)
    high = np.max(np.where(known, wide, -np.inf), axis=1, initial=-np.inf)
    low = np.min(np.where(known, wide, np.inf), axis=1, initial=np.inf)
    if np.all(high <= low):
        return np.where(np.isfinite(high), high, np.nan)
    return wide


def _weights(
    data: "pd.DataFrame",
    name: str | None,
    row: IntArray,
    column: IntArray,
    kept: BoolArray,
    shape: tuple[int, int],
    used: BoolArray,
) -> FloatArray | None:
    if name is None:
        return None
    value = measured(data, name)
    bad = used & ~(value > 0.0)
    if np.any(bad):
        at = int(np.argmax(bad))
        raise InputError(f"{name}: found {value[at]:g} in row {at}; expected a number above 0.")
    wide = np.ones(shape)
    wide[row[kept], column[kept]] = np.where(used, value, 1.0)[kept]
    return wide
