"""One arm's event rate against a performance goal: the exact test of a Poisson count."""

import numpy as np
from scipy.special import gammainc, gammaincc, gammaincinv, gammaln

from raresim.analysis.arrays import BoolArray, CodeArray, FloatArray, ordered_sum
from raresim.analysis.counts.poisson_exact import as_unlikely
from raresim.analysis.counts.poisson_regression import overdispersed
from raresim.analysis.left_out import left_out
from raresim.analysis.notes import Note
from raresim.analysis.result import CONFIDENCE
from raresim.analysis.tail_result import TailResults, tail_results
from raresim.errors import InputError


def poisson_test(
    count: CodeArray, exposure: FloatArray, present: BoolArray, *, goal: float
) -> TailResults:
    """Test one arm's event rate against a goal by the exact Poisson test.

    Variant: that of R's ``poisson.test`` with one count. With e events over a follow-up of T in
    all, e is Poisson with mean goal * T under the null; p_less and p_greater are its tails. The
    two-sided p-value adds the chances of all counts no likelier than e (up to 1 + 1e-7). The
    interval of the rate is Garwood's. ``statistic`` is the number of events.

    The size is the nominal one at most if the counts are Poisson's. Patients who differ make it
    too large: the note OVERDISPERSED is attached where Pearson's statistic is above its
    chi-square's 95 % quantile, and COUNTS_TAKEN_AS_POISSON always.

    Parameters
    ----------
    count, exposure
        (B, n) events of each patient, and the time in which they were counted.
    present
        (B, n) False for padding.
    goal
        Rate under the null hypothesis, in events per unit of exposure.

    Raises
    ------
    InputError
        If the goal is not above zero.

    References
    ----------
    Garwood F. Biometrika 1936;28:437-442.

    Examples
    --------
    >>> import numpy as np
    >>> count, years = np.array([[2, 0, 1, 3]]), np.full((1, 4), 0.5)
    >>> poisson_test(count, years, np.ones((1, 4), dtype=bool), goal=6.0).row(0)
    exact test of a Poisson rate: rate 3 (95 % CI 1.101 to 6.53)
      statistic 6, p = 0.08324 (less 0.04582, greater 0.9797) against 6, 4 patients
      Sized for Poisson counts: where patients differ, quasi_poisson_regression or re-randomising.
    """
    if not 0.0 < goal < np.inf:
        raise InputError(f"goal: found {goal:g}; expected a rate above zero.")
    used = present & (exposure > 0.0)
    events = np.add.reduce(np.where(used, count, 0), axis=1).astype(np.float64)
    time = ordered_sum(np.where(used, exposure, 0.0))
    answered = time > 0.0
    time = np.where(answered, time, 1.0)
    mean, some, tail = goal * time, np.maximum(events, 1.0), (1.0 - CONFIDENCE) / 2.0
    low = np.where(events > 0.0, gammaincinv(some, tail), 0.0)
    numbers = {
        "estimate": events / time,
        "ci_low": low / time,
        "ci_high": gammaincinv(events + 1.0, 1.0 - tail) / time,
        "statistic": events,
        "p": _as_unlikely(events, mean),
        "p_less": gammaincc(events + 1.0, mean),
        "p_greater": np.where(events > 0.0, gammainc(some, mean), 1.0),
    }
    own = exposure * (events / time)[:, None]
    notes = (
        overdispersed(count, np.where(used, own, 0.0), used, 1) * answered
        + Note.ONE_ARM_EMPTY * ~answered
    )
    return tail_results(
        method="exact test of a Poisson rate",
        measure="rate",
        null=goal,
        numbers=numbers,
        converged=answered,
        used=np.count_nonzero(used, axis=1),
        notes=notes,
        left_out=left_out(exposure=present & ~used),
    )


def _as_unlikely(events: FloatArray, mean: FloatArray) -> FloatArray:
    """Add the chances of all counts that are as unlikely as the observed one, in each row."""
    p = np.ones(events.shape)
    for b, (e, m) in enumerate(zip(events.tolist(), mean.tolist(), strict=True)):
        top = int(np.ceil(max(e, m) + 40.0 * np.sqrt(max(e, m)) + 40.0))  # the rest is nothing
        k = np.arange(top + 1, dtype=np.float64)
        chance = np.exp(k * np.log(m) - m - gammaln(k + 1.0))
        p[b] = as_unlikely(chance, int(e))
    return p
