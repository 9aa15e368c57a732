"""A large untreated population of a model, through the same sampler that trials use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from raresim.cohort.sampling import COHORT, flat
from raresim.disease import DiseaseModel, Parameters
from raresim.disease.outcomes import EVENTS, CrossingProcess, Horizon, TimedProcess, on_day
from raresim.disease.people import condition
from raresim.evidence.statistics import Floats
from raresim.files import Expression
from raresim.streams import LUCK_BLOCK, EvenLuck

UNITS = 128
SEED = 19_910_101


@dataclass(frozen=True)
class Population:
    """Flat arrays of one value for each patient.

    `values` are what conditions may name (scores as read at screening); `counts[outcome, days]` are
    events within so many days, `alive[outcome, days]` the days lived meanwhile, `firsts[outcome]`
    the day of the first event, `changes[outcome, days]` the change of a reading since
    randomisation; `times[outcome]` is the event's time on its own clock, from zero on.
    """

    model: DiseaseModel
    values: dict[str, npt.NDArray[Any]]
    firsts: dict[str, Floats]
    counts: dict[tuple[str, float], Floats]
    alive: dict[tuple[str, float], Floats]
    changes: dict[tuple[str, float], Floats]
    times: dict[str, Floats]

    def among(self, expression: Expression | None) -> npt.NDArray[np.bool_]:
        """Return who satisfies a condition."""
        return np.asarray(condition(expression, self.model, self.values))


def population(
    model: DiseaseModel,
    patients: int,
    times: dict[str, list[float]],
    numbers: Parameters | None = None,
) -> Population:
    """Sample at least `patients` patients, with outcomes at the `times` asked (days).

    They have the published parameters, or the `numbers` given.
    """
    chunks = max(1, -(-patients // (UNITS * LUCK_BLOCK)))
    parts = [_chunk(model, k, times, numbers or model.published) for k in range(chunks)]

    def join(name: str) -> dict[Any, Any]:
        keys = getattr(parts[0], name)
        return {key: np.concatenate([getattr(part, name)[key] for part in parts]) for key in keys}

    names = ("values", "firsts", "counts", "alive", "changes", "times")
    return Population(model, **{name: join(name) for name in names})


def _chunk(
    model: DiseaseModel, number: int, times: dict[str, list[float]], numbers: Parameters
) -> Population:
    luck = EvenLuck(SEED, COHORT + number)
    patients = model.sample(luck, UNITS, numbers)
    longest = max((day for days in times.values() for day in days), default=365.25)
    latents = model.latents(luck, patients, numbers, Horizon(longest))
    values = model.observed_at_screening(luck, latents, patients)
    found = Population(model, {k: flat(v) for k, v in values.items()}, {}, {}, {}, {}, {})
    walked = model.walk(latents)
    for name, process in model.processes.items():
        path, latent = walked[name], latents[name]
        if isinstance(process, EVENTS):
            found.firsts[name] = flat(path.days[..., 0])
            if isinstance(process, TimedProcess):
                found.times[name] = flat(latent.time(latent.threshold))
            elif isinstance(process, CrossingProcess) and _is_timed(model, name):
                until = 2 * float(np.max(latent.origin)) + longest  # longer than anybody has lived
                found.times[name] = flat(process.on_clock(latent, walked, until))
            else:
                found.times[name] = found.firsts[name]
            for day in times.get(name, []):
                found.counts[name, day] = flat((path.days <= day).sum(-1).astype(np.float64))
                endless = np.full(path.days.shape[:2], np.inf)
                end = path.days[..., 0] if name in model.spec.fatal else endless
                found.alive[name, day] = flat(np.minimum(end, day))
        elif name in model.readers:
            drawn = model.luck_at_start(name, luck, UNITS)
            first = model.read_at_start(name, walked, values[name], drawn)
            for day in times.get(name, []):
                label = f"day {day:g}"
                drawn = model.readers[name].luck_of(luck, label, UNITS)
                later = model.read(name, walked, on_day(label, day), drawn)
                found.changes[name, day] = flat(later - first)
    return found


def _is_timed(model: DiseaseModel, name: str) -> bool:
    """Whether the file holds a target about an event's time on its own clock."""
    return any(target.time_of == name for target in model.spec.targets)
