"""Alpha spending: the boundaries of a group-sequential trial for the information really observed.

The statistic at look k is Z_k = S_k / sqrt(I_k), the S_k being sums of independent normal steps
of variance I_k - I_(k-1) under the null hypothesis. Look k rejects for Z_k >= u_k, and the
probability of a first rejection at look k is what the spending function leaves for it. It is
integrated look by look over the density of S_k on the way to look k (Armitage, McPherson, Rowe).

Source: Lan KKG, DeMets DL. Biometrika 1983;70:659-663; Armitage P, McPherson CK, Rowe BC. J R
Stat Soc A 1969;132:235-244; Jennison C, Turnbull BW. Group Sequential Methods, Chapman & Hall
2000, chapters 7 and 19.
"""

import itertools
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal

import numpy as np
from scipy.special import ndtr, ndtri

from raresim.analysis.arrays import FloatArray
from raresim.analysis.sequential.path import Path
from raresim.errors import InputError

Spending = Literal["obrien-fleming", "pocock", "hwang-shih-decani", "kim-demets"]


def spent(
    fraction: float,
    alpha: float,
    spending: Spending = "obrien-fleming",
    parameter: float | None = None,
) -> float:
    """Give the one-sided type I error that may be spent up to an information fraction.

    ======================= ========================================= =================
    ``spending``            spent at t                                elsewhere
    ======================= ========================================= =================
    "obrien-fleming"        2 - 2 Phi(z_(1-alpha/2) / sqrt(t))        sfLDOF, asOF
    "pocock"                alpha log(1 + (e - 1) t)                  sfLDPocock, asP
    "hwang-shih-decani"     alpha (1 - e^(-g t)) / (1 - e^(-g))       sfHSD, asHSD
    "kim-demets"            alpha t^rho                               sfPower, asKD
    ======================= ========================================= =================

    Type II error is spent by the same functions, with beta in the place of alpha.

    Parameters
    ----------
    fraction
        Information over planned information; above 1 counts as 1.
    alpha
        One-sided level.
    spending
        Which of the four.
    parameter
        g (any number; 0 spends in proportion to t) or rho (above 0); the other two have none.

    Raises
    ------
    InputError
        If the spending function is not known, or its parameter is missing or out of range.

    References
    ----------
    Lan KKG, DeMets DL. Biometrika 1983;70:659-663. Hwang IK, Shih WJ, DeCani JS. Stat Med
    1990;9:1439-1445. Kim K, DeMets DL. Biometrika 1987;74:149-154.

    Examples
    --------
    >>> round(spent(0.5, 0.025), 9)
    0.001525323
    >>> round(spent(0.5, 0.025, "hwang-shih-decani", -4), 9)
    0.002980073
    """
    check_spending(spending, parameter)
    if not fraction >= 0.0 or not 0.0 <= alpha <= 1.0:
        raise InputError(
            f"fraction, alpha: found {fraction}, {alpha}; expected 0 or more and a level."
        )
    if fraction >= 1.0:
        return alpha
    if fraction == 0.0:
        return 0.0
    if spending == "obrien-fleming":
        return float(2.0 * ndtr(ndtri(alpha / 2.0) / np.sqrt(fraction)))
    if spending == "pocock":
        return float(alpha * np.log1p((np.e - 1.0) * fraction))
    assert parameter is not None
    if spending == "kim-demets":
        return float(alpha * fraction**parameter)
    if parameter == 0.0:
        return alpha * fraction
    if parameter < 0.0:  # the same, without a power that could be too large for a number
        share = np.expm1(parameter * fraction) / np.expm1(parameter)
        return float(alpha * np.exp(parameter * (1.0 - fraction)) * share)
    return float(alpha * np.expm1(-parameter * fraction) / np.expm1(-parameter))


KNOWN = ("obrien-fleming", "pocock", "hwang-shih-decani", "kim-demets")


def check_spending(spending: str, parameter: float | None) -> None:
    """Refuse an unknown spending function, or one with the wrong parameter."""
    if spending not in KNOWN:
        raise InputError(
            f"spending: found {spending!r}; expected one of {', '.join(map(repr, KNOWN))}."
        )
    if spending in KNOWN[:2]:
        good, expected = parameter is None, "no parameter"
    elif spending == "kim-demets":
        good, expected = parameter is not None and 0.0 < parameter < np.inf, "rho above 0"
    else:
        good, expected = parameter is not None and bool(np.isfinite(parameter)), "gamma, a number"
    if not good:
        raise InputError(f"parameter: found {parameter} for {spending!r}; expected {expected}.")


