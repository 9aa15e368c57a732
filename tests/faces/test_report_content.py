"""What the report says: the run's numbers, its sources, its doubts; and what it refuses."""

import html
import json
import math
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from raresim.errors import InputError
from raresim.report import curves, timelines, words, write_report
from raresim.report.folder import load, table
from raresim.study import simulate
from raresim.trial.engine import run_block
from raresim.trial.scenario import load_scenario
from tests.worlds import whole_run

SCENARIOS = ("cgd-interferon-gamma", "friedreich-48-weeks")


def run(name, folder, **settings):
    simulate(load_scenario(name), 64, 1, workers=1, folder=folder, **settings)
    return folder


def plain(path):
    """Return the words of a page, one space between them."""
    text = re.sub(r"<(style|svg)\b.*?</\1>", " ", path.read_text("utf-8"), flags=re.DOTALL)
    text = html.unescape(re.sub(r"<[^>]+>", " ", text))
    return " ".join(text.split())


@pytest.fixture(scope="module", params=SCENARIOS)
def folder(request, tmp_path_factory):
    return whole_run(request.param, tmp_path_factory.mktemp("run") / request.param)


@pytest.fixture(scope="module")
def said(folder):
    return plain(write_report(folder))


@pytest.fixture(scope="module")
def summary(folder):
    return json.loads((folder / "summary.json").read_text("utf-8"))


def share(figure):
    return f"{100 * figure['value']:.1f} % ({100 * figure['mcse']:.1f})"


def test_answer_is_that_of_the_summary(said, summary):
    success = summary["success"]
    assert f"In {100 * success['value']:.1f} % of 64 simulated trials" in said
    assert f"(Monte Carlo standard error {100 * success['mcse']:.1f} points)" in said
    months = summary["trial"]["duration_days"]["q50"]["value"] / 30.4375
    found = re.search(r"The median trial lasts ([\d.]+) \(", said)
    assert float(found[1]) == pytest.approx(months, abs=0.05)


def test_every_estimand_shows_its_figures_with_their_errors(said, summary):
    for name, found in summary["estimands"].items():
        assert f"Operating characteristics of {name}" in said
        part = said.split(f"Operating characteristics of {name}")[1].split("Operating char")[0]
        for key in ("rejected", "analysed", "coverage"):
            assert share(found[key]).replace("(0.0)", "(<0.1)") in part
        for figure in found["rejected_at"].values():
            assert share(figure) in part
        for label, key in (("Bias", "bias"), ("Mean estimate", "estimate"), ("True", "truth")):
            told = re.search(label + r"[^\d−]*\([^)]*\) (−?[\d.]+) \(([\d.]+)\)", part)
            value, mcse = (float(text.replace("−", "-")) for text in told.groups())
            assert value == pytest.approx(found[key]["value"], abs=0.6 * mcse + 1e-9)
            assert mcse == pytest.approx(found[key]["mcse"], rel=0.2)
        for note in found["notes"]:
            assert note in part
        if found["measure"].startswith("log"):
            assert f"{math.exp(found['estimate']['value']):.2f}" in part


def test_numbers_by_arm_are_those_of_the_summary(folder, said, summary):
    for arm in load(folder).scenario.arms:
        part = said.split(f"Arm: {arm}")[1]
        patients = summary["trial"][f"{arm}.patients"]["mean"]
        told = re.search(r"Patients (\d+\.?\d*) \(([\d.<]+)\)", part)
        assert float(told[1]) == pytest.approx(patients["value"], abs=patients["mcse"])
    for milestone in load(folder).scenario.milestones:
        assert f"{milestone} {share(summary['trial'][f'ended_at.{milestone}']['mean'])}" in said


def test_every_source_is_cited_and_every_statistic_marked(folder, said):
    model = load(folder).scenario.model.spec
    for source in model.sources.values():
        assert source.cite in said
        assert source.doi is None or f"doi:{source.doi}" in said
        assert source.pmid is None or f"PMID {source.pmid}" in said
    part = said.split("10. Evidence and assumptions ADEMP")[1]
    assert part.count(" seen ") > 5
    for item in model.left_out:
        assert " ".join(item.why.split()) in said
    if model.name == "Friedreich ataxia":
        assert "0.64 * sqrt(42)" in part
        row = part.split("spread of change")[1][:400]
        assert "not seen" in row
        assert "assumed no mean or SD was found in print" in part


