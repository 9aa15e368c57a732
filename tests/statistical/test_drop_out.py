"""Drop-out, adverse events and their stops against closed forms. K = 4 Monte Carlo SEs.

Patients are independent of each other given the files, so a share or a mean of them all has the
standard error of independent observations: 40,960 patients each time, fixed seeds.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from raresim.disease.outcomes import ScoreLatent
from raresim.files.units import SECONDS_A_DAY
from raresim.streams import Luck
from raresim.trial import Scenario
from raresim.trial.fate.candidates import people
from raresim.trial.fate.decided import fate
from raresim.trial.fate.people import People
from raresim.trial.ticks import NEVER
from tests.worlds import ATAXIA, world

K = 4
UNITS = 40
SHAPE = (1024, UNITS)
YEAR = 365.25
WEEKS = np.array([4, 12, 24, 36, 48]) * 7.0
STAY = {"rate": "0 per year"}


def ataxia(**truth: Any) -> Scenario:
    """Return the trial in Friedreich's ataxia; nobody stops or leaves unless told."""
    told = {"stops_treatment": STAY, "leaves_study": STAY, "uncertainty": "fixed", **truth}
    return world(ATAXIA, {f"truth.{name}": value for name, value in told.items()})


def folk_of(scenario: Scenario) -> People:
    effects = scenario.effects("effect")
    return people(scenario, Luck(7, 0), UNITS, scenario.model.published, effects)


def near(values: np.ndarray, expected: Any) -> bool:
    """Whether the mean of values minus what is expected of each lies within K SEs of 0."""
    gap = values - expected
    return bool(abs(gap.mean()) < K * gap.std() / np.sqrt(gap.size))


def test_times_by_arm_are_exponential() -> None:
    """S(t) = exp(-rate by_arm t)."""
    hazard = {"rate": "0.4 per year", "by_arm": {"drug": 1.5}, "why": "a test"}
    decided = fate(
        ataxia(leaves_study=hazard, stops_treatment=hazard),
        Luck(7, 0),
        "effect",
        UNITS,
        width=UNITS,
    )
    for name in ("leave", "stop"):
        for arm, ratio in ((0, 1.0), (1, 1.5)):
            for day in (100.0, 300.0):
                still = getattr(decided.lives.arms[arm], name) > day * SECONDS_A_DAY
                assert near(still, np.exp(-0.4 * ratio * day / YEAR))
    assert not np.array_equal(decided.lives.arms[0].leave, decided.lives.arms[0].stop)


@pytest.mark.parametrize("of", ["value", "change"])
def test_a_hazard_that_follows_the_truth_has_the_survival_of_its_straight_line(of: str) -> None:
    """MNAR: all patients at 40 points and 6 a year; piecewise hazard at the middle of each stretch.

    S(t) = exp(-sum of rate 1.5 ** (x(middle) / 2) * days in the stretch); drug adds -2.4 in 48
    weeks. Where the score is followed itself, 40 points are in the rate.
    """
    rate = 0.5 if of == "change" else 0.5 / 1.5**20
    term = {"score": "mfars", "seen": False, "hazard_ratio": 1.5, "for": 2, "of": of}
    hazard = {"rate": f"{rate:.12g} per year", "follows": [term], "why": "a test"}
    scenario = ataxia(leaves_study=hazard)
    latent = ScoreLatent(np.full(SHAPE, 40.0), np.full(SHAPE, 6 / YEAR), np.ones(1))
    folk = replace(folk_of(scenario), latents={"mfars": latent})
    unit = -np.log(Luck(8, 0).uniform("a test", UNITS))
    edges = np.array([0.0, *WEEKS, scenario.longest_follow_days])
    middle = (edges[:-1] + edges[1:]) / 2
    for arm, per_day in ((0, 6 / YEAR), (1, 6 / YEAR - 2.4 / 336)):
        left = folk.comes(scenario.spec.truth.leaves_study, arm, unit)
        speed = 0.5 / YEAR * 1.5 ** (per_day * middle / 2)
        for day in (20.0, 84.0, 200.0, 300.0, 330.0):
            spent = np.clip(day - edges[:-1], 0, np.diff(edges))
            assert near(left > day, np.exp(-np.sum(speed * spent)))
    exact = 0.5 / YEAR * 2 / (np.log(1.5) * 6 / YEAR) * (1.5 ** (6 / YEAR * edges[-1] / 2) - 1)
    steps = np.sum(0.5 / YEAR * 1.5 ** (6 / YEAR * middle / 2) * np.diff(edges))
    assert abs(steps / exact - 1) < 0.01  # stretches of twelve weeks or less: next to the integral


