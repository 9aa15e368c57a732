"""Empirical covariance of coefficients: what the patients' own residuals say.

Phi [sum u_i u_i'] Phi with u_i = X_i' W_i A_i r_i. A_i is 1 for the plain one (Liang and
Zeger), (I - H_ii)^-1/2 for the bias-reduced one (Bell and McCaffrey) and (I - H_ii)^-1 for the
jackknife, with H_ii = C_i' X_i Phi X_i' C_i and W_i = C_i C_i'.

References: Liang KY, Zeger SL. Biometrika 1986;73:13-22. Bell RM, McCaffrey DF. Surv Methodol
2002;28:169-181. Pustejovsky JE, Tipton E. J Bus Econ Stat 2018;36:672-683.
"""

from dataclasses import dataclass

import numpy as np

from raresim.analysis.arrays import FloatArray, IntArray, ordered_sum
from raresim.analysis.longitudinal.fitting import STRIP, Fit
from raresim.analysis.longitudinal.likelihood import inverse_of_visits
from raresim.analysis.longitudinal.prepared import Data
from raresim.analysis.small_matrices import times


@dataclass(frozen=True)
class Sandwich:
    """An empirical covariance and what its degrees of freedom are made of.

    Attributes
    ----------
    covariance
        (B, p, p).
    leaned
        (B, n, m, p) A_i C_i' X_i.
    root
        (B, n, m, p) C_i' X_i.
    """

    covariance: FloatArray
    leaned: FloatArray
    root: FloatArray

    def degrees(self, phi: FloatArray, contrast: FloatArray) -> FloatArray:
        """Return Satterthwaite's degrees of freedom of c' A c, the weights taken as known.

        With v_i = A_i C_i' X_i Phi c and t_i = X_i' C_i v_i the variance is a quadratic form
        with matrix G_ij = [i = j] v_i'v_i - t_i' Phi t_j; df = tr(G)^2 / tr(G G).
        """
        turned = times(phi, contrast)
        v = _along(self.leaned, turned)  # (B, n, m)
        t = np.zeros((*v.shape[:2], turned.shape[1]))
        for k in range(v.shape[2]):
            t += self.root[:, :, k] * v[:, :, k, None]
        own = ordered_sum(v * v)  # (B, n)
        bent = np.stack([ordered_sum(t * phi[:, None, j]) for j in range(t.shape[2])], axis=2)
        shared = ordered_sum(t * bent)
        trace = ordered_sum(own - shared)
        crossed = _outer(bent, t)
        square = ordered_sum((crossed * np.swapaxes(crossed, 1, 2)).reshape(crossed.shape[0], -1))
        square = square + ordered_sum(own * own - 2.0 * own * shared)
        return trace * trace / square


def _along(rows: FloatArray, vector: FloatArray) -> FloatArray:
    """Multiply (B, n, m, p) with (B, p)."""
    found = np.zeros(rows.shape[:3])
    for j in range(vector.shape[1]):
        found += rows[:, :, :, j] * vector[:, j, None, None]
    return found


def _outer(a: FloatArray, b: FloatArray) -> FloatArray:
    """Return the sum over patients of a_i b_i', (B, p, p), patient after patient."""
    total = np.zeros((a.shape[0], a.shape[2], b.shape[2]))
    for i in range(a.shape[1]):
        total += a[:, i, :, None] * b[:, i, None, :]
    return total


def sandwich(data: Data, fit: Fit, kind: str) -> Sandwich:
    """Return the empirical covariance of the rows that converged, NaN of the others."""
    batch, patients, visits = data.outcome.shape
    p = data.start.shape[1]
    covariance = np.full((batch, p, p), np.nan)
    leaned = np.zeros((batch, patients, visits, p))
    root = np.zeros((batch, patients, visits, p))
    rows = np.flatnonzero(fit.converged)
    for first in range(0, rows.size, STRIP):
        here = rows[first : first + STRIP]
        covariance[here], leaned[here], root[here] = _sandwich_rows(data, fit, kind, here)
    return Sandwich(covariance, leaned, root)


def _sandwich_rows(
    data: Data, fit: Fit, kind: str, here: IntArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    layout, slots = data.layout, data.slots.take(here)
    covariates = data.covariates[here]
    m = layout.visits
    w = inverse_of_visits(fit.value[here], slots, layout)[0][layout.products.entry]
    hidden = 1.0 - slots.observed
    w[np.arange(m), np.arange(m)] += hidden
    factor = np.linalg.cholesky(np.ascontiguousarray(np.transpose(w, (3, 2, 0, 1))))
    factor = np.concatenate([factor, np.zeros_like(factor[:, :1])], axis=1)  # never seen
    which = np.minimum(slots.slot, factor.shape[1] - 1)
    rows = np.arange(here.size)[:, None]
    c = factor[rows, which]  # (B, n, m, m)
    seen = data.seen[here]
    design = np.where(seen[:, :, :, None], layout.design(covariates), 0.0)
    beta = fit.beta[here] - data.start[here]
    residual = np.where(seen, data.outcome[here] - layout.fitted(covariates, beta), 0.0)
    root, own = np.zeros_like(design), np.zeros_like(residual)
    for v in range(m):
        root += c[:, :, v, :, None] * design[:, :, v, None, :]
        own += c[:, :, v, :] * residual[:, :, v, None]
    leaned = root if kind == "empirical" else _adjusted(root, fit.phi[here], kind)
    share = np.zeros((*own.shape[:2], design.shape[3]))
    for v in range(m):
        share += leaned[:, :, v] * own[:, :, v, None]
    meat = _outer(share, share)
    phi = fit.phi[here]
    return np.matmul(np.matmul(phi, meat), phi), leaned, root


def _adjusted(root: FloatArray, phi: FloatArray, kind: str) -> FloatArray:
    """Return A_i C_i' X_i."""
    turned = np.matmul(root, phi[:, None])
    left = np.eye(root.shape[2]) - np.matmul(turned, np.swapaxes(root, 2, 3))
    value, vector = np.linalg.eigh(0.5 * (left + np.swapaxes(left, 2, 3)))
    power = -0.5 if kind == "empirical-bias-reduced" else -1.0
    kept = value > 1e-10  # a patient who alone decides a coefficient has no residual in it
    scaled = np.where(kept, np.where(kept, value, 1.0) ** power, 0.0)
    a = np.matmul(vector * scaled[..., None, :], np.swapaxes(vector, 2, 3))
    found: FloatArray = np.matmul(a, root)
    return found
