"""How long does a trial take, from a scenario file on? A ratio to NumPy by hand; never a test.

    python tests/benchmarks/workloads.py [rounds]

CPU microseconds a trial on one core, start-up excluded: medians of rounds in which each workload
and the hand-written baseline (`baseline.py`, where numba is installed) take turns, so that a
machine's moods hit both.
"""

from __future__ import annotations

import functools
import importlib.util
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).parents[2]))

from raresim import load_scenario, simulate
from raresim.trial import Scenario

HERE = Path(__file__).parent / "workloads"
BLOCKS = 16
TRIALS = BLOCKS * 1024
NAMES = {
    "w2": "log-rank, 500 patients, 350 events",
    "w3": "log-rank, 40 patients, 24 events",
    "w4": "as w2, looks at 117, 233, 350 events",
    "w5": "t tests at 20 and 40 patients per arm",
    "w6": "shares at 20 and 40 patients per arm",
    "w7": "the best of three arms",
}
BY_HAND = {"w2": (500, 350), "w3": (40, 24)}


def power(scenario: Scenario) -> float | None:
    """Return the power of a scenario: what whoever moves a slider waits for."""
    return simulate(scenario, TRIALS, 1, workers=1).summary.success.value


def everything(scenario: Scenario, trials: int = TRIALS) -> dict[str, object]:
    """Return all that a run can say: true values, bias and coverage, and each trial's numbers."""
    return simulate(scenario, trials, 1, workers=1).summary.dict()


def by_hand(n: int, events: int) -> Callable[[], object]:
    """Return the work of the baseline."""
    from tests.benchmarks.baseline import block

    return lambda: [block(1, index, n, events) for index in range(BLOCKS)]


def runs() -> dict[str, Callable[[], object]]:
    """Return the work of each workload, and of the baseline beside it."""
    found: dict[str, Callable[[], object]] = {}
    numba = importlib.util.find_spec("numba") is not None
    for name in NAMES:
        scenario = load_scenario(HERE / f"{name}.yaml")
        found[name] = functools.partial(power, scenario)
        if numba and name in BY_HAND:
            found[f"{name} by hand"] = by_hand(*BY_HAND[name])
    return found


def main(rounds: int) -> None:
    """Print a line for each workload."""
    todo = runs()
    for work in todo.values():
        work()
    taken: dict[str, list[float]] = {name: [] for name in todo}
    for _ in range(rounds):
        for name, work in todo.items():
            began = time.process_time()
            work()
            taken[name].append(1e6 * (time.process_time() - began) / TRIALS)
    middle = {name: median(each) for name, each in taken.items()}
    for name, what in NAMES.items():
        line = f"{name} ({what}): {middle[name]:.1f} us"
        if f"{name} by hand" in middle:
            hand = middle[f"{name} by hand"]
            line += f", by hand {hand:.1f} us, ratio {middle[name] / hand:.2f}"
        print(line)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
