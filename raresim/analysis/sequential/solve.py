"""The boundaries of a design and the drift for which it has its power."""

from dataclasses import replace
from functools import lru_cache

import numpy as np
from scipy.special import ndtri

from raresim.analysis.arrays import FloatArray
from raresim.analysis.sequential.exits import Bounds, bracketed_root, exits_of, root
from raresim.analysis.sequential.path import Path
from raresim.analysis.sequential.recipe import Futility, Recipe, fitted_shape, walk

TIGHT = 1e-11
SETTLED_SPENDING = 1e-13


@lru_cache(maxsize=4096)
def solved(recipe: Recipe) -> tuple[Bounds, float]:
    """Give the boundaries of a design and the drift for which it has its power."""
    spends = _spent_two_sided(recipe) if recipe.sides == 2 else recipe.beta_increments()
    if recipe.under_null and spends is not None:
        bounds = _under_null(recipe, spends)
        return bounds, _drift(recipe, bounds)
    upper = None if recipe.moves else _upper(recipe)

    def at(drift: float) -> Bounds:
        if recipe.efficacy == "pampallona-tsiatis":
            return _pampallona_tsiatis(recipe, drift)
        futility = _futility(recipe, spends)
        if upper is not None or recipe.alpha_increments() is not None:
            return walk(recipe, upper, futility, drift)
        return walk(
            recipe,
            fitted_shape(recipe, lambda u: walk(recipe, u, futility, drift)),
            futility,
            drift,
        )

    if not recipe.moves and spends is None:
        bounds = at(0.0)
        return bounds, _drift(recipe, bounds)
    guess = _fixed_drift(recipe)

    def surplus(drift: float) -> float:
        return _power(recipe, at(drift), drift) - recipe.power

    drift = bracketed_root(surplus, guess * 1.03, guess * 0.05, tight=TIGHT)
    return at(drift), drift


def _fixed_drift(recipe: Recipe) -> float:
    return float(-ndtri(recipe.one_side) + ndtri(recipe.power))


def _power(recipe: Recipe, bounds: Bounds, drift: float) -> float:
    return float(exits_of(recipe.timing, bounds, drift).upper.sum())


def _drift(recipe: Recipe, bounds: Bounds) -> float:
    guess = _fixed_drift(recipe)
    return bracketed_root(
        lambda drift: _power(recipe, bounds, drift) - recipe.power,
        guess * 1.03,
        guess * 0.05,
        tight=TIGHT,
    )


def _upper(recipe: Recipe) -> FloatArray:
    """Find efficacy boundaries that do not depend on the drift."""
    futility = _futility(recipe, None)
    if recipe.alpha_increments() is not None:
        return walk(recipe, None, futility, 0.0).upper
    return fitted_shape(recipe, lambda u: walk(recipe, u, futility, 0.0))


def _futility(recipe: Recipe, spends: FloatArray | None) -> Futility:
    """Choose how the futility boundary of a look is found."""
    last = len(recipe.timing) - 1
    nowhere = -np.inf if recipe.sides == 1 else np.nan
    fixed = recipe.futility_bounds

    def find(k: int, truth: Path, high: float) -> float:
        if fixed is not None:
            return high if k == last else fixed[k]
        if spends is None:
            return nowhere
        if k == last:
            return high
        if recipe.sides == 2:
            return _inner(truth, recipe.timing[k], high, float(spends[k]))
        return truth.lower_boundary(recipe.timing[k], float(spends[k]))

    return find


def _inner(truth: Path, level: float, high: float, probability: float) -> float:
    """Find f so that |Z| is f or less with this probability; NaN where nothing is spent."""
    if probability <= 0.0:
        return np.nan
    if truth.between(level, -high, high) <= probability:
        return high
    return root(lambda f: truth.between(level, -f, f) - probability, 0.0, high, tight=1e-12)


def _spent_two_sided(recipe: Recipe) -> FloatArray | None:
    """Give the error each look spends on futility around 0 in a two-sided test.

    A look at which one side alone would put its futility boundary below 0 spends nothing, and
    what the later looks spend is stretched to the whole: rpact's rule (betaAdjustment = TRUE).
    """
    spends = recipe.beta_increments()
    if spends is None:
        return None
    one = replace(recipe, sides=1, alpha=recipe.one_side, efficacy=_halved(recipe))
    below = np.flatnonzero(solved(one)[0].lower < 0.0)
    if below.size == 0:
        return spends
    first = int(below[-1]) + 1
    total = spends.sum()
    later = np.where(np.arange(spends.size) < first, 0.0, spends)
    return np.asarray(later * (total / later.sum()))


def _halved(recipe: Recipe) -> str | tuple[float, ...]:
    if isinstance(recipe.efficacy, tuple):
        return tuple(a / recipe.sides for a in recipe.efficacy)
    return recipe.efficacy


def _under_null(recipe: Recipe, spends: FloatArray) -> Bounds:
    """Find futility boundaries that spend probability under the null hypothesis.

    By default the last futility boundary is the efficacy boundary, and what the earlier ones
    spend is stretched so that everything sums to 1, as gsDesign's test.type 6 does: futility
    that does not bind leaves a little more of it than 1 - alpha.
    """
    upper = None if recipe.binding else _upper(recipe)
    last, closes = len(recipe.timing) - 1, recipe.futility_level is None
    increments = spends
    for _ in range(50):
        now = increments

        def find(k: int, truth: Path, high: float, now: FloatArray = now) -> float:
            if k == last and closes:
                return high
            return truth.lower_boundary(recipe.timing[k], float(now[k]))

        bounds = walk(recipe, upper, find, 0.0)
        crossed = float(exits_of(recipe.timing, bounds, 0.0).upper.sum())
        increments = spends * (1.0 - crossed) / spends.sum() if closes else spends
        if np.max(np.abs(increments - now)) < SETTLED_SPENDING:
            break
    return bounds


def _pampallona_tsiatis(recipe: Recipe, drift: float) -> Bounds:
    """Give the boundaries of Pampallona and Tsiatis for a drift, with alpha spent exactly.

    Efficacy at c1 t^(d1 - 1/2); futility at drift sqrt(t) - c0 t^(d0 - 1/2); they meet at the
    last look, so c0 = drift - c1.
    """
    t = np.array(recipe.timing)
    efficacy, futility = recipe.efficacy_parameter, recipe.futility_parameter
    assert efficacy is not None and futility is not None

    def bounds(upper: FloatArray) -> Bounds:
        meets = upper[-1]
        low = drift * np.sqrt(t) - (drift - meets) * t ** (futility - 0.5)
        return Bounds(upper, np.minimum(low, upper), np.full(t.size, np.nan))

    return bounds(fitted_shape(recipe, bounds))
