"""Re-randomising a cross-over trial: other sequences, or each cycle's order anew."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from raresim.analysis.arrays import BoolArray, CodeArray, FloatArray, IntArray
from raresim.analysis.crossover.analysis_of_variance import crossover_anova
from raresim.analysis.crossover.periods import check_contrast, check_shapes
from raresim.analysis.rerandomisation.answer import Rerandomisations, TwoSided
from raresim.analysis.rerandomisation.general import Compared, rerandomised
from raresim.analysis.rerandomisation.linear import rerandomised_scores
from raresim.analysis.rerandomisation.procedure import Procedure
from raresim.analysis.result import Results
from raresim.errors import InputError
from raresim.randomisation import Simple

Kernel = Callable[..., Results]


def rerandomised_sequences(
    columns: Mapping[str, Any],
    sequence: CodeArray,
    present: BoolArray,
    uniforms: FloatArray,
    *,
    sequences: CodeArray,
    procedure: Procedure,
    kernel: Kernel = crossover_anova,
    stratum: CodeArray | None = None,
    compared: Compared = "statistic",
    two_sided: TwoSided = "doubled",
    list_up_to: int = 0,
) -> Rerandomisations:
    """Test a cross-over trial by replaying the randomisation of its patients to sequences.

    The outcomes stay with the patients and their periods, the sequences are drawn again by the
    trial's own procedure, and the kernel fits each draw: under the null hypothesis that no outcome
    depends on the sequence the test keeps its level in any sample, whatever the outcomes are and
    whatever the periods do; see `rerandomised`.

    Parameters
    ----------
    columns
        Arrays (B, n, ...) by the kernel's names of them, such as ``outcome`` (B, n, P).
    sequence
        (B, n) number of each patient's sequence: a row of ``sequences``.
    present, uniforms, stratum, compared, two_sided, list_up_to
        As in `rerandomised`.
    sequences
        (S, P) treatment of each sequence in each period.
    procedure
        How patients were randomised: S arms, sequences in their order.
    kernel
        Takes the columns, and ``treatment`` (B, n, P) and ``present`` (B, n).

    Raises
    ------
    InputError
        If the procedure has not S arms, shapes do not fit, or a word is unknown.

    References
    ----------
    Rosenberger WF, Lachin JM. Randomization in Clinical Trials, 2nd ed. 2016, chapter 6.

    Examples
    --------
    >>> outcome = np.array([[[1.0, 2.5], [2.0, 3.1], [4.0, 2.2], [3.0, 2.4]]])
    >>> order = np.array([[0, 0, 1, 1]])
    >>> rerandomised_sequences(
    ...     {"outcome": outcome},
    ...     order,
    ...     np.ones((1, 4), dtype=bool),
    ...     np.zeros((0, 4)),
    ...     sequences=np.array([[0, 1], [1, 0]]),
    ...     procedure=Procedure(block=4),
    ...     list_up_to=100,
    ... ).row(0)
    re-randomisation test, cross-over analysis of variance: observed 3.953, p = 0.3333 \
