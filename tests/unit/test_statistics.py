"""Summary statistics as papers print them: their numbers, errors and refusals."""

import math

import numpy as np
import pytest
from pydantic import TypeAdapter, ValidationError

from raresim.evidence import (
    AnyStatistic,
    Correlation,
    Difference,
    Dispersion,
    EventRate,
    Interval,
    Mean,
    Quantiles,
    Ratio,
    Share,
    Slope,
    Spread,
    Stated,
)

YEARS = {"exposure": "50 patient-years"}
AFTER = {"after": "48 weeks"}


@pytest.mark.parametrize(
    ("statistic", "numbers"),
    [
        pytest.param(Share(share=0.2), {"no": 0.8, "yes": 0.2}, id="single share"),
        pytest.param(
            Share(share={"a": 0.1, "b": "rest", "c": 0.2}),
            {"a": 0.1, "b": 0.7, "c": 0.2},
            id="rest",
        ),
        pytest.param(Mean(mean=3), {"mean": 3}, id="mean alone"),
        pytest.param(Mean(mean=3, sd=2), {"mean": 3, "sd": 2}, id="mean and SD"),
        pytest.param(Spread(sd=2), {"sd": 2}, id="SD"),
        pytest.param(
            Quantiles(median=13, q1=9, q3=19), {"q1": 9, "median": 13, "q3": 19}, id="quartiles"
        ),
        pytest.param(EventRate(events=20, **YEARS), {"rate": 0.4}, id="events, per patient-year"),
        pytest.param(EventRate(rate="0.1 per month", **YEARS), {"rate": 1.2}, id="rate, a year"),
        pytest.param(
            EventRate(events=3, exposure="12 patient-months"), {"rate": 3}, id="exposure in months"
        ),
        pytest.param(Dispersion(negative_binomial_theta=1.1), {"theta": 1.1}, id="theta"),
        pytest.param(Correlation(correlation=-0.6), {"correlation": -0.6}, id="correlation"),
        pytest.param(Slope(slope=-0.02), {"slope": -0.02}, id="slope"),
        pytest.param(Ratio(rate_ratio=0.3), {"rate_ratio": 0.3}, id="rate ratio"),
        pytest.param(Ratio(hazard_ratio=0.3), {"hazard_ratio": 0.3}, id="hazard ratio"),
        pytest.param(
            Difference(difference="-2.4 points", **AFTER), {"difference": -2.4}, id="difference"
        ),
    ],
)
def test_numbers_are_those_printed(statistic, numbers):
    assert statistic.numbers() == pytest.approx(numbers, rel=1e-12)
    assert {k: v.tolist() for k, v in statistic.point().items()} == {
        k: [pytest.approx(v)] for k, v in numbers.items()
    }


