"""True values: each estimand's functional on pairs of potential outcomes, without drop-out.

The population is that of eligible candidates, or of those in a subgroup or a principal stratum;
everybody is followed in full under both arms with the same luck, in the world that the strategies
of the estimand look at (`potential`), and is seen on the planned days. Where parameters are drawn,
each draw has its own truth, from fewer pairs. A pool's survivors are taken as they are on the
trial's first day: those prevalent then, with the time since diagnosis that they have then.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from raresim.analysis import batch
from raresim.disease.outcomes.curve import YEAR
from raresim.disease.parameters import DRAW
from raresim.evidence.statistics import Floats
from raresim.streams import LUCK_BLOCK, Luck
from raresim.study.potential import Lives, Potential
from raresim.study.potential_periods import imagined, in_a_period
from raresim.study.stage_truth import stage_difference
from raresim.trial.cut.change import change_of
from raresim.trial.fate.allotment import strata_of
from raresim.trial.fate.candidates import people
from raresim.trial.fate.effects import rows_of_effects
from raresim.trial.fate.people import People
from raresim.trial.fate.readings import Booleans
from raresim.trial.scenario import Scenario

APART = 2**32
"""Luck blocks from here on belong to the true values: no trial shares their luck."""
DRAWS = LUCK_BLOCK // DRAW
"""Draws of the parameters in a luck block."""
UNITS = 128
"""Pairs in each column of a luck block in one chunk of work."""
ROWS = 16
"""Rows into which a chunk's pairs are gathered where the truth is fixed; they give its error."""


def true_values(
    scenario: Scenario,
    hypothesis: str,
    seed: int,
    chunk: int,
    place: str = "centre",
    draws: int = DRAWS,
) -> dict[str, Floats]:
    """Return each estimand's value on one chunk of 131,072 pairs.

    With a fixed truth: 16 values whose mean is the truth and whose spread is its error. With a
    drawn truth, `chunk` is the luck block: one value for each of its first `draws` draws, on 1,024
    pairs each.
    """
    numbers, effects = scenario.numbers(hypothesis, Luck(seed, chunk), place)
    drawn = scenario.spec.truth.uncertainty != "fixed"
    columns = slice(DRAW * (draws if drawn else DRAWS))
    numbers, effects = numbers.rows(columns), rows_of_effects(effects, columns)
    luck = Luck(seed, APART + chunk).only(columns)
    folk = imagined(scenario, people(scenario, luck, UNITS, numbers, effects))
    rows = draws if drawn else ROWS
    names = scenario.spec.analysis.estimands
    return {name: _value(scenario, folk, name, rows) for name in names}


def _value(scenario: Scenario, folk: People, name: str, rows: int) -> Floats:
    pairs = Potential(scenario, folk, name)
    estimand = pairs.estimand
    if estimand.stages:
        return stage_difference(pairs, rows)
    if estimand.within_patients:
        return _within_patients(pairs, rows)
    if estimand.variable.startswith("time to first"):
        return _log_hazard_ratio(pairs, rows)
    if estimand.variable.startswith("events of"):
        return _log_rate_ratio(pairs, rows)
    if estimand.is_share:
        return _share_difference(pairs, rows)
    return _mean_difference(pairs, rows)


def _gather(values: npt.NDArray[Any], shape: tuple[int, ...], rows: int) -> npt.NDArray[Any]:
    """Return (columns, units) values as (rows, everybody in the row)."""
    return np.ascontiguousarray(np.broadcast_to(values, shape)).reshape(rows, -1)


def _lives(pairs: Potential, followed: float) -> tuple[list[Lives], Booleans]:
    """Return lives under both arms, and which pairs belong to the estimand's population."""
    lives = [pairs.lives(arm, followed) for arm in pairs.pair]
    outside = np.logical_or.reduce([life.outside for life in lives])
    return lives, pairs.belongs & ~outside


