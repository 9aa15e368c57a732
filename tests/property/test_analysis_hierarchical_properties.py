"""Prioritised outcomes: rows alone, symmetries, and the pairs counted one by one."""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from raresim.analysis import Note, Results
from raresim.analysis.hierarchical import BUYSETEST, WINS, Rules
from raresim.analysis.hierarchical.batch import (
    Level,
    finkelstein_schoenfeld,
    joint_rank,
    patient_scores,
    win_statistics,
)
from raresim.errors import InputError

Table = dict[str, np.ndarray]
FIELDS = [
    field.name for field in dataclasses.fields(Results) if field.name not in ("method", "measure")
]
RULES = [
    Rules(margin, tied, rounding)
    for margin in ("exceeded", "reached")
    for tied in ("undecided", "outlives")
    for rounding in ("decimal", "binary")
]


def draw(seed: int, replicates: int, patients: int) -> Table:
    rng = np.random.default_rng(seed)
    shape = (replicates, patients)
    score = rng.integers(0, 5, shape) / 10.0
    return {
        "time": rng.integers(1, 9, shape).astype(float),
        "event": rng.random(shape) < 0.5,
        "score": np.where(rng.random(shape) < 0.1, np.nan, score),
        "best": rng.normal(size=shape),
        "arm": rng.integers(0, 2, shape),
        "present": rng.random(shape) < 0.85,
        "stratum": rng.integers(0, 3, shape),
        "covariate": rng.normal(size=(*shape, 1)),
    }


def levels(table: Table, margin: float = 0.1) -> list[Level]:
    return [
        Level(table["time"], table["event"], 2.0 * (margin > 0.0)),
        Level(table["score"], None, margin, higher_is_better=False),
        Level(table["best"]),
    ]


def measures(found: Any) -> list[Results]:
    return [found.win_ratio, found.win_odds, found.net_benefit]


def win(**options: Any) -> Callable[[Table], list[Results]]:
    def fit(table: Table) -> list[Results]:
        more = dict(options)
        if more.pop("strata", False):
            more["stratum"] = table["stratum"]
        return measures(win_statistics(levels(table), table["arm"], table["present"], **more))

    return fit


METHODS: dict[str, Callable[[Table], list[Results]]] = {
    "plain": win(),
    "projection": win(variance="projection", rules=BUYSETEST),
    "second order": win(variance="second_order", rules=WINS),
    **{
        weights: win(weights=weights, strata=True)
        for weights in ("mantel_haenszel", "equal", "size", "inverse_variance")
    },
    "finkelstein-schoenfeld": lambda t: [
        finkelstein_schoenfeld(levels(t), t["arm"], t["present"], stratum=t["stratum"])
    ],
    "joint rank": lambda t: [
        joint_rank(levels(t), t["arm"], t["present"], baseline=t["covariate"])
    ],
}
tables = st.builds(
    draw,
    seed=st.integers(0, 2**32 - 1),
    replicates=st.integers(1, 5),
    patients=st.integers(1, 30),
)


def bits(found: list[Results], b: int) -> list[object]:
    values = [getattr(results, name)[b] for results in found for name in FIELDS]
    return ["nan" if np.all(np.isnan(value)) else value.tobytes() for value in values]


def alone(table: Table, b: int, keep: np.ndarray) -> Table:
    return {name: values[b : b + 1][:, keep] for name, values in table.items()}


def scattered(table: Table, b: int, seed: int) -> Table:
    rng = np.random.default_rng(seed)
    number = table["arm"].shape[1]
    wide = number + int(rng.integers(1, 20))
    place = np.sort(rng.choice(wide, number, replace=False))
    padded = draw(seed, 1, wide)
    padded["present"][:] = False
    for name, values in table.items():
        padded[name][0, place] = values[b]
    return padded


@pytest.mark.parametrize("name", METHODS)
@settings(max_examples=25, deadline=None)
@given(table=tables, seed=st.integers(0, 2**32 - 1))
def test_a_row_of_a_batch_is_that_row_alone(name: str, table: Table, seed: int) -> None:
    fit = METHODS[name]
    together = fit(table)
    for b in range(table["arm"].shape[0]):
        here = bits(together, b)
        assert bits(fit(alone(table, b, np.ones(table["arm"].shape[1], dtype=bool))), 0) == here
        assert bits(fit(scattered(table, b, seed)), 0) == here
        if table["present"][b].any():
            assert bits(fit(alone(table, b, table["present"][b])), 0) == here


