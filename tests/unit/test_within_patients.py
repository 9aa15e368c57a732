"""Treatments compared within patients: the table by hand, true values, carry-over, what is refused.

Where a simulation stands against a number, k = 4 Monte Carlo standard errors are allowed.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import raresim
from raresim.analysis import batch
from raresim.disease.outcomes import Course, Effect, lasting
from raresim.errors import InputError
from raresim.files.units import SECONDS_A_DAY
from raresim.report.design import estimands
from raresim.streams import Luck
from raresim.study.truth import true_values
from raresim.trial import BlockRun, Scenario, run_block
from raresim.trial.cut.table import cut
from raresim.trial.cut.tables import PeriodTable
from raresim.trial.fate.candidates import people
from raresim.trial.ticks import NEVER
from tests.within import POLICY, QUIET, attacks, crossed, periods
from tests.worlds import world

K = 4
WEEK = 7 * SECONDS_A_DAY
STOPPING = {"truth.stops_treatment": {"rate": "2 per year"}}
LEAVING = {"truth.leaves_study": {"rate": "0.8 per year"}, "truth.missed_visits.share": 0.2}


def table_of(scenario: Scenario, run: BlockRun, name: str) -> PeriodTable:
    found = cut(scenario, run.fate, run.ledger, run.ledger.end, name, final=True)
    assert isinstance(found, PeriodTable)
    return found


def scores_by_hand(run: BlockRun, b: int, i: int, how: str) -> list[float]:
    """Return what a patient had in two periods of twelve weeks, read at weeks 6, 12, 18 and 24."""
    ledger = run.ledger
    place = run.fate.roster.place[b, ledger.candidate[b, i]]
    read = run.fate.lives.arms[ledger.arm[b, i]].readings["mfars"][b, place, 1:]
    begun, stop, found = int(ledger.randomised[b, i]), int(ledger.stop[b, i]), []
    for visits in ((0, 1), (2, 3)):
        came = {v: int(t) for v in visits if (t := ledger.visits[b, i, v]) < NEVER}
        due = came.get(visits[1], begun + (12 if visits[1] == 1 else 24) * WEEK)
        value = float(read[visits[1]]) if visits[1] in came else np.nan
        if how != "treatment policy" and stop < due and stop < begun + 24 * WEEK:
            before = [v for v in came if came[v] <= stop] if how == "while on treatment" else []
            value = float(read[max(before)]) if before else np.nan
        found.append(value)
    return found


@pytest.mark.parametrize("how", ["treatment policy", "while on treatment", "hypothetical"])
def test_scores_of_periods_by_hand(how: str) -> None:
    """The table, and the library's analysis of it, are those of a loop over patients."""
    scenario = crossed(intercurrent={"stops_treatment": how}, **STOPPING, **LEAVING)
    run = run_block(scenario, "effect", 3, 0, replicates=6)
    ledger, found = run.ledger, table_of(scenario, run, "score")
    rows, n = ledger.candidate.shape
    outcome, order = np.full((rows, n, 2), np.nan), np.full((rows, n, 2), -1)
    for b, i in zip(*np.nonzero(ledger.present), strict=True):
        outcome[b, i] = scores_by_hand(run, b, i, how)
        order[b, i] = (1, 0) if scenario.arms[ledger.arm[b, i]] == "ab" else (0, 1)
    np.testing.assert_array_equal(found.outcome, outcome)
    assert np.isnan(outcome[ledger.present]).any() and not np.isnan(outcome[ledger.present]).all()
    alone = batch.crossover_anova(outcome, order, ledger.present)
    (record,) = run.analyst.records.values()
    np.testing.assert_array_equal(record["estimate"], alone.estimate)
    np.testing.assert_array_equal(record["p"], alone.p_one_sided("less"))


