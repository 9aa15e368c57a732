"""A table with a row for each patient and period, checked and turned into a batch of one."""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from raresim.analysis.arrays import BoolArray, CodeArray, FloatArray, IntArray
from raresim.analysis.columns import numbers, require, unreadable

if TYPE_CHECKING:
    import pandas as pd


class Periods(NamedTuple):
    """A table as arrays (1, n, P) of an outcome and of treatments, and who is there (1, n)."""

    outcome: FloatArray
    treatment: CodeArray
    present: BoolArray
    places: tuple[IntArray, IntArray]

    def of(self, values: FloatArray) -> FloatArray:
        """Put another column's values at their patients and periods."""
        found = np.full(self.outcome.shape, np.nan)
        found[0][self.places] = values
        return found


def read(
    data: "pd.DataFrame",
    outcome: str,
    patient: str,
    period: str,
    treatment: str,
    treated: object,
    control: object,
    *,
    least: float = -np.inf,
) -> Periods:
    """Read a table; the control becomes treatment 0, the treated 1, others 2 and up."""
    names = (outcome, patient, period, treatment)
    require(data, names)
    for name in names[1:]:
        if data[name].isna().any():
            raise unreadable(name, "missing values", "a value in every row", "drop the row")
    values = numbers(data, outcome, missing=True, least=least)
    labels = data[treatment].unique().tolist()
    for wanted in (treated, control):
        if wanted not in labels or treated == control:
            shown = ", ".join(repr(label) for label in labels[:5])
            expected = f"{treated!r} and {control!r} among them, two different treatments"
            raise unreadable(treatment, shown, expected, "name two of the treatments")
    others = sorted((x for x in labels if x not in (treated, control)), key=str)
    code = {control: 0, treated: 1} | {label: 2 + i for i, label in enumerate(others)}
    who, when = (
        data.groupby(name, sort=True).ngroup().to_numpy().astype(np.int64)
        for name in (patient, period)
    )
    if data.duplicated([patient, period]).any():
        row = int(np.argmax(data.duplicated([patient, period]).to_numpy()))
        raise unreadable(
            period, f"a second row of a patient's period in row {row}", "one", "keep one of them"
        )
    shape = (1, int(who.max()) + 1, int(when.max()) + 1)
    found, codes = np.full(shape, np.nan), np.full(shape, -1, dtype=np.int64)
    found[0, who, when] = values
    codes[0, who, when] = [code[label] for label in data[treatment].tolist()]
    return Periods(found, codes, np.ones(shape[:2], dtype=np.bool_), (who, when))


def binary(name: str, values: FloatArray) -> FloatArray:
    """Refuse values that are neither 0, 1 nor missing."""
    bad = ~np.isnan(values) & (values != 0.0) & (values != 1.0)
    if np.any(bad):
        raise unreadable(name, f"{values[bad][0]:g}", "0 or 1", "code 1 for a response, 0 for none")
    return values
