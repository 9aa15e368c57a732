"""Cohorts of virtual patients, and whether a model has the statistics it was built from."""

from raresim.cohort.check import CheckRow, check
from raresim.cohort.sampling import Cohort, sample_cohort

__all__ = ["CheckRow", "Cohort", "check", "sample_cohort"]
