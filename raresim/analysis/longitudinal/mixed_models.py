"""Mixed models for repeated measures of any design: one combination of coefficients a row."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from raresim.analysis.arrays import BoolArray, FloatArray, IntArray
from raresim.analysis.longitudinal.design import Layout, by_visit_layout
from raresim.analysis.longitudinal.fitting import Fit, fit_rows
from raresim.analysis.longitudinal.inference import (
    Degrees,
    Errors,
    between_within,
    check_choices,
    degrees,
    infer,
    residual_df,
    variance,
)
from raresim.analysis.longitudinal.like_mmrm import fit_like_mmrm
from raresim.analysis.longitudinal.named_structures import STRUCTURES, structure
from raresim.analysis.longitudinal.prepared import Data, prepare
from raresim.analysis.longitudinal.structures import Structure
from raresim.analysis.notes import Note
from raresim.analysis.result import Results, wald_results
from raresim.errors import InputError

FALLBACKS = ("us", "toeph", "ar1h", "cs")
Stopping = Literal["maximum", "mmrm"]
STEPS = (
    Note.FIRST_FALLBACK_COVARIANCE,
    Note.SECOND_FALLBACK_COVARIANCE,
    Note.THIRD_FALLBACK_COVARIANCE,
)


@dataclass(frozen=True, eq=False)
class Coding:
    """Another coding of a design and the same combination of coefficients in it."""

    layout: Layout
    contrast: FloatArray


def mixed_models(
    outcome: FloatArray,
    covariates: FloatArray,
    present: BoolArray,
    contrast: FloatArray,
    *,
    layout: Layout | None = None,
    covariance: str | Sequence[str] = FALLBACKS,
    method: str = "REML",
    df: Degrees = "satterthwaite",
    standard_errors: Errors = "model",
    group: IntArray | None = None,
    weights: FloatArray | None = None,
) -> Results:
    """Estimate a combination of the coefficients of a mixed model for repeated measures.

    The outcomes of a patient at the visits are multivariate normal with means X beta and a
    covariance of the visits; missing outcomes are left out of the likelihood, which is right
    when they are missing at random. Rows of the batch are fitted together.

    Parameters
    ----------
    outcome
        (B, n, m), NaN where not observed.
    covariates
        Design matrices (B, n, m, p); or, much faster where many columns are the same covariate
        at different visits, covariates (B, n, q), or (B, n, m, q) if they change, with a
        ``layout``. Numbers wherever there is an outcome.
    present
        (B, n) False for padding.
    contrast
        (p,) the combination.
    layout
        Which covariate has which coefficient at which visit.
    covariance
        A structure ("us", "toep", "toeph", "ar1", "ar1h", "ad", "adh", "cs", "csh"), or up to
        four in the order in which they are tried: the next one where a fit does not converge
        or its information is singular. A note says which was used.
    method
        "REML" or "ML".
    df
        "satterthwaite", "kenward-roger", "kenward-roger-linear" (without second derivatives),
        "between-within" or "residual".
    standard_errors
        "model", or from residuals: "empirical", "empirical-bias-reduced",
        "empirical-jackknife".
    group
        (B, n) codes 0, 1, ... of groups of patients with covariances of their own.
    weights
        (B, n, m) positive; an observation of weight w has its variance divided by w.

    Raises
    ------
    InputError
        If a name is not known, or the choices do not go together.

    References
    ----------
    Mallinckrodt CH et al. Drug Inf J 2008;42:303-319. Fai AHT, Cornelius PL. J Stat Comput
    Simul 1996;54:363-378. Kenward MG, Roger JH. Biometrics 1997;53:983-997.

    Examples
    --------
    >>> import numpy as np
    >>> outcome = np.array([[[4.0, 5.1], [3.0, 2.2], [5.0, 7.1], [6.0, np.nan], [2.0, 3.3]]])
    >>> design = np.zeros((1, 5, 2, 2))
    >>> design[..., 0], design[:, :, 1, 1] = 1.0, 1.0  # a mean, and a change by visit 2
    >>> present = np.ones((1, 5), dtype=bool)
    >>> mixed_models(outcome, design, present, np.array([0.0, 1.0]), covariance="cs").row(0)
    MMRM (compound symmetry): difference in means 0.8166 (95 % CI -1.115 to 2.748)
      se 0.6122, t(3.04693) = 1.334, p = 0.2732, 5 patients
    """
    layout, chain = checked(outcome, covariates, layout, covariance)
    check_method(method)
    check_choices(df, standard_errors, method == "REML")
    groups = 1 if group is None else int(np.max(group, initial=0)) + 1
    data = prepare(outcome, covariates, layout, present, group, groups, weights)
    return combined_results(
        data,
        [structure(name, layout.visits) for name in chain],
        contrast,
        method=method,
        df=df,
        standard_errors=standard_errors,
        title=title_of(chain, method, df, standard_errors),
        measure="difference in means",
    )


def checked(
    outcome: FloatArray,
    covariates: FloatArray,
    layout: Layout | None,
    covariance: str | Sequence[str],
) -> tuple[Layout, tuple[str, ...]]:
    """Return the layout and the chain of structures, or say what does not fit."""
    if layout is None:
        if covariates.ndim != 4:
            raise InputError(
                f"covariates: found {covariates.ndim} axes without a layout; expected design "
                "matrices (B, n, m, p)."
            )
        layout = by_visit_layout(outcome.shape[2], covariates.shape[3])
    chain = (covariance,) if isinstance(covariance, str) else tuple(covariance)
    if not 1 <= len(chain) <= len(STEPS) + 1:
        raise InputError(
            f"covariance: found {len(chain)} structures; expected 1 to {len(STEPS) + 1}."
        )
    return layout, chain


def check_method(method: str) -> None:
    """Refuse anything but REML and ML."""
    if method not in ("REML", "ML"):
        raise InputError(f"method: found {method!r}; expected 'REML' or 'ML'.")


def check_stopping(stopping: str) -> None:
    """Refuse anything but the two ways to stop."""
    if stopping not in ("maximum", "mmrm"):
        raise InputError(f"stopping: found {stopping!r}; expected 'maximum' or 'mmrm'.")


def title_of(chain: Sequence[str], method: str, df: str, standard_errors: str) -> str:
    """Describe a model in a line."""
    for name in chain:
        structure(name, 2)  # refuse unknown names
    parts = [STRUCTURES[chain[0]].title]
    parts += [] if method == "REML" else [method]
    parts += [] if df == "satterthwaite" else [df]
    parts += [] if standard_errors == "model" else [f"{standard_errors} se"]
    return f"MMRM ({', '.join(parts)})"


def usable_rows(data: Data) -> tuple[BoolArray, IntArray]:
    """Return which rows can be fitted, and notes that say why others cannot."""
    p = data.start.shape[1]
    nobody = data.patients == 0
    enough = data.observations > p
    notes: IntArray = (
        Note.TOO_FEW_PATIENTS * (nobody | ~enough)
        + Note.SINGULAR_DESIGN * (~nobody & enough & ~data.regular)
        + Note.NO_RESIDUAL_VARIATION * (~nobody & enough & data.regular & ~data.varied)
    )
    return enough & data.regular & data.varied, notes


def combined_results(
    data: Data,
    chain: Sequence[Structure],
    contrast: FloatArray,
    *,
    method: str,
    df: str,
    standard_errors: str,
    title: str,
    measure: str,
    coding: Coding | None = None,
    fallback_notes: Sequence[Note] = STEPS,
    starts: Sequence[FloatArray] | None = None,
) -> Results:
    """Fit the structures of a chain one after the other, each to the rows still without a fit.

    With ``starts``, one for each structure, a batch of one is fitted as R's mmrm does it.
    """
    batch = data.outcome.shape[0]
    usable, notes = usable_rows(data)
    left = usable.copy()
    estimate, se = np.full(batch, np.nan), np.full(batch, np.nan)
    freedom = np.full(batch, np.nan)
    done = np.zeros(batch, dtype=np.bool_)
    combination = np.broadcast_to(np.asarray(contrast, dtype=np.float64), data.start.shape).copy()
    for step, shape in enumerate(chain):
        if not np.any(left):
            break
        if starts is None:
            fit = fit_rows(data, shape, method == "REML", left)
        else:
            fit = fit_like_mmrm(data, shape, method == "REML", starts[step])
        here, answer = _answers(data, fit, shape, combination, df, standard_errors, coding)
        estimate, se, freedom = (
            np.where(here, new, old)
            for new, old in zip(answer, (estimate, se, freedom), strict=True)
        )
        if step > 0:
            notes = notes + fallback_notes[step - 1] * here
        done |= here
        left &= ~here
    notes = notes + Note.NO_COVARIANCE_FITTED * left
    return wald_results(
        method=title,
        measure=measure,
        estimate=estimate,
        se=se,
        converged=done,
        used=data.patients,
        notes=notes,
        df=freedom,
    )


def _answers(
    data: Data,
    fit: Fit,
    shape: Structure,
    contrast: FloatArray,
    df: str,
    standard_errors: str,
    coding: Coding | None,
) -> tuple[BoolArray, tuple[FloatArray, FloatArray, FloatArray]]:
    """Return which rows have an answer, and estimate, standard error and degrees of freedom."""
    inference = infer(data, fit, shape, df, standard_errors)
    squared = variance(inference.covariance, contrast)
    se = np.sqrt(np.where(squared > 0.0, squared, np.nan))
    estimate = np.cumsum(fit.beta * contrast, axis=1)[:, -1]
    if df == "residual":
        freedom = residual_df(data)
    elif df == "between-within":
        own = Coding(data.layout, contrast) if coding is None else coding
        freedom = between_within(data, own.layout, np.broadcast_to(own.contrast, contrast.shape))
    else:
        freedom = degrees(inference, fit, contrast)
    sound = fit.converged & np.isfinite(se) & np.isfinite(freedom) & (freedom > 0.0)
    return sound, (estimate, se, freedom)
