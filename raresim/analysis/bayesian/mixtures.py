"""Prior and posterior distributions: mixtures of beta, gamma or normal distributions.

The arrays of a mixture have shape (..., K): K components, after as many replicate axes as wanted.
A prior has shape (K,); its posteriors in B trials have shape (B, K).
"""

from abc import abstractmethod
from dataclasses import dataclass
from typing import Self

import numpy as np
from scipy.special import (
    betainc,
    betaincc,
    betaincinv,
    betaln,
    gammainc,
    gammaincc,
    gammaincinv,
    gammaln,
    ndtr,
    ndtri,
    xlog1py,
    xlogy,
)

from raresim.analysis.arrays import BoolArray, FloatArray, ordered_sum
from raresim.errors import InputError

STEPS = 160  # towards a quantile, at most: where Newton's leave the bracket it is halved
HALF_LOG_2PI = 0.9189385332046727


@dataclass(frozen=True)
class Mixture:
    """A mixture of K distributions of one family, with two parameters each.

    Attributes
    ----------
    weight
        (..., K) weights, adding up to 1.
    first, second
        (..., K) parameters: a and b of a beta, shape and rate of a gamma, mean and standard
        deviation of a normal distribution.
    """

    weight: FloatArray
    first: FloatArray
    second: FloatArray

    @classmethod
    def of(cls, *components: tuple[float, float, float]) -> Self:
        """Build a prior of (weight, first parameter, second parameter), one for each component.

        Raises
        ------
        InputError
            If the weights do not add up to 1 or a parameter is impossible.
        """
        table = np.array(components, dtype=np.float64).reshape(-1, 3)
        built = cls(*(np.ascontiguousarray(column) for column in table.T))
        name = cls.__name__
        if len(table) == 0 or np.any(table[:, 0] < 0.0) or abs(table[:, 0].sum() - 1.0) > 1e-9:
            raise InputError(f"{name}: found weights {table[:, 0]}; expected them to add up to 1.")
        if not (np.all(np.isfinite(table)) and np.all(built.possible())):
            raise InputError(f"{name}: found {table[:, 1:].tolist()}; expected {cls.expected()}.")
        return built

    @classmethod
    @abstractmethod
    def expected(cls) -> str:
        """Say which parameters are possible."""

    @abstractmethod
    def possible(self) -> BoolArray:
        """Say of each component whether its parameters are possible."""

    @abstractmethod
    def moments(self) -> tuple[FloatArray, FloatArray]:
        """Give mean and variance of each component."""

    @abstractmethod
    def component_below(self, value: FloatArray) -> FloatArray:
        """Give P(theta <= value) in each component; `value` (..., 1) or (..., K)."""

    @abstractmethod
    def component_above(self, value: FloatArray) -> FloatArray:
        """Give P(theta > value) in each component, precise where it is small."""

    @abstractmethod
    def component_quantile(self, level: FloatArray) -> FloatArray:
        """Give the quantile of each component."""

    @abstractmethod
    def component_log_density(self, value: FloatArray) -> FloatArray:
        """Give the log density of each component."""

    def mean(self) -> FloatArray:
        """Give the mean, of shape (...)."""
        return ordered_sum(self.weight * self.moments()[0])

    def sd(self) -> FloatArray:
        """Give the standard deviation, of shape (...)."""
        mean, variance = self.moments()
        away = mean - self.mean()[..., None]
        found: FloatArray = np.sqrt(ordered_sum(self.weight * (variance + away * away)))
        return found

    def below(self, value: FloatArray | float) -> FloatArray:
        """Give P(theta <= value), of shape (...)."""
        return ordered_sum(self.weight * self.component_below(np.asarray(value)[..., None]))

    def above(self, value: FloatArray | float) -> FloatArray:
        """Give P(theta > value), of shape (...)."""
        return ordered_sum(self.weight * self.component_above(np.asarray(value)[..., None]))

    def density(self, value: FloatArray | float) -> FloatArray:
        """Give the density, of shape (...)."""
        log = self.component_log_density(np.asarray(value, dtype=np.float64)[..., None])
        return ordered_sum(self.weight * np.exp(log))

    def quantile(self, level: float) -> FloatArray:
        """Give the quantile: between those of the components, by Newton's steps in a bracket.

        Each element goes its own way and stays where it has arrived: a batch gives what a row does.
        """
        if not 0.0 <= level <= 1.0:
            raise InputError(f"level: found {level}; expected a number from 0 to 1.")
        each = self.component_quantile(np.broadcast_to(level, self.weight.shape))
        low: FloatArray = np.min(each, axis=-1)
        high: FloatArray = np.max(each, axis=-1)
        if self.weight.shape[-1] == 1:
            return low
        return self._between(level, low, high)

    def _between(self, level: float, low: FloatArray, high: FloatArray) -> FloatArray:
        """Give the quantile inside brackets; who has arrived is not asked again."""
        shape = low.shape
        own = [np.reshape(part, (-1, part.shape[-1])) for part in self._parts()]
        low, high = low.reshape(-1), high.reshape(-1)
        value = low + (high - low) / 2.0
        found = value.copy()
        going = np.arange(value.size)
        for _ in range(STEPS):
            there = type(self)(*(part[going] for part in own))
            beyond = there.below(value) - level
            low, high = np.where(beyond < 0.0, value, low), np.where(beyond < 0.0, high, value)
            with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
                newton = value - beyond / there.density(value)
            inside = (newton > low) & (newton < high)
            step = np.where(inside, newton, low + (high - low) / 2.0)
            found[going] = step
            on = ~(np.abs(step - value) <= np.spacing(np.abs(value)))
            if not np.any(on):
                break
            going, value, low, high = going[on], step[on], low[on], high[on]
        return found.reshape(shape)

    def _parts(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Give weights and parameters, each of the shape of them all."""
        weight, first, second = np.broadcast_arrays(self.weight, self.first, self.second)
        return weight, first, second

    def robust(self, weight: float, first: float, second: float) -> Self:
        """Mix a vague component in: (1 - weight) of this prior and `weight` of the other.

        Raises
        ------
        InputError
            If the weight is not within 0 to 1 or a parameter is impossible.

        References
        ----------
        Schmidli H et al. Biometrics 2014;70:1023-1032.
        """
        if not 0.0 <= weight <= 1.0:
            raise InputError(f"weight: found {weight!r}; expected a number within 0 to 1.")
        other = type(self).of((1.0, first, second))
        return type(self)(
            np.append((1.0 - weight) * self.weight, weight),
            np.append(self.first, other.first),
            np.append(self.second, other.second),
        )


class BetaMixture(Mixture):
    """A mixture of beta distributions with parameters a and b, for a probability.

    Examples
    --------
    >>> prior = BetaMixture.of((0.8, 4.0, 16.0), (0.2, 1.0, 1.0))
    >>> round(float(prior.mean()), 6), round(float(prior.above(0.5)), 6)
    (0.26, 0.10177)
    """

    @classmethod
    def expected(cls) -> str:
        """Say which parameters are possible."""
        return "a and b above 0"

    def possible(self) -> BoolArray:
        """Say of each component whether its parameters are possible."""
        return (self.first > 0.0) & (self.second > 0.0)

    def moments(self) -> tuple[FloatArray, FloatArray]:
        """Give mean and variance of each component."""
        total = self.first + self.second
        mean = self.first / total
        return mean, mean * (self.second / total) / (total + 1.0)

    def component_below(self, value: FloatArray) -> FloatArray:
        """Give P(theta <= value) in each component."""
        return np.asarray(
            betainc(self.first, self.second, np.clip(value, 0.0, 1.0)), dtype=np.float64
        )

    def component_above(self, value: FloatArray) -> FloatArray:
        """Give P(theta > value) in each component."""
        return np.asarray(
            betaincc(self.first, self.second, np.clip(value, 0.0, 1.0)), dtype=np.float64
        )

    def component_quantile(self, level: FloatArray) -> FloatArray:
        """Give the quantile of each component."""
        return np.asarray(betaincinv(self.first, self.second, level), dtype=np.float64)

    def component_log_density(self, value: FloatArray) -> FloatArray:
        """Give the log density of each component, for values between 0 and 1."""
        log = xlogy(self.first - 1.0, value) + xlog1py(self.second - 1.0, -value)
        return np.asarray(log - betaln(self.first, self.second), dtype=np.float64)


class GammaMixture(Mixture):
    """A mixture of gamma distributions with shape and rate, for an event rate.

    Examples
    --------
    >>> prior = GammaMixture.of((1.0, 2.0, 4.0))
    >>> float(prior.mean()), round(float(prior.below(0.5)), 6)
    (0.5, 0.593994)
    """

    @classmethod
    def expected(cls) -> str:
        """Say which parameters are possible."""
        return "shape and rate above 0"

    def possible(self) -> BoolArray:
        """Say of each component whether its parameters are possible."""
        return (self.first > 0.0) & (self.second > 0.0)

    def moments(self) -> tuple[FloatArray, FloatArray]:
        """Give mean and variance of each component."""
        mean = self.first / self.second
        return mean, mean / self.second

    def component_below(self, value: FloatArray) -> FloatArray:
        """Give P(theta <= value) in each component."""
        return np.asarray(
            gammainc(self.first, self.second * np.maximum(value, 0.0)), dtype=np.float64
        )

    def component_above(self, value: FloatArray) -> FloatArray:
        """Give P(theta > value) in each component."""
        return np.asarray(
            gammaincc(self.first, self.second * np.maximum(value, 0.0)), dtype=np.float64
        )

    def component_quantile(self, level: FloatArray) -> FloatArray:
        """Give the quantile of each component."""
        return np.asarray(gammaincinv(self.first, level), dtype=np.float64) / self.second

    def component_log_density(self, value: FloatArray) -> FloatArray:
        """Give the log density of each component, for values above 0."""
        log = xlogy(self.first, self.second) + xlogy(self.first - 1.0, value)
        log = log - self.second * value - gammaln(self.first)
        return np.asarray(log, dtype=np.float64)


class NormalMixture(Mixture):
    """A mixture of normal distributions with mean and standard deviation.

    Examples
    --------
    >>> prior = NormalMixture.of((0.5, 0.0, 1.0), (0.5, 2.0, 1.0))
    >>> float(prior.mean()), round(float(prior.sd()), 6)
    (1.0, 1.414214)
    """

    @classmethod
    def expected(cls) -> str:
        """Say which parameters are possible."""
        return "a standard deviation above 0"

    def possible(self) -> BoolArray:
        """Say of each component whether its parameters are possible."""
        return self.second > 0.0

    def moments(self) -> tuple[FloatArray, FloatArray]:
        """Give mean and variance of each component."""
        return self.first, self.second * self.second

    def component_below(self, value: FloatArray) -> FloatArray:
        """Give P(theta <= value) in each component."""
        found: FloatArray = ndtr((value - self.first) / self.second)
        return found

    def component_above(self, value: FloatArray) -> FloatArray:
        """Give P(theta > value) in each component."""
        found: FloatArray = ndtr((self.first - value) / self.second)
        return found

    def component_quantile(self, level: FloatArray) -> FloatArray:
        """Give the quantile of each component."""
        found: FloatArray = self.first + self.second * ndtri(level)
        return found

    def component_log_density(self, value: FloatArray) -> FloatArray:
        """Give the log density of each component."""
        z = (value - self.first) / self.second
        return -0.5 * z * z - np.log(self.second) - HALF_LOG_2PI
