"""Tables of quantiles: as a statistic, and as laws in pieces, metalogs and mixtures."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from scipy import stats
from scipy.special import logit

from raresim.errors import InputError
from raresim.evidence import Mean, Quantiles, QuantileTable, fit
from raresim.evidence.metalog import _ascends
from raresim.evidence.mixture import TOLERANCE, NormalMixture
from raresim.evidence.quantile_table import described
from raresim.files.units import bounds

TABLE = {"0.1": 14, "0.25": 20, "0.5": 26, "0.75": 30, "0.9": 32}
RANGES = [None, (0.0, np.inf), (0.0, 40.0)]
EVERY = np.concatenate([[2.0**-53, 1e-9], np.linspace(1e-4, 1 - 1e-4, 401), [1 - 2.0**-53]])


def table(values: dict[str, float] = TABLE, n: int | None = None) -> QuantileTable:
    return QuantileTable(quantiles=values, n=n)


def seven(law, levels=(0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95)) -> QuantileTable:
    """Return the table of a law at some levels."""
    return table({str(p): float(law.quantile(np.array([[p]]))[0, 0]) for p in levels})


# the statistic


def test_numbers_bear_their_level_and_text_says_it() -> None:
    assert table().numbers() == {"10 %": 14, "25 %": 20, "50 %": 26, "75 %": 30, "90 %": 32}
    assert table({"0.025": 1, "0.5": 2, "0.975": 3}, n=9).text() == (
        "2.5 % below 1, 50 % below 2, 97.5 % below 3 (n = 9)"
    )


def test_errors_are_those_of_order_statistics() -> None:
    """A normal's median has 1.2533 SD / sqrt(n), its quartiles 1.3626; of tables, within 3 %."""
    levels = (0.1, 0.25, 0.5, 0.75, 0.9)
    found = table({str(p): float(stats.norm.ppf(p)) for p in levels}, n=100).errors()
    expected = [np.sqrt(p * (1 - p)) / stats.norm.pdf(stats.norm.ppf(p)) / 10 for p in levels]
    assert list(found.values())[1:4] == pytest.approx(expected[1:4], rel=0.03)
    assert list(found.values()) == pytest.approx(expected, rel=0.2)
    assert set(table().errors().values()) == {None}


def test_draws_of_levels_are_those_of_quartiles() -> None:
    """At quarters a table and quartiles are the same statistic, drawn by the same uniforms."""
    luck = np.linspace(0.001, 0.999, 1000)
    quarters = table({"0.25": 9, "0.5": 13, "0.75": 19}, n=40).draw(lambda _: luck)
    expected = Quantiles(q1=9, median=13, q3=19, n=40).draw(lambda _: luck)
    for mine, theirs in zip(quarters.values(), expected.values(), strict=True):
        assert mine == pytest.approx(theirs, abs=5e-6)
    assert [float(x[0]) for x in table().draw(lambda _: luck).values()] == table().levels


def test_draws_have_the_moments_of_order_statistics() -> None:
    """Beta(n p, n (1 - p)) at each level, by SciPy."""
    rng = np.random.default_rng(1)
    drawn = table(n=30).draw(lambda _: rng.random(40_000))
    for p, found in zip(table().levels, drawn.values(), strict=True):
        beta = stats.beta(30 * p, 30 * (1 - p))
        assert found.mean() == pytest.approx(beta.mean(), abs=0.002)
        assert found.std() == pytest.approx(beta.std(), rel=0.02)
    assert np.all(np.diff(np.stack(list(drawn.values())), axis=0) > 0)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"0.5": 1, "0.75": 2}, "at least 3"),
        ({"half": 1, "0.75": 2, "0.9": 3}, "shares of the patients as keys"),
        ({"10": 1, "50": 2, "90": 3}, "from 0.001 to 0.999"),
        ({"0.5": 1, "0.25": 2, "0.9": 3}, "shares that ascend"),
        ({"0.5": 1, "0.50": 2, "0.9": 3}, "shares that ascend"),
        ({"0.1": 1, "0.25": 1, "0.9": 3}, "values that ascend"),
        ({"nan": 1, "0.25": 1, "0.9": 3}, "from 0.001 to 0.999"),
    ],
)
def test_tables_that_are_none_are_refused(values, message) -> None:
    with pytest.raises(ValidationError, match=message):
        table(values)


# the laws


