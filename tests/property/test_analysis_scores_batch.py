"""Kernels that give scores, weights or one number: row b of a batch is that row alone, bit for bit.

The tests of each room hold its comparisons to the same; these are the exported kernels whose answer
is an array.
"""

from collections.abc import Callable

import numpy as np
import pytest

from raresim.analysis import batch
from raresim.analysis.external import batch as external
from raresim.analysis.hierarchical.batch import Level, patient_scores
from raresim.analysis.missing import batch as missing
from raresim.analysis.rerandomisation import batch as rerandomisation

Table = dict[str, np.ndarray]
Answer = tuple[np.ndarray, ...]


def draw(seed: int, replicates: int, patients: int) -> Table:
    rng = np.random.default_rng(seed)
    shape = (replicates, patients)
    return {
        "arm": rng.integers(0, 2, shape),
        "present": rng.random(shape) < 0.85,
        "x": rng.normal(50.0, 10.0, (*shape, 2)),
        "y": np.where(rng.random(shape) < 0.1, np.nan, rng.normal(size=shape).round(1)),
        "time": rng.integers(1, 30, shape),
        "event": rng.random(shape) < 0.6,
        "stratum": rng.integers(0, 3, shape),
        "count": rng.poisson(rng.gamma(1.0, 2.0, shape)),
        "exposure": rng.uniform(0.1, 2.0, shape),
        "goals": np.where(rng.random((*shape, 3)) < 0.2, np.nan, rng.integers(-2, 3, (*shape, 3))),
        "weight": rng.uniform(0.1, 3.0, shape),
    }


def both_arms(t: Table) -> np.ndarray:
    """Use the patients of the first two in each arm and those present."""
    used = t["present"].copy()
    for code in (0, 1):
        here = t["arm"] == code
        used |= here & (np.cumsum(here, axis=1) <= 2)
    return used


def scored(t: Table) -> Answer:
    used = t["present"]
    scores, fitted = external.propensity_scores(t["arm"], t["x"], used)
    safe = np.where(fitted[:, None], scores, 0.5)
    weights = [external.propensity_weights(safe, t["arm"], used, e) for e in ("ate", "att")]
    stable = external.propensity_weights(safe, t["arm"], used, "ate", stabilised=True)
    return np.where(used, scores, 0.0), fitted, *(np.where(used, w, 0.0) for w in weights), stable


def levels(t: Table) -> tuple[Level, ...]:
    return Level(t["time"], t["event"]), Level(t["y"])


# per patient: answers (B, n, ...), of which the absent ones are left out; else (B, ...)
PER_PATIENT: dict[str, Callable[[Table], Answer]] = {
    "goal attainment": lambda t: (batch.goal_attainment_t(t["goals"]),),
    "ranks": lambda t: (rerandomisation.rank_scores(t["y"], t["present"]),),
    "log-rank scores": lambda t: (
        rerandomisation.logrank_scores(t["time"], t["event"], t["present"], t["stratum"]),
    ),
    "residuals": lambda t: (rerandomisation.residual_scores(t["y"], t["x"], t["present"]),),
    "patient scores": lambda t: (patient_scores(levels(t), t["present"], stratum=t["stratum"]),),
    "propensity": lambda t: tuple(a for a in scored(t) if a.ndim == 2),
    "tilted": lambda t: external.tilted_weights(t["x"], TARGET[: len(t["x"])], t["present"])[:1],
}
PER_TRIAL: dict[str, Callable[[Table], Answer]] = {
    "theta": lambda t: (
        batch.negative_binomial_theta(t["count"], t["exposure"], t["arm"], t["present"]),
    ),
    "effective": lambda t: (external.effective_patients(np.where(t["present"], t["weight"], 0.0)),),
    "differences": lambda t: (
        external.standardised_differences(t["x"], t["arm"], both_arms(t)),
        external.standardised_differences(t["x"], t["arm"], both_arms(t), t["weight"]),
    ),
    "propensity fitted": lambda t: scored(t)[1:2],
    "tilted met": lambda t: external.tilted_weights(t["x"], TARGET[: len(t["x"])], t["present"])[
        1:
    ],
}
TARGET = np.full((300, 2), 51.0)


def padded(t: Table, b: int, seed: int) -> tuple[Table, np.ndarray]:
    """Row b with absent patients strewn in between, and where its own patients are."""
    number = t["arm"].shape[1]
    place = np.sort(np.random.default_rng(seed).choice(number + 9, number, replace=False))
    found = draw(seed, 1, number + 9)
    found["present"][:] = False
    found["arm"][:] = -1
    for name, values in t.items():
        found[name][0, place] = values[b]
    return found, place


def same(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether the bits agree, all NaN being one."""
    one, other = np.asarray(one), np.asarray(other)
    if one.dtype.kind != "f":
        return bool(np.array_equal(one, other))
    lost = np.isnan(one)
    return bool(np.array_equal(lost, np.isnan(other))) and (
        np.where(lost, 0.0, one).tobytes() == np.where(lost, 0.0, other).tobytes()
    )


@pytest.mark.parametrize(("replicates", "patients"), [(4, 3), (7, 17), (257, 40)])
@pytest.mark.parametrize("name", [*PER_PATIENT, *PER_TRIAL])
def test_a_row_of_a_batch_is_that_row_alone(name: str, replicates: int, patients: int) -> None:
    table = draw(replicates, replicates, patients)
    kernel = PER_PATIENT.get(name) or PER_TRIAL[name]
    together = kernel(table)
    for b in sorted({0, 1, replicates // 2, replicates - 1}):
        wide, place = padded(table, b, b)
        alone = kernel({key: values[b : b + 1] for key, values in table.items()})
        strewn = kernel(wide)
        here = table["present"][b]
        for whole, row, far in zip(together, alone, strewn, strict=True):
            if name in PER_PATIENT:
                assert same(row[0], whole[b])
                assert same(far[0][place][here], whole[b][here])
            else:
                assert same(row[0], whole[b])
                assert same(far[0], whole[b])


def test_rows_of_rubins_rules_are_those_of_the_batch() -> None:
    rng = np.random.default_rng(3)
    estimate, se = rng.normal(size=(50, 7)), rng.uniform(0.5, 2.0, (50, 7))
    df = np.where(rng.random(50) < 0.5, np.inf, 20.0)
    answered = rng.random((50, 7)) < 0.8
    together = missing.rubin(estimate, se, df, answered=answered)
    for b in range(50):
        one = slice(b, b + 1)
        alone = missing.rubin(estimate[one], se[one], df[one], answered=answered[one])
        for field in ("estimate", "se", "df", "p", "ci_low", "notes"):
            assert same(getattr(alone, field)[0], getattr(together, field)[b]), field
