"""Chances of the next patient's arm, derived by hand; ties, closed arms, ratios, refusals."""

import itertools

import numpy as np
import pytest

from raresim.randomisation import (
    BiasedCoin,
    Minimisation,
    Simple,
    Urn,
    chosen,
    correct_guesses,
    imbalance,
)

SCHEMES = [
    Simple(),
    BiasedCoin(),
    BiasedCoin(chance=0.9),
    Urn(),
    Urn(initial=0, added=1),
    Urn(initial=3, added=2),
    Minimisation(),
    Minimisation(chance=1.0),
    Minimisation(weights=(3, 1), measure="variance"),
    Minimisation(weights=(1, 2), measure="sd"),
]


def next_chances(scheme, own, ratio, margins=()):
    """Return the chances of one patient's arms."""
    shaped = np.array(margins, dtype=np.int64).reshape(1, len(margins), len(own))
    return scheme.chances(np.array([own]), shaped, np.array([ratio]))[0]


def close(found, expected):
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-15)


def test_simple_forgets_who_came_before():
    close(next_chances(Simple(), [9, 0, 4], [2, 1, 1]), [0.5, 0.25, 0.25])


@pytest.mark.parametrize(
    ("own", "ratio", "expected"),
    [
        ([3, 5], [1, 1], [2 / 3, 1 / 3]),  # Efron's coin, whatever the difference is
        ([4, 5], [1, 1], [2 / 3, 1 / 3]),
        ([5, 4], [3, 3], [1 / 3, 2 / 3]),
        ([5, 5], [1, 1], [1 / 2, 1 / 2]),
        ([0, 0, 0], [1, 1, 1], [1 / 3, 1 / 3, 1 / 3]),
        ([1, 2, 2], [1, 1, 1], [2 / 3, 1 / 6, 1 / 6]),
        ([1, 1, 2], [1, 1, 1], [5 / 12, 5 / 12, 1 / 6]),  # a coin decides which of both is first
        ([0, 0], [2, 1], [2 / 3, 1 / 3]),  # all tie: in ratio
        ([4, 2], [2, 1], [2 / 3, 1 / 3]),
        ([4, 1], [2, 1], [1 / 3, 2 / 3]),  # 2/3 for the arm of the least part ...
        ([3, 2], [2, 1], [5 / 6, 1 / 6]),  # ... so that c = 1/6, and 1 - 1/6 for the other
        ([7, 1, 1], [0, 1, 1], [0, 1 / 2, 1 / 2]),  # a closed arm's patients count for nothing
        ([0, 2, 1], [0, 1, 1], [0, 1 / 3, 2 / 3]),
        ([0, 8, 1], [0, 0, 5], [0, 0, 1]),
    ],
)
def test_biased_coin_by_hand(own, ratio, expected):
    close(next_chances(BiasedCoin(), own, ratio), expected)


@pytest.mark.parametrize(
    ("urn", "own", "ratio", "expected"),
    [
        (Urn(0, 1), [0, 0], [1, 1], [1 / 2, 1 / 2]),
        (Urn(0, 1), [1, 0], [1, 1], [0, 1]),
        (Urn(0, 1), [2, 1], [1, 1], [1 / 3, 2 / 3]),
        (Urn(1, 1), [2, 0], [1, 1], [1 / 4, 3 / 4]),  # 1 and 1, then two more of the other
        (Urn(1, 3), [2, 0], [1, 1], [1 / 8, 7 / 8]),
        (Urn(2, 1), [2, 1], [1, 1], [3 / 7, 4 / 7]),
        (Urn(2, 1), [2, 1], [4, 4], [3 / 7, 4 / 7]),  # a ratio has no common factor
        (Urn(1, 1), [1, 0, 0], [1, 1, 1], [1 / 5, 2 / 5, 2 / 5]),
        (Urn(1, 1), [2, 1, 0], [1, 1, 1], [2 / 9, 3 / 9, 4 / 9]),
        (Urn(1, 1), [1, 0], [2, 1], [3 / 5, 2 / 5]),  # a of a, a', b: then a, a', a', b, b
        (Urn(1, 1), [0, 1], [2, 1], [4 / 5, 1 / 5]),
        (Urn(1, 1), [9, 2, 0], [0, 1, 1], [0, 1 / 4, 3 / 4]),
        (Urn(0, 1), [4, 2], [0, 3], [0, 1]),  # one arm is open: there is no other ball
        (Urn(5, 0), [9, 0], [3, 1], [3 / 4, 1 / 4]),
    ],
)
def test_urn_by_hand(urn, own, ratio, expected):
    close(next_chances(urn, own, ratio), expected)


