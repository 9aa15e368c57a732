"""Re-randomisation tests of linear statistics: sums of scores over the treated, no refits."""

from typing import Literal

import numpy as np

from raresim.analysis.arrays import (
    BoolArray,
    CodeArray,
    FloatArray,
    IntArray,
    ordered_sum,
    patients_per_arm,
)
from raresim.analysis.left_out import flags_of, left_out
from raresim.analysis.notes import Note
from raresim.analysis.rerandomisation.answer import (
    TIED,
    Rerandomisations,
    Tails,
    TwoSided,
    check_two_sided,
    tails,
)
from raresim.analysis.rerandomisation.assignment import Arms, possible
from raresim.analysis.rerandomisation.procedure import Procedure
from raresim.analysis.rerandomisation.reference_set import ReferenceSet, reference_sets
from raresim.errors import InputError

Linear = Literal["sum", "mean difference"]

LEVEL = 0.05
NO_ANSWER = Tails(np.nan, np.nan, np.nan, np.nan)


def rerandomised_scores(
    score: FloatArray,
    arm: CodeArray,
    present: BoolArray,
    uniforms: FloatArray,
    *,
    procedure: Procedure,
    stratum: CodeArray | None = None,
    level: CodeArray | None = None,
    statistic: Linear = "mean difference",
    two_sided: TwoSided = "doubled",
    list_up_to: int = 0,
    interval: bool = False,
) -> Rerandomisations:
    """Test by replaying the randomisation whether the treated have other scores than the control.

    The scores stay with the patients, and the trial's own procedure gives arms to the same
    patients in the same order again. Under the null hypothesis that no patient's score depends on
    the arm, the observed assignment is one more draw, so the test holds its level in any sample,
    whatever the scores are and however they drift while the trial recruits, provided that the
    procedure is the trial's own. p-values are those of `tails`.

    For "mean difference" the 95 % confidence interval inverts the one-sided tests at 2.5 % each
    under a constant shift: each draw d changes from less to as extreme at the one shift
    (T - T_d) / (1 - A_d), A_d the difference of the draw in the share of patients who really were
    treated; the limits are order statistics of these. It has -inf or inf where D is too small.

    Parameters
    ----------
    score
        (B, n) outcome, ranks (`rank_scores`), log-rank scores (`logrank_scores`), residuals
        (`residual_scores`). Patients without one (NaN) keep their place in the randomisation and
        are left out of the sums.
    arm
        (B, n) 0 control, 1 treated, in the order of randomisation.
    present
        (B, n) False for padding.
    uniforms
        (D, n) shared by all rows, or (B, D, n), inside (0, 1).
    procedure
        How the trial was randomised: two arms.
    stratum
        (B, n) codes from 0, if stratified.
    level
        (B, n, F) codes from 0 of each factor of a minimisation.
    statistic
        "sum": the sum of the scores of the treated. "mean difference": mean score of the treated
        less that of the control. They order assignments alike when arms have fixed sizes and
        nobody lacks a score.
    two_sided
        "doubled" or "absolute"; see `tails`.
    list_up_to
        List all assignments, instead of drawing, where there are no more than this.
    interval
        Whether to invert the test of a mean difference for a confidence interval.

    Raises
    ------
    InputError
        If the procedure has not two arms, the shapes do not fit, or a word is unknown.

    References
    ----------
    Rosenberger WF, Lachin JM. Randomization in Clinical Trials, 2nd ed. 2016, chapter 6.
    Phipson B, Smyth GK. Stat Appl Genet Mol Biol 2010;9:39 ((1 + b)/(1 + D)).

    Examples
    --------
    >>> score = np.array([[3.1, 4.0, 5.2, 2.9, 3.3, 6.1, 5.5, 3.0]])
    >>> arm = np.array([[0, 1, 1, 0, 0, 1, 1, 0]])
    >>> here = np.ones((1, 8), dtype=bool)
    >>> none = np.zeros((0, 8))
    >>> blocks = Procedure(block=4)
    >>> rerandomised_scores(score, arm, here, none, procedure=blocks, list_up_to=1000).row(0)
    re-randomisation test, mean difference: observed 2.125, p = 0.05556 (36 assignments, all)
      one-sided p: less 1, greater 0.02778, 8 patients
      So few assignments were possible that no p-value is below 5 %.
    """
    check_two_sided(two_sided)
    if statistic not in ("sum", "mean difference"):
        raise InputError(f"statistic: found {statistic!r}; expected 'sum' or 'mean difference'.")
    if len(procedure.ratio) != 2:
        raise InputError(f"procedure: found {len(procedure.ratio)} arms; scores compare two.")
    scored = present & ~np.isnan(score)
    notes = _notes(arm, scored)
    notes += Note.UNLIKE_PROCEDURE * ~possible(procedure, arm, present, stratum, level)
    asked = notes == 0
    lost = left_out(outcome=present & ~scored)
    found = _Found(len(score), interval and statistic == "mean difference")
    sets = reference_sets(procedure, uniforms, present, stratum, level, list_up_to)
    for b, reference in enumerate(sets):
        if asked[b]:
            one = _Trial(score[b], arm[b], scored[b], statistic)
            found.put(b, one, reference, two_sided)
    return found.answer(statistic, asked, np.count_nonzero(scored, axis=1), notes, lost)


