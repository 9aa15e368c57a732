"""The assignments with which each trial of a batch is compared: listed, or drawn."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from raresim.analysis.arrays import BoolArray, CodeArray, FloatArray
from raresim.analysis.rerandomisation.assignment import Arms, rerandomised_arms
from raresim.analysis.rerandomisation.enumeration import enumerated_arms
from raresim.analysis.rerandomisation.procedure import Procedure
from raresim.errors import InputError


@dataclass(frozen=True)
class ReferenceSet:
    """Arms (n, D) of one trial, and their probabilities where all are listed."""

    arms: Arms
    probability: FloatArray | None


def reference_sets(
    procedure: Procedure,
    uniforms: FloatArray,
    present: BoolArray,
    stratum: CodeArray | None,
    level: CodeArray | None,
    list_up_to: int,
) -> Iterator[ReferenceSet]:
    """Yield the reference set of each row.

    Rows with the same patients, strata, levels and uniforms (a plain batch without strata) share
    one set: it is drawn once.
    """
    if uniforms.ndim not in (2, 3) or uniforms.shape[-1] != present.shape[1]:
        raise InputError(
            f"uniforms: found the shape {uniforms.shape}; expected (draws, patients) or "
            f"(trials, draws, patients) with {present.shape[1]} patients."
        )
    before: tuple[object, ...] = ()
    made = ReferenceSet(np.zeros((0, 0), dtype=np.int8), None)
    for b in range(len(present)):
        own = None if stratum is None else stratum[b]
        levels = None if level is None else level[b]
        same = (b if uniforms.ndim == 3 else 0, *(_bytes(x) for x in (present[b], own, levels)))
        if same != before:
            u = uniforms if uniforms.ndim == 2 else uniforms[b]
            made = _one(procedure, u, present[b], own, levels, list_up_to)
            before = same
        yield made


def _one(
    procedure: Procedure,
    uniforms: FloatArray,
    present: BoolArray,
    stratum: CodeArray | None,
    level: CodeArray | None,
    list_up_to: int,
) -> ReferenceSet:
    if list_up_to > 0:
        found = enumerated_arms(procedure, present, stratum, level, most=list_up_to)
        if found is not None:
            return ReferenceSet(*found)
    if len(uniforms) == 0:
        raise InputError(
            "uniforms: found none, and the assignments are too many to list; give uniforms for "
            "draws, or a larger list_up_to."
        )
    return ReferenceSet(rerandomised_arms(procedure, uniforms, present, stratum, level), None)


def _bytes(values: CodeArray | BoolArray | None) -> bytes | None:
    return None if values is None else values.tobytes()
