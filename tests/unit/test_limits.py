"""Limits hold, say how to be raised, and can be."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from raresim import limits
from raresim.errors import Fault, InputError
from raresim.limits import LIMITS
from tests.worlds import ATAXIA, world


@pytest.mark.parametrize("limit", LIMITS, ids=lambda limit: limit.variable)
def test_each_limit_refuses_one_more_and_says_how_to_raise_it(limit: limits.Limit) -> None:
    assert limit.check(limit.value) == limit.value
    with pytest.raises(Fault, match=f"at most {limit.value:,} ") as caught:
        limit.check(limit.value + 1)
    assert limit.variable in caught.value.mend
    assert limit.why


def test_variables_are_apart() -> None:
    assert len({limit.variable for limit in LIMITS}) == len(LIMITS)


@pytest.mark.parametrize(
    ("path", "value", "variable"),
    [
        ("design.randomise.n", 2002, "RARESIM_MAX_PATIENTS"),
        ("design.sites.number", 501, "RARESIM_MAX_SITES"),
        ("design.visits.weeks", list(range(1, 202)), "RARESIM_MAX_VISITS"),
    ],
)
def test_a_scenario_beyond_a_limit_is_refused_at_its_line(path, value, variable) -> None:
    with pytest.raises(InputError) as caught:
        world(ATAXIA, {path: value})
    (problem,) = [p for p in caught.value.problems if variable in p.mend]
    assert problem.line is not None
    assert "at most" in problem.message


def test_the_environment_raises_a_limit_and_nonsense_there_is_told() -> None:
    code = "from raresim import limits; print(limits.PATIENTS.value)"

    def run(value: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "RARESIM_MAX_PATIENTS": value}
        words = [sys.executable, "-c", code] if value == "5000" else [sys.executable, "-m"]
        words += [] if value == "5000" else ["raresim", "validate", "friedreich-ataxia"]
        return subprocess.run(words, env=environment, capture_output=True, text=True, check=False)

    assert run("5000").stdout == "5000\n"
    for value in ("many", "-1", "0"):
        done = run(value)
        assert done.returncode == 2
        assert (
            f"RARESIM_MAX_PATIENTS: expected a whole number above zero, got {value!r}"
            in done.stderr
        )
        assert "Traceback" not in done.stderr
