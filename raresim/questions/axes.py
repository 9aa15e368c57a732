"""What a question moves: places of a scenario or of its model, and the values to stand there.

An axis is written `PATH=VALUES`. Values are separated by commas, each as YAML; a list in brackets
may hold values with commas of their own; `20..200 by 20` are whole numbers, `20..200` an interval.
`PATH+OTHER=VALUES` moves other numbers in proportion: a number of patients and the information
that is planned of them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from math import floor
from typing import Any

from raresim import limits
from raresim.errors import InputError, shown
from raresim.files import Document, parse
from raresim.trial.nuisance import OF_MODEL, Values
from raresim.trial.scenario import Scenario

RANGE = re.compile(r"\s*(\d+)\s*\.\.\s*(\d+)\s*(?:by\s+(\d+)\s*)?")
FORM = "PATH=VALUE,VALUE,... such as design.randomise.n=40,60,80"


@dataclass(frozen=True)
class Axis:
    """A place that is moved, the others that move in proportion to it, and its values."""

    path: str
    along: tuple[str, ...]
    values: tuple[Any, ...]

    @property
    def label(self) -> str:
        """The place in a word or two: what tells it from others.

        >>> Axis("design.randomise.n", (), (1,)).label
        'randomise.n'
        """
        return ".".join(self.path.split(".")[-2:])

    def at(self, scenario: Scenario, value: Any) -> Values:
        """Return what stands where at a value.

        Raises
        ------
        InputError
            When something is to move in proportion that is no number.
        """
        found = {self.path: value}
        for other in self.along:
            own, base = (_number(scenario.document, path) for path in (other, self.path))
            moved = own * _of(value, self.path) / base
            found[other] = max(1, floor(moved + 0.5)) if isinstance(own, int) else moved
        return found


def axis(text: str) -> Axis:
    """Return the axis that a text says.

    Raises
    ------
    InputError
        When it says none.

    Examples
    --------
    >>> axis("design.randomise.n=40,60").values, axis("truth.x=1 per year, 2 per year").values
    ((40, 60), ('1 per year', '2 per year'))
    >>> axis("design.randomise.n=20..60 by 20").values
    (20, 40, 60)
    >>> axis('design.eligible=["age >= 8", "age >= 12"]').values
    ('age >= 8', 'age >= 12')
    """
    places, equals, values = text.partition("=")
    first, *along = (path.strip() for path in places.split("+"))
    if not equals or not all((first, *along)):
        raise InputError(f"expected {FORM}; found {shown(text)}")
    found = _values(values, text)
    if not found:
        raise InputError(f"no values to stand at {first}; expected {FORM}")
    return Axis(first, tuple(along), found)


def interval(text: str) -> tuple[Axis, int, int]:
    """Return an axis of whole numbers and the ends between which one is looked for.

    >>> interval("design.randomise.n=20..200")[1:]
    (20, 200)

    Raises
    ------
    InputError
        When it says none.
    """
    places, _, values = text.partition("=")
    match = RANGE.fullmatch(values)
    if not match or match[3]:
        raise InputError(f"expected PATH=LOWEST..HIGHEST in whole numbers; found {shown(text)}")
    low, high = int(match[1]), int(match[2])
    if low >= high:
        raise InputError(f"expected a lowest number below the highest; found {shown(text)}")
    return axis(f"{places}={low},{high}"), low, high


def _values(text: str, whole: str) -> tuple[Any, ...]:
    match = RANGE.fullmatch(text)
    if match:
        if match[3] is None or int(match[3]) == 0:
            raise InputError(f"say the step: {match[1]}..{match[2]} by STEP; found {shown(whole)}")
        low, high, step = (int(part) for part in match.groups())
        if (high - low) // step > limits.POINTS.value:
            raise InputError(_too_many((high - low) // step))
        return tuple(range(low, high + 1, step))
    if text.strip().startswith("["):
        data = parse(text, "--set").data
        return tuple(data)
    return tuple(parse(part, "--set").data for part in text.split(",") if part.strip())


def points(scenario: Scenario, axes: Sequence[Axis]) -> list[tuple[tuple[Any, ...], Scenario]]:
    """Return every combination of the axes' values, with the scenario that has them.

    Raises
    ------
    InputError
        When they are too many, when a path leads nowhere, or when there is no such scenario.
    """
    paths = [path for each in axes for path in (each.path, *each.along)]
    if twice := sorted({path for path in paths if paths.count(path) > 1}):
        raise InputError(f"{twice[0]} is moved twice; say it once")
    number = 1
    for each in axes:
        number *= len(each.values)
    if number > limits.POINTS.value:
        raise InputError(_too_many(number))
    combinations = product(*(each.values for each in axes))
    return [(values, placed(scenario, axes, values)) for values in combinations]


def placed(scenario: Scenario, axes: Sequence[Axis], values: Sequence[Any]) -> Scenario:
    """Return the scenario with a value on each axis.

    Raises
    ------
    InputError
        When there is no such scenario.
    """
    moved: Values = {}
    for each, value in zip(axes, values, strict=True):
        _there(scenario, each)
        moved |= each.at(scenario, value)
    try:
        return scenario.at(moved)
    except InputError as error:
        first = error.problems[0]
        where = ", ".join(f"{path} = {shown(value)}" for path, value in moved.items())
        details = "; ".join(part for part in (first.found, first.expected, first.mend) if part)
        text = f"there is no scenario with {where}: {first.message}"
        raise InputError(f"{text}{f' ({details})' if details else ''}") from error


def _there(scenario: Scenario, each: Axis) -> None:
    """Refuse a place of the scenario that the file does not have: most likely a slip.

    A place may be new as long as the block above it is there.
    """
    for path in (each.path, *each.along):
        if path.startswith(OF_MODEL):
            continue
        above = path.rpartition(".")[0]
        try:
            _read(scenario.document, above)
        except LookupError as error:
            raise InputError(f"{path}: the scenario has no {above!r}; check the path") from error


def _read(document: Document, path: str) -> Any:
    place = document.data
    for step in path.split(".") if path else ():
        if isinstance(place, dict) and step in place:
            place = place[step]
        elif isinstance(place, list) and step.isdecimal() and int(step) < len(place):
            place = place[int(step)]
        else:
            raise LookupError(step)
    return place


def _number(document: Document, path: str) -> Any:
    try:
        return _of(_read(document, path), path)
    except LookupError as error:
        raise InputError(f"{path}: the scenario has none; it cannot move in proportion") from error


def _of(value: Any, path: str) -> Any:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value <= 0:
        raise InputError(f"{path}: only numbers above zero move in proportion, not {shown(value)}")
    return value


def _too_many(number: int) -> str:
    return f"{number:,} points are too many; take fewer values, {limits.POINTS.mend}"
