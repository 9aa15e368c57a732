"""Row b of a batch is that row alone, bit for bit; symmetries that every comparison has."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from raresim.analysis import Note, Results, batch

FIELDS = ("estimate", "se", "ci_low", "ci_high", "df", "statistic", "p", "converged", "used")
NEVER = 2**62
Table = dict[str, np.ndarray]


def draw(seed: int, replicates: int, patients: int, rate: float) -> Table:
    """Recurrent events on whole days, so that ties and repeats within a day are common."""
    rng = np.random.default_rng(seed)
    shape = (replicates, patients)
    gaps = rng.exponential(1.0, (*shape, 6)) / (rate * rng.gamma(1.0, 1.0, shape))[:, :, None]
    days = np.ceil(np.minimum(np.cumsum(gaps, axis=2) * 40.0, 1e6)).astype(np.int64)
    follow_up = rng.integers(0, 60, shape)
    seen = days <= follow_up[:, :, None]
    return {
        "arm": rng.integers(0, 2, shape),
        "present": rng.random(shape) < 0.85,
        "event_time": np.where(seen, days, NEVER),
        "follow_up": follow_up,
        "time": np.minimum(days[:, :, 0], follow_up),
        "event": seen[:, :, 0],
        "count": seen.sum(axis=2),
        "exposure": follow_up / 365.25,
        "stratum": rng.integers(0, 3, shape),
        "outcome": np.where(rng.random(shape) < 0.1, np.nan, rng.normal(size=shape)),
        "baseline": rng.normal(50.0, 10.0, (*shape, 2)),
    }


@dataclass(frozen=True)
class Method:
    name: str
    columns: tuple[str, ...]
    kernel: Callable[..., Results]

    def fit(self, table: Table) -> Results:
        return self.kernel(*(table[name] for name in self.columns))


METHODS = [
    Method("logrank", ("time", "event", "arm", "present"), batch.logrank),
    Method("stratified", ("time", "event", "arm", "present", "stratum"), batch.logrank),
    Method("cox", ("time", "event", "arm", "present"), batch.cox),
    Method("stratified cox", ("time", "event", "arm", "present", "stratum"), batch.cox),
    Method("ag", ("event_time", "follow_up", "arm", "present"), batch.andersen_gill),
    Method("nb", ("count", "exposure", "arm", "present"), batch.negative_binomial),
    Method("ancova", ("outcome", "baseline", "arm", "present"), batch.ancova),
]
RANK_METHODS = METHODS[:5]
names = {"ids": lambda method: method.name}
tables = st.builds(
    draw,
    seed=st.integers(0, 2**32 - 1),
    replicates=st.integers(1, 6),
    patients=st.integers(1, 45),
    rate=st.sampled_from([0.1, 0.6, 2.0]),
)


def bits(results: Results, b: int) -> list[object]:
    found: list[object] = [int(results.notes[b])]
    for name in FIELDS:
        value = getattr(results, name)[b]
        found.append("nan" if np.all(np.isnan(value)) else value.tobytes())
    return found


def rows(table: Table, b: int, keep: np.ndarray) -> Table:
    return {name: values[b : b + 1][:, keep] for name, values in table.items()}


def scattered(table: Table, b: int, seed: int) -> Table:
    """Row b with absent patients of arbitrary values strewn in between."""
    rng = np.random.default_rng(seed)
    number = table["arm"].shape[1]
    wide = number + int(rng.integers(1, 30))
    place = np.sort(rng.choice(wide, number, replace=False))
    padded = draw(seed, 1, wide, 2.0)
    padded["present"][:] = False
    for name, values in table.items():
        padded[name][0, place] = values[b]
    return padded


@pytest.mark.parametrize("method", METHODS, **names)
@settings(max_examples=40, deadline=None)
@given(table=tables, seed=st.integers(0, 2**32 - 1))
def test_a_row_of_a_batch_is_that_row_alone(method: Method, table: Table, seed: int) -> None:
    together = method.fit(table)
    for b in range(len(together)):
        here = bits(together, b)
        everyone = np.ones(table["arm"].shape[1], dtype=bool)
        assert bits(method.fit(rows(table, b, everyone)), 0) == here
        assert bits(method.fit(scattered(table, b, seed)), 0) == here
        if table["present"][b].any():
            assert bits(method.fit(rows(table, b, table["present"][b])), 0) == here


@pytest.mark.parametrize("method", METHODS, **names)
def test_a_row_of_a_large_batch_is_that_row_alone(method: Method) -> None:
    table = draw(11, 257, 131, 0.6)
    together = method.fit(table)
    for b in (0, 1, 100, 255, 256):
        assert bits(method.fit(rows(table, b, table["present"][b])), 0) == bits(together, b)


@settings(max_examples=30, deadline=None)
@given(table=tables, extra=st.integers(1, 5))
def test_room_for_more_events_changes_nothing(table: Table, extra: int) -> None:
    method = METHODS[4]
    wider = dict(table)
    room = np.full((*table["arm"].shape, extra), NEVER)
    wider["event_time"] = np.concatenate((table["event_time"], room), axis=2)
    a, b = method.fit(table), method.fit(wider)
    assert all(bits(a, i) == bits(b, i) for i in range(len(a)))


@pytest.mark.parametrize("method", METHODS, **names)
@settings(max_examples=30, deadline=None)
@given(table=tables)
def test_swapping_the_arms_turns_the_sign(method: Method, table: Table) -> None:
    swapped = dict(table, arm=1 - table["arm"])
    a, b = method.fit(table), method.fit(swapped)
    np.testing.assert_array_equal(a.converged, b.converged)
    np.testing.assert_array_equal(a.notes, b.notes)
    np.testing.assert_allclose(b.statistic, -a.statistic, rtol=1e-8, atol=1e-9)
    np.testing.assert_allclose(b.se, a.se, rtol=1e-8)
    np.testing.assert_allclose(a.p_one_sided("less"), b.p_one_sided("greater"), rtol=1e-7)


@pytest.mark.parametrize("method", METHODS, **names)
@settings(max_examples=30, deadline=None)
@given(table=tables, seed=st.integers(0, 2**32 - 1))
def test_the_order_of_patients_does_not_matter(method: Method, table: Table, seed: int) -> None:
    order = np.random.default_rng(seed).permutation(table["arm"].shape[1])
    a = method.fit(table)
    b = method.fit({name: values[:, order] for name, values in table.items()})
    np.testing.assert_array_equal(a.notes, b.notes)
    for name in ("estimate", "se", "statistic"):
        np.testing.assert_allclose(getattr(b, name), getattr(a, name), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("method", RANK_METHODS, **names)
@settings(max_examples=30, deadline=None)
@given(table=tables, unit=st.integers(2, 86_400))
def test_the_unit_of_time_does_not_matter_to_ranks(method: Method, table: Table, unit: int) -> None:
    other = dict(table)
    for name in ("time", "follow_up"):
        other[name] = table[name] * unit
    seen = table["event_time"] < NEVER
    other["event_time"] = np.where(seen, table["event_time"] % NEVER * unit, NEVER)
    a, b = method.fit(table), method.fit(other)
    assert all(bits(a, i) == bits(b, i) for i in range(len(a)))


@settings(max_examples=30, deadline=None)
@given(table=tables)
def test_the_unit_of_exposure_does_not_matter_to_the_rate_ratio(table: Table) -> None:
    method = METHODS[5]
    a, b = method.fit(table), method.fit(dict(table, exposure=table["exposure"] * 365.25))
    np.testing.assert_allclose(b.estimate, a.estimate, rtol=1e-7, atol=1e-8)
    np.testing.assert_allclose(b.se, a.se, rtol=1e-7)


@settings(max_examples=30, deadline=None)
@given(table=tables)
def test_one_stratum_is_no_stratum(table: Table) -> None:
    same = dict(table, stratum=np.full_like(table["stratum"], 7))
    for plain, stratified in ((METHODS[0], METHODS[1]), (METHODS[2], METHODS[3])):
        a, b = plain.fit(table), stratified.fit(same)
        assert all(bits(a, i) == bits(b, i) for i in range(len(a)))


@settings(max_examples=50, deadline=None)
@given(table=tables)
def test_strata_add_up(table: Table) -> None:
    """Observed less expected, and its variance, are sums over the strata; times meet often."""
    close = dict(table, time=table["time"] % 4)
    together = METHODS[1].fit(close)
    difference, variance = np.zeros(len(together)), np.zeros(len(together))
    for code in range(3):
        part = METHODS[0].fit(dict(close, present=close["present"] & (close["stratum"] == code)))
        difference += np.where(part.converged, part.estimate / part.se**2, 0.0)
        variance += np.where(part.converged, part.se**-2, 0.0)
    there = together.converged
    np.testing.assert_array_equal(there, variance > 0.0)
    found = together.estimate[there] / together.se[there] ** 2
    np.testing.assert_allclose(found, difference[there], rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(together.se[there] ** -2, variance[there], rtol=1e-9)


def test_blocks_for_very_large_counts_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    table = draw(5, 20, 30, 0.6)
    whole = METHODS[5].fit(table)
    monkeypatch.setattr("raresim.analysis.counts.negative_binomial_likelihood.LARGEST_TABLE", 50)
    assert table["count"].max() > 2
    blocks = METHODS[5].fit(table)
    assert all(bits(whole, b) == bits(blocks, b) for b in range(20))


@settings(max_examples=30, deadline=None)
@given(table=tables)
def test_one_event_for_each_patient_makes_andersen_gill_cox(table: Table) -> None:
    first = np.where(table["event"], table["time"], NEVER)[:, :, None]
    ag = batch.andersen_gill(first, table["time"], table["arm"], table["present"])
    np.testing.assert_array_equal(
        ag.estimate[ag.converged], METHODS[2].fit(table).estimate[ag.converged]
    )


@pytest.mark.parametrize("method", METHODS, **names)
@settings(max_examples=40, deadline=None)
@given(table=tables)
def test_no_answer_is_flagged_and_every_answer_is_finite(method: Method, table: Table) -> None:
    results = method.fit(table)
    for name in ("estimate", "se", "ci_low", "ci_high", "statistic", "p"):
        np.testing.assert_array_equal(np.isfinite(getattr(results, name)), results.converged)
    assert np.all(results.notes[~results.converged] > 0)
    single = results.row(0)
    assert single.converged or single.notes
    assert all(isinstance(sentence, str) and sentence for sentence in single.notes)


def test_every_note_has_its_sentence() -> None:
    assert all(len(flag.sentences()) == 1 for flag in Note)
