"""One luck block as tables: a row for each trial, one for each analysis, and pooled curves."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import Any

import numpy as np
import numpy.typing as npt

from raresim.alike import alike, both, counted, of_each, take
from raresim.disease.parameters import DRAW
from raresim.either import either
from raresim.streams import LUCK_BLOCK
from raresim.study.columns import ArrayTable, Words, spelled
from raresim.study.costs import cost, screenings
from raresim.trial.cut.known import readings_of
from raresim.trial.cut.table import SECONDS_A_YEAR
from raresim.trial.engine import BlockRun, with_registry
from raresim.trial.grammar.published import ChangeResult
from raresim.trial.ledger import Ledger
from raresim.trial.scenario import Scenario
from raresim.trial.ticks import NEVER, Exit, Ticks, days

MONTH = 365.25 / 12
MONTHS = 120
"""Enrolment curves are kept for ten years at most."""


def trials_table(scenario: Scenario, run: BlockRun, block: int) -> ArrayTable:
    """Return a row for each trial: duration, patients, and by arm events and exits."""
    ledger, present = run.ledger, run.ledger.present
    replicate = block * LUCK_BLOCK + np.arange(ledger.replicates)
    stopped = np.argmax(np.where(run.performed < NEVER, run.performed, -1), axis=1)
    columns: dict[str, Any] = {
        "replicate": replicate,
        "draw": draws(scenario, replicate),
        "duration_days": days(ledger.end),
        "recruitment_days": days(ledger.closed),
        "ended_at": Words(stopped.astype(np.int16), tuple(scenario.milestones)),
        "screened": counted(ledger.presented < NEVER),
        "randomised": counted(present),
        "overrun": _overrun(run),
    }
    if scenario.spec.design.screen_again is not None:
        columns["screenings"] = screenings(run)
    if scenario.spec.design.costs is not None:
        columns["cost"] = cost(scenario, run)
    if scenario.spec.design.kits is not None:
        ready = take(run.fate.ready, ledger.candidate)
        columns["kits"] = ledger.kits
        columns["waited_for_kits"] = (present & (ledger.randomised > ready)).sum(1)
    for name, members in run.fate.members.items():
        columns[f"in.{name}"] = (present & take(members, ledger.candidate)).sum(1)
    everybody = with_registry(run)
    sums = _Sums.of(everybody.ledger)
    for number, arm in enumerate(scenario.arms):
        mine = both(everybody.ledger.present, everybody.ledger.arm == number)
        columns |= sums.columns(arm, mine)
        for place, period in enumerate(scenario.periods(number)[1:]):
            if period.line is not None:
                begun = everybody.ledger.periods[..., place] < NEVER
                columns[f"{arm}.period_{place + 2}"] = (mine & begun).sum(1)
        if scenario.crosses_over(arm):
            columns[f"{arm}.crossed_over"] = (mine & (everybody.ledger.crossed < NEVER)).sum(1)
    columns |= _published_changes(scenario, run)
    columns["enrolled_by_month"] = _enrolment(run, _months(scenario))
    return ArrayTable(columns)


def _overrun(run: BlockRun) -> npt.NDArray[np.int64]:
    """Return the patients randomised after the cut of the look at which the trial was ended."""
    performed = np.where(run.performed < NEVER, run.performed, -1)
    cut = performed.max(axis=1)
    return counted(both(run.ledger.present, run.ledger.randomised > cut[:, None]))


def draws(scenario: Scenario, replicate: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return each replicate's cluster: its parameter draw, or itself where nothing is drawn."""
    return replicate if scenario.spec.truth.uncertainty == "fixed" else replicate // DRAW


