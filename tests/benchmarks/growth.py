"""Scenarios of which one thing grows, whose time `docs/make-speed` measures; never a test.

    python tests/benchmarks/growth.py CURVE SIZE

Runs one point of a curve and prints the memory that its process took at most, in MB (Linux).
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from raresim import load_scenario, simulate
from raresim.trial import Scenario

WORKLOADS = Path(__file__).parent / "workloads"
SHARE = 0.7
"""Of the patients have the event by the last look, as in w2."""
AT_LOOKS = 100
"""Patients of the trials with several looks."""
CANDIDATES = 13.2
"""A month at all sites together, however many they are: those of 11 sites in the shipped file."""
WEEKS = 48


def workload(name: str) -> Scenario:
    """Return the scenario of a workload."""
    return load_scenario(WORKLOADS / f"{name}.yaml")


def of_patients(number: int) -> Scenario:
    """Return w2 with so many patients, and events in proportion."""
    final = "design.milestones.final.when.any.0.patients"
    sizes = {"design.randomise.n": number, "truth.candidates.uniform.number": number}
    return workload("w2").changed({**sizes, final: round(SHARE * number)})


def with_visits(number: int) -> Scenario:
    """Return the trial in Friedreich ataxia with so many visits, the last at week 48."""
    weeks = [WEEKS * (k + 1) // number for k in range(number)]
    return load_scenario("friedreich-48-weeks").changed({"design.visits.weeks": weeks})


def at_sites(number: int) -> Scenario:
    """Return the trial in Friedreich ataxia at so many sites, which share the same candidates."""
    return load_scenario("friedreich-48-weeks").changed(
        {
            "design.sites": {"number": number, "open": [{"first": number, "at": "day 0"}]},
            "truth.candidates.stream.per_site": f"{CANDIDATES / number:.6g} per month",
            "design.recruit_for": "60 months",
        }
    )


def with_looks(number: int) -> Scenario:
    """Return w4 with 100 patients and so many looks, at equal numbers of further events."""
    events = round(SHARE * AT_LOOKS)
    looks = {
        f"look{k}": {
            "when": {"first": "death", "patients": round(events * k / number)},
            "do": ["analyse survival", "stop if efficacy"],
        }
        for k in range(1, number)
    }
    last = [{"first": "death", "patients": events}, {"everybody": "finished"}]
    final = {"when": {"any": last}, "do": ["analyse survival"]}
    return workload("w4").changed(
        {
            "design.randomise.n": AT_LOOKS,
            "truth.candidates.uniform.number": AT_LOOKS,
            "design.milestones": {**looks, "final": final},
            "analysis.methods.survival.boundary": {"planned_information": events},
        }
    )


@dataclass(frozen=True)
class Curve:
    """What grows, in which trial, over which sizes; `trials` of each, else as many as the size."""

    what: str
    sizes: tuple[int, ...]
    scenario: Callable[[int], Scenario]
    trials: int = 0

    def replicates(self, size: int) -> int:
        """Return the number of trials at a size."""
        return self.trials or size


CURVES = {
    "replicates": Curve(
        "w3, a log-rank test of 40 patients",
        (256, 1024, 4096, 16_384, 65_536),
        lambda _: workload("w3"),
    ),
    "patients": Curve(
        "w2, a log-rank test, events in proportion",
        (20, 50, 100, 200, 500, 1000),
        of_patients,
        2048,
    ),
    "visits": Curve(
        "friedreich-48-weeks, 100 patients, the last visit at week 48",
        (1, 2, 4, 8, 12),
        with_visits,
        1024,
    ),
    "sites": Curve(
        "friedreich-48-weeks, 100 patients, strata by site, the same candidates in all",
        (1, 2, 4, 8, 16, 32),
        at_sites,
        1024,
    ),
    "looks": Curve(
        "w4 with 100 patients, each look may stop the trial",
        (1, 2, 3, 4, 5),
        with_looks,
        2048,
    ),
}


def peak() -> float:
    """Return the most memory that this process has taken, in MB."""
    lines = Path("/proc/self/status").read_text("utf-8").splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))


def main(name: str, size: int) -> None:
    """Run one point, and print what memory it took."""
    curve = CURVES[name]
    simulate(curve.scenario(size), curve.replicates(size), 1, workers=1).summary.dict()
    print(f"{peak():.0f}")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
