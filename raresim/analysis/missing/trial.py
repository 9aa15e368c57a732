"""One trial with missing outcomes: what is modelled, imputed and then analysed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from raresim.analysis.arrays import BoolArray, CodeArray, FloatArray, IntArray, ordered_sum
from raresim.analysis.continuous.covariance_analysis import ancova
from raresim.analysis.missing.normal_model import NormalFit, repeated_normal
from raresim.analysis.missing.reference import Laws, Strategy, laws
from raresim.analysis.missing.sums import Sums, joined, sums_of
from raresim.analysis.result import Results
from raresim.errors import InputError, Problem

Deaths = Literal["hypothetical", "composite worst", "while alive"]
Covariance = Literal["pooled", "by arm"]


@dataclass(frozen=True)
class Plan:
    """How outcomes are imputed and analysed.

    Parameters
    ----------
    strategy
        "MAR", "J2R", "CIR" or "CR"; see `reference.laws`. The control is the reference.
    covariance
        "pooled", or "by arm" for a covariance matrix of each.
    visit
        Visit that is analysed; -1 is the last.
    delta
        Added to the imputed outcomes of the treated at the visit analysed.
    deaths
        What a death means for the outcome: "hypothetical" (imputed as if the patient had lived),
        "composite worst" (``worst``, from the death on), "while alive" (the outcome at the last
        visit alive). ICH E9(R1) names these strategies.
    worst
        The outcome that stands for death in "composite worst".

    Raises
    ------
    InputError
        If a word is unknown, or ``worst`` is missing or not asked for.
    """

    strategy: Strategy = "MAR"
    covariance: Covariance = "pooled"
    visit: int = -1
    delta: float = 0.0
    deaths: Deaths | None = None
    worst: float | None = None

    def __post_init__(self) -> None:
        if not np.isfinite(self.delta):
            raise InputError(f"delta: found {self.delta}; expected a number.")
        _among("strategy", self.strategy, get_args(Strategy))
        _among("covariance", self.covariance, get_args(Covariance))
        _among("deaths", self.deaths, (None, *get_args(Deaths)))
        if (self.deaths == "composite worst") != (self.worst is not None):
            raise InputError(
                Problem(
                    "must be given for 'composite worst', and only there",
                    field="worst",
                    found=str(self.worst),
                    expected="the outcome that counts as the worst, such as 0",
                )
            )


@dataclass(frozen=True)
class Trial:
    """The patients of one trial who can be analysed, without padding.

    Attributes
    ----------
    outcome
        (n, T) for the analysis: NaN where missing, or after a death.
    modelled
        (n, T) for the model: NaN also from the intercurrent event on.
    design
        (n, q) ones, arm, covariates with mean 0 and SD 1.
    covariate
        (n, p) as they were given.
    arm
        (n,) 0 or 1.
    stop, death
        (n,) first visit affected by the intercurrent event and by death; T where there is none.
    place
        (n,) where the patients stand in the table.
    """

    outcome: FloatArray
    modelled: FloatArray
    design: FloatArray
    covariate: FloatArray
    arm: IntArray
    stop: IntArray
    death: IntArray
    place: IntArray

    def sums(self, weight: FloatArray, plan: Plan) -> Sums:
        """Sum up what the imputation model needs, with the patients' weights (R, n)."""
        group = self.arm if plan.covariance == "by arm" else np.zeros_like(self.arm)
        return sums_of(self.modelled, self.design, weight, group)

    def completed(self, fit: NormalFit, plan: Plan, normal: FloatArray | None = None) -> FloatArray:
        """Fill in what is missing under each fit: (R, n, T).

        By conditional means, or by draws around them with standard normal draws (R, n, T).
        """
        found = np.broadcast_to(self.outcome, (len(fit.converged), *self.outcome.shape)).copy()
        lacking = np.flatnonzero(np.any(np.isnan(self.outcome), axis=1))
        if lacking.size:
            draws = None if normal is None else normal[:, lacking]
            law = self._laws(fit, plan, lacking)
            found[:, lacking] = law.complete(self.outcome[lacking], draws)
        return found

    def _laws(self, fit: NormalFit, plan: Plan, who: IntArray) -> Laws:
        """Give the law of some patients under each fit."""
        as_control = self.design[who]
        as_control[:, 1] = 0.0
        own, control = (_means(z, fit.coefficient) for z in (self.design[who], as_control))
        sigma = np.where(fit.converged[:, None, None, None], fit.covariance, np.eye(self.visits))
        arm = self.arm[who]
        group = arm if plan.covariance == "by arm" else np.zeros_like(arm)
        return laws(
            own,
            control,
            sigma[:, group],
            sigma[:, np.zeros_like(group)],
            ~np.isnan(self.outcome[who]),
            np.where(arm == 1, self.stop[who], self.visits),
            plan.strategy,
        )

    @property
    def visits(self) -> int:
        """Number of visits."""
        return int(self.outcome.shape[1])

    def analysed(self, completed: FloatArray, plan: Plan, delta: float) -> FloatArray:
        """Take what is analysed from completed outcomes (..., n, T): (..., n)."""
        visit = plan.visit % self.visits
        moved = np.where(np.isnan(self.outcome) & (self.arm == 1)[:, None], delta, 0.0)
        shifted = completed + moved
        if plan.deaths == "while alive":
            last = np.minimum(visit, self.death - 1)
            found = shifted[..., np.arange(len(last)), np.maximum(last, 0)]
            return np.where(last >= 0, found, np.nan)
        found = shifted[..., visit]
        if plan.deaths == "composite worst":
            assert plan.worst is not None
            found = np.where(self.death <= visit, plan.worst, found)
        return np.asarray(found)

    def compared(self, values: FloatArray, kept: BoolArray) -> Results:
        """Compare the arms (R, n) by analysis of covariance, of the patients kept (R, n)."""
        rows = len(values)
        return ancova(
            values,
            np.broadcast_to(self.covariate, (rows, *self.covariate.shape)),
            np.broadcast_to(self.arm, (rows, len(self.arm))),
            kept,
        )


