"""Back-tests: trials that really happened, foretold from other evidence and then scored.

A scenario with a `published` block is simulated from evidence that holds nothing of that trial;
then its published numbers are held against the prediction, never before. Scores: inside the 50, 80
and 95 % prediction intervals; width of the 80 % interval over that of the published sampling
interval (2 x 1.2816 standard errors); continuous ranked probability score, beside that of a naive
predictor that takes an earlier report as it stands; probability integral transform.
Source of the scores: Gneiting & Raftery, Strictly proper scoring rules, prediction, and estimation,
Journal of the American Statistical Association 2007;102:359-378.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from raresim import __version__
from raresim.disease.uncertain import statements
from raresim.errors import InputError, Problem
from raresim.study import montecarlo
from raresim.study.montecarlo import Figure
from raresim.study.run import Run, simulate
from raresim.study.tasks import Progress
from raresim.trial.engine import Choice
from raresim.trial.grammar.published import (
    AnyResult,
    ChangeResult,
    EffectResult,
    Published,
    scored,
)
from raresim.trial.scenario import Scenario

Floats = npt.NDArray[np.float64]
COVERAGES = (50, 80, 95)
Z80 = 1.2815515655446004


@dataclass(frozen=True)
class Prediction:
    """What is foretold of one number, before anybody looks at what was published.

    `intervals` holds the ends of the central 50, 80 and 95 % prediction intervals.
    """

    what: str
    mean: Figure
    intervals: dict[str, tuple[float, float]]
    values: Floats

    def dict(self) -> dict[str, Any]:
        """Return plain data, ready for JSON; the replicates' values stay out."""
        return {"what": self.what, "mean": self.mean.dict(), "intervals": self.intervals}


@dataclass(frozen=True)
class Score:
    """One published number against its prediction.

    `width_ratio` is the prediction's 80 % width over the published number's; `crps_naive` is None
    where no naive predictor was stated.
    """

    prediction: Prediction
    published: float
    standard_error: float
    inside: dict[str, bool]
    width_ratio: float
    crps: float
    crps_naive: float | None
    pit: float

    def dict(self) -> dict[str, Any]:
        """Return plain data, ready for JSON."""
        found = {k: v for k, v in asdict(self).items() if k != "prediction"}
        return found | {"prediction": self.prediction.dict()}


@dataclass(frozen=True)
class Foretold:
    """What is foretold of a trial: the run, and a prediction for each published number."""

    trial: str
    run: Run
    predictions: tuple[Prediction, ...]

    def record(self, scenario: Scenario) -> dict[str, Any]:
        """Return what is written down before the comparison: version, seed, intervals."""
        settings = self.run.settings
        return {
            "trial": self.trial,
            "raresim": __version__,
            "model": f"{scenario.model.stem} {scenario.model.spec.version}",
            "seed": settings.seed,
            "replicates": settings.replicates,
            "predictions": [prediction.dict() for prediction in self.predictions],
        }


@dataclass(frozen=True)
class Backtest:
    """A trial that really happened, foretold and scored."""

    trial: str
    scores: tuple[Score, ...]

    def dict(self) -> dict[str, Any]:
        """Return plain data, ready for JSON."""
        return {"trial": self.trial, "scores": [score.dict() for score in self.scores]}


def foretell(
    scenario: Scenario,
    replicates: int = 2000,
    seed: int = 1,
    *,
    engine: Choice = "auto",
    workers: int | None = None,
    progress: Progress | None = None,
) -> Foretold:
    """Foretell the numbers of a published trial without reading them.

    Parameters
    ----------
    scenario
        A scenario with a `published` block.
    replicates, seed, engine, workers, progress
        As for `raresim.simulate`.

    Raises
    ------
    InputError
        When the scenario has no `published` block, or a number that goes into the simulation comes
        from a source of that very trial.
    """
    published = independent(scenario)
    run = simulate(scenario, replicates, seed, engine=engine, workers=workers, progress=progress)
    asked = [result.model_copy(update={"evidence": None}) for result in published.results]
    return Foretold(published.trial, run, tuple(predict(run, result) for result in asked))


