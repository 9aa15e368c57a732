"""Sizes of tests under nulls: what is run, what passes, and the numbers that the page shows.

`docs/make-sizes` simulates them at their full number of replicates and writes both the page and
`tests/statistical/sizes.json`; the tests simulate fewer and hold them to those numbers.
"""

from __future__ import annotations

import json
import math
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from raresim.analysis import Note, Results, batch
from tests import nulls
from tests.nulls import Data

PATIENTS = (12, 20, 40, 60)
LEVEL = 0.05
"""Nominal size, two-sided."""
CHEAP, DEAR = 50_000, 10_000
CHUNK = 2_000
FILE = Path(__file__).parent / "statistical" / "sizes.json"


@dataclass(frozen=True)
class Test:
    """A test under some nulls; `run` gives its results for drawn data."""

    __test__ = False
    name: str
    nulls: tuple[Callable[..., Data], ...]
    run: Callable[[Data], Results]
    replicates: int = CHEAP
    patients: tuple[int, ...] = PATIENTS


@dataclass(frozen=True)
class Size:
    """How often a test rejected at a number of patients under one null.

    `not_converged` and `noted` are shares of the replicates: without an answer, and with a note
    that the size may be above the nominal one.
    """

    test: str
    null: str
    patients: int
    replicates: int
    rejected: float
    not_converged: float
    noted: float

    @property
    def error(self) -> float:
        """Monte Carlo standard error of the nominal size."""
        return math.sqrt(LEVEL * (1 - LEVEL) / self.replicates)

    @property
    def held(self) -> bool:
        """Whether the size is at most nominal + 3 Monte Carlo standard errors."""
        return self.rejected <= LEVEL + 3 * self.error


def two_arms(data: Data) -> tuple[Any, Any]:
    """Return arm and who is present."""
    return data["arm"], data["present"]


SCORES = (nulls.normal, nulls.skewed, nulls.bounded, nulls.tied, nulls.drop_out)
TIMES = (nulls.exponential, nulls.few_events, nulls.at_visits)
COUNTS = (nulls.poisson, nulls.overdispersed)
SHARES = (nulls.rare, nulls.common)
REPEATED = (nulls.visits, nulls.leaving, nulls.skewed_visits, nulls.bounded_visits)

TESTS = [
    Test("ANCOVA", SCORES, lambda d: batch.ancova(d["change"], d["covariates"], *two_arms(d))),
    Test("log-rank", TIMES, lambda d: batch.logrank(d["time"], d["event"], *two_arms(d))),
    Test("Cox, Wald", TIMES, lambda d: batch.cox(d["time"], d["event"], *two_arms(d))),
    Test(
        "negative binomial",
        COUNTS,
        lambda d: batch.negative_binomial(d["count"], d["years"], *two_arms(d)),
    ),
    Test(
        "Andersen-Gill, robust",
        COUNTS,
        lambda d: batch.andersen_gill(d["days"], d["follow_up"], *two_arms(d)),
    ),
]
WARNINGS = Note.SIZE_ABOVE_NOMINAL
"""Notes that say that a size may be above the nominal one."""


def simulate(test: Test, null: Callable[..., Data], patients: int, replicates: int) -> Size:
    """Draw data and count; the same seed for a test, null and number of patients."""
    seed = zlib.crc32(f"{test.name}, {null.__name__}, {patients}".encode())
    rng, rejected, silent, noted = np.random.default_rng(seed), 0, 0, 0
    for begin in range(0, replicates, CHUNK):
        found = test.run(null(rng, (min(CHUNK, replicates - begin), patients)))
        rejected += int(np.sum(found.converged & (found.p <= LEVEL)))
        silent += int(np.sum(~found.converged))
        noted += int(np.sum((found.notes & int(WARNINGS)) > 0))
    shares = (count / replicates for count in (rejected, silent, noted))
    return Size(test.name, null.__name__, patients, replicates, *shares)


def stated() -> list[Size]:
    """Return the sizes on the page."""
    return [Size(**row) for row in json.loads(FILE.read_text(encoding="utf-8"))]
