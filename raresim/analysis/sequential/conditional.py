"""What a trial with looks may still show, given what a look has shown."""

from collections.abc import Sequence

import numpy as np

from raresim.analysis.arrays import FloatArray
from raresim.analysis.sequential.exits import Exits, exit_probabilities, rising
from raresim.errors import InputError

NODES, NODE_WEIGHTS = np.polynomial.legendre.leggauss(96)
WIDE = 8.5  # half-width of the posterior that is integrated, in standard deviations


def conditional_exits(
    information: Sequence[float],
    upper: Sequence[float],
    look: int,
    z: float,
    theta: float | None = None,
    *,
    lower: Sequence[float] | None = None,
) -> Exits:
    """Give the probability to stop at each look to come, given z at look ``look``.

    Given Z_i = z the increments after look i are a group-sequential trial of their own, with
    boundaries (u_k sqrt(I_k) - z sqrt(I_i)) / sqrt(I_k - I_i), as gsDesign's gsCP has them.

    Parameters
    ----------
    information
        (K,) information at the looks, planned or observed.
    upper, lower
        (K,) boundaries; futility counts where ``lower`` is given, else it is overruled.
    look
        Number of looks that have been taken, 1 to K - 1.
    z
        The statistic of that look; it need not be one with which the trial goes on.
    theta
        The true effect on the scale of ``information``; by default the one seen, z / sqrt(I).

    Returns
    -------
    Exits whose arrays have shape (K - look,), information counted from that look on.

    Raises
    ------
    InputError
        If there is no such look or the arguments do not fit.

    References
    ----------
    Jennison C, Turnbull BW. Group Sequential Methods, Chapman & Hall 2000, chapter 10. Lan KKG,
    Simon R, Halperin M. Sequential Analysis 1982;1:207-219.

    Examples
    --------
    >>> exits = conditional_exits((1.0, 2.0), (2.797, 1.977), 1, 1.0, 2.5)
    >>> exits.upper.round(4)
    array([0.7593])
    """
    levels, reached = _looks(information, look)
    if upper is None:
        raise InputError("upper: found None; expected one value for each look.")
    if not np.isfinite(z):
        raise InputError(f"z: found {z}; expected the statistic of look {look}.")
    ahead = np.array(levels[look:])
    left = ahead - reached
    moved = [
        None if bound is None else _moved(bound, ahead, z * np.sqrt(reached), left, look)
        for bound in (upper, lower)
    ]
    effect = z / np.sqrt(reached) if theta is None else theta
    assert moved[0] is not None
    return exit_probabilities(left.tolist(), moved[0], moved[1], effect)


def _looks(information: Sequence[float], look: int) -> tuple[tuple[float, ...], float]:
    """Check the looks; return their information and that of the look taken."""
    levels = rising("information", information)
    if not 1 <= look < len(levels) or look != int(look):
        raise InputError(f"look: found {look}; expected 1 to {len(levels) - 1}.")
    return levels, levels[look - 1]


def _moved(
    bound: Sequence[float], ahead: FloatArray, stands: float, left: FloatArray, look: int
) -> list[float]:
    later = np.atleast_1d(np.asarray(bound, dtype=np.float64))[look:]
    if later.shape != ahead.shape:
        raise InputError(f"upper, lower: found {bound}; expected one value for each look.")
    moved: list[float] = ((later * np.sqrt(ahead) - stands) / np.sqrt(left)).tolist()
    return moved


def conditional_power(
    information: Sequence[float],
    upper: Sequence[float],
    look: int,
    z: float,
    theta: float | None = None,
    *,
    lower: Sequence[float] | None = None,
) -> float:
    """Give the probability to reject at some look to come, given z at look ``look``.

    For a fixed effect ``theta`` or, by default, under the current trend. See
    `conditional_exits`, of which this is the sum.

    Examples
    --------
    >>> round(conditional_power((1.0, 2.0), (2.797, 1.977), 1, 1.0), 4)
    0.213
    """
    return float(conditional_exits(information, upper, look, z, theta, lower=lower).upper.sum())


def predictive_power(
    information: Sequence[float],
    upper: Sequence[float],
    look: int,
    z: float,
    *,
    lower: Sequence[float] | None = None,
    prior_mean: float = 0.0,
    prior_sd: float = np.inf,
    grid: tuple[Sequence[float], Sequence[float]] | None = None,
) -> float:
    """Give the conditional power averaged over what is believed of the effect after the look.

    Parameters
    ----------
    information, upper, look, z, lower
        As in `conditional_exits`.
    prior_mean, prior_sd
        A normal prior of theta; by default flat.
    grid
        Instead, values of theta and their prior weights, as in gsDesign's gsPP.

    Raises
    ------
    InputError
        If the prior has no spread or weights, or as `conditional_exits`.

    References
    ----------
    Spiegelhalter DJ, Freedman LS, Blackburn PR. Control Clin Trials 1986;7:8-17.

    Examples
    --------
    With a flat prior and one look to come this is Phi((z sqrt(I2/I1) - u) sqrt(I1/(I2 - I1))).

    >>> round(predictive_power((1.0, 2.0), (2.797, 1.977), 1, 1.0), 4)
    0.2868
    """
    _, reached = _looks(information, look)
    seen = z / np.sqrt(reached)
    if grid is not None:
        theta, prior = np.asarray(grid[0], float), np.asarray(grid[1], float)
        if theta.shape != prior.shape or not prior.sum() > 0.0 or np.any(prior < 0.0):
            raise InputError("grid: expected values of theta and as many weights, not negative.")
        weight = prior * np.exp(-0.5 * reached * (theta - seen) ** 2)
    else:
        if not prior_sd > 0.0:
            raise InputError(f"prior_sd: found {prior_sd}; expected a number above 0.")
        precision = prior_sd**-2.0
        sd = 1.0 / np.sqrt(reached + precision)
        mean = (reached * seen + precision * prior_mean) * sd * sd
        theta = mean + sd * WIDE * NODES
        weight = NODE_WEIGHTS * np.exp(-0.5 * (WIDE * NODES) ** 2)
    powers = [conditional_power(information, upper, look, z, t, lower=lower) for t in theta]
    return float(weight @ np.array(powers) / weight.sum())


def conditional_error(
    information: Sequence[float], upper: Sequence[float], look: int, z: float
) -> float:
    """Give the conditional type I error: what an adaptive change after the look may spend.

    References
    ----------
    Mueller HH, Schaefer H. Biometrics 2001;57:886-891.

    Examples
    --------
    >>> round(conditional_error((1.0, 2.0), (2.797, 1.977), 1, 1.5), 4)
    0.0975
    """
    return conditional_power(information, upper, look, z, 0.0)
