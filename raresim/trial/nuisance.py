"""The nuisance grid: what a design's size is the maximum over, beside its null hypotheses.

A design names places of its truth block, or of its model file (`model.outcomes...`), and values to
stand there: an event rate, a dispersion, an SD, drop-out, drift. The points of the grid are the
centre (all as the files have it), each value alone, and all corners, as far as they are few.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from itertools import product
from typing import Any

from raresim.disease import DiseaseModel
from raresim.disease.model import model_of, spec_of
from raresim.errors import InputError, Problem, shown
from raresim.files import Document, parse, read

Values = dict[str, Any]
"""A point of the grid: the values that are moved, by their places."""

MOST = 9
"""Points up to which a grid has its corners: combinations of a value of every place."""
OF_MODEL = "model."
PARTS = ("patients", "links", "unpublished", "outcomes")
"""Parts of a model file that hold numbers of patients."""
UNTOLD = (*PARTS, "evidence", "assumed", "numbers", "between_patients")
QUOTE = "'"
REASONS = ("why", "source")
NO_NUISANCE = {
    "model": "state other numbers of the model, as 'model.outcomes...'",
    "branch": "state other numbers of the model, as 'model.outcomes...'",
    "uncertainty": "remove it: the size is that at each point, with nothing drawn",
    "hypotheses": "declare another null hypothesis under 'nulls'",
}
"""Parts of the truth block that are no nuisance, and what to write instead."""


def grid(nuisance: Mapping[str, Sequence[Any]]) -> list[Values]:
    """Return the points: the centre, one place moved at a time, and the corners.

    Corners have one of the stated values at every place, of two places or more. Where all these
    points are more than `MOST`, the corners stay without what is between them and the centre; where
    that is too many as well, it is each value alone and no corners.

    Examples
    --------
    >>> grid({"a": [1, 2], "b": [3]})
    [{}, {'a': 1}, {'a': 2}, {'b': 3}, {'a': 1, 'b': 3}, {'a': 2, 'b': 3}]
    """
    alone: list[Values] = [{path: value} for path, own in nuisance.items() for value in own]
    corners = [dict(zip(nuisance, chosen, strict=True)) for chosen in product(*nuisance.values())]
    if len(nuisance) < 2 or 1 + len(corners) > MOST:
        return [{}, *alone]
    whole = [{}, *alone, *corners]
    return whole if len(whole) <= MOST else [{}, *corners]


def moved(document: Document, model: DiseaseModel, values: Values) -> tuple[Document, DiseaseModel]:
    """Return a scenario's document and its model with values at some places.

    The document declares no grid any more: it is one point of it.

    Raises
    ------
    InputError
        When no such model can be, or a path leads nowhere.
    """
    own = {path: value for path, value in values.items() if not path.startswith(OF_MODEL)}
    changed = _put(document, {**own, "design.nuisance": {}})
    if len(own) < len(values):
        model = model_of(_moved_file(model, values), model.stem)
    return changed, model


def _moved_file(model: DiseaseModel, values: Values) -> Document:
    """Return a model's file with the values that are its own."""
    file = _parsed(model.text, model.path) if model.text else read(model.path)
    own = {
        path.removeprefix(OF_MODEL): value
        for path, value in values.items()
        if path.startswith(OF_MODEL)
    }
    return _put(file, own)


def _put(document: Document, values: Values) -> Document:
    try:
        return document.with_values(values)
    except LookupError as error:
        raise InputError(Problem("the file has no such place", found=str(error))) from error


@functools.lru_cache(maxsize=4)
def _parsed(text: str, path: str) -> Document:
    """Parse a model file once for all points of a grid; nothing changes what is returned."""
    return parse(text, path)


def misplaced(path: str) -> str:
    """Return how to mend a path at which there is no nuisance, "" where there may be one.

    >>> misplaced("truth.leaves_study.rate"), misplaced("design.randomise.n")
    ('', "begin with 'truth.' or 'model.outcomes.'")
    """
    root, _, rest = path.partition(".")
    part = rest.partition(".")[0]
    if root == "truth" and part:
        return NO_NUISANCE.get(part, "")
    if root == "model" and part in PARTS:
        return ""
    if root == "model":
        return f"write one of {', '.join(PARTS)} after 'model.'"
    return "begin with 'truth.' or 'model.outcomes.'"


def check_points(
    document: Document,
    model: DiseaseModel,
    nuisance: Mapping[str, Sequence[Any]],
    at: Callable[[Values], Any],
) -> None:
    """Refuse values with which there is no scenario; `at` makes the scenario of a point.

    Of a model with a value only what is written is checked: its numbers would take their time.

    Raises
    ------
    InputError
        With each such value at its line.
    """
    problems = []
    for path, values in nuisance.items():
        for index, value in enumerate(values):
            try:
                if path.startswith(OF_MODEL):
                    spec_of(_moved_file(model, {path: value}))
                else:
                    at({path: value})
            except InputError as error:
                first = error.problems[0]
                message = f"there is no scenario with {shown(value)} here: {first.message}"
                details = {"found": first.found, "expected": first.expected, "mend": first.mend}
                steps = ("design", "nuisance", path, index)
                problems.append(document.problem(steps, message, **details))
    if problems:
        raise InputError(problems)


def told(values: Values) -> str:
    """Return a point in words: each place without what all places share, and its value.

    >>> told({"model.outcomes.attack.rate.evidence.rate": "1 per week"}), told({})
    ('attack.rate 1 per week', 'centre')
    >>> told({"truth.drift.attack": {"rate_ratio": 0.8, "why": "care gets better"}})
    'drift.attack rate_ratio 0.8'
    """
    parts = []
    for path, value in values.items():
        steps = [step for step in path.split(".")[1:] if step not in UNTOLD]
        kept = [step for step, before in zip(steps, ["", *steps], strict=False) if step != before]
        parts.append(f"{'.'.join(kept)} {_value(value)}")
    return "; ".join(parts) or "centre"


def _value(value: Any) -> str:
    """Return a value in words; of several keys all that say no reason."""
    if isinstance(value, dict):
        own = (f"{key} {_value(part)}" for key, part in value.items() if key not in REASONS)
        return ", ".join(own)
    return shown(value).strip(QUOTE)