@pytest.mark.parametrize(
    ("scheme", "margins", "ratio", "expected"),
    [
        # with the patient in a: ranges 3, 0, 2; in b: 1, 2, 0
        (Minimisation(), [[3, 1], [2, 3], [5, 4]], [1, 1], [0.2, 0.8]),
        (Minimisation(weights=(1, 5, 1)), [[3, 1], [2, 3], [5, 4]], [1, 1], [0.8, 0.2]),
        (Minimisation(), [[3, 2], [2, 3]], [1, 1], [0.5, 0.5]),
        (Minimisation(1.0), [[3, 2], [2, 2]], [1, 1], [0, 1]),
        (Minimisation(1.0), [[3, 2], [2, 3]], [1, 1], [0.5, 0.5]),
        (Minimisation(), [[1, 2, 4]], [1, 1, 1], [0.8, 0.1, 0.1]),  # ranges 2, 3, 4
        (Minimisation(), [[1, 1, 5]], [1, 1, 1], [0.45, 0.45, 0.1]),
        # ranges 0 + 3, 2 + 1, 2 + 2; variances, times 9: 0 + 14, 6 + 2, 6 + 8
        (Minimisation(), [[1, 2, 2], [4, 2, 3]], [1, 1, 1], [0.45, 0.45, 0.1]),
        (
            Minimisation(measure="variance"),
            [[1, 2, 2], [4, 2, 3]],
            [1, 1, 1],
            [0.1, 0.8, 0.1],
        ),
        # the range stays 5 whoever of three comes; c = 1/15
        (Minimisation(), [[0, 0, 1, 5]], [1, 1, 1, 1], [14 / 45, 14 / 45, 14 / 45, 1 / 15]),
        (
            Minimisation(measure="variance"),
            [[0, 0, 1, 5]],
            [1, 1, 1, 1],
            [13 / 30, 13 / 30, 1 / 15, 1 / 15],
        ),
        # 2:1, nobody yet: one more is half a part of a, a whole part of b
        (Minimisation(), [[0, 0]], [2, 1], [0.9, 0.1]),
        (Minimisation(), [[2, 0]], [2, 1], [0.2, 0.8]),
        (Minimisation(), [], [1, 1], [0.5, 0.5]),
        # a closed arm, far behind, counts for nothing
        (Minimisation(), [[3, 0, 4]], [1, 0, 1], [0.8, 0, 0.2]),
        (Minimisation(measure="variance"), [[3, 0, 4]], [1, 0, 1], [0.8, 0, 0.2]),
        (Minimisation(measure="sd"), [[3, 0, 4]], [1, 0, 1], [0.8, 0, 0.2]),
        # 2 squares less the square of the sum: of 4 and 2 it is 4, of 3 and 4 it is 1
        (Minimisation(measure="variance"), [[3, 1, 9]], [2, 1, 0], [0.2, 0.8, 0]),
    ],
)
def test_minimisation_by_hand(scheme, margins, ratio, expected):
    close(next_chances(scheme, [0] * len(ratio), ratio, margins), expected)


def test_sums_of_square_roots_in_another_order_tie():
    # each arm stands in each place once, so that all have the same three standard deviations
    for counts in itertools.combinations(range(7), 3):
        margins = [np.roll(counts, turn) for turn in range(3)]
        found = next_chances(Minimisation(measure="sd"), [0, 0, 0], [1, 1, 1], margins)
        close(found, [1 / 3, 1 / 3, 1 / 3])


def test_without_factors_minimisation_is_efrons_coin_on_the_stratum():
    for own in itertools.product(range(5), repeat=2):
        coin = next_chances(BiasedCoin(0.8), own, [1, 1])
        for measure in ("range", "variance", "sd"):
            scheme = Minimisation(0.8, measure=measure)
            assert next_chances(scheme, own, [1, 1]).tolist() == coin.tolist()


