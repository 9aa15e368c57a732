"""Drug kits at sites: randomisation days by hand, what blocks refuse, what a file may not say."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from raresim import study
from raresim.alike import take
from raresim.errors import InputError, RefusedError
from raresim.streams import Luck
from raresim.study.costs import cost
from raresim.study.tables import trials_table
from raresim.trial import BlockRun, Scenario, run_block
from raresim.trial.conduct import events
from raresim.trial.engine import refusal
from raresim.trial.fate.decided import Fate, fate
from raresim.trial.ledger import Ledger
from raresim.trial.log import Entry
from raresim.trial.looks.look import Analyst
from raresim.trial.plan import make_plan
from raresim.trial.ticks import NEVER, days, ticks
from tests.worlds import CGD, world

TRIALS = 24
FINAL = {
    "when": {"everybody": "finished"},
    "do": ["analyse infection_free", "analyse infection_rate"],
}
SCARCE = {"first": 1, "order": 1, "arrives_after": "10 days"}
ARMS = ("placebo", "interferon", "other")


def trial(kits: dict[str, Any] | None, **more: Any) -> Scenario:
    """Return a small trial at one site, with kits or without."""
    sites = {"number": 1, "open": [{"first": 1, "at": "day 0"}]}
    changes = {"design.randomise.n": 5, "design.sites": sites, "design.milestones": {"end": FINAL}}
    if kits is not None:
        changes["design.kits"] = kits
    return world(CGD, {**changes, "design.recruit_for": "3 months", **more})


def ready_on(scenario: Scenario, screened: list[float], ready: list[float]) -> Fate:
    """Return a fate in which eligible candidates present and are ready on given days."""
    decided = fate(scenario, Luck(4, 0), "effect", len(ready) + 1, rows=slice(0, 1))
    return replace(
        decided,
        opens=np.zeros_like(decided.opens),
        present=ticks(np.array([[*screened, 365.0]])),
        ready=ticks(np.array([[*ready, 366.0]])),
        eligible=np.ones_like(decided.eligible),
    )


def conducted(scenario: Scenario, decided: Fate) -> tuple[Ledger, list[Entry]]:
    """Run one trial on a fate event by event."""
    plan = make_plan(scenario)
    ledger, _, _, log = events.conduct(plan, decided, Analyst(scenario, plan, 1).perform)
    return ledger, log


def randomised(ledger: Ledger) -> list[tuple[int, float]]:
    """Return candidates and days of randomisation, in their order."""
    who = ledger.present[0]
    found = zip(ledger.candidate[0, who], days(ledger.randomised[0, who]), strict=True)
    return [(int(candidate), float(day)) for candidate, day in found]


def test_days_of_randomisation_by_hand() -> None:
    """With one kit of each arm, a patient's kit is missing until its successor comes 10 days on.

    Candidate 3 is ready in the tick in which the kit comes: a delivery precedes randomisation.
    """
    scenario = trial(SCARCE)
    decided = ready_on(scenario, [1, 2, 3, 4, 5], [10, 12, 15, 40, 41])
    ledger, log = conducted(scenario, decided)
    assert randomised(ledger) == [(0, 10), (1, 20), (2, 30), (3, 40), (4, 50)]
    waits = [(e.candidate, float(days(e.tick))) for e in log if e.what == "waits for a kit"]
    assert waits == [(1, 12), (2, 15), (4, 41)]
    sent = [(float(days(e.tick)), e.number) for e in log if e.what == "kits sent"]
    assert sent == [(0, 1), (0, 1), (10, 1), (20, 1), (30, 1), (40, 1)]  # nothing after the last
    assert ledger.kits.tolist() == [6] and ledger.closed == ticks(50.0)


def test_clocks_of_patients_begin_when_they_are_randomised() -> None:
    """What follows randomisation comes as much later as the patient waited."""
    screened, ready = [1.0, 2, 3, 4, 5], [10.0, 12, 15, 40, 41]
    ledgers = []
    for kits in (SCARCE, None):
        scenario = trial(kits)
        ledgers.append(conducted(scenario, ready_on(scenario, screened, ready))[0])
    waiting, plain = ledgers
    late = waiting.randomised - plain.randomised
    assert days(late[0]).tolist() == [0, 8, 15, 0, 9]
    same = waiting.arm == plain.arm
    assert same.all()  # same order, so the list allots the same arms
    assert np.array_equal(waiting.exit - late, plain.exit)
    came = plain.visits < NEVER
    assert np.array_equal((waiting.visits - late[..., None])[came], plain.visits[came])


def test_who_waits_is_randomised_in_the_order_of_candidates() -> None:
    """Candidate 2 was ready before candidate 1; both wait for the same kit."""
    scenario = trial(SCARCE)
    ledger, _ = conducted(scenario, ready_on(scenario, [1, 2, 3, 4, 5], [10, 15, 12, 50, 60]))
    assert randomised(ledger) == [(0, 10), (1, 20), (2, 30), (3, 50), (4, 60)]


def test_who_still_waits_when_recruitment_closes_is_never_randomised() -> None:
    scenario = trial(SCARCE, **{"design.recruit_for": "29 days"})
    ledger, _ = conducted(scenario, ready_on(scenario, [1, 2, 3, 4, 5], [10, 12, 15, 16, 17]))
    assert randomised(ledger) == [(0, 10), (1, 20)]
    assert ledger.closed == ticks(29.0)


def test_an_order_counts_what_is_on_its_way() -> None:
    """First 3, order 2 at 1: the second kit of an arm that is used makes an order, the third none.

    The list allots one arm alone, so that the other's shelf stays full.
    """
    kits = {"first": 3, "order_at": 1, "order": 2, "arrives_after": "10 days"}
    scenario = trial(kits)
    decided = ready_on(scenario, [1, 2, 3, 4, 5], [10, 11, 12, 13, 14])
    ledger, log = conducted(scenario, replace(decided, lists=np.zeros_like(decided.lists)))
    assert randomised(ledger) == [(0, 10), (1, 11), (2, 12), (3, 21), (4, 21)]
    sent = [(float(days(e.tick)), e.number) for e in log if e.what == "kits sent"]
    assert sent == [(0, 3), (0, 3), (11, 2), (21, 2)]  # at 21 the fourth kit leaves one


def several_arms(look: dict[str, Any], ratio: dict[str, int], kits: dict[str, Any]) -> Scenario:
    """Return a trial of three arms, one milestone before its end."""
    estimands = ("infection_free", "infection_rate")
    return trial(
        kits,
        **{
            "design.arms": {name: {"give": name} for name in ARMS},
            "design.randomise": {"n": 5, "ratio": ratio, "block": sum(ratio.values())},
            "design.milestones": {"look": look, "end": FINAL},
            **{f"analysis.estimands.{name}.arm": "interferon" for name in estimands},
        },
    )


def test_an_arm_that_opens_later_gets_its_first_kits_then() -> None:
    look = {"when": {"randomised": 1}, "do": ["add other"], "decide_after": "2 days"}
    scenario = several_arms(look, {"placebo": 1, "interferon": 1, "other": 0}, SCARCE)
    ledger, log = conducted(scenario, ready_on(scenario, [1, 2, 3, 4, 5], [10, 20, 30, 40, 50]))
    sent = [(float(days(e.tick)), e.detail) for e in log if e.what == "kits sent"]
    assert (12.0, "1 of other, site1") in sent
    assert not any("other" in detail and day < 12 for day, detail in sent)
    assert [day for _, day in randomised(ledger)] == [10, 20, 30, 40, 50]


def test_kits_of_a_dropped_arm_hold_nobody_up() -> None:
    """The arm of the first patient is dropped on day 13; who waits for its kit is in a tick later.

    Without the drop the kit would be there on day 20.
    """
    waits: dict[bool, float] = {}
    for dropped in (True, False):
        acts = ["drop other"] if dropped else ["analyse infection_free"]
        look = {"when": {"randomised": 1}, "do": acts, "decide_after": "3 days"}
        scenario = several_arms(look, dict.fromkeys(ARMS, 1), SCARCE)
        decided = ready_on(scenario, [1, 2, 3, 4, 5], [10, 12, 70, 80, 90])
        others = np.full_like(decided.lists, 2)
        ledger, _ = conducted(scenario, replace(decided, lists=others))
        assert ledger.arm[0, 0] == 2 and randomised(ledger)[1][0] == 1
        waits[dropped] = randomised(ledger)[1][1]
    assert waits[False] == 20
    assert waits[True] == pytest.approx(13 + 1 / 86_400, abs=1e-9)


def at_sites(**changes: Any) -> tuple[Scenario, BlockRun]:
    """Run trials of 30 at the shipped sites."""
    more = {"design.randomise.n": 30, "design.milestones": {"final": FINAL}, **changes}
    scenario = world(CGD, more)
    return scenario, run_block(scenario, "effect", 21, 0, "simpy", TRIALS)


def test_the_longer_kits_travel_the_later_recruitment_closes() -> None:
    closed, waited = [], []
    for after in ("1 days", "3 weeks", "3 months"):
        kits = {**SCARCE, "arrives_after": after}
        scenario, run = at_sites(**{"design.kits": kits, "design.recruit_for": "30 months"})
        closed.append(float(days(run.ledger.closed).mean()))
        waited.append(int(trials_table(scenario, run, 0)["waited_for_kits"].sum()))
    assert closed[0] < closed[1] < closed[2]
    assert waited[0] < waited[1] < waited[2]


def test_tables_tell_kits_and_costs_pay_for_them() -> None:
    kits = {"first": 2, "order_at": 1, "order": 2, "arrives_after": "2 weeks"}
    scenario, run = at_sites(**{"design.kits": kits, "design.costs": {"kit": 7, "start": 1}})
    table, ledger = trials_table(scenario, run, 0), run.ledger
    assert np.array_equal(table["kits"], ledger.kits)
    opened = (run.fate.opens <= ledger.closed[:, None]).sum(axis=1)
    assert (ledger.kits >= 2 * 2 * opened).all() and (ledger.kits % 2 == 0).all()
    late = ledger.randomised > take(run.fate.ready, ledger.candidate)
    assert np.array_equal(table["waited_for_kits"], (late & ledger.present).sum(axis=1))
    assert cost(scenario, run) == pytest.approx(1 + 7 * ledger.kits)
    plain = trials_table(*at_sites(), 0)
    assert not {"kits", "waited_for_kits"} & set(plain.columns)


def test_the_blocks_refuse_kits_and_auto_takes_simpy() -> None:
    scenario = trial(SCARCE)
    for refuse in (
        lambda: run_block(scenario, "effect", 1, 0, "block", 2),
        lambda: study.simulate(scenario, 2, engine="block", workers=1),
        lambda: study.sensitivity(scenario, 2, engine="block", workers=1),
    ):
        with pytest.raises(RefusedError, match="the engine 'block' runs no drug kits"):
            refuse()
    assert study.simulate(scenario, 4, workers=1).settings.engine == "simpy"
    assert study.simulate(trial(None), 4, workers=1).settings.engine == "block"
    assert refusal(trial(None)) == ""


def test_one_trial_alone_is_that_of_the_simulation() -> None:
    scenario = trial({**SCARCE, "arrives_after": "6 weeks"}, **{"design.recruit_for": "12 months"})
    run = study.simulate(scenario, 3, seed=6, workers=1)
    alone = study.run_trial(scenario, seed=6, replicate=2)
    for column in ("kits", "waited_for_kits", "randomised", "duration_days"):
        assert alone.trial[column][0] == run.trials[column][2]
    assert set(alone.log["what"]) >= {"kits sent", "kits arrived", "waits for a kit"}


FAULTS = [
    ({"design.kits": {**SCARCE, "order_at": 1}}, "on the day on which it opens"),
    ({"design.costs": {"kit": 5}}, "the design has no kits to pay for"),
    ({"design.kits": {**SCARCE, "first": 0}}, "a number of at least 1"),
]


@pytest.mark.parametrize("changes, message", FAULTS)
def test_what_cannot_be_is_said_with_a_way_to_mend_it(
    changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=message) as error:
        world(CGD, changes)
    assert all(problem.mend for problem in error.value.problems)