def _log_hazard_ratio(pairs: Potential, rows: int) -> Floats:
    """Fit the (stratified) Cox model to all pairs: the limit of the trial's own estimator."""
    scenario, folk, shape = pairs.scenario, pairs.folk, pairs.folk.eligible.shape
    followed = scenario.follow_days
    if pairs.endpoint is not None and pairs.endpoint.seen_at_visits:
        followed = 7.0 * scenario.spec.design.visits.weeks[-1]
    lives, belongs = _lives(pairs, followed)
    strata = scenario.spec.analysis.methods[pairs.name].strata
    states = {**folk.patients.values, "site": np.zeros(shape, np.int64)}
    stratum = _gather(strata_of(scenario, strata, states), shape, rows)
    present = _gather(belongs, shape, rows)
    zero, one = np.zeros(present.shape, np.int8), np.ones(present.shape, np.int8)
    fit = batch.cox(
        np.concatenate([_gather(np.minimum(x.first, x.end), shape, rows) for x in lives], axis=1),
        np.concatenate([_gather(x.first <= x.end, shape, rows) for x in lives], axis=1),
        np.concatenate([zero, one], axis=1),
        np.concatenate([present, present], axis=1),
        np.concatenate([stratum, stratum], axis=1),
    )
    return np.asarray(fit.estimate)


def _log_rate_ratio(pairs: Potential, rows: int) -> Floats:
    """Return the log ratio of events over the time that the estimand looks at.

    Where there is one arm, its rate per year.
    """
    shape, rates = pairs.folk.eligible.shape, []
    lives, belongs = _lives(pairs, pairs.scenario.follow_days)
    for life in lives:
        at_risk = np.where(belongs, life.end, 0.0)
        events = np.where(belongs, life.count, 0.0)
        rates.append(_gather(events, shape, rows).sum(1) / _gather(at_risk, shape, rows).sum(1))
    if len(rates) == 1:
        return np.asarray(rates[0] * YEAR)
    return np.asarray(np.log(rates[1] / rates[0]))


def _share_difference(pairs: Potential, rows: int) -> Floats:
    """Return the difference of the shares who have had an endpoint by the visit, or one share.

    Who dies before it without the endpoint is left out, unless death is composite.
    """
    shape, shares = pairs.folk.eligible.shape, []
    left_out = "while alive" in pairs.estimand.intercurrent.values()
    lives, belongs = _lives(pairs, 7.0 * pairs.estimand.week)
    for life in lives:
        came = life.first <= life.end
        counted = belongs & (came | life.alive | life.decided | (not left_out))
        of = _gather(counted, shape, rows).sum(1)
        shares.append(_gather(came & counted, shape, rows).sum(1) / of)
    return np.asarray(shares[1] - shares[0] if len(shares) > 1 else shares[0])


def _mean_difference(pairs: Potential, rows: int) -> Floats:
    """Return the mean difference of the changes at the visit, with the same reading luck.

    Where there is one arm, its mean change.
    """
    scenario, estimand, shape = pairs.scenario, pairs.estimand, pairs.folk.eligible.shape
    due = np.asarray(7.0 * estimand.week)
    visits = 7.0 * np.array(scenario.spec.design.visits.weeks, np.float64)
    changes, belongs = [], pairs.belongs
    for arm in pairs.pair:
        events = pairs.events(arm)
        read = pairs.read(arm, estimand.outcome)
        seen = np.broadcast_to(visits, (*shape, len(visits)))
        changes.append(change_of(scenario, events, read, seen, due)[0])
        belongs = belongs & ~(events.first("principal stratum") < due)
    difference = changes[1] - changes[0] if len(changes) > 1 else changes[0]
    belongs = belongs & ~np.isnan(difference)  # of nothing there is no per cent
    total = _gather(np.where(belongs, difference, 0.0), shape, rows).sum(1)
    return np.asarray(total / _gather(belongs, shape, rows).sum(1))


def _within_patients(pairs: Potential, rows: int) -> Floats:
    """Return what a period on one treatment makes of a period on the other, nothing before both.

    The mean difference of what is read, or the log ratio of events over the time at risk.
    """
    shape, eligible = pairs.folk.eligible.shape, pairs.folk.eligible
    control, treated = (in_a_period(pairs, code) for code in (0, 1))
    if not pairs.estimand.counts:
        apart = treated.outcome - control.outcome
        belongs = eligible & ~np.isnan(apart)
        total = _gather(np.where(belongs, apart, 0.0), shape, rows).sum(1)
        return np.asarray(total / _gather(belongs, shape, rows).sum(1))
    rates = [
        _gather(np.where(eligible, one.outcome, 0.0), shape, rows).sum(1)
        / _gather(np.where(eligible, one.exposure, 0.0), shape, rows).sum(1)
        for one in (control, treated)
    ]
    return np.asarray(np.log(rates[1] / rates[0]))
