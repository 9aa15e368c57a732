"""Counts and recurrent events: rows alone, symmetries, tables without an answer."""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from raresim.analysis import Note, counts
from raresim.analysis.counts import batch
from raresim.errors import InputError

Table = dict[str, np.ndarray]
TIMES = np.array([3.0, 8.0, 15.0])


def draw(seed: int, replicates: int, patients: int, rate: float = 1.0) -> Table:
    rng = np.random.default_rng(seed)
    shape = (replicates, patients)
    follow_up = rng.integers(1, 20, shape).astype(float)
    gaps = rng.exponential(10.0 / rate, (*shape, 4))
    return {
        "count": rng.poisson(rate * rng.gamma(1.0, 1.0, shape)),
        "exposure": np.where(rng.random(shape) < 0.05, 0.0, rng.uniform(0.2, 1.5, shape)),
        "arm": rng.integers(0, 2, shape),
        "present": rng.random(shape) < 0.85,
        "baseline": np.where(rng.random((*shape, 2)) < 0.03, np.nan, rng.normal(size=(*shape, 2))),
        "event_time": np.ceil(np.cumsum(gaps, axis=2)),
        "follow_up": follow_up,
        "death": rng.random(shape) < 0.3,
    }


COUNTED = ("count", "exposure", "arm", "present")
HISTORY = ("event_time", "follow_up", "arm", "present")


def poisson(**options: Any) -> Callable[[Table], Any]:
    def fit(table: Table) -> Any:
        covariates = {"baseline": table["baseline"]} if options.get("adjusted") else {}
        more = {
            name: value for name, value in options.items() if name not in ("adjusted", "kernel")
        }
        kernel = options.get("kernel", batch.poisson_regression)
        return kernel(*(table[name] for name in COUNTED), **covariates, **more)

    return fit


def history(kernel: Callable[..., Any], *more: Any, death: bool = False) -> Callable[[Table], Any]:
    def fit(table: Table) -> Any:
        died = {"death": table["death"]} if death else {}
        return kernel(*(table[name] for name in HISTORY), *more, **died)

    return fit


METHODS: dict[str, Callable[[Table], Any]] = {
    "wald": poisson(),
    "score": poisson(test="score"),
    "likelihood ratio": poisson(test="likelihood_ratio", adjusted=True),
    "adjusted score": poisson(test="score", adjusted=True),
    "quasi": poisson(kernel=batch.quasi_poisson_regression),
    "adjusted quasi": poisson(kernel=batch.quasi_poisson_regression, adjusted=True),
    "exact": poisson(kernel=batch.poisson_exact),
    "central": poisson(kernel=batch.poisson_exact, two_sided="central"),
    "difference": history(batch.mean_cumulative_difference, 8.0),
    "difference, death": history(batch.mean_cumulative_difference, 8.0, death=True),
    "test": history(batch.mean_cumulative_test),
    "test, death": history(batch.mean_cumulative_test, death=True),
}
EXACT = ("exact", "central")
tables = st.builds(
    draw,
    seed=st.integers(0, 2**32 - 1),
    replicates=st.integers(1, 4),
    patients=st.integers(1, 24),
    rate=st.sampled_from([0.1, 1.0, 4.0]),
)


def bits(found: Any, b: int) -> list[object]:
    values = [getattr(found, field.name) for field in dataclasses.fields(found)]
    rows = [value[b] for value in values if isinstance(value, np.ndarray) and value is not found]
    return ["nan" if np.all(np.isnan(value)) else value.tobytes() for value in rows]


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
@settings(max_examples=20, deadline=None)
@given(table=tables, seed=st.integers(0, 2**32 - 1))
def test_a_row_of_a_batch_is_that_row_alone(name: str, table: Table, seed: int) -> None:
    fit = METHODS[name]
    together = fit(table)
    for b in range(len(together)):
        here = bits(together, b)
        everyone = np.ones(table["arm"].shape[1], dtype=bool)
        assert bits(fit(alone(table, b, everyone)), 0) == here
        assert bits(fit(scattered(table, b, seed)), 0) == here
        if table["present"][b].any():
            assert bits(fit(alone(table, b, table["present"][b])), 0) == here


@settings(max_examples=20, deadline=None)
@given(table=tables)
def test_a_row_of_mean_functions_is_that_row_alone(table: Table) -> None:
    fit = history(batch.mean_cumulative_function, TIMES, death=True)
    together = fit(table)
    for b in range(len(together)):
        if table["present"][b].any():
            one = fit(alone(table, b, table["present"][b]))
            np.testing.assert_array_equal(one.mean[0], together.mean[b])
            np.testing.assert_array_equal(one.se[0], together.se[b])
            assert one.notes[0] == together.notes[b]
            if np.isnan(one.mean[0]).any():
                assert one.row(0).notes


