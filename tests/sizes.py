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

from raresim.analysis import FlemingHarrington, Note, batch
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
    run: Callable[[Data], Any]
    replicates: int = CHEAP
    patients: tuple[int, ...] = PATIENTS


@dataclass(frozen=True)
class Size:
    """How often a test rejected at a number of patients under one null.

    `not_converged` is the share of the replicates without an answer, `noted` that of the answers
    with a note that the size may be above the nominal one.
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


SCORES = (nulls.normal, nulls.skewed, nulls.bounded, nulls.tied, nulls.drop_out)
TIMES = (nulls.exponential, nulls.few_events, nulls.at_visits)
COUNTS = (nulls.poisson, nulls.overdispersed)
SHARES = (nulls.rare, nulls.common)
REPEATED = (nulls.visits, nulls.leaving, nulls.skewed_visits, nulls.bounded_visits)


def _change(data: Data) -> tuple[Any, Any, Any]:
    return data["change"], data["arm"], data["present"]


def _adjusted(data: Data) -> tuple[Any, Any, Any, Any]:
    return data["change"], data["covariates"], data["arm"], data["present"]


def _time(data: Data) -> tuple[Any, Any, Any, Any]:
    return data["time"], data["event"], data["arm"], data["present"]


def _count(data: Data) -> tuple[Any, Any, Any, Any]:
    return data["count"], data["years"], data["arm"], data["present"]


def _days(data: Data) -> tuple[Any, Any, Any, Any]:
    return data["days"], data["follow_up"], data["arm"], data["present"]


def _answer(data: Data) -> tuple[Any, Any, Any]:
    return data["event"].astype(float), data["arm"], data["present"]


def _with_nothing(data: Data) -> tuple[Any, Any, Any, Any]:
    answer, arm, present = _answer(data)
    return answer, np.empty((*arm.shape, 0)), arm, present


def _visits(data: Data) -> tuple[Any, Any, Any, Any]:
    return data["visits"], data["covariates"], data["arm"], data["present"]


def _from_start(data: Data) -> Any:
    """Return the visits with the baseline before them."""
    return np.concatenate([data["covariates"], data["visits"]], axis=2)


def _same_start(data: Data) -> Any:
    nothing = np.empty((*data["arm"].shape, 0))
    return batch.mmrm(_from_start(data), nothing, data["arm"], data["present"], same_start=True)


def _unadjusted(data: Data) -> tuple[Any, Any, Any, Any]:
    nothing = np.empty((*data["arm"].shape, 0))
    return data["change"], nothing, data["arm"], data["present"]


def _levels(data: Data) -> list[Any]:
    return [batch.Level(data["time"], data["event"]), batch.Level(data["change"])]


def _wins(data: Data) -> Any:
    return batch.win_statistics(_levels(data), data["arm"], data["present"])


WEEKS = np.array([12.0, 24.0, 36.0, 48.0])
LATE = FlemingHarrington(0, 1)
CONTINUOUS = [
    Test("t, unequal variances", SCORES, lambda d: batch.two_sample_t(*_change(d))),
    Test("ANCOVA", SCORES, lambda d: batch.ancova(*_adjusted(d))),
    Test("ANCOVA, HC3", SCORES, lambda d: batch.ancova(*_adjusted(d), errors="hc3")),
    Test("Wilcoxon-Mann-Whitney", SCORES, lambda d: batch.wilcoxon(*_change(d)), DEAR),
    Test("Brunner-Munzel", SCORES, lambda d: batch.brunner_munzel(*_change(d))),
    Test("rank ANCOVA", SCORES, lambda d: batch.rank_ancova(*_adjusted(d))),
    Test("MMRM, Satterthwaite", REPEATED, lambda d: batch.mmrm(*_visits(d)), DEAR),
    Test(
        "MMRM, Kenward-Roger",
        REPEATED,
        lambda d: batch.mmrm(*_visits(d), df="kenward-roger-linear"),
        DEAR,
    ),
    Test("constrained longitudinal analysis", REPEATED, lambda d: _same_start(d), DEAR),
    Test(
        "random slope",
        REPEATED,
        lambda d: batch.random_slope(d["visits"], WEEKS, d["covariates"], d["arm"], d["present"]),
        DEAR,
    ),
    Test(
        "proportional slowing, test",
        REPEATED,
        lambda d: batch.proportional_slowing_test(_from_start(d), d["arm"], d["present"]),
        DEAR,
    ),
    Test(
        "proportional odds, score",
        (nulls.bounded, nulls.tied),
        lambda d: batch.proportional_odds_score(*_change(d)),
    ),
    Test(
        "proportional odds, Wald",
        (nulls.bounded, nulls.tied),
        lambda d: batch.proportional_odds(*_unadjusted(d)),
        DEAR,
    ),
]
PROPORTIONS = [
    Test("Fisher, exact", SHARES, lambda d: batch.fisher_exact(*_answer(d))),
    Test("Fisher, mid-p", SHARES, lambda d: batch.fisher_mid_p(*_answer(d))),
    Test("Boschloo", SHARES, lambda d: batch.boschloo(*_answer(d))),
    Test("Barnard", SHARES, lambda d: batch.barnard(*_answer(d))),
    Test("Miettinen-Nurminen", SHARES, lambda d: batch.miettinen_nurminen(*_answer(d))),
    Test("Cochran-Mantel-Haenszel", SHARES, lambda d: batch.cochran_mantel_haenszel(*_answer(d))),
    Test(
        "standardised risk difference",
        SHARES,
        lambda d: batch.standardised_risk_difference(*_with_nothing(d)),
    ),
    Test(
        "Mantel-Haenszel risk difference",
        SHARES,
        lambda d: batch.mantel_haenszel_risk_difference(*_answer(d)),
    ),
    Test("logistic regression, Wald", SHARES, lambda d: batch.logistic(*_with_nothing(d))),
    Test("logistic regression, Firth", SHARES, lambda d: batch.firth(*_with_nothing(d)), DEAR),
]
SURVIVAL = [
    Test("log-rank", TIMES, lambda d: batch.logrank(*_time(d))),
    Test("Fleming-Harrington (0, 1)", TIMES, lambda d: batch.logrank(*_time(d), weight=LATE)),
    Test(
        "MaxCombo, (0, 0) and (0, 1)",
        TIMES,
        lambda d: batch.max_combo(*_time(d), weights=(FlemingHarrington(0, 0), LATE)),
        DEAR,
    ),
    Test("Cox, Wald", TIMES, lambda d: batch.cox(*_time(d))),
    Test("Cox, robust", TIMES, lambda d: batch.cox(*_time(d), robust=True), DEAR),
    Test("Cox, Firth", TIMES, lambda d: batch.firth_cox(*_time(d)), DEAR),
    Test("restricted mean", TIMES, lambda d: batch.rmst(*_time(d))),
    Test(
        "survival at half a year, log-log",
        TIMES,
        lambda d: batch.milestone_survival(*_time(d), at=0.5, scale="log-log"),
    ),
]
RECURRENT = [
    Test("Poisson, exact", COUNTS, lambda d: batch.poisson_exact(*_count(d))),
    Test("Poisson, Wald", COUNTS, lambda d: batch.poisson_regression(*_count(d))),
    Test("quasi-Poisson", COUNTS, lambda d: batch.quasi_poisson_regression(*_count(d))),
    Test("negative binomial", COUNTS, lambda d: batch.negative_binomial(*_count(d))),
    Test("Andersen-Gill, robust (LWYY)", COUNTS, lambda d: batch.andersen_gill(*_days(d))),
    Test("mean cumulative function", COUNTS, lambda d: batch.mean_cumulative_test(*_days(d)), DEAR),
]
PRIORITIES = (nulls.deaths_and_scores,)
WINS = [
    Test("win ratio", PRIORITIES, lambda d: _wins(d).win_ratio),
    Test("net benefit", PRIORITIES, lambda d: _wins(d).net_benefit),
    Test(
        "Finkelstein-Schoenfeld",
        PRIORITIES,
        lambda d: batch.finkelstein_schoenfeld(_levels(d), d["arm"], d["present"]),
    ),
    Test(
        "joint rank (CAFS)",
        PRIORITIES,
        lambda d: batch.joint_rank(_levels(d), d["arm"], d["present"]),
    ),
]
TESTS = [*CONTINUOUS, *PROPORTIONS, *SURVIVAL, *RECURRENT, *WINS]
WARNINGS = (
    Note.SIZE_ABOVE_NOMINAL
    | Note.EXACT_ALTERNATIVE
    | Note.MID_P
    | Note.PERMUTATION_INSTEAD
    | Note.RERANDOMISE
    | Note.COUNTS_TAKEN_AS_POISSON
    | Note.EXACT_TEST_FOR_COUNTS
)
"""Notes that say that a size may be above the nominal one."""


def simulate(test: Test, null: Callable[..., Data], patients: int, replicates: int) -> Size:
    """Draw data and count; the same seed for a test, null and number of patients."""
    seed = zlib.crc32(f"{test.name}, {null.__name__}, {patients}".encode())
    rng, rejected, silent, noted = np.random.default_rng(seed), 0, 0, 0
    for begin in range(0, replicates, CHUNK):
        found = test.run(null(rng, (min(CHUNK, replicates - begin), patients)))
        rejected += int(np.sum(found.converged & (found.p <= LEVEL)))
        silent += int(np.sum(~found.converged))
        noted += int(np.sum(found.converged & ((found.notes & int(WARNINGS)) > 0)))
    shares = (rejected / replicates, silent / replicates, noted / max(1, replicates - silent))
    return Size(test.name, null.__name__, patients, replicates, *shares)


def stated() -> list[Size]:
    """Return the sizes on the page."""
    return [Size(**row) for row in json.loads(FILE.read_text(encoding="utf-8"))]
