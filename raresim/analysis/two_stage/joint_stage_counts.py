"""Patients of a small n sequential multiple assignment trial (snSMART), counted by their course.

Patients get one of K treatments in stage 1. Who responds stays on it in stage 2, who does not
changes to another one; so a patient is one of a few kinds, and their numbers are all that the
models need.
"""

from dataclasses import dataclass

import numpy as np

from raresim.analysis.arrays import BoolArray, CodeArray, FloatArray, IntArray
from raresim.analysis.left_out import left_out
from raresim.errors import InputError


@dataclass(frozen=True)
class StageCounts:
    """Numbers of patients in B trials with K treatments.

    Attributes
    ----------
    kinds
        (B, K, 2, K, 3) patients by treatment and response (0, 1) in stage 1, treatment in stage
        2, and response in stage 2 (0, 1, or 2 for unknown; then the treatment is 0).
    left_out
        (B, R + 1) patients without a response in stage 1, as `left_out` counts them.
    """

    kinds: IntArray
    left_out: IntArray

    @property
    def used(self) -> IntArray:
        """Patients with a response in stage 1, (B,)."""
        found: IntArray = np.add.reduce(self.kinds, axis=(1, 2, 3, 4))
        return found

    @property
    def first(self) -> IntArray:
        """Patients by treatment and response in stage 1, (B, K, 2)."""
        found: IntArray = np.add.reduce(self.kinds, axis=(3, 4))
        return found

    @property
    def second(self) -> IntArray:
        """Patients by treatment and response in stage 1, then in stage 2, (B, K, 2, K, 2)."""
        return self.kinds[..., :2]


def stage_counts(
    treatment_1: CodeArray,
    response_1: FloatArray,
    treatment_2: CodeArray,
    response_2: FloatArray,
    present: BoolArray,
    *,
    treatments: int = 3,
) -> StageCounts:
    """Count patients by their treatments and responses in two stages.

    Parameters
    ----------
    treatment_1, treatment_2
        (B, n) numbers from 0; in stage 2 that of stage 1 for responders, another one for the
        others, and -1 where there was no stage 2.
    response_1, response_2
        (B, n) 1 or 0, NaN if missing. Without a response in stage 1 a patient is left out; in
        stage 2 the first stage still counts.
    present
        (B, n) False for padding.
    treatments
        Number K of treatments.

    Raises
    ------
    InputError
        If a treatment is not one of the K, a responder changed treatment or another one did not.

    Examples
    --------
    >>> ones = np.ones((1, 2))
    >>> counts = stage_counts(
    ...     np.array([[0, 2]]), np.array([[1.0, 0.0]]), np.array([[0, 1]]), ones, ones > 0
    ... )
    >>> np.argwhere(counts.kinds[0]).tolist()
    [[0, 1, 0, 1], [2, 0, 1, 1]]
    """
    used = present & ~np.isnan(response_1)
    later = used & (treatment_2 >= 0) & ~np.isnan(response_2)
    answered = response_1 == 1.0
    for field, codes, who in (
        ("treatment_1", treatment_1, used),
        ("treatment_2", treatment_2, later),
    ):
        if np.any(who & ((codes < 0) | (codes >= treatments))):
            wrong = codes[who & ((codes < 0) | (codes >= treatments))][0]
            raise InputError(
                f"{field}: found {wrong}; expected numbers from 0 to {treatments - 1}."
            )
    if np.any(later & (answered != (treatment_2 == treatment_1))):
        raise InputError(
            "treatment_2: found a responder of stage 1 who changed treatment, or another one who "
            "did not; expected responders to stay and the others to change. "
            "Leave stage 2 of such patients out (-1)."
        )
    rows = np.broadcast_to(np.arange(present.shape[0])[:, None], present.shape)
    kinds = np.zeros((present.shape[0], treatments, 2, treatments, 3), dtype=np.int64)
    final = np.where(later, response_2 == 1.0, 2).astype(np.int64)
    place = (rows, treatment_1, answered.astype(np.int64), np.where(later, treatment_2, 0), final)
    np.add.at(kinds, tuple(part[used] for part in place), 1)
    return StageCounts(kinds, left_out(outcome=present & ~used))
