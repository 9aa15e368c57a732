"""Pydantic types for files that people write, and the way from their complaints to a line."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from typing import Annotated, Any, TypeVar

from pydantic import (
    AllowInfNan,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    ValidationError,
    WithJsonSchema,
    field_validator,
)

from raresim.errors import (
    VALUE_KINDS,
    Fault,
    InputError,
    Problem,
    did_you_mean,
    plain_words,
    shown,
)
from raresim.files import expressions, units
from raresim.files.document import MAX_PROBLEMS, Document, Step

__all__ = [
    "Amount",
    "Bounds",
    "Condition",
    "Duration",
    "Exposure",
    "Formula",
    "Rate",
    "Span",
    "Spec",
    "validate",
]


SMALLEST, LARGEST = 1e-12, 1e12
"""The size of numbers in a file, other than zero."""


class Spec(BaseModel):
    """Base of everything that stands in a file: no unknown key, nothing changed afterwards."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, strict=True)

    @field_validator("*")
    @classmethod
    def _ordinary(cls, value: Any) -> Any:
        """Refuse numbers whose square or product would leave what a computer can hold."""
        parts = value.values() if isinstance(value, dict) else value
        for part in parts if isinstance(value, (dict, list, tuple)) else [value]:
            if part == math.inf:  # the missing upper end of a range; no other field lets it in
                continue
            if isinstance(part, (int, float)) and part and not SMALLEST <= abs(part) <= LARGEST:
                mend = f"write 0, or a number from {SMALLEST:g} to {LARGEST:g} in size"
                raise Fault("expected a number of ordinary size", mend)
        return value


Duration = Annotated[
    float,
    BeforeValidator(units.duration),
    WithJsonSchema({"type": "string", "examples": ["12 months", "day 0"]}),
]
"""A duration with its unit; days once read."""

Rate = Annotated[
    float,
    BeforeValidator(units.rate),
    WithJsonSchema({"type": "string", "examples": ["0.05 per year"]}),
]
"""A rate with its unit; events per day once read."""

Exposure = Annotated[
    float,
    BeforeValidator(units.exposure),
    WithJsonSchema({"type": "string", "examples": ["50.7 patient-years"]}),
]
"""A total exposure; patient-days once read."""

Span = Annotated[
    tuple[float, float],
    BeforeValidator(units.span),
    WithJsonSchema({"type": "string", "examples": ["2 to 4 weeks"]}),
]
"""The shortest and longest that something lasts; days once read."""

Bounds = Annotated[
    tuple[float, Annotated[float, AllowInfNan(True)]],
    BeforeValidator(units.bounds),
    WithJsonSchema({"type": "string", "examples": ["1 to 60", "0 or more"]}),
]
"""The lowest and highest possible value; an upper end may be missing."""

Amount = Annotated[
    float,
    BeforeValidator(units.amount),
    WithJsonSchema({"type": ["string", "number"], "examples": ["-2.4 points"]}),
]
"""A number, with or without the word for its unit."""

Condition = Annotated[
    Any,
    BeforeValidator(expressions.parse),
    WithJsonSchema({"type": "string", "examples": ["age >= 16 and age <= 40"]}),
]
"""A condition in the safe expression language; an `Expression` once read."""

Formula = Annotated[
    Any,
    BeforeValidator(expressions.parse_formula),
    WithJsonSchema({"type": ["string", "number"], "examples": ["level + slope * t"]}),
]
"""A number in the safe expression language; an `Expression` once read."""

S = TypeVar("S", bound=Spec)


def validate(document: Document, spec: type[S]) -> S:
    """Return the document as a `spec`, or raise InputError with every fault at its line."""
    try:
        return spec.model_validate(document.data)
    except ValidationError as error:
        items = _likeliest(error.errors(include_url=False), document.data)
    items.sort(key=lambda item: document.position(_walk(document.data, item["loc"])[0]))
    found = [_problem(document, spec, item) for item in items[:MAX_PROBLEMS]]
    raise InputError(sorted(set(found), key=lambda problem: (problem.line, problem.column)))


def _problem(document: Document, spec: type[Spec], item: Any) -> Problem:
    steps, value = _walk(document.data, item["loc"])
    if item["type"] == "missing":
        missing = str(item["loc"][-1])
        return document.problem(steps, f"{missing!r} is missing", mend=f"add '{missing}:'")
    if item["type"] == "extra_forbidden":
        mend = did_you_mean(str(steps[-1]) if steps else "", _siblings(spec, item["loc"][:-1]))
        return document.problem(steps, "unknown key", mend=mend)
    if item["type"] in ("union_tag_invalid", "union_tag_not_found"):
        return _untold(document, steps, value, item)
    message, mend = plain_words(item, value)
    return document.problem(steps, message, found=shown(value), mend=mend)


