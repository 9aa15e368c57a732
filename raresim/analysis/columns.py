"""Columns of a patient table, checked and turned into a batch of one."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from raresim.analysis.arrays import BoolArray, FloatArray, IntArray
from raresim.errors import InputError, Problem

if TYPE_CHECKING:
    import pandas as pd


LARGEST = 1e100  # its square and sums of such squares are still finite


def require(data: "pd.DataFrame", names: Sequence[str]) -> None:
    """Refuse what is no table, lacks a column or has it twice, or has no rows."""
    if not hasattr(data, "columns") or not hasattr(data, "iloc"):
        raise InputError(
            Problem(
                "cannot be analysed",
                field="data",
                found=f"a {type(data).__name__}",
                expected="a pandas DataFrame with one row for each patient",
                mend="make one: pandas.DataFrame(...)",
            )
        )
    missing = [name for name in names if name not in data.columns]
    if missing:
        raise InputError(
            [
                Problem(
                    "no such column",
                    field=str(name),
                    found=", ".join(map(str, data.columns)) or "no columns",
                    expected=f"a column named {name!r}",
                    mend="name a column of the table, or add it",
                )
                for name in missing
            ]
        )
    for name in names:
        if np.count_nonzero(data.columns == name) > 1:
            raise unreadable(
                name, "several columns of that name", "one", "rename or drop the others"
            )
    if len(data) == 0:
        raise InputError("The table has no rows; expected one for each patient.")


def numbers(
    data: "pd.DataFrame", name: str, *, missing: bool = False, least: float = 0.0
) -> FloatArray:
    """Read a column of numbers, none missing (unless allowed) and none below ``least``.

    Dates and spans of time are refused: as bare numbers they would be nanoseconds.
    """
    kind = data[name].dtype.kind
    if kind in "mM":
        raise unreadable(name, data[name].dtype, "numbers", "convert it to days, months or years")
    if kind == "c":
        raise unreadable(name, "complex numbers", "numbers", "take the real part")
    try:
        values = data[name].to_numpy(dtype=np.float64, na_value=np.nan)
    except (TypeError, ValueError):
        raise unreadable(
            name, data[name].iloc[0], "numbers", "convert the column to numbers"
        ) from None
    bad = (np.abs(values) > LARGEST) | (values < least)
    if not missing:
        bad |= np.isnan(values)
    if np.any(bad):
        row = int(np.argmax(bad))
        expected = "a finite number" if np.isinf(least) else f"a finite number of {least:g} or more"
        raise unreadable(name, f"{values[row]:g} in row {row}", expected, "correct or drop the row")
    return values


def measured(data: "pd.DataFrame", name: str) -> FloatArray:
    """Read a column of finite numbers of either sign, NaN where missing."""
    return numbers(data, name, missing=True, least=-np.inf)


def side_by_side(data: "pd.DataFrame", names: Sequence[str]) -> FloatArray:
    """Read columns as `measured` does and put them beside each other, (1, n, p); p may be 0."""
    require(data, several(names))
    found = np.empty((1, len(data), len(names)))
    for j, name in enumerate(names):
        found[0, :, j] = measured(data, name)
    return found


def covariates_of(data: "pd.DataFrame", names: Sequence[str]) -> FloatArray | None:
    """Give the covariates (1, n, p), NaN where missing; None without any."""
    return side_by_side(data, names) if names else None


def flags(data: "pd.DataFrame", name: str) -> BoolArray:
    """Read a column of 0 and 1, or False and True."""
    values = numbers(data, name)
    bad = (values != 0.0) & (values != 1.0)
    if np.any(bad):
        row = int(np.argmax(bad))
        raise unreadable(
            name, f"{values[row]:g} in row {row}", "0 or 1", "code 1 for an event, 0 for none"
        )
    observed: BoolArray = values == 1.0
    return observed


def arms(data: "pd.DataFrame", name: str, control: object) -> IntArray:
    """Read the arm of each row: 0 for the control, 1 for the one other arm."""
    if data[name].isna().any():
        raise unreadable(
            name, "missing values", "an arm in every row", "drop the row or fill it in"
        )
    labels = data[name].unique().tolist()
    shown = ", ".join(repr(label) for label in labels[:5])
    if np.asarray(control, dtype=object).ndim or control not in labels:
        raise unreadable(name, shown, f"the control {control!r} among them", "name the control arm")
    if len(labels) != 2:
        raise unreadable(
            name, f"{len(labels)} arms: {shown}", "exactly two arms", "keep the rows of two arms"
        )
    return np.where((data[name] == control).to_numpy(dtype=np.bool_), 0, 1).astype(np.int64)


def several(names: Sequence[str]) -> tuple[str, ...]:
    """Refuse one name where a sequence of names is meant: it would be read letter by letter."""
    if isinstance(names, str):
        raise unreadable(names, repr(names), "a sequence of column names", f"write ({names!r},)")
    if not isinstance(names, Sequence | np.ndarray):
        raise unreadable("names", repr(names), "a sequence of column names", "write () for none")
    return tuple(names)


def strata_codes(data: "pd.DataFrame", names: Sequence[str]) -> IntArray | None:
    """Give a number to each of the combinations of the stratum columns; None without any."""
    if not names:
        return None
    for name in names:
        if data[name].isna().any():
            raise unreadable(name, "missing values", "a stratum in every row", "drop or fill them")
    groups = data.groupby(list(names), sort=True, observed=True).ngroup()
    return groups.to_numpy().astype(np.int64)


def all_present(patients: int) -> BoolArray:
    """Return a batch of one in which every row of the table counts."""
    return np.ones((1, patients), dtype=np.bool_)


def unreadable(name: str, found: object, expected: str, mend: str) -> InputError:
    """Give the error that says what is wrong with a column, and how to mend it."""
    return InputError(
        Problem(
            "cannot be analysed", field=str(name), found=str(found), expected=expected, mend=mend
        )
    )
