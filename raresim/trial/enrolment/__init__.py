"""Enrolment: rates of sites over time, members of a finite pool, competing trials."""

from raresim.trial.enrolment.pool import Presenting, members, present
from raresim.trial.enrolment.rates import SiteRates, site_rates

__all__ = ["Presenting", "SiteRates", "members", "present", "site_rates"]
