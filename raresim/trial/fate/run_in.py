"""Treatment before randomisation: the run-in of a randomised withdrawal.

Days below zero are under the treatment of the run-in, in all arms; whoever goes on with it has one
course, and so keeps what has grown by then. Of adverse events, of stopping and of death the run-in
has none: patients are those who are alive and willing on the day of randomisation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from raresim.disease.outcomes import Course, Exposure
from raresim.evidence.statistics import Floats
from raresim.trial.fate.responders import Responders
from raresim.trial.grammar.design import Design

if TYPE_CHECKING:
    from raresim.trial.fate.adverse_events import Stages


def from_run_in(design: Design, stages: Stages) -> tuple[Floats, Stages]:
    """Return the day on which treatment begins, and an arm's stages with that of the run-in."""
    if design.run_in_gives is None:
        return np.zeros((1, 1)), stages
    first, end = stages[0]
    before = [] if first == design.run_in_gives else [(design.run_in_gives, np.zeros(end.shape))]
    return np.full((1, 1), -design.run_in_days), [*before, *stages]


def in_run_in(design: Design, responders: Responders) -> dict[str, Exposure]:
    """Return each outcome's exposure up to randomisation; none where the run-in is untreated."""
    treatment = design.run_in_gives
    if treatment is None:
        return {}
    since, until, found = np.full((1, 1), -design.run_in_days), np.zeros((1, 1)), {}
    for outcome in responders.model.processes:
        effect = responders.effects.get(outcome, {}).get(treatment)
        course = Course(effect, since, until, responders.dose(treatment, effect))
        found[outcome] = Exposure((course,))
    return found
