"""`schema`, `new-model` and `new-scenario`: how a person begins to write a file."""

from __future__ import annotations

import json
import math
import os
import re
import shlex
import sys
from pathlib import Path, PurePath
from string import Template
from typing import Any

from raresim import catalogue
from raresim.disease import DiseaseModel, load_model
from raresim.disease.outcome_block import Recurrent
from raresim.disease.score_block import Diary, Longitudinal, ReadAtVisits, States, Trajectory
from raresim.disease.spec import ModelSpec
from raresim.disease.variable_block import Category, Number
from raresim.errors import InputError, Problem
from raresim.files import Spec, json_schema, parse, validate
from raresim.files.whole import whole_file
from raresim.trial.grammar.spec import ScenarioSpec
from raresim.trial.scenario import build

SPECS: dict[str, type[Spec]] = {"model": ModelSpec, "scenario": ScenarioSpec}
SKELETONS = Path(__file__).parent.parent / "skeletons"
_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


def schema(kind: str, output: Path | None) -> None:
    """Print the JSON Schema of a kind of file, or write it."""
    text = json_schema.text(SPECS[kind])
    if output is None:
        sys.stdout.write(text)
        return
    if output.suffix != ".json":
        message, mend = "is not a name for a JSON Schema", "end the name in .json"
        raise InputError(Problem(message, str(output), mend=mend))
    if output.exists() and not _is_ours(output):
        message = "holds something that is not a schema of raresim"
        raise InputError(Problem(message, str(output), mend="name another file"))
    _write(output, text)
    sys.stdout.write(f"JSON Schema of a {kind} file written to {output}\n")


def new_model(name: str, output: Path | None, *, schema_file: bool, as_json: bool) -> None:
    """Write a disease model to start from."""
    path = _place(name, output)
    words = {"name": json.dumps(_title(name)), "file": path.name}
    text = _skeleton("model", words)
    validate(parse(text, str(path)), ModelSpec)
    done = _begin("model", path, text, schema_file)
    _say(path, done, "show", "--check", as_json)


def new_scenario(
    name: str, output: Path | None, model: str, *, schema_file: bool, as_json: bool
) -> None:
    """Write a scenario to start from, for the first outcome of a model."""
    path = _place(name, output)
    disease = load_model(model)
    words = _words(disease) | {"model": _reference(disease, model, path), "file": path.name}
    text = _skeleton("scenario", words)
    build(parse(text, str(path)), disease, path.stem)
    done = _begin("scenario", path, text, schema_file)
    _say(path, done, "simulate", "-r 200", as_json)


def _place(name: str, output: Path | None) -> Path:
    """Return where to write, or say what is wrong with the name or with the place."""
    if not _NAME.fullmatch(name):
        slug = "-".join(re.findall(r"[a-z0-9]+", name.lower())) or "my-disease"
        expected = "lower-case letters and digits, with single hyphens between words"
        problem = Problem(f"{name!r} cannot be a name", expected=expected, mend=f"write {slug!r}")
        raise InputError(problem)
    path = Path(f"{name}.yaml") if output is None else output
    if path.is_dir():
        path = path / f"{name}.yaml"
    if path.suffix not in (".yaml", ".yml"):
        message, mend = "is not a name for a YAML file", "end the name in .yaml"
        raise InputError(Problem(message, str(path), mend=mend))
    if path.exists() or path.is_symlink():
        message, mend = "is there already and is left alone", "name another file after -o"
        raise InputError(Problem(message, str(path), mend=mend))
    return path


def _title(name: str) -> str:
    return name.replace("-", " ").capitalize()


def _skeleton(kind: str, words: dict[str, str]) -> str:
    text = (SKELETONS / f"{kind}.yaml").read_text("utf-8")
    return Template(text).substitute(words)


def _begin(kind: str, path: Path, text: str, schema_file: bool) -> list[str]:
    """Write the file, bound to a schema beside it; nothing that is there is written over.

    Returns what was done, a line for each file.
    """
    beside = path.with_name(f"raresim-{kind}.schema.json")
    if schema_file:
        text = f"# yaml-language-server: $schema=./{beside.name}\n{text}"
    _write(path, text, fresh=True)
    done = [f"written: {path}"]
    if not schema_file:
        return done
    wanted = json_schema.text(SPECS[kind])
    if not beside.exists():
        _write(beside, wanted)
        done.append(f"written: {beside}, by which an editor completes and checks it")
    elif beside.read_bytes() != wanted.encode():
        renew = f"raresim schema {kind} -o {beside}"
        done.append(f"left alone: {beside} of another version; to renew it: {renew}")
    return done


def _say(path: Path, done: list[str], command: str, rest: str, as_json: bool) -> None:
    name = shlex.quote(str(path))
    steps = [f"raresim validate {name}", f"raresim {command} {name} {rest}"]
    if as_json:
        found = {"file": str(path), "done": done, "next": steps}
        sys.stdout.write(json.dumps(found, indent=1, sort_keys=True) + "\n")
        return
    lines = [*done, "next:", f"  replace each PLACEHOLDER in {path}", *(f"  {s}" for s in steps)]
    sys.stdout.write("\n".join(lines) + "\n")


def _is_ours(path: Path) -> bool:
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(found, dict) and str(found.get("$id", "")).startswith("urn:raresim:")


