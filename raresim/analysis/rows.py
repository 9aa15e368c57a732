"""One row of the answers to a batch."""

from dataclasses import fields, replace
from typing import Any, TypeVar

import numpy as np

from raresim.analysis.notes import Note, measured

Single = TypeVar("Single")
Batch = TypeVar("Batch")


def one_row(answers: object, b: int, single: type[Single]) -> Single:
    """Make a ``single`` of row b of every array (B, ...); what is no array holds for all rows.

    Notes become sentences; where they speak of the size, its measured range stands with them.
    """
    found: dict[str, Any] = {}
    kind: Any = single
    for field in fields(kind):
        value = getattr(answers, field.name)
        if field.name == "notes":
            note, method = Note(int(value[b])), getattr(answers, "method", "")
            found[field.name] = (*note.sentences(), *measured(method, note))
        elif isinstance(value, np.ndarray):
            found[field.name] = value[b].item() if value.ndim == 1 else value[b]
        else:
            found[field.name] = value
    return single(**found)


def batch_of_one(answers: Batch, b: int) -> Batch:
    """Keep row b of every array (B, ...)."""
    every: Any = answers
    arrays = {name: v[b : b + 1] for name, v in vars(every).items() if isinstance(v, np.ndarray)}
    alone: Batch = replace(every, **arrays)
    return alone
