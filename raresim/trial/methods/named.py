"""Methods by the names that scenario files use: what each analyses, what it reads, what it takes.

A method is run on the analysis table of its kind of variable (`cut`), once for a whole batch.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt

from raresim.alike import alike
from raresim.analysis import batch
from raresim.analysis.external import batch as external
from raresim.analysis.survival import FlemingHarrington
from raresim.evidence.statistics import Floats
from raresim.files.schema import Spec
from raresim.trial.cut.tables import ChangeTable, CountTable, PeriodTable, SurvivalTable
from raresim.trial.grammar.analysis import MethodSpec
from raresim.trial.grammar.prior import BasketPrior, BetaPrior, GammaPrior
from raresim.trial.methods import posterior
from raresim.trial.methods.borrowing import borrowed
from raresim.trial.methods.stages import bayesian_joint_stage, joint_stage, spcd

CHANGES = ("change", "percent", "log")
"""First words of variables that compare a reading with that at baseline."""


class Answer(Protocol):
    """What every method answers, arrays (replicates,); some have an estimate with its limits."""

    @property
    def statistic(self) -> Floats:
        """What the test compares."""
        ...

    @property
    def converged(self) -> npt.NDArray[np.bool_]:
        """Whether there is an answer."""
        ...

    @property
    def used(self) -> npt.NDArray[np.int64]:
        """Patients in the analysis."""
        ...

    @property
    def notes(self) -> npt.NDArray[np.int64]:
        """Flags of `raresim.analysis.Note`."""
        ...

    def p_one_sided(self, side: Literal["less", "greater"]) -> Floats:
        """Return the p-value against "the treated are not less (or not greater)"."""
        ...


def part(answer: Answer, name: str) -> Floats:
    """Return a part of an answer that not every method has (estimate, se, df, limits), else NaN."""
    found = getattr(answer, name, None)
    return np.full(answer.converged.shape, np.nan) if found is None else np.asarray(found)


@dataclass(frozen=True)
class Method:
    """How files may use a method.

    Parameters
    ----------
    fits
        Kinds of variable that it analyses, see `Estimand.kind`.
    run
        Analyses a table of that kind.
    takes
        Keys of a method in a file that it reads, beside those that all have.
    repeated
        Whether it reads the changes at all visits up to the estimand's.
    estimates
        Whether it has an estimate of its own of what the estimand's summary asks.
    one_arm
        Whether it holds one arm against a goal, and compares no arms.
    takes_period
        Whether it can adjust for the period of recruitment.
    prior
        The prior of a Bayesian method: it decides by a posterior probability, and not by a level.
    needs
        Keys of a method in a file without which it can do nothing.
    """

    fits: tuple[str, ...]
    run: Callable[[Any, MethodSpec], Answer]
    takes: tuple[str, ...] = ()
    repeated: bool = False
    estimates: bool = True
    one_arm: bool = False
    takes_period: bool = False
    prior: type[Spec] | None = None

    @property
    def bayesian(self) -> bool:
        """Whether it decides by a posterior probability."""
        return self.prior is not None

    needs: tuple[str, ...] = ()


def _times(table: SurvivalTable) -> tuple[Any, Any, Any, Any, Any]:
    stratum = None if alike(table.who.stratum) else table.who.stratum
    return table.time, table.event, table.who.arm, table.who.present, stratum


def _counts(table: CountTable) -> tuple[Any, Any, Any, Any]:
    return table.count, table.exposure, table.who.arm, table.who.present


def _andersen_gill(table: CountTable, method: MethodSpec) -> Answer:
    who = table.who
    return batch.andersen_gill(table.event_times, table.follow_up, who.arm, who.present)


def _values(table: ChangeTable) -> tuple[Any, Any, Any]:
    return table.change, table.who.arm, table.who.present


def _adjusted(table: ChangeTable) -> tuple[Any, Any, Any, Any]:
    return table.change, table.covariates, table.who.arm, table.who.present


def _ancova(table: ChangeTable, method: MethodSpec) -> Answer:
    return batch.ancova(*_adjusted(table), factors=table.factors)


def _alike(table: ChangeTable) -> tuple[Any, Any, Any, Any]:
    """Return what the comparisons with weights or matched sets read; nobody's arm is 2."""
    return table.change, table.covariates, table.who.arm.astype(np.int64), table.who.present


