"""Re-randomisation (design-based) tests: the trial's own randomisation, replayed."""

from raresim.analysis.rerandomisation.answer import Rerandomisations, Rerandomised
from raresim.analysis.rerandomisation.procedure import Procedure
from raresim.analysis.rerandomisation.tables import rerandomisation, rerandomisation_logrank

__all__ = [
    "Procedure",
    "Rerandomisations",
    "Rerandomised",
    "rerandomisation",
    "rerandomisation_logrank",
]
