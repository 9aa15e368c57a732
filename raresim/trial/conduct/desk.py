"""The randomisation desk of one trial: who finds room, and which arm is next."""

from __future__ import annotations

from collections import Counter

import numpy as np

from raresim.randomisation import chosen, in_block
from raresim.trial.fate.decided import Fate
from raresim.trial.plan import Change, Ints, Plan


class Desk:
    """Counts patients as they come; `ratio` is 0 for an arm that is closed."""

    def __init__(self, plan: Plan, fate: Fate) -> None:
        self.plan, self.fate = plan, fate
        self.parts = list(plan.ratio)
        self.dropped: set[int] = set()
        self.used = self.ratio
        self.changed = False
        self.places: Counter[int] = Counter()
        self.counts: Counter[tuple[str, int, int]] = Counter()
        self.capped: Counter[tuple[str, int]] = Counter()

    @property
    def ratio(self) -> list[int]:
        """Whole parts of each arm."""
        return [0 if arm in self.dropped else part for arm, part in enumerate(self.parts)]

    @property
    def open(self) -> list[int]:
        """Arms that the next patient may be allotted to."""
        return [arm for arm, part in enumerate(self.ratio) if part]

    @property
    def bare(self) -> bool:
        """Whether no arm but the control is open; one arm alone is never closed."""
        return len(self.parts) > 1 and not any(self.ratio[1:])

    def turn(self, change: Change, number: int) -> None:
        """Take over a change of the ratio; `number` is what was decided of it."""
        if change.kind == "ratio":
            self.parts = list(change.ratio)
        elif change.kind == "part":
            self.parts[change.arm] = number
        elif change.kind == "add":
            self.parts[change.arm] = 1
        elif change.kind == "shut":
            self.parts[change.arm] = 0
        else:
            self.dropped.add(change.arm)

    def room(self, i: int) -> bool:
        """Whether a candidate's place is not taken: caps of sites and of states."""
        levels = [(cap, int(self.fate.baseline[cap.variable][0, i])) for cap in self.plan.caps]
        return all(self.capped[cap.variable, k] < cap.most[k] for cap, k in levels)

    def arm(self, i: int) -> tuple[int, str]:
        """Return the next patient's arm, and how it was found; count the patient.

        Permuted blocks begin anew with another ratio than the last patient's.
        """
        if self.ratio != self.used and self.plan.scheme is None:
            self.changed = True
            self.counts.clear()
        self.used = self.ratio
        stratum = int(self.fate.stratum[0, i])
        levels = [int(factor[0, i]) for factor in self.fate.factors]
        arm, how = self._next(i, stratum, levels)
        self.counts["stratum", stratum, arm] += 1
        for number, level in enumerate(levels):
            self.counts[f"factor {number}", level, arm] += 1
        for cap in self.plan.caps:
            self.capped[cap.variable, int(self.fate.baseline[cap.variable][0, i])] += 1
        return arm, how

    def _next(self, i: int, stratum: int, levels: list[int]) -> tuple[int, str]:
        if self.plan.scheme is None and not self.changed:
            place = self.places[stratum]
            self.places[stratum] += 1
            return int(self.fate.lists[0, stratum, place]), f"stratum {stratum}, place {place}"
        ratio, own = np.array([self.ratio]), self._counted("stratum", stratum)
        if self.plan.scheme is None:
            chances = in_block(own, ratio, self.plan.block)
        else:
            margins = [self._counted(f"factor {k}", level) for k, level in enumerate(levels)]
            shape = (1, len(margins), len(self.parts))
            chances = self.plan.scheme.chances(own, np.array(margins).reshape(shape), ratio)
        said = ", ".join(f"{chance:.3f}" for chance in chances[0])
        arm = int(chosen(chances, self.fate.coin[:, i])[0])
        return arm, f"stratum {stratum}, chances {said}"

    def _counted(self, kind: str, level: int) -> Ints:
        arms = range(len(self.parts))
        return np.array([[self.counts[kind, level, arm] for arm in arms]], np.int64)
