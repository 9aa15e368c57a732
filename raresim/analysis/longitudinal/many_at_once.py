"""Tests of several combinations of coefficients at once."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from raresim.analysis.arrays import FloatArray
from raresim.analysis.longitudinal.fitting import Fit
from raresim.analysis.longitudinal.inference import KENWARD_ROGER, Inference

NO_DIRECTION = 1.5e-8  # of the largest eigenvalue: combinations that say nothing new
SAME_DF = 1.5e-8


@dataclass(frozen=True)
class FTest:
    """A test that several combinations of coefficients are all 0.

    Attributes
    ----------
    statistic
        F, scaled as the method has it.
    numerator_df, denominator_df
        Its degrees of freedom.
    p
        p-value.
    converged
        Whether there is a test.
    """

    statistic: float
    numerator_df: int
    denominator_df: float
    p: float
    converged: bool


def f_test(
    fit: Fit,
    inference: Inference,
    contrast: FloatArray,
    df: str,
    freedom: Callable[[FloatArray], FloatArray],
    converged: bool,
) -> FTest:
    """Test combinations (rows of ``contrast``) of one fit.

    Satterthwaite's way is that of Fai and Cornelius: the combinations are turned into
    uncorrelated ones, each with its own degrees of freedom d, and with E the sum of
    d/(d - 2) the denominator has 2 E/(E - l). Kenward and Roger scale the statistic.

    References
    ----------
    Fai AHT, Cornelius PL. J Stat Comput Simul 1996;54:363-378. Kenward MG, Roger JH.
    Biometrics 1997;53:983-997.
    """
    if not converged:
        return FTest(np.nan, contrast.shape[0], np.nan, np.nan, False)
    if df in KENWARD_ROGER:
        return _kenward_roger(fit, inference, contrast)
    beta = fit.beta[0]
    spread = contrast @ inference.covariance[0] @ contrast.T
    value, vector = np.linalg.eigh(0.5 * (spread + spread.T))
    kept = value > NO_DIRECTION * value.max()
    turned = vector.T[kept] @ contrast
    size = int(np.count_nonzero(kept))
    statistic = float(np.sum((turned @ beta) ** 2 / value[kept]) / size)
    if df == "satterthwaite":
        each = np.array([float(freedom(row[None])[0]) for row in turned])
        denominator = _joined(each)
    else:
        involved = (np.any(contrast != 0.0, axis=0) * 1.0)[None]
        denominator = float(freedom(involved)[0])
    return _answer(statistic, size, denominator)


def _joined(each: FloatArray) -> float:
    if each.size == 1 or np.all(np.abs(np.diff(each)) < SAME_DF):
        return float(np.mean(each))
    if np.any(each <= 2.0):
        return 2.0
    total = float(np.sum(each / (each - 2.0)))
    return 2.0 * total / (total - each.size)


def _kenward_roger(fit: Fit, inference: Inference, contrast: FloatArray) -> FTest:
    phi, slopes, omega = fit.phi[0], fit.slopes[0], inference.omega[0]
    size = contrast.shape[0]
    middle = contrast.T @ np.linalg.solve(contrast @ phi @ contrast.T, contrast)
    turned = np.array([middle @ phi @ slope @ phi for slope in slopes])  # minus each P
    traces = np.trace(turned, axis1=1, axis2=2)
    a1 = float(traces @ omega @ traces)
    a2 = float(np.einsum("kl,kij,lji->", omega, turned, turned))
    b = (a1 + 6.0 * a2) / (2.0 * size)
    g = ((size + 1) * a1 - (size + 4) * a2) / ((size + 2) * a2)
    bottom = 3.0 * size + 2.0 * (1.0 - g)
    c1, c2, c3 = g / bottom, (size - g) / bottom, (size + 2 - g) / bottom
    mean = 1.0 / (1.0 - a2 / size)
    spread = 2.0 / size * (1.0 + c1 * b) / ((1.0 - c2 * b) ** 2 * (1.0 - c3 * b))
    ratio = spread / (2.0 * mean**2)
    denominator = 4.0 + (size + 2.0) / (size * ratio - 1.0)
    scale = denominator / (mean * (denominator - 2.0))
    estimate = contrast @ fit.beta[0]
    adjusted = contrast @ inference.covariance[0] @ contrast.T
    statistic = scale / size * float(estimate @ np.linalg.solve(adjusted, estimate))
    return _answer(statistic, size, denominator)


def _answer(statistic: float, size: int, denominator: float) -> FTest:
    from scipy.special import fdtrc

    p = float(fdtrc(size, denominator, statistic))
    return FTest(statistic, size, denominator, p, bool(np.isfinite(p)))