@pytest.mark.parametrize("family", [None, "metalog"])
@pytest.mark.parametrize("over", RANGES)
def test_laws_go_through_every_point_ascend_and_keep_their_bounds(family, over) -> None:
    law = fit(table(), over, None, family)
    levels, values = np.array([table().levels]), list(TABLE.values())
    assert law.quantile(levels)[0] == pytest.approx(values, rel=1e-9)
    found = law.quantile(EVERY[None])[0]
    low, high = over or (-np.inf, np.inf)
    assert np.all(np.diff(found) >= 0)
    assert low <= found[0]
    assert found[-1] <= high
    assert law.describe().startswith("4-piece logistic" if family is None else "metalog of 5 terms")
    million = law.quantile((np.arange(1_000_000)[None] + 0.5) / 1_000_000)[0]
    assert list(described(table(), million).values()) == pytest.approx(values, rel=1e-4)


def test_a_table_of_quarters_is_quartiles() -> None:
    for over in RANGES:
        mine = fit(table({"0.25": 9, "0.5": 13, "0.75": 19}), over, None)
        theirs = fit(Quantiles(q1=9, median=13, q3=19), over, None)
        assert mine.quantile(EVERY[None]).tolist() == theirs.quantile(EVERY[None]).tolist()
        assert mine.describe() == theirs.describe()


def test_a_metalog_of_three_terms_is_keelins() -> None:
    """a1 is the median; a2 and a3 from 10, 50 and 90 % in closed form (Keelin 2016, section 4)."""
    law = fit(table({"0.1": 2, "0.5": 5, "0.9": 14}), None, None, "metalog")
    a2 = (14 - 2) / (2 * np.log(9))
    share = (5 - 2) / (14 - 2)
    a3 = (14 - 2) * (1 - 2 * share) / (0.8 * np.log(9))
    assert law.terms == pytest.approx([5, a2, a3])


def test_a_logistic_is_a_metalog_of_two_terms() -> None:
    values = {p: float(3 + 2 * logit(float(p))) for p in ("0.1", "0.3", "0.5", "0.7", "0.9")}
    law = fit(table(values), None, None, "metalog")
    assert law.terms == pytest.approx([3, 2, 0, 0, 0], abs=1e-9)
    assert law.quantile(EVERY[None])[0] == pytest.approx(stats.logistic(3, 2).ppf(EVERY), abs=1e-7)


def test_three_terms_ascend_where_keelin_says() -> None:
    """|a3| < 1.66711 a2."""
    for ratio, ascends in ((1.667, True), (-1.667, True), (1.6675, False), (-1.6675, False)):
        assert _ascends(np.array([0.0, 1.0, ratio])) is ascends
    assert not _ascends(np.array([0.0, -1.0, 0.0]))


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.floats(0.01, 1), min_size=2, max_size=6),
    st.lists(st.floats(0.05, 1), min_size=3, max_size=7),
    st.sampled_from([None, "metalog"]),
    st.sampled_from(["none", "above", "between"]),
)
def test_any_table_is_met_or_refused(steps, gaps, family, kind) -> None:
    count = min(len(steps) + 1, len(gaps))
    if count < 3:
        return
    levels = np.cumsum(gaps[:count]) / (sum(gaps[:count]) + 0.3)
    values = 1 + np.cumsum([0.0, *steps[: count - 1]])
    over = {"none": None, "above": (0.5, np.inf), "between": (0.5, values[-1] + 1)}[kind]
    levels = np.round(levels, 4)
    try:
        statistic = table({str(p): float(x) for p, x in zip(levels, values, strict=True)})
    except ValidationError:
        return
    try:
        law = fit(statistic, over, None, family)
    except InputError as error:
        assert family == "metalog"
        assert "density would be negative" in str(error)
        return
    assert law.quantile(levels[None])[0] == pytest.approx(values, rel=1e-6)
    found = law.quantile(EVERY[None])[0]
    assert np.all(np.diff(found) >= -1e-12 * np.abs(found[1:]))


MIXTURES = [(0.6, 20, 3, 40, 5), (0.3, 5, 1, 8, 2), (0.5, 10, 2, 14, 6), (0.85, 30, 4, 55, 3)]


