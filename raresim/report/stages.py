"""The stages of an estimand, in words."""

from __future__ import annotations

from raresim.report.assumption import need_words
from raresim.report.published import units
from raresim.report.words import number
from raresim.trial.cut.stage_table import given_in
from raresim.trial.grammar.estimand import Estimand
from raresim.trial.grammar.stage import Stage, StagePrior
from raresim.trial.scenario import Scenario


def compared_in_stages(scenario: Scenario, estimand: Estimand) -> str:
    """Return which treatments are compared, in which arms they are."""
    stages = estimand.stages
    control = [given_in(scenario, 0, stages, number) for number in range(2)]
    if estimand.treatment:
        against = estimand.against or control[0]
        return f"{estimand.treatment} against {against}, each as the first treatment of its arms"
    return f"in each stage what other arms get against {', then '.join(control)}"


def stage_rows(scenario: Scenario, estimand: Estimand) -> list[tuple[str, str]]:
    """Return a row for each stage, and one for the weight of the first."""
    known = units(scenario.model.spec)
    rows = [
        (f"Stage {place}", _stage(stage, known)) for place, stage in enumerate(estimand.stages, 1)
    ]
    if estimand.weight is not None:
        rows.append(("Weight", f"{number(estimand.weight)} of the first stage"))
    return rows


def _stage(stage: Stage, known: dict[str, str]) -> str:
    since = f"week {stage.since}" if stage.since else "randomisation"
    found = f"read in week {stage.week}, compared with {since}"
    if stage.line is None:
        return found
    word = "only if" if stage.unless is None else "unless"
    return f"{found}; of those on the control's treatment {word} {need_words(stage.line, known)}"


def prior_words(prior: StagePrior) -> str:
    """Return a prior as words.

    >>> prior_words(StagePrior(rates=[1, 1], responders=3, why="flat"))
    'prior: rates beta(1, 1), factor of non-responders beta(1, 1), of responders Pareto(3) (flat)'
    """
    rates, others = (
        ", ".join(number(value) for value in pair) for pair in (prior.rates, prior.non_responders)
    )
    last = number(prior.responders)
    return (
        f"prior: rates beta({rates}), factor of non-responders beta({others}), of responders "
        f"Pareto({last}) ({prior.why})"
    )
