"""Comparisons of two arms, for a table of patients here and for batches of trials in `batch`."""

from raresim.analysis import batch
from raresim.analysis.notes import Note
from raresim.analysis.result import Result, Results
from raresim.analysis.spending import boundaries, spent
from raresim.analysis.tables import ancova, andersen_gill, cox, logrank, negative_binomial

__all__ = [
    "Note",
    "Result",
    "Results",
    "ancova",
    "andersen_gill",
    "batch",
    "boundaries",
    "cox",
    "logrank",
    "negative_binomial",
    "spent",
]
