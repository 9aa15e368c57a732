"""What a joint stage regression answers: one fit, or those of a batch."""

from dataclasses import dataclass

import numpy as np

from raresim.analysis.arrays import BoolArray, FloatArray, IntArray
from raresim.analysis.result import Results, wald_results
from raresim.analysis.rows import one_row
from raresim.errors import InputError


@dataclass(frozen=True)
class JointStageFit:
    """Response rates of K treatments in one trial of two stages.

    Attributes
    ----------
    method
        The model.
    rates, rate_se
        (K,) response rate of each treatment and its standard error.
    regimes, regime_se
        (K, K) chance to respond in the end under the regime "start with the row's treatment,
        stay on it after a response, else change to the column's"; NaN on the diagonal.
    converged
        Whether there are estimates.
    used, left_out
        Number of patients, and of those left out; the notes say why.
    notes
        Sentences to read with the numbers.
    """

    method: str
    rates: FloatArray
    rate_se: FloatArray
    regimes: FloatArray
    regime_se: FloatArray
    converged: bool
    used: int
    notes: tuple[str, ...] = ()
    left_out: int = 0

    def __repr__(self) -> str:
        """Show the rates, then each note on its line."""
        if not self.converged:
            head = f"{self.method}: no response rates from {self.used} patients"
        else:
            rates = ", ".join(
                f"{rate:.4g} (se {se:.4g})"
                for rate, se in zip(self.rates.tolist(), self.rate_se.tolist(), strict=True)
            )
            head = f"{self.method}: response rates {rates}; {self.used} patients"
        return "\n  ".join((head, *self.notes))


@dataclass(frozen=True)
class JointStageFits:
    """The same model in B trials: the fields of `JointStageFit` with a leading axis.

    Attributes
    ----------
    covariance
        (B, K, K) covariances of the rates.
    """

    method: str
    rates: FloatArray
    rate_se: FloatArray
    covariance: FloatArray
    regimes: FloatArray
    regime_se: FloatArray
    converged: BoolArray
    used: IntArray
    notes: IntArray
    left_out: IntArray

    def __len__(self) -> int:
        return self.used.size

    def row(self, b: int) -> JointStageFit:
        """Give the fit of row b alone."""
        return one_row(self, b, JointStageFit)

    def difference(self, treated: int, control: int) -> Results:
        """Compare two treatments: difference in response rate, with the normal.

        Raises
        ------
        InputError
            If these are not two of the treatments.
        """
        number = self.rates.shape[1]
        if treated == control or not (0 <= treated < number and 0 <= control < number):
            raise InputError(
                f"treated, control: found {treated} and {control}; expected two different numbers "
                f"from 0 to {number - 1}."
            )
        variance = (
            self.covariance[:, treated, treated]
            + self.covariance[:, control, control]
            - 2.0 * self.covariance[:, treated, control]
        )
        return wald_results(
            method=self.method,
            measure="difference in response rate",
            estimate=self.rates[:, treated] - self.rates[:, control],
            se=np.sqrt(np.maximum(variance, 0.0)),
            converged=self.converged,
            used=self.used,
            notes=self.notes,
            left_out=self.left_out,
        )
