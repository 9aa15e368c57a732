"""What a sponsor can do in a trial, one thing at a time, with numbers worked out by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from raresim.streams import Luck
from raresim.study.costs import MONTH, cost, screenings
from raresim.study.tables import trials_table
from raresim.trial import BlockRun, Scenario, run_block
from raresim.trial.fate.decided import fate
from raresim.trial.ticks import NEVER, ticks
from tests.worlds import ATAXIA, CGD, world

TRIALS = 48
FINAL = {
    "when": {"everybody": "finished"},
    "do": ["analyse infection_free", "analyse infection_rate"],
}


def trial(changes: dict[str, Any], look: dict[str, Any] | None = None) -> tuple[Scenario, BlockRun]:
    """Run a small trial of 40 with some changes, and a look."""
    milestones = {"look": look, "final": FINAL} if look else {"final": FINAL}
    scenario = world(CGD, {"design.randomise.n": 40, "design.milestones": milestones, **changes})
    return scenario, run_block(scenario, "effect", 21, 0, replicates=TRIALS)


def randomise(**more: Any) -> dict[str, Any]:
    """Return a way to randomise 40 patients."""
    return {"design.randomise": {"n": 40, "ratio": {"placebo": 1, "interferon": 1}, **more}}


def counted(run: BlockRun, variable: str, level: int) -> np.ndarray:
    """Return how many patients of each trial have a level of a variable."""
    values = run.fate.baseline[variable]
    rows = np.arange(TRIALS)[:, None]
    own = values[rows, np.maximum(run.ledger.candidate, 0)]
    return ((own == level) & run.ledger.present).sum(axis=1)


def test_a_cap_holds_for_every_site_and_state() -> None:
    caps = {"site": 4, "inheritance": {"x_linked": 20}}
    _, run = trial(randomise(method="simple", at_most=caps) | {"design.recruit_for": "90 months"})
    sites = [counted(run, "site", k) for k in range(13)]
    assert max(map(np.max, sites)) == 4
    x_linked = counted(run, "inheritance", 0)
    assert x_linked.max() == 20
    assert (run.ledger.present.sum(axis=1) == 40).all()


def test_minimisation_balances_each_factor_better_than_a_coin() -> None:
    factors = ["inheritance", "prophylaxis", "site"]

    def spread(method: str) -> float:
        _, run = trial(randomise(method=method, strata=factors))
        rows = np.arange(TRIALS)[:, None]
        signs = np.where(run.ledger.present, 1 - 2 * run.ledger.arm, 0)
        found = []
        for factor in factors:
            own = run.fate.baseline[factor][rows, np.maximum(run.ledger.candidate, 0)]
            found += [np.abs((signs * (own == k)).sum(axis=1)) for k in range(int(own.max()) + 1)]
        return float(np.mean(found))

    assert spread("minimisation") < 0.6 * spread("simple")


def test_a_third_arm_gets_its_part_and_is_compared_by_name() -> None:
    arms = {name: {"give": name} for name in ("placebo", "interferon", "high")}
    ratio = {"n": 60, "ratio": {"placebo": 1, "interferon": 1, "high": 2}, "block": 4}
    effects = {"interferon": NO_EFFECT, "high": {"assumed": {"rate_ratio": 0.2}, "why": "a test"}}
    scenario, run = trial(
        {
            "design.arms": arms,
            "design.randomise": ratio,
            "truth.hypotheses.effect.serious_infection": effects,
            "analysis.estimands.infection_free.arm": "high",
            "analysis.estimands.infection_rate.arm": "interferon",
        }
    )
    counts = [(run.ledger.present & (run.ledger.arm == k)).sum(axis=1) for k in range(3)]
    assert all((count == size).all() for count, size in zip(counts, (15, 15, 30), strict=True))
    high, low = (record for record in run.analyst.records.values())
    assert high["used"].max() <= 45 and low["used"].max() <= 30
    assert np.median(high["estimate"]) < np.log(0.5) < np.median(low["estimate"])
    assert scenario.compared("infection_free") == 2


NO_EFFECT = {"rate_ratio": 1}


def test_recruitment_is_given_up_when_nobody_comes() -> None:
    slow = {
        "truth.candidates.stream.per_site": "0.05 per month",
        "design.give_up_after": "2 months",
    }
    _, run = trial(slow | {"design.recruit_for": "60 months"})
    ledger, patience = run.ledger, int(ticks(2 * MONTH))
    last = np.where(ledger.present, ledger.randomised, 0).max(axis=1)
    assert (ledger.closed <= last + patience).all()
    early = ledger.present.sum(axis=1) < 40
    assert early.all() and (ledger.closed == last + patience).all()


def pool(prevalent: int) -> dict[str, Any]:
    """Return a finite pool without anything else, at the rate of the stream."""
    country = {"prevalent": prevalent, "diagnosed": 1, "reachable": 1, "willing": 1}
    rates = {"per_site": "1.5 per month", "gamma_shape": 2}
    return {"truth.candidates": {"pool": {**rates, "countries": {"malta": country}}}}


def test_a_dry_pool_ends_and_an_endless_stream_is_faster() -> None:
    stream, large, small = (
        trial({**changes, "design.recruit_for": "30 months"})[1]
        for changes in ({}, pool(150), pool(35))
    )
    assert (small.ledger.present.sum(axis=1) <= 35).all()
    assert (small.ledger.end < NEVER).all()
    assert (large.ledger.present.sum(axis=1) == 40).all()
    assert np.mean(stream.ledger.closed) < np.mean(large.ledger.closed)


def test_a_late_decision_costs_patients_who_count_as_overrun() -> None:
    stop = {
        "when": {"first": "serious_infection", "patients": 4},
        "do": ["analyse infection_free", "stop"],
    }
    runs = [trial({}, {**stop, "decide_after": after}) for after in ("0 days", "2 months")]
    tables = [trials_table(scenario, run, 0) for scenario, run in runs]
    assert (tables[0]["overrun"] == 0).all() and tables[1]["overrun"].mean() > 1
    (_, at_once), (_, late) = runs
    assert np.array_equal(at_once.performed[:, 0], late.performed[:, 0])
    looked = late.performed[:, 0] < NEVER
    waited = late.ledger.end - late.performed[:, 0]
    assert (waited[looked & (late.performed[:, 1] == NEVER)] == int(ticks(2 * MONTH))).all()


def test_toxicity_on_one_arm_stops_the_trial() -> None:
    harm = {
        "when": {"first": "serious_infection", "patients": 2, "arm": "interferon"},
        "do": ["stop"],
    }
    _, run = trial({}, harm)
    stopped = run.performed[:, 0] < NEVER
    assert stopped.any() and not stopped.all()
    treated = run.ledger.present & (run.ledger.arm == 1)
    had = treated & (run.ledger.events["serious_infection"][..., 0] < NEVER)
    assert (had.sum(axis=1)[stopped] == 2).all()
    assert (had.sum(axis=1)[~stopped] < 2).all()


def test_a_dropped_arm_gets_nobody_more_and_a_new_ratio_holds() -> None:
    arms = {name: {"give": name} for name in ("placebo", "interferon", "other")}
    look = {"when": {"randomised": 12}, "do": ["analyse infection_free", "drop other"]}
    _, run = trial(
        {
            "design.arms": arms,
            "design.randomise": {"n": 36, "ratio": dict.fromkeys(arms, 1), "block": 3},
            "analysis.estimands.infection_free.arm": "interferon",
            "analysis.estimands.infection_rate.arm": "interferon",
        },
        look,
    )
    later = run.ledger.randomised > run.performed[:, :1]
    assert (run.ledger.arm[later & run.ledger.present] != 2).all()
    counts = [(later & run.ledger.present & (run.ledger.arm == k)).sum(axis=1) for k in (0, 1)]
    assert (np.abs(counts[0] - counts[1]) <= 2).all()


def test_an_information_fraction_is_counted_in_patients_with_an_event() -> None:
    look = {"when": {"information": 0.5, "of": "infection_free"}, "do": ["analyse infection_free"]}
    boundary = {"boundary": {"spend": "obrien-fleming", "planned_information": 9}}
    estimand = {
        "variable": "time to first serious_infection", "summary": "hazard ratio",
        "intercurrent": {"stops_treatment": "treatment policy", "death": "while alive"},
    }  # fmt: skip
    method = {"test": "logrank", "alpha": "0.025 one-sided", **boundary}
    changes = {
        "analysis.estimands.infection_free": estimand,
        "analysis.methods.infection_free": method,
    }
    _, run = trial(changes, look)
    first = run.ledger.events["serious_infection"][..., 0]
    looked = run.performed[:, 0] < NEVER
    assert ((first <= run.performed[:, :1]).sum(axis=1)[looked] == 5).all()  # half of 9, rounded up


def test_data_that_are_entered_late_are_not_seen_by_a_look() -> None:
    look = {"when": {"calendar": "10 months"}, "do": ["analyse infection_free"]}
    boundary = {"boundary": {"spend": "obrien-fleming", "planned_information": 20}}
    change = {
        "analysis.methods.infection_free": {
            "test": "logrank",
            "alpha": "0.025 one-sided",
            **boundary,
        }
    }
    now, late = (
        trial({**change, **lag}, look)[1] for lag in ({}, {"truth.data_entry": {"mean": "60 days"}})
    )
    seen = [next(iter(run.analyst.records.values()))["information"] for run in (now, late)]
    assert (seen[1] <= seen[0]).all() and seen[1].sum() < 0.9 * seen[0].sum()
    left, right = (list(run.analyst.records.values())[1] for run in (now, late))
    assert np.array_equal(
        left["estimate"], right["estimate"], equal_nan=True
    )  # at last all is there


def test_screening_again_lets_more_in_but_only_for_what_is_read_anew() -> None:
    bar = {"design.eligible": "age >= 16 and mfars >= 45"}
    again = {"design.screen_again": {"after": "30 days", "times": 2}}
    once, more = (fate(world(ATAXIA, c), Luck(3, 0), "effect", 60) for c in (bar, {**bar, **again}))
    assert (more.eligible | ~once.eligible).all()
    assert more.eligible.mean() > once.eligible.mean() + 0.01
    age = {"design.eligible": "age >= 30"}
    plain, useless = (
        fate(world(ATAXIA, c), Luck(3, 0), "effect", 60) for c in (age, {**age, **again})
    )
    assert np.array_equal(plain.eligible, useless.eligible)
    late = more.eligible & ~once.eligible
    assert (more.ready[late] - more.present[late] >= int(ticks(30.0))).all()


def test_more_noise_changes_who_is_screened_in() -> None:
    """A bar on a noisy reading lets in patients who are below it, the more so the more noise."""
    bar = {"design.eligible": "mfars >= 50"}
    quiet, loud = (
        fate(world(ATAXIA, bar), Luck(3, 0), "effect", 60, place=place)
        for place in ("lower", "upper")
    )
    assert 0.005 < np.mean(quiet.eligible != loud.eligible) < 0.2


def test_consent_is_withdrawn_by_a_share_of_the_eligible() -> None:
    scenario = world(CGD, {"truth.withdraws_consent": {"share": 0.25, "why": "a test"}})
    decided = fate(scenario, Luck(1, 0), "effect", 60)
    asked = decided.eligible | decided.withdrew
    share, n = decided.withdrew.sum() / asked.sum(), asked.sum()
    assert abs(share - 0.25) < 4 * np.sqrt(0.25 * 0.75 / n)
    plain = fate(world(CGD), Luck(1, 0), "effect", 60)
    assert np.array_equal(plain.eligible, asked)


def test_costs_are_counted_by_hand() -> None:
    prices = {"start": 1000, "month": 10, "site": 100, "site_month": 1, "screening": 5}
    prices |= {"patient": 50, "visit": 2}
    scenario, run = trial({"design.costs": prices})
    ledger, k = run.ledger, 7
    sites = [int(tick) for tick in run.fate.opens[k] if tick <= ledger.closed[k]]
    month = MONTH * 86_400
    wanted = 1000 + 10 * int(ledger.end[k]) / month + 100 * len(sites)
    wanted += sum((int(ledger.end[k]) - tick) / month for tick in sites)
    wanted += 5 * int((ledger.presented[k] < NEVER).sum()) + 50 * 40
    wanted += 2 * int((ledger.visits[k] < NEVER).sum())
    assert cost(scenario, run)[k] == pytest.approx(wanted, rel=1e-12)
    assert screenings(run)[k] == (ledger.presented[k] < NEVER).sum()


def test_n_follows_the_blinded_spread() -> None:
    """A planned SD far below the true one asks for the most; one far above keeps the planned n."""
    final = {"when": {"everybody": "finished"}, "do": ["analyse change"]}
    found = []
    for sd in (0.5, 50):
        again = {"re_estimate": "change", "planned_sd": sd, "at_most": 60}
        look = {"when": {"visit": 48, "patients": 6}, "do": [again]}
        changes = {"design.randomise.n": 40, "design.milestones": {"look": look, "final": final}}
        slow = {"truth.candidates.stream.per_site": "0.3 per month"}
        slow["design.recruit_for"] = "90 months"
        run = run_block(world(ATAXIA, changes | slow), "effect", 2, 0, replicates=32)
        found.append(run.ledger.present.sum(axis=1))
    assert (found[1] == 40).all()
    assert (found[0] >= 40).all() and found[0].max() == 60