@pytest.mark.parametrize(
    ("statistic", "errors"),
    [
        # sqrt(0.2 * 0.8 / 100) = 0.04
        pytest.param(Share(share=0.2, n=100), {"no": 0.04, "yes": 0.04}, id="share"),
        # Wilson's interval for 0 of 10 is 0 to z²/(10 + z²) = 0.27753; its half over z is 0.0708
        pytest.param(Share(share=0.0, n=10), {"no": 0.07080, "yes": 0.07080}, id="empty cell"),
        # sqrt(0.1 * 0.9 / 25) = 0.06; sqrt(0.2 * 0.8 / 25) = 0.08; sqrt(0.7 * 0.3 / 25)
        pytest.param(
            Share(share={"a": 0.1, "b": 0.2, "c": "rest"}, n=25),
            {"a": 0.06, "b": 0.08, "c": 0.0916515},
            id="three shares",
        ),
        # 8 / sqrt(16) = 2; 8 / sqrt(2 * 15) = 1.460593
        pytest.param(Mean(mean=1, sd=8, n=16), {"mean": 2, "sd": 1.460593}, id="mean and SD"),
        pytest.param(Mean(mean=1, sd=8, se=3, n=16), {"mean": 3, "sd": 1.460593}, id="printed SE"),
        pytest.param(Mean(mean=1, se=3), {"mean": 3}, id="SE alone"),
        pytest.param(Mean(mean=1, n=16), {"mean": None}, id="mean alone"),
        pytest.param(Mean(mean=1, sd=8, n=1), {"mean": 8, "sd": None}, id="one patient"),
        pytest.param(Spread(sd=6, n=19), {"sd": 1}, id="SD"),  # 6 / sqrt(2 * 18) = 1
        pytest.param(Spread(sd=6, n=1), {"sd": None}, id="SD of one patient"),
        # a normal with SD 1: quartiles ±0.6744898; sqrt(3/16 / 100) / phi(0.6745) = 0.136263
        # and sqrt(1/4 / 100) / phi(0) = 0.125331
        pytest.param(
            Quantiles(q1=-0.6744898, median=0, q3=0.6744898, n=100),
            {"q1": 0.136263, "median": 0.125331, "q3": 0.136263},
            id="quartiles",
        ),
        pytest.param(EventRate(events=25, **YEARS), {"rate": 0.1}, id="events"),  # 5 / 50
        pytest.param(EventRate(rate="0.5 per year", **YEARS), {"rate": 0.1}, id="rate"),
        pytest.param(EventRate(events=0, **YEARS), {"rate": 0.02}, id="no events"),  # 1 / 50
        pytest.param(Dispersion(negative_binomial_theta=1, se=0.5), {"theta": 0.5}, id="theta"),
        # (1 - 0.36) / sqrt(64) = 0.08
        pytest.param(Correlation(correlation=-0.6, n=65), {"correlation": 0.08}, id="correlation"),
        pytest.param(Correlation(correlation=-0.6, n=1), {"correlation": None}, id="one pair"),
        pytest.param(Slope(slope=2, se=0.7), {"slope": 0.7}, id="slope"),
        # 0.5 * (log 0.98 - log 0.25) / 3.919928 = 0.5 * 1.366092 / 3.919928
        pytest.param(
            Ratio(rate_ratio=0.5, ci=[0.25, 0.98]), {"rate_ratio": 0.1742496}, id="rate ratio"
        ),
        pytest.param(Ratio(hazard_ratio=0.5), {"hazard_ratio": None}, id="ratio alone"),
        # (-0.5 + 4.31) / 3.919928
        pytest.param(
            Difference(difference=-2.4, ci=[-4.31, -0.5], **AFTER),
            {"difference": 0.9719566},
            id="difference",
        ),
    ],
)
def test_errors_are_those_of_the_formula(statistic, errors):
    found = statistic.errors()
    assert found.keys() == errors.keys()
    for name, error in errors.items():
        assert found[name] == (error if error is None else pytest.approx(error, abs=5e-6)), name


@pytest.mark.parametrize(
    ("kind", "fields", "reason"),
    [
        (Share, {"share": 1.2}, "between 0 and 1"),
        (Share, {"share": -0.1}, "between 0 and 1"),
        (Share, {"share": {"a": 0.5, "b": 0.6}}, "sum to 1, they sum to 1.1"),
        (Share, {"share": {"a": 0.5, "b": 0.4}}, "sum to 1, they sum to 0.9"),
        (Share, {"share": {"a": 0.7, "b": 0.4, "c": "rest"}}, "between 0 and 1"),
        (Share, {"share": {"a": 0.5, "b": "rest", "c": "rest"}}, "one 'rest'"),
        (Share, {"share": {"a": 0.5, "b": "remainder"}}, "rest"),
        (Share, {"share": {}}, "sum to 1"),
        (Share, {"share": math.nan}, "finite"),
        (Share, {"share": 0.2, "n": 0}, "greater than 0"),
        (Share, {"share": 0.2, "n": 10.0}, "integer"),
        (Mean, {"mean": 1, "sd": 0}, "greater than 0"),
        (Mean, {"mean": 1, "se": -1}, "greater than 0"),
        (Mean, {"mean": math.inf}, "finite"),
        (Mean, {"mean": 1, "median": 2}, "Extra inputs"),
        (Spread, {"sd": -1}, "greater than 0"),
        (Quantiles, {"q1": 5, "median": 5, "q3": 6}, "q1 < median < q3"),
        (Quantiles, {"q1": 6, "median": 5, "q3": 7}, "q1 < median < q3"),
        (Quantiles, {"q1": 4, "median": 5, "q3": 5}, "q1 < median < q3"),
        (EventRate, YEARS, "either 'events' or 'rate'"),
        (EventRate, {**YEARS, "events": 3, "rate": "1 per year"}, "either 'events' or 'rate'"),
        (EventRate, {**YEARS, "events": -1}, "greater than or equal to 0"),
        (EventRate, {"events": 3, "exposure": "0 patient-years"}, "above zero"),
        (EventRate, {"events": 3, "exposure": 50.0}, "with its unit"),
        (Dispersion, {"negative_binomial_theta": 0}, "greater than 0"),
        (Correlation, {"correlation": 1}, "less than 1"),
        (Correlation, {"correlation": -1}, "greater than -1"),
        (Slope, {"slope": 1, "se": 0}, "greater than 0"),
        (Ratio, {"rate_ratio": 0.5, "ci": [0.6, 0.9]}, "holds the ratio"),
        (Ratio, {"rate_ratio": 0.5, "ci": [0.1, 0.4]}, "holds the ratio"),
        (Ratio, {"rate_ratio": 0.5, "ci": [0.9, 0.1]}, "holds the ratio"),
        (Ratio, {"rate_ratio": 0.5, "ci": [0.0, 0.9]}, "above zero"),
        (Ratio, {"rate_ratio": 0.5, "ci": [0.1]}, "at least 2"),
        (Ratio, {"rate_ratio": 0.5, "ci": [0.1, 0.6, 0.9]}, "at most 2"),
        (Ratio, {"rate_ratio": 0}, "greater than 0"),
        (Ratio, {"rate_ratio": 0.5, "hazard_ratio": 0.5}, "either"),
        (Ratio, {"ci": [0.1, 0.2]}, "either"),
        (Difference, {"difference": -2.4, "ci": [-1, 0], **AFTER}, "holds the difference"),
        (Difference, {"difference": -2.4, "ci": [-1, -3], **AFTER}, "holds the difference"),
        (Difference, {"difference": -2.4}, "required"),
        (Difference, {"difference": -2.4, "after": "48"}, "with its unit"),
    ],
)
def test_numbers_that_cannot_be_are_refused_with_a_reason(kind, fields, reason):
    with pytest.raises(ValidationError, match=reason):
        kind(**fields)


