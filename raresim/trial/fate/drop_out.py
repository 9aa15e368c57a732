"""When something happens whose hazard depends on the patient: stopping treatment, leaving.

    hazard(t) = rate * by_arm * product over scores of hazard_ratio ** (x(t) / for)

`x` is a score or its change since randomisation: what was read at the last visit that took place
(at randomisation, before the first one), so that who leaves is missing at random given what was
read; or the true value in the middle between two visits, missing not at random. Either way `x` is
constant from one visit day of the patient to the next, on the last stretch from the last visit on,
and so is `by_arm` from one change of treatment to the next.
So the cumulative hazard is a straight line on each stretch, and the time is its inverse at a unit
exponential: the same luck under every arm, and E / rate where nothing is followed.
Source: inversion of the cumulative hazard, Bender, Augustin & Blettner, Statistics in Medicine
2005;24:1713-1723; missing at random and not at random: Rubin, Biometrika 1976;63:581-592.
"""

from __future__ import annotations

import numpy as np

from raresim.either import either
from raresim.evidence.statistics import Floats
from raresim.streams import Luck
from raresim.trial.fate.readings import Booleans
from raresim.trial.grammar.patient import Hazard, Predictor

FAR = 1e7
"""A day that never comes: what is infinitely far has no length to multiply by."""
STEEPEST = 100.0
"""Largest log hazard ratio in size: beyond it somebody goes at once or never, and exp overflows."""


def unit_exponential(luck: Luck, point: str, units: int) -> Floats:
    """Return a unit exponential for each patient; a low uniform is a late event."""
    return -np.log(luck.uniform(point, units))


def comes_on(
    hazard: Hazard,
    treatments: tuple[str, ...],
    turns: list[Floats],
    threshold: Floats,
    edges: Floats,
    log_ratio: Floats,
) -> Floats:
    """Return the day on which the cumulative hazard reaches the threshold.

    `log_ratio` (replicates, units, stretches) is that of each stretch, `edges` the days on which
    the stretches begin; the last one has no end. `turns` (each of shape replicates, units) are
    since when each treatment after the first is had, infinite for who never has it: the hazard is
    that of the last one had, also after its end.
    """
    first, *later = (hazard.rate * hazard.by_arm.get(name, 1.0) for name in treatments)
    alike = all(rate == first for rate in later)
    if alike and not hazard.follows:
        return threshold / first if first > 0 else np.full(threshold.shape, np.inf)
    ratio = np.exp(np.clip(log_ratio, -STEEPEST, STEEPEST))
    if alike:
        return reached(threshold, edges, first * ratio)
    shape = (*edges.shape[:2], 1)
    days = [np.broadcast_to(np.minimum(day, FAR)[..., None], shape) for day in turns]
    joined = np.sort(np.concatenate([edges, *days], axis=-1), axis=-1)
    old = np.sum(edges[..., None, :] <= joined[..., None], axis=-1) - 1
    own = np.take_along_axis(np.broadcast_to(ratio, edges.shape), old, axis=-1)
    rate: Floats | float = first
    for day, own_rate in zip(days, later, strict=True):
        rate = either(joined >= day, own_rate, rate)
    return reached(threshold, joined, rate * own)


def reached(threshold: Floats, edges: Floats, speeds: Floats) -> Floats:
    """Return the day on which a hazard that is constant between edges adds up to the threshold."""
    found, left = np.full(threshold.shape, np.inf), threshold
    last = edges.shape[-1] - 1
    for k in range(last + 1):
        begin, speed = edges[..., k], speeds[..., k]
        with np.errstate(divide="ignore", invalid="ignore"):  # a hazard of zero
            day = begin + left / speed
        if k == last:
            return either(np.isinf(found), day, found)
        end = edges[..., k + 1]
        found = either(np.isinf(found) & (day < end), day, found)
        left = np.maximum(left - speed * (end - begin), 0.0)
    return found


def log_ratio(terms: list[Predictor], values: list[Floats]) -> Floats:
    """Return the sum of log(hazard_ratio) x / for over the scores that are followed."""
    total: Floats = np.zeros((1, 1, 1))
    for term, x in zip(terms, values, strict=True):
        total = total + np.log(term.hazard_ratio) / term.for_ * x
    return total


def last_seen(readings: Floats, came: Booleans) -> Floats:
    """Return what was read last, from randomisation and from each visit on, the last axis.

    >>> read, came = np.array([[50.0, 47.0, 44.0]]), np.array([[False, True]])
    >>> last_seen(read, came)
    array([[50., 50., 44.]])
    """
    found = [readings[..., 0]]
    for visit in range(came.shape[-1]):
        found.append(either(came[..., visit], readings[..., visit + 1], found[-1]))
    return np.stack(found, axis=-1)
