"""What a model takes in, and which of its numbers are not known exactly.

A number is uncertain because few patients stand behind it (a published statistic has a sampling
error) or because nobody published it (an interval stands in the file). Either way it has a name for
people, and a *place* says where it is taken: `centre` is as printed; `lower` and `upper` take every
unpublished number at that end of its interval; `lower: NAME` and `upper: NAME` move one number
alone. The ends of a published number are the 2.5 and 97.5 % points of what its evidence allows,
`NAME` being the statistic and, where it has several, its part: `onset_age, median`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from raresim.disease.outcome_block import TimeOfEvent
from raresim.disease.spec import ModelSpec
from raresim.disease.variable_block import Category, Number
from raresim.errors import InputError, did_you_mean
from raresim.evidence import (
    EventFree,
    Interval,
    Quantiles,
    QuantileTable,
    Share,
    Stated,
    Statistic,
)
from raresim.evidence.stated import Unpublished
from raresim.evidence.statistics import Floats, Uniform

BETWEEN_SITES = "log SD between sites"
CONVERSION = "points for one point of the scale behind"


@dataclass(frozen=True)
class Part:
    """A number below a key of an outcome: its name for people, its key among the parameters."""

    what: str
    key: str
    stated: Stated[Any] | Unpublished


def subject(name: str, given: str | None, when: str) -> str:
    """Return what a statement about a variable speaks of.

    >>> subject("sex", "inheritance", "x_linked"), subject("sex", None, "")
    ('sex where inheritance is x_linked', 'sex')
    """
    return f"{name} where {given} is {when}" if when else name


def of_outcome(name: str, key: str) -> str:
    """Return what a number of an outcome is called."""
    return f"{name}: {key.replace('_', ' ')}"


def slope_by(name: str, variable: str) -> str:
    """Return what a slope of an outcome by a variable is called."""
    return f"{name}: slope by {variable}"


def ratio_for(name: str, score: str) -> str:
    """Return what the hazard ratio of an outcome for a score is called."""
    return f"{name}: hazard ratio for {score}"


def rows_given(variable: Category | Number | TimeOfEvent) -> list[tuple[str, Any]]:
    """Return (state of the parent or "", statement) for what may be stated in rows."""
    if variable.rows is not None:
        return [(row.when, row) for row in variable.rows]
    return [("", variable)]


def statements(spec: ModelSpec) -> list[tuple[str, Statistic, bool, str]]:
    """List every statistic that the model takes in: (what, statistic, published?, why assumed)."""
    rows: list[tuple[str, Statistic, bool, str]] = []
    for name, variable in spec.patients.items():
        if isinstance(variable, (Category, Number)):
            for when, part in rows_given(variable):
                what = subject(name, variable.given, when)
                rows.append((what, part.evidence or part.assumed, bool(part.evidence), part.why))
    for link in spec.links:
        what = " and ".join(link.between)
        rows.append((what, link.statistic, link.evidence is not None, link.why))
    for name, outcome in spec.outcomes.items():
        for key in type(outcome).model_fields:
            value = getattr(outcome, key)
            if isinstance(value, Stated):
                what = of_outcome(name, key)
                rows.append((what, value.statistic, value.evidence is not None, value.why))
            elif isinstance(value, TimeOfEvent):
                for when, part in rows_given(value):
                    what = subject(of_outcome(name, "time"), value.given, when)
                    rows.append(
                        (what, part.evidence or part.assumed, bool(part.evidence), part.why)
                    )
            for part in parts_of(name, key, value):
                own = part.stated
                if isinstance(own, Stated):
                    rows.append((part.what, own.statistic, own.evidence is not None, own.why))
    return rows


def parts_of(name: str, key: str, value: Any) -> list[Part]:
    """List the numbers that stand below a key of an outcome in a list or a mapping."""
    if key == "faster_with":
        return [Part(slope_by(name, f.variable), f"faster.{f.variable}", f) for f in value]
    if key == "follows":
        return [Part(ratio_for(name, f.key), f"follows.{f.key}", f) for f in value]
    if key == "numbers":
        return [Part(of_outcome(name, own), f"numbers.{own}", v) for own, v in value.items()]
    if key == "moves":
        return [
            Part(f"{name}: from {m.origin} to {m.to}", f"moves.{m.origin}.{m.to}", m) for m in value
        ]
    if key == "wanders" and value is not None:
        return [Part(of_outcome(name, "spread of ups and downs"), "wanders", value.spread)]
    return []


def gaps(spec: ModelSpec) -> list[tuple[str, Interval, str]]:
    """List what nobody published: (what, interval, why)."""
    rows = [(" and ".join(u.between), u.correlation, u.why) for u in spec.unpublished]
    for name, outcome in spec.outcomes.items():
        for key in type(outcome).model_fields:
            value = getattr(outcome, key)
            found = [(of_outcome(name, key), value)]
            found += [(part.what, part.stated) for part in parts_of(name, key, value)]
            if key == "between_sites" and value is not None:
                found = [(f"{name}: {BETWEEN_SITES}", value.log_sd)]
            for faster in value if key == "faster_with" else []:
                found.append((f"{name}: {CONVERSION} {faster.variable}", faster.conversion))
            rows += [(w, v.assumed, v.why) for w, v in found if isinstance(v, Unpublished)]
    return rows


def place_of(place: str, what: str) -> str:
    """Return where the unpublished number `what` is taken.

    >>> place_of("upper", "x"), place_of("upper: x", "x"), place_of("upper: x", "y")
    ('upper', 'upper', 'centre')
    """
    side, _, one = place.partition(": ")
    return side if not one or one == what else "centre"


def pinned(place: str, what: str, statistic: Statistic | None) -> Uniform | None:
    """Return uniforms that hold one part of the statistic `what` at an end, the others half-way.

    None where `place` does not speak of that statistic. The lower end is that of the number, also
    where the number falls as the uniform rises (an SD from its chi-square).
    """
    side, _, one = place.partition(": ")
    if statistic is None or not one.startswith(what):
        return None
    part = named_parts(what, statistic).get(one)
    if part is None:
        return None
    first, last = (_number(statistic, part, level) for level in (0.025, 0.975))
    lowest, highest = (0.025, 0.975) if first <= last else (0.975, 0.025)
    return _held(part, lowest if side == "lower" else highest)


def named_parts(what: str, statistic: Statistic) -> dict[str, str]:
    """Return the parts of a statistic that have a sampling error, by the name of their number.

    They are the parts for which it asks when it is drawn; a part that is alone needs no name.

    >>> from raresim.evidence import Share
    >>> named_parts("genotype", Share(share={"a": 0.5, "b": 0.3, "c": 0.2}, n=40))
    {'genotype, a': 'a', 'genotype, b': 'b'}
    """
    asked: list[str] = []

    def uniform(part: str) -> Floats:
        asked.append(part)
        return np.array([0.5])

    statistic.draw(uniform)
    if len(asked) == 1:
        return {what: asked[0]}
    return {f"{what}, {part}": part for part in asked}


def _held(wanted: str, level: float) -> Uniform:
    return lambda part: np.array([level if part == wanted else 0.5])


def _number(statistic: Statistic, part: str, level: float) -> float:
    """Return the number that a part of a statistic is when it is held at a level."""
    drawn = statistic.draw(_held(part, level))
    return float(drawn[_key(statistic, part)][0])


def _key(statistic: Statistic, part: str) -> str:
    """Return the name of the number that a part draws, as people would tell it."""
    if isinstance(statistic, Share) and not isinstance(statistic.share, dict):
        return "yes"
    names = statistic.numbers()
    return part if part in names else next(iter(names))


@dataclass(frozen=True)
class UncertainNumber:
    """A number that is not known exactly, and its two ends in words."""

    name: str
    lower: str
    upper: str
    why: str


def published_numbers(rows: Sequence[tuple[str, Statistic]]) -> list[UncertainNumber]:
    """Return the parts of published statistics that have a sampling error.

    >>> from raresim.evidence import Share
    >>> [number] = published_numbers([("carriers", Share(share=0.25, n=40))])
    >>> number.name, number.lower, number.upper
    ('carriers', 'yes 13.6 %', 'yes 39.8 %')
    """
    found = []
    for what, statistic in rows:
        for name, part in named_parts(what, statistic).items():
            low, high = sorted(_number(statistic, part, level) for level in (0.025, 0.975))
            where = f"{statistic.source}, n = {statistic.n}" if statistic.n else statistic.source
            ends = [_words(statistic, part, value) for value in (low, high)]
            found.append(UncertainNumber(name, ends[0], ends[1], where))
    return found


def uncertain_numbers(spec: ModelSpec) -> dict[str, list[UncertainNumber]]:
    """Return the numbers of a model that are not known exactly, published and unpublished."""
    rows = [(what, statistic) for what, statistic, is_read, _ in statements(spec) if is_read]
    return {
        "published": published_numbers(rows),
        "unpublished": [
            UncertainNumber(what, f"{interval.lower:g}", f"{interval.upper:g}", why)
            for what, interval, why in gaps(spec)
        ],
    }


def _words(statistic: Statistic, part: str, value: float) -> str:
    if isinstance(statistic, (Quantiles, QuantileTable)):
        return f"{100 * value:.3g} % lie below {statistic.numbers()[part]:g}"
    key = _key(statistic, part).replace("_", " ")
    if isinstance(statistic, EventFree):
        return f"{100 * value:.3g} % free at {key}"
    return f"{key} {100 * value:.3g} %" if isinstance(statistic, Share) else f"{key} {value:.4g}"


def check_place(place: str, known: Sequence[str]) -> None:
    """Refuse a place that is none, or that names a number which is not uncertain.

    Raises
    ------
    InputError
        With the places or numbers that there are.
    """
    side, _, one = place.partition(": ")
    if side not in ("lower", "centre", "upper") or (one and side == "centre"):
        raise InputError(f"unpublished: expected lower, centre or upper, got {place!r}")
    if one and one not in known:
        raise InputError(f"unpublished: no number is called {one!r}; {did_you_mean(one, known)}")
