"""The whole fit of one table: coefficients, covariances, means, contrasts."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from raresim.analysis.arrays import FloatArray, IntArray
from raresim.analysis.left_out import flags_of, sentences
from raresim.analysis.left_out import patients as lost_patients
from raresim.analysis.longitudinal.fitting import Fit, fit_rows
from raresim.analysis.longitudinal.inference import (
    Inference,
    between_within,
    degrees,
    infer,
    residual_df,
)
from raresim.analysis.longitudinal.like_mmrm import fit_like_mmrm
from raresim.analysis.longitudinal.many_at_once import FTest, f_test
from raresim.analysis.longitudinal.mixed_models import STEPS, usable_rows
from raresim.analysis.longitudinal.named_structures import mmrm_start, structure
from raresim.analysis.longitudinal.prepared import Data, free_observations
from raresim.analysis.notes import Note
from raresim.analysis.result import Result, wald_results
from raresim.errors import InputError

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class MixedModelFit:
    """A fitted mixed model for repeated measures.

    Attributes
    ----------
    title
        The model in a line.
    names
        Names of the p coefficients.
    estimate, covariance
        (p,) and (p, p) coefficients and the covariance that standard errors come from.
    structure
        The covariance of the visits that was used, by its name.
    visit_covariance
        (m, m), or (groups, m, m).
    theta
        Its parameters, as R's mmrm has them.
    loglik, aic, bic
        Log-likelihood, restricted with REML; criteria count covariance parameters, and with ML
        the coefficients too; the BIC counts patients.
    observations, patients, left_out
        How many were used, and how many patients were left out.
    converged, notes
        As in `Result`.
    """

    title: str
    names: tuple[str, ...]
    estimate: FloatArray
    covariance: FloatArray
    structure: str
    visit_covariance: FloatArray
    theta: FloatArray
    loglik: float
    aic: float
    bic: float
    observations: int
    patients: int
    converged: bool
    notes: tuple[str, ...]
    left_out: int
    _data: Data = field(repr=False)
    _fit: Fit = field(repr=False)
    _inference: Inference = field(repr=False)
    _df: str = field(repr=False)
    _flags: int = field(repr=False)
    _lost: IntArray = field(repr=False)

    def contrast(self, weights: Sequence[float], measure: str = "combination") -> Result:
        """Estimate a combination of the coefficients.

        Raises
        ------
        InputError
            If there is not one finite weight for each coefficient.
        """
        c = self._combinations(weights)
        if c.shape[0] != 1:
            raise InputError("weights: found a matrix; expected one weight for each coefficient.")
        squared = c[0] @ self.covariance @ c[0]
        return wald_results(
            method=self.title,
            measure=measure,
            estimate=np.array([c[0] @ self.estimate]),
            se=np.sqrt([squared if squared > 0.0 else np.nan]),
            converged=np.array([self.converged]),
            used=np.array([self.patients]),
            notes=np.array([self._flags]),
            df=self._degrees(c),
            left_out=self._lost,
        ).row(0)

    def _combinations(self, weights: object) -> FloatArray:
        c = np.atleast_2d(np.asarray(weights, dtype=np.float64))
        if c.ndim != 2 or c.shape[1] != len(self.names) or not np.all(np.isfinite(c)):
            raise InputError(
                f"weights: found shape {c.shape}; expected {len(self.names)} finite numbers, one "
                "for each coefficient, in each row."
            )
        return c

    def _degrees(self, contrast: FloatArray) -> FloatArray:
        if self._df == "residual":
            return residual_df(self._data)
        if self._df == "between-within":
            return between_within(self._data, self._data.layout, contrast)
        return degrees(self._inference, self._fit, contrast)

    def f_test(self, weights: Sequence[Sequence[float]]) -> FTest:
        """Test that several combinations (rows of weights) are all 0.

        Raises
        ------
        InputError
            If a row has not one finite weight for each coefficient.
        """
        c = self._combinations(weights)
        return f_test(self._fit, self._inference, c, self._df, self._degrees, self.converged)

    def coefficient(self, name: str) -> Result:
        """Return one coefficient by its name."""
        if name not in self.names:
            raise InputError(f"name: found {name!r}; expected one of {', '.join(self.names)}.")
        return self.contrast(np.eye(len(self.names))[self.names.index(name)].tolist(), name)

    def coefficients(self) -> tuple[Result, ...]:
        """Return all coefficients, in the order of their names."""
        return tuple(self.coefficient(name) for name in self.names)

    def table(self) -> "pd.DataFrame":
        """Return the coefficients as a table: estimate, se, df, t, p."""
        import pandas as pd

        rows = {r.measure: (r.estimate, r.se, r.df, r.statistic, r.p) for r in self.coefficients()}
        return pd.DataFrame.from_dict(
            rows, orient="index", columns=["estimate", "se", "df", "statistic", "p"]
        )

    def __repr__(self) -> str:
        """Show the model and its coefficients, then each note on its line."""
        if not self.converged:
            return "\n  ".join((f"{self.title}: no fit", *self.notes))
        lines = [
            f"{r.measure:24s} {r.estimate:10.4g}  se {r.se:9.4g}  t({r.df:.1f}) = "
            f"{r.statistic:.3f}, p = {r.p:.4g}"
            for r in self.coefficients()
        ]
        head = f"{self.title}: {self.patients} patients, {self.observations} observations"
        return "\n  ".join((head, *lines, *self.notes))


def fit_model(
    data: Data,
    names: Sequence[str],
    chain: Sequence[str],
    *,
    method: str,
    df: str,
    standard_errors: str,
    stopping: str,
    title: str,
    lost: IntArray,
    flags: int = 0,
) -> MixedModelFit:
    """Fit the structures of a chain to one table until one converges."""
    reml = method == "REML"
    usable, notes = usable_rows(data)
    flags |= int(notes[0] | flags_of(lost)[0])
    name, shape = chain[0], structure(chain[0], data.layout.visits)
    fit = fit_rows(data, shape, reml, np.zeros(1, dtype=np.bool_))
    for step, candidate in enumerate(chain if usable[0] else ()):
        shape = structure(candidate, data.layout.visits)
        if stopping == "mmrm":
            start = np.tile(mmrm_start(candidate, data.layout.visits), data.groups)
            fit = fit_like_mmrm(data, shape, reml, start)
        else:
            fit = fit_rows(data, shape, reml, usable)
        if fit.converged[0]:
            name = candidate
            flags |= int(STEPS[step - 1]) if step else 0
            break
    if usable[0] and not fit.converged[0]:
        flags |= int(Note.NO_COVARIANCE_FITTED)
    inference = infer(data, fit, shape, df, standard_errors)
    return _described(data, fit, inference, names, name, reml, df, title, flags, lost)


def _described(
    data: Data,
    fit: Fit,
    inference: Inference,
    names: Sequence[str],
    name: str,
    reml: bool,
    df: str,
    title: str,
    flags: int,
    lost: IntArray,
) -> MixedModelFit:
    good = bool(fit.converged[0])
    free = float(free_observations(data, reml)[0])
    loglik = float(fit.loglik[0]) - 0.5 * free * np.log(2.0 * np.pi)
    size = fit.theta.shape[1]
    covariance = fit.value[0][:, data.layout.products.entry]
    patients = int(data.patients[0])
    return MixedModelFit(
        title=title,
        names=tuple(names),
        estimate=fit.beta[0],
        covariance=inference.covariance[0],
        structure=name,
        visit_covariance=covariance[0] if data.groups == 1 else covariance,
        theta=fit.theta[0],
        loglik=loglik,
        aic=-2.0 * loglik + 2.0 * size,
        bic=-2.0 * loglik + size * float(np.log(max(patients, 1))),
        observations=int(data.observations[0]),
        patients=patients,
        converged=good,
        notes=sentences(Note(flags), patients, lost[0]),
        left_out=int(lost_patients(lost)[0]),
        _data=data,
        _fit=fit,
        _inference=inference,
        _df=df,
        _flags=flags,
        _lost=lost,
    )
