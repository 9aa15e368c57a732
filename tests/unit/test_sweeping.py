"""Sweeping inverts as LAPACK does, each row as it would be alone, and says what has no inverse."""

from __future__ import annotations

import numpy as np
import pytest

from raresim.analysis import small_matrices
from raresim.analysis.longitudinal.products import Terms
from raresim.analysis.longitudinal.sweeping import inverses, solved, swept, well_conditioned


def definite(size: int, rows: int) -> np.ndarray:
    root = np.random.default_rng(size).normal(size=(rows, size, size + 3))
    return np.asarray(np.matmul(root, np.swapaxes(root, 1, 2)))


@pytest.mark.parametrize("size", [1, 2, 5, 23])
def test_inverses_are_those_of_lapack_and_of_each_row_alone(size: int) -> None:
    matrices, right = definite(size, 130), np.random.default_rng(1).normal(size=(130, size))
    yes = np.ones(130, dtype=bool)
    fine, inverse, logdet = inverses(matrices, yes)
    x, sound = solved(matrices, right)
    assert np.all(fine)
    assert np.all(sound)
    unity = np.matmul(inverse, matrices)
    np.testing.assert_allclose(unity, np.broadcast_to(np.eye(size), unity.shape), atol=1e-9)
    np.testing.assert_allclose(logdet, np.linalg.slogdet(matrices)[1], rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(x, np.linalg.solve(matrices, right[:, :, None])[:, :, 0], rtol=1e-7)
    assert np.array_equal(inverse, np.swapaxes(inverse, 1, 2))
    for b in (0, 63, 64, 129):
        _, alone, own = inverses(matrices[b : b + 1], yes[:1])
        assert np.array_equal(alone[0], inverse[b])
        assert own[0] == logdet[b]
        assert np.array_equal(solved(matrices[b : b + 1], right[b : b + 1])[0][0], x[b])


def test_matrices_without_an_inverse_are_told_and_touch_no_others() -> None:
    matrices = definite(3, 5)
    inverse = inverses(matrices, np.ones(5, dtype=bool))[1]
    matrices[1, 0, 0] = -1.0
    matrices[2] = [[1.0, 2.0, 0.0], [2.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
    matrices[3, 0, 1] = np.nan
    fine, found, _ = inverses(matrices, np.array([True, True, True, True, False]))
    assert fine.tolist() == [True, False, False, False, False]
    assert np.array_equal(found[0], inverse[0])
    assert np.array_equal(found[4], inverse[4])
    assert np.all(swept(matrices[2][:, :, None])[1][:, 0] > 0.0) == np.False_


@pytest.mark.parametrize("least", [1e-9, 0.02, 0.2])
def test_conditions_are_those_of_the_eigenvalues(least: float) -> None:
    matrices = definite(4, 200)
    matrices[0] = 1.0
    matrices[1] = np.nan
    near = np.full((4, 4), 1.0 - 4e-9) + 4e-9 * np.eye(4)
    matrices[2] = near
    found = well_conditioned(matrices, least)
    assert np.array_equal(found, small_matrices.well_conditioned(matrices, least))


def test_terms_add_in_their_order_whatever_stands_beside() -> None:
    draw = np.random.default_rng(2).normal
    one, other, few = draw(size=(3, 4, 70)), draw(size=(2, 4, 70)), draw(size=(2, 1, 70))
    terms = Terms(np.array([0, 2, 1]), np.array([1, 0, 1]), np.array([0, 1, 0]), 2)
    each = terms.each(one, other)
    assert np.array_equal(each[0], one[0] * other[1] + one[1] * other[1])
    assert np.array_equal(each[1], one[2] * other[0])
    assert np.array_equal(terms.each(one, few)[1], one[2] * few[0])
    summed = terms.summed(one, other)
    np.testing.assert_allclose(summed, each.sum(axis=1), rtol=1e-12)
    assert np.array_equal(terms.summed(one[:, :, 7:8], other[:, :, 7:8])[:, 0], summed[:, 7])
