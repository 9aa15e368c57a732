"""How fast are the two engines? Ratios in one run; never a test.

    python tests/benchmarks/engines.py [replicates]

CPU seconds of one process, after warming up: fate alone, blocks in all, SimPy in all.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

from raresim.streams import Luck
from raresim.trial import load_scenario, run_block
from raresim.trial.fate.decided import expected_candidates, fate

NAMES = ("cgd-interferon-gamma", "friedreich-48-weeks")


def cpu(work: Callable[..., Any], *words: Any) -> float:
    """Return the CPU seconds of one call."""
    start = time.process_time()
    work(*words)
    return time.process_time() - start


def main(replicates: int) -> None:
    """Print a line for each scenario."""
    for name in NAMES:
        scenario = load_scenario(name)
        hypothesis = scenario.hypotheses[0]
        candidates = expected_candidates(scenario)
        run_block(scenario, hypothesis, 1, 0)
        decide = cpu(fate, scenario, Luck(1, 1), hypothesis, candidates)
        blocks = cpu(run_block, scenario, hypothesis, 1, 1)
        simpy = cpu(run_block, scenario, hypothesis, 1, 1, "simpy", replicates) - decide
        each = [1e6 * decide / 1024, 1e6 * blocks / 1024, 1e6 * simpy / replicates]
        print(f"{name}: fate {each[0]:.0f}, blocks {each[1]:.0f}, SimPy conduct and looks", end=" ")
        print(f"{each[2]:.0f} us a trial; SimPy / blocks {each[2] / (each[1] - each[0]):.0f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 256)
