"""Luck: the contract on which every result rests. Version 1 of it is pinned here."""

import numpy as np
import pytest
from scipy import stats

from raresim import streams
from raresim.streams import LUCK_BLOCK, ChosenLuck, Luck, RenamedLuck, TakenLuck, point_name

LAST_SEED = 2**63 - 1
GOLDEN = [  # units 0 and 1 of replicates 0, 1 and 1023; never edit without raising CONTRACT
    (1, 0, "baseline.age", [
        "0x1.9e6cdf07b5d48p-4", "0x1.71cd149e3b113p-1", "0x1.d4a4fdf6cfa1bp-1",
        "0x1.3b1df8e61e25fp-1", "0x1.3428ae667774ap-2", "0x1.d17968f628a1bp-1",
    ]),
    (1, 1, "baseline.age", [
        "0x1.0d48ed9623a12p-2", "0x1.87210e3c7bebbp-1", "0x1.ed32c0dbb6074p-3",
        "0x1.e63b48dcdec9cp-3", "0x1.f9cb0958f11a0p-6", "0x1.ffb49679a48a7p-1",
    ]),
    (LAST_SEED, 0, "baseline.age", [
        "0x1.69201ae5a327dp-1", "0x1.8b111a0d31c06p-2", "0x1.f439caf52291bp-1",
        "0x1.87d594de3cc05p-1", "0x1.1f296482f00c8p-4", "0x1.e3951a0b59415p-1",
    ]),
    (1, 0, "randomisation.list[x_linked, yes]", [
        "0x1.16e76139b2bfbp-1", "0x1.29d8c8d9a7007p-1", "0x1.9e75771a2d208p-4",
        "0x1.a2b27ea31ef15p-1", "0x1.8f592ee4a988fp-1", "0x1.7e26523cf86fcp-3",
    ]),
]  # fmt: skip


@pytest.mark.parametrize(("seed", "block", "point", "values"), GOLDEN)
def test_contract_1_gives_the_golden_values(seed, block, point, values):
    assert (streams.CONTRACT, LUCK_BLOCK) == (2, 1024)
    drawn = Luck(seed, block).uniform(point, 2)[[0, 1, 1023]]
    assert [value.hex() for value in drawn.ravel().tolist()] == values


def test_once_is_unit_zero_of_the_point():
    assert (Luck(5, 2).once("x") == Luck(5, 2).uniform("x", 3)[:, 0]).all()


def test_every_uniform_lies_inside_the_open_interval_at_both_ends_of_the_raw_output(monkeypatch):
    class Ends:
        def __init__(self, sequence):
            pass

        def random_raw(self, count):
            raw = np.zeros(count, np.uint64)
            raw[1::2] = np.uint64(2**64 - 1)
            return raw

    monkeypatch.setattr(streams, "PCG64DXSM", Ends)
    drawn = Luck(1, 0).uniform("x", 2)
    assert drawn.min() == 2.0**-53
    assert drawn.max() == 1 - 2.0**-53


def test_uniforms_are_uniform():
    drawn = Luck(11, 0).uniform("x", 100).ravel()
    # for n = 102,400 the KS statistic exceeds 2.3 / sqrt(n) with probability 5e-5 (that of 4 SE)
    assert stats.kstest(drawn, "uniform").statistic < 2.3 / np.sqrt(drawn.size)


@pytest.mark.parametrize(
    "other",
    [
        pytest.param((8, 0, "x"), id="seed"),
        pytest.param((7, 1, "x"), id="block"),
        pytest.param((7, 0, "y"), id="point"),
        pytest.param((7, 0, "x "), id="point by a space"),
        pytest.param((0, 7, "x"), id="seed and block change places"),
        pytest.param((7 + 2**32, 0, "x"), id="seed beyond 32 bits"),
        pytest.param((LAST_SEED, 0, "x"), id="largest seed"),
    ],
)
def test_streams_of_another_seed_block_or_point_are_uncorrelated(other):
    seed, block, point = other
    one = Luck(7, 0).uniform("x", 64).ravel()
    two = Luck(seed, block).uniform(point, 64).ravel()
    r = np.corrcoef(one, two)[0, 1]
    assert abs(r) < 4 / np.sqrt(one.size)  # k = 4 standard errors of a correlation of zero


@pytest.mark.parametrize("axis", [0, 1], ids=["replicates", "units"])
@pytest.mark.parametrize("lag", [1, 2, 32])
def test_neighbouring_replicates_and_units_are_uncorrelated(axis, lag):
    drawn = Luck(3, 0).uniform("x", 64)
    size = drawn.shape[axis]
    one = np.take(drawn, range(size - lag), axis).ravel()
    two = np.take(drawn, range(lag, size), axis).ravel()
    assert abs(np.corrcoef(one, two)[0, 1]) < 4 / np.sqrt(one.size)  # k = 4


