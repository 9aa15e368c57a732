"""Two proportions over strata: Cochran, Mantel and Haenszel."""

import numpy as np
from scipy.special import ndtr

from raresim.analysis.arrays import BoolArray, CodeArray, FloatArray, IntArray, ordered_sum
from raresim.analysis.binary.conditional import Conditional, odds_ratio, sum_of_strata
from raresim.analysis.binary.event_counts import EventCounts, count_by_stratum
from raresim.analysis.left_out import flags_of
from raresim.analysis.notes import Note
from raresim.analysis.result import NORMAL_975, Results, wald_results
from raresim.analysis.tail_result import TailResults

TAIL = 0.025


def cochran_mantel_haenszel(
    outcome: FloatArray,
    arm: CodeArray,
    present: BoolArray,
    stratum: CodeArray | None = None,
    *,
    correction: bool = True,
) -> TailResults:
    """Compare two proportions over strata by the Cochran-Mantel-Haenszel test.

    With A the treated events, and E_s and V_s their hypergeometric means and variances,
    z = sum(A_s - E_s) / sqrt(sum V_s); with ``correction`` the sum is first taken nearer to 0 by
    1/2 if it is that far from 0 (R ``mantelhaen.test``, which corrects by default; SAS PROC FREQ
    CMH does not correct). ``statistic`` is z, its square is the usual chi-square.

    The estimate is the Mantel-Haenszel common odds ratio R/S, R = sum a d/N, S = sum b c/N, with
    the 95 % interval from the variance of its logarithm of Robins, Breslow and Greenland. So the
    test and the interval can disagree. Strata with one arm, or one outcome, only add nothing to
    test and odds ratio; they are counted among the patients and get a note.

    Parameters
    ----------
    outcome
        (B, n) 1 with the event, 0 without, NaN if missing.
    arm
        (B, n) 0 control, 1 treated.
    present
        (B, n) False for padding.
    stratum
        (B, n) integer codes; all patients are one stratum without.
    correction
        Whether the test is corrected for continuity.

    References
    ----------
    Cochran WG. Biometrics 1954;10:417-451. Mantel N, Haenszel W. J Natl Cancer Inst
    1959;22:719-748. Robins J, Breslow N, Greenland S. Biometrics 1986;42:311-323.

    Examples
    --------
    >>> import numpy as np
    >>> outcome = np.array([[1, 1, 0, 0, 0, 1, 1, 1, 1, 0, 0, 1]])
    >>> arm = np.array([[1, 1, 1, 0, 0, 0, 1, 1, 1, 0, 0, 0]])
    >>> stratum = np.repeat([[0, 1]], 6, axis=1)
    >>> cochran_mantel_haenszel(outcome, arm, np.ones((1, 12), dtype=bool), stratum).row(0)
    Cochran-Mantel-Haenszel test (corrected): common odds ratio 10 (95 % CI 0.5724 to 174.7)
      statistic 1.085, p = 0.2781 (less 0.861, greater 0.139) against 1, 12 patients
      Small trial: this asymptotic method for proportions can exceed its nominal size; exact \
tests hold it: `boschloo`, with strata `cochran_mantel_haenszel_exact`.
      Measured size of this test at the nominal 5 %, 12 to 60 patients: 0.0 to 2.5 %.
    """
    counts = count_by_stratum(outcome, arm, present, stratum)
    used, lost = counts.without(counts.both_arms & ~counts.constant, "alike")
    difference, variance = _difference_and_variance(counts)
    log_ratio, log_se = _log_odds_ratio(counts)
    answered = variance > 0.0
    shift = np.where(np.abs(difference) >= 0.5, 0.5 if correction else 0.0, 0.0)
    spread = np.sqrt(np.where(answered, variance, 1.0))
    z = np.sign(difference) * (np.abs(difference) - shift) / spread
    nothing = np.where(answered, 0.0, np.nan)
    finite = np.isfinite(log_ratio)
    half = np.where(finite, NORMAL_975 * log_se, 0.0)
    return TailResults(
        method="Cochran-Mantel-Haenszel test" + (" (corrected)" if correction else ""),
        measure="common odds ratio",
        null=1.0,
        estimate=np.exp(log_ratio) + nothing,
        ci_low=np.where(finite, np.exp(log_ratio - half), 0.0) + nothing,
        ci_high=np.where(finite, np.exp(log_ratio + half), np.inf) + nothing,
        statistic=z + nothing,
        p=2.0 * ndtr(-np.abs(z)) + nothing,
        p_less=ndtr(z) + nothing,
        p_greater=ndtr(-z) + nothing,
        converged=answered,
        used=used,
        notes=_notes(counts, answered, asymptotic=True) + Note.INFINITE_LIMIT * (answered & ~finite)
        | flags_of(lost),
        left_out=lost,
    )


