"""Columns of a table as the batches of one that the kernels of this room take."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from raresim.analysis.arrays import BoolArray, FloatArray, IntArray
from raresim.analysis.columns import (
    all_present,
    arms,
    numbers,
    require,
    several,
    strata_codes,
    unreadable,
)

if TYPE_CHECKING:
    import pandas as pd


def outcomes(data: "pd.DataFrame", name: str) -> FloatArray:
    """Read a column of 0 and 1 (or False and True), missing values allowed, as (1, n)."""
    values = numbers(data, name, missing=True)
    bad = ~np.isnan(values) & (values != 0.0) & (values != 1.0)
    if np.any(bad):
        row = int(np.argmax(bad))
        raise unreadable(
            name,
            f"{values[row]:g} in row {row}",
            "0 or 1",
            "code 1 for a patient with the event, 0 for one without",
        )
    return values[None]


def two_arms(
    data: "pd.DataFrame", outcome: str, arm: str, control: object
) -> tuple[FloatArray, IntArray, BoolArray]:
    """Read outcome and arm; every row of the table counts."""
    require(data, (outcome, arm))
    return outcomes(data, outcome), arms(data, arm, control)[None], all_present(len(data))


def strata(data: "pd.DataFrame", names: Sequence[str]) -> IntArray | None:
    """Read the strata, None without any."""
    columns = several(names)
    require(data, columns)
    codes = strata_codes(data, columns)
    return None if codes is None else codes[None]
