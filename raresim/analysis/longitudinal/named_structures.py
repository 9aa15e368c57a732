"""Covariance structures by the names that R's mmrm gives them."""

from dataclasses import dataclass

import numpy as np

from raresim.analysis.arrays import FloatArray
from raresim.analysis.longitudinal.correlations import (
    CompoundSymmetry,
    Correlated,
    Unstructured,
)
from raresim.analysis.longitudinal.structures import Structure, entries
from raresim.errors import InputError, did_you_mean


@dataclass(frozen=True)
class Named:
    """A structure by its name: how to build it for a number of visits."""

    title: str
    kind: str
    heterogeneous: bool

    def build(self, visits: int) -> Structure:
        """Return the structure for that many visits."""
        if self.kind == "us":
            return Unstructured(visits)
        if self.kind == "cs" or visits == 1:
            return CompoundSymmetry(visits, self.heterogeneous)
        return Correlated(visits, self.heterogeneous, _exponent(self.kind, visits))


def mmrm_start(name: str, visits: int) -> FloatArray:
    """Return the parameters from which R's mmrm 0.3 starts: 0, and 0.5 for AR(1)."""
    start = np.zeros(structure(name, visits).size)
    if STRUCTURES[name].kind == "ar1" and visits > 1:
        start[-1] = 0.5
    return start


def _exponent(kind: str, visits: int) -> FloatArray:
    v, w = entries(visits)
    lag = (w - v)[:, None]
    if kind == "ar1":
        return lag.astype(np.float64)
    steps = np.arange(visits - 1)[None, :]
    if kind == "toep":
        found: FloatArray = (lag == steps + 1).astype(np.float64)
        return found
    return ((v[:, None] <= steps) & (steps < w[:, None])).astype(np.float64)


STRUCTURES = {
    "us": Named("unstructured", "us", True),
    "toep": Named("Toeplitz", "toep", False),
    "toeph": Named("heterogeneous Toeplitz", "toep", True),
    "ar1": Named("AR(1)", "ar1", False),
    "ar1h": Named("heterogeneous AR(1)", "ar1", True),
    "ad": Named("ante-dependence", "ad", False),
    "adh": Named("heterogeneous ante-dependence", "ad", True),
    "cs": Named("compound symmetry", "cs", False),
    "csh": Named("heterogeneous compound symmetry", "cs", True),
}


def structure(name: str, visits: int) -> Structure:
    """Build the covariance structure of that name.

    Raises
    ------
    InputError
        If there is no such structure.
    """
    if name not in STRUCTURES:
        hint = did_you_mean(str(name), STRUCTURES)
        raise InputError(f"covariance: found {name!r}; expected {', '.join(STRUCTURES)} ({hint})")
    return STRUCTURES[name].build(visits)
