"""The command line as a person types it: answers, files, exit codes, messages without traceback."""

from __future__ import annotations

import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path

import pytest

from raresim import catalogue
from raresim.cli import main
from raresim.disease import load_model
from raresim.disease.uncertain import statements
from tests.worlds import ATAXIA, CGD

ROOT = Path(__file__).parents[2]
SMALL = "duchenne-bespoke"


COMMANDS = [
    *("models", "show", "validate", "schema", "new-model", "new-scenario"),
    *("cohort", "trial", "simulate", "compare", "sensitivity"),
    *("sweep", "search", "size", "calibrate", "decide", "backtest", "report"),
]


Done = subprocess.CompletedProcess[str]


def run_command(*words: str, cwd: Path | None = None, **environment: str) -> Done:
    """Run the command in a process and folder of its own, as an installed one would be."""
    return subprocess.run(
        [sys.executable, "-m", "raresim", *words],
        cwd=cwd or ROOT.parent,
        env={**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "200"} | environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def run_here(*words: str, cwd: Path | None = None, columns: int = 200) -> Done:
    """Run the command in this process, which has imported everything: a second saved each time.

    It thinks that there is one processor: the tests run beside each other already. In a process of
    its own every command starts at least once, and so does what has to do with processes: workers,
    interrupts, terminals, bytes that the hashes of a process could change.
    """
    from raresim.cli.output import console

    with pytest.MonkeyPatch.context() as patch, redirect_stdout(StringIO()) as out:
        patch.setattr(sys, "argv", ["raresim", *words])
        patch.setattr(os, "environ", os.environ | {"COLUMNS": str(columns)})
        patch.setattr(console, "width", columns)
        patch.setattr(os, "sched_getaffinity", lambda _: {0}, raising=False)  # starts no worker
        patch.chdir(cwd or ROOT.parent)
        with redirect_stderr(StringIO()) as error, pytest.raises(SystemExit) as end:
            main()
    return Done(words, int(end.value.code or 0), out.getvalue(), error.getvalue())


def raresim(*words: str, cwd: Path | None = None, code: int = 0, alone: bool = False) -> str:
    """Run the command and return what it said, having checked its exit code."""
    done = (run_command if alone else run_here)(*words, cwd=cwd)
    assert "Traceback" not in done.stderr, done.stderr
    assert done.returncode == code, done.stderr + done.stdout
    return done.stdout if code == 0 else done.stderr


def test_help_names_every_command() -> None:
    said = raresim("--help", alone=True)
    for command in COMMANDS:
        assert command in said


def test_models_lists_what_is_shipped() -> None:
    found = json.loads(raresim("models", "--json"))
    assert all(row["letter"] in "ABC" for row in found["models"])
    assert list(found["backtests"]) == list(catalogue.shipped("backtests"))
    assert [row["name"] for row in found["models"]] == list(catalogue.shipped("models"))
    assert list(found["scenarios"]) == list(catalogue.shipped("scenarios"))


@pytest.mark.parametrize("name", sorted(catalogue.shipped("models")))
def test_show_tells_sources_seen_marks_gaps_and_what_is_left_out(name: str) -> None:
    said = raresim("show", name)
    for title in ("Statistics", "What nobody published", "Published, and left out", "Sources"):
        assert title in said
    taken = statements(load_model(name).spec)
    assert ("assumed" in said) == (not all(published for _, _, published, _ in taken))


def test_a_model_that_misses_its_numbers_fails_the_gate(tmp_path: Path) -> None:
    """A published correlation that the two marginals cannot have is not attained."""
    text = catalogue.find("models", "friedreich-ataxia").read_text()
    broken = tmp_path / "broken.yaml"
    broken.write_text(text.replace("correlation: -0.6, n: 554", "correlation: -0.97, n: 554"))
    assert "fail the gate" in raresim("show", str(broken), "--check", code=1)


@pytest.mark.parametrize("name", sorted(catalogue.shipped("scenarios")))
def test_show_a_scenario_and_its_luck(name: str) -> None:
    assert "patients" in raresim("show", name)
    assert "enrolment." in raresim("show", name, "--luck")


def test_the_size_of_a_design(tmp_path: Path) -> None:
    text = catalogue.find("scenarios", ATAXIA).read_text()
    (tmp_path / "centre.yaml").write_text(re.sub(r"  nuisance:\n(    .*\n)+", "", text))
    asked = ("size", "centre.yaml", "-r", "8")
    said = raresim(*asked, "-o", "out", cwd=tmp_path)
    assert "Family-wise error" in said and "nominal 2.5 %: " in said
    assert "declares no nuisance grid" in said
    told = json.loads((tmp_path / "out" / "size.json").read_text())
    assert told["cells"] == json.loads(raresim(*asked, "--json", cwd=tmp_path))["cells"]
    assert (tmp_path / "out" / "size.svg").read_text().startswith("<svg")
    assert raresim(*asked, "-q", "-o", "out", cwd=tmp_path).count("\n") == 1  # over an earlier one
    (tmp_path / "out" / "mine").touch()
    assert "is not a raresim size" in raresim(*asked, "-o", "out", cwd=tmp_path, code=2)


def test_designs_side_by_side(tmp_path: Path) -> None:
    text = catalogue.find("scenarios", ATAXIA).read_text()
    (tmp_path / "smaller.yaml").write_text(text.replace("n: 100", "n: 60"))
    asked = ("compare", ATAXIA, "smaller.yaml", "-r", "8")
    said = raresim(*asked, "-o", "out", cwd=tmp_path)
    assert "Differences from friedreich-48-weeks, paired" in said and "on fresh seeds" in said
    told = json.loads((tmp_path / "out" / "comparison.json").read_text())
    assert told["designs"] == json.loads(raresim(*asked, "--json", cwd=tmp_path))["designs"]
    assert (tmp_path / "out" / "comparison.svg").read_text().startswith("<svg")
    assert raresim(*asked, "-q", cwd=tmp_path).count("\n") == 1
    (tmp_path / "out" / "mine.txt").write_text("mine")
    refused = raresim(*asked, "-o", "out", cwd=tmp_path, code=2)
    assert "holds something that is not a raresim comparison" in refused
    assert "two scenarios or more" in raresim("compare", ATAXIA, "-r", "8", code=2)
    twice = raresim("compare", ATAXIA, ATAXIA, "-r", "8", code=2)
    assert "two scenarios are called 'friedreich-48-weeks'" in twice


def test_a_sweep_and_a_search_answer_and_are_resumed(tmp_path: Path) -> None:
    path = "design.randomise.n"
    asked = ("sweep", ATAXIA, "--set", f"{path}=40,60", "--set", "truth.uncertainty=fixed,all")
    said = raresim(*asked, "-r", "8", "-o", "out", cwd=tmp_path)
    assert "highest power" in said and "sweep.svg are in out" in said
    told = json.loads((tmp_path / "out" / "sweep.json").read_text())
    again = raresim(*asked, "-r", "8", "-o", "out", "--resume", "--json", cwd=tmp_path)
    assert json.loads(again)["points"] == told["points"]
    assert "check the path" in raresim("sweep", ATAXIA, "--set", "no.where=1,2", code=2)
    words = ("search", SMALL, "--over", f"{path}=10..40", "--power", "0.5", "--budget", "12288")
    said = raresim(*words, "-o", "found", cwd=tmp_path)
    assert "95 % interval" in said and "fresh seeds (80 % interval" in said
    assert raresim(*words, "-q", "-o", "found", "--resume", cwd=tmp_path).count("\n") == 1
    said = raresim("decide", CGD, "-r", "64", "--worth", "0.6", "-o", "decided", cwd=tmp_path)
    assert "false go" in said and "decision.svg are in decided" in said
    assert "above 0" in raresim("decide", CGD, "--worth", "-1", code=2)
    said = raresim("calibrate", ATAXIA, "-r", "64", "-q", "-o", "strict", cwd=tmp_path)
    assert said.startswith("analysis.methods.change.alpha: 0.0") and "one-sided" in said
    both = raresim(*words, "--assurance", "0.4", code=2)
    assert "--power and --assurance cannot go together" in both
    assert "--limit: expected NAME=MOST" in raresim(*words, "--limit", "beauty", code=2)


def test_kits_are_run_by_simpy_and_the_answer_says_why(tmp_path: Path) -> None:
    text = catalogue.find("scenarios", CGD).read_text()
    kits = "  kits: {first: 2, order_at: 1, order: 2, arrives_after: 3 weeks}\n"
    mark = "  treat_for: 12 months\n"
    assert text.count(mark) == 1
    (tmp_path / "kits.yaml").write_text(text.replace(mark, mark + kits))
    asked = ("simulate", "kits.yaml", "-r", "6", "--no-sensitivity")
    said = raresim(*asked, "-o", "run", cwd=tmp_path)
    assert said.count("engine simpy: the engine 'block' runs no drug kits") == 1
    assert "drug kits sent" in said and "patients who waited for a kit" in said
    assert "Drug kits sent" in (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert "engine simpy" not in raresim(*asked, "--engine", "simpy", cwd=tmp_path)
    json.loads(raresim(*asked, "--json", cwd=tmp_path))
    refused = raresim(*asked, "--engine", "block", cwd=tmp_path, code=2)
    assert "hangs on who came before" in refused and "write 'auto' or 'simpy'" in refused


def test_validate_every_shipped_file() -> None:
    files = [str(p) for kind in ("models", "scenarios") for p in catalogue.shipped(kind).values()]
    assert raresim("validate", *files).count(": valid") == len(files)


def test_validate_names_every_fault_of_every_file_at_its_line(tmp_path: Path) -> None:
    model = catalogue.find("models", "friedreich-ataxia").read_text()
    scenario = catalogue.find("scenarios", CGD).read_text()
    broken = model.replace("q1: 9, q3: 19", "q1: 19, q3: 9")
    (tmp_path / "m.yaml").write_text(broken)
    other = scenario.replace("treat_for: 12 months", "treat_for: twelve months")
    other = other.replace("block: 4,", "block: 5,")
    (tmp_path / "s.yaml").write_text(other)
    said = raresim("validate", "m.yaml", "s.yaml", cwd=tmp_path, code=2)

    def line(text: str, part: str) -> int:
        return text[: text.index(part)].count("\n") + 1

    assert f"m.yaml:{line(broken, 'q1: 19, q3: 9')}:" in said and "q1 < median < q3" in said
    assert f"s.yaml:{line(other, 'twelve')}:" in said and "'twelve months'" in said
    assert f"s.yaml:{line(other, 'block: 5')}:" in said and "multiple of the ratio" in said


def test_a_dangling_name_is_found_with_a_hint(tmp_path: Path) -> None:
    text = catalogue.find("scenarios", CGD).read_text()
    (tmp_path / "s.yaml").write_text(text.replace("control: placebo", "control: placbo"))
    said = raresim("simulate", "s.yaml", "-o", "run", cwd=tmp_path, code=2)
    assert "did you mean 'placebo'?" in said
    assert sorted(p.name for p in tmp_path.iterdir()) == ["s.yaml"]


def test_unknown_names_and_senseless_numbers_exit_with_2() -> None:
    said = raresim("simulate", "cgd-interferon-gama", code=2)
    assert "did you mean 'cgd-interferon-gamma'?" in said
    assert "expected 1 to" in raresim("simulate", CGD, "-r", "0", code=2)
    assert "no hypothesis 'efect'" in raresim("simulate", CGD, "--hypothesis", "efect", code=2)
    assert "expected 1 to" in raresim("cohort", "friedreich-ataxia", "-n", "0", code=2)


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_cohort_is_written_and_says_that_it_is_artificial(tmp_path: Path, kind: str) -> None:
    import pandas as pd

    out = tmp_path / f"cohort.{kind}"
    raresim("cohort", "friedreich-ataxia", "-n", "40", "--seed", "3", "-o", str(out))
    table = pd.read_csv(out) if kind == "csv" else pd.read_parquet(out)
    assert len(table) == 40
    assert table["artificial"].all()
    assert (table["onset_age"] <= table["age"]).all()
    longer = raresim("cohort", "friedreich-ataxia", "-n", "60", "--seed", "3").splitlines()
    shorter = raresim("cohort", "friedreich-ataxia", "-n", "40", "--seed", "3").splitlines()
    assert longer[:41] == shorter


def test_a_cohort_of_an_unknown_kind_of_file_is_refused(tmp_path: Path) -> None:
    said = raresim("cohort", "friedreich-ataxia", "-o", str(tmp_path / "x.xlsx"), code=2)
    assert "end the name in .csv or .parquet" in said
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", [CGD, ATAXIA])
def test_one_trial_is_its_row_of_the_simulation(tmp_path: Path, name: str) -> None:
    import pandas as pd

    raresim("simulate", name, "-r", "30", "-o", "run", "--no-report", cwd=tmp_path)
    raresim("trial", name, "--replicate", "17", "-o", "one", cwd=tmp_path)
    rows = pd.read_parquet(tmp_path / "run" / "replicates" / "analyses.parquet")
    row = rows[rows["replicate"] == 17].reset_index(drop=True)
    one = pd.read_csv(tmp_path / "one" / "analyses.csv", float_precision="round_trip")
    for column in ("estimate", "se", "statistic", "p", "information", "cut_days"):
        assert row[column].to_numpy() == pytest.approx(one[column].to_numpy(), abs=0, nan_ok=True)
    log = pd.read_csv(tmp_path / "one" / "log.csv")
    assert log["tick"].is_monotonic_increasing
    patients = pd.read_csv(tmp_path / "one" / "patients.csv")
    assert (log["what"] == "randomised").sum() >= len(patients)
    assert patients["artificial"].all()


def test_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    """Two runs, one and two workers, both engines: tables and summary are equal byte for byte.

    Two luck blocks, with few patients: event by event a large trial takes its time.
    """
    text = catalogue.shipped("scenarios")[CGD].read_text(encoding="utf-8")
    few = text.replace("{n: 128,", "{n: 32,").replace("patients: 22}", "patients: 6}")
    assert len(few) == len(text) - 2
    (tmp_path / "few.yaml").write_text(few, encoding="utf-8")
    runs = {
        "a": (),
        "b": ("--workers", "1"),
        "c": ("--workers", "2"),
        "d": ("--engine", "simpy", "--workers", "2"),
    }
    for folder, words in runs.items():
        asked = ("simulate", "few.yaml", "-r", "1100", "-o", folder, "--no-report", *words)
        raresim(*asked, cwd=tmp_path, alone=True)
    files = {str(p.relative_to(tmp_path / "a")) for p in (tmp_path / "a").rglob("*.*")}
    assert (tmp_path / "a" / "manifest.json").read_bytes() == (
        tmp_path / "c" / "manifest.json"
    ).read_bytes()
    for file in files - {"manifest.json"}:  # it names the engine
        contents = {(tmp_path / folder / file).read_bytes() for folder in runs}
        assert len(contents) == 1, file


def test_simulate_prints_its_summary_as_json() -> None:
    found = json.loads(raresim("simulate", ATAXIA, "-r", "64", "--json"))
    assert found["replicates"] == 64
    assert 0 <= found["success"]["value"] <= 1
    assert found["success"]["mcse"] > 0


def test_a_folder_with_something_else_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    said = raresim("simulate", ATAXIA, "-r", "8", "-o", "mine", cwd=tmp_path, code=2)
    assert "not a raresim run" in said
    assert (tmp_path / "mine" / "thesis.txt").read_text() == "years of work"


def test_report_is_written_from_a_run_folder(tmp_path: Path) -> None:
    raresim("simulate", ATAXIA, "-r", "32", "-o", "run", cwd=tmp_path)
    before = (tmp_path / "run" / "report.html").read_bytes()
    raresim("report", "run", cwd=tmp_path, alone=True)
    assert (tmp_path / "run" / "report.html").read_bytes() == before


def test_sensitivity_names_every_uncertain_number() -> None:
    said = raresim("sensitivity", ATAXIA, "-r", "8")
    assert "Assurance" in said
    assert "One number moved at a time" in said
    assert "more numbers move it by" in said
    found = json.loads(raresim("sensitivity", ATAXIA, "-r", "8", "--json", alone=True))
    assert {move["kind"] for move in found["moves"]} == {
        "effect",
        "published",
        "unpublished",
        "conduct",
    }


def test_backtest_writes_the_prediction_and_scores_it(tmp_path: Path) -> None:
    said = raresim("backtest", "endear", "-r", "64", "-o", str(tmp_path), alone=True)
    assert "sham: share with event" in said
    assert "inside 80 % intervals" in said
    written = json.loads((tmp_path / "endear.json").read_text())
    assert written["replicates"] == 64
    found = json.loads(raresim("backtest", "all", "-r", "64", "--json"))
    assert set(found) == set(catalogue.shipped("backtests"))
    assert "no backtest is called 'ender'" in raresim("backtest", "ender", code=2)


def test_quiet_says_the_answer_alone_and_verbose_says_more_on_standard_error(
    tmp_path: Path,
) -> None:
    words = ("simulate", ATAXIA, "-r", "16", "--workers", "1")
    quiet = raresim(*words, "-q", "-o", str(tmp_path / "run"), "--no-sensitivity")
    assert re.fullmatch(r"Power: \d+\.\d % ± \d+\.\d\n", quiet)
    assert (tmp_path / "run" / "report.html").is_file()
    done = run_command(*words, "--verbose")
    assert "16 trials in" in done.stderr
    assert "16 trials in" not in done.stdout
    assert "Operating characteristics" in done.stdout
    assert "--quiet and --verbose" in raresim(*words, "-q", "-v", code=2)


@pytest.mark.parametrize(
    "words",
    [
        ("models",),
        ("show", ATAXIA),
        ("show", "friedreich-ataxia"),
        ("validate", ATAXIA),
        ("schema", "model"),
        ("cohort", "friedreich-ataxia", "-n", "3"),
        ("trial", ATAXIA),
        ("simulate", ATAXIA, "-r", "8"),
        ("new-model", "my-model", "-o", "{}/m.yaml"),
        ("new-scenario", "my-trial", "--model", "friedreich-ataxia", "-o", "{}/s.yaml"),
    ],
    ids=" ".join,
)
def test_every_command_answers_machines_in_json(words: tuple[str, ...], tmp_path: Path) -> None:
    asked = [word.format(tmp_path) for word in words]
    json.loads(raresim(*asked, *([] if "schema" in words else ["--json"]), alone=True))


@pytest.mark.parametrize(
    "words",
    [
        ("models",),
        ("show", "friedreich-ataxia"),
        ("show", ATAXIA, "--luck"),
        ("--help",),
        ("simulate", CGD, "-r", "8"),
        ("sensitivity", CGD, "-r", "4"),
        ("simulate", "--help"),
    ],
    ids=" ".join,
)
def test_tables_fit_80_columns_without_colour_where_nobody_looks(words: tuple[str, ...]) -> None:
    alone = words[-1] in ("models", "--help")
    done = run_command(*words, COLUMNS="80") if alone else run_here(*words, columns=80)
    said = done.stdout
    assert max(len(line) for line in said.splitlines()) <= 80
    assert "\x1b" not in said


def test_colour_only_on_a_terminal_and_not_where_it_is_unwanted() -> None:
    """`script` gives the command a terminal of its own."""
    if shutil.which("script") is None:
        pytest.skip("no `script` here to stand for a terminal")
    command = f"{sys.executable} -m raresim models"
    environment = {"TERM": "xterm-256color", "COLUMNS": "80", "PYTHONPATH": str(ROOT)}
    environment["PATH"] = os.environ["PATH"]
    for extra, coloured in (({}, True), ({"NO_COLOR": "1", "TERM": "dumb"}, False)):
        done = subprocess.run(
            ["script", "-qec", command, "/dev/null"],
            env=environment | extra,
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        assert ("\x1b[1m" in done.stdout) == coloured


@pytest.mark.parametrize("command", COMMANDS)
def test_every_help_page_has_an_example_that_names_its_command(command: str) -> None:
    said = raresim(command, "--help")
    assert f"raresim {command}" in said.split("Examples:")[1]


def test_completion_is_offered_for_the_shell() -> None:
    environment = {"_RARESIM_COMPLETE": "complete_bash", "COMP_WORDS": "raresim sen"}
    said = run_command(COMP_CWORD="1", **environment)
    assert "sensitivity" in said.stdout


@pytest.mark.parametrize("workers", ["1", "2"])
def test_an_interrupted_run_ends_cleanly_and_is_resumed(workers: str, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    asked = ("simulate", SMALL, "--workers", workers, "-o", str(folder), "--no-report")
    words = (*asked, "-r", "100000")
    started = subprocess.Popen(
        [sys.executable, "-m", "raresim", *words],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # tests that were started in the background ignore Ctrl-C, and so would their children
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    shards, began = folder / "unfinished" / "shards", time.monotonic()
    while time.monotonic() - began < 60 and not list(shards.glob("*.shard")):
        time.sleep(0.05)
    assert "another process works in this folder" in raresim(*words, "--resume", code=2)
    os.killpg(started.pid, signal.SIGINT)  # as Ctrl-C does, to everybody in the foreground
    try:
        _, said = started.communicate(timeout=30)
    finally:
        started.kill()
    assert started.returncode == 130, said
    assert "Traceback" not in said
    done = len(list(shards.glob("*.shard")))
    assert f"interrupted; {folder} keeps the {done} pieces done; add --resume to go on" in said
    assert "add --resume" in raresim(*words, code=2)
    assert "settings.replicates: 100000, here 100" in raresim(
        *asked, "-r", "100", "--resume", code=2
    )
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_a_full_disk_ends_a_run_without_traceback(tmp_path: Path) -> None:
    words = ("simulate", SMALL, "-r", "64", "--workers", "1", "-o", "run", "--no-report")
    done = subprocess.run(
        [sys.executable, "-m", "raresim", *words],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        # no file may become larger: those of true values fit, those of trials do not
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (6000, 6000)),
    )
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    assert "the disk takes no more" in done.stderr
    raresim(*words, cwd=tmp_path)
    assert (tmp_path / "run" / "manifest.json").is_file()


def test_a_finished_run_is_resumed_at_once(tmp_path: Path) -> None:
    words = ("simulate", SMALL, "-r", "64", "-o", "run", "--no-report")
    assert "nothing to resume without a folder" in raresim("simulate", SMALL, "--resume", code=2)
    first = raresim(*words, "--resume", cwd=tmp_path)
    again = raresim(*words, "--resume", cwd=tmp_path)
    assert "nothing was left to do" in again
    assert first.splitlines()[:-1] == again.splitlines()[:-1]


def test_a_run_stops_at_the_error_asked_for(tmp_path: Path) -> None:
    said = raresim("simulate", SMALL, "--mcse", "0.02")
    assert "stopped after 1,024 trials: one standard error is at most 0.02" in said
    said = raresim("simulate", SMALL, "--mcse", "0.02", "-r", "100")
    assert "one standard error of 0.02 was asked for: 100 trials are too few" in said
