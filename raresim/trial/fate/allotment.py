"""What decides the arm of whoever is randomised: strata, lists, and a coin of one's own."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from raresim.alike import everywhere
from raresim.evidence.statistics import Floats
from raresim.randomisation import alternating, permuted_blocks
from raresim.streams import Luck, point_name
from raresim.trial.scenario import Scenario
from raresim.trial.ticks import Ticks


def strata_of(scenario: Scenario, factors: list[str], states: dict[str, Any]) -> Ticks:
    """Return the number of each candidate's stratum, the last factor running fastest."""
    shape = next(iter(states.values())).shape
    if not factors:
        return everywhere(np.int64(0), shape)
    found = np.zeros(shape, np.int64)
    for factor in factors:
        found = found * len(scenario.labels_of([factor])) + states[factor]
    return found


def randomisation_lists(scenario: Scenario, luck: Luck) -> npt.NDArray[np.int8]:
    """Return the randomisation list of each stratum, as in envelopes: the arm at each place."""
    randomise = scenario.spec.design.randomise
    if not randomise.listed:
        return np.zeros((luck.replicates, 1, 0), np.int8)
    ratio = tuple(randomise.ratio.get(arm, 0) for arm in scenario.arms)
    if randomise.block is None:
        turns = alternating(ratio, scenario.spec.design.most)
        return np.broadcast_to(turns, (luck.replicates, len(scenario.strata), len(turns)))
    places = -(-scenario.spec.design.most // randomise.block) * randomise.block
    made = [
        permuted_blocks(
            luck.uniform(point_name("randomisation", "list", labels=label), places),
            ratio,
            randomise.block,
        )
        for label in scenario.strata
    ]
    return np.stack(made, axis=1)


def coin(scenario: Scenario, luck: Luck, candidates: int) -> Floats:
    """Return what decides each candidate's arm where no list does."""
    design = scenario.spec.design
    if design.randomise.listed and not design.turns:
        return everywhere(0.0, (luck.replicates, candidates))
    return luck.uniform("randomisation.coin", candidates)
