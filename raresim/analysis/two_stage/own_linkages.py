"""The Bayesian joint stage model whose linkages depend on the treatment of stage 1."""

import numpy as np

from raresim.analysis.arrays import FloatArray
from raresim.analysis.two_stage.rate_nodes import RateNodes, beta_nodes, panels, rate_nodes
from raresim.analysis.two_stage.shared_linkages import (
    Answer,
    Counts,
    mixture,
    quantiles,
    summary,
)

ONE = np.ones(1)
OTHERS = ((1, 2), (0, 2), (0, 1))


def own_linkages(
    counts: Counts,
    rates: tuple[tuple[float, float], ...],
    linkage_0: tuple[float, float],
    shape: float,
) -> Answer:
    """Integrate over three treatments' beta0, and over each one's rate and beta1.

    A rate's density given the beta0 of the other two treatments is a table (M, M, N): stage 1, its
    own responders with beta1 integrated out, and those who changed to it.
    """
    nodes = rate_nodes(counts.most)
    v, rest_v, weight_v = beta_nodes(counts.nodes, *linkage_0)
    changed = np.log(rest_v[:, None] + v[:, None] * nodes.rest)  # 1 - beta0 x
    densities, sizes = [], []
    for t, (a, b) in enumerate(rates):
        none, some = counts.first[t].tolist()
        stopped, again = counts.stayed[t].tolist()
        won = float(counts.changed[:, t, 1].sum())
        line = nodes.log_weight + (a - 1.0 + some + won) * np.log(nodes.value)
        line = line + (b - 1.0 + none) * np.log(nodes.rest)
        line = line + _responders(counts.most, nodes, stopped, again, shape)
        one, other = (counts.changed[m, t, 0] * changed for m in OTHERS[t])
        table = line + one[:, None, :] + other[None, :, :]
        top = np.max(table, axis=2, keepdims=True)
        density = np.exp(table - top)
        size = density.sum(axis=2, keepdims=True)
        densities.append(density / size)
        sizes.append((top + np.log(size))[..., 0])
    logs = [np.log(weight_v) + float(counts.changed[t, :, 1].sum()) * np.log(v) for t in range(3)]
    outer = logs[0][:, None, None] + logs[1][:, None] + logs[2]
    outer = outer + sizes[0][None, :, :] + sizes[1][:, None, :] + sizes[2][:, :, None]
    weight = np.exp(outer - outer.max())
    return _answer(densities, weight / weight.sum(), nodes)


def _responders(
    patients: int, nodes: RateNodes, stopped: int, again: int, shape: float
) -> FloatArray:
    """Give the logarithm of what stage 2 of the responders says of each rate, beta1 averaged.

    With x = beta1 pi it is c pi^c times the integral of x^(r - c - 1) (1 - x)^s from pi to 1,
    added up from above so that no digit is lost. Beyond the last node it is left out.
    """
    x, rest, weight = panels(patients)
    # divided by the rate at the left end of the panel, to stay among the numbers
    left = nodes.value[:-1, None]
    part = np.sum((x / left) ** (again - shape - 1.0) * rest**stopped * weight, axis=1)
    found = np.zeros(nodes.value.size)
    for i in range(part.size - 1, -1, -1):
        step = (nodes.value[i] / nodes.value[i + 1]) ** (shape + 1.0 - again)
        found[i] = part[i] + step * found[i + 1]
    found[-1] = found[-2] * np.exp(
        (stopped + 1.0) * (np.log(nodes.rest[-1]) - np.log(nodes.rest[-2]))
    )
    with np.errstate(divide="ignore"):  # the last ones may be too small for a number
        log: FloatArray = np.log(found) + (again - 1.0) * np.log(nodes.value)
    return log


def _answer(densities: list[FloatArray], weight: FloatArray, nodes: RateNodes) -> Answer:
    """Average over the three beta0; given them the rates are independent."""
    pair = [weight.sum(axis=t) for t in range(3)]
    means = [density @ nodes.value for density in densities]
    mean = np.array([np.sum(pair[t] * means[t]) for t in range(3)])
    second = np.array([np.sum(pair[t] * (densities[t] @ nodes.value**2)) for t in range(3)])
    both, above = np.diag(second), np.full((3, 3), np.nan)
    for a, b, third in ((0, 1, 2), (0, 2, 1), (1, 2, 0)):
        # axes: first the third treatment's beta0, then b's (for a's rate) or a's (for b's)
        ours, theirs = _third_first(densities[a], a, third), _third_first(densities[b], b, third)
        joint = np.moveaxis(weight, (third, b, a), (0, 1, 2))
        below = theirs @ nodes.below.T
        higher = np.matmul(ours, np.swapaxes(below, 1, 2))
        above[a, b] = np.sum(joint * higher)
        above[b, a] = 1.0 - above[a, b]
        product = np.matmul((ours @ nodes.value)[:, :, None], (theirs @ nodes.value)[:, None, :])
        both[a, b] = both[b, a] = np.sum(joint * product)
    limits = []
    for t in range(3):
        slope = np.sum(pair[t][..., None] * densities[t], axis=(0, 1))[None]
        known = slope @ nodes.below.T
        limits.append(quantiles(mixture(known, slope, ONE, ONE, nodes)))
    return summary(mean, second, both, above, np.array(limits))


def _third_first(density: FloatArray, own: int, third: int) -> FloatArray:
    return density if OTHERS[own][0] == third else np.swapaxes(density, 0, 1)