def fitted(
    group: Sequence[Trial],
    weights: Sequence[FloatArray],
    plan: Plan,
    starts: Sequence[FloatArray] | None = None,
) -> list[NormalFit]:
    """Fit the imputation model to each trial with its patients' weights (R, n), all at once."""
    sums = joined([trial.sums(w, plan) for trial, w in zip(group, weights, strict=True)])
    whole = repeated_normal(sums, None if starts is None else np.concatenate(starts))
    ends = np.cumsum([len(w) for w in weights])
    return [whole.part(end - len(w), end) for end, w in zip(ends, weights, strict=True)]


def trials(
    outcome: FloatArray,
    baseline: FloatArray,
    arm: CodeArray,
    present: BoolArray,
    stop: IntArray | None,
    death: IntArray | None,
    plan: Plan,
) -> Iterator[Trial]:
    """Yield each row's trial, without patients who lack a covariate.

    Raises
    ------
    InputError
        If somebody died and the plan does not say what a death means.
    """
    visits = outcome.shape[2]
    none = np.full(arm.shape, visits, dtype=np.int64)
    death = none if death is None else np.clip(np.where(present, death, visits), 0, visits)
    if plan.deaths is None and np.any(death < visits):
        raise InputError(
            Problem(
                "patients died, and imputation would run on through their deaths",
                field="deaths",
                found=f"{int(np.count_nonzero(death < visits))} deaths and no strategy",
                expected="'hypothetical', 'composite worst' or 'while alive'",
                mend="say what a death means for the estimand (ICH E9(R1))",
            )
        )
    alive = np.arange(visits) < death[:, :, None]
    known = np.where(alive & present[:, :, None], outcome, np.nan)
    first_lost = _after_last(known)
    stop = np.minimum(first_lost if stop is None else np.clip(stop, 0, visits), none)
    used = present & ~np.any(np.isnan(baseline), axis=2)
    for b in range(len(arm)):
        place = np.flatnonzero(used[b])
        y, until = known[b, place], stop[b, place]
        modelled = np.where(np.arange(visits) < until[:, None], y, np.nan)
        if plan.strategy == "MAR":
            modelled = y  # outcomes after the event belong to the same law
        covariate = baseline[b, place]
        yield Trial(
            outcome=y,
            modelled=modelled,
            design=_design(arm[b, place], covariate),
            covariate=covariate,
            arm=arm[b, place].astype(np.int64),
            stop=until,
            death=death[b, place],
            place=place,
        )


def _after_last(outcome: FloatArray) -> IntArray:
    """Return the visit after the last that was observed: where drop-out begins."""
    seen = ~np.isnan(outcome)
    visits = outcome.shape[2]
    last = visits - np.argmax(seen[:, :, ::-1], axis=2)
    return np.where(np.any(seen, axis=2), last, 0)


def _design(arm: CodeArray, covariate: FloatArray) -> FloatArray:
    """Return ones, the arm and the covariates standardised: for numbers of ordinary size."""
    n = max(len(arm), 1)
    columns = [np.ones(len(arm)), arm.astype(np.float64)]
    for values in covariate.T:
        away = values - ordered_sum(values) / n
        spread = np.sqrt(ordered_sum(away * away) / n)
        columns.append(away / (spread if spread > 0.0 else 1.0))
    return np.stack(columns, axis=1)


def _means(design: FloatArray, coefficient: FloatArray) -> FloatArray:
    """Multiply (n, q) by (R, q, T), column after column."""
    total = design[None, :, 0, None] * coefficient[:, None, 0, :]
    for k in range(1, design.shape[1]):
        total = total + design[None, :, k, None] * coefficient[:, None, k, :]
    found: FloatArray = total
    return found


def _among(field: str, word: object, known: tuple[object, ...]) -> None:
    if word not in known:
        raise InputError(
            Problem(
                "unknown word",
                field=field,
                found=repr(word),
                expected=" or ".join(map(repr, known)),
            )
        )