@pytest.mark.parametrize(("weight", "m1", "s1", "m2", "s2"), MIXTURES)
@pytest.mark.parametrize("over", [None, (0.0, np.inf), (0.0, 60.0)])
def test_a_mixture_is_found_again(weight, m1, s1, m2, s2, over) -> None:
    low, high = over or (-np.inf, np.inf)
    parts = (np.array(pair, float) for pair in ((weight, 1 - weight), (m1, m2), (s1, s2)))
    truth = NormalMixture(*parts, low, high)
    law = fit(seven(truth), over, None, "mixture")
    u = np.linspace(0.02, 0.98, 97)[None]
    width = float(np.ptp(truth.quantile(np.array([[0.05, 0.95]]))))
    assert np.max(np.abs(law.quantile(u) - truth.quantile(u))) < 0.02 * width
    assert "% normal(" in law.describe()


def test_quantiles_of_a_mixture_turn_its_probability_round() -> None:
    """SciPy's normals, held to a range by hand."""
    law = NormalMixture(np.array([0.6, 0.4]), np.array([2.0, 9.0]), np.array([2.0, 1.0]), 0.0, 10.0)

    def below(x):
        return 0.6 * stats.norm(2, 2).cdf(x) + 0.4 * stats.norm(9, 1).cdf(x)

    x = law.quantile(EVERY[None])[0]
    assert (below(x) - below(0)) / (below(10) - below(0)) == pytest.approx(EVERY, abs=1e-12)
    assert np.all(np.diff(x) >= 0)
    assert x[0] >= 0
    assert x[-1] <= 10


@pytest.mark.parametrize(
    ("statistic", "text", "family", "message"),
    [
        (table({"0.1": 2, "0.5": 2.1, "0.9": 14}), None, "metalog", "density would be negative"),
        (Quantiles(q1=1, median=1.01, q3=9), None, "metalog", "density would be negative"),
        (table(), None, "mixture", "no mixture of two normals has these quantiles"),
        (table({"0.1": 2, "0.5": 5, "0.9": 14}), None, "mixture", "do not tell a mixture"),
        (Quantiles(q1=1, median=2, q3=9), None, "mixture", "do not tell a mixture"),
        (table(), None, "gamma", "no other family"),
        (table(), "0 to 31", None, "do not lie inside"),
        (Mean(mean=3, sd=1), None, "metalog", "goes through quantiles"),
        (
            table({str(0.05 * k): k for k in range(1, 13)}), None, "metalog",
            "through 12 quantiles would wave",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_with_its_reason(statistic, text, family, message) -> None:
    with pytest.raises(InputError, match=message) as caught:
        fit(statistic, text and bounds(text), None, family)
    assert caught.value.problems[0].mend


def test_a_mixture_is_refused_by_the_stated_tolerance() -> None:
    with pytest.raises(InputError, match=r"misses 30 by 1\.8 %") as caught:
        fit(table(), None, None, "mixture")
    assert f"{100 * TOLERANCE:g} % at most" in str(caught.value)


@pytest.mark.parametrize("family", [None, "metalog", "mixture"])
@pytest.mark.parametrize("over", RANGES)
def test_rare_draws_are_laws_too(family, over) -> None:
    """Eight patients and wild uniforms: every draw ascends inside the range, through its levels."""
    truth = NormalMixture(np.array([0.6, 0.4]), np.array([12.0, 25.0]), np.array([3.0, 4.0]), 0, 40)
    statistic = table(TABLE if family == "metalog" else seven(truth).quantiles, n=8)
    rng = np.random.default_rng(2)
    u = {name: rng.random(256) for name in statistic.numbers()}
    u = {name: np.where(np.arange(256) < 4, 1e-4, part) for name, part in u.items()}
    law = fit(statistic, over, lambda part: u[part], family)
    found = law.quantile(np.tile(EVERY, (256, 1)))
    low, high = over or (-np.inf, np.inf)
    assert np.isfinite(found[:, 2:-1]).all()
    assert np.all(np.diff(found[:, 2:-1], axis=1) >= -1e-9)
    assert found.min() >= low
    assert found.max() <= high
    assert law.rows(slice(7, 9)).quantile(np.tile(EVERY, (2, 1))).tolist() == found[7:9].tolist()
    if family != "mixture":
        levels = np.stack(list(statistic.draw(lambda part: u[part]).values()), axis=-1)
        values = list(statistic.quantiles.values())
        assert law.quantile(levels)[8:] == pytest.approx(np.tile(values, (248, 1)), rel=1e-6)
