"""Checks of printed statistics: hand-computed cases, brute force, and no alarm on real data."""

import math
from collections import Counter
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from fractions import Fraction
from itertools import combinations_with_replacement

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats

from raresim.errors import InputError, RefusedError
from raresim.evidence.plausible import (
    denominators,
    grim,
    interval,
    mean_and_median,
    parts_of,
    printed,
    quantiles,
    samples,
    sd_bounds,
    share_of,
    unit_jump,
    whole_numbers,
)


def text_of(value, decimals, rounding=ROUND_HALF_UP):
    """Print a number as a paper does; fractions are divided to 60 digits first."""
    if isinstance(value, Fraction):
        value = Decimal(value.numerator) / Decimal(value.denominator)
    return str(Decimal(value).quantize(Decimal(1).scaleb(-decimals), rounding=rounding))


# What is printed


@pytest.mark.parametrize(
    ("typed", "low", "high"),
    [
        ("12.30", 12.295, 12.305),
        (12.3, 12.25, 12.35),
        (12, 11.5, 12.5),
        (12.0, 11.5, 12.5),
        ("−0.6", -0.65, -0.55),
        ("<0.001", 0, 0.001),
        ("1.2e3", 1150, 1250),
        (0.1 + 0.2, 0.25, 0.35),
    ],
)
def test_a_printed_number_is_an_interval(typed, low, high):
    found = printed(typed)
    assert (float(found.low), float(found.high)) == (low, high)


@pytest.mark.parametrize("typed", ["", "about 3", "nan", math.inf, "1e999999", "12,3"])
def test_what_is_no_number_says_how_to_mend_it(typed):
    with pytest.raises(InputError, match="write digits"):
        printed(typed)


# GRIM


@pytest.mark.parametrize(
    ("mean", "n", "fits"),
    [
        ("3.48", 20, False),  # 20 dice: twentieths end in 0 or 5
        ("3.45", 20, True),
        ("5.93", 49, False),  # 290/49 = 5.918, 291/49 = 5.939
        ("5.94", 49, True),
        ("5.27", 43, False),  # 226/43 = 5.256, 227/43 = 5.279
        ("0.33", 3, True),
        ("0.32", 3, False),
        ("1.125", 8, True),
        ("1.12", 8, True),  # a half may be rounded down
        ("1.13", 8, True),
        ("-0.5", 2, True),
        (12.3, 40, True),
    ],
)
def test_grim(mean, n, fits):
    assert (grim(mean, n) == []) is fits


def test_grim_counts_items_and_names_the_nearest_means():
    assert grim("3.48", 20, items=5) == []
    (found,) = grim("5.93", 49)
    assert "5.9184 or 5.9388" in found.why
    assert grim("3.48", 0)[0].what == "n"


# SD


@pytest.mark.parametrize(
    ("mean", "sd", "n", "low", "high", "fits"),
    [
        ("3.0", "2.05", 20, 1, 5, True),  # ten 1 and ten 5: sqrt(4 * 20 / 19) = 2.052
        ("3.00", "2.06", 20, 1, 5, False),
        ("1.2", "1.5", 10, 1, 5, False),  # at most 0.974 with a mean of 1.25
        ("5.6", "0.5", 10, 1, 5, False),  # the mean is outside
        ("0.5", "0.5", 10, 1, 5, False),
        ("3.0", "-1", 10, 1, 5, False),
    ],
)
def test_sd_and_range(mean, sd, n, low, high, fits):
    assert (sd_bounds(mean, sd, n, low, high) == []) is fits


@pytest.mark.parametrize(
    ("mean", "sd", "n", "fits"),
    [
        ("3.50", "0.51", 20, True),  # ten 3 and ten 4: sqrt(0.25 * 20 / 19) = 0.5130
        ("3.50", "0.50", 20, False),
        ("3.00", "0.00", 20, True),
        ("3.05", "0.22", 20, True),  # one 4: sqrt(0.05 * 0.95 * 20 / 19) = 0.2236
        ("3.05", "0.21", 20, False),
        ("3.48", "0.01", 20, True),  # no sum fits: that is GRIM's to find
        ("3", "0.1", 20, True),
    ],
)
def test_the_least_sd_of_whole_numbers(mean, sd, n, fits):
    assert (sd_bounds(mean, sd, n, whole=True) == []) is fits


