"""The numbers of a model in computing form: as published, or drawn from what the evidence allows.

Every array has a leading replicate axis: of length one for published numbers, of 1,024 for drawn
ones. Neighbouring replicates share a draw (an outer loop of draws), so that power *within* one
possible truth can be told from its spread *between* truths.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from scipy.special import ndtr

from raresim.disease.copula import Ties, ties
from raresim.disease.outcome_block import Follows, TimeOfEvent
from raresim.disease.spec import Link, ModelSpec
from raresim.disease.uncertain import (
    BETWEEN_SITES,
    CONVERSION,
    Part,
    of_outcome,
    parts_of,
    pinned,
    place_of,
    rows_given,
    slope_by,
    subject,
)
from raresim.disease.variable_block import Category, Number
from raresim.disease.whole_ties import pearson, stepped
from raresim.evidence import Distribution, Stated, TimeLaw, fit, fit_time
from raresim.evidence.stated import Unpublished
from raresim.evidence.statistics import Floats, Uniform, rows_of
from raresim.files.units import days_in
from raresim.streams import LUCK_BLOCK, Luck, point_name

DRAW = 8
"""Neighbouring replicates that share one draw of the parameters: part of the luck contract."""

Key = tuple[str, str]
ALONE = ("noise", "between_periods")
"""Numbers of an outcome that are one number each, published or not."""


def drawn_from(luck: Luck | None, *path: str, labels: tuple[str, ...] | None = None) -> Any:
    """Return the uniforms of a statistic's parts, or None where nothing is drawn.

    Each part is a decision point without units, shared by the replicates of a draw.
    """
    if luck is None:
        return None
    name = point_name("evidence", *path, labels=labels)

    def uniform(part: str) -> Floats:
        first = (np.arange(LUCK_BLOCK) // DRAW) * DRAW
        return luck.once(f"{name}.{part}")[first]

    return uniform


@dataclass(frozen=True)
class Parameters:
    """All numbers that one model needs, for one block of replicates or for all.

    Keys of `shares` and `distributions` are (variable, state of its parent or ""), keys of
    `dependence` are the two names, keys of `numbers` are (outcome, name of the number), keys of
    `times` are (outcome, state of its parent or "", or "baseline" for the hazard of a joint model).
    """

    shares: dict[Key, Floats] = field(default_factory=dict)
    distributions: dict[Key, Distribution] = field(default_factory=dict)
    dependence: dict[Key, Floats] = field(default_factory=dict)
    numbers: dict[Key, Floats] = field(default_factory=dict)
    times: dict[Key, TimeLaw] = field(default_factory=dict)

    @cached_property
    def ties(self) -> dict[str, Ties]:
        """How each number's normal score depends on those of others."""
        return ties(self.dependence)

    def rows(self, chosen: slice) -> Parameters:
        """Return the parameters of some replicates; what is alike in all stays an array of one."""
        return Parameters(
            {key: rows_of(value, chosen) for key, value in self.shares.items()},
            {key: law.rows(chosen) for key, law in self.distributions.items()},
            {key: rows_of(value, chosen) for key, value in self.dependence.items()},
            {key: rows_of(value, chosen) for key, value in self.numbers.items()},
            {key: law.rows(chosen) for key, law in self.times.items()},
        )


def parameters(spec: ModelSpec, luck: Luck | None = None, place: str = "centre") -> Parameters:
    """Return the model's parameters.

    With `luck` they are drawn from what the evidence allows. `place` says where numbers that are
    not known exactly are taken (see `raresim.disease.uncertain`): `lower`, `centre` or `upper` for
    everything that nobody published, or `lower: WHAT` for one number, published or not.
    """
    found = Parameters()
    for name, variable in spec.patients.items():
        if isinstance(variable, Category):
            _shares(found, name, variable, luck, place)
        elif isinstance(variable, Number):
            _distributions(found, name, variable, luck, place)
    for link in spec.links:
        found.dependence[_pair(link.between)] = _latent_correlation(spec, link, luck, place)
    for gap in spec.unpublished:
        where = place_of(place, " and ".join(gap.between))
        found.dependence[_pair(gap.between)] = np.array([gap.correlation.at(where)])
    for name, outcome in spec.outcomes.items():
        _numbers(found, name, outcome, luck, place)
    return found