@pytest.mark.parametrize("scheme", SCHEMES, ids=repr)
@pytest.mark.parametrize("ratio", [(1, 1, 1), (3, 2, 1), (2, 0, 2)], ids=str)
def test_relabelled_arms_have_their_chances_relabelled(scheme, ratio):
    own, margins = np.array([[4, 1, 2]]), np.array([[[4, 1, 2], [2, 2, 1]]])
    plain = scheme.chances(own, margins, np.array([ratio]))
    for order in itertools.permutations(range(3)):
        names = list(order)
        moved = scheme.chances(own[:, names], margins[:, :, names], np.array([ratio])[:, names])
        assert moved.tolist() == plain[:, names].tolist()


@pytest.mark.parametrize("scheme", SCHEMES, ids=repr)
def test_a_ratio_is_what_it_is_in_lowest_terms(scheme):
    own, margins = np.array([[4, 1, 2]]), np.array([[[4, 1, 2], [2, 2, 1]]])
    plain, times = np.array([[3, 2, 1]]), np.array([[12, 8, 4]])
    close(scheme.chances(own, margins, plain), scheme.chances(own, margins, times))


@pytest.mark.parametrize("scheme", SCHEMES, ids=repr)
def test_a_trial_without_an_open_arm_is_refused(scheme):
    with pytest.raises(ValueError, match="above 0 for one arm"):
        next_chances(scheme, [1, 1], [0, 0], [[1, 1], [1, 1]])


def test_the_arm_is_where_its_chances_reach_the_uniform():
    chances = np.array([[0.25, 0.0, 0.5, 0.25]])
    for u, arm in [(1e-16, 0), (0.24, 0), (0.25, 2), (0.74, 2), (0.75, 3), (1 - 1e-16, 3)]:
        assert chosen(chances, np.array([u])).tolist() == [arm]
    assert chosen(chances, np.array([0.5])).dtype == np.int8


def test_rounding_never_chooses_a_closed_arm():
    thirds = np.array([[0.1] * 10 + [0.0]])  # ten tenths add up to less than 1
    assert thirds.cumsum()[-1] < 1
    assert chosen(thirds, np.array([1 - 2.0**-53])).tolist() == [9]
    first_closed = np.array([[0.0, 1.0, 0.0]])
    for u in (2.0**-53, 0.5, 1 - 2.0**-53):
        assert chosen(first_closed, np.array([u])).tolist() == [1]


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: BiasedCoin(0.4), "between 1/2 and 1"),
        (lambda: BiasedCoin(1.1), "between 1/2 and 1"),
        (lambda: Minimisation(float("nan")), "between 1/2 and 1"),
        (lambda: Minimisation(weights=(1, -1)), "not negative"),
        (lambda: Minimisation(measure="entropy"), "range, variance or sd"),
        (lambda: Urn(-1, 1), "whole numbers from 0"),
        (lambda: Urn(0, 0), "not both 0"),
        (lambda: next_chances(Minimisation(weights=(1, 1)), [0, 0], [1, 1], [[0, 0]]), "2 weights"),
    ],
)
def test_what_is_no_scheme_is_refused(make, words):
    with pytest.raises(ValueError, match=words):
        make()


def test_imbalance_on_its_way():
    arm = np.array([[0, 0, 1, 1, 1], [1, -1, 1, 0, -1]])
    assert imbalance(arm).tolist() == [[1, 2, 1, 0, 1], [1, 1, 2, 1, 1]]
    assert imbalance(np.array([[2, 1, 0, 0]]), (2, 1, 1)).tolist() == [[1, 1, 0.5, 0]]


@pytest.mark.parametrize(
    ("arm", "ratio", "expected"),
    [
        ([0, 1, 0, 1], (1, 1), 3.0),  # 1/2 + 1 + 1/2 + 1
        ([0, 0, 1, 1], (1, 1), 2.5),  # 1/2 + 0 + 1 + 1
        ([0, 0, 0, 0], (1, 1), 0.5),
        ([1, -1, 0, -1], (1, 1), 1.5),
        ([0, 1, 2], (1, 1, 1), 1 / 3 + 1 / 2 + 1),
        ([0, 0, 1], (2, 1), 2 / 3 + 0 + 1),
        ([1, 0, 0], (2, 1), 1 / 3 + 1 + 1),
        ([], (1, 1), None),
    ],
)
def test_guesses_by_hand(arm, ratio, expected):
    if expected is None:
        assert correct_guesses(np.zeros((2, 0), np.int8)).tolist() == [0.0, 0.0]
    else:
        close(correct_guesses(np.array([arm]), ratio), [expected])
