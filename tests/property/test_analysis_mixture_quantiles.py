"""Quantiles of mixtures: what they are of, how far into the tails, and a row is that row alone."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from raresim.analysis.bayesian import BetaMixture, GammaMixture, NormalMixture

KINDS = [BetaMixture, GammaMixture, NormalMixture]


def mixtures(kind: type, seed: int, components: int, rows: int = 20) -> tuple[np.ndarray, ...]:
    """Return weights and parameters, some of them of modes far apart or with mass at an end."""
    rng = np.random.default_rng(seed)
    shape = (rows, components)
    weight = rng.dirichlet(np.full(components, 0.4), size=rows)
    first, second = rng.gamma(1, 8, shape) + 0.2, rng.gamma(1, 8, shape) + 0.2
    if kind is NormalMixture:
        first, second = rng.normal(0, 10, shape), rng.gamma(1, 2, shape) + 0.01
    return weight, first, second


@pytest.mark.parametrize("kind", KINDS)
@given(
    seed=st.integers(0, 2**32),
    components=st.integers(2, 8),
    level=st.sampled_from([1e-6, 0.001, 0.025, 0.3, 0.5]),
)
def test_as_much_lies_below_a_quantile_as_asked(
    kind: type, seed: int, components: int, level: float
) -> None:
    found = kind(*mixtures(kind, seed, components))
    value = found.quantile(level)
    assert np.allclose(found.below(value), level, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
@given(seed=st.integers(0, 2**32))
def test_a_row_is_that_row_alone(kind: type, seed: int) -> None:
    parts = mixtures(kind, seed, 5)
    whole = kind(*parts).quantile(0.975)
    alone = [kind(*(part[k : k + 1] for part in parts)).quantile(0.975)[0] for k in range(5)]
    assert np.array_equal(whole[:5], alone)
