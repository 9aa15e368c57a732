"""The size of a design: its family-wise error, at most, over its null hypotheses and a grid.

A cell is a declared null hypothesis at a point of the nuisance grid (`trial/nuisance`), with every
other number as printed and nothing drawn: a size is that at one truth, and an average over truths
would hide the worst. The error counted is family-wise: a trial errs that rejects any claim without
effect there, in the order of its tests (`trial/null_set`). All cells have the same luck.

The cell that rejects most often does so by luck as well, so it is run again on fresh seeds. The
interval of the maximum holds it with 95 % or more: its lower limit is that of the worst cell on the
fresh seeds, which were not used to choose it, at 2.5 % on its side; its upper limit is the largest
upper limit of all K cells, each at 2.5 % / K (Bonferroni: where all of them hold, the largest holds
the largest). Both are exact binomial limits.
Sources: Clopper & Pearson, Biometrika 1934;26:404-413; Dunn, J Am Stat Assoc 1961;56:52-64; FDA,
Adaptive Designs for Clinical Trials of Drugs and Biologics, guidance 2019, section VI.A (type I
error simulated over the plausible nuisance parameters).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import betaincinv

from raresim.errors import InputError
from raresim.study import montecarlo, tables
from raresim.study.claims import claims as claims_of
from raresim.study.comparison import FRESH
from raresim.study.montecarlo import Figure
from raresim.study.run import Progress, block_sizes, check_size
from raresim.study.truth import true_values
from raresim.study.workers import processors, spread
from raresim.trial.engine import Choice, Engine, engine_for, run_block
from raresim.trial.nuisance import Values, grid
from raresim.trial.null_set import claims, true_nulls
from raresim.trial.scenario import Scenario

Hits = npt.NDArray[np.bool_]
TAIL = 0.025
"""Chance that the maximum lies beyond each limit of its interval, at most."""
K = 4
"""Standard errors by which a true value must be better than a goal to be no null."""


@dataclass(frozen=True)
class Cell:
    """A null hypothesis at a point of the grid.

    Attributes
    ----------
    hypothesis, values
        The null hypothesis, and the values that are moved, by their places; none at the centre.
    nulls
        The claims without effect here. None where a single arm is truly better than its goals: the
        cell is then outside the null set.
    rejected
        How often any of them is rejected.
    claims
        How often each of them is.
    """

    hypothesis: str
    values: Values
    nulls: tuple[str, ...]
    rejected: Figure
    claims: dict[str, Figure]


@dataclass(frozen=True)
class Size:
    """The size of a design.

    Attributes
    ----------
    scenario, replicates, seed
        What was run; replicates are those of each cell.
    level
        The nominal level: the largest of the claims' levels.
    cells
        Every cell.
    worst
        The number of the cell that rejects most often.
    again
        How often that one does on fresh seeds: the figure to quote.
    low, high
        An interval of the maximum over the cells, see above.
    """

    scenario: str
    replicates: int
    seed: int
    level: float
    cells: tuple[Cell, ...]
    worst: int
    again: Figure
    low: float
    high: float

    @property
    def verdict(self) -> str:
        """What the interval says of the nominal level."""
        if self.low > self.level:
            return "above the nominal level"
        return "held" if self.high <= self.level else "not shown to be above the nominal level"

    def dict(self) -> dict[str, Any]:
        """Return plain data, ready for JSON."""
        return asdict(self) | {"verdict": self.verdict}


@dataclass(frozen=True)
class Point:
    """A cell before it is run: its scenario, with nothing drawn, and its true nulls."""

    scenario: Scenario
    hypothesis: str
    values: Values
    nulls: tuple[str, ...]

    def errors(self, seed: int, block: int, replicates: int, engine: Engine) -> dict[str, Hits]:
        """Return by claim without effect whether each trial of a luck block rejects it."""
        run = run_block(self.scenario, self.hypothesis, seed, block, engine, replicates)
        trials = tables.trials_table(self.scenario, run, block)
        analyses = tables.analyses_table(self.scenario, run, block)
        found = claims_of(self.scenario, trials, analyses)
        return {name: found[name] for name in self.nulls}

    def cell(self, errors: dict[str, Hits]) -> Cell:
        """Return the cell, with what its trials found."""
        if not errors:
            return Cell(self.hypothesis, self.values, (), montecarlo.NOTHING, {})
        alone = np.arange(len(next(iter(errors.values()))))
        any_of_them = np.logical_or.reduce(list(errors.values()))
        figures = {name: montecarlo.proportion(hits, alone) for name, hits in errors.items()}
        rejected = montecarlo.proportion(any_of_them, alone)
        return Cell(self.hypothesis, self.values, self.nulls, rejected, figures)


def size(
    scenario: Scenario,
    replicates: int = 20_000,
    seed: int = 1,
    *,
    engine: Choice = "auto",
    workers: int | None = None,
    progress: Progress | None = None,
) -> Size:
    """Return the size of a scenario's design over its null hypotheses and its nuisance grid.

    Parameters
    ----------
    scenario
        A scenario that declares `nulls`, and as a rule a grid (`nuisance`).
    replicates
        Trials of each cell.
    seed, engine, workers
        As for `raresim.simulate`.
    progress
        Called with the trials done and the trials in all.

    Raises
    ------
    InputError
        When no null hypothesis is declared, or an argument makes no sense.
    RefusedError
        When the engine `block` is asked for and cannot run the design.

    Examples
    --------
    >>> from raresim.trial import load_scenario
    >>> found = size(load_scenario("friedreich-48-weeks"), 16, workers=1)
    >>> found.cells[0].nulls, found.level
    (('change',), 0.025)
    """
    check_size(replicates, seed)
    chosen = engine_for(scenario, engine)
    points = null_points(scenario, seed)
    spreading = _Spreading(replicates, chosen, workers or processors(), progress)
    spreading.total = replicates * (1 + sum(bool(point.nulls) for point in points))
    cells = spreading.run(points, seed)
    rates = [-1.0 if cell.rejected.value is None else cell.rejected.value for cell in cells]
    worst = int(np.argmax(rates))
    again = spreading.run([points[worst]], seed + FRESH)[0].rejected
    return Size(
        scenario=scenario.stem,
        replicates=replicates,
        seed=seed,
        level=level(scenario),
        cells=tuple(cells),
        worst=worst,
        again=again,
        low=lower_limit(_count(again), replicates, TAIL),
        high=highest([_count(cell.rejected) for cell in cells if cell.nulls], replicates, again),
    )


def level(scenario: Scenario) -> float:
    """Return the nominal level of a trial: the largest of its claims'."""
    return max(scenario.level(name) for name in claims(scenario))


