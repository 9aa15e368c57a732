"""Effects of treatments as a hypothesis states them, made ready to act."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from raresim.disease.outcomes import Effect
from raresim.evidence import Difference, Ratio
from raresim.evidence.statistics import Floats
from raresim.trial.effect_block import EffectSpec

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


def published_effects(hypothesis: Mapping[str, Mapping[str, EffectSpec]]) -> Effects:
    """Return the effects of a hypothesis as they are stated, none of them drawn."""
    return {
        outcome: {
            treatment: acting_in(stated, acting(stated.statistic, stated.statistic.point()))
            for treatment, stated in treatments.items()
        }
        for outcome, treatments in hypothesis.items()
    }


def rows_of_effects(effects: Effects, chosen: slice) -> Effects:
    """Return effects for some replicates only."""
    return {
        outcome: {arm: effect.rows(chosen) for arm, effect in arms.items()}
        for outcome, arms in effects.items()
    }
