"""Names in a scenario file that lead nowhere, and blocks that contradict each other."""

import pytest

from raresim import catalogue
from raresim.disease import load_model
from raresim.errors import InputError
from raresim.files import parse
from raresim.trial.scenario import build
from tests.worlds import world

CGD = "cgd-interferon-gamma"
ATAXIA = "friedreich-48-weeks"
MODELS = {CGD: "chronic-granulomatous-disease", ATAXIA: "friedreich-ataxia"}


@pytest.fixture(scope="module")
def models():
    return {scenario: load_model(model) for scenario, model in MODELS.items()}


def text_of(scenario):
    return catalogue.shipped("scenarios")[scenario].read_text(encoding="utf-8")


def changed(text, old, new):
    assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in the shipped file"
    return text.replace(old, new)


def line_of(text, mark):
    assert text.count(mark) == 1, f"{mark!r} stands {text.count(mark)} times"
    return text[: text.index(mark)].count("\n") + 1


def problems_of(text, model):
    with pytest.raises(InputError) as error:
        build(parse(text, "own.yaml"), model, "own")
    assert all(problem.file == "own.yaml" for problem in error.value.problems)
    return error.value.problems


@pytest.mark.parametrize("scenario", [CGD, ATAXIA])
def test_the_shipped_scenarios_are_sound(models, scenario):
    assert build(parse(text_of(scenario)), models[scenario], "own").stem == "own"


NAMES = [
    pytest.param(
        CGD,
        "source: marciano2004",
        "source: marciano204",
        None,
        "unknown source 'marciano204'",
        "did you mean 'marciano2004'?",
        id="source",
    ),
    pytest.param(
        CGD,
        "    effect:\n      serious_infection:",
        "    effect:\n      serious_infections:",
        "serious_infections:",
        "unknown outcome 'serious_infections'",
        "did you mean 'serious_infection'?",
        id="outcome of an effect",
    ),
    pytest.param(
        CGD,
        "interferon: {rate_ratio: 1}",
        "interferone: {rate_ratio: 1}",
        None,
        "unknown arm 'interferone'",
        "did you mean 'interferon'?",
        id="arm of an effect",
    ),
    pytest.param(
        CGD,
        "control: placebo",
        "control: placbo",
        None,
        "unknown arm 'placbo'",
        "did you mean 'placebo'?",
        id="control arm",
    ),
    pytest.param(
        CGD,
        "strata: [inheritance, prophylaxis]}\n",
        "strata: [inheritance, prophylaxys]}\n",
        "prophylaxys",
        "unknown factor 'prophylaxys'",
        "did you mean 'prophylaxis'?",
        id="stratum of randomisation",
    ),
    pytest.param(
        CGD,
        "strata: [inheritance, prophylaxis]\n",
        "strata: [inheritance, age]\n",
        "strata: [inheritance, age]",
        "'age' is a number; strata are formed by states",
        "known: ",
        id="stratum of a test",
    ),
    pytest.param(
        CGD,
        "nulls: [no_effect]",
        "nulls: [noeffect]",
        None,
        "unknown hypothesis 'noeffect'",
        "did you mean 'no_effect'?",
        id="null hypothesis",
    ),
    pytest.param(
        CGD,
        "eligible: age >= 1",
        "eligible: agee >= 1",
        None,
        "unknown name 'agee'",
        "did you mean 'age'?",
        id="variable of eligibility",
    ),
    pytest.param(
        CGD,
        "eligible: age >= 1",
        "eligible: sex == man and age >= 1",
        None,
        "'sex' has no state 'man'; its states are male, female",
        None,
        id="state of eligibility",
    ),
    pytest.param(
        ATAXIA,
        "mfars >= 20",
        "mfar >= 20",
        None,
        "unknown name 'mfar'",
        "did you mean 'mfars'?",
        id="score of eligibility",
    ),
    pytest.param(
        CGD,
        "do: [analyse infection_free, analyse infection_rate]",
        "do: [analyse infection_rate, analyse infectionfree]",
        None,
        "unknown estimand 'infectionfree'",
        "did you mean 'infection_free'?",
        id="estimand of a milestone",
    ),
    pytest.param(
        CGD,
        "{first: serious_infection, patients: 22}",
        "{first: infection, patients: 22}",
        None,
        "unknown outcome of events 'infection'",
        "did you mean 'serious_infection'?",
        id="outcome of a milestone",
    ),
    pytest.param(
        CGD,
        "success: infection_free",
        "success: infection_fre",
        None,
        "unknown estimand 'infection_fre'",
        "did you mean 'infection_free'?",
        id="estimand of success",
    ),
    pytest.param(
        CGD,
        "order: [infection_free, infection_rate]",
        "order: [infection_free, infection_rat]",
        None,
        "unknown estimand 'infection_rat'",
        "did you mean 'infection_rate'?",
        id="estimand of the order",
    ),
    pytest.param(
        CGD,
        "variable: events of serious_infection",
        "variable: events of infection",
        None,
        "unknown outcome 'infection'",
        "did you mean 'serious_infection'?",
        id="outcome of an estimand",
    ),
    pytest.param(
        CGD,
        "{stops_treatment: treatment policy, death: while alive}",
        "{stops_treatment: treatment policy, death: while alive, deth: while alive}",
        None,
        "unknown intercurrent event 'deth'",
        "did you mean 'death'?",
        id="intercurrent event",
    ),
    pytest.param(
        ATAXIA,
        "adjust_for: [mfars at baseline]",
        "adjust_for: [mfar at baseline]",
        None,
        "unknown covariate 'mfar at baseline'",
        "did you mean 'mfars at baseline'?",
        id="covariate",
    ),
]


