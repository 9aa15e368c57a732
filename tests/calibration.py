"""Coverage of the uncertainty of evidence: the simulation that the test and the picture share.

A truth is taken, its statistic is published from n patients, raresim draws what the truth may be,
and the central 90 % interval of a derived quantity is held against the truth.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from pydantic import ValidationError

from raresim.evidence import EventFree, EventRate, Mean, Share
from raresim.evidence.survival import fit_time

GRID = 400
SIZES = (20, 50, 200)
RUNS = 600
"""Papers for each fixed truth and size: one Monte Carlo standard error is 1.2 points."""
LEAST, LOW, HIGH = 0.80, 0.87, 0.93
"""What is asked of fixed truths: no point under the first, their mean between the other two."""


def interval(statistic, quantity, rng):
    """Return the central 90 % interval of a quantity of what the truth may be."""
    u: dict[str, np.ndarray] = {}

    def uniform(part: str) -> np.ndarray:
        return u.setdefault(part, rng.permutation((np.arange(GRID) + 0.5) / GRID))

    return np.quantile(quantity(statistic, uniform), [0.05, 0.95])


def covered(publish, quantity, truths, seed):
    """Return the share of runs whose interval holds the truth, and how many papers were empty."""
    rng = np.random.Generator(np.random.PCG64(seed))
    hits, papers = 0, 0
    for truth in truths:
        try:
            statistic = publish(rng, truth)
        except ValidationError:
            continue  # nobody, or everybody, had the event by a time: no curve to print
        papers += 1
        low, high = interval(statistic, quantity, rng)
        hits += low <= truth <= high
    return hits / papers, papers


def publish_mean(n):
    def publish(rng, truth):
        x = rng.normal(truth, 3.0, n)
        return Mean(mean=float(x.mean()), sd=float(x.std(ddof=1)), n=n)

    return publish


def publish_rate(n):
    def publish(rng, truth):
        return EventRate(events=float(rng.poisson(truth * n)), exposure=f"{n} patient-years", n=n)

    return publish


def publish_share(n):
    def publish(rng, truth):
        return Share(share=float(rng.binomial(n, truth)) / n, n=n)

    return publish


def publish_curve(n):
    """Publish shares free at 6 and 12 months; the truth is that at 12, times are exponential."""

    def publish(rng, truth):
        times = rng.exponential(-12 / np.log(truth), n)
        return EventFree(free={f"{m} months": float(np.mean(times > m)) for m in (6, 12)}, n=n)

    return publish


def the(part):
    return lambda statistic, uniform: statistic.draw(uniform)[part]


def at_12_months(statistic, uniform):
    law = fit_time(statistic, 1.0, uniform)
    return np.exp(-law.hazard(np.full((GRID, 1), 365.25)))[:, 0]


CASES = {
    "mean": (publish_mean, the("mean"), (-1.0, 0.0, 2.0), lambda rng: rng.normal(0, 5)),
    "rate": (publish_rate, the("rate"), (0.3, 1.0, 3.0), lambda rng: rng.gamma(2.0, 0.5)),
    "share": (publish_share, the("yes"), (0.2, 0.5, 0.8), lambda rng: rng.beta(0.5, 0.5)),
    "12-month survival": (
        publish_curve,
        at_12_months,
        (0.3, 0.5, 0.7),
        lambda rng: rng.uniform(0.15, 0.85),
    ),
}


@dataclass(frozen=True)
class Point:
    """Coverage at one truth and size."""

    what: str
    n: int
    truth: float
    coverage: float

    @property
    def text(self) -> str:
        """The point in words, as the picture holds it."""
        percent = f"{100 * self.coverage:.1f} %"
        return f"{self.what}, truth {self.truth:g}, n = {self.n}: {percent}"


def points(what: str) -> list[Point]:
    """Return the coverage of one kind of statistic at every fixed truth and size."""
    publish, quantity, truths, _ = CASES[what]
    return [
        Point(what, n, truth, covered(publish(n), quantity, [truth] * RUNS, 100 * n + k)[0])
        for n in SIZES
        for k, truth in enumerate(truths)
    ]