def test_an_sd_needs_two_patients():
    assert sd_bounds("3", "1", 1)[0].what == "n"


# Shares


def test_the_table_in_which_21_of_80_is_39_per_cent_is_found():
    """Said to stand so in ENDEAR's table: 31 of 80 would be 39 %, and 21 of 54."""
    (found,) = share_of(21, 80, "39")
    assert found.why == "21 of 80 is 26.25 %"
    assert "of 80, 31 would fit" in found.mend
    assert "21 fits with n = 54" in found.mend


@pytest.mark.parametrize(
    ("count", "n", "per_cent", "fits"),
    [
        (31, 80, "39", True),  # 38.75
        (1, 8, "12", True),  # 12.5, rounded down
        (1, 8, "13", True),
        (1, 8, "12.5", True),
        (1, 8, "12.6", False),
        (0, 41, "0", True),
        (41, 41, "100", True),
        (42, 41, "102", False),
        (3, 0, "10", False),
        (1, 3, "33.3", True),
        (2, 3, "66.6", False),
        (1, 500, "<1", True),
    ],
)
def test_counts_and_per_cents(count, n, per_cent, fits):
    assert (share_of(count, n, per_cent) == []) is fits


@given(st.integers(0, 60), st.integers(0, 1000))
def test_denominators_are_those_that_a_search_finds(count, tenths):
    share = f"{tenths / 10:.1f}"
    fitting = [n for n in range(max(count, 1), 301) if share_of(count, n, share) == []]
    assert denominators(count, share, up_to=300) == fitting


def test_parts_make_up_their_total():
    assert parts_of({"a": 12, "b": 18}, 30) == []
    assert parts_of({"a": 12, "b": 18}, 31)
    assert parts_of({"a": 12, "b": 18, "both": 5}, 30)[0].mend == "both may be counted twice"
    thirds = {"a": "33.3", "b": "33.3", "c": "33.3"}
    assert parts_of(thirds, 100, counts=False) == []
    assert parts_of({"a": "33.3", "b": "33.3", "c": "32.3"}, 100, counts=False)
    assert parts_of({"a": "12.1", "b": "12.1"}, "24.3", counts=False) == []  # both rounded down


# Intervals


def test_the_published_hazard_ratio_agrees_with_itself():
    assert interval("0.335", "0.181", "0.616", scale="log") == []
    found = interval("0.335", "0.181", "0.816", scale="log")
    assert [finding.what for finding in found] == ["interval"]


def test_error_and_p_value_are_recomputed():
    """1.96 * 2 = 3.92: 10 (6.08 to 13.92), z = 5, p = 5.7e-7; t with 10 df gives 2.228 * 2."""
    assert interval("10", "6.08", "13.92", se="2.0", p="<0.001") == []
    wrong = interval("10.0", "6.08", "13.92", se="3.0", p="0.04")
    assert [finding.what for finding in wrong] == ["standard error", "p-value"]
    assert interval("10.0", "5.54", "14.46", se="2.00", df=10) == []
    assert interval("10.0", "5.54", "14.46", se="2.00")
    assert interval("10", "12", "14")[0].what == "interval"
    assert "logarithms" in interval("-0.5", "-0.9", "-0.1", scale="log")[0].mend
    assert interval("0.30", "-0.10", "0.70", p="<0.05")[0].what == "p-value"
    assert interval("0.30", "-0.10", "0.70", p="0.14") == []
    assert interval("1.00", "0.50", "2.00", scale="log", p="1.00") == []


# Quantiles, mean and median, units


