"""Multi-arm multi-stage (MAMS) designs: several treatments against one control, with looks."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.special import ndtri

from raresim.analysis.arrays import FloatArray, IntArray
from raresim.analysis.sequential.arms_path import (
    ABSCISSAE,
    FARTHEST,
    HERMITE,
    WEIGHTS,
    Arm,
    Setting,
    arm_given_control,
    control_courses,
    step_below,
    step_density,
)
from raresim.analysis.sequential.exits import bracketed_root, rising
from raresim.errors import InputError

Shape = Literal["obrien-fleming", "pocock", "triangular", "fixed"]
MOST_PATIENTS = 1_000_000  # of an arm at the first stage


@dataclass(frozen=True)
class MultiArmDesign:
    """Boundaries of a multi-arm multi-stage design, and its size if a power was asked for.

    Attributes
    ----------
    arms
        Number of experimental arms.
    ratio, control_ratio
        (J,) patients up to each stage of an arm and of the control, in units of ``n``.
    upper, lower
        (J,) an arm with z of ``upper`` or more is rejected and ends the trial; one with z of
        ``lower`` or less is dropped.
    n
        Patients of an arm at the first stage where its ratio is 1; 0 if no power was asked for.
    power
        Reached with ``n`` in the least favourable configuration; NaN without ``n``.
    """

    arms: int
    ratio: FloatArray
    control_ratio: FloatArray
    upper: FloatArray
    lower: FloatArray
    n: int = 0
    power: float = np.nan

    @property
    def _setting(self) -> Setting:
        return Setting(self.ratio, self.control_ratio, self.lower, self.upper)

    @property
    def patients(self) -> IntArray:
        """(J, 2) patients up to each stage of one arm and of the control."""
        both = np.stack((self.ratio, self.control_ratio), axis=1)
        return np.ceil(both * self.n - 1e-9).astype(np.int64)

    def rejects_any(self, effects: Sequence[float] | None = None, sd: float = 1.0) -> float:
        """Give the probability that some arm is rejected; by default under the global null."""
        shifts = self._shifts(effects, sd)
        courses, chance = control_courses(self._setting)
        arms = self._followed(courses, shifts)
        none = np.prod([1.0 - arm.up.sum(axis=1) for arm in arms], axis=0)
        return 1.0 - float(chance @ none)

    def expected_patients(self, effects: Sequence[float] | None = None, sd: float = 1.0) -> float:
        """Give the mean number of patients of all arms; by default under the global null.

        The trial ends with the first rejection or when all arms are dropped.
        """
        shifts = self._shifts(effects, sd)
        courses, chance = control_courses(self._setting)
        found = self._followed(courses, shifts)
        steps, control = np.diff(self.ratio, prepend=0.0), np.diff(self.control_ratio, prepend=0.0)
        mean = float(steps[0] * self.arms + control[0])
        for j in range(1, self.ratio.size):
            dropped = [arm.down[:, :j].sum(axis=1) for arm in found]
            quiet = [1.0 - arm.up[:, :j].sum(axis=1) for arm in found]
            nobody = np.prod(quiet, axis=0)
            mean += control[j] * float(chance @ (nobody - np.prod(dropped, axis=0)))
            for k, arm_quiet in enumerate(quiet):
                others = np.prod([q for i, q in enumerate(quiet) if i != k], axis=0)
                mean += steps[j] * float(chance @ (others * (arm_quiet - dropped[k])))
        return mean * self.n

    def power_least_favourable(
        self, effect: float, uninteresting: float = 0.0, sd: float = 1.0, n: int | None = None
    ) -> float:
        """Give the probability to reject the one arm with ``effect``, as the best of that look.

        The other arms have the effect ``uninteresting``; none of them may be rejected earlier
        or have a higher statistic at that look, dropped ones aside.
        """
        size = np.sqrt(self.n if n is None else n) / sd
        best, other = effect * size, uninteresting * size
        setting = self._setting
        courses, chance = control_courses(setting)
        first = arm_given_control(setting, courses, best)
        rest = arm_given_control(setting, courses, other)
        total = 0.0
        for j, step in enumerate(np.sqrt(np.diff(self.ratio, prepend=0.0))):
            far = FARTHEST * np.sqrt(self.ratio[j])
            start = np.clip(first.high[:, j], -far, far)
            half = (far - start) / 2.0
            nodes = start[:, None] + half[:, None] * (ABSCISSAE + 1.0)
            density = step_density(nodes, first.value[j], first.weight[j], float(step))
            same_z = nodes + self.ratio[j] * (best - other)
            less = step_below(same_z, rest.value[j], rest.weight[j], float(step))
            less = less + rest.down[:, :j].sum(axis=1)[:, None]
            inner = np.sum(WEIGHTS * density * less ** (self.arms - 1), axis=1)
            total += float(chance @ (half * inner))
        return total

    def _followed(self, courses: FloatArray, shifts: FloatArray) -> list[Arm]:
        """Follow each arm given the control; arms of one effect are followed once."""
        known = {s: arm_given_control(self._setting, courses, s) for s in set(shifts.tolist())}
        return [known[shift] for shift in shifts.tolist()]

    def _shifts(self, effects: Sequence[float] | None, sd: float) -> FloatArray:
        values = np.zeros(self.arms) if effects is None else np.asarray(effects, np.float64)
        if values.shape != (self.arms,) or not sd > 0.0:
            raise InputError(
                f"effects: found {effects}; expected one for each of {self.arms} arms."
            )
        return np.asarray(values * np.sqrt(self.n) / sd)


def multi_arm_multi_stage(
    arms: int,
    stages: int,
    *,
    alpha: float = 0.05,
    power: float | None = None,
    effect: float | None = None,
    uninteresting: float = 0.0,
    sd: float = 1.0,
    upper: Shape = "obrien-fleming",
    lower: Shape = "fixed",
    fixed_upper: float | None = None,
    fixed_lower: float = 0.0,
    ratio: Sequence[float] | None = None,
    control_ratio: Sequence[float] | None = None,
) -> MultiArmDesign:
    """Design a trial of several arms against one control, with looks at all of them.

    The boundaries keep the chance of any rejection, all arms being as the control, at ``alpha``,
    futility being obeyed. With r the ratio and R its last value they are C sqrt(R / r)
    ("obrien-fleming"), C ("pocock"), C (1 + r / R) / sqrt(r) ("triangular"), or
    ``fixed_upper`` before the last look; below -C sqrt(R / r), -C, -C (1 - 3 r / R) / sqrt(r)
    (with a triangular upper one only), or ``fixed_lower``. They meet at the last look.

    The integrals are accurate to about 1e-7 up to three stages and 1e-5 for four.

    Parameters
    ----------
    arms, stages
        Experimental arms, and looks (1 to 4).
    alpha
        One-sided family-wise level.
    power, effect, uninteresting, sd
        If a power is given, the smallest n is found with which the arm with ``effect`` is
        rejected as the best while the others have the effect ``uninteresting`` (the least
        favourable configuration); patients vary with ``sd``. MAMS's p is
        Phi(effect / (sd sqrt(2))).
    upper, lower, fixed_upper, fixed_lower
        Shapes of the boundaries.
    ratio, control_ratio
        (J,) patients of an arm and of the control up to each look, in units of n; by default
        1, 2, ..., J.

    Raises
    ------
    InputError
        If an argument is out of range, or no such design exists.

    References
    ----------
    Magirr D, Jaki T, Whitehead J. Biometrika 2012;99:494-501. Jaki T, Pallmann P, Magirr D. J
    Stat Softw 2019;88(4), the R package MAMS.

    Examples
    --------
    >>> design = multi_arm_multi_stage(4, 2, alpha=0.05)
    >>> design.upper.round(3), design.lower.round(3)
    (array([3.068, 2.169]), array([0.   , 2.169]))
    """
    steps = rising("ratio", range(1, stages + 1) if ratio is None else ratio)
    control = rising("control_ratio", steps if control_ratio is None else control_ratio)
    if arms < 1 or stages not in HERMITE or len(steps) != stages or len(control) != stages:
        raise InputError(f"arms, stages: found {arms}, {stages}; expected 1 or more, and 1 to 4.")
    if not 0.0 < alpha < 0.5:
        raise InputError(f"alpha: found {alpha}; expected a one-sided level between 0 and 0.5.")
    r = np.array(steps)

    def design(last: float) -> MultiArmDesign:
        high = _upper(upper, fixed_upper, r, last)
        low = _lower(lower, fixed_lower, r, last, upper)
        return MultiArmDesign(arms, r, np.array(control), high, np.append(low[:-1], high[-1]))

    guess = -float(ndtri(alpha / arms))
    guess /= 2.0 / np.sqrt(r[-1]) if upper == "triangular" else 1.0
    last = bracketed_root(
        lambda c: alpha - design(c).rejects_any(), guess, 0.1 * guess, tight=1e-10
    )
    if not np.isfinite(last):
        raise InputError("No boundary of this shape has this level; expected another shape.")
    found = design(last)
    if power is None:
        return found
    if effect is None or not effect > uninteresting or not 0.0 < power < 1.0 or not sd > 0.0:
        raise InputError("power: expected below 1, with an effect above the uninteresting one.")
    return _sized(found, power, effect, uninteresting, sd)


def _upper(shape: Shape, fixed: float | None, r: FloatArray, last: float) -> FloatArray:
    if shape == "obrien-fleming":
        return np.asarray(last * np.sqrt(r[-1] / r))
    if shape == "pocock":
        return np.full(r.size, last)
    if shape == "triangular":
        return np.asarray(last * (1.0 + r / r[-1]) / np.sqrt(r))
    if shape == "fixed" and fixed is not None:
        return np.append(np.full(r.size - 1, fixed), last)
    raise InputError(f"upper: found {shape!r}; expected a known shape, or 'fixed' with its value.")


def _lower(shape: Shape, fixed: float, r: FloatArray, last: float, upper: Shape) -> FloatArray:
    if shape == "obrien-fleming":
        return np.asarray(-last * np.sqrt(r[-1] / r))
    if shape == "pocock":
        return np.full(r.size, -last)
    if shape == "triangular" and upper == "triangular":
        return np.asarray(-last * (1.0 - 3.0 * r / r[-1]) / np.sqrt(r))
    if shape == "fixed":
        return np.full(r.size, fixed)
    raise InputError(f"lower: found {shape!r}; expected a known shape, triangular with its like.")


def _sized(
    design: MultiArmDesign, power: float, effect: float, uninteresting: float, sd: float
) -> MultiArmDesign:
    """Find the smallest n with the power, by doubling and halving."""

    def reached(n: int) -> float:
        return design.power_least_favourable(effect, uninteresting, sd, n)

    low, high = 0, 1
    while reached(high) < power:
        low, high = high, 2 * high
        if high > MOST_PATIENTS:
            raise InputError(f"power: {power} is not reached with {MOST_PATIENTS} patients an arm.")
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if reached(middle) >= power else (middle, high)
    return MultiArmDesign(
        design.arms,
        design.ratio,
        design.control_ratio,
        design.upper,
        design.lower,
        high,
        reached(high),
    )
