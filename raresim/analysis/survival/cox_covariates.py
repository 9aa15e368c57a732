"""Cox regression on several covariates: the whole fit, not the arm alone."""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from scipy.special import chdtrc, ndtr

from raresim.analysis.arrays import (
    BoolArray,
    CodeArray,
    FloatArray,
    IntArray,
    NumberArray,
    ordered_sum,
)
from raresim.analysis.designs import standardised
from raresim.analysis.left_out import flags_of, left_out
from raresim.analysis.notes import Note
from raresim.analysis.result import NORMAL_975
from raresim.analysis.rows import batch_of_one, said
from raresim.analysis.small_matrices import inverse, product, quadratic
from raresim.analysis.survival.climbing import climb
from raresim.analysis.survival.covariate_likelihood import (
    CovariateLikelihood,
    covariate_likelihood,
)
from raresim.analysis.survival.separation import endless
from raresim.errors import InputError

Ties = Literal["efron", "breslow"]
DOUBTFUL = 25.0  # log hazards further apart than this may mean that the likelihood has no maximum
FLAT = 1e-10  # of an event, the least curvature of a covariate of unit spread


def check_ties(ties: str) -> None:
    """Refuse a treatment of ties that is neither of the two."""
    if ties not in get_args(Ties):
        raise InputError(
            f"ties: found {ties!r}; expected 'efron' or 'breslow', or, for two arms without "
            "covariates, 'exact'."
        )


@dataclass(frozen=True)
class CoxFits:
    """Cox regressions of B trials on p covariates; `row` gives one of them.

    Attributes
    ----------
    names
        The covariates.
    coefficients, se, z, p
        (B, p) log hazard ratios, standard errors (robust ones if asked for), Wald tests.
    ci_low, ci_high
        (B, p) 95 % confidence limits.
    covariance, model_covariance
        (B, p, p) of the coefficients; the second always the inverse of the information.
    loglik_null, loglik
        (B,) logarithm of the partial likelihood at 0 and at the coefficients.
    score_test, likelihood_ratio_test, wald_test
        (B,) chi-square statistics of all coefficients, df ``p``; the first two from the model,
        the last from ``covariance``.
    score_p, likelihood_ratio_p, wald_p
        (B,) their p-values.
    events, used, converged, notes, left_out
        (B,) as in `Results`.
    """

    names: tuple[str, ...]
    coefficients: FloatArray
    se: FloatArray
    z: FloatArray
    p: FloatArray
    ci_low: FloatArray
    ci_high: FloatArray
    covariance: FloatArray
    model_covariance: FloatArray
    loglik_null: FloatArray
    loglik: FloatArray
    score_test: FloatArray
    likelihood_ratio_test: FloatArray
    wald_test: FloatArray
    score_p: FloatArray
    likelihood_ratio_p: FloatArray
    wald_p: FloatArray
    events: IntArray
    used: IntArray
    converged: BoolArray
    notes: IntArray
    left_out: IntArray

    def __len__(self) -> int:
        return self.loglik.size

    def row(self, b: int) -> "CoxFits":
        """Give row b as a batch of one."""
        return batch_of_one(self, b)

    def __repr__(self) -> str:
        """Show the coefficients of a batch of one, then each note on its line."""
        if len(self) != 1:
            return f"Cox regressions of {len(self)} trials on {', '.join(self.names)}"
        lines = [f"Cox regression: {self.used[0]} patients, {self.events[0]} events"]
        lines += [
            f"{name}: {self.coefficients[0, j]:.4g} (95 % CI {self.ci_low[0, j]:.4g} to "
            f"{self.ci_high[0, j]:.4g}), se {self.se[0, j]:.4g}, p = {self.p[0, j]:.4g}"
            for j, name in enumerate(self.names)
            if self.converged[0]
        ]
        return "\n  ".join((*lines, *said(self, 0)))


@dataclass(frozen=True)
class Prepared:
    """A likelihood in covariates of mean 0 and spread 1, ready to be maximised.

    Attributes
    ----------
    likelihood
        Of the scaled covariates.
    spread
        (B, p) by which they were divided.
    used
        (B, n) patients without a missing covariate.
    able
        (B,) rows with events whose covariates can be told apart.
    notes
        (B,) why not.
    left_out
        (B, R + 1) the others, as `left_out` counts them.
    """

    likelihood: CovariateLikelihood
    spread: FloatArray
    used: BoolArray
    able: BoolArray
    notes: IntArray
    left_out: IntArray


