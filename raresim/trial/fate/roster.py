"""The roster: the candidates who can be randomised at all, whose lives alone are decided.

Nobody becomes a patient who is not eligible, nor whoever is ready after as many others as the trial
may take. Where places are given in another order than that (caps of sites and of states, kits that
are waited for, conditions that a milestone may add), the roster has everybody who is eligible.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from raresim.alike import alike, everywhere, rows
from raresim.either import either
from raresim.trial.fate.readings import Booleans
from raresim.trial.scenario import Scenario
from raresim.trial.ticks import NEVER, Ticks


@dataclass(frozen=True)
class Roster:
    """Who is on it, and where.

    Attributes
    ----------
    candidate
        The candidate at each place, (replicates, places): in the order in which they are ready;
        candidates who are not eligible fill the last places.
    place
        The place of each candidate, (replicates, candidates); 0 for whoever is not on it.
    """

    candidate: npt.NDArray[np.int64]
    place: npt.NDArray[np.int64]

    def rows(self, chosen: Any) -> Roster:
        """Return some replicates only."""
        return Roster(rows(self.candidate, chosen), rows(self.place, chosen))


def roster(
    scenario: Scenario, eligible: Booleans, ready: Ticks, width: int | None = None
) -> Roster:
    """Return the roster of each replicate; its width is the least that holds everybody's."""
    if width is None and alike(eligible) and eligible.flat[0] and in_order(scenario):
        width = min(ready.shape[1], scenario.spec.design.most)
        if (ready[:, width - 1] < NEVER).all() and (ready[:, 1:] >= ready[:, :-1]).all():
            return _as_they_come(ready.shape, width)
        width = None
    key = either(eligible, ready, NEVER)
    if width is None:
        width = max(1, int((key < NEVER).sum(axis=1).max()))
        width = min(width, scenario.spec.design.most) if in_order(scenario) else width
    candidate = np.argsort(key, axis=1, kind="stable")[:, :width]  # ties: lower candidate first
    place = np.zeros(key.shape, np.int64)
    np.put_along_axis(place, candidate, np.arange(width)[None], axis=1)
    return Roster(candidate, place)


def _as_they_come(shape: tuple[int, ...], width: int) -> Roster:
    """Return the roster of the first candidates, who are ready in their order."""
    candidate = np.arange(width)
    place = either(np.arange(shape[1]) < width, np.arange(shape[1]), 0)
    return Roster(everywhere(candidate, (shape[0], width)), everywhere(place, shape))


def in_order(scenario: Scenario) -> bool:
    """Return whether whoever is eligible is randomised in the order of being ready."""
    design = scenario.spec.design
    capped = bool(design.randomise.at_most) or bool(scenario.narrowings)
    return not capped and design.kits is None
