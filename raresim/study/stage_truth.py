"""True values of trials of two stages, on potential outcomes with the same luck.

In each stage the weighted statistic compares what an arm gives with what the control gives, in
those who count in it: in the second, those who would be left on the control's treatment (placebo
non-responders). Where arms differ only later, one of them stands for all.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from raresim.evidence.statistics import Floats
from raresim.study.potential import Potential
from raresim.trial.cut.intercurrent import Booleans
from raresim.trial.cut.stage_table import given_in, wanted
from raresim.trial.cut.stages import Seen, counts, outcome
from raresim.trial.fate.people import strips


@dataclass(frozen=True)
class Lived:
    """Outcomes of each stage (columns, units) under one arm, and who counts in it."""

    outcome: tuple[Floats, ...]
    counts: tuple[Booleans, ...]


def stage_difference(pairs: Potential, rows: int) -> Floats:
    """Return w d1 + (1 - w) d2, or the first stage's difference of two treatments' shares."""
    estimand, scenario = pairs.estimand, pairs.scenario
    if estimand.weight is None:
        against = estimand.against or given_in(scenario, 0, estimand.stages, 0)
        return _difference(pairs, rows, 0, _beginning(pairs, against), estimand.treatment)
    first = _difference(pairs, rows, 0, 0, _other(pairs, 0))
    second = _difference(pairs, rows, 1, 0, _other(pairs, 1))
    return np.asarray(estimand.weight * first + (1 - estimand.weight) * second)


def _difference(pairs: Potential, rows: int, number: int, control: int, treatment: str) -> Floats:
    """Return the mean difference in a stage between an arm with a treatment and another arm."""
    arm = _beginning(pairs, treatment) if number == 0 else _later(pairs, treatment)
    lived = [lived_in(pairs, each) for each in (control, arm)]
    apart = lived[1].outcome[number] - lived[0].outcome[number]
    who = lived[0].counts[number] & pairs.folk.eligible & ~np.isnan(apart)
    total = np.where(who, apart, 0.0).reshape(rows, -1).sum(1)
    return np.asarray(total / who.reshape(rows, -1).sum(1))


def _other(pairs: Potential, number: int) -> str:
    """Return what is compared in a stage with the control's treatment there."""
    scenario, stages = pairs.scenario, pairs.estimand.stages
    own = given_in(scenario, 0, stages, number)
    begins = given_in(scenario, 0, stages, 0)
    arms = [a for a in pairs.pair if number == 0 or given_in(scenario, a, stages, 0) == begins]
    return next(t for a in arms if (t := given_in(scenario, a, stages, number)) != own)


def _beginning(pairs: Potential, treatment: str) -> int:
    """Return the first arm that gives a treatment in the first stage."""
    scenario, stages = pairs.scenario, pairs.estimand.stages
    return next(a for a in pairs.pair if given_in(scenario, a, stages, 0) == treatment)


def _later(pairs: Potential, treatment: str) -> int:
    """Return the first arm that gives a treatment after what the control begins with."""
    scenario, stages = pairs.scenario, pairs.estimand.stages
    own = given_in(scenario, 0, stages, 0), treatment
    return next(
        a
        for a in pairs.pair
        if (given_in(scenario, a, stages, 0), given_in(scenario, a, stages, 1)) == own
    )


def lived_in(pairs: Potential, arm: int) -> Lived:
    """Return the stages of everybody under an arm, all visits on their planned days."""
    estimand, scenario = pairs.estimand, pairs.scenario
    scores, named = wanted(scenario, estimand)
    weeks = tuple(scenario.spec.design.visits.weeks)
    days = 7.0 * np.array((0, *weeks), np.float64)
    read = {score: pairs.read(arm, score) for score in scores}
    parts: list[tuple[Floats | Booleans, ...]] = []
    for strip in strips(*pairs.folk.eligible.shape):
        paths = pairs.walked(arm, strip, {*named, *scenario.model.spec.fatal})
        shape = pairs.folk.eligible[strip].shape
        end = np.full(shape, np.inf)
        for name in scenario.model.spec.fatal:
            end = np.minimum(end, paths[name].days[..., 0])
        at = np.broadcast_to(days, (*shape, len(days)))
        own = Seen(
            weeks,
            at <= end[..., None],
            at,
            {score: values[strip] for score, values in read.items()},
            {event: paths[event].days for event in named},
        )
        events = pairs.events(arm, strip, paths)
        stages = estimand.stages
        found = [outcome(estimand, pairs.endpoint, stage, own, events) for stage in stages]
        parts.append((*found, *(counts(stages, k, own) for k in range(len(stages)))))
    whole = [np.concatenate(column) for column in zip(*parts, strict=True)]
    return Lived((whole[0], whole[1]), (whole[2], whole[3]))
