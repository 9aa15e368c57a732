"""Potential outcomes of a period: one treatment in it and nothing before, so no carry-over.

The true value of a comparison within patients is what a treatment throughout a period makes,
against the control throughout the same period. Who had something before the period would bring its
carry-over along; so the patients of the true value have nothing until it begins. Each of them lives
through one of the design's periods that give either treatment, the next patient through the next:
all of them weigh alike.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from raresim.evidence.statistics import Floats
from raresim.study.potential import Potential
from raresim.trial.cut.period_table import read_in_period
from raresim.trial.fate.people import People, strips
from raresim.trial.fate.sequence import Sequence
from raresim.trial.grammar.arm import NOTHING
from raresim.trial.grammar.estimand import Estimand
from raresim.trial.scenario import Scenario


@dataclass(frozen=True)
class Lived:
    """What a period brings, arrays (columns, units): a score, or events and the days at risk."""

    outcome: Floats
    exposure: Floats


def imagined(scenario: Scenario, folk: People) -> People:
    """Return the people with what each comparison within patients imagines, as further arms."""
    sequences: dict[int, Sequence] = {}
    for name, estimand in scenario.spec.analysis.estimands.items():
        if estimand.within_patients:
            since, until, _ = _periods(scenario, estimand, folk)
            for code, treatment in enumerate(reversed(estimand.compare)):
                begins = (np.zeros((1, 1)), since)
                arm = _arm(scenario, name, code)
                sequences[arm] = Sequence((NOTHING, treatment), begins, until)
    return replace(folk, crossed={**folk.crossed, **sequences}) if sequences else folk


def in_a_period(pairs: Potential, code: int) -> Lived:
    """Return what each patient has in a period on the control (0) or the other treatment (1)."""
    arm = _arm(pairs.scenario, pairs.name, code)
    if not pairs.estimand.counts:
        return _read(pairs, arm)
    shape = pairs.folk.eligible.shape
    parts = [_counted(pairs, arm, strip) for strip in strips(*shape)]
    columns = zip(*((part.outcome, part.exposure) for part in parts), strict=True)
    return Lived(*(np.concatenate(column) for column in columns))


def _arm(scenario: Scenario, name: str, code: int) -> int:
    """Return the number of an imagined arm: after those of the design."""
    return len(scenario.arms) + 2 * [*scenario.spec.analysis.estimands].index(name) + code


def _periods(scenario: Scenario, estimand: Estimand, folk: People) -> tuple[Floats, Floats, Any]:
    """Return on which days the period of each patient begins and ends, and its last visit."""
    of_arms = scenario.periods_counted(estimand)
    own = {(p.since, p.until, p.visits) for of_arm in of_arms for p in of_arm if p.code in (0, 1)}
    since, until, visits = zip(*sorted(own), strict=True)
    shape = folk.eligible.shape
    mine = (np.arange(shape[0] * shape[1]) % len(own)).reshape(shape)
    last = np.array([max(numbers, default=0) for numbers in visits])
    return np.array(since)[mine], np.array(until)[mine], last[mine]


def _read(pairs: Potential, arm: int) -> Lived:
    """Return what is read at the last visit of the period, on its planned day."""
    estimand, folk = pairs.estimand, pairs.folk
    since, until, last = _periods(pairs.scenario, estimand, folk)
    read = pairs.read(arm, estimand.outcome)[..., 1:]
    planned = 7.0 * np.array(pairs.scenario.spec.design.visits.weeks, np.float64)
    visits = np.broadcast_to(planned, read.shape)
    own = (visits > since[..., None]) & (visits <= until[..., None])
    found = read_in_period(pairs.events(arm), read, visits, own, last, planned[last])
    return Lived(found, np.zeros(found.shape))


def _counted(pairs: Potential, arm: int, strip: slice) -> Lived:
    """Return events in the period after what is skipped, and the days at risk, for a strip."""
    estimand = pairs.estimand
    since, until, _ = (part[strip] for part in _periods(pairs.scenario, estimand, pairs.folk))
    paths = pairs.walked(arm, strip)
    end = until
    for name in pairs.scenario.model.spec.fatal:
        end = np.minimum(end, paths[name].days[..., 0])
    end = pairs.events(arm, strip, paths).at_risk(end)
    since = since + estimand.skip
    days = paths[estimand.outcome].days
    came = (days > since[..., None]) & (days <= end[..., None])
    return Lived(came.sum(axis=-1).astype(np.float64), np.maximum(end - since, 0.0))
