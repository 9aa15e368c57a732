"""Plans of looks that cannot be: each is refused with how to mend it."""

from __future__ import annotations

from typing import Any

import pytest

from raresim.errors import InputError
from tests.unit.test_boundary import COMBINED, FINAL, GROWS, HALF, LEVEL, ataxia
from tests.worlds import ATAXIA, world

PLAN = {"planned_information": 60}
BINDS = {"spend": "pocock", "power": 0.9, "binding": True}
FAULTS = [
    ({**PLAN, "spend": "hwang-shih-decani"}, None, "needs its 'gamma'"),
    ({**PLAN, "spend": "pocock", "rho": 2}, None, "takes no 'rho'"),
    ({**PLAN, "shape": "pocock"}, None, "'shape' needs the planned looks"),
    ({**PLAN, "combine": "inverse normal"}, None, "'combine' needs the planned looks"),
    ({**PLAN, "shape": "pocock", "spend": "pocock", "looks": 2}, None, "are two boundaries"),
    ({**PLAN, "shape": "wang-tsiatis", "looks": 2}, None, "needs its 'delta'"),
    ({**PLAN, "shape": "pocock", "delta": 0.1, "looks": 2}, None, "takes 'delta'"),
    ({**PLAN, "looks": [0.5, 0.4, 1]}, None, "shares that rise"),
    ({**PLAN, "looks": [0.5, 0.9]}, None, "shares that rise"),
    ({**PLAN, "looks": 0}, None, "1 to 10 looks"),
    ({**PLAN, "looks": 3}, None, "plans 3 looks, and 2 milestones analyse 'change'"),
    ({**PLAN, "critical": [2.0]}, None, "plans 1 looks, and 2 milestones"),
    ({**PLAN, "critical": [2.8, 2.0], "looks": 3}, None, "differ in number"),
    (PLAN, {"spend": "pocock", "power": 0.9}, "a lower boundary needs planned looks"),
    (None, {"spend": "pocock", "power": 0.9}, "a lower boundary needs planned looks"),
    ({**PLAN, "looks": 2}, BINDS, "must stop the trial at every look before the last"),
    (None, {"conditional_power_below": 0.2}, "planned in one place"),
    (PLAN, {"predictive_power_below": 0.2, "planned_information": 60}, "planned in one place"),
    (PLAN, {"predictive_power_under": 0.2}, "unknown key"),
]


@pytest.mark.parametrize(("boundary", "futility", "said"), FAULTS)
def test_a_plan_of_looks_that_cannot_be_is_refused(boundary: Any, futility: Any, said: str) -> None:
    method: dict[str, Any] = {"test": "t", **LEVEL}
    method |= {} if boundary is None else {"boundary": boundary}
    method |= {} if futility is None else {"futility": futility}
    changes = {"design.milestones": {"half": HALF, "final": FINAL}}
    with pytest.raises(InputError, match=said) as caught:
        world(ATAXIA, {**changes, "analysis.methods.change": method})
    assert all(problem.mend for problem in caught.value.problems)


@pytest.mark.parametrize(
    ("boundary", "do", "change", "said"),
    [
        ({**PLAN, "looks": 2}, ["analyse change"], {}, "inflates the level"),
        (COMBINED, [], {}, "is not analysed here"),
        (COMBINED, ["analyse change"], {"at_most": 20}, "never falls below the planned n"),
        (COMBINED, ["analyse change"], {"re_estimate": "score"}, "unknown estimand 'score'"),
        (
            COMBINED,
            ["analyse change"],
            {"unblinded": {"conditional_power": 0.5, "promising_from": 0.6}},
            "the promising zone ends",
        ),
    ],
)
def test_n_that_follows_a_trend_without_leave_is_refused(
    boundary: Any, do: list[Any], change: dict[str, Any], said: str
) -> None:
    half = {**HALF, "do": [*do, {**GROWS, **change}]}
    with pytest.raises(InputError, match=said):
        ataxia(boundary, None, half)


def test_information_that_nobody_counts_is_refused() -> None:
    half = {**HALF, "when": {"information": 0.5, "of": "change"}}
    how = {"analysis.estimands.change.intercurrent.stops_treatment": "hypothetical"}
    with pytest.raises(InputError, match="only patients seen at the visit are counted"):
        ataxia({"planned_information": 41}, None, half, **how)
