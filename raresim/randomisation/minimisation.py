"""Minimisation: balance on the margins of several factors at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from raresim.randomisation.schemes import (
    Bools,
    Floats,
    Ints,
    check_chance,
    leaning,
    least,
    parts_of,
    per_part,
)

Measure = Literal["range", "variance", "sd"]

_ALIKE = 1e-9
"""Sums of square roots that differ by less than this part of themselves are taken as equal."""


@dataclass(frozen=True)
class Minimisation:
    """Minimisation with a random element, for several arms in any ratio.

    For each arm k, the new patient is thought to be in it. Among those who share the patient's
    level of factor i, D_ik measures how far the counts per part N_l / r_l of the open arms differ,
    and G_k = sum_i w_i D_ik. The arms of least G are favoured (`leaning`); arms that tie are so
    together. With `chance` 1 only ties are left to luck, as in Taves' minimisation. Without
    factors, the patients of `own` stand for one: with two arms 1:1 that is Efron's coin on them. To
    balance the trial as a whole as well, give it as one more factor with a single level.

    Where parts differ, a favoured arm's chance is higher the larger its part, and in the long run
    the arms have their parts. But the chances of the patient at a given place in the order are not
    in ratio, as they are in permuted blocks and in the urn: the first patient goes to the largest
    arm with at least `chance`. Tests that re-randomise should do so by the same rule.

    Comparisons are of whole numbers, except for `sd`: sums of square roots have no whole numbers to
    stand for them, so that those within one part in 10⁹ are taken as equal.

    Source: Pocock & Simon, Biometrics 1975;31:103-115; ratios as in Han, Enas & McEntegart, Stat
    Med 2009;28:3329-3346; Taves, Clin Pharmacol Ther 1974;15:443-453; on places in the order
    Kaiser, Stat Med 2012, doi:10.1002/sim.5448.

    Parameters
    ----------
    chance
        Chance of the favoured arm when it has the least part of all.
    weights
        Whole weight of each factor; without, all weigh the same.
    measure
        `range` (largest less smallest), `variance` or `sd`.

    Examples
    --------
    >>> own, one_to_one = np.zeros((1, 2), int), np.ones((1, 2), int)
    >>> margins = np.array([[[3, 1], [2, 3], [5, 4]]])
    >>> Minimisation(0.75).chances(own, margins, one_to_one).tolist()
    [[0.25, 0.75]]
    >>> Minimisation(0.75, weights=(1, 5, 1)).chances(own, margins, one_to_one).tolist()
    [[0.75, 0.25]]
    """

    chance: float = 0.8
    weights: tuple[int, ...] = ()
    measure: Measure = "range"

    def __post_init__(self) -> None:
        check_chance(self.chance)
        if any(weight < 0 for weight in self.weights):
            raise ValueError(f"weights are not negative, got {self.weights}")
        if self.measure not in ("range", "variance", "sd"):
            raise ValueError(f"the measure is range, variance or sd, got {self.measure!r}")

    def chances(self, own: Ints, margins: Ints, ratio: Ints) -> Floats:
        """Return the chances of a coin that leans to the arms of least total imbalance."""
        parts_of(ratio)
        counts = margins if margins.shape[1] else own[:, None, :]
        return leaning(self._favoured(counts, ratio), ratio, self.chance)

    def _favoured(self, counts: Ints, ratio: Ints) -> Bools:
        """Return which arms have the least total imbalance G, shape (rows, arms)."""
        spread = _spread(counts, ratio, by_range=self.measure == "range")
        weights = np.array(self.weights or (1,) * counts.shape[1], dtype=np.int64)
        if len(weights) != counts.shape[1]:
            raise ValueError(f"{len(weights)} weights for {counts.shape[1]} factors")
        if self.measure != "sd":
            return least(np.sum(weights[:, None] * spread, axis=1), ratio)
        # a running sum: the bits do not depend on how many rows stand beside
        total = np.cumsum(weights[:, None] * np.sqrt(spread), axis=1)[:, -1]
        lowest = np.min(np.where(ratio > 0, total, np.inf), axis=1, keepdims=True)
        favoured: Bools = (ratio > 0) & (total <= lowest * (1 + _ALIKE))
        return favoured


def _spread(counts: Ints, ratio: Ints, by_range: bool) -> Ints:
    """Return D with the new patient in each arm, times what a row's arms share.

    Parameters
    ----------
    counts
        Patients so far (rows, factors, arms).
    ratio
        Parts of each arm (rows, arms).
    by_range
        The range of counts per part, times m = lcm(r); else their variance, times m² K² for K open
        arms (with divisor K; K - 1 orders the arms in the same way).

    Returns
    -------
    Shape (rows, factors, arms): the arm is that of the new patient.

    Examples
    --------
    >>> two, equal = np.array([[[3, 1]]]), np.array([[1, 1]])
    >>> _spread(two, equal, by_range=True).tolist(), _spread(two, equal, by_range=False).tolist()
    ([[[3, 1]]], [[[9, 1]]])
    """
    arms = ratio.shape[1]
    with_patient = counts[:, :, None, :] + np.eye(arms, dtype=np.int64)
    level = with_patient * per_part(ratio)[:, None, None, :]
    spread: Ints
    if by_range:
        is_open = (ratio > 0)[:, None, None, :]
        highest = np.max(level, axis=3)  # no count is below the zero of a closed arm
        spread = highest - np.min(np.where(is_open, level, highest[..., None]), axis=3)
    else:  # closed arms are zeros in both sums
        number = np.count_nonzero(ratio, axis=1)[:, None, None]
        spread = number * np.sum(level**2, axis=3) - np.sum(level, axis=3) ** 2
    return spread