def test_quantiles_ascend():
    assert quantiles(minimum=1, q1=9, median=13, q3=19, maximum=40) == []
    assert quantiles(q1=9, median="8.9", q3=19) == []  # 8.9 may have been rounded to 9
    assert len(quantiles(q1=9, median=22, q3=19)) == 1
    assert len(quantiles(minimum=10, q1=9, median=8)) == 2


def test_mean_and_median_lie_within_an_sd():
    assert mean_and_median("14.6", "12", "9.8") == []
    assert mean_and_median("10.0", "19.9", "9.8") == []  # 9.8 + 0.05 + 0.05 + 0.05 apart at most
    assert mean_and_median("10.0", "20.1", "9.8")


def test_units_that_jump_by_a_known_factor():
    assert "creatinine" in unit_jump(("0.9", "0.3"), ("80", "26"))[0].mend
    assert "bilirubin" in unit_jump(("17", "8.5"), ("1.0", "0.5"))[0].mend
    assert "days and years" in unit_jump(("3650", "365"), ("10.0", "1.0"))[0].mend
    assert unit_jump(("10", "3"), ("13", "4")) == []
    assert unit_jump(("10", "3"), ("120", "4")) == []  # the SD does not jump with the mean
    assert unit_jump(("10", "3"), ("-120", "36")) == []
    assert unit_jump(("0", "3"), ("120", "36")) == []


# CLOSURE


def brute(mean, sd, n, low, high):
    """Count samples one by one, in fractions."""
    m, s = printed(mean), printed(sd)
    count = 0
    for values in combinations_with_replacement(range(low, high + 1), n):
        square = Fraction(n * sum(v * v for v in values) - sum(values) ** 2, n * (n - 1))
        fits = max(s.low, 0) ** 2 <= square <= s.high**2 and s.high >= 0
        count += m.holds(Fraction(sum(values), n)) and fits
    return count


@settings(max_examples=150)
@given(
    st.integers(-3, 3),
    st.integers(0, 5),
    st.integers(2, 6),
    st.integers(0, 2),
    st.randoms(use_true_random=False),
)
def test_samples_are_those_that_a_list_of_all_holds(low, width, n, decimals, chance):
    values = [chance.randint(low, low + width) for _ in range(n)]
    mean = text_of(Fraction(sum(values), n), decimals)
    sd = text_of(np.std(values, ddof=1), decimals)
    if chance.random() < 0.3:
        sd = text_of(float(sd) + 0.1, decimals)
    assert samples(mean, sd, n, low, low + width) == brute(mean, sd, n, low, low + width)


def test_every_sample_is_counted_once():
    """All printed pairs together, at decimals that tell every pair apart, are all multisets."""
    n, low, high = 5, 0, 4
    pairs = Counter()
    for values in combinations_with_replacement(range(low, high + 1), n):
        pairs[f"{np.mean(values):.4f}", f"{np.std(values, ddof=1):.4f}"] += 1
    found = {pair: samples(*pair, n, low, high) for pair in pairs}
    assert found == dict(pairs)
    assert sum(found.values()) == math.comb(n + high - low, n)


def test_samples_of_the_package_unsum():
    """Its documentation lists 5,359 for this summary; counts are the same from either end."""
    assert samples("2.7", "1.9", 130, 1, 5) == 5359
    assert samples("3.3", "1.9", 130, 1, 5) == 5359


def test_one_sample_is_microdata_and_none_is_an_error():
    assert "patients' data" in whole_numbers("1.00", "0.00", 12, 1, 5)[0].mend
    assert "no sample" in whole_numbers("3.48", "1.00", 20, 1, 5)[0].why
    assert whole_numbers("3", "1", 1, 1, 5)[0].what == "n"
    assert whole_numbers("3", "1", 9, 5, 1)[0].what == "range"
    assert samples("9", "1", 4, 1, 5) == 0
    assert samples("3", "-1", 4, 1, 5) == 0


def test_a_table_too_large_is_refused_with_its_size():
    with pytest.raises(RefusedError, match=r"cells.*limit is 20,000,000"):
        samples("50", "20", 200, 0, 100)
    with pytest.raises(InputError, match="two patients"):
        samples("3", "1", 1, 1, 5)


