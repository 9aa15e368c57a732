"""Durations, spans, rates and counts as people type them."""

import math

import pytest

from raresim.files import units

YEAR = 365.25


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("12 months", YEAR),
        ("1 month", YEAR / 12),
        ("2 weeks", 14),
        ("1 week", 7),
        ("1.5 years", 547.875),
        ("day 0", 0),
        ("week 4", 28),
        ("month 6", YEAR / 2),
        ("36 hours", 1.5),
        ("90 minutes", 1 / 16),
        ("86400 seconds", 1),
        ("1e3 days", 1000),
        (" 7 days ", 7),
        ("7days", 7),
        ("+7 days", 7),
    ],
)
def test_durations_are_days(text, days):
    assert units.duration(text) == pytest.approx(days, rel=1e-14)


@pytest.mark.parametrize(
    "text",
    [
        "12",
        "days",
        "-1 day",
        "day -1",
        "12 moons",
        "1 Day",
        "1 day of",
        "of 1 day",
        "1,5 days",
        "1 to 2 days",
        "1e400 days",
        "1e13 days",
        "nan days",
        "inf days",
        "",
        5,
        5.0,
        True,
        None,
        ["1 day"],
        "1" * 200 + " days",
    ],
)
def test_what_is_no_duration_is_refused_with_a_reason(text):
    with pytest.raises(ValueError, match="expected a"):
        units.duration(text)


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("2 to 4 weeks", (14, 28)),
        ("2 weeks to 1 month", (14, YEAR / 12)),
        ("0 to 0 days", (0, 0)),
        ("3 to 3 days", (3, 3)),
        ("12 hours to 2 days", (0.5, 2)),
    ],
)
def test_spans_are_two_numbers_of_days(text, days):
    assert units.span(text) == pytest.approx(days, rel=1e-14)


@pytest.mark.parametrize(
    "text",
    [
        "4 to 2 weeks",
        "3 weeks to 20 days",
        "-1 to 2 days",
        "2-4 weeks",
        "2 to 4",
        "2 weeks",
        3,
        None,
    ],
)
def test_what_is_no_span_is_refused_with_a_reason(text):
    with pytest.raises(ValueError, match="expected a span"):
        units.span(text)


@pytest.mark.parametrize(
    ("text", "a_day"),
    [
        ("36.525 per year", 0.1),
        ("0.3 per patient-year", 0.3 / YEAR),
        ("7 per week", 1),
        ("0 per year", 0),
        ("1 per month", 12 / YEAR),
        ("24 per day", 24),
        ("1 per years", 1 / YEAR),
    ],
)
def test_rates_are_events_a_day(text, a_day):
    assert units.rate(text) == pytest.approx(a_day, rel=1e-14)


@pytest.mark.parametrize(
    "text", ["-1 per year", "3 per", "3", "1/year", "per year", 3, None, "1 per 2 years"]
)
def test_what_is_no_rate_is_refused_with_a_reason(text):
    with pytest.raises(ValueError, match="expected a rate"):
        units.rate(text)


def test_exposures_are_patient_days():
    assert units.exposure("50.7 patient-years") == pytest.approx(50.7 * YEAR, rel=1e-14)
    assert units.exposure("12 patient-months") == pytest.approx(YEAR, rel=1e-14)


@pytest.mark.parametrize("text", ["0 patient-years", "-1 patient-days", "50 years", "50", 50, None])
def test_what_is_no_exposure_is_refused_with_a_reason(text):
    with pytest.raises(ValueError, match="expected an exposure"):
        units.exposure(text)


def test_bounds_are_two_ascending_numbers():
    assert units.bounds("1 to 60") == (1, 60)
    assert units.bounds("-5 to 0.5") == (-5, 0.5)


@pytest.mark.parametrize(
    "text", ["60 to 1", "1 to 1", "1 to 60 years", "1-60", "1 to", [1, 60], None]
)
def test_what_is_no_range_is_refused_with_a_reason(text):
    with pytest.raises(ValueError, match="expected a range"):
        units.bounds(text)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("-2.4 points", -2.4),
        ("3 mL/min", 3),
        ("5 %", 5),
        ("1e-3", 1e-3),
        (3, 3),
        (-2.5, -2.5),
        (1e-7, 1e-7),
    ],
)
def test_amounts_are_numbers_with_or_without_a_unit(text, number):
    found = units.amount(text)
    assert found == number
    assert isinstance(found, float)


@pytest.mark.parametrize(
    "text",
    [
        "points",
        "2 points more",
        "",
        True,
        None,
        [1],
        math.inf,
        -math.inf,
        math.nan,
        "1e13",
        10**400,
    ],
)
def test_what_is_no_amount_is_refused_with_a_reason(text):
    with pytest.raises(ValueError, match="expected a number"):
        units.amount(text)
