"""A row of what a scenario takes for granted, and the words that such rows share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from raresim.evidence import Statistic
from raresim.report.published import numbers
from raresim.report.words import number, plain
from raresim.trial.grammar.endpoint import LINES, ScorePasses
from raresim.trial.grammar.patient import Line

DAYS_A_YEAR = 365.25


@dataclass(frozen=True)
class Assumption:
    """Something that the scenario takes for granted, with where it comes from."""

    what: str
    value: str
    source: str = ""
    why: str = ""


class Reasoned(Protocol):
    """A block of the file that says why, and which source lends support."""

    @property
    def why(self) -> str:
        """The reason."""

    @property
    def source(self) -> str:
        """The key of a source."""


def reasoned(what: str, value: str, block: Reasoned) -> Assumption:
    """Return the row of a block with its source and reason."""
    return Assumption(what, value, block.source, block.why)


def stated(what: str, statistic: Statistic, why: str, unit: str = "") -> Assumption:
    """Return the row of a statistic, with everything that its file says of it."""
    value = f"{numbers(statistic)} {unit}".rstrip()
    remarks = [why, statistic.note]
    remarks += [f"derived: {statistic.derived}"] if statistic.derived else []
    remarks += [f"where: {statistic.where}"] if statistic.where else []
    remarks += ["not read in its source"] if statistic.source and not statistic.seen else []
    value += f" (n = {statistic.n:,})" if statistic.n else ""
    return Assumption(what, value, statistic.source, "; ".join(filter(None, remarks)))


def per_year(rate: float) -> str:
    """Return a rate per day as one per patient-year."""
    return f"{number(rate * DAYS_A_YEAR)} per patient-year"


def times_by_arm(by_arm: Mapping[str, float]) -> list[str]:
    """Return what a rate is multiplied by in some arms."""
    return [f"{number(ratio)} times that on {arm}" for arm, ratio in by_arm.items()]


def line_words(line: ScorePasses, units: Mapping[str, str]) -> str:
    """Return a score that passes a line as words, with the unit of the score.

    >>> line_words(ScorePasses(score="ppfev1", falls_by_percent=10, confirmed=True), {})
    'ppfev1 falls by 10 percent, confirmed at the next visit'
    """
    key = next(key for key in LINES if getattr(line, key) is not None)
    words, value = plain(key.removesuffix("_percent")), number(getattr(line, key))
    unit = "percent" if key.endswith("_percent") else units.get(line.score, "")
    again = ", confirmed at the next visit" if line.confirmed else ""
    return f"{plain(line.score)} {words} {value} {unit}".rstrip() + again


def need_words(line: Line, units: Mapping[str, str]) -> str:
    """Return what decides on a patient's treatment as words.

    >>> from raresim.trial.grammar.patient import Times
    >>> need_words(Times(event="attack", times=2), {})
    'attack has come 2 times'
    """
    if isinstance(line, ScorePasses):
        return line_words(line, units)
    return f"{plain(line.event)} has come" + (f" {line.times} times" * (line.times > 1))


def joined(parts: Iterable[str]) -> str:
    """Return parts of a value as one."""
    return "; ".join(filter(None, parts))