@pytest.mark.parametrize("name", METHODS)
@settings(max_examples=20, deadline=None)
@given(table=tables)
def test_swapping_the_arms_turns_the_sign(name: str, table: Table) -> None:
    one, other = METHODS[name](table), METHODS[name](dict(table, arm=1 - table["arm"]))
    np.testing.assert_array_equal(one.converged, other.converged)
    with np.errstate(divide="ignore"):
        turned = 1.0 / other.estimate if name in EXACT else -other.estimate
    np.testing.assert_allclose(one.estimate, turned, rtol=1e-7, atol=1e-8)
    np.testing.assert_allclose(one.p, other.p, rtol=1e-6, atol=1e-12)
    np.testing.assert_allclose(
        one.p_one_sided("less"), other.p_one_sided("greater"), rtol=1e-6, atol=1e-12
    )


@pytest.mark.parametrize("name", METHODS)
@settings(max_examples=25, deadline=None)
@given(table=tables)
def test_no_answer_is_flagged_and_every_answer_is_a_number(name: str, table: Table) -> None:
    found = METHODS[name](table)
    for field in ("estimate", "ci_low", "ci_high", "statistic", "p"):
        there = ~np.isnan(getattr(found, field))
        there &= np.isfinite(getattr(found, field)) | (name in EXACT)
        np.testing.assert_array_equal(there, found.converged)
    assert np.all(found.notes[~found.converged] > 0)
    assert repr(found.row(0))


@settings(max_examples=25, deadline=None)
@given(table=tables)
def test_without_deaths_the_marginal_mean_is_nelsons(table: Table) -> None:
    nobody = dict(table, death=np.zeros_like(table["death"]))
    one = history(batch.mean_cumulative_function, TIMES)(table)
    other = history(batch.mean_cumulative_function, TIMES, death=True)(nobody)
    np.testing.assert_array_equal(one.mean, other.mean)
    np.testing.assert_array_equal(one.se, other.se)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), patients=st.integers(6, 15))
def test_influences_are_derivatives_by_the_patients_weights(seed: int, patients: int) -> None:
    table = draw(seed, 1, patients)
    table["arm"][:], table["present"][:] = 0, True
    events, until, died = table["event_time"][0], table["follow_up"][0], table["death"][0]
    seen = events <= until[:, None]
    times = np.unique(np.concatenate((events[seen], until[died])))

    def mean(weight: np.ndarray) -> float:
        alive, total = 1.0, 0.0
        for time in times[times <= 5.0]:
            at_risk = np.sum(weight * (until >= time))
            total += alive * np.sum(weight[:, None] * (seen & (events == time))) / at_risk
            alive *= 1.0 - np.sum(weight * (died & (until == time))) / at_risk
        return total

    if until.max() < 5.0:
        return
    step = 1e-5 * np.eye(patients)
    slopes = [(mean(1.0 + row) - mean(1.0 - row)) / 2e-5 for row in step]
    found = history(batch.mean_cumulative_function, np.array([5.0]), death=True)(table)
    assert found.mean[0, 0, 0] == pytest.approx(mean(np.ones(patients)))
    assert found.se[0, 0, 0] == pytest.approx(np.sqrt(np.sum(np.square(slopes))), abs=1e-7)


@settings(max_examples=40, deadline=None)
@given(
    events=st.tuples(st.integers(0, 9), st.integers(0, 9)),
    years=st.tuples(st.floats(0.3, 3.0), st.floats(0.3, 3.0)),
)
def test_the_exact_interval_agrees_with_the_central_p(
    events: tuple[int, int], years: tuple[float, float]
) -> None:
    count, arm, present = np.array([events]), np.array([[0, 1]]), np.ones((1, 2), dtype=bool)
    if sum(events) == 0:
        return

    def p(exposure: tuple[float, float]) -> float:
        return float(
            batch.poisson_exact(count, np.array([exposure]), arm, present, two_sided="central").p[0]
        )

    found = batch.poisson_exact(count, np.array([years]), arm, present).row(0)
    for limit in (found.ci_low, found.ci_high):
        if 0.0 < limit < np.inf:  # under this ratio the treated live that many times the years
            assert p((years[0], years[1] * limit)) == pytest.approx(0.05, abs=1e-9)


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("case", ["no events", "one arm", "nobody", "no exposure"])
def test_degenerate_tables_say_why(name: str, case: str) -> None:
    table = draw(1, 1, 8)
    table["present"][:] = True
    table["arm"][:] = [[0, 0, 0, 0, 1, 1, 1, 1]]
    table["baseline"] = np.nan_to_num(table["baseline"])
    if case == "no events":
        table["count"][:], table["event_time"][:] = 0, np.inf
    elif case == "one arm":
        table["arm"][:] = 1
    elif case == "nobody":
        table["present"][:] = False
    else:
        table["exposure"][:] = 0.0
        table["follow_up"][:] = 0.0
    found = METHODS[name](table)
    assert not found.converged[0]
    assert found.row(0).notes


