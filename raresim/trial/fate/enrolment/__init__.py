"""Enrolment: rates of sites over time, members of a finite pool, survivors, competing trials."""

from raresim.trial.fate.enrolment.pool import Presenting, members, present
from raresim.trial.fate.enrolment.rates import SiteRates, site_rates
from raresim.trial.fate.enrolment.survivors import Survival, clock_of, survival_of

__all__ = [
    "Presenting",
    "SiteRates",
    "Survival",
    "clock_of",
    "members",
    "present",
    "site_rates",
    "survival_of",
]