def test_what_nobody_published_is_said_with_the_place_taken(folder, said):
    part = said.split("10. Evidence and assumptions ADEMP")[1].split("What nobody published")[1]
    for gap in load(folder).scenario.model.spec.unpublished:
        assert f"{words.number(gap.correlation.centre)} (centre)" in part
        assert " ".join(gap.why.split()) in part


def test_power_and_assurance_stand_side_by_side(folder, said):
    found = json.loads((folder / "sensitivity.json").read_text("utf-8"))["by_uncertainty"]
    assert list(found) == ["all", "effect", "fixed", "nuisance"]  # sorted by the file
    part = said.split("Power and assurance side by side")[1].split("How it was computed")[0]
    for mode, called in {"fixed": "power", "nuisance": "power", "all": "assurance"}.items():
        row = re.search(
            rf"{called} {re.escape(share(found[mode]))} {found[mode]['replicates']}", part
        )
        assert row, (mode, part)


def test_every_uncertain_number_shows_how_far_it_moves_the_answer(folder, said):
    found, scenario = load(folder), load(folder).scenario
    part = said.split("Moves of the rate of success")[1].split("How it was computed")[0]
    names = [n.name for numbers in scenario.uncertain("effect").values() for n in numbers]
    conduct = [move for move in found.sensitivity["moves"] if move["kind"] == "conduct"]
    assert len(found.sensitivity["moves"]) == len(names) + len(conduct)
    for name in names:
        assert words.plain(name) in part
    sizes = [
        max(abs(move[side]["value"]) for side in ("lower", "upper"))
        for move in found.sensitivity["moves"]
    ]
    assert sizes == sorted(sizes, reverse=True)
    first = found.sensitivity["moves"][0]
    assert f"{100 * first['upper']['value']:.1f}".replace("-", "−") in part


def test_the_plain_words_are_plain(said, summary):
    part = said.split("for patients, families")[1].split("1. The question")[0]
    assert f"about {round(100 * summary['success']['value'])} of 100 such trials" in part
    jargon = "power assurance hazard estimand Monte null alpha replicate ratio variance theta %"
    for word in [*jargon.split(), "standard error", "confidence interval"]:
        assert word not in part, word
    sentences = re.split(r"(?<=[.?!]) ", part)
    assert np.mean([len(sentence.split()) for sentence in sentences]) < 20


def test_a_run_without_sensitivity_says_how_to_get_it(tmp_path):
    said = plain(write_report(run("friedreich-48-weeks", tmp_path / "bare")))
    assert "This run did not ask. To see it: raresim sensitivity friedreich-48-weeks" in said
    assert "side by side" not in said


def test_three_frameworks_lead_to_their_sections(said):
    for words_of in ("ADEMP: aims", "OCTAVE: valuation metrics", "ICH E9(R1): the attributes"):
        assert words_of in said
    for attribute in ("Population", "Treatments", "Variable", "Intercurrent events", "Summary"):
        assert attribute in said.split("9. What is estimated, and how ADEMP")[1]


def test_says_what_it_is_and_is_not(said):
    assert "no row is a person" in said
    assert "What may not be concluded" in said
    assert "--replicate 0 --seed 1" in said
    assert "Take care" not in said


def test_null_hypothesis_is_told_as_type_one_error(tmp_path):
    folder = run("cgd-interferon-gamma", tmp_path / "null", hypothesis="no_effect")
    said = plain(write_report(folder))
    assert "the trial succeeds although the drug does nothing" in said
    assert "type I error under the hypothesis no_effect" in said
    assert "the nominal one-sided level is 2.5 %" in said
    assert "--hypothesis no_effect" in said


@pytest.mark.parametrize("mode", ["fixed", "effect", "all"])
def test_uncertainty_is_told_in_words(mode, tmp_path):
    source = load_scenario("friedreich-48-weeks").document.path
    path = tmp_path / "mode.yaml"
    text = Path(source).read_text("utf-8")
    path.write_text(text.replace("uncertainty: nuisance", f"uncertainty: {mode}"), "utf-8")
    said = plain(write_report(run(path, tmp_path / "run", place="upper")))
    assert ("The assurance is" in said) == (mode != "fixed")
    assert ("Its ceiling is the chance that the drug helps at all" in said) == (mode != "fixed")
    assert ("draws were made" in said) == (mode != "fixed")
    assert "(upper)" in said


