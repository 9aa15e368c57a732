"""Pydantic types for files that people write, and the way from their complaints to a line."""

from __future__ import annotations

from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError, WithJsonSchema

from raresim.errors import InputError, Problem, did_you_mean
from raresim.files import expressions, units
from raresim.files.document import Document, Step

__all__ = [
    "Amount",
    "Bounds",
    "Condition",
    "Duration",
    "Exposure",
    "Rate",
    "Span",
    "Spec",
    "validate",
]


class Spec(BaseModel):
    """Base of everything that stands in a file: no unknown key, nothing changed afterwards."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, strict=True)


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
    tuple[float, float],
    BeforeValidator(units.bounds),
    WithJsonSchema({"type": "string", "examples": ["1 to 60"]}),
]
"""The lowest and highest possible value."""

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

S = TypeVar("S", bound=Spec)


def validate(document: Document, spec: type[S]) -> S:
    """Return the document as a `spec`, or raise InputError with every fault at its line."""
    try:
        return spec.model_validate(document.data)
    except ValidationError as error:
        found = [_problem(document, spec, item) for item in error.errors(include_url=False)]
    raise InputError(sorted(set(found), key=lambda problem: (problem.line, problem.column)))


def _problem(document: Document, spec: type[Spec], item: Any) -> Problem:
    steps, value = _walk(document.data, item["loc"])
    message = item["msg"].removeprefix("Value error, ")
    message = message[:1].lower() + message[1:]
    if item["type"] == "missing":
        missing = str(item["loc"][-1])
        return document.problem(steps, f"{missing!r} is missing", mend=f"add '{missing}:'")
    if item["type"] == "extra_forbidden":
        mend = did_you_mean(str(steps[-1]) if steps else "", _siblings(spec, steps[:-1]))
        return document.problem(steps, "unknown key", mend=mend)
    found = repr(value)
    return document.problem(steps, message, found=found if len(found) < 80 else found[:77] + "...")


def _walk(data: Any, location: tuple[Step, ...]) -> tuple[tuple[Step, ...], Any]:
    """Follow pydantic's location through the data, passing over the tags of unions."""
    steps: tuple[Step, ...] = ()
    for step in location:
        inside = (isinstance(data, dict) and step in data) or (
            isinstance(data, list) and isinstance(step, int) and step < len(data)
        )
        if inside:
            data = data[step]
            steps = (*steps, step)
    return steps, data


def _siblings(spec: type[Spec], steps: tuple[Step, ...]) -> list[str]:
    """Return the keys known at a place, found by following the types of the specification."""
    known: list[type[BaseModel]] = [spec]
    for step in steps:
        known = [
            inner
            for model in known
            for inner in _models(
                model.model_fields[str(step)].annotation
                if str(step) in model.model_fields
                else None
            )
        ] or known
    return sorted({name for model in known for name in _names(model)})


def _names(model: type[BaseModel]) -> list[str]:
    return [field.alias or name for name, field in model.model_fields.items()]


def _models(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for part in getattr(annotation, "__args__", ()) for model in _models(part)]
