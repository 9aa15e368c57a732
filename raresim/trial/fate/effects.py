"""Effects of treatments as a hypothesis states them, made ready to act."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from raresim.disease.outcomes import Effect
from raresim.disease.parameters import drawn_from
from raresim.disease.uncertain import pinned
from raresim.evidence import Difference, Ratio
from raresim.evidence.statistics import Floats
from raresim.streams import Luck
from raresim.trial.grammar.effect import Drift, EffectSpec

Effects = dict[str, dict[str, Effect]]
"""By outcome, then by treatment."""

LEAST_RATIO = 1e-6
"""A drawn ratio of responders is no smaller: a share of them may not be able to be the average."""


def acting(statistic: Ratio | Difference, values: Mapping[str, Floats]) -> Effect:
    """Return an effect as a statistic states it, with the values at hand."""
    value = next(iter(values.values()))
    if isinstance(statistic, Ratio):
        return Effect("ratio", value)
    return Effect("difference", value, statistic.after)


def acting_in(stated: EffectSpec, effect: Effect) -> Effect:
    """Return an effect with how fast and in whom it acts.

    The value is the average over all patients. With a share s of responders they have d / s of a
    difference d, and 1 + (r - 1) / s of a ratio r, whose average is r where nobody's rate depends
    on whether he responds.
    """
    value, s = effect.value, stated.responders
    if s < 1:
        value = value / s if effect.scale == "difference" else 1 + (value - 1) / s
        value = value if effect.scale == "difference" else np.maximum(value, LEAST_RATIO)
    half_life = stated.half_life or 0.0
    return replace(
        effect,
        value=value,
        half_life=half_life,
        lasts=stated.lasts or 0.0,
        responders=s,
        only_where=stated.only_where,
        on_top_of=stated.on_top_of,
    )


def effect_of(arm: str, outcome: str) -> str:
    """Return what the effect of an arm on an outcome is called."""
    return f"effect of {arm} on {outcome}"


def stated_effects(
    hypothesis: Mapping[str, Mapping[str, EffectSpec]],
    luck: Luck | None = None,
    place: str = "centre",
) -> Effects:
    """Return the effects of a hypothesis: as published, drawn with `luck`, or moved to a place."""
    found: Effects = {}
    for outcome, arms in hypothesis.items():
        found[outcome] = {}
        for arm, stated in arms.items():
            statistic = stated.statistic
            values = statistic.point()
            uniform = pinned(place, effect_of(arm, outcome), stated.evidence) or drawn_from(
                luck, "effect", outcome, arm
            )
            if uniform is not None and stated.evidence is not None:
                values = statistic.draw(uniform)
            found[outcome][arm] = acting_in(stated, acting(statistic, values))
    return found


def yearly(drifts: Mapping[str, Drift]) -> dict[str, Effect]:
    """Return what each year by which a patient is randomised later does to each outcome."""
    found = {}
    for outcome, drift in drifts.items():
        ratio, after = drift.rate_ratio, drift.after or 0.0
        value = np.array([drift.difference if ratio is None else ratio], np.float64)
        found[outcome] = Effect("difference" if ratio is None else "ratio", value, after)
    return found


def rows_of_effects(effects: Effects, chosen: slice) -> Effects:
    """Return effects for some replicates only."""
    return {
        outcome: {arm: effect.rows(chosen) for arm, effect in arms.items()}
        for outcome, arms in effects.items()
    }
