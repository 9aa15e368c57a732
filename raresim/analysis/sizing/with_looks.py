"""What a fixed size becomes with looks at the data, and after a simulation."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from scipy.special import ndtri

from raresim.analysis.sizing.asked import between, positive, target, wrong


@dataclass(frozen=True)
class SequentialSize:
    """Largest and expected size of a trial with looks.

    Attributes
    ----------
    fixed
        Size (patients, events, information) of the trial without looks.
    largest
        If it goes on to the last look.
    at_looks
        Size at each look.
    expected
        Mean size; NaN where no stopping probabilities were given.
    """

    fixed: float
    largest: float
    at_looks: tuple[float, ...]
    expected: float

    def __repr__(self) -> str:
        """Show the sizes."""
        looks = ", ".join(f"{size:.6g}" for size in self.at_looks)
        mean = "" if math.isnan(self.expected) else f", expected {self.expected:.6g}"
        return f"largest {self.largest:.6g} (fixed {self.fixed:.6g}){mean}; at the looks: {looks}"


def sequential_size(
    fixed: float,
    inflation: float,
    information: Sequence[float] = (1.0,),
    stops: Sequence[float] | None = None,
) -> SequentialSize:
    """Give the sizes of a group-sequential trial from those of the trial without looks.

    Parameters
    ----------
    fixed
        Size without looks: patients, events or information, from any formula of this room.
    inflation
        Factor by which the design's largest information exceeds that of the fixed trial with
        the same level and power: of at least 1 for designs without futility.
    information
        Fraction of the largest information at each look, rising to 1.
    stops
        Probability to stop at each look, the last excepted or not; what is missing to 1 goes on
        to the last look.

    Raises
    ------
    InputError
        If fractions do not rise to 1, probabilities add up to more than 1, or a number is not
        positive.

    References
    ----------
    Jennison C, Turnbull BW. Group Sequential Methods, Chapman & Hall 2000, chapter 2.

    Examples
    --------
    >>> sequential_size(170.0626, 1.0118527, (1 / 3, 2 / 3, 1), (0.1031, 0.4935))
    largest 172.078 (fixed 170.063), expected 131.944; at the looks: 57.3594, 114.719, 172.078
    """
    largest = positive("fixed", fixed) * positive("inflation", inflation)
    fractions = tuple(float(f) for f in information)
    rising = all(a < b for a, b in zip((0.0, *fractions), fractions, strict=False))
    if not fractions or not rising or abs(fractions[-1] - 1.0) > 1e-9:
        raise wrong("information", information, "fractions above 0 that rise to 1")
    sizes = tuple(largest * fraction for fraction in fractions)
    if stops is None:
        return SequentialSize(fixed, largest, sizes, math.nan)
    chances = tuple(float(chance) for chance in stops)
    if len(chances) > len(sizes) or any(not 0.0 <= c <= 1.0 for c in chances):
        raise wrong("stops", stops, "a probability for each look, or for each but the last")
    over = 1.0 - math.fsum(chances)
    if over < -1e-9:
        raise wrong("stops", stops, "probabilities that add up to at most 1")
    ended = math.fsum(c * size for c, size in zip(chances, sizes, strict=False))
    return SequentialSize(fixed, largest, sizes, ended + max(over, 0.0) * largest)


def size_from_simulation(
    n: float, reached: float, power: float, *, alpha: float = 0.025, sided: int = 1
) -> float:
    """Correct a size by the power that simulation found for it.

    n ((z_alpha + z_power) / (z_alpha + z_reached))^2: power grows with the square root of the
    size, whatever the formula that gave n got wrong. In patients or events.

    Parameters
    ----------
    n, reached
        A size and its simulated power.
    power
        The power wanted.
    alpha, sided
        Level of the whole test and number of its sides.

    Raises
    ------
    InputError
        If a power is not above alpha, or a number is out of its range.

    References
    ----------
    lrstat (R package), vignette "Sample Size Calculation With Fixed Follow-up".

    Examples
    --------
    >>> round(size_from_simulation(39, 0.95, 0.9), 1)
    31.5
    """
    asked = target(n=None, power=power, alpha=alpha, sided=sided)
    between("reached", reached, alpha, 1.0)
    root = (asked.z_alpha + asked.z_power) / (asked.z_alpha + float(ndtri(reached)))
    return positive("n", n) * root * root
