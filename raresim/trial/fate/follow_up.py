"""What becomes of whoever is randomised, counted from randomisation: visits, events, the end."""

from __future__ import annotations

import numpy as np

from raresim.alike import everywhere, stack
from raresim.either import either
from raresim.evidence.distributions import fit
from raresim.evidence.statistics import Floats
from raresim.streams import Luck
from raresim.trial.fate.people import People, strips
from raresim.trial.scenario import Scenario
from raresim.trial.ticks import NEVER, Ticks, ticks


def data_lag(scenario: Scenario, folk: People, resolution: int) -> Ticks:
    """Return how long each patient's data take to be known to the trial."""
    entry = scenario.spec.truth.data_entry
    if entry is None:
        return everywhere(np.int64(0), folk.eligible.shape)
    return ticks(folk.entering / (1 / entry.mean), resolution)


def leaves(scenario: Scenario, folk: People, arm: int, resolution: int) -> Ticks:
    """Return when each patient of an arm leaves the study."""
    hazard = scenario.spec.truth.leaves_study
    if hazard.rate == 0:
        return everywhere(np.int64(NEVER), folk.eligible.shape)
    return ticks(folk.comes(hazard, arm, folk.leaving), resolution)


def periods(folk: People, arm: int, resolution: int) -> Ticks:
    """Return when each patient begins each period of an arm after the first, a third axis."""
    shape = folk.eligible.shape
    own = [everywhere(ticks(day, resolution), shape) for day in folk.begins(arm)]
    return stack(own) if own else np.zeros((*shape, 0), np.int64)


def visit_plan(
    scenario: Scenario, luck: Luck, candidates: int, resolution: int
) -> tuple[Floats, Ticks]:
    """Return the day of each visit and its tick, NEVER where it is missed."""
    spec = scenario.spec
    share, window = spec.truth.missed_visits.share, spec.design.visits.window
    when, seen = [], []
    for week in spec.design.visits.weeks:
        when.append(everywhere(7.0 * week, (luck.replicates, candidates)))
        if window:
            early = 2 * luck.uniform(f"visit.week{week}.jitter", candidates) - 1
            when[-1] = when[-1] + window * early
        seen.append(ticks(when[-1], resolution))
        if share:
            missed = luck.uniform(f"visit.week{week}.missed", candidates) < share
            seen[-1] = either(missed, NEVER, seen[-1])
    return stack(when), stack(seen)


def follow_up(scenario: Scenario, folk: People, arm: int, resolution: int) -> Ticks:
    """Return the end of an arm's follow-up: by design, or as a published trial closed."""
    closed, name = scenario.spec.truth.followed_for, scenario.arms[arm]
    whole = ticks(everywhere(scenario.follow_days, folk.eligible.shape), resolution)
    if closed is None or name not in closed:  # an external control is followed as its own are
        return whole
    law = fit(closed[name].statistic, (0.0, scenario.follow_days), None)
    return np.minimum(ticks(law.quantile(folk.closing), resolution), whole)


def events(scenario: Scenario, folk: People, arm: int, resolution: int) -> dict[str, Ticks]:
    """Return the ticks of outcomes' and adverse events, NEVER after the follow-up."""
    names = scenario.event_names
    walked: dict[str, list[Ticks]] = {name: [] for name in names}
    for strip in strips(*folk.eligible.shape):
        paths = folk.walk(arm, strip)
        for name in names:
            days = paths[name].days
            inside = days <= scenario.longest_follow_days
            kept = 1 if days.shape[-1] == 1 else max(1, int(np.max(np.sum(inside, axis=-1))))
            followed = either(inside[..., :kept], days[..., :kept], np.inf)
            walked[name].append(ticks(followed, resolution))
    return {name: _wide(parts) for name, parts in walked.items()}


def _wide(parts: list[Ticks]) -> Ticks:
    """Join strips along the replicates, with room for the most events."""
    width = max(part.shape[-1] for part in parts)
    whole = np.full((sum(map(len, parts)), parts[0].shape[1], width), NEVER)
    row = 0
    for part in parts:
        whole[row : row + len(part), :, : part.shape[-1]] = part
        row += len(part)
    return whole
