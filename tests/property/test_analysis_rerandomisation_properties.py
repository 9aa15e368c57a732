"""Re-randomisation: rows of a batch, symmetries, exact reference sets, degenerate tables."""

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from raresim.analysis import Note
from raresim.analysis.batch import ancova, cox, logrank
from raresim.analysis.rerandomisation import (
    Procedure,
    rerandomisation_logrank,
    rerandomisation_test,
)
from raresim.analysis.rerandomisation.assignment import possible, rerandomised_arms
from raresim.analysis.rerandomisation.batch import (
    logrank_scores,
    rank_scores,
    rerandomised,
    rerandomised_scores,
    residual_scores,
)
from raresim.analysis.rerandomisation.enumeration import enumerated_arms
from raresim.errors import InputError
from raresim.randomisation import BiasedCoin, Minimisation, Simple, Urn, chosen, permuted_blocks

PROCEDURES = [
    Procedure(block=4),
    Procedure(ratio=(2, 1), block=6),
    Procedure(scheme=Simple()),
    Procedure(ratio=(2, 1), scheme=BiasedCoin(0.7)),
    Procedure(scheme=Urn()),
    Procedure(scheme=Minimisation(0.8)),
    Procedure(scheme=Minimisation(1.0, weights=(1, 3))),
    Procedure(scheme=Minimisation(0.75, weights=(2, 1), measure="sd")),
    Procedure(scheme=Minimisation(0.75, measure="variance")),
    Procedure(ratio=(2, 1), scheme=Minimisation(0.8)),
]
every = pytest.mark.parametrize("procedure", PROCEDURES, ids=str)
FIELDS = ("observed", "centre", "p", "p_less", "p_greater", "ci_low", "ci_high", "notes")


def trial(seed: int, rows: int, patients: int, draws: int, procedure: Procedure):
    rng = np.random.default_rng(seed)
    shape = (rows, patients)
    present = rng.random(shape) < 0.85
    stratum, level = rng.integers(0, 3, shape), rng.integers(0, 2, (*shape, 2))
    arm = np.zeros(shape, dtype=int)
    for b in range(rows):
        u = rng.random((1, patients))
        arm[b] = rerandomised_arms(procedure, u, present[b], stratum[b], level[b])[:, 0]
    score = np.where(rng.random(shape) < 0.1, np.nan, rng.normal(size=shape).round(1))
    return {
        "score": score,
        "arm": arm,
        "present": present,
        "uniforms": rng.random((rows, draws, patients)),
        "stratum": stratum,
        "level": level,
    }


def fit(t, procedure, **options):
    named = {"stratum": t["stratum"], "level": t["level"], "procedure": procedure, **options}
    return rerandomised_scores(t["score"], t["arm"], t["present"], t["uniforms"], **named)


def bits(answer, b):
    return [np.asarray(getattr(answer, name)[b]).tobytes() for name in FIELDS]


def alone(t, b, places, wide):
    """Row b with its patients at some places of a wider row, the others absent."""
    rng = np.random.default_rng(5)
    draws = t["uniforms"].shape[1]
    found = {
        "score": rng.normal(size=(1, wide)),
        "arm": np.zeros((1, wide), dtype=int),
        "present": np.zeros((1, wide), dtype=bool),
        "uniforms": rng.random((1, draws, wide)),
        "stratum": rng.integers(0, 3, (1, wide)),
        "level": rng.integers(0, 2, (1, wide, 2)),
    }
    for name, values in t.items():
        if name == "uniforms":
            found[name][0][:, places] = values[b]
        else:
            found[name][0, places] = values[b]
    return found


@every
@pytest.mark.parametrize("statistic", ["sum", "mean difference"])
def test_a_row_of_a_batch_is_that_row_alone(procedure, statistic):
    t = trial(3, 5, 23, 60, procedure)
    options = {"statistic": statistic, "interval": True, "two_sided": "absolute"}
    together = fit(t, procedure, **options)
    for b in range(5):
        for places, wide in ((np.arange(23), 23), (np.arange(23) * 2 + 1, 50)):
            assert bits(fit(alone(t, b, places, wide), procedure, **options), 0) == bits(
                together, b
            )


