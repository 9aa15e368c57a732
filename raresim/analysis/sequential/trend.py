"""What the trend at a look promises for the last look: chances, and the information to make them.

Closed forms over arrays for one look to come; `conditional` has the same for several.
"""

import numpy as np
from scipy.special import ndtr, ndtri

from raresim.analysis.arrays import BoolArray, FloatArray


def chances_at_last_look(
    z: FloatArray,
    information: FloatArray,
    planned: FloatArray | float,
    critical: FloatArray,
    share: FloatArray | None = None,
) -> tuple[FloatArray, FloatArray]:
    """Give conditional power under the current trend, and predictive power from a flat prior.

    With D = planned - information, theta = z / sqrt(information) and a = (critical - sqrt(share) z)
    / sqrt(1 - share), what the rest of the trial must reach on z, conditional power is
    Phi(theta sqrt(D) - a), and predictive power Phi((theta sqrt(D) - a) / sqrt(planned /
    information)).

    Parameters
    ----------
    z, information
        The statistic so far, and its information.
    planned, critical
        Information at the last look, and the boundary there.
    share
        Weight, squared, of what has been seen in the last statistic, where it was fixed
        beforehand (`inverse_normal`); by default information / planned.

    Returns
    -------
    Two arrays of the arguments' common shape, NaN where nothing was seen or nothing is to come.

    References
    ----------
    Lan KKG, Wittes J. Biometrics 1988;44:579-585. Spiegelhalter DJ, Freedman LS, Blackburn PR.
    Control Clin Trials 1986;7:8-17.

    Examples
    --------
    >>> found = chances_at_last_look(np.array([1.0]), np.array([1.0]), 2.0, np.array([1.977]))
    >>> [float(chance[0].round(4)) for chance in found]
    [0.213, 0.2868]
    """
    seen, ahead, missing = _missing(z, information, planned, critical, share)
    surplus = np.where(
        seen, z * np.sqrt(ahead / np.where(seen, information, 1.0)) - missing, np.nan
    )
    wider = np.sqrt(1.0 + ahead / np.where(seen, information, 1.0))
    return ndtr(surplus), ndtr(surplus / wider)


def information_for_power(
    z: FloatArray,
    information: FloatArray,
    planned: FloatArray | float,
    critical: FloatArray,
    power: float,
    share: FloatArray | None = None,
) -> FloatArray:
    """Give the information in all with which conditional power under the trend is ``power``.

    I + (I / z^2) (a + z_power)^2, with a as in `chances_at_last_look`, whose parameters these are;
    where z is not above 0 no information is enough, and the answer is infinite.

    References
    ----------
    Mehta CR, Pocock SJ. Stat Med 2011;30:3267-3284.

    Examples
    --------
    >>> z, seen = np.array([1.5]), np.array([50.0])
    >>> needed = information_for_power(z, seen, 100.0, np.array([1.96]), 0.9)
    >>> share = np.array([0.5])
    >>> float(chances_at_last_look(z, seen, needed, np.array([1.96]), share)[0][0].round(10))
    0.9
    """
    seen, _, missing = _missing(z, information, planned, critical, share)
    rises = seen & (z > 0.0)
    wanted = np.maximum(missing + ndtri(power), 0.0) / np.where(rises, z, 1.0)
    return np.where(rises, information * (1.0 + wanted * wanted), np.where(seen, np.inf, np.nan))


def _missing(
    z: FloatArray,
    information: FloatArray,
    planned: FloatArray | float,
    critical: FloatArray,
    share: FloatArray | None,
) -> tuple[BoolArray, FloatArray, FloatArray]:
    """Give where something was seen and something is to come, how much, and what it must reach."""
    part = information / planned if share is None else share
    ahead = planned - information
    seen = np.asarray((information > 0.0) & (ahead > 0.0) & (part < 1.0) & ~np.isnan(z))
    part = np.where(seen, part, 0.5)
    missing = (critical - np.sqrt(part) * np.where(seen, z, 0.0)) / np.sqrt(1.0 - part)
    return seen, np.where(seen, ahead, 0.0), missing
