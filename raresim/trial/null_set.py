"""Which claims of a trial are true nulls under a hypothesis, by the effects that it states.

A trial claims its success criterion and what stands in its order of tests. Under a *partial null*
some claims have an effect and others have none; a rejection of one of the latter is an error,
whatever becomes of the former (family-wise error in the strong sense).
Source: Dmitrienko, Tamhane & Bretz, Multiple Testing Problems in Pharmaceutical Statistics, 2010,
section 2.2 (strong control over all configurations of true and false nulls).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from raresim.evidence import Ratio
from raresim.trial.effect_block import EffectSpec
from raresim.trial.intercurrent_block import STOPS

if TYPE_CHECKING:
    from raresim.trial.scenario import Scenario


def claims(scenario: Scenario) -> tuple[str, ...]:
    """Return the estimands of which a rejection is a claim; all others are told, not claimed."""
    analysis = scenario.spec.analysis
    return tuple(dict.fromkeys([*analysis.order, analysis.success]))


def true_nulls(scenario: Scenario, hypothesis: str) -> tuple[str, ...]:
    """Return the claims without effect under a hypothesis.

    A claim about two arms is a true null where both have the same effect on its outcome and on all
    that this rests on, or the treated arm a harmful one. Where no claim is found to be one, and
    always in a trial of one arm, the file's word counts: under a hypothesis declared in `nulls` all
    claims are (`study/design_size` then leaves out those of one arm that truly beat their goals).

    Examples
    --------
    >>> from raresim.trial import load_scenario
    >>> cgd = load_scenario("cgd-interferon-gamma")
    >>> true_nulls(cgd, "no_effect"), true_nulls(cgd, "effect")
    (('infection_free', 'infection_rate'), ())
    """
    made = claims(scenario)
    found: tuple[str, ...] = ()
    if scenario.controlled:
        found = tuple(name for name in made if _is_null(scenario, hypothesis, name))
    declared = hypothesis in scenario.spec.design.nulls
    return found or (made if declared else ())


def _is_null(scenario: Scenario, hypothesis: str, name: str) -> bool:
    control, treated = (scenario.arms[number] for number in scenario.pair(name))
    own = scenario.spec.analysis.estimands[name].outcome
    for outcome in _behind(scenario, own):
        effects = scenario.spec.truth.hypotheses[hypothesis].get(outcome, {})
        there, here = effects.get(control), effects.get(treated)
        if _acts(there) == _acts(here):
            continue
        if outcome != own or _acts(there) is not None or not _harms(scenario, own, here):
            return False
    return not _ended_apart(scenario, name, (control, treated))


def _behind(scenario: Scenario, outcome: str) -> set[str]:
    """Return the outcomes that an outcome or endpoint rests on: parts, what they read, deaths."""
    model, endpoint = scenario.model, scenario.spec.analysis.endpoints.get(outcome)
    todo = [outcome, *model.spec.fatal]
    if endpoint is not None:
        todo += [*endpoint.events, *(line.score for line in endpoint.scores)]
    found: set[str] = set()
    while todo:
        name = todo.pop()
        if name in model.processes and name not in found:
            found.add(name)
            todo += [*model.processes[name].reads, *model.ending[name]]
    return found


def _acts(effect: EffectSpec | None) -> tuple[object, ...] | None:
    """Return what an effect does, None for nothing; who said so, and why, makes no difference."""
    if effect is None or effect.is_null:
        return None
    statistic = effect.statistic
    size = statistic.ratio if isinstance(statistic, Ratio) else statistic.difference
    after = 0.0 if isinstance(statistic, Ratio) else statistic.after
    where = effect.only_where.text if effect.only_where else ""
    return type(statistic), size, after, effect.half_life, effect.responders, where


def _harms(scenario: Scenario, outcome: str, effect: EffectSpec | None) -> bool:
    """Return whether an effect on an outcome itself is to its bad side."""
    if effect is None or outcome not in scenario.model.spec.outcomes:
        return False
    statistic = effect.statistic
    up = statistic.ratio > 1 if isinstance(statistic, Ratio) else statistic.difference > 0
    return up == (scenario.better(outcome) == "less")


def _ended_apart(scenario: Scenario, name: str, arms: tuple[str, str]) -> bool:
    """Return whether by-arm rates alone make a difference: of an adverse event, of stopping."""
    truth, estimand = scenario.spec.truth, scenario.spec.analysis.estimands[name]

    def differ(by_arm: dict[str, float]) -> bool:
        return len({by_arm.get(arm, 1.0) for arm in arms}) > 1

    apart = {event for event, spec in truth.adverse_events.items() if differ(spec.by_arm)}
    ends = any(truth.adverse_events[event].stops_treatment for event in apart)
    if ends or differ(truth.stops_treatment.by_arm):
        apart.add(STOPS)
    matters = estimand.having("composite", "while on treatment")
    return bool(apart & {estimand.outcome, *matters})
