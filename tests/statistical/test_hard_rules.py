"""Hard rules: what can never be is not in any of 100,000 patients of any shipped model.

Rules of the file, ranges and states hold for all patients, with the numbers as published and in a
thousand worlds with numbers drawn from what the evidence allows.
"""

from __future__ import annotations

import numpy as np
import pytest

from raresim import catalogue
from raresim.cohort import sample_cohort
from raresim.disease import load_model
from raresim.disease.outcomes import Horizon
from raresim.disease.people import condition
from raresim.streams import LUCK_BLOCK, Luck

MODELS = sorted(catalogue.shipped("models"))
PATIENTS = 100_000
UNITS = -(-PATIENTS // LUCK_BLOCK)


def bounds(model, name):
    """Return the lowest and highest possible value of a number or a score."""
    stated = model.spec.patients.get(name) or model.spec.outcomes.get(name)
    parts = getattr(stated, "sum_of", None)
    if parts:
        ends = [bounds(model, part) for part in parts]
        return tuple(sum(side) for side in zip(*ends, strict=True))
    return getattr(stated, "range", None) or (-np.inf, np.inf)


def held(model, values):
    """Check ranges and states of values by name, categories as numbers of their states."""
    for name, found in values.items():
        if name in model.states:
            assert set(np.unique(found)) <= set(range(len(model.states[name]))), name
            continue
        assert np.isfinite(found).all(), name
        low, high = bounds(model, name)
        slack = 1e-9 * max(abs(low) if np.isfinite(low) else 0, 1)  # a sum is rounded
        assert low - slack <= found.min() and found.max() <= high + slack, name


def ruled(model, values):
    """Check every rule of the file in every patient."""
    for rule in model.spec.rules:
        broken = int(np.sum(~condition(rule.always, model, values)))
        assert broken == 0, f"{rule.always.text} fails in {broken} patients"


@pytest.mark.slow
@pytest.mark.parametrize("name", MODELS)
def test_nobody_in_a_cohort_breaks_a_rule(name: str) -> None:
    model = load_model(name)
    table = sample_cohort(model, PATIENTS, seed=20).patients
    assert len(table) == PATIENTS
    values = {}
    for column in table.columns.difference(["patient", "artificial"]):
        found = table[column]
        if column in model.states:
            assert set(found) <= set(model.states[column]), column
            values[column] = found.map(model.states[column].index).to_numpy()
        elif column in model.numeric:
            values[column] = found.to_numpy(float)
    held(model, values)
    ruled(model, values)
    for outcome in model.spec.outcomes:
        later = table.get(f"{outcome}_after_1_year")
        if later is not None:
            held(model, {outcome: later.to_numpy(float)})
        days, counts = table.get(f"{outcome}_day"), table.get(f"{outcome}_in_first_year")
        if days is not None:
            assert days.dropna().between(0, 365.25).all()
            assert (counts >= 0).all() and ((counts > 0) == days.notna()).all()


@pytest.mark.slow
@pytest.mark.parametrize("name", MODELS)
def test_nobody_breaks_a_rule_in_a_world_that_the_evidence_allows(name: str) -> None:
    model, luck = load_model(name), Luck(21, 0)
    numbers = model.parameters(luck)
    patients = model.sample(luck, UNITS, numbers)
    latents = model.latents(luck, patients, numbers, Horizon(1.0))
    values = model.observed_at_screening(luck, latents, patients)
    assert next(iter(values.values())).shape == (LUCK_BLOCK, UNITS)
    held(model, values)
    ruled(model, values)
