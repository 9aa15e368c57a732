"""Simulated sizes of the tests of repeated measures, the whole chain of covariances included.

``python -m tests.statistical.sizes_longitudinal 10000`` prints the table for that many trials
of each kind; `test_longitudinal_sizes` runs a short one.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from raresim.analysis import Note, Results
from raresim.analysis.longitudinal import batch

SIZES = (12, 20, 40, 60)
KINDS = ("normal", "skewed", "bounded")
STEPS = (
    Note.FIRST_FALLBACK_COVARIANCE,
    Note.SECOND_FALLBACK_COVARIANCE,
    Note.THIRD_FALLBACK_COVARIANCE,
    Note.NO_COVARIANCE_FITTED,
)
VISITS = 4
METHODS = {
    "satterthwaite": {"df": "satterthwaite"},
    "kenward-roger": {"df": "kenward-roger"},
    "linear": {"df": "kenward-roger-linear"},
}


@dataclass(frozen=True)
class Size:
    """How often a true null was rejected at 5 %; a trial without a fit does not reject."""

    kind: str
    patients: int
    method: str
    trials: int
    rejected: float
    steps: tuple[int, ...]

    @property
    def error(self) -> float:
        """Monte Carlo standard error at the nominal size."""
        return float(np.sqrt(0.05 * 0.95 / self.trials))

    def __str__(self) -> str:
        steps = " ".join(f"{100 * step / self.trials:5.1f}" for step in self.steps)
        return (
            f"{self.kind:8s} {self.patients:3d} {self.method:14s} {100 * self.rejected:5.2f} "
            f"(+-{100 * self.error:.2f})  fallbacks {steps}"
        )


def draw(kind: str, patients: int, trials: int, seed: int = 1) -> dict[str, np.ndarray]:
    """Draw trials without an effect: a baseline, four visits, drop-out that follows scores."""
    rng = np.random.default_rng([seed, KINDS.index(kind), patients])
    shape = (trials, patients)
    level, pace = rng.normal(size=(2, *shape, 1))
    noise = rng.normal(size=(*shape, VISITS + 1))
    if kind == "skewed":  # patients and noise with the skewness of an exponential
        level, pace = rng.exponential(size=(2, *shape, 1)) - 1.0
        noise = rng.exponential(size=noise.shape) - 1.0
    time = np.arange(VISITS + 1)
    score = 3.0 * level - (0.5 + 0.4 * pace) * time + 1.5 * noise
    if kind == "bounded":
        score = np.clip(np.round(score / 2.0 + 2.0), 0.0, 6.0)
    worse = (score < np.median(score, axis=(0, 1)))[:, :, :-1]
    leaves = rng.random((*shape, VISITS)) < np.where(worse, 0.09, 0.03)
    gone = np.cumsum(leaves, axis=2) > 0
    gone[:, :, 0] = False
    seen = np.where(gone, np.nan, score[:, :, 1:])
    arm = np.broadcast_to(np.arange(patients) % 2, shape)
    return {
        "outcome": seen,
        "baseline": score[:, :, :1],
        "arm": arm,
        "present": np.ones(shape, dtype=np.bool_),
    }


def measured(found: Results, kind: str, patients: int, method: str) -> Size:
    rejected = float(np.mean(found.converged & (found.p <= 0.05)))
    steps = tuple(int(np.count_nonzero(found.notes & int(flag))) for flag in STEPS)
    return Size(kind, patients, method, len(found), rejected, steps)


def sizes(trials: int, kinds: tuple[str, ...] = KINDS) -> Iterator[Size]:
    """Simulate all kinds, sizes and methods."""
    for kind in kinds:
        for patients in SIZES:
            data = draw(kind, patients, trials)
            for method, choices in METHODS.items():
                yield measured(batch.mmrm(**data, **choices), kind, patients, method)
            whole = np.concatenate([data["baseline"], data["outcome"]], axis=2)
            none = np.zeros((*whole.shape[:2], 0))
            columns = (data["arm"], data["present"])
            start = batch.mmrm(whole, none, *columns, same_start=True)
            yield measured(start, kind, patients, "same start")
            slope = batch.random_slope(whole, np.arange(VISITS + 1.0), none, *columns)
            yield measured(slope, kind, patients, "random slope")
            yield measured(
                batch.proportional_slowing_test(whole, *columns), kind, patients, "slowing test"
            )


if __name__ == "__main__":
    for size in sizes(int(sys.argv[1])):
        print(size, flush=True)