def compare(scenario: Scenario, foretold: Foretold) -> Backtest:
    """Score what was foretold against what was published."""
    results = independent(scenario).results
    pairs = zip(foretold.predictions, results, strict=True)
    return Backtest(foretold.trial, tuple(score(p, result) for p, result in pairs))


def backtest(scenario: Scenario, replicates: int = 2000, seed: int = 1, **options: Any) -> Backtest:
    """Foretell a published trial and score the prediction; `options` as for `foretell`."""
    return compare(scenario, foretell(scenario, replicates, seed, **options))


def independent(scenario: Scenario) -> Published:
    """Return the published block, having made sure that no input comes from that trial.

    The effect alone may, where the block says that it was set.
    """
    published = scenario.spec.published
    if published is None:
        mend = "add a 'published' block, or name one of scenarios/backtests"
        raise InputError(Problem("is not a back-test", scenario.document.path, mend=mend))
    own = set(published.sources)
    inputs = [(what, s) for what, s, is_read, _ in statements(scenario.model.spec) if is_read]
    if not published.effect_set:
        effects = scenario.spec.truth.hypotheses[scenario.hypotheses[0]]
        inputs += [
            (f"effect of {arm} on {outcome}", stated.statistic)
            for outcome, arms in effects.items()
            for arm, stated in arms.items()
        ]
    used = [what for what, statistic in inputs if own & set(statistic.sources)]
    if used:
        message = f"takes numbers from the trial that it foretells: {', '.join(used)}"
        mend = "take them from other sources, or call it a reproduction"
        raise InputError(Problem(message, scenario.document.path, mend=mend))
    return published


def predict(run: Run, result: AnyResult) -> Prediction:
    """Return the prediction of a published number: what the simulated trials would print."""
    values, draw = _simulated(run, result)
    intervals = {}
    for coverage in COVERAGES:
        tail = (1 - coverage / 100) / 2
        low, high = np.quantile(values, [tail, 1 - tail])
        intervals[str(coverage)] = (float(low), float(high))
    return Prediction(result.what, montecarlo.mean(values, draw), intervals, values)


def _simulated(run: Run, result: AnyResult) -> tuple[Floats, npt.NDArray[np.int64]]:
    """Return the number in each simulated trial that has it, and the trial's draw."""
    trials = run.trials
    if isinstance(result, EffectResult):
        mine = run.analyses[run.analyses["estimand"] == result.effect]
        found = mine.groupby("replicate").last()  # analyses are in the order of their cuts
    elif isinstance(result, ChangeResult):
        found = trials.assign(estimate=trials[result.column])
    else:
        events = trials[f"{result.arm}.{result.share_with}.patients"]
        found = trials.assign(estimate=events / trials[f"{result.arm}.patients"])
    found = found[np.isfinite(found["estimate"])]
    if found.empty:
        message = f"no simulated trial has a number for {result.what!r}"
        raise InputError(Problem(message, mend="check eligibility, visits and follow-up"))
    return found["estimate"].to_numpy(float), found["draw"].to_numpy()


def score(prediction: Prediction, result: AnyResult) -> Score:
    """Hold a prediction against what was published."""
    published, error = scored(result.evidence)
    assert error is not None
    low, high = prediction.intervals["80"]
    values, naive = prediction.values, None
    if result.naive is not None:
        centre, spread = scored(result.naive)
        assert spread is not None
        levels = (np.arange(2000) + 0.5) / 2000
        naive = crps(centre + spread * ndtri(levels), published)
    return Score(
        prediction,
        published,
        error,
        {k: bool(a <= published <= b) for k, (a, b) in prediction.intervals.items()},
        (high - low) / (2 * Z80 * error),
        crps(values, published),
        naive,
        float(np.mean(values < published) + 0.5 * np.mean(values == published)),
    )


def crps(values: Floats, observed: float) -> float:
    """Return the continuous ranked probability score of a sample: E|X - y| - E|X - X'| / 2.

    >>> crps(np.array([0.0, 1.0]), 0.0)
    0.25
    """
    ordered = np.sort(values)
    count = len(ordered)
    weights = 2 * np.arange(count) - count + 1
    spread = 2 * float(np.sum(weights * ordered)) / count**2
    return float(np.mean(np.abs(ordered - observed))) - 0.5 * spread
