"""Run one luck block of a scenario: fate, one of the two conducts, cuts and looks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, TypeVar

import numpy as np

from raresim import limits
from raresim.errors import RefusedError
from raresim.streams import LUCK_BLOCK, Luck
from raresim.trial.conduct import blocks
from raresim.trial.conduct.recruitment import ShortStreamError
from raresim.trial.fate.decided import Fate, expected_candidates, fate
from raresim.trial.fate.external import joined
from raresim.trial.ledger import Ledger, stack
from raresim.trial.looks.look import Analyst
from raresim.trial.plan import make_plan
from raresim.trial.scenario import Scenario
from raresim.trial.ticks import NEVER, Ticks

if TYPE_CHECKING:
    from raresim.trial.log import Entry

Engine = Literal["block", "simpy"]
Choice = Literal["auto", "block", "simpy"]
T = TypeVar("T")


@dataclass(frozen=True)
class BlockRun:
    """Everything that one luck block of trials left behind."""

    fate: Fate
    ledger: Ledger
    performed: Ticks
    analyst: Analyst


def with_registry(run: BlockRun) -> BlockRun:
    """Return a run with the patients of its external control beside the trial's, if it has one.

    They count as ended with the trial: what was written down of them is known by then.
    """
    if not run.fate.asked.scenario.externally_controlled:
        return run
    fate, ledger = joined(run.fate.asked.scenario, run.fate, run.ledger)
    return replace(run, fate=fate, ledger=ledger)


@dataclass(frozen=True)
class Asked:
    """What is run: a hypothesis, and some replicates from a luck block on."""

    hypothesis: str
    seed: int
    block: int
    rows: slice
    resolution: int
    place: str


def refusal(scenario: Scenario) -> str:
    """Return why the engine `block` does not run a design, '' where it does."""
    if scenario.spec.design.kits is None:
        return ""
    return (
        "the engine 'block' runs no drug kits: it must know beforehand when each candidate would "
        "be randomised, and with kits that hangs on who came before at the site"
    )


def engine_for(scenario: Scenario, choice: Choice) -> Engine:
    """Return the engine that runs a scenario; `auto` takes the faster one that can.

    Raises
    ------
    RefusedError
        When `block` is asked for and cannot run the design.
    """
    why = refusal(scenario)
    if choice == "block" and why:
        raise RefusedError(f"{why}; write 'auto' or 'simpy'")
    if choice == "auto":
        return "simpy" if why else "block"
    return choice


def run_block(
    scenario: Scenario,
    hypothesis: str,
    seed: int,
    block: int,
    engine: Choice = "auto",
    replicates: int = LUCK_BLOCK,
    resolution: int = 1,
    place: str = "centre",
) -> BlockRun:
    """Run the first `replicates` trials of a luck block, and of those after it as far as they go.

    The stream of candidates is made as long as it needs to be: a longer one has the shorter one as
    its beginning, so its length changes nothing.

    Raises
    ------
    RefusedError
        When `block` is asked for and cannot run the design.
    """
    chosen = engine_for(scenario, engine)

    def attempt(decided: Fate) -> BlockRun:
        return _conduct(scenario, decided, chosen, resolution)

    asked = Asked(hypothesis, seed, block, slice(0, replicates), resolution, place)
    return _with_enough_candidates(scenario, asked, attempt)


def run_one(
    scenario: Scenario,
    hypothesis: str,
    seed: int,
    replicate: int,
    resolution: int = 1,
    place: str = "centre",
) -> tuple[BlockRun, list[Entry]]:
    """Run one trial again, alone and event by event: replicate `replicate` of every simulation."""
    from raresim.trial.conduct import events  # SimPy stays behind this door

    plan = make_plan(scenario, resolution)
    block, column = divmod(replicate, LUCK_BLOCK)

    def attempt(alone: Fate) -> tuple[BlockRun, list[Entry]]:
        analyst = Analyst(scenario, plan, 1)
        ledger, performed, lived, log = events.conduct(plan, alone, analyst.perform)
        return _finish(BlockRun(lived, ledger, performed, analyst)), log

    asked = Asked(hypothesis, seed, block, slice(column, column + 1), resolution, place)
    return _with_enough_candidates(scenario, asked, attempt)


def _with_enough_candidates(scenario: Scenario, asked: Asked, attempt: Callable[[Fate], T]) -> T:
    """Try with a stream of candidates that is long enough, made longer until it is."""
    candidates = expected_candidates(scenario)
    while candidates <= limits.CANDIDATES.value:
        luck = Luck(asked.seed, asked.block, -(-asked.rows.stop // LUCK_BLOCK))
        when = (asked.resolution, asked.place, asked.rows)
        try:
            return attempt(fate(scenario, luck, asked.hypothesis, candidates, *when))
        except ShortStreamError:
            candidates = int(1.5 * candidates) + 10
    raise RefusedError(
        f"more than {limits.CANDIDATES.value:,} candidates would be needed to fill the trial; "
        "widen 'eligible' or shorten 'recruit_for'"
    )


def _conduct(scenario: Scenario, decided: Fate, engine: Engine, resolution: int) -> BlockRun:
    plan = make_plan(scenario, resolution)
    replicates = len(decided.present)
    analyst = Analyst(scenario, plan, replicates)
    if engine == "block":
        ledger, performed, lived = blocks.conduct(plan, decided, analyst.perform)
        return _finish(BlockRun(lived, ledger, performed, analyst))
    from raresim.trial.conduct import events  # SimPy stays behind this door

    trials = [
        events.conduct(plan, decided.rows(slice(k, k + 1)), analyst.perform, k)
        for k in range(replicates)
    ]
    ledger = stack([trial[0] for trial in trials])
    performed = np.concatenate([trial[1] for trial in trials])
    if plan.changing("cross"):
        decided = decided.replaced(np.arange(replicates), [trial[2] for trial in trials])
    return _finish(BlockRun(decided, ledger, performed, analyst))


def _finish(run: BlockRun) -> BlockRun:
    """Analyse the last milestone of the trials that reached it."""
    final = run.performed.shape[1] - 1
    rows = np.flatnonzero(run.performed[:, final] < NEVER)
    if len(rows):
        at = run.performed[rows, final]
        run.analyst.perform(run.fate.rows(rows), run.ledger.rows(rows), final, at, rows)
    return run


def decision_points(scenario: Scenario) -> dict[str, int]:
    """Return the decision points of a scenario's first luck block, with their number of units."""
    luck = Luck(1, 0)
    candidates = expected_candidates(scenario)
    found = fate(scenario, luck, scenario.hypotheses[0], candidates, rows=slice(0, 1))
    _ = found.lives.arms
    return luck.points
