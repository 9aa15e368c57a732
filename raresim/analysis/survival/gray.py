"""Gray's test: cumulative incidence compared between groups, other causes competing."""

import numpy as np
from scipy.special import chdtrc

from raresim.analysis.arrays import BoolArray, CodeArray, FloatArray, NumberArray
from raresim.analysis.left_out import nobody
from raresim.analysis.notes import Note
from raresim.analysis.survival.group_log_rank import GroupTest, chi_square_of
from raresim.errors import InputError


def gray_test(
    time: NumberArray,
    cause: CodeArray,
    group: CodeArray,
    present: BoolArray,
    stratum: CodeArray | None = None,
    *,
    groups: int,
    of: int = 1,
    rho: float = 0.0,
) -> GroupTest:
    """Test for any difference in cumulative incidence of a cause between k groups.

    A log-rank test in which the number at risk in a group is R = n (1 - F(t-))/S(t-): those who
    had another event stay at risk as far as censoring allows. Scores and their variance, from the
    martingales of both kinds of event, are Gray's, as the R package cmprsk has them (``cuminc``);
    (1 - F)^rho weighs, F being the pooled incidence. Strata add up.

    Parameters
    ----------
    time, cause, present
        As in `cumulative_incidence`.
    group
        (B, n) codes 0 to k - 1.
    stratum
        (B, n) integer codes, if stratified.
    groups
        k, the number of groups.
    of
        The cause, 1 or more.
    rho
        Power of the weight; 0 weighs all times alike.

    Raises
    ------
    InputError
        If the cause is not 1 or more, or rho is not finite.

    References
    ----------
    Gray RJ. Ann Stat 1988;16:1141-1154.

    Examples
    --------
    >>> time = np.array([[1, 2, 3, 4, 5, 6, 7, 8]])
    >>> cause = np.array([[1, 2, 1, 1, 1, 0, 2, 0]])
    >>> group = np.array([[0, 0, 0, 1, 0, 1, 1, 1]])
    >>> gray_test(time, cause, group, np.ones((1, 8), dtype=bool), groups=2)
    Gray's test: chi-square(1) = 1.709, p = 0.1911, 8 patients
    """
    if of < 1:
        raise InputError(f"of: found {of}; expected the code of a cause, 1 or more.")
    if not np.isfinite(rho):
        raise InputError(f"rho: found {rho}; expected a number.")
    batch = time.shape[0]
    kind = np.where(cause == 0, 0, np.where(cause == of, 1, 2))
    score, variance = np.zeros((batch, groups)), np.zeros((batch, groups, groups))
    reached = np.zeros((batch, groups), dtype=np.bool_)
    for b in range(batch):
        here = present[b]
        codes = np.zeros(time.shape[1], dtype=np.int64) if stratum is None else stratum[b]
        for code in np.unique(codes[here]):
            own = here & (codes == code)
            part = _stratum(time[b][own], kind[b][own], group[b][own], groups, rho)
            score[b] += part[0]
            variance[b] += part[1]
            reached[b] |= part[2]
    chi_square, df, definite = chi_square_of(score, variance, reached)
    converged = definite & (df > 0.0)
    number = np.count_nonzero((kind == 1) & present, axis=1)
    notes = Note.NO_EVENTS * (number == 0) + Note.NO_COMPARISON * ((number > 0) & ~converged)
    notes += Note.GROUP_WITHOUT_PATIENTS * (converged & ~np.all(reached, axis=1))
    p = np.where(converged, chdtrc(np.maximum(df, 1.0), np.maximum(chi_square, 0.0)), np.nan)
    return GroupTest(
        method="Gray's test",
        observed=None,
        expected=None,
        score=score,
        variance=variance,
        chi_square=np.where(converged, chi_square, np.nan),
        df=df,
        p=p,
        converged=converged,
        used=np.count_nonzero(present, axis=1),
        notes=notes.astype(np.int64),
        left_out=nobody(len(notes)),
    )