def prepare(
    time: NumberArray,
    event: BoolArray,
    design: FloatArray,
    present: BoolArray,
    stratum: CodeArray | None,
    ties: Ties,
) -> Prepared:
    """Leave out patients without a covariate, scale the covariates and see what can be fitted."""
    check_ties(ties)
    complete = ~np.any(np.isnan(design), axis=2)
    used = present & complete
    event = event & used
    batch, _, size = design.shape
    scaled, spread = np.zeros(design.shape), np.ones((batch, size))
    varied = np.ones(batch, dtype=np.bool_)
    for j in range(size):
        scaled[:, :, j], spread[:, j], varies = standardised(design[:, :, j], used)
        varied &= varies
    likelihood = covariate_likelihood(time, event, scaled, used, stratum, ties)
    start = likelihood.at(np.arange(batch)).value(np.zeros((batch, size)))
    _, definite = inverse(start.information)
    events = np.count_nonzero(event, axis=1)
    curvature = np.stack([start.information[:, j, j] for j in range(size)], axis=1)
    # covariates have unit spread: less than this of it within the risk sets is rounding
    told_apart = np.all(curvature > FLAT * events[:, None], axis=1)
    definite = definite & told_apart
    notes = (
        Note.NO_EVENTS * (events == 0)
        + Note.NO_COMPARISON * ((events > 0) & varied & ~told_apart)
        + Note.SINGULAR_DESIGN * ((events > 0) & ~(varied & (definite | ~told_apart)))
    )
    lost = left_out(covariate=present & ~complete)
    return Prepared(likelihood, spread, used, definite & varied & (events > 0), notes, lost)


def cox_model(
    time: NumberArray,
    event: BoolArray,
    design: FloatArray,
    present: BoolArray,
    stratum: CodeArray | None = None,
    *,
    ties: Ties = "efron",
    robust: bool = False,
    cluster: CodeArray | None = None,
    names: tuple[str, ...] = (),
) -> CoxFits:
    """Fit Cox's proportional hazards model by maximum partial likelihood.

    Efron's or Breslow's treatment of ties, a baseline hazard for each stratum. ``robust`` gives
    the sandwich of Lin and Wei, I^-1 (sum r r') I^-1 with r the patients' score residuals, or
    with ``cluster`` their sums over clusters. Both are R's ``coxph``.

    Where the likelihood has no maximum (a covariate that tells apart who has events)
    ``converged`` is False with MONOTONE_LIKELIHOOD: `firth_cox` then has an answer. It is decided
    by a linear programme where the iterations do not settle or run far. Where the sandwich is
    singular, as with fewer clusters than covariates, ``wald_test`` is NaN with
    VARIANCE_NOT_ESTIMABLE.

    Parameters
    ----------
    time, event, present, stratum
        As in `logrank`.
    design
        (B, n, p) covariates, NaN if missing: such patients are left out.
    ties
        "efron" or "breslow".
    robust
        Whether ``se``, ``z``, ``p`` and ``wald_test`` are from the sandwich.
    cluster
        (B, n) codes 0 to n - 1 of the clusters; makes ``robust`` true.
    names
        The covariates, "x1", "x2", ... if not given.

    Raises
    ------
    InputError
        If ``ties`` is neither of the two.

    References
    ----------
    Cox DR. J R Stat Soc B 1972;34:187-220. Efron B. J Am Stat Assoc 1977;72:557-565. Breslow N.
    Biometrics 1974;30:89-99. Lin DY, Wei LJ. J Am Stat Assoc 1989;84:1074-1078.

    Examples
    --------
    >>> time = np.array([[1, 2, 3, 4, 5, 6, 7, 8]])
    >>> event = np.array([[True, True, True, True, False, True, True, False]])
    >>> x = np.array([[[1.0], [0], [1], [1], [0], [0], [1], [0]]])
    >>> cox_model(time, event, x, np.ones((1, 8), dtype=bool))
    Cox regression: 8 patients, 6 events
      x1: 0.9348 (95 % CI -0.7759 to 2.646), se 0.8729, p = 0.2842
    """
    ready = prepare(time, event, design, present, stratum, ties)
    batch, size = ready.spread.shape
    likelihood, rows = ready.likelihood, np.flatnonzero(ready.able)
    everyone = np.arange(batch)
    beta, converged = np.zeros((batch, size)), np.zeros(batch, dtype=np.bool_)
    top = climb(likelihood, beta[rows], rows, free=np.ones(size, dtype=np.bool_))
    beta[rows], converged[rows] = top.beta, top.converged
    null = likelihood.at(everyone).value(np.zeros((batch, size)))
    value = likelihood.at(everyone).value(beta)
    covariance, definite = inverse(value.information)
    converged &= definite
    doubtful = ready.able & ~(converged & (_reach(likelihood, beta) < DOUBTFUL))
    rises = np.zeros(batch, dtype=np.bool_)
    for b in np.flatnonzero(doubtful):
        rises[b] = endless(likelihood.sets, likelihood.design, likelihood.present, int(b))
    converged &= ~rises
    null_inverse, _ = inverse(null.information)
    model_covariance = covariance
    if robust or cluster is not None:
        residual = likelihood.at(everyone).score_residuals(beta)
        covariance = product(product(covariance, _meat(residual, cluster)), covariance)
    outer, told = inverse(covariance)
    notes = (
        ready.notes
        + Note.MONOTONE_LIKELIHOOD * rises
        + Note.NOT_CONVERGED * (ready.able & ~rises & ~converged)
        + Note.VARIANCE_NOT_ESTIMABLE * (converged & ~told)
    )
    return _fits(
        names or tuple(f"x{j + 1}" for j in range(size)),
        ready,
        converged,
        notes,
        beta=beta,
        covariance=covariance,
        model_covariance=model_covariance,
        loglik_null=null.loglik,
        loglik=value.loglik,
        score_test=quadratic(null_inverse, null.score),
        wald_test=np.where(told, quadratic(outer, beta), np.nan),
    )


