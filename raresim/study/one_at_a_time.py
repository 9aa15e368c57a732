"""What drives the answer: numbers moved one at a time, and what is drawn changed, on the same luck.

Each run takes every number as printed (unpublished ones at the centre) but one, which it takes at
an end: a published number at the 2.5 or 97.5 % point of what its evidence allows, an unpublished
one at an end of its interval, a rate of conduct at half or at double its value. The same luck
serves all runs, so that moves are paired differences with a small Monte Carlo error.

This is one factor at a time, about the published values: it ranks numbers for people who ask what
to find out first, and it does not see two numbers that matter only together. The modes of
uncertainty, where all are drawn at once, stand beside it.
Source: Saltelli & Annoni, How to avoid a perfunctory sensitivity analysis, Environmental Modelling
& Software 2010;25:1508-1517 (what one factor at a time misses).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from raresim.study import montecarlo, tables
from raresim.study.montecarlo import Figure
from raresim.study.run import Run, simulate
from raresim.study.summary import successes
from raresim.study.tasks import Progress, block_sizes, check_size
from raresim.study.told import Told
from raresim.study.workers import processors, spread
from raresim.trial.engine import Choice, Engine, engine_for, run_block
from raresim.trial.scenario import Scenario

Floats = npt.NDArray[np.float64]
CONDUCT = {
    "candidates who come to a site": ("candidates", "stream", "per_site"),
    "delay of opening a site": ("site_opening_delay", "mean"),
    "visits missed": ("missed_visits", "share"),
    "stopping treatment": ("stops_treatment", "rate"),
    "leaving the study": ("leaves_study", "rate"),
}
"""Numbers of conduct that are halved and doubled, with their places in the truth block."""


@dataclass(frozen=True)
class Move:
    """One number, and how far the rate of success moves with it (paired differences).

    `kind` is effect, published, unpublished or conduct; `at_lower` and `at_upper` say in words what
    the two ends are.
    """

    kind: str
    what: str
    at_lower: str
    at_upper: str
    why: str
    lower: Figure
    upper: Figure

    @property
    def size(self) -> float:
        """The larger of the two moves."""
        return max(abs(self.lower.value or 0.0), abs(self.upper.value or 0.0))


@dataclass(frozen=True)
class Sensitivity:
    """What drives the rate of success.

    Attributes
    ----------
    hypothesis
        The hypothesis of all runs.
    by_uncertainty
        The rate of success when nothing, natural history, the effect, or all is drawn; a mode that
        draws nothing more than a simpler one is left out.
    benefit
        In how many drawn truths the treatment helps at all; None where no effect can be drawn.
    centre
        The rate with every number as printed, in the trials of the moves.
    moves
        One for each uncertain number, the largest first.
    """

    hypothesis: str
    by_uncertainty: dict[str, Figure]
    benefit: Figure | None
    centre: Figure
    moves: tuple[Move, ...]

    def dict(self) -> dict[str, Any]:
        """Return plain data, ready for JSON."""
        return asdict(self)


@dataclass(frozen=True)
class World:
    """A scenario, and the place at which its uncertain numbers are taken."""

    scenario: Scenario
    place: str = "centre"


@dataclass(frozen=True)
class Number:
    """A number that is moved: its words (as in `Move`) and the worlds at its two ends."""

    words: tuple[str, str, str, str, str]
    lower: World
    upper: World


def sensitivity(
    scenario: Scenario,
    replicates: int = 512,
    seed: int = 1,
    *,
    hypothesis: str | None = None,
    engine: Choice = "auto",
    workers: int | None = None,
    run: Run | None = None,
    progress: Progress | None = None,
) -> Sensitivity:
    """Say what drives the answer of a scenario.

    Parameters
    ----------
    scenario, seed, hypothesis, engine, workers
        As for `raresim.simulate`.
    replicates
        Trials for each end of each number; each mode of uncertainty takes four times as many.
    run
        A run of this scenario at hand, which then answers for its own mode of uncertainty.
    progress
        Called with the simulations done and the simulations in all.

    Raises
    ------
    InputError
        When an argument makes no sense.
    RefusedError
        When the engine `block` is asked for and cannot run the design.

    Examples
    --------
    >>> from raresim.trial import load_scenario
    >>> found = sensitivity(load_scenario("friedreich-48-weeks"), 16, workers=1)
    >>> found.moves[0].kind
    'effect'
    """
    check_size(replicates, seed)
    name = scenario.hypothesis(hypothesis)
    numbers, modes = numbers_moved(scenario, name), _modes(scenario, name)
    told = Told(progress, len(modes) + 1 + 2 * len(numbers))
    summaries = {}
    for mode in modes:
        found = run
        if found is None or found.summary.uncertainty != mode:
            drawn = _with(scenario, ("uncertainty",), mode)
            options: dict[str, Any] = {"hypothesis": name, "engine": engine, "workers": workers}
            found = simulate(drawn, 4 * replicates, seed, **options)
        summaries[mode] = found.summary
        told.finished()
    benefits = [s.chance_of_benefit for s in summaries.values() if s.chance_of_benefit is not None]
    trials = Trials(name, seed, replicates, engine_for(scenario, engine))
    centre, moves = _moves(scenario, numbers, trials, workers, told)
    return Sensitivity(
        hypothesis=name,
        by_uncertainty={mode: summary.success for mode, summary in summaries.items()},
        benefit=benefits[-1] if benefits else None,
        centre=centre,
        moves=tuple(sorted(moves, key=lambda move: -move.size)),
    )


def numbers_moved(scenario: Scenario, hypothesis: str) -> list[Number]:
    """Return every number that is moved, everything else being as printed."""
    fixed = _with(scenario, ("uncertainty",), "fixed")
    found = []
    for kind, numbers in scenario.uncertain(hypothesis).items():
        for number in numbers:
            words = (kind, number.name, number.lower, number.upper, number.why)
            lower, upper = (World(fixed, f"{side}: {number.name}") for side in ("lower", "upper"))
            found.append(Number(words, lower, upper))
    for what, path in CONDUCT.items():
        *above, last = path
        block: Any = scenario.spec.truth
        for key in above:
            block = getattr(block, key, None)
        value = getattr(block, last, 0.0)
        if value:
            double = 2 * value if last != "share" else min(2 * value, 0.99)
            half, twice = (World(_with(fixed, path, v)) for v in (0.5 * value, double))
            found.append(Number(("conduct", what, "half", "double", block.why), half, twice))
    return found


def _modes(scenario: Scenario, hypothesis: str) -> list[str]:
    """Return the modes that differ: an effect without a published interval is never drawn."""
    if scenario.uncertain(hypothesis)["effect"]:
        return ["fixed", "nuisance", "effect", "all"]
    return ["fixed", "nuisance"]


def _with(scenario: Scenario, path: tuple[str, ...], value: Any) -> Scenario:
    """Return the scenario with one value of its truth block changed."""

    def changed(block: Any, path: tuple[str, ...]) -> Any:
        inner = changed(getattr(block, path[0]), path[1:]) if path[1:] else value
        return block.model_copy(update={path[0]: inner})

    truth = changed(scenario.spec.truth, path)
    return replace(scenario, spec=scenario.spec.model_copy(update={"truth": truth}))


@dataclass(frozen=True)
class Trials:
    """The trials that each world is asked for."""

    hypothesis: str
    seed: int
    replicates: int
    engine: Engine

    def successes(self, world: World) -> Floats:
        """Return 1 for each trial that succeeds in a world, else 0."""
        found = []
        for block, size in enumerate(block_sizes(self.replicates)):
            asked = (self.hypothesis, self.seed, block, self.engine, size)
            run = run_block(world.scenario, *asked, place=world.place)
            trials = tables.trials_table(world.scenario, run, block)
            analyses = tables.analyses_table(world.scenario, run, block)
            found.append(successes(world.scenario, trials, analyses).astype(float))
        return np.concatenate(found)


def _moves(
    scenario: Scenario, numbers: list[Number], trials: Trials, workers: int | None, told: Told
) -> tuple[Figure, list[Move]]:
    """Return the rate with everything as printed, and how far each number moves it."""
    worlds = [World(_with(scenario, ("uncertainty",), "fixed"))]
    worlds += [end for number in numbers for end in (number.lower, number.upper)]
    found: dict[int, Floats] = {}

    def do(k: int) -> tuple[int, Floats]:
        return k, trials.successes(worlds[k])

    for k, hits in spread(do, range(len(worlds)), workers or processors(), trials.engine):
        found[k] = hits
        told.finished()
    alone = np.arange(trials.replicates)
    ends = [montecarlo.difference(found[k], found[0], alone) for k in range(1, len(worlds))]
    moves = [
        Move(*number.words, lower=ends[2 * k], upper=ends[2 * k + 1])
        for k, number in enumerate(numbers)
    ]
    return montecarlo.proportion(found[0], alone), moves