def _untold(document: Document, steps: tuple[Step, ...], value: Any, item: Any) -> Problem:
    """Return the problem of a mapping whose `kind` is unknown or missing."""
    key = item["ctx"]["discriminator"].strip("'").removesuffix("()")
    known = re.findall(r"'([^']*)'", item["ctx"].get("expected_tags", ""))
    if not isinstance(value, dict):
        message, mend = plain_words({"type": "model_type", "ctx": {}}, value)
        return document.problem(steps, message, found=shown(value), mend=mend)
    if key not in value:
        return document.problem(steps, f"{key!r} is missing", mend=f"add '{key}:'")
    found = shown(value[key])
    mend = did_you_mean(str(value[key]), known) if known else ""
    return document.problem((*steps, key), f"unknown {key}", found=found, mend=mend)


def _siblings(spec: type[Spec], location: tuple[Step, ...]) -> list[str]:
    """Return the keys known at a place, found by following the types of the specification."""
    known: list[type[BaseModel]] = [spec]
    for step in location:
        tagged = [model for model in known if str(step) in _tags(model)]
        inner = [
            inside
            for model in known
            if str(step) in (fields := _fields(model))
            for inside in _models(fields[str(step)])
        ]
        known = inner or tagged or known
    return sorted({name for model in known for name in _fields(model)})


def _fields(model: type[BaseModel]) -> dict[str, Any]:
    """Return the type of each key, by the name that stands in the file."""
    return {field.alias or name: field.annotation for name, field in model.model_fields.items()}


def _tags(model: type[BaseModel]) -> set[str]:
    """Return the names by which a location may tell this member of a union."""
    kind = model.model_fields.get("kind")
    return {model.__name__, *map(str, getattr(kind and kind.annotation, "__args__", ()))}


def _models(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    inside = list(getattr(annotation, "__args__", ()))
    for mark in getattr(annotation, "__metadata__", ()):  # other forms of a value say what they are
        inside += mark.forms(*inside[:1]) if hasattr(mark, "forms") else []
    return [model for part in inside for model in _models(part)]


def _walk(data: Any, location: Iterable[Step]) -> tuple[tuple[Step, ...], Any]:
    """Follow pydantic's location through the data, passing over the tags of unions."""
    steps: tuple[Step, ...] = ()
    for step in location:
        if _inside(data, step):
            data = data[step]
            steps = (*steps, step)
    return steps, data


def _inside(data: Any, step: Step) -> bool:
    if isinstance(data, dict):
        return step in data
    return isinstance(data, list) and isinstance(step, int) and step < len(data)


def _likeliest(items: list[Any], data: Any, start: int = 0) -> list[Any]:
    """Keep, where a union failed, the complaints of the member that was probably meant."""
    members: dict[tuple[Step, ...], dict[Step, list[Any]]] = {}
    kept: list[Any] = []
    for item in items:
        at = _member(item, data, start)
        if at is None:
            kept.append(item)
        else:
            location = item["loc"]
            members.setdefault(location[:at], {}).setdefault(location[at], []).append(item)
    for location, branches in members.items():
        depth = len(location) + 1
        if len(branches) == 1:
            kept += _likeliest(next(iter(branches.values())), data, depth)
            continue
        at_root = {
            tag: [i for i in part if len(i["loc"]) == depth] for tag, part in branches.items()
        }
        deeper = {tag: part for tag, part in branches.items() if not _wrong_kind(at_root[tag])}
        if deeper:
            chosen = min(deeper.values(), key=lambda part: _misfit(part, depth))
            kept += _likeliest(chosen, data, depth)
        else:
            kept.append(_either([part[0] for part in at_root.values()]))
    return kept


def _member(item: Any, data: Any, start: int) -> int | None:
    """Return where in a location the first tag of a union stands, from `start` on."""
    location = item["loc"]
    last = len(location) - (item["type"] == "missing")
    for at, step in enumerate(location[:last]):
        if _inside(data, step):
            data = data[step]
        elif at >= start:
            return at
    return None


def _wrong_kind(items: list[Any]) -> bool:
    """Whether a member of a union failed at once, being of another kind than the value."""
    return any(item["type"] in VALUE_KINDS or item["type"] == "literal_error" for item in items)


def _misfit(items: list[Any], depth: int) -> tuple[int, int]:
    """Return how badly a member of a union fits: keys missing and unknown first."""
    shape = [i for i in items if i["type"] in ("missing", "extra_forbidden", "literal_error")]
    return sum(len(item["loc"]) == depth + 1 for item in shape), len(items)


def _either(items: list[Any]) -> Any:
    """Join what the members of a union expected."""
    wanted, mends = [], []
    for item in items:
        message, mend = plain_words(item, None if item["input"] is None else item["input"])
        wanted.append(message.removeprefix("expected "))
        mends.append(mend)
    joined = "expected " + " or ".join(dict.fromkeys(wanted))
    error = Fault(joined, mends[0])
    return {"type": "value_error", "loc": items[0]["loc"], "ctx": {"error": error}, "input": None}
