"""What a conduct needs to know of the design, as integers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from raresim.randomisation import BiasedCoin, Minimisation, Scheme, Simple, Urn
from raresim.trial.fate.decided import Fate
from raresim.trial.grammar import milestone as block
from raresim.trial.ledger import Ledger
from raresim.trial.once import once
from raresim.trial.scenario import Scenario
from raresim.trial.ticks import NEVER, Ticks, ticks

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Decisions:
    """What was decided at a milestone, for each row of the ledger that was shown.

    `stop` says where the trial stops; `changes` (rows, changes of the plan) holds the number that
    belongs to each change that is made (n of a `recruit`, else 0), and -1 where it is not made.
    """

    stop: npt.NDArray[np.bool_]
    changes: Ints


Decide = Callable[[Fate, Ledger, int, Ticks, Ints], Decisions]
"""Performs a milestone for rows of fate and ledger at their cut ticks.

The last argument names the rows (replicate numbers inside the block) that both hold.
"""


@dataclass(frozen=True)
class Part:
    """One condition.

    `kind` is calendar, finished, or what is counted up to `number`: patients with a first event
    (first), events, screened, randomised, completed, patients seen at a visit (seen); of some
    `arms` alone where there are any.
    """

    kind: str
    tick: int = 0
    outcome: str = ""
    number: int = 0
    arms: tuple[int, ...] = ()
    visit: int = -1


@dataclass(frozen=True)
class MilestonePlan:
    """A milestone: its conditions, whether all or any must hold, and what follows how much later.

    `changes` are numbers of the plan's changes.
    """

    name: str
    parts: tuple[Part, ...]
    every: bool
    stops: tuple[str, ...]
    delay: int
    changes: tuple[int, ...]


@dataclass(frozen=True)
class Zone:
    """Conditional power from which a trend is promising, and that which n is to bring."""

    low: float
    high: float


@dataclass(frozen=True)
class Change:
    """A change: close, ratio, part, drop, add, shut, narrow, recruit, extend or cross.

    An arm that is shut takes no more patients; one that is dropped can claim nothing either.
    `only_if` is efficacy, futility or harm, or '' for always, `of` the estimand whose it is, or ''
    for the primary one; `number` is n of a recruit, the ticks
    of an extend, the place of a narrow or of a cross (of patients on `arm`) among the plan's;
    `estimand` that of a re-estimate, with `zone` where that is not blinded. A part is the share of
    `arm` in a ratio that follows the data (`adaptive`); an arm is dropped where `keep` arms of the
    estimands `among` are better.
    """

    kind: str
    only_if: str = ""
    arm: int = -1
    ratio: tuple[int, ...] = ()
    number: int = 0
    estimand: str = ""
    planned_sd: float = 0.0
    zone: Zone | None = None
    adaptive: block.Adaptive | None = None
    keep: int = 0
    among: tuple[str, ...] = ()
    of: str = ""


@dataclass(frozen=True)
class Cap:
    """The most patients of each state of a variable, NEVER where there is no limit."""

    variable: str
    most: tuple[int, ...]


@dataclass(frozen=True)
class KitPlan:
    """Kits at each site: how many, the ticks until an order arrives, and the length of a tick.

    `arms` and `sites` are names, for the log.
    """

    first: int
    order_at: int
    order: int
    delay: int
    step: int
    arms: tuple[str, ...]
    sites: tuple[str, ...]


@dataclass(frozen=True)
class Plan:
    """The design in integers; `scheme` is None where lists decide the arm.

    `kits` is None where there are always enough; `periods` is what each arm gets in each period
    after the first, for the log.
    """

    n: int
    most: int
    recruit_until: int
    give_up_after: int
    ratio: tuple[int, ...]
    block: int
    scheme: Scheme | None
    factors: tuple[int, ...]
    caps: tuple[Cap, ...]
    milestones: tuple[MilestonePlan, ...]
    changes: tuple[Change, ...]
    outcomes: tuple[str, ...]
    fatal: tuple[str, ...]
    rescues: tuple[str, ...]
    periods: tuple[tuple[str, ...], ...]
    kits: KitPlan | None

    def changing(self, *kinds: str) -> list[int]:
        """Return the numbers of the changes of some kinds."""
        return [k for k, change in enumerate(self.changes) if change.kind in kinds]


@once
def make_plan(scenario: Scenario, resolution: int = 1) -> Plan:
    """Return the plan of a scenario at ticks of `resolution` seconds."""
    design = scenario.spec.design
    milestones, changes = _milestones(scenario, resolution)
    give_up = design.give_up_after
    factors = design.randomise.strata
    return Plan(
        n=design.randomise.n,
        most=scenario.spec.design.most,
        recruit_until=scenario.recruit_until(resolution),
        give_up_after=NEVER if give_up is None else int(ticks(give_up, resolution)),
        ratio=tuple(design.randomise.ratio.get(arm, 0) for arm in scenario.arms),
        block=design.randomise.block or 0,
        scheme=_scheme(scenario),
        factors=tuple(len(scenario.labels_of([name])) for name in factors),
        caps=_caps(scenario),
        milestones=milestones,
        changes=changes,
        outcomes=scenario.event_names,
        fatal=scenario.model.spec.fatal,
        rescues=tuple(scenario.spec.truth.rescue),
        periods=tuple(
            tuple(period.give for period in scenario.periods(arm)[1:])
            for arm in range(len(scenario.arms))
        ),
        kits=_kits(scenario, resolution),
    )


def _kits(scenario: Scenario, resolution: int) -> KitPlan | None:
    """Return the plan of kits; nothing arrives within the tick in which it was ordered."""
    design = scenario.spec.design
    if design.kits is None:
        return None
    return KitPlan(
        first=design.kits.first,
        order_at=design.kits.order_at,
        order=design.kits.order,
        delay=max(int(ticks(design.kits.arrives_after, resolution)), resolution),
        step=resolution,
        arms=scenario.arms,
        sites=tuple(design.sites.labels()),
    )


def _scheme(scenario: Scenario) -> Scheme | None:
    """Return what gives each patient's chances, None where lists are made beforehand."""
    randomise = scenario.spec.design.randomise
    if randomise.listed:
        return None
    if randomise.method == "biased coin":
        return BiasedCoin(randomise.bias)
    if randomise.method == "minimisation":
        return Minimisation(randomise.bias)
    return Urn() if randomise.method == "urn" else Simple()


