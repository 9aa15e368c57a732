"""Whether counts and per cents agree, and whether parts make up their total."""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction

from raresim.evidence.plausible_printed import Finding, Number, Printed, exact, printed, shown


def denominators(count: int, per_cent: Number, up_to: int = 1000) -> list[int]:
    """Return the denominators up to some number with which a count gives a printed per cent.

    Examples
    --------
    >>> denominators(21, 39), denominators(31, 39)
    ([54], [79, 80])
    """
    share = printed(per_cent)
    if count <= 0:
        fits = count == 0 and share.holds(Fraction(0))
        return list(range(1, up_to + 1)) if fits else []
    if share.high <= 0:
        return []
    least = max(count, math.ceil(100 * count / share.high), 1)
    most = up_to if share.low <= 0 else min(up_to, math.floor(100 * count / share.low))
    return list(range(least, most + 1))


def share_of(count: int, n: int, per_cent: Number) -> list[Finding]:
    """Check that a count of n patients gives the printed per cent.

    The mend names the counts and the denominators that would fit.

    Examples
    --------
    >>> share_of(31, 80, "39")
    []
    >>> print(share_of(21, 80, "39")[0])
    per cent: 21 of 80 printed as 39 %: 21 of 80 is 26.25 %
        mend: of 80, 31 would fit; 21 fits with n = 54
    """
    share = printed(per_cent)
    if n < 1 or not 0 <= count <= n:
        why = "a count lies between 0 and its denominator"
        mend = "check both, and which group they belong to"
        return [Finding("count", f"{count} of {n}", why, mend)]
    here = Fraction(100 * count, n)
    if share.holds(here):
        return []
    counts = range(max(0, math.ceil(share.low * n / 100)), math.floor(share.high * n / 100) + 1)
    counts = range(counts.start, min(counts.stop, n + 1))
    with_n = f"of {n}, {_span(counts)} would fit" if counts else f"no count of {n} fits"
    others = denominators(count, per_cent)
    with_count = f"{count} fits with n = {_span(others)}" if others else f"{count} fits with no n"
    found, why = (
        f"{count} of {n} printed as {share.text} %",
        f"{count} of {n} is {shown(here, share)} %",
    )
    return [Finding("per cent", found, why, f"{with_n}; {with_count}")]


def _span(numbers: range | list[int]) -> str:
    """Return ascending neighbours as first to last."""
    first, last = numbers[0], numbers[-1]
    return str(first) if first == last else f"{first} to {last}"


def parts_of(parts: Mapping[str, Number], total: Number, *, counts: bool = True) -> list[Finding]:
    """Check that parts sum to their total: counts exactly, per cents within their rounding.

    Examples
    --------
    >>> parts_of({"girls": "33.3", "boys": "66.6"}, 100, counts=False)
    []
    >>> parts_of({"girls": 12, "boys": 18}, 31)[0].found
    'girls 12, boys 18: 30 of 31'
    """
    numbers = {name: printed(value) for name, value in parts.items()}
    whole = printed(total)
    whole = exact(total) if counts or whole.value == 100 else whole
    sums = sum((part.value for part in numbers.values()), Fraction(0))
    slack = Fraction(0)
    if not counts:
        slack = sum((part.high - part.value for part in numbers.values()), whole.high - whole.value)
    if abs(sums - whole.value) <= slack:
        return []
    listed = ", ".join(f"{name} {part.text}" for name, part in numbers.items())
    found = f"{listed}: {_plain(sums)} of {whole.text}"
    mend = "look for a part left out (missing, unknown), counted twice or mistyped"
    mend = _twice(numbers, sums - whole.value) or mend
    return [Finding("total", found, "the parts do not make up the total", mend)]


def _twice(numbers: dict[str, Printed], excess: Fraction) -> str:
    """Name the one part whose being counted twice would explain the excess."""
    names = [name for name, part in numbers.items() if part.value == excess != 0]
    return f"{names[0]} may be counted twice" if len(names) == 1 else ""


def _plain(value: Fraction) -> str:
    return f"{float(value):.10g}"