def _write(path: Path, text: str, *, fresh: bool = False) -> None:
    """Write a file whole or not at all; a `fresh` one never in the place of another."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(path) as part:
            part.write_text(text, "utf-8", newline="\n")
            if fresh:
                path.open("x").close()  # takes the name, or fails where somebody has it
    except OSError as error:
        message = f"cannot be written: {error.strerror or error}"
        raise InputError(Problem(message, str(path), mend="name another place")) from error


def _reference(disease: DiseaseModel, model: str, path: Path) -> str:
    """Return how a scenario at `path` names the model: shipped with its version, or by its file."""
    if not model.endswith((".yaml", ".yml")):
        return f"{catalogue.split_version(model)[0]}@{disease.spec.version.split('.')[0]}"
    try:
        beside = os.path.relpath(Path(disease.path).resolve(), path.parent.resolve())
    except ValueError as error:  # another drive
        mend = "write the scenario beside its model"
        raise InputError(Problem("is on another drive", str(path), mend=mend)) from error
    return json.dumps(PurePath(beside).as_posix(), ensure_ascii=False)


def _words(disease: DiseaseModel) -> dict[str, str]:
    """Return what the skeleton of a scenario says about a model's first outcome."""
    outcomes = disease.spec.outcomes
    fatal = disease.spec.fatal
    name = next((n for n in outcomes if n not in fatal), next(iter(outcomes)))
    outcome = outcomes[name]
    if isinstance(outcome, Diary):
        words = _events("rate_ratio", outcome.better)
        words |= {"variable": f"log ratio of {name} at week 48", "summary": "difference in means"}
        words["method"] = _ancova(f"log {name} at baseline")
    elif isinstance(outcome, States):
        words = _events("rate_ratio", outcome.better)
        words |= {"variable": f"change in {name} at week 48", "summary": "difference in means"}
        words["method"] = _ancova(f"{name} at baseline")
    elif isinstance(outcome, ReadAtVisits):
        words = _score(name, outcome)
    elif isinstance(outcome, Recurrent):
        words = _events("rate_ratio", outcome.better)
        words |= {"variable": f"events of {name}", "summary": "rate ratio"}
        words["method"] = "{test: negative binomial, alpha: 0.025 one-sided}"
    else:
        words = _events("hazard_ratio", outcome.better)
        words |= {"variable": f"time to first {name}", "summary": "hazard ratio"}
        words["method"] = "{test: logrank, estimate: cox, alpha: 0.025 one-sided}"
    strategy = "composite" if words["variable"].startswith("time") else "while alive"
    events = {"stops_treatment": "treatment policy"} | dict.fromkeys(
        (f for f in fatal if f != name), strategy
    )
    events |= dict.fromkeys(disease.ending[name], "composite")
    words["intercurrent"] = "{" + ", ".join(f"{k}: {v}" for k, v in events.items()) + "}"
    title = f"Does the drug change {name.replace('_', ' ')} in 60 patients? {disease.spec.name}"
    words["question"] = json.dumps(title, ensure_ascii=False)
    return words | {"outcome": name, "eligible": _eligible(disease)}


def _events(ratio: str, better: str) -> dict[str, str]:
    value, ends = ("2", "1.2, 3.3") if better == "higher" else ("0.5", "0.3, 0.83")
    printed = f'{{{ratio}: {value}, ci: [{ends}], n: 60, source: KEY, where: "table 2"}}'
    return {"effect": f"{{{ratio}: {value}}}", "null": f"{{{ratio}: 1}}", "printed": printed}


def _score(name: str, outcome: ReadAtVisits) -> dict[str, str]:
    """Return the words for a score: half an SD of its change, in the good direction.

    Where no SD of change is stated: a twentieth of the scale.
    """
    if isinstance(outcome, Longitudinal):
        half = outcome.spread_of_change.statistic.sd / 2
    else:
        assert isinstance(outcome, Trajectory)
        half = (outcome.range[1] - outcome.range[0]) / 20
    value = _digits(half if outcome.better == "higher" else -half)
    return {
        "effect": f"{{difference: {value}, after: 48 weeks}}",
        "null": "{difference: 0, after: 48 weeks}",
        "printed": "{difference: ..., ci: [..., ...], after: 48 weeks, n: 60, source: KEY}",
        "variable": f"change in {name} at week 48",
        "summary": "difference in means",
        "method": _ancova(f"{name} at baseline"),
    }


def _ancova(covariate: str) -> str:
    return f"{{test: ancova, adjust_for: [{covariate}], alpha: 0.025 one-sided}}"


def _eligible(disease: DiseaseModel) -> str:
    """Return a condition that every patient of the model meets."""
    patients: dict[str, Any] = dict(disease.spec.patients)
    ranges = {n: v.range for n, v in patients.items() if isinstance(v, Number)}
    scores = disease.spec.outcomes.items()
    ranges |= {n: o.range for n, o in scores if isinstance(o, (Longitudinal, Trajectory))}
    if ranges:
        name = "age" if "age" in ranges else next(iter(ranges))
        low, high = ranges[name]
        above = f"{name} >= {_digits(low)}"
        return above if math.isinf(high) else f"{above} and {name} <= {_digits(high)}"
    found = ((n, v.names) for n, v in patients.items() if isinstance(v, Category))
    name, states = next(found)
    return f"{name} == {states[0]} or {name} != {states[0]}"


def _digits(value: float) -> str:
    """Return a number without exponent, to three digits after the point.

    >>> _digits(-2.0751), _digits(90.0)
    ('-2.075', '90')
    """
    return f"{value:.3f}".rstrip("0").rstrip(".")
