"""The numbers of a model in computing form: as published, or drawn from what the evidence allows.

Every array has a leading replicate axis: of length one for published numbers, of 1,024 for drawn
ones. Neighbouring replicates share a draw (an outer loop of draws), so that power *within* one
possible truth can be told from its spread *between* truths.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy.special import ndtr

from raresim.disease.outcome_block import Recurrent, TimeToEvent
from raresim.disease.spec import Link, ModelSpec
from raresim.disease.variable_block import Category, Number
from raresim.errors import InputError, did_you_mean
from raresim.evidence import Distribution, Interval, Stated, Statistic, fit
from raresim.evidence.statistics import Floats, Uniform
from raresim.streams import LUCK_BLOCK, Luck, point_name

DRAW = 8
"""Neighbouring replicates that share one draw of the parameters: part of the luck contract."""

BETWEEN_SITES = "log SD between sites"
CONVERSION = "points for one point of the scale behind"

Key = tuple[str, str]


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
    `dependence` are the two names, keys of `numbers` are (outcome, name of the number).
    """

    shares: dict[Key, Floats] = field(default_factory=dict)
    distributions: dict[Key, Distribution] = field(default_factory=dict)
    dependence: dict[Key, Floats] = field(default_factory=dict)
    numbers: dict[Key, Floats] = field(default_factory=dict)

    def first(self) -> Parameters:
        """Return the parameters of the first replicate alone, for everybody."""
        return Parameters(
            {key: value[:1] for key, value in self.shares.items()},
            {key: law.first() for key, law in self.distributions.items()},
            {key: value[:1] for key, value in self.dependence.items()},
            {key: value[:1] for key, value in self.numbers.items()},
        )


def parameters(spec: ModelSpec, luck: Luck | None = None, place: str = "centre") -> Parameters:
    """Return the model's parameters.

    With `luck` they are drawn from what the evidence allows. `place` says where in its interval
    each unpublished number is taken: `lower`, `centre` or `upper` for all of them, or
    `lower: WHAT` for one of those that `gaps` lists while the others stay at the centre.
    """
    found = Parameters()
    for name, variable in spec.patients.items():
        if isinstance(variable, Category):
            _shares(found, name, variable, luck)
        elif isinstance(variable, Number):
            _distributions(found, name, variable, luck)
    for link in spec.links:
        found.dependence[_pair(link.between)] = _latent_correlation(spec, link, luck)
    for gap in spec.unpublished:
        where = place_of(place, " and ".join(gap.between))
        found.dependence[_pair(gap.between)] = np.array([gap.correlation.at(where)])
    for name, outcome in spec.outcomes.items():
        _numbers(found, name, outcome, luck, place)
    return found


def place_of(place: str, what: str) -> str:
    """Return where the unpublished number `what` is taken.

    >>> place_of("upper", "x"), place_of("upper: x", "x"), place_of("upper: x", "y")
    ('upper', 'upper', 'centre')
    """
    side, _, one = place.partition(": ")
    return side if not one or one == what else "centre"


def check_place(spec: ModelSpec, place: str) -> None:
    """Refuse a place that is none, or that names something without an interval.

    Raises
    ------
    InputError
        With the places or intervals that there are.
    """
    side, _, one = place.partition(": ")
    known = [what for what, _, _ in gaps(spec)]
    if side not in ("lower", "centre", "upper"):
        raise InputError(f"unpublished: expected lower, centre or upper, got {place!r}")
    if one and one not in known:
        raise InputError(f"unpublished: no interval is called {one!r}; {did_you_mean(one, known)}")


def _pair(names: list[str]) -> Key:
    return names[0], names[1]


def _statements(variable: Category | Number) -> list[tuple[str, Any]]:
    """Return (state of the parent or "", statement) for a variable with or without rows."""
    if variable.rows is not None:
        return [(row.when, row) for row in variable.rows]
    return [("", variable)]


def _drawn(statement: Any, luck: Luck | None, path: str, name: str, when: str) -> Uniform | None:
    """Return uniforms for a statement that rests on evidence; an assumption is not drawn."""
    if statement.evidence is None:
        return None
    uniform: Uniform | None = drawn_from(luck, path, name, labels=(when,) if when else None)
    return uniform


def _shares(found: Parameters, name: str, variable: Category, luck: Luck | None) -> None:
    for when, statement in _statements(variable):
        statistic = statement.evidence or statement.assumed
        uniform = _drawn(statement, luck, "patients", name, when)
        values = statistic.point() if uniform is None else statistic.draw(uniform)
        columns = np.broadcast_arrays(*(values.get(s, np.zeros(1)) for s in variable.names))
        found.shares[name, when] = np.stack(columns, axis=-1)


def _distributions(found: Parameters, name: str, variable: Number, luck: Luck | None) -> None:
    for when, statement in _statements(variable):
        statistic = statement.evidence or statement.assumed
        uniform = _drawn(statement, luck, "patients", name, when)
        found.distributions[name, when] = fit(statistic, variable.range, uniform)


