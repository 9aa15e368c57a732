"""What becomes of each patient's treatment under an arm: its end, lower doses, rescue."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from raresim.disease import DiseaseModel
from raresim.disease.outcomes import Course, Effect, EventPath, Exposure, lasting
from raresim.evidence.statistics import Floats
from raresim.trial.fate.rescue import Rescues, walk


@dataclass(frozen=True)
class Treatment:
    """Days since randomisation, for every patient under one arm.

    `stop` is the end of treatment before its time, infinite if never; `adverse` the days of adverse
    events; `exposures` the history of the arm's own treatment, by outcome.
    """

    stop: Floats
    adverse: dict[str, Floats]
    exposures: dict[str, Exposure]
    rescues: Rescues

    def walk(
        self, model: DiseaseModel, latents: dict[str, Any], chosen: slice, names: set[str] | None
    ) -> dict[str, Any]:
        """Return the paths of outcomes and adverse events (all, or some), for some replicates."""
        wanted = None if names is None else names - set(self.adverse)
        latents = {name: latent.rows(chosen) for name, latent in latents.items()}
        exposures = {name: e.rows(chosen) for name, e in self.exposures.items()}
        walked = walk(model, latents, exposures, self.rescues.rows(chosen), wanted)
        own = self.adverse if names is None else names & set(self.adverse)
        return walked | {name: EventPath(self.adverse[name][chosen]) for name in own}


def history(
    effect: Effect | None,
    since: Floats,
    until: Floats,
    lowered: Floats,
    dose: Floats,
    whole: Floats | float = 1.0,
) -> list[Course]:
    """Return treatment between two days, at the whole dose up to the day it is lowered first.

    `lowered` and `dose` (replicates, units, times): days, ascending, and the part of the whole dose
    from each on; the whole is 0 for a patient in whom the treatment does not act.
    """
    if effect is None or not lowered.shape[-1]:
        return [Course(effect, since, until, whole)]
    ends = [np.minimum(until, lowered[..., k]) for k in range(lowered.shape[-1])]
    courses = [Course(effect, since, ends[0], whole)]
    for k, (since, end) in enumerate(zip(ends, [*ends[1:], until], strict=True)):
        courses.append(Course(effect, since, end, np.ascontiguousarray(whole * dose[..., k])))
    return courses


def beyond(courses: list[Course]) -> list[Course]:
    """Return courses of several treatments with what their ratios last beyond them."""
    if not any(course.effect is not None and course.effect.lasts for course in courses):
        return courses
    found = list(courses)
    for effect in {id(course.effect): course.effect for course in courses}.values():
        places = [k for k, course in enumerate(courses) if course.effect is effect]
        for k, course in zip(places, lasting([courses[k] for k in places]), strict=True):
            found[k] = course
    return found
