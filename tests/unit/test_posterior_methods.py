"""Bayesian methods of one arm: the library's numbers, the rule, baskets, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from raresim.analysis.bayesian import (
    BetaMixture,
    BetweenTrials,
    GammaMixture,
    basket_exchangeability,
    basket_hierarchical,
    batch,
)
from raresim.errors import InputError
from raresim.trial import run_block
from raresim.trial.cut.table import cut
from tests.believing import BASKETS, SHRUNK, believing, rates
from tests.one_arm import one_arm
from tests.worlds import differences


@pytest.mark.parametrize("test", [*BASKETS, "beta-binomial"])
def test_conducts_agree_on_shares(test: str) -> None:
    scenario = believing(test, **_how(test))
    runs = [run_block(scenario, "effect", 3, 0, engine, 2) for engine in ("block", "simpy")]
    assert differences(*runs) == []


def test_conducts_agree_on_a_rate_with_a_look_and_no_boundary() -> None:
    runs = [run_block(rates(), "effect", 3, 0, engine, 16) for engine in ("block", "simpy")]
    assert differences(*runs) == []
    early, final = runs[0].analyst.records.values()
    stopped = early["rejected"]
    assert 0 < stopped.sum() < 16 and not final["analysed"][stopped].any()


def _how(test: str) -> dict[str, Any]:
    if test in BASKETS:
        return {**BASKETS[test], "baskets": "sex"}
    return {"prior": {"beta": [2, 3]}}


@pytest.mark.parametrize("test", BASKETS)
def test_baskets_are_those_of_the_library(test: str) -> None:
    scenario = believing(test, **_how(test))
    run = run_block(scenario, "effect", 2, 0, "block", 3)
    states = scenario.model.states["sex"]
    for look, record in run.analyst.records.items():
        table = cut(scenario, run.fate, run.ledger, run.ledger.end, look.estimand, final=True)
        own = states.index(look.estimand)
        assert (table.who.basket, table.who.baskets) == (own, 2)
        for k in range(3):
            known = table.who.present[k] & ~np.isnan(table.change[k])  # type: ignore[union-attr]
            mine = [known & (table.who.stratum[k] == j) for j in range(2)]
            n = np.array([m.sum() for m in mine], np.float64)
            r = np.array([(table.change[k][m] == 1).sum() for m in mine], np.float64)  # type: ignore[union-attr]
            if test == "basket hierarchical":
                told = basket_hierarchical(r, n, 0.4, between=BetweenTrials(0.7), mean=-0.5, sd=2)
            else:
                told = basket_exchangeability(r, n, 0.4, a=0.5, b=0.5, exchangeable=0.4)
            assert record["estimate"][k] == told.mean[0, own]
            assert record["p"][k] == 1 - told.probability[0, own]
            assert record["rejected"][k] == (told.probability[0, own] > 0.9)
            assert record["used"][k] == n[own]


def test_one_share_and_one_rate_are_those_of_the_library() -> None:
    scenario = believing("beta-binomial", prior={"beta": [2, 3]})
    run = run_block(scenario, "effect", 2, 0, "block", 6)
    look, record = next(iter(run.analyst.records.items()))
    table = cut(scenario, run.fate, run.ledger, run.ledger.end, look.estimand, final=True)
    known = table.who.present & ~np.isnan(table.change)  # type: ignore[union-attr]
    prior = BetaMixture.of((1.0, 2.0, 3.0))
    event = known & (table.change == 1)  # type: ignore[union-attr]
    told = batch.beta_binomial(event, None, known, prior, margin=0.4)
    assert np.array_equal(record["estimate"], told.mean)
    assert np.array_equal(record["p"], 1 - told.probability)
    run = run_block(rates(), "effect", 2, 0, "block", 6)
    _, record = run.analyst.records.values()
    table = cut(rates(), run.fate, run.ledger, run.ledger.end, "rate", final=True)
    events = np.where(table.who.present, table.count, 0).sum(axis=1)  # type: ignore[union-attr]
    years = np.where(table.who.present, table.exposure, 0).sum(axis=1)  # type: ignore[union-attr]
    mean = (1 + events) / (2 + years)
    done = record["analysed"]
    assert record["estimate"][done] == pytest.approx(mean[done], rel=1e-12)
    above = [
        GammaMixture.of((1.0, 1 + y, 2 + t)).above(0.9) for y, t in zip(events, years, strict=True)
    ]
    assert record["p"][done] == pytest.approx(np.array(above)[done], abs=1e-12)  # fewer is better


def test_an_empty_basket_claims_nothing() -> None:
    """Where nobody of a basket came, what it learned from the others is no answer about it."""
    scenario = believing("basket exchangeability", **_how("basket exchangeability"))
    scenario = scenario.changed({"design.randomise.at_most": {"sex": {"male": 1}}})
    run = run_block(scenario, "effect", 2, 0, "block", 4)
    for record in run.analyst.records.values():
        assert (record["converged"] == (record["used"] > 0)).all()


@pytest.mark.parametrize(
    ("make", "words", "mend"),
    [
        (lambda: believing("beta-binomial"), "needs a prior of its own kind", "{beta: [1, 1]}"),
        (
            lambda: believing("beta-binomial", prior={"gamma": [1, 1]}),
            "needs a prior of its own kind",
            "beta",
        ),
        (
            lambda: believing("basket exchangeability", prior={"beta": [1, 1]}, baskets="sex"),
            "needs a prior of its own kind",
            "exchangeable",
        ),
        (
            lambda: believing("basket hierarchical", prior=SHRUNK),
            "learns from several baskets",
            "add 'baskets: VARIABLE'",
        ),
        (
            lambda: believing("basket hierarchical", prior=SHRUNK, baskets="age"),
            "expected a category",
            "sex",
        ),
        (
            lambda: believing("basket hierarchical", prior=SHRUNK, baskets="sex").changed(
                {"analysis.estimands.male.population": {"where": "age > 20"}}
            ),
            "is about no single basket of 'sex'",
            "where: sex == ",
        ),
        (
            lambda: believing("beta-binomial", prior={"beta": [1, 1]}, alpha="0.025 one-sided"),
            "decides by 'posterior_above'",
            "in place of 'alpha'",
        ),
        (
            lambda: believing("beta-binomial", prior={"beta": [1, 1]}, goal=1.5),
            "expected a share between 0 and 1",
            "0.2",
        ),
        (lambda: rates(goal=-1), "expected a rate per year above zero", "1.5"),
        (
            lambda: believing("beta-binomial", prior={"beta": [1, 1]}).changed(
                {"analysis.multiplicity": "holm"}
            ),
            "which is no p-value",
            "leave 'male' out",
        ),
        (
            lambda: one_arm({"analysis.success": {"any_of": ["held", "change"]}}),
            "at a full level of its own",
            "multiplicity",
        ),
    ],
)
def test_what_cannot_be_is_refused_at_its_line(make: Any, words: str, mend: str) -> None:
    with pytest.raises(InputError) as error:
        make()
    found = [p for p in error.value.problems if words in p.message]
    assert found, [p.message for p in error.value.problems]
    assert mend in found[0].mend and found[0].line > 0
