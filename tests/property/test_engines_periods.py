"""The two conducts agree on designs whose arms change treatment, at coarse ticks too."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from raresim.trial import Scenario, run_block
from tests.worlds import ATAXIA, differences, world

TRIALS = 8
WEEKS = 48
RASH = {"rate": "3 per year", "by_arm": {"drug": 2.0}, "stops_treatment": 0.1, "why": "a test"}
STEROIDS = {
    "when": {"score": "mfars", "rises_by": 3},
    "effects": {"mfars": {"difference": -4, "after": "12 weeks"}},
    "why": "a test",
}
LINES = [
    {"unless": {"score": "mfars", "rises_by": 1}},
    {"only_if": {"score": "mfars", "below": 45, "confirmed": True}},
    {"only_if": {"event": "rash"}},
    {"unless": {"event": "rash", "times": 2}},
]


@st.composite
def arm(draw: st.DrawFn) -> dict[str, Any]:
    """Return an arm of one to six periods, 48 weeks together."""
    cuts = draw(st.lists(st.integers(5, WEEKS - 1), unique=True, max_size=5).map(sorted))
    found = []
    for since, until in zip([0, *cuts], [*cuts, WEEKS], strict=True):
        line = draw(st.sampled_from([{}, *LINES])) if since else {}
        give = draw(st.sampled_from(["placebo", "drug", "nothing"]))
        found.append({"give": give, "for": f"{until - since} weeks", **line})
    return {"periods": found}


@st.composite
def sequences(draw: st.DrawFn) -> Scenario:
    """Scenarios of a score, adverse events and rescue, arms of periods and a plain one, run-ins."""
    arms = {"first": draw(arm()), "second": draw(arm()), "plain": {"give": "something else"}}
    last = {"give": "drug", "for": "24 weeks"}
    arms["delayed"] = {"periods": [{"give": "placebo", "for": "24 weeks"}, last]}
    leaves = {"rate": "0.5 per year", "by_arm": {"drug": 0.3, "plain": 2.0}, "why": "a test"}
    if draw(st.booleans()):
        leaves["follows"] = [{"score": "mfars", "hazard_ratio": 1.5, "for": 5}]
    run_in: dict[str, Any] = draw(
        st.sampled_from([{}, {"design.run_in": {"for": "9 weeks", "give": "drug"}}])
    )
    return world(
        ATAXIA,
        {
            **{key: dict(value) for key, value in run_in.items()},
            "truth.adverse_events": {"rash": dict(RASH)},
            "truth.rescue": {"steroids": {**STEROIDS, "share": draw(st.sampled_from([0.0, 0.8]))}},
            "truth.leaves_study": leaves,
            "truth.missed_visits.share": draw(st.sampled_from([0.0, 0.4])),
            "truth.hypotheses.effect.mfars.plain": {"difference": 0, "after": "48 weeks"},
            "design.treatments": {"placebo": {"give": "p"}, "drug": {"give": "d"}},
            "design.arms": arms,
            "design.control": "first",
            "design.randomise.ratio": dict.fromkeys(arms, 1),
            "design.randomise.n": draw(st.integers(4, 24)),
            "design.follow_for": f"{draw(st.sampled_from([24, 48, 60]))} weeks",
            "analysis.estimands.change.arm": "second",
            "analysis.estimands.change.intercurrent.steroids": "treatment policy",
        },
    )


@pytest.mark.parametrize("resolution", [1, 30 * 86_400])
@settings(max_examples=8)
@given(scenario=sequences(), seed=st.integers(0, 2**32))
def test_conducts_agree_on_generated_sequences(
    resolution: int, scenario: Scenario, seed: int
) -> None:
    runs = [
        run_block(scenario, "effect", seed, 0, engine, TRIALS, resolution)
        for engine in ("block", "simpy")
    ]
    assert differences(*runs) == []
    alone = run_block(scenario, "effect", seed, 0, "block", 2, resolution)
    assert (alone.ledger.periods == runs[0].ledger.periods[:2]).all()
    assert (alone.fate.lives.arms[1].leave == runs[0].fate.lives.arms[1].leave[:2]).all()
