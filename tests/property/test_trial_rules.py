"""What must hold in every trial, whatever its design and whichever conduct plays it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from raresim.alike import take
from raresim.streams import Luck
from raresim.trial import BlockRun, Scenario, run_block
from raresim.trial.conduct import blocks, events
from raresim.trial.fate.decided import Fate, fate
from raresim.trial.fate.life import Life, Lives
from raresim.trial.ledger import Ledger
from raresim.trial.looks.look import Analyst, Look
from raresim.trial.plan import make_plan
from raresim.trial.ticks import NEVER, Exit
from tests.operations import operations
from tests.worlds import CGD, same_arrays, world

TRIALS = 16
LOOK = {
    "when": {"randomised": 20},
    "do": ["analyse infection_free", "stop if efficacy"],
}
FINAL = {
    "when": {"everybody": "finished"},
    "do": ["analyse infection_free", "analyse infection_rate"],
}


def looked_at(*actions: Any, **more: Any) -> Scenario:
    """Return a small trial with a look after 20 patients that also does something."""
    look = {**LOOK, "do": [*LOOK["do"], *actions]}
    changes = {
        "design.milestones": {"look": look, "final": FINAL},
        "design.randomise.n": 40,
        "design.follow_for": "12 months",
    }
    if any("cross_over" in action for action in actions):
        estimands = ("infection_free", "infection_rate")
        strategy = "analysis.estimands.{}.intercurrent.crosses_over"
        changes |= {strategy.format(name): "treatment policy" for name in estimands}
    return world(CGD, changes | more)


def assert_orderly(fate_: Fate, ledger: Ledger) -> None:
    """Check the order of everything that happens to a patient, and the trial's end."""
    who = ledger.present
    for row in range(ledger.replicates):
        names = ledger.candidate[row, who[row]]
        assert len(set(names)) == len(names), "somebody was randomised twice"
        screened = ledger.presented[row, names]
        assert (screened < ledger.randomised[row, who[row]]).all(), "randomised before screening"
    end = ledger.end[:, None]
    out = np.minimum(ledger.exit, end)
    assert (ledger.randomised[who] <= np.broadcast_to(end, who.shape)[who]).all()
    assert ((ledger.exit <= end) | (ledger.exit == NEVER)).all()
    for times in (ledger.visits, *ledger.events.values()):
        happened = times < NEVER
        assert (happened <= who[..., None]).all(), "something happened to nobody"
        late = happened & (times > out[..., None])
        early = happened & (times < ledger.randomised[..., None])
        assert not late.any() and not early.any()
    for name in fate_.asked.scenario.model.spec.fatal:
        died = ledger.reason == Exit.DIED
        assert (ledger.exit[died] >= ledger.events[name][..., 0][died]).all()


@pytest.mark.parametrize("resolution", [1, 30 * 86_400])
@settings(max_examples=15)
@given(changes=operations(), seed=st.integers(0, 2**32))
def test_nobody_is_randomised_twice_and_nothing_follows_the_end(
    resolution: int, changes: dict[str, Any], seed: int
) -> None:
    run = run_block(world(CGD, changes), "effect", seed, 0, "block", TRIALS, resolution)
    assert_orderly(run.fate, run.ledger)


def test_the_log_folds_to_the_ledger_of_the_blocks() -> None:
    scenario = looked_at("drop interferon if futility", {"recruit": 44}, **FUTILE)
    plan = make_plan(scenario)
    decided = fate(scenario, Luck(5, 0), "effect", 200, rows=slice(0, 8))
    analysts = [Analyst(scenario, plan, 8) for _ in range(2)]
    whole, performed, _ = blocks.conduct(plan, decided, analysts[0].perform)
    for k in range(8):
        alone = decided.rows(slice(k, k + 1))
        ledger, ticks, _, log = events.conduct(plan, alone, analysts[1].perform, k)
        assert [entry.tick for entry in log] == sorted(entry.tick for entry in log)
        assert np.array_equal(ticks, performed[k : k + 1])
        left, right = whole.rows(slice(k, k + 1)).arrays(), ledger.arrays()
        assert all(same_arrays(left[name], right[name]) for name in left)


