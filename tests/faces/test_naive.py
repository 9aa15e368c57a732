"""An analysis that does not give what its estimand asks is called naive, wherever it is told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from raresim.report import write_report
from raresim.study.naive import naive
from raresim.trial import load_scenario
from tests.faces.test_cli import raresim
from tests.faces.test_report_content import plain
from tests.worlds import ATAXIA, CGD, world

STRATEGIES = {
    "treatment policy": None,
    "hypothetical": "censored",
    "composite": None,
    "while on treatment": None,
    "principal stratum": "left out",
}
STOPS = "analysis.estimands.infection_free.intercurrent.stops_treatment"


@pytest.mark.parametrize("strategy", list(STRATEGIES))
def test_two_strategies_have_a_naive_analysis(strategy: str) -> None:
    spec = world(CGD, {STOPS: strategy}).spec.analysis
    found = naive(spec.estimands["infection_free"], spec.methods["infection_free"])
    word = STRATEGIES[strategy]
    assert len(found) == (word is not None)
    for text in found:
        assert "'stops treatment'" in text and f"({strategy})" in text and str(word) in text
        assert "alike in what is adjusted for" in text  # stratified by inheritance, prophylaxis


def test_each_kind_of_variable_says_what_is_done() -> None:
    rate = "analysis.estimands.infection_rate.intercurrent.stops_treatment"
    spec = world(CGD, {rate: "hypothetical"}).spec.analysis
    (text,) = naive(spec.estimands["infection_rate"], spec.methods["infection_rate"])
    assert "follow-up ends at it" in text and "adjusted" not in text
    change = "analysis.estimands.change.intercurrent.stops_treatment"
    spec = world(ATAXIA, {change: "hypothetical"}).spec.analysis
    (text,) = naive(spec.estimands["change"], spec.methods["change"])
    assert "before the visit is left out" in text


def test_terminal_json_and_report_say_it(tmp_path: Path) -> None:
    file = tmp_path / "asked.yaml"
    text = Path(load_scenario(CGD).document.path).read_text("utf-8")
    old = "{stops_treatment: treatment policy, death: composite}"
    assert old in text
    file.write_text(text.replace(old, old.replace("treatment policy", "principal stratum")))
    command = ["simulate", str(file), "-r", "8", "--no-sensitivity"]
    sentence = "naive about 'stops treatment' (principal stratum): patients who had it"
    assert f"infection_free: {sentence}" in raresim(*command, "-o", str(tmp_path / "run"))
    said = plain(write_report(tmp_path / "run"))
    assert sentence[1:] in said and "of a naive analysis, see below" in said
    found = json.loads(raresim(*command, "--json"))
    (told,) = found["estimands"]["infection_free"]["naive"]
    assert told.startswith(sentence)
    assert found["estimands"]["infection_rate"]["naive"] == []
