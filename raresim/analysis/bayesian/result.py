"""What a Bayesian analysis answers: one posterior, or those of a batch."""

from dataclasses import dataclass

import numpy as np

from raresim.analysis.arrays import BoolArray, FloatArray, IntArray
from raresim.analysis.left_out import flags_of
from raresim.analysis.notes import Note
from raresim.analysis.rows import one_row

TAIL = 0.025  # of the equal-tailed 95 % credible interval


@dataclass(frozen=True)
class Posterior:
    """The posterior of the effect in one trial.

    Attributes
    ----------
    method
        The model.
    measure
        What is unknown.
    mean, sd
        Of the posterior.
    low, high
        Equal-tailed 95 % credible limits.
    probability
        Posterior probability that the effect is above `margin`.
    margin
        On the scale of the comparison: a difference, or a ratio of rates.
    converged
        Whether there is a posterior.
    used, left_out
        Number of patients, and of those left out; the notes say why.
    notes
        Sentences to read with the numbers.
    """

    method: str
    measure: str
    mean: float
    sd: float
    low: float
    high: float
    probability: float
    margin: float
    converged: bool
    used: int
    notes: tuple[str, ...] = ()
    left_out: int = 0

    def __repr__(self) -> str:
        """Show the numbers, then each note on its line."""
        if not self.converged:
            head = f"{self.method}: no {self.measure} from {self.used} patients"
        else:
            head = (
                f"{self.method}: {self.measure} {self.mean:.4g} "
                f"(95 % credible {self.low:.4g} to {self.high:.4g})\n  "
                f"sd {self.sd:.4g}, P(above {self.margin:g}) = {self.probability:.4g}, "
                f"{self.used} patients"
            )
        return "\n  ".join((head, *self.notes))


@dataclass(frozen=True)
class Posteriors:
    """The same analysis of B trials: the fields of `Posterior` as arrays of shape (B,)."""

    method: str
    measure: str
    mean: FloatArray
    sd: FloatArray
    low: FloatArray
    high: FloatArray
    probability: FloatArray
    margin: float
    converged: BoolArray
    used: IntArray
    notes: IntArray
    left_out: IntArray

    def __len__(self) -> int:
        return self.mean.size

    def row(self, b: int) -> Posterior:
        """Give the posterior of row b alone."""
        return one_row(self, b, Posterior)


def posteriors(
    *,
    method: str,
    measure: str,
    mean: FloatArray,
    sd: FloatArray,
    low: FloatArray,
    high: FloatArray,
    probability: FloatArray,
    margin: float,
    converged: BoolArray,
    used: IntArray,
    notes: IntArray,
    left_out: IntArray,
) -> Posteriors:
    """Build the posteriors; rows without an answer get NaN and a note."""
    answered = converged & np.isfinite(mean) & np.isfinite(probability)
    notes = np.where(~answered & (notes == 0), int(Note.NOT_CONVERGED), notes)
    return Posteriors(
        method=method,
        measure=measure,
        mean=np.where(answered, mean, np.nan),
        sd=np.where(answered, sd, np.nan),
        low=np.where(answered, low, np.nan),
        high=np.where(answered, high, np.nan),
        probability=np.where(answered, probability, np.nan),
        margin=margin,
        converged=answered,
        used=used,
        notes=notes.astype(np.int64) | flags_of(left_out),
        left_out=left_out,
    )
