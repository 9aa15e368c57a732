"""Sweeps: each point is the simulation it would be alone, and a sweep cut short goes on."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest

import raresim
from raresim.errors import InputError
from raresim.questions import Sweep
from raresim.report.sweep import picture
from tests.worlds import ATAXIA, world

AXES = ["design.randomise.n=40,50,60", "truth.missed_visits.share=0,0.2,0.4"]
R = 32


@pytest.fixture(scope="module")
def found() -> Sweep:
    return raresim.sweep(world(ATAXIA), AXES, R, 3, workers=1)


def test_a_point_is_the_simulation_that_it_would_be_alone(found: Sweep) -> None:
    scenario = world(ATAXIA, {"design.randomise.n": 50, "truth.missed_visits.share": 0.4})
    summary = raresim.simulate(scenario, R, 3, workers=1).summary
    point = found.points[5]
    assert point.values == (50, 0.4)
    assert point.figures["success"] == summary.success
    assert point.figures["randomised"] == summary.trial["randomised"]["mean"]


def test_differences_are_paired_and_start_at_nothing(found: Sweep) -> None:
    first, last = found.points[0], found.points[-1]
    assert first.differences["success"].value == 0
    apart = (last.figures["success"].value or 0) - (first.figures["success"].value or 0)
    assert last.differences["success"].value == pytest.approx(apart, abs=1e-12)


def test_its_table_has_a_row_for_each_point(found: Sweep) -> None:
    frame = found.table.frame()
    assert len(frame) == 9
    assert frame["design.randomise.n"].tolist() == [40] * 3 + [50] * 3 + [60] * 3
    assert {"success", "success_mcse", "difference_success", "duration"} <= set(frame.columns)


def test_a_surface_lines_and_words_are_drawn(found: Sweep) -> None:
    assert "9 points" in ElementTree.fromstring(picture(found)).attrib["aria-label"]
    modes = raresim.sweep(
        world(ATAXIA), ["truth.uncertainty=fixed,all", "design.randomise.n=40,60"], 8, workers=1
    )
    assert "truth.uncertainty" in picture(modes)


def test_a_sweep_cut_short_goes_on_and_gives_the_same_bytes(tmp_path: Path) -> None:
    whole, cut = tmp_path / "whole", tmp_path / "cut"

    def stop(done: int, total: int) -> None:
        assert total == 9 * R
        if done >= 4 * R:
            raise KeyboardInterrupt

    def run(folder: Path, **more: object) -> Sweep:
        options = {"folder": folder, "picture": picture, "workers": 1, **more}
        return raresim.sweep(world(ATAXIA), AXES, R, 3, **options)  # type: ignore[arg-type]

    told = run(whole)
    with pytest.raises(KeyboardInterrupt, match="add --resume"):
        run(cut, progress=stop)
    with pytest.raises(InputError, match="unfinished"):
        run(cut)
    assert run(cut, resume=True) == told
    assert {p.name for p in cut.iterdir()} == {"sweep.json", "sweep.parquet", "sweep.svg"}
    for path in whole.iterdir():
        assert path.read_bytes() == (cut / path.name).read_bytes()
    assert run(cut, resume=True) == told  # read, not run
    frame = pd.read_parquet(whole / "sweep.parquet")
    np.testing.assert_array_equal(frame["success"], told.table["success"])
    answer = json.loads((whole / "sweep.json").read_text("utf-8"))
    assert answer["command"].startswith("raresim sweep")
    assert "--set design.randomise.n=40,50,60" in answer["command"]


def test_a_folder_of_another_question_is_left_alone(tmp_path: Path) -> None:
    folder = tmp_path / "sweep"
    options = {"folder": folder, "picture": picture, "workers": 1, "resume": True}
    raresim.sweep(world(ATAXIA), ["design.randomise.n=40"], 8, 1, **options)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="another run"):
        raresim.sweep(world(ATAXIA), ["design.randomise.n=44"], 8, 1, **options)  # type: ignore[arg-type]
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "letter.txt").write_text("dear")
    with pytest.raises(InputError, match="not a raresim sweep"):
        raresim.sweep(
            world(ATAXIA), ["design.randomise.n=40"], 8, folder=tmp_path / "other", picture=picture
        )


def test_nothing_to_move_is_refused() -> None:
    with pytest.raises(InputError, match="needs something to move"):
        raresim.sweep(world(ATAXIA), [])
    with pytest.raises(InputError, match="needs something to move"):
        raresim.sweep(world(ATAXIA), {"design.randomise.n": []})