def null_points(scenario: Scenario, seed: int) -> list[Point]:
    """Return every null hypothesis at every point of the grid.

    Raises
    ------
    InputError
        When none is declared, or when no point lies in the null set.
    """
    design = scenario.spec.design
    if not design.nulls:
        mend = "add 'nulls: [no_effect]' to the design, with the name of such a hypothesis"
        raise InputError(f"{scenario.stem}: declares no null hypothesis; {mend}")
    found = []
    for values in grid(design.nuisance):
        there = scenario.at({**values, "truth.uncertainty": "fixed"})
        found += [Point(there, name, values, _nulls(there, name, seed)) for name in design.nulls]
    if not any(point.nulls for point in found):
        message = "under no declared null hypothesis is a claim without effect"
        raise InputError(f"{scenario.stem}: {message}; check 'nulls' and the goals")
    return found


def _nulls(scenario: Scenario, hypothesis: str, seed: int) -> tuple[str, ...]:
    """Return the true nulls; of one arm, the claims not truly better than their goals."""
    found = true_nulls(scenario, hypothesis)
    if scenario.controlled or not found:
        return found
    values = true_values(scenario, hypothesis, seed, 0)
    kept = []
    for name in found:
        true = montecarlo.mean(values[name], np.arange(len(values[name])))
        apart = (true.value or 0.0) - scenario.goal(name)
        side = scenario.better(scenario.spec.analysis.estimands[name].outcome)
        better = -apart if side == "less" else apart
        if better <= K * (true.mcse or 0.0):
            kept.append(name)
    return tuple(kept)


def _count(figure: Figure) -> int:
    return round((figure.value or 0.0) * figure.replicates)


def lower_limit(hits: int, replicates: int, tail: float) -> float:
    """Return Clopper and Pearson's lower limit.

    >>> round(lower_limit(500, 20_000, 0.025), 5), lower_limit(0, 20_000, 0.025)
    (0.02288, 0.0)
    """
    return float(betaincinv(hits, replicates - hits + 1, tail)) if hits else 0.0


def upper_limit(hits: int, replicates: int, tail: float) -> float:
    """Return Clopper and Pearson's upper limit.

    >>> round(upper_limit(500, 20_000, 0.025), 5), upper_limit(20_000, 20_000, 0.025)
    (0.02726, 1.0)
    """
    if hits == replicates:
        return 1.0
    return float(betaincinv(hits + 1, replicates - hits, 1 - tail))


def highest(hits: Sequence[int], replicates: int, again: Figure) -> float:
    """Return the upper limit of the maximum over cells; no lower than the worst one tried again."""
    limits = [upper_limit(count, replicates, TAIL / len(hits)) for count in hits]
    return max(*limits, again.value or 0.0)


class _Spreading:
    """Runs cells over processors, luck block by luck block, and tells how far it is."""

    def __init__(
        self, replicates: int, engine: Engine, workers: int, progress: Progress | None
    ) -> None:
        self.replicates, self.engine, self.workers = replicates, engine, workers
        self.progress, self.done, self.total = progress, 0, 0

    def run(self, points: Sequence[Point], seed: int) -> list[Cell]:
        """Return the cells of some points; those outside the null set are not run."""
        sizes = block_sizes(self.replicates)
        todo = [(k, b) for k, p in enumerate(points) if p.nulls for b in range(len(sizes))]
        found: dict[tuple[int, int], dict[str, Hits]] = {}
        do = _doing(points, seed, sizes, self.engine)
        for task, errors in spread(do, todo, self.workers, self.engine):
            found[task] = errors
            self.done += sizes[task[1]]
            if self.progress is not None:
                self.progress(self.done, self.total)
        return [
            point.cell(
                {
                    name: np.concatenate([found[k, b][name] for b in range(len(sizes))])
                    for name in point.nulls
                }
            )
            for k, point in enumerate(points)
        ]


def _doing(
    points: Sequence[Point], seed: int, sizes: list[int], engine: Engine
) -> Callable[[tuple[int, int]], tuple[tuple[int, int], dict[str, Hits]]]:
    """Return the work of a task: a cell and a luck block."""

    def do(task: tuple[int, int]) -> tuple[tuple[int, int], dict[str, Hits]]:
        point, block = task
        return task, points[point].errors(seed, block, sizes[block], engine)

    return do
