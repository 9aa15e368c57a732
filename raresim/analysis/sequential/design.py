"""Group-sequential designs: boundaries, the information a power needs, and how they behave."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import ndtr, ndtri

from raresim.analysis.arrays import FloatArray
from raresim.analysis.sequential.exits import Bounds, Exits, exits_of, rising
from raresim.analysis.sequential.recipe import SPENDING, Recipe
from raresim.analysis.sequential.solve import solved
from raresim.analysis.sequential.spending import check_spending
from raresim.errors import InputError


@dataclass(frozen=True)
class GroupSequentialDesign:
    """A group-sequential design; effects are counted in drifts, theta sqrt(largest information).

    Attributes
    ----------
    recipe
        What was asked for.
    upper
        (K,) efficacy: reject with z of this or more.
    lower
        (K,) one-sided: futility, -infinity where nothing stops; two-sided: minus ``upper``.
    inner
        (K,) futility of a two-sided test: stop with abs(z) of this or less; NaN: never.
    drift
        The drift for which the design has its power; z at the last look then has this mean.
    """

    recipe: Recipe
    upper: FloatArray
    lower: FloatArray
    inner: FloatArray
    drift: float

    @property
    def timing(self) -> FloatArray:
        """Information at each look over that at the last."""
        return np.array(self.recipe.timing)

    @property
    def fixed_drift(self) -> float:
        """The drift that a trial without looks needs for the same level and power."""
        return float(ndtri(self.recipe.power) - ndtri(self.recipe.one_side))

    @property
    def inflation(self) -> float:
        """Largest information over that of a trial without looks: gsDesign's n.I for n.fix = 1."""
        return (self.drift / self.fixed_drift) ** 2

    @property
    def stage_levels(self) -> FloatArray:
        """One-sided level of each look taken alone."""
        levels: FloatArray = ndtr(-self.upper)
        return levels

    @property
    def alpha_spent(self) -> FloatArray:
        """Type I error, of all sides, up to each look; futility counts only where it binds."""
        acting = self._acting()
        spent: FloatArray = np.cumsum(exits_of(self.recipe.timing, acting, 0.0).upper)
        return spent * self.recipe.sides

    def _acting(self) -> Bounds:
        """Give the boundaries on which the type I error rests."""
        nowhere = np.full(self.upper.size, np.nan)
        if self.recipe.binding:
            return Bounds(self.upper, self.lower, self.inner)
        low = self.lower if self.recipe.sides == 2 else np.full(self.upper.size, -np.inf)
        return Bounds(self.upper, low, nowhere)

    def exits(self, drift: float | None = None) -> Exits:
        """Give where the trial stops, futility obeyed; by default under the design's own drift.

        Information is counted in fractions of the last look's.
        """
        bounds = Bounds(self.upper, self.lower, self.inner)
        return exits_of(self.recipe.timing, bounds, self.drift if drift is None else drift)

    def expected_size(self, drift: float | None = None) -> float:
        """Give the mean information at the end over that of a trial without looks (ASN)."""
        return self.inflation * self.exits(drift).expected_information

    def information(self, theta: float) -> FloatArray:
        """Give the information each look needs for the power against an effect ``theta``."""
        if not theta > 0.0:
            raise InputError(f"theta: found {theta}; expected an effect above 0.")
        return self.timing * (self.drift / theta) ** 2

    def at_level(self, alpha: float) -> "GroupSequentialDesign":
        """Give the design with another level and otherwise the same recipe."""
        return designed(replace(self.recipe, alpha=alpha))

    def __repr__(self) -> str:
        """Show the boundaries and what they cost."""
        rows = [
            f"{self.upper.size} looks, {self.recipe.sides}-sided alpha {self.recipe.alpha:g}, "
            f"power {self.recipe.power:g}, inflation {self.inflation:.4f}",
            "timing  " + " ".join(f"{t:8.4f}" for t in self.timing),
            "upper   " + " ".join(f"{u:8.4f}" for u in self.upper),
        ]
        if self.recipe.sides == 1 and np.any(self.lower > -np.inf):
            rows.append("lower   " + " ".join(f"{low:8.4f}" for low in self.lower))
        if not np.all(np.isnan(self.inner)):
            rows.append("inner   " + " ".join(f"{f:8.4f}" for f in self.inner))
        return "\n  ".join(rows)


