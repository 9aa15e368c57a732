"""Comparisons of two arms, for a table of patients here and for batches of trials in `batch`."""

from raresim.analysis import batch
from raresim.analysis.continuous import ancova
from raresim.analysis.counts import andersen_gill, negative_binomial
from raresim.analysis.notes import Note
from raresim.analysis.result import Result, Results
from raresim.analysis.sequential import boundaries, spent
from raresim.analysis.survival import cox, logrank

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
