"""Patients of the table whom an analysis left out: how many, and why.

Every answer has ``left_out`` beside ``used``: in a batch the patients by `Reason`, (B, R + 1), the
last column the number of strata they made up; in one answer the number of patients, so that used
and left out are all patients given. Its notes say the numbers.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from raresim.analysis.arrays import BoolArray, CodeArray, IntArray, patients_per_arm
from raresim.analysis.notes import Note


@dataclass(frozen=True)
class Reason:
    """Why patients are left out.

    Attributes
    ----------
    because
        In words, after a colon.
    flag
        The note that says so of a batch.
    """

    because: str
    flag: Note


REASONS: Final = {
    "outcome": Reason("a missing outcome", Note.MISSING_OUTCOME_DROPPED),
    "covariate": Reason("a missing covariate", Note.MISSING_COVARIATE_DROPPED),
    "exposure": Reason("no follow-up", Note.NO_EXPOSURE_DROPPED),
    "unmatched": Reason("no control within reach", Note.UNMATCHED_DROPPED),
    "spare": Reason("no treated patient needed them", Note(0)),
    "stratum": Reason("a stratum with too few patients in an arm", Note.ONE_ARM_STRATA_DROPPED),
    "alike": Reason(
        "a stratum with one arm only, or the same outcome in all, tells nothing of an odds ratio",
        Note.STRATA_WITHOUT_COMPARISON,
    ),
    "silent": Reason("nothing to compare within a patient, or no event", Note(0)),
}
"""The order of the last axis of ``left_out``."""
IN_STRATA = ("stratum", "alike")


def left_out(*, strata: IntArray | None = None, **masks: BoolArray) -> IntArray:
    """Count the patients of each reason; who has several counts for the first one given.

    Parameters
    ----------
    strata
        (B,) number of the strata left out.
    masks
        (B, n) patients of each of the `REASONS`.

    Examples
    --------
    >>> left_out(
    ...     outcome=np.array([[True, False, False]]), covariate=np.array([[True, True, False]])
    ... )[:, :2]
    array([[1, 1]])
    """
    found = nobody(next(iter(masks.values())).shape[0])
    if strata is not None:
        found[:, -1] = strata
    before: BoolArray | None = None
    for name, mask in masks.items():
        own = mask if before is None else mask & ~before
        found[:, tuple(REASONS).index(name)] = np.count_nonzero(own, axis=1)
        before = mask if before is None else before | mask
    return found


def one_arm_strata(
    arm: CodeArray, present: BoolArray, stratum: CodeArray | None
) -> tuple[BoolArray, IntArray]:
    """Say who stands in a stratum of one arm only, (B, n), and count such strata, (B,).

    Where one arm has no patients at all, that is the reason to give, not its strata.

    >>> arm, stratum = np.array([[0, 1, 0, 0]]), np.array([[5, 5, 6, 6]])
    >>> one_arm_strata(arm, np.ones((1, 4), dtype=bool), stratum)
    (array([[False, False,  True,  True]]), array([1]))
    """
    alone, number = np.zeros(present.shape, dtype=np.bool_), np.zeros(len(present), dtype=np.int64)
    if stratum is None:
        return alone, number
    both = np.minimum(*patients_per_arm(arm, present)) > 0
    for code in np.unique(stratum[present]).tolist():
        here = present & (stratum == code)
        controls, treated = patients_per_arm(arm, here)
        lost = both & ((controls == 0) != (treated == 0))
        alone |= here & lost[:, None]
        number += lost
    return alone, number


def nobody(batch: int) -> IntArray:
    """Say of ``batch`` rows that nobody was left out."""
    return np.zeros((batch, len(REASONS) + 1), dtype=np.int64)


def patients(counts: IntArray) -> IntArray:
    """Add up the patients (...,) of counts (..., R + 1)."""
    total: IntArray = np.add.reduce(counts[..., :-1], axis=-1)
    return total


def flags_of(counts: IntArray) -> IntArray:
    """Give the notes (B,) of counts (B, R + 1)."""
    notes = np.zeros(counts.shape[0], dtype=np.int64)
    for j, reason in enumerate(REASONS.values()):
        notes |= np.where(counts[:, j] > 0, int(reason.flag), 0)
    return notes


def sentences(note: Note, used: int, counts: IntArray) -> tuple[str, ...]:
    """Say the notes of one answer, those on patients left out with their numbers (R + 1,).

    >>> counts = left_out(outcome=np.array([[True, False]]))[0]
    >>> sentences(Note.MISSING_OUTCOME_DROPPED | Note.ONE_ARM_EMPTY, 1, counts)
    ('One arm has no patients to analyse, the other has 1.', \
'1 of 2 patients was left out: a missing outcome.')
    """
    given = used + int(patients(counts))
    said: list[str] = []
    if Note.ONE_ARM_EMPTY in note:
        other = f"One arm has no patients to analyse, the other has {used}."
        said.append(other if used else "There are no patients to analyse.")
        note &= ~Note.ONE_ARM_EMPTY
    for (name, reason), number in zip(REASONS.items(), counts.tolist(), strict=False):
        if number:
            was = "was" if number == 1 else "were"
            where = ""
            if name in IN_STRATA:
                where = f" in {counts[-1]} {'stratum' if counts[-1] == 1 else 'strata'}"
            said.append(f"{number} of {given} patients{where} {was} left out: {reason.because}.")
            note &= ~reason.flag
    return (*note.sentences(), *said)
