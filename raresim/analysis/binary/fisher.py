"""Fisher's exact test and its mid-p version."""

import numpy as np

from raresim.analysis.arrays import BoolArray, CodeArray, FloatArray
from raresim.analysis.binary.conditional import fisher_tails, hypergeometric, odds_ratio
from raresim.analysis.binary.event_counts import EventCounts, count_events
from raresim.analysis.notes import Note
from raresim.analysis.tail_result import TailResults

TAIL = 0.025


def fisher_exact(outcome: FloatArray, arm: CodeArray, present: BoolArray) -> TailResults:
    """Test for a difference in proportions by Fisher's exact test.

    Variant: that of R's ``fisher.test``. Given all margins, the two-sided p-value adds the
    probabilities of all tables no likelier than the one seen (up to a factor 1 + 1e-7). The
    estimate is the conditional maximum-likelihood odds ratio, treated to control, and the 95 %
    limits are exact: 2.5 % in each tail. So p and interval can disagree, as they do in R. R's
    own estimate is accurate to about 1e-4, this one to rounding. ``statistic`` is the number of
    treated patients with the event.

    The test never exceeds its size; in small trials its real size is well below the nominal.

    Parameters
    ----------
    outcome
        (B, n) 1 with the event, 0 without, NaN if missing.
    arm
        (B, n) 0 control, 1 treated.
    present
        (B, n) False for padding.

    References
    ----------
    Fisher RA. Statistical Methods for Research Workers, 5th ed 1934. Cornfield J. Proc Third
    Berkeley Symp 1956;4:135-148. Agresti A. Categorical Data Analysis, 3rd ed 2013, section 3.5.

    Examples
    --------
    >>> import numpy as np
    >>> outcome = np.array([[1, 1, 1, 0, 0, 0, 0, 1]])
    >>> arm = np.array([[1, 1, 1, 1, 0, 0, 0, 0]])
    >>> fisher_exact(outcome, arm, np.ones((1, 8), dtype=bool)).row(0)
    Fisher's exact test: conditional odds ratio 6.408 (95 % CI 0.2117 to 626.2)
      statistic 3, p = 0.4857 (less 0.9857, greater 0.2429) against 1, 8 patients
    """
    return _conditional_test(count_events(outcome, arm, present), mid_p=False)


def fisher_mid_p(outcome: FloatArray, arm: CodeArray, present: BoolArray) -> TailResults:
    """Test for a difference in proportions by Fisher's test with mid-p-values.

    Variant: half the probability of the table seen is taken off each one-sided p-value of
    `fisher_exact`, and half that of all tables as likely as it (with arms of equal size there
    are two) off the two-sided one (R contingencytables); the interval is the mid-p interval with
    2.5 % in each tail. Mid-p tests can exceed their size, so the result says so: two equal arms,
    N patients, largest two-sided size in per cent at the nominal 5 % (enumerated):

        total N     12    20    40    60
        size       3.9   4.2   4.6   5.2

    Takes the arguments of `fisher_exact`.

    References
    ----------
    Lancaster HO. J Am Stat Assoc 1961;56:223-234. Lydersen S, Fagerland MW, Laake P. Stat Med
    2009;28:1159-1175.

    Examples
    --------
    >>> import numpy as np
    >>> outcome = np.array([[1, 1, 1, 0, 0, 0, 0, 1]])
    >>> arm = np.array([[1, 1, 1, 1, 0, 0, 0, 0]])
    >>> fisher_mid_p(outcome, arm, np.ones((1, 8), dtype=bool)).row(0).p
    0.2571428571428571
    """
    return _conditional_test(count_events(outcome, arm, present), mid_p=True)


def _conditional_test(counts: EventCounts, *, mid_p: bool) -> TailResults:
    tables, own = counts.distinct()
    answered = counts.both_arms
    found = np.full((len(tables), 5), np.nan)
    families = []
    for u, (events_0, patients_0, events_1, patients_1) in enumerate(tables.tolist()):
        events = events_0 + events_1
        family = hypergeometric(patients_0, patients_1, events)
        families.append(family)
        found[u] = fisher_tails(patients_0, patients_1, events)[events_1 - family.low]
    estimate, low, high = odds_ratio(families, tables[:, 2], TAIL, mid_p=mid_p)
    less, greater, seen, two_sided, tied = found[own].T
    half = 0.5 if mid_p else 0.0
    measured = answered & ~counts.constant
    limits = np.isinf(high[own]) | (low[own] == 0.0)
    nothing = np.where(answered, 0.0, np.nan)
    return TailResults(
        method="Fisher's mid-p test" if mid_p else "Fisher's exact test",
        measure="conditional odds ratio",
        null=1.0,
        estimate=np.where(measured, estimate[own], np.nan),
        ci_low=low[own] + nothing,
        ci_high=high[own] + nothing,
        statistic=np.where(answered, counts.events_1, np.nan),
        p=two_sided - half * tied + nothing,
        p_less=less - half * seen + nothing,
        p_greater=greater - half * seen + nothing,
        converged=answered,
        used=counts.used,
        left_out=counts.left_out,
        notes=counts.notes()
        + Note.INFINITE_LIMIT * (measured & limits)
        + Note.MID_P * (answered & np.bool_(mid_p)),
    )