@dataclass(frozen=True)
class _Sums:
    """What is added up over the patients of an arm: follow-up, exits, events."""

    followed: Ticks
    left: npt.NDArray[np.bool_]
    stopped: npt.NDArray[np.bool_]
    events: dict[str, npt.NDArray[np.bool_]]

    @staticmethod
    def of(ledger: Ledger) -> _Sums:
        """Return what is known of each patient of a ledger."""
        return _Sums(
            followed=np.minimum(ledger.exit, ledger.end[:, None]) - ledger.randomised,
            left=ledger.reason == Exit.LEFT,
            stopped=of_each(ledger.stop, lambda tick: tick < NEVER),
            events={name: times < NEVER for name, times in ledger.events.items()},
        )

    def columns(self, arm: str, mine: npt.NDArray[np.bool_]) -> dict[str, Any]:
        """Return the columns of an arm."""
        years = either(mine, self.followed, 0).sum(1) / SECONDS_A_YEAR
        nobody = alike(self.stopped) and not self.stopped.flat[0]
        found: dict[str, Any] = {
            f"{arm}.patients": counted(mine),
            f"{arm}.patient_years": years,
            f"{arm}.left": counted(mine & self.left),
            f"{arm}.stopped_treatment": np.zeros(len(mine), np.int64),
        }
        if not nobody:
            found[f"{arm}.stopped_treatment"] = counted(mine & self.stopped)
        for name, happened in self.events.items():
            patients = counted(mine & happened[..., 0])  # the first comes first
            single = happened.shape[-1] == 1
            events = patients if single else (mine[..., None] & happened).sum((1, 2))
            found[f"{arm}.{name}.events"], found[f"{arm}.{name}.patients"] = events, patients
        return found


def _published_changes(scenario: Scenario, run: BlockRun) -> dict[str, Any]:
    """Return the mean changes that a back-test asks for: of those who came, NaN if nobody did."""
    found = {}
    results = scenario.spec.published.results if scenario.spec.published else []
    for result in results:
        if isinstance(result, ChangeResult):
            number = scenario.arms.index(result.arm)
            visit = scenario.spec.design.visits.weeks.index(result.at_week)
            mine = run.ledger.present & (run.ledger.arm == number)
            readings = readings_of(run.fate, run.ledger, result.change_of)
            change, came = _changes(run, mine, readings, visit)
            with np.errstate(invalid="ignore"):
                found[result.column] = change.sum(1) / came.sum(1)
    return found


