"""Correlations as asked for and as the population has them, at every place of the unpublished.

Like is held against like. A published or assumed link is Pearson's correlation of two values. One
that nobody published is the correlation of *normal scores* (see `disease.copula`); these are taken
back from what was sampled, by ranks (among patients with one row, where a number has rows). An
outcome's score is that of the latent number that its luck decides alone: a score's level, a
frailty, the time of an event in units of its hazard. Whole numbers and ordered categories have no
ranks of their own, and their scores are those that were cut; so are they in links of the latter.
Source of scores by ranks: van der Waerden, Indagationes Mathematicae 1952;14:453-458.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from scipy.special import ndtri

from raresim.cohort.population import SEED
from raresim.cohort.sampling import COHORT, flat
from raresim.disease import DiseaseModel
from raresim.disease.network import Patients
from raresim.disease.outcomes import Horizon
from raresim.disease.parameters import parameters
from raresim.evidence.families import WHOLE
from raresim.evidence.statistics import Floats
from raresim.streams import EvenLuck

TOLERANCE = 0.02
"""Largest difference that passes: five Monte Carlo standard errors of this population."""
UNITS = 64
PLACES = ("lower", "centre", "upper")
LATENT = ("level", "frailty", "threshold")
"""The latent number of an outcome that ties act on, by the name under which processes hold it."""

Measure = Literal["Pearson", "normal scores"]


@dataclass(frozen=True)
class TieRow:
    """A correlation, asked for and achieved, at one place of what nobody published.

    `role` is that of the correlation: published, assumed or unpublished. `achieved` is None where
    it cannot be told, and `why_not` says why.
    """

    first: str
    second: str
    role: Literal["published", "assumed", "unpublished"]
    measure: Measure
    place: str
    asked: float
    achieved: float | None
    why_not: str = ""

    @property
    def passed(self) -> bool:
        """Whether the gate lets it through: achieved within 0.02, or not to be told."""
        return self.achieved is None or abs(self.achieved - self.asked) <= TOLERANCE


def achieved(model: DiseaseModel) -> list[TieRow]:
    """Return every correlation of a model as asked for and as 65,536 patients have it.

    Examples
    --------
    >>> from raresim.disease import load_model
    >>> rows = achieved(load_model("friedreich-ataxia"))
    >>> [(row.second, row.measure, row.asked) for row in rows if row.place == "centre"]
    [('onset_age', 'Pearson', -0.6), ('mfars', 'normal scores', 0.4)]
    >>> all(row.passed for row in rows)
    True
    """
    if not (model.spec.links or model.spec.unpublished):
        return []
    return [row for place in PLACES for row in _at(model, place)]


def _at(model: DiseaseModel, place: str) -> list[TieRow]:
    """Return the correlations at one place."""
    luck, needed = EvenLuck(SEED, COHORT), _tied_outcomes(model)
    numbers = model.parameters(place=place) if needed else parameters(model.spec, place=place)
    patients = model.sample(luck, UNITS, numbers)
    latents: dict[str, Any] = {}
    for name in needed:
        process = model.processes[name]
        linked = {other: latents[other] for other in process.reads}
        latents[name] = process.latent(luck, patients, numbers, linked, Horizon(1.0))
    rows = []
    for link in model.spec.links:
        first, second = link.between
        latent = bool({first, second} & set(model.states))
        values: list[Any] = [flat(patients.values[name]) for name in link.between]
        if latent:
            values = [_scores(model, patients, latents, name) for name in link.between]
        found = float(np.corrcoef(*values)[0, 1])
        asked = link.statistic.correlation
        role: Any = "published" if link.evidence is not None else "assumed"
        measure: Measure = "normal scores" if latent else "Pearson"
        rows.append(TieRow(first, second, role, measure, place, asked, found))
    for gap in model.spec.unpublished:
        first, second = gap.between
        asked, told, why = gap.correlation.at(place), None, ""
        one, other = (_scores(model, patients, latents, name) for name in gap.between)
        if one is None or other is None:
            why = f"no latent number of {second} stands for its luck alone"
        else:
            told = float(np.corrcoef(one, other)[0, 1])
        rows.append(TieRow(first, second, "unpublished", "normal scores", place, asked, told, why))
    return rows


def _tied_outcomes(model: DiseaseModel) -> list[str]:
    """Return the outcomes that are tied and those that they read, each after what it reads."""
    wanted = {name for gap in model.spec.unpublished for name in gap.between}
    for name, process in reversed(model.processes.items()):
        wanted |= set(process.reads) if name in wanted else set()
    return [name for name in model.processes if name in wanted]


def _scores(
    model: DiseaseModel, patients: Patients, latents: dict[str, Any], name: str
) -> Floats | None:
    """Return the normal scores of a variable or an outcome, None where there are none."""
    if name in model.states or getattr(model.spec.patients.get(name), "family", None) in WHOLE:
        return np.asarray(flat(patients.scores[name]))
    if name in patients.values:
        given = getattr(model.spec.patients[name], "given", None)
        rows = None if given is None else flat(patients.values[given])
        return _by_rank(flat(patients.values[name]), rows)
    latent = latents[name]
    for key in LATENT:
        values = getattr(latent, key, None)
        if values is not None and np.shape(values) == (1024, UNITS) and np.ptp(values) > 0:
            return _by_rank(flat(values), None)
    thresholds = getattr(latent, "thresholds", None)  # one event at a constant hazard
    return None if thresholds is None else _by_rank(flat(thresholds[..., 0]), None)


def _by_rank(values: Floats, rows: Any) -> Floats:
    """Return normal scores by rank, in each row apart.

    >>> _by_rank(np.array([5.0, 1.0, 3.0]), None).round(2).tolist()
    [0.97, -0.97, 0.0]
    """
    found = np.empty(values.size)
    for row in (None,) if rows is None else np.unique(rows):
        mine = np.arange(values.size) if row is None else np.flatnonzero(rows == row)
        ranks = np.empty(mine.size)
        ranks[np.argsort(values[mine], kind="stable")] = np.arange(mine.size)
        found[mine] = ndtri((ranks + 0.5) / mine.size)
    return found