@pytest.mark.parametrize("name", METHODS)
def test_a_row_of_a_large_batch_is_that_row_alone(name: str) -> None:
    table = draw(3, 300, 61)
    together = METHODS[name](table)
    for b in (0, 1, 150, 299):
        assert bits(METHODS[name](alone(table, b, table["present"][b])), 0) == bits(together, b)


@pytest.mark.parametrize("name", [name for name in METHODS if name != "size"])
@settings(max_examples=20, deadline=None)
@given(table=tables)
def test_swapping_the_arms_turns_the_sign(name: str, table: Table) -> None:
    """Not for weights by size, which average ratios; binary margins differ between the arms."""
    decimal = table["score"] * 8.0  # sums of eighths are exact
    table = dict(table, score=decimal)
    for one, other in zip(
        METHODS[name](table), METHODS[name](dict(table, arm=1 - table["arm"])), strict=True
    ):
        if name not in ("projection", "second order"):
            np.testing.assert_array_equal(one.converged, other.converged)
            np.testing.assert_allclose(other.estimate, -one.estimate, rtol=1e-9, atol=1e-12)
            np.testing.assert_allclose(other.se, one.se, rtol=1e-9)


@pytest.mark.parametrize("name", METHODS)
@settings(max_examples=30, deadline=None)
@given(table=tables)
def test_no_answer_is_flagged_and_every_answer_is_finite(name: str, table: Table) -> None:
    for results in METHODS[name](table):
        for field in ("estimate", "se", "ci_low", "ci_high", "statistic", "p"):
            np.testing.assert_array_equal(np.isfinite(getattr(results, field)), results.converged)
        assert np.all(results.notes[~results.converged] > 0)


def beats(a: Table, i: int, j: int, rules: Rules, margin: float) -> int:
    """Say who wins a pair by reading the rules aloud."""
    late = 2.0 if margin else 0.0

    def apart(difference: float, needed: float) -> bool:
        if rules.margin == "reached" and needed > 0.0:
            return difference > needed - 1e-9
        return difference > needed + 1e-9

    def outlives(x: int, y: int) -> bool:
        difference = a["time"][0, x] - a["time"][0, y]
        if not a["event"][0, y]:
            return False
        tied = rules.censored_at_event == "outlives" and not a["event"][0, x]
        return apart(difference, late) or (tied and abs(difference - late) < 1e-9)

    for better, worse in (
        (outlives(i, j), outlives(j, i)),
        (
            apart(a["score"][0, j] - a["score"][0, i], margin),
            apart(a["score"][0, i] - a["score"][0, j], margin),
        ),
        (a["best"][0, i] > a["best"][0, j], a["best"][0, j] > a["best"][0, i]),
    ):
        if better or worse:
            return 1 if better else -1
    return 0


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    patients=st.integers(2, 12),
    rules=st.sampled_from([rules for rules in RULES if rules.rounding == "decimal"]),
    margin=st.sampled_from([0.0, 0.1, 0.3]),
)
def test_pairs_are_those_of_two_loops(
    seed: int, patients: int, rules: Rules, margin: float
) -> None:
    table = draw(seed, 1, patients)
    found = patient_scores(levels(table, margin), table["present"], rules=rules)[0]
    here = np.flatnonzero(table["present"][0])
    for i in here:
        wanted = sum(beats(table, i, j, rules, margin) for j in here if j != i)
        assert found[i] == wanted


@settings(max_examples=40, deadline=None)
@given(table=tables)
def test_pairs_and_scores_agree(table: Table) -> None:
    """The treated patients' scores against all are those against the controls."""
    arm, present = table["arm"], table["present"]
    pairs = win_statistics(levels(table), arm, present)
    net = finkelstein_schoenfeld(levels(table), arm, present)
    there = net.converged & pairs.net_benefit.converged
    np.testing.assert_array_equal((pairs.wins - pairs.losses)[there], net.estimate[there])