def _caps(scenario: Scenario) -> tuple[Cap, ...]:
    found = []
    for name, cap in scenario.spec.design.randomise.at_most.items():
        labels = [label for (label,) in scenario.labels_of([name])]
        by_state = cap if isinstance(cap, dict) else dict.fromkeys(labels, cap)
        found.append(Cap(name, tuple(by_state.get(label, NEVER) for label in labels)))
    return tuple(found)


def _milestones(
    scenario: Scenario, resolution: int
) -> tuple[tuple[MilestonePlan, ...], tuple[Change, ...]]:
    milestones: list[MilestonePlan] = []
    changes: list[Change] = []
    for name, milestone in scenario.spec.design.milestones.items():
        first = len(changes)
        for action in milestone.changes:
            changes += _changes(scenario, action, changes, resolution)
        plan = MilestonePlan(
            name,
            tuple(_part(scenario, part, resolution) for part in milestone.conditions),
            isinstance(milestone.when, block.AllOf),
            milestone.stops,
            int(ticks(milestone.decide_after, resolution)),
            tuple(range(first, len(changes))),
        )
        milestones.append(plan)
    return tuple(milestones), tuple(changes)


def _part(scenario: Scenario, part: block.OneCondition, resolution: int) -> Part:
    """Return a condition in integers."""
    arm = getattr(part, "arm", "")
    of = (scenario.arms.index(arm),) if arm else ()
    if isinstance(part, block.Calendar):
        return Part("calendar", tick=int(ticks(part.calendar, resolution)))
    if isinstance(part, block.FirstEvents):
        return Part("first", outcome=part.first, number=part.patients, arms=of)
    if isinstance(part, block.AllEvents):
        return Part("events", outcome=part.events, number=part.total, arms=of)
    if isinstance(part, block.Information):
        estimand, boundary = scenario.bounded(part.of)
        needed = int(np.ceil(part.information * boundary.planned_information - 1e-9))
        if estimand.is_change or estimand.is_share:
            visit = scenario.spec.design.visits.weeks.index(estimand.week)
            return Part("seen", number=needed, visit=visit, arms=scenario.pair(part.of))
        kind = "first" if estimand.variable.startswith("time") else "events"
        return Part(kind, outcome=estimand.outcome, number=needed, arms=scenario.pair(part.of))
    if isinstance(part, block.Screened):
        return Part("screened", number=part.screened)
    if isinstance(part, block.Randomised):
        return Part("randomised", number=part.randomised, arms=of)
    if isinstance(part, block.Completed):
        return Part("completed", number=part.completed, arms=of)
    if isinstance(part, block.Seen):
        visit = scenario.spec.design.visits.weeks.index(part.visit)
        return Part("seen", number=part.patients, visit=visit)
    return Part("finished")


def _changes(
    scenario: Scenario, action: block.Action, before: list[Change], resolution: int
) -> list[Change]:
    """Return an action as changes: one, or one for each arm that it may choose."""
    if isinstance(action, block.AdaptRatio):
        arms = range(len(scenario.arms))
        return [Change("part", arm=arm, adaptive=action.adapt_ratio) for arm in arms]
    if isinstance(action, block.KeepBest):
        among, keep = tuple(action.of), action.keep_best
        own = [scenario.spec.analysis.estimands[name].arm for name in among]
        return [Change("drop", arm=scenario.arms.index(arm), keep=keep, among=among) for arm in own]
    return [_change(scenario, action, before, resolution)]


def _change(
    scenario: Scenario, action: block.Action, before: list[Change], resolution: int
) -> Change:
    """Return a change in integers; `before` are those of earlier milestones."""
    if isinstance(action, str):
        if action == "close recruitment":
            return Change("close")
        word, arm, *condition = action.split()
        kind = "shut" if word == "close" else word
        return Change(kind, condition[1] if condition else "", scenario.arms.index(arm))
    if isinstance(action, block.NewRatio):
        return Change("ratio", ratio=tuple(action.ratio.get(arm, 0) for arm in scenario.arms))
    if isinstance(action, block.Narrow):
        number = _place("narrow", before)
        return Change("narrow", action.only_if or "", number=number, of=action.of)
    if isinstance(action, block.Recruit):
        return Change("recruit", number=action.recruit)
    if isinstance(action, block.ReEstimate):
        sd = action.planned_sd
        return Change("recruit", number=action.at_most, estimand=action.re_estimate, planned_sd=sd)
    if isinstance(action, block.ReEstimateUnblinded):
        zone = Zone(action.unblinded.promising_from, action.unblinded.conditional_power)
        return Change("recruit", number=action.at_most, estimand=action.re_estimate, zone=zone)
    if isinstance(action, block.CrossOver):
        number, place = scenario.arms.index(action.cross_over), _place("cross", before)
        return Change("cross", action.only_if or "", number, number=place)
    assert isinstance(action, block.Extend)  # `_changes` took the others
    return Change("extend", number=int(ticks(action.follow_for, resolution)))


def _place(kind: str, before: list[Change]) -> int:
    return sum(change.kind == kind for change in before)
