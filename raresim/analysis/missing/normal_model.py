"""The multivariate normal model of repeated outcomes with missing ones, by REML.

Y_i = z_i' B + e_i with e_i ~ N(0, Sigma_g), Sigma unstructured: every covariate has a coefficient
at each visit. It is the model from which R's rbmi imputes ("us" covariance, covariates by visit).
"""

from dataclasses import dataclass

import numpy as np

from raresim.analysis.arrays import BoolArray, FloatArray, IntArray, ordered_sum
from raresim.analysis.missing.stacked import (
    diagonal,
    inverse_of_part,
    least_pivot,
    product,
    transposed,
)
from raresim.analysis.missing.sums import Sums
from raresim.analysis.notes import Note

TOLERANCE = 1e-11  # change of a covariance in one step, in units of its standard deviations
MOST_CYCLES = 500  # of two steps each
SINGULAR = 1e-9  # share of a variance that the visits before leave unexplained
EXACT = 1e-14  # share of an outcome's variance that is left


@dataclass(frozen=True)
class NormalFit:
    """Estimates of R fits.

    Attributes
    ----------
    coefficient
        (R, q, T) of each column of the design at each visit.
    covariance
        (R, G, T, T) of each group.
    converged
        (R,) whether there are estimates.
    notes
        (R,) why not.
    """

    coefficient: FloatArray
    covariance: FloatArray
    converged: BoolArray
    notes: IntArray

    def part(self, begin: int, end: int) -> "NormalFit":
        """Keep the fits from ``begin`` to before ``end``."""
        kept = slice(begin, end)
        return NormalFit(
            self.coefficient[kept], self.covariance[kept], self.converged[kept], self.notes[kept]
        )


def repeated_normal(sums: Sums, start: FloatArray | None = None) -> NormalFit:
    """Fit the model by restricted maximum likelihood, for missing outcomes at random.

    The EM algorithm with B as a normal variable of flat prior, whose marginal likelihood is the
    restricted one. With V the inverse of the observed part of Sigma (zeros elsewhere),
    A = Sigma V, C the covariance of the generalised least squares estimate of B, E the sum of
    cross-products of the observed residuals, F the sum of z' C z and n patients in a cell of equal
    missingness, the next Sigma is the mean over patients of A (E + F) A' + n (Sigma - A Sigma).
    Only sums over cells enter, so that a step costs the same for any number of patients. After two
    steps SQUAREM extrapolates, as EM is slow where much is missing.

    Parameters
    ----------
    sums
        Of each fit, by `sums_of`.
    start
        (R, G, T, T) covariances to start from.

    References
    ----------
    Dempster AP, Laird NM, Rubin DB. J R Stat Soc B 1977;39:1-38. Patterson HD, Thompson R.
    Biometrika 1971;58:545-554. Varadhan R, Roland C. Scand J Stat 2008;35:335-353 (SQUAREM).
    """
    sigma = (
        _first(sums) if start is None else np.moveaxis(start, 0, -1).transpose(1, 2, 0, 3).copy()
    )
    notes = _shortcomings(sums)
    failed = notes != 0
    converged = np.zeros(sums.fits, dtype=np.bool_)
    coefficient = np.zeros((sums.columns, sums.visits, sums.fits))
    for _ in range(MOST_CYCLES):
        rows = np.flatnonzero(~failed & ~converged)
        if rows.size == 0:
            break
        singular = np.min(least_pivot(sigma[..., rows]), axis=0) < SINGULAR
        failed[rows[singular]] = True
        notes[rows[singular]] |= int(Note.TOO_FEW_PATIENTS)
        rows = rows[~singular]
        if rows.size == 0:
            continue
        own, old = sums.of(rows), sigma[..., rows]
        _, first = _step(own, old)
        coefficient[..., rows], second = _step(own, first)
        still = _change(first, second) <= TOLERANCE
        converged[rows] = still
        sigma[..., rows] = np.where(still, second, _leapt(old, first, second))
        exact = np.any(diagonal(second) <= EXACT * own.spread[:, None], axis=(0, 1))
        failed[rows[exact]] = True
        notes[rows[exact]] |= int(Note.NO_RESIDUAL_VARIATION)
    converged &= ~failed
    notes = np.where(~converged & (notes == 0), int(Note.NOT_CONVERGED), notes)
    return NormalFit(
        np.moveaxis(sums.restored(coefficient), -1, 0),
        np.moveaxis(sigma, (3, 2), (0, 1)),
        converged,
        notes,
    )


