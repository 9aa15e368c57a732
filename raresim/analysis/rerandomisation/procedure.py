"""The trial's own randomisation, as what an analysis has to replay."""

from dataclasses import dataclass

import numpy as np

from raresim.analysis.arrays import CodeArray, FloatArray, IntArray
from raresim.errors import InputError, Problem
from raresim.randomisation import Minimisation, Scheme, in_block


@dataclass(frozen=True)
class Procedure:
    """How patients were randomised: permuted blocks, or a scheme with its chances.

    Parameters
    ----------
    ratio
        Whole parts of each arm, control first.
    block
        Length of the permuted blocks, within each stratum.
    scheme
        `Simple`, `BiasedCoin`, `Urn` or `Minimisation` of `raresim.randomisation`, instead of
        blocks.

    Raises
    ------
    InputError
        If not exactly one of ``block`` and ``scheme`` is given, or they do not fit the ratio.

    Examples
    --------
    >>> Procedure(block=4)
    Procedure(ratio=(1, 1), block=4, scheme=None)
    """

    ratio: tuple[int, ...] = (1, 1)
    block: int | None = None
    scheme: Scheme | None = None

    def __post_init__(self) -> None:
        if len(self.ratio) < 2 or any(part < 1 for part in self.ratio):
            raise _fault(
                "ratio", self.ratio, "two arms or more, parts from 1", "write (1, 1) for 1:1"
            )
        if (self.block is None) == (self.scheme is None):
            raise _fault(
                "block, scheme",
                (self.block, self.scheme),
                "exactly one of them",
                "name the block length, or the scheme of raresim.randomisation",
            )
        if self.block is not None and (self.block < 1 or self.block % sum(self.ratio)):
            raise _fault(
                "block",
                self.block,
                f"a multiple of {sum(self.ratio)}, the ratio's sum",
                "give the block length of the randomisation list",
            )

    @property
    def by_margins(self) -> bool:
        """Whether the chances depend on factors one by one, not on the stratum."""
        return isinstance(self.scheme, Minimisation)

    def chances(self, own: IntArray, margins: IntArray) -> FloatArray:
        """Return the chance of each arm for the next patient, shape (rows, arms).

        ``own`` (rows, arms) and ``margins`` (rows, factors, arms) are as in `Scheme.chances`.
        """
        ratio = np.tile(np.array(self.ratio, dtype=np.int64), (len(own), 1))
        if self.scheme is not None:
            return self.scheme.chances(own, margins, ratio)
        assert self.block is not None
        return in_block(own, ratio, self.block)


class Counts:
    """Patients so far by stratum and by level of each factor, in several lists at once."""

    def __init__(
        self, procedure: Procedure, lists: int, strata: int, levels: tuple[int, ...]
    ) -> None:
        arms = len(procedure.ratio)
        self.procedure = procedure
        self.own = np.zeros((lists, strata, arms), dtype=np.int64)
        self.margins = [np.zeros((lists, number, arms), dtype=np.int64) for number in levels]

    def chances(self, rows: IntArray, stratum: CodeArray, level: CodeArray) -> FloatArray:
        """Return the chances (rows, arms) of patients of a stratum (rows,) and levels (rows, F)."""
        own = self.own[rows, stratum]
        margins = np.zeros((len(rows), len(self.margins), own.shape[1]), dtype=np.int64)
        for i, margin in enumerate(self.margins):
            margins[:, i] = margin[rows, level[:, i]]
        return self.procedure.chances(own, margins)

    def add(self, rows: IntArray, stratum: CodeArray, level: CodeArray, arm: CodeArray) -> None:
        """Count the patients who have been given an arm (rows,)."""
        self.own[rows, stratum, arm] += 1
        for i, margin in enumerate(self.margins):
            margin[rows, level[:, i], arm] += 1

    def twice(self, rows: IntArray) -> None:
        """Keep these lists only, some of them more than once."""
        self.own = self.own[rows]
        self.margins = [margin[rows] for margin in self.margins]


def _fault(name: str, found: object, expected: str, mend: str) -> InputError:
    return InputError(
        Problem("cannot be replayed", field=name, found=str(found), expected=expected, mend=mend)
    )
