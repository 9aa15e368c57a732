"""The prior of a between-trial (or between-basket) standard deviation, as quadrature nodes."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.special import ndtri, stdtrit

from raresim.analysis.arrays import FloatArray, ordered_sum
from raresim.analysis.bayesian.panels import panels
from raresim.errors import InputError

TAIL = 1e-14  # of the half-normal beyond the last node
HEAVY_TAIL = 1e-8  # of the half-t, whose last 1e-14 reaches too far
SHARES = (0.0, 0.002, 0.01, 0.03, 0.07, 0.14, 0.25, 0.4, 0.65, 1.0)  # of the way to the last node


@dataclass(frozen=True)
class BetweenTrials:
    """Prior of the between-trial standard deviation tau.

    Attributes
    ----------
    scale
        Scale of a half-normal or half-t distribution; the upper end of a uniform one.
    family
        "half-normal", "half-t" or "uniform".
    df
        Degrees of freedom of the half-t (1: half-Cauchy).

    References
    ----------
    Gelman A. Bayesian Anal 2006;1:515-533; Friede T et al. Res Synth Methods 2017;8:79-91.

    Examples
    --------
    >>> tau, weight = BetweenTrials(0.5).nodes()
    >>> round(float(ordered_sum(weight * tau)), 10)  # scale sqrt(2 / pi)
    0.3989422804
    """

    scale: float
    family: Literal["half-normal", "half-t", "uniform"] = "half-normal"
    df: float = 4.0

    def __post_init__(self) -> None:
        if self.family not in ("half-normal", "half-t", "uniform"):
            raise InputError(f"family: found {self.family!r}; expected another one.")
        if not (self.scale > 0.0 and self.df > 0.0):
            raise InputError(f"scale: found {self.scale!r} and {self.df!r}; expected above 0.")

    def nodes(self) -> tuple[FloatArray, FloatArray]:
        """Give nodes and probability weights, adding up to 1."""
        if self.family == "uniform":
            tau, width = panels(self.scale * np.array(SHARES))
            density = np.ones(tau.size)
        elif self.family == "half-normal":
            last = float(-ndtri(TAIL / 2.0)) * self.scale
            tau, width = panels(last * np.array(SHARES))
            density = np.exp(-0.5 * (tau / self.scale) ** 2)
        else:
            last = float(-stdtrit(self.df, HEAVY_TAIL / 2.0))
            step, width = panels(np.linspace(0.0, np.arcsinh(last), len(SHARES) + 4))
            tau = self.scale * np.sinh(step)
            width = width * self.scale * np.cosh(step)
            density = (1.0 + (tau / self.scale) ** 2 / self.df) ** (-(self.df + 1.0) / 2.0)
        weight = width * density
        return tau, weight / ordered_sum(weight)
