"""Search: the smallest number with which a design succeeds as often as is asked for.

Trials gather where the rate of success reaches the target: some spread over the range first, then
pairs of values about the estimated crossing (`crossing`), each with luck blocks of its own, so that
values are independent. It ends when the interval of the crossing is as narrow as is asked for, or
when the budget of trials is spent. The design found is then run again on fresh seeds: what the
search saw of it helped to choose it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from raresim.errors import InputError
from raresim.questions import again, answer
from raresim.questions.axes import Axis, interval
from raresim.questions.bench import Bench
from raresim.questions.characteristics import Characteristic, characteristics
from raresim.questions.hunt import LEAST, Hunt
from raresim.study.columns import ArrayTable
from raresim.study.montecarlo import Figure
from raresim.study.tasks import Progress, check_size
from raresim.study.unfinished import Unfinished
from raresim.trial.engine import Choice
from raresim.trial.scenario import Scenario

NAME = "search"


@dataclass(frozen=True)
class Search:
    """The smallest number with which a design meets a target.

    Attributes
    ----------
    scenario, hypothesis, seed
        What was run.
    axis, lowest, highest
        What was moved, and between which numbers.
    what, target
        What is to be met (power or assurance), and how much of it.
    found
        The number: the smallest that meets it, or the largest where the rate falls. None where the
        range holds none.
    low, high
        It lies between these with 95 % confidence; None where the trials do not bound it.
    crossing
        The estimate behind it, before it is rounded.
    tried
        The numbers that were tried, in order, with the rate of success at each.
    characteristics, again
        What the design found does on fresh seeds: the figures to quote.
    again_low, again_high
        The 80 % interval of its rate of success there.
    limits, kept
        What else was asked for, at most, and whether its mean on the fresh seeds keeps to it.
    trials
        How many were run in all.
    remark
        What else must be said of the answer, "" if nothing.
    command
        What makes this answer again.
    """

    scenario: str
    hypothesis: str
    seed: int
    axis: Axis
    lowest: int
    highest: int
    what: str
    target: float
    found: int | None
    low: int | None
    high: int | None
    crossing: float | None
    tried: tuple[tuple[int, Figure], ...]
    characteristics: tuple[Characteristic, ...]
    again: Mapping[str, Figure]
    again_low: float
    again_high: float
    limits: Mapping[str, float]
    kept: Mapping[str, bool]
    trials: int
    remark: str
    command: str

    def dict(self) -> dict[str, Any]:
        """Return plain data, ready for JSON."""
        return asdict(self)

    @property
    def table(self) -> ArrayTable:
        """A row for each number that was tried."""
        rates = [figure for _, figure in self.tried]
        return ArrayTable(
            {
                self.axis.path: np.array([at for at, _ in self.tried], np.int64),
                "success": np.array([figure.value for figure in rates], np.float64),
                "success_mcse": np.array([figure.mcse for figure in rates], np.float64),
                "trials": np.array([figure.replicates for figure in rates], np.int64),
            }
        )


def search(
    scenario: Scenario,
    over: str,
    target: float = 0.8,
    *,
    assurance: bool = False,
    budget: int = 40_960,
    within: float = 0.01,
    limits: Mapping[str, float] | None = None,
    seed: int = 1,
    hypothesis: str | None = None,
    engine: Choice = "auto",
    workers: int | None = None,
    folder: Path | None = None,
    resume: bool = False,
    picture: Callable[[Search], str] | None = None,
    progress: Progress | None = None,
) -> Search:
    """Find the smallest number with which a design succeeds as often as is asked for.

    Parameters
    ----------
    scenario
        The design.
    over
        `PATH=LOWEST..HIGHEST`: the whole number that is looked for, and where. `PATH+OTHER=...`
        moves other numbers in proportion.
    target
        The rate of success that is asked for.
    assurance
        Whether everything is drawn that is uncertain, so that the rate is assurance.
    budget
        Trials at most, those on fresh seeds included.
    within
        Half the width of the interval, as a share of the number, at which to stop before that.
    limits
        Means that the design found is to keep to, such as `{"duration": 36}` (months) or `cost`.
    seed, hypothesis, engine, workers
        As for `raresim.simulate`.
    folder, resume, picture, progress
        As for `raresim.sweep`.

    Raises
    ------
    InputError
        When an argument makes no sense, or there is no such scenario.

    Examples
    --------
    >>> from raresim.trial import load_scenario
    >>> design = load_scenario("friedreich-48-weeks")
    >>> found = search(design, "design.randomise.n=40..160", 0.6, budget=16_384, workers=1)
    >>> 70 <= found.found <= 80
    True
    """
    axis, lowest, highest = interval(over)
    scenario, name = _asked(scenario, target, budget, seed, hypothesis, assurance=assurance)
    told = characteristics([scenario], name)
    ends = dict(limits or {})
    _check_limits(ends, told)
    settings = {"over": asdict(axis), "target": target, "budget": budget, "within": within}
    settings |= {"seed": seed, "hypothesis": name, "limits": ends}
    asked = answer.Asked(NAME, {scenario.stem: scenario}, settings)

    def find(work: Unfinished) -> Search:
        bench = Bench(work, engine, workers, progress)
        bench.expected = budget
        hunt = Hunt(scenario, name, axis, (lowest, highest), target, seed, bench)
        hunt.spread()
        hunt.close_in(budget, within)
        number = hunt.answer()
        fresh = hunt.again(number if number is not None else hunt.best_end(), budget, told)
        ends_80 = again.limits(fresh["success"])
        return Search(
            scenario=scenario.stem,
            hypothesis=name,
            seed=seed,
            axis=axis,
            lowest=lowest,
            highest=highest,
            what="assurance" if assurance else told[0].label,
            target=target,
            found=number,
            low=hunt.bound("low") if number is not None else None,
            high=hunt.bound("high") if number is not None else None,
            crossing=hunt.at.at if hunt.at is not None and number is not None else None,
            tried=tuple((at, hunt.rates[at]) for at in sorted(hunt.rates)),
            characteristics=told,
            again=fresh,
            again_low=ends_80[0],
            again_high=ends_80[1],
            limits=ends,
            kept={key: _keeps(fresh[key], most) for key, most in ends.items()},
            trials=bench.done,
            remark=hunt.remark(number),
            command=_command(scenario, over, settings, assurance=assurance),
        )

    return answer.given(asked, Search, find, folder, picture, resume=resume)


def _asked(
    scenario: Scenario,
    target: float,
    budget: int,
    seed: int,
    hypothesis: str | None,
    *,
    assurance: bool,
) -> tuple[Scenario, str]:
    """Return the scenario as it is run, and its hypothesis, or refuse what makes no sense."""
    if not 0 < target < 1:
        raise InputError(f"target: expected a rate above 0 and below 1, such as 0.8, got {target}")
    check_size(budget, seed)
    if budget < LEAST:
        raise InputError(f"budget: a search needs {LEAST:,} trials at least, got {budget:,}")
    name = scenario.hypothesis(hypothesis)
    if assurance:
        scenario = scenario.at({"truth.uncertainty": "all"})
    return scenario, name


def _check_limits(limits: Mapping[str, float], told: tuple[Characteristic, ...]) -> None:
    known = [each.name for each in told if not each.is_share]
    for key in limits:
        if key not in known:
            raise InputError(f"no limit on {key!r}; this design has {', '.join(known)}")


def _keeps(figure: Figure, most: float) -> bool:
    return figure.value is not None and figure.value <= most


def _command(scenario: Scenario, over: str, settings: Mapping[str, Any], *, assurance: bool) -> str:
    own = {key: settings[key] for key in ("budget", "within", "seed", "hypothesis")}
    limits = tuple(f"{key}={most:g}" for key, most in settings["limits"].items())
    rate = {"assurance" if assurance else "power": settings["target"]}
    return answer.command(NAME, [scenario], {"over": over, **rate, **own, "limit": limits})
