"""Calibration: the thresholds with which a design errs as often as is allowed, and no more.

A Bayesian rule (`posterior_above`), a level, the level behind a boundary: whatever a design's
claims are held to is moved by one shift on the scale of the normal quantile,

    threshold = Phi(Phi^-1(threshold as written) + shift),

so that levels that were equal stay so. The least shift is looked for with which the family-wise
error of the worst cells, plus one Monte Carlo standard error, is no larger than the level asked
for: by false position and halving on the same luck, so that the error falls in steps as the shift
rises and never by chance. Then the size of the design found is measured on fresh seeds over all
cells (`design_size`); where another cell errs too often, it joins the worst ones and the search
goes on.
Sources: Dowell & Jarratt, BIT 1971;11:168-174 (false position, by the Illinois rule); Granholm,
Jensen, Lange & Kaas-Hansen, adaptr: an R package for simulating and comparing adaptive clinical
trials, J Open Source Softw 2022;7:4284 (calibration of stopping rules by simulation).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import ndtr, ndtri

from raresim.errors import InputError
from raresim.questions import answer
from raresim.questions.again import FRESH
from raresim.questions.bench import Bench
from raresim.questions.design_size import Size, measured
from raresim.questions.null_cells import Point, null_points
from raresim.questions.race import race
from raresim.study.columns import ArrayTable
from raresim.study.montecarlo import Figure
from raresim.study.tasks import Progress, check_size
from raresim.study.unfinished import Unfinished
from raresim.trial.engine import Choice
from raresim.trial.nuisance import Values
from raresim.trial.null_set import claimed
from raresim.trial.scenario import Scenario

NAME = "calibration"
WIDEST = 2.0
"""Probits by which thresholds are moved at most, either way."""
FINE = 0.01
"""Probits within which the shift is found."""
ROUNDS = 3
"""How often a cell may join the worst ones."""
DIGITS = 6


@dataclass(frozen=True)
class Rule:
    """A threshold: its path, the value that is written, and the one that was found."""

    path: str
    before: float
    after: float

    @property
    def written(self) -> str | float:
        """What was found, as a scenario file says it.

        >>> Rule("analysis.methods.change.alpha", 0.025, 0.0000213).written
        '0.0000213 one-sided'
        """
        if not self.path.endswith("alpha"):
            return self.after
        return f"{self.after:.12f}".rstrip("0") + " one-sided"


@dataclass(frozen=True)
class Calibration:
    """Thresholds with which a design errs as often as is allowed.

    Attributes
    ----------
    scenario, replicates, seed
        What was run; trials of each cell that may be the worst.
    level
        The family-wise error that was asked for, at most.
    rules
        The thresholds.
    shift
        How far they were moved, in probits: above zero where the design became stricter.
    before
        How often the worst cell errs with the thresholds as written.
    tried
        Shifts that were tried, and how often the worst cells err there.
    size
        The size with the thresholds found, on fresh seeds.
    command
        What makes this answer again.
    """

    scenario: str
    replicates: int
    seed: int
    level: float
    rules: tuple[Rule, ...]
    shift: float
    before: Figure
    tried: tuple[tuple[float, Figure], ...]
    size: Size
    command: str

    def dict(self) -> dict[str, Any]:
        """Return plain data, ready for JSON."""
        return asdict(self) | {"verdict": self.verdict}

    @property
    def verdict(self) -> str:
        """What the interval of the size says of the level asked for."""
        if self.size.low > self.level:
            return "above the level"
        return "held" if self.size.high <= self.level else "not shown to be above the level"

    @property
    def table(self) -> ArrayTable:
        """A row for each shift that was tried."""
        rates = [rate for _, rate in self.tried]
        return ArrayTable(
            {
                "shift": np.array([shift for shift, _ in self.tried]),
                "rejected": np.array([rate.value for rate in rates], np.float64),
                "rejected_mcse": np.array([rate.mcse for rate in rates], np.float64),
            }
        )


def calibrate(
    scenario: Scenario,
    target: float = 0.025,
    replicates: int = 20_480,
    seed: int = 1,
    *,
    engine: Choice = "auto",
    workers: int | None = None,
    folder: Path | None = None,
    resume: bool = False,
    picture: Callable[[Calibration], str] | None = None,
    progress: Progress | None = None,
) -> Calibration:
    """Find the thresholds with which a design errs no more often than is allowed.

    Parameters
    ----------
    scenario
        A scenario that declares `nulls`, and as a rule a grid (`nuisance`).
    target
        The family-wise error that is allowed, over all of them.
    replicates
        Trials of each cell that may be the worst, for each shift and for the size at the end.
    seed, engine, workers
        As for `raresim.simulate`.
    folder, resume, picture, progress
        As for `raresim.sweep`.

    Raises
    ------
    InputError
        When no null hypothesis is declared, or no thresholds within reach keep the level.

    Examples
    --------
    >>> from raresim.trial import load_scenario
    >>> found = calibrate(load_scenario("friedreich-48-weeks"), 0.05, 256, workers=1)
    >>> found.rules[0].path, found.rules[0].before, found.shift < 0
    ('analysis.methods.change.alpha', 0.025, True)
    """
    check_size(replicates, seed)
    if not 0 < target < 0.5:
        raise InputError(f"target: expected a level above 0 and below 0.5, got {target}")
    settings = {"target": target, "replicates": replicates, "seed": seed}
    asked = answer.Asked(NAME, {scenario.stem: scenario}, settings)

    def find(work: Unfinished) -> Calibration:
        points = null_points(scenario, seed)
        job = _Job(scenario, points, Bench(work, engine, workers, progress), target, replicates)
        options = {"level": target, "replicates": replicates, "seed": seed}
        command = answer.command("calibrate", [scenario], options)
        return _calibrated(job, seed, command)

    return answer.given(asked, Calibration, find, folder, picture, resume=resume)


@dataclass
class _Job:
    """A design whose thresholds are moved."""

    scenario: Scenario
    points: Sequence[Point]
    bench: Bench
    target: float
    replicates: int

    def rules(self, shift: float) -> tuple[Rule, ...]:
        """Return the thresholds after a shift."""
        return tuple(_rule(self.scenario, name, shift) for name in claimed(self.scenario))

    def shifted(self, point: Point, shift: float) -> Point:
        """Return a cell with the thresholds moved."""
        values = _values(self.rules(shift))
        return replace(point, scenario=point.scenario.at(values), mark=repr(shift))

    def rate(self, cells: Sequence[int], shift: float, seed: int) -> Figure:
        """Return how often the worst of some cells errs after a shift."""
        points = [self.shifted(self.points[k], shift) for k in cells]
        self.bench.expected = self.bench.done + self.replicates * len(cells)
        found = race(self.bench, points, seed, self.replicates)
        return max((cell.rejected for cell in found), key=lambda rate: rate.value or 0.0)

    def size(self, shift: float, seed: int) -> Size:
        """Return the size after a shift, over all cells."""
        points = [self.shifted(point, shift) if point.nulls else point for point in self.points]
        scenario = self.scenario.at(_values(self.rules(shift)))
        return measured(scenario, points, self.bench, self.replicates, seed)


def _rule(scenario: Scenario, name: str, shift: float) -> Rule:
    method, path = scenario.spec.analysis.methods[name], f"analysis.methods.{name}"
    moved = float(ndtr(-(ndtri(1 - method.level) + shift)))
    if method.posterior_above is not None:
        return Rule(f"{path}.posterior_above", method.posterior_above, _short(1 - moved))
    return Rule(f"{path}.alpha", method.level, _short(moved))


def _short(value: float) -> float:
    """Return a threshold with as many digits as are worth writing, from the nearer end."""
    if value > 0.5:
        return 1 - float(f"{1 - value:.{DIGITS}g}")
    return float(f"{value:.{DIGITS}g}")


def _values(rules: Sequence[Rule]) -> Values:
    return {rule.path: rule.written for rule in rules}


def _calibrated(job: _Job, seed: int, command: str) -> Calibration:
    there = [k for k, point in enumerate(job.points) if point.nulls]
    job.bench.expected = job.replicates * len(there)
    cells = race(job.bench, [job.shifted(job.points[k], 0.0) for k in there], seed, job.replicates)
    worst = max(range(len(there)), key=lambda k: (cells[k].rejected.value or 0.0, -k))
    chosen, tried = [there[worst]], {0.0: cells[worst].rejected}
    for _ in range(ROUNDS):
        shift = _least(job, chosen, seed, tried)
        size = job.size(shift, seed + FRESH)
        if size.worst in chosen or size.low <= job.target:
            break
        chosen.append(size.worst)
        tried = {}
    return Calibration(
        scenario=job.scenario.stem,
        replicates=job.replicates,
        seed=seed,
        level=job.target,
        rules=job.rules(shift),
        shift=shift,
        before=cells[worst].rejected,
        tried=tuple(sorted(tried.items())),
        size=size,
        command=command,
    )


def _least(job: _Job, cells: Sequence[int], seed: int, tried: dict[float, Figure]) -> float:
    """Return the least shift, within `FINE`, with which the worst of some cells keep the level."""

    def over(shift: float) -> float:
        """Return how far the error is above the level in probits, one standard error added."""
        if shift not in tried:
            tried[shift] = job.rate(cells, shift, seed)
        rate = tried[shift]
        at_most = (rate.value or 0.0) + (rate.mcse or 0.0)
        return float(ndtri(min(at_most, 1 - 1e-9)) - ndtri(job.target))

    low, high = -WIDEST, WIDEST
    at_low = at_high = over(0.0)
    if at_low > 0:
        low = 0.0
        high = min(at_low + 0.1, WIDEST)
        at_high = over(high)
        if at_high > 0 and high < WIDEST:
            high = WIDEST
            at_high = over(high)
        if at_high > 0:
            message = f"even thresholds moved by {WIDEST:g} probits err more often than the level"
            raise InputError(f"{job.scenario.stem}: {message}; check the null hypotheses")
    else:
        high = 0.0
        low = max(at_high - 0.1, -WIDEST)
        at_low = over(low)
        if at_low <= 0:
            return low
    before = 0.0
    while high - low > FINE:
        middle = low + (high - low) * at_low / (at_low - at_high)
        edge = 0.1 * (high - low)  # the error goes in steps: halving must not come to rest
        middle = float(np.clip(middle, low + edge, high - edge))
        found = over(middle)
        if found > 0:
            low, at_low, at_high = middle, found, at_high / (2 if before > 0 else 1)
        else:
            high, at_high, at_low = middle, found, at_low / (2 if before < 0 else 1)
        before = found
    return high