def _pair(names: list[str]) -> Key:
    return names[0], names[1]


def _uniform(
    statement: Any,
    luck: Luck | None,
    place: str,
    path: tuple[str, ...],
    what: str,
    block: Any,
    when: str,
) -> Uniform | None:
    """Return uniforms for a statement that rests on evidence; an assumption is not drawn."""
    if statement.evidence is None:
        return None
    drawn: Uniform | None = drawn_from(luck, *path, labels=(when,) if when else None)
    return pinned(place, subject(what, block.given, when), statement.evidence) or drawn


def _shares(
    found: Parameters, name: str, variable: Category, luck: Luck | None, place: str
) -> None:
    for when, statement in rows_given(variable):
        statistic = statement.evidence or statement.assumed
        uniform = _uniform(statement, luck, place, ("patients", name), name, variable, when)
        values = statistic.point() if uniform is None else statistic.draw(uniform)
        columns = np.broadcast_arrays(*(values.get(s, np.zeros(1)) for s in variable.names))
        found.shares[name, when] = np.stack(columns, axis=-1)


def _distributions(
    found: Parameters, name: str, variable: Number, luck: Luck | None, place: str
) -> None:
    for when, statement in rows_given(variable):
        statistic = statement.evidence or statement.assumed
        uniform = _uniform(statement, luck, place, ("patients", name), name, variable, when)
        found.distributions[name, when] = fit(statistic, variable.range, uniform, variable.family)


def _numbers(found: Parameters, name: str, outcome: Any, luck: Luck | None, place: str) -> None:
    """Collect an outcome's numbers: statements by their statistic, intervals by their place."""
    for key in type(outcome).model_fields:
        value = getattr(outcome, key)
        if isinstance(value, Stated):
            uniform = pinned(place, of_outcome(name, key), value.evidence) or drawn_from(
                luck, "outcomes", name, key
            )
            for part, drawn in value.values(uniform).items():
                found.numbers[name, key if key in ALONE else f"{key}.{part}"] = drawn
        elif isinstance(value, TimeOfEvent):
            _times(found, name, value, luck, place)
        elif key == "between_sites" and value is not None:
            where = place_of(place, f"{name}: {BETWEEN_SITES}")
            found.numbers[name, "site_log_sd"] = value.log_sd.value(where)
        elif isinstance(value, Unpublished):
            where = place_of(place, of_outcome(name, key))
            found.numbers[name, key] = value.value(where)
        elif key in ("numbers", "follows", "wanders", "moves"):
            for own in parts_of(name, key, value):
                found.numbers[name, own.key] = _part(name, own, luck, place)
        elif key == "faster_with":
            for faster in value:
                uniform = pinned(
                    place, slope_by(name, faster.variable), faster.evidence
                ) or drawn_from(luck, "outcomes", name, key, faster.variable)
                slope = faster.values(uniform)["slope"] / faster.per
                where = place_of(place, f"{name}: {CONVERSION} {faster.variable}")
                points = faster.conversion.value(where) if faster.conversion else 1.0
                found.numbers[name, f"faster.{faster.variable}"] = slope * points


def _part(name: str, part: Part, luck: Luck | None, place: str) -> Floats:
    """Return a number below a key of an outcome: of a hazard ratio, its logarithm."""
    stated = part.stated
    if isinstance(stated, Unpublished):
        return stated.value(place_of(place, part.what))
    uniform = pinned(place, part.what, stated.evidence) or drawn_from(
        luck, "outcomes", name, *part.key.split(".")
    )
    value = next(iter(stated.values(uniform).values()))
    return np.log(value) if isinstance(stated, Follows) else value