FUTILE = {"analysis.methods.infection_free.futility": {"p_above": 0.5}}
CHANGES = [
    {"ratio": {"placebo": 1, "interferon": 3}},
    {"recruit": 60},
    {"eligible": "age >= 10"},
    {"follow_for": "18 months"},
    {"cross_over": "placebo", "to": "interferon"},
    "close recruitment",
]


@pytest.mark.parametrize("action", CHANGES, ids=lambda a: next(iter(a)) if a != CHANGES[-1] else a)
def test_a_change_leaves_all_that_happened_before_it(action: Any) -> None:
    plain, changed = (
        run_block(looked_at(*acts), "effect", 9, 0, replicates=TRIALS) for acts in ((), (action,))
    )
    look = plain.performed[:, 0]
    assert np.array_equal(look, changed.performed[:, 0]) and (look < NEVER).all()
    assert_same_past(plain, changed, look)
    left, right = (run.ledger.arrays() for run in (plain, changed))
    assert not all(same_arrays(left[name], right[name]) for name in left), "it changed nothing"


def assert_same_past(first: BlockRun, second: BlockRun, until: np.ndarray) -> None:
    """Entries up to a tick are the same, and so is the fate of who is in by then."""
    patients = first.ledger.randomised <= until[:, None]
    for name, values in first.ledger.arrays().items():
        other = second.ledger.arrays()[name]
        if values.ndim == 1 or name in ("exit", "reason", "presented"):
            continue
        width = min(values.shape[1], other.shape[1])
        a, b = values[:, :width], other[:, :width]
        known = patients[:, :width] if a.ndim == 2 else patients[:, :width, None]
        if name in ("candidate", "randomised", "arm", "stratum", "lag"):
            assert np.array_equal(a[known], b[known]), name
            continue
        last = until - 1 if name == "crossed" else until  # who crosses over does so with the change
        limit = last[:, None] if a.ndim == 2 else last[:, None, None]
        size = min(a.shape[-1], b.shape[-1])
        before = [np.where(known & (x[..., :size] <= limit), x[..., :size], NEVER) for x in (a, b)]
        assert np.array_equal(*before), name
    for name, exits in (("exit", first.ledger.exit), ("presented", first.ledger.presented)):
        other = second.ledger.arrays()[name]
        width = min(exits.shape[1], other.shape[1])
        past = [
            np.where(x[:, :width] <= until[:, None], x[:, :width], NEVER) for x in (exits, other)
        ]
        assert np.array_equal(*past), name


def test_whoever_is_in_lives_on_as_without_the_change() -> None:
    """What rpact mended in 2026: a later change must not rewrite a patient's future."""
    plain, changed = (
        run_block(looked_at(*acts), "effect", 9, 0, replicates=TRIALS)
        for acts in ((), ({"recruit": 60}, {"ratio": {"placebo": 1, "interferon": 3}}))
    )
    both = np.minimum(plain.ledger.end, changed.ledger.end)
    patients = plain.ledger.randomised <= plain.performed[:, :1]
    width = plain.ledger.candidate.shape[1]
    for name in ("exit", "stop"):
        a, b = (run.ledger.arrays()[name][:, :width] for run in (plain, changed))
        kept = patients & (np.minimum(a, b) <= both[:, None])
        assert np.array_equal(a[kept], b[kept]), name
    for name, times in plain.ledger.events.items():
        other = changed.ledger.events[name][:, :width]
        size = min(times.shape[-1], other.shape[-1])
        a, b = times[..., :size], other[..., :size]
        kept = patients[..., None] & (np.minimum(a, b) <= both[:, None, None])
        assert kept.any() and np.array_equal(a[kept], b[kept]), name


