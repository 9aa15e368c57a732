"""What the truth block takes for granted of external patients, as rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from raresim.report.assumption import Assumption, joined, reasoned
from raresim.report.words import duration, number, percent, plain
from raresim.trial.grammar.external import External


def external(name: str, spec: External, units: Mapping[str, str]) -> Iterator[Assumption]:
    """Yield the rows of a registry: who is in it, and how its data differ from the trial's."""
    value = [f"{spec.n:,} patients, never randomised"]
    if spec.eligible is not None:
        value.append(f"of those with {spec.eligible.text}")
    if spec.earlier is not None:
        low, high = (duration(day) for day in spec.earlier)
        value.append(f"time zero {low} to {high} before the trial's start")
    if spec.window is not None:
        value.append(f"visits within {duration(spec.window)} each way")
    if spec.missed_visits is not None:
        value.append(f"{percent(spec.missed_visits)} of visits missed")
    yield reasoned(f"External patients: {plain(name)}", joined(value), spec)
    for variable, tilt in spec.selected.items():
        unit = units.get(variable, "")
        value = [
            f"odds ratio {number(tilt.odds_ratio)} for every {number(tilt.for_)} {unit}".rstrip(),
            f"even at {number(tilt.even_at)} {unit}".rstrip(),
        ]
        yield Assumption(f"Being in {plain(name)}, by {plain(variable)}", joined(value))
    for score, rating in spec.readings.items():
        value = [f"noise of SD {number(rating.sd)} more", f"{number(rating.later)} after time zero"]
        yield Assumption(f"Readings of {plain(score)} in {plain(name)}", joined(value))
    for event, share in spec.finds.items():
        value = [f"{percent(share)} of those that happen"]
        yield Assumption(f"Events written down in {plain(name)}: {plain(event)}", joined(value))
    if spec.immortal is not None:
        events = ", ".join(plain(event) for event in spec.immortal.without)
        value = [f"nobody with one of {events} by {duration(spec.immortal.first)} gets in"]
        yield Assumption(f"Immortal time in {plain(name)}", joined(value))
