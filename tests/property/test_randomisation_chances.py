"""Chances are chances, closed arms have none, and a row does not see those beside it."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from raresim.randomisation import BiasedCoin, Minimisation, Simple, Urn, chosen
from raresim.streams import Luck

coins = st.floats(0.5, 1)
schemes = st.one_of(
    st.just(Simple()),
    st.builds(BiasedCoin, coins),
    st.builds(Urn, st.integers(0, 3), st.integers(1, 3)),
    st.builds(Minimisation, coins, measure=st.sampled_from(["range", "variance", "sd"])),
)


@st.composite
def moments(draw):
    """Draw a scheme and what it is asked, for some rows; an arm is open in each."""
    rows, arms = draw(st.integers(1, 6)), draw(st.integers(2, 5))
    factors = draw(st.integers(0, 3))
    rng = np.random.Generator(np.random.PCG64(draw(st.integers(0, 2**32))))
    ratio = rng.integers(0, 4, (rows, arms))
    ratio[np.arange(rows), rng.integers(0, arms, rows)] = rng.integers(1, 4, rows)
    most = draw(st.sampled_from([1, 3, 200]))
    own = rng.integers(0, most, (rows, arms))
    return draw(schemes), own, rng.integers(0, most, (rows, factors, arms)), ratio


@given(moments())
def test_chances_are_chances_and_closed_arms_have_none(moment):
    scheme, own, margins, ratio = moment
    found = scheme.chances(own, margins, ratio)
    assert found.shape == ratio.shape
    assert (found >= 0).all()
    assert (found <= 1).all()
    assert (found[ratio == 0] == 0).all()
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=0, atol=1e-14)


@given(moments(), st.integers(0, 2**32))
def test_rows_stand_alone_bit_for_bit(moment, seed):
    scheme, own, margins, ratio = moment
    found = scheme.chances(own, margins, ratio)
    u = Luck(seed, 0).once("arm")[: len(own)]
    arm = chosen(found, u)
    for row in range(len(own)):
        here = slice(row, row + 1)
        alone = scheme.chances(own[here], margins[here], ratio[here])
        assert alone.tobytes() == found[here].tobytes()
        assert chosen(alone, u[here]).tolist() == arm[here].tolist()


@given(moments(), st.integers(0, 2**32))
def test_the_arm_is_open_and_has_a_chance(moment, seed):
    scheme, own, margins, ratio = moment
    found = scheme.chances(own, margins, ratio)
    u = np.concatenate([Luck(seed, 0).once("arm")[: len(own)], np.full(len(own), 1 - 2.0**-53)])
    arm = chosen(np.concatenate([found, found]), u)
    assert (np.concatenate([found, found])[np.arange(len(u)), arm] > 0).all()
    assert (np.concatenate([ratio, ratio])[np.arange(len(u)), arm] > 0).all()


@given(moments())
def test_a_closed_arm_is_as_if_it_had_never_been(moment):
    scheme, own, margins, ratio = moment
    found = scheme.chances(own, margins, ratio)
    for row, parts in enumerate(ratio):
        kept, here = np.flatnonzero(parts), slice(row, row + 1)
        without = scheme.chances(own[here, kept], margins[here][..., kept], ratio[here, kept])
        assert without.tolist() == found[here, kept].tolist()


@given(moments())
def test_the_order_of_factors_is_of_no_account(moment):
    scheme, own, margins, ratio = moment
    assert (
        scheme.chances(own, margins[:, ::-1], ratio) == scheme.chances(own, margins, ratio)
    ).all()


@given(moments())
def test_a_fuller_arm_has_no_more_chance_than_an_emptier_one_of_the_same_part(moment):
    scheme, own, margins, ratio = moment
    found = scheme.chances(own, np.repeat(own[:, None], margins.shape[1], axis=1), ratio)
    for row, parts in enumerate(ratio):
        for a in np.flatnonzero(parts):
            for b in np.flatnonzero((parts == parts[a]) & (own[row] >= own[row, a])):
                assert found[row, b] <= found[row, a]
