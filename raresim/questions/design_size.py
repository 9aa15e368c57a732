"""The size of a design: its family-wise error, at most, over its null hypotheses and a grid.

A cell is a declared null hypothesis at a point of the nuisance grid (`trial/nuisance`), with every
other number as printed and nothing drawn: a size is that at one truth, and an average over truths
would hide the worst. The error counted is family-wise: a trial errs that rejects any claim without
effect there, in the order of its tests (`trial/null_set`). All cells have the same luck, and get
trials in rounds: one that cannot be the maximum any more leaves (`race`).

The cell that rejects most often does so by luck as well, so it is run again on fresh seeds. The
interval of the maximum holds it with 95 % or more. Its lower limit is that of the worst cell on the
fresh seeds, which were not used to choose it, at 2.5 % on its side. Its upper limit is the largest
upper limit of the cells that stayed to the end, each at 2 %: that is no less than the limit of the
cell that truly is the maximum, whichever that is, which holds with 98 %; the other 0.5 % are that
it has left. Both are exact binomial limits.
Sources: Clopper & Pearson, Biometrika 1934;26:404-413; FDA, Adaptive Designs for Clinical Trials of
Drugs and Biologics, guidance 2019, section VI.A (type I error simulated over the plausible nuisance
parameters).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from raresim.questions import answer
from raresim.questions.again import FRESH, exact_limits
from raresim.questions.bench import Bench
from raresim.questions.null_cells import Cell, Point, null_points
from raresim.questions.race import MISSED, race
from raresim.study.columns import ArrayTable, spelled
from raresim.study.montecarlo import Figure
from raresim.study.tasks import Progress, check_size
from raresim.study.unfinished import Unfinished
from raresim.trial.engine import Choice
from raresim.trial.nuisance import told
from raresim.trial.null_set import claimed
from raresim.trial.scenario import Scenario

NAME = "size"
TAIL = 0.025
"""Chance that the maximum lies beyond each limit of its interval, at most."""


@dataclass(frozen=True)
class Size:
    """The size of a design.

    Attributes
    ----------
    scenario
        What was run.
    replicates
        Trials of each cell that stayed to the end.
    seed
        Of all trials but those on fresh seeds.
    level
        The nominal level: the largest of the claims' levels.
    cells
        Every cell.
    worst
        The number of the cell that rejects most often, of those that stayed to the end.
    again
        How often that one does on fresh seeds: the figure to quote.
    low, high
        An interval of the maximum over the cells, see above.
    command
        What makes this answer again.
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
    command: str

    @property
    def table(self) -> ArrayTable:
        """A row for each cell."""
        rates = [cell.rejected for cell in self.cells]
        return ArrayTable(
            {
                "hypothesis": spelled([cell.hypothesis for cell in self.cells]),
                "values": spelled([told(cell.values) for cell in self.cells]),
                "nulls": spelled([", ".join(cell.nulls) for cell in self.cells]),
                "trials": np.array([rate.replicates for rate in rates], np.int64),
                "rejected": np.array([rate.value for rate in rates], np.float64),
                "rejected_mcse": np.array([rate.mcse for rate in rates], np.float64),
            }
        )

    @property
    def verdict(self) -> str:
        """What the interval says of the nominal level."""
        if self.low > self.level:
            return "above the nominal level"
        return "held" if self.high <= self.level else "not shown to be above the nominal level"

    def dict(self) -> dict[str, Any]:
        """Return plain data, ready for JSON."""
        return asdict(self) | {"verdict": self.verdict}


def size(
    scenario: Scenario,
    replicates: int = 20_000,
    seed: int = 1,
    *,
    engine: Choice = "auto",
    workers: int | None = None,
    folder: Path | None = None,
    resume: bool = False,
    picture: Callable[[Size], str] | None = None,
    progress: Progress | None = None,
) -> Size:
    """Return the size of a scenario's design over its null hypotheses and its nuisance grid.

    Parameters
    ----------
    scenario
        A scenario that declares `nulls`, and as a rule a grid (`nuisance`).
    replicates
        Trials of each cell that may be the maximum.
    seed, engine, workers
        As for `raresim.simulate`.
    folder, resume, picture
        As for `raresim.sweep`.
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
    settings = {"replicates": replicates, "seed": seed}
    asked = answer.Asked(NAME, {scenario.stem: scenario}, settings)

    def find(work: Unfinished) -> Size:
        points = null_points(scenario, seed)
        bench = Bench(work, engine, workers, progress)
        return measured(scenario, points, bench, replicates, seed)

    return answer.given(asked, Size, find, folder, picture, resume=resume)


def measured(
    scenario: Scenario, points: Sequence[Point], bench: Bench, replicates: int, seed: int
) -> Size:
    """Return the size over some cells."""
    cells_there = sum(bool(point.nulls) for point in points)
    bench.expected = bench.done + replicates * (cells_there + 1)  # the worst cell again
    cells = race(bench, points, seed, replicates)
    whole = [k for k, cell in enumerate(cells) if _whole(cell, replicates)]
    worst = max(whole, key=lambda k: (_count(cells[k].rejected), -k))
    again = race(bench, [points[worst]], seed + FRESH, replicates)[0].rejected
    options = {"replicates": replicates, "seed": seed}
    return Size(
        scenario=scenario.stem,
        replicates=replicates,
        seed=seed,
        level=level(scenario),
        cells=tuple(cells),
        worst=worst,
        again=again,
        low=exact_limits(_count(again), replicates, TAIL)[0],
        high=highest([_count(cells[k].rejected) for k in whole], again),
        command=answer.command(NAME, [scenario], options),
    )


def _whole(cell: Cell, replicates: int) -> bool:
    """Return whether a cell lies in the null set and stayed to the end."""
    return cell.rejected.value is not None and cell.rejected.replicates == replicates


def level(scenario: Scenario) -> float:
    """Return the nominal level of a trial: the largest of its claims'."""
    return max(scenario.level(name) for name in claimed(scenario))


def _count(figure: Figure) -> int:
    return round((figure.value or 0.0) * figure.replicates)


def highest(hits: Sequence[int], again: Figure) -> float:
    """Return the upper limit of the maximum over cells that have been run in full.

    No lower than the worst one tried again, of as many trials.
    """
    ends = [exact_limits(count, again.replicates, TAIL - MISSED)[1] for count in hits]
    return max(*ends, again.value or 0.0)