def after(fate_: Fate, look: np.ndarray) -> Fate:
    """Return a fate in which whatever lies after a look is another: no events, no exits, no visits.

    All candidates whose screening ends after it are eligible.
    """
    since = look[:, None] - take(fate_.ready, fate_.roster.candidate)

    def early(values: np.ndarray) -> np.ndarray:
        limit = since if values.ndim == 2 else since[..., None]
        return np.where(values <= limit, values, NEVER)

    def changed(life: Life) -> Life:
        days = np.concatenate([np.zeros_like(life.visits[..., :1]), life.visits], axis=-1)
        read = {
            name: np.where(days <= since[..., None], values, -999.0)
            for name, values in life.readings.items()
        }
        return replace(
            life,
            stop=early(life.stop),
            leave=early(life.leave),
            visits=early(life.visits),
            events={name: early(values) for name, values in life.events.items()},
            readings=read,
        )

    arms = tuple(map(changed, fate_.lives.arms))
    eligible = fate_.eligible | (fate_.ready > look[:, None])
    return replace(fate_, eligible=eligible, lives=Lives(lambda: arms), screened=None)


@pytest.mark.parametrize("lag", ["0 days", "30 days"])
def test_a_decision_rests_on_nothing_after_its_cut(lag: str) -> None:
    entry = {} if lag == "0 days" else {"truth.data_entry": {"mean": lag}}
    scenario = looked_at("drop interferon if futility", **FUTILE, **entry)
    plan = make_plan(scenario)
    decided = fate(scenario, Luck(11, 0), "effect", 220, rows=slice(0, 64))
    analyst = Analyst(scenario, plan, 64)
    _, performed, _ = blocks.conduct(plan, decided, analyst.perform)
    look = performed[:, 0]
    perturbed = after(decided, look)
    again = Analyst(scenario, plan, 64)
    _, later, _ = blocks.conduct(plan, perturbed, again.perform)
    assert np.array_equal(later[:, 0], look)
    first, second = (a.records[Look("look", "infection_free")] for a in (analyst, again))
    for key, values in first.items():
        assert np.array_equal(values, second[key], equal_nan=values.dtype.kind == "f"), key


def test_names_of_arms_are_only_names() -> None:
    plain = run_block(looked_at(), "effect", 3, 0, replicates=TRIALS)
    text = looked_at().document.text
    renamed = looked_at(
        **{
            "design.arms": {"sugar": {"give": "nothing"}, "treated": {"give": "the drug"}},
            "design.control": "sugar",
            "design.randomise.ratio": {"treated": 1, "sugar": 1},
            "truth.hypotheses": {
                "effect": {
                    "serious_infection": {
                        "treated": {"evidence": EFFECT},
                    }
                },
                "no_effect": {"serious_infection": {"treated": {"rate_ratio": 1}}},
            },
        }
    )
    assert "sugar" not in text
    other = run_block(renamed, "effect", 3, 0, replicates=TRIALS)
    left, right = plain.ledger.arrays(), other.ledger.arrays()
    assert all(np.array_equal(left[name], right[name]) for name in left)
    for look, record in plain.analyst.records.items():
        for key, values in record.items():
            found = other.analyst.records[look][key]
            assert np.array_equal(values, found, equal_nan=values.dtype.kind == "f"), key


EFFECT = {"rate_ratio": 0.334, "ci": [0.181, 0.616], "n": 128, "source": "cgd_ipd", "seen": True}


def test_swapping_two_arms_without_effect_turns_the_sign() -> None:
    """With nothing to tell arms apart but their names, one estimate is the other's opposite."""
    plain = run_block(looked_at(), "no_effect", 3, 0, replicates=TRIALS)
    swapped = looked_at(**{"design.control": "interferon"})
    decided = fate(swapped, Luck(3, 0), "no_effect", plain.fate.candidates, rows=slice(0, TRIALS))
    mirrored = replace(decided, lists=(1 - decided.lists).astype(np.int8))
    plan = make_plan(swapped)
    analyst = Analyst(swapped, plan, TRIALS)
    blocks.conduct(plan, mirrored, analyst.perform)
    look = Look("look", "infection_free")
    first, second = plain.analyst.records[look], analyst.records[look]
    assert np.allclose(first["statistic"], -second["statistic"], rtol=0, atol=1e-12, equal_nan=True)
    assert np.allclose(first["p"], 1 - second["p"], rtol=0, atol=1e-12, equal_nan=True)