def cochran_mantel_haenszel_exact(
    outcome: FloatArray,
    arm: CodeArray,
    present: BoolArray,
    stratum: CodeArray | None = None,
) -> TailResults:
    """Compare two proportions over strata by the exact conditional test of a common odds ratio.

    Variant: that of R's ``mantelhaen.test(exact = TRUE)`` and, for one stratum, `fisher_exact`:
    the total of treated events given the margins of every stratum. The two-sided p-value adds
    the probabilities of totals no likelier than the one seen (up to a factor 1 + 1e-7); the
    estimate is the conditional maximum-likelihood common odds ratio with exact 95 % limits.
    ``statistic`` is the total.

    Takes the first four arguments of `cochran_mantel_haenszel`.

    References
    ----------
    Agresti A. Categorical Data Analysis, 3rd ed 2013, section 7.3. Mehta CR, Patel NR, Gray R.
    J Am Stat Assoc 1985;80:969-973.

    Examples
    --------
    >>> import numpy as np
    >>> outcome = np.array([[1, 1, 0, 0, 0, 1, 1, 1, 1, 0, 0, 1]])
    >>> arm = np.array([[1, 1, 1, 0, 0, 0, 1, 1, 1, 0, 0, 0]])
    >>> stratum = np.repeat([[0, 1]], 6, axis=1)
    >>> present = np.ones((1, 12), dtype=bool)
    >>> cochran_mantel_haenszel_exact(outcome, arm, present, stratum).row(0)
    exact conditional test: common odds ratio 6.957 (95 % CI 0.4228 to 471.1)
      statistic 5, p = 0.26 (less 0.99, greater 0.13) against 1, 12 patients
    """
    counts = count_by_stratum(outcome, arm, present, stratum)
    informative = counts.both_arms & ~counts.constant
    used, lost = counts.without(informative, "alike")
    answered = np.any(informative, axis=1)
    families: list[Conditional] = []
    total = np.sum(np.where(informative, counts.events_1, 0), axis=1)
    found = np.full((len(answered), 5), np.nan)
    for b in range(len(answered)):
        at = np.flatnonzero(informative[b])
        events = counts.events_0[b] + counts.events_1[b]
        margins = zip(
            counts.patients_0[b, at].tolist(),
            counts.patients_1[b, at].tolist(),
            events[at].tolist(),
            strict=True,
        )
        families.append(sum_of_strata(tuple(margins)))
        found[b] = families[b].tails(int(total[b]))
    estimate, low, high = odds_ratio(families, total, TAIL)
    nothing = np.where(answered, 0.0, np.nan)
    less, greater, _, two_sided, _ = found.T
    return TailResults(
        method="exact conditional test",
        measure="common odds ratio",
        null=1.0,
        estimate=estimate + nothing,
        ci_low=low + nothing,
        ci_high=high + nothing,
        statistic=total + nothing,
        p=two_sided + nothing,
        p_less=less + nothing,
        p_greater=greater + nothing,
        converged=answered,
        used=used,
        left_out=lost,
        notes=_notes(counts, answered, asymptotic=False)
        | flags_of(lost) + Note.INFINITE_LIMIT * (answered & (np.isinf(high) | (low == 0.0))),
    )


