"""Numbers as people read them, each simulated one with its Monte Carlo standard error."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

SPACE = "\u00a0"
MINUS = "\u2212"
NONE = "\u2013"
DAYS_A_MONTH = 365.25 / 12


@dataclass(frozen=True)
class Cell:
    """A figure as text and its Monte Carlo standard error as text, "" where there is none."""

    value: str
    error: str = ""


NOTHING = Cell(NONE)


def fixed(value: float, places: int) -> str:
    """Return a number with so many decimals, thousands apart, a true minus and no minus zero.

    >>> fixed(-0.04, 1), fixed(12345.6, 0)
    ('0.0', '12,346')
    """
    text = f"{value:,.{places}f}"
    if text.startswith("-"):
        text = text[1:] if float(text.replace(",", "")) == 0 else MINUS + text[1:]
    return text


def error(value: float, places: int) -> str:
    """Return a standard error with so many decimals; one that rounds to zero is said to be less.

    >>> error(0.0123, 3), error(0.04, 1), error(0.0, 1)
    ('0.012', '<0.1', '0.0')
    """
    least: float = 10.0**-places
    return f"<{least:.{places}f}" if 0 < value < least / 2 else fixed(value, places)


def share(figure: dict[str, Any] | None) -> Cell:
    """Return a share in per cent with one decimal, its error in percentage points.

    >>> share({"value": 0.814, "mcse": 0.0109}).error
    '1.1'
    """
    if figure is None or figure["value"] is None:
        return NOTHING
    mcse = figure["mcse"]
    return Cell(percent(figure["value"]), "" if mcse is None else error(100 * mcse, 1))


def percent(value: float) -> str:
    """Return a share in per cent with one decimal."""
    return f"{fixed(100 * value, 1)}{SPACE}%"


def amount(figure: dict[str, Any] | None, scale: float = 1.0, most: int = 4) -> Cell:
    """Return a figure rounded by its Monte Carlo standard error.

    >>> amount({"value": -0.95309, "mcse": 0.01202})
    Cell(value='−0.953', error='0.012')
    """
    if figure is None or figure["value"] is None:
        return NOTHING
    value, mcse = figure["value"] / scale, figure["mcse"]
    if mcse is None or mcse == 0:
        places = 0 if float(value).is_integer() else min(most, 2)
        return Cell(fixed(value, places), "" if mcse is None else "0")
    places = decimals(mcse / scale, most)
    return Cell(fixed(value, places), error(mcse / scale, places))


def decimals(mcse: float, most: int = 4) -> int:
    """Return the decimals that show one digit of an error, two where the first is 1 or 2.

    >>> decimals(0.012), decimals(0.5), decimals(40.0)
    (3, 1, 0)
    """
    power = math.floor(math.log10(mcse))
    digits = 2 if mcse < 3 * 10.0**power else 1
    return max(0, min(most, digits - 1 - power))


def ratio(figure: dict[str, Any] | None) -> Cell:
    """Return a logarithm as the ratio that it means; error by the delta method."""
    if figure is None or figure["value"] is None:
        return NOTHING
    value = math.exp(min(figure["value"], 50.0))
    mcse = None if figure["mcse"] is None else value * figure["mcse"]
    return amount({"value": value, "mcse": mcse}, most=3)


def months(figure: dict[str, Any] | None) -> Cell:
    """Return days as months with one or two decimals."""
    return amount(figure, DAYS_A_MONTH, most=2)


def number(value: float) -> str:
    """Return a printed number in four significant digits, with a true minus.

    >>> number(-2.4), number(128.0)
    ('−2.4', '128')
    """
    return f"{value:.4g}".replace("-", MINUS, 1 if value < 0 else 0)


def plain(name: str) -> str:
    """Return a name from a file as words.

    >>> plain("serious_infection")
    'serious infection'
    """
    return name.replace("_", " ")


def duration(days: float) -> str:
    """Return days in the unit in which they are a whole number, the largest one.

    >>> duration(336.0), duration(365.25), duration(10.4), duration(0.25)
    ('48 weeks', '12 months', '10.4 days', '6 hours')
    """
    if 0 < days < 1:
        return f"{number(24 * days)} hours"
    for name, unit in (("month", DAYS_A_MONTH), ("week", 7.0), ("day", 1.0)):
        count = days / unit
        if days > 0 and abs(count - round(count)) < 1e-6:
            return f"{round(count)} {name}" + ("" if round(count) == 1 else "s")
    return f"{number(days)} days"