@every
def test_short_cuts_draw_as_the_scheme_does(procedure):
    t = trial(7, 1, 30, 200, procedure)
    u, here = t["uniforms"][0], t["present"][0]
    got = rerandomised_arms(procedure, u, here, t["stratum"][0], t["level"][0])
    own = np.zeros((200, 3, 2), dtype=np.int64)
    margins = np.zeros((200, 2, 2, 2), dtype=np.int64)
    rows = np.arange(200)
    for k in np.flatnonzero(here):
        s, levels = t["stratum"][0, k], t["level"][0, k]
        arm = chosen(procedure.chances(own[:, s], margins[:, [0, 1], levels]), u[:, k])
        np.testing.assert_array_equal(got[k], arm)
        own[rows, s, arm] += 1
        for i, code in enumerate(levels):
            margins[rows, i, code, arm] += 1


@every
def test_what_was_drawn_is_possible_and_its_share_is_its_probability(procedure):
    t = trial(2, 1, 6, 20_000, procedure)
    here = np.ones(6, dtype=bool)
    stratum, level = np.array([0, 0, 1, 0, 1, 0]), np.array([[0, 0], [1, 0], [0, 1]] * 2)
    arms = rerandomised_arms(procedure, t["uniforms"][0][:, :6], here, stratum, level)
    listed, probability = enumerated_arms(procedure, here, stratum, level, most=64)
    assert probability.sum() == pytest.approx(1.0, abs=1e-12)
    code = 2 ** np.arange(6)
    found = np.bincount(code @ arms, minlength=64) / 20_000
    wanted = np.bincount(code @ listed, probability, minlength=64)
    assert np.all(np.abs(found - wanted) <= 5 * np.sqrt(wanted * (1 - wanted) / 20_000) + 1e-12)
    rows = np.array(list(itertools.product((0, 1), repeat=6)))
    many = (np.ones((64, 6), bool), np.tile(stratum, (64, 1)), np.tile(level, (64, 1, 1)))
    np.testing.assert_array_equal(possible(procedure, rows, *many), (wanted > 0)[rows @ code])


def test_blocks_are_those_of_the_list():
    """Every order of a block is as likely, as in `permuted_blocks`, which fills lists."""
    rng = np.random.default_rng(1)
    mine = rerandomised_arms(Procedure(block=4), rng.random((60_000, 4)), np.ones(4, bool))
    lists = permuted_blocks(rng.random((60_000, 4)), (1, 1), 4).T
    code = np.array([1, 2, 4, 8])
    a, b = (np.bincount(code @ arms, minlength=16) / 60_000 for arms in (mine, lists))
    assert np.all(np.abs(a - b) < 5 * np.sqrt(2 * (1 / 6) * (5 / 6) / 60_000))
    np.testing.assert_array_equal(a > 0, b > 0)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), which=st.sampled_from([0, 2, 4, 5, 8]))
def test_swapping_the_arms_swaps_the_tails(seed, which):
    """With every assignment listed and a procedure 1:1, which arm is which does not matter."""
    procedure = PROCEDURES[which]
    t = trial(seed, 2, 9, 1, procedure)
    a = fit(t, procedure, list_up_to=600)
    b = fit({**t, "arm": np.where(t["arm"] < 0, -1, 1 - t["arm"])}, procedure, list_up_to=600)
    np.testing.assert_array_equal(a.converged, b.converged)
    np.testing.assert_allclose(a.p_one_sided("less"), b.p_one_sided("greater"), atol=1e-12)
    np.testing.assert_allclose(a.p, b.p, atol=1e-12)
    np.testing.assert_allclose(a.observed, -b.observed, atol=1e-12)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), shift=st.floats(-50, 50), scale=st.floats(0.01, 100))
