"""Subgroups: who is analysed, what is true of them, and trials that go on with them alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import raresim
from raresim.alike import take
from raresim.analysis import batch
from raresim.disease.people import condition
from raresim.errors import InputError
from raresim.study.truth import true_values
from raresim.trial import run_block
from raresim.trial.cut.table import cut
from raresim.trial.cut.tables import ChangeTable
from raresim.trial.ticks import NEVER
from tests.grouped import LEAKY, LEVEL, grouped
from tests.worlds import differences


@pytest.mark.parametrize("resolution", [1, 14 * 86_400])
def test_conducts_agree(resolution: int) -> None:
    runs = [run_block(grouped(), "effect", 3, 0, e, 24, resolution) for e in ("block", "simpy")]
    assert differences(*runs) == []


def test_the_table_holds_the_members_alone() -> None:
    scenario = grouped()
    run = run_block(scenario, "effect", 1, 0, "block", 32)
    at = run.ledger.end
    whole = cut(scenario, run.fate, run.ledger, at, "whole", final=True)
    women = cut(scenario, run.fate, run.ledger, at, "women", final=True)
    sex = take(run.fate.baseline["sex"], run.ledger.candidate)
    female = scenario.model.states["sex"].index("female")
    assert (women.who.present <= (whole.who.present & (sex == female))).all()
    assert 0.2 < women.who.present.sum() / whole.who.present.sum() < 0.8
    record = next(r for look, r in run.analyst.records.items() if look.estimand == "women")
    kept = run.ledger.present & take(run.fate.members["women"], run.ledger.candidate)
    assert isinstance(women, ChangeTable)
    alone = batch.two_sample_t(women.change, women.who.arm, kept)
    assert np.array_equal(record["estimate"], alone.estimate)


def test_one_trial_alone_is_its_row_of_the_batch() -> None:
    many, one = (run_block(grouped(), "effect", 5, 0, "block", n) for n in (16, 1))
    for look, record in one.analyst.records.items():
        for key, values in record.items():
            assert np.array_equal(values[:1], many.analyst.records[look][key][:1], equal_nan=True)


def test_true_values_are_those_of_the_subgroup() -> None:
    """The drug acts in women, by its difference; over all, in proportion to the eligible."""
    scenario = grouped({"truth.stops_treatment.rate": "0 per year"})
    parts = [true_values(scenario, "effect", 1, chunk) for chunk in (0, 1)]
    values = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    assert values["women"] == pytest.approx(-8.0, abs=1e-6)
    share = values["whole"].mean() / values["women"].mean()
    run = run_block(scenario, "effect", 1, 0, "block", 256)
    fate, female = run.fate, scenario.model.states["sex"].index("female")
    women = (fate.baseline["sex"] == female)[fate.eligible].mean()
    error = np.sqrt(women * (1 - women) / fate.eligible.sum())
    assert abs(share - women) < 4 * np.hypot(error, values["whole"].std() / 8 / np.sqrt(32))


def test_estimates_are_unbiased_in_the_subgroup() -> None:
    found = raresim.simulate(grouped(), 512, seed=2, workers=1).summary.estimands["women"]
    assert abs(found.bias.value or 9) < 4 * (found.bias.mcse or 0)


@pytest.mark.parametrize("engine", ["block", "simpy"])
def test_enrichment_randomises_whom_it_should(engine: Any) -> None:
    """After a futile look women alone are randomised; after another, men too."""
    run = run_block(grouped(), "no_effect", 1, 0, engine, 64)
    ledger = run.ledger
    female = grouped().model.states["sex"].index("female")
    sex = take(run.fate.baseline["sex"], ledger.candidate)
    look = run.performed[:, 0]
    late = ledger.present & (ledger.randomised > look[:, None])
    early = next(r for found, r in run.analyst.records.items() if found.estimand == "early")
    futile = early["converged"] & (early["p"] > 0.5)
    men = (late & (sex != female)).sum(axis=1)
    assert (look < NEVER).all() and late.any(axis=1).mean() > 0.9
    assert 0.2 < futile.mean() < 0.8
    assert (men[futile] == 0).all()
    assert (men[~futile] > 0).mean() > 0.8


def test_a_subgroup_may_be_one_by_what_is_read_at_screening() -> None:
    scenario = grouped()
    run = run_block(scenario, "effect", 1, 0, "block", 8)
    members, states = run.fate.members["women"], scenario.model.states["sex"]
    women = run.fate.baseline["sex"] == states.index("female")
    assert (members <= women).all() and (members < women).any()
    assert condition(None, scenario.model, {"x": members}).all()


@pytest.mark.parametrize(
    ("changes", "words", "mend"),
    [
        (
            {"analysis.estimands.women.population": {"where": "sexe == female"}},
            "unknown name 'sexe'",
            "sex",
        ),
        (
            {"analysis.estimands.women.population": {"where": "age > 300"}},
            "nobody eligible belongs to it",
            "widen the condition",
        ),
        ({"analysis.success": {"any_of": ["whole", "womn"]}}, "unknown estimand 'womn'", "women"),
        (
            {"analysis.multiplicity": {"procedure": "holm", "of": ["whole", "womn"]}},
            "unknown estimand 'womn'",
            "women",
        ),
        ({"analysis.order": ["whole", "women"]}, "exclude each other", "remove 'order'"),
        (
            {"analysis.methods.women": {"test": "t", "alpha": "0.02 one-sided"}},
            "have it in common",
            "the same alpha",
        ),
        (
            {"analysis.multiplicity": {"graph": {"weights": {"whole": 0.8, "women": 0.5}}}},
            "at most 1 together",
            "lower",
        ),
        (
            {
                "analysis.multiplicity": {"graph": LEAKY}
            },
            "without a weight",
            "add 'early: 0'",
        ),
        (
            {"analysis.methods.early": {"test": "t", **LEVEL}},
            "nothing says what futility means for 'early'",
            "p_above",
        ),
        (
            {"design.milestones.look.do": ["analyse whole", {
                "eligible": "sex == female", "only_if": "futility", "of": "early"}]},
            "decides by 'early' without analysing it",
            "add 'analyse early'",
        ),
        ({"analysis.methods.women": {"test": "t"}}, "'alpha' is missing", "add 'alpha"),
        (
            {"analysis.methods.women": {"test": "t", "posterior_above": 0.9}},
            "'t' decides by 'alpha'",
            "in place of",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_at_its_line(
    changes: dict[str, Any], words: str, mend: str
) -> None:
    with pytest.raises(InputError) as error:
        grouped(changes)
    found = [p for p in error.value.problems if words in p.message]
    assert found, [p.message for p in error.value.problems]
    assert mend in found[0].mend and found[0].line > 0
