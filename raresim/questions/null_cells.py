"""The cells of a design's size: null hypotheses at the points of its nuisance grid."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from raresim.errors import InputError
from raresim.questions.bench import digest
from raresim.study import montecarlo, tables
from raresim.study.claims import claims
from raresim.study.columns import ArrayTable
from raresim.study.montecarlo import Figure
from raresim.study.truth import true_values
from raresim.trial.engine import Engine, run_block
from raresim.trial.nuisance import Values, grid
from raresim.trial.null_set import told_nulls, true_nulls
from raresim.trial.scenario import Scenario

Hits = npt.NDArray[np.bool_]
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
        How often any of them is rejected, and of how many trials: fewer than asked for where the
        cell could not be the maximum any more.
    claims
        How often each of them is.
    told
        How often other estimands without effect are rejected, which the trial does not claim.
    """

    hypothesis: str
    values: Values
    nulls: tuple[str, ...]
    rejected: Figure
    claims: dict[str, Figure]
    told: dict[str, Figure]


@dataclass(frozen=True)
class Point:
    """A cell before it is run: its scenario, with nothing drawn, and its true nulls."""

    scenario: Scenario
    hypothesis: str
    values: Values
    nulls: tuple[str, ...]
    told: tuple[str, ...] = ()
    mark: str = ""
    """What else makes its trials other ones."""

    def any_error(self, errors: dict[str, Hits]) -> Hits:
        """Return whether each trial rejects any claim without effect."""
        return np.asarray(np.logical_or.reduce([errors[name] for name in self.nulls]))

    def cell(self, errors: dict[str, Hits]) -> Cell:
        """Return the cell, with what its trials found."""
        if not errors:
            return Cell(self.hypothesis, self.values, (), montecarlo.NOTHING, {}, {})
        hits = self.any_error(errors)
        alone = np.arange(len(hits))
        each = {name: montecarlo.proportion(own, alone) for name, own in errors.items()}
        own, told = ({name: each[name] for name in part} for part in (self.nulls, self.told))
        rejected = montecarlo.proportion(hits, alone)
        return Cell(self.hypothesis, self.values, self.nulls, rejected, own, told)


@dataclass(frozen=True)
class NullPiece:
    """A luck block of a cell's trials: by estimand without effect whether each rejects it."""

    point: Point
    seed: int
    block: int
    trials: int

    @property
    def name(self) -> str:
        """What no other piece is called."""
        own = (self.point.hypothesis, list(self.point.values.items()), self.point.mark)
        return digest("null", *own, self.seed, self.block, self.trials)

    @property
    def scenario(self) -> Scenario:
        """What is run."""
        return self.point.scenario

    def find(self, engine: Engine) -> ArrayTable:
        """Run the trials."""
        asked = (self.point.hypothesis, self.seed, self.block, engine, self.trials)
        run = run_block(self.scenario, *asked)
        trials = tables.trials_table(self.scenario, run, self.block)
        analyses = tables.analyses_table(self.scenario, run, self.block)
        found = claims(self.scenario, trials, analyses)
        return ArrayTable({name: found[name] for name in (*self.point.nulls, *self.point.told)})


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
        found += [_point(there, name, values, seed) for name in design.nulls]
    if not any(point.nulls for point in found):
        message = "under no declared null hypothesis is a claim without effect"
        raise InputError(f"{scenario.stem}: {message}; check 'nulls' and the goals")
    return found


def _point(scenario: Scenario, hypothesis: str, values: Values, seed: int) -> Point:
    nulls = _nulls(scenario, hypothesis, seed)
    told = told_nulls(scenario, hypothesis) if nulls else ()
    return Point(scenario, hypothesis, values, nulls, told)


def _nulls(scenario: Scenario, hypothesis: str, seed: int) -> tuple[str, ...]:
    """Return the true nulls; of claims against a goal, those not truly better than it."""
    found = true_nulls(scenario, hypothesis)
    methods = scenario.spec.analysis.methods
    if all(methods[name].goal is None for name in found):
        return found
    values = true_values(scenario, hypothesis, seed, 0)
    kept = []
    for name in found:
        true = montecarlo.mean(values[name], np.arange(len(values[name])))
        apart = (true.value or 0.0) - scenario.goal(name)
        side = scenario.better(scenario.spec.analysis.estimands[name].outcome)
        better = -apart if side == "less" else apart
        if methods[name].goal is None or better <= K * (true.mcse or 0.0):
            kept.append(name)
    return tuple(kept)
