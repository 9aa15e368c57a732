"""What is asked of a sample size formula: levels, targets and allocations, and what cannot be."""

import math
from dataclasses import dataclass

from scipy.special import ndtri

from raresim.errors import InputError, Problem

MOST_UNEQUAL = 1e6  # patients of one arm for each of the other
LEAST_LEVEL = 1e-100


def wrong(field: str, found: object, expected: str, mend: str = "") -> InputError:
    """Say which argument cannot be, what it was and what it may be."""
    message = "no sample size or power can be worked out from this"
    return InputError(Problem(message, field=field, found=str(found), expected=expected, mend=mend))


def positive(field: str, value: float) -> float:
    """Return a number that must be above 0 and finite."""
    if not 0.0 < value < float("inf"):
        raise wrong(field, value, "a number above 0")
    return float(value)


def between(field: str, value: float, low: float, high: float) -> float:
    """Return a number that must lie strictly between two others."""
    if not low < value < high:
        raise wrong(field, value, f"a number between {low:g} and {high:g}")
    return float(value)


def not_null(field: str, effect: float, null: float = 0.0) -> float:
    """Return an effect that must differ from its value under the null hypothesis."""
    if not math.isfinite(null):
        raise wrong("null", null, "a number")
    if effect == null or not math.isfinite(effect):
        raise wrong(
            field,
            effect,
            f"an effect that differs from its null value {null:g}",
            "no number of patients gives a test power where there is nothing to find",
        )
    return float(effect)


def chosen(field: str, value: str, known: tuple[str, ...]) -> str:
    """Return a word that must be one of those known."""
    if value not in known:
        raise wrong(field, repr(value), "one of " + ", ".join(map(repr, known)))
    return value


@dataclass(frozen=True)
class Target:
    """The level of a test and what is to be found: the size for a power or the power of a size.

    Attributes
    ----------
    alpha
        Level of the whole test, both sides together where it is two-sided.
    sided
        1 or 2.
    ratio
        Treated patients for each control.
    n, power
        The one that is given; the other is None.
    """

    alpha: float
    sided: int
    ratio: float
    n: float | None
    power: float | None

    @property
    def tail(self) -> float:
        """The level of the side on which the effect lies."""
        return self.alpha / self.sided

    @property
    def z_alpha(self) -> float:
        """Return the normal quantile of the level."""
        return -float(ndtri(self.tail))

    @property
    def z_power(self) -> float:
        """Return the normal quantile of the power asked for; NaN where the size is given."""
        return float(ndtri(math.nan if self.power is None else self.power))

    @property
    def share(self) -> float:
        """Return the share of the patients who are treated."""
        return self.ratio / (1.0 + self.ratio)


def target(
    *, n: float | None, power: float | None, alpha: float, sided: int, ratio: float = 1.0
) -> Target:
    """Check a level and exactly one of a size and a power.

    Raises
    ------
    InputError
        If both or neither are given, alpha is no level, the power is not above it, or the ratio
        or the size is not positive.
    """
    if sided not in (1, 2):
        raise wrong("sided", sided, "1 or 2")
    between("alpha", alpha, LEAST_LEVEL, 0.5 * sided)
    between("ratio", ratio, 1.0 / MOST_UNEQUAL, MOST_UNEQUAL)
    if (n is None) == (power is None):
        given = "both" if n is not None else "neither"
        raise wrong("n, power", given, "exactly one of them", "give the one, the other is found")
    if n is not None:
        positive("n", n)
    if power is not None and not alpha < power < 1.0:
        raise wrong(
            "power",
            power,
            f"a power above the level alpha = {alpha:g} and below 1",
            "a test without a single patient rejects with probability alpha",
        )
    return Target(float(alpha), int(sided), float(ratio), n, power)
