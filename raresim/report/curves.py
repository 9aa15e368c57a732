"""Outcome curves of the arms, pooled over every simulated trial, from `curves.parquet`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from raresim.disease.outcome_block import TimeToEvent
from raresim.disease.score_block import ReadAtVisits
from raresim.report import folder
from raresim.report.folder import RunFolder
from raresim.report.svg import short
from raresim.report.words import fixed, percent, plain
from raresim.trial.scenario import Scenario

Floats = npt.NDArray[np.float64]
LEAST_AT_RISK = 0.05
"""A curve is drawn while this share of its patients is at risk: after that, few speak for all."""


@dataclass(frozen=True)
class Line:
    """One arm's curve: days, values, and patients of all trials behind each value."""

    arm: str
    day: Floats
    value: Floats
    behind: Floats


@dataclass(frozen=True)
class Curve:
    """One picture: an outcome's curves in all arms.

    `kind` is that of the run folder: `first` (share free of a first event), `all` (mean cumulative
    events for each patient) or `change` (mean change of a score since randomisation).
    """

    outcome: str
    kind: str
    unit: str
    lines: tuple[Line, ...]

    @property
    def title(self) -> str:
        """What is shown."""
        name = plain(self.outcome)
        if self.kind == "first":
            return f"Free of a first event: {name}"
        if self.kind == "all":
            return f"Events so far per patient: {name}"
        return f"Mean change since randomisation: {name}"

    @property
    def label(self) -> str:
        """The text alternative: what is drawn and where each arm ends."""
        ends = []
        for line in self.lines:
            week = fixed(line.day[-1] / 7.0, 0)
            ends.append(f"{short(line.arm)} {self.text(line.value[-1])} at week {week}")
        return f"{self.title}, by arm, pooled over all simulated trials. Ends: {'; '.join(ends)}."

    def text(self, value: float) -> str:
        """Return a value of the curve for people."""
        if np.isnan(value):
            return "–"
        return percent(value) if self.kind == "first" else fixed(value, 2)

    def at(self, day: float) -> list[str]:
        """Return the value of each arm at a day, "–" where its curve has ended."""
        found = []
        for line in self.lines:
            known = np.flatnonzero(line.day <= day + 1e-6)
            ended = day > line.day[-1] + 7.0
            value = np.nan if ended or not len(known) else line.value[known[-1]]
            found.append(self.text(value))
        return found

    def rows(self) -> list[tuple[str, list[str]]]:
        """Return the rows of the table beside the picture: week, value of each arm."""
        return [(fixed(day / 7.0, 0), self.at(day)) for day in self.days()]

    def days(self) -> list[float]:
        """Return the days for the table beside the picture: visits, or about every quarter."""
        longest = max(float(line.day[-1]) for line in self.lines)
        if self.kind == "change":
            return sorted({float(day) for line in self.lines for day in line.day[1:]})
        return [7.0 * week for week in range(13, int(longest // 7) + 1, 13)] or [longest]


def curves(run: RunFolder) -> list[Curve]:
    """Return every curve of a run, outcomes in the order of the model, then adverse events."""
    names = ["arm", "outcome", "kind", "day", "count", "total"]
    columns = folder.table(run, "curves.parquet", names)
    found = []
    for outcome, kinds, unit in _wanted(run.scenario):
        for kind in kinds:
            drawn = (_line(columns, arm, outcome, kind) for arm in run.scenario.arms)
            lines = tuple(line for line in drawn if line is not None)
            if lines:
                found.append(Curve(outcome, kind, unit, lines))
    return found


def _wanted(scenario: Scenario) -> Iterator[tuple[str, tuple[str, ...], str]]:
    """Yield outcomes and adverse events with their kinds of curve and unit.

    Of an event that comes once, the first is all there is.
    """
    for name, outcome in scenario.model.spec.outcomes.items():
        if isinstance(outcome, ReadAtVisits):
            yield name, ("change",), outcome.unit
        else:
            once = isinstance(outcome, TimeToEvent)
            yield name, ("first",) if once else ("first", "all"), ""
    for name, adverse in scenario.spec.truth.adverse_events.items():
        yield name, ("first",) if adverse.once else ("first", "all"), ""


def _line(columns: dict[str, Any], arm: str, outcome: str, kind: str) -> Line | None:
    mine = (columns["arm"] == arm) & (columns["outcome"] == outcome) & (columns["kind"] == kind)
    order = np.argsort(columns["day"][mine], kind="stable")
    day = columns["day"][mine][order].astype(np.float64)
    count = columns["count"][mine][order].astype(np.float64)
    total = columns["total"][mine][order].astype(np.float64)
    if not len(day) or count[0] <= 0:
        return None
    kept = count >= (LEAST_AT_RISK * count[0] if kind != "change" else 1)
    length = int(np.argmin(kept)) if not kept.all() else len(kept)
    day, count, total = day[:length], count[:length], total[:length]
    each = total / count
    if kind == "first":
        value, start = np.cumprod(1 - each), 1.0
    else:
        value, start = (np.cumsum(each) if kind == "all" else each), 0.0
    day = np.concatenate([[0.0], day])
    return Line(arm, day, np.concatenate([[start], value]), np.concatenate([count[:1], count]))