def group_sequential(
    timing: int | Sequence[float],
    *,
    alpha: float = 0.025,
    power: float = 0.9,
    sides: int = 1,
    efficacy: str | Sequence[float] = "spending obrien-fleming",
    efficacy_parameter: float | None = None,
    futility: str | Sequence[float] | None = None,
    futility_parameter: float | None = None,
    futility_bounds: Sequence[float] | None = None,
    binding: bool = False,
    under_null: bool = False,
    futility_level: float | None = None,
) -> GroupSequentialDesign:
    """Design a trial with looks; boundaries are exact to about 1e-9 on Z.

    ============================ ===================================== ===============
    ``efficacy``                 boundary or spending                  rpact; gsDesign
    ============================ ===================================== ===============
    "obrien-fleming"             c / sqrt(t)                           OF; sfu = "OF"
    "pocock"                     c                                     P; "Pocock"
    "wang-tsiatis"               c t^(D - 1/2), parameter D            WT; "WT"
    "haybittle-peto"             3 (or the parameter), the last fitted HP
    "pampallona-tsiatis"         with futility (both parameters)       PT
    "spending obrien-fleming"    Lan-DeMets, see `spent`               asOF; sfLDOF
    "spending pocock"            Lan-DeMets                            asP; sfLDPocock
    "spending hwang-shih-decani" parameter gamma                       asHSD; sfHSD
    "spending kim-demets"        parameter rho                         asKD; sfPower
    numbers                      alpha spent up to each look           asUser
    ============================ ===================================== ===============

    Futility is none, ``futility_bounds``, or spends the type II error by ``futility``. Where
    it does not bind (the default), the efficacy boundaries ignore it, so that it may be
    overruled; the power obeys it in any case. gsDesign's test types: 1 without futility, 2 with
    ``sides=2`` and twice its alpha, 3 and 4 with futility binding or not, 5 and 6 the same with
    ``under_null``. The power counts the upper side only, as both packages do.

    The boundaries are for normal statistics. With few patients t statistics cross them too often:
    at a nominal 2.5 % with three looks "spending obrien-fleming" rejects 7.3, 4.6, 3.2 and 2.9 %
    and "pocock" 10.0, 6.4, 4.0 and 3.3 % at 12, 20, 40 and 60 patients. Turn their p-values into
    z first (2.6 % and 2.8 % at 12), or use `inverse_normal` on p-values of the separate stages,
    which keeps the level exactly where those do.

    In a two-sided test futility stops with small abs(z). Its spending follows rpact: a look whose
    one-sided boundary would be below 0 has none.

    Parameters
    ----------
    timing
        Number of equally spaced looks, or the information at each look (only ratios matter).
    alpha
        Level, of both sides together if there are two.
    power
        1 - beta.
    sides
        1 or 2.
    efficacy, efficacy_parameter
        See the table.
    futility, futility_parameter
        A spending function of the table, or the type II error spent up to each look.
    futility_bounds
        Fixed boundaries on Z of all looks but the last.
    binding
        Whether the type I error counts on futility being obeyed.
    under_null
        Whether futility spends probability under the null hypothesis, in all ``futility_level``.
    futility_level
        By default 1 - alpha, with the last futility boundary at the efficacy boundary.

    Raises
    ------
    InputError
        If an argument is out of range or does not go with another, or no such design exists.

    References
    ----------
    Jennison C, Turnbull BW. Group Sequential Methods, Chapman & Hall 2000, chapters 2 to 7.
    O'Brien PC, Fleming TR. Biometrics 1979;35:549-556. Pocock SJ. Biometrika 1977;64:191-199.
    Wang SK, Tsiatis AA. Biometrics 1987;43:193-199. Pampallona S, Tsiatis AA. J Stat Plan
    Inference 1994;42:19-35.

    Examples
    --------
    >>> design = group_sequential(3, efficacy="obrien-fleming")
    >>> design.upper.round(4), round(design.inflation, 5)
    (array([3.4711, 2.4544, 2.004 ]), 1.0161)
    >>> group_sequential(3, futility="spending pocock", power=0.8).lower.round(4)
    array([0.4659, 1.318 , 1.993 ])
    """
    levels = rising("timing", _evenly(timing))
    recipe = Recipe(
        tuple(level / levels[-1] for level in levels),
        float(alpha),
        float(power),
        sides,
        efficacy if isinstance(efficacy, str) else tuple(float(a) for a in efficacy),
        efficacy_parameter,
        futility if isinstance(futility, str | None) else tuple(float(b) for b in futility),
        futility_parameter,
        None if futility_bounds is None else tuple(float(f) for f in futility_bounds),
        bool(binding),
        bool(under_null),
        futility_level,
    )
    _check(recipe)
    return designed(recipe)


