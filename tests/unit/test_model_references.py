"""Names in a model file that lead nowhere: each is reported at its line with a hint."""

from pathlib import Path

import pytest

from raresim import catalogue
from raresim.cohort import sample_cohort
from raresim.disease import load_model
from raresim.errors import InputError

FAULTY = Path(__file__).parents[1] / "faces" / "faulty"
CGD = "chronic-granulomatous-disease"
ATAXIA = "friedreich-ataxia"


def text_of(model):
    return catalogue.shipped("models")[model].read_text(encoding="utf-8")


def changed(text, *pairs):
    for old, new in pairs:
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in the shipped file"
        text = text.replace(old, new)
    return text


def line_of(text, mark):
    assert text.count(mark) == 1, f"{mark!r} stands {text.count(mark)} times"
    return text[: text.index(mark)].count("\n") + 1


def problems_of(tmp_path, text):
    path = tmp_path / "own.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as error:
        load_model(path)
    assert all(problem.file == str(path) for problem in error.value.problems)
    return error.value.problems


@pytest.mark.parametrize("model", [CGD, ATAXIA])
def test_the_shipped_models_are_sound_under_another_name(tmp_path, model):
    path = tmp_path / "own.yaml"
    path.write_text(text_of(model), encoding="utf-8")
    assert load_model(path).stem == "own"


CASES = [
    pytest.param(
        ATAXIA,
        "female: 0.47}, n: 611, source: efacts_onset",
        "female: 0.47}, n: 611, source: efacts_onse",
        None,
        "unknown source 'efacts_onse'",
        "did you mean 'efacts_onset'?",
        id="source of evidence",
    ),
    pytest.param(
        CGD,
        "source: medscape2019",
        "source: medscape",
        None,
        "unknown source 'medscape'",
        "did you mean 'medscape2019'?",
        id="source of what is left out",
    ),
    pytest.param(
        CGD,
        "not published\n        source: cgd_ipd",
        "not published\n        source: cgd_idp",
        "source: cgd_idp",
        "unknown source 'cgd_idp'",
        "did you mean 'cgd_ipd'?",
        id="source of an interval",
    ),
    pytest.param(
        CGD,
        "{share: {x_linked: 0.672, autosomal: rest}, n: 128",
        "{share: {x_linkd: 0.672, autosomal: rest}, n: 128",
        None,
        "unknown state of inheritance 'x_linkd'",
        "did you mean 'x_linked'?",
        id="state",
    ),
    pytest.param(
        CGD,
        "{when: autosomal, evidence: {median",
        "{when: autosomel, evidence: {median",
        None,
        "unknown state 'autosomel'",
        "did you mean 'autosomal'?",
        id="state of a row",
    ),
    pytest.param(
        CGD,
        "    states: [male, female]\n    given: inheritance",
        "    states: [male, female]\n    given: inheritence",
        "given: inheritence",
        "unknown categorical variable 'inheritence'",
        "did you mean 'inheritance'?",
        id="parent",
    ),
    pytest.param(
        CGD,
        "    range: 0 to 60\n    given: inheritance",
        "    range: 0 to 60\n    given: age",
        "given: age",
        "'age' is a number with rows; expected a categorical variable",
        "write one of: ",
        id="a number as parent",
    ),
    pytest.param(
        ATAXIA,
        "sum_of: [onset_age, duration]",
        "sum_of: [onset_age, durration]",
        None,
        "unknown number 'durration'",
        "did you mean 'duration'?",
        id="part of a sum",
    ),
    pytest.param(
        ATAXIA,
        "sum_of: [onset_age, duration]",
        "sum_of: [onset_age, sex]",
        None,
        "'sex' is a category; expected a number",
        "write one of: onset_age, gaa1, duration",
        id="a category in a sum",
    ),
    pytest.param(
        ATAXIA,
        "between: [gaa1, onset_age]",
        "between: [gaa, onset_age]",
        None,
        "unknown number 'gaa'",
        "did you mean 'gaa1'?",
        id="link",
    ),
    pytest.param(
        ATAXIA,
        "between: [duration, mfars]",
        "between: [duration, mfar]",
        None,
        "unknown number or outcome 'mfar'",
        "did you mean 'mfars'?",
        id="unpublished link",
    ),
    pytest.param(
        ATAXIA,
        "always: onset_age <= age",
        "always: onset_agee <= age",
        None,
        "unknown name 'onset_agee'",
        "did you mean 'onset_age'?",
        id="rule",
    ),
    pytest.param(
        ATAXIA,
        "\n    among: age >= 16",
        "\n    among: aged >= 16",
        None,
        "unknown name 'aged'",
        "did you mean 'age'?",
        id="among of an outcome",
    ),
    pytest.param(
        ATAXIA,
        "{number: age, among: age >= 16",
        "{number: age, among: sex == man",
        None,
        "'sex' has no state 'man'; its states are male, female",
        None,
        id="state in a target's among",
    ),
    pytest.param(
        ATAXIA,
        "variable: gaa1",
        "variable: gaa",
        None,
        "unknown number 'gaa'",
        "did you mean 'gaa1'?",
        id="modifier of a score",
    ),
    pytest.param(
        CGD,
        "shares_frailty_with: serious_infection",
        "shares_frailty_with: serious_infections",
        None,
        "unknown recurrent outcome 'serious_infections'",
        "did you mean 'serious_infection'?",
        id="outcome",
    ),
    pytest.param(
        CGD,
        "shares_frailty_with: serious_infection",
        "shares_frailty_with: death",
        None,
        "'death' is an outcome that comes once; expected a recurrent outcome",
        "write one of: serious_infection",
        id="frailty of itself",
    ),
    pytest.param(
        CGD,
        "{number: age, evidence: {mean",
        "{number: agee, evidence: {mean",
        None,
        "unknown number 'agee'",
        "did you mean 'age'?",
        id="target number",
    ),
    pytest.param(
        CGD,
        "{share_of: sex, evidence: {share: {male: 0.852",
        "{share_of: age, evidence: {share: {male: 0.852",
        None,
        "'age' is a number with rows; expected a categorical variable",
        "write one of: ",
        id="target share",
    ),
    pytest.param(
        CGD,
        "{free_of: serious_infection, at: 90 days",
        "{free_of: infection, at: 90 days",
        None,
        "unknown outcome 'infection'",
        "did you mean 'serious_infection'?",
        id="target free of",
    ),
    pytest.param(
        ATAXIA,
        "{change_of: mfars",
        "{change_of: mfar",
        None,
        "unknown outcome 'mfar'",
        "did you mean 'mfars'?",
        id="target change",
    ),
]


