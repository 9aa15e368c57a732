"""Reference-based imputation: the law from which a patient's missing outcomes come."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from raresim.analysis.arrays import BoolArray, FloatArray, IntArray
from raresim.analysis.small_matrices import (
    cholesky,
    inverse_of_part,
    product,
    transposed,
)

Strategy = Literal["MAR", "J2R", "CIR", "CR"]


@dataclass(frozen=True)
class Laws:
    """For each of n patients under each of R fits, the law of all outcomes given those observed.

    Attributes
    ----------
    mean
        (R, n, T) mean before anything was observed.
    fill
        (R, n, T, T) what makes the conditional mean of the difference observed - mean: ones on the
        diagonal of observed visits, regression on them for missing ones.
    root
        (R, n, T, T) Cholesky root of the conditional covariance of the missing visits.
    """

    mean: FloatArray
    fill: FloatArray
    root: FloatArray

    def complete(self, outcome: FloatArray, normal: FloatArray | None = None) -> FloatArray:
        """Fill in the missing outcomes (n, T) by their conditional means, or draws around them.

        ``normal`` (R, n, T) are standard normal draws. Returns (R, n, T).
        """
        seen = ~np.isnan(outcome)
        away = np.where(seen, outcome - self.mean, 0.0)
        filled = self.mean + product(self.fill, away[..., None])[..., 0]
        if normal is not None:
            filled = filled + product(self.root, normal[..., None])[..., 0]
        return np.where(seen, outcome, filled)


def laws(
    own: FloatArray,
    reference: FloatArray,
    covariance: FloatArray,
    covariance_reference: FloatArray,
    observed: BoolArray,
    stop: IntArray,
    strategy: Strategy,
) -> Laws:
    """Give the laws of all patients.

    Up to the visit before ``stop`` the patient is as the own arm, from ``stop`` on:

    - MAR: as the own arm
    - J2R, jump to reference: the mean is the reference's
    - CIR, copy increments in reference: the mean moves on from the own arm's last mean before
      ``stop`` by the increments of the reference's; without a visit before, as J2R
    - CR, copy reference: the patient is as the reference at all visits, also before

    For J2R and CIR the covariance is the own arm's before ``stop``, and later visits have the
    regression on earlier ones that the reference has.

    Parameters
    ----------
    own, reference
        (R, n, T) means of each patient in the own arm and, with the same covariates, in the
        reference arm.
    covariance, covariance_reference
        (R, n, T, T) of the own and of the reference arm.
    observed
        (n, T) which outcomes are known.
    stop
        (n,) first visit affected by the intercurrent event; T where there is none.
    strategy
        One of the four.

    References
    ----------
    Carpenter JR, Roger JH, Kenward MG. J Biopharm Stat 2013;23:1352-1371.

    Examples
    --------
    >>> own, reference = np.array([[[1.0, 4.0]]]), np.array([[[0.0, 2.0]]])
    >>> sigma = np.array([[[[1.0, 0.5], [0.5, 1.0]]]])
    >>> seen, stop = np.array([[True, False]]), np.array([1])
    >>> outcome = np.array([[3.0, np.nan]])
    >>> for strategy in ("MAR", "J2R", "CIR", "CR"):
    ...     law = laws(own, reference, sigma, sigma, seen, stop, strategy)
    ...     print(strategy, law.complete(outcome)[0, 0])
    MAR [3. 5.]
    J2R [3. 3.]
    CIR [3. 4.]
    CR [3.  3.5]
    """
    visits = observed.shape[1]
    before = np.arange(visits) < stop[:, None]
    moved = stop < visits
    if strategy == "MAR":
        mean, sigma = own, covariance
    elif strategy == "CR":
        mean = np.where(moved[:, None], reference, own)
        sigma = np.where(moved[:, None, None], covariance_reference, covariance)
    else:
        later = reference
        if strategy == "CIR":
            last = np.maximum(stop - 1, 0)[None, :, None]
            gap = np.take_along_axis(own - reference, np.broadcast_to(last, (*own.shape[:2], 1)), 2)
            later = reference + np.where((stop > 0)[:, None], gap, 0.0)
        mean = np.where(before, own, later)
        sigma = _joined(covariance, covariance_reference, before)
    precision = inverse_of_part(sigma, np.broadcast_to(observed, sigma.shape[:-1]))
    both = observed[:, :, None] & observed[:, None, :]
    fill = np.where(observed[:, :, None], np.eye(visits) * both, product(sigma, precision))
    unseen = ~observed[:, :, None] & ~observed[:, None, :]
    root = cholesky(np.where(unseen, sigma - product(fill, sigma), 0.0))
    return Laws(mean, fill, root)


def _joined(own: FloatArray, reference: FloatArray, before: BoolArray) -> FloatArray:
    """Join the own covariance before the stop with the reference's regression after it."""
    early = np.broadcast_to(before, own.shape[:-1])
    both = early[..., :, None] & early[..., None, :]
    neither = ~early[..., :, None] & ~early[..., None, :]
    slope = np.where(
        ~early[..., :, None], product(reference, inverse_of_part(reference, early)), 0.0
    )
    known = np.where(both, own, 0.0)
    across = product(slope, known)
    left = reference - product(slope, np.where(early[..., :, None], reference, 0.0))
    late = np.where(neither, left + product(across, transposed(slope)), 0.0)
    found: FloatArray = known + across + transposed(across) + late
    return found
