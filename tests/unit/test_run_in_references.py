"""A treated run-in in a scenario file: what it may name, and what does not go with it."""

from __future__ import annotations

from typing import Any

import pytest

from raresim.errors import InputError
from raresim.report.design import design
from tests.worlds import ATAXIA, CGD, world

DRUG = {"give": "the drug"}
KITS = {"first": 2, "order": 2, "arrives_after": "2 weeks"}


def on(give: str = "drug", lasts: str = "8 weeks") -> dict[str, Any]:
    return {"design.run_in": {"for": lasts, "give": give}}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (on("drugg"), "(?s)unknown treatment 'drugg'.*did you mean 'drug'"),
        (on(lasts="0 weeks"), "a run-in lasts for some time"),
        (on(lasts="8"), "expected"),
        ({"design.run_in": {"for": "8 weeks"}}, "'give' is missing"),
        ({"design.run_in": {"give": "drug"}}, "'for' is missing"),
        ({"design.run_in": {"for": "8 weeks", "given": "drug"}}, "unknown key"),
        ({"design.run_in": "some weeks"}, "expected"),
        ({"design.run_in": []}, "expected"),
        ({**on(), "design.screen_again": {"after": "4 weeks"}}, "a second run-in"),
        ({**on(), "design.kits": KITS}, "kits before randomisation"),
        ({**on(), "design.treatments": {"drug": DRUG}}, "an arm that gives its own"),
        ({**on(), "design.treatments": {"other": DRUG}}, "nor a run-in"),
        ({**on(), "design.eligible": "mfars_change_in_run_in < -90"}, "nobody can enrol"),
    ],
)
def test_what_cannot_be_is_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        world(ATAXIA, changes)


def test_whoever_responds_may_be_asked_for_where_hardly_anybody_would_be_untreated() -> None:
    effect = {"assumed": {"difference": -60, "after": "8 weeks"}, "why": "a test"}
    changes = {**on(), "design.eligible": "mfars_change_in_run_in < -45"}
    with pytest.raises(InputError, match="nobody can enrol"):
        world(ATAXIA, changes)
    world(ATAXIA, {**changes, **on(), "truth.hypotheses.effect.mfars.drug": effect})


def test_a_run_in_may_give_what_no_arm_gives() -> None:
    changes: dict[str, Any] = {"design.treatments": {"loading": DRUG}, **on("loading")}
    halved = {"assumed": {"rate_ratio": 0.5}, "why": "a test"}
    found = world(CGD, {**changes, "truth.hypotheses.effect.serious_infection.loading": halved})
    assert found.spec.design.run_in_gives == "loading"
    assert ("Run-in", "8 weeks on loading, before randomisation") in design(found)
