"""The probability that each of several arms is the best of all, given independent posteriors."""

import numpy as np
from scipy.special import betainc, betaln, expit, logit, ndtr

from raresim.analysis.arrays import BoolArray, FloatArray, ordered_sum
from raresim.analysis.bayesian.mixtures import BetaMixture
from raresim.analysis.bayesian.panels import panels
from raresim.errors import InputError

BLOCK = 256  # rows whose quadrature nodes are held at once
LEVELS = np.array([1e-13, 1e-8, 1e-5, 1e-3, 0.02, 0.15, 0.5])
STEPS = np.array([-8.0, -5.5, -4.0, -2.7, -1.6, -0.7, 0.0, 0.7, 1.6, 2.7, 4.0, 5.5, 8.0])


def best_share(
    events: FloatArray,
    patients: FloatArray,
    *,
    highest: bool = True,
    prior: tuple[float, float] = (1.0, 1.0),
    among: BoolArray | None = None,
) -> FloatArray:
    """Give the probability that each arm has the best response probability.

    Posteriors are Beta(a + events, b + patients - events), independent of each other; that arm k
    is the best is the integral of its density times the other arms' distribution functions, by
    quadrature on the logit scale in panels between quantiles of all arms (error below 1e-9).

    Parameters
    ----------
    events, patients
        (B, K) of each arm.
    highest
        Whether a high probability is the better one.
    prior
        a and b of each arm; both 1 is uniform.
    among
        (B, K) arms that are compared; the others have 0. All arms if not given.

    Returns
    -------
    (B, K) probabilities that add up to 1.

    Raises
    ------
    InputError
        If the counts cannot be, or there is no arm to compare.

    References
    ----------
    Thall PF, Wathen JK. Eur J Cancer 2007;43:859-866.

    Examples
    --------
    >>> best_share(np.array([[15.0, 20.0]]), np.array([[50.0, 50.0]])).round(6)
    array([[0.150108, 0.849892]])
    """
    events, patients = np.asarray(events, np.float64), np.asarray(patients, np.float64)
    some = _among(among, events.shape)
    if not (np.all(events >= 0.0) and np.all(events <= patients) and min(prior) > 0.0):
        raise InputError("events: found a count below 0 or above the patients; expected between.")
    a, b = events + prior[0], patients - events + prior[1]
    parts = [
        _beta(a[rows], b[rows], some[rows], highest)
        for rows in (slice(k, k + BLOCK) for k in range(0, len(a), BLOCK))
    ]
    return np.concatenate(parts) if parts else np.zeros(events.shape)


def best_mean(
    mean: FloatArray,
    se: FloatArray,
    *,
    highest: bool = True,
    among: BoolArray | None = None,
) -> FloatArray:
    """Give the probability that each arm has the best mean, from normal posteriors.

    With a flat prior and a known standard deviation the posterior of a mean is normal around the
    one seen with its standard error. Quadrature as in `best_share`.

    Parameters
    ----------
    mean, se
        (B, K) mean and standard error of each arm.
    highest, among
        As in `best_share`.

    Raises
    ------
    InputError
        If a standard error is not above 0, or there is no arm to compare.

    References
    ----------
    Thall PF, Wathen JK. Eur J Cancer 2007;43:859-866.

    Examples
    --------
    >>> best_mean(np.array([[0.0, 1.0]]), np.array([[1.0, 1.0]])).round(6)  # Phi(1 / sqrt(2))
    array([[0.23975, 0.76025]])
    """
    some = _among(among, np.shape(mean))
    centre, spread = np.where(some, mean, 0.0), np.where(some, se, 1.0)
    if not (np.all(spread > 0.0) and np.all(np.isfinite(centre))):
        raise InputError("se: found a standard error that is not above 0, or no mean.")
    parts = []
    for rows in (slice(k, k + BLOCK) for k in range(0, len(centre), BLOCK)):
        m, s, own = centre[rows, :, None], spread[rows, :, None], some[rows]
        nodes, weights = panels(_breaks(m + s * STEPS, own))
        z = (nodes[:, None, :] - m) / s
        density = np.exp(-0.5 * z * z) / (s * np.sqrt(2.0 * np.pi))
        parts.append(_integrated(weights, density, ndtr(z if highest else -z), own))
    return np.concatenate(parts) if parts else np.zeros(np.shape(mean))


def _among(among: BoolArray | None, shape: tuple[int, ...]) -> BoolArray:
    some = np.ones(shape, bool) if among is None else np.asarray(among)
    if len(shape) != 2 or some.shape != shape or not np.all(some.any(axis=1)):
        raise InputError("among: expected an arm to compare in each trial, (B, K) as the data.")
    return some


def _beta(a: FloatArray, b: FloatArray, among: BoolArray, highest: bool) -> FloatArray:
    """Integrate over rows of beta posteriors (R, K)."""
    low = BetaMixture(np.ones(1), a[..., None], b[..., None]).component_quantile(LEVELS)
    high = BetaMixture(np.ones(1), b[..., None], a[..., None]).component_quantile(LEVELS[:-1])
    points = np.concatenate((logit(low), -logit(high)), axis=-1)
    nodes, weights = panels(_breaks(points, among))
    left, right = expit(nodes)[:, None, :], expit(-nodes)[:, None, :]
    own, other = a[..., None], b[..., None]
    with np.errstate(divide="ignore"):
        log = own * np.log(left) + other * np.log(right) - betaln(own, other)
    below = betainc(own, other, left) if highest else betainc(other, own, right)
    return _integrated(weights, np.exp(log), np.asarray(below, np.float64), among)


def _breaks(points: FloatArray, among: BoolArray) -> FloatArray:
    """Give the break points (R, P) of the arms that are compared, those of others doubled."""
    first = np.take_along_axis(points, np.argmax(among, axis=1)[:, None, None], axis=1)
    kept = np.where(among[..., None], points, first)
    return np.sort(kept.reshape(len(points), -1), axis=1)


def _integrated(
    weights: FloatArray, density: FloatArray, worse: FloatArray, among: BoolArray
) -> FloatArray:
    """Give the integrals of each arm's density times the chance that all others are worse."""
    arms = density.shape[1]
    others = [np.where(among[:, k, None], worse[:, k], 1.0) for k in range(arms)]
    found = np.zeros(among.shape)
    for k in range(arms):
        product = weights * density[:, k]
        for j in range(arms):
            product = product if j == k else product * others[j]
        found[:, k] = np.where(among[:, k], ordered_sum(product), 0.0)
    total: FloatArray = found / ordered_sum(found)[:, None]
    return total
