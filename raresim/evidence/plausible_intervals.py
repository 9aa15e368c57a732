"""Whether estimate, interval, error and p-value agree, and two sources have one unit."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal

from scipy.special import ndtr, ndtri, stdtr, stdtrit

from raresim.evidence.plausible_printed import Finding, Number, Printed, in_order, printed

Range = tuple[float, float]

FACTORS: dict[str, float] = {
    "days and weeks": 7,
    "a unit and its tenth": 10,
    "months and years": 12,
    "bilirubin in mg/dL and µmol/L": 17.1,
    "glucose in mmol/L and mg/dL": 18.02,
    "hours and days": 24,
    "days and months": 30.4,
    "cholesterol in mmol/L and mg/dL": 38.67,
    "weeks and years": 52.18,
    "minutes and hours, or seconds": 60,
    "creatinine in mg/dL and µmol/L": 88.4,
    "shares and per cent, or cm and m": 100,
    "days and years": 365.25,
    "a unit and its thousandth": 1000,
}
"""Units that get mixed up, and how many of one make the other."""


def interval(
    estimate: Number,
    low: Number,
    high: Number,
    *,
    scale: Literal["identity", "log"] = "identity",
    se: Number | None = None,
    p: Number | None = None,
    level: float = 0.95,
    df: float | None = None,
) -> list[Finding]:
    """Check that estimate, confidence interval, standard error and p-value agree within rounding.

    With f the scale: f(estimate) is the middle of f(low) and f(high), SE = (f(high) - f(low)) / 2c
    and p = 2 P(T > |f(estimate)| / SE), c the quantile of a normal, or of t with `df`. The p is of
    no effect: 0, or a ratio of 1. Exact, bootstrap and profile intervals need not be symmetric.

    Parameters
    ----------
    estimate, low, high
        As printed; ratios stay ratios.
    scale
        Where the interval is symmetric: `log` for ratios.
    se
        On that scale.
    p
        Two-sided; `<0.001` is understood.
    level, df
        Of the interval; `df` where it was made with Student's t.

    Examples
    --------
    >>> interval("0.335", "0.181", "0.616", scale="log", p="0.0004")
    []
    >>> found = interval("0.335", "0.181", "0.816", scale="log")
    >>> found[0].why
    'on the log scale the interval has its middle from 0.3837 to 0.385'
    """
    e, a, b = printed(estimate), printed(low), printed(high)
    found = in_order("interval", ["lower end", "estimate", "upper end"], [a, e, b])
    if scale == "log" and min(e.high, a.high, b.high) <= 0:
        why = "a ratio and both ends of its interval are above 0"
        text = f"{e.text} ({a.text} to {b.text})"
        return [Finding("interval", text, why, "these may be logarithms: check with 'identity'")]
    if found:
        return found
    ends = [_on_scale(number, scale) for number in (e, a, b)]
    c = float(ndtri(0.5 + level / 2) if df is None else stdtrit(df, 0.5 + level / 2))
    wide = ((ends[2][0] - ends[1][1]) / 2 / c, (ends[2][1] - ends[1][0]) / 2 / c)
    text = f"{e.text} ({100 * level:g} % CI {a.text} to {b.text})"
    found = _middle(text, scale, *ends)
    if se is not None:
        found += _error(text, printed(se), wide)
    if p is not None:
        from_error = printed(se) if se is not None else None
        known = (float(from_error.low), float(from_error.high)) if from_error else wide
        found += _p_value(text, printed(p), ends[0], known, df)
    return found


def _on_scale(number: Printed, scale: str) -> Range:
    if scale == "identity":
        return float(number.low), float(number.high)
    low = math.log(number.low) if number.low > 0 else -math.inf
    return low, math.log(number.high)


def _apart(one: Range, other: Range) -> bool:
    """Return whether two ranges share nothing, rounding of floats aside."""
    slack = 1e-9 * max(abs(end) for end in (*one, *other) if math.isfinite(end))
    return one[1] < other[0] - slack or other[1] < one[0] - slack


def _middle(text: str, scale: str, e: Range, a: Range, b: Range) -> list[Finding]:
    middle = ((a[0] + b[0]) / 2, (a[1] + b[1]) / 2)
    if not _apart(e, middle):
        return []
    back: Callable[[float], float] = math.exp if scale == "log" else float
    ends = " to ".join(f"{back(end):.4g}" for end in middle)
    why = f"on the {scale} scale the interval has its middle from {ends}"
    mend = "check the three numbers and the scale; a bootstrap or exact interval may be skew"
    return [Finding("interval", text, why, mend)]


def _error(text: str, se: Printed, wide: Range) -> list[Finding]:
    if not _apart((float(se.low), float(se.high)), wide):
        return []
    why = f"the interval's width gives an SE from {max(wide[0], 0):.4g} to {wide[1]:.4g}"
    mend = (
        "check both, the interval's level, its scale, whether it is an SD, and 'df' for Student's t"
    )
    return [Finding("standard error", f"{text}, SE {se.text}", why, mend)]


def _p_value(text: str, p: Printed, e: Range, se: Range, df: float | None) -> list[Finding]:
    """Compare a p-value with those of the least and the greatest |estimate| / SE."""
    least = 0.0 if e[0] <= 0 <= e[1] else min(abs(e[0]), abs(e[1]))
    small = least / se[1] if se[1] > 0 else math.inf
    large = max(abs(e[0]), abs(e[1])) / se[0] if se[0] > 0 else math.inf
    tails = [float(ndtr(-z) if df is None else stdtr(df, -z)) for z in (large, small)]
    own = (2 * tails[0], 2 * tails[1])
    if not _apart((max(float(p.low), 0.0), float(p.high)), own):
        return []
    why = f"estimate and error give p from {own[0]:.2g} to {own[1]:.2g}"
    mend = "check the numbers; a test of another kind, or one-sided, gives another p"
    return [Finding("p-value", f"{text}, p {p.text}", why, mend)]


def unit_jump(
    a: tuple[Number, Number], b: tuple[Number, Number], within: float = 1.25
) -> list[Finding]:
    """Suggest a mix-up of units where mean and SD jump together by a known factor.

    `within` says how far from the factor both ratios may lie, as samples differ: a factor of 1.25.
    Factors below 7, such as pounds and kilograms, are left out: populations differ by as much.

    Parameters
    ----------
    a, b
        Mean and SD of the same quantity in two sources.

    Examples
    --------
    >>> found = unit_jump(("14.6", "9.8"), ("176", "115"))[0]
    >>> print(found.why)
    both are about 12 times as large
    >>> print(found.mend)
    convert one source if the units differ: months and years (12); a unit and its tenth (10)
    """
    values = [float(printed(number).value) for number in (*a, *b)]
    if min(values[1], values[3]) <= 0 or values[0] * values[2] <= 0:
        return []
    by = [math.log(values[2] / values[0]), math.log(values[3] / values[1])]
    if by[0] * by[1] <= 0:
        return []
    far = {
        name: max(abs(abs(ratio) - math.log(factor)) for ratio in by)
        for name, factor in FACTORS.items()
    }
    near = sorted((name for name in FACTORS if far[name] <= math.log(within)), key=far.__getitem__)
    if not near:
        return []
    found = f"mean {a[0]}, SD {a[1]} against mean {b[0]}, SD {b[1]}"
    times = f"{math.exp(abs(by[0])):.2g} times as {'large' if by[0] > 0 else 'small'}"
    listed = "; ".join(f"{name} ({FACTORS[name]:g})" for name in near[:3])
    mend = f"convert one source if the units differ: {listed}"
    return [Finding("unit", found, f"both are about {times}", mend)]
