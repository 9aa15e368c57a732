"""What borrowing does to the type I error when the controls have drifted, by enumeration."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import betaincc, expit, log_expit

from raresim.analysis.arrays import FloatArray
from raresim.analysis.bayesian.characteristics import binomial_chances
from raresim.analysis.bayesian.mixtures import BetaMixture, Mixture
from raresim.analysis.bayesian.summaries import BinomialData
from raresim.analysis.bayesian.updating import posterior
from raresim.analysis.external.historical import normalised_power_prior, power_prior
from raresim.analysis.external.self_adapting import pool_if_alike, self_adapting_posterior
from raresim.analysis.notes import Note
from raresim.errors import InputError

STEP = 0.04  # of the grid of log odds
REACH = 40.0
Borrowing = Callable[[BinomialData], Mixture]  # posterior of the control, from current data


@dataclass(frozen=True)
class DriftTable:
    """Type I error of each method, for each size of arm and each drift.

    Attributes
    ----------
    methods, patients, drifts
        What stands for the three axes.
    size
        (M, N, D) probability of success where treated and controls have the same probability.
    level
        One-sided nominal level.
    """

    methods: tuple[str, ...]
    patients: tuple[int, ...]
    drifts: tuple[float, ...]
    size: FloatArray
    level: float

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences to read with the numbers: whether a size is above the level."""
        above = bool(np.any(self.size > self.level))
        return Note.POSTERIOR_WITHOUT_LEVEL.sentences() if above else ()

    def __repr__(self) -> str:
        """Show one line for each method and number of patients, in per cent, then each note."""
        head = "per arm".rjust(34) + "".join(f"{d:+.2f}".rjust(8) for d in self.drifts)
        lines = [
            f"{name:<26}{n:>8}" + "".join(f"{100 * x:8.1f}" for x in self.size[m, i])
            for m, name in enumerate(self.methods)
            for i, n in enumerate(self.patients)
        ]
        return "\n".join(
            (
                f"size in per cent, nominal {100 * self.level:g}; drift of controls",
                head,
                *lines,
                *self.notes,
            )
        )


def size_against_drift(
    historical: BinomialData,
    *,
    patients: tuple[int, ...] = (6, 10, 20, 30),
    drifts: tuple[float, ...] = (-0.2, -0.1, 0.0, 0.1, 0.2),
    level: float = 0.025,
    difference: float = 0.15,
    methods: dict[str, Borrowing] | None = None,
) -> DriftTable:
    """Give the type I error of borrowing methods when the control probability has drifted.

    Success: P(treated - control > 0 | data) > 1 - level, uniform prior for the treated arm. Both
    arms have the historical share plus the drift; all outcomes are enumerated, and posteriors
    compared on a grid with an error below 1e-9. No method that borrows holds its level when
    current patients fare better than the historical ones (drift above 0, events being good):
    the controls are pulled down and a useless treatment looks good. Even without drift sizes
    are off the nominal level, as outcomes are discrete.

    Parameters
    ----------
    historical
        Events and patients of the historical controls, single numbers.
    patients
        Per arm.
    drifts
        Added to the historical share; those that leave 0 to 1 are refused.
    level
        One-sided.
    difference
        Clinically significant difference of the SAM prior.
    methods
        From current control data to the control's posterior; without it: none, pooling,
        test-then-pool, fixed and normalised power prior, robust mixture, SAM.

    Raises
    ------
    InputError
        If a drift leaves the range of a probability.

    References
    ----------
    Viele K et al. Pharm Stat 2014;13:41-54; Kopp-Schneider A, Calderazzo S, Wiesenfarth M.
    Biom J 2020;62:361-374 (power gained is type I error risked).

    Examples
    --------
    >>> size_against_drift(BinomialData.of(30, 100), patients=(20,), drifts=(0.0, 0.2))
    size in per cent, nominal 2.5; drift of controls
                               per arm   +0.00   +0.20
    no borrowing                    20     2.3     2.0
    pooling                         20     1.9    28.5
    test-then-pool, 10 %            20     2.8    18.9
    power prior, 0.5                20     1.6    18.1
    normalised power prior          20     1.6    10.8
    robust mixture, 0.5             20     1.8     6.9
    SAM prior                       20     2.3     6.3
    A posterior probability holds no level by itself. ...
    """
    share = float(historical.events / historical.patients)
    truths = [share + drift for drift in drifts]
    if not all(0.0 <= truth <= 1.0 for truth in truths):
        raise InputError(f"drifts: found {drifts} around {share:.3g}; expected within 0 to 1.")
    used = borrowing_methods(historical, difference) if methods is None else methods
    size = np.zeros((len(used), len(patients), len(drifts)))
    for i, n in enumerate(patients):
        chances = [binomial_chances(n, truth) for truth in truths]
        for m, borrow in enumerate(used.values()):
            won = _chance_better(n, borrow) > 1.0 - level
            for d, chance in enumerate(chances):
                size[m, i, d] = float(chance @ won @ chance)
    return DriftTable(tuple(used), patients, drifts, size, level)


def borrowing_methods(historical: BinomialData, difference: float = 0.15) -> dict[str, Borrowing]:
    """Give the methods that `size_against_drift` compares, for given historical controls.

    Examples
    --------
    >>> list(borrowing_methods(BinomialData.of(30, 100)))[:2]
    ['no borrowing', 'pooling']
    """
    flat = BetaMixture.of((1.0, 1.0, 1.0))
    full = power_prior(flat, historical, 1.0)
    half = power_prior(flat, historical, 0.5)
    normalised = normalised_power_prior(flat, historical)
    robust = full.robust(0.5, 1.0, 1.0)
    return {
        "no borrowing": lambda data: posterior(flat, data),
        "pooling": lambda data: posterior(full, data),
        "test-then-pool, 10 %": lambda data: pool_if_alike(flat, data, historical, level=0.1),
        "power prior, 0.5": lambda data: posterior(half, data),
        "normalised power prior": lambda data: posterior(normalised, data),
        "robust mixture, 0.5": lambda data: posterior(robust, data),
        "SAM prior": lambda data: self_adapting_posterior(full, flat, data, difference),
    }


def _chance_better(n: int, borrow: Borrowing) -> FloatArray:
    """Give P(treated > control) for all pairs of events, (n + 1, n + 1).

    The density of the control's log odds times the treated arm's survival function is smooth
    and falls exponentially, so that the trapezoidal rule on the log odds converges fast.
    """
    t = np.arange(-REACH, REACH + STEP / 2.0, STEP)
    r = np.arange(n + 1, dtype=np.float64)
    above = betaincc((r + 1.0)[:, None], (n - r + 1.0)[:, None], expit(t))
    control = borrow(BinomialData(r, np.full(n + 1, float(n))))
    density = np.zeros((n + 1, t.size))
    for k in range(control.weight.shape[-1]):
        one = BetaMixture(
            control.weight[:, k : k + 1], control.first[:, k : k + 1], control.second[:, k : k + 1]
        )
        log = one.component_log_density(expit(t)) + log_expit(t) + log_expit(-t)
        density += one.weight * np.exp(log)
    found: FloatArray = np.asarray(above @ density.T) * STEP
    return found
