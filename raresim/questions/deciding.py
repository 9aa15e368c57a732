"""Go or no-go: how often a design is right, goes for nothing, and misses a drug that works.

Under each hypothesis, the rate of success: where nothing works that is a false go, else what is
left of it is a missed drug. Where the effect can be drawn from its published interval, also the two
together, over all that is uncertain in print: a drug is *worth having* in the draws in which the
true value of what decides is better than nothing, or than what is asked for.

    P(false go) = P(success and not worth having)    P(missed) = P(no success and worth having)

Sources: O'Hagan, Stevens & Campbell, Pharmaceutical Statistics 2005;4:187-201 (assurance); Frewer,
Mitchell, Watkins & Matcham, Pharmaceutical Statistics 2016;15:255-263 (go and no-go decisions).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from raresim.errors import InputError
from raresim.questions import answer
from raresim.questions.bench import Bench, Design, Numbers, pieces, true_pieces
from raresim.questions.characteristics import of_each
from raresim.study import montecarlo
from raresim.study.columns import ArrayTable, spelled
from raresim.study.design_analysis import truth_by_replicate
from raresim.study.montecarlo import Figure
from raresim.study.summary import RATIOS
from raresim.study.tasks import Progress, check_size
from raresim.study.unfinished import Unfinished
from raresim.trial.engine import Choice
from raresim.trial.scenario import Scenario

NAME = "decision"
Booleans = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Outcome:
    """A hypothesis: whether nothing works under it, and how often the design says go."""

    hypothesis: str
    is_null: bool
    go: Figure
    wrong: Figure


@dataclass(frozen=True)
class Drawn:
    """A design where all is drawn that is uncertain; shares of all trials, but for the last two.

    Attributes
    ----------
    hypothesis
        Whose effect is drawn.
    worth_having
        How often the drug is.
    right_go, false_go, missed, right_stop
        What becomes of it.
    worth_if_go, worth_if_not
        How often the drug is worth having where the design says go, and where it does not.
    """

    hypothesis: str
    worth_having: Figure
    right_go: Figure
    false_go: Figure
    missed: Figure
    right_stop: Figure
    worth_if_go: Figure
    worth_if_not: Figure


@dataclass(frozen=True)
class Decision:
    """How often a design decides rightly.

    Attributes
    ----------
    scenario, replicates, seed
        What was run, under each hypothesis.
    decides
        The estimand that makes a trial a success.
    worth
        From which true value on a drug is worth having; None for any benefit.
    outcomes
        One for each hypothesis, in the order of the file.
    drawn
        With all drawn; None where the effect of no hypothesis has a published interval.
    command
        What makes this answer again.
    """

    scenario: str
    replicates: int
    seed: int
    decides: str
    worth: float | None
    outcomes: tuple[Outcome, ...]
    drawn: Drawn | None
    command: str

    def dict(self) -> dict[str, Any]:
        """Return plain data, ready for JSON."""
        return asdict(self)

    @property
    def table(self) -> ArrayTable:
        """A row for each hypothesis."""
        each = self.outcomes
        return ArrayTable(
            {
                "hypothesis": spelled([one.hypothesis for one in each]),
                "is_null": np.array([one.is_null for one in each]),
                "go": np.array([one.go.value for one in each], np.float64),
                "go_mcse": np.array([one.go.mcse for one in each], np.float64),
                "wrong": np.array([one.wrong.value for one in each], np.float64),
            }
        )


def decide(
    scenario: Scenario,
    replicates: int = 4096,
    seed: int = 1,
    *,
    worth: float | None = None,
    engine: Choice = "auto",
    workers: int | None = None,
    folder: Path | None = None,
    resume: bool = False,
    picture: Callable[[Decision], str] | None = None,
    progress: Progress | None = None,
) -> Decision:
    """Say how often a design goes for nothing and misses a drug, hypothesis by hypothesis.

    Parameters
    ----------
    scenario
        The design; a success is a go.
    replicates
        Trials under each hypothesis, and with all drawn.
    worth
        The true value from which on a drug is worth having, on the scale of what decides (a hazard
        ratio of 0.7, a difference of 3 points); any benefit if not given.
    seed, engine, workers
        As for `raresim.simulate`.
    folder, resume, picture, progress
        As for `raresim.sweep`.

    Raises
    ------
    InputError
        When an argument makes no sense.

    Examples
    --------
    >>> from raresim.trial import load_scenario
    >>> found = decide(load_scenario("friedreich-48-weeks"), 64, workers=1)
    >>> [outcome.is_null for outcome in found.outcomes]
    [False, True]
    """
    check_size(replicates, seed)
    _check_worth(scenario, worth)
    settings = {"replicates": replicates, "seed": seed, "worth": worth}
    asked = answer.Asked(NAME, {scenario.stem: scenario}, settings)
    designs = [Design(name, scenario, name) for name in scenario.hypotheses]
    drawn = _all_drawn(scenario)

    def find(work: Unfinished) -> Decision:
        bench = Bench(work, engine, workers, progress)
        whole = [*designs, *([drawn] if drawn else [])]
        bench.expected = replicates * len(whole)
        bench.run([piece for design in whole for piece in pieces(design, seed, replicates)])
        outcomes = [
            _outcome(scenario, design, bench.numbers(pieces(design, seed, replicates)))
            for design in designs
        ]
        return Decision(
            scenario=scenario.stem,
            replicates=replicates,
            seed=seed,
            decides=scenario.spec.analysis.primary,
            worth=worth,
            outcomes=tuple(outcomes),
            drawn=None if drawn is None else _drawn(drawn, bench, replicates, seed, worth),
            command=answer.command("decide", [scenario], settings),
        )

    return answer.given(asked, Decision, find, folder, picture, resume=resume)


def _check_worth(scenario: Scenario, worth: float | None) -> None:
    estimand = scenario.spec.analysis.estimands[scenario.spec.analysis.primary]
    if worth is not None and estimand.summary in RATIOS and worth <= 0:
        raise InputError(f"worth: expected a {estimand.summary} above 0, got {worth}")


def _all_drawn(scenario: Scenario) -> Design | None:
    """Return the design with all drawn, under the first hypothesis whose effect can be."""
    for name in scenario.hypotheses:
        if not scenario.is_null(name) and scenario.uncertain(name)["effect"]:
            there = scenario.at({"truth.uncertainty": "all"})
            return Design(f"{name}, drawn", there, name)
    return None


def _outcome(scenario: Scenario, design: Design, numbers: Numbers) -> Outcome:
    success, clusters = of_each(numbers, "success"), numbers["draw"]
    nothing = scenario.is_null(design.hypothesis)
    go = montecarlo.proportion(success, clusters)
    wrong = go if nothing else montecarlo.proportion(1 - success, clusters)
    return Outcome(design.hypothesis, nothing, go, wrong)


def _drawn(design: Design, bench: Bench, replicates: int, seed: int, worth: float | None) -> Drawn:
    numbers = bench.numbers(pieces(design, seed, replicates))
    truth = bench.numbers(true_pieces(design, seed, replicates))
    clusters = numbers["draw"]
    has = _worth_having(design.scenario, truth, clusters, worth)
    go = numbers["success"].astype(bool)

    def share(holds: Booleans) -> Figure:
        return montecarlo.proportion(holds, clusters)

    return Drawn(
        hypothesis=design.hypothesis,
        worth_having=share(has),
        right_go=share(go & has),
        false_go=share(go & ~has),
        missed=share(~go & has),
        right_stop=share(~go & ~has),
        worth_if_go=montecarlo.proportion(np.where(go, has, np.nan), clusters),
        worth_if_not=montecarlo.proportion(np.where(go, np.nan, has), clusters),
    )


def _worth_having(
    scenario: Scenario, truth: Numbers, clusters: npt.NDArray[np.int64], worth: float | None
) -> Booleans:
    """Return in which trials the true value of what decides is better than what is asked for."""
    name = scenario.spec.analysis.primary
    estimand = scenario.spec.analysis.estimands[name]
    least = scenario.goal(name)
    if worth is not None:
        least = float(np.log(worth)) if estimand.summary in RATIOS else worth
    apart = truth_by_replicate(scenario, truth[name], clusters) - least
    less = scenario.better(estimand.outcome) == "less"
    return np.asarray(apart < 0 if less else apart > 0)
