"""The workloads of the benchmarks: every file runs, and two have the power that others found.

W2 and W3 are a world in which simulators were raced: shares of rejections by lrstat 0.3.3 and
FastSurvival (10,000 trials each, patients uniform over the accrual, as here), and by a scalar C++
program (20,000 and 500,000 trials). Tolerance: 4 standard errors of both simulations together.
"""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from raresim import load_scenario
from raresim.trial import run_block

FILES = sorted((Path(__file__).parents[1] / "benchmarks" / "workloads").glob("w*.yaml"))
FOUND = [
    ("w2", 10, {0.9589: 10_000, 0.9548: 10_000, 0.9574: 20_000}),
    ("w3", 60, {0.1497: 10_000, 0.1423: 10_000, 0.1475: 500_000}),
]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_workload_runs_and_is_analysed(path: Path) -> None:
    scenario = load_scenario(path)
    run = run_block(scenario, "effect", 1, 0, replicates=32)
    assert len(FILES) == 6
    final = [look for look in run.analyst.looks if look.milestone == "final"]
    for look in final:
        record = run.analyst.records[look]
        assert (record["analysed"] | record["rejected"]).any()
        assert record["converged"][record["analysed"]].all()


@pytest.mark.slow
@pytest.mark.parametrize(("name", "blocks", "others"), FOUND, ids=["w2", "w3"])
def test_power_is_what_other_simulators_found(
    name: str, blocks: int, others: dict[float, int]
) -> None:
    (path,) = (path for path in FILES if path.stem == name)
    scenario = load_scenario(path)
    rejected = trials = 0
    for block in range(blocks):
        run = run_block(scenario, "effect", 2026, block)
        (record,) = run.analyst.records.values()
        rejected, trials = rejected + int(record["rejected"].sum()), trials + len(run.fate.present)
    power = rejected / trials
    for share, theirs in others.items():
        error = math.sqrt(share * (1 - share) * (1 / theirs + 1 / trials))
        assert abs(power - share) <= 4 * error, (share, power)