# No alarm on statistics of real data

roundings = st.sampled_from([ROUND_HALF_UP, ROUND_HALF_EVEN])
decimals = st.integers(0, 3)


@settings(max_examples=300)
@given(st.lists(st.integers(0, 10), min_size=2, max_size=40), decimals, decimals, roundings)
def test_whole_data_raise_no_finding(values, of_mean, of_sd, rounding):
    n = len(values)
    mean = text_of(Fraction(sum(values), n), of_mean, rounding)
    square = Fraction(n * sum(v * v for v in values) - sum(values) ** 2, n * (n - 1))
    root = (Decimal(square.numerator) / Decimal(square.denominator)).sqrt()
    sd = text_of(root, of_sd, rounding)
    assert grim(mean, n) == []
    assert sd_bounds(mean, sd, n, 0, 10, whole=True) == []
    assert mean_and_median(mean, text_of(np.median(values), of_sd, rounding), sd) == []
    spots = np.quantile(values, [0, 0.25, 0.5, 0.75, 1])
    names = ("minimum", "q1", "median", "q3", "maximum")
    texts = [text_of(v, (of_mean, of_sd)[i % 2], rounding) for i, v in enumerate(spots)]
    assert quantiles(**dict(zip(names, texts, strict=True))) == []
    assert samples(mean, sd, n, 0, 10) >= 1


@settings(max_examples=200)
@given(st.lists(st.floats(-50, 50), min_size=2, max_size=30), decimals, roundings)
def test_any_data_raise_no_finding(values, places, rounding):
    mean, sd = (text_of(float(f(values)), places, rounding) for f in (np.mean, _sd))
    assert sd_bounds(mean, sd, len(values), -50, 50) == []
    assert mean_and_median(mean, text_of(float(np.median(values)), places, rounding), sd) == []


def _sd(values):
    return np.std(values, ddof=1)


@given(st.lists(st.integers(0, 60), min_size=1, max_size=6), decimals, roundings)
def test_counts_of_a_table_raise_no_finding(counts, places, rounding):
    n = sum(counts)
    assume(n > 0)
    shares = [text_of(Fraction(100 * count, n), places, rounding) for count in counts]
    assert all(share_of(c, n, share) == [] for c, share in zip(counts, shares, strict=True))
    parts = {str(i): count for i, count in enumerate(counts)}
    assert parts_of(parts, n) == []
    assert parts_of(dict(zip(parts, shares, strict=True)), 100, counts=False) == []
    assert all(n in denominators(c, share) for c, share in zip(counts, shares, strict=True))


@settings(max_examples=300)
@given(
    st.floats(-3, 3),
    st.floats(0.05, 2),
    st.sampled_from(["identity", "log"]),
    st.sampled_from([None, 3, 12, 80]),
    st.integers(1, 4),
    st.integers(1, 4),
)
def test_estimates_of_a_model_raise_no_finding(beta, se, scale, df, places, of_p):
    law = stats.norm() if df is None else stats.t(df)
    half = law.ppf(0.975) * se
    back = math.exp if scale == "log" else float
    numbers = [text_of(back(beta + side * half), places) for side in (0, -1, 1)]
    p = text_of(float(2 * law.sf(abs(beta) / se)), of_p)
    p = p if float(p) > 0 else f"<{10.0**-of_p:.{of_p}f}"
    assert interval(*numbers, scale=scale, df=df, se=text_of(se, places), p=p) == []
    assert interval(*numbers, scale=scale, df=df, p=p) == []


@settings(max_examples=50)
@given(st.integers(0, 10_000), st.floats(5, 50), st.floats(0.05, 0.4))
def test_two_samples_of_one_population_suggest_no_other_unit(seed, mean, spread):
    rng = np.random.default_rng(seed)
    one, two = rng.normal(mean, spread * mean, (2, 25))
    pairs = [(f"{x.mean():.2f}", f"{x.std(ddof=1):.2f}") for x in (one, two)]
    assert unit_jump(*pairs) == []
