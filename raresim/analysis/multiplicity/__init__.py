"""Several hypotheses: adjusted p-values, graphs, and several arms against one control."""

from raresim.analysis.multiplicity.dunnett import (
    dunnett_adjusted,
    dunnett_critical,
    dunnett_probability,
)
from raresim.analysis.multiplicity.graphical import graphical
from raresim.analysis.multiplicity.stepwise import (
    bonferroni,
    fixed_sequence,
    hochberg,
    holm,
    hommel,
)

__all__ = [
    "bonferroni",
    "dunnett_adjusted",
    "dunnett_critical",
    "dunnett_probability",
    "fixed_sequence",
    "graphical",
    "hochberg",
    "holm",
    "hommel",
]
