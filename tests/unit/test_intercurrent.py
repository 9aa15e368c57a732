"""What strategies make of each patient's data, held against plain loops; and what is refused."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from raresim.errors import InputError
from raresim.report.design import estimands as rows_of_report
from raresim.study.truth import true_values
from raresim.trial import BlockRun, Scenario, run_block
from raresim.trial.cut.table import cut
from raresim.trial.ticks import NEVER
from tests.curves import MODEL, SCENARIO
from tests.worlds import differences, scenario_from

DAY = 86_400
ROWS = 12
HOWS = {
    "policy": "treatment policy",
    "hypothetical": "hypothetical",
    "zero": "{composite: 0}",
    "worst": "{composite: worst}",
    "while": "while on treatment",
    "stratum": "principal stratum",
}
PASSED = {"policy", "hypothetical", "composite", "while", "stratum"}


def scenario_text() -> str:
    """The world of curves, with every strategy for a change, and for a line that is passed."""
    estimands = [
        f"    {name}: {{variable: change in walk at week 24, summary: difference in means, "
        f"intercurrent: {{stops_treatment: {how}, death: while alive, lost: composite}}}}"
        for name, how in HOWS.items()
    ]
    for name in sorted(PASSED):
        how = HOWS.get(name, "composite")
        own = f"{{stops_treatment: {how}, death: composite}}"
        estimands += [
            f"    t_{name}: {{variable: time to first worse, summary: hazard ratio, "
            f"intercurrent: {own}}}",
            f"    s_{name}: {{variable: share with better by week 24, "
            f"summary: difference in means, intercurrent: {own}}}",
        ]
    names = [line.split(":")[0].strip() for line in estimands]
    tests = ["cox" if name.startswith("t_") else "ancova" for name in names]
    methods = [
        f"    {name}: {{test: {test}, alpha: 0.025 one-sided}}"
        for name, test in zip(names, tests, strict=True)
    ]
    endpoints = (
        "  endpoints:\n    worse: {first_of: [{score: walk, falls_by: 30}]}\n"
        "    better: {better: earlier, first_of: [{score: fits, falls_by_percent: 40}]}\n"
    )
    head = SCENARIO.split("analysis:")[0]
    actions = ", ".join(f"analyse {name}" for name in names)
    head = head.replace("analyse walked, analyse counted", actions)
    head = head.replace("{rate: 0.1 per year", "{rate: 0.9 per year")
    return "\n".join(
        [f"{head}analysis:\n{endpoints}  estimands:", *estimands, "  methods:", *methods,
         "  success: policy\n"]
    )  # fmt: skip


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("models") / "curves.yaml"
    path.write_text(MODEL)
    return path


@pytest.fixture(scope="module")
def scenario(file: Path) -> Scenario:
    rare = {
        "truth.missed_visits": {"share": 0.2, "why": "a test"},
        "truth.leaves_study": {"rate": "0.3 per year", "why": "a test"},
    }
    return scenario_from(scenario_text(), file).changed(rare)


@pytest.fixture(scope="module")
def run(scenario: Scenario) -> BlockRun:
    return run_block(scenario, "effect", 3, 0, "block", ROWS)


class Patient:
    """One patient's data, as a person would read them from the files of the trial."""

    def __init__(self, run: BlockRun, row: int, k: int, score: str, until: int) -> None:
        ledger = run.ledger
        self.start = int(ledger.randomised[row, k])
        place = run.fate.roster.place[row, ledger.candidate[row, k]]
        read = run.fate.lives.arms[ledger.arm[row, k]].readings[score][row, place]
        self.read = [float(value) for value in read]
        self.visits = [int(t) if t <= until else NEVER for t in ledger.visits[row, k]]
        stop = int(ledger.stop[row, k])
        planned = self.start + 48 * 7 * DAY
        self.stop = stop if stop < planned and stop <= until else NEVER
        died = int(ledger.events["death"][row, k, 0])
        self.died = died if died <= until else NEVER
        self.end = min(int(ledger.exit[row, k]), until)

    def last_on_treatment(self) -> float:
        seen = [self.read[0]]
        seen += [
            value
            for value, tick in zip(self.read[1:3], self.visits[:2], strict=True)
            if tick < NEVER and tick <= self.stop
        ]
        return seen[-1]


@pytest.mark.parametrize("when", [1.0, 0.5])
def test_changes_are_what_a_person_would_make_of_them(run: BlockRun, when: float) -> None:
    scenario, stopped = run.analyst.scenario, 0
    at = (run.ledger.end * when).astype(np.int64)
    for name in HOWS:
        table = cut(scenario, run.fate, run.ledger, at, name)
        for row, k in np.ndindex(table.change.shape):
            if not table.who.present[row, k]:
                continue
            own = Patient(run, row, k, "walk", int(at[row]))
            planned = own.start + 24 * 7 * DAY
            due = own.visits[1] if own.visits[1] < NEVER else planned
            attended = own.visits[1] < NEVER
            had = own.stop < due and due <= at[row]
            stopped += had
            expected = own.read[2] - own.read[0] if attended else math.nan
            if had and name in ("hypothetical", "stratum"):
                expected = math.nan
            elif had and name == "zero":
                expected = 0.0
            elif had and name == "worst":
                expected = 0.0 - own.read[0]
            elif had and name == "while":
                expected = own.last_on_treatment() - own.read[0]
            assert table.change[row, k] == pytest.approx(expected, nan_ok=True), (name, row, k)
    assert stopped > 100


