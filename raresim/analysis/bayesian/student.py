"""Normal data with unknown standard deviation: normal-inverse-gamma prior, Student posterior."""

from dataclasses import dataclass

import numpy as np
from scipy.special import gammaln, stdtr, stdtrit

from raresim.analysis.arrays import FloatArray, ordered_sum
from raresim.analysis.bayesian.panels import LEVELS, panels
from raresim.errors import InputError


@dataclass(frozen=True)
class NormalInverseGamma:
    """Prior of mean and variance: variance ~ inverse gamma, mean given it ~ normal.

    mean | variance ~ N(mean, variance / strength); variance ~ InverseGamma(shape, scale). The
    vague prior (density proportional to 1/variance) is strength 0, shape -1/2, scale 0: its
    posterior is the t distribution of the classical interval.

    Attributes
    ----------
    mean, strength
        Prior mean, and how many patients it is worth.
    shape, scale
        Of the inverse gamma distribution.

    Examples
    --------
    >>> NormalInverseGamma().shape
    -0.5
    """

    mean: float = 0.0
    strength: float = 0.0
    shape: float = -0.5
    scale: float = 0.0

    def __post_init__(self) -> None:
        vague = self.strength == 0.0 and self.shape == -0.5 and self.scale == 0.0
        if not vague and not (self.strength > 0.0 and self.shape > 0.0 and self.scale > 0.0):
            raise InputError(
                f"prior: found {self!r}; expected strength, shape and scale above 0, or 0, -0.5 "
                "and 0 for the vague prior."
            )


@dataclass(frozen=True)
class Student:
    """Shifted and scaled t distributions of unknown means, each of shape (B,)."""

    df: FloatArray
    mean: FloatArray
    scale: FloatArray

    def sd(self) -> FloatArray:
        """Give the standard deviation; infinite up to 2 degrees of freedom."""
        some = self.df > 2.0
        return np.where(
            some, self.scale * np.sqrt(self.df / np.where(some, self.df - 2.0, 1.0)), np.inf
        )

    def quantile(self, level: float) -> FloatArray:
        """Give the quantile."""
        found: FloatArray = self.mean + self.scale * stdtrit(self.df, level)
        return found

    def above(self, value: float) -> FloatArray:
        """Give P(mean > value)."""
        found: FloatArray = stdtr(self.df, (self.mean - value) / self.scale)
        return found


def student_posterior(
    prior: NormalInverseGamma, patients: FloatArray, mean: FloatArray, squares: FloatArray
) -> Student:
    """Give the posterior of the mean of an arm whose standard deviation is unknown.

    With n patients, mean y and sum of squared deviations S: strength k' = k + n, shape
    a' = a + n/2, scale b' = b + S/2 + k n (y - m)^2 / (2 k'), mean (k m + n y)/k'; the mean is
    then t with 2a' degrees of freedom and scale sqrt(b' / (a' k')).

    Parameters
    ----------
    prior
        The prior of mean and variance.
    patients, mean, squares
        (B,) number, mean and sum of squared deviations from it.

    Returns
    -------
    (B,) distributions; NaN where prior and data together leave no scale.

    References
    ----------
    Gelman A et al. Bayesian Data Analysis, 3rd ed 2013, section 3.3.

    Examples
    --------
    >>> few = np.array([3.0])
    >>> found = student_posterior(NormalInverseGamma(), few, np.array([2.0]), np.array([2.0]))
    >>> found.df, found.scale.round(6)  # t of 2 degrees of freedom, sd / sqrt(n)
    (array([2.]), array([0.57735]))
    """
    strength = prior.strength + patients
    shape = prior.shape + patients / 2.0
    away = mean - prior.mean
    some = strength > 0.0
    k = np.where(some, strength, 1.0)
    scale = prior.scale + squares / 2.0 + prior.strength * patients * away * away / (2.0 * k)
    proper = some & (shape > 0.0) & (scale > 0.0)
    a = np.where(proper, shape, 1.0)
    return Student(
        np.where(proper, 2.0 * shape, np.nan),
        np.where(proper, (prior.strength * prior.mean + patients * mean) / k, np.nan),
        np.where(proper, np.sqrt(np.maximum(scale, 0.0) / (a * k)), np.nan),
    )


def student_above(
    treated: Student, control: Student, margin: FloatArray | float = 0.0
) -> FloatArray:
    """Give P(treated mean - control mean > margin), the Behrens-Fisher problem, by quadrature.

    Over the control's t on an asinh scale, in panels between quantiles of both distributions;
    error below 1e-9 from one degree of freedom on.

    Returns
    -------
    (B,) probabilities.

    Examples
    --------
    >>> one = Student(np.array([5.0]), np.array([1.0]), np.array([0.5]))
    >>> other = Student(np.array([7.0]), np.array([0.0]), np.array([0.4]))
    >>> student_above(one, other).round(8)
    array([0.90800767])
    """
    half = np.array(LEVELS)
    lower1 = stdtrit(treated.df[:, None], half)
    lower0 = stdtrit(control.df[:, None], half)
    own = np.concatenate((lower0, -lower0), axis=1)
    theirs = np.concatenate((lower1, -lower1), axis=1) * treated.scale[:, None]
    shift = (treated.mean - margin - control.mean)[:, None]
    theirs = np.clip((theirs + shift) / control.scale[:, None], own[:, :1], -own[:, :1])
    nodes, weights = panels(np.arcsinh(np.sort(np.concatenate((own, theirs), axis=1), axis=1)))
    t = np.sinh(nodes)
    df = control.df[:, None]
    log = gammaln((df + 1.0) / 2.0) - gammaln(df / 2.0) - 0.5 * np.log(df * np.pi)
    log = log - (df + 1.0) / 2.0 * np.log1p(t * t / df)
    further = (shift - control.scale[:, None] * t) / treated.scale[:, None]
    chance = stdtr(treated.df[:, None], further)
    found = ordered_sum(weights * np.exp(log) * np.cosh(nodes) * chance)
    return np.clip(found, 0.0, 1.0)
