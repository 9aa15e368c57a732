"""Designs side by side on the same patients: paired differences, and the best one tried again.

A draw is fixed by (seed, replicate, decision point, unit), so that scenarios of one model and one
stream of candidates see the same patients in the same replicate, and differ by what they do. The
difference of two designs in a replicate then varies less than that of independent runs:

    Var(a - b) = Var(a) + Var(b) - 2 Cov(a, b)

Source: common random numbers, Law, Simulation Modeling and Analysis, 5th ed. 2015, section 11.2.
Whoever is the best of several is so by luck as well; the best one is therefore run again on fresh
seeds, and that figure is the one to quote.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from raresim.errors import InputError, did_you_mean
from raresim.questions import answer
from raresim.questions.again import FRESH, best, limits
from raresim.questions.bench import Bench, Design, Numbers, Piece, pieces, true_pieces
from raresim.questions.characteristics import (
    COLUMNS,
    Characteristic,
    Floats,
    has,
    known,
    of_each,
)
from raresim.study import montecarlo
from raresim.study.columns import ArrayTable, spelled
from raresim.study.design_analysis import on_worse_arm
from raresim.study.montecarlo import NOTHING, Figure
from raresim.study.tasks import Progress, check_size
from raresim.study.unfinished import Unfinished
from raresim.trial.engine import Choice
from raresim.trial.scenario import Scenario

NAME = "comparison"


@dataclass(frozen=True)
class DesignFigures:
    """One design: each characteristic's mean, and its difference from the first design's.

    What a design does not have, or the first does not, is not among them.
    """

    name: str
    question: str
    figures: dict[str, Figure]
    differences: dict[str, Figure]


@dataclass(frozen=True)
class Comparison:
    """Designs on the same patients: all runs share a hypothesis, a number of trials and a seed.

    Attributes
    ----------
    characteristics
        What is compared, in order.
    designs
        In the order in which they were given; differences are those from the first.
    best
        The design that succeeds most often in these trials.
    best_again
        How often it succeeds on fresh seeds: the figure to quote, as `best` was chosen by luck too.
    best_low, best_high
        Its 80 % interval.
    apart
        What the designs assume differently about the world, path by path: where there is any, the
        differences are not those of the designs alone.
    command
        What makes this answer again.
    """

    hypothesis: str
    replicates: int
    seed: int
    characteristics: tuple[Characteristic, ...]
    designs: tuple[DesignFigures, ...]
    best: str
    best_again: Figure
    best_low: float
    best_high: float
    apart: tuple[str, ...]
    command: str

    def dict(self) -> dict[str, Any]:
        """Return plain data, ready for JSON."""
        return asdict(self)

    @property
    def table(self) -> ArrayTable:
        """A row for each characteristic of each design: its mean, and that from the first's."""
        rows = [(d, name) for d in self.designs for name in d.figures]
        columns: dict[str, Any] = {
            "design": spelled([design.name for design, _ in rows]),
            "characteristic": spelled([name for _, name in rows]),
        }
        for part in ("value", "mcse"):
            own = [getattr(design.figures[name], part) for design, name in rows]
            apart = [getattr(d.differences.get(name, NOTHING), part) for d, name in rows]
            columns[part] = np.array(own, np.float64)
            columns[f"difference_{part}"] = np.array(apart, np.float64)
        return ArrayTable(columns)


def compare(
    scenarios: Mapping[str, Scenario],
    replicates: int = 2000,
    seed: int = 1,
    *,
    hypothesis: str | None = None,
    engine: Choice = "auto",
    workers: int | None = None,
    folder: Path | None = None,
    resume: bool = False,
    picture: Callable[[Comparison], str] | None = None,
    progress: Progress | None = None,
) -> Comparison:
    """Run several designs on the same patients and say how they differ.

    Parameters
    ----------
    scenarios
        Two scenarios or more, by the name under which each is told.
    replicates, seed, engine, workers
        As for `raresim.simulate`, for each design.
    hypothesis
        A hypothesis that all of them have; the first of the first scenario if not given.
    folder, resume, picture
        As for `raresim.sweep`; without a picture nothing is written.
    progress
        Called with the trials done and the trials in all.

    Raises
    ------
    InputError
        With fewer than two scenarios, another disease model, or a hypothesis that one lacks.

    Examples
    --------
    >>> from raresim.trial import load_scenario
    >>> wide = load_scenario("friedreich-48-weeks")
    >>> small = wide.changed({"design.randomise.n": 60})
    >>> found = compare({"100": wide, "60": small}, 32, workers=1)
    >>> found.designs[1].differences["randomised"].value
    -40.0
    """
    check_size(replicates, seed)
    chosen = _comparable(scenarios, hypothesis)
    settings = {"replicates": replicates, "seed": seed, "hypothesis": chosen}
    asked = answer.Asked(NAME, dict(scenarios), settings)
    command = answer.command("compare", scenarios.values(), settings)

    def find(work: Unfinished) -> Comparison:
        side = _Side(Bench(work, engine, workers, progress), replicates, seed)
        return _compared(scenarios, chosen, side, command)

    return answer.given(asked, Comparison, find, folder, picture, resume=resume)