def _numbers(found: Parameters, name: str, outcome: Any, luck: Luck | None, place: str) -> None:
    """Collect an outcome's numbers: statements by their statistic, intervals by their place."""
    for key in type(outcome).model_fields:
        value = getattr(outcome, key)
        if isinstance(value, Stated):
            for part, drawn in value.values(drawn_from(luck, "outcomes", name, key)).items():
                found.numbers[name, f"{key}.{part}"] = drawn
        elif key == "between_sites" and value is not None:
            where = place_of(place, f"{name}: {BETWEEN_SITES}")
            found.numbers[name, "site_log_sd"] = value.log_sd.value(where)
        elif isinstance(getattr(value, "assumed", None), Interval):
            where = place_of(place, f"{name}: {key.replace('_', ' ')}")
            found.numbers[name, key] = value.value(where)
        elif key == "faster_with":
            for faster in value:
                path = ("outcomes", name, key, faster.variable)
                slope = faster.values(drawn_from(luck, *path))["slope"] / faster.per
                where = place_of(place, f"{name}: {CONVERSION} {faster.variable}")
                points = faster.conversion.value(where) if faster.conversion else 1.0
                found.numbers[name, f"faster.{faster.variable}"] = slope * points


def _latent_correlation(spec: ModelSpec, link: Link, luck: Luck | None) -> Floats:
    """Return the normal scores' correlation that gives the published Pearson correlation.

    NORTA: r(rho) = (E[X(z1) Y(rho z1 + sqrt(1 - rho²) z2)] - mX mY) / (sX sY), by Gauss-Hermite
    quadrature of 80 x 80 points, inverted on a fine grid; the marginals are the published ones.
    Source: Cario & Nelson, Modeling and generating random vectors with arbitrary marginal
    distributions and correlation matrix, Northwestern University 1997.
    """
    first, second = (_published_law(spec, name) for name in link.between)
    z, weight = np.polynomial.hermite_e.hermegauss(80)
    weight = weight / weight.sum()
    u = _open(ndtr(z))[None, :]
    x = first.quantile(u)[:1, :]
    sd = [_standard_deviation(law.quantile(u)[0], weight) for law in (first, second)]
    grid = np.tanh(np.linspace(-3.2, 3.2, 161))
    reached = []
    for rho in grid:
        scores = rho * z[:, None] + np.sqrt(1 - rho**2) * z[None, :]
        y = second.quantile(_open(ndtr(scores)).reshape(1, -1))[0].reshape(scores.shape)
        centred = (x[0] - float(weight @ x[0]))[:, None] * y
        reached.append(float(weight @ centred @ weight) / (sd[0] * sd[1]))
    wanted = link.values(drawn_from(luck, "links", *link.between))["correlation"]
    return np.interp(wanted, np.array(reached), grid)


def _published_law(spec: ModelSpec, name: str) -> Distribution:
    variable = spec.patients[name]
    assert isinstance(variable, Number)
    statistic = variable.evidence or variable.assumed
    assert statistic is not None
    return fit(statistic, variable.range, None)


def _open(u: Floats) -> Floats:
    """Hold probabilities inside (0, 1): quadrature nodes lie far out in the tails."""
    return np.clip(u, 2.0**-60, 1 - 2.0**-53)


def _standard_deviation(values: Floats, weight: Floats) -> float:
    mean = float(weight @ values)
    return float(np.sqrt(weight @ (values - mean) ** 2))


def statements(spec: ModelSpec) -> list[tuple[str, Statistic, bool, str]]:
    """List every statistic that the model takes in: (what, statistic, published?, why assumed)."""
    rows: list[tuple[str, Statistic, bool, str]] = []
    for name, variable in spec.patients.items():
        if isinstance(variable, (Category, Number)):
            for when, part in _statements(variable):
                what = f"{name} where {variable.given} is {when}" if when else name
                rows.append((what, part.evidence or part.assumed, bool(part.evidence), part.why))
    for link in spec.links:
        what = " and ".join(link.between)
        rows.append((what, link.statistic, link.evidence is not None, link.why))
    for name, outcome in spec.outcomes.items():
        for key in type(outcome).model_fields:
            value = getattr(outcome, key)
            if isinstance(value, Stated):
                what = f"{name}: {key.replace('_', ' ')}"
                rows.append((what, value.statistic, value.evidence is not None, value.why))
            elif key == "faster_with":
                rows += [
                    (f"{name}: slope by {f.variable}", f.statistic, f.evidence is not None, f.why)
                    for f in value
                ]
    return rows


def gaps(spec: ModelSpec) -> list[tuple[str, Interval, str]]:
    """List what nobody published: (what, interval, why)."""
    rows = [(" and ".join(u.between), u.correlation, u.why) for u in spec.unpublished]
    for name, outcome in spec.outcomes.items():
        if isinstance(outcome, (Recurrent, TimeToEvent)):
            between = getattr(outcome, "between_sites", None)
            if between is not None:
                what = f"{name}: {BETWEEN_SITES}"
                rows.append((what, between.log_sd.assumed, between.log_sd.why))
            continue
        for key in ("visit_noise_share", "level_and_slope"):
            value = getattr(outcome, key)
            rows.append((f"{name}: {key.replace('_', ' ')}", value.assumed, value.why))
        for faster in outcome.faster_with:
            if faster.conversion is not None:
                what = f"{name}: {CONVERSION} {faster.variable}"
                rows.append((what, faster.conversion.assumed, faster.conversion.why))
    return rows
