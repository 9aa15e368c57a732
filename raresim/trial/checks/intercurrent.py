"""Which strategies fit which variable: what a file must not ask of an intercurrent event."""

from __future__ import annotations

from typing import get_args

from raresim.trial.grammar.estimand import Estimand
from raresim.trial.grammar.intercurrent import CompositeValue, Strategy

GENERAL = [how for how in get_args(Strategy) if how != "while alive"]
"""Strategies for what happens to a patient who lives on, as whoever stops treatment does."""


def fitting(
    estimand: Estimand, *, fatal: bool, ending: bool, adverse: bool, crossing: bool
) -> list[str]:
    """Return the strategies that fit an event, the usual one first.

    Of whoever has died there is no "as if it had not happened" and no treatment policy. An event
    that puts a score at its worst is composite by the model. Stages are read as they
    are, or as if an event had not happened. Adverse events belong to what is given: no world
    without them is simulated. Crossing over hangs on the calendar and on what a trial has found:
    true values are those of the world without it.
    """
    timed = estimand.variable.startswith(("time to first", "share with"))
    if ending:
        return ["composite"]
    if crossing:
        return ["hypothetical", "treatment policy"]
    if estimand.within_patients:
        return ["while alive"] if fatal else _in_periods(adverse)
    if fatal:
        return ["composite", "while alive"] if timed else ["while alive"]
    if estimand.stages:
        return ["treatment policy"] if adverse else ["treatment policy", "hypothetical"]
    return [
        how
        for how in GENERAL
        if (timed or how != "composite") and not (adverse and how == "hypothetical")
    ]


def _in_periods(adverse: bool) -> list[str]:
    """Return the strategies for an event of the living where periods are compared."""
    found = ["treatment policy", "while on treatment"]
    return found if adverse else [*found, "hypothetical"]


def misfit(estimand: Estimand, event: str, fits: list[str], *, diary: bool) -> tuple[str, str]:
    """Return what is wrong with the strategy that is stated for an event, and a mend, or nothing.

    `fits` are the strategies that fit, see `fitting`.
    """
    how = estimand.intercurrent[event]
    if isinstance(how, CompositeValue):
        return _value(estimand, event, how, fits, diary=diary)
    if how in fits:
        return "", ""
    general = len(fits) > 2
    if how == "composite" and general and estimand.is_change:
        value = "0" if diary else "worst"
        message = "a composite change needs the value that it takes where the event has happened"
        return message, f"write '{event}: {{composite: {value}}}'"
    if how == "composite" and general and not estimand.within_patients:
        message = "a number of events has no bad answer that an intercurrent event could be"
        return message, "take 'time to first' as the variable, or another strategy"
    mend = f"write '{event}: {fits[0]}'"
    if general:
        mend += f"; known: {', '.join(fits)}"
    return f"{how!r} is not a strategy for {event!r} here", mend


def _value(
    estimand: Estimand, event: str, how: CompositeValue, fits: list[str], *, diary: bool
) -> tuple[str, str]:
    """Return what is wrong with the value of a composite event: only a change has one."""
    if not estimand.is_change or len(fits) <= 2:
        return f"{event!r} takes no value here", f"write '{event}: {fits[0]}'"
    if diary and how.composite == "worst":
        mend = f"write a log ratio, such as '{event}: {{composite: 0}}'"
        return "a count has no worst", mend
    return "", ""
