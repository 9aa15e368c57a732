"""Races of cells: who leaves cannot be the maximum, but for a stated chance."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from raresim.questions.race import MISSED, ROUNDS, p_no_less, rounds, staying
from raresim.streams import LUCK_BLOCK

K = 4
"""Monte Carlo standard errors."""


def test_rounds_are_whole_luck_blocks_and_end_with_what_was_asked_for() -> None:
    assert rounds(20_000) == [1024, 2048, 5120, 10_240, 20_000]
    assert rounds(LUCK_BLOCK) == [LUCK_BLOCK]
    assert all(trials % LUCK_BLOCK == 0 for trials in rounds(20_000)[:-1])


@pytest.mark.parametrize(("ahead", "behind"), [(0, 0), (3, 0), (9, 1), (40, 30), (5, 9)])
def test_the_test_is_that_of_mcnemar(ahead: int, behind: int) -> None:
    front = np.array([True] * ahead + [False] * behind + [True, False])
    other = np.array([False] * ahead + [True] * behind + [True, False])
    exact = stats.binom.sf(ahead - 1, ahead + behind, 0.5)
    assert p_no_less(front, other) == pytest.approx(exact)


def test_who_is_far_behind_leaves_and_who_is_near_stays() -> None:
    rng = np.random.default_rng(3)
    often, near, seldom = (rng.random(5120) < share for share in (0.05, 0.045, 0.02))
    assert staying({4: seldom, 7: often, 9: near}, 3, 4) == [7, 9]
    assert staying({2: seldom}, 1, 4) == [2]


def test_the_cell_that_errs_most_often_hardly_ever_leaves() -> None:
    """Nine cells that err alike, the hardest case, 1,000 races; luck is shared in part."""
    rng, cells, races = np.random.default_rng(11), 9, 1000
    ends = [LUCK_BLOCK * blocks for blocks in ROUNDS]
    left = 0
    for _ in range(races):
        shared = rng.random(ends[-1]) < 0.5
        hits = {k: shared & (rng.random(ends[-1]) < 0.05) for k in range(cells)}
        there = list(hits)
        for end in ends:
            there = staying({k: hits[k][:end] for k in there}, cells, len(ends))
        left += 0 not in there
    assert left / races <= MISSED + K * np.sqrt(MISSED / races)
