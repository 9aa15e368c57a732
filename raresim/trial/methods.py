"""Methods by the names that scenario files use: what each analyses, what it reads, what it takes.

A method is run on the analysis table of its kind of variable (`cut`), once for a whole batch.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from raresim.analysis import Results, batch
from raresim.trial.analysis_block import MethodSpec
from raresim.trial.analysis_tables import ChangeTable, CountTable, SurvivalTable

CHANGES = ("change", "percent", "log")
"""First words of variables that compare a reading with that at baseline."""


@dataclass(frozen=True)
class Method:
    """How files may use a method.

    Parameters
    ----------
    fits
        First words of the variables that it analyses.
    run
        Analyses a table of that kind.
    takes
        Keys of a method in a file that it reads, beside those that all have.
    repeated
        Whether it reads the changes at all visits up to the estimand's.
    estimates
        Whether it has an estimate of its own of what the estimand's summary asks.
    """

    fits: tuple[str, ...]
    run: Callable[[Any, MethodSpec], Results]
    takes: tuple[str, ...] = ()
    repeated: bool = False
    estimates: bool = True


def _logrank(table: SurvivalTable, method: MethodSpec) -> Results:
    who = table.who
    return batch.logrank(table.time, table.event, who.arm, who.present, who.stratum)


def _cox(table: SurvivalTable, method: MethodSpec) -> Results:
    who = table.who
    return batch.cox(table.time, table.event, who.arm, who.present, who.stratum)


def _negative_binomial(table: CountTable, method: MethodSpec) -> Results:
    return batch.negative_binomial(table.count, table.exposure, table.who.arm, table.who.present)


def _andersen_gill(table: CountTable, method: MethodSpec) -> Results:
    who = table.who
    return batch.andersen_gill(table.event_times, table.follow_up, who.arm, who.present)


def _ancova(table: ChangeTable, method: MethodSpec) -> Results:
    return batch.ancova(table.change, table.covariates, table.who.arm, table.who.present)


METHODS: dict[str, Method] = {
    "logrank": Method(("time",), _logrank, ("strata",)),
    "cox": Method(("time",), _cox, ("strata",)),
    "negative binomial": Method(("events",), _negative_binomial),
    "andersen-gill": Method(("events",), _andersen_gill),
    "ancova": Method((*CHANGES, "share"), _ancova, ("adjust_for",)),
}
OPTIONS = tuple(dict.fromkeys(key for method in METHODS.values() for key in method.takes))
"""Keys of a method in a file that only some methods read."""


def repeated(method: MethodSpec) -> bool:
    """Whether a method's test or estimate reads the changes at all visits."""
    return any(METHODS[name].repeated for name in (method.test, method.estimate) if name)


def fitting(kind: str) -> list[str]:
    """Return the methods that analyse variables with a first word."""
    return [name for name, method in METHODS.items() if kind in method.fits]
