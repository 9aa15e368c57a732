"""How a person begins: the schemas, the skeletons, and the guide with its worked example."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from raresim import catalogue
from raresim.cli import starting
from raresim.disease.spec import ModelSpec
from raresim.errors import InputError
from raresim.files import Document, json_schema, parse, read, validate
from raresim.trial.grammar.spec import ScenarioSpec
from tests.faces.test_cli import ROOT, raresim

KINDS = {"model": ModelSpec, "scenario": ScenarioSpec}
SHIPPED = [(k, n) for k in KINDS for n in catalogue.shipped(f"{k}s")]
GUIDE = ROOT / "docs" / "new-model.md"


def validator(kind: str) -> Draft202012Validator:
    return Draft202012Validator(json_schema.json_schema(KINDS[kind]))


def shipped(kind: str, name: str) -> Any:
    return read(catalogue.find(f"{kind}s", name)).data


@pytest.mark.parametrize("kind", KINDS)
def test_the_schema_is_sound_and_names_no_host(kind: str) -> None:
    said = raresim("schema", kind)
    found = json.loads(said)
    Draft202012Validator.check_schema(found)
    assert found["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert found["$id"] == f"urn:raresim:{kind}:1"
    assert found["title"]
    assert found["description"]
    assert said == json_schema.text(KINDS[kind])
    assert "discriminator" not in said


def parts(schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every key that a person writes, with its schema."""
    for name, part in {"": schema, **schema["$defs"]}.items():
        for inner in (part, *part.get("anyOf", [])):
            for key, found in inner.get("properties", {}).items():
                yield f"{name}.{key}", found


def is_leaf(found: dict[str, Any]) -> bool:
    """Whether a person writes words or numbers here, and is not given them to choose from."""
    text = json.dumps(found)
    chosen = '"$ref"' in text or '"enum"' in text or '"const"' in text
    return not chosen and found.get("type") != "boolean"


@pytest.mark.parametrize("kind", KINDS)
def test_every_key_is_described_and_has_examples_that_are_valid(kind: str) -> None:
    schema = json_schema.json_schema(KINDS[kind])
    for name, found in parts(schema):
        assert len(found.get("description", "")) >= 3, name
        if is_leaf(found):
            assert found.get("examples"), name
        for example in found.get("examples", []):
            Draft202012Validator({**found, "$defs": schema["$defs"]}).validate(example)
        if "default" in found:
            Draft202012Validator(found).validate(found["default"])


@pytest.mark.parametrize("kind, name", SHIPPED)
def test_every_shipped_file_is_valid(kind: str, name: str) -> None:
    validator(kind).validate(shipped(kind, name))


BROKEN = [
    ("model", ("nmae",), "x"),  # unknown keys
    ("model", ("patients", "age", "colour"), "blue"),
    ("model", ("outcomes", "mfars", "rate"), {}),
    ("model", ("outcomes", "mfars", "mean_change", "evidence", "average"), 1),
    ("model", ("version",), 1.0),  # wrong types
    ("model", ("version",), "1.0"),
    ("model", ("patients",), []),
    ("model", ("patients", "sex", "states"), ["male"]),
    ("model", ("patients", "onset_age", "range"), [1, 65]),
    ("model", ("patients", "onset_age", "evidence", "n"), "many"),
    ("model", ("outcomes", "mfars", "change_after"), 48),
    ("model", ("outcomes", "mfars", "kind"), "score"),
    ("model", ("outcomes", "mfars", "step"), 0),
    ("model", ("links", 0, "evidence", "correlation"), -1.2),
    ("model", ("schema",), "raresim/model/2"),
    ("model", ("name",), ...),  # missing keys
    ("model", ("outcomes",), ...),
    ("model", ("patients", "age", "sum_of"), ...),
    ("model", ("patients", "onset_age", "evidence"), ...),
    ("model", ("patients", "onset_age", "evidence", "q1"), ...),
    ("model", ("outcomes", "mfars", "at_screening", "why"), ...),
    ("model", ("outcomes", "mfars", "visit_noise_share", "assumed", "lower"), ...),
    ("model", ("targets", 0, "number"), ...),
    ("scenario", ("design", "colour"), "blue"),
    ("scenario", ("design", "milestones", "final", "when"), {"everybody": "done"}),
    ("scenario", ("design", "randomise", "n"), "many"),
    ("scenario", ("design", "visits", "weeks"), [4, 12.5]),
    ("scenario", ("design", "treat_for"), 48),
    ("scenario", ("truth", "uncertainty"), "some"),
    ("scenario", ("truth", "hypotheses", "effect", "mfars", "drug", "evidence"), ...),
    ("scenario", ("truth", "hypotheses", "no_effect", "mfars", "drug", "after"), ...),
    ("scenario", ("truth", "candidates", "stream", "per_site"), ...),
    ("scenario", ("analysis", "methods", "change", "alpha"), 0.025),
    ("scenario", ("analysis", "methods", "change", "alpha"), ...),
    ("scenario", ("analysis", "estimands", "change", "variable"), "change of mfars"),
]


