"""Named branches of evidence: one at a time, never averaged, refused where they lead nowhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from raresim import catalogue
from raresim.disease import load_model
from raresim.errors import InputError
from raresim.trial import load_scenario
from tests.faces.test_cli import raresim

HAE = "hereditary-angioedema"
SHIPPED = [
    (name, branch)
    for name in sorted(catalogue.shipped("models"))
    for branch in load_model(name).spec.branches
]
RATE = ("attack", "rate.rate")


def test_a_branch_stands_in_place_of_the_files_own_number() -> None:
    own, other = load_model(HAE), load_model(HAE, branch="sahara")
    assert other.published.numbers[RATE][0] == pytest.approx(12 * 3.9)
    assert own.published.numbers[RATE][0] < 27
    assert other.stem == f"{HAE}, branch sahara"
    assert own.published.distributions.keys() == other.published.distributions.keys()


@pytest.mark.parametrize(("name", "branch"), SHIPPED)
def test_every_shipped_branch_loads(name: str, branch: str) -> None:
    assert load_model(name, branch=branch).spec.branches[branch].why


def test_a_scenario_names_a_branch(tmp_path: Path) -> None:
    scenario = load_scenario("hereditary-angioedema-24-weeks")
    text = catalogue.find("scenarios", "hereditary-angioedema-24-weeks").read_text()
    old = f"model: {HAE}@1\n"
    assert old in text
    path = tmp_path / "other.yaml"
    path.write_text(text.replace(old, f"{old}  branch: sahara\n"))
    other = load_scenario(path)
    assert other.model.published.numbers[RATE][0] > 1.5 * scenario.model.published.numbers[RATE][0]


def test_faults_of_branches_are_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no branch 'sahra'") as caught:
        load_model(HAE, branch="sahra")
    assert "sahara" in caught.value.problems[0].mend
    with pytest.raises(InputError, match="has no branches"):
        load_model("friedreich-ataxia", branch="x")
    text = catalogue.find("models", HAE).read_text()
    path = tmp_path / "m.yaml"
    place = "outcomes.attack.rate.evidence: {rate: 3.9 per month, "
    assert place in text
    path.write_text(text.replace(place, place.replace("attack", "fever")))
    load_model(path)
    said = raresim("validate", str(path), code=2)
    assert "the file has no place 'outcomes.fever.rate.evidence'" in said
    path.write_text(text.replace(place, place.replace("rate: 3.9", "rote: 3.9")))
    assert "m.yaml" in raresim("validate", str(path), code=2)


def test_the_command_shows_a_branch() -> None:
    assert "branch sahara" in raresim("show", HAE)
    assert "46.8 per patient-year" in raresim("show", HAE, "--branch", "sahara")
    said = raresim("show", "hereditary-angioedema-24-weeks", "--branch", "x", code=2)
    assert "write 'branch: x' under its truth" in said
