"""True values: each estimand's functional on pairs of potential outcomes, without drop-out.

The population is that of eligible candidates; everybody is followed in full under both arms with
the same luck. Where parameters are drawn, each draw has its own truth, from fewer pairs.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from raresim.analysis import batch
from raresim.disease.outcomes import ScoreProcess
from raresim.disease.parameters import DRAW
from raresim.streams import LUCK_BLOCK, Luck
from raresim.trial.fate import People, people, strata_of
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
    units = 2 * UNITS if drawn else UNITS
    folk = people(scenario, Luck(seed, APART + chunk), units, numbers, effects)
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


def _ends(scenario: Scenario, folk: People, arm: int) -> Floats:
    """Return until when each patient is alive or followed."""
    end: Floats = np.full((1, 1), scenario.follow_days)
    for name, process in scenario.model.processes.items():
        if process.ends:
            end = np.minimum(end, folk.paths[arm][name].days[..., 0])
    return end


def _log_hazard_ratio(scenario: Scenario, folk: People, name: str, rows: int) -> Floats:
    """Fit the (stratified) Cox model to all pairs: the limit of the trial's own estimator."""
    estimand = scenario.spec.analysis.estimands[name]
    shape = folk.eligible.shape
    times, events = [], []
    for arm in (0, 1):
        first = folk.paths[arm][estimand.outcome].days[..., 0]
        for other, process in scenario.model.processes.items():
            if process.ends and estimand.intercurrent.get(other) == "composite":
                first = np.minimum(first, folk.paths[arm][other].days[..., 0])
        end = _ends(scenario, folk, arm)
        times.append(_gather(np.minimum(first, end), shape, rows))
        events.append(_gather(first <= end, shape, rows))
    strata = scenario.spec.analysis.methods[name].strata
    states = {**folk.patients.values, "site": np.zeros(shape, np.int64)}
    stratum = _gather(strata_of(scenario, strata, states), shape, rows)
    present = _gather(folk.eligible, shape, rows)
    arms = np.concatenate(
        [np.zeros(present.shape, np.int8), np.ones(present.shape, np.int8)], axis=1
    )
    fit = batch.cox(
        np.concatenate(times, axis=1),
        np.concatenate(events, axis=1),
        arms,
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
        end = _ends(scenario, folk, arm)
        counts = np.sum(folk.paths[arm][estimand.outcome].days <= end[..., None], axis=-1)
        alive = np.where(folk.eligible, np.broadcast_to(end, shape), 0.0)
        events = np.where(folk.eligible, counts, 0)
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
    read = [process.observe(p[estimand.outcome].level(day), noise, u) for p in folk.paths]
    difference = np.where(folk.eligible, read[1] - read[0], 0.0)
    eligible = _gather(folk.eligible, shape, rows).sum(1)
    return np.asarray(_gather(difference, shape, rows).sum(1) / eligible)
