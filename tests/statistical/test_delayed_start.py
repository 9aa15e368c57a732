"""What a delayed start tells apart. k = 4 Monte Carlo standard errors."""

from __future__ import annotations

import pytest

import raresim
from raresim.study.truth import true_values

K = 4
NAME = "friedreich-delayed-start"


@pytest.mark.parametrize(
    ("hypothesis", "early", "late"),
    [("effect", -2.3, -2.3), ("symptomatic", -2.3, 0.0), ("no_effect", 0.0, 0.0)],
)
def test_a_symptomatic_drug_converges_and_another_stays_ahead(
    hypothesis: str, early: float, late: float
) -> None:
    """The true differences; some have stopped treatment, so they are a little below 2.4."""
    found = true_values(raresim.load_scenario(NAME), hypothesis, 1, 0, draws=32)
    assert found["placebo_part"].mean() == pytest.approx(early, abs=0.1)
    assert found["delayed_part"].mean() == pytest.approx(late, abs=0.1)


def test_a_short_second_part_would_mislead() -> None:
    """With a half-life of a year a symptomatic drug has not converged in a second year."""
    path = "truth.hypotheses.symptomatic.mfars.drug.half_life"
    slow = raresim.load_scenario(NAME).changed({path: "52 weeks"})
    assert true_values(slow, "symptomatic", 1, 0, draws=32)["delayed_part"].mean() < -0.5


@pytest.mark.slow
@pytest.mark.parametrize("hypothesis", ["no_effect", "symptomatic"])
def test_the_level_is_held_under_both_nulls(hypothesis: str) -> None:
    run = raresim.simulate(raresim.load_scenario(NAME), 2048, 1, hypothesis=hypothesis)
    success = run.summary.success
    assert run.summary.is_null
    assert (success.value or 1) < 0.025 + K * (success.mcse or 0)
