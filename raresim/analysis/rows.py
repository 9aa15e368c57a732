"""One row of the answers to a batch."""

from dataclasses import fields, replace
from typing import Any, TypeVar

import numpy as np

from raresim.analysis.left_out import patients, sentences
from raresim.analysis.notes import Note, measured

Single = TypeVar("Single")
Batch = TypeVar("Batch")


def one_row(answers: object, b: int, single: type[Single]) -> Single:
    """Make a ``single`` of row b of every array (B, ...); what is no array holds for all rows.

    Notes become sentences; where they speak of the size, its measured range stands with them. Of
    ``left_out`` the number of patients is kept.
    """
    found: dict[str, Any] = {}
    kind: Any = single
    for field in fields(kind):
        value = getattr(answers, field.name)
        if field.name == "notes":
            found[field.name] = said(answers, b)
        elif field.name == "left_out":
            found[field.name] = int(patients(value[b]))
        elif isinstance(value, np.ndarray):
            found[field.name] = value[b].item() if value.ndim == 1 else value[b]
        else:
            found[field.name] = value
    return single(**found)


def said(answers: Any, b: int) -> tuple[str, ...]:
    """Give the notes of row b as sentences, with the numbers of patients they speak of."""
    note = Note(int(answers.notes[b]))
    found = sentences(note, int(answers.used[b]), answers.left_out[b])
    return (*found, *measured(getattr(answers, "method", ""), note))


def batch_of_one(answers: Batch, b: int) -> Batch:
    """Keep row b of every array (B, ...)."""
    every: Any = answers
    arrays = {name: v[b : b + 1] for name, v in vars(every).items() if isinstance(v, np.ndarray)}
    alone: Batch = replace(every, **arrays)
    return alone
