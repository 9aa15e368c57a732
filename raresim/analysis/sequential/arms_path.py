"""Several arms against one control over stages: what one arm does, given the control's course.

Given the control the arms are independent, and each is a group-sequential trial with boundaries
moved by the control's mean. The control's course is a product of Gauss-Hermite nodes; everything
is an array over these courses (M of them).
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from raresim.analysis.arrays import FloatArray

FARTHEST = 8.5
NORMAL_PEAK = 0.3989422804014327  # 1 / sqrt(2 pi)
HERMITE = {1: 64, 2: 40, 3: 24, 4: 14}  # nodes of the control for each number of stages
ABSCISSAE, WEIGHTS = np.polynomial.legendre.leggauss(48)


@dataclass(frozen=True)
class Setting:
    """Stages and boundaries.

    Attributes
    ----------
    ratio, control
        (J,) patients of an arm and of the control up to each stage, in units of n.
    lower, upper
        (J,) boundaries of Z.
    """

    ratio: FloatArray
    control: FloatArray
    lower: FloatArray
    upper: FloatArray

    @property
    def spread(self) -> FloatArray:
        """Standard deviation of the difference of two means, in units of sigma / sqrt(n)."""
        spread: FloatArray = np.sqrt(1.0 / self.ratio + 1.0 / self.control)
        return spread


def control_courses(setting: Setting) -> tuple[FloatArray, FloatArray]:
    """Give courses (M, J) of the control's mean, in sigma / sqrt(n), and their probabilities."""
    stages = setting.control.size
    points, weights = np.polynomial.hermite_e.hermegauss(HERMITE[stages])
    grid = np.stack(np.meshgrid(*[points] * stages, indexing="ij"), axis=-1).reshape(-1, stages)
    mass = np.stack(np.meshgrid(*[weights] * stages, indexing="ij"), axis=-1).reshape(-1, stages)
    probability = np.prod(mass / np.sqrt(2.0 * np.pi), axis=1)
    kept = probability > 1e-18
    steps = np.sqrt(np.diff(setting.control, prepend=0.0))
    courses = np.cumsum(grid[kept] * steps, axis=1) / setting.control
    return courses, probability[kept]


@dataclass(frozen=True)
class Arm:
    """What an arm does given each course of the control.

    Attributes
    ----------
    up, down
        (M, J) to stop at a stage, for efficacy or for futility.
    low, high
        (M, J) the boundaries of its sum S.
    value, weight
        For each stage, nodes (M, N) of S at the stage before and their probabilities.
    """

    up: FloatArray
    down: FloatArray
    low: FloatArray
    high: FloatArray
    value: list[FloatArray]
    weight: list[FloatArray]


def arm_given_control(setting: Setting, courses: FloatArray, shift: float) -> Arm:
    """Follow an arm of true effect ``shift``, in sigma / sqrt(n), over the stages."""
    ratio, spread = setting.ratio, setting.spread
    low = ratio * (setting.lower * spread + courses - shift)
    high = ratio * (setting.upper * spread + courses - shift)
    value, weight = [np.zeros((len(courses), 1))], [np.ones((len(courses), 1))]
    up, down = np.zeros_like(courses), np.zeros_like(courses)
    for j, step in enumerate(np.sqrt(np.diff(ratio, prepend=0.0))):
        above = (high[:, j, None] - value[j]) / step
        below = (low[:, j, None] - value[j]) / step
        up[:, j] = np.sum(weight[j] * ndtr(-above), axis=1)
        down[:, j] = np.sum(weight[j] * ndtr(below), axis=1)
        if j + 1 < ratio.size:
            far = FARTHEST * np.sqrt(ratio[j])
            start = np.clip(low[:, j], -far, far)
            half = (np.clip(high[:, j], -far, far) - start) / 2.0
            smallest = min(float(step), float(np.sqrt(ratio[j + 1] - ratio[j])))
            points, widths = _legendre(2.0 * float(half.max()) / smallest)
            nodes = start[:, None] + half[:, None] * (points + 1.0)
            density = step_density(nodes, value[j], weight[j], float(step))
            value.append(nodes)
            weight.append(half[:, None] * widths * density)
    return Arm(up, down, low, high, value, weight)


def _legendre(length: float) -> tuple[FloatArray, FloatArray]:
    """Give as many nodes as an interval needs that is so many narrowest steps long."""
    return np.polynomial.legendre.leggauss(int(min(16 + 3 * length, ABSCISSAE.size)))


def step_density(
    nodes: FloatArray, value: FloatArray, weight: FloatArray, step: float
) -> FloatArray:
    """Give the density of the next sum at nodes (M, N), from nodes (M, L) of the present one."""
    found = np.empty_like(nodes)
    for start in range(0, len(nodes), 1024):  # so that the (M, N, L) cube stays small
        rows = slice(start, start + 1024)
        deviate = (nodes[rows, :, None] - value[rows, None, :]) / step
        kernel = np.exp(-0.5 * deviate * deviate)
        found[rows] = np.matmul(kernel, weight[rows, :, None])[:, :, 0]
    return found * (NORMAL_PEAK / step)


def step_below(
    points: FloatArray, value: FloatArray, weight: FloatArray, step: float
) -> FloatArray:
    """Give the probability of a next sum of less than each point (M, N)."""
    found = np.empty_like(points)
    for start in range(0, len(points), 1024):
        rows = slice(start, start + 1024)
        chance = ndtr((points[rows, :, None] - value[rows, None, :]) / step)
        found[rows] = np.matmul(chance, weight[rows, :, None])[:, :, 0]
    return found