def test_who_leaves_at_random_given_what_was_read_leaves_at_the_stated_rate() -> None:
    """MAR: of those in the study at a visit, the share who leave by the next, in bins of x."""
    term = {"score": "mfars", "hazard_ratio": 1.4, "for": "3 points", "of": "change"}
    hazard = {"rate": "0.6 per year", "follows": [term], "why": "a test"}
    missed = {"share": 0.2, "why": "a test"}
    scenario = ataxia(leaves_study=hazard, missed_visits=missed)
    decided = fate(scenario, Luck(7, 0), "effect", UNITS, width=UNITS)
    for arm in (0, 1):
        read, leave = decided.lives.arms[arm].readings["mfars"], decided.lives.arms[arm].leave
        for visit in (1, 2, 3):
            now, later = (
                decided.lives.arms[0].visits[..., visit],
                decided.lives.arms[0].visits[..., visit + 1],
            )
            in_study = (now < leave) & (later < NEVER)  # and both visits take place, by luck alone
            x = (read[..., visit + 1] - read[..., 0])[in_study]
            days = ((later - now) / SECONDS_A_DAY)[in_study]
            gone = (leave <= later)[in_study]
            expected = 1 - np.exp(-0.6 / YEAR * 1.4 ** (x / 3) * days)
            bins = np.digitize(x, [-4, -1, 1, 4, 8])
            for each in range(6):
                assert near(gone[bins == each], expected[bins == each])
            assert gone[bins == 5].mean() > 1.5 * gone[bins == 0].mean()


def test_a_missed_visit_leaves_the_last_reading_in_force() -> None:
    """Across one missed visit the hazard is that of the reading before it."""
    term = {"score": "mfars", "hazard_ratio": 1.4, "for": "3 points", "of": "change"}
    hazard = {"rate": "0.6 per year", "follows": [term], "why": "a test"}
    scenario = ataxia(leaves_study=hazard, missed_visits={"share": 0.4, "why": "a test"})
    decided = fate(scenario, Luck(7, 0), "effect", UNITS, width=UNITS)
    read, leave, seen = (
        decided.lives.arms[0].readings["mfars"],
        decided.lives.arms[0].leave,
        decided.lives.arms[0].visits,
    )
    now, later = seen[..., 1], seen[..., 3]
    chosen = (now < leave) & (seen[..., 2] == NEVER) & (later < NEVER)
    x = (read[..., 2] - read[..., 0])[chosen]
    days = ((later - now) / SECONDS_A_DAY)[chosen]
    gone = (leave <= later)[chosen]
    assert chosen.sum() > 5000
    assert near(gone, 1 - np.exp(-0.6 / YEAR * 1.4 ** (x / 3) * days))


def test_adverse_events_are_poisson() -> None:
    """Mean and variance of the count by a day are both rate by_arm t; a second kind is apart."""
    rash = {"rate": "0.8 per year", "by_arm": {"drug": 2.5}, "why": "a test"}
    fall = {"rate": "0.5 per year", "once": True, "why": "a test"}
    decided = fate(
        ataxia(adverse_events={"rash": rash, "fall": fall}),
        Luck(7, 0),
        "effect",
        UNITS,
        width=UNITS,
    )
    for arm, ratio in ((0, 1.0), (1, 2.5)):
        for day in (120.0, 330.0):
            mean = 0.8 * ratio * day / YEAR
            counts = (
                (decided.lives.arms[arm].events["rash"] <= day * SECONDS_A_DAY)
                .sum(-1)
                .astype(float)
            )
            assert near(counts, mean)
            assert near((counts - mean) ** 2, mean)
            once = decided.lives.arms[arm].events["fall"][..., 0] <= day * SECONDS_A_DAY
            assert near(once, 1 - np.exp(-0.5 * day / YEAR))
            assert abs(np.corrcoef(counts.ravel(), once.ravel())[0, 1]) < K / np.sqrt(once.size)


def test_events_that_end_treatment_come_at_their_share_of_the_rate() -> None:
    """S(t) = exp(-rate by_arm share t) beside a hazard of stopping of its own, which adds."""
    rash = {"rate": "1 per year", "by_arm": {"drug": 3.0}, "stops_treatment": 0.2, "why": "a test"}
    own = {"rate": "0.25 per year", "why": "a test"}
    for stops, more in ((STAY, 0.0), (own, 0.25)):
        scenario = ataxia(adverse_events={"rash": rash}, stops_treatment=stops)
        decided = fate(scenario, Luck(7, 0), "effect", UNITS, width=UNITS)
        for arm, ratio in ((0, 1.0), (1, 3.0)):
            for day in (100.0, 300.0):
                still = decided.lives.arms[arm].stop > day * SECONDS_A_DAY
                assert near(still, np.exp(-(0.2 * ratio + more) * day / YEAR))


def test_the_dose_is_lowered_after_its_share_of_the_events() -> None:
    """Mean effect by a day: E[0.5 ** N(t)] = exp(-0.5 share rate t), summed over the days."""
    lower = {"share": 0.6, "to": 0.5}
    rash = {"rate": "2 per year", "lowers_dose": lower, "stops_treatment": 0.0, "why": "a test"}
    folk = folk_of(ataxia(adverse_events={"rash": rash}))
    day = np.full(SHAPE, 336.0)
    level = [folk.walk(arm, slice(None))["mfars"].level(day) for arm in (0, 1)]
    speed = 0.5 * 0.6 * 2 / YEAR
    assert near(level[1] - level[0], -2.4 / 336 * (1 - np.exp(-speed * 336)) / speed)
