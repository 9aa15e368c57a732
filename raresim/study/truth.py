"""True values: each estimand's functional on pairs of potential outcomes, without drop-out.

The population is that of eligible candidates; everybody is followed in full under both arms with
the same luck. Where parameters are drawn, each draw has its own truth, from fewer pairs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from raresim.analysis import batch
from raresim.disease.outcomes import ScoreProcess
from raresim.disease.parameters import DRAW
from raresim.streams import LUCK_BLOCK, Luck
from raresim.trial.analysis_block import Estimand
from raresim.trial.fate import People, people, strata_of, strips
from raresim.trial.scenario import Scenario

Floats = npt.NDArray[np.float64]

APART = 2**32
"""Luck blocks from here on belong to the true values: no trial shares their luck."""
UNITS = 128
"""Pairs in each column of a luck block in one chunk of work."""
ROWS = 16
"""Rows into which a chunk's pairs are gathered where the truth is fixed; they give its error."""


def true_values(
    scenario: Scenario, hypothesis: str, seed: int, chunk: int, place: str = "centre"
) -> dict[str, Floats]:
    """Return each estimand's value on one chunk of 131,072 pairs.

    With a fixed truth: 16 values whose mean is the truth and whose spread is its error. With a
    drawn truth, `chunk` is the luck block: one value for each of the block's 128 draws.
    """
    numbers, effects = scenario.numbers(hypothesis, Luck(seed, chunk), place)
    drawn = scenario.spec.truth.uncertainty != "fixed"
    folk = people(scenario, Luck(seed, APART + chunk), UNITS, numbers, effects)
    rows = LUCK_BLOCK // DRAW if drawn else ROWS
    return {name: _value(scenario, folk, name, rows) for name in scenario.spec.analysis.estimands}


def _value(scenario: Scenario, folk: People, name: str, rows: int) -> Floats:
    estimand = scenario.spec.analysis.estimands[name]
    if estimand.variable.startswith("time to first"):
        return _log_hazard_ratio(scenario, folk, name, rows)
    if estimand.variable.startswith("events of"):
        return _log_rate_ratio(scenario, folk, name, rows)
    return _mean_difference(scenario, folk, name, rows)


def _gather(values: npt.NDArray[Any], shape: tuple[int, ...], rows: int) -> npt.NDArray[Any]:
    """Return (columns, units) values as (rows, everybody in the row)."""
    return np.ascontiguousarray(np.broadcast_to(values, shape)).reshape(rows, -1)


@dataclass(frozen=True)
class Lives:
    """What happens to each patient under one arm, followed in full, arrays (columns, units)."""

    end: Floats
    first: Floats
    count: Floats


def _lives(scenario: Scenario, folk: People, arm: int, estimand: Estimand) -> Lives:
    """Return end of life or follow-up, first event (or composite) and number of events."""
    parts: list[tuple[Floats, Floats, Floats]] = []
    for strip in strips(len(folk.stop)):
        paths = folk.walk(arm, strip)
        days = paths[estimand.outcome].days
        first = days[..., 0]
        end: Floats = np.full(first.shape, scenario.follow_days)
        for name in scenario.model.spec.fatal:
            death = paths[name].days[..., 0]
            end = np.minimum(end, death)
            if estimand.intercurrent.get(name) == "composite":
                first = np.minimum(first, death)
        count = np.sum(days <= end[..., None], axis=-1).astype(np.float64)
        parts.append((end, first, count))
    return Lives(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def _log_hazard_ratio(scenario: Scenario, folk: People, name: str, rows: int) -> Floats:
    """Fit the (stratified) Cox model to all pairs: the limit of the trial's own estimator."""
    estimand = scenario.spec.analysis.estimands[name]
    shape = folk.eligible.shape
    lives = [_lives(scenario, folk, arm, estimand) for arm in (0, 1)]
    strata = scenario.spec.analysis.methods[name].strata
    states = {**folk.patients.values, "site": np.zeros(shape, np.int64)}
    stratum = _gather(strata_of(scenario, strata, states), shape, rows)
    present = _gather(folk.eligible, shape, rows)
    zero, one = np.zeros(present.shape, np.int8), np.ones(present.shape, np.int8)
    fit = batch.cox(
        np.concatenate([_gather(np.minimum(x.first, x.end), shape, rows) for x in lives], axis=1),
        np.concatenate([_gather(x.first <= x.end, shape, rows) for x in lives], axis=1),
        np.concatenate([zero, one], axis=1),
        np.concatenate([present, present], axis=1),
        np.concatenate([stratum, stratum], axis=1),
    )
    return np.asarray(fit.estimate)


def _log_rate_ratio(scenario: Scenario, folk: People, name: str, rows: int) -> Floats:
    """Return the log ratio of events over time alive."""
    estimand = scenario.spec.analysis.estimands[name]
    shape = folk.eligible.shape
    rates = []
    for arm in (0, 1):
        lives = _lives(scenario, folk, arm, estimand)
        alive = np.where(folk.eligible, lives.end, 0.0)
        events = np.where(folk.eligible, lives.count, 0.0)
        rates.append(_gather(events, shape, rows).sum(1) / _gather(alive, shape, rows).sum(1))
    return np.asarray(np.log(rates[1] / rates[0]))


def _mean_difference(scenario: Scenario, folk: People, name: str, rows: int) -> Floats:
    """Return the mean difference of what is read at the visit, with the same reading noise."""
    estimand = scenario.spec.analysis.estimands[name]
    process = scenario.model.processes[estimand.outcome]
    assert isinstance(process, ScoreProcess)
    shape = folk.eligible.shape
    day = np.full(shape, 7.0 * estimand.week)
    noise = folk.latents[estimand.outcome].noise
    # any fixed luck serves for the noise of both readings: an equally spaced one has no error
    u = np.broadcast_to((np.arange(shape[1]) + 0.5) / shape[1], shape)
    paths = [folk.walk(arm, slice(None))[estimand.outcome] for arm in (0, 1)]
    read = [process.observe(path.level(day), noise, u) for path in paths]
    difference = np.where(folk.eligible, read[1] - read[0], 0.0)
    eligible = _gather(folk.eligible, shape, rows).sum(1)
    return np.asarray(_gather(difference, shape, rows).sum(1) / eligible)
