"""Which periods a comparison within patients counts, by the design: the same in cut and truth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from raresim.trial.grammar.arm import NOTHING, Planned
from raresim.trial.grammar.estimand import Estimand


@dataclass(frozen=True)
class Counted:
    """A period of an arm: `code` 1 and 0 for the treatments compared, more for others, -1 for none.

    `since` and `until` are days since randomisation; `visits` the numbers of those due in it.
    """

    code: int
    since: float
    until: float
    visits: tuple[int, ...]


NOT_THERE = Counted(-1, 0.0, 0.0, ())
"""A period that an arm does not have."""


def counted(
    estimand: Estimand, arms: Sequence[tuple[Planned, ...]], weeks: list[int]
) -> list[list[Counted]]:
    """Return the periods of each arm as an estimand counts them, as many for every arm.

    `nothing` is a wash-out that is not counted, unless it is one of the treatments compared. What
    is due on the last day of a period belongs to it.
    """
    treated, control = estimand.compare
    given = dict.fromkeys(period.give for periods in arms for period in periods)
    others = [name for name in given if name not in (treated, control, NOTHING)]
    codes = {NOTHING: -1} | {name: 2 + k for k, name in enumerate(others)}
    codes |= {treated: 1, control: 0}
    found = [[_counted(period, codes, weeks) for period in periods] for periods in arms]
    most = max(map(len, found))
    return [own + [NOT_THERE] * (most - len(own)) for own in found]


def _counted(period: Planned, codes: dict[str, int], weeks: list[int]) -> Counted:
    inside = [k for k, week in enumerate(weeks) if period.since < 7 * week <= period.until]
    return Counted(codes[period.give], period.since, period.until, tuple(inside))
