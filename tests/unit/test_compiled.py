"""Loops are compiled once, somebody is told, and arrays that nobody may write to can be read."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numba
import numpy as np
import pytest

from raresim import compiled as module
from raresim.compiled import compiled, prepare, reads, tell, writes

FIRST = "import sys; from raresim.streams import Luck; assert 'numba' not in sys.modules; "
TOLD = FIRST + "from raresim.compiled import tell; tell(lambda: print('told')); "
DRAWS = TOLD + "Luck(1, 0).uniform('x', 2)"


def test_whoever_asks_is_told_once_that_a_loop_is_compiled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path))  # not one of an earlier run

    @compiled(reads("float64", 1), writes("float64", 1))
    def halved(values: np.ndarray, found: np.ndarray) -> None:
        for k in range(len(values)):
            found[k] = values[k] / 2

    found = np.empty(3)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_TELLER", [])
        tell(lambda: said.append("never"))
        tell(lambda: said.append("told"))  # the last one to ask is told
        halved(np.broadcast_to(3.0, 3), found)
        halved(np.ones(6)[::2], found)
    assert said == ["told"]
    assert found.tolist() == [0.5, 0.5, 0.5]
    with pytest.raises(TypeError):
        halved(np.ones(3, np.float32), found)


def test_a_second_process_finds_what_a_first_has_compiled(tmp_path: Path) -> None:
    said = [
        subprocess.run(
            [sys.executable, "-c", DRAWS],
            env=os.environ | {"NUMBA_CACHE_DIR": str(tmp_path)},
            check=True,
            capture_output=True,
            encoding="utf-8",
        ).stdout
        for _ in range(2)
    ]
    assert said == ["told\n", ""]


def test_everything_can_be_compiled_beforehand() -> None:
    prepare()
    assert len(module._LOOPS) <= 10 + 2  # design: ten small loops; two of tests and doctests
