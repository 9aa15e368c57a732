"""raresim: published numbers about a rare disease in, operating characteristics of trials out.

>>> import raresim
>>> raresim.load_model("chronic-granulomatous-disease").spec.name
'Chronic granulomatous disease'
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from raresim import analysis as analysis
    from raresim.cohort import Cohort, sample_cohort
    from raresim.disease import load_model
    from raresim.questions import calibrate, compare, decide, search, size, sweep
    from raresim.report import write_report
    from raresim.study import run_trial, sensitivity, simulate
    from raresim.trial import load_scenario

_HOMES = {
    "Cohort": "raresim.cohort",
    "calibrate": "raresim.questions",
    "compare": "raresim.questions",
    "decide": "raresim.questions",
    "load_model": "raresim.disease",
    "load_scenario": "raresim.trial",
    "run_trial": "raresim.study",
    "sample_cohort": "raresim.cohort",
    "search": "raresim.questions",
    "sensitivity": "raresim.study",
    "simulate": "raresim.study",
    "size": "raresim.questions",
    "sweep": "raresim.questions",
    "write_report": "raresim.report",
}

__all__ = [
    "Cohort",
    "__version__",
    "analysis",
    "calibrate",
    "compare",
    "decide",
    "load_model",
    "load_scenario",
    "run_trial",
    "sample_cohort",
    "search",
    "sensitivity",
    "simulate",
    "size",
    "sweep",
    "write_report",
]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used: `raresim --help` must not wait for SciPy."""
    from importlib import import_module

    if name == "analysis":
        return import_module("raresim.analysis")
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'raresim' has no attribute {name!r}")
