"""Worlds in which nothing is to be found: data of two equal arms, for sizes of tests.

Each null draws (replicates, n) arrays; arms alternate, so that both have half of the patients.
Medians and spreads are those of small rare-disease trials: scores change by a tenth of their range,
0.8 events a year with a coefficient of variation near one, a fifth leave before the end.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

Generator = np.random.Generator
Data = dict[str, npt.NDArray[Any]]
Shape = tuple[int, int]


def _base(shape: Shape) -> Data:
    arm = np.tile(np.arange(shape[1]) % 2, (shape[0], 1))
    return {"arm": arm, "present": np.ones(shape, bool)}


def _scores(shape: Shape, change: npt.NDArray[Any], baseline: npt.NDArray[Any]) -> Data:
    return {**_base(shape), "change": change, "covariates": baseline[..., None]}


def normal(rng: Generator, shape: Shape) -> Data:
    """Normal changes that hang on a normal baseline (correlation 0.5)."""
    baseline = rng.normal(size=shape)
    return _scores(shape, 0.58 * baseline + rng.normal(size=shape), baseline)


def skewed(rng: Generator, shape: Shape) -> Data:
    """Log-normal changes (sigma 1, skewness 6.2) that hang on a log-normal baseline."""
    baseline = rng.normal(size=shape)
    return _scores(shape, np.exp(0.5 * baseline + 0.87 * rng.normal(size=shape)), np.exp(baseline))


def bounded(rng: Generator, shape: Shape) -> Data:
    """Whole scores from 0 to 10 that crowd near 10: beta-binomial, mean 8."""
    share = rng.beta(4.0, 1.0, shape)
    baseline, later = (rng.binomial(10, share).astype(float) for _ in range(2))
    return _scores(shape, later, baseline)


def tied(rng: Generator, shape: Shape) -> Data:
    """Three answers: worse, the same, better, as 0.2, 0.6 and 0.2 of the patients give."""
    change = rng.choice([-1.0, 0.0, 1.0], p=[0.2, 0.6, 0.2], size=shape)
    return _scores(shape, change, rng.normal(size=shape))


def drop_out(rng: Generator, shape: Shape) -> Data:
    """Normal changes, missing for a fifth: more often where the baseline is high."""
    data = normal(rng, shape)
    chance = 1 / (1 + np.exp(1.6 - 1.2 * data["covariates"][..., 0]))
    return {**data, "change": np.where(rng.uniform(size=shape) < chance, np.nan, data["change"])}


def rare(rng: Generator, shape: Shape) -> Data:
    """Yes or no, yes for a tenth."""
    return {**_base(shape), "event": rng.uniform(size=shape) < 0.1}


def common(rng: Generator, shape: Shape) -> Data:
    """Yes or no, yes for four in ten."""
    return {**_base(shape), "event": rng.uniform(size=shape) < 0.4}


def _lives(rng: Generator, shape: Shape, hazard: Any, within: float) -> Data:
    event, censored = rng.exponential(size=shape) / hazard, rng.uniform(within, 1.0, size=shape)
    time = np.minimum(event, censored)
    return {**_base(shape), "time": time, "event": event <= censored}


def exponential(rng: Generator, shape: Shape) -> Data:
    """Times at a hazard of 1 in a year; a follow-up of 0.6 to 1."""
    return _lives(rng, shape, 1.0, 0.6)


def few_events(rng: Generator, shape: Shape) -> Data:
    """Times at a hazard of 0.25 in a year: one patient in five has the event."""
    return _lives(rng, shape, 0.25, 0.6)


def at_visits(rng: Generator, shape: Shape) -> Data:
    """Times seen at the next of four visits, so that many are tied."""
    data = _lives(rng, shape, 1.0, 0.6)
    return {**data, "time": np.ceil(data["time"] * 4) / 4}


def deaths_and_scores(rng: Generator, shape: Shape) -> Data:
    """A fifth die; of pairs that death does not decide, a skewed change does."""
    return {**_lives(rng, shape, 0.3, 1.0), "change": skewed(rng, shape)["change"]}


def competing(rng: Generator, shape: Shape) -> Data:
    """An event at a hazard of 0.6 in a year, or another one at 0.4 that forestalls it."""
    data = _lives(rng, shape, 1.0, 0.6)
    of = np.where(rng.uniform(size=shape) < 0.6, 1, 2)
    return {**data, "cause": np.where(data["event"], of, 0)}


def in_pairs(rng: Generator, shape: Shape) -> Data:
    """The same patients twice: two correlated normal values."""
    before = rng.normal(size=shape)
    return {**_base(shape), "before": before, "after": 0.6 * before + 0.8 * rng.normal(size=shape)}


def in_skewed_pairs(rng: Generator, shape: Shape) -> Data:
    """The same patients twice: two correlated log-normal values of one law."""
    data = in_pairs(rng, shape)
    return {**data, "before": np.exp(data["before"]), "after": np.exp(data["after"])}


def goals(rng: Generator, shape: Shape) -> Data:
    """Three goals each, attained from -2 to 2; a patient's goals go together (correlation 0.3)."""
    level = np.sqrt(0.3) * rng.normal(size=(*shape, 1)) + np.sqrt(0.7) * rng.normal(
        size=(*shape, 3)
    )
    return {**_base(shape), "goals": np.clip(np.round(level - 0.3), -2, 2)}


