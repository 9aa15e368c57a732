"""What becomes of patients after randomisation, under one arm: the part of fate that is dear.

A life is asked for only of whom it can matter: of the patients of an arm where it is known who they
are, else of everybody on the roster under every arm.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from raresim.alike import alike, everywhere, rows, take
from raresim.evidence.statistics import Floats
from raresim.trial.deferred import Deferred, deferred
from raresim.trial.fate.follow_up import data_lag, events, follow_up, leaves, periods
from raresim.trial.fate.people import People
from raresim.trial.ledger import beside, replaced, stacked
from raresim.trial.scenario import Scenario
from raresim.trial.ticks import NEVER, Ticks, ticks


@dataclass(frozen=True)
class Life(Deferred):
    """Arrays (replicates, patients, ...); ticks count from randomisation, NEVER if not.

    Attributes
    ----------
    lag
        How long a patient's data take to be known.
    stop, leave, follow
        End of treatment before its time, drop-out, end of follow-up.
    visits
        Of each visit (a third axis), whether it takes place or not.
    periods
        When each period of the arm after the first is begun (a third axis), by whoever takes it and
        has not ended treatment before.
    crossed
        Since when a patient has another arm's treatment, which a milestone decides.
    events
        Of outcomes and adverse events, each with a third axis.
    readings
        What is read of each score, at randomisation and at each visit.
    rescued
        Since when each rescue medication is taken.
    """

    lag: Ticks
    stop: Ticks
    leave: Ticks
    follow: Ticks
    visits: Ticks
    periods: Ticks
    crossed: Ticks
    events: dict[str, Ticks]
    readings: dict[str, Floats]
    rescued: dict[str, Ticks]

    def map(self, change: Callable[[Any], Any]) -> Life:
        """Return the life with every array changed."""

        def one(value: Any) -> Any:
            if isinstance(value, dict):
                return {name: change(part) for name, part in value.items()}
            return change(value)

        return deferred(Life, lambda name: one(getattr(self, name)))

    def rows(self, chosen: Any) -> Life:
        """Return some replicates only."""
        return self.map(lambda value: rows(value, chosen))

    def replaced(self, rows: npt.NDArray[np.int64], others: Sequence[Life]) -> Life:
        """Return the life with some replicates from others, in their order."""
        return Life(
            **{
                item.name: replaced(
                    getattr(self, item.name),
                    rows,
                    stacked([getattr(other, item.name) for other in others]),
                )
                for item in fields(self)
            }
        )


def life(scenario: Scenario, folk: People, arm: int, seen: Ticks, resolution: int) -> Life:
    """Return what becomes of people under an arm; `seen` are the ticks of their visits."""
    names, treatment = list(scenario.model.readers), folk.treatment(arm)
    return Life(
        lag=data_lag(scenario, folk, resolution),
        stop=everywhere(ticks(treatment.stop, resolution), seen.shape[:2]),
        leave=leaves(scenario, folk, arm, resolution),
        follow=follow_up(scenario, folk, arm, resolution),
        visits=seen,
        periods=periods(folk, arm, resolution),
        crossed=everywhere(np.int64(NEVER), seen.shape[:2]),
        events=events(scenario, folk, arm, resolution),
        readings=folk.read(arm, names) if names else {},
        rescued={name: ticks(day, resolution) for name, day in treatment.rescues.since.items()},
    )


class Lives:
    """The lives of those on a roster under each arm, decided when somebody asks for them."""

    def __init__(self, decide: Callable[[], tuple[Life, ...]]) -> None:
        self._decide = decide

    @cached_property
    def arms(self) -> tuple[Life, ...]:
        """The life under each arm."""
        return self._decide()

    def rows(self, chosen: Any) -> Lives:
        """Return some replicates only."""
        return Lives(lambda: tuple(life.rows(chosen) for life in self.arms))

    def replaced(self, rows: npt.NDArray[np.int64], others: Sequence[Lives]) -> Lives:
        """Return the lives with some replicates from others, in their order."""
        found = tuple(
            life.replaced(rows, [other.arms[arm] for other in others])
            for arm, life in enumerate(self.arms)
        )
        return Lives(lambda: found)


def put_together(parts: Sequence[Life], place: npt.NDArray[np.int64]) -> Life:
    """Return one life of patients who stand in several, one beside the other.

    `place` (replicates, n) counts the patients of the first, then those of the second, and so on.
    """

    def joined(values: Sequence[Any]) -> Any:
        if isinstance(values[0], dict):
            return {name: joined([value[name] for value in values]) for name in values[0]}
        if all(alike(value) for value in values) and _same(values):
            return everywhere(values[0][0, 0], (*place.shape, *values[0].shape[2:]))
        return take(beside(*values), place)

    return deferred(Life, lambda name: joined([getattr(part, name) for part in parts]))


def _same(values: Sequence[Any]) -> bool:
    """Return whether what one patient has is the same in all arrays."""
    return all(np.array_equal(value[0, 0], values[0][0, 0]) for value in values[1:])
