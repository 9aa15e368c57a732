"""Our sampler of the Bayesian network against pgmpy's exact inference. k = 4 standard errors."""

from __future__ import annotations

import numpy as np
import pytest

from raresim import catalogue
from raresim.disease import exact, load_model
from raresim.streams import Luck


def share_near(sample: np.ndarray, p: float) -> bool:
    return abs(sample.mean() - p) < 4 * np.sqrt(max(p * (1 - p), 1e-6) / sample.size)


@pytest.mark.parametrize("name", sorted(catalogue.shipped("models")))
def test_marginals_of_the_sampler_are_the_exact_ones(name: str) -> None:
    model = load_model(name)
    values = model.sample(Luck(17, 0), units=200).values
    for variable, states in model.states.items():
        expected = exact.marginal(model, variable)
        for number, state in enumerate(states):
            assert share_near(values[variable] == number, expected[state])


def test_conditionals_against_and_along_the_arrow() -> None:
    model = load_model("chronic-granulomatous-disease")
    values = model.sample(Luck(18, 0), units=300).values
    female, autosomal = values["sex"] == 1, values["inheritance"] == 1
    along = exact.marginal(model, "sex", {"inheritance": "autosomal"})
    assert share_near(female[autosomal], along["female"])
    against = exact.marginal(model, "inheritance", {"sex": "female"})
    assert share_near(autosomal[female], against["autosomal"])


def test_pgmpy_accepts_the_structure() -> None:
    assert exact.network(load_model("chronic-granulomatous-disease")).check_model()