def _propensity(table: ChangeTable, method: MethodSpec) -> Answer:
    return external.propensity_weighted(*_alike(table))


def _matched(table: ChangeTable, method: MethodSpec) -> Answer:
    return external.propensity_matched(*_alike(table))


def _balanced(table: ChangeTable, method: MethodSpec) -> Answer:
    return external.entropy_balanced(*_alike(table))


def _weighted(table: SurvivalTable, method: MethodSpec) -> Answer:
    weight = method.weight
    assert weight is not None  # the references were checked
    return batch.logrank(*_times(table), FlemingHarrington(weight.rho, weight.gamma))


def _max_combo(table: SurvivalTable, method: MethodSpec) -> Answer:
    return batch.max_combo(*_times(table), alternative="less")


def _rank_sum(table: ChangeTable, method: MethodSpec) -> Answer:
    """Return Wilcoxon's test, within strata where there are any (van Elteren)."""
    if method.strata:
        return batch.van_elteren(*_values(table), table.who.stratum)
    return batch.wilcoxon(*_values(table))


def _mmrm(table: ChangeTable, method: MethodSpec) -> Answer:
    """Return the difference at the estimand's visit; covariates have a coefficient for each."""
    outcome = np.concatenate([table.earlier, table.change[..., None]], axis=-1)
    chosen: dict[str, Any] = {}
    if method.covariance is not None:
        chosen["covariance"] = STRUCTURES[method.covariance]
    return batch.mmrm(
        outcome,
        table.covariates,
        table.who.arm,
        table.who.present,
        df=method.df or "satterthwaite",
        **chosen,
    )


def _periods(table: PeriodTable) -> tuple[Any, Any, Any]:
    return table.outcome, table.treatment, table.who.present


def _crossover_anova(table: PeriodTable, method: MethodSpec) -> Answer:
    return batch.crossover_anova(*_periods(table), carry_over=method.carry_over)


def _conditional_poisson(table: PeriodTable, method: MethodSpec) -> Answer:
    who = table.who
    return batch.conditional_poisson(table.outcome, table.exposure, table.treatment, who.present)


def _goal(method: MethodSpec) -> float:
    assert method.goal is not None  # the references were checked
    return method.goal


def _binomial(table: ChangeTable, method: MethodSpec) -> Answer:
    return batch.binomial_test(table.change, table.who.present, goal=_goal(method))


def _poisson(table: CountTable, method: MethodSpec) -> Answer:
    return batch.poisson_test(table.count, table.exposure, table.who.present, goal=_goal(method))


def _mean(table: ChangeTable, method: MethodSpec) -> Answer:
    return batch.one_sample_t(table.change, table.who.present, goal=_goal(method))


