"""A draw is fixed by (seed, replicate, point, unit) and by nothing else."""

from hypothesis import given, settings
from hypothesis import strategies as st

from raresim.streams import Luck

seeds = st.integers(0, 2**63 - 1)
points = st.text(min_size=1, max_size=30)


@settings(max_examples=60, deadline=None)
@given(seeds, st.integers(0, 10_000), points, st.integers(0, 12), st.integers(0, 12))
def test_the_first_units_are_the_same_however_many_follow(seed, block, point, few, more):
    short = Luck(seed, block).uniform(point, few)
    long = Luck(seed, block).uniform(point, few + more)
    assert short.shape == (1024, few)
    assert (short == long[:, :few]).all()
    assert ((long > 0) & (long < 1)).all()


@settings(max_examples=40, deadline=None)
@given(seeds, st.lists(points, min_size=1, max_size=6, unique=True), st.randoms())
def test_the_order_of_asking_changes_no_draw(seed, names, random):
    straight = Luck(seed, 0)
    drawn = {name: straight.uniform(name, 2) for name in names}
    random.shuffle(names)
    shuffled = Luck(seed, 0)
    assert all((shuffled.uniform(name, 2) == drawn[name]).all() for name in names)
