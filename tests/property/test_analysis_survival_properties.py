"""The survival room: a row of a batch is that row alone, symmetries, tables without an answer."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from raresim.analysis import Note
from raresim.analysis.survival import (
    GEHAN,
    FlemingHarrington,
    ModestlyWeighted,
    PetoPeto,
    TaroneWare,
    batch,
)
from raresim.analysis.survival.largest_normal import largest_exceeds
from raresim.errors import InputError
from tests.property.test_analysis_batch import Table, draw, rows, scattered, tables

BASE = ("time", "event", "arm", "present")
WEIGHTS = [
    FlemingHarrington(1.0, 0.0),
    FlemingHarrington(0.0, 1.0),
    FlemingHarrington(0.5, 2.0),
    GEHAN,
    TaroneWare(),
    PetoPeto(),
    ModestlyWeighted(delay=20.0),
    ModestlyWeighted(delay=20.0, last_event_before=True),
    ModestlyWeighted(largest=2.0),
]
Kernel = Callable[[Table], Any]


def of(table: Table, *names: str) -> list[np.ndarray]:
    return [table[name] for name in names]


def causes(table: Table) -> np.ndarray:
    return np.where(table["event"], 1 + table["count"] % 2, 0)


def clusters(table: Table) -> np.ndarray:
    """Three clusters, whatever the width of the table."""
    return table["stratum"] % table["stratum"].shape[1]


COMPARISONS: dict[str, Kernel] = {
    **{
        f"weighted {weight}": lambda t, w=weight: batch.logrank(*of(t, *BASE, "stratum"), w)
        for weight in WEIGHTS
    },
    "gehan, no strata": lambda t: batch.logrank(*of(t, *BASE), None, GEHAN),
    "breslow": lambda t: batch.cox(*of(t, *BASE), ties="breslow"),
    "exact": lambda t: batch.cox(*of(t, *BASE), ties="exact"),
    "robust": lambda t: batch.cox(*of(t, *BASE), robust=True),
    "clusters": lambda t: batch.cox(*of(t, *BASE), cluster=clusters(t)),
    "cox, covariates": lambda t: batch.cox(*of(t, *BASE, "stratum", "baseline")),
    "cox, covariates, robust": lambda t: batch.cox(
        *of(t, *BASE), None, t["baseline"], ties="breslow", robust=True
    ),
    "firth": lambda t: batch.firth_cox(*of(t, *BASE, "stratum")),
    "firth, covariates": lambda t: batch.firth_cox(
        *of(t, *BASE), None, t["baseline"][:, :, :1], ties="breslow"
    ),
    "rmst": lambda t: batch.rmst(*of(t, *BASE)),
    "rmst ratio": lambda t: batch.rmst(*of(t, *BASE), 25.0, "ratio"),
    "rmst adjusted": lambda t: batch.rmst_adjusted(*of(t, *BASE, "baseline")),
    "rmst adjusted ratio": lambda t: batch.rmst_adjusted(
        *of(t, *BASE, "baseline"), 25.0, "lost ratio"
    ),
    **{
        f"milestone {scale}": lambda t, s=scale: batch.milestone_survival(*of(t, *BASE), 15.0, s)
        for scale in ("plain", "log-log", "arcsine")
    },
}
OTHERS: dict[str, Kernel] = {
    "curves": lambda t: batch.kaplan_meier(*of(t, "time", "event", "present")),
    "groups": lambda t: batch.logrank_groups(
        *of(t, "time", "event", "stratum", "present"), None, GEHAN, groups=3
    ),
    "max combo": lambda t: batch.max_combo(*of(t, *BASE)),
    "max combo, three": lambda t: batch.max_combo(*of(t, *BASE, "stratum"), WEIGHTS[:3], "less"),
    "incidence": lambda t: batch.cumulative_incidence(t["time"], causes(t), t["present"]),
    "incidence, delta": lambda t: batch.cumulative_incidence(
        t["time"], causes(t), t["present"], 2, "delta"
    ),
    "incidence, jackknife": lambda t: batch.cumulative_incidence(
        t["time"], causes(t), t["present"], 1, "jackknife"
    ),
    "gray": lambda t: batch.gray_test(
        t["time"], causes(t), t["stratum"], t["present"], t["arm"], groups=3
    ),
    "concordance": lambda t: batch.concordance(
        t["time"], t["event"], t["baseline"][:, :, 0], t["present"], t["stratum"] % 2
    ),
    "whole cox": lambda t: batch.cox_model(
        *of(t, "time", "event", "baseline", "present", "stratum"), robust=True
    ),
}
EVERY = {**COMPARISONS, **OTHERS}
KEYS = np.random.default_rng(3).random((50, 400))
any_kernel = pytest.mark.parametrize("kernel", EVERY.values(), ids=EVERY.keys())
any_comparison = pytest.mark.parametrize("kernel", COMPARISONS.values(), ids=COMPARISONS.keys())


def bits(found: Any, b: int) -> dict[str, object]:
    """Every array of a row, without padding beyond its own width."""
    own = found.row(b) if not hasattr(found, "estimate") else found
    place = 0 if not hasattr(found, "estimate") else b
    return {
        name: np.where(value[place] == value[place], value[place], 0.0).tobytes()
        + np.isnan(np.asarray(value[place], dtype=np.float64)).tobytes()
        for name, value in vars(own).items()
        if isinstance(value, np.ndarray)
    }


@any_kernel
@settings(max_examples=4, deadline=None)
@given(table=tables, seed=st.integers(0, 2**32 - 1))
def test_a_row_of_a_batch_is_that_row_alone(kernel: Kernel, table: Table, seed: int) -> None:
    together = kernel(table)
    for b in range(len(together)):
        here = bits(together, b)
        everyone = np.ones(table["arm"].shape[1], dtype=bool)
        assert bits(kernel(rows(table, b, everyone)), 0) == here
        assert bits(kernel(scattered(table, b, seed)), 0) == here
        if table["present"][b].any():
            assert bits(kernel(rows(table, b, table["present"][b])), 0) == here


@any_kernel
def test_a_row_of_a_large_batch_is_that_row_alone(kernel: Kernel) -> None:
    table = draw(11, 67, 131, 0.6)
    together = kernel(table)
    for b in (0, 1, 33, 66):
        assert bits(kernel(rows(table, b, table["present"][b])), 0) == bits(together, b)


@any_comparison
@settings(max_examples=6, deadline=None)
@given(table=tables)
def test_swapping_the_arms_turns_the_sign(kernel: Kernel, table: Table) -> None:
    a, b = kernel(table), kernel(dict(table, arm=1 - table["arm"]))
    np.testing.assert_array_equal(a.converged, b.converged)
    np.testing.assert_array_equal(a.notes, b.notes)
    np.testing.assert_allclose(b.estimate, -a.estimate, rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(b.ci_low, -a.ci_high, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(b.p, a.p, rtol=1e-6, atol=1e-9)


@any_comparison
@settings(max_examples=6, deadline=None)
@given(table=tables)
def test_never_a_number_that_is_not_one_without_a_note(kernel: Kernel, table: Table) -> None:
    found = kernel(table)
    for name in ("estimate", "se", "p", "ci_low", "ci_high"):
        missing = np.isnan(getattr(found, name))
        np.testing.assert_array_equal(missing, ~found.converged)
    assert np.all(found.notes[~found.converged] != 0)


DEGENERATE = {
    "no events": ([1, 2, 3, 4], [0, 0, 0, 0], [0, 0, 1, 1]),
    "one arm without events": ([1, 2, 3, 4], [1, 1, 0, 0], [0, 0, 1, 1]),
    "one patient an arm": ([1, 2], [1, 1], [0, 1]),
    "all tied": ([3, 3, 3, 3], [1, 1, 1, 1], [0, 1, 0, 1]),
    "one arm empty": ([1, 2, 3, 4], [1, 1, 1, 1], [0, 0, 0, 0]),
    "arms one after the other": ([1, 2, 3, 4], [1, 1, 1, 1], [0, 0, 1, 1]),
    "followed for no time": ([0, 0, 0, 0], [0, 0, 0, 0], [0, 1, 0, 1]),
}


@pytest.mark.parametrize("case", DEGENERATE.values(), ids=DEGENERATE.keys())
@any_comparison
def test_degenerate_tables_say_why(kernel: Kernel, case: tuple[list[int], ...]) -> None:
    time, event, arm = (np.array([x], dtype=np.int64) for x in case)
    table = {"time": time, "event": event == 1, "arm": arm, "present": np.ones_like(arm, bool)}
    table |= {"stratum": np.zeros_like(arm), "baseline": np.zeros((*arm.shape, 2))}
    table["baseline"][0, :, 0] = np.arange(arm.size) ** 2
    table["baseline"][0, :, 1] = np.arange(arm.size) % 3
    found = kernel(table)
    if found.converged[0]:
        assert 0.0 <= found.p[0] <= 1.0
    else:
        assert np.isnan(found.p[0])
        assert Note(int(found.notes[0])) & ~Note.SIZE_ABOVE_NOMINAL & ~Note.PERMUTATION_INSTEAD


@settings(max_examples=6, deadline=None)
@given(table=tables)
def test_concordance_turns_with_the_score_and_asks_only_for_its_order(table: Table) -> None:
    score = table["baseline"][:, :, 0]
    plain, turned, bent = (
        batch.concordance(*of(table, "time", "event"), x, table["present"])
        for x in (score, -score, np.exp(score / 50.0))
    )
    np.testing.assert_allclose(turned.concordance, 1.0 - plain.concordance, atol=1e-14)
    np.testing.assert_array_equal(turned.concordant, plain.discordant)
    np.testing.assert_array_equal(bent.concordance, plain.concordance)
    np.testing.assert_array_equal(np.isnan(plain.concordance), ~plain.converged)
    assert np.all(plain.notes[np.isnan(plain.se)] != 0)


@pytest.mark.parametrize("case", DEGENERATE.values(), ids=DEGENERATE.keys())
def test_concordance_of_degenerate_tables(case: tuple[list[int], ...]) -> None:
    time, event, score = (np.array([x]) for x in case)
    found = batch.concordance(time, event == 1, score + 0.0, np.ones_like(event, bool)).row(0)
    assert found.converged[0] == bool(found.concordant + found.discordant + found.tied)
    assert not np.isnan(found.se[0]) or found.notes[0]


def test_firth_has_an_answer_without_events_in_an_arm() -> None:
    time = np.array([[5, 8, 9, 12, 12, 12, 12, 12]])
    event = np.array([[1, 1, 1, 1, 0, 0, 0, 0]], dtype=bool)
    arm = np.array([[0, 0, 0, 0, 1, 1, 1, 1]])
    here = np.ones_like(event)
    assert not batch.cox(time, event, arm, here).converged[0]
    fit = batch.firth_cox(time, event, arm, here)
    assert fit.converged[0] and np.isfinite(fit.ci_low[0]) and fit.ci_high[0] < 0.0


@settings(max_examples=25, deadline=None)
@given(table=tables, unit=st.integers(2, 1000))
def test_restricted_means_follow_the_unit_of_time(table: Table, unit: int) -> None:
    a = batch.rmst(*of(table, *BASE), 20.0)
    b = batch.rmst(table["time"] * unit, *of(table, *BASE[1:]), 20.0 * unit)
    np.testing.assert_allclose(b.estimate, a.estimate * unit, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(b.p, a.p, rtol=1e-8)


@settings(max_examples=25, deadline=None)
@given(table=tables)
def test_two_groups_are_the_square_of_two_arms(table: Table) -> None:
    a = batch.logrank(*of(table, *BASE, "stratum"), FlemingHarrington(1.0, 0.0))
    b = batch.logrank_groups(*of(table, *BASE, "stratum"), FlemingHarrington(1.0, 0.0), groups=2)
    both = a.converged & b.converged
    np.testing.assert_allclose(b.chi_square[both], a.statistic[both] ** 2, rtol=1e-8, atol=1e-12)


@settings(max_examples=25, deadline=None)
@given(table=tables)
def test_without_competitors_the_incidence_is_one_less_the_curve(table: Table) -> None:
    curve = batch.kaplan_meier(*of(table, "time", "event", "present"))
    found = batch.cumulative_incidence(table["time"], table["event"].astype(int), table["present"])
    np.testing.assert_allclose(found.incidence, 1.0 - curve.survival, atol=1e-12)
    delta = batch.cumulative_incidence(
        table["time"], table["event"].astype(int), table["present"], 1, "delta"
    )
    alive = curve.real & (curve.survival > 0.0)
    np.testing.assert_allclose(delta.se[alive], curve.se[alive], rtol=1e-7, atol=1e-9)


@settings(max_examples=25, deadline=None)
@given(table=tables)
def test_a_curve_lies_within_its_limits(table: Table) -> None:
    curve = batch.kaplan_meier(*of(table, "time", "event", "present"))
    for scale in ("log", "log-log", "plain", "arcsine", "logit"):
        low, high = curve.limits(scale)
        known = np.isfinite(low)
        slack = 1e-12
        assert np.all(low[known] <= curve.survival[known] + slack)
        assert np.all(high[known] >= curve.survival[known] - slack)
        assert np.all((low[known] >= 0.0) & (high[known] <= 1.0))


def test_the_permutation_test_is_the_same_for_each_row_and_padding() -> None:
    table = draw(4, 5, 10, 0.6)
    together = batch.logrank_permutation(*of(table, *BASE, "stratum"))
    drawn = batch.logrank_permutation(*of(table, *BASE), keys=KEYS[:, :10])
    for b in range(5):
        kept = table["present"][b]
        alone = batch.logrank_permutation(*of(rows(table, b, kept), *BASE, "stratum"))
        assert bits(alone, 0) == bits(together, b)
        again = batch.logrank_permutation(
            *of(rows(table, b, kept), *BASE), keys=KEYS[:, :10][:, kept]
        )
        assert bits(again, 0) == bits(drawn, b)


def test_too_many_relabellings_are_refused() -> None:
    table = draw(4, 1, 60, 0.6)
    with pytest.raises(InputError, match="re-labellings"):
        batch.logrank_permutation(*of(table, *BASE))


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), size=st.integers(2, 4), bound=st.floats(0.05, 4.0))
def test_the_largest_is_between_the_bounds_of_boole(seed: int, size: int, bound: float) -> None:
    rng = np.random.default_rng(seed)
    root = rng.normal(size=(size, size))
    spread = root @ root.T
    correlation = spread / np.sqrt(np.outer(np.diag(spread), np.diag(spread)))
    one = largest_exceeds(np.array([bound]), np.eye(1)[None])[0]
    several = largest_exceeds(np.array([bound]), correlation[None])[0]
    both_sides = largest_exceeds(np.array([bound]), correlation[None], absolute=True)[0]
    assert one - 1e-9 <= several <= size * one + 1e-9
    assert max(several, 2.0 * one) - 1e-6 <= both_sides <= 2.0 * several + 1e-6


@settings(max_examples=20, deadline=None)
@given(table=tables)
def test_max_combo_has_the_p_value_of_either_side(table: Table) -> None:
    fit = batch.max_combo(*of(table, *BASE, "stratum"))
    for side in ("less", "greater"):
        alone = batch.max_combo(*of(table, *BASE, "stratum"), alternative=side)
        assert fit.p_one_sided(side).tobytes() == alone.p.tobytes()
    with pytest.raises(InputError):
        fit.p_one_sided("two-sided")
