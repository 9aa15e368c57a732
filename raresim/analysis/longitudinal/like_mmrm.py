"""One table fitted the way R's mmrm does it, to compare with its output digit by digit."""

from typing import Any

import numpy as np

from raresim.analysis.arrays import FloatArray
from raresim.analysis.longitudinal.fitting import Fit, fit_at
from raresim.analysis.longitudinal.likelihood import evaluate
from raresim.analysis.longitudinal.parameters import blocks, values_at
from raresim.analysis.longitudinal.prepared import Data, free_observations
from raresim.analysis.longitudinal.structures import Structure
from raresim.analysis.small_matrices import times


def fit_like_mmrm(data: Data, structure: Structure, reml: bool, start: FloatArray) -> Fit:
    """Fit one row as R's mmrm 0.3 does: L-BFGS-B from its start, with R's tolerance.

    It stops when a step gains less than 4e-9 of the likelihood, so estimates are off the
    maximum by up to some 1e-4 standard errors; started and stopped like this, they are mmrm's.
    """
    from scipy.optimize import minimize

    def losing(theta: FloatArray) -> tuple[float, FloatArray]:
        here = theta[None]
        value = values_at(here, structure, data.groups)
        point = evaluate(value, data.slots, data.layout, reml)
        flat = np.ascontiguousarray(theta.reshape(data.groups, -1))
        first = blocks(structure.shape(flat).first, data.groups)
        score = times(np.ascontiguousarray(np.swapaxes(first, 1, 2)), point.score.reshape(1, -1))
        constant = 0.5 * np.log(2.0 * np.pi) * free_observations(data, reml)[0]
        if not point.fine[0]:
            return np.inf, np.zeros_like(theta)
        return float(constant - point.loglik[0]), -score[0]

    options: dict[str, Any] = {"maxcor": 5, "ftol": 1e7 * np.finfo(np.float64).eps, "gtol": 0.0}
    search: Any = minimize
    found = search(losing, start, jac=True, method="L-BFGS-B", options=options)
    return fit_at(data, structure, reml, found.x[None])
