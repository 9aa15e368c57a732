"""What the data of one arm say: counts, counts over time, or a mean with its standard error.

Arrays have shape (B,), one entry for each trial; a single number is a batch of any size.
"""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from raresim.analysis.arrays import FloatArray
from raresim.errors import InputError

Numbers: TypeAlias = FloatArray | float


@dataclass(frozen=True)
class BinomialData:
    """Patients with the event among all patients of an arm."""

    events: FloatArray
    patients: FloatArray

    @classmethod
    def of(cls, events: Numbers, patients: Numbers) -> "BinomialData":
        """Build it from numbers, checked.

        Raises
        ------
        InputError
            If there are negative numbers or more events than patients.

        Examples
        --------
        >>> BinomialData.of(3, 10).events
        array(3.)
        """
        r, n = np.asarray(events, dtype=np.float64), np.asarray(patients, dtype=np.float64)
        if not np.all((r >= 0.0) & (r <= n)):
            raise InputError(f"events: found {r} of {n}; expected 0 up to the number of patients.")
        return cls(r, n)


@dataclass(frozen=True)
class PoissonData:
    """Events of an arm over its exposure (patient years, or any unit of the rate)."""

    events: FloatArray
    exposure: FloatArray

    @classmethod
    def of(cls, events: Numbers, exposure: Numbers) -> "PoissonData":
        """Build it from numbers, checked.

        Raises
        ------
        InputError
            If there are negative numbers, or events without exposure.

        Examples
        --------
        >>> PoissonData.of(3, 10.5).exposure
        array(10.5)
        """
        y, time = np.asarray(events, dtype=np.float64), np.asarray(exposure, dtype=np.float64)
        if not np.all((y >= 0.0) & (time >= 0.0) & ((time > 0.0) | (y == 0.0))):
            raise InputError(f"events: found {y} in {time}; expected 0 or more, in time above 0.")
        return cls(y, time)


@dataclass(frozen=True)
class NormalData:
    """A mean of an arm, with its standard error (infinite where nobody was observed)."""

    mean: FloatArray
    se: FloatArray

    @classmethod
    def of(cls, mean: Numbers, se: Numbers) -> "NormalData":
        """Build it from numbers, checked.

        Raises
        ------
        InputError
            If the standard error is not above 0.

        Examples
        --------
        >>> NormalData.of(1.5, 0.25).se
        array(0.25)
        """
        m, s = np.asarray(mean, dtype=np.float64), np.asarray(se, dtype=np.float64)
        if not (np.all(np.isfinite(m)) and np.all(s > 0.0)):
            raise InputError(f"se: found {m} with {s}; expected a mean and an error above 0.")
        return cls(m, s)


Data: TypeAlias = BinomialData | PoissonData | NormalData
