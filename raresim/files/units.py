"""Units written out: durations, spans, rates and counts with a unit, as people type them.

Durations become days, rates become events per day. A month is a twelfth of a year of 365.25 days.
"""

from __future__ import annotations

import math
import re

DAYS = {
    "second": 1 / 86400,
    "minute": 1 / 1440,
    "hour": 1 / 24,
    "day": 1.0,
    "week": 7.0,
    "month": 365.25 / 12,
    "year": 365.25,
}
"""Days in one of each unit of time."""

SECONDS_A_DAY = 86400

_NUMBER = r"([-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)"
_TIME = r"(second|minute|hour|day|week|month|year)s?"
_DURATION = re.compile(rf"{_NUMBER}\s*{_TIME}", re.ASCII)
_DAY = re.compile(rf"(second|minute|hour|day|week|month|year)\s*{_NUMBER}", re.ASCII)
_SPAN = re.compile(rf"{_NUMBER}(?:\s*{_TIME})?\s*to\s*{_NUMBER}\s*{_TIME}", re.ASCII)
_RATE = re.compile(rf"{_NUMBER}\s*per\s*(?:patient-)?{_TIME}", re.ASCII)
_EXPOSURE = re.compile(rf"{_NUMBER}\s*patient-{_TIME}", re.ASCII)
_RANGE = re.compile(rf"{_NUMBER}\s*to\s*{_NUMBER}", re.ASCII)

_AMOUNT = re.compile(rf"{_NUMBER}(?:\s+[A-Za-z%][\w/%-]*)?", re.ASCII)

Interval = tuple[float, float]


def _match(pattern: re.Pattern[str], text: object, expected: str) -> re.Match[str]:
    found = pattern.fullmatch(text.strip()) if isinstance(text, str) and len(text) < 100 else None
    if found is None:
        raise ValueError(f"expected {expected}")
    return found


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value) or abs(value) > 1e12:
        raise ValueError("expected a number of ordinary size")
    return value


def duration(text: object) -> float:
    """Return the days in a duration such as `12 months`, or a point such as `day 0`.

    >>> duration("2 weeks"), duration("day 0")
    (14.0, 0.0)
    """
    if isinstance(text, str) and (day := _DAY.fullmatch(text.strip())):
        text = f"{day[2]} {day[1]}"
    found = _match(_DURATION, text, "a duration with its unit, such as '12 months' or '7 days'")
    days = _finite(found[1]) * DAYS[found[2]]
    if days < 0:
        raise ValueError("expected a duration that is not negative")
    return days


def span(text: object) -> Interval:
    """Return the days between which something lasts, such as `2 to 4 weeks`.

    >>> span("2 to 4 weeks")
    (14.0, 28.0)
    """
    found = _match(_SPAN, text, "a span with its unit, such as '2 to 4 weeks'")
    unit = DAYS[found[4]]
    low = _finite(found[1]) * (DAYS[found[2]] if found[2] else unit)
    high = _finite(found[3]) * unit
    if not 0 <= low <= high:
        raise ValueError("expected a span that runs upwards from zero or more")
    return low, high


def rate(text: object) -> float:
    """Return a rate per day, from such as `0.05 per year` or `0.3 per patient-year`.

    >>> round(rate("36.525 per year"), 12)
    0.1
    """
    found = _match(_RATE, text, "a rate with its unit, such as '0.05 per year'")
    value = _finite(found[1]) / DAYS[found[2]]
    if value < 0:
        raise ValueError("expected a rate that is not negative")
    return value


def exposure(text: object) -> float:
    """Return the patient-days of a total exposure such as `50.7 patient-years`."""
    found = _match(_EXPOSURE, text, "an exposure with its unit, such as '50.7 patient-years'")
    value = _finite(found[1]) * DAYS[found[2]]
    if value <= 0:
        raise ValueError("expected an exposure above zero")
    return value


def bounds(text: object) -> Interval:
    """Return the two ends of a range such as `1 to 60`.

    >>> bounds("1 to 60")
    (1.0, 60.0)
    """
    found = _match(_RANGE, text, "a range, such as '1 to 60'")
    low, high = _finite(found[1]), _finite(found[2])
    if not low < high:
        raise ValueError("expected a range whose lower end lies below its upper end")
    return low, high


def amount(text: object) -> float:
    """Return a number that may be followed by the word for its unit, such as `-2.4 points`.

    >>> amount("-2.4 points"), amount(3)
    (-2.4, 3.0)
    """
    if isinstance(text, (int, float)) and not isinstance(text, bool):
        return _finite(str(text))
    return _finite(_match(_AMOUNT, text, "a number, such as '-2.4 points'")[1])
