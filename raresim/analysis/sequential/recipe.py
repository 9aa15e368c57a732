"""What a group-sequential design is asked to be, and its boundaries for a given drift.

Information is counted in fractions of the last look's, so that the drift theta sqrt(I_K) is the
mean of the last statistic.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from raresim.analysis.arrays import FloatArray
from raresim.analysis.sequential.exits import Bounds, bracketed_root, exits_of
from raresim.analysis.sequential.path import Interval, Path
from raresim.analysis.sequential.spending import Spending, spent

SPENDING = "spending "
"""How the name of an error spending design starts; what follows is for `spent`."""


@dataclass(frozen=True)
class Recipe:
    """A design as it was asked for; see `group_sequential` for the meaning of its fields."""

    timing: tuple[float, ...]
    alpha: float
    power: float
    sides: int
    efficacy: str | tuple[float, ...]
    efficacy_parameter: float | None
    futility: str | tuple[float, ...] | None
    futility_parameter: float | None
    futility_bounds: tuple[float, ...] | None
    binding: bool
    under_null: bool
    futility_level: float | None

    @property
    def one_side(self) -> float:
        """The level of one side."""
        return self.alpha / self.sides

    @property
    def moves(self) -> bool:
        """Whether the efficacy boundaries depend on the drift."""
        spends_beta = self.futility is not None and not self.under_null
        return self.efficacy == "pampallona-tsiatis" or (self.binding and spends_beta)

    def alpha_increments(self) -> FloatArray | None:
        """Give what each look may spend on one side; None for boundaries of a fixed shape."""
        if isinstance(self.efficacy, tuple):
            return np.diff((0.0, *self.efficacy)) / self.sides
        if not self.efficacy.startswith(SPENDING):
            return None
        return self._increments(self.efficacy, self.efficacy_parameter, self.one_side)

    def beta_increments(self) -> FloatArray | None:
        """Give the error that each look may spend on futility; None where none is spent."""
        if self.futility is None or self.futility == "pampallona-tsiatis":
            return None
        if isinstance(self.futility, tuple):
            return np.diff((0.0, *self.futility))
        total = 1.0 - self.power
        if self.under_null:
            total = 1.0 - self.one_side if self.futility_level is None else self.futility_level
        return self._increments(self.futility, self.futility_parameter, total)

    def _increments(self, name: str, parameter: float | None, total: float) -> FloatArray:
        kind: Spending = name.removeprefix(SPENDING)  # type: ignore[assignment]
        spends = [spent(t / self.timing[-1], total, kind, parameter) for t in self.timing]
        return np.diff((0.0, *spends))

    def shape(self) -> tuple[Callable[[float], FloatArray], float]:
        """Give the boundaries of a fixed shape as a function of the last one, and a first guess."""
        t = np.array(self.timing)
        if self.efficacy == "haybittle-peto":
            interim = 3.0 if self.efficacy_parameter is None else self.efficacy_parameter
            fixed = np.full(t.size - 1, interim)
            return (lambda last: np.append(fixed, last)), -float(ndtri(self.one_side))
        delta = {"obrien-fleming": 0.0, "pocock": 0.5}.get(str(self.efficacy))
        if delta is None:
            delta = self.efficacy_parameter
            assert delta is not None
        power = t ** (delta - 0.5)
        return (lambda last: last * power), -float(ndtri(self.one_side))


Futility = Callable[[int, Path, float], float]
"""Finds a look's futility boundary from its number, the path and the efficacy boundary.

-infinity (one-sided) or NaN (two-sided) where there is none.
"""


def walk(recipe: Recipe, upper: FloatArray | None, futility: Futility, drift: float) -> Bounds:
    """Go through the looks, finding the boundaries as they come.

    Futility acts on the path under the drift always, on that under the null hypothesis only
    where it binds. Without ``upper`` the efficacy boundaries spend alpha.
    """
    t, spends = recipe.timing, recipe.alpha_increments()
    found = np.zeros((2, len(t)))
    null, truth = Path.at_start(), Path.at_start(drift)
    for k, level in enumerate(t):
        if upper is None:
            assert spends is not None
            high = null.boundary(level, float(spends[k]))
        else:
            high = float(upper[k])
        low = futility(k, truth, high)
        low = high if low > high else low
        found[:, k] = high, low
        if k + 1 < len(t):
            null = null.onward(level, t[k + 1], *_goes_on(recipe, high, low, recipe.binding))
            truth = truth.onward(level, t[k + 1], *_goes_on(recipe, high, low, True))
    if recipe.sides == 2:
        return symmetric(found[0], found[1])
    return Bounds(found[0], found[1], np.full(len(t), np.nan))


def _goes_on(recipe: Recipe, high: float, low: float, acts: bool) -> tuple[Interval, ...]:
    if recipe.sides == 1:
        return ((low if acts else -np.inf, high),)
    if not acts or np.isnan(low):
        return ((-high, high),)
    return ((-high, -low), (low, high))


def spent_alpha(recipe: Recipe, bounds: Bounds) -> float:
    """Give the one-sided type I error of boundaries; futility counts only where it binds."""
    acting = bounds
    if recipe.sides == 1 and not recipe.binding:
        acting = Bounds(bounds.upper, np.full(len(recipe.timing), -np.inf), bounds.inner)
    if recipe.sides == 2 and not recipe.binding:
        acting = Bounds(bounds.upper, bounds.lower, np.full(len(recipe.timing), np.nan))
    return float(exits_of(recipe.timing, acting, 0.0).upper.sum())


def fitted_shape(recipe: Recipe, bounds: Callable[[FloatArray], Bounds]) -> FloatArray:
    """Find the boundaries of the design's shape that spend alpha, given what goes with them."""
    shape, guess = recipe.shape()

    def missing(last: float) -> float:
        return recipe.one_side - spent_alpha(recipe, bounds(shape(last)))

    return shape(bracketed_root(missing, guess, 0.2, tight=1e-12))


def symmetric(upper: FloatArray, inner: FloatArray) -> Bounds:
    """Give the boundaries of a two-sided test, futility around 0."""
    return Bounds(upper, -upper, inner)
