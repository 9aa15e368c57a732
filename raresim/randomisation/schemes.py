"""Randomisation of one patient at a time, from the counts of those before.

A scheme keeps nothing: the caller counts, and the scheme says with which chance the next patient
gets each arm. Its arrays begin with the replicates, so that one trial and a block of 1,024 pass
through the same lines. What is compared is whole numbers, so that ties are ties on every machine;
the chances come from few divisions in a fixed order.

The ratio is in whole parts of each arm; a part of 0 closes the arm.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


class Scheme(Protocol):
    """A method of randomisation, as the chances of the next patient's arms."""

    def chances(self, own: Ints, margins: Ints, ratio: Ints) -> Floats:
        """Return the chance of each arm, shape (rows, arms).

        Parameters
        ----------
        own
            Patients so far in the new patient's own stratum, by arm (rows, arms).
        margins
            For each factor, patients so far who share the new patient's level of it, by arm
            (rows, factors, arms).
        ratio
            Whole parts of each arm (rows, arms); 0 where the arm is closed, above 0 somewhere.
        """
        ...


def chosen(chances: Floats, u: Floats) -> npt.NDArray[np.int8]:
    """Return the arm of each row, from its uniform by inverse CDF.

    Never an arm of chance 0, even where rounding keeps the sum of the chances below `u`.

    Parameters
    ----------
    chances
        Chance of each arm (rows, arms).
    u
        One uniform for each row, inside (0, 1).

    Examples
    --------
    >>> chosen(np.array([[0.5, 0.0, 0.5], [0.5, 0.5, 0.0]]), np.array([0.5, 0.999])).tolist()
    [2, 1]
    """
    arms = chances.shape[1]
    passed = np.count_nonzero(u[:, None] >= np.cumsum(chances, axis=1), axis=1)
    last = arms - 1 - np.argmax(chances[:, ::-1] > 0, axis=1)
    arm: npt.NDArray[np.int8] = np.minimum(passed, last).astype(np.int8)
    return arm


def parts_of(ratio: Ints) -> Ints:
    """Return the sum of each row's parts, shape (rows, 1); an arm is open in every row."""
    total: Ints = np.sum(ratio, axis=1, keepdims=True)
    if not bool(np.all(total > 0)):
        raise ValueError("the ratio is above 0 for one arm at least")
    return total


