"""Questions of a designer: each runs many studies and says how sure its answer is."""

from raresim.questions.comparison import Comparison, DesignFigures, compare
from raresim.questions.design_size import Size, size
from raresim.questions.searching import Search, search
from raresim.questions.sweeping import Sweep, sweep

__all__ = [
    "Comparison",
    "DesignFigures",
    "Search",
    "Size",
    "Sweep",
    "compare",
    "search",
    "size",
    "sweep",
]
