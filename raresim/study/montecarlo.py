"""Monte Carlo means and quantiles with their standard errors, clustered by parameter draw.

Source: Morris, White & Crowther, Using simulation studies to evaluate statistical methods, Stat Med
2019;38:2074-2102 (Monte Carlo standard errors); Cameron & Miller, J Hum Resour 2015;50:317-372
(cluster-robust variance of a mean).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Clusters = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Figure:
    """A simulated figure, its Monte Carlo standard error, and the replicates behind it."""

    value: float | None
    mcse: float | None
    replicates: int

    def dict(self) -> dict[str, float | int | None]:
        """Return the figure as a dictionary."""
        return asdict(self)


NOTHING = Figure(None, None, 0)


def mean(values: npt.ArrayLike, clusters: Clusters) -> Figure:
    """Return the mean and sqrt(G / (G - 1) * sum_g (sum_{i in g} (x_i - mean))²) / R.

    Parameters
    ----------
    values
        One value for each replicate; NaN where the replicate has none.
    clusters
        The draw to which each replicate belongs.

    Examples
    --------
    >>> mean([0.0, 1.0, 1.0, 0.0], np.arange(4)).value
    0.5
    """
    values = np.asarray(values, np.float64)
    known = ~np.isnan(values)
    count = int(known.sum())
    if count == 0:
        return NOTHING
    x, group = values[known], clusters[known]
    centre = float(np.mean(x))
    sums = np.bincount(_numbered(group), weights=x - centre)
    g = len(sums)
    if g < 2:
        return Figure(centre, None, count)
    error = np.sqrt(g / (g - 1) * float(np.sum(sums**2))) / count
    return Figure(centre, float(error), count)


def _numbered(group: Clusters) -> Clusters:
    """Return each value's cluster, counted from 0 in the order of the clusters."""
    steps = np.diff(group)
    if (steps >= 0).all():  # as in every run: far faster than sorting
        return np.concatenate([[0], np.cumsum(steps > 0)])
    return np.asarray(np.unique(group, return_inverse=True)[1])


def proportion(hits: npt.ArrayLike, clusters: Clusters) -> Figure:
    """Return a share of replicates; at 0 or 1 the error is that of one replicate more or less.

    The plug-in error of a share of 0 or 1 is zero, which would claim certainty: it is floored at
    sqrt(q (1 - q) / R) with q = 1 / (R + 2).
    """
    return _floored(mean(hits, clusters))


def _floored(found: Figure) -> Figure:
    if found.value is None or found.mcse is None:
        return found
    return Figure(found.value, max(found.mcse, floor(found.replicates)), found.replicates)


def floor(replicates: int) -> float:
    """Return the least error that a share of so many replicates may claim."""
    q = 1 / (replicates + 2)
    return float(np.sqrt(q * (1 - q) / replicates))


def difference(hits: npt.ArrayLike, others: npt.ArrayLike, clusters: Clusters) -> Figure:
    """Return the difference of two shares on the same luck, its error from the paired replicates.

    Where no replicate differs the error is that of one that might, as in `proportion`.

    >>> difference([1.0, 1.0, 0.0, 1.0], [1.0, 0.0, 0.0, 1.0], np.arange(4)).value
    0.25
    """
    found = mean(np.asarray(hits, np.float64) - np.asarray(others, np.float64), clusters)
    return _floored(found)


def quantile(values: npt.ArrayLike, level: float, clusters: Clusters) -> Figure:
    """Return a quantile; its error is half the distance of the quantiles one error of level apart.

    The error of the level is that of the share of replicates below the quantile, clustered by draw
    (Woodruff's interval turned into a standard error).
    Source: Woodruff, J Am Stat Assoc 1952;47:635-646.
    """
    return quantiles(values, (level,), clusters)[0]


def quantiles(
    values: npt.ArrayLike, levels: Sequence[float], clusters: Clusters
) -> tuple[Figure, ...]:
    """Return several quantiles of the same values, as `quantile` does each."""
    values = np.asarray(values, np.float64)
    known = ~np.isnan(values)
    if not known.any():
        return (NOTHING,) * len(levels)
    x, group = values[known], clusters[known]
    ordered = np.sort(x)  # once for all: a quantile of what is in order is there at once
    return tuple(_quantile(x, ordered, level, group) for level in levels)


def _quantile(x: Floats, ordered: Floats, level: float, clusters: Clusters) -> Figure:
    found = float(np.quantile(ordered, level))
    error = mean((x <= found).astype(np.float64), clusters).mcse
    if error is None:
        return Figure(found, None, len(x))
    low, high = np.quantile(ordered, [max(level - error, 0), min(level + error, 1)])
    return Figure(found, float(high - low) / 2, len(x))


def spread(values: npt.ArrayLike, clusters: Clusters) -> Figure:
    """Return the standard deviation; its error by the delta method from that of the variance."""
    values = np.asarray(values, np.float64)
    centre = np.nanmean(values) if not np.all(np.isnan(values)) else np.nan
    of_square = mean((values - centre) ** 2, clusters)
    if of_square.value is None or of_square.replicates < 2:
        return NOTHING
    sd = float(np.sqrt(of_square.value * of_square.replicates / (of_square.replicates - 1)))
    error = of_square.mcse / (2 * sd) if of_square.mcse is not None and sd > 0 else None
    return Figure(sd, error, of_square.replicates)


def between(hits: npt.NDArray[np.bool_], clusters: Clusters) -> Figure:
    """Return the SD between draws of the chance of a hit, by the analysis-of-variance estimator.

    With m replicates a draw and shares s_g of hits, the variance is that of s_g less the mean of
    s_g (1 - s_g) / (m - 1), held at zero; its error is that of a mean over draws, and that of
    the SD follows by the delta method.
    """
    _, number, sizes = np.unique(clusters, return_inverse=True, return_counts=True)
    m = int(sizes.max())
    whole = sizes == m  # the last draw may be cut short by the number of replicates
    draws = int(whole.sum())
    if m < 2 or draws < 2:
        return NOTHING
    share = np.bincount(number, weights=hits.astype(np.float64))[whole] / m
    centred = (share - share.mean()) ** 2 * draws / (draws - 1)
    parts = centred - share * (1 - share) / (m - 1)
    error = float(np.std(parts, ddof=1) / np.sqrt(draws))
    sd = float(np.sqrt(max(0.0, float(np.mean(parts)))))
    if error == 0:
        return Figure(sd, 0.0, m * draws)
    return Figure(sd, error / (2 * max(sd, float(np.sqrt(error)))), m * draws)
