"""Re-randomisation tests of any comparison: the draws of one trial are a batch."""

from collections.abc import Callable, Mapping
from typing import Any, Literal

import numpy as np

from raresim.analysis.arrays import BoolArray, CodeArray, FloatArray
from raresim.analysis.notes import Note
from raresim.analysis.rerandomisation.answer import (
    Rerandomisations,
    Tails,
    TwoSided,
    check_two_sided,
    tails,
)
from raresim.analysis.rerandomisation.assignment import possible
from raresim.analysis.rerandomisation.linear import LEVEL, NO_ANSWER, smallest_p
from raresim.analysis.rerandomisation.procedure import Procedure
from raresim.analysis.rerandomisation.reference_set import ReferenceSet, reference_sets
from raresim.analysis.result import Results
from raresim.errors import InputError

Kernel = Callable[..., Results]
Compared = Literal["statistic", "estimate"]


def rerandomised(
    kernel: Kernel,
    columns: Mapping[str, Any],
    arm: CodeArray,
    present: BoolArray,
    uniforms: FloatArray,
    *,
    procedure: Procedure,
    stratum: CodeArray | None = None,
    level: CodeArray | None = None,
    compared: Compared = "statistic",
    two_sided: TwoSided = "doubled",
    list_up_to: int = 0,
    all_arms: bool = False,
) -> Rerandomisations:
    """Test by replaying the randomisation and fitting each draw with any kernel of the library.

    The columns stay with the patients, the arms are drawn again, and the kernel fits all draws of
    a trial as one batch. The statistic is studentised (estimate / se), or the estimate. A draw
    without an estimate counts as at least as extreme in each direction, which keeps the level
    (note REFIT_FAILED). With more than two arms in the procedure, the first two are compared,
    unless the kernel is given ``all_arms``.

    Parameters
    ----------
    kernel
        Takes the columns by name, and ``arm`` and ``present``, all with a leading row axis; such
        as `batch.cox`, or a function of them around it.
    columns
        Arrays (B, n, ...) by the kernel's names of them.
    arm, present, uniforms, procedure, stratum, level, two_sided, list_up_to
        As in `rerandomised_scores`. A stratum that the kernel needs too stands in ``columns``.
    compared
        "statistic" or "estimate".
    all_arms
        Whether the kernel sees the patients of all arms, and their numbers.

    Raises
    ------
    InputError
        If shapes do not fit, or a word is unknown.

    References
    ----------
    Rosenberger WF, Lachin JM. Randomization in Clinical Trials, 2nd ed. 2016, chapter 6.

    Examples
    --------
    >>> from raresim.analysis.batch import logrank
    >>> columns = {"time": np.array([[1, 2, 3, 4, 5, 6]]), "event": np.ones((1, 6), dtype=bool)}
    >>> arm, here = np.array([[0, 1, 0, 1, 0, 1]]), np.ones((1, 6), dtype=bool)
    >>> blocks = Procedure(block=2)
    >>> rerandomised(
    ...     logrank, columns, arm, here, np.zeros((0, 6)), procedure=blocks, list_up_to=99
    ... ).row(0)
    re-randomisation test, log-rank test: observed -0.6963, p = 0.25 (8 assignments, all)
      one-sided p: less 0.125, greater 1, 6 patients
      So few assignments were possible that no p-value is below 5 %.
    """
    check_two_sided(two_sided)
    if compared not in ("statistic", "estimate"):
        raise InputError(f"compared: found {compared!r}; expected 'statistic' or 'estimate'.")
    highest = len(procedure.ratio) - 1 if all_arms else 1
    first = kernel(**columns, arm=arm, present=present & (arm <= highest))
    unlike = ~possible(procedure, arm, present, stratum, level)
    notes = first.notes + Note.UNLIKE_PROCEDURE * unlike
    # a small sample does not move this test's level as it moves the asymptotic one's
    notes &= ~int(Note.SIZE_ABOVE_NOMINAL)
    asked = first.converged & ~unlike
    observed = np.where(asked, getattr(first, compared), np.nan)
    found: list[Tails] = [NO_ANSWER] * len(first)
    assignments, exact = np.zeros(len(first), dtype=np.int64), np.zeros(len(first), dtype=np.bool_)
    for b, reference in enumerate(
        reference_sets(procedure, uniforms, present, stratum, level, list_up_to)
    ):
        if asked[b]:
            own = {name: values[b] for name, values in columns.items()}
            drawn = _drawn(kernel, own, present[b], reference, compared, highest)
            found[b] = tails(float(observed[b]), drawn, reference.probability, two_sided)
            assignments[b], exact[b] = len(drawn), reference.probability is not None
            small = smallest_p(drawn, reference.probability) > LEVEL / 2.0
            notes[b] |= Note.REFIT_FAILED * bool(np.any(np.isnan(drawn)))
            notes[b] |= Note.REFERENCE_SET_SMALL * small
    return Rerandomisations(
        method=f"re-randomisation test, {first.method}",
        observed=observed,
        centre=np.array([tail.centre for tail in found]),
        p=np.array([tail.p for tail in found]),
        p_less=np.array([tail.p_less for tail in found]),
        p_greater=np.array([tail.p_greater for tail in found]),
        assignments=assignments,
        exact=exact,
        ci_low=np.full(len(first), np.nan),
        ci_high=np.full(len(first), np.nan),
        converged=asked,
        used=first.used,
        notes=notes,
        left_out=first.left_out,
    )


def _drawn(
    kernel: Kernel,
    columns: Mapping[str, Any],
    present: BoolArray,
    reference: ReferenceSet,
    compared: Compared,
    highest: int,
) -> FloatArray:
    arm = np.ascontiguousarray(reference.arms.T)
    tiled = {
        name: np.broadcast_to(values, (len(arm), *values.shape)) for name, values in columns.items()
    }
    fit = kernel(**tiled, arm=np.maximum(arm, 0), present=present & (arm <= highest))
    found: FloatArray = np.where(fit.converged, getattr(fit, compared), np.nan)
    return found
