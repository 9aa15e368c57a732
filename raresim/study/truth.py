"""True values: each estimand's functional on pairs of potential outcomes, without drop-out.

The population is that of eligible candidates; everybody is followed in full under both arms with
the same luck. Where parameters are drawn, each draw has its own truth, from fewer pairs.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from raresim.analysis import batch
from raresim.disease.outcomes import on_day
from raresim.disease.parameters import DRAW
from raresim.streams import LUCK_BLOCK, Luck
from raresim.trial.analysis_block import Estimand
from raresim.trial.endpoint_block import ScorePasses, first_passed
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
    luck = Luck(seed, APART + chunk)
    folk = people(scenario, luck, UNITS, numbers, effects)
    rows = LUCK_BLOCK // DRAW if drawn else ROWS
    names = scenario.spec.analysis.estimands
    return {name: _value(scenario, folk, luck, name, rows) for name in names}


def _value(scenario: Scenario, folk: People, luck: Luck, name: str, rows: int) -> Floats:
    estimand = scenario.spec.analysis.estimands[name]
    if estimand.variable.startswith("time to first"):
        return _log_hazard_ratio(scenario, folk, luck, name, rows)
    if estimand.variable.startswith("events of"):
        return _log_rate_ratio(scenario, folk, name, rows)
    if estimand.is_share:
        return _share_difference(scenario, folk, luck, name, rows)
    return _mean_difference(scenario, folk, luck, name, rows)


def _gather(values: npt.NDArray[Any], shape: tuple[int, ...], rows: int) -> npt.NDArray[Any]:
    """Return (columns, units) values as (rows, everybody in the row)."""
    return np.ascontiguousarray(np.broadcast_to(values, shape)).reshape(rows, -1)


@dataclass(frozen=True)
class Lives:
    """What happens to each patient under one arm, followed in full, arrays (columns, units)."""

    end: Floats
    first: Floats
    count: Floats


def _lives(scenario: Scenario, folk: People, arm: int, estimand: Estimand, seen: Seen) -> Lives:
    """Return end of life or follow-up, first event (or composite) and number of events."""
    parts: list[tuple[Floats, Floats, Floats]] = []
    endpoint = scenario.spec.analysis.endpoints.get(estimand.outcome)
    own = endpoint.events if endpoint is not None else [estimand.outcome]
    followed = scenario.follow_days
    if endpoint is not None and endpoint.seen_at_visits:
        followed = 7.0 * scenario.spec.design.visits.weeks[-1]
    for strip in strips(len(folk.stop)):
        paths = folk.walk(arm, strip)
        shape = folk.eligible[strip].shape
        days = [paths[name].days for name in own]
        found = [each[..., 0] for each in days]
        if endpoint is not None:
            found += [seen.passed(scenario, paths, line, strip) for line in endpoint.scores]
        first = np.minimum.reduce(found)
        end: Floats = np.full(shape, followed)
        for name in scenario.model.spec.fatal:
            death = paths[name].days[..., 0]
            end = np.minimum(end, death)
            bad = endpoint is None or endpoint.better == "later"
            if bad and estimand.intercurrent.get(name) == "composite":
                first = np.minimum(first, death)
        events = days[0] if endpoint is None else first[..., None]
        count = np.sum(events <= end[..., None], axis=-1).astype(np.float64)
        parts.append((end, first, count))
    return Lives(*(np.concatenate(column) for column in zip(*parts, strict=True)))


@dataclass(frozen=True)
class Seen:
    """The luck of readings at baseline and at every visit, the same under both arms."""

    drawn: dict[str, list[tuple[Floats, ...]]]
    screened: dict[str, Any]

    def passed(self, scenario: Scenario, paths: Any, line: ScorePasses, strip: slice) -> Floats:
        """Return the day of the visit at which a score has passed a line, infinite if never."""
        model, name = scenario.model, line.score
        luck = [tuple(u[strip] for u in drawn) for drawn in self.drawn[name]]
        first = model.read_at_start(name, paths, self.screened[name][strip], luck[0])
        days = [0.0, *(7.0 * week for week in scenario.spec.design.visits.weeks)]
        own = zip(pairwise(days), luck[1:], strict=True)
        read = [model.read(name, paths, on_day("", day, last), u) for (last, day), u in own]
        met = line.met(np.stack(read, axis=-1), np.asarray(first)[..., None])
        found = first_passed(met, np.ones(met.shape, bool), line.confirmed)
        return np.asarray(np.min(np.where(found, np.array(days[1:]), np.inf), axis=-1))


def _seen(scenario: Scenario, folk: People, luck: Luck, name: str) -> Seen:
    """Draw the luck of the readings that an estimand's endpoint needs."""
    estimand = scenario.spec.analysis.estimands[name]
    endpoint = scenario.spec.analysis.endpoints.get(estimand.outcome)
    drawn: dict[str, list[tuple[Floats, ...]]] = {}
    for line in endpoint.scores if endpoint is not None else []:
        process = scenario.model.readers[line.score]
        weeks = [0, *scenario.spec.design.visits.weeks]
        if line.score not in drawn:
            labels = [f"truth of {name}, week {week}" for week in weeks]
            drawn[line.score] = [process.luck_of(luck, label, UNITS) for label in labels]
    return Seen(drawn, folk.screened)