def _confounded(rng: Generator, shape: Shape) -> Data:
    x = rng.normal(size=(*shape, 2))
    arm = (rng.uniform(size=shape) < 1 / (1 + np.exp(-0.6 * x[..., 0]))).astype(np.int64)
    return {**_base(shape), "arm": arm, "covariates": x}


def confounded(rng: Generator, shape: Shape) -> Data:
    """External controls: normal changes on two covariates, of which one steers who is treated."""
    data = _confounded(rng, shape)
    x = data["covariates"]
    change = x[..., 0] + 0.5 * x[..., 1] + rng.normal(size=shape)
    return {**data, "change": change, "published": np.array(0.5)}


def confounded_skewed(rng: Generator, shape: Shape) -> Data:
    """External controls: log-normal changes on the same two covariates."""
    data = _confounded(rng, shape)
    x = data["covariates"]
    change = np.exp(0.5 * x[..., 0] + 0.25 * x[..., 1] + 0.87 * rng.normal(size=shape))
    mean = np.exp(0.5 * 0.4 + 0.25 * 0.2 + (0.5**2 + 0.25**2 + 0.87**2) / 2)
    return {**data, "change": change, "published": np.array(mean)}


def drifting(rng: Generator, shape: Shape) -> Data:
    """Skewed changes that fall while the trial recruits."""
    data = skewed(rng, shape)
    return {**data, "change": data["change"] - np.linspace(0.0, 3.0, shape[1])}


def _counts(rng: Generator, shape: Shape, frailty: npt.NDArray[Any]) -> Data:
    years = rng.uniform(0.7, 1.0, shape)
    gaps = rng.exponential(size=(*shape, 24)) / (0.8 * frailty)[..., None]
    days = np.ceil(np.cumsum(gaps, axis=2) * 365.0)
    follow_up = np.floor(years * 365.0)
    count = (days <= follow_up[..., None]).sum(axis=2)
    kept = days[..., : max(1, int(count.max()))]
    return {**_base(shape), "count": count, "years": years, "days": kept, "follow_up": follow_up}


def poisson(rng: Generator, shape: Shape) -> Data:
    """0.8 events a year in everybody, followed for 0.7 to 1 year."""
    return _counts(rng, shape, np.ones(shape))


def overdispersed(rng: Generator, shape: Shape) -> Data:
    """0.8 events a year on average, gamma between patients (shape 1.1)."""
    return _counts(rng, shape, rng.gamma(1.1, 1 / 1.1, shape))


def _visits(rng: Generator, shape: Shape, shift: Callable[[Any], Any]) -> Data:
    """Return changes at four visits whose correlations fall with the time between them."""
    lag = np.abs(np.subtract.outer(np.arange(4), np.arange(4)))
    spread = np.array([1.0, 1.2, 1.4, 1.6])
    root = np.linalg.cholesky(0.8**lag * np.outer(spread, spread))
    baseline = rng.normal(size=shape)
    change = shift(rng.normal(size=(*shape, 4)) @ root.T - 0.5 * baseline[..., None])
    return {**_base(shape), "visits": change, "covariates": baseline[..., None]}


def visits(rng: Generator, shape: Shape) -> Data:
    """Normal changes at four visits, all there."""
    return _visits(rng, shape, lambda change: change)


def leaving(rng: Generator, shape: Shape) -> Data:
    """Changes at four visits of which patients leave: sooner who is worse at the visit before."""
    data = _visits(rng, shape, lambda change: change)
    before = np.concatenate([np.zeros((*shape, 1)), data["visits"][..., :-1]], axis=2)
    stays = rng.uniform(size=before.shape) > 0.06 * np.exp(0.5 * before)
    kept = np.logical_and.accumulate(stays, axis=2)
    return {**data, "visits": np.where(kept, data["visits"], np.nan)}


def skewed_visits(rng: Generator, shape: Shape) -> Data:
    """Log-normal changes at four visits."""
    return _visits(rng, shape, lambda change: np.exp(0.6 * change))


def bounded_visits(rng: Generator, shape: Shape) -> Data:
    """Whole scores from 0 to 10 at four visits that crowd near 10."""
    return _visits(rng, shape, lambda change: np.clip(np.round(8.5 + 1.5 * change), 0, 10))