def test_a_share_just_off_one_by_rounding_is_taken():
    assert Share(share={"a": 0.333, "b": 0.333, "c": 0.333}).numbers()["a"] == 0.333


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        ({"share": 0.2}, Share),
        ({"mean": 1, "sd": 2}, Mean),
        ({"sd": 2}, Spread),
        ({"median": 2, "q1": 1, "q3": 3}, Quantiles),
        ({"events": 2, **YEARS}, EventRate),
        ({"rate": "1 per year", **YEARS}, EventRate),
        ({"negative_binomial_theta": 2}, Dispersion),
        ({"correlation": 0.2}, Correlation),
        ({"slope": 0.2}, Slope),
        ({"hazard_ratio": 0.2}, Ratio),
        ({"difference": 0.2, **AFTER}, Difference),
    ],
)
def test_kinds_are_told_apart_by_their_keys(data, kind):
    assert type(TypeAdapter(AnyStatistic).validate_python(data)) is kind


def test_what_is_no_kind_of_statistic_is_refused_with_the_known_kinds():
    with pytest.raises(ValidationError, match="one of share, mean, sd, median"):
        TypeAdapter(AnyStatistic).validate_python({"average": 3})


PUBLISHED = Mean(mean=1, sd=2, n=9, source="paper2020")


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({}, "either 'evidence' or 'assumed'"),
        ({"evidence": PUBLISHED, "assumed": PUBLISHED, "why": "x"}, "either"),
        ({"evidence": Mean(mean=1)}, "names its 'source'"),
        ({"assumed": Mean(mean=1)}, "says 'why'"),
    ],
)
def test_a_number_without_source_or_reason_is_refused(fields, reason):
    with pytest.raises(ValidationError, match=reason):
        Stated[Mean](**fields)


def test_evidence_is_drawn_and_an_assumption_is_not():
    def middle(part):
        return np.full(3, 0.9)

    drawn = Stated[Mean](evidence=PUBLISHED).values(middle)
    assumed = Stated[Mean](assumed=PUBLISHED, why="guess").values(middle)
    assert drawn["mean"].shape == (3,)
    assert (drawn["mean"] > 1).all()
    assert assumed["mean"].tolist() == [1]
    assert Stated[Mean](evidence=PUBLISHED).values(None)["sd"].tolist() == [2]


@pytest.mark.parametrize("values", [(1, 0, 2), (0, 3, 2), (2, 1, 0)])
def test_an_interval_out_of_order_is_refused(values):
    with pytest.raises(ValidationError, match="lower <= centre <= upper"):
        Interval(lower=values[0], centre=values[1], upper=values[2])


def test_an_interval_is_taken_at_its_named_place():
    interval = Interval(lower=-1, centre=0, upper=3)
    assert [interval.at(place) for place in ("lower", "centre", "upper")] == [-1, 0, 3]