class _Trial:
    """One trial's scores, to be summed over any assignments."""

    def __init__(
        self, score: FloatArray, arm: CodeArray, scored: BoolArray, statistic: Linear
    ) -> None:
        self.who = np.flatnonzero(scored)
        self.arm, self.difference = arm, statistic == "mean difference"
        centre = np.cumsum(score[self.who])[-1] / len(self.who) if self.difference else 0.0
        self.score = np.where(scored, score - centre, 0.0)  # a difference of means loses no digits

    def of(self, arms: Arms) -> FloatArray:
        """Return the statistic of each assignment (n, D), NaN where an arm has nobody."""
        return self._linear(self.score, arms)

    def shares(self, arms: Arms) -> FloatArray:
        """Return the difference in the share of those who really were treated."""
        return self._linear(self.arm.astype(np.float64), arms)

    def _linear(self, score: FloatArray, arms: Arms) -> FloatArray:
        # patient after patient: a matrix product's bits would depend on the padding
        total, number = np.zeros(arms.shape[1]), np.zeros(arms.shape[1])
        treated = arms.view(np.bool_)  # 0 and 1 only: -1 is never among `who`
        whole = 0.0
        for k in self.who:
            total += score[k] * treated[k]
            whole += score[k]
        if not self.difference:
            return total
        for k in self.who:
            number += treated[k]
        other = len(self.who) - number
        with np.errstate(divide="ignore", invalid="ignore"):
            found: FloatArray = total / number - (whole - total) / other
        return np.where((number > 0) & (other > 0), found, np.nan)


class _Found:
    """Answers of rows, one after the other."""

    def __init__(self, rows: int, interval: bool) -> None:
        self.interval = interval
        self.tails = [NO_ANSWER] * rows
        self.observed = np.full(rows, np.nan)
        self.ci_low, self.ci_high = np.full(rows, np.nan), np.full(rows, np.nan)
        self.assignments = np.zeros(rows, dtype=np.int64)
        self.exact = np.zeros(rows, dtype=np.bool_)
        self.small = np.zeros(rows, dtype=np.bool_)

    def put(self, b: int, trial: _Trial, reference: ReferenceSet, two_sided: TwoSided) -> None:
        arms, probability = reference.arms, reference.probability
        observed = trial.of(trial.arm.astype(np.int8)[:, None])
        drawn = trial.of(arms)
        self.observed[b] = observed[0]
        self.tails[b] = tails(float(observed[0]), drawn, probability, two_sided)
        self.assignments[b], self.exact[b] = arms.shape[1], probability is not None
        self.small[b] = smallest_p(drawn, probability) > LEVEL / 2.0
        if self.interval:
            shares = trial.shares(arms)
            self.ci_low[b], self.ci_high[b] = _limits(
                float(observed[0]), drawn, shares, probability
            )

    def answer(
        self, statistic: Linear, asked: BoolArray, used: IntArray, notes: IntArray, lost: IntArray
    ) -> Rerandomisations:
        return Rerandomisations(
            method=f"re-randomisation test, {statistic}",
            observed=self.observed,
            centre=np.array([tail.centre for tail in self.tails]),
            p=np.array([tail.p for tail in self.tails]),
            p_less=np.array([tail.p_less for tail in self.tails]),
            p_greater=np.array([tail.p_greater for tail in self.tails]),
            assignments=self.assignments,
            exact=self.exact,
            ci_low=self.ci_low,
            ci_high=self.ci_high,
            converged=asked,
            used=used,
            notes=notes + Note.REFERENCE_SET_SMALL * self.small + flags_of(lost),
            left_out=lost,
        )


def smallest_p(drawn: FloatArray, probability: FloatArray | None) -> float:
    """Return the smallest one-sided p-value that any assignment could have had."""
    if probability is None:
        return 1.0 / (1 + len(drawn))
    known = np.isfinite(drawn)
    values = drawn[known]
    allowed = TIED * float(np.max(np.abs(values), initial=0.0))
    lost = float(np.sum(probability[~known]))
    highest = np.sum(probability[known][values >= np.max(values, initial=-np.inf) - allowed])
    lowest = np.sum(probability[known][values <= np.min(values, initial=np.inf) + allowed])
    return lost + float(min(highest, lowest))


def _limits(
    observed: float, drawn: FloatArray, shares: FloatArray, probability: FloatArray | None
) -> tuple[float, float]:
    """Invert the one-sided tests at 2.5 % each; see `rerandomised_scores`."""
    free = np.isfinite(drawn) & (1.0 - shares > TIED)  # others are as extreme at any shift
    weight = np.full(len(drawn), 1.0 / (1 + len(drawn))) if probability is None else probability
    always = float(ordered_sum(weight[~free])) + (
        1.0 / (1 + len(drawn)) if probability is None else 0.0
    )
    change = (observed - drawn[free]) / (1.0 - shares[free])
    order = np.argsort(change, kind="stable")
    change, running = change[order], always + np.cumsum(weight[free][order])
    if always > LEVEL / 2.0 or len(change) == 0:
        return -np.inf, np.inf
    # p_greater(shift) = always + weight of changes at or below the shift
    low = change[min(int(np.searchsorted(running, LEVEL / 2.0 * (1 + TIED))), len(change) - 1)]
    falling = always + np.cumsum(weight[free][order][::-1])
    at = min(int(np.searchsorted(falling, LEVEL / 2.0 * (1 + TIED))), len(change) - 1)
    return float(low), float(change[::-1][at])


def _notes(arm: CodeArray, scored: BoolArray) -> IntArray:
    controls, treated = patients_per_arm(arm, scored)
    notes: IntArray = Note.ONE_ARM_EMPTY * ((controls == 0) | (treated == 0))
    return notes
