"""Searches: resumed to the same bytes, within their budget, and honest where there is no answer."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

import raresim
from raresim.errors import InputError
from raresim.questions import Search
from raresim.report.search import picture

WORKLOAD = Path(__file__).parents[1] / "benchmarks" / "workloads" / "w5.yaml"
BUDGET = 12_288
ONE_LOOK = {
    "design.milestones": {"final": {"when": {"everybody": "finished"}, "do": ["analyse better"]}},
    "analysis.methods.better": {"test": "t", "alpha": "0.025 one-sided"},
    "truth.candidates.uniform.number": 200,
}


def run(over: str = "design.randomise.n=20..120", target: float = 0.7, **more: object) -> Search:
    scenario = raresim.load_scenario(WORKLOAD).changed(ONE_LOOK)
    options = {"budget": BUDGET, "workers": 1, "within": 0.001, **more}
    return raresim.search(scenario, over, target, **options)  # type: ignore[arg-type]


def test_it_keeps_to_its_budget_and_says_how_sure_it_is(tmp_path: Path) -> None:
    found = run(folder=tmp_path / "search", picture=picture)
    assert found.trials <= BUDGET
    assert found.found is not None and found.low is not None and found.high is not None
    assert found.low <= found.found <= found.high
    assert found.again_low < (found.again["success"].value or 0) < found.again_high
    assert found.command.startswith("raresim search ")
    assert "fresh seeds" in ElementTree.fromstring(picture(found)).attrib["aria-label"]

    def stop(done: int, _: int) -> None:
        if done >= BUDGET // 2:
            raise KeyboardInterrupt

    cut = tmp_path / "cut"
    with pytest.raises(KeyboardInterrupt, match="add --resume"):
        run(folder=cut, picture=picture, progress=stop)
    assert run(folder=cut, picture=picture, resume=True) == found
    assert run(folder=cut, picture=picture, resume=True) == found  # read, not run
    for path in (tmp_path / "search").iterdir():
        assert path.read_bytes() == (cut / path.name).read_bytes()


def test_a_range_without_an_answer_is_told() -> None:
    found = run("design.randomise.n=20..24", 0.95)
    assert found.found is None and found.crossing is None
    assert "no number from 20 to 24" in found.remark
    assert "no number from 20 to 24" in ElementTree.fromstring(picture(found)).attrib["aria-label"]


def test_a_range_that_begins_with_the_answer_is_told() -> None:
    found = run("design.randomise.n=100..110", 0.5)
    assert found.found == 100
    assert "widen" in found.remark


def test_limits_are_held_to() -> None:
    found = run(limits={"duration": 1.0})
    assert found.kept == {"duration": False}
    assert run(limits={"duration": 10_000.0}).kept == {"duration": True}
    with pytest.raises(InputError, match="no limit on 'beauty'"):
        run(limits={"beauty": 1.0})


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"target": 1.0}, "target"),
        ({"budget": 5}, "trials at least"),
        ({"over": "design.randomise.n=30,40"}, "LOWEST..HIGHEST"),
        ({"over": "design.nothing.n=30..40"}, "check the path"),
        ({"over": "design.randomise.n=0..40"}, "no scenario with"),
    ],
)
def test_what_makes_no_sense_is_refused(more: dict[str, object], said: str) -> None:
    with pytest.raises(InputError, match=said):
        run(**more)  # type: ignore[arg-type]