def test_units_and_zero_of_the_score_do_not_matter(seed, shift, scale):
    t = trial(seed, 2, 15, 99, PROCEDURES[0])
    a = fit(t, PROCEDURES[0], interval=True)
    b = fit({**t, "score": t["score"] * scale + shift}, PROCEDURES[0], interval=True)
    np.testing.assert_array_equal(a.p, b.p)
    np.testing.assert_allclose(b.ci_low, a.ci_low * scale, rtol=1e-6, atol=1e-6 * scale)


def test_the_interval_holds_what_the_test_does_not_reject():
    rng = np.random.default_rng(4)
    procedure, n, draws = Procedure(block=4), 16, 999
    arm = rerandomised_arms(procedure, rng.random((1, n)), np.ones(n, bool)).T.astype(int)
    here, u = np.ones((1, n), bool), rng.random((draws, n))
    y = rng.normal(size=(1, n)) + 1.5 * arm
    one = rerandomised_scores(y, arm, here, u, procedure=procedure, interval=True)
    for limit, side in ((one.ci_low[0], "p_greater"), (one.ci_high[0], "p_less")):
        for nudge in (-1e-6, 1e-6):
            moved = rerandomised_scores(
                y - (limit + nudge) * arm, arm, here, u, procedure=procedure
            )
            inside = (nudge > 0) == (side == "p_greater")
            assert (getattr(moved, side)[0] > 0.025) == inside


def test_log_rank_scores_add_up_to_the_test():
    rng = np.random.default_rng(8)
    shape = (40, 25)
    time, event = rng.integers(1, 12, shape), rng.random(shape) < 0.6
    arm, here = rng.integers(0, 2, shape), rng.random(shape) < 0.9
    for stratum in (None, rng.integers(0, 3, shape)):
        score = logrank_scores(time, event, here, stratum)
        test = logrank(time, event, arm, here, stratum)
        total = np.nansum(np.where(arm == 1, score, 0.0), axis=1)
        np.testing.assert_allclose(total, test.estimate / test.se**2, atol=1e-12)


def test_residual_and_rank_scores():
    rng = np.random.default_rng(9)
    y, x = rng.normal(size=(3, 14)), rng.normal(50.0, 9.0, (3, 14, 2))
    here = np.ones((3, 14), bool)
    got = residual_scores(y, x, here)
    for b in range(3):
        design = np.column_stack((np.ones(14), x[b]))
        wanted = y[b] - design @ np.linalg.lstsq(design, y[b], rcond=None)[0]
        np.testing.assert_allclose(got[b], wanted, atol=1e-12)
    twice = np.concatenate((x, x[:, :, :1]), axis=2)
    np.testing.assert_allclose(residual_scores(y, twice, here), got, atol=1e-10)
    ranked = rank_scores(y.round(0), here)
    for b in range(3):
        np.testing.assert_array_equal(ranked[b], pd.Series(y[b].round(0)).rank())


@pytest.mark.parametrize("kernel", [logrank, cox], ids=["logrank", "cox"])
def test_a_kernel_over_the_draws_is_that_kernel_draw_by_draw(kernel):
    rng = np.random.default_rng(12)
    procedure, n = Procedure(block=4), 12
    time, event = rng.integers(1, 30, (2, n)), rng.random((2, n)) < 0.8
    here, u = np.ones((2, n), bool), rng.random((200, n))
    arm = rerandomised_arms(procedure, rng.random((2, n)), here[0]).T.astype(int)
    got = rerandomised(kernel, {"time": time, "event": event}, arm, here, u, procedure=procedure)
    drawn = rerandomised_arms(procedure, u, here[0]).T
    for b in range(2):
        own = kernel(time[b : b + 1], event[b : b + 1], arm[b : b + 1], here[:1]).statistic[0]
        found = np.array(
            [
                kernel(time[b : b + 1], event[b : b + 1], d[None].astype(int), here[:1]).statistic[
                    0
                ]
                for d in drawn
            ]
        )
        lost = np.isnan(found)
        greater = (1 + np.sum(lost | (found >= own - 1e-9))) / 201
        assert got.p_greater[b] == pytest.approx(greater, abs=1e-12)
        assert bool(got.notes[b] & Note.REFIT_FAILED) == lost.any()


