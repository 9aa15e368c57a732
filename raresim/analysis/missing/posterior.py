"""Draws of the imputation model's coefficients and covariance, for multiple imputation."""

import numpy as np
from scipy.special import gammaincinv, ndtri

from raresim.analysis.arrays import FloatArray, ordered_sum
from raresim.analysis.missing.normal_model import EXACT, SINGULAR, NormalFit
from raresim.analysis.missing.stacked import least_pivot
from raresim.analysis.missing.trial import Plan, Trial, fitted
from raresim.analysis.notes import Note
from raresim.analysis.small_matrices import cholesky, lapack_inverse, product


def bootstrap_draws(trial: Trial, plan: Plan, uniforms: FloatArray) -> NormalFit:
    """Fit the model by REML to samples (M, n) of the patients, drawn from each arm with replacing.

    The estimates of bootstrap samples stand for draws from the posterior: rbmi's approximate
    Bayesian method.

    References
    ----------
    Little RJA, Rubin DB. Statistical Analysis with Missing Data, 2nd ed. 2002, section 10.2.3.
    """
    (whole,) = fitted([trial], [np.ones((1, len(trial.arm)))], plan)
    if not whole.converged[0]:
        return whole
    weight = np.zeros(uniforms.shape)
    for arm in (0, 1):
        members = np.flatnonzero(trial.arm == arm)
        chosen = members[(uniforms[:, members] * len(members)).astype(np.int64)]
        np.add.at(weight, (np.arange(len(weight))[:, None], chosen), 1.0)
    start = np.repeat(whole.covariance, len(weight), axis=0)
    return fitted([trial], [weight], plan, [start])[0]


def monotone_draws(trial: Trial, uniforms: FloatArray) -> NormalFit:
    """Draw from the posterior (M draws) in closed form, for monotone missingness.

    Each visit is regressed on the design and all earlier visits. With k coefficients, n patients
    and the residual sum of squares S, the variance is drawn as S / chi²_(n-k) and the coefficients
    around least squares with it: Rubin's regression method (SAS PROC MI, MONOTONE REG). The
    regressions together give the coefficients by visit and the covariance.

    Parameters
    ----------
    trial
        The trial; its covariance is pooled.
    uniforms
        (M, T, q + T): of each visit the first for the variance, then for the coefficients.

    References
    ----------
    Rubin DB. Multiple Imputation for Nonresponse in Surveys 1987, pages 166-167.
    """
    y, z = trial.modelled, trial.design
    draws, visits, q = len(uniforms), y.shape[1], z.shape[1]
    seen = ~np.isnan(y)
    if np.any(seen[:, 1:] & ~seen[:, :-1]):
        return _none(draws, q, visits, Note.NOT_MONOTONE)
    number = np.maximum(ordered_sum(np.where(seen, 1.0, 0.0).T), 1.0)
    centre = ordered_sum(np.where(seen, y, 0.0).T) / number
    y = np.where(seen, y - centre, 0.0)
    coefficient = np.zeros((draws, q, visits))
    sigma = np.zeros((draws, visits, visits))
    for t in range(visits):
        x = np.where(seen[:, t, None], np.concatenate((z, y[:, :t]), axis=1), 0.0)
        drawn = _regression(x, y[:, t], int(np.count_nonzero(seen[:, t])), uniforms[:, t])
        if isinstance(drawn, Note):
            return _none(draws, q, visits, drawn)
        slope, variance = drawn
        coefficient[:, :, t] = slope[:, :q]
        for s in range(t):
            coefficient[:, :, t] += slope[:, q + s, None] * coefficient[:, :, s]
        sigma[:, t, t] = variance
        for s in range(t):
            for r in range(t):
                sigma[:, t, s] += slope[:, q + r] * sigma[:, r, s]
            sigma[:, s, t] = sigma[:, t, s]
        for r in range(t):
            sigma[:, t, t] += slope[:, q + r] * sigma[:, r, t]
    coefficient[:, 0] += centre
    good = np.ones(draws, dtype=np.bool_)
    return NormalFit(coefficient, sigma[:, None], good, np.zeros(draws, dtype=np.int64))


def _regression(
    x: FloatArray, y: FloatArray, number: int, uniforms: FloatArray
) -> tuple[FloatArray, FloatArray] | Note:
    """Draw coefficients (M, k) and a variance (M,) of one regression, or say why not."""
    k = x.shape[1]
    cross = ordered_sum((x[:, :, None] * x[:, None, :]).transpose(1, 2, 0))
    if number <= k or least_pivot(cross) < SINGULAR:
        return Note.VISIT_TOO_SPARSE
    spread = lapack_inverse(cross)
    best = product(spread, ordered_sum((x * y[:, None]).T)[:, None])[:, 0]
    fitted = product(x, best[:, None])[:, 0]
    rss = float(ordered_sum((y - fitted) ** 2))
    if rss <= EXACT * float(ordered_sum(y * y)):
        return Note.NO_RESIDUAL_VARIATION
    variance = rss / (2.0 * gammaincinv((number - k) / 2.0, uniforms[:, 0]))
    away = product(cholesky(spread), ndtri(uniforms[:, 1 : k + 1])[:, :, None])[:, :, 0]
    return best + np.sqrt(variance)[:, None] * away, variance


def _none(draws: int, q: int, visits: int, why: Note) -> NormalFit:
    return NormalFit(
        np.full((draws, q, visits), np.nan),
        np.full((draws, 1, visits, visits), np.nan),
        np.zeros(draws, dtype=np.bool_),
        np.full(draws, int(why), dtype=np.int64),
    )
