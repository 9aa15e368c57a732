"""Which statistic makes an output unsure: against closed forms and against drawing all at once."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy.stats import gamma

from raresim.cohort.contributions import contributions
from raresim.disease import load_model
from raresim.evidence import EventFree
from tests.faces.test_cli import raresim


@pytest.fixture(scope="module", params=["chronic-granulomatous-disease", "sma-type-1"])
def found(request):
    return contributions(load_model(request.param))


def test_shares_add_up_and_every_number_is_asked(found) -> None:
    for output in {row.output for row in found}:
        rows = [row for row in found if row.output == output]
        assert sum(row.share for row in rows) == pytest.approx(1)
        assert [r.share for r in rows] == sorted((r.share for r in rows), reverse=True)


def test_a_rate_makes_its_own_count_unsure_as_its_posterior_says() -> None:
    found = contributions(load_model("chronic-granulomatous-disease"))
    rows = [row for row in found if row.output == "serious_infection: events in a year"]
    first = rows[0]
    assert first.number.name == "serious_infection: rate"
    assert first.share > 0.99
    posterior = gamma(56.5, scale=1 / 50.72)
    ends = posterior.ppf([0.025, 0.975])
    # counts of a year in 131,072 patients: 4 Monte Carlo standard errors, theta 1.1
    error = np.sqrt((1.1 + 1.1**2 / 1.095) / 131_072)
    assert [first.at_lower, first.at_upper] == pytest.approx(ends, abs=4 * error * 1.3)


def test_single_numbers_add_up_to_the_variance_of_drawing_all() -> None:
    """Shares free at two times, drawn together: the delta method is within 15 % of the variance."""
    statistic = EventFree(free={"10.5 months": 0.5, "14 months": 0.26}, n=230)  # errors are small
    rng = np.random.Generator(np.random.PCG64(3))
    u = {part: rng.random(40_000) for part in statistic.free}
    whole = np.var(statistic.draw(lambda part: u[part])["14 months"])
    single = 0.0
    for part in statistic.free:
        ends = [
            statistic.draw(
                lambda p, part=part, level=level: np.array([level if p == part else 0.5])
            )
            for level in (0.025, 0.975)
        ]
        single += float((ends[1]["14 months"] - ends[0]["14 months"])[0] / 3.92) ** 2
    assert single == pytest.approx(float(whole), rel=0.15)


def test_the_command_tells_and_refuses() -> None:
    said = raresim("show", "sma-type-1", "--uncertainty")
    assert "event: share free after a year" in said
    rows = json.loads(raresim("show", "sma-type-1", "--uncertainty", "--json"))
    assert rows[0]["share"] > rows[-1]["share"]
    assert "ask for one" in raresim("show", "sma-type-1", "--uncertainty", "--check", code=2)
    assert "is for models" in raresim("show", "friedreich-48-weeks", "--uncertainty", code=2)
