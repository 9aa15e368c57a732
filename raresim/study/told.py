"""Telling somebody how far a work of several parts is."""

from __future__ import annotations

from raresim.study.tasks import Progress


class Told:
    """Tells how much is done of a whole that is made of parts; nobody if there is none to tell."""

    def __init__(self, progress: Progress | None, total: int) -> None:
        self._progress, self._total, self._before = progress, total, 0

    def within(self, done: int, _: int) -> None:
        """Tell how much of the part at hand is done."""
        if self._progress is not None:
            self._progress(self._before + done, self._total)

    def finished(self, size: int = 1) -> None:
        """Count a part as done, and tell it."""
        self._before += size
        self.within(0, 0)