def _stratum(
    time: NumberArray, kind: CodeArray, group: CodeArray, groups: int, rho: float
) -> tuple[FloatArray, FloatArray, BoolArray]:
    """Give scores, their variance and which groups were at risk at an event of the cause.

    With h = n/S(t-), the effect of group k on the score of i is a_ik = w h_i (delta_ik - h_k/h.)
    at the time itself, and through the curves later on what C_ik = sum a_ik d/(h. (1 - F))
    still gathers until the end: the influence of an event of the cause at t is
    a_ik(t) + q (C_ik(end) - C_ik(t)) with q = 1 - (1 - F)/S_k, and of another event the second part
    with q = -(1 - F)/S_k.
    """
    times = np.unique(time[kind > 0])
    at_risk, own, others = (np.empty((times.size, groups)) for _ in range(3))
    for g in range(groups):
        mine = group == g
        at_risk[:, g] = np.count_nonzero(mine & (time >= times[:, None]), axis=1)
        own[:, g] = np.count_nonzero(mine & (kind == 1) & (time == times[:, None]), axis=1)
        others[:, g] = np.count_nonzero(mine & (kind == 2) & (time == times[:, None]), axis=1)
    score = np.zeros(groups)
    direct = np.zeros((times.size, groups, groups))
    gathered = np.zeros((times.size, groups, groups))
    weights = np.zeros((2, times.size, groups))
    pull = np.zeros((2, times.size, groups))
    free, incidence, pooled = np.ones(groups), np.zeros(groups), 0.0
    so_far = np.zeros((groups, groups))
    for t in range(times.size):
        n, d, other = at_risk[t], own[t], others[t]
        there = n > 0.0
        size = np.where(there, n, 1.0)
        h = np.where(there, n / np.where(free > 0.0, free, 1.0), 0.0)
        risk = h * (1.0 - incidence)
        total, deaths = _add(h), _add(d)
        after = free * np.where(there, (n - d - other) / size, 1.0)
        w = (1.0 - pooled) ** rho
        direct[t] = w * (np.diag(h) - np.outer(h, h) / total)
        so_far = so_far + direct[t] * deaths / (total * (1.0 - pooled))
        gathered[t] = so_far
        score += w * np.where(there, d - deaths * risk / _add(risk), 0.0)
        now = pooled + deaths / total
        curve = (1.0 - now) / np.where(after > 0.0, after, 1.0)
        pull[0, t] = np.where(after > 0.0, 1.0 - curve, 1.0)
        pull[1, t] = np.where(after > 0.0, -curve, 0.0)
        # tied events are drawn without replacement
        tied = (
            1.0 - (deaths - 1.0) / np.maximum(total * free - 1.0, 1e-300) if deaths > 1.0 else 1.0
        )
        weights[0, t] = np.where(there, tied * free * deaths / (total * size), 0.0)
        spared = np.where(other > 1.0, 1.0 - (other - 1.0) / np.maximum(size - 1.0, 1.0), 1.0)
        usable = there & (after > 0.0)
        weights[1, t] = np.where(usable, spared * free**2 * other / size**2, 0.0)
        incidence = incidence + np.where(there, free * d / size, 0.0)
        free, pooled = after, now
    later = so_far - gathered
    reached = np.any((at_risk > 0.0) & (np.sum(own, axis=1) > 0.0)[:, None], axis=0)
    variance = np.zeros((groups, groups))
    for t in range(times.size):
        for k in range(groups):
            first = direct[t, :, k] + pull[0, t, k] * later[t, :, k]
            second = pull[1, t, k] * later[t, :, k]
            variance += weights[0, t, k] * np.outer(first, first)
            variance += weights[1, t, k] * np.outer(second, second)
    return score, variance, reached


def _add(values: FloatArray) -> float:
    """Add the groups' values in order."""
    total = 0.0
    for value in values:
        total += float(value)
    return total