def test_linear_and_refitted_differences_agree():
    rng = np.random.default_rng(13)
    procedure, n = Procedure(ratio=(2, 1), block=6), 18
    y, here, u = rng.normal(size=(3, n)), np.ones((3, n), bool), rng.random((500, n))
    arm = rerandomised_arms(procedure, rng.random((3, n)), here[0]).T.astype(int)
    a = rerandomised_scores(y, arm, here, u, procedure=procedure, two_sided="absolute")
    columns = {"outcome": y, "baseline": np.zeros((3, n, 0))}
    for compared in ("estimate", "statistic"):
        b = rerandomised(
            ancova,
            columns,
            arm,
            here,
            u,
            procedure=procedure,
            compared=compared,
            two_sided="absolute",
        )
        np.testing.assert_array_equal(a.p_less, b.p_less)  # t is monotone in the difference
    np.testing.assert_allclose(
        a.observed,
        b.observed * ancova(y, baseline=columns["baseline"], arm=arm, present=here).se,
    )


def test_rows_of_refits_alone_are_those_of_the_batch():
    rng = np.random.default_rng(14)
    procedure, n = Procedure(block=4), 12
    time, event = rng.integers(1, 30, (3, n)), rng.random((3, n)) < 0.8
    here, u = rng.random((3, n)) < 0.9, rng.random((3, 80, n))
    arm = np.stack([rerandomised_arms(procedure, rng.random((1, n)), h)[:, 0] for h in here])
    arm = arm.astype(int)
    columns = {"time": time, "event": event}
    together = rerandomised(logrank, columns, arm, here, u, procedure=procedure)
    for b in range(3):
        one = {name: values[b : b + 1] for name, values in columns.items()}
        row = rerandomised(
            logrank, one, arm[b : b + 1], here[b : b + 1], u[b : b + 1], procedure=procedure
        )
        assert bits(row, 0) == bits(together, b)


TABLE = pd.DataFrame(
    {"y": [1.0, 2.0, 3.0, 4.0] * 3, "arm": list("paap") * 3, "day": range(12), "event": [0] * 12}
)
NAMES = {"arm": "arm", "control": "p", "seed": 1}


def test_degenerate_tables_say_why():
    tied = rerandomisation_test(
        TABLE.assign(y=1.0), outcome="y", procedure=Procedure(block=4), **NAMES
    )
    assert tied.p == tied.p_less == tied.p_greater == 1.0
    nobody = rerandomisation_test(
        TABLE.assign(y=np.where(TABLE["arm"] == "p", np.nan, 1.0)),
        outcome="y",
        procedure=Procedure(block=4),
        **NAMES,
    )
    assert not nobody.converged and np.isnan(nobody.p)
    assert any("One arm has no patients" in note for note in nobody.notes)
    other = rerandomisation_test(
        TABLE.assign(arm=list("ppppaaaapapa")), outcome="y", procedure=Procedure(block=4), **NAMES
    )
    assert not other.converged and "procedure" in other.notes[0] and np.isnan(other.p)
    none = rerandomisation_logrank(
        TABLE, time="day", event="event", procedure=Procedure(block=4), **NAMES
    )
    assert none.p == 1.0


def test_faults_are_told():
    with pytest.raises(InputError, match="exactly one of them"):
        Procedure()
    with pytest.raises(InputError, match="multiple of 3"):
        Procedure(ratio=(2, 1), block=4)
    with pytest.raises(InputError, match="ratio"):
        Procedure(ratio=(1,), block=4)
    with pytest.raises(InputError, match="two_sided"):
        rerandomisation_test(
            TABLE, outcome="y", procedure=Procedure(block=4), two_sided="both", **NAMES
        )
    with pytest.raises(InputError, match="uniforms"):
        fit({**trial(1, 2, 9, 5, PROCEDURES[0]), "uniforms": np.ones((4, 3))}, PROCEDURES[0])
    with pytest.raises(InputError, match="too many to list"):
        rerandomisation_test(
            TABLE, outcome="y", procedure=Procedure(block=4), draws=0, list_up_to=10, **NAMES
        )
