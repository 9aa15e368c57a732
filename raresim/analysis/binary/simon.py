"""Simon's two-stage designs for one arm: their search and their exact characteristics."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from raresim.analysis.arrays import FloatArray
from raresim.analysis.binary.one_sample import binomial_chances, upper_tail
from raresim.errors import InputError

Criterion = Literal["optimal", "minimax"]
SLACK = 1e-12  # error rates that equal their bound in exact arithmetic are let through


@dataclass(frozen=True)
class SimonDesign:
    """A two-stage design that may stop for futility after its first stage.

    Attributes
    ----------
    stop, first
        The trial stops with ``stop`` or fewer responses among the ``first`` patients (r1/n1).
    fail, total
        Otherwise it goes on to ``total`` patients, and the treatment is not worth more work with
        ``fail`` or fewer responses (r/n).

    Examples
    --------
    >>> design = SimonDesign(stop=1, first=10, fail=5, total=29)
    >>> round(design.reject(0.1), 4), round(design.reject(0.3), 4)
    (0.0471, 0.8051)
    >>> round(design.stops(0.1), 4), round(design.expected_patients(0.1), 2)
    (0.7361, 15.01)
    """

    stop: int
    first: int
    fail: int
    total: int

    def __post_init__(self) -> None:
        """Refuse numbers that are no design."""
        sound = -1 <= self.stop < self.first < self.total and self.stop <= self.fail < self.total
        if not sound:
            raise InputError(
                f"two-stage design: found r1/n1 = {self.stop}/{self.first}, r/n = {self.fail}/"
                f"{self.total}; expected r1 < n1 < n and r1 <= r < n."
            )

    def stops(self, p: float) -> float:
        """Give the chance of stopping after the first stage at a response probability p."""
        return 1.0 - float(upper_tail(self.stop + 1.0, float(self.first), p))

    def reject(self, p: float) -> float:
        """Give the chance of more than ``fail`` responses: the size at p0, the power at p1."""
        return self.reaches(self.fail + 1, p)

    def reaches(self, responses: int, p: float) -> float:
        """Give the chance to go on and to have at least so many responses in the end."""
        x = np.arange(self.stop + 1, self.first + 1, dtype=np.float64)
        after = upper_tail(responses - x, float(self.total - self.first), p)
        return float(np.cumsum(binomial_chances(self.first, p)[self.stop + 1 :] * after)[-1])

    def expected_patients(self, p: float) -> float:
        """Give the expected number of patients at a response probability p."""
        return self.first + (1.0 - self.stops(p)) * (self.total - self.first)


def simon_design(
    p0: float,
    p1: float,
    *,
    alpha: float,
    beta: float,
    criterion: Criterion = "optimal",
    most: int = 100,
) -> SimonDesign:
    """Search Simon's optimal or minimax two-stage design.

    Over all r1/n1 and r/n with n up to ``most`` whose size at p0 is at most alpha and whose
    power at p1 at least 1 - beta: the optimal design has the fewest expected patients at p0, the
    minimax design the fewest patients and, among those, the fewest expected. Exact, as R
    clinfun's ``ph2simon``.

    Parameters
    ----------
    p0, p1
        Response probability that is of no interest, and one that is.
    alpha, beta
        Bounds of the two error rates.
    criterion
        "optimal" or "minimax".
    most
        Largest n to look at. The optimal design of all n is found only if this is large enough.

    Raises
    ------
    InputError
        If the numbers do not fit, or no design up to ``most`` patients has the error rates.

    References
    ----------
    Simon R. Control Clin Trials 1989;10:1-10.

    Examples
    --------
    >>> simon_design(0.1, 0.3, alpha=0.05, beta=0.2)
    SimonDesign(stop=1, first=10, fail=5, total=29)
    >>> simon_design(0.1, 0.3, alpha=0.05, beta=0.2, criterion="minimax")
    SimonDesign(stop=1, first=15, fail=5, total=25)
    """
    if not (0.0 < p0 < p1 < 1.0 and 0.0 < alpha < 1.0 and 0.0 < beta < 1.0):
        raise InputError(
            f"two-stage design: found p0 {p0:g}, p1 {p1:g}, alpha {alpha:g}, beta {beta:g}; "
            "expected 0 < p0 < p1 < 1 and error rates between 0 and 1."
        )
    if criterion not in ("optimal", "minimax"):
        raise InputError(f"criterion: found {criterion!r}; expected 'optimal' or 'minimax'.")
    best: tuple[float, SimonDesign] | None = None
    for total in range(2, most + 1):
        for first in range(1, total):
            if criterion == "optimal" and best is not None and first >= best[0]:
                break
            found = _best_of(first, total, p0, p1, alpha, beta)
            if found is not None and (best is None or found[0] < best[0] - SLACK):
                best = found
        if criterion == "minimax" and best is not None:
            break
    if best is None:
        raise InputError(
            f"two-stage design: no design with at most {most} patients has alpha {alpha:g} and "
            f"beta {beta:g}; allow more patients or larger error rates."
        )
    return best[1]


def _best_of(
    first: int, total: int, p0: float, p1: float, alpha: float, beta: float
) -> tuple[float, SimonDesign] | None:
    """Give the design of these two stages with the fewest expected patients, if there is one.

    The more responses are asked for, the smaller are size and power, so for each r1 only the
    least r of small enough size can have the power; and the largest r1 stops most.
    """
    size, power = _reaching(first, total, p0), _reaching(first, total, p1)
    fits = size <= alpha + SLACK
    at = np.argmax(fits, axis=1)
    rows = np.arange(first)
    strong = fits[rows, at] & (power[rows, at] >= 1.0 - beta - SLACK) & (at - 1 >= rows)
    if not np.any(strong):
        return None
    stop = int(np.max(np.flatnonzero(strong)))
    design = SimonDesign(stop, first, int(at[stop]) - 1, total)
    return design.expected_patients(p0), design


def _reaching(first: int, total: int, p: float) -> FloatArray:
    """Give `SimonDesign.reaches` for r1 = 0..n1-1 (rows) and 0..n responses (columns)."""
    x = np.arange(1, first + 1, dtype=np.float64)[:, None]
    tails = upper_tail(np.arange(total + 1, dtype=np.float64), float(total - first), p)
    lookup = np.concatenate([np.ones(first), tails])
    need = np.arange(total + 1)[None, :] - x.astype(np.int64) + first
    joint = binomial_chances(first, p)[1:, None] * lookup[need]
    reached: FloatArray = np.cumsum(joint[::-1], axis=0)[::-1]
    return reached
