"""Which claims of a trial are true nulls under a hypothesis, by the effects that it states.

A trial claims what makes its success, what stands in its order of tests, and what shares a level.
Under a *partial null* some claims have an effect and others have none; a rejection of one of the
latter is an error, whatever becomes of the former (family-wise error in the strong sense).
Source: Dmitrienko, Tamhane & Bretz, Multiple Testing Problems in Pharmaceutical Statistics, 2010,
section 2.2 (strong control over all configurations of true and false nulls).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from raresim.evidence import Ratio
from raresim.trial.grammar.effect import EffectSpec
from raresim.trial.grammar.intercurrent import STOPS

if TYPE_CHECKING:
    from raresim.trial.grammar.estimand import Estimand
    from raresim.trial.scenario import Scenario

WEEK = 7.0
Acts = tuple[object, ...] | None
"""What a treatment does to an outcome, None for nothing."""


def claimed(scenario: Scenario) -> tuple[str, ...]:
    """Return the estimands of which a rejection is a claim; all others are told, not claimed."""
    analysis = scenario.spec.analysis
    return tuple(dict.fromkeys([*analysis.order, *analysis.successes, *analysis.together]))


def true_nulls(scenario: Scenario, hypothesis: str) -> tuple[str, ...]:
    """Return the claims without effect under a hypothesis.

    What the design states under `false_claims` counts; else the effects tell. Treatments are the
    same where they have the same effect on the claim's outcome and on all that this rests on; a
    claim that compares only such ones, or a harmful one with none, is a true null. Where no claim
    is found to be one, and always against a goal, the file's word counts: under a hypothesis
    declared in `nulls` all claims are (`study/design_size` leaves out those that truly beat their
    goals).

    Examples
    --------
    >>> from raresim.trial import load_scenario
    >>> cgd = load_scenario("cgd-interferon-gamma")
    >>> true_nulls(cgd, "no_effect"), true_nulls(cgd, "effect")
    (('infection_free', 'infection_rate'), ())
    """
    design = scenario.spec.design
    stated = design.false_claims.get(hypothesis)
    if stated:
        return tuple(stated)
    made = claimed(scenario)
    found = without_effect(scenario, hypothesis, made)
    return found or (made if hypothesis in design.nulls else ())


def told_nulls(scenario: Scenario, hypothesis: str) -> tuple[str, ...]:
    """Return the other estimands without effect that are told at the end, and not claimed."""
    end = [*scenario.spec.design.milestones.values()][-1]
    known = {*claimed(scenario), *scenario.spec.design.false_claims.get(hypothesis, [])}
    return without_effect(scenario, hypothesis, [n for n in end.analyses if n not in known])


def without_effect(scenario: Scenario, hypothesis: str, names: Iterable[str]) -> tuple[str, ...]:
    """Return which estimands compare only what does the same, by the effects that are stated."""
    methods = scenario.spec.analysis.methods
    return tuple(n for n in names if methods[n].goal is None and _is_null(scenario, hypothesis, n))


def _is_null(scenario: Scenario, hypothesis: str, name: str) -> bool:
    own = scenario.spec.analysis.estimands[name].outcome
    for outcome in _behind(scenario, own):
        effects = scenario.spec.truth.hypotheses[hypothesis].get(outcome, {})
        control, *others = _compared(scenario, name, effects)
        if all(other == control for other in others):
            continue
        if outcome != own or not _harms(scenario, name, effects):
            return False
    return not _ended_apart(scenario, name)


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


def _compared(
    scenario: Scenario, name: str, effects: Mapping[str, EffectSpec]
) -> list[list[tuple[Any, ...]]]:
    """Return what is compared, the control first: what each arm, or treatment, does and when."""
    estimand = scenario.spec.analysis.estimands[name]
    if estimand.within_patients:
        return [[(_acts(scenario, effects, one),)] for one in reversed(estimand.compare)]
    until = _last_day(estimand)
    return [_course(scenario, arm, effects, until) for arm in scenario.pair(name)]


def _last_day(estimand: Estimand) -> float:
    """Return the day of the last reading, infinite where all of follow-up is looked at."""
    return WEEK * estimand.week if estimand.is_change or estimand.is_share else float("inf")


def _course(
    scenario: Scenario, arm: int, effects: Mapping[str, EffectSpec], until: float
) -> list[tuple[Any, ...]]:
    """Return since when an arm's patients have which effect, or one of several by a line."""
    found: list[tuple[Any, ...]] = []
    before: frozenset[Acts] = frozenset()
    for period in scenario.periods(arm):
        if period.since >= until:
            break
        own = frozenset([_acts(scenario, effects, period.give)])
        now = own if period.line is None else own | before
        if len(now) > 1:
            found.append((period.since, tuple(own), period.line, period.past))
        elif now != before:
            found.append((period.since, *now))
        before = now
    return found


def _acts(scenario: Scenario, effects: Mapping[str, EffectSpec], treatment: str) -> Acts:
    """Return what a treatment does, None for nothing; who said so, and why, makes no difference."""
    effect = effects.get(treatment)
    if effect is None:
        return None
    below = _acts(scenario, effects, effect.on_top_of) if effect.on_top_of else None
    if effect.is_null:
        return below
    statistic = effect.statistic
    size = statistic.ratio if isinstance(statistic, Ratio) else statistic.difference
    after = 0.0 if isinstance(statistic, Ratio) else statistic.after
    where = effect.only_where.text if effect.only_where else ""
    # two treatments one after the other act in the same share of patients, but not in the same ones
    whose = treatment if effect.responders < 1 and scenario.spec.design.has_periods else ""
    how_long = effect.half_life, effect.lasts
    return type(statistic), size, after, how_long, effect.responders, whose, where, below


def _harms(scenario: Scenario, name: str, effects: Mapping[str, EffectSpec]) -> bool:
    """Return whether the outcome itself is made worse, by what is compared with nothing."""
    outcome = scenario.spec.analysis.estimands[name].outcome
    if outcome not in scenario.model.spec.outcomes:
        return False
    if scenario.spec.analysis.estimands[name].within_patients or scenario.spec.design.has_periods:
        return False
    control, treated = (scenario.arms[arm] for arm in scenario.pair(name))
    effect = effects.get(treated)
    if _acts(scenario, effects, control) is not None or effect is None or effect.on_top_of:
        return False
    statistic = effect.statistic
    up = statistic.ratio > 1 if isinstance(statistic, Ratio) else statistic.difference > 0
    return up == (scenario.better(outcome) == "less")


def _ended_apart(scenario: Scenario, name: str) -> bool:
    """Return whether ratios by treatment alone make a difference: of adverse events, of stops."""
    truth, estimand = scenario.spec.truth, scenario.spec.analysis.estimands[name]
    given = scenario.given(name)

    def differ(by_treatment: dict[str, float]) -> bool:
        return len({by_treatment.get(one, 1.0) for one in given}) > 1

    apart = {event for event, spec in truth.adverse_events.items() if differ(spec.by_arm)}
    ends = any(truth.adverse_events[event].stops_treatment for event in apart)
    if ends or differ(truth.stops_treatment.by_arm):
        apart.add(STOPS)
    matters = estimand.having("composite", "while on treatment")
    return bool(apart & {estimand.outcome, *matters})
