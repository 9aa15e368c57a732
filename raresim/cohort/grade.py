"""How deep the evidence of a model goes, in five counts and a letter.

The letter is a rule of thumb for people who choose, stated here and nowhere hidden:
A   four fifths of the statistics were read in their source, at least three numbers were held back
    as targets, and two thirds of them are met within two standard errors
B   half of the statistics were read in their source
C   less
"""

from __future__ import annotations

from dataclasses import dataclass

from raresim.cohort.check import CheckRow, check
from raresim.disease import DiseaseModel
from raresim.disease.uncertain import gaps, statements

MET = 2.0
"""Standard errors within which a target counts as met."""


@dataclass(frozen=True)
class Grade:
    """The evidence of a model.

    `statistics` goes into the model, `seen` of it was read in its source (a pool counts once, as
    seen where all its studies were); `sources` are those that it comes from; `targets` are numbers
    held back with a standard error, `met` of them within two; `gaps` are intervals for what nobody
    published.
    """

    letter: str
    statistics: int
    seen: int
    sources: int
    targets: int
    met: int
    gaps: int


def grade(model: DiseaseModel, rows: list[CheckRow] | None = None) -> Grade:
    """Return the grade of a model; `rows` are those of its gate, where they are at hand.

    Examples
    --------
    >>> from raresim.disease import load_model
    >>> grade(load_model("sma-type-1")).statistics
    4
    """
    taken = [statistic for _, statistic, _, _ in statements(model.spec)]
    seen = sum(statistic.seen for statistic in taken)
    misses = [r.miss for r in rows or check(model) if r.role == "target" and r.miss is not None]
    met = sum(abs(miss) <= MET for miss in misses)
    return Grade(
        _letter(seen / len(taken), len(misses), met),
        len(taken),
        seen,
        len({source for statistic in taken for source in statistic.sources}),
        len(misses),
        met,
        len(gaps(model.spec)),
    )


def _letter(seen: float, targets: int, met: int) -> str:
    if seen >= 0.8 and targets >= 3 and met >= 2 / 3 * targets:
        return "A"
    return "B" if seen >= 0.5 else "C"
