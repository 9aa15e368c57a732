"""Milestones in words, for the report."""

from __future__ import annotations

from raresim.report.words import duration, number, percent, plain
from raresim.trial.grammar import milestone as block


def milestone_words(milestone: block.Milestone) -> str:
    """Return when a milestone comes and what is done at it."""
    word = " or " if isinstance(milestone.when, block.AnyOf) else " and "
    when = word.join(_condition(part) for part in milestone.conditions)
    late = f", decided {duration(milestone.decide_after)} later" if milestone.decide_after else ""
    return f"when {when}: {', '.join(_action(action) for action in milestone.do)}{late}"


def _condition(part: block.OneCondition) -> str:
    if isinstance(part, block.Calendar):
        return f"{duration(part.calendar)} since the trial's start"
    if isinstance(part, block.FirstEvents):
        on = f" on {part.arm}" if part.arm else ""
        return f"{part.patients} patients{on} with a first {plain(part.first)}"
    if isinstance(part, block.AllEvents):
        on = f" on {part.arm}" if part.arm else ""
        return f"{part.total} events of {plain(part.events)}{on}"
    if isinstance(part, block.Information):
        return f"{percent(part.information)} of the information of {plain(part.of)}"
    if isinstance(part, block.Screened):
        return f"{part.screened} candidates screened"
    if isinstance(part, block.Randomised):
        to = f" to {part.arm}" if part.arm else ""
        return f"{part.randomised} patients randomised{to}"
    if isinstance(part, block.Completed):
        on = f" on {part.arm}" if part.arm else ""
        return f"{part.completed} patients{on} have completed"
    if isinstance(part, block.Seen):
        return f"{part.patients} patients seen at week {part.visit}"
    return "everybody has left or completed"


def _action(action: block.Action) -> str:
    if isinstance(action, str):
        return action
    if isinstance(action, block.NewRatio):
        return "allot " + " : ".join(f"{arm} {part}" for arm, part in action.ratio.items())
    if isinstance(action, block.Narrow):
        of = f" of {plain(action.of)}" if action.of else ""
        only = f" if {action.only_if}{of}" if action.only_if else ""
        return f"randomise from now on only {action.eligible.text}{only}"
    if isinstance(action, block.Recruit):
        return f"recruit {action.recruit}"
    if isinstance(action, block.ReEstimate):
        planned = f"planned SD {number(action.planned_sd)}, at most {action.at_most}"
        return f"re-estimate n from the blinded SD of {plain(action.re_estimate)} ({planned})"
    if isinstance(action, block.ReEstimateUnblinded):
        zone = action.unblinded
        told = f"where it is from {percent(zone.promising_from)}, at most {action.at_most}"
        wanted = f"to a conditional power of {percent(zone.conditional_power)}"
        return f"re-estimate n from the trend of {plain(action.re_estimate)} {wanted} {told}"
    if isinstance(action, block.AdaptRatio):
        return _adaptive(action.adapt_ratio)
    if isinstance(action, block.KeepBest):
        return f"keep the {action.keep_best} best by z of {', '.join(map(plain, action.of))}"
    if isinstance(action, block.CrossOver):
        long = f" for {duration(action.treat_for)}" if action.treat_for else ""
        only = f" if {action.only_if}" if action.only_if else ""
        return f"patients on {action.cross_over} change to {action.to}{long}{only}"
    return f"follow everybody for {duration(action.follow_for)}"


def _adaptive(rule: block.Adaptive) -> str:
    best = f"chance to be the best of {plain(rule.of)} ({rule.method})"
    held = f"to the power {number(rule.power)}, at least {percent(rule.floor)} each"
    control = f", control {percent(rule.control_fixed)}" if rule.control_fixed else ""
    return f"allot by each arm's {best} {held}{control}"