@pytest.mark.parametrize("how", ["treatment policy", "while on treatment"])
def test_attacks_of_periods_by_hand(how: str) -> None:
    scenario = attacks(intercurrent={"stops_treatment": how}, **STOPPING, **LEAVING)
    run = run_block(scenario, "effect", 3, 0, replicates=4)
    ledger, found = run.ledger, table_of(scenario, run, "attacks")
    for b, i in zip(*np.nonzero(ledger.present), strict=True):
        begun, end = int(ledger.randomised[b, i]), int(ledger.exit[b, i])
        if how == "while on treatment" and ledger.stop[b, i] < begun + 12 * WEEK:
            end = min(end, int(ledger.stop[b, i]))
        for number in (0, 1):
            since, until = begun + (6 * number + 1) * WEEK, begun + 6 * (number + 1) * WEEK
            until = min(until, end)
            days = max(until - since, 0) / SECONDS_A_DAY
            assert found.exposure[b, i, number] == pytest.approx(days / 365.25, abs=1e-12)
            times = ledger.events["attack"][b, i]
            count = int(((times > since) & (times <= until)).sum()) if days else np.nan
            np.testing.assert_equal(found.outcome[b, i, number], count)
    assert np.isnan(found.outcome[ledger.present]).any()


def test_the_methods_of_a_table_are_those_of_the_library() -> None:
    scenario = crossed(method={"test": "signed rank", "estimate": "paired t"}, **LEAVING)
    run = run_block(scenario, "effect", 5, 0, replicates=8)
    table = table_of(scenario, run, "score")
    parts = (table.outcome, table.treatment, table.who.present)
    (record,) = run.analyst.records.values()
    ranks, means = batch.crossover_signed_rank(*parts), batch.crossover_t(*parts)
    np.testing.assert_array_equal(record["p"], ranks.p_one_sided("less"))
    np.testing.assert_array_equal(record["estimate"], means.estimate)
    np.testing.assert_array_equal(record["ci_low"], means.ci_low)


def test_true_values_are_those_of_a_period_with_nothing_before() -> None:
    """A difference is there after its time; a wash-out, or its half-life, changes nothing of it."""
    for half_life, washout in (("2 days", 0), ("26 weeks", 0), (None, 4)):
        scenario = crossed(half_life=half_life, washout=washout, **QUIET)
        truth = true_values(scenario, "effect", 1, 0)["score"]
        assert truth.mean() == pytest.approx(-4, abs=0.05)  # readings are whole and bounded
    rates = true_values(attacks(lasts="5 weeks", **QUIET), "effect", 1, 0)["attacks"]
    assert rates.mean() == pytest.approx(np.log(0.5), abs=K * rates.std() / 4 + 1e-9)


def test_who_stops_has_less_of_the_drug_under_treatment_policy() -> None:
    gone = {**QUIET, **STOPPING}
    found = {
        how: true_values(crossed(intercurrent={"stops_treatment": how}, **gone), "effect", 1, 0)
        for how in ("treatment policy", "hypothetical", "while on treatment")
    }
    means = {how: float(values["score"].mean()) for how, values in found.items()}
    assert means["hypothetical"] == pytest.approx(-4, abs=0.05)
    assert means["treatment policy"] > -3.2
    assert means["while on treatment"] == pytest.approx(-4, abs=0.3)


def biased_by(scenario: Scenario, trials: int = 384) -> tuple[float, float]:
    """Return the bias of the one estimand under the effect, and its Monte Carlo error."""
    (found,) = raresim.simulate(scenario, trials, 2, workers=1).summary.estimands.values()
    return found.bias.value or 0.0, found.bias.mcse or 0.0


@pytest.mark.parametrize(
    ("half_life", "washout", "left"),
    [("2 days", 0, 0.0), ("12 weeks", 0, 0.5), ("2 weeks", 12, 2**-12), ("12 weeks", 12, 0.25)],
)
def test_carry_over_biases_by_half_of_what_is_left(
    half_life: str, washout: int, left: float
) -> None:
    """Of an effect of -4, a share is left at the end of the placebo period: half of it is lost.

    mFARS rises all the while, by as much in both sequences: that cancels.
    """
    bias, error = biased_by(crossed(half_life=half_life, washout=washout, **QUIET))
    assert abs(bias - 4 * left / 2) < K * error
    assert left < 0.1 or bias > K * error


