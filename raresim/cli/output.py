"""Tables and figures on a terminal; how much is said, and in which form."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from raresim import compiled
from raresim.errors import InputError
from raresim.study.montecarlo import Figure

console = Console(highlight=False, soft_wrap=False)
"""Standard output; colour is used on a terminal only, and never where NO_COLOR is set."""

errors = Console(stderr=True, highlight=False, soft_wrap=True)


COMPILING = "compiling inner loops, once on this machine: some seconds"
SLOW = 600.0
"""Seconds over which the speed is taken: a block of a large trial may take minutes."""
OFTEN = 30.0
"""Seconds between two lines about progress at least."""


class Talk(IntEnum):
    """How much is said."""

    QUIET = 0
    NORMAL = 1
    VERBOSE = 2


class Log:
    """Progress as lines of text, with the time left.

    >>> times = iter([0.0, 40.0])
    >>> log = Log("trials", print, clock=lambda: next(times))
    >>> log.told(1024, 4096), log.told(2048, 4096)
    trials: 2,048 of 4,096, about 1.3 min left
    (None, None)
    """

    def __init__(
        self, what: str, say: Callable[[str], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._what, self._say, self._clock = what, say, clock
        self._first: tuple[float, int] | None = None
        self._last = 0.0

    def told(self, done: int, total: int) -> None:
        """Take note of what is done, and say so if nothing was said for a while."""
        now = self._clock()
        if self._first is None:
            self._first, self._last = (now, done), now
            return
        began, before = self._first
        if now - self._last < OFTEN or done <= before:
            return
        self._last = now
        left = (now - began) / (done - before) * (total - done) / 60
        self._say(f"{self._what}: {done:,} of {total:,}, about {left:.1f} min left")


@dataclass(frozen=True)
class Manner:
    """How a command answers: as JSON or for people, and how much it says."""

    as_json: bool = False
    talk: Talk = Talk.NORMAL

    @property
    def full(self) -> bool:
        """Whether tables are shown, not the one line of the answer alone."""
        return self.talk > Talk.QUIET

    def remark(self, text: str) -> None:
        """Say what was done, to people who did not ask for quiet."""
        if self.full and not self.as_json:
            console.print(text, markup=False)

    def detail(self, text: str) -> None:
        """Say what is being done, to people who asked for it; never on standard output."""
        if self.talk is Talk.VERBOSE:
            errors.print(text, markup=False, style="dim")

    @contextmanager
    def bar(self, what: str) -> Iterator[Any]:
        """Yield a function to be told (done, total), which moves a bar where a person looks on.

        Where nobody does, as on a cluster, `--verbose` has it written down from time to time.
        """
        compiled.tell(lambda: errors.print(COMPILING) if self.full else None)
        if not self.full or not errors.is_terminal:
            yield Log(what, self.detail).told if self.talk is Talk.VERBOSE else None
            return
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        settings: dict[str, Any] = {"transient": True, "speed_estimate_period": SLOW}
        with Progress(*columns, TimeRemainingColumn(), console=errors, **settings) as progress:
            line = progress.add_task(what, total=None)
            yield lambda done, total: progress.update(line, completed=done, total=total)


def manner(as_json: bool, quiet: bool, verbose: bool) -> Manner:
    """Return how to answer.

    Raises
    ------
    InputError
        When both quiet and verbose are asked for.
    """
    if quiet and verbose:
        raise InputError("--quiet and --verbose cannot go together; leave one out")
    return Manner(as_json, Talk.QUIET if quiet else Talk.VERBOSE if verbose else Talk.NORMAL)


def print_json(data: Any) -> None:
    """Print data as JSON, for machines."""
    console.file.write(json.dumps(data, indent=1, sort_keys=True) + "\n")


def table(title: str, *columns: str, words: bool = False) -> Table:
    """Return an empty table; columns but the first hold numbers, to the right, unless `words`."""
    found = Table(title=title, title_justify="left", header_style="bold", expand=False)
    for number, column in enumerate(columns):
        left = words or number == 0
        found.add_column(column, justify="left" if left else "right", overflow="fold")
    return found


def percent(figure: Figure) -> str:
    """Return a share in per cent with its Monte Carlo standard error."""
    if figure.value is None:
        return "-"
    if figure.mcse is None:
        return f"{100 * figure.value:.1f} %"
    error = f"{100 * figure.mcse:.1f}" if figure.mcse >= 0.0005 else "<0.1"
    return f"{100 * figure.value:.1f} % ± {error}"


def number(figure: Figure, scale: float = 1.0, digits: int = 2) -> str:
    """Return a figure with its Monte Carlo standard error."""
    if figure.value is None:
        return "-"
    error = "" if figure.mcse is None else f" ± {figure.mcse * scale:.{digits}f}"
    return f"{figure.value * scale:.{digits}f}{error}"


def points(figure: Figure) -> str:
    """Return a move of a share in percentage points, with its sign."""
    if figure.value is None:
        return "-"
    error = "" if figure.mcse is None else f" ± {100 * figure.mcse:.1f}"
    return f"{100 * figure.value:+.1f}{error}"
