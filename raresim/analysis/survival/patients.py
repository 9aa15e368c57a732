"""Columns of a table of survival times, as the kernels take them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from raresim.analysis.arrays import BoolArray, FloatArray, IntArray
from raresim.analysis.columns import (
    all_present,
    arms,
    flags,
    numbers,
    require,
    several,
    strata_codes,
    unreadable,
)

if TYPE_CHECKING:
    import pandas as pd

Patients = tuple[FloatArray, BoolArray, IntArray, BoolArray, IntArray | None]


def patients(
    data: "pd.DataFrame",
    time: str,
    event: str,
    arm: str,
    control: object,
    strata: Sequence[str] = (),
    more: Sequence[str] = (),
) -> Patients:
    """Give times, events, arms, presence and strata of a batch of one; ``more`` must be there."""
    require(data, (time, event, arm, *several(strata), *several(more)))
    codes = strata_codes(data, strata)
    return (
        numbers(data, time)[None],
        flags(data, event)[None],
        arms(data, arm, control)[None],
        all_present(len(data)),
        None if codes is None else codes[None],
    )


def group_codes(data: "pd.DataFrame", name: str) -> tuple[IntArray, int]:
    """Give codes to the groups of a column in the order of their values, and count them."""
    if data[name].isna().any():
        raise unreadable(name, "missing values", "a group in every row", "drop or fill them")
    number = int(data[name].nunique())
    if number < 2:
        raise unreadable(name, "one group", "two or more", "name the column of the groups")
    codes = data.groupby(name, sort=True, observed=True).ngroup().to_numpy()
    return codes.astype(np.int64), number


def cluster_codes(data: "pd.DataFrame", name: str | None) -> IntArray | None:
    """Give codes to the clusters of a column, (1, n); None without one."""
    if name is None:
        return None
    require(data, (name,))
    if data[name].isna().any():
        raise unreadable(name, "missing values", "a cluster in every row", "drop or fill them")
    return data.groupby(name, sort=False, observed=True).ngroup().to_numpy().astype(np.int64)[None]


def causes(data: "pd.DataFrame", name: str, of: int) -> IntArray:
    """Read a column of causes: whole numbers, 0 for censored; ``of`` is one of them."""
    values = numbers(data, name)
    bad = values != np.floor(values)
    if np.any(bad):
        row = int(np.argmax(bad))
        raise unreadable(name, f"{values[row]:g} in row {row}", "whole numbers", "code the causes")
    if not (of >= 1 and of == np.floor(of) and np.isfinite(of)):
        raise unreadable("of", str(of), "the code of a cause, 1 or more", "0 stands for censored")
    return values.astype(np.int64)
