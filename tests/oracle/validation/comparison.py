"""One number that another source gives, and how raresim finds it: for the test and for the page."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from tests.worlds import SHARED


@dataclass(frozen=True)
class Comparison:
    """A number and its reference.

    Parameters
    ----------
    method
        What is validated, as a row's heading: "log-rank test".
    item
        Which number of which data: "pbc, by treatment, stratified by sex: chi-square".
    reference
        Software with its version and call, or a paper: "R survival 3.5.3, survdiff".
    expected
        The reference's number.
    got
        Finds raresim's number.
    tolerance
        Largest difference: absolute, or with `relative` times the expected number.
    relative
        Whether the tolerance is relative.
    shared
        Whether it needs the shared references beside the project, which may not be there.
    """

    method: str
    item: str
    reference: str
    expected: float
    got: Callable[[], float]
    tolerance: float
    relative: bool = False
    shared: bool = False

    @property
    def allowed(self) -> float:
        """The largest difference that passes."""
        return self.tolerance * (abs(self.expected) if self.relative else 1.0)

    def difference(self, got: float) -> float:
        """Return the difference; equal infinities do not differ, and NaN always does."""
        if np.isinf(self.expected) and got == self.expected:
            return 0.0
        found = abs(got - self.expected)
        return float("inf") if np.isnan(found) else float(found)


@cache
def oracle(file: str) -> dict[str, Any]:
    """Return the items of a shared file of oracles by their id, empty where it is not there."""
    path = SHARED / "oracles" / file
    if not path.exists():
        return {}
    return {item["id"]: item["out"] for item in json.loads(path.read_text())["items"]}


def data_file(name: str) -> str:
    """Return the path of a shared data set of the oracles."""
    return str(SHARED / "oracles" / "data" / name)
