"""Alpha spending: the boundaries of a group-sequential trial for the information really observed.

The statistic at look k is Z_k = S_k / sqrt(I_k), the S_k being sums of independent normal steps
of variance I_k - I_(k-1) under the null hypothesis. Look k rejects for Z_k >= u_k, and the
probability of a first rejection at look k is what the spending function leaves for it. It is
integrated look by look over the density of S_k on the way to look k (Armitage, McPherson, Rowe).

Source: Lan KKG, DeMets DL. Biometrika 1983;70:659-663; Armitage P, McPherson CK, Rowe BC. J R
Stat Soc A 1969;132:235-244; Jennison C, Turnbull BW. Group Sequential Methods, Chapman & Hall
2000, chapters 7 and 19.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
from scipy.special import ndtr, ndtri

from raresim.analysis.arrays import FloatArray
from raresim.errors import InputError

Spending = Literal["obrien-fleming", "pocock"]

FARTHEST = 8.5  # the normal distribution beyond this holds less than 1e-16
PANEL = 2.0  # width of a quadrature panel, in widths of the narrowest feature
MOST_PANELS = 160
ABSCISSAE, WEIGHTS = np.polynomial.legendre.leggauss(12)
SETTLED = 1e-10
NORMAL_PEAK = 0.3989422804014327  # 1 / sqrt(2 pi)


def spent(fraction: float, alpha: float, spending: Spending = "obrien-fleming") -> float:
    """Give the one-sided type I error that may be spent up to an information fraction.

    O'Brien-Fleming type: 2 - 2 Phi(z_(1-alpha/2) / sqrt(t)); Pocock type: alpha log(1 + (e-1) t).

    Parameters
    ----------
    fraction
        Information over planned information; above 1 counts as 1.
    alpha
        One-sided level.
    spending
        Which of the two.

    Raises
    ------
    InputError
        If the spending function is not known.

    References
    ----------
    Lan KKG, DeMets DL. Biometrika 1983;70:659-663.

    Examples
    --------
    >>> round(spent(0.5, 0.025), 9)
    0.001525323
    """
    if spending not in SPENDING:
        raise InputError(
            f"spending: found {spending!r}; expected one of {', '.join(map(repr, SPENDING))}."
        )
    if fraction >= 1.0:
        return alpha
    return SPENDING[spending](fraction, alpha)


def _obrien_fleming(fraction: float, alpha: float) -> float:
    return float(2.0 * ndtr(ndtri(alpha / 2.0) / np.sqrt(fraction)))


def _pocock(fraction: float, alpha: float) -> float:
    return float(alpha * np.log1p((np.e - 1.0) * fraction))


SPENDING: dict[str, Callable[[float, float], float]] = {
    "obrien-fleming": _obrien_fleming,
    "pocock": _pocock,
}


def boundaries(
    information: tuple[float, ...],
    planned: float,
    alpha: float,
    spending: Spending = "obrien-fleming",
    *,
    final: bool = True,
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
        "obrien-fleming" or "pocock".
    final
        Whether the last look given is the last of the trial: it then spends all alpha that is
        left, whatever its information.

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
        tuple(float(i) for i in information), float(planned), float(alpha), spending, bool(final)
    )


@lru_cache(maxsize=65536)
def _boundaries(
    information: tuple[float, ...], planned: float, alpha: float, spending: Spending, final: bool
) -> FloatArray:
    _check(information, planned, alpha)
    answer = np.full(len(information), np.inf)
    path, before, first = Path.at_start(), 0.0, 0
    pending = gone = 0.0  # spent on the statistic of the present information; on all looks
    for k, level in enumerate(information):
        last = final and k == len(information) - 1
        goal = alpha if last else spent(level / planned, alpha, spending)
        if level > before and k > 0:
            path = path.onward(before, level, float(np.min(answer[first:k])))
            pending = 0.0
        if level > before:
            first, before = k, level
        if goal > gone:
            pending += goal - gone
            gone = goal
            answer[k] = path.boundary(level, pending)
    answer.flags.writeable = False
    return answer


def _check(information: tuple[float, ...], planned: float, alpha: float) -> None:
    steps = np.diff(np.array((0.0, *information)))
    if not information or steps[0] <= 0.0 or not np.all(steps >= 0.0):
        raise InputError(
            f"information: found {information}; expected positive values that never fall, "
            "one for each look."
        )
    if not 0.0 < planned < np.inf:
        raise InputError(f"planned: found {planned}; expected a positive amount of information.")
    if not 0.0 < alpha < 0.5:
        raise InputError(f"alpha: found {alpha}; expected a one-sided level between 0 and 0.5.")


@dataclass(frozen=True)
class Path:
    """Where S stood at the look before, for trials that have not stopped.

    Attributes
    ----------
    reached
        Information at that look.
    value, weight
        Nodes of S and the probability each stands for.
    """

    reached: float
    value: FloatArray
    weight: FloatArray

    @classmethod
    def at_start(cls) -> "Path":
        """Stand at S = 0 with certainty."""
        return cls(0.0, np.zeros(1), np.ones(1))

    def onward(self, level: float, following: float, bound: float) -> "Path":
        """Move to the look at information ``level``, stopping those with z of ``bound`` or more.

        The quadrature is fine enough for the density there and for the step to ``following``.
        """
        step = np.sqrt(level - self.reached)
        narrowest = min(1.0, step / np.sqrt(level), np.sqrt(following / level - 1.0))
        top = min(bound, FARTHEST)
        panels = min(int(np.ceil((top + FARTHEST) / (PANEL * narrowest))), MOST_PANELS)
        half = (top + FARTHEST) / panels / 2.0
        centres = -FARTHEST + half * (2.0 * np.arange(panels) + 1.0)
        value = np.sqrt(level) * (centres[:, None] + half * ABSCISSAE).ravel()
        width = np.tile(half * WEIGHTS, panels) * np.sqrt(level)
        deviate = (value[:, None] - self.value) / step
        density = (NORMAL_PEAK / step) * np.exp(-0.5 * deviate * deviate) @ self.weight
        return Path(level, value, width * density)

    def boundary(self, level: float, probability: float) -> float:
        """Find u so that the look at ``level`` is reached and Z >= u with this probability.

        Newton's method on the logarithm of that probability, which is concave and falling in u:
        from the right it never overshoots.
        """
        step, scale = float(np.sqrt(level - self.reached)), float(np.sqrt(level))
        u = min(-float(ndtri(probability)), (float(self.value[-1]) + 30.0 * step) / scale)
        for _ in range(60):
            deviate = (u * scale - self.value) / step
            tail = float(ndtr(-deviate) @ self.weight)
            density = float(np.exp(-0.5 * deviate * deviate) @ self.weight)
            hazard = density * NORMAL_PEAK * scale / step / tail
            change = float(np.log(tail / probability)) / hazard
            u += change
            if abs(change) < SETTLED:
                break
        return u