STRUCTURES = {
    "unstructured": "us",
    "heterogeneous toeplitz": "toeph",
    "toeplitz": "toep",
    "heterogeneous ar1": "ar1h",
    "ar1": "ar1",
    "heterogeneous compound symmetry": "csh",
    "compound symmetry": "cs",
    "heterogeneous ante-dependence": "adh",
    "ante-dependence": "ad",
}
"""Covariances by the names that files use, and by those of R's mmrm."""
BORROWING = ("borrowing",)
CONTINUOUS = (*CHANGES, "share")
WEIGHTED = tuple(f"weighted {word}" for word in CONTINUOUS)
SCORES = ("scores in periods",)
BORROWS = ("goal", "prior", "baskets")
METHODS: dict[str, Method] = {
    "logrank": Method(("time",), lambda t, m: batch.logrank(*_times(t)), ("strata",)),
    "fleming-harrington": Method(("time",), _weighted, ("strata", "weight"), estimates=False),
    "max-combo": Method(("time",), _max_combo, ("strata",), estimates=False),
    "cox": Method(("time",), lambda t, m: batch.cox(*_times(t)), ("strata",)),
    "firth cox": Method(("time",), lambda t, m: batch.firth_cox(*_times(t)), ("strata",)),
    "negative binomial": Method(("events",), lambda t, m: batch.negative_binomial(*_counts(t))),
    "poisson": Method(("events",), lambda t, m: batch.poisson_regression(*_counts(t))),
    "quasi-poisson": Method(("events",), lambda t, m: batch.quasi_poisson_regression(*_counts(t))),
    "andersen-gill": Method(("events",), _andersen_gill),
    "ancova": Method(CONTINUOUS, _ancova, ("adjust_for",), takes_period=True),
    "mmrm": Method(CHANGES, _mmrm, ("adjust_for", "covariance", "df"), repeated=True),
    "t": Method(CHANGES, lambda t, m: batch.two_sample_t(*_values(t))),
    "wilcoxon": Method(CHANGES, _rank_sum, ("strata",), estimates=False),
    "rank ancova": Method(
        CHANGES, lambda t, m: batch.rank_ancova(*_adjusted(t)), ("adjust_for",), estimates=False
    ),
    "fisher": Method(("share",), lambda t, m: batch.fisher_exact(*_values(t)), estimates=False),
    "boschloo": Method(("share",), lambda t, m: batch.boschloo(*_values(t)), estimates=False),
    "miettinen-nurminen": Method(("share",), lambda t, m: batch.miettinen_nurminen(*_values(t))),
    "cochran-mantel-haenszel": Method(
        ("share",),
        lambda t, m: batch.cochran_mantel_haenszel(*_values(t), t.who.stratum),
        ("strata",),
        estimates=False,
    ),
    "propensity weighting": Method(CONTINUOUS, _propensity, ("adjust_for",), needs=("adjust_for",)),
    "propensity matching": Method(CONTINUOUS, _matched, ("adjust_for",), needs=("adjust_for",)),
    "entropy balancing": Method(CONTINUOUS, _balanced, ("adjust_for",), needs=("adjust_for",)),
    "power prior": Method(CHANGES, borrowed, BORROWING, needs=BORROWING),
    "robust mixture prior": Method(CHANGES, borrowed, BORROWING, needs=BORROWING),
    "self-adapting prior": Method(CHANGES, borrowed, BORROWING, needs=BORROWING),
    "exact binomial": Method(("share",), _binomial, ("goal", "responders_above"), one_arm=True),
    "exact poisson": Method(("events",), _poisson, ("goal",), one_arm=True),
    "one-sample t": Method(CHANGES, _mean, ("goal",), one_arm=True),
    "spcd": Method(WEIGHTED, spcd, ("variance",)),
    "joint stage": Method(("first-stage share",), joint_stage, ("linkage",)),
    "bayesian joint stage": Method(
        ("first-stage share",), bayesian_joint_stage, ("linkage", "prior")
    ),
    "crossover anova": Method(SCORES, _crossover_anova, ("carry_over",)),
    "paired t": Method(SCORES, lambda t, m: batch.crossover_t(*_periods(t))),
    "signed rank": Method(
        SCORES, lambda t, m: batch.crossover_signed_rank(*_periods(t)), estimates=False
    ),
    "conditional poisson": Method(("counts in periods",), _conditional_poisson),
    "beta-binomial": Method(
        ("share",), posterior.beta_binomial, ("goal", "prior"), one_arm=True, prior=BetaPrior
    ),
    "gamma-poisson": Method(
        ("events",), posterior.gamma_poisson, ("goal", "prior"), one_arm=True, prior=GammaPrior
    ),
    "basket exchangeability": Method(
        ("share",), posterior.baskets, BORROWS, one_arm=True, prior=BetaPrior
    ),
    "basket hierarchical": Method(
        ("share",), posterior.baskets, BORROWS, one_arm=True, prior=BasketPrior
    ),
}
"""Methods by name; in all of them the control, if there is one, is arm 0."""
OPTIONS = tuple(dict.fromkeys(key for method in METHODS.values() for key in method.takes))
"""Keys of a method in a file that only some methods read."""


def repeated(method: MethodSpec) -> bool:
    """Whether a method's test or estimate reads the changes at all visits."""
    return any(METHODS[name].repeated for name in (method.test, method.estimate) if name)


def fitting(kind: str, *, controlled: bool = True) -> list[str]:
    """Return the methods that analyse a kind of variable, of two arms or of one."""
    found = [(name, method) for name, method in METHODS.items() if kind in method.fits]
    return [name for name, method in found if method.one_arm != controlled]
