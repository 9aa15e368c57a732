"""The numbers of a trial that are told to people: which column of the trials' table, in what words.

Terminal and report read the same list, so that none of them tells what the other leaves out.
"""

from __future__ import annotations

from dataclasses import dataclass

from raresim.disease.outcome_block import TimeToEvent
from raresim.study.tables import MONTH
from raresim.trial.scenario import Scenario

THOUSAND = 1000.0


@dataclass(frozen=True)
class TrialNumber:
    """A column of the trials' table, its label, and what one unit of the label is in the column."""

    column: str
    label: str
    unit: float = 1.0


def of_trial(scenario: Scenario) -> list[TrialNumber]:
    """Return the numbers of the whole trial; some designs have more of them."""
    design = scenario.spec.design
    found = [
        TrialNumber("duration_days", "duration (months)", MONTH),
        TrialNumber("recruitment_days", "recruitment (months)", MONTH),
        TrialNumber("screened", "candidates screened"),
        TrialNumber("randomised", "patients randomised"),
    ]
    if scenario.controlled and not scenario.externally_controlled:
        found.append(TrialNumber("patients_on_worse_arm", "patients on the truly worse arm"))
    if any(milestone.decide_after for milestone in design.milestones.values()):
        found.append(TrialNumber("overrun", "randomised after the last cut"))
    if design.screen_again is not None:
        found.append(TrialNumber("screenings", "screenings, repeated ones too"))
    if design.kits is not None:
        found.append(TrialNumber("kits", "drug kits sent"))
        found.append(TrialNumber("waited_for_kits", "patients who waited for a kit"))
    if design.costs is not None:
        found.append(TrialNumber("cost", f"cost (1,000 {design.costs.currency})", THOUSAND))
    return found


def of_arm(scenario: Scenario, arm: str) -> list[TrialNumber]:
    """Return the numbers of one arm: patients, events of each kind, and who left or stopped."""
    found = [
        TrialNumber(f"{arm}.patients", "patients"),
        TrialNumber(f"{arm}.patient_years", "patient-years"),
    ]
    for name in scenario.event_names:
        word = name.replace("_", " ")
        found.append(TrialNumber(f"{arm}.{name}.events", f"events: {word}"))
        if not _once(scenario, name):
            found.append(TrialNumber(f"{arm}.{name}.patients", f"patients with {word}"))
    found.append(TrialNumber(f"{arm}.left", "left the study"))
    found.append(TrialNumber(f"{arm}.stopped_treatment", "stopped treatment"))
    if scenario.crosses_over(arm):
        found.append(TrialNumber(f"{arm}.crossed_over", "crossed over"))
    return found


def _once(scenario: Scenario, name: str) -> bool:
    """Whether nobody has an event twice: then events and patients are the same number."""
    adverse = scenario.spec.truth.adverse_events.get(name)
    if adverse is not None:
        return adverse.once
    return isinstance(scenario.model.spec.outcomes[name], TimeToEvent)
