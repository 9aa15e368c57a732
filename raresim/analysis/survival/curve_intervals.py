"""Confidence limits of a survival curve on the scales in use."""

from typing import Literal, get_args

import numpy as np
from scipy.special import ndtri

from raresim.analysis.arrays import FloatArray
from raresim.errors import InputError

Scale = Literal["log", "log-log", "plain", "arcsine", "logit"]


def check_scale(scale: str) -> None:
    """Refuse a scale that is not one of the five."""
    if scale not in get_args(Scale):
        raise InputError(
            f"interval: found {scale!r}; expected one of {', '.join(get_args(Scale))}."
        )


def curve_limits(
    survival: FloatArray, log_se: FloatArray, scale: Scale, level: float = 0.95
) -> tuple[FloatArray, FloatArray]:
    """Give the confidence limits of survival probabilities.

    S +- z S g on the scale of S ("plain"), log S (R's default), log(-log S), arcsin sqrt S or
    logit S, g being the standard error of log S (the root of Greenwood's sum); limits are kept
    within 0 and 1. NaN where the scale has no value: at 0 (all of them), and at 1 for "log-log"
    and "logit"; R prints NA there.

    Parameters
    ----------
    survival, log_se
        Any shape.
    scale
        "log", "log-log", "plain", "arcsine" or "logit".
    level
        Confidence level.

    References
    ----------
    Klein JP, Moeschberger ML. Survival Analysis, 2nd ed, Springer 2003, section 4.3.

    Examples
    --------
    >>> [x.round(4) for x in curve_limits(np.array([0.7]), np.array([0.1]), "log-log")]
    [array([0.5391]), array([0.8139])]
    """
    check_scale(scale)
    if not 0.0 < level < 1.0:
        raise InputError(f"level: found {level}; expected a number between 0 and 1.")
    z = ndtri(0.5 + level / 2.0)
    outside = survival <= 0.0
    low, high = SCALES[scale](survival, z * np.where(outside, 0.0, log_se))
    if scale in ("log-log", "logit"):
        outside = outside | (survival >= 1.0)
    low, high = (np.where(outside, np.nan, np.clip(x, 0.0, 1.0)) for x in (low, high))
    return low, high


def _log(s: FloatArray, reach: FloatArray) -> tuple[FloatArray, FloatArray]:
    return s * np.exp(-reach), s * np.exp(reach)


def _log_log(s: FloatArray, reach: FloatArray) -> tuple[FloatArray, FloatArray]:
    hazard = -np.log(np.where((s > 0.0) & (s < 1.0), s, 0.5))
    factor = np.exp(reach / hazard)
    return np.exp(-hazard * factor), np.exp(-hazard / factor)


def _plain(s: FloatArray, reach: FloatArray) -> tuple[FloatArray, FloatArray]:
    return s - s * reach, s + s * reach


def _arcsine(s: FloatArray, reach: FloatArray) -> tuple[FloatArray, FloatArray]:
    angle = np.arcsin(np.sqrt(np.clip(s, 0.0, 1.0)))
    turn = reach / 2.0 * np.sqrt(s / np.where(s < 1.0, 1.0 - s, 1.0))
    return (
        np.sin(np.maximum(angle - turn, 0.0)) ** 2,
        np.sin(np.minimum(angle + turn, np.pi / 2.0)) ** 2,
    )


def _logit(s: FloatArray, reach: FloatArray) -> tuple[FloatArray, FloatArray]:
    inside = np.where((s > 0.0) & (s < 1.0), s, 0.5)
    odds = inside / (1.0 - inside)
    factor = np.exp(reach / (1.0 - inside))
    return odds / (odds + factor), odds * factor / (1.0 + odds * factor)


SCALES = {
    "log": _log,
    "log-log": _log_log,
    "plain": _plain,
    "arcsine": _arcsine,
    "logit": _logit,
}