def _times(found: Parameters, name: str, block: TimeOfEvent, luck: Luck | None, place: str) -> None:
    """Collect the laws of an outcome's time."""
    days = days_in(block.unit)
    what = of_outcome(name, "time")
    for when, statement in rows_given(block):
        statistic = statement.evidence or statement.assumed
        uniform = _uniform(statement, luck, place, ("outcomes", name, "time"), what, block, when)
        found.times[name, when] = fit_time(statistic, days, uniform)


def _latent_correlation(spec: ModelSpec, link: Link, luck: Luck | None, place: str) -> Floats:
    """Return the normal scores' correlation that gives the published Pearson correlation.

    That of every correlation on a fine grid is turned round; the marginals are the published ones.
    With an ordered category it is the normal scores' correlation itself that is published.
    """
    uniform = pinned(place, " and ".join(link.between), link.evidence) or drawn_from(
        luck, "links", *link.between
    )
    wanted = link.values(uniform)["correlation"]
    if any(isinstance(spec.patients[name], Category) for name in link.between):
        return wanted
    first, second = (_number(spec, name) for name in link.between)
    return np.interp(wanted, _reached(_Marginals(repr((first, second)), first, second)), GRID)


GRID = np.tanh(np.linspace(-3.2, 3.2, 161))
"""Correlations of normal scores."""


@dataclass(frozen=True)
class _Marginals:
    """Two variables, known by what is published of them."""

    told: str
    first: Number = field(compare=False)
    second: Number = field(compare=False)


@lru_cache(maxsize=128)
def _reached(marginals: _Marginals) -> Floats:
    """Return the Pearson correlation at each of the grid; the same two are asked for many times."""
    first, second = _published_law(marginals.first), _published_law(marginals.second)
    whole = stepped(first) or stepped(second)
    found = pearson(first, second, GRID) if whole else _quadrature(first, second, GRID)
    found.flags.writeable = False  # all who ask have the same array
    return found


def _quadrature(first: Distribution, second: Distribution, grid: Floats) -> Floats:
    """Return Pearson's correlation for each correlation of normal scores in a grid.

    NORTA: r(rho) = (E[X(z1) Y(rho z1 + sqrt(1 - rho²) z2)] - mX mY) / (sX sY), by Gauss-Hermite
    quadrature of 80 x 80 points.
    Source: Cario & Nelson, Modeling and generating random vectors with arbitrary marginal
    distributions and correlation matrix, Northwestern University 1997.
    """
    z, weight = np.polynomial.hermite_e.hermegauss(80)
    weight = weight / weight.sum()
    u = _open(ndtr(z))[None, :]
    x = first.quantile(u)[:1, :]
    sd = [_standard_deviation(law.quantile(u)[0], weight) for law in (first, second)]
    reached = []
    for rho in grid:
        scores = rho * z[:, None] + np.sqrt(1 - rho**2) * z[None, :]
        y = second.quantile(_open(ndtr(scores)).reshape(1, -1))[0].reshape(scores.shape)
        centred = (x[0] - float(weight @ x[0]))[:, None] * y
        reached.append(float(weight @ centred @ weight) / (sd[0] * sd[1]))
    return np.array(reached)


def _number(spec: ModelSpec, name: str) -> Number:
    variable = spec.patients[name]
    assert isinstance(variable, Number)
    return variable


def _published_law(variable: Number) -> Distribution:
    statistic = variable.evidence or variable.assumed
    assert statistic is not None
    return fit(statistic, variable.range, None, variable.family)


def _open(u: Floats) -> Floats:
    """Hold probabilities inside (0, 1): quadrature nodes lie far out in the tails."""
    return np.clip(u, 2.0**-60, 1 - 2.0**-53)


def _standard_deviation(values: Floats, weight: Floats) -> float:
    mean = float(weight @ values)
    return float(np.sqrt(weight @ (values - mean) ** 2))
