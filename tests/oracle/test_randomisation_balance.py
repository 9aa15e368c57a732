"""Balance and predictability of the schemes: closed forms and published values.

`law` plays a scheme of two arms without luck. It is held against closed forms; lists, which are
played with luck, against `law`.
"""

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest

from raresim.randomisation import (
    BiasedCoin,
    Minimisation,
    Simple,
    Urn,
    correct_guesses,
    imbalance,
    permuted_blocks,
)
from tests.lists import differences, law, lucky, play, variance, within


@pytest.mark.parametrize("p", [0.55, 2 / 3, 0.7, 0.9, 1.0])
def test_efrons_coin_is_its_markov_chain(p):
    n = 30
    step = np.zeros((n + 2, n + 2))  # |D| goes from 0 to 1, else down with p and up with 1 - p
    step[0, 1] = 1.0
    for size in range(1, n + 1):
        step[size, size - 1], step[size, size + 1] = p, 1 - p
    laws, _ = law(BiasedCoin(p), n)
    for place in (1, 2, 7, 30):
        chain = np.linalg.matrix_power(step, place)[0]
        found = np.zeros(n + 2)
        np.add.at(found, np.abs(differences(laws[place])), laws[place])
        np.testing.assert_allclose(found, chain, rtol=0, atol=1e-14)


@pytest.mark.parametrize("p", [2 / 3, 0.7, 0.8])
def test_efrons_coin_has_its_limits(p):
    """P(D = 0) to 1 - 1/r at even n, r = p/q; right guesses to 1/2 + (r - 1) / (4 r).

    The stationary law of the chain on |D|: pi_0 = (r - 1) / (2 r), of which even places have twice.
    """
    r = p / (1 - p)
    laws, right = law(BiasedCoin(p), 400)
    assert laws[400][200] == pytest.approx(1 - 1 / r, abs=1e-7)
    assert right[-2:].mean() == pytest.approx(1 / 2 + (r - 1) / (4 * r), abs=1e-7)
    if p == 2 / 3:
        assert laws[400][200] == pytest.approx(1 / 2, abs=1e-7)
        assert right[-2:].mean() == pytest.approx(5 / 8, abs=1e-7)


@pytest.mark.parametrize(
    ("urn", "closed_form"),
    [
        (Urn(0, 1), lambda n: n / 3),
        (Urn(0, 5), lambda n: n / 3),
        (Urn(1, 1), lambda n: (n + 2) / 3),
    ],
    ids=["UD(0, 1)", "UD(0, 5)", "UD(1, 1)"],
)
def test_variance_of_the_urns_difference(urn, closed_form):
    """V(n + 1) = 1 + V(n) (1 - 2 beta / (2 alpha + beta n)), as E[step | D] = -beta D / balls."""
    laws, _ = law(urn, 60)
    for n in range(3, 61):
        assert variance(laws[n]) == pytest.approx(closed_form(n), rel=1e-12)


@pytest.mark.parametrize(("alpha", "beta"), [(1, 1), (2, 1), (1, 4), (3, 2)])
def test_variance_of_the_urns_difference_step_by_step(alpha, beta):
    laws, _ = law(Urn(alpha, beta), 40)
    expected = Fraction(1)
    for n in range(1, 40):
        assert variance(laws[n]) == pytest.approx(float(expected), rel=1e-12)
        expected = 1 + expected * (1 - Fraction(2 * beta, 2 * alpha + beta * n))


def test_the_urn_without_balls_at_the_start_counts_eulerian_numbers():
    """P(N_a = k) = A(n - 1, k - 1) / (n - 1)!, as the descents of a random permutation."""
    laws, _ = law(Urn(0, 1), 12)
    for n in range(2, 13):
        eulerian = [
            sum((-1) ** j * math.comb(n, j) * (k - j) ** (n - 1) for j in range(k + 1))
            for k in range(n + 1)
        ]
        np.testing.assert_allclose(laws[n], np.array(eulerian) / math.factorial(n - 1), atol=1e-14)


@pytest.mark.parametrize(("ratio", "urn"), [((2, 1), Urn(1, 1)), ((1, 2, 3), Urn(2, 1))], ids=str)
def test_an_urn_in_a_ratio_is_an_urn_of_equal_arms_some_of_which_are_alike(ratio, urn):
    alike = [arm for arm, part in enumerate(ratio) for _ in range(part)]
    probability = {(): Fraction(1)}
    for place in range(4):
        known, joint = {}, {}
        longer = {}
        for drawn, chance in probability.items():
            balls = [urn.initial + urn.added * (place - drawn.count(v)) for v in range(len(alike))]
            counts = tuple(sum(alike[v] == arm for v in drawn) for arm in range(len(ratio)))
            known[counts] = known.get(counts, 0) + chance
            for v, ball in enumerate(balls):
                here = chance * Fraction(ball, sum(balls))
                longer[(*drawn, v)] = here
                joint[counts, alike[v]] = joint.get((counts, alike[v]), 0) + here
        for counts, chance in known.items():
            none = np.zeros((1, 0, len(ratio)), np.int64)
            found = urn.chances(np.array([counts]), none, np.array([ratio]))[0]
            expected = [float(joint[counts, arm] / chance) for arm in range(len(ratio))]
            np.testing.assert_allclose(found, expected, rtol=0, atol=1e-14)
        probability = longer


