"""Which statistics can be pooled: the scale of each kind, its estimate, and what it becomes."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from scipy.special import logit

from raresim.errors import Fault
from raresim.evidence.events import Difference, Dispersion, EventRate, Ratio
from raresim.evidence.pooled import (
    For,
    Pooled,
    PooledCorrelation,
    PooledDifference,
    PooledDispersion,
    PooledMean,
    PooledRate,
    PooledRatio,
    PooledShare,
    PooledSlope,
    PooledSpread,
    Scale,
    back,
    first_state,
    law,
)
from raresim.evidence.statistics import Correlation, Mean, Share, Slope, Spread, Statistic

Estimate = tuple[float, float | None]
"""An estimate and its standard error on the scale; no error where the study does not tell it."""


def _of_share(s: Share) -> Estimate:
    """Return logit and error 1 / sqrt(n p (1 - p)); half a patient is added to an empty cell."""
    if len(s.numbers()) != 2:
        raise Fault("only shares of two states are pooled", "state 'yes or no', or one study alone")
    if not s.n:
        return 0.0, None
    first = first_state(s)
    yes = s.numbers()[first] * s.n
    no = s.n - yes
    if min(yes, no) < 1e-9:
        yes, no = yes + 0.5, no + 0.5
    return float(logit(yes / (yes + no))), math.sqrt(1 / yes + 1 / no)


def _of_rate(s: EventRate) -> Estimate:
    """Return log rate and error 1 / sqrt(events); half an event is added to none."""
    events = s.count or 0.5
    return math.log(events / s.exposure * 365.25), 1 / math.sqrt(events)


def _of_z(s: Correlation) -> Estimate:
    return math.atanh(s.correlation), 1 / math.sqrt(s.n - 3) if s.n and s.n > 3 else None


def _of_spread(s: Spread) -> Estimate:
    return math.log(s.sd), 1 / math.sqrt(2 * (s.n - 1)) if s.n and s.n > 1 else None


def _of_dispersion(s: Dispersion) -> Estimate:
    theta = s.negative_binomial_theta
    return math.log(theta), s.se / theta if s.se else None


def _of_ratio(s: Ratio) -> Estimate:
    return math.log(s.ratio), s.log_se


def _plain(s: Any) -> Estimate:
    (value, *_), (error, *_) = s.numbers().values(), s.errors().values()
    return value, error


@dataclass(frozen=True)
class Kind:
    """How a kind of statistic is pooled.

    `part` names its draw, `lacking` what an estimate without an error lacks; `numbers` returns the
    fields of the pooled statistic from the studies, the pooled number and its 95 % interval.
    """

    pooled: type[Pooled]
    scale: Scale
    part: str
    lacking: str
    estimate: Callable[[Any], Estimate]
    numbers: Callable[[Sequence[Any], float, list[float]], dict[str, Any]]


def _means(studies: Sequence[Mean], value: float, _: list[float]) -> dict[str, Any]:
    """Return mean and, where every study prints one, the SD within studies."""
    parts = [(s.n - 1, s.sd) for s in studies if s.n and s.n > 1 and s.sd is not None]
    freedom = sum(f for f, _ in parts)
    whole = len(parts) == len(studies)
    within = math.sqrt(sum(f * sd**2 for f, sd in parts) / freedom) if whole else None
    return {"mean": value, "sd": within, "freedom": freedom}


def _shares(studies: Sequence[Share], value: float, _: list[float]) -> dict[str, Any]:
    first = first_state(studies[0])
    if not isinstance(studies[0].share, dict):
        return {"share": value}
    other = next(name for name in studies[0].share if name != first)
    _alike("the same two states", (set(s.numbers()) for s in studies))
    return {"share": {first: value, other: 1 - value}}


def _rates(studies: Sequence[EventRate], value: float, _: list[float]) -> dict[str, Any]:
    return {"rate": value / 365.25, "exposure": sum(s.exposure for s in studies)}


def _ratios(studies: Sequence[Ratio], value: float, ci: list[float]) -> dict[str, Any]:
    names = [next(iter(s.numbers())) for s in studies]
    _alike("one kind of ratio", names)
    return {names[0]: value, "ci": ci}


def _differences(studies: Sequence[Difference], value: float, ci: list[float]) -> dict[str, Any]:
    _alike("differences after one time", (s.after for s in studies))
    return {"difference": value, "after": studies[0].after, "ci": ci}


def _alike(wanted: str, found: Iterable[Any]) -> None:
    first, *others = found
    if any(other != first for other in others):
        raise Fault(f"expected {wanted} in all studies of a pool", "pool those that are alike")


def _named(name: str) -> Callable[[Sequence[Any], float, list[float]], dict[str, Any]]:
    return lambda _, value, __: {name: value}


KINDS: dict[type[Statistic], Kind] = {
    Mean: Kind(PooledMean, "plain", "mean", "'se', or 'sd' and 'n'", _plain, _means),
    Share: Kind(PooledShare, "logit", "share", "'n'", _of_share, _shares),
    Spread: Kind(PooledSpread, "log", "sd", "'n'", _of_spread, _named("sd")),
    EventRate: Kind(PooledRate, "log", "rate", "'events'", _of_rate, _rates),
    Dispersion: Kind(
        PooledDispersion, "log", "theta", "'se'", _of_dispersion, _named("negative_binomial_theta")
    ),
    Correlation: Kind(
        PooledCorrelation, "fisher", "correlation", "'n' of 4 or more", _of_z, _named("correlation")
    ),
    Slope: Kind(PooledSlope, "plain", "slope", "'se'", _plain, _named("slope")),
    Ratio: Kind(PooledRatio, "log", "ratio", "'ci'", _of_ratio, _ratios),
    Difference: Kind(PooledDifference, "plain", "difference", "'ci'", _plain, _differences),
}
"""What can be pooled, and how."""


def pooled(studies: Sequence[Statistic], goal: For, heterogeneity: float | None) -> Statistic:
    """Return the statistic of the studies' kind that stands for all of them.

    Parameters
    ----------
    studies
        Statistics of one kind, each with its source.
    goal
        Whether the number of a new trial is meant, or the mean over studies.
    heterogeneity
        Scale of the half-normal prior on the SD between studies, on the kind's scale: plain for
        means, slopes and differences, log for rates, ratios, SDs and thetas, logit for shares,
        Fisher's z for correlations. None for REML.

    Raises
    ------
    Fault
        When a study has no standard error, or studies are not alike.

    Examples
    --------
    >>> arms = [EventRate(events=56, exposure="50.7 patient-years", source="a")]
    >>> arms += [EventRate(events=30, exposure="40 patient-years", source="b")]
    >>> found = pooled(arms, "new trial", 0.3)
    >>> found.text()
    '0.934 per patient-year, pooled for a new trial from 2 studies, SE 0.345'
    """
    kind = next(KINDS[base] for base in type(studies[0]).__mro__ if base in KINDS)
    estimates, errors = [], []
    for number, study in enumerate(studies):
        estimate, error = kind.estimate(study)
        if not error:
            message = f"study {number + 1} of a pool has no standard error"
            raise Fault(message, f"add {kind.lacking}")
        estimates.append(estimate)
        errors.append(error)
    found = law(estimates, errors, goal, heterogeneity)
    value, *ci = (float(back(x, kind.scale)) for x in (found.mean, *found.ends))
    sizes = [study.n for study in studies]
    return kind.pooled.model_construct(
        **kind.numbers(studies, value, ci),
        n=sum(n for n in sizes if n) if all(sizes) else None,
        source=", ".join(dict.fromkeys(study.source for study in studies)),
        seen=all(study.seen for study in studies),
        studies=tuple(studies),
        law=found,
        scale=kind.scale,
        part=kind.part,
        goal=goal,
    )
