"""A search on its way: which numbers are tried, and where the rate seems to cross the target."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import ceil, floor, isfinite

import numpy as np
from scipy.special import ndtri

from raresim.questions.again import FRESH
from raresim.questions.axes import Axis, placed
from raresim.questions.bench import Bench, Design, TrialPiece, pieces
from raresim.questions.characteristics import Characteristic, characteristics, figures
from raresim.questions.crossing import Crossing, Tried, crossing
from raresim.streams import LUCK_BLOCK
from raresim.study.montecarlo import Figure
from raresim.trial.scenario import Scenario

SPREAD = 6
"""Values of the range that are tried first, a luck block of trials at each."""
APART, LEAST_APART = 0.25, 0.08
"""Probits by which the values tried next are below and above the target, at first and at least."""
GROWTH = 2
"""How much larger each round of trials is than the one before."""
LAST = 0.25
"""Share of the budget that is kept for the fresh seeds."""
LEAST = 2 * SPREAD * LUCK_BLOCK
"""Trials that a search needs."""
Z = 1.959964
"""Standard errors of the interval: 95 %."""
BENT = 0.001
"""P-value below which the rate is said not to rise smoothly."""


@dataclass
class Hunt:
    """A search on its way: what was tried so far, and where the rate seems to cross the target."""

    scenario: Scenario
    hypothesis: str
    axis: Axis
    ends: tuple[int, int]
    target: float
    seed: int
    bench: Bench
    block: int = 0
    rates: dict[int, Figure] = field(default_factory=dict)
    blocks: dict[int, list[TrialPiece]] = field(default_factory=dict)
    at: Crossing | None = None

    def spread(self) -> None:
        """Try some values over the whole range; patients count by their ratio."""
        low, high = self.ends
        values = {round(value) for value in np.geomspace(max(low, 1), high, SPREAD)} | {low, high}
        self._try(dict.fromkeys(values, 1))

    def close_in(self, budget: int, within: float) -> None:
        """Try values about the crossing until it is known well enough."""
        blocks, budget = 2, floor((1 - LAST) * budget)
        while self.answer() is not None and not self._known(within):
            left = (budget - self.bench.done) // LUCK_BLOCK
            if left < 2:
                return
            blocks = min(blocks, left)
            below, above = self._next()
            self._try({below: -(-blocks // 2), above: blocks // 2 or 1})
            blocks *= GROWTH

    def _known(self, within: float) -> bool:
        assert self.at is not None
        width = self.at.high - self.at.low
        return isfinite(width) and width / 2 <= max(0.25, within * self.at.at)

    def _next(self) -> tuple[int, int]:
        """Return two different values about the crossing, at probits a little apart."""
        assert self.at is not None
        low, high = self.ends
        tried = sorted(self.rates)
        beside = [value for value in tried if value != round(self.at.at)]
        # the slope in the root, from the crossing to the value farthest away that is not extreme
        slopes = [
            abs(self._probit(v) - self._probit_target()) / abs(np.sqrt(v) - np.sqrt(self.at.at))
            for v in beside
            if 0.02 < (self.rates[v].value or 0.0) < 0.98
        ]
        slope = max(float(np.median(slopes)) if slopes else 0.3, 1e-3)
        root, known = np.sqrt(self.at.at), np.sqrt(self.at.high) - np.sqrt(self.at.low)
        apart = np.clip(known * slope / 2, LEAST_APART, APART) if isfinite(known) else APART
        step = apart / slope
        below = int(np.clip(floor(max(root - step, 0.0) ** 2), low, high - 1))
        above = int(np.clip(ceil((root + step) ** 2), below + 1, high))
        return below, above

    def _probit(self, value: int) -> float:
        return float(ndtri(np.clip(self.rates[value].value or 0.0, 1e-3, 1 - 1e-3)))

    def _probit_target(self) -> float:
        return float(ndtri(self.target))

    def _try(self, wanted: Mapping[int, int]) -> None:
        """Run so many luck blocks at each value, each with luck of its own."""
        asked = {}
        for value, blocks in sorted(wanted.items()):
            size = blocks * LUCK_BLOCK
            asked[value] = pieces(self._design(value), self.seed, size, self.block)
            self.block += blocks
        self.bench.run([piece for own in asked.values() for piece in own])
        for value, own in asked.items():
            self.blocks.setdefault(value, []).extend(own)
            numbers = self.bench.numbers(self.blocks[value])
            shares = characteristics([self.scenario], self.hypothesis)[:1]
            self.rates[value] = figures(numbers, shares)["success"]
        self.at = crossing([_tried(at, rate) for at, rate in self.rates.items()], self.target, Z)

    def _design(self, value: int) -> Design:
        return Design(str(value), placed(self.scenario, [self.axis], [value]), self.hypothesis)

    def answer(self) -> int | None:
        """Return the number that meets the target, as far as is known."""
        low, high = self.ends
        if self.at is None or not isfinite(self.at.at):
            return None
        number = ceil(self.at.at - 1e-9) if self.at.rises else floor(self.at.at + 1e-9)
        if number < low and self.at.rises:
            return low
        if number > high and not self.at.rises:
            return high
        return number if low <= number <= high else None

    def best_end(self) -> int:
        """Return the end of the range at which the design succeeds most often."""
        return max(self.ends, key=lambda value: self.rates[value].value or 0.0)

    def bound(self, side: str) -> int | None:
        """Return an end of the interval of the answer, held to the range; None for no bound."""
        assert self.at is not None
        end: float = getattr(self.at, side)
        if not isfinite(end):
            return None
        rounded = ceil(end - 1e-9) if self.at.rises else floor(end + 1e-9)
        return int(np.clip(rounded, *self.ends))

    def again(
        self, number: int, budget: int, told: tuple[Characteristic, ...]
    ) -> dict[str, Figure]:
        """Return what a design does on fresh seeds."""
        size = max(2, floor(LAST * budget) // LUCK_BLOCK) * LUCK_BLOCK
        own = pieces(self._design(number), self.seed + FRESH, size)
        return figures(self.bench.numbers(own), told)

    def remark(self, number: int | None) -> str:
        """Say what the answer alone does not."""
        low, high = self.ends
        if number is None:
            best = self.best_end()
            return f"no number from {low} to {high} meets the target; {best} comes nearest"
        assert self.at is not None
        if number in self.ends:
            return f"{number} is an end of the range: widen it to be sure"
        if self.at.bent < BENT:
            return "the rate does not rise smoothly here, as with exact tests: look at a sweep"
        return ""


def _tried(at: int, rate: Figure) -> Tried:
    """Return trials as if they were independent: those that would have this Monte Carlo error."""
    value, error = rate.value or 0.0, rate.mcse or 1.0
    trials = float(rate.replicates)
    if 0 < value < 1:
        trials = min(trials, value * (1 - value) / error**2)
    return Tried(float(at), trials, trials * value)
