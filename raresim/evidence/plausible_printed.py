"""What a paper prints: a number with its decimals, and what a check finds amiss in it.

A printed number stands for an interval: 12.30 is anything from 12.295 to 12.305. Both ends count,
as papers round halves up, down or to even. All comparisons are in fractions, so nothing is lost to
floating point.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from fractions import Fraction

from raresim.errors import InputError, Problem

Number = str | int | float
"""As typed: text keeps its zeros ("12.30"); a float has the decimals that it needs (12.3)."""


@dataclass(frozen=True)
class Finding:
    """Something that does not fit: what was checked, what was found, why, and how to mend it."""

    what: str
    found: str
    why: str
    mend: str

    def __str__(self) -> str:
        """Render as one line and an indented one."""
        return f"{self.what}: {self.found}: {self.why}\n    mend: {self.mend}"


@dataclass(frozen=True)
class Printed:
    """A printed number: its text, and the least and greatest value that rounds to it."""

    text: str
    value: Fraction
    low: Fraction
    high: Fraction

    def holds(self, value: Fraction) -> bool:
        """Return whether a value rounds to this number."""
        return self.low <= value <= self.high


def printed(number: Number) -> Printed:
    """Return what a typed number stands for; `<0.001` is anything from 0 to 0.001.

    A float with nothing behind its point counts as whole, so that trailing zeros lost on the way
    make checks weaker and never wrong.

    Examples
    --------
    >>> [float(end) for end in (printed("12.30").low, printed("12.30").high)]
    [12.295, 12.305]
    >>> float(printed(39.0).low), float(printed("<0.001").high)
    (38.5, 0.001)
    """
    text = f"{number:.15g}" if isinstance(number, float) else str(number).strip()
    below = text.startswith(("<", "≤"))
    try:
        decimal = Decimal(text.lstrip("<≤= ").replace("−", "-"))
    except InvalidOperation:
        decimal = Decimal("nan")
    exponent = decimal.as_tuple().exponent
    if not isinstance(exponent, int) or abs(decimal.adjusted()) > 300:
        mend = "write digits, such as 12.30, or <0.001"
        raise InputError(Problem("expected a printed number", found=text[:80], mend=mend))
    value, half = Fraction(decimal), Fraction(10) ** exponent / 2
    if below:
        return Printed(text, value, min(Fraction(0), value), value)
    return Printed(text, value, value - half, value + half)


def exact(number: Number) -> Printed:
    """Return a number that was never rounded, such as the end of a scale."""
    value = printed(number).value
    return Printed(str(number), value, value, value)


def in_order(what: str, names: Sequence[str], values: Sequence[Printed]) -> list[Finding]:
    """Return a finding for each pair of neighbours that descends.

    Rounding to the same decimals keeps the order; with others, their intervals must be apart.
    """
    pairs = zip(names, values, names[1:], values[1:], strict=False)
    return [
        Finding(
            what,
            f"{one} {a.text}, {other} {b.text}",
            f"{one} is never above {other}",
            "look for swapped or mistyped numbers",
        )
        for one, a, other, b in pairs
        if a.low > b.high or (a.value > b.value and a.high - a.low == b.high - b.low)
    ]


def at_least(name: str, value: int, least: int) -> list[Finding]:
    """Return a finding where a count is below the least with which a check makes sense."""
    if value >= least:
        return []
    why = f"the statistic needs at least {least}"
    return [Finding(name, str(value), why, "check the number of patients behind the statistic")]


def shown(value: float | Fraction, like: Printed) -> str:
    """Return a computed value with two digits more than a printed number has decimals."""
    places = max(0, round(-math.log10(float(2 * (like.high - like.value)) or 1.0))) + 2
    return f"{float(value):.{places}f}".rstrip("0").rstrip(".")
