"""The two conducts agree on comparisons within patients, at coarse ticks too."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from raresim.trial import Scenario, run_block
from tests.within import attacks, crossed, periods
from tests.worlds import differences

TRIALS = 8
STRATEGIES = ("treatment policy", "while on treatment", "hypothetical")


@st.composite
def within(draw: st.DrawFn) -> Scenario:
    """Scenarios of scores or attacks in two to four periods, with people who stop and leave."""
    number = draw(st.integers(2, 4))
    give = st.sampled_from(["drug", "sugar"])
    orders = draw(st.lists(st.tuples(*[give] * number), min_size=1, max_size=3, unique=True))
    orders = [("drug", "sugar") * 2, ("sugar", "drug") * 2, *orders]
    weeks, washout = draw(st.integers(3, 6)), draw(st.sampled_from([0, 2]))
    arms = {
        f"arm{k}": periods(weeks, *own[:number], washout=washout) for k, own in enumerate(orders)
    }
    lasts = number * weeks + (number - 1) * washout
    ends = [weeks * (k + 1) + washout * k for k in range(number)]
    changes: dict[str, Any] = {
        "truth.stops_treatment.rate": f"{draw(st.sampled_from([0, 3]))} per year",
        "truth.leaves_study.rate": f"{draw(st.sampled_from([0, 1]))} per year",
        "truth.missed_visits.share": draw(st.sampled_from([0.0, 0.4])),
        "design.arms": arms,
        "design.randomise": {
            "n": draw(st.integers(2, 24)),
            "ratio": dict.fromkeys(arms, 1),
            "method": "simple",
        },
        "design.visits": {"weeks": sorted({*ends, *(end - 1 for end in ends)})},
        "design.treat_for": f"{lasts} weeks",
    }
    how = {"stops_treatment": draw(st.sampled_from(STRATEGIES))}
    if draw(st.booleans()):
        long = draw(st.sampled_from([None, "10 days"]))
        skip = draw(st.sampled_from([None, "1 week"]))
        return attacks(lasts=long, skip=skip, intercurrent=how, **changes)
    tests = ["crossover anova", "paired t", "signed rank"]
    method: dict[str, Any] = {"test": draw(st.sampled_from(tests)), "estimate": "paired t"}
    if method["test"] == "crossover anova" and number > 2:
        method["carry_over"] = draw(st.booleans())
    return crossed(method=method, intercurrent=how, **changes)


@pytest.mark.parametrize("resolution", [1, 7 * 86_400])
@settings(max_examples=8)
@given(scenario=within(), seed=st.integers(0, 2**32))
def test_conducts_agree_within_patients(resolution: int, scenario: Scenario, seed: int) -> None:
    runs = [
        run_block(scenario, "effect", seed, 0, engine, TRIALS, resolution)
        for engine in ("block", "simpy")
    ]
    assert differences(*runs) == []
    alone = run_block(scenario, "effect", seed, 0, "block", 2, resolution)
    for look, record in alone.analyst.records.items():
        whole = runs[0].analyst.records[look]
        for key, values in record.items():
            assert values.tobytes() == whole[key][:2].tobytes(), key
