"""One event whose time has a published law on a clock that may have run for years: age, or onset.

A patient who is seen at clock time a has not had the event before a: with a unit exponential E it
comes at H^-1(H(a) + E), the law of the prevalent survivors, without rejection. A ratio r on the
hazard while treated divides E as far as the treatment reaches:

    E <= r (H(a + until) - H(a)):  H^-1(H(a) + E / r) - a
    else:                          H^-1(H(a) + E + (1 - r) (H(a + until) - H(a))) - a

and so on from stage to stage of the exposure (`untreated_hazard`).
Source: inversion of the cumulative hazard, Bender, Augustin & Blettner, Generating survival times
to simulate Cox proportional hazards models, Statistics in Medicine 2005;24:1713-1723.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from raresim.disease.network import Patients, tied
from raresim.disease.outcomes.events import EventPath
from raresim.disease.outcomes.exposure import Exposure, Stage
from raresim.disease.outcomes.process import Horizon
from raresim.disease.parameters import Parameters
from raresim.either import either
from raresim.evidence.statistics import Floats, rows_of
from raresim.evidence.survival import TimeLaw
from raresim.streams import Luck


@dataclass(frozen=True)
class TimedLatent:
    """What each patient is: a unit exponential, the clock at randomisation (days), a law of time.

    `state` tells which of the laws is the patient's own; None where there is one for all.
    """

    threshold: Floats
    origin: Floats
    laws: tuple[TimeLaw, ...]
    state: npt.NDArray[np.int64] | None = None

    def rows(self, chosen: slice) -> TimedLatent:
        """Return some replicates only."""
        state = None if self.state is None else self.state[chosen]
        laws = tuple(law.rows(chosen) for law in self.laws)
        return TimedLatent(self.threshold[chosen], rows_of(self.origin, chosen), laws, state)

    def hazard(self, days: Floats) -> Floats:
        """Return each patient's cumulative hazard at a time on the clock."""
        return self._own([law.hazard(days) for law in self.laws])

    def time(self, hazard: Floats) -> Floats:
        """Return the time on the clock at which each patient's cumulative hazard is reached."""
        return self._own([law.time(hazard) for law in self.laws])

    def _own(self, by_law: list[Floats]) -> Floats:
        return by_law[0] if self.state is None else np.asarray(np.choose(self.state, by_law))


@dataclass(frozen=True)
class TimedProcess:
    """One event at a time with a law; `since` is the variable that holds the clock, if any.

    `days_a_unit` is that variable's unit in days; `given` the variable whose state chooses the law.
    """

    name: str
    since: str | None
    days_a_unit: float
    given: str | None
    states: tuple[str, ...]
    reads: tuple[str, ...] = ()

    def latent(
        self,
        luck: Luck,
        patients: Patients,
        parameters: Parameters,
        linked: Mapping[str, Any],
        horizon: Horizon,
    ) -> TimedLatent:
        """Draw each patient's exponential; a high uniform is a late event."""
        u = luck.uniform(f"outcome.{self.name}.time", patients.units)
        u = tied(parameters, self.name, u, patients.scores)
        origin: Floats = np.zeros((1, 1))
        if self.since is not None:
            origin = np.maximum(patients.values[self.since], 0.0) * self.days_a_unit
        laws = tuple(parameters.times[self.name, state] for state in self.states)
        state = None if self.given is None else patients.values[self.given]
        return TimedLatent(-np.log1p(-u), origin, laws, state)

    def path(self, latent: TimedLatent, exposure: Exposure, linked: Mapping[str, Any]) -> EventPath:
        """Invert the cumulative hazard, from the clock at randomisation on."""
        origin = latent.origin  # of everybody alike where the clock starts at randomisation
        lived = latent.hazard(origin)

        def risen(days: Floats) -> Floats:
            """Return the untreated hazard from randomisation to a day, infinite for no end."""
            later = np.maximum(days, 0.0)
            endless = np.isinf(later)  # laws interpolate, which infinity does not allow
            until = origin + either(endless, 0.0, later)
            return either(endless, np.inf, latent.hazard(until) - lived)

        needed = untreated_hazard(latent.threshold, exposure.stages, risen)
        days = latent.time(lived + needed) - origin
        return EventPath(np.maximum(days, 0.0)[..., None])


def untreated_hazard(
    threshold: Floats, stages: tuple[Stage, ...], risen: Callable[[Floats], Floats]
) -> Floats:
    """Return the cumulative hazard without treatment when that with it reaches the threshold E.

    A stage of the ratio r begins at the hazard H without treatment and `reached` with it: E comes
    at H + (E - reached) / r. Where nobody is treated that is E + `saved`, as `saved` is H -
    `reached`; the sum has the bits that one course has always given. Later stages overwrite.
    """
    if not stages:
        return threshold
    found = threshold
    start = reached = risen(stages[0].since)
    saved: Floats = np.zeros((1, 1))
    with np.errstate(divide="ignore", invalid="ignore"):  # ratios of 0, stages without an end
        for stage in stages:
            treated = start + (threshold - reached) / stage.ratio
            inside = either(stage.ratio == 1, threshold + saved, treated)
            found = either(threshold > reached, inside, found)
            end = risen(stage.until)
            reached = reached + stage.ratio * (end - start)
            saved = saved + (1 - stage.ratio) * (end - start)
            start = end
    return either(threshold > reached, threshold + saved, found)