@pytest.mark.parametrize(("model", "old", "new", "mark", "message", "mend"), CASES)
def test_a_name_that_leads_nowhere_is_reported_at_its_line(
    tmp_path, model, old, new, mark, message, mend
):
    text = changed(text_of(model), (old, new))
    found = problems_of(tmp_path, text)
    assert message in [problem.message for problem in found]
    problem = next(problem for problem in found if problem.message == message)
    assert problem.line == line_of(text, (mark or new).lstrip("\n"))
    if mend is not None:
        assert problem.mend.startswith(mend)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        pytest.param(
            "      - {when: autosomal, evidence: {median: 17, q1: 9, q3: 25, n: 42, "
            "source: cgd_ipd, seen: true}}\n",
            "",
            "rows need each state of inheritance once: x_linked, autosomal",
            id="a row is missing",
        ),
        pytest.param(
            "{when: autosomal, evidence: {median",
            "{when: x_linked, evidence: {median",
            "rows need each state of inheritance once: x_linked, autosomal",
            id="a row comes twice",
        ),
    ],
)
def test_a_table_needs_each_state_of_its_parent_once(tmp_path, old, new, message):
    text = changed(text_of(CGD), (old, new))
    (problem,) = problems_of(tmp_path, text)
    assert problem.message == message
    after = text.index("label: age at randomisation")
    assert problem.line == text[: text.index("rows:", after)].count("\n") + 1


def test_variables_that_depend_on_each_other_in_a_circle_are_reported(tmp_path):
    text = changed(text_of(ATAXIA), ("sum_of: [onset_age, duration]", "sum_of: [onset_age, age]"))
    (problem,) = problems_of(tmp_path, text)
    assert "circle: age" in problem.message
    assert problem.line == line_of(text, "patients:  ")


def test_a_score_without_the_spread_of_its_level_is_reported(tmp_path):
    text = changed(text_of(ATAXIA), ("at_screening: {assumed: {mean: 42, sd: 12}", "at_screening: "
                   "{assumed: {mean: 42}"))  # fmt: skip
    (problem,) = problems_of(tmp_path, text)
    assert "needs the SD" in problem.message
    assert problem.line == line_of(text, "at_screening:")


def test_several_names_that_lead_nowhere_come_together(tmp_path):
    text = changed(
        text_of(ATAXIA),
        ("sum_of: [onset_age, duration]", "sum_of: [onset, durration]"),
        ("always: onset_age <= age", "always: onset <= age"),
        ("variable: gaa1", "variable: gaa"),
        ("{change_of: mfars", "{change_of: fars"),
        ("source: ionia", "source: iona"),
    )
    found = {(problem.line, problem.message) for problem in problems_of(tmp_path, text)}
    assert found == {
        (line_of(text, "sum_of:"), "unknown number 'onset'"),
        (line_of(text, "sum_of:"), "unknown number 'durration'"),
        (line_of(text, "always:"), "unknown name 'onset'"),
        (line_of(text, "variable: gaa"), "unknown number 'gaa'"),
        (line_of(text, "change_of:"), "unknown outcome 'fars'"),
        (line_of(text, "source: iona"), "unknown source 'iona'"),
    }


def test_a_rate_at_which_patients_have_too_many_events_is_refused(tmp_path):
    path = tmp_path / "busy.yaml"
    path.write_text(changed(text_of(CGD), ("events: 56,", "events: 5600000,")), "utf-8")
    with pytest.raises(InputError, match="a patient has more than 500 events") as error:
        sample_cohort(load_model(path), 10)
    assert error.value.problems[0].field == "outcomes.serious_infection"


def test_death_is_fatal_also_where_it_is_the_only_outcome(tmp_path):
    text = (FAULTY / "minimal-model.yaml").read_text(encoding="utf-8")
    infection, death = text.index("  infection:"), text.index("  death:")
    text = text[:infection] + text[death : text.index("  score:")]
    path = tmp_path / "own.yaml"
    path.write_text(changed(text, ("    shares_frailty_with: infection\n", "")), "utf-8")
    assert load_model(path).spec.fatal == ("death",)
    assert load_model(ATAXIA).spec.fatal == ()
