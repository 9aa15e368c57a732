"""Whether mean, SD, range, median and quartiles can describe one sample."""

from __future__ import annotations

import math
from fractions import Fraction

from raresim.evidence.plausible_printed import (
    Finding,
    Number,
    Printed,
    at_least,
    exact,
    in_order,
    printed,
    shown,
)

_COUNT = "check n (missing answers?), the decimals, and whether answers were whole numbers"


def grim(mean: Number, n: int, items: int = 1) -> list[Finding]:
    """Check that a mean of whole numbers is a whole sum over n, within rounding.

    Brown and Heathers, The GRIM test, Soc Psychol Personal Sci 2017;8:363-369. It finds nothing
    once n is as large as the mean is fine: 100 patients for two decimals.

    Parameters
    ----------
    mean
        As printed; give text to keep trailing zeros.
    n
        Patients.
    items
        Whole numbers averaged within each patient.

    Examples
    --------
    >>> grim("3.45", 20)
    []
    >>> print(grim("3.48", 20)[0])
    mean of whole numbers: 3.48 with n = 20: 20 whole numbers give 3.45 or 3.5
        mend: check n (missing answers?), the decimals, and whether answers were whole numbers
    """
    number = printed(mean)
    if n < 1 or items < 1:
        return at_least("n", min(n, items), 1)
    sums = n * items
    if math.ceil(number.low * sums) <= number.high * sums:
        return []
    near = math.floor(number.value * sums)
    ends = " or ".join(shown(Fraction(near + i, sums), number) for i in (0, 1))
    found = f"{number.text} with n = {n}" + (f" and {items} items" if items > 1 else "")
    return [Finding("mean of whole numbers", found, f"{sums} whole numbers give {ends}", _COUNT)]


def sd_bounds(
    mean: Number,
    sd: Number,
    n: int,
    low: Number | None = None,
    high: Number | None = None,
    *,
    whole: bool = False,
) -> list[Finding]:
    """Check that an SD (divisor n - 1) is neither too large for its range nor too small.

    Values between `low` and `high`, the exact ends of their scale, with mean m have
    SD² <= (m - low)(high - m) n / (n - 1), reached where all lie at the ends (for populations
    Bhatia and Davis, Am Math Mon 2000;107:353-357).
    Whole numbers with sum n m have at least the SD of those that lie at the two nearest the mean:
    SD² >= f (1 - f) n / (n - 1), f the part of m behind the point, n f whole.

    Examples
    --------
    >>> [finding.why for finding in sd_bounds("3.0", "2.4", 20, 1, 5)]
    ['20 values from 1 to 5 with that mean have an SD of at most 2.052']
    >>> [finding.why for finding in sd_bounds("3.50", "0.40", 20, whole=True)]
    ['20 whole numbers with that mean have an SD of at least 0.513']
    """
    m, s = printed(mean), printed(sd)
    if n < 2:
        return at_least("n", n, 2)
    if s.high < 0:
        return [Finding("SD", s.text, "an SD is never negative", "check the sign")]
    found = _in_range(m, s, n, low, high)
    least = _least_square(m, n) if whole else Fraction(0)
    if s.high**2 < least:
        bound = shown(math.sqrt(least), s)
        why = f"{n} whole numbers with that mean have an SD of at least {bound}"
        found.append(Finding("SD", f"{s.text} with mean {m.text}", why, _COUNT))
    return found


def _in_range(
    m: Printed, s: Printed, n: int, low: Number | None, high: Number | None
) -> list[Finding]:
    """Check a mean, and its SD where both ends are known, against a range."""
    bottom = exact(low) if low is not None else None
    top = exact(high) if high is not None else None
    known = [(name, v) for name, v in (("least", bottom), ("mean", m), ("greatest", top)) if v]
    found = in_order("range", [name for name, _ in known], [v for _, v in known])
    if found or bottom is None or top is None:
        return found
    a, b = bottom.value, top.value
    centre = min(max((a + b) / 2, m.low), m.high)
    most = (centre - a) * (b - centre) * Fraction(n, n - 1)
    if s.low <= 0 or s.low**2 <= most:
        return []
    bound = shown(math.sqrt(most), s)
    why = (
        f"{n} values from {bottom.text} to {top.text} with that mean have an SD of at most {bound}"
    )
    mend = "check the SD (an SE, a variance, another unit?), the mean and the range"
    return [Finding("SD", f"{s.text} with mean {m.text}", why, mend)]


def _least_square(m: Printed, n: int) -> Fraction:
    """Return the least SD² of n whole numbers whose mean rounds to the printed one.

    No sum fits where GRIM fails: then the bound says nothing.
    """
    first, last = math.ceil(m.low * n), math.floor(m.high * n)
    if last < first:
        return Fraction(0)
    rests = {0} if last - first >= n else {total % n for total in range(first, last + 1)}
    return min(Fraction(r * (n - r), n * (n - 1)) for r in rests)


def quantiles(
    *,
    minimum: Number | None = None,
    q1: Number | None = None,
    median: Number | None = None,
    q3: Number | None = None,
    maximum: Number | None = None,
) -> list[Finding]:
    """Check that minimum, quartiles, median and maximum ascend.

    Examples
    --------
    >>> [finding.found for finding in quantiles(q1=9, median=13, q3=12)]
    ['median 13, upper quartile 12']
    """
    known = {
        "minimum": minimum,
        "lower quartile": q1,
        "median": median,
        "upper quartile": q3,
        "maximum": maximum,
    }
    values = {name: printed(value) for name, value in known.items() if value is not None}
    return in_order("quantiles", list(values), list(values.values()))


def mean_and_median(mean: Number, median: Number, sd: Number) -> list[Finding]:
    """Check that mean and median lie within one SD of each other.

    Hotelling and Solomons, Ann Math Stat 1932;3:141-142, for the SD with divisor n; that with
    n - 1 is larger, so that the bound holds for it as well.

    Examples
    --------
    >>> mean_and_median("14.6", "12", "9.8")
    []
    >>> mean_and_median("14.6", "1.2", "9.8")[0].found
    'mean 14.6, median 1.2, SD 9.8'
    """
    m, middle, s = printed(mean), printed(median), printed(sd)
    apart = max(m.low - middle.high, middle.low - m.high)
    if apart <= s.high:
        return []
    found = f"mean {m.text}, median {middle.text}, SD {s.text}"
    why = "mean and median of any sample lie within one SD"
    return [Finding("mean and median", found, why, "check the units and the point of each number")]