def test_the_urn_keeps_the_ratio_at_every_place():
    laws, _ = law(Urn(1, 2), 30, ratio=(2, 1))
    for n in range(31):
        assert laws[n] @ np.arange(n + 1) == pytest.approx(2 * n / 3, abs=1e-12)


# Zhao, Weng, Wu & Palesch, Pharm Stat 2012;11:39-48, tables III and IV: n, 5,000 simulated trials,
# share of places with exact balance, SD of the final difference, share of right guesses
ZHAO = [
    (BiasedCoin(0.7), 20, 0.298, 1.731, 0.633),
    (BiasedCoin(0.7), 80, 0.287, 1.760, 0.640),
    (BiasedCoin(0.7), 300, 0.287, 1.783, 0.642),
    (BiasedCoin(0.65), 100, 0.236, 2.349, 0.614),
    (Urn(1, 5), 100, 0.122, 5.696, 0.543),
]


@pytest.mark.parametrize(("scheme", "n", "balanced", "sd", "guessed"), ZHAO, ids=str)
def test_published_balance_and_predictability(scheme, n, balanced, sd, guessed):
    """Within k = 4 standard errors of their simulation, and half a unit of the last place.

    Among lists of these schemes, the standard deviation of a list's share of right guesses is below
    0.37 / sqrt(n), that of its share of balanced places below 0.65 / sqrt(n).
    """
    laws, right = law(scheme, n)
    found_sd = math.sqrt(variance(laws[n]))
    assert abs(found_sd - sd) < 4 * found_sd / math.sqrt(2 * 5000) + 0.0005
    assert abs(right.mean() - guessed) < 4 * 0.37 / math.sqrt(5000 * n) + 0.0005
    even = [laws[place][place // 2] for place in range(2, n + 1, 2)]
    assert abs(sum(even) / n - balanced) < 4 * 0.65 / math.sqrt(5000 * n) + 0.0005


def guesses_of(sequence):
    """Return the expected right guesses of one list of two arms, said again in another way."""
    right = Fraction(0)
    for place, arm in enumerate(sequence):
        ahead = sum(1 if before == arm else -1 for before in sequence[:place])
        right += Fraction(1, 2) if ahead == 0 else Fraction(int(ahead < 0))
    return right


@pytest.mark.parametrize("half", [1, 2, 3, 4])
def test_right_guesses_in_permuted_blocks(half):
    """m + 2^(2m - 1) / C(2m, m) - 1/2 in a block of 2 m: Blackwell & Hodges 1957."""
    arrangements = sorted(set(itertools.permutations([0] * half + [1] * half)))
    exact = sum(map(guesses_of, arrangements)) / len(arrangements)
    closed = half + Fraction(2 ** (2 * half - 1), math.comb(2 * half, half)) - Fraction(1, 2)
    assert exact == closed
    found = correct_guesses(np.array(arrangements))
    assert found.tolist() == [float(guesses_of(a)) for a in arrangements]
    blocks = 5
    lists = permuted_blocks(lucky(half, 2 * half * blocks, 2), (1, 1), 2 * half)
    sample = correct_guesses(lists)
    if half > 1:
        assert within(sample, blocks * float(exact))
    else:
        assert (sample == 1.5 * blocks).all()
    assert imbalance(lists).max() == half
    assert (imbalance(lists)[:, 2 * half - 1 :: 2 * half] == 0).all()


@pytest.mark.parametrize(
    ("scheme", "ratio"),
    [
        (Simple(), (1, 1)),
        (BiasedCoin(), (1, 1)),
        (BiasedCoin(0.8), (2, 1)),
        (Urn(0, 1), (1, 1)),
        (Urn(), (2, 1)),
        (Minimisation(0.8), (1, 1)),
        (Minimisation(0.8, measure="variance"), (3, 2)),
    ],
    ids=str,
)
def test_lists_follow_the_law_of_their_scheme(scheme, ratio):
    n = 40
    laws, right = law(scheme, n, ratio)
    arm = play(scheme, lucky(11, n), ratio)
    first = np.count_nonzero(arm == 0, axis=1)
    k = np.arange(n + 1)
    assert within(first, laws[n] @ k)
    assert within(first**2, laws[n] @ k**2)
    assert within(correct_guesses(arm, ratio), right.sum())
    size = np.abs(k / ratio[0] - (n - k) / ratio[1])
    assert within(imbalance(arm, ratio)[:, -1], laws[n] @ size)


@pytest.mark.parametrize("ratio", [(2, 1), (1, 2, 3)], ids=str)
@pytest.mark.parametrize("scheme", [BiasedCoin(), Minimisation(0.7)], ids=str)
def test_coins_keep_to_an_unequal_ratio(scheme, ratio):
    """A coin leans to each arm alike: shares are right, and the imbalance does not grow with n."""
    arm = play(scheme, lucky(12, 240, 2), ratio)
    size = imbalance(arm, ratio).mean(axis=0)
    assert abs(size[180:].mean() - size[60:120].mean()) < 0.1
    for k, part in enumerate(ratio):
        expected = 240 * part / sum(ratio)
        assert abs(np.count_nonzero(arm == k, axis=1).mean() - expected) < 0.5
