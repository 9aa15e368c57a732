"""Designs on the same patients: figures are those of single runs, differences are paired."""

from __future__ import annotations

from xml.etree import ElementTree

import numpy as np
import pytest

import raresim
from raresim.cli.comparing import _print
from raresim.cli.output import Manner
from raresim.errors import InputError
from raresim.questions import Comparison
from raresim.questions.again import FRESH
from raresim.report.comparison import picture
from raresim.trial import Scenario
from tests.one_arm import one_arm
from tests.worlds import ATAXIA, CGD, world

R = 48


@pytest.fixture(scope="module")
def pair() -> dict[str, Scenario]:
    whole = world(ATAXIA, {})
    return {"hundred": whole, "sixty": whole.changed({"design.randomise.n": 60})}


@pytest.fixture(scope="module")
def found(pair: dict[str, Scenario]) -> Comparison:
    return raresim.compare(pair, R, seed=5, workers=1)


def test_figures_are_those_of_single_runs(found: Comparison, pair: dict[str, Scenario]) -> None:
    for design in found.designs:
        run = raresim.simulate(pair[design.name], R, 5, workers=1)
        assert design.figures["success"] == run.summary.success
        assert design.figures["worse"] == run.summary.trial["patients_on_worse_arm"]["mean"]


def test_assurance_is_the_rate_where_all_is_drawn(
    found: Comparison, pair: dict[str, Scenario]
) -> None:
    drawn = pair["sixty"].changed({"truth.uncertainty": "all"})
    rate = raresim.simulate(drawn, R, 5, workers=1).summary.success
    assert found.designs[1].figures["assurance"] == rate


def test_differences_are_paired_by_replicate(found: Comparison, pair: dict[str, Scenario]) -> None:
    runs = [raresim.simulate(scenario, R, 5, workers=1) for scenario in pair.values()]
    days = [run.trials["duration_days"].to_numpy() for run in runs]
    months = (days[1] - days[0]) * 12 / 365.25
    figure = found.designs[1].differences["duration"]
    assert figure.value == pytest.approx(months.mean(), rel=1e-12)
    by_draw = months.reshape(-1, 8).mean(axis=1)  # eight replicates share a draw
    assert figure.mcse == pytest.approx(by_draw.std(ddof=1) / np.sqrt(R / 8), rel=1e-9)
    nothing = found.designs[0].differences
    assert {figure.value for figure in nothing.values()} == {0.0}


def test_the_best_is_tried_again_on_other_patients(
    found: Comparison, pair: dict[str, Scenario]
) -> None:
    rates = {design.name: design.figures["success"].value for design in found.designs}
    assert found.best == max(rates, key=lambda name: rates[name] or 0.0)
    again = raresim.simulate(pair[found.best], R, 5 + FRESH, workers=1)
    assert found.best_again == again.summary.success


def test_pairing_pays(found: Comparison) -> None:
    first, second = (design.figures["duration"].mcse or 0.0 for design in found.designs)
    assert (found.designs[1].differences["duration"].mcse or 9.0) < np.hypot(first, second)


def test_what_the_worlds_do_not_share_is_told(pair: dict[str, Scenario]) -> None:
    other = pair["sixty"].changed({"truth.missed_visits.share": 0.5})
    told = raresim.compare({"a": pair["sixty"], "b": other}, 8, workers=1).apart
    assert told == ("truth.missed_visits.share",)


def test_under_a_null_the_rate_is_an_error_and_has_no_assurance(pair: dict[str, Scenario]) -> None:
    null = raresim.compare(pair, 8, hypothesis="no_effect", workers=1)
    assert [each.label for each in null.characteristics][:2] == [
        "type I error",
        "duration (months)",
    ]


def test_a_trial_of_one_arm_has_no_worse_arm_and_no_price(pair: dict[str, Scenario]) -> None:
    priced = pair["sixty"].changed({"design.costs": {"currency": "EUR", "patient": 9, "why": "x"}})
    found = raresim.compare({"alone": one_arm(), "priced": priced}, 8, workers=1)
    assert {"worse", "cost"} <= {each.name for each in found.characteristics}
    alone, other = found.designs
    assert not {"worse", "cost"} & set(alone.figures)
    assert {"worse", "cost"} <= set(other.figures)
    assert not {"worse", "cost"} & set(other.differences)
    ElementTree.fromstring(picture(found))
    _print(found, Manner())


def test_what_cannot_be_compared_is_refused(pair: dict[str, Scenario]) -> None:
    with pytest.raises(InputError, match="two scenarios or more"):
        raresim.compare({"one": pair["sixty"]}, 8)
    with pytest.raises(InputError, match="no patients in common"):
        raresim.compare({"one": pair["sixty"], "other": world(CGD, {})}, 8)
    with pytest.raises(InputError, match="no hypothesis 'strong'"):
        raresim.compare(pair, 8, hypothesis="strong")


def test_the_picture_says_what_is_seen(found: Comparison) -> None:
    root = ElementTree.fromstring(picture(found))
    assert "hundred: power" in root.attrib["aria-label"]
    assert "2 designs on the same patients" in (root.findtext("{*}title") or "")