def boundaries(
    information: tuple[float, ...],
    planned: float,
    alpha: float,
    spending: Spending = "obrien-fleming",
    *,
    final: bool = True,
    parameter: float | None = None,
) -> FloatArray:
    """Give the upper z boundary of each look; reject at look k when z >= boundary k.

    The level spent by look k is the spending function at information_k / planned, at most 1;
    the correlation of the looks comes from the information itself. Once all alpha is spent
    the later boundaries are infinite. A look that adds no information has the statistic of the
    look before; it may still spend what is left to it.

    Accurate to 1e-6 as long as each look adds at least 1 % of its information.

    Parameters
    ----------
    information
        Information observed at each look so far (events, or 1/se^2), never falling.
    planned
        Information at which all alpha is spent.
    alpha
        One-sided level.
    spending
        One of those of `spent`.
    final
        Whether the last look given is the last of the trial: it then spends all alpha that is
        left, whatever its information.
    parameter
        That of the spending function, where it has one.

    Returns
    -------
    (K,) boundaries, read-only as they are cached.

    Raises
    ------
    InputError
        If information is empty, not positive or falling, or planned or alpha out of range.

    References
    ----------
    See the module.

    Examples
    --------
    >>> boundaries((20, 40, 60), 60, 0.025).round(4)
    array([3.7103, 2.5114, 1.993 ])
    >>> boundaries((35, 50), 60, 0.025).round(4)
    array([2.7125, 1.9701])
    """
    return _boundaries(
        tuple(float(i) for i in information),
        float(planned),
        float(alpha),
        spending,
        bool(final),
        parameter,
    )


@lru_cache(maxsize=65536)
def _boundaries(
    information: tuple[float, ...],
    planned: float,
    alpha: float,
    spending: Spending,
    final: bool,
    parameter: float | None,
) -> FloatArray:
    check_spending(spending, parameter)
    check_information(information, planned, alpha)
    last = information[-1]
    goal = alpha if final else spent(last / planned, alpha, spending, parameter)
    before = _looks(information[:-1], planned, alpha, spending, parameter)
    answer = np.array(before.followed_by(last, goal).boundaries)
    answer.flags.writeable = False
    return answer


@lru_cache(maxsize=8192)
def _looks(
    information: tuple[float, ...],
    planned: float,
    alpha: float,
    spending: Spending,
    parameter: float | None,
) -> "Looks":
    """Give the looks so far, none of them the last; remembered, as trials come back with more."""
    if not information:
        return Looks()
    goal = spent(information[-1] / planned, alpha, spending, parameter)
    before = _looks(information[:-1], planned, alpha, spending, parameter)
    return before.followed_by(information[-1], goal)


@dataclass(frozen=True)
class Looks:
    """Looks taken.

    Attributes
    ----------
    path
        Where the statistic stood before the information of the last of them.
    boundaries
        One for each look.
    level
        Information of the last look.
    first
        The first look that had this information.
    pending, gone
        Level spent on the statistic of this information, and on all looks.
    """

    path: Path = field(default_factory=Path.at_start)
    boundaries: tuple[float, ...] = ()
    level: float = 0.0
    first: int = 0
    pending: float = 0.0
    gone: float = 0.0

    def followed_by(self, level: float, goal: float) -> "Looks":
        """Take one more look, with ``goal`` the level spent up to it."""
        path, first, pending, looks = self.path, self.first, self.pending, len(self.boundaries)
        if level > self.level:
            if looks:
                upper = min(self.boundaries[self.first :])
                path, pending = path.onward(self.level, level, (-np.inf, upper)), 0.0
            first = looks
        boundary, gone = np.inf, self.gone
        if goal > gone:
            pending += goal - gone
            gone = goal
            boundary = path.boundary(level, pending)
        return Looks(path, (*self.boundaries, float(boundary)), level, first, pending, gone)


def check_information(information: tuple[float, ...], planned: float, alpha: float) -> None:
    """Refuse information that falls, and a plan or a level that cannot be."""
    falls = any(low > high for low, high in itertools.pairwise(information))
    finite = all(0.0 < level < np.inf for level in information)
    if not information or not finite or falls:
        raise InputError(
            f"information: found {information}; expected positive values that never fall, "
            "one for each look."
        )
    if not 0.0 < planned < np.inf:
        raise InputError(f"planned: found {planned}; expected a positive amount of information.")
    if not 0.0 < alpha < 0.5:
        raise InputError(f"alpha: found {alpha}; expected a one-sided level between 0 and 0.5.")