def per_part(ratio: Ints) -> Ints:
    """Return what turns counts into multiples of counts per part, 0 for closed arms.

    m_k = lcm(r) / r_k, so that N_k m_k compares N_k / r_k in whole numbers.

    >>> per_part(np.array([[2, 1, 3], [1, 0, 1]])).tolist()
    [[3, 6, 2], [1, 0, 1]]
    """
    divisor = np.where(ratio > 0, ratio, 1)
    common = np.lcm.reduce(divisor, axis=1, keepdims=True)
    return np.where(ratio > 0, common // divisor, 0)


def least(values: npt.NDArray[np.int64 | np.float64], ratio: Ints) -> Bools:
    """Return which open arms have the least value, shape (rows, arms)."""
    among = np.where(ratio > 0, values, np.max(values, axis=1, keepdims=True))
    found: Bools = (ratio > 0) & (among == np.min(among, axis=1, keepdims=True))
    return found


def leaning(favoured: Bools, ratio: Ints, chance: float) -> Floats:
    """Return the chances of a coin that leans to the favoured arms, shape (rows, arms).

    An arm that is not favoured has chance c r_k with c = (1 - p) / (R - r_min), where p is
    `chance`, R the sum of the parts and r_min the least part of an open arm. The favoured arms S
    share the rest, 1 - c (R - R_S), in ratio. In other words: with chance 1 - c R the patient goes
    to a favoured arm, else to any arm, both in ratio. So `chance` is that of an arm of the least
    part that alone is favoured; with equal parts, that of any arm that alone is favoured, and the
    others share 1 - p. A favoured arm always has more than its part of the ratio, which a fixed
    chance does not give: at 2:1 a chance of 2/3 would not lean to the larger arm at all.

    Source: Han, Enas & McEntegart, Stat Med 2009;28:3329-3346 (one favoured arm).

    >>> one_two_three = np.array([[1, 2, 3]])
    >>> leaning(np.array([[False, True, False]]), one_two_three, 0.7).round(12).tolist()
    [[0.06, 0.76, 0.18]]
    """
    total = parts_of(ratio)
    smallest = np.min(np.where(ratio > 0, ratio, total), axis=1, keepdims=True)
    lead = np.sum(np.where(favoured, ratio, 0), axis=1, keepdims=True)
    spare = (1.0 - chance) / np.maximum(total - smallest, 1)  # one open arm: it is favoured
    leader = (1.0 - spare * (total - lead)) * ratio / lead
    chances: Floats = np.where(favoured, leader, spare * ratio)
    return chances


def check_chance(chance: float) -> None:
    """Refuse a coin that leans away from the arms that it should favour, or is no coin."""
    if not 0.5 <= chance <= 1:
        raise ValueError(f"the chance is between 1/2 and 1, got {chance}")


@dataclass(frozen=True)
class Simple:
    """Simple (complete) randomisation: each patient in ratio, whoever came before.

    >>> Simple().chances(np.array([[5, 0]]), np.zeros((1, 0, 2), int), np.array([[3, 1]])).tolist()
    [[0.75, 0.25]]
    """

    def chances(self, own: Ints, margins: Ints, ratio: Ints) -> Floats:
        """Return r_k / R, shape (rows, arms)."""
        return ratio / parts_of(ratio)


@dataclass(frozen=True)
class BiasedCoin:
    """Efron's biased coin within strata, for several arms in any ratio.

    The arms with the fewest patients per part, N_k / r_k, are favoured (`leaning`); arms that tie
    are so together, and where all tie the patient is randomised in ratio. For two arms 1:1 that is
    Efron's BCD(p): p for the arm with fewer patients, 1/2 at balance. Where parts differ, a
    patient's chances are not in ratio at each place in the order, though they are in the long run.

    Source: Efron, Biometrika 1971;58:403-417; unequal parts as in `leaning`.

    >>> counts = np.array([[3, 2], [2, 2]])
    >>> coin = BiasedCoin(0.75)
    >>> coin.chances(counts, np.zeros((2, 0, 2), int), np.ones((2, 2), int)).tolist()
    [[0.25, 0.75], [0.5, 0.5]]
    """

    chance: float = 2 / 3

    def __post_init__(self) -> None:
        check_chance(self.chance)

    def chances(self, own: Ints, margins: Ints, ratio: Ints) -> Floats:
        """Return the chances of a coin that leans to the arms furthest below their part."""
        return leaning(least(own * per_part(ratio), ratio), ratio, self.chance)


@dataclass(frozen=True)
class Urn:
    """Wei's urn UD(alpha, beta) within strata, for several arms in any ratio.

    A ball is drawn, put back, and beta balls of each other arm are added. Arm k stands in the urn
    as r_k arms that are alike, so it begins with alpha r_k balls and has, after n patients,
    alpha r_k + beta (n r_k - N_k) of alpha R + beta n (R - 1) balls. For two arms 1:1 that is
    (alpha + beta N_other) / (2 alpha + beta n). Before anybody is randomised, and so averaged over
    all that may come, each patient's chances are in ratio. Common factors of the ratio are taken
    out first. Patients of closed arms do not count: as if those had never been in the urn.

    Source: Wei, JASA 1978;73:559-563 (equal parts); Zhao, Contemp Clin Trials Commun
    2016;2:75-79 (an arm as equal arms, after Kaiser, Stat Med 2012, doi:10.1002/sim.5448).

    Parameters
    ----------
    initial
        alpha, balls of each part at the start; with 0 the first patient is randomised in ratio.
    added
        beta, balls of each other part that are added after a patient; with 0 it is `Simple`.

    Examples
    --------
    >>> urn = Urn(initial=1, added=1)
    >>> urn.chances(np.array([[2, 0]]), np.zeros((1, 0, 2), int), np.ones((1, 2), int)).tolist()
    [[0.25, 0.75]]
    """

    initial: int = 1
    added: int = 1

    def __post_init__(self) -> None:
        if self.initial < 0 or self.added < 0 or self.initial + self.added == 0:
            raise ValueError("the balls are whole numbers from 0, and not both 0")

    def chances(self, own: Ints, margins: Ints, ratio: Ints) -> Floats:
        """Return each arm's share of the balls, shape (rows, arms)."""
        parts_of(ratio)
        parts = ratio // np.gcd.reduce(ratio, axis=1, keepdims=True)
        counts = np.where(parts > 0, own, 0)
        n = np.sum(counts, axis=1, keepdims=True)
        balls = self.initial * parts + self.added * (n * parts - counts)
        empty = np.sum(balls, axis=1, keepdims=True) == 0  # nobody yet, or one arm open
        drawn = np.where(empty, parts, balls)
        return drawn / parts_of(drawn)
