"""Endpoints that the protocol makes of outcomes: first of several, a score that passes a line."""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from raresim.disease.variable_block import Label
from raresim.errors import Fault
from raresim.evidence.statistics import Floats
from raresim.files.schema import Spec

Booleans = npt.NDArray[np.bool_]
LINES = ("falls_by", "rises_by", "falls_by_percent", "rises_by_percent", "below", "above")


class ScorePasses(Spec):
    """A score that passes a line, as read at visits."""

    score: str = Field(description="an outcome that is read at visits", examples=["ppfev1"])
    falls_by: float | None = Field(None, gt=0, description="points below baseline", examples=[10])
    rises_by: float | None = Field(None, gt=0, description="points above baseline", examples=[10])
    falls_by_percent: float | None = Field(
        None, gt=0, description="per cent below baseline", examples=[10]
    )
    rises_by_percent: float | None = Field(
        None, gt=0, description="per cent above baseline", examples=[10]
    )
    below: float | None = Field(None, description="a reading below this", examples=[12])
    above: float | None = Field(None, description="a reading above this", examples=[30])
    confirmed: bool = Field(
        False, description="only where the next visit that takes place finds it too"
    )

    @model_validator(mode="after")
    def _one_line(self) -> ScorePasses:
        stated = [line for line in LINES if getattr(self, line) is not None]
        if len(stated) != 1:
            mend = "keep one of them" if stated else "write {score: ppfev1, falls_by: 10}"
            raise Fault(f"expected exactly one of {', '.join(LINES)}", mend)
        return self

    def met(self, readings: Floats, baseline: Floats) -> Booleans:
        """Return where readings lie past the line; `baseline` broadcasts against them."""
        change = readings - baseline
        if self.falls_by is not None:
            return np.asarray(-change >= self.falls_by)
        if self.rises_by is not None:
            return np.asarray(change >= self.rises_by)
        if self.falls_by_percent is not None:
            return np.asarray(-change >= self.falls_by_percent / 100 * np.abs(baseline))
        if self.rises_by_percent is not None:
            return np.asarray(change >= self.rises_by_percent / 100 * np.abs(baseline))
        if self.below is not None:
            return np.asarray(readings < self.below)
        assert self.above is not None
        return np.asarray(readings > self.above)


class Endpoint(Spec):
    """Time to the first of several: events, and scores that pass a line at a visit."""

    label: Label = ""
    better: Literal["later", "earlier"] = Field("later", description="what is good")
    first_of: list[str | ScorePasses] = Field(
        min_length=1,
        max_length=10,
        description="outcomes that are events, and scores that pass a line",
        examples=[["death", {"score": "ppfev1", "falls_by": 10, "confirmed": True}]],
    )

    @property
    def events(self) -> list[str]:
        """The outcomes among the parts."""
        return [part for part in self.first_of if isinstance(part, str)]

    @property
    def scores(self) -> list[ScorePasses]:
        """The scores among the parts."""
        return [part for part in self.first_of if isinstance(part, ScorePasses)]

    @property
    def seen_at_visits(self) -> bool:
        """Whether only visits can find it: then nobody is followed beyond the last one."""
        return not self.events


def first_passed(met: Booleans, came: Booleans, confirmed: bool) -> Booleans:
    """Return at which visit (the last axis) a line counts as passed: at most one each.

    >>> met, came = np.array([[True, False, True, True]]), np.ones((1, 4), bool)
    >>> first_passed(met, came, confirmed=False).argmax(), first_passed(met, came, True).argmax()
    (np.int64(0), np.int64(2))
    """
    counts = met & came
    if confirmed:
        again = np.zeros(met.shape[:-1], bool)
        counts = counts.copy()
        for visit in range(met.shape[-1] - 1, -1, -1):
            found = counts[..., visit].copy()
            counts[..., visit] = found & again
            again = np.where(came[..., visit], found, again)
    return np.asarray(counts & (np.cumsum(counts, axis=-1) == 1))