@pytest.mark.parametrize(("test", "off"), [("crossover anova", False), ("paired t", True)])
def test_a_trend_cancels_where_periods_have_effects(test: str, off: bool) -> None:
    """With three times as many drug-first, the trend falls on placebo if it is not removed."""
    ratio = {"n": 32, "ratio": {"ab": 3, "ba": 1}, "block": 4}
    slow = {"design.visits": {"weeks": [12, 104]}, "design.treat_for": "104 weeks"}
    arms = {
        name: {
            "periods": [{"give": give, "for": time} for give, time in zip(own, LONG, strict=True)]
        }
        for name, own in {"ab": ("drug", "sugar"), "ba": ("sugar", "drug")}.items()
    }
    changes = {**QUIET, **slow, "design.randomise": ratio, "design.arms": arms}
    scenario = crossed(method={"test": test}, **changes)
    bias, error = biased_by(scenario, 256)
    assert (abs(bias) > K * error) == off


LONG = ("12 weeks", "92 weeks")


def test_what_lasts_on_biases_a_rate() -> None:
    """Three of the six weeks of placebo after the drug have its rate: 0.75 of placebo's events.

    Half of the patients have that: with effects of periods, the log ratio is the mean of those of
    the sequences, (log(0.5 / 0.75) + log(0.5)) / 2.
    """
    scenario = attacks(lasts="3 weeks", skip=None, **QUIET, **{"design.randomise.n": 64})
    bias, error = biased_by(scenario, 256)
    assert abs(bias + np.log(0.75) / 2) < K * error
    bias, error = biased_by(attacks(lasts="1 week", **QUIET, **{"design.randomise.n": 64}), 256)
    assert abs(bias) < K * error


def test_nothing_is_found_where_there_is_nothing() -> None:
    """The size of both kinds of analysis, at 2.5 % one-sided."""
    for scenario in (crossed(), attacks()):
        run = raresim.simulate(scenario, 512, 4, hypothesis="no_effect", workers=1)
        (found,) = run.summary.estimands.values()
        assert (found.rejected.value or 0) < 0.025 + K * np.sqrt(0.025 * 0.975 / 512)
        assert abs(found.bias.value or 9) < K * (found.bias.mcse or 0)


def day(*days: float) -> np.ndarray:
    return np.array([days])


def test_a_ratio_lasts_until_the_same_treatment_begins_again() -> None:
    drug = Effect("ratio", np.array([0.5]), lasts=14.0)
    first = Course(drug, day(0.0, 0.0, 0.0), day(20.0, 20.0, 0.0))
    again = Course(drug, day(30.0, 50.0, 50.0), day(40.0, 50.0, 60.0))  # the second has it once
    found = lasting([first, again])
    assert found[0].until.tolist() == [[30.0, 34.0, 0.0]]
    assert found[1].until.tolist() == [[54.0, 50.0, 74.0]]
    plain = Effect("ratio", np.array([0.5]))
    (same,) = lasting([Course(plain, day(0.0), day(20.0))])
    assert same.until.tolist() == [[20.0]]


def test_what_two_treatments_leave_behind_multiplies() -> None:
    """The bound on rates, by which events are drawn, holds their product."""
    worse = {"assumed": {"rate_ratio": 3}, "lasts": "5 weeks", "why": "a test"}
    told = {"effect": {"attack": {"drug": worse, "sugar": worse}}}
    scenario = attacks(**QUIET, **{"truth.hypotheses": told, "design.nulls": []})
    luck = Luck(1, 0).only(slice(0, 64))
    folk = people(scenario, luck, 20, scenario.model.published, scenario.effects("effect"))
    exposure = folk.exposures(0)["attack"]
    assert [float(exposure.ratio(day(at))[0, 0]) for at in (20.0, 50.0, 80.0)] == [3, 9, 3]
    days = folk.walk(0, slice(None))["attack"].days
    rate = [((days > a) & (days <= b)).sum() / (b - a) for a, b in ((0, 42), (42, 77), (77, 84))]
    few = min(((days > a) & (days <= b)).sum() for a, b in ((0, 42), (42, 77)))
    assert rate[1] / rate[0] == pytest.approx(3, rel=K * np.sqrt(2 / few))


