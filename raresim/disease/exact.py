"""The pgmpy door: structure checks and exact inference on the categorical part of a model.

Never on the path of a simulation: importing pgmpy takes seconds, and its sampler is not
prefix-stable. Here it is the independent judge of our own sampler.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np

from raresim.disease.model import DiseaseModel
from raresim.disease.variable_block import Category


def network(model: DiseaseModel) -> Any:
    """Return the categorical variables as a pgmpy `DiscreteBayesianNetwork`, checked by pgmpy.

    Ties of ordered categories are no part of it: it says nothing about two that are tied.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # pgmpy 1.1 warns of its own modules
        from pgmpy.factors.discrete import TabularCPD
        from pgmpy.models import DiscreteBayesianNetwork
    found = DiscreteBayesianNetwork()
    states = model.states
    found.add_nodes_from(states)
    for name, variable in model.spec.patients.items():
        if not isinstance(variable, Category):
            continue
        parents = [variable.given] if variable.given else []
        found.add_edges_from((parent, name) for parent in parents)
        whens = states[parents[0]] if parents else ("",)
        values = np.stack([model.published.shares[name, when][0] for when in whens], axis=1)
        table = TabularCPD(
            name,
            len(states[name]),
            values,
            evidence=parents or None,
            evidence_card=[len(states[p]) for p in parents] or None,
            state_names={key: list(states[key]) for key in [name, *parents]},
        )
        found.add_cpds(table)
    found.check_model()
    return found


def marginal(
    model: DiseaseModel, variable: str, given: Mapping[str, str] | None = None
) -> dict[str, float]:
    """Return the exact distribution of a categorical variable, by variable elimination.

    Examples
    --------
    >>> from raresim.disease import load_model
    >>> model = load_model("chronic-granulomatous-disease")
    >>> round(marginal(model, "sex", {"inheritance": "x_linked"})["male"], 4)
    0.9767
    """
    net = network(model)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        from pgmpy.inference import VariableElimination
    answer = VariableElimination(net).query(
        [variable], evidence=dict(given or {}), show_progress=False
    )
    names = answer.state_names[variable]
    return {str(name): float(p) for name, p in zip(names, answer.values, strict=True)}
