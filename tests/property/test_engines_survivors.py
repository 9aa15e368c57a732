"""The two conducts agree, and nothing impossible happens, in whatever pool of survivors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from raresim.trial import run_block
from tests.prevalent import COUNTRY, POOL, model_at, prevalent
from tests.worlds import differences

TRIALS = 10


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    free = {"1 years": 0.6, "4 years": 0.3, "10 years": 0.01}
    return model_at(tmp_path_factory.mktemp("mortal"), free)


@st.composite
def pools(draw: st.DrawFn) -> dict[str, Any]:
    """Changes of the trial on a pool: few or many members, long or short waits."""
    rival = {"from": "1 months", "until": "9 months", "takes": "2 per year", "keeps_for": "90 days"}
    return {
        f"{COUNTRY}.prevalent": draw(st.integers(1, 60)),
        f"{COUNTRY}.incident": f"{draw(st.integers(0, 30))} per year",
        f"{POOL}.per_site": f"{draw(st.sampled_from([0.05, 1, 20]))} per month",
        f"{POOL}.competing": draw(st.sampled_from([{}, {"rival": rival}])),
        f"{POOL}.survivors.over": draw(st.sampled_from(["1 days", "3 years", "40 years"])),
        "truth.screening_lasts": draw(st.sampled_from(["0 to 0 days", "1 to 400 days"])),
        "truth.withdraws_consent": {"share": draw(st.sampled_from([0.0, 0.3]))},
        "design.eligible": draw(st.sampled_from(["age >= 0", "years_ill <= 2"])),
        "design.recruit_for": f"{draw(st.integers(2, 30))} months",
    }


@pytest.mark.parametrize("resolution", [1, 30 * 86_400])
@settings(max_examples=15)
@given(changes=pools(), seed=st.integers(0, 2**32))
def test_conducts_agree_on_whatever_pool(
    model: Path, resolution: int, changes: dict[str, Any], seed: int
) -> None:
    scenario = prevalent(model, changes)
    runs = [
        run_block(scenario, "effect", seed, 0, engine, TRIALS, resolution)
        for engine in ("block", "simpy")
    ]
    assert differences(*runs) == []
    fate = runs[0].fate
    assert (fate.baseline["years_ill"] >= 0).all()
    assert (fate.lives.arms[0].events["death"][..., 0] >= 0).all()