def test_no_arm_is_worse_where_all_get_both() -> None:
    summary = raresim.simulate(crossed(), 8, 2, workers=1).summary
    assert "patients_on_worse_arm" not in summary.trial
    ((_, rows),) = estimands(crossed())
    assert ("Treatments", "drug against sugar, within patients") in rows
    assert ("Variable", "mfars in each period, at its last visit (weeks 12, 24)") in rows


def test_a_control_serves_estimands_that_compare_arms() -> None:
    """The first period alone is a parallel trial."""
    scenario = crossed(
        **{
            "design.control": "ba",
            "design.milestones.final.do": ["analyse score", "analyse first"],
            "analysis.estimands.first": {**FIRST, "intercurrent": POLICY},
            "analysis.methods.first": {"test": "ancova", "alpha": "0.025 one-sided"},
        }
    )
    truth = true_values(scenario, "effect", 1, 0)
    assert truth["first"].mean() == pytest.approx(truth["score"].mean(), abs=0.3)


ASKED = "analysis.estimands.score"
FIRST = {"variable": "change in mfars at week 12", "summary": "difference in means"}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({f"{ASKED}.compare": ["drug"]}, "a comparison within patients is one of two treatments"),
        ({f"{ASKED}.compare": ["drug", "drug"]}, "is one of two treatments"),
        ({f"{ASKED}.compare": ["drug", "suger"]}, "unknown treatment 'suger'"),
        ({f"{ASKED}.arm": "ab"}, "treatments are compared here, and no arms"),
        ({f"{ASKED}.skip": "1 week"}, "only events in each period leave out a time"),
        ({f"{ASKED}.variable": "change in mfars at week 12"}, "treatments are compared in periods"),
        (
            {f"{ASKED}.variable": "events of mfars in each period"},
            "does not fit an outcome of kind",
        ),
        ({f"{ASKED}.summary": "mean"}, "a 'mean' does not compare what is read"),
        ({f"{ASKED}.summary": "rate ratio"}, "does not compare what is read"),
        ({f"{ASKED}.intercurrent": {}}, "no strategy is stated"),
        (
            {f"{ASKED}.intercurrent.stops_treatment": "composite"},
            "'composite' is not a strategy for 'stops_treatment' here",
        ),
        ({"analysis.methods.score.test": "t"}, "'t' does not analyse"),
        ({"analysis.methods.score.carry_over": True}, "carry-over is not told from the treatment"),
        ({"design.visits": {"weeks": [6]}}, "no visit is due in this period"),
        ({"design.visits.window": "7 days"}, "the visit of week 12 may lie outside"),
        ({"design.arms": {"ab": periods(12, "drug", "sugar")}}, "arms and ratio differ"),
        (
            {"design.arms.ba": periods(12, "drug", "sugar")},
            "a treatment is not told from time",
        ),
        (
            {"design.arms": {"ab": periods(24, "drug"), "ba": periods(24, "sugar")}},
            "no arm gives both 'drug' and 'sugar'",
        ),
        (
            {
                "design.arms.ba.periods": [
                    {"give": "sugar", "for": "12 weeks"},
                    {"give": "drug", "for": "12 weeks", "unless": {"score": "mfars", "below": 9}},
                ]
            },
            "who takes it hangs on what came before",
        ),
        (
            {"design.milestones.look": {"when": {"randomised": 9}, "do": ["drop ab"]}},
            "no arm is dropped or added",
        ),
        ({"analysis.estimands.first": FIRST}, "several arms are compared with one of them"),
        ({"truth.hypotheses.effect.mfars.drug.lasts": "1 week"}, "a difference comes and goes"),
    ],
)
def test_what_does_not_fit_is_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        crossed(**changes)


def test_nothing_can_be_left_of_a_period() -> None:
    with pytest.raises(InputError, match="nothing is left of a period of 42 days"):
        attacks(skip="6 weeks")


def test_what_happens_once_is_not_told_of_each_period() -> None:
    once = {"analysis.estimands.walk.variable": "events of worsening in each period"}
    with pytest.raises(InputError, match="happens once: not in each period"):
        world("pulmonary-arterial-hypertension-cross-over", once)
