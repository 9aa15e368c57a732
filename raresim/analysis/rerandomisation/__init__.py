"""Re-randomisation (design-based) tests: the trial's own randomisation, replayed."""

from raresim.analysis.rerandomisation.answer import Rerandomisations, Rerandomised
from raresim.analysis.rerandomisation.procedure import Procedure
from raresim.analysis.rerandomisation.tables import rerandomisation_logrank, rerandomisation_test

__all__ = [
    "Procedure",
    "Rerandomisations",
    "Rerandomised",
    "rerandomisation_logrank",
    "rerandomisation_test",
]
