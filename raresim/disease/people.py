"""Reference people: those in whom modifiers are centred, hazards solved for, conditions asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from raresim.disease import network
from raresim.disease.network import Patients
from raresim.disease.outcome_block import TimeToEvent
from raresim.disease.outcomes import UNTREATED, Exposure, Horizon
from raresim.disease.outcomes.following import MONTH, followed, log_ratios, solved
from raresim.disease.outcomes.score import Modifiers, ScoreProcess
from raresim.disease.parameters import DRAW, Parameters, parameters
from raresim.errors import InputError, Problem
from raresim.evidence.statistics import Floats
from raresim.evidence.survival import PiecewiseExponential
from raresim.files.expressions import Expression
from raresim.streams import LUCK_BLOCK, Luck, SharedLuck

if TYPE_CHECKING:
    from raresim.disease.model import DiseaseModel

SEED = 20_000_101
UNITS = 64
SOLVED_UNITS = {True: 512, False: 16_384}
"""People in whom a joint model's hazard is solved for: with drawn parameters, with published."""


def solve(
    model: DiseaseModel, found: Parameters, name: str, outcome: TimeToEvent, drawn: bool
) -> PiecewiseExponential:
    """Return the hazard of an event that follows scores, solved for once in each draw."""
    law = outcome.population_law
    numbers = found.rows(slice(None, None, DRAW)) if drawn else found
    luck = SharedLuck(SEED, 0, LUCK_BLOCK // DRAW if drawn else 1)
    patients = model.sample(luck, SOLVED_UNITS[drawn], numbers)
    paths: dict[str, Any] = {}
    for score in dict.fromkeys(term.score for term in outcome.follows):
        process = model.processes[score]
        horizon = Horizon(law.times[-1], before=MONTH)
        latent = process.latent(luck, patients, numbers, {}, horizon)
        paths[score] = process.path(latent, UNTREATED, {})
    levels = [followed(term, paths[term.score]) for term in outcome.follows]
    ratios = log_ratios(numbers, name, tuple(outcome.follows))
    own = solved(numbers.times[name, ""], levels, ratios, law.times[-1])
    if drawn:
        own = PiecewiseExponential(own.knots, np.repeat(own.at_knots, DRAW, axis=0))
    return own


def centred(model: DiseaseModel, plain: ScoreProcess) -> ScoreProcess:
    """Centre the modifiers of a score among the patients in whom its change was published.

    Raises
    ------
    InputError
        When next to nobody satisfies the condition under which the change was published.
    """
    name, outcome = plain.name, plain.spec
    published = parameters(model.spec)
    luck = Luck(SEED, 0)
    patients = model.sample(luck, UNITS, published)
    noise, _ = plain.split(published)
    level = plain.starting_levels(published, noise)
    u = luck.uniform(f"outcome.{name}.level", UNITS)
    u = network.tied(published, name, u, patients.scores)
    read = luck.uniform(f"outcome.{name}.noise[screening]", UNITS)
    values = {**patients.values, name: plain.observe(level.quantile(u), noise, read)}
    among = condition(outcome.among, model, values)
    if int(np.sum(among)) < 100:
        message = "next to none of the model's patients satisfy the condition"
        found = outcome.among.text if outcome.among else ""
        mend = "widen the condition, or check the numbers of the variables in it"
        field = f"outcomes.{name}.among"
        raise InputError(Problem(message, field=field, found=repr(found), mend=mend))
    variables = tuple(faster.variable for faster in outcome.faster_with)
    columns = np.stack([patients.values[variable][among] for variable in variables])
    means = tuple(float(mean) for mean in columns.mean(axis=1))
    spread = np.atleast_2d(np.cov(columns))
    covariance = tuple(tuple(float(part) for part in row) for row in spread)
    return ScoreProcess(name, outcome, Modifiers(variables, means, covariance))


def asked(
    model: DiseaseModel,
    luck: Luck,
    units: int,
    names: set[str],
    run_in: float = 0.0,
    told: Mapping[str, Floats] | None = None,
    treated: Callable[[Patients], dict[str, Exposure]] = lambda patients: {},
) -> dict[str, Any]:
    """Return what a condition on some names is asked of: patients, and readings where it has any.

    Numbers that are `told` are not drawn. `treated` says what patients are exposed to by then.
    """
    patients = model.sample(luck, units, told=told)
    if not names - set(model.spec.patients):
        return dict(patients.values)
    latents = model.latents(luck, patients, model.published, Horizon(1.0, before=run_in))
    return model.observed_at_screening(luck, latents, patients, run_in, treated(patients))


def condition(expression: Expression | None, model: DiseaseModel, values: dict[str, Any]) -> Any:
    """Return where a condition holds; everywhere when there is none."""
    shape = next(iter(values.values())).shape
    if expression is None:
        return np.ones(shape, bool)
    return np.broadcast_to(expression.evaluate(values, model.states), shape)


def states_inside(where: Expression, variable: str, model: DiseaseModel) -> list[bool]:
    """Return which states of a variable satisfy a condition on it alone."""
    states = np.arange(len(model.states[variable]))
    return [bool(one) for one in condition(where, model, {variable: states})]
