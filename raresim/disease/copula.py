"""Ties between numbers: a Gaussian copula, built variable by variable.

Each variable has a normal score. One that is tied to others is a regression on their scores,

    z = w' z_parents + sqrt(1 - w' R w) z_own,    R w = r

with R the parents' own correlations and r those asked for, so that every correlation asked for is
attained exactly on the normal scores. It cannot be where w' R w exceeds 1: then no population has
all of these correlations.
Source: Joe, Dependence Modeling with Copulas, Chapman & Hall 2014 (Gaussian copula by sequential
conditional distributions).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from raresim.evidence.statistics import Floats

Key = tuple[str, str]
MOST = 1 - 1e-6
"""Largest share of a score's variance that its parents may explain."""


@dataclass(frozen=True)
class Ties:
    """What a variable's score takes from its parents: weights (replicates, parents).

    `own` (replicates,) is the factor of its own luck; `explained` the variance that the
    correlations asked for would need, above 1 where they cannot be together.
    """

    parents: tuple[str, ...]
    weights: Floats
    own: Floats
    explained: Floats

    def score(self, scores: Mapping[str, Floats], own: Floats) -> Floats:
        """Return the tied scores, shape (replicates, units)."""
        tied = self.weights[:, :1] * scores[self.parents[0]]
        for k, parent in enumerate(self.parents[1:], start=1):
            tied = tied + self.weights[:, k : k + 1] * scores[parent]
        return np.asarray(tied + self.own[:, None] * own)


def ties(asked: Mapping[Key, Floats]) -> dict[str, Ties]:
    """Return the ties of each variable, from correlations of normal scores by (parent, child).

    A variable whose correlations are all zero is not tied. Beside another tie a zero is one: what
    two parents have in common would else reach the child.

    >>> found = ties({("a", "b"): np.array([0.6]), ("a", "c"): np.array([0.5]),
    ...               ("b", "c"): np.array([0.3])})
    >>> found["c"].parents, found["c"].weights.round(3).tolist()
    (('a', 'b'), [[0.5, 0.0]])
    """
    tied = {child for (_, child), rho in asked.items() if bool(np.any(rho != 0))}
    pairs = {pair: rho for pair, rho in asked.items() if pair[1] in tied}
    known: dict[Key, Floats] = {}
    found: dict[str, Ties] = {}
    for child in _order(pairs):
        parents = tuple(first for first, second in pairs if second == child)
        if not parents:
            continue
        found[child] = _regress(parents, [pairs[parent, child] for parent in parents], known)
        for other in {name for pair in pairs for name in pair} - {child}:
            known[child, other] = known[other, child] = sum(
                (
                    found[child].weights[:, k] * _between(parent, other, known)
                    for k, parent in enumerate(parents)
                ),
                np.zeros(1),
            )
    return found


def _order(pairs: Mapping[Key, Floats]) -> list[str]:
    """Return the variables so that parents stand before children."""
    names = list(dict.fromkeys(name for pair in pairs for name in pair))
    done: list[str] = []
    while len(done) < len(names):
        ready = [
            name
            for name in names
            if name not in done and all(a in done for a, b in pairs if b == name)
        ]
        if not ready:  # a circle is refused where the file is read
            raise ValueError("ties form a circle")
        done += ready
    return done


def _between(first: str, second: str, known: Mapping[Key, Floats]) -> Floats:
    if first == second:
        return np.ones(1)
    return known.get((first, second), np.zeros(1))


def _regress(parents: tuple[str, ...], asked: list[Floats], known: Mapping[Key, Floats]) -> Ties:
    """Solve for the weights in every replicate; what cannot be is shrunk to the edge."""
    among = [[_between(a, b, known) for b in parents] for a in parents]
    flat = np.broadcast_arrays(*asked, *(value for row in among for value in row))
    count = len(parents)
    r = np.stack(flat[:count], axis=-1)
    matrix = np.stack(flat[count:], axis=-1).reshape(-1, count, count)
    if count == 1:
        weights, explained = r, r[:, 0] ** 2
    else:
        ridge = 1e-10 * np.eye(count)  # parents that are one and the same have no inverse
        weights = np.linalg.solve(matrix + ridge, r[..., None])[..., 0]
        explained = np.sum(weights * r, axis=-1)
    shrunk = np.where(explained > MOST, np.sqrt(MOST / np.maximum(explained, MOST)), 1.0)
    weights = weights * shrunk[:, None]
    own = np.sqrt(1 - explained * shrunk**2)
    return Ties(parents, weights, own, explained)
