"""What the methods of this room share: outcomes of patients in periods, and how they are told.

Arrays have the shape (B, n, P): replicates, patients, periods in the order in which they were
lived through. A missing outcome is NaN; a treatment is a whole number from 0, or -1 for none.
"""

import numpy as np

from raresim.analysis.arrays import BoolArray, CodeArray, FloatArray, IntArray
from raresim.analysis.left_out import left_out
from raresim.errors import InputError


def check_shapes(outcome: FloatArray, treatment: CodeArray, present: BoolArray) -> None:
    """Refuse arrays that are not (B, n, P), (B, n, P) and (B, n).

    Raises
    ------
    InputError
        If they are not.
    """
    if outcome.ndim != 3 or treatment.shape != outcome.shape or present.shape != outcome.shape[:2]:
        raise InputError(
            f"outcome, treatment, present: found the shapes {outcome.shape}, {treatment.shape} and "
            f"{present.shape}; expected (trials, patients, periods) twice and (trials, patients)."
        )


def check_contrast(treated: int, control: int) -> None:
    """Refuse a treatment that is compared with itself.

    Raises
    ------
    InputError
        If it is.
    """
    if treated == control or min(treated, control) < 0:
        raise InputError(
            f"treated, control: found {treated} and {control}; expected the numbers of two "
            "different treatments, from 0."
        )


def observed(outcome: FloatArray, treatment: CodeArray, present: BoolArray) -> BoolArray:
    """Say which periods have an outcome under a treatment, (B, n, P)."""
    found: BoolArray = present[:, :, None] & ~np.isnan(outcome) & (treatment >= 0)
    return found


def comparable(seen: BoolArray) -> BoolArray:
    """Keep the periods of those patients who have two of them or more."""
    found: BoolArray = seen & (np.count_nonzero(seen, axis=2) > 1)[:, :, None]
    return found


def over_periods(values: FloatArray) -> FloatArray:
    """Add over the last axis from the first period to the last; zeros in between change nothing."""
    total = np.zeros(values.shape[:-1])
    for p in range(values.shape[-1]):
        total = total + values[..., p]
    return total


def within_patients(values: FloatArray, used: BoolArray) -> FloatArray:
    """Subtract each patient's mean over the used periods; 0 elsewhere.

    >>> within_patients(np.array([[[1.0, 3.0, 9.0]]]), np.array([[[True, True, False]]]))
    array([[[-1.,  1.,  0.]]])
    """
    number = np.maximum(np.count_nonzero(used, axis=-1), 1)
    mean = over_periods(np.where(used, values, 0.0)) / number
    return np.where(used, values - mean[..., None], 0.0)


def number_of_treatments(treatment: CodeArray, treated: int, control: int) -> int:
    """Return one more than the highest treatment number in the batch or in the contrast."""
    return max(int(treatment.max(initial=0)), treated, control) + 1


def previous(treatment: CodeArray) -> CodeArray:
    """Give the treatment of the period before, -1 in the first."""
    before = np.full(treatment.shape, -1, dtype=np.int64)
    before[:, :, 1:] = treatment[:, :, :-1]
    return before


def left_out_of(
    used: BoolArray, seen: BoolArray, treatment: CodeArray, present: BoolArray
) -> IntArray:
    """Count the patients without a used period: an outcome is missing, or they tell nothing."""
    gone = present & ~np.any(used, axis=2)
    missing = gone & np.any((treatment >= 0) & ~seen, axis=2)
    return left_out(outcome=missing, silent=gone)


def patients_used(used: BoolArray) -> IntArray:
    """Count the patients with a used period, (B,)."""
    number: IntArray = np.count_nonzero(np.any(used, axis=2), axis=1)
    return number
