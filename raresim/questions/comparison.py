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
from typing import Any

import numpy as np
import numpy.typing as npt

from raresim.errors import InputError, did_you_mean
from raresim.study import montecarlo
from raresim.study.montecarlo import Figure
from raresim.study.run import Run, simulate
from raresim.study.summary import called, successes
from raresim.study.tables import MONTH
from raresim.study.tasks import Progress
from raresim.study.told import Told
from raresim.trial.engine import Choice
from raresim.trial.scenario import Scenario

Floats = npt.NDArray[np.float64]
FRESH = 1_000_003
"""What is added to the seed for the trials in which the best design is tried again."""


@dataclass(frozen=True)
class Characteristic:
    """A number of each trial that designs are compared by; a share is told in per cent."""

    name: str
    label: str
    is_share: bool = False


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
    apart
        What the designs assume differently about the world, path by path: where there is any, the
        differences are not those of the designs alone.
    """

    hypothesis: str
    replicates: int
    seed: int
    characteristics: tuple[Characteristic, ...]
    designs: tuple[DesignFigures, ...]
    best: str
    best_again: Figure
    apart: tuple[str, ...]

    def dict(self) -> dict[str, Any]:
        """Return plain data, ready for JSON."""
        return asdict(self)


def compare(
    scenarios: Mapping[str, Scenario],
    replicates: int = 2000,
    seed: int = 1,
    *,
    hypothesis: str | None = None,
    engine: Choice = "auto",
    workers: int | None = None,
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
    chosen = _comparable(scenarios, hypothesis)
    drawn = {name: _drawn(scenario, chosen) for name, scenario in scenarios.items()}
    told = Told(progress, replicates * (len(scenarios) + sum(map(bool, drawn.values())) + 1))
    options: dict[str, Any] = {"hypothesis": chosen, "engine": engine, "workers": workers}

    def run(scenario: Scenario, start: int) -> Run:
        found = simulate(scenario, replicates, start, progress=told.within, **options)
        told.finished(replicates)
        return found

    values, questions, clusters = {}, {}, np.arange(replicates)
    for name, scenario in scenarios.items():
        found = run(scenario, seed)
        values[name] = _numbers(scenario, found)
        questions[name] = scenario.spec.question
        clusters = np.minimum(clusters, found.tables.trials["draw"])
        if (all_drawn := drawn[name]) is not None:
            again = run(all_drawn, seed)
            values[name]["assurance"] = _succeeded(all_drawn, again)
            clusters = np.minimum(clusters, again.tables.trials["draw"])
    best = max(values, key=lambda name: float(np.mean(values[name]["success"])))
    retried = run(scenarios[best], seed + FRESH)
    return Comparison(
        hypothesis=chosen,
        replicates=replicates,
        seed=seed,
        characteristics=_characteristics(scenarios, values, chosen),
        designs=_designs(values, questions, clusters),
        best=best,
        best_again=montecarlo.proportion(
            _succeeded(scenarios[best], retried), retried.tables.trials["draw"]
        ),
        apart=_apart(scenarios),
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


def _succeeded(scenario: Scenario, run: Run) -> Floats:
    return successes(scenario, run.tables.trials, run.tables.analyses).astype(np.float64)


def _numbers(scenario: Scenario, run: Run) -> dict[str, Floats]:
    """Return each characteristic by replicate."""
    trials = run.tables.trials
    found = {
        "success": _succeeded(scenario, run),
        "duration": trials["duration_days"] / MONTH,
        "randomised": trials["randomised"].astype(np.float64),
        "screened": trials["screened"].astype(np.float64),
    }
    for key, column in (("worse", "patients_on_worse_arm"), ("cost", "cost")):
        if column in trials.columns:
            found[key] = trials[column].astype(np.float64)
    return found


def _characteristics(
    scenarios: Mapping[str, Scenario], values: Mapping[str, dict[str, Floats]], hypothesis: str
) -> tuple[Characteristic, ...]:
    """Return what any design has, in order: a cost only where those told are in one currency.

    A trial of one arm has no worse arm, and a design without prices no cost.
    """
    nulls = {scenario.is_null(hypothesis) for scenario in scenarios.values()}
    rate = called(nulls == {True}, "nuisance")
    priced = [scenario.spec.design.costs for scenario in scenarios.values()]
    currencies = {prices.currency for prices in priced if prices}
    known = [
        Characteristic("success", rate, is_share=True),
        Characteristic("assurance", "assurance", is_share=True),
        Characteristic("duration", "duration (months)"),
        Characteristic("randomised", "patients randomised"),
        Characteristic("screened", "candidates screened"),
        Characteristic("worse", "patients on the truly worse arm"),
    ]
    if len(currencies) == 1:
        known.append(Characteristic("cost", f"cost ({currencies.pop()})"))
    return tuple(c for c in known if any(c.name in found for found in values.values()))


def _designs(
    values: Mapping[str, dict[str, Floats]],
    questions: Mapping[str, str],
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
        found.append(DesignFigures(name, questions[name], figures, differences))
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
