"""What must hold of drug kits in every trial, whatever else goes on in it."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from raresim.streams import Luck
from raresim.trial import Scenario, run_block
from raresim.trial.conduct import events
from raresim.trial.fate.decided import Fate, fate
from raresim.trial.log import Entry
from raresim.trial.looks.look import Analyst, Look
from raresim.trial.plan import make_plan
from raresim.trial.ticks import NEVER
from tests.operations import operations
from tests.property.test_trial_rules import EFFECT, FUTILE, after, looked_at
from tests.worlds import CGD, differences, world

TRIALS = 6
SCARCE = {"first": 1, "order": 1, "arrives_after": "3 weeks"}


@st.composite
def supplies(draw: st.DrawFn) -> dict[str, Any]:
    """Few kits at each site, that come soon or late."""
    first = draw(st.integers(1, 3))
    return {
        "first": first,
        "order_at": draw(st.integers(0, first - 1)),
        "order": draw(st.integers(1, 3)),
        "arrives_after": f"{draw(st.sampled_from([0, 3, 40, 400]))} days",
    }


@pytest.mark.parametrize("resolution", [1, 30 * 86_400])
@settings(max_examples=15)
@given(changes=operations(crossing=False), seed=st.integers(0, 2**32))
def test_with_enough_kits_a_trial_is_what_it_is_without(
    resolution: int, changes: dict[str, Any], seed: int
) -> None:
    ample = {"first": 60, "order": 1, "arrives_after": "1 days"}
    assert world(CGD, changes).spec.design.most <= 60
    plain, supplied = (
        run_block(world(CGD, each), "effect", seed, 0, replicates=TRIALS, resolution=resolution)
        for each in (changes, {**changes, "design.kits": ample})
    )
    assert differences(plain, supplied) == ["ledger.kits"]


class Watched(events.Trial):
    """A trial that notes which arms were open at each randomisation."""

    open_arms: list[list[int]]

    def randomise(self, i: int) -> None:
        """Note the open arms, then go on."""
        self.open_arms.append(self.desk.open)
        super().randomise(i)


def watched(scenario: Scenario, seed: int, resolution: int) -> list[tuple[Watched, Fate]]:
    """Run some trials event by event."""
    run = run_block(scenario, "effect", seed, 0, "simpy", TRIALS, resolution)
    plan = make_plan(scenario, resolution)
    found = []
    for k in range(TRIALS):
        alone = run.fate.rows(slice(k, k + 1))
        trial = Watched(plan, alone, Analyst(scenario, plan, TRIALS).perform, k)
        trial.open_arms = []
        trial.run()
        found.append((trial, alone))
    return found


class Shelves:
    """Kits at each site by what the log alone tells."""

    def __init__(self, trial: Watched, decided: Fate) -> None:
        self.trial, self.site = trial, decided.baseline["site"][0]
        self.sent: Counter[tuple[str, str]] = Counter()
        self.there: Counter[tuple[str, str]] = Counter()
        self.first = set[tuple[str, str]]()
        self.arrivals: set[tuple[str, int]] = set()
        self.turned: set[int] = set()

    def read(self, entry: Entry, number: int) -> None:
        """Follow one entry; `number` patients were randomised before it."""
        kits = self.trial.plan.kits
        assert kits is not None
        if entry.what in ("kits sent", "kits arrived"):
            arm, site = entry.detail.split(" of ")[1].split(", ")
            self.move(entry, (site, arm))
        elif entry.what.startswith("change"):
            self.turned.add(entry.tick + kits.step)
        elif entry.what == "randomised":
            site = kits.sites[self.site[entry.candidate]]
            for arm in self.trial.open_arms[number]:
                assert self.there[site, kits.arms[arm]] > 0, "an open arm had no kit"
            self.there[site, kits.arms[entry.number]] -= 1
            waited = entry.tick > self.trial.fate.ready[0, entry.candidate]
            assert not waited or (site, entry.tick) in self.arrivals or entry.tick in self.turned

    def move(self, entry: Entry, place: tuple[str, str]) -> None:
        """Follow kits that are sent, first ones at once to the shelf, or that arrive."""
        if entry.what == "kits arrived":
            self.arrivals.add((place[0], entry.tick))
            self.there[place] += entry.number
        else:
            self.sent[place] += entry.number
            if place not in self.first:
                self.first.add(place)
                self.there[place] += entry.number
        assert self.there[place] <= self.sent[place], "more arrived than was sent"


@pytest.mark.parametrize("resolution", [1, 30 * 86_400])
@settings(max_examples=20)
@given(changes=operations(crossing=False), kits=supplies(), seed=st.integers(0, 2**32))
def test_nobody_is_randomised_at_a_site_without_a_kit_of_each_open_arm(
    resolution: int, changes: dict[str, Any], kits: dict[str, Any], seed: int
) -> None:
    for trial, decided in watched(world(CGD, {**changes, "design.kits": kits}), seed, resolution):
        shelves, number = Shelves(trial, decided), 0
        for entry in trial.log:
            shelves.read(entry, number)
            number += entry.what == "randomised"
        assert number == trial.randomised == len(trial.open_arms)
        ledger = trial.ledger()
        assert ledger.kits[0] == sum(shelves.sent.values()) >= number
        assert [entry.tick for entry in trial.log] == sorted(entry.tick for entry in trial.log)
        kept = ledger.present[0]
        order = list(zip(ledger.randomised[0, kept], ledger.candidate[0, kept], strict=True))
        assert order == sorted(order)
        assert (ledger.randomised[0, kept] >= decided.ready[0, ledger.candidate[0, kept]]).all()


def test_names_of_arms_are_only_names_where_kits_are_scarce() -> None:
    plain = run_block(looked_at(**{"design.kits": SCARCE}), "effect", 3, 0, replicates=TRIALS)
    effect = {"serious_infection": {"treated": {"evidence": EFFECT}}}
    renamed = looked_at(
        **{
            "design.kits": SCARCE,
            "design.arms": {"treated": {"give": "the drug"}, "sugar": {"give": "nothing"}},
            "design.control": "sugar",
            "design.randomise.ratio": {"treated": 1, "sugar": 1},
            "truth.hypotheses": {
                "effect": effect,
                "no_effect": {"serious_infection": {"treated": {"rate_ratio": 1}}},
            },
        }
    )
    other = run_block(renamed, "effect", 3, 0, replicates=TRIALS)
    assert (plain.ledger.kits > 0).all()
    assert differences(plain, other) == []


def test_a_decision_rests_on_nothing_after_its_cut_where_kits_are_scarce() -> None:
    scenario = looked_at("drop interferon if futility", **FUTILE, **{"design.kits": SCARCE})
    plan = make_plan(scenario)
    decided = fate(scenario, Luck(11, 0), "effect", 400, rows=slice(0, 24))
    analyst = Analyst(scenario, plan, 24)
    look = conducted(plan, decided, analyst)
    assert (look < NEVER).all()
    perturbed = after(decided, look)
    again = Analyst(scenario, plan, 24)
    assert np.array_equal(conducted(plan, perturbed, again), look)
    first, second = (a.records[Look("look", "infection_free")] for a in (analyst, again))
    for key, values in first.items():
        assert np.array_equal(values, second[key], equal_nan=values.dtype.kind == "f"), key


def conducted(plan: Any, decided: Fate, analyst: Analyst) -> np.ndarray:
    """Run each trial of a fate and return the ticks of their look."""
    ticks = []
    for k in range(len(decided.present)):
        alone = decided.rows(slice(k, k + 1))
        ticks.append(events.conduct(plan, alone, analyst.perform, k)[1][0, 0])
    return np.array(ticks)
