"""What a scenario says of survivors, against its model: only what is exact is let in.

Time since diagnosis is drawn from the survival of one outcome. That is the law of the prevalent
where nothing else selects them by it (another death, another event that patients have not had yet
on the same clock, a state that chooses the law) and where nothing else among the patients is drawn
with it: what is tied to the clock, or to the outcome, would be selected too. What is computed from
the clock is computed anew.
"""

from __future__ import annotations

import numpy as np

from raresim.disease import DiseaseModel
from raresim.disease.checker import Checker, Steps
from raresim.disease.network import order, parents_of
from raresim.disease.outcome_block import TimeToEvent
from raresim.disease.people import asked, condition
from raresim.disease.score_block import RANDOMISATION
from raresim.disease.spec import ModelSpec
from raresim.disease.variable_block import Number
from raresim.evidence.statistics import Floats
from raresim.files.units import days_in
from raresim.streams import LUCK_BLOCK, Luck
from raresim.trial.grammar.candidate import Survivors
from raresim.trial.grammar.spec import ScenarioSpec

WHERE: Steps = ("truth", "candidates", "pool", "survivors")
SEED = 20_000_103
"""Seed of the patients in whom rules are asked."""
UNITS = 4


def check_survivors(check: Checker, spec: ScenarioSpec, model: DiseaseModel) -> None:
    """Add a problem for each reason why the members of a pool are not the survivors named."""
    block = spec.truth.candidates.survivors
    if block is None:
        return
    before = len(check.problems)
    steps = (*WHERE, "outcome")
    events = [n for n, o in model.spec.outcomes.items() if isinstance(o, TimeToEvent)]
    if not check.named(steps, "outcome", block.outcome, events, "an outcome that comes once"):
        return
    outcome = model.spec.outcomes[block.outcome]
    assert isinstance(outcome, TimeToEvent)
    _check_law(check, block, outcome)
    if len(check.problems) == before:
        _check_clock(check, block, model.spec, outcome.clock)
        _check_others(check, block, model.spec, outcome.clock)
    if spec.design.screen_again is not None:
        message = "survivors are screened once: at a second screening their clock would stand still"
        check.add(("design", "screen_again"), message, "remove 'screen_again', or 'survivors'")
    if len(check.problems) == before:
        _check_range(check, spec, model.spec, outcome.clock)
    if len(check.problems) == before:
        _check_rules(check, spec, model, outcome.clock)


def _check_law(check: Checker, block: Survivors, outcome: TimeToEvent) -> None:
    """Check that the outcome kills, on a clock that has run before randomisation."""
    steps, name = (*WHERE, "outcome"), block.outcome
    if outcome.ends != "everything":
        mend = "name one with 'ends: everything'"
        check.add(steps, f"{name!r} is not fatal: who has it is still there", mend)
    elif outcome.time is None:
        message = f"{name!r} has no 'time' on a clock from diagnosis"
        check.add(steps, message, "name one with 'time' and 'clock', or remove 'survivors'")
    elif outcome.clock == RANDOMISATION:
        message = f"the clock of {name!r} starts at randomisation"
        check.add(steps, message, "give it a 'clock' in the model: years from diagnosis")
    elif outcome.time.given is not None:
        message = f"the law of {name!r} differs by {outcome.time.given!r}, and would select it"
        check.add(steps, message, "name an outcome with one law for all, without rows")


def _check_clock(check: Checker, block: Survivors, model: ModelSpec, clock: str) -> None:
    """Check that the clock's variable, and the outcome, are drawn on their own."""
    variable, steps = model.patients[clock], (*WHERE, "outcome")
    if not isinstance(variable, Number) or variable.given is not None:
        message = f"its clock {clock!r} is made from other variables"
        mend = "let the clock be a number of its own in the model, and others be made from it"
        check.add(steps, message, mend)
    pairs = [link.between for link in model.links] + [gap.between for gap in model.unpublished]
    for name in (clock, block.outcome):
        for pair in pairs:
            if name in pair:
                other = pair[pair[0] == name]
                message = f"{name!r} is tied to {other!r}, by which survivors would be selected too"
                check.add(steps, message, "take the tie out of the model")


def _check_others(check: Checker, block: Survivors, model: ModelSpec, clock: str) -> None:
    """Check that no other outcome selects by the same clock, or ends lives unseen."""
    steps, on_clock = (*WHERE, "outcome"), _with(model, clock)
    for name, other in model.outcomes.items():
        if name == block.outcome or not isinstance(other, TimeToEvent):
            continue
        if other.ends == "everything":
            message = f"{name!r} is fatal too, and nobody would die of it while waiting"
            check.add(steps, message, "let one outcome be death from all causes")
        elif other.time is not None and other.clock in on_clock:
            message = f"patients have not had {name!r} yet, on the same clock: it selects them too"
            check.add(steps, message, f"give {name!r} another clock, or remove 'survivors'")


def _with(model: ModelSpec, clock: str) -> set[str]:
    """Return the clock's variable and those that are computed from it."""
    found = {clock}
    for name in order(model):
        if parents_of(model, name) & found:
            found.add(name)
    return found


def _longest(spec: ScenarioSpec) -> float:
    """Return the most days from diagnosis to randomisation."""
    block = spec.truth.candidates.survivors
    assert block is not None
    screened = spec.truth.screening_lasts[1] + spec.design.run_in_days
    return block.over + spec.design.recruit_for + screened


def _check_range(check: Checker, spec: ScenarioSpec, model: ModelSpec, clock: str) -> None:
    """Check that the clock's variable may be what the clock shows at randomisation."""
    variable = model.patients[clock]
    assert isinstance(variable, Number)
    most = _longest(spec) / days_in(variable.unit)
    low, high = variable.range
    if low > 0 or high < most:
        told = f"0 to {most:.4g} {variable.unit} from diagnosis to randomisation"
        message = f"{told}, beyond the range of {clock!r}, {low:g} to {high:g}"
        check.add((*WHERE, "over"), message, "write a shorter 'over', or widen the range")


def _check_rules(check: Checker, spec: ScenarioSpec, model: DiseaseModel, clock: str) -> None:
    """Check that rules hold for whatever the clock shows, in a sample as in the model's gate."""
    variable, on_clock = model.spec.patients[clock], _with(model.spec, clock)
    assert isinstance(variable, Number)
    rules = [rule.always for rule in model.spec.rules if rule.always.names & on_clock]
    shown = np.linspace(0.0, _longest(spec) / days_in(variable.unit), LUCK_BLOCK * UNITS)
    told: dict[str, Floats] = {clock: shown.reshape(UNITS, LUCK_BLOCK).T}
    for rule in rules:
        values = asked(model, Luck(SEED, 0), UNITS, rule.names, told=told)
        if not condition(rule, model, values).all():
            message = f"the model's rule {rule.text!r} fails for some survivors"
            check.add(WHERE, message, "write a shorter 'over', or mend the rule in the model")
