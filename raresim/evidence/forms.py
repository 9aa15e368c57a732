"""Other ways in which a statistic may stand in a file: pooled from studies, read off a curve.

Read, each becomes a statistic of the kind that the place takes, so that nothing after the file has
to tell them apart.
"""

from __future__ import annotations

from typing import Annotated, Any, Generic, TypeVar, get_args

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import core_schema

from raresim.errors import Fault, InputError
from raresim.evidence.curve import CurveForm
from raresim.evidence.pool_kinds import KINDS, pooled
from raresim.evidence.pooled import For
from raresim.evidence.statistics import Statistic
from raresim.evidence.survival import EventFree
from raresim.files.schema import Spec

S = TypeVar("S", bound=Statistic)

FEW = 4
"""So many studies, or fewer, say too little about how they differ: the file states a prior."""
MOST = 50


def _sourced(study: S) -> S:
    if not study.source:
        raise Fault("each study of a pool names its 'source'", "add 'source:'")
    return study


class Pool(Spec, Generic[S]):
    """One statistic of several studies, in place of one study's: a random-effects meta-analysis."""

    pool: list[Annotated[S, AfterValidator(_sourced)]] = Field(
        min_length=1,
        max_length=MOST,
        description="the statistics as printed, each with its own 'source'",
    )
    goal: For = Field(
        "new trial",
        alias="for",
        description="what is drawn: the true value in a new trial, or the mean over trials",
    )
    heterogeneity: float | None = Field(
        None,
        gt=0,
        description="a usual SD between trials (scale of its half-normal prior): in the number's "
        "unit for means, slopes and differences, else of its log (rates, ratios, SDs), logit "
        "(shares) or Fisher's z (correlations). Needed for four studies or fewer; without it REML",
        examples=[0.3],
    )

    @model_validator(mode="after")
    def _poolable(self) -> Pool[S]:
        if self.heterogeneity is None and len(self.pool) <= FEW:
            message = f"a pool of {FEW} studies or fewer says 'heterogeneity'"
            mend = "add 'heterogeneity: 0.3' (of a log or logit), or an SD in the number's unit"
            raise Fault(message, mend)
        self.statistic()
        return self

    def statistic(self) -> Statistic:
        """Return the pooled statistic."""
        try:
            return pooled(self.pool, self.goal, self.heterogeneity)
        except InputError as error:
            problem = error.problems[0]
            raise Fault(problem.message, problem.mend) from error


class InAnyForm:
    """Marks a statistic that a file may also state as a pool of studies or as a curve."""

    def forms(self, kinds: Any) -> list[Any]:
        """Return the other forms of a kind of statistic, or of a union of kinds."""
        found: list[Any] = []
        for kind in get_args(kinds) or (kinds,):
            if kind in KINDS:
                found.append(Pool.__class_getitem__(kind))
            elif kind is EventFree:
                found.append(CurveForm)
        return found

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        """Take the statistic itself or another form of it; the latter turns into the former."""
        forms = self.forms(source)
        if not forms:
            return handler(source)
        kinds = [*(get_args(source) or (source,)), *forms]
        choices: list[Any] = [(handler.generate_schema(kind), kind.__name__) for kind in kinds]
        schema = core_schema.union_schema(choices)
        return core_schema.no_info_after_validator_function(_read, schema)


def _read(value: Any) -> Any:
    return value.statistic() if isinstance(value, (Pool, CurveForm)) else value


IN_ANY_FORM = InAnyForm()
