"""Units written out: durations, spans, rates and counts with a unit, as people type them.

Durations become days, rates become events per day. A month is a twelfth of a year of 365.25 days.
"""

from __future__ import annotations

import difflib
import math
import re

from raresim.errors import Fault

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


def days_in(unit: str) -> float:
    """Return the days in one of a unit, singular or plural.

    >>> days_in("weeks"), days_in("day")
    (7.0, 1.0)
    """
    return DAYS[unit.removesuffix("s")]


SECONDS_A_DAY = 86400

_NUMBER = r"([-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)"
_TIME = r"(second|minute|hour|day|week|month|year)s?"
_DURATION = re.compile(rf"{_NUMBER}\s*{_TIME}", re.ASCII)
_DAY = re.compile(rf"(second|minute|hour|day|week|month|year)\s*{_NUMBER}", re.ASCII)
_SPAN = re.compile(rf"{_NUMBER}(?:\s*{_TIME})?\s*to\s*{_NUMBER}\s*{_TIME}", re.ASCII)
_RATE = re.compile(rf"{_NUMBER}\s*per\s*(?:patient-)?{_TIME}", re.ASCII)
_EXPOSURE = re.compile(rf"{_NUMBER}\s*patient-{_TIME}", re.ASCII)
_RANGE = re.compile(rf"{_NUMBER}\s*to\s*{_NUMBER}", re.ASCII)

_OR_MORE = re.compile(rf"{_NUMBER}\s*or more", re.ASCII)
_AMOUNT = re.compile(rf"{_NUMBER}(?:\s+[A-Za-z%][\w/%-]*)?", re.ASCII)

Interval = tuple[float, float]

_DIGITS = {
    "zero": "0", "one": "1", "two": "2", "three": "3", "four": "4", "five": "5", "six": "6",
    "seven": "7", "eight": "8", "nine": "9", "ten": "10", "eleven": "11", "twelve": "12",
    "eighteen": "18", "twenty": "20", "twenty-four": "24", "thirty": "30", "half": "0.5",
}  # fmt: skip
_SHORT = {
    "s": "seconds", "sec": "seconds", "min": "minutes", "h": "hours", "hr": "hours", "hrs": "hours",
    "d": "days", "w": "weeks", "wk": "weeks", "wks": "weeks", "mo": "months", "mos": "months",
    "mth": "months", "y": "years", "yr": "years", "yrs": "years", "a": "per", "an": "per",
}  # fmt: skip
_KNOWN = [*DAYS, *(f"{unit}s" for unit in DAYS), "to", "per"]
_KNOWN += [f"patient-{unit}{s}" for unit in DAYS for s in ("", "s")]


def _respelt(text: str) -> str:
    """Return the text with number words, abbreviations and misspelt units written out."""
    text = re.sub(r"(?<=\d),(?=\d)", ".", text.strip().lower())
    text = re.sub(r"(?<=[\d\w])\s*/\s*", " per ", text)
    text = re.sub(r"(?<=\d)\s*[-–—]\s*(?=\d)", " to ", text)
    text = re.sub(r"(?<=\d)(?=[a-df-z])", " ", text).replace("patient ", "patient-")
    return " ".join(_respelt_word(word) for word in text.split())


def _respelt_word(word: str) -> str:
    if word in _DIGITS:
        return _DIGITS[word]
    word = _SHORT.get(word, word)
    near = difflib.get_close_matches(word, _KNOWN, n=1, cutoff=0.75) if word.isascii() else []
    return near[0] if near and not word[:1].isdigit() else word


def _mend(pattern: re.Pattern[str], text: object, example: str) -> str:
    """Say what was probably meant, or at least how such a thing is written."""
    if isinstance(text, (int, float)) and not isinstance(text, bool):
        text = f"{text:g}"
    if isinstance(text, str) and 0 < len(text) < 100:
        guess = _respelt(text)
        tries = [
            guess,
            guess.lstrip("-"),
            re.sub(r"\s+[a-z]+$", "", guess),
            guess.replace(" ", " patient-", 1),
        ]
        for found in tries:
            if pattern.fullmatch(found):
                return f"did you mean {found!r}?"
        if re.fullmatch(_NUMBER, guess) and pattern is _DURATION:
            return f"add the unit: '{guess} days', '{guess} weeks', '{guess} months' ..."
        if _RANGE.fullmatch(guess) and pattern is _SPAN:
            return f"add the unit, such as '{guess} weeks'"
        if re.fullmatch(_NUMBER, guess) and pattern in (_RATE, _EXPOSURE):
            tail = example.split(" ", 1)[1]
            return f"add the unit, such as '{guess} {tail}'"
    return f"write it as in {example!r}"