def test_asking_for_a_point_twice_is_an_error_that_names_it():
    luck = Luck(1, 0)
    luck.uniform("outcome.death", 3)
    with pytest.raises(RuntimeError, match=r"outcome\.death.*twice"):
        luck.uniform("outcome.death", 3)
    with pytest.raises(RuntimeError, match="twice"):
        luck.once("outcome.death")


def test_points_tells_what_was_asked_for_and_cannot_be_used_to_forget_it():
    luck = Luck(1, 0)
    luck.uniform("a", 3)
    luck.once("b")
    assert luck.points == {"a": 3, "b": 1}
    luck.points.clear()
    with pytest.raises(RuntimeError):
        luck.once("a")


@pytest.mark.parametrize(("seed", "block"), [(-1, 0), (0, -1)])
def test_negative_seed_or_block_is_refused(seed, block):
    with pytest.raises(ValueError, match="not negative"):
        Luck(seed, block)


def test_point_names_carry_their_labels_last():
    assert point_name("outcome", "infection", "gap", labels=[3]) == "outcome.infection.gap[3]"
    assert point_name("randomisation.list", labels=[]) == "randomisation.list[]"
    assert point_name("visit", "week24") == "visit.week24"


POOL = {("north", "old"): 3, ("south", "old"): 2}


def chosen(luck: Luck, *columns: int, groups: dict[tuple[str, ...], int] = POOL) -> ChosenLuck:
    return ChosenLuck(luck, groups, np.tile(columns, (luck.replicates, 1)))


def test_chosen_members_have_their_own_luck_in_any_order():
    drawn = chosen(Luck(1, 0), 4, 0, 2).uniform("x", 3)
    north, south = Luck(1, 0).uniform("x[north, old]", 3), Luck(1, 0).uniform("x[south, old]", 2)
    assert (drawn == np.stack([south[:, 1], north[:, 0], north[:, 2]], axis=1)).all()


def test_another_group_or_a_larger_one_moves_no_member():
    before = chosen(Luck(1, 0), 3, 4).uniform("x", 2)
    larger = {("north", "old"): 5, ("north", "new"): 4, ("south", "old"): 6}
    assert (chosen(Luck(1, 0), 9, 10, groups=larger).uniform("x", 2) == before).all()


def test_chosen_luck_is_of_the_same_trials_and_in_the_same_register():
    luck = Luck(1, 0).only(slice(3, 7))
    mine = chosen(luck, 1, 2)
    assert mine.replicates == 4
    assert (mine.uniform("x", 2) == chosen(Luck(1, 0), 1, 2).uniform("x", 2)[3:7]).all()
    some = chosen(Luck(1, 0), 1, 2).only(slice(3, 7))
    assert (some.uniform("y", 2) == mine.uniform("y", 2)).all()
    assert (mine.once("z") == Luck(1, 0).once("z")[3:7]).all()
    assert luck.points == mine.points
    with pytest.raises(RuntimeError, match="twice"):
        mine.uniform("x", 2)


def test_chosen_luck_refuses_another_number_of_units():
    with pytest.raises(RuntimeError, match="asks for 5 units of 2 chosen members"):
        chosen(Luck(1, 0), 1, 2).uniform("x", 5)


def test_some_units_of_any_luck_are_those_of_all():
    order = np.array([[2, 0], [1, 1], [0, 2]])
    three = slice(5, 8)
    groups = {("north",): 3, ("south",): 2}
    member = np.tile([4, 0, 2], (1024, 1))
    kinds = [
        lambda: Luck(1, 0).only(three),
        lambda: RenamedLuck(Luck(1, 0).only(three), "screening 2"),
        lambda: ChosenLuck(Luck(1, 0), groups, member).only(three),
    ]
    for luck in kinds:
        some = TakenLuck(luck(), 3, order)
        whole = np.take_along_axis(luck().uniform("x", 3), order, axis=1)
        assert (some.uniform("x", 2) == whole).all()
        assert (RenamedLuck(TakenLuck(luck(), 3, order), "again").uniform("x", 2) != whole).all()
        assert (some.once("y") == luck().once("y")).all()
        assert (some.afresh().uniform("x", 2) == whole).all()
        assert some.points == {**luck_points(luck(), "x", 3), **luck_points(luck(), "y", 1)}
        with pytest.raises(RuntimeError, match="twice"):
            some.uniform("x", 2)
        with pytest.raises(RuntimeError, match="asks for 3 units where 2 were taken"):
            some.uniform("z", 3)


def luck_points(luck, point, units):
    luck.uniform(point, units) if units > 1 else luck.once(point)
    return luck.points
