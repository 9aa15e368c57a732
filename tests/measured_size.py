"""How often a test rejects when nothing is to be found: simulated, or added up over all data."""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from raresim.analysis import Note, Results, TailResults
from raresim.analysis.notes import SIZE
from tests.nulls import Data

PATIENTS = (12, 20, 40, 60)
LEVEL = 0.05
"""Nominal size, two-sided."""
ONE_SIDED = 0.025
"""That of tests and decisions in one direction."""
CHEAP, DEAR = 50_000, 10_000
CHUNK = 2_000


@dataclass(frozen=True)
class Test:
    """A test under some nulls; `run` gives its results for drawn data."""

    __test__ = False
    name: str
    nulls: tuple[Callable[..., Data], ...]
    run: Callable[[Data], Any]
    replicates: int = CHEAP
    patients: tuple[int, ...] = PATIENTS
    level: float = LEVEL

    @property
    def worlds(self) -> tuple[str, ...]:
        """Names of the nulls."""
        return tuple(null.__name__ for null in self.nulls)


@dataclass(frozen=True)
class Enumerated:
    """A test whose size is computed, not simulated.

    `size` gives, for the name of a world and a number of patients, the probability of rejecting
    and the share of the answers with a note.
    """

    name: str
    worlds: tuple[str, ...]
    size: Callable[[str, int], tuple[float, float]]
    level: float = LEVEL
    patients: tuple[int, ...] = PATIENTS


@dataclass(frozen=True)
class Size:
    """How often a test rejected at a number of patients under one null.

    No `replicates`: it was computed. `not_converged` is the share of the replicates without an
    answer, `noted` that of the answers with a note that the size may be above the nominal one.
    """

    test: str
    null: str
    patients: int
    replicates: int
    rejected: float
    not_converged: float
    noted: float
    level: float = LEVEL

    @property
    def error(self) -> float:
        """Monte Carlo standard error of the nominal size; 0 where it was computed."""
        simulated = self.replicates > 0
        return math.sqrt(self.level * (1 - self.level) / self.replicates) if simulated else 0.0

    @property
    def held(self) -> bool:
        """Whether the size is at most nominal + 3 Monte Carlo standard errors."""
        return self.rejected <= self.level + 3 * self.error + 1e-12


WARNINGS = (
    SIZE
    | Note.FEW_EFFECTIVE_PATIENTS
    | Note.PUBLISHED_MEAN_ALONE
    | Note.POSTERIOR_WITHOUT_LEVEL
    | Note.SMALL_GROUPS
)
"""Notes that say that a size may be above the nominal one."""


def measured(test: Test | Enumerated, world: str, patients: int) -> Size:
    """Give a size as the page has it: simulated in full, or computed."""
    if isinstance(test, Test):
        return simulate(test, world, patients, test.replicates)
    rejected, noted = test.size(world, patients)
    return Size(test.name, world, patients, 0, rejected, 0.0, noted, test.level)


def simulate(test: Test, world: str, patients: int, replicates: int) -> Size:
    """Draw data and count; the same seed for a test, null and number of patients."""
    null = test.nulls[test.worlds.index(world)]
    seed = zlib.crc32(f"{test.name}, {world}, {patients}".encode())
    rng, rejected, silent, noted = np.random.default_rng(seed), 0, 0, 0
    for begin in range(0, replicates, CHUNK):
        data = null(rng, (min(CHUNK, replicates - begin), patients))
        found = test.run({**data, "luck": rng.spawn(1)[0]})  # draws of the test's own
        rejected += int(np.sum(found.converged & (found.p <= test.level)))
        silent += int(np.sum(~found.converged))
        noted += int(np.sum(found.converged & ((found.notes & int(WARNINGS)) > 0)))
    shares = (rejected / replicates, silent / replicates, noted / max(1, replicates - silent))
    return Size(test.name, world, patients, replicates, *shares, test.level)


def method_of(test: Test) -> str:
    """Return what the answers of a test call it, "" where they do not say or mean many groups."""
    rng = np.random.default_rng(1)
    found = test.run({**test.nulls[0](rng, (2, test.patients[0])), "luck": rng.spawn(1)[0]})
    return found.method if isinstance(found, Results | TailResults) else ""


def ranges(tests: list[Test | Enumerated], sizes: list[Size]) -> dict[str, tuple[float, float]]:
    """Return the lowest and highest two-sided size of each method, in per cent."""
    named = {test.name: method_of(test) for test in tests if isinstance(test, Test)}
    found: dict[str, list[float]] = {}
    for size in sizes:
        if named.get(size.test) and size.level == LEVEL:
            found.setdefault(named[size.test], []).append(round(100 * size.rejected, 1))
    return {method: (min(own), max(own)) for method, own in sorted(found.items())}