def _evenly(timing: int | Sequence[float]) -> Sequence[float]:
    """Give the looks: as they are, or so many at equal steps."""
    if not isinstance(timing, int | np.integer):
        return timing
    _require("timing", timing, 1 <= timing <= MOST_LOOKS, f"1 to {MOST_LOOKS} looks")
    return tuple(range(1, int(timing) + 1))


def designed(recipe: Recipe) -> GroupSequentialDesign:
    """Give the design of a recipe that has been checked."""
    bounds, drift = solved(recipe)
    if not np.isfinite(bounds.upper[-1]) or not np.isfinite(drift):
        raise InputError("No boundaries exist for this design; expected another level or shape.")
    return GroupSequentialDesign(recipe, bounds.upper, bounds.lower, bounds.inner, drift)


MOST_LOOKS = 1000
SHAPES = ("obrien-fleming", "pocock", "wang-tsiatis", "haybittle-peto", "pampallona-tsiatis")


def _check(recipe: Recipe) -> None:
    """Refuse what cannot be a design."""
    looks = len(recipe.timing)
    _require("sides", recipe.sides, recipe.sides in (1, 2), "1 or 2")
    _require("alpha", recipe.alpha, 0.0 < recipe.one_side < 0.5, "a level below 0.5 for each side")
    good = recipe.one_side < recipe.power < 1.0
    _require("power", recipe.power, good, "a number between the level of a side and 1")
    _check_error("efficacy", recipe.efficacy, recipe.efficacy_parameter, looks, recipe.alpha)
    paired = recipe.efficacy == "pampallona-tsiatis"
    if paired:
        numbers = (recipe.efficacy_parameter, recipe.futility_parameter)
        good = recipe.sides == 1 and None not in numbers and recipe.futility is None
        _require("efficacy", recipe.efficacy, good, "one side, both parameters and no futility")
    if recipe.futility is not None:
        total = 1.0 - recipe.power
        if isinstance(recipe.futility, str) and not recipe.futility.startswith(SPENDING):
            _require("futility", recipe.futility, False, f"a name that starts with {SPENDING!r}")
        _check_error("futility", recipe.futility, recipe.futility_parameter, looks, total)
    if recipe.futility_bounds is not None:
        good = len(recipe.futility_bounds) == looks - 1 and recipe.futility is None and not paired
        good = good and not np.any(np.isnan(recipe.futility_bounds))
        expected = "one for each look but the last, and no other futility"
        _require("futility_bounds", recipe.futility_bounds, good, expected)
    if recipe.under_null:
        good = recipe.sides == 1 and isinstance(recipe.futility, str)
        good = good and (recipe.alpha_increments() is not None)
        _require("under_null", True, good, "one side, with spending functions for both errors")
    if recipe.futility_level is not None:
        good = recipe.under_null and 0.0 < recipe.futility_level <= 1.0 - recipe.one_side
        _require("futility_level", recipe.futility_level, good, "up to 1 - alpha, with under_null")


def _check_error(
    name: str, value: str | tuple[float, ...], parameter: float | None, looks: int, total: float
) -> None:
    """Refuse an unknown boundary or spending function, or numbers that cannot be spent."""
    if isinstance(value, tuple):
        steps = np.diff((0.0, *value))
        good = len(value) == looks and bool(np.all(steps >= 0.0)) and steps[-1] > 0.0
        good = good and abs(value[-1] - total) < 1e-9
        _require(name, value, good, f"one number for each look, rising to {total:g}")
    elif value.startswith(SPENDING):
        check_spending(value.removeprefix(SPENDING), parameter)
    else:
        _require(name, value, value in SHAPES, "one of those of `group_sequential`")
        if value == "wang-tsiatis":
            _require(f"{name}_parameter", parameter, parameter is not None, "Delta")


def _require(name: str, found: object, good: bool, expected: str) -> None:
    if not good:
        raise InputError(f"{name}: found {found!r}; expected {expected}.")
