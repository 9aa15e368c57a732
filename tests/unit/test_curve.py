"""A digitised curve as evidence: the curve itself, its error, and draws by the luck contract."""

import numpy as np
import pytest
from pydantic import ValidationError

from raresim.cohort import check
from raresim.disease import load_model
from raresim.evidence import EventFree, Quantiles, Stated, fit_time
from raresim.evidence.curve import CurveFree, shares_free
from raresim.evidence.km_data import IndividualData
from raresim.streams import Luck
from tests.unit.pooled_models import CURVE, written

TIMES = np.arange(1.0, 41.0)


def evidence(clicks, at_risk, **more):
    """Return what a curve in months becomes."""
    curve = {"unit": "months", "clicks": clicks, "at_risk": at_risk, **more}
    stated = Stated[EventFree | Quantiles]
    return stated.model_validate({"evidence": {"curve": curve, "source": "a"}}).statistic


def whole(patients=40, events=30):
    """Return the curve of patients who have their events month by month, nobody censored before."""
    clicks = [[float(k), 1 - k / patients] for k in range(1, events + 1)]
    at_risk = [[0, patients], [10, patients - 9], [20, patients - 19], [30, patients - 29]]
    return evidence(clicks, [pair for pair in at_risk if pair[0] <= events], events=events)


def drawn(statistic, seed=1):
    luck = Luck(seed, 0)
    return statistic.draw(lambda part: luck.once(part))


def test_a_curve_becomes_shares_free_of_the_event_at_the_ends_of_pieces():
    found = whole()
    assert isinstance(found, CurveFree) and found.n == 40 and found.sources == ("a",)
    assert len(found.free) == 6
    for name, share in found.free.items():
        assert share == pytest.approx(1 - float(name.split()[0]) / 40)
    law = fit_time(found, 30.4375, None)
    assert np.exp(-law.hazard(np.array([found.times])))[0] == pytest.approx([*found.free.values()])
    assert "off a curve of 30 clicks" in found.text()


def test_without_censoring_errors_and_draws_are_binomial():
    """Greenwood's error is then sqrt(S (1 - S) / n); the figure adds next to nothing to it."""
    found = whole()
    binomial = {t: np.sqrt(s * (1 - s) / 40) for t, s in found.free.items()}
    assert found.errors() == pytest.approx(binomial, rel=0.03)
    spread = {
        name: float(values.std()) for name, values in drawn(found).items() if name != "figure"
    }
    assert spread == pytest.approx(binomial, rel=0.12)
    values = np.stack([*drawn(found).values()])
    assert (np.diff(values, axis=0) < 0).all() and (values > 0).all()


def test_the_same_luck_draws_the_same_curve_and_a_part_has_the_bits_of_the_whole():
    one, other = whole(), whole()
    assert all((drawn(one)[name] == values).all() for name, values in drawn(other).items())
    luck = Luck(1, 0).only(slice(8, 40))
    part = one.draw(lambda name: luck.once(name))
    assert all((part[name] == values[8:40]).all() for name, values in drawn(one).items())


def test_later_censoring_makes_the_end_of_the_curve_less_sure():
    clicks = [[3, 0.9], [6, 0.8], [9, 0.7], [12, 0.6], [15, 0.5]]
    few = evidence(clicks, [[0, 100], [12, 12]])
    many = evidence(clicks, [[0, 100], [12, 61]])
    assert [*few.errors().values()][-1] > 1.5 * [*many.errors().values()][-1]
    assert drawn(few)["15 months"].std() > 1.5 * drawn(many)["15 months"].std()


def test_the_last_piece_ends_before_nobody_is_left():
    data = IndividualData(TIMES[:12], np.ones(12, bool))
    assert shares_free(data, "months") == pytest.approx({"6 months": 0.5, "11 months": 1 / 12})
    found = whole(patients=12, events=12)
    assert [*found.free] == ["6 months", "11 months"]
    assert all((values > 0).all() for values in drawn(found).values())


def test_a_curve_that_never_falls_or_falls_to_nothing_at_once_is_refused():
    for clicks in ([[2, 1.0], [4, 1.0]], [[2, 0.0], [4, 0.0]]):
        with pytest.raises(ValidationError, match="curve"):
            evidence(clicks, [[0, 20]])


def test_a_model_with_a_curve_passes_its_gate_and_draws_it(tmp_path):
    model = load_model(written(tmp_path, CURVE))
    rows = [row for row in check(model) if row.what == "death: time"]
    assert [row.number for row in rows] == ["5 months", "7 months", "15 months"]
    assert all(row.passed and row.miss is not None for row in rows)
    law = model.parameters(Luck(1, 0)).times["death", ""]
    assert law.at_knots.shape == (1024, 4)
    assert (law.at_knots[0] == law.at_knots[7]).all() and (law.at_knots[0] != law.at_knots[8]).any()