def mantel_haenszel_risk_difference(
    outcome: FloatArray,
    arm: CodeArray,
    present: BoolArray,
    stratum: CodeArray | None = None,
) -> Results:
    """Estimate the Mantel-Haenszel common risk difference, treated minus control.

    With w_s = n0 n1 / N the weights of the strata's differences d_s, D = sum w_s d_s / sum w_s.
    Its variance is Sato's (SAS PROC FREQ RISKDIFF(COMMON=MH)), consistent both with large strata
    and with many small ones: (D sum P + sum Q) / (sum w)^2, where
    P = (n1^2 x0 - n0^2 x1 + n1 n0 (n0 - n1)/2) / N^2 and Q = (x1 (n0 - x0) + x0 (n1 - x1))/(2 N).
    Strata with one arm only add nothing. Wald test and interval.

    Takes the first four arguments of `cochran_mantel_haenszel`.

    References
    ----------
    Greenland S, Robins JM. Biometrics 1985;41:55-68. Sato T. Biometrics 1989;45:1323-1324.

    Examples
    --------
    >>> import numpy as np
    >>> outcome = np.array([[1, 1, 0, 0, 0, 1, 1, 1, 1, 0, 0, 1]])
    >>> arm = np.array([[1, 1, 1, 0, 0, 0, 1, 1, 1, 0, 0, 0]])
    >>> stratum = np.repeat([[0, 1]], 6, axis=1)
    >>> present = np.ones((1, 12), dtype=bool)
    >>> mantel_haenszel_risk_difference(outcome, arm, present, stratum).row(0).estimate
    0.5
    """
    counts = count_by_stratum(outcome, arm, present, stratum)
    both = counts.both_arms
    used, lost = counts.without(both, "stratum")
    x0, n0, x1, n1, n = _cells(counts, both)
    weights = ordered_sum(n0 * n1 / n)
    answered = weights > 0.0
    weights = np.where(answered, weights, 1.0)
    estimate = ordered_sum((x1 * n0 - x0 * n1) / n) / weights
    p = (n1**2 * x0 - n0**2 * x1 + n1 * n0 * (n0 - n1) / 2.0) / n**2
    q = (x1 * (n0 - x0) + x0 * (n1 - x1)) / (2.0 * n)
    variance = (estimate * ordered_sum(p) + ordered_sum(q)) / weights**2
    varied = variance > 1e-14
    notes = _notes(counts, answered, asymptotic=True)
    return wald_results(
        method="Mantel-Haenszel",
        measure="common risk difference",
        estimate=estimate,
        se=np.sqrt(np.where(varied, variance, 1.0)),
        converged=answered & varied,
        used=used,
        notes=notes + Note.NO_RESIDUAL_VARIATION * (answered & ~varied),
        left_out=lost,
    )


def _cells(
    counts: EventCounts, kept: BoolArray
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray, FloatArray]:
    """Give x0, n0, x1, n1 and N of the kept strata as numbers; others 0, but N 1."""
    x0, n0, x1, n1 = (
        np.where(kept, cells, 0).astype(np.float64)
        for cells in (counts.events_0, counts.patients_0, counts.events_1, counts.patients_1)
    )
    return x0, n0, x1, n1, np.where(kept, n0 + n1, 1.0)


def _difference_and_variance(counts: EventCounts) -> tuple[FloatArray, FloatArray]:
    x0, n0, x1, n1, n = _cells(counts, counts.both_arms & ~counts.constant)
    events = x0 + x1
    variance = n0 * n1 * events * (n - events) / (n * n * np.maximum(n - 1.0, 1.0))
    return ordered_sum((x1 * n0 - x0 * n1) / n), ordered_sum(variance)


def _log_odds_ratio(counts: EventCounts) -> tuple[FloatArray, FloatArray]:
    """Give the log Mantel-Haenszel odds ratio and its Robins-Breslow-Greenland se."""
    x0, n0, x1, n1, n = _cells(counts, counts.both_arms & ~counts.constant)
    r, s = x1 * (n0 - x0) / n, x0 * (n1 - x1) / n
    p, q = (x1 + n0 - x0) / n, (x0 + n1 - x1) / n
    top, bottom = ordered_sum(r), ordered_sum(s)
    ratio = np.where(top > 0.0, np.inf, np.where(bottom > 0.0, -np.inf, np.nan))
    both = (top > 0.0) & (bottom > 0.0)
    top, bottom = np.where(both, top, 1.0), np.where(both, bottom, 1.0)
    variance = (
        ordered_sum(p * r) / (2.0 * top**2)
        + ordered_sum(p * s + q * r) / (2.0 * top * bottom)
        + ordered_sum(q * s) / (2.0 * bottom**2)
    )
    return np.where(both, np.log(top / bottom), ratio), np.sqrt(variance)


def _notes(counts: EventCounts, answered: BoolArray, *, asymptotic: bool) -> IntArray:
    whole = counts.pooled()
    alone = whole.both_arms & ~whole.constant & ~answered
    notes: IntArray = whole.notes(asymptotic=asymptotic) + Note.NO_COMPARISON * alone
    return notes