def changed(data: Any, steps: tuple[Any, ...], value: Any) -> Any:
    """Return data with one place set, or taken out where the value is `...`."""
    data = copy.deepcopy(data)
    place = data
    for step in steps[:-1]:
        place = place[step]
    if value is ...:
        del place[steps[-1]]
    else:
        place[steps[-1]] = value
    return data


@pytest.mark.parametrize("kind, steps, value", BROKEN)
def test_broken_files_are_not_valid(kind: str, steps: tuple[Any, ...], value: Any) -> None:
    name = {"model": "friedreich-ataxia", "scenario": "friedreich-48-weeks"}[kind]
    data = changed(shipped(kind, name), steps, value)
    assert not validator(kind).is_valid(data)
    assert not accepts(kind, data)


def accepts(kind: str, data: Any) -> bool:
    try:
        validate(Document("text", data), KINDS[kind])
    except InputError:
        return False
    return True


def places(data: Any, steps: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the steps to every part of some data."""
    if steps:
        yield steps
    inside = data.items() if isinstance(data, dict) else []
    inside = enumerate(data) if isinstance(data, list) else inside
    for step, value in inside:
        yield from places(value, (*steps, step))


VALUES = [..., None, 0, -1, 2.5, True, "text", "1 week", "3 per year", "rest", [], {}, ["a", "b"]]


@pytest.mark.parametrize("kind, name", SHIPPED)
def test_what_raresim_takes_the_schema_takes(kind: str, name: str) -> None:
    """Hundreds of changed files: an editor never marks what `raresim validate` lets pass."""
    data, judge, passed = shipped(kind, name), validator(kind), 0
    cases = [(steps, value) for steps in places(data) for value in VALUES]
    for steps, value in cases[:: max(len(cases) // 400, 1)]:
        other = changed(data, steps, value)
        if accepts(kind, other):
            passed += 1
            assert judge.is_valid(other), (steps, value)
    assert passed > 20


def test_a_schema_is_written_whole_and_over_nothing_else(tmp_path: Path) -> None:
    raresim("schema", "model", "-o", "a/m.schema.json", cwd=tmp_path)
    raresim("schema", "scenario", "-o", "a/m.schema.json", cwd=tmp_path)
    assert json.loads((tmp_path / "a/m.schema.json").read_text())["$id"] == "urn:raresim:scenario:1"
    assert [p.name for p in (tmp_path / "a").iterdir()] == ["m.schema.json"]
    (tmp_path / "mine.json").write_text('{"$id": "urn:me"}')
    assert "name another file" in raresim(
        "schema", "model", "-o", "mine.json", cwd=tmp_path, code=2
    )
    assert (tmp_path / "mine.json").read_text() == '{"$id": "urn:me"}'
    assert "end the name in .json" in raresim("schema", "model", "-o", "m.yaml", code=2)
    assert "cannot be written" in raresim(
        "schema", "model", "-o", "mine.json/m.json", cwd=tmp_path, code=2
    )


def test_a_new_model_is_valid_passes_its_gate_and_runs(tmp_path: Path) -> None:
    said = raresim("new-model", "marsh-fever", cwd=tmp_path)
    assert "written: raresim-model.schema.json" in said
    text = (tmp_path / "marsh-fever.yaml").read_text()
    assert text.startswith("# yaml-language-server: $schema=./raresim-model.schema.json\n")
    assert 'name: "Marsh fever"' in text
    schema = json.loads((tmp_path / "raresim-model.schema.json").read_text())
    Draft202012Validator(schema).validate(parse(text).data)
    assert "valid" in raresim("validate", "marsh-fever.yaml", cwd=tmp_path)
    assert "gate passed" in raresim("show", "marsh-fever.yaml", "--check", cwd=tmp_path)
    assert "attack" in raresim("show", "marsh-fever.yaml", cwd=tmp_path)
    raresim("cohort", "marsh-fever.yaml", "-n", "5", cwd=tmp_path)
    (tmp_path / "trials").mkdir()
    words = ("new-scenario", "first", "-o", "trials", "--model", "marsh-fever.yaml")
    assert "raresim simulate" in raresim(*words, cwd=tmp_path)
    text = (tmp_path / "trials" / "first.yaml").read_text()
    assert text.startswith("# yaml-language-server: $schema=./raresim-scenario.schema.json\n")
    assert 'model: "../marsh-fever.yaml"' in text
    validator("scenario").validate(parse(text).data)
    assert "trials/first.yaml: valid" in raresim("validate", "trials/first.yaml", cwd=tmp_path)
    words = ("simulate", "trials/first.yaml", "-r", "24", "--json")
    found = json.loads(raresim(*words, cwd=tmp_path))
    assert found["replicates"] == 24
    assert json.loads(raresim(*words, "--hypothesis", "no_effect", cwd=tmp_path))["is_null"]


@pytest.mark.parametrize("model", sorted(catalogue.shipped("models")))
def test_a_new_scenario_on_a_shipped_model_runs(tmp_path: Path, model: str) -> None:
    words = ("new-scenario", "x", "--model", model, "--no-schema-file")
    raresim(*words, cwd=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["x.yaml"]
    text = (tmp_path / "x.yaml").read_text()
    assert f"model: {model}@1" in text
    assert not text.startswith("# yaml-language-server")
    raresim("simulate", "x.yaml", "-r", "16", cwd=tmp_path)


ONLY_DEATH = re.compile(r"  attack:.*?(?=  death:)|  score:.*?(?=\ntargets)", re.DOTALL)


@pytest.mark.parametrize("what", ["death", "score"])
def test_a_new_scenario_fits_whatever_kind_of_outcome_comes_first(
    tmp_path: Path, what: str
) -> None:
    raresim("new-model", "d", cwd=tmp_path)
    text = (tmp_path / "d.yaml").read_text()
    cut = ONLY_DEATH if what == "death" else re.compile(r"  attack:.*?(?=  death:)", re.DOTALL)
    (tmp_path / "d.yaml").write_text(cut.sub("", text))
    raresim("new-scenario", "x", "--model", "d.yaml", cwd=tmp_path)
    made = (tmp_path / "x.yaml").read_text()
    wanted = {"death": "variable: time to first death", "score": "change in score at week 48"}[what]
    assert wanted in made
    raresim("simulate", "x.yaml", "-r", "16", cwd=tmp_path)


def test_nothing_that_is_there_is_written_over(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("years of work")
    (tmp_path / "raresim-model.schema.json").write_text("{}")
    said = raresim("new-model", "mine", cwd=tmp_path, code=2)
    assert "mine.yaml: is there already and is left alone" in said
    assert "mend: name another file after -o" in said
    words = ("new-scenario", "x", "-o", "mine.yaml", "--model", "friedreich-ataxia")
    raresim(*words, cwd=tmp_path, code=2)
    assert (tmp_path / "mine.yaml").read_text() == "years of work"
    said = raresim("new-model", "other", cwd=tmp_path)
    assert "left alone: raresim-model.schema.json" in said
    assert (tmp_path / "raresim-model.schema.json").read_text() == "{}"


@pytest.mark.parametrize(
    "name, mend",
    [("Marsh Fever", "marsh-fever"), ("a_b", "a-b"), ("-", "my-disease"), ("../x", "x")],
)
def test_bad_names_are_refused_with_a_mend(tmp_path: Path, name: str, mend: str) -> None:
    said = raresim("new-model", "--", name, cwd=tmp_path, code=2)
    assert f"mend: write '{mend}'" in said
    assert not list(tmp_path.iterdir())


def test_bad_places_and_models_are_refused(tmp_path: Path) -> None:
    said = raresim("new-model", "x", "-o", "x.txt", cwd=tmp_path, code=2)
    assert "end the name in .yaml" in said
    said = raresim("new-scenario", "x", "--model", "friedreich-ataxie", cwd=tmp_path, code=2)
    assert "did you mean 'friedreich-ataxia'?" in said
    raresim("new-scenario", "x", "--model", "none.yaml", cwd=tmp_path, code=2)
    assert not list(tmp_path.iterdir())


def examples() -> list[str]:
    """Return the files that the guide writes: its blocks joined, parted where a file begins."""
    blocks = re.findall(r"^```yaml\n(.*?)^```$", GUIDE.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    return [part for part in re.split(r"^(?=schema:)", "".join(blocks), flags=re.MULTILINE) if part]


def test_the_worked_example_of_the_guide_is_valid_passes_its_gate_and_runs(tmp_path: Path) -> None:
    model, scenario = examples()
    validator("model").validate(parse(model).data)
    validator("scenario").validate(parse(scenario).data)
    (tmp_path / "marsh-fever.yaml").write_text(model)
    (tmp_path / "marsh-fever-trial.yaml").write_text(scenario)
    raresim("validate", "marsh-fever.yaml", "marsh-fever-trial.yaml", cwd=tmp_path)
    said = raresim("show", "marsh-fever.yaml", "--check", cwd=tmp_path)
    assert "gate passed" in said
    raresim("cohort", "marsh-fever.yaml", "-n", "200", "-o", "patients.csv", cwd=tmp_path)
    raresim("simulate", "marsh-fever-trial.yaml", "-r", "24", "-o", "run", cwd=tmp_path)
    assert (tmp_path / "run" / "report.html").exists()


def test_every_command_of_the_guide_exists() -> None:
    blocks = re.findall(r"^```(?:sh|console)\n(.*?)^```$", GUIDE.read_text("utf-8"), re.S | re.M)
    said = raresim("--help")
    commands = re.findall(r"^raresim ([a-z-]+)", "\n".join(blocks), re.M)
    assert {"new-model", "validate", "show", "cohort", "new-scenario", "simulate"} <= set(commands)
    assert all(command in said for command in commands)


def test_the_skeletons_are_short_and_say_what_they_teach() -> None:
    for kind, words in {
        "model": ("evidence", "assumed", "unpublished", "targets", "left_out", "seen: true"),
        "scenario": ("everybody: finished", "calendar", "stop if efficacy", "type I error"),
    }.items():
        text = (starting.SKELETONS / f"{kind}.yaml").read_text("utf-8")
        assert len(text.splitlines()) < 100
        assert all(word in text for word in words)
        assert "PLACEHOLDER" in text
