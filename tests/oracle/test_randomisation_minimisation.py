"""Minimisation: published chances, smallerize, and a plain implementation of the text."""

import math
import random
from fractions import Fraction

import numpy as np
import pytest

from raresim.randomisation import Minimisation, correct_guesses, imbalance
from tests.lists import lucky, play


def test_published_chances_of_biased_coin_minimisation():
    """1:2:3 and 0.7: Han, Enas & McEntegart, Stat Med 2009;28:3329-3346, by smallerize's tests."""
    expected = [[0.7, 0.12, 0.18], [0.06, 0.76, 0.18], [0.06, 0.12, 0.82]]
    for favoured in range(3):
        counts = np.array([[9, 18, 27]])
        counts[0, favoured] = 0
        found = Minimisation(0.7).chances(counts, counts[:, None], np.array([[1, 2, 3]]))
        np.testing.assert_allclose(found[0], expected[favoured], rtol=0, atol=1e-15)


SMALLERIZE = [
    ("range", (1,), [[5, 2]], [0.2, 0.8]),
    ("range", (3, 1), [[6, 1, 2], [4, 5, 4]], [0.1, 0.8, 0.1]),
    ("variance", (3, 1, 3), [[2, 4, 3], [2, 2, 0], [0, 3, 3]], [0.8, 0.1, 0.1]),
    (
        "variance",
        (1,),
        [[1, 1, 1, 2]],
        [0.311111111111, 0.311111111111, 0.311111111111, 0.066666666667],
    ),
    ("sd", (1, 1), [[6, 5], [5, 2]], [0.2, 0.8]),
    ("sd", (1, 3, 2), [[3, 4, 3], [4, 2, 4], [0, 6, 3]], [0.1, 0.8, 0.1]),
    ("range", (1,), [[6, 1, 6]], [0.1, 0.8, 0.1]),
    (
        "range",
        (2, 2),
        [[3, 1, 3, 2], [6, 2, 5, 4]],
        [0.066666666667, 0.8, 0.066666666667, 0.066666666667],
    ),
    ("variance", (3, 1, 3), [[0, 4], [2, 1], [1, 0]], [0.8, 0.2]),
    ("variance", (3,), [[0, 0, 2]], [0.45, 0.45, 0.1]),
    ("sd", (1, 1), [[3, 4, 5], [4, 6, 2]], [0.8, 0.1, 0.1]),
    (
        "sd",
        (3, 2, 1),
        [[6, 0, 5, 3], [6, 6, 0, 0], [2, 2, 3, 1]],
        [0.066666666667, 0.066666666667, 0.066666666667, 0.8],
    ),
]


@pytest.mark.parametrize(("measure", "weights", "counts", "expected"), SMALLERIZE)
def test_minimisation_of_smallerize(measure, weights, counts, expected):
    """smallerize 0.4.0: weighted_sum, best_only, preferred_p 0.8; arms that tie take turns."""
    margins = np.array([counts])
    equal = np.ones((1, margins.shape[2]), np.int64)
    found = Minimisation(0.8, weights, measure).chances(0 * equal, margins, equal)
    np.testing.assert_allclose(found[0], expected, rtol=0, atol=1e-11)


class PlainMinimisation:
    """Pocock & Simon's method from their text, one trial, with its own random numbers."""

    def __init__(self, ratio, levels, chance, seed):
        self.ratio, self.levels, self.chance = ratio, levels, chance
        self.random = random.Random(seed)

    def total(self, patients, new, arm):
        imbalances = Fraction(0)
        for factor, level in enumerate(new):
            counts = [0] * len(self.ratio)
            for other, given in [*patients, (new, arm)]:
                counts[given] += other[factor] == level
            parts = [Fraction(c, r) for c, r in zip(counts, self.ratio, strict=True)]
            imbalances += max(parts) - min(parts)
        return imbalances

    def one_of(self, arms):
        return self.random.choices(arms, [self.ratio[arm] for arm in arms])[0]

    def trial(self, n):
        everybody, patients = range(len(self.ratio)), []
        spare = (1 - self.chance) / (sum(self.ratio) - min(self.ratio))
        for _ in range(n):
            new = tuple(self.random.randrange(level) for level in self.levels)
            totals = [self.total(patients, new, arm) for arm in everybody]
            best = self.one_of([arm for arm in everybody if totals[arm] == min(totals)])
            anyhow = self.random.random() < spare * sum(self.ratio)
            patients.append((new, self.one_of(list(everybody)) if anyhow else best))
        return patients


def margins_of(factors, arm, levels, ratio):
    """Return the sum over all levels of all factors of the range of counts per part."""
    total = np.zeros(len(arm))
    for factor, level in enumerate(levels):
        for value in range(level):
            here = factors[:, :, factor] == value
            parts = [np.count_nonzero(here & (arm == k), 1) / r for k, r in enumerate(ratio)]
            total += np.max(parts, axis=0) - np.min(parts, axis=0)
    return total


@pytest.mark.parametrize("ratio", [(1, 1), (2, 1), (1, 1, 1)], ids=str)
def test_minimisation_against_a_plain_one(ratio):
    """40 patients, factors of 2, 2 and 3 levels; k = 4 standard errors of both together."""
    n, levels, runs = 40, (2, 2, 3), 300
    plain = PlainMinimisation(ratio, levels, 0.8, seed=21)
    trials = [plain.trial(n) for _ in range(runs)]
    theirs = np.array([[arm for _, arm in trial] for trial in trials])
    theirs_factors = np.array([[new for new, _ in trial] for trial in trials])
    size = np.array(levels)
    ours_factors = np.stack([lucky((22, 23, 24)[f], n, 4) * size[f] for f in range(3)], 2)
    ours_factors = ours_factors.astype(np.int64)
    ours = play(Minimisation(0.8), lucky(25, n, 4), ratio, ours_factors, levels)
    for measure in (
        lambda factors, arm: margins_of(factors, arm, levels, ratio),
        lambda factors, arm: imbalance(arm, ratio)[:, -1],
        lambda factors, arm: imbalance(arm, ratio).max(axis=1),
        lambda factors, arm: correct_guesses(arm, ratio),
        lambda factors, arm: np.count_nonzero(arm == 0, axis=1),
    ):
        a, b = measure(ours_factors, ours), measure(theirs_factors, theirs)
        error = math.sqrt(a.var(ddof=1) / len(a) + b.var(ddof=1) / len(b))
        assert abs(a.mean() - b.mean()) < 4 * error
