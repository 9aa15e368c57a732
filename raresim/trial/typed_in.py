"""Checks on what was typed in: printed numbers of models and scenarios that cannot all be true.

A finding is no fault of the file: the paper may say so. It is told, with its arithmetic, whenever a
file is validated. Rounding is allowed for; numbers that somebody derived are left alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from raresim.disease import DiseaseModel
from raresim.disease.score_block import Longitudinal
from raresim.disease.uncertain import statements
from raresim.disease.variable_block import Number
from raresim.evidence import Difference, Mean, Ratio, Share, Statistic
from raresim.evidence.plausible import Finding, interval, sd_bounds, share_of
from raresim.evidence.pooled import Pooled, spelt_out
from raresim.trial.fate.effects import effect_of
from raresim.trial.scenario import Scenario

Bounds = tuple[float, float] | None


def findings(what: DiseaseModel | Scenario) -> list[tuple[str, Finding]]:
    """Return what does not fit in a model or a scenario: (where, finding).

    Examples
    --------
    >>> from raresim.disease import load_model
    >>> findings(load_model("friedreich-ataxia"))
    []
    """
    printed = _of_model(what) if isinstance(what, DiseaseModel) else _of_scenario(what)
    return [
        (where, finding)
        for what_for, stated, bounds in printed
        for where, statistic in spelt_out(what_for, stated)
        if not (statistic.derived or isinstance(statistic, Pooled))
        for finding in check(statistic, bounds)
    ]


def check(statistic: Statistic, bounds: Bounds = None) -> list[Finding]:
    """Return what does not fit in one printed statistic.

    >>> [finding.found for finding in check(Share(share=0.39, n=80, count=21))]
    ['21 of 80 printed as 39 %']
    """
    if isinstance(statistic, Share) and not isinstance(statistic.share, dict):
        if statistic.count is None or statistic.n is None:
            return []
        per_cent = format((Decimal(repr(statistic.share)) * 100).normalize(), "f")
        return share_of(statistic.count, statistic.n, per_cent)
    if isinstance(statistic, Mean) and statistic.sd is not None and (statistic.n or 0) > 1:
        low, high = bounds or (None, None)
        high = None if high is None or high == float("inf") else high
        assert statistic.n is not None
        return sd_bounds(statistic.mean, statistic.sd, statistic.n, low, high)
    if isinstance(statistic, Ratio) and statistic.ci is not None:
        return interval(statistic.ratio, *statistic.ci, scale="log")
    if isinstance(statistic, Difference) and statistic.ci is not None:
        return interval(statistic.difference, *statistic.ci)
    return []


def _of_model(model: DiseaseModel) -> Iterator[tuple[str, Statistic, Bounds]]:
    spec = model.spec
    ranges: dict[str, Bounds] = {
        n: v.range for n, v in spec.patients.items() if isinstance(v, Number)
    }
    scores = {
        f"{n}: at screening": o for n, o in spec.outcomes.items() if isinstance(o, Longitudinal)
    }
    ranges |= {name: outcome.range for name, outcome in scores.items()}
    for what, statistic, published, _ in statements(spec):
        if published:
            yield what, statistic, ranges.get(what.split(" where ")[0])
    for number, target in enumerate(spec.targets):
        yield f"target {number + 1}", target.evidence, None


def _of_scenario(scenario: Scenario) -> Iterator[tuple[str, Statistic, Bounds]]:
    for name, outcomes in scenario.spec.truth.hypotheses.items():
        for outcome, arms in outcomes.items():
            for arm, stated in arms.items():
                if stated.evidence is not None:
                    yield f"{name}: {effect_of(arm, outcome)}", stated.evidence, None
    for result in scenario.spec.published.results if scenario.spec.published else []:
        yield result.what, result.evidence, None