def test_lines_that_are_passed_are_what_a_person_would_count(run: BlockRun) -> None:
    """Death is composite: it counts between visits too, but not after the stop ended the risk."""
    scenario, events, at = run.analyst.scenario, 0, run.ledger.end
    for name in sorted(PASSED):
        table = cut(scenario, run.fate, run.ledger, at, f"t_{name}")
        for row, k in np.ndindex(table.time.shape):
            own = Patient(run, row, k, "walk", int(at[row]))
            end = min(own.end, own.stop) if name in ("hypothetical", "while") else own.end
            seen = [(v, t) for v, t in enumerate(own.visits) if t <= end]
            hits = [t for v, t in seen if own.read[0] - own.read[1 + v] >= 30]
            hits += [own.died] * (own.died <= end)
            hits += [own.stop] * (name == "composite" and own.stop <= end)
            last = min(hits) if hits else max([t for _, t in seen], default=min(own.start, end))
            left_out = name == "stratum" and own.stop < NEVER
            assert table.who.present[row, k] == (not left_out)
            if not left_out:
                assert table.event[row, k] == bool(hits), (name, row, k)
                assert table.time[row, k] == last - own.start, (name, row, k)
                events += bool(hits)
    assert events > 100


def test_shares_are_what_a_person_would_count(run: BlockRun) -> None:
    """A response counts once; who dies or has stopped is known not to have one (not) any more."""
    scenario, known, at = run.analyst.scenario, 0, run.ledger.end
    for name in sorted(PASSED):
        table = cut(scenario, run.fate, run.ledger, at, f"s_{name}")
        for row, k in np.ndindex(table.change.shape):
            own = Patient(run, row, k, "fits", int(at[row]))
            attended = own.visits[1] <= own.end
            due = own.visits[1] if own.visits[1] < NEVER else own.start + (24 * 7 + 7) * DAY
            until = min(own.end, due)
            ends = name in ("composite", "while")
            looked = min(until, own.stop) if ends else until
            passed = [own.read[0] - value >= 0.4 * own.read[0] for value in own.read[1:3]]
            came = any(p and t <= looked for p, t in zip(passed, own.visits[:2], strict=True))
            told = attended or own.died <= until or (ends and own.stop <= until)
            if name in ("hypothetical", "stratum") and own.stop < due:
                told = own.died < own.stop
            expected = float(came) if told else math.nan
            assert table.change[row, k] == pytest.approx(expected, nan_ok=True), (name, row, k)
            known += told
    assert known > 500


def test_both_conducts_agree_on_strategies(scenario: Scenario) -> None:
    runs = [run_block(scenario, "effect", 1, 0, name, 8, DAY) for name in ("block", "simpy")]
    assert differences(*runs) == []


def test_without_an_effect_no_strategy_finds_one(
    scenario: Scenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each of 32,768 pairs lives the same life twice."""
    monkeypatch.setattr("raresim.study.truth.UNITS", 32)
    fixed = scenario.changed({"truth.uncertainty": "fixed"})
    for name, values in true_values(fixed, "no_effect", 1, 0).items():
        assert np.abs(values).max() < 1e-3, name


def test_reports_say_strategies_in_words(scenario: Scenario) -> None:
    found = {name: dict(rows) for name, rows in rows_of_report(scenario)}
    assert found["worst"]["Intercurrent events"].startswith(
        "stops treatment: composite (it counts as the worst of the scale); death: while alive ("
    )
    assert "as a change of 0" in found["zero"]["Intercurrent events"]
    assert "under neither arm" in found["stratum"]["Intercurrent events"]
    assert found["stratum"]["Population"].endswith(
        "of these, who would have no 'stops treatment' under either arm"
    )


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("treatment: {composite: 0}", "treatment: composite", "a composite change needs the value"),
        ("treatment: {composite: 0}", "treatment: while alive", "'while alive' is not a strategy"),
        ("treatment: {composite: 0}", "treatment: {composite: bad}", "expected a number or"),
        ("treatment: {composite: 0}", "treatment: {compost: 0}", "'composite' is missing"),
        ("treatment: {composite: 0}", "treatment: whenever", "expected 'treatment policy'"),
        ("lost: composite}", "lost: {composite: 0}}", "'lost' takes no value here"),
        ("stops_treatment: composite", "stops_treatment: {composite: 0}", "takes no value here"),
        ("change in walk at week 24", "log ratio of fits at week 24", "a count has no worst"),
    ],
)
def test_what_does_not_fit_is_told_at_its_line(
    file: Path, old: str, new: str, message: str
) -> None:
    text = scenario_text()
    assert old in text
    with pytest.raises(InputError, match=message) as caught:
        scenario_from(text.replace(old, new), file)
    assert all(problem.line and problem.mend for problem in caught.value.problems)
