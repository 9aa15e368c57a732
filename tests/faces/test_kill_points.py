"""Whoever is killed, and whenever: what was done is kept, and the run resumed has the same bytes.

Ten points by default, about three seconds of a core each; RARESIM_KILL_POINTS=50 takes more.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.killing import points

ROOT = Path(__file__).parents[2]
POINTS = int(os.environ.get("RARESIM_KILL_POINTS", "10"))


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc").is_dir(), reason="finds workers by /proc")
def test_a_killed_run_is_resumed_to_the_same_bytes(tmp_path: Path) -> None:
    found = subprocess.run(
        [sys.executable, "-m", "tests.killing", str(POINTS), str(tmp_path)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 0, found.stdout + found.stderr
    lines = found.stdout.splitlines()
    assert len(lines) == POINTS
    assert all(line.endswith(": well") for line in lines)
    assert sum("cut_short=True" in line for line in lines) > POINTS // 2


def test_kill_points_are_always_the_same() -> None:
    assert points(50)[:10] == points(10)
    assert {point.victim for point in points(50)} == {"worker", "parent", "all"}