def test_one_arm_without_events_has_an_exact_test_only() -> None:
    count, arm = np.array([[2, 3, 4, 0, 0, 0]]), np.array([[0, 0, 0, 1, 1, 1]])
    args = (count, np.ones((1, 6)), arm, np.ones((1, 6), dtype=bool))
    exact = batch.poisson_exact(*args).row(0)
    assert (exact.estimate, exact.ci_low) == (0.0, 0.0)
    assert exact.p == pytest.approx(2.0 * 0.5**9)
    for found in (batch.poisson_regression(*args), batch.quasi_poisson_regression(*args)):
        assert Note.NO_EVENTS_IN_ONE_ARM in Note(int(found.notes[0]))


def test_overdispersed_counts_are_named() -> None:
    count, arm = np.array([[0, 0, 12, 0, 0, 15, 1, 0]]), np.array([[0, 0, 0, 0, 1, 1, 1, 1]])
    args = (count, np.ones((1, 8)), arm, np.ones((1, 8), dtype=bool))
    for found in (batch.poisson_regression(*args), batch.poisson_exact(*args)):
        assert Note.OVERDISPERSED in Note(int(found.notes[0]))


def test_covariates_that_are_the_arm_are_refused_by_a_note() -> None:
    table = draw(3, 1, 20)
    table["present"][:] = True
    table["exposure"][:] = 1.0
    table["baseline"] = table["arm"][:, :, None].astype(float)
    for name in ("likelihood ratio", "adjusted score", "adjusted quasi"):
        found = METHODS[name](table)
        assert Note.SINGULAR_DESIGN in Note(int(found.notes[0]))
        assert not found.converged[0]


def test_tables_that_do_not_fit_are_refused() -> None:
    data = pd.DataFrame(
        {"n": [1, 2], "t": [1.0, 1.0], "arm": ["a", "b"], "half": [0.5, 1.0], "who": [1, 2]}
    )
    columns: dict[str, Any] = {"exposure": "t", "arm": "arm", "control": "a"}
    with pytest.raises(InputError, match="whole numbers"):
        counts.poisson_regression(data, count="half", **columns)
    with pytest.raises(InputError, match="no such column"):
        counts.poisson_exact(data, count="m", **columns)
    with pytest.raises(InputError, match="test"):
        counts.poisson_regression(data, count="n", **columns, test="x")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="two_sided"):
        counts.poisson_exact(data, count="n", **columns, two_sided="x")  # type: ignore[arg-type]
    early = pd.DataFrame(
        {
            "who": [1, 1, 2],
            "start": [0.0, 2.0, 0.0],
            "stop": [2.0, 4.0, 5.0],
            "event": [1, 0, 0],
            "death": [1, 0, 0],
            "arm": ["a", "a", "b"],
        }
    )
    named = {"id": "who", "start": "start", "stop": "stop", "event": "event", "arm": "arm"}
    with pytest.raises(InputError, match="last interval"):
        counts.mean_cumulative_test(early, **named, control="a", death="death")


@pytest.mark.parametrize("events", [0, 1, 7])
def test_one_rate_agrees_with_its_interval_and_stays_below_its_level(events: int) -> None:
    """The ends of the interval are the rates that a test at 2.5 % would just not reject."""
    count, years = np.array([[events, 0]]), np.array([[2.0, 3.0]])
    everybody = np.ones((1, 2), bool)
    found = batch.poisson_test(count, years, everybody, goal=1.0).row(0)
    upper = batch.poisson_test(count, years, everybody, goal=found.ci_high).row(0)
    assert upper.p_less == pytest.approx(0.025)
    if events:
        lower = batch.poisson_test(count, years, everybody, goal=found.ci_low).row(0)
        assert lower.p_greater == pytest.approx(0.025)


def test_one_rate_in_a_batch_is_that_of_its_row_alone() -> None:
    rng = np.random.default_rng(4)
    count, years = rng.poisson(1.3, (7, 9)), rng.uniform(0.0, 2.0, (7, 9))
    present = rng.random((7, 9)) < 0.8
    whole = batch.poisson_test(count, years, present, goal=0.9)
    for b in range(7):
        alone = batch.poisson_test(count[b : b + 1], years[b : b + 1], present[b : b + 1], goal=0.9)
        assert repr(alone.row(0)) == repr(whole.row(b))
        assert alone.row(0) == whole.row(b)
    nobody = batch.poisson_test(count, years, np.zeros_like(present), goal=0.9)
    assert not nobody.converged.any() and all(row.notes for row in map(nobody.row, range(7)))


def test_the_size_of_one_rate_is_the_nominal_one_at_most() -> None:
    """By enumeration over the mean number of events."""
    from scipy.stats import poisson

    events = np.arange(200)
    for mean in np.linspace(0.2, 60, 150):
        found = batch.poisson_test(
            events[:, None], np.ones((200, 1)), np.ones((200, 1), bool), goal=float(mean)
        )
        for side in ("less", "greater"):
            rejected = found.p_one_sided(side) <= 0.025  # type: ignore[arg-type]
            assert poisson.pmf(events, mean)[rejected].sum() <= 0.025 + 1e-12
