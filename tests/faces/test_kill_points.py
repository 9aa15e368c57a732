"""Whoever is killed, and whenever: what was done is kept, and the run resumed has the same bytes.

Six points by default: a worker, the parent, and all, twice each; fifty by `-m long`. A point is
some eight seconds of a core, most of it worker processes that start.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.killing import points

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc").is_dir(), reason="finds workers by /proc")
@pytest.mark.parametrize("many", [6, pytest.param(50, marks=pytest.mark.long)])
def test_a_killed_run_is_resumed_to_the_same_bytes(many: int, tmp_path: Path) -> None:
    found = subprocess.run(
        [sys.executable, "-m", "tests.killing", str(many), str(tmp_path)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 0, found.stdout + found.stderr
    lines = found.stdout.splitlines()
    assert len(lines) == many
    assert all(line.endswith(": well") for line in lines)
    assert sum("cut_short=True" in line for line in lines) > many // 2


def test_kill_points_are_always_the_same() -> None:
    assert points(50)[:6] == points(6)
    for many in (6, 50):
        assert {point.victim for point in points(many)} == {"worker", "parent", "all"}
        assert {point.workers for point in points(many)} == {1, 2}
