"""Baseline: an ancestral sampler of the Bayesian network under the luck contract.

Categories come first by the tables' rows, numbers follow given their categorical parents, and
linked numbers share normal scores (a Gaussian copula). An ordered category is a normal score cut at
thresholds, and is linked by it. Every value is a quantile of a uniform of its own.
Source of the latter: Olsson, Psychometrika 1979;44:443-460 (polychoric correlation).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr, ndtri

from raresim.alike import take
from raresim.disease.parameters import Parameters
from raresim.disease.spec import ModelSpec
from raresim.disease.variable_block import Category, Computed, LookedUp, Number, Sum
from raresim.errors import InputError, Problem
from raresim.evidence.distributions import Distribution
from raresim.evidence.statistics import Floats
from raresim.streams import Luck

Integers = npt.NDArray[np.int64]


@dataclass
class Patients:
    """Baseline of a block of candidates: arrays of shape (replicates, units).

    `values` holds numbers, and the number of the state for categories; `scores` the normal scores
    of numbers and of ordered categories; `site` the number of each candidate's site among `sites`.
    """

    values: dict[str, npt.NDArray[Any]]
    scores: dict[str, Floats]
    site: Integers
    sites: int
    units: int
    site_names: tuple[str, ...] = field(default=())

    def taken(self, chosen: Integers) -> Patients:
        """Return some of the candidates, by their numbers (replicates, places)."""

        def some(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
            return take(values, chosen)

        values = {name: some(own) for name, own in self.values.items()}
        scores = {name: some(own) for name, own in self.scores.items()}
        site, units = some(self.site), chosen.shape[1]
        return replace(self, values=values, scores=scores, site=site, units=units)


def order(spec: ModelSpec) -> list[str]:
    """Return the variables so that parents stand before children.

    Raises
    ------
    InputError
        When a parent is unknown or the parents form a cycle.
    """
    parents = {name: parents_of(spec, name) for name in spec.patients}
    done: list[str] = []
    while len(done) < len(parents):
        ready = [n for n, above in parents.items() if n not in done and above <= set(done)]
        if not ready:
            circle = ", ".join(sorted(set(parents) - set(done)))
            message = f"variables depend on each other in a circle: {circle}"
            mend = "take 'given', 'sum_of' or a tie away from one of them"
            raise InputError(Problem(message, field="patients", mend=mend))
        done += ready
    return done


def states_of(spec: ModelSpec) -> dict[str, tuple[str, ...]]:
    """Return the states of each categorical variable."""
    found = spec.patients.items()
    return {name: variable.names for name, variable in found if isinstance(variable, Category)}


def parents_of(spec: ModelSpec, name: str) -> set[str]:
    """Return the variables that must be known before `name` is sampled."""
    variable = spec.patients[name]
    if isinstance(variable, Sum):
        return set(variable.sum_of)
    if isinstance(variable, LookedUp):
        return {variable.table_of}
    if isinstance(variable, Computed):
        names: set[str] = variable.formula.names
        return names & set(spec.patients)
    parents = {variable.given} if variable.given else set()
    pairs = [link.between for link in spec.links] + [gap.between for gap in spec.unpublished]
    return parents | {first for first, second in pairs if second == name and first in spec.patients}


def sample(
    spec: ModelSpec,
    parameters: Parameters,
    luck: Luck,
    units: int,
    told: Mapping[str, Floats] | None = None,
) -> tuple[dict[str, npt.NDArray[Any]], dict[str, Floats]]:
    """Return values and normal scores of the baseline variables, arrays (1024, units).

    A number that is `told` is not drawn; nothing may be tied to it.
    """
    values: dict[str, npt.NDArray[Any]] = {**(told or {})}
    scores: dict[str, Floats] = {}
    for name in order(spec):
        if name in values:
            continue
        variable = spec.patients[name]
        if isinstance(variable, Sum):
            values[name] = np.add.reduce([values[part] for part in variable.sum_of])
            continue
        if isinstance(variable, LookedUp):
            values[name] = np.interp(values[variable.table_of], variable.at, variable.value)
            continue
        if isinstance(variable, Computed):
            computed = variable.formula.evaluate(values, states_of(spec))
            values[name] = np.broadcast_to(computed, (luck.replicates, units))
            continue
        u = luck.uniform(f"baseline.{name}", units)
        if isinstance(variable, Category):
            if variable.ordered:  # a normal score, cut at the thresholds of the shares
                scores[name], u = couple(parameters, name, u, scores)
            tables = {w: parameters.shares[n, w] for n, w in parameters.shares if n == name}
            picked = {when: _state(u, table) for when, table in tables.items()}
            values[name] = _by_parent(spec, variable, picked, values)
        else:
            scores[name], u = couple(parameters, name, u, scores)
            laws = {
                w: parameters.distributions[n, w] for n, w in parameters.distributions if n == name
            }
            values[name] = _quantiles(spec, variable, laws, u, values)
    return values, scores


def couple(
    parameters: Parameters, name: str, u: Floats, scores: dict[str, Floats]
) -> tuple[Floats, Floats]:
    """Return normal score and uniform of `name` after tying it to the numbers it is linked to.

    Untouched where nothing is linked, or every correlation is zero (see `copula`).
    """
    own = ndtri(u)
    tie = parameters.ties.get(name)
    if tie is None:
        return own, u
    together = tie.score(scores, own)
    return together, open_uniform(together)


def tied(parameters: Parameters, name: str, u: Floats, scores: dict[str, Floats]) -> Floats:
    """Return the uniform of `name` after tying it to the numbers it is linked to."""
    return couple(parameters, name, u, scores)[1] if name in parameters.ties else u


def open_uniform(score: Floats) -> Floats:
    """Return Phi(score) held inside (0, 1), where rounding would reach an end."""
    return np.clip(ndtr(score), 2.0**-60, 1 - 2.0**-53)


def _state(u: Floats, shares: Floats) -> Integers:
    """Return the state whose cumulative share first exceeds u."""
    state = np.zeros(u.shape, np.int64)
    for cumulative in np.cumsum(shares, axis=-1).T[:-1]:
        state += u >= cumulative[:, None]
    return state


def _quantiles(
    spec: ModelSpec,
    variable: Number,
    laws: dict[str, Distribution],
    u: Floats,
    values: dict[str, Any],
) -> Floats:
    """Return the value at u by the law that belongs to the parent's state, patient by patient.

    Each law is asked only of those whose state it belongs to: a quantile can be dear.
    """
    if variable.given is None:
        return laws[""].quantile(u)
    parent = spec.patients[variable.given]
    assert isinstance(parent, Category)
    found = np.empty(u.shape)
    for number, name in enumerate(parent.names):
        own = values[variable.given] == number
        most = int(own.sum(axis=1).max())
        if not most:
            continue
        places = np.argsort(~own, axis=1, kind="stable")[:, :most]  # some of others fill rows up
        drawn = laws[name].quantile(np.take_along_axis(u, places, axis=1))
        kept = np.take_along_axis(found, places, axis=1)
        mine = np.take_along_axis(own, places, axis=1)
        np.put_along_axis(found, places, np.where(mine, drawn, kept), axis=1)
    return found


def _by_parent(
    spec: ModelSpec, variable: Category, drawn: dict[str, Any], values: dict[str, Any]
) -> npt.NDArray[Any]:
    """Choose, patient by patient, the row that belongs to the parent's state."""
    if variable.given is None:
        return np.asarray(drawn[""])
    parent = spec.patients[variable.given]
    assert isinstance(parent, Category)
    state = values[variable.given]
    return np.asarray(np.choose(state, [drawn[name] for name in parent.names]))
