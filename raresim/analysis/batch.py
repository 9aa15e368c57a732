"""Every comparison as a kernel over arrays with a leading replicate axis.

Row b of a batch is bit for bit that row alone, and rows with ``present`` False change nothing.
A room's ``batch.__all__`` is the one list of its kernels.
"""

import raresim.analysis.binary.batch as binary
import raresim.analysis.continuous.batch as continuous
import raresim.analysis.counts.batch as counts
import raresim.analysis.crossover.batch as crossover
import raresim.analysis.hierarchical.batch as hierarchical
import raresim.analysis.longitudinal.batch as longitudinal
import raresim.analysis.survival.batch as survival
import raresim.analysis.two_stage.batch as two_stage
from raresim.analysis.binary.batch import *
from raresim.analysis.continuous.batch import *
from raresim.analysis.counts.batch import *
from raresim.analysis.crossover.batch import *
from raresim.analysis.hierarchical.batch import *
from raresim.analysis.longitudinal.batch import *
from raresim.analysis.survival.batch import *
from raresim.analysis.two_stage.batch import *

__all__: list[str] = []
__all__ += binary.__all__
__all__ += continuous.__all__
__all__ += counts.__all__
__all__ += crossover.__all__
__all__ += hierarchical.__all__
__all__ += longitudinal.__all__
__all__ += survival.__all__
__all__ += two_stage.__all__