@pytest.mark.parametrize(("scenario", "old", "new", "mark", "message", "mend"), NAMES)
def test_a_name_that_leads_nowhere_is_reported_at_its_line(
    models, scenario, old, new, mark, message, mend
):
    text = changed(text_of(scenario), old, new)
    found = problems_of(text, models[scenario])
    assert message in [problem.message for problem in found]
    problem = next(problem for problem in found if problem.message == message)
    assert problem.line == line_of(text, mark or new)
    if mend is not None:
        assert problem.mend.startswith(mend)


def test_a_model_that_is_not_shipped_is_reported_with_the_nearest():
    text = changed(text_of(CGD), "granulomatous-disease@1", "granulomatous-diseases@1")
    with pytest.raises(InputError, match="did you mean 'chronic-granulomatous-disease'"):
        build(parse(text), None, "own")


CONTRADICTIONS = [
    pytest.param(
        CGD,
        "interferon: {rate_ratio: 1}",
        "interferon: {difference: 0, after: 1 week}",
        None,
        "an effect on 'serious_infection' is a 'rate_ratio' or 'hazard_ratio'",
        id="difference of events",
    ),
    pytest.param(
        ATAXIA,
        "drug: {difference: 0 points, after: 48 weeks}",
        "drug: {rate_ratio: 1}",
        None,
        "an effect on 'mfars' is a 'difference'",
        id="ratio of scores",
    ),
    pytest.param(
        CGD,
        "ratio: {placebo: 1, interferon: 1}",
        "ratio: {placebo: 1, interferone: 1}",
        None,
        "arms and ratio differ: 'interferone'",
        id="ratio of unknown arms",
    ),
    pytest.param(
        CGD,
        "patients: 22}",
        "patients: 129}",
        None,
        "waits for more patients than are randomised",
        id="more events than patients",
    ),
    pytest.param(
        CGD,
        "when: {any: [{everybody: finished}, {calendar: 32 months}]}",
        "when: {first: serious_infection, patients: 44}",
        None,
        "the last milestone ends the trial and must come in every trial",
        id="a trial that may not end",
    ),
    pytest.param(
        CGD,
        "when: {any: [{everybody: finished}, {calendar: 32 months}]}",
        "when: {all: [{everybody: finished}, {first: serious_infection, patients: 44}]}",
        None,
        "the last milestone ends the trial and must come in every trial",
        id="a trial that may not end, all",
    ),
    pytest.param(
        CGD,
        "variable: time to first serious_infection",
        "variable: change in serious_infection at week 52",
        None,
        "'change in serious_infection at week 52' does not fit an outcome of kind 'recurrent'",
        id="change of events",
    ),
    pytest.param(
        CGD,
        "variable: events of serious_infection",
        "variable: events of death",
        None,
        "'death' happens once; use 'time to first death'",
        id="events of what happens once",
    ),
    pytest.param(
        ATAXIA,
        "mfars at week 48",
        "mfars at week 47",
        None,
        "there is no visit at week 47",
        id="no such visit",
    ),
    pytest.param(
        CGD,
        "intercurrent: {stops_treatment: treatment policy, death: composite}",
        "intercurrent: {stops_treatment: treatment policy}",
        "    infection_free:\n      variable",
        "no strategy is stated for the intercurrent event 'death'",
        id="death without a strategy",
    ),
    pytest.param(
        CGD,
        "death: composite}",
        "death: treatment policy}",
        None,
        "'treatment policy' is not a strategy for 'death' here",
        id="death under treatment policy",
    ),
    pytest.param(
        CGD,
        "      test: logrank",
        "      test: ancova",
        "    infection_free:\n      test",
        "'ancova' does not analyse 'time to first serious_infection'",
        id="test that does not fit",
    ),
    pytest.param(
        CGD,
        "      boundary: {spend: obrien-fleming, planned_information: 44}\n",
        "",
        "    infection_free:\n      test",
        "analysed 2 times without a boundary",
        id="two looks, no boundary",
    ),
    pytest.param(
        CGD,
        "boundary: {spend: obrien-fleming, planned_information: 44}",
        "boundary: {spend: obrien-fleming, looks: 3, planned_information: 44}",
        None,
        "plans 3 looks, and 2 milestones analyse 'infection_free'",
        id="looks planned that do not come",
    ),
    pytest.param(
        CGD,
        "do: [analyse infection_free, stop if efficacy]",
        "do: [analyse infection_free, {re_estimate: infection_free, at_most: 200, "
        "unblinded: {conditional_power: 0.9, promising_from: 0.3}}]",
        None,
        "n that follows the trend inflates the level of a plain test",
        id="n that follows the trend, no stages",
    ),
    pytest.param(
        CGD,
        "do: [analyse infection_free, analyse infection_rate]",
        "do: [analyse infection_free]",
        "    infection_rate:\n      variable",
        "no milestone analyses this estimand",
        id="never analysed",
    ),
    pytest.param(
        CGD,
        "success: infection_free",
        "success: infection_rate",
        "do: [analyse infection_free, stop if efficacy]",
        "decides by the success criterion without analysing it",
        id="stops on something else",
    ),
]


