"""What becomes of whoever is randomised, counted from randomisation: visits, events, the end."""

from __future__ import annotations

import numpy as np

from raresim.evidence.distributions import fit
from raresim.evidence.statistics import Floats
from raresim.streams import Luck
from raresim.trial.fate.drop_out import unit_exponential
from raresim.trial.fate.people import People, strips
from raresim.trial.scenario import Scenario
from raresim.trial.ticks import NEVER, Ticks, ticks


def data_lag(scenario: Scenario, luck: Luck, candidates: int, resolution: int) -> Ticks:
    """Return how long each patient's data take to be known to the trial."""
    entry = scenario.spec.truth.data_entry
    if entry is None:
        return np.zeros((luck.replicates, candidates), np.int64)
    unit = unit_exponential(luck, "conduct.data_entry", candidates)
    return ticks(unit / (1 / entry.mean), resolution)


def leaves(scenario: Scenario, folk: People, resolution: int) -> tuple[Ticks, ...]:
    """Return when each candidate leaves the study, under each arm; the same luck under all."""
    hazard = scenario.spec.truth.leaves_study
    unit = unit_exponential(folk.luck, "conduct.leaves_study", folk.patients.units)
    arms = range(len(scenario.arms))
    return tuple(ticks(folk.comes(hazard, arm, unit), resolution) for arm in arms)


def rescued(folk: People, resolution: int) -> dict[str, tuple[Ticks, ...]]:
    """Return since when each candidate takes each rescue, under each arm, NEVER if never."""
    return {
        name: tuple(ticks(since, resolution) for since in arms)
        for name, arms in folk.rescued.items()
    }


def periods(scenario: Scenario, folk: People, resolution: int) -> tuple[Ticks, ...]:
    """Return when each candidate begins each period after the first, under each arm."""
    found = []
    for arm in range(len(scenario.arms)):
        own = [ticks(day, resolution) for day in folk.begins(arm)]
        found.append(np.stack(own, axis=-1) if own else np.zeros((*folk.eligible.shape, 0), int))
    return tuple(found)


def visit_plan(
    scenario: Scenario, luck: Luck, candidates: int, resolution: int
) -> tuple[Floats, Ticks]:
    """Return the day of each visit and its tick, NEVER where it is missed."""
    spec = scenario.spec
    share = spec.truth.missed_visits.share
    when, seen = [], []
    for week in spec.design.visits.weeks:
        early = spec.design.visits.window * (
            2 * luck.uniform(f"visit.week{week}.jitter", candidates) - 1
        )
        missed = luck.uniform(f"visit.week{week}.missed", candidates) < share
        when.append(7.0 * week + early)
        seen.append(np.where(missed, NEVER, ticks(when[-1], resolution)))
    return np.stack(when, axis=-1), np.stack(seen, axis=-1)


def follow_up(
    scenario: Scenario, luck: Luck, candidates: int, resolution: int
) -> tuple[Ticks, ...]:
    """Return the end of follow-up for each arm: by design, or as a published trial closed."""
    closed = scenario.spec.truth.followed_for
    u = luck.uniform("conduct.followed_for", candidates)
    whole = ticks(np.full(u.shape, scenario.follow_days), resolution)
    if closed is None:
        return (whole,) * len(scenario.arms)
    found = []
    for arm in scenario.arms:
        if arm not in closed:  # an external control, which is followed as its own patients are
            found.append(whole)
            continue
        law = fit(closed[arm].statistic, (0.0, scenario.follow_days), None)
        found.append(np.minimum(ticks(law.quantile(u), resolution), whole))
    return tuple(found)


def events(scenario: Scenario, folk: People, resolution: int) -> dict[str, tuple[Ticks, ...]]:
    """Return the ticks of outcomes' and adverse events by arm, NEVER after the follow-up."""
    names = scenario.event_names
    found: dict[str, list[Ticks]] = {name: [] for name in names}
    for arm in range(len(scenario.arms)):
        walked: dict[str, list[Ticks]] = {name: [] for name in names}
        for strip in strips(*folk.eligible.shape):
            paths = folk.walk(arm, strip)
            for name in names:
                days = paths[name].days
                inside = days <= scenario.longest_follow_days
                kept = max(1, int(np.max(np.sum(inside, axis=-1))))
                followed = np.where(inside[..., :kept], days[..., :kept], np.inf)
                walked[name].append(ticks(followed, resolution))
        for name in names:
            found[name].append(_wide(walked[name]))
    return {name: tuple(arms) for name, arms in found.items()}


def _wide(parts: list[Ticks]) -> Ticks:
    """Join strips along the replicates, with room for the most events."""
    width = max(part.shape[-1] for part in parts)
    whole = np.full((sum(map(len, parts)), parts[0].shape[1], width), NEVER)
    row = 0
    for part in parts:
        whole[row : row + len(part), :, : part.shape[-1]] = part
        row += len(part)
    return whole
