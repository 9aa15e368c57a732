"""What a file or a command may ask for at most, why, and how to allow more.

Files come from strangers, so every size has a bound; whoever needs more sets an environment
variable, which no file can do: `RARESIM_MAX_PATIENTS=5000 raresim simulate ...`. The variables are
read once, when raresim starts.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

from raresim.errors import Fault, InputError


@dataclass(frozen=True)
class Limit:
    """A bound: what is counted, how much of it, and why not more."""

    what: str
    value: int
    why: str
    variable: str

    @property
    def mend(self) -> str:
        """How to allow more."""
        return f"or allow more with the environment variable {self.variable}"

    def check(self, value: int) -> int:
        """Return the value, or refuse it.

        Raises
        ------
        Fault
            When it is above the limit.
        """
        if value > self.value:
            raise Fault(f"expected at most {self.value:,} {self.what}", f"write less, {self.mend}")
        return value


LIMITS: list[Limit] = []
"""Every limit, for the documentation."""


def _limit(name: str, what: str, value: int, why: str) -> Limit:
    variable = f"RARESIM_MAX_{name}"
    text = os.environ.get(variable, str(value))
    if not text.isdecimal() or int(text) < 1:
        raise InputError(f"{variable}: expected a whole number above zero, got {text!r}")
    LIMITS.append(Limit(what, int(text), why, variable))
    return LIMITS[-1]


_STRANGERS = "reading a stranger's file must stay cheap"
_SHORT = "longer conditions belong into variables of the model"
BYTES = _limit("BYTES", "bytes in a file", 250_000, _STRANGERS)
DEPTH = _limit("DEPTH", "levels of nesting in a file", 30, _STRANGERS)
VALUES = _limit("VALUES", "values in a file", 10_000, _STRANGERS)
KEY = _limit("KEY", "characters in a key", 200, _STRANGERS)
EXPRESSION_LENGTH = _limit("EXPRESSION_LENGTH", "characters in an expression", 2_000, _SHORT)
EXPRESSION_WORDS = _limit("EXPRESSION_WORDS", "words and signs in an expression", 300, _SHORT)
EXPRESSION_DEPTH = _limit(
    "EXPRESSION_DEPTH", "levels of nesting in an expression", 40, "the parser calls itself for each"
)
COHORT = _limit("COHORT", "patients in a cohort", 1_000_000, "all are in memory at once")
PATIENTS = _limit(
    "PATIENTS",
    "patients in a trial",
    2_000,
    "1,024 trials are in memory at once: two thousand patients take some gigabytes",
)
SITES = _limit("SITES", "sites in a trial", 500, "each is a stream of candidates in each trial")
STRATA = _limit(
    "STRATA", "strata of randomisation", 1_000, "each has a list of its own in each of 1,024 trials"
)
VISITS = _limit(
    "VISITS", "visits of a patient", 200, "each is an array over all candidates of 1,024 trials"
)
CANDIDATES = _limit(
    "CANDIDATES",
    "candidates for a trial",
    200_000,
    "where next to nobody is eligible, the search for patients must end",
)
POOL = _limit(
    "POOL",
    "members of a finite pool",
    10_000,
    "each has luck of its own in each of 1,024 trials, whether they come or not",
)
EVENTS = _limit(
    "EVENTS", "events of one patient", 500, "more in one patient mean that a number is wrong"
)
POINTS = _limit("POINTS", "points of a sweep", 1_000, "each is a design with trials of its own")
REPLICATES = _limit(
    "REPLICATES",
    "trials in a simulation",
    10_000_000,
    "the tables of ten million trials take gigabytes of disk",
)
