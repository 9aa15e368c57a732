"""Standard errors and degrees of freedom of linear combinations of coefficients.

With Phi the model's covariance of the coefficients, Omega the inverse of the information in
the covariance parameters and c a combination, g_k = c' Phi M_k Phi c is the derivative of
c' Phi c, and Satterthwaite's degrees of freedom are 2 (c' Phi c)^2 / (g' Omega g). The
Kenward-Roger test of one combination has the same degrees of freedom and its own covariance.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from raresim.analysis.arrays import BoolArray, FloatArray, ordered_sum
from raresim.analysis.longitudinal.design import Layout
from raresim.analysis.longitudinal.fitting import STRIP, Fit
from raresim.analysis.longitudinal.likelihood import gathered, inverse_of_visits
from raresim.analysis.longitudinal.parameters import blocks
from raresim.analysis.longitudinal.prepared import Data
from raresim.analysis.longitudinal.sandwich import Sandwich, sandwich
from raresim.analysis.longitudinal.structures import Structure
from raresim.analysis.longitudinal.sweeping import inverses
from raresim.analysis.small_matrices import times
from raresim.errors import InputError, did_you_mean

Degrees = Literal[
    "satterthwaite", "kenward-roger", "kenward-roger-linear", "between-within", "residual"
]
Errors = Literal["model", "empirical", "empirical-bias-reduced", "empirical-jackknife"]
DEGREES = (
    "satterthwaite",
    "kenward-roger",
    "kenward-roger-linear",
    "between-within",
    "residual",
)
ERRORS = ("model", "empirical", "empirical-bias-reduced", "empirical-jackknife")
KENWARD_ROGER = ("kenward-roger", "kenward-roger-linear")


def check_choices(df: str, standard_errors: str, reml: bool) -> None:
    """Refuse unknown names and the combinations that nobody has defined."""
    for field, found, known in (
        ("df", df, DEGREES),
        ("standard_errors", standard_errors, ERRORS),
    ):
        if found not in known:
            hint = did_you_mean(str(found), known)
            raise InputError(f"{field}: found {found!r}; expected {', '.join(known)} ({hint})")
    if df in KENWARD_ROGER and not reml:
        raise InputError(f"df: found {df!r} with method 'ML'; expected method 'REML' with it.")
    if df in KENWARD_ROGER and standard_errors != "model":
        raise InputError(
            f"standard_errors: found {standard_errors!r} with df {df!r}; expected 'model', as "
            "Kenward and Roger bring their own standard errors."
        )


@dataclass(frozen=True)
class Inference:
    """What tests of coefficients are made of.

    Attributes
    ----------
    covariance
        (B, p, p) covariance of the coefficients behind the standard errors.
    omega
        (B, K, K) covariance of the covariance parameters.
    sandwich
        The patients' shares of an empirical covariance, if that is asked for.
    """

    covariance: FloatArray
    omega: FloatArray
    sandwich: Sandwich | None


def infer(data: Data, fit: Fit, structure: Structure, df: str, standard_errors: str) -> Inference:
    """Work out the covariance of the coefficients that ``df`` and ``standard_errors`` ask for."""
    omega = covariance_of_parameters(fit)
    if standard_errors != "model":
        shares = sandwich(data, fit, standard_errors)
        return Inference(shares.covariance, omega, shares)
    if df in KENWARD_ROGER:
        linear = df == "kenward-roger-linear"
        return Inference(kenward_roger(data, fit, structure, omega, linear), omega, None)
    return Inference(fit.phi, omega, None)


def covariance_of_parameters(fit: Fit) -> FloatArray:
    """Invert the information of the rows that converged; the others get NaN."""
    size = fit.information.shape[1]
    good = fit.converged
    filled = np.where(good[:, None, None], fit.information, np.eye(size))
    _, omega, _ = inverses(filled, np.ones(good.size, dtype=np.bool_))
    return np.where(good[:, None, None], omega, np.nan)


def variance(covariance: FloatArray, contrast: FloatArray) -> FloatArray:
    """Return c' A c (B,) for matrices (B, p, p) and combinations (B, p)."""
    return ordered_sum(times(covariance, contrast) * contrast)


def gradient(fit: Fit, contrast: FloatArray) -> FloatArray:
    """Return the derivatives (B, K) of c' Phi c in the covariance parameters."""
    turned = times(fit.phi, contrast)
    half = np.zeros(fit.slopes.shape[:3])
    for j in range(turned.shape[1]):
        half += turned[:, j, None, None] * fit.slopes[:, :, j]
    return times(half, turned)


def satterthwaite(fit: Fit, omega: FloatArray, contrast: FloatArray) -> FloatArray:
    """Return the degrees of freedom (B,) of combinations (B, p)."""
    slope = gradient(fit, contrast)
    return 2.0 * variance(fit.phi, contrast) ** 2 / variance(omega, slope)


def degrees(inference: Inference, fit: Fit, contrast: FloatArray) -> FloatArray:
    """Return Satterthwaite's degrees of freedom, of the empirical variance if that is used."""
    if inference.sandwich is not None:
        return inference.sandwich.degrees(fit.phi, contrast)
    return satterthwaite(fit, inference.omega, contrast)


