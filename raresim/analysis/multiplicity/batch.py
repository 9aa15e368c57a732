"""Every adjustment as a kernel: p-values (B, m) of B trials in, as many adjusted ones out."""

from raresim.analysis.multiplicity.dunnett import dunnett_adjusted
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
    "fixed_sequence",
    "graphical",
    "hochberg",
    "holm",
    "hommel",
]