@settings(max_examples=30, deadline=None)
@given(table=tables)
def test_one_stratum_is_no_stratum(table: Table) -> None:
    same = np.full_like(table["stratum"], 4)
    arm, present = table["arm"], table["present"]
    plain = measures(win_statistics(levels(table), arm, present))
    for weights in ("mantel_haenszel", "equal", "size", "inverse_variance"):
        strata = win_statistics(levels(table), arm, present, stratum=same, weights=weights)  # type: ignore[arg-type]
        for one, other in zip(plain, measures(strata), strict=True):
            np.testing.assert_allclose(one.estimate, other.estimate, rtol=1e-9, atol=1e-12)
            if weights != "size":  # WINS takes the variance of a ratio to be its logarithm's
                np.testing.assert_allclose(one.se, other.se, rtol=1e-9)


@settings(max_examples=30, deadline=None)
@given(table=tables)
def test_a_monotone_change_of_an_outcome_without_margin_changes_nothing(table: Table) -> None:
    arm, present = table["arm"], table["present"]
    one = win_statistics([Level(table["time"], table["event"]), Level(table["best"])], arm, present)
    changed = [Level(table["time"] ** 3, table["event"]), Level(np.exp(table["best"]))]
    other = win_statistics(changed, arm, present)
    for b in range(arm.shape[0]):
        assert bits(measures(one), b) == bits(measures(other), b)


def test_a_margin_in_decimals_is_what_it_is_on_paper() -> None:
    value, arm = np.array([[1.4, 0.9]]), np.array([[1, 0]])
    present = np.ones((1, 2), dtype=bool)
    for rules, wins in ((Rules("reached"), 1), (Rules("exceeded"), 0)):
        both = [np.repeat(part, 2, axis=1) for part in (value, arm, present)]
        found = win_statistics([Level(both[0], None, 0.5)], both[1], both[2], rules=rules)
        assert int(found.wins[0]) == 4 * wins


@pytest.mark.parametrize("higher", [True, False])
def test_censored_at_the_time_of_an_event(higher: bool) -> None:
    """The event comes first: later is better, or (a recovery) the event itself is."""
    time, event = np.full((1, 4), 7.0), np.array([[True, True, False, False]])
    arm, present = np.array([[1, 1, 0, 0]]), np.ones((1, 4), dtype=bool)
    for tied, pairs in (("undecided", 0), ("outlives", 4)):
        rules = Rules(censored_at_event=tied)  # type: ignore[arg-type]
        level = Level(time, event, higher_is_better=higher)
        found = win_statistics([level], arm, present, rules=rules)
        won, lost = int(found.wins[0]), int(found.losses[0])
        assert (lost, won) == ((pairs, 0) if higher else (0, pairs))


DEGENERATE = {
    "one arm": ([0, 0, 0, 0], [1.0, 2.0, 3.0, 4.0], Note.ONE_ARM_EMPTY),
    "one patient per arm": ([0, 1], [1.0, 2.0], Note.TOO_FEW_PATIENTS),
    "all tied": ([0, 0, 1, 1], [1.0, 1.0, 1.0, 1.0], Note.NO_PAIR_DECIDED),
    "all missing": ([0, 0, 1, 1], [np.nan] * 4, Note.NO_PAIR_DECIDED),
    "all won": ([0, 0, 1, 1], [1.0, 2.0, 3.0, 4.0], Note.ONE_ARM_WON_NOTHING),
}


@pytest.mark.parametrize("name", DEGENERATE)
def test_degenerate_tables_say_why(name: str) -> None:
    arm, value, note = DEGENERATE[name]
    present = np.ones((1, len(arm)), dtype=bool)
    found = win_statistics([Level(np.array([value]))], np.array([arm]), present).win_ratio
    assert not found.converged[0]
    assert note in Note(int(found.notes[0]))


def test_arguments_that_make_no_sense_are_refused() -> None:
    arm, present = np.array([[0, 1]]), np.ones((1, 2), dtype=bool)
    level = Level(np.array([[1.0, 2.0]]))
    with pytest.raises(InputError, match="at least one outcome"):
        win_statistics([], arm, present)
    with pytest.raises(InputError, match="0 or more"):
        win_statistics([dataclasses.replace(level, margin=-1.0)], arm, present)
    with pytest.raises(InputError, match="weights"):
        win_statistics([level], arm, present, weights="none")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="variance"):
        win_statistics([level], arm, present, variance="none")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="rounding"):
        win_statistics([level], arm, present, rules=Rules(rounding="none"))  # type: ignore[arg-type]
