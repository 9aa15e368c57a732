"""Comparisons of two arms, for a table of patients here and for batches of trials in `batch`.

A room's own ``__all__`` is the one list of its methods. Rooms not listed here are imported when
they are asked for: `bayesian`, `external`, `missing`, `multiplicity`, `rerandomisation`,
`sequential`, `sizing`.
"""

from raresim.analysis import (
    batch,
    binary,
    continuous,
    counts,
    crossover,
    hierarchical,
    longitudinal,
    survival,
    two_stage,
)
from raresim.analysis.binary import *
from raresim.analysis.continuous import *
from raresim.analysis.counts import *
from raresim.analysis.crossover import *
from raresim.analysis.hierarchical import *
from raresim.analysis.longitudinal import *
from raresim.analysis.notes import Note
from raresim.analysis.result import Result, Results
from raresim.analysis.sequential import boundaries, spent
from raresim.analysis.survival import *
from raresim.analysis.tail_result import TailResult, TailResults
from raresim.analysis.two_stage import *

__all__ = ["Note", "Result", "Results", "TailResult", "TailResults", "batch", "boundaries", "spent"]
__all__ += binary.__all__
__all__ += continuous.__all__
__all__ += counts.__all__
__all__ += crossover.__all__
__all__ += hierarchical.__all__
__all__ += longitudinal.__all__
__all__ += survival.__all__
__all__ += two_stage.__all__
