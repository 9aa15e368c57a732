"""From sums over pairs to win ratio, win odds and net benefit with their variances."""

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from raresim.analysis.arrays import FloatArray, Scalar
from raresim.analysis.hierarchical.pair_sums import PairSums

Variance = Literal["null", "projection", "second_order"]
Weights = Literal["mantel_haenszel", "equal", "size", "inverse_variance"]


@dataclass(frozen=True)
class Counts:
    """Wins and losses in so many pairs, with the (co)variances of the two counts; all (B,)."""

    pairs: FloatArray
    wins: FloatArray
    losses: FloatArray
    var_wins: FloatArray
    cov: FloatArray
    var_losses: FloatArray

    @property
    def var_difference(self) -> FloatArray:
        """The variance of wins less losses."""
        return self.var_wins - 2.0 * self.cov + self.var_losses

    def times(self, weight: FloatArray) -> "Counts":
        """Weigh all pairs alike."""
        square = weight * weight
        return Counts(
            self.pairs * weight,
            self.wins * weight,
            self.losses * weight,
            self.var_wins * square,
            self.cov * square,
            self.var_losses * square,
        )


# the estimate and its variance, each (B,)
Estimate = tuple[FloatArray, FloatArray]


def added(parts: Sequence[npt.NDArray[Scalar]]) -> npt.NDArray[Scalar]:
    """Add the strata one after the other, so that empty ones change no bit."""
    return functools.reduce(np.add, parts)


def counts_of(sums: PairSums, variance: Variance) -> Counts:
    """Give the wins and losses of one stratum with the (co)variances asked for."""
    own = np.stack((sums.treated, sums.control), axis=1)
    other = own[:, ::-1]
    pairs = sums.treated * sums.control
    some = np.maximum(own, 1.0)
    wins, losses = sums.wins[:, None], sums.losses[:, None]
    if variance == "null":
        # centred at chances p of a win and p of a loss; products of a pair with itself left out
        p = (wins + losses) / 2.0 / np.maximum(pairs, 1.0)[:, None]
        itself = (wins * (1.0 - 2.0 * p), -p * (wins + losses), losses * (1.0 - 2.0 * p))
        shift = pairs[:, None] * p * p
        terms = [
            (square - cross * other * p + shift * other - alone - shift)
            * (other / np.maximum(other - 1.0, 1.0))
            for square, cross, alone in zip(
                (sums.ww, sums.wl, sums.ll),
                (2.0 * wins, wins + losses, 2.0 * losses),
                itself,
                strict=True,
            )
        ]
    else:
        terms = [
            sums.ww - wins * wins / some,
            sums.wl - wins * losses / some,
            sums.ll - losses * losses / some,
        ]
    a, b, c = (term[:, 0] + term[:, 1] for term in terms)
    if variance == "second_order":
        left = [
            alone
            - both[:, 0] / some[:, 1]
            - both[:, 1] / some[:, 0]
            + product / np.maximum(pairs, 1.0)
            for alone, both, product in zip(
                (sums.wins, np.zeros_like(sums.wins), sums.losses),
                (sums.ww, sums.wl, sums.ll),
                (sums.wins**2, sums.wins * sums.losses, sums.losses**2),
                strict=True,
            )
        ]
        a, b, c = a + left[0], b + left[1], c + left[2]
    return Counts(pairs, sums.wins, sums.losses, a, b, c)


def combined(
    counts: Sequence[Counts], sizes: Sequence[FloatArray], weights: Weights, null: bool
) -> tuple[Estimate, Estimate, Estimate]:
    """Give the log win ratio, the log win odds and the net benefit over the strata."""
    if weights in ("equal", "mantel_haenszel"):
        weighted = [
            count.times(np.ones_like(size) if weights == "equal" else 1.0 / np.maximum(size, 1.0))
            for count, size in zip(counts, sizes, strict=True)
        ]
        together = Counts(
            *(
                added([getattr(count, name) for count in weighted])
                for name in Counts.__dataclass_fields__
            )
        )
        return _estimates(together, null)
    found = [_estimates(count, null) for count in counts]
    mean = _mean_of_ratios if weights == "size" else _inverse_variance_mean
    ratio, odds, benefit = (
        mean([each[k] for each in found], sizes, logarithm=k < 2) for k in range(3)
    )
    return ratio, odds, benefit


def _estimates(count: Counts, null: bool) -> tuple[Estimate, Estimate, Estimate]:
    some = count.pairs > 0.0
    pairs = np.where(some, count.pairs, 1.0)
    both = (count.wins > 0.0) & (count.losses > 0.0)
    wins, losses = np.where(both, count.wins, 1.0), np.where(both, count.losses, 1.0)
    at_w, at_l = ((wins + losses) / 2.0,) * 2 if null else (wins, losses)
    ratio = count.var_wins / at_w**2 - 2.0 * count.cov / (at_w * at_l) + count.var_losses / at_l**2
    net = (count.wins - count.losses) / pairs
    inside = some & (np.abs(net) < 1.0)
    odds = np.where(inside, net, 0.0)
    slope = 2.0 if null else 2.0 / (1.0 - odds * odds)
    spread = count.var_difference / (pairs * pairs)
    return (
        (np.where(both, np.log(wins / losses), np.nan), ratio),
        (np.where(inside, np.log1p(odds) - np.log1p(-odds), np.nan), slope * slope * spread),
        (np.where(some, net, np.nan), spread),
    )


def _mean_of_ratios(
    strata: Sequence[Estimate], sizes: Sequence[FloatArray], *, logarithm: bool
) -> Estimate:
    """Average ratios (not their logarithms) by the size of the strata, as WINS does.

    WINS takes the variance of each stratum's ratio to be that of its logarithm, as it is at a
    ratio of 1, and divides the sum by the square of the mean ratio.
    """
    total = np.maximum(added(sizes), 1.0)
    estimate = variance = np.zeros_like(total)
    for (value, spread), size in zip(strata, sizes, strict=True):
        share, here = size / total, size > 0.0
        estimate = estimate + np.where(here, share * (np.exp(value) if logarithm else value), 0.0)
        variance = variance + np.where(here, share * share * spread, 0.0)
    if not logarithm:
        return estimate, variance
    some = estimate > 0.0
    mean = np.where(some, estimate, 1.0)
    return np.where(some, np.log(mean), np.nan), variance / mean**2


def _inverse_variance_mean(
    strata: Sequence[Estimate], sizes: Sequence[FloatArray], *, logarithm: bool
) -> Estimate:
    del logarithm
    total = weighted = np.zeros_like(sizes[0])
    for (value, spread), size in zip(strata, sizes, strict=True):
        weight = np.where(spread > 0.0, 1.0 / np.where(spread > 0.0, spread, 1.0), np.nan)
        total = total + np.where(size > 0.0, weight, 0.0)
        weighted = weighted + np.where(size > 0.0, weight * value, 0.0)
    some = total > 0.0
    total = np.where(some, total, np.nan)
    return weighted / total, 1.0 / total
