"""What a conduct needs to know of the design, as integers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from raresim.disease.outcomes import EVENTS
from raresim.trial.design_block import AllOf, Calendar, FirstEvents
from raresim.trial.ledger import Ledger
from raresim.trial.references import conditions
from raresim.trial.scenario import Scenario
from raresim.trial.ticks import Ticks, ticks

Decide = Callable[[Ledger, int, Ticks, npt.NDArray[np.int64]], npt.NDArray[np.bool_]]
"""Performs a milestone for rows of a ledger at their cut ticks; tells where the trial stops.

The last argument names the rows (replicate numbers inside the block) that the ledger holds.
"""


@dataclass(frozen=True)
class Part:
    """One condition: `kind` is first (events in patients), calendar or finished."""

    kind: str
    tick: int = 0
    outcome: str = ""
    patients: int = 0


@dataclass(frozen=True)
class MilestonePlan:
    """A milestone: its conditions, whether all or any must hold, and whether it may stop."""

    name: str
    parts: tuple[Part, ...]
    every: bool
    stops: bool


@dataclass(frozen=True)
class Plan:
    """The design in integers."""

    n: int
    recruit_until: int
    milestones: tuple[MilestonePlan, ...]
    outcomes: tuple[str, ...]
    fatal: tuple[str, ...]


def make_plan(scenario: Scenario, resolution: int = 1) -> Plan:
    """Return the plan of a scenario at ticks of `resolution` seconds."""
    milestones = []
    for name, milestone in scenario.spec.design.milestones.items():
        parts = []
        for part in conditions(milestone):
            if isinstance(part, FirstEvents):
                parts.append(Part("first", outcome=part.first, patients=part.patients))
            elif isinstance(part, Calendar):
                parts.append(Part("calendar", tick=int(ticks(part.calendar, resolution))))
            else:
                parts.append(Part("finished"))
        every = isinstance(milestone.when, AllOf)
        milestones.append(MilestonePlan(name, tuple(parts), every, milestone.stops))
    processes = scenario.model.processes
    return Plan(
        n=scenario.spec.design.randomise.n,
        recruit_until=scenario.recruit_until(resolution),
        milestones=tuple(milestones),
        outcomes=tuple(name for name, process in processes.items() if isinstance(process, EVENTS)),
        fatal=scenario.model.spec.fatal,
    )
