"""Permuted blocks: exact ratio in each block, every arrangement alike, no look ahead."""

from itertools import permutations

import numpy as np
import pytest
from scipy import stats

from raresim.randomisation import permuted_blocks
from raresim.streams import Luck


@pytest.mark.parametrize(
    ("ratio", "block"), [((1, 1), 2), ((1, 1), 4), ((2, 1), 6), ((1, 1, 1), 3), ((1, 2, 3), 12)]
)
def test_each_block_holds_the_ratio_exactly(ratio, block):
    u = Luck(1, 0).uniform("list", 5 * block)
    arms = permuted_blocks(u, ratio, block)
    assert arms.shape == u.shape
    for arm, part in enumerate(ratio):
        counts = (arms == arm).reshape(1024, 5, block).sum(axis=2)
        assert (counts == part * block // sum(ratio)).all()


def test_the_order_in_a_block_is_that_of_its_uniforms():
    u = np.array([[0.9, 0.1, 0.5, 0.3, 0.2, 0.8, 0.7, 0.4]])
    assert permuted_blocks(u, (1, 1), 4).tolist() == [[1, 0, 1, 0, 0, 1, 1, 0]]
    assert permuted_blocks(u, (1, 3), 4).tolist() == [[1, 0, 1, 1, 0, 1, 1, 1]]


@pytest.mark.parametrize(("ratio", "block"), [((1, 1), 4), ((2, 1), 3)])
def test_every_arrangement_of_a_block_is_equally_likely(ratio, block):
    u = Luck(3, 0).uniform("list", 20 * block)
    arms = permuted_blocks(u, ratio, block).reshape(-1, block)
    one_block = np.repeat(np.arange(len(ratio)), np.array(ratio) * (block // sum(ratio)))
    possible = sorted(set(permutations(one_block.tolist())))
    seen = [int((arms == np.array(row)).all(axis=1).sum()) for row in possible]
    assert sum(seen) == 20 * 1024
    statistic = stats.chisquare(seen).statistic
    # the quantile of chi-square that is as rare as k = 4 standard errors, one-sided
    assert statistic < stats.chi2(len(possible) - 1).ppf(stats.norm.cdf(4))


def test_neighbouring_blocks_are_independent():
    arms = permuted_blocks(Luck(4, 0).uniform("list", 80), (1, 1), 4).reshape(-1, 4)
    first, last = arms[:-1, 0], arms[1:, 0]
    assert abs(np.corrcoef(first, last)[0, 1]) < 4 / np.sqrt(first.size)  # k = 4


@pytest.mark.parametrize(
    ("places", "ratio", "block"),
    [(6, (1, 1), 4), (6, (1, 1), 3), (4, (2, 1), 4)],
    ids=["half a block", "odd block", "block against ratio"],
)
def test_blocks_that_cannot_be_filled_are_refused(places, ratio, block):
    with pytest.raises(ValueError, match="multiple of the ratio's sum and divides the places"):
        permuted_blocks(np.full((1, places), 0.5), ratio, block)
