"""Questions of a designer: each runs many studies and says how sure its answer is."""

from raresim.questions.calibrating import Calibration, calibrate
from raresim.questions.comparison import Comparison, DesignFigures, compare
from raresim.questions.deciding import Decision, decide
from raresim.questions.design_size import Size, size
from raresim.questions.searching import Search, search
from raresim.questions.sweeping import Sweep, sweep

__all__ = [
    "Calibration",
    "Comparison",
    "Decision",
    "DesignFigures",
    "Search",
    "Size",
    "Sweep",
    "calibrate",
    "compare",
    "decide",
    "search",
    "size",
    "sweep",
]
