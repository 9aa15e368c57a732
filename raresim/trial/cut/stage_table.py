"""The table of a trial of two stages: of each patient the treatment and the outcome in both."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from raresim.either import either
from raresim.files.units import SECONDS_A_DAY
from raresim.trial.cut.known import Data, readings_of
from raresim.trial.cut.stages import Seen, counts, outcome
from raresim.trial.cut.tables import Booleans, StageTable, Who
from raresim.trial.grammar.arm import NOTHING
from raresim.trial.grammar.endpoint import ScorePasses
from raresim.trial.grammar.estimand import Estimand
from raresim.trial.grammar.stage import Stage, period_of
from raresim.trial.scenario import Scenario
from raresim.trial.ticks import NEVER

UNKNOWN = -1
"""The treatment of whoever had none in a stage, or nobody knows which."""


def stage_table(data: Data, estimand: Estimand, who: Who) -> StageTable:
    """Return outcome and treatment of each stage, and who counts in it, as known at the cut."""
    scenario, stages = data.scenario, estimand.stages
    endpoint = scenario.spec.analysis.endpoints.get(estimand.outcome)
    own, events = seen(data, estimand), data.events_of(estimand)
    found = [outcome(estimand, endpoint, stage, own, events) for stage in stages]
    names = given(scenario)
    treatment = [_given(data, names, stages, k) for k in range(len(stages))]
    control = tuple(names.index(given_in(scenario, 0, stages, k)) for k in range(len(stages)))
    chosen = [
        who.present & counts(stages, k, own) & (treatment[k] != UNKNOWN) for k in range(len(stages))
    ]
    if estimand.weight is not None:  # stage 2 is of those who had what the control gets
        chosen[1] &= treatment[0] == control[0]
    against = names.index(estimand.against) if estimand.against else control[0]
    return StageTable(
        who,
        np.stack([either(who.present, value, np.nan) for value in found], axis=-1),
        np.stack(treatment, axis=-1),
        np.stack(chosen, axis=-1),
        control,
        len(names),
        estimand.weight,
        (names.index(estimand.treatment) if estimand.treatment else UNKNOWN, against),
        estimand.is_share,
        events.bad,
    )


def seen(data: Data, estimand: Estimand) -> Seen:
    """Return what was seen of each patient by the cut."""
    scenario, ledger = data.scenario, data.ledger
    weeks = tuple(scenario.spec.design.visits.weeks)
    begun = either(ledger.present, ledger.randomised, 0)
    at = [begun, *(data.due(week) for week in weeks)]
    came = np.concatenate(
        [ledger.present[..., None], ledger.visits <= data.end[..., None]], axis=-1
    )
    scores, named = wanted(scenario, estimand)
    return Seen(
        weeks,
        came,
        np.stack(at, axis=-1),
        {score: readings_of(data.fate, ledger, score) for score in scores},
        {event: either(_known(data, event), ledger.events[event], NEVER) for event in named},
    )


def _known(data: Data, event: str) -> Booleans:
    return np.asarray(data.ledger.events[event] <= data.end[..., None])


def wanted(scenario: Scenario, estimand: Estimand) -> tuple[set[str], set[str]]:
    """Return the scores and the events that an estimand of stages reads."""
    endpoint = scenario.spec.analysis.endpoints.get(estimand.outcome)
    lines = [stage.line for stage in estimand.stages if stage.line is not None]
    scores = {line.score for line in lines if isinstance(line, ScorePasses)}
    events = {line.event for line in lines if not isinstance(line, ScorePasses)}
    if endpoint is None:
        return {*scores, estimand.outcome}, events
    return {*scores, *(line.score for line in endpoint.scores)}, {*events, *endpoint.events}


def given(scenario: Scenario) -> list[str]:
    """Return the treatments that arms begin or go on with, in the order of the file."""
    arms = range(len(scenario.arms))
    had = {period.give for arm in arms for period in scenario.periods(arm)}
    return [name for name in (*scenario.spec.design.given, NOTHING) if name in had]


def given_in(scenario: Scenario, arm: int, stages: list[Stage], number: int) -> str:
    """Return what an arm gives in a stage to whoever takes its period."""
    periods = scenario.periods(arm)
    return periods[period_of(periods, stages, number)].give


def _given(data: Data, names: list[str], stages: list[Stage], number: int) -> npt.NDArray[np.int64]:
    """Return the number of each patient's treatment in a stage: as planned by the arm.

    In a period that not all take it is what the patient had; whoever had stopped treatment before
    it begins has none.
    """
    scenario, ledger = data.scenario, data.ledger
    found = np.full(ledger.candidate.shape, UNKNOWN)
    for arm in range(len(scenario.arms)):
        periods = scenario.periods(arm)
        place = period_of(periods, stages, number)
        own = np.full(found.shape, names.index(periods[place].give))
        if periods[place].line is not None:
            begun = ledger.randomised + int(periods[place].since * SECONDS_A_DAY)
            before = names.index(periods[place - 1].give)
            own = either(ledger.periods[..., place - 1] < NEVER, own, before)
            own = either(ledger.stop <= begun, UNKNOWN, own)
        found = either(ledger.present & (ledger.arm == arm), own, found)
    return found