def kenward_roger(
    data: Data, fit: Fit, structure: Structure, omega: FloatArray, linear: bool
) -> FloatArray:
    """Return the small-sample covariance of the coefficients (B, p, p).

    Phi + 2 Phi [sum_kl Omega_kl (Q_kl - M_k Phi M_l - R_kl/4)] Phi with Q_kl = sum X' W D_k W
    D_l W X and R_kl = sum X' W D_kl W X. The linear variant drops R: so it is the same in any
    parameters, and that of SAS where the covariance is linear in its parameters, as when it is
    unstructured. With R it belongs to the parameters in which R is taken; here mmrm's.

    References
    ----------
    Kenward MG, Roger JH. Biometrics 1997;53:983-997.
    """
    found = np.full_like(fit.phi, np.nan)
    rows = np.flatnonzero(fit.converged)
    for first in range(0, rows.size, STRIP):
        here = rows[first : first + STRIP]
        found[here] = _kenward_roger_rows(data, fit, structure, omega, linear, here)
    return found


def _kenward_roger_rows(
    data: Data, fit: Fit, structure: Structure, omega: FloatArray, linear: bool, here: np.ndarray
) -> FloatArray:
    phi, slopes, own = fit.phi[here], fit.slopes[here], np.ascontiguousarray(omega[here])
    batch, size, p, _ = slopes.shape
    first = fit.shape.first[here]
    back = np.ascontiguousarray(np.swapaxes(first, 1, 2))
    of_entries = np.matmul(np.matmul(first, own), back)
    middle = _second_products(data, fit, of_entries, here)
    weighted = np.matmul(own, slopes.reshape(batch, size, p * p)).reshape(slopes.shape)
    half = np.matmul(phi[:, None], weighted)
    for k in range(size):
        middle -= np.matmul(slopes[:, k], half[:, k])
    if not linear:
        flat = np.ascontiguousarray(fit.theta[here].reshape(-1, structure.size))
        own_second = structure.shape(flat).second
        full = np.broadcast_to(own_second, (flat.shape[0], *own_second.shape[1:]))
        second = blocks(np.ascontiguousarray(full), data.groups)
        curve = np.zeros(first.shape[:2])
        for k in range(size):
            for j in range(size):
                curve += own[:, k, j, None] * second[:, :, k, j]
        slope = fit.entry_slopes[here]
        for e in range(curve.shape[1]):
            middle -= 0.25 * curve[:, e, None, None] * slope[:, e]
    middle = 0.5 * (middle + np.swapaxes(middle, 1, 2))
    found: FloatArray = phi + 2.0 * np.matmul(np.matmul(phi, middle), phi)
    return found


def _second_products(data: Data, fit: Fit, of_entries: FloatArray, here: np.ndarray) -> FloatArray:
    """Return sum_kl Omega_kl Q_kl, (rows, p, p)."""
    layout, slots = data.layout, data.slots.take(here)
    products, m = layout.products, layout.visits
    e, entry = products.v.size, products.entry
    w = inverse_of_visits(fit.value[here], slots, layout)[0][entry]
    total = np.zeros_like(w)
    for g in range(data.groups):
        block = of_entries[:, g * e : (g + 1) * e, g * e : (g + 1) * e]
        spread = np.ascontiguousarray(np.moveaxis(block, 0, 2))
        own = spread[entry[:, :, None, None], entry[None, None]]  # (m, m, m, m, B)
        inner = np.zeros_like(w)
        for j in range(m):
            for k in range(m):
                inner += own[:, j, k][:, :, None, :] * w[j, k]
        total += inner if data.groups == 1 else np.where(slots.group == g, inner, 0.0)
    outer = np.zeros_like(w)
    half = np.zeros_like(w)
    for k in range(m):
        half += w[:, k, None] * total[None, k]
    for k in range(m):
        outer += half[:, k, None] * w[None, k]
    return gathered(outer[products.v, products.w], slots, layout)


def columns_within(data: Data, layout: Layout) -> tuple[BoolArray, BoolArray]:
    """Say which coefficients' columns change within a patient, and which is an intercept."""
    design = layout.design(data.unweighted)
    seen = data.seen[:, :, :, None]
    high = np.max(np.where(seen, design, -np.inf), axis=2)
    low = np.min(np.where(seen, design, np.inf), axis=2)
    within = np.any((high > low) & np.any(seen, axis=2), axis=1)
    intercept = np.all((design == 1.0) | ~seen, axis=(1, 2))
    return within, intercept


def between_within(data: Data, layout: Layout, contrast: FloatArray) -> FloatArray:
    """Return the between-within degrees of freedom (B,) of combinations (B, p).

    They depend on how the design is coded: ``layout`` and ``contrast`` may code the fitted one
    in another way.

    Coefficients whose column changes within some patient are within, as is the intercept, the
    others between: patients - between - intercept, and observations - patients - within. The
    smaller of those that a combination involves counts.

    References
    ----------
    Schluchter MD, Elashoff JT. J Stat Comput Simul 1990;37:69-87.
    """
    within, intercept = columns_within(data, layout)
    constant = np.any(intercept, axis=1)
    inside = within | intercept
    real = np.any(layout.map != 0.0, axis=(0, 1))  # a coding may have columns of zeros
    between_df = data.patients - np.count_nonzero(~inside & real, axis=1) - constant
    within_df = data.observations - data.patients - np.count_nonzero(inside, axis=1) + constant
    each = np.where(inside, within_df[:, None], between_df[:, None])
    found: FloatArray = np.min(np.where(contrast != 0.0, each, np.inf), axis=1)
    return found


def residual_df(data: Data) -> FloatArray:
    """Return observations minus coefficients, (B,)."""
    found: FloatArray = (data.observations - data.start.shape[1]).astype(np.float64)
    return found
