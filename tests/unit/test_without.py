"""A model without a source: pools lose its studies, targets go, what rests on it is refused."""

import json

import pytest
from typer.testing import CliRunner

from raresim.cli.commands import app
from raresim.disease import load_model
from raresim.disease.uncertain import statements
from raresim.disease.without import taken_away
from raresim.errors import InputError
from raresim.files import parse
from raresim.study import simulate
from raresim.trial import load_scenario
from tests.unit.pooled_models import CURVE, RATES, SEXES, written

TARGETS = (
    "patients:\n",
    "targets:\n"
    "  - {rate_of: infection, during: 1 year, evidence: {rate: 1 per patient-year, "
    "exposure: 9 patient-years, source: registry}}\n"
    "  - {rate_of: infection, during: 2 years, evidence: {rate: 1 per patient-year, "
    "exposure: 8 patient-years, source: paper}}\n"
    "left_out:\n  - {what: a thing, printed: 1, source: registry, why: not needed}\npatients:\n",
)
LEFT_OUT = ("printed: 1,", 'printed: "1",')


def test_a_pool_loses_the_studies_of_the_source(tmp_path):
    path = written(tmp_path, SEXES, RATES, (TARGETS[0], TARGETS[1].replace(*LEFT_OUT)))
    whole, less = load_model(path), load_model(path, without=["registry"])
    sources = {key for _, s, is_read, _ in statements(less.spec) if is_read for key in s.sources}
    assert sources == {"paper"}
    assert len(whole.spec.targets) == 2 and len(less.spec.targets) == 1
    assert less.spec.targets[0].during == pytest.approx(2 * 365.25)
    assert whole.spec.left_out and not less.spec.left_out
    rate = next(s for what, s, _, _ in statements(less.spec) if what == "infection: rate")
    assert rate.numbers()["rate"] == pytest.approx(56 / 50)
    assert less.stem == "small without registry"
    assert load_model(path).text == path.read_text()


def test_a_number_that_rests_on_the_source_alone_is_named_at_its_line(tmp_path):
    path = written(tmp_path, RATES, CURVE)
    with pytest.raises(InputError) as error:
        load_model(path, without=["registry"])
    [problem] = error.value.problems
    assert problem.field == "outcomes.death.time.evidence"
    assert "rests on 'registry' alone" in problem.message
    assert "curve:" in path.read_text().splitlines()[problem.line]
    assert "'pool'" in problem.mend and "'assumed'" in problem.mend
    with pytest.raises(InputError) as error:
        load_model(path, without=["registry", "paper"])
    assert any(p.field == "outcomes.infection.rate.evidence" for p in error.value.problems)


def test_an_unknown_source_is_refused(tmp_path):
    with pytest.raises(InputError, match="did you mean 'registry'"):
        load_model(written(tmp_path, RATES), without=["regstry"])


def test_what_is_kept_keeps_its_line():
    text = "sources:\n  a: {}\n  b: {}\nx:\n  pool:\n    - {source: a}\n    - {source: b, m: 1}\n"
    document = taken_away(parse(text), ["a"])
    assert document.position(("x", "pool", 0, "m"))[0] == 7
    assert document.data["sources"] == {"a": {}, "b": {}}
    assert parse(document.text).data == document.data


def test_show_and_backtest_take_a_source_away(tmp_path):
    path = written(tmp_path, RATES)
    told = CliRunner().invoke(app, ["show", str(path), "--without", "registry", "--json"])
    assert told.exit_code == 0, told.output
    assert len(json.loads(told.stdout)["outcomes"]["infection"]["rate"]["evidence"]["pool"]) == 1
    arguments = ["backtest", "endear", "-r", "64", "--without", "finkel2014", "-o", str(tmp_path)]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    record = json.loads((tmp_path / "endear.json").read_text())
    assert record["model"] == "sma-type-1 without finkel2014 1.0.0"
    refused = CliRunner().invoke(app, ["backtest", "endear", "--without", "str1veeu"])
    assert "rests on 'str1veeu' alone" in str(refused.exception)


def test_a_run_folder_keeps_the_model_that_was_simulated(tmp_path):
    scenario = load_scenario("scenarios/backtests/endear.yaml", without=["finkel2014"])
    simulate(scenario, 16, workers=1, folder=tmp_path / "run")
    kept = load_model(tmp_path / "run" / "model.yaml").spec
    assert kept == scenario.model.spec


def test_a_report_says_what_the_model_was_read_without(tmp_path):
    folder = tmp_path / "run"
    arguments = ["simulate", "friedreich-48-weeks", "-r", "8", "--workers", "1", "-o", str(folder)]
    done = CliRunner().invoke(app, [*arguments, "--no-sensitivity", "--without", "facoms"])
    assert done.exit_code == 0, done.output
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "The model was read without these of its sources: facoms." in page
    assert "--without facoms -o DIR" in page
