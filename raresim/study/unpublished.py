"""How far what nobody published moves the answer: one interval at a time, same patients."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from raresim.disease.parameters import gaps
from raresim.study import montecarlo
from raresim.study.montecarlo import Figure
from raresim.study.run import Run, simulate
from raresim.study.summary import successes
from raresim.trial.scenario import Scenario


@dataclass(frozen=True)
class Swing:
    """One unpublished number: how far the success rate moves at the ends of its interval.

    `lower` and `upper` are paired differences from the centre: the same luck serves all runs.
    """

    what: str
    interval: str
    why: str
    lower: Figure
    upper: Figure

    @property
    def size(self) -> float:
        """The larger of the two moves."""
        return max(abs(self.lower.value or 0.0), abs(self.upper.value or 0.0))

    def dict(self) -> dict[str, Any]:
        """Return plain data, ready for JSON."""
        return asdict(self)


def swings(
    scenario: Scenario,
    replicates: int = 2000,
    seed: int = 1,
    *,
    told: Callable[[str], None] | None = None,
    **options: Any,
) -> tuple[Run, list[Swing]]:
    """Return the run at the centres, and how far each interval's ends move its success rate.

    Parameters
    ----------
    scenario, replicates, seed
        As for `simulate`.
    told
        Called with the name of each interval before it is run.
    options
        Passed on to `simulate` (hypothesis, engine, workers).

    Examples
    --------
    >>> from raresim.trial import load_scenario
    >>> run, found = swings(load_scenario("friedreich-48-weeks"), 64, workers=1)
    >>> len(found)
    5
    """
    centre = simulate(scenario, replicates, seed, **options)
    hits = successes(scenario, centre.trials, centre.analyses).astype(float)
    clusters = centre.trials["draw"].to_numpy()
    found = []
    for what, interval, why in gaps(scenario.model.spec):
        if told is not None:
            told(what)
        moves = []
        for side in ("lower", "upper"):
            run = simulate(scenario, replicates, seed, place=f"{side}: {what}", **options)
            there = successes(scenario, run.trials, run.analyses).astype(float)
            moves.append(montecarlo.mean(there - hits, clusters))
        found.append(Swing(what, interval.text(), why, moves[0], moves[1]))
    return centre, sorted(found, key=lambda swing: -swing.size)