def test_a_file_that_changed_since_the_run_is_told(folder, tmp_path):
    other = shutil.copytree(folder, tmp_path / "changed")
    with (other / "model.yaml").open("a", encoding="utf-8") as stream:
        stream.write("# a remark\n")
    said = plain(write_report(other))
    assert "Take care:" in said
    assert "no longer the ones that the run wrote: model.yaml" in said


def test_trial_of_the_timelines_is_replicate_0_by_the_other_engine_too(folder):
    found = load(folder)
    trial = timelines.one_trial(found)
    ledger = run_block(found.scenario, "effect", 1, 0, "simpy", 1).ledger
    assert trial.randomised == int(ledger.present.sum())
    for patient in trial.patients:
        k = patient.number - 1
        assert patient.arm == ledger.arm[0, k]
        for name, times in patient.events.items():
            assert len(times) == int((ledger.events[name][0, k] < 2**62).sum())
            assert all(0 <= time <= patient.end for time in times)
    assert [patient.arm for patient in trial.patients] == [0] * 6 + [1] * 6


def test_curves_are_products_and_sums_of_the_pooled_counts(folder):
    found = load(folder)
    columns = table(found, "curves.parquet", ["arm", "outcome", "kind", "day", "count", "total"])
    for curve in curves.curves(found):
        for line in curve.lines:
            mine = (columns["arm"] == line.arm) & (columns["kind"] == curve.kind)
            mine &= columns["outcome"] == curve.outcome
            each = columns["total"][mine] / columns["count"][mine]
            k = len(line.value) - 1
            if curve.kind == "first":
                expected = np.prod([1 - rate for rate in each[:k]])
            else:
                expected = np.sum(each[:k]) if curve.kind == "all" else each[k - 1]
            assert line.value[-1] == pytest.approx(expected)


def _broken(folder, tmp_path, what):
    other = shutil.copytree(folder, tmp_path / "broken")
    (other / "report.html").unlink(missing_ok=True)
    if what == "manifest":
        (other / "manifest.json").unlink()
    elif what == "json":
        (other / "summary.json").write_text("{", "utf-8")
    elif what == "keys":
        (other / "summary.json").write_text("{}", "utf-8")
    elif what == "parquet":
        (other / "curves.parquet").write_bytes(b"nothing")
    elif what == "scenario":
        (other / "scenario.yaml").write_text("schema: raresim/scenario/1\n", "utf-8")
    elif what == "settings":
        manifest = json.loads((other / "manifest.json").read_text("utf-8"))
        manifest["settings"]["hypothesis"] = "no_effect"
        (other / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    return other


@pytest.mark.parametrize("what", ["manifest", "json", "keys", "parquet", "scenario", "settings"])
def test_refuses_what_is_not_a_whole_run_and_writes_nothing(folder, tmp_path, what):
    other = _broken(folder, tmp_path, what)
    before = sorted(path.name for path in other.iterdir())
    with pytest.raises(InputError) as caught:
        write_report(other)
    assert sorted(path.name for path in other.iterdir()) == before
    if what != "scenario":
        assert "raresim simulate" in str(caught.value)


def test_refuses_a_folder_that_is_not_there_or_a_file(tmp_path):
    with pytest.raises(InputError, match="is not a run folder"):
        write_report(tmp_path / "nowhere")
    (tmp_path / "file").write_text("x", "utf-8")
    with pytest.raises(InputError, match="found: a file"):
        write_report(tmp_path / "file")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"manifest\.json"):
        write_report(tmp_path / "empty")
    assert list((tmp_path / "empty").iterdir()) == []


def test_words_round_by_their_error():
    assert words.amount({"value": 606.49, "mcse": 3.5}).value == "606"
    assert words.amount({"value": -0.95309, "mcse": 0.01202}) == words.Cell("−0.953", "0.012")
    assert words.amount({"value": None, "mcse": None}).value == "–"
    assert words.share({"value": 1.0, "mcse": 0.0004}) == words.Cell("100.0\u00a0%", "<0.1")
    assert words.ratio({"value": 0.0, "mcse": 0.1}) == words.Cell("1.00", "0.10")