@dataclass(frozen=True)
class _Side:
    """Trials of designs, side by side."""

    bench: Bench
    replicates: int
    seed: int

    def pieces(self, design: Design) -> list[Piece]:
        """Return what is run of a design, with its true values where two arms decide."""
        found: list[Piece] = [*pieces(design, self.seed, self.replicates)]
        if design.scenario.two_arms_decide:
            found += true_pieces(design, self.seed, self.replicates)
        return found

    def numbers(self, design: Design) -> Numbers:
        """Return what is known of each trial, and how many were on the truly worse arm."""
        found = self.bench.numbers(pieces(design, self.seed, self.replicates))
        if design.scenario.two_arms_decide:
            primary = design.scenario.spec.analysis.primary
            truth = self.bench.numbers(true_pieces(design, self.seed, self.replicates))[primary]
            worse = on_worse_arm(design.scenario, ArrayTable(found), found["draw"], truth)
            assert worse is not None
            found["worse"] = worse
        return found

    def again(self, design: Design) -> Figure:
        """Return how often a design succeeds on fresh seeds."""
        fresh = self.bench.numbers(pieces(design, self.seed + FRESH, self.replicates))
        return montecarlo.proportion(of_each(fresh, "success"), fresh["draw"])


def _compared(
    scenarios: Mapping[str, Scenario], hypothesis: str, side: _Side, command: str
) -> Comparison:
    designs = {name: Design(name, each, hypothesis) for name, each in scenarios.items()}
    drawn = {
        name: Design(f"{name}, drawn", all_drawn, hypothesis)
        for name, each in scenarios.items()
        if (all_drawn := _drawn(each, hypothesis)) is not None
    }
    whole = [*designs.values(), *drawn.values()]
    side.bench.expected = side.replicates * (len(whole) + 1)
    side.bench.run([piece for design in whole for piece in side.pieces(design)])
    values: dict[str, dict[str, Floats]] = {}
    clusters = np.arange(side.replicates)
    for name, design in designs.items():
        numbers = side.numbers(design)
        values[name] = {key: of_each(numbers, key) for key in COLUMNS if has(numbers, key)}
        clusters = np.minimum(clusters, numbers["draw"])
        if name in drawn:
            numbers = side.bench.numbers(pieces(drawn[name], side.seed, side.replicates))
            values[name]["assurance"] = of_each(numbers, "success")
            clusters = np.minimum(clusters, numbers["draw"])
    chosen = best({name: own["success"] for name, own in values.items()})
    again = side.again(designs[chosen])
    low, high = limits(again)
    told = [name for each in values.values() for name in each]
    return Comparison(
        hypothesis=hypothesis,
        replicates=side.replicates,
        seed=side.seed,
        characteristics=tuple(
            each for each in known(scenarios.values(), hypothesis) if each.name in told
        ),
        designs=_designs(values, scenarios, clusters),
        best=chosen,
        best_again=again,
        best_low=low,
        best_high=high,
        apart=_apart(scenarios),
        command=command,
    )


def _comparable(scenarios: Mapping[str, Scenario], hypothesis: str | None) -> str:
    """Return the hypothesis of all scenarios, or refuse what cannot be compared."""
    if len(scenarios) < 2:
        raise InputError("a comparison needs two scenarios or more; name another one")
    first, *others = scenarios.values()
    chosen = first.hypothesis(hypothesis)
    for name, scenario in scenarios.items():
        if chosen not in scenario.hypotheses:
            mend = did_you_mean(chosen, scenario.hypotheses)
            raise InputError(f"{name}: no hypothesis {chosen!r}; {mend}")
    for other in others:
        if other.model.spec.name != first.model.spec.name:
            found = f"{first.model.spec.name} and {other.model.spec.name}"
            raise InputError(f"designs for two diseases have no patients in common: {found}")
    return chosen


def _drawn(scenario: Scenario, hypothesis: str) -> Scenario | None:
    """Return the scenario with everything drawn, for assurance; None where no effect can be."""
    effects = scenario.spec.truth.hypotheses[hypothesis].values()
    published = any(effect.evidence is not None for arms in effects for effect in arms.values())
    if not published or scenario.is_null(hypothesis):
        return None
    return scenario.changed({"truth.uncertainty": "all"})


def _designs(
    values: Mapping[str, dict[str, Floats]],
    scenarios: Mapping[str, Scenario],
    clusters: npt.NDArray[np.int64],
) -> tuple[DesignFigures, ...]:
    reference = next(iter(values.values()))
    found = []
    for name, own in values.items():
        figures, differences = {}, {}
        for key, numbers in own.items():
            is_share = key in ("success", "assurance")
            over: Callable[..., Figure] = montecarlo.proportion if is_share else montecarlo.mean
            figures[key] = over(numbers, clusters)
            if key in reference:
                apart = montecarlo.difference if is_share else _mean_difference
                differences[key] = apart(numbers, reference[key], clusters)
        found.append(DesignFigures(name, scenarios[name].spec.question, figures, differences))
    return tuple(found)


def _mean_difference(a: Floats, b: Floats, clusters: npt.NDArray[np.int64]) -> Figure:
    return montecarlo.mean(a - b, clusters)


def _apart(scenarios: Mapping[str, Scenario]) -> tuple[str, ...]:
    """Return the paths of the truth at which the scenarios are not the same."""
    first, *others = (_flat(s.document.data["truth"], "truth") for s in scenarios.values())
    paths = {
        path for other in others for path in {*first, *other} if other.get(path) != first.get(path)
    }
    return tuple(sorted(paths))


def _flat(value: Any, path: str) -> dict[str, Any]:
    """Return the values of a block by their paths; reasons and sources are no assumptions."""
    if not isinstance(value, dict):
        return {path: value}
    found: dict[str, Any] = {}
    for key, part in value.items():
        if key not in ("why", "source", "where", "seen"):
            found |= _flat(part, f"{path}.{key}")
    return found
