"""The whole mixed model of one trial with any design matrix."""

from collections.abc import Sequence

import numpy as np

from raresim.analysis.arrays import FloatArray, IntArray
from raresim.analysis.left_out import left_out
from raresim.analysis.longitudinal.fitted import MixedModelFit, fit_model
from raresim.analysis.longitudinal.inference import Degrees, Errors, check_choices
from raresim.analysis.longitudinal.mixed_models import (
    FALLBACKS,
    check_method,
    check_stopping,
    checked,
    title_of,
)
from raresim.analysis.longitudinal.prepared import prepare
from raresim.errors import InputError


def mixed_model(
    outcome: FloatArray,
    design: FloatArray,
    *,
    names: Sequence[str] | None = None,
    covariance: str | Sequence[str] = FALLBACKS,
    method: str = "REML",
    df: Degrees = "satterthwaite",
    standard_errors: Errors = "model",
    group: IntArray | None = None,
    weights: FloatArray | None = None,
    stopping: str = "maximum",
) -> MixedModelFit:
    """Fit a mixed model for repeated measures with a design matrix of one's own.

    For designs that `repeated_measures` does not have: no interaction of arm and visit, more
    arms, other interactions.

    Parameters
    ----------
    outcome
        (n, m) outcomes of patients at visits, NaN where missing.
    design
        (n, m, p) design; an observation with a missing entry is left out.
    names
        Names of the p coefficients.
    covariance, method, df, standard_errors
        As in `batch.mixed_models`.
    group
        (n,) codes 0, 1, ... of groups of patients with covariances of their own.
    weights
        (n, m) positive weights.
    stopping
        As in `repeated_measures`.

    Raises
    ------
    InputError
        If shapes do not fit each other, a name is not known, or choices do not go together.

    References
    ----------
    Mallinckrodt CH et al. Drug Inf J 2008;42:303-319.

    Examples
    --------
    >>> import numpy as np
    >>> outcome = np.array([[4.0, 5.1], [3.0, 2.2], [5.0, 7.1], [6.0, np.nan], [2.0, 3.3]])
    >>> design = np.zeros((5, 2, 2))
    >>> design[..., 0], design[:, 1, 1] = 1.0, 1.0
    >>> fit = mixed_model(outcome, design, names=("mean", "change"), covariance="cs")
    >>> round(fit.coefficient("change").estimate, 4)
    0.8166
    """
    check_method(method)
    check_choices(df, standard_errors, method == "REML")
    check_stopping(stopping)
    outcome, design = np.asarray(outcome, np.float64), np.asarray(design, np.float64)
    if outcome.ndim != 2 or design.ndim != 3 or design.shape[:2] != outcome.shape:
        raise InputError(
            f"design: found shape {design.shape} with outcomes of shape {outcome.shape}; expected "
            "(patients, visits, coefficients) and (patients, visits)."
        )
    p = design.shape[2]
    labels = tuple(names) if names is not None else tuple(f"x{j}" for j in range(p))
    if len(labels) != p:
        raise InputError(f"names: found {len(labels)}; expected {p}, one for each coefficient.")
    known = np.where(np.any(np.isnan(design), axis=2), np.nan, outcome)
    layout, chain = checked(known[None], design[None], None, covariance)
    groups = 1 if group is None else int(np.max(group, initial=0)) + 1
    data = prepare(
        known[None],
        np.nan_to_num(design)[None],
        layout,
        np.ones((1, outcome.shape[0]), dtype=np.bool_),
        None if group is None else np.asarray(group, np.int64)[None],
        groups,
        None if weights is None else np.asarray(weights, np.float64)[None],
    )
    return fit_model(
        data,
        labels,
        chain,
        method=method,
        df=df,
        standard_errors=standard_errors,
        stopping=stopping,
        title=title_of(chain, method, df, standard_errors),
        lost=left_out(
            outcome=np.all(np.isnan(outcome), axis=1)[None],
            covariate=np.all(np.isnan(known), axis=1)[None],
        ),
    )
