"""Newcombe's hybrid score interval of a risk difference."""

import numpy as np

from raresim.analysis.arrays import BoolArray, CodeArray, FloatArray
from raresim.analysis.binary.event_counts import count_events
from raresim.analysis.binary.one_sample import wilson
from raresim.analysis.binary.result import ProportionIntervals


def newcombe(
    outcome: FloatArray, arm: CodeArray, present: BoolArray, *, correction: bool = False
) -> ProportionIntervals:
    """Give Newcombe's 95 % interval of the risk difference, treated minus control.

    From the Wilson limits (l0, u0) and (l1, u1) of the two proportions (Newcombe's method 10),

        lower = d - sqrt((p1 - l1)^2 + (u0 - p0)^2),  upper = d + sqrt((u1 - p1)^2 + (p0 - l0)^2);

    with ``correction`` from Wilson limits with continuity correction (his method 11). It is an
    interval without a test: use `miettinen_nurminen` or an exact test beside it.

    Parameters
    ----------
    outcome
        (B, n) 1 with the event, 0 without, NaN if missing.
    arm
        (B, n) 0 control, 1 treated.
    present
        (B, n) False for padding.
    correction
        Whether the Wilson limits are corrected for continuity.

    References
    ----------
    Newcombe RG. Stat Med 1998;17:873-890.

    Examples
    --------
    >>> import numpy as np
    >>> outcome = np.array([[1] * 9 + [0] + [1] * 3 + [0] * 7])
    >>> arm = np.array([[1] * 10 + [0] * 10])
    >>> newcombe(outcome, arm, np.ones((1, 20), dtype=bool)).row(0)
    Newcombe interval: risk difference 0.6 (95 % CI 0.1705 to 0.809), 20 patients
    """
    counts = count_events(outcome, arm, present)
    size_0, size_1 = np.maximum(counts.patients_0, 1), np.maximum(counts.patients_1, 1)
    low_0, high_0 = wilson(counts.events_0, size_0, correction=correction)
    low_1, high_1 = wilson(counts.events_1, size_1, correction=correction)
    p0, p1 = counts.events_0 / size_0, counts.events_1 / size_1
    difference = p1 - p0
    nothing = np.where(counts.both_arms, 0.0, np.nan)
    return ProportionIntervals(
        method="Newcombe interval" + (" with continuity correction" if correction else ""),
        measure="risk difference",
        estimate=difference + nothing,
        ci_low=difference - np.sqrt((p1 - low_1) ** 2 + (high_0 - p0) ** 2) + nothing,
        ci_high=difference + np.sqrt((high_1 - p1) ** 2 + (p0 - low_0) ** 2) + nothing,
        converged=counts.both_arms,
        used=counts.used,
        left_out=counts.left_out,
        notes=counts.notes(),
    )
