"""A list is as it is, however many places and replicates stand beside it."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from raresim.randomisation import permuted_blocks
from raresim.streams import Luck


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 2**63 - 1),
    st.lists(st.integers(1, 3), min_size=2, max_size=4),
    st.integers(1, 3),
    st.integers(1, 4),
    st.integers(0, 4),
)
def test_longer_lists_begin_with_the_shorter_and_rows_stand_alone(seed, ratio, times, few, more):
    block = sum(ratio) * times
    long = Luck(seed, 0).uniform("list", (few + more) * block)
    short = Luck(seed, 0).uniform("list", few * block)
    arms = permuted_blocks(long, tuple(ratio), block)
    assert (permuted_blocks(short, tuple(ratio), block) == arms[:, : few * block]).all()
    assert (permuted_blocks(long[7:8], tuple(ratio), block) == arms[7:8]).all()
    counts = np.stack([(arms == arm).sum(axis=1) for arm in range(len(ratio))])
    assert (counts == np.array(ratio)[:, None] * times * (few + more)).all()
