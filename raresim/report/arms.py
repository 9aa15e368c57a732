"""What the arms of a trial get, in words."""

from __future__ import annotations

from raresim.report.assumption import need_words
from raresim.report.published import units
from raresim.report.words import duration
from raresim.trial.grammar.arm import Arm, Period, Regimen
from raresim.trial.scenario import Scenario


def regimen_words(regimen: Regimen | Arm) -> str:
    """Return what is given, and how often.

    >>> regimen_words(Regimen(give="the drug", every="day"))
    'the drug, day'
    """
    return ", ".join(filter(None, (regimen.give, regimen.every)))


def gets(scenario: Scenario, arm: str) -> str:
    """Return what an arm gets: one treatment throughout, or one after the other.

    Patients of an external control are only looked at.
    """
    design = scenario.spec.design
    if arm not in design.arms:
        return "external patients, never randomised"
    if not design.arms[arm].periods:
        return regimen_words(design.arms[arm])
    known = units(scenario.model.spec)
    return ", then ".join(_period(period, known) for period in design.arms[arm].periods)


def _period(period: Period, known: dict[str, str]) -> str:
    found = f"{period.give} for {duration(period.for_)}"
    if period.line is None:
        return found
    word = "only if" if period.unless is None else "unless"
    return f"{found} ({word} {need_words(period.line, known)}; else as before)"