@pytest.mark.parametrize(("scenario", "old", "new", "mark", "message"), CONTRADICTIONS)
def test_a_contradiction_is_reported_at_its_line(models, scenario, old, new, mark, message):
    text = changed(text_of(scenario), old, new)
    found = problems_of(text, models[scenario])
    assert message in [problem.message for problem in found]
    problem = next(problem for problem in found if problem.message == message)
    assert problem.line == line_of(text, mark or new)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("interferon: {rate_ratio: 1}", "interferon: {rate_ratio: 0.8}", "an effect needs 'evid"),
        (
            "ratio: {placebo: 1, interferon: 1}",
            "ratio: {placebo: 0, interferon: 1}",
            "open from the start",
        ),
        ("block: 4", "block: 5", "the block is a multiple of the ratio's sum, 2"),
        ("{first: 3, at: day 0}, {then", "{first: 14, at: day 0}, {then", "does not open 13 sites"),
        ("weeks: [4, 13,", "weeks: [13, 4,", "weeks in ascending order"),
        ("window: 7 days", "window: 20 days", "windows of neighbouring visits overlap"),
        (
            "infection_rate: {test: negative binomial, alpha: 0.025 one-sided}",
            "infection_rate: {test: negative binomial, alpha: 0.05}",
            "expected a one-sided level",
        ),
        (
            "infection_rate: {test: negative binomial, alpha: 0.025 one-sided}",
            "infection_rate: {test: negative binomial, alpha: 0.5 one-sided}",
            "expected a one-sided",
        ),
    ],
)
def test_numbers_and_words_that_cannot_be_are_refused_at_their_line(models, old, new, message):
    text = changed(text_of(CGD), old, new)
    problem = problems_of(text, models[CGD])[0]
    assert message in problem.message
    assert problem.line == line_of(text, new)


def test_an_action_that_is_none_is_refused_at_its_milestone(models):
    text = changed(text_of(CGD), "do: [analyse infection_free, stop", "do: [analyze it, stop")
    (problem,) = problems_of(text, models[CGD])
    assert "expected 'analyse NAME' or 'stop if efficacy', got 'analyze it'" in problem.message
    assert problem.line == line_of(text, "    interim:")


def test_a_run_in_of_no_length_shows_nothing():
    with pytest.raises(InputError, match="unknown name 'attack_in_run_in'"):
        world("hereditary-angioedema-run-in", {"design.run_in": "0 weeks"})
