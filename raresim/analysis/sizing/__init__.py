"""Sample size and power of simple designs by closed formulas and exact enumeration."""

from raresim.analysis.sizing.course import expected_events, time_of_events
from raresim.analysis.sizing.hazards import Accrual, Hazard, SurvivalTrial

__all__ = ["Accrual", "Hazard", "SurvivalTrial", "expected_events", "time_of_events"]
