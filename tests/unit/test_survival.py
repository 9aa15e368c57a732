"""Laws of a time to an event: the points that were printed, inverses, draws, and refusals."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from scipy.stats import beta, fisk

from raresim.evidence import EventFree, Quantiles, fit_time

MONTH = 365.25 / 12
GRID = (np.arange(40_000) + 0.5) / 40_000


def times(law):
    """Return the times of 40,000 patients, evenly spread over the law."""
    return law.time(-np.log1p(-GRID)[None, :])[0]


def test_the_curve_goes_through_what_was_printed() -> None:
    law = fit_time(EventFree(free={"10.5 months": 0.5, "14 months": 0.26}, n=23), MONTH, None)
    found = times(law) / MONTH
    assert np.mean(found > 10.5) == pytest.approx(0.5, abs=1e-4)
    assert np.mean(found > 14) == pytest.approx(0.26, abs=1e-4)
    # the last hazard goes on: from 10.5 to 14 months 48 % of those left have the event
    assert np.mean(found > 17.5) == pytest.approx(0.26 * 0.52, abs=1e-4)


def test_quartiles_are_those_printed_and_symmetric_ones_make_a_log_logistic() -> None:
    law = fit_time(Quantiles(median=13.5, q1=8.1, q3=22.0, n=34), MONTH, None)
    assert np.quantile(times(law) / MONTH, [0.25, 0.5, 0.75]) == pytest.approx(
        [8.1, 13.5, 22.0], rel=1e-4
    )
    plain = fit_time(Quantiles(median=10, q1=5, q3=20), 1.0, None)
    reference = fisk(c=np.log(3) / np.log(2), scale=10)  # scipy's log-logistic
    at = np.array([[0.1, 3.0, 10.0, 60.0, 1e3]])
    assert plain.hazard(at) == pytest.approx(-reference.logsf(at), rel=1e-9)


@given(
    shares=st.lists(st.floats(0.01, 0.99), min_size=1, max_size=8, unique=True),
    gap=st.floats(0.1, 400.0),
    level=st.floats(0.01, 0.99),
    times_seen=st.lists(st.floats(0.001, 20_000.0), min_size=1, max_size=5),
)
def test_hazard_and_time_undo_each_other(shares, gap, level, times_seen) -> None:
    free = {f"{gap * (k + 1):.6f} days": s for k, s in enumerate(sorted(shares, reverse=True))}
    q = sorted({round(gap, 6), round(gap * 1.7, 6), round(gap * 2.2, 6)})
    at = np.broadcast_to(np.array(times_seen), (1, len(times_seen)))
    for statistic in (EventFree(free=free, n=30), Quantiles(median=q[1], q1=q[0], q3=q[2], n=30)):
        for uniform in (None, lambda part: np.array([level])):
            law = fit_time(statistic, 1.0, uniform)
            hazard = law.hazard(at)
            assert np.all(hazard >= 0)
            apart = np.isclose(law.hazard(at * 1.001), hazard, rtol=1e-9, atol=0)  # flat there
            seen = (hazard > 1e-12) & (hazard < 500) & ~apart
            assert law.time(hazard)[seen] == pytest.approx(at[seen], rel=1e-6)


def test_drawn_curves_fall_and_are_conditional_betas() -> None:
    statistic = EventFree(free={"6 months": 0.8, "12 months": 0.4}, n=20)
    rng = np.random.Generator(np.random.PCG64(1))
    u = {part: rng.random(20_000) for part in statistic.free}
    drawn = statistic.draw(lambda part: u[part])
    assert np.all(drawn["12 months"] < drawn["6 months"])
    first = beta(20 * 0.8 + 0.5, 20 * 0.2 + 0.5)
    assert np.mean(drawn["6 months"]) == pytest.approx(first.mean(), abs=4 * first.std() / 141)
    second = beta(8.5, 8.5).mean()
    assert np.mean(drawn["12 months"]) == pytest.approx(first.mean() * second, abs=0.004)


@pytest.mark.parametrize(
    ("free", "message"),
    [
        ({"12 months": 0.5, "6 months": 0.8}, "ascend"),
        ({"6 months": 0.5, "12 months": 0.8}, "fall with time"),
        ({"6 months": 1.0}, "fall with time"),
        ({"6 months": 0.0}, "fall with time"),
        ({"0 days": 0.9}, "above zero"),
        ({"6": 0.9}, "duration"),
    ],
)
def test_impossible_curves_are_refused(free, message) -> None:
    with pytest.raises(ValidationError, match=message):
        EventFree(free=free, n=10)
