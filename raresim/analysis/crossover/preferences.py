"""Exact tests of a binary outcome in a cross-over trial of two treatments and two periods."""

from dataclasses import replace

import numpy as np

from raresim.analysis.arrays import BoolArray, CodeArray, FloatArray, IntArray
from raresim.analysis.binary.fisher import fisher_exact
from raresim.analysis.continuous.wilcoxon_test import exact_tails
from raresim.analysis.crossover.periods import check_contrast, check_shapes
from raresim.analysis.left_out import flags_of, left_out
from raresim.analysis.notes import Note
from raresim.analysis.tail_result import TailResults
from raresim.errors import InputError


def mainland_gart(
    outcome: FloatArray,
    treatment: CodeArray,
    present: BoolArray,
    *,
    treated: int = 1,
    control: int = 0,
) -> TailResults:
    """Test a binary outcome of an AB/BA cross-over trial by the Mainland-Gart test.

    Fisher's exact test (`fisher_exact`, its two-sided p-value) of the patients who responded in
    one of their two periods only: which period it was, against the order of the treatments. In the
    logistic model with effects of patients, periods and treatments the odds ratio of that table
    is the square of the treatments' (Gart): its root is the estimate, and so are the limits.
    It holds its level with any effect of the periods; `prescott` uses all patients and is as
    a rule more powerful. ``statistic`` is the number of patients with the treated first who
    responded in their first period only.

    Parameters
    ----------
    outcome
        (B, n, 2) 1 for a response in the period, 0 for none, NaN if missing.
    treatment
        (B, n, 2) numbers of the treatments.
    present
        (B, n) False for padding.
    treated, control
        Numbers of the two treatments; patients with others are left out.

    Raises
    ------
    InputError
        If there are not two periods, or a treatment is compared with itself.

    References
    ----------
    Mainland D. Elementary Medical Statistics, 2nd ed 1963. Gart JJ. Biometrika 1969;56.
    Senn S. Cross-over Trials in Clinical Research, 2nd ed 2002, section 4.3 (the example).

    Examples
    --------
    >>> import numpy as np
    >>> first, none, second = [[1, 0]], [[1, 1]], [[0, 1]]
    >>> outcome = np.array([first * 9 + none * 3 + first + none * 5 + second * 6], dtype=float)
    >>> order = np.array([[[1, 0]] * 12 + [[0, 1]] * 12])
    >>> found = mainland_gart(outcome, order, np.ones((1, 24), dtype=bool))
    >>> found.estimate, found.ci_low.round(3), found.p.round(6)
    (array([inf]), array([1.826]), array([0.000874]))
    """
    preference, treated_first, complete, lost = _read(outcome, treatment, present, treated, control)
    decided = complete & (preference != 0)
    found = fisher_exact((preference > 0).astype(np.float64), treated_first, decided)
    return replace(
        found,
        method="Mainland-Gart test",
        estimate=np.sqrt(found.estimate),
        ci_low=np.sqrt(found.ci_low),
        ci_high=np.sqrt(found.ci_high),
        notes=found.notes | flags_of(lost),
        left_out=lost + left_out(silent=complete & ~decided),
    )


def prescott(
    outcome: FloatArray,
    treatment: CodeArray,
    present: BoolArray,
    *,
    treated: int = 1,
    control: int = 0,
) -> TailResults:
    """Test a binary outcome of an AB/BA cross-over trial by Prescott's exact test.

    Patients responded in their first period only (1), in both or none (0), or in the second only
    (-1). The statistic is the sum of these numbers over the patients with the treated first,
    compared with all ways to share the patients out to the two sequences: the exact linear trend
    test of the 2 by 3 table. The two-sided p-value is the chance to be as far from the mean. It
    keeps its level if all such ways were alike likely, whatever the periods do. The estimate is
    the risk difference, half the difference of the sequences' mean numbers.

    Takes the arguments of `mainland_gart`; 400 patients at most.

    Raises
    ------
    InputError
        As `mainland_gart`, or with more than 400 patients.

    References
    ----------
    Prescott RJ. Appl Stat 1981;30. Jones B, Kenward MG. Design and Analysis of Cross-Over
    Trials, 3rd ed 2014, chapter 2.

    Examples
    --------
    >>> import numpy as np
    >>> first, none, second = [[1, 0]], [[1, 1]], [[0, 1]]
    >>> outcome = np.array([first * 9 + none * 3 + first + none * 5 + second * 6], dtype=float)
    >>> order = np.array([[[1, 0]] * 12 + [[0, 1]] * 12])
    >>> prescott(outcome, order, np.ones((1, 24), dtype=bool)).row(0)
    Prescott's test: risk difference 0.5833
      statistic 9, p = 0.0004704 (less 1, greater 0.0002352) against 0, 24 patients
    """
    preference, treated_first, complete, lost = _read(outcome, treatment, present, treated, control)
    number = np.stack(
        [np.count_nonzero(complete & (treated_first == k), axis=1) for k in (0, 1)], axis=1
    )
    both = np.all(number > 0, axis=1)
    sums = np.stack(
        [
            np.add.reduce(np.where(complete & (treated_first == k), preference, 0), axis=1)
            for k in (0, 1)
        ],
        axis=1,
    )
    tails = np.full((3, both.size), np.nan)
    for b in np.flatnonzero(both):
        scores = preference[b, complete[b]] + 1
        tails[:, b] = exact_tails(scores, int(number[b, 1]), int(sums[b, 1] + number[b, 1]))
    means = sums / np.maximum(number, 1)
    unknown = np.full(both.size, np.nan)
    return TailResults(
        method="Prescott's test",
        measure="risk difference",
        null=0.0,
        estimate=np.where(both, (means[:, 1] - means[:, 0]) / 2.0, np.nan),
        ci_low=unknown,
        ci_high=unknown,
        statistic=np.where(both, sums[:, 1], np.nan),
        p=tails[0],
        p_less=tails[1],
        p_greater=tails[2],
        converged=both,
        used=np.count_nonzero(complete, axis=1),
        notes=flags_of(lost) + Note.ONE_ARM_EMPTY * ~both,
        left_out=lost,
    )


def _read(
    outcome: FloatArray, treatment: CodeArray, present: BoolArray, treated: int, control: int
) -> tuple[IntArray, IntArray, BoolArray, IntArray]:
    """Give who preferred which period, whose first was the treated, who is complete, and notes."""
    check_shapes(outcome, treatment, present)
    check_contrast(treated, control)
    if outcome.shape[2] != 2:
        raise InputError(f"outcome: found {outcome.shape[2]} periods; expected two (AB/BA).")
    treated_first = (treatment[:, :, 0] == treated) & (treatment[:, :, 1] == control)
    other = (treatment[:, :, 0] == control) & (treatment[:, :, 1] == treated)
    planned = present & (treated_first | other)
    complete = planned & ~np.any(np.isnan(outcome), axis=2)
    difference = np.where(complete[:, :, None], outcome, 0.0)
    preference = (difference[:, :, 0] - difference[:, :, 1]).astype(np.int64)
    lost = left_out(outcome=planned & ~complete, silent=present & ~planned)
    return preference, treated_first.astype(np.int64), complete, lost