def _log_hazard_ratio(scenario: Scenario, folk: People, luck: Luck, name: str, rows: int) -> Floats:
    """Fit the (stratified) Cox model to all pairs: the limit of the trial's own estimator."""
    estimand = scenario.spec.analysis.estimands[name]
    shape = folk.eligible.shape
    seen = _seen(scenario, folk, luck, name)
    lives = [_lives(scenario, folk, arm, estimand, seen) for arm in (0, 1)]
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
        lives = _lives(scenario, folk, arm, estimand, Seen({}, {}))
        alive = np.where(folk.eligible, lives.end, 0.0)
        events = np.where(folk.eligible, lives.count, 0.0)
        rates.append(_gather(events, shape, rows).sum(1) / _gather(alive, shape, rows).sum(1))
    return np.asarray(np.log(rates[1] / rates[0]))


def _share_difference(scenario: Scenario, folk: People, luck: Luck, name: str, rows: int) -> Floats:
    """Return the difference of the shares who have had an endpoint by the visit.

    Who dies before it without the endpoint is left out, unless death is composite.
    """
    estimand = scenario.spec.analysis.estimands[name]
    seen, day = _seen(scenario, folk, luck, name), 7.0 * estimand.week
    shape, shares = folk.eligible.shape, []
    left_out = "while alive" in estimand.intercurrent.values()
    for arm in (0, 1):
        lives = _lives(scenario, folk, arm, estimand, seen)
        came = lives.first <= np.minimum(lives.end, day)
        counted = folk.eligible & (came | (lives.end >= day) | (not left_out))
        of = _gather(counted, shape, rows).sum(1)
        shares.append(_gather(came & counted, shape, rows).sum(1) / of)
    return np.asarray(shares[1] - shares[0])


def _mean_difference(scenario: Scenario, folk: People, luck: Luck, name: str, rows: int) -> Floats:
    """Return the mean difference of what is read at the visit, with the same reading luck.

    The reading before treatment is the same in both arms: it cancels in a change, and in a ratio.
    """
    estimand = scenario.spec.analysis.estimands[name]
    model = scenario.model
    process = model.readers[estimand.outcome]
    shape = folk.eligible.shape
    weeks = [0, *scenario.spec.design.visits.weeks]
    before = weeks[weeks.index(estimand.week) - 1]
    occasion = on_day(f"truth of {name}", 7.0 * estimand.week, 7.0 * before)
    drawn = process.luck_of(luck, occasion.label, shape[1])
    scale = np.log1p if estimand.is_log_ratio else np.asarray
    names = {estimand.outcome, *model.ending[estimand.outcome]}
    paths = [folk.walk(arm, slice(None), names) for arm in (0, 1)]
    read = [scale(model.read(estimand.outcome, walked, occasion, drawn)) for walked in paths]
    difference, counted = read[1] - read[0], folk.eligible
    if estimand.is_percent:
        own = process.luck_of(luck, f"truth of {name}, baseline", shape[1])
        screened = folk.screened[estimand.outcome]
        start = np.asarray(model.read_at_start(estimand.outcome, paths[0], screened, own))
        counted = counted & (start != 0)
        difference = 100 * difference / np.where(start == 0, 1.0, np.abs(start))
    difference = np.where(counted, difference, 0.0)
    eligible = _gather(counted, shape, rows).sum(1)
    return np.asarray(_gather(difference, shape, rows).sum(1) / eligible)
