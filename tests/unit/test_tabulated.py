"""Tabulated quantiles: as exact as inversion, draw by draw and whatever stands beside a draw."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import (
    betainc,
    betaincc,
    betainccinv,
    betaincinv,
    gammainc,
    gammaincc,
    gammainccinv,
    gammaincinv,
)

from raresim.evidence.tabulated import SHAPES, beta_quantile, gamma_quantile

TAILS = 10.0 ** np.linspace(-15.6, -0.4, 400)
U = np.concatenate([np.linspace(0.001, 0.999, 1501), TAILS, 1 - TAILS])[None]
LEAST, LARGEST = SHAPES


@pytest.mark.parametrize("shape", [LEAST, 0.3, 0.5, 1.0, 2.7, 20.0, 400.0, LARGEST])
def test_gamma_quantiles_are_those_of_inversion(shape: float) -> None:
    found = gamma_quantile(np.array([shape]), U)
    upper = gammainccinv(shape, 1 - U)  # 1 - U is exact, and not small where it is used
    assert found == pytest.approx(np.where(U < 0.5, gammaincinv(shape, U), upper), rel=1e-12)


@pytest.mark.parametrize(
    ("a", "b"),
    [(LEAST, LEAST), (LEAST, LARGEST), (0.3, 5.0), (5.0, 0.3), (1.0, 1.0), (2.0, 3.0), (300, 40)],
)
def test_beta_quantiles_are_those_of_inversion(a: float, b: float) -> None:
    found = beta_quantile(np.array([a]), np.array([b]), U)
    upper = betainccinv(a, b, 1 - U)
    inverted = np.where(U < 0.5, betaincinv(a, b, U), upper)
    assert found == pytest.approx(inverted, rel=2e-12, abs=0)


def test_quantiles_give_their_probabilities_back() -> None:
    """By the distribution functions, which no table was made with."""
    low, high = U[U < 0.5], U[U >= 0.5]
    x = gamma_quantile(np.array([0.8]), U)[0]
    assert gammainc(0.8, x[U[0] < 0.5]) == pytest.approx(low, rel=1e-12)
    assert gammaincc(0.8, x[U[0] >= 0.5]) == pytest.approx(1 - high, rel=1e-11)
    x = beta_quantile(np.array([1.8]), np.array([0.7]), U)[0]
    assert betainc(1.8, 0.7, x[U[0] < 0.5]) == pytest.approx(low, rel=1e-12)
    inside = (U[0] >= 0.5) & (U[0] < 1 - 1e-9)  # nearer to 1 a number has too few digits left
    assert betaincc(1.8, 0.7, x[inside]) == pytest.approx(1 - U[0][inside], rel=1e-6)


def test_a_row_alone_is_that_row_of_many() -> None:
    """To the last bit, with parameters that change from row to row or stay."""
    u = np.random.default_rng(1).random((48, 60))
    shapes = np.repeat([0.1, 0.4, 0.4, 3.0, 2e4, 7.5], 8)
    other = np.repeat([2.0, 0.2, 1.5], 16)
    gamma, beta = gamma_quantile(shapes, u), beta_quantile(shapes, other, u)
    for k in range(48):
        row = slice(k, k + 1)
        assert np.array_equal(gamma_quantile(shapes[row], u[row]), gamma[row])
        assert np.array_equal(beta_quantile(shapes[row], other[row], u[row]), beta[row])


def test_outside_the_table_each_draw_is_inverted() -> None:
    for shape in (0.9 * LEAST, 1.1 * LARGEST):
        assert np.array_equal(gamma_quantile(np.array([shape]), U), gammaincinv(shape, U))
        found = beta_quantile(np.array([shape]), np.array([2.0]), U)
        assert np.array_equal(found, betaincinv(shape, 2.0, U))


def test_no_draws_are_no_quantiles() -> None:
    assert gamma_quantile(np.array([2.0]), np.empty((3, 0))).shape == (3, 0)
