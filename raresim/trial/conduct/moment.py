"""An absolute tick to wait for in SimPy, with a place among all that happens in it."""

from __future__ import annotations

import simpy
from simpy.events import EventPriority

from raresim.trial.ticks import Kind

ROOM = 10_000_000
"""Places for the entries of one kind."""

_PLACE = [10 + int(kind) * ROOM for kind in sorted(Kind)]
"""The first place of each kind, by its number, among events that share a tick."""


class At(simpy.Event):
    """Wait for an absolute tick, with a place among those that share it (Timeout knows neither)."""

    def __init__(self, env: simpy.Environment, tick: int, kind: Kind, index: int = 0) -> None:
        self.env = env  # as simpy.Timeout does, without the call of Event.__init__
        self.callbacks = []
        self._ok = True
        self._value = None
        env.schedule(self, EventPriority(_PLACE[kind] + index), tick - env.now)