def _reach(likelihood: CovariateLikelihood, beta: FloatArray) -> FloatArray:
    """Give how far apart the patients' log hazards are, (B,)."""
    predictor = likelihood.at(np.arange(beta.shape[0])).predictor(beta)
    there = likelihood.present
    highest = np.max(np.where(there, predictor, -np.inf), axis=1, initial=-np.inf)
    lowest = np.min(np.where(there, predictor, np.inf), axis=1, initial=np.inf)
    apart: FloatArray = np.where(np.any(there, axis=1), highest - lowest, 0.0)
    return apart


def _fits(
    names: tuple[str, ...],
    ready: Prepared,
    converged: BoolArray,
    notes: IntArray,
    *,
    beta: FloatArray,
    covariance: FloatArray,
    model_covariance: FloatArray,
    loglik_null: FloatArray,
    loglik: FloatArray,
    score_test: FloatArray,
    wald_test: FloatArray,
) -> CoxFits:
    """Bring the fits back to the covariates' own units; NaN where there is none."""
    size = beta.shape[1]
    blank = np.where(converged, 0.0, np.nan)
    unit = ready.spread[:, :, None] * ready.spread[:, None, :]
    covariance = covariance / unit + blank[:, None, None]
    diagonal = np.stack([covariance[:, j, j] for j in range(size)], axis=1)
    coefficients = beta / ready.spread + blank[:, None]
    se = np.sqrt(diagonal)
    z = coefficients / np.where(se > 0.0, se, np.nan)
    ratio = 2.0 * (loglik - loglik_null)
    chi_squares = [x + blank for x in (score_test, np.maximum(ratio, 0.0), wald_test)]
    p_values = [chdtrc(size, np.nan_to_num(x)) + np.where(x == x, 0.0, x) for x in chi_squares]
    return CoxFits(
        names=names,
        coefficients=coefficients,
        se=se,
        z=z,
        p=2.0 * ndtr(-np.abs(z)),
        ci_low=coefficients - NORMAL_975 * se,
        ci_high=coefficients + NORMAL_975 * se,
        covariance=covariance,
        model_covariance=model_covariance / unit + blank[:, None, None],
        loglik_null=loglik_null + blank,
        loglik=loglik + blank,
        score_test=chi_squares[0],
        likelihood_ratio_test=chi_squares[1],
        wald_test=chi_squares[2],
        score_p=p_values[0],
        likelihood_ratio_p=p_values[1],
        wald_p=p_values[2],
        events=np.count_nonzero(ready.likelihood.sets.real, axis=1),
        used=np.count_nonzero(ready.used, axis=1),
        converged=converged,
        notes=notes.astype(np.int64) | flags_of(ready.left_out),
        left_out=ready.left_out,
    )


def _meat(residual: FloatArray, cluster: CodeArray | None) -> FloatArray:
    """Give the sums of r r' over patients or clusters, (B, p, p)."""
    if cluster is not None:
        total = np.zeros_like(residual)
        # adds one after the other, in the order of the patients
        np.add.at(total, (np.arange(residual.shape[0])[:, None], cluster), residual)
        residual = total
    size = residual.shape[2]
    found = np.empty((residual.shape[0], size, size))
    for a in range(size):
        for b in range(a, size):
            found[:, a, b] = ordered_sum(residual[:, :, a] * residual[:, :, b])
            found[:, b, a] = found[:, a, b]
    return found
