"""Run one luck block of a scenario: fate, one of the two conducts, cuts and looks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from raresim.streams import LUCK_BLOCK, Luck
from raresim.trial.conduct import blocks
from raresim.trial.fate import Fate, expected_candidates, fate
from raresim.trial.ledger import Ledger, stack
from raresim.trial.looks import Analyst
from raresim.trial.plan import make_plan
from raresim.trial.scenario import Scenario
from raresim.trial.ticks import NEVER, Ticks

Engine = Literal["block", "simpy"]
MAX_CANDIDATES = 200_000


@dataclass(frozen=True)
class BlockRun:
    """Everything that one luck block of trials left behind."""

    fate: Fate
    ledger: Ledger
    performed: Ticks
    analyst: Analyst


def run_block(
    scenario: Scenario,
    hypothesis: str,
    seed: int,
    block: int,
    engine: Engine = "block",
    replicates: int = LUCK_BLOCK,
    resolution: int = 1,
    place: str = "centre",
) -> BlockRun:
    """Run the first `replicates` trials of a luck block.

    The stream of candidates is made as long as it needs to be: a longer one has the shorter one as
    its beginning, so its length changes nothing.
    """
    candidates = expected_candidates(scenario)
    while True:
        whole = fate(scenario, Luck(seed, block), hypothesis, candidates, resolution, place)
        try:
            return _conduct(scenario, whole.rows(slice(0, replicates)), engine, resolution)
        except blocks.ShortStreamError:
            candidates = int(1.5 * candidates) + 10
        if candidates > MAX_CANDIDATES:
            raise ValueError(f"more than {MAX_CANDIDATES} candidates would be needed")


def _conduct(scenario: Scenario, decided: Fate, engine: Engine, resolution: int) -> BlockRun:
    plan = make_plan(scenario, resolution)
    replicates = len(decided.present)
    analyst = Analyst(scenario, decided, replicates)
    if engine == "block":
        ledger, performed = blocks.conduct(plan, decided, analyst.perform)
    else:
        from raresim.trial.conduct import events  # SimPy stays behind this door

        trials = [
            events.conduct(plan, decided.rows(slice(k, k + 1)), analyst.perform, k)
            for k in range(replicates)
        ]
        ledger = stack([trial[0] for trial in trials])
        performed = np.concatenate([trial[1] for trial in trials])
    final = len(plan.milestones) - 1
    rows: npt.NDArray[np.int64] = np.flatnonzero(performed[:, final] < NEVER)
    if len(rows):
        analyst.perform(ledger.rows(rows), final, performed[rows, final], rows)
    return BlockRun(decided, ledger, performed, analyst)