(6 assignments, all)
      one-sided p: less 1, greater 0.1667, 4 patients
      So few assignments were possible that no p-value is below 5 %.
    """
    if sequences.ndim != 2 or len(procedure.ratio) != len(sequences):
        raise InputError(
            f"sequences, procedure: found the shape {sequences.shape} and {len(procedure.ratio)} "
            "arms; expected (sequences, periods) and an arm for each sequence."
        )

    def refit(*, arm: CodeArray, present: BoolArray, **given: Any) -> Results:
        known = np.clip(arm, 0, len(sequences) - 1)
        return kernel(**given, treatment=sequences[known], present=present)

    return rerandomised(
        refit,
        columns,
        sequence,
        present,
        uniforms,
        procedure=procedure,
        stratum=stratum,
        compared=compared,
        two_sided=two_sided,
        list_up_to=list_up_to,
        all_arms=True,
    )


class Cycles(NamedTuple):
    """Pairs of periods, each a unit that was randomised on its own.

    Attributes
    ----------
    score
        (B, n C) outcome of the first less that of the second period; NaN if one is missing.
    treated_first
        (B, n C) 1 where the treated came first, else 0.
    present
        (B, n C) whether the pair has both treatments.
    """

    score: FloatArray
    treated_first: IntArray
    present: BoolArray


def cycles(
    outcome: FloatArray,
    treatment: CodeArray,
    present: BoolArray,
    *,
    treated: int = 1,
    control: int = 0,
) -> Cycles:
    """Take periods 1 and 2, 3 and 4 ... of each patient as cycles with both treatments.

    Parameters
    ----------
    outcome, treatment, present, treated, control
        As in `crossover_anova`; the number of periods is even.

    Raises
    ------
    InputError
        If the number of periods is odd, or a treatment is compared with itself.

    Examples
    --------
    >>> outcome = np.array([[[1.0, 2.5, 2.0, 3.1]]])
    >>> order = np.array([[[0, 1, 1, 0]]])
    >>> found = cycles(outcome, order, np.ones((1, 1), dtype=bool))
    >>> found.score.round(1), found.treated_first
    (array([[-1.5, -1.1]]), array([[0, 1]]))
    """
    check_shapes(outcome, treatment, present)
    check_contrast(treated, control)
    if outcome.shape[2] % 2:
        raise InputError(f"outcome: found {outcome.shape[2]} periods; expected an even number.")
    first, second = treatment[:, :, ::2], treatment[:, :, 1::2]
    ours, theirs = (
        (first == a) & (second == b) for a, b in ((treated, control), (control, treated))
    )
    pair = present[:, :, None] & (ours | theirs)
    score = np.where(pair, outcome[:, :, ::2] - outcome[:, :, 1::2], np.nan)
    flat = (outcome.shape[0], -1)
    return Cycles(score.reshape(flat), ours.reshape(flat).astype(np.int64), pair.reshape(flat))


def sign_flip(
    outcome: FloatArray,
    treatment: CodeArray,
    present: BoolArray,
    uniforms: FloatArray,
    *,
    treated: int = 1,
    control: int = 0,
    two_sided: TwoSided = "doubled",
    list_up_to: int = 0,
) -> Rerandomisations:
    """Test by drawing the order of the two treatments anew, by a coin, in each cycle (n-of-1).

    Flipping a cycle's order flips the sign of its difference between the treatments. The
    statistic is the sum of the first less the second period's outcome over the cycles with the
    treated first, which orders assignments as the mean difference does; the level is kept
    whatever the outcomes are, if each cycle of each patient was randomised on its own, 1:1.
    Patients are randomised to an order once and for all in `rerandomised_sequences`.

    Parameters
    ----------
    outcome, treatment, present, treated, control
        As in `cycles`.
    uniforms
        (D, n C), or (B, D, n C): one for each of the C cycles of each patient.
    two_sided, list_up_to
        As in `rerandomised_scores`.

    Returns
    -------
    The test; ``used`` counts cycles.

    Raises
    ------
    InputError
        As `cycles`, or if the uniforms' shape does not fit.

    References
    ----------
    Edgington ES, Onghena P. Randomization Tests, 4th ed 2007.

    Examples
    --------
    >>> outcome = np.array([[[1.0, 2.5, 2.0, 3.1, 4.4, 2.0]], [[1.0, 2.5, 2.0, 0.1, 1.4, 2.0]]])
    >>> order = np.array([[[0, 1, 0, 1, 1, 0]], [[0, 1, 1, 0, 0, 1]]])
    >>> here = np.ones((2, 1), dtype=bool)
    >>> sign_flip(outcome, order, here, np.zeros((0, 3)), list_up_to=10).p_greater
    array([0.125, 0.125])
    """
    found = cycles(outcome, treatment, present, treated=treated, control=control)
    return rerandomised_scores(
        found.score,
        found.treated_first,
        found.present,
        uniforms,
        procedure=Procedure(scheme=Simple()),
        statistic="sum",
        two_sided=two_sided,
        list_up_to=list_up_to,
    )
