"""Sweeps: a design at every combination of some values, all on the same luck.

The points share seed and replicates, so that differences between them are paired, and the table
tells both: each characteristic, and how far it is from that of the first point.
Source: common random numbers, Law, Simulation Modeling and Analysis, 5th ed. 2015, section 11.2.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from raresim.errors import InputError
from raresim.questions import answer
from raresim.questions.axes import Axis, axis, points
from raresim.questions.bench import Bench, Design, pieces
from raresim.questions.characteristics import (
    Characteristic,
    characteristics,
    differences,
    figures,
)
from raresim.study.columns import ArrayTable, spelled
from raresim.study.montecarlo import Figure
from raresim.study.tasks import Progress, check_size
from raresim.study.unfinished import Unfinished
from raresim.trial.engine import Choice
from raresim.trial.scenario import Scenario

NAME = "sweep"


@dataclass(frozen=True)
class SweptPoint:
    """A combination of values: each characteristic, and its difference from the first point's."""

    values: tuple[Any, ...]
    figures: dict[str, Figure]
    differences: dict[str, Figure]


@dataclass(frozen=True)
class Sweep:
    """A design at every combination of some values.

    Attributes
    ----------
    scenario, hypothesis, replicates, seed
        What was run at each point.
    axes
        What was moved.
    characteristics
        What is told of each point, in order.
    points
        The combinations, the last axis moving fastest; differences are those from the first.
    command
        What makes this answer again.
    """

    scenario: str
    hypothesis: str
    replicates: int
    seed: int
    axes: tuple[Axis, ...]
    characteristics: tuple[Characteristic, ...]
    points: tuple[SweptPoint, ...]
    command: str

    def dict(self) -> dict[str, Any]:
        """Return plain data, ready for JSON."""
        return asdict(self)

    @property
    def table(self) -> ArrayTable:
        """A row for each point: its values, each characteristic and its Monte Carlo error."""
        columns: dict[str, Any] = {}
        for number, each in enumerate(self.axes):
            columns[each.path] = _column([point.values[number] for point in self.points])
        for told in self.characteristics:
            for before, of in (("", "figures"), ("difference_", "differences")):
                own = [getattr(point, of)[told.name] for point in self.points]
                key = f"{before}{told.name}"
                columns[key] = np.array([figure.value for figure in own], np.float64)
                columns[f"{key}_mcse"] = np.array([figure.mcse for figure in own], np.float64)
        return ArrayTable(columns)


def _column(values: Sequence[Any]) -> Any:
    """Return values as numbers where all are, else as words."""
    if all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in values):
        return np.array(values)
    return spelled([str(value) for value in values])


def sweep(
    scenario: Scenario,
    axes: Sequence[str | Axis] | Mapping[str, Sequence[Any]],
    replicates: int = 1024,
    seed: int = 1,
    *,
    hypothesis: str | None = None,
    engine: Choice = "auto",
    workers: int | None = None,
    folder: Path | None = None,
    resume: bool = False,
    picture: Callable[[Sweep], str] | None = None,
    progress: Progress | None = None,
) -> Sweep:
    """Run a design at every combination of some values, on the same luck.

    Parameters
    ----------
    scenario
        The design.
    axes
        What is moved: `PATH=VALUES` texts (see `raresim.questions.axes`), or values by path. Paths
        lead into the scenario, or with `model.` into its disease model.
    replicates
        Trials at each point.
    seed, hypothesis, engine, workers
        As for `raresim.simulate`.
    folder, resume
        Where the answer is written; what is done stays there if the work is cut short, and
        `resume` goes on with it.
    picture
        What draws the answer; needed with a folder (`raresim.report.sweep.picture`).
    progress
        Called with the trials done and the trials in all.

    Raises
    ------
    InputError
        When an argument makes no sense, or there is no such scenario at a point.

    Examples
    --------
    >>> from raresim.trial import load_scenario
    >>> design = load_scenario("friedreich-48-weeks")
    >>> found = sweep(design, {"design.randomise.n": [40, 60]}, 64, workers=1)
    >>> [point.figures["randomised"].value for point in found.points]
    [40.0, 60.0]
    """
    check_size(replicates, seed)
    chosen, name = _axes(axes), scenario.hypothesis(hypothesis)
    places = points(scenario, chosen)
    designs = [Design(repr(values), there, name) for values, there in places]
    told = characteristics([design.scenario for design in designs], name)
    options = {"replicates": replicates, "seed": seed, "hypothesis": name}
    settings = options | {"axes": [asdict(each) for each in chosen]}
    asked = answer.Asked(NAME, {scenario.stem: scenario}, settings)
    written = {"set": tuple(_said(each) for each in chosen)}

    def find(work: Unfinished) -> Sweep:
        bench = Bench(work, engine, workers, progress)
        bench.expected = len(designs) * replicates
        bench.run([piece for design in designs for piece in pieces(design, seed, replicates)])
        first = bench.numbers(pieces(designs[0], seed, replicates))
        swept = []
        for (values, _), design in zip(places, designs, strict=True):
            own = bench.numbers(pieces(design, seed, replicates))
            swept.append(SweptPoint(values, figures(own, told), differences(own, first, told)))
        return Sweep(
            scenario.stem,
            name,
            replicates,
            seed,
            tuple(chosen),
            told,
            tuple(swept),
            answer.command(NAME, [scenario], written | options),
        )

    return answer.given(asked, Sweep, find, folder, picture, resume=resume)


def _axes(asked: Sequence[str | Axis] | Mapping[str, Sequence[Any]]) -> list[Axis]:
    if isinstance(asked, Mapping):
        found = [Axis(path, (), tuple(values)) for path, values in asked.items()]
    else:
        found = [each if isinstance(each, Axis) else axis(each) for each in asked]
    if not found or not all(each.values for each in found):
        raise InputError("a sweep needs something to move, such as design.randomise.n=40,60,80")
    return found


def _said(each: Axis) -> str:
    """Return an axis as it is written."""
    values = ",".join(str(value) for value in each.values)
    if any(isinstance(v, (dict, list)) or (isinstance(v, str) and "," in v) for v in each.values):
        values = json.dumps(each.values)
    return f"{'+'.join((each.path, *each.along))}={values}"
