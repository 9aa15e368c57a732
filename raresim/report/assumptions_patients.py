"""What the truth block takes for granted of patients, as rows: leaving, side effects, rescue."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from raresim.evidence import Difference
from raresim.report.assumption import (
    Assumption,
    joined,
    need_words,
    per_year,
    reasoned,
    stated,
    times_by_arm,
)
from raresim.report.words import duration, number, percent, plain
from raresim.trial.grammar.patient import AdverseEvent, Hazard, Predictor, Rescue
from raresim.trial.grammar.truth import Truth


def patients(truth: Truth, units: Mapping[str, str]) -> Iterator[Assumption]:
    """Yield the rows of whatever may happen to a patient; `units` are those of the scores."""
    for what, hazard in (
        ("Stops treatment", truth.stops_treatment),
        ("Leaves the study", truth.leaves_study),
    ):
        yield reasoned(what, _hazard(hazard, units), hazard)
    for name, event in truth.adverse_events.items():
        yield reasoned(f"Adverse event: {plain(name)}", _adverse(event), event)
    for name, rescue in truth.rescue.items():
        yield reasoned(f"Rescue: {plain(name)}", _rescue(rescue, units), rescue)
        for outcome, effect in rescue.effects.items():
            what = f"Effect of {plain(name)} on {plain(outcome)}"
            if isinstance(effect, Difference) and outcome in units:
                what += f", in {units[outcome]}"
            yield stated(what, effect, "" if effect.source else rescue.why)


def _hazard(hazard: Hazard, units: Mapping[str, str]) -> str:
    follows = [_follows(term, units.get(term.score, "")) for term in hazard.follows]
    return joined([per_year(hazard.rate), *times_by_arm(hazard.by_arm), *follows])


def _follows(term: Predictor, unit: str) -> str:
    """Return how a hazard depends on a score, and on which value of it."""
    changes = " as changed since randomisation" if term.of == "change" else ""
    known = "as last seen" if term.seen else "the true value, which nobody sees"
    of = f"{plain(term.score)}{changes} ({known})"
    step = f"{number(term.for_)} {unit}".rstrip()
    return f"times {number(term.hazard_ratio)} for every {step} of {of}"


def _adverse(event: AdverseEvent) -> str:
    parts = [f"{per_year(event.rate)} off treatment", *times_by_arm(event.by_arm)]
    parts += ["only the first of a patient counts"] if event.once else []
    parts += [
        "only while treated" if event.while_ == "treated" else "at this rate after treatment too"
    ]
    if event.stops_treatment:
        parts.append(f"{percent(event.stops_treatment)} of them end treatment")
    if event.lowers_dose is not None:
        lower = event.lowers_dose
        share = f"{percent(lower.share)} of those that do not end it"
        parts.append(f"{share} lower the dose to {number(lower.to)} of what it was")
    return joined(parts)


def _rescue(rescue: Rescue, units: Mapping[str, str]) -> str:
    need = f"when {need_words(rescue.when, units)}"
    lasts = "to the end" if rescue.lasts is None else f"for {duration(rescue.lasts)}"
    return joined([need, f"{percent(rescue.share)} of those in need take it", lasts])
