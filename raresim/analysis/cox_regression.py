"""Cox regression of a time to event on the arm."""

import numpy as np
import numpy.typing as npt

from raresim.analysis.arrays import BoolArray, NumberArray
from raresim.analysis.log_rank import comparison_notes
from raresim.analysis.notes import Note
from raresim.analysis.partial_likelihood import maximise
from raresim.analysis.result import Results, wald_results
from raresim.analysis.risk_sets import risk_sets


def cox(
    time: NumberArray,
    event: BoolArray,
    arm: npt.NDArray[np.integer],
    present: BoolArray,
    stratum: npt.NDArray[np.integer] | None = None,
) -> Results:
    """Estimate the log hazard ratio, treated to control, by Cox regression.

    Maximum partial likelihood with Efron's treatment of ties (see `partial_likelihood`), a
    separate baseline hazard in each stratum, standard error 1/sqrt(information), Wald z.

    Without events in one arm the likelihood has no maximum: converged is False.

    SIZE_TABLE

    Parameters
    ----------
    time
        (B, n) follow-up until the event or censoring, in any unit.
    event
        (B, n) whether the event was observed.
    arm
        (B, n) 0 control, 1 treated.
    present
        (B, n) False for padding.
    stratum
        (B, n) integer codes, if stratified.

    References
    ----------
    Cox DR. J R Stat Soc B 1972;34:187-220. Efron B. J Am Stat Assoc 1977;72:557-565.

    Examples
    --------
    >>> import numpy as np
    >>> time = np.array([[1, 2, 3, 4, 5, 6]])
    >>> event = np.array([[True, True, True, True, False, False]])
    >>> arm = np.array([[0, 0, 1, 0, 1, 1]])
    >>> cox(time, event, arm, np.ones((1, 6), dtype=bool)).row(0)
    Cox regression: x
    """
    event = event & present
    treated = arm == 1
    sets = risk_sets(time, event, treated, present, stratum)
    fit = maximise(sets, np.count_nonzero(event & treated, axis=1))
    both = np.any((sets.at_risk_0 > 0.0) & (sets.at_risk_1 > 0.0), axis=1)
    notes = comparison_notes(event, arm, present, both)
    notes += Note.MONOTONE_LIKELIHOOD * (both & ~fit.finite)
    return wald_results(
        method="Cox regression",
        measure="log hazard ratio",
        estimate=fit.beta,
        se=1.0 / np.sqrt(np.where(fit.information > 0.0, fit.information, 1.0)),
        converged=fit.converged,
        used=np.count_nonzero(present, axis=1),
        notes=notes,
    )