def _changes(
    run: BlockRun, mine: npt.NDArray[np.bool_], readings: npt.NDArray[np.float64], visit: int
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    """Return each patient's change at a visit, zero where nobody came, and who came."""
    came = mine & (run.ledger.visits[..., visit] < NEVER)
    return np.where(came, readings[..., 1 + visit] - readings[..., 0], 0.0), came


def _months(scenario: Scenario) -> int:
    """Return the month after that in which recruitment ends at the latest."""
    return min(MONTHS, ceil(scenario.spec.design.recruit_for / MONTH) + 1)


def _enrolment(run: BlockRun, months: int) -> npt.NDArray[np.int32]:
    """Return patients randomised by the end of each month from the start (0) to so many."""
    at = np.where(run.ledger.present, days(run.ledger.randomised) / MONTH, np.inf)
    first = np.ceil(np.minimum(at, months + 1.0)).astype(np.int64)  # the first month's end by then
    places = first + np.arange(len(first))[:, None] * (months + 2)
    each = np.bincount(places.ravel(), minlength=len(first) * (months + 2))
    return np.cumsum(each.reshape(len(first), -1)[:, :-1], axis=1).astype(np.int32)


def analyses_table(scenario: Scenario, run: BlockRun, block: int) -> ArrayTable:
    """Return a row for each trial and analysis: those of a trial one after the other."""
    replicate = block * LUCK_BLOCK + np.arange(run.ledger.replicates)
    draw = draws(scenario, replicate)
    estimands = tuple(scenario.spec.analysis.estimands)
    parts: dict[str, list[npt.NDArray[Any]]] = {}
    for look, record in run.analyst.records.items():
        number = scenario.milestones.index(look.milestone)
        rows = np.flatnonzero(record["analysed"])
        head: dict[str, Any] = {
            "replicate": replicate[rows],
            "draw": draw[rows],
            "milestone": np.full(len(rows), number, np.int16),
            "estimand": np.full(len(rows), estimands.index(look.estimand), np.int16),
            "cut_days": days(run.performed[rows, number]),
        }
        own = {name: values[rows] for name, values in record.items() if name != "analysed"}
        for name, values in (head | own).items():
            parts.setdefault(name, []).append(values)
    found: dict[str, Any] = {name: np.concatenate(each) for name, each in parts.items()}
    if len(run.analyst.records) > 1:
        order = np.lexsort((found["cut_days"], found["replicate"]))
        found = {name: values[order] for name, values in found.items()}
    found["milestone"] = Words(found["milestone"], tuple(scenario.milestones))
    found["estimand"] = Words(found["estimand"], estimands)
    return ArrayTable(found)


def curves_table(scenario: Scenario, run: BlockRun) -> ArrayTable:
    """Return pooled sums for pictures: events and patients at risk by week, change by visit."""
    rows: list[dict[str, Any]] = []
    run = with_registry(run)
    read = {name: readings_of(run.fate, run.ledger, name) for name in scenario.model.readers}
    for number, arm in enumerate(scenario.arms):
        mine = run.ledger.present & (run.ledger.arm == number)
        for name in run.ledger.events:
            rows += _event_rows(scenario, run, arm, mine, name)
        for name, values in read.items():
            rows += _reading_rows(scenario, run, arm, mine, name, values)
    whole = {key: [row[key] for row in rows] for key in ("arm", "outcome", "kind")}
    numbers = {"day": np.float64, "count": np.int64, "total": np.float64}
    return ArrayTable(
        {name: spelled(values) for name, values in whole.items()}
        | {key: np.array([row[key] for row in rows], kind) for key, kind in numbers.items()}
    )


def _event_rows(
    scenario: Scenario, run: BlockRun, arm: str, mine: npt.NDArray[np.bool_], name: str
) -> list[dict[str, Any]]:
    """Weekly first events among those at risk of a first, and all events among those followed."""
    ledger = run.ledger
    start = np.where(mine, ledger.randomised, 0)
    end = days(np.where(mine, np.minimum(ledger.exit, ledger.end[:, None]) - start, 0))[mine]
    times = ledger.events[name][mine]
    since = np.where(times < NEVER, days(times - start[mine][:, None]), np.inf)
    weeks = int(scenario.follow_days // 7) + 1
    exits = _by_week(end, weeks)
    left = _by_week(np.minimum(end, since[:, 0]), weeks)
    total = {"first": _by_week(since[:, 0], weeks), "all": _by_week(since, weeks)}
    risk = {"first": len(end) - np.cumsum(left) + left, "all": len(end) - np.cumsum(exits) + exits}
    return [
        {
            "arm": arm,
            "outcome": name,
            "kind": kind,
            "day": 7.0 * (week + 1),
            "count": int(risk[kind][week]),
            "total": float(total[kind][week]),
        }
        for week in range(weeks)
        for kind in ("first", "all")
    ]


def _by_week(at: npt.NDArray[np.float64], weeks: int) -> npt.NDArray[np.int64]:
    """Return how many of the days fall into each week."""
    inside = at[at < 7.0 * weeks]
    return np.bincount((inside // 7).astype(np.int64).ravel(), minlength=weeks)


def _reading_rows(
    scenario: Scenario,
    run: BlockRun,
    arm: str,
    mine: npt.NDArray[np.bool_],
    name: str,
    readings: npt.NDArray[np.float64],
) -> list[dict[str, Any]]:
    """Sum of change since randomisation at each visit among those who came."""
    rows = []
    for visit, week in enumerate(scenario.spec.design.visits.weeks):
        change, came = _changes(run, mine, readings, visit)
        row = {"arm": arm, "outcome": name, "kind": "change", "day": 7.0 * week}
        rows.append({**row, "count": int(came.sum()), "total": float(change.sum())})
    return rows