def _step(sums: Sums, sigma: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the coefficients (q, T, R) that go with covariances (T, T, G, R), and the next."""
    q, visits = sums.columns, sums.visits
    own = sigma[:, :, :1]  # (T, T, C, R)
    for group in range(1, sums.groups):
        own = np.where(sums.group == group, sigma[:, :, group, None], own)
    precision = inverse_of_part(np.broadcast_to(own, sums.yy.shape), sums.observed)
    information = np.zeros((q, visits, q, visits, sums.fits))
    for c in range(len(sums.number)):
        information += sums.zz[:, None, :, None, c] * precision[None, :, None, :, c]
    score = _over_cells(product(sums.zy, precision)).reshape(q * visits, -1)
    coefficient, spread = sums.solve(information.reshape(q * visits, q * visits, -1), score)
    spread = spread.reshape(q, visits, q, visits, -1)
    crossed = product(transposed(coefficient)[:, :, None], sums.zy)
    residual = sums.yy - crossed - transposed(crossed)
    for a in range(q):
        for b in range(q):
            square = spread[a, :, b] + coefficient[a, :, None] * coefficient[b]
            residual = residual + sums.zz[a, b] * square[:, :, None]
    seen = sums.observed[:, None] & sums.observed[None]
    unseen = ~sums.observed[:, None] & ~sums.observed[None]
    eye = np.eye(visits)[:, :, None, None]
    fill = np.where(sums.observed[:, None], eye * seen, product(own, precision))
    moments = product(product(fill, np.where(seen, residual, 0.0)), transposed(fill))
    moments = moments + sums.number * np.where(unseen, own - product(fill, own), 0.0)
    new = np.stack(
        [_over_cells(np.where(sums.group == g, moments, 0.0)) for g in range(sums.groups)], axis=2
    )
    new = new / sums.patients
    return coefficient, (new + transposed(new)) / 2.0


def _leapt(old: FloatArray, first: FloatArray, second: FloatArray) -> FloatArray:
    """Leap ahead of two EM steps where that stays a covariance (SQUAREM, step length S3)."""
    scale = _scale(second)
    went, bent = (first - old) / scale, (second - 2.0 * first + old) / scale
    length, turn = (ordered_sum((x * x).reshape(-1, x.shape[-1]).T) for x in (went, bent))
    step = np.maximum(np.sqrt(length / np.where(turn > 0.0, turn, np.inf)), 1.0)
    ahead = old + scale * (2.0 * step * went + step * step * bent)
    safe = np.min(least_pivot(ahead), axis=0) > SINGULAR
    return np.where(safe, ahead, second)


def _over_cells(values: FloatArray) -> FloatArray:
    """Add over the cells of (..., C, R)."""
    total = np.zeros((*values.shape[:-2], values.shape[-1]))
    for c in range(values.shape[-2]):
        total += values[..., c, :]
    return total


def _change(old: FloatArray, new: FloatArray) -> FloatArray:
    largest: FloatArray = np.max(np.abs(new - old) / _scale(old), axis=(0, 1, 2))
    return largest


def _scale(sigma: FloatArray) -> FloatArray:
    """Return products of standard deviations, 1 where there is none: such rows are given up."""
    root = np.sqrt(np.maximum(diagonal(sigma), 0.0))
    root = np.where(root > 0.0, root, 1.0)
    found: FloatArray = root[:, None] * root[None]
    return found


def _first(sums: Sums) -> FloatArray:
    """Start from the observed variances, without correlation."""
    positive = np.where(sums.spread > 0.0, sums.spread, 1.0)
    one = positive[:, None] * np.eye(sums.visits)[:, :, None]
    return np.repeat(one[:, :, None], sums.groups, axis=2)


def _shortcomings(sums: Sums) -> IntArray:
    """Say which fits cannot be made: a visit, or two visits together, that too few have."""
    notes = np.zeros(sums.fits, dtype=np.int64)
    # the visit that r others have more often is regressed on the design and these r visits; without
    # a patient to spare the likelihood has no maximum, and EM would creep towards a singular Sigma
    needed = sums.columns - (sums.groups - 1) + np.arange(sums.visits) + 1
    for group in range(sums.groups):
        own = sums.number * (sums.group == group)
        each = _over_cells(own * sums.observed)
        few = np.any(np.sort(each, axis=0)[::-1] < needed[:, None], axis=0)
        notes |= Note.TOO_FEW_PATIENTS * (few & np.all(each > 0.0, axis=0))
    whole = _over_cells(sums.zz)
    notes |= Note.SINGULAR_DESIGN * ((notes == 0) & (least_pivot(whole) < SINGULAR))
    for t in range(sums.visits):
        at = _over_cells(sums.zz * sums.observed[t])
        notes |= Note.VISIT_TOO_SPARSE * ((notes == 0) & (least_pivot(at) < SINGULAR))
        notes |= Note.NO_RESIDUAL_VARIATION * ((notes == 0) & ~(sums.spread[t] > 0.0))
        for s in range(t):
            for group in range(sums.groups):
                both = sums.observed[t] & sums.observed[s] & (sums.group == group)
                pairs = _over_cells(sums.number * both)
                notes |= Note.VISIT_TOO_SPARSE * ((notes == 0) & (pairs < 2.0))
    return notes
