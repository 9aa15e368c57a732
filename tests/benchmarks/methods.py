"""How long does one fit of a heavy method take? Beside what was asked; never a test.

    python tests/benchmarks/methods.py [rounds]

CPU microseconds a trial on one core, by raresim's own methods on a batch of trials that is made
beforehand; medians of rounds in which the methods and the trial by hand of `baseline.py` (where
numba is installed) take turns. What was asked is meant for a quiet machine on which the trial by
hand takes about 27 microseconds.
"""

from __future__ import annotations

import importlib.util
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

sys.path.insert(0, str(Path(__file__).parents[2]))

from raresim.analysis.batch import Level, max_combo, mmrm, win_statistics
from raresim.analysis.rerandomisation import Procedure
from raresim.analysis.rerandomisation.assignment import rerandomised_arms
from raresim.analysis.rerandomisation.batch import rerandomised_scores
from raresim.randomisation import Minimisation
from raresim.streams import Luck

BY_HAND = 27.0
"""Microseconds of the trial by hand on the machine for which the times were asked."""
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Race:
    """A method on a batch of trials, and the microseconds a trial that were asked."""

    name: str
    asked: float
    trials: int
    work: Callable[[], object]


def turns(trials: int, patients: int) -> npt.NDArray[np.int64]:
    """Return two arms in turn, (trials, patients)."""
    return np.tile(np.arange(patients) & 1, (trials, 1))


def survival() -> Race:
    """Return MaxCombo after 350 events of 500 patients: a late effect, as in the trial by hand."""
    patients, events, luck = 500, 350, Luck(1, 0)
    arm = turns(luck.replicates, patients)
    enrolled = np.sort(luck.uniform("enrolment", patients) * 14, axis=1)
    x = -np.log(luck.uniform("event", patients))
    dropout = -np.log(luck.uniform("dropout", patients)) / 0.001
    early, late = np.where(arm, 0.9, 1) * np.log(2) / 9, np.where(arm, 0.6, 1) * np.log(2) / 18
    died = np.where(x < 3 * early, x / early, 3 + (x - 3 * early) / late)
    stop = np.minimum(died, dropout)
    known = np.where(died <= dropout, enrolled + stop, np.inf)
    room = np.partition(known, events - 1, axis=1)[:, events - 1 : events] - enrolled
    event = (died <= dropout) & (stop <= room)
    follow_up = np.maximum(np.minimum(stop, room), 0.0)
    work = partial(max_combo, follow_up, event, arm, room > 0, alternative="less")
    return Race("MaxCombo, 500 patients, 350 events", 150, luck.replicates, work)


def repeated_measures(df: Any, asked: float) -> Race:
    """Return an unstructured MMRM: 5 visits, baseline by visit, visits missed, drop-out."""
    patients, visits, luck = 60, 5, Luck(2, 0)
    trials = luck.replicates

    def normal(point: str, units: int) -> Floats:
        found: Floats = ndtri(luck.uniform(point, units))
        return found

    arm = turns(trials, patients)
    level, slope = normal("level", patients), normal("slope", patients)
    noise = normal("noise", patients * visits).reshape(trials, patients, visits)
    baseline = level + 0.5 * normal("baseline", patients)
    month = np.arange(1, visits + 1)
    course = level[:, :, None] + (0.3 * slope + 0.1 * arm)[:, :, None] * month + 0.7 * noise
    leaves = np.floor(np.log(luck.uniform("leaves", patients)) / np.log(0.95)) + 1
    missed = luck.uniform("missed", patients * visits).reshape(noise.shape) < 0.04
    outcome = np.where(missed | (month >= leaves[:, :, None] + 1), np.nan, course)
    here = np.ones(arm.shape, dtype=bool)
    work = partial(mmrm, outcome, baseline[:, :, None], arm, here, covariance="us", df=df)
    return Race(f"MMRM unstructured, 60 patients, 5 visits, {df}", asked, trials, work)


def prioritised() -> Race:
    """Return the win ratio of death, a score with a margin, and a category in 60 patients."""
    patients, luck = 60, Luck(3, 0)
    arm = turns(luck.replicates, patients)
    follow_up = 6.0 + 18.0 * luck.uniform("enrolment", patients)
    death = -np.log(luck.uniform("death", patients)) * np.where(arm, 45.0, 30.0)
    score = np.round(50.0 + 4.0 * arm + 10.0 * ndtri(luck.uniform("score", patients)))
    category = np.floor(4.0 * luck.uniform("category", patients))
    levels = (
        Level(np.minimum(death, follow_up), death <= follow_up),
        Level(score, margin=5.0),
        Level(category),
    )
    work = partial(win_statistics, levels, arm, np.ones(arm.shape, dtype=bool))
    return Race("win ratio, 60 patients, 3 levels", 15, luck.replicates, work)


def rerandomised(name: str, procedure: Procedure, asked: float, *known: str) -> Race:
    """Return a re-randomisation test of 40 patients by 2,000 draws."""
    patients, trials, draws = 40, 64, 2000
    luck = Luck(4, 0).only(slice(trials))
    score, here = ndtri(luck.uniform("score", patients)), np.ones((trials, patients), dtype=bool)
    sex, site = (np.floor(k * luck.uniform(f"level {k}", patients)).astype(int) for k in (2, 4))
    factors = {"stratum": sex, "level": np.stack([sex, site], axis=2)}
    own: dict[str, Any] = {word: factors[word] for word in known}
    u = luck.uniform("arm", patients)[:, None]
    arm = [
        rerandomised_arms(procedure, u[b], here[b], **{word: own[word][b] for word in known})[:, 0]
        for b in range(trials)
    ]
    uniforms = np.concatenate([Luck(5, block).uniform("draws", patients) for block in (0, 1)])
    columns = (score, np.stack(arm), here, uniforms[:draws])
    work = partial(rerandomised_scores, *columns, procedure=procedure, **own)
    return Race(f"re-randomised 2,000 times, 40 patients, {name}", asked, trials, work)


def races() -> list[Race]:
    """Return all races."""
    blocks, minimised = Procedure(block=4), Procedure(scheme=Minimisation(0.8))
    return [
        survival(),
        repeated_measures("satterthwaite", 400),
        repeated_measures("kenward-roger", 1000),
        prioritised(),
        rerandomised("blocks", blocks, 600),
        rerandomised("blocks in 2 strata", Procedure(block=2), 600, "stratum"),
        rerandomised("minimised by 2 factors", minimised, 3000, "level"),
    ]


def main(rounds: int) -> None:
    """Print a line for each race."""
    todo = races()
    if importlib.util.find_spec("numba") is not None:
        from tests.benchmarks.baseline import BLOCK, block

        hand = Race(
            "log-rank by hand, 500 patients", BY_HAND, BLOCK, partial(block, 1, 0, 500, 350)
        )
        todo.insert(0, hand)
    taken: dict[str, list[float]] = {race.name: [] for race in todo}
    for turn in range(rounds + 1):
        for race in todo:
            began = time.process_time()
            race.work()
            if turn > 0:  # the first one compiles, and fills what is kept
                taken[race.name].append(1e6 * (time.process_time() - began) / race.trials)
    for race in todo:
        print(f"{race.name}: {median(taken[race.name]):.1f} us (asked {race.asked:g})")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
