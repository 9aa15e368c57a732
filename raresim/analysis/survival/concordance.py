"""Harrell's concordance of a score with times to an event."""

from dataclasses import dataclass

import numpy as np

from raresim.analysis.arrays import (
    BoolArray,
    CodeArray,
    FloatArray,
    IntArray,
    NumberArray,
    ordered_sum,
)
from raresim.analysis.left_out import flags_of, left_out
from raresim.analysis.notes import Note
from raresim.analysis.result import NORMAL_975
from raresim.analysis.rows import batch_of_one, said


@dataclass(frozen=True)
class Concordance:
    """Concordance of B trials: arrays (B,); `row` gives one of them.

    Attributes
    ----------
    concordance, se
        The share of pairs in which who has the event first has the higher score, ties counting
        half, and its standard error.
    ci_low, ci_high
        95 % confidence limits, within 0 and 1.
    concordant, discordant, tied
        Comparable pairs by their scores.
    used, converged, notes, left_out
        As in `Results`.
    """

    concordance: FloatArray
    se: FloatArray
    ci_low: FloatArray
    ci_high: FloatArray
    concordant: IntArray
    discordant: IntArray
    tied: IntArray
    used: IntArray
    converged: BoolArray
    notes: IntArray
    left_out: IntArray

    def __len__(self) -> int:
        return self.concordance.size

    def row(self, b: int) -> "Concordance":
        """Give row b as a batch of one."""
        return batch_of_one(self, b)

    def __repr__(self) -> str:
        """Show the numbers of a batch of one, then each note on its line."""
        if len(self) != 1:
            return f"concordance in {len(self)} trials"
        head = f"concordance: no comparable pairs of {self.used[0]} patients"
        if self.converged[0]:
            head = (
                f"concordance {self.concordance[0]:.4g} (95 % CI {self.ci_low[0]:.4g} to "
                f"{self.ci_high[0]:.4g}), se {self.se[0]:.4g}, {self.used[0]} patients"
            )
        return "\n  ".join((head, *said(self, 0)))


def concordance(
    time: NumberArray,
    event: BoolArray,
    score: FloatArray,
    present: BoolArray,
    stratum: CodeArray | None = None,
) -> Concordance:
    """Measure how well a score tells who has the event first: Harrell's C.

    A pair of patients (of the same stratum) is comparable if one is known to have the event
    first: an event before the other's time, or at the time at which the other is censored. Two
    events at the same time are not. C = (concordant + tied scores / 2) / comparable; 1/2 means
    that the score tells nothing. A higher score stands for an earlier event, as a hazard does.

    The variance is the infinitesimal jackknife of R's survival::concordance: with c_i and n_i
    the concordant (ties half) and comparable pairs of patient i, the sum of
    ((c_i - C n_i)/comparable)^2. It takes the score as given: that a Cox model was fitted to the
    same patients is not in it, and C is then too good for other patients.

    Parameters
    ----------
    time, event, present, stratum
        As in `logrank`.
    score
        (B, n) the score, NaN if missing; such patients are left out.

    References
    ----------
    Harrell FE, Lee KL, Mark DB. Stat Med 1996;15:361-387.

    Examples
    --------
    >>> time = np.array([[1, 2, 3, 4, 5, 6]])
    >>> event = np.array([[True, True, False, True, True, False]])
    >>> score = np.array([[2.0, 3.0, 0.5, 1.5, 0.5, 1.0]])
    >>> concordance(time, event, score, np.ones((1, 6), dtype=bool)).row(0)
    concordance 0.8333 (95 % CI 0.6842 to 0.9824), se 0.07607, 6 patients
    """
    batch = time.shape[0]
    found = np.zeros((batch, 3), dtype=np.int64)
    share, se = np.full(batch, np.nan), np.full(batch, np.nan)
    known = present & ~np.isnan(score)
    for b in range(batch):
        own = np.flatnonzero(known[b])
        strata = None if stratum is None else stratum[b, own]
        first = _first(time[b, own], event[b, own], strata)
        difference = score[b, own][:, None] - score[b, own][None, :]
        right, tied = first & (difference > 0.0), first & (difference == 0.0)
        pairs = np.count_nonzero(first)
        counts = np.count_nonzero(right), np.count_nonzero(tied)
        found[b] = counts[0], pairs - sum(counts), counts[1]
        if pairs > 0:  # halves and counts are exact, in whatever order they are added
            share[b] = (counts[0] + 0.5 * counts[1]) / pairs
            mine = _of_patients(right) + 0.5 * _of_patients(tied) - share[b] * _of_patients(first)
            se[b] = np.sqrt(ordered_sum((mine / pairs) ** 2))
    converged, lost = ~np.isnan(share), left_out(covariate=present & ~known)
    notes: IntArray = (
        Note.NO_EVENTS * ~np.any(event & known, axis=1)
        | Note.NO_PAIR_DECIDED * (~converged & np.any(event & known, axis=1))
        | Note.VARIANCE_NOT_ESTIMABLE * (se == 0.0)
    )
    se = np.where(se > 0.0, se, np.nan)
    return Concordance(
        concordance=share,
        se=se,
        ci_low=np.maximum(share - NORMAL_975 * se, 0.0),
        ci_high=np.minimum(share + NORMAL_975 * se, 1.0),
        concordant=found[:, 0],
        discordant=found[:, 1],
        tied=found[:, 2],
        used=np.count_nonzero(known, axis=1).astype(np.int64),
        converged=converged,
        notes=notes.astype(np.int64) | flags_of(lost),
        left_out=lost,
    )


def _first(time: NumberArray, event: BoolArray, stratum: CodeArray | None) -> BoolArray:
    """Say of which pairs (i, j) patient i is known to have the event first."""
    here, there = time[:, None], time[None, :]
    first: BoolArray = event[:, None] & ((here < there) | ((here == there) & ~event[None, :]))
    return first if stratum is None else first & (stratum[:, None] == stratum[None, :])


def _of_patients(pairs: BoolArray) -> FloatArray:
    """Count the pairs of each patient."""
    both: FloatArray = np.count_nonzero(pairs, axis=0) + np.count_nonzero(pairs, axis=1) + 0.0
    return both