def _above_zero(text: str) -> str:
    """Return the mend of a negative number."""
    return f"did you mean {text.strip().lstrip('-')!r}?" if text.strip().startswith("-") else ""


def _match(pattern: re.Pattern[str], text: object, expected: str, example: str) -> re.Match[str]:
    found = pattern.fullmatch(text.strip()) if isinstance(text, str) and len(text) < 100 else None
    if found is None:
        message = f"expected {expected}, such as {example!r}"
        raise Fault(message, _mend(pattern, text, example))
    return found


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value) or abs(value) > 1e12:
        raise Fault("expected a number of ordinary size", "write a number below 1e12")
    return value


def duration(text: object) -> float:
    """Return the days in a duration such as `12 months`, or a point such as `day 0`.

    >>> duration("2 weeks"), duration("day 0")
    (14.0, 0.0)
    """
    if isinstance(text, str) and (day := _DAY.fullmatch(text.strip())):
        text = f"{day[2]} {day[1]}"
    found = _match(_DURATION, text, "a duration with its unit", "12 months")
    days = _finite(found[1]) * DAYS[found[2]]
    if days < 0:
        raise Fault("expected a duration that is not negative", _above_zero(found[0]))
    return days


def span(text: object) -> Interval:
    """Return the days between which something lasts, such as `2 to 4 weeks`.

    >>> span("2 to 4 weeks")
    (14.0, 28.0)
    """
    found = _match(_SPAN, text, "a span with its unit", "2 to 4 weeks")
    unit = DAYS[found[4]]
    low = _finite(found[1]) * (DAYS[found[2]] if found[2] else unit)
    high = _finite(found[3]) * unit
    if not 0 <= low <= high:
        mend = "write the shorter time first, such as '2 to 4 weeks'"
        raise Fault("expected a span that runs upwards from zero or more", mend)
    return low, high


def rate(text: object) -> float:
    """Return a rate per day, from such as `0.05 per year` or `0.3 per patient-year`.

    >>> round(rate("36.525 per year"), 12)
    0.1
    """
    found = _match(_RATE, text, "a rate with its unit", "0.05 per year")
    value = _finite(found[1]) / DAYS[found[2]]
    if value < 0:
        raise Fault("expected a rate that is not negative", _above_zero(found[0]))
    return value


def exposure(text: object) -> float:
    """Return the patient-days of a total exposure such as `50.7 patient-years`."""
    found = _match(_EXPOSURE, text, "an exposure with its unit", "50.7 patient-years")
    value = _finite(found[1]) * DAYS[found[2]]
    if value <= 0:
        raise Fault("expected an exposure above zero", _above_zero(found[0]))
    return value


def bounds(text: object) -> Interval:
    """Return the two ends of a range such as `1 to 60`, or `0 or more` without an upper end.

    >>> bounds("1 to 60"), bounds("0 or more")
    ((1.0, 60.0), (0.0, inf))
    """
    open_ended = _OR_MORE.fullmatch(text.strip()) if isinstance(text, str) else None
    if open_ended is not None:
        return _finite(open_ended[1]), math.inf
    found = _match(_RANGE, text, "a range", "1 to 60")
    low, high = _finite(found[1]), _finite(found[2])
    if not low < high:
        mend = f"did you mean '{found[2]} to {found[1]}'?" if low > high else "write two numbers"
        raise Fault("expected a range whose lower end lies below its upper end", mend)
    return low, high


def amount(text: object) -> float:
    """Return a number that may be followed by the word for its unit, such as `-2.4 points`.

    >>> amount("-2.4 points"), amount(3)
    (-2.4, 3.0)
    """
    if isinstance(text, (int, float)) and not isinstance(text, bool):
        return _finite(str(text))
    return _finite(_match(_AMOUNT, text, "a number", "-2.4 points")[1])
