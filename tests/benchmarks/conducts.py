"""How fast are the two conducts alone, fate and analyses excluded? A ratio in one run, no test.

    python tests/benchmarks/conducts.py [replicates]

60 patients, 8 visits, 10 sites, drop-out; CPU seconds of one process.
"""

from __future__ import annotations

import sys
import time

from raresim.streams import Luck
from raresim.trial import load_scenario
from raresim.trial.conduct import blocks, events
from raresim.trial.fate.decided import fate
from raresim.trial.plan import Decisions, make_plan

CHANGES = {
    "design.randomise.n": 60,
    "design.sites": {
        "number": 10,
        "open": [{"first": 4, "at": "day 0"}, {"then": "one", "every": "2 weeks"}],
    },
    "design.visits": {"weeks": [4, 8, 12, 18, 24, 32, 40, 48], "window": "7 days"},
    "truth.leaves_study.rate": "0.1 per year",
}
ROUNDS = 5


def nothing(*_: object) -> Decisions:
    """Stand in for the analyses: the only milestone is the last, at which nothing is decided."""
    raise AssertionError("no look is planned")


def main(replicates: int) -> None:
    """Print one line: milliseconds and microseconds a trial, and their ratio."""
    scenario = load_scenario("friedreich-48-weeks").changed(CHANGES)
    plan, decided = make_plan(scenario), fate(scenario, Luck(1, 0), "effect", 200)
    blocks.conduct(plan, decided, nothing)
    start = time.process_time()
    for k in range(replicates):
        events.conduct(plan, decided.rows(slice(k, k + 1)), nothing, k)
    simpy = (time.process_time() - start) / replicates
    start = time.process_time()
    for _ in range(ROUNDS):
        blocks.conduct(plan, decided, nothing)
    block = (time.process_time() - start) / ROUNDS / len(decided.present)
    print(f"SimPy {1e3 * simpy:.2f} ms ({1 / simpy:.0f} a second), ", end="")
    print(f"blocks {1e6 * block:.1f} us, ratio {simpy / block:.0f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 256)
