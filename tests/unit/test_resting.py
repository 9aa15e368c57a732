"""What a scenario's answer rests on, and that every run folder says so."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from raresim import catalogue
from raresim.study import simulate
from raresim.study.resting import resting
from raresim.trial import load_scenario
from tests.worlds import ATAXIA, CGD

FILES = {**catalogue.shipped("scenarios"), **catalogue.shipped("backtests")}


@pytest.mark.parametrize("name", sorted(FILES))
def test_the_answer_rests_on_cited_sources(name: str) -> None:
    scenario = load_scenario(FILES[name])
    for hypothesis in scenario.hypotheses:
        found = resting(scenario, hypothesis)
        outcome = scenario.spec.analysis.estimands[found["estimand"]].outcome
        endpoint = scenario.spec.analysis.endpoints.get(outcome)
        parts = [outcome]
        if endpoint is not None:
            parts = [*endpoint.events, *(line.score for line in endpoint.scores)]
        assert found["rests_on"][0] == parts[0]
        assert 0 <= found["seen"] <= found["statistics"]
        assert all(one["citation"] and one["numbers"] for one in found["sources"].values())


def test_effects_of_other_hypotheses_are_no_part_of_it() -> None:
    scenario = load_scenario(CGD)
    effect = "effect of interferon on serious_infection"
    assert effect in resting(scenario, "effect")["sources"]["cgd_ipd"]["numbers"]
    told = resting(scenario, "no_effect")["sources"]
    assert not any(effect in one["numbers"] for one in told.values())


def test_death_and_the_variables_of_eligibility_are_part_of_it() -> None:
    found = resting(load_scenario(CGD), "effect")
    assert {"serious_infection", "death", "age", "inheritance"} <= set(found["rests_on"])
    assert found["unpublished"] == [
        "age and serious_infection",
        "serious_infection: log SD between sites",
    ]


def test_the_manifest_of_a_run_holds_it(tmp_path: Path) -> None:
    scenario = load_scenario(ATAXIA)
    simulate(scenario, 8, 1, workers=1, folder=tmp_path / "run")
    manifest = json.loads((tmp_path / "run" / "manifest.json").read_text("utf-8"))
    assert manifest["lineage"] == resting(scenario, "effect")
    assert manifest["lineage"]["assumed"] == ["mfars: at screening", "gaa1", "duration"]
