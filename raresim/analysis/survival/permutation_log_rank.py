"""The permutation log-rank test: exact where all re-labellings can be listed."""

from itertools import combinations
from math import comb, prod

import numpy as np

from raresim.alike import pick
from raresim.analysis.arrays import (
    BoolArray,
    CodeArray,
    FloatArray,
    NumberArray,
    ordered_sum,
    patients_per_arm,
)
from raresim.analysis.left_out import flags_of, left_out, one_arm_strata
from raresim.analysis.notes import Note
from raresim.analysis.result import Results
from raresim.analysis.survival.log_rank import comparison_notes
from raresim.analysis.survival.risk_sets import risk_sets
from raresim.analysis.survival.weights import Weight, pooled
from raresim.errors import InputError

MOST_LISTED = 200_000  # re-labellings of a row that are listed: up to 20 patients, 10 an arm
AS_FAR = 1e-9  # sums nearer than this part of the sum of scores are equal


def logrank_scores(
    time: NumberArray,
    event: BoolArray,
    present: BoolArray,
    stratum: CodeArray | None = None,
    weight: Weight | None = None,
) -> FloatArray:
    """Give each patient's score, (B, n): w at the own event, less the sum of w d/n until then.

    Their sum over the treated is the (weighted) log-rank test's O - E. They add up to 0 in each
    stratum and do not depend on the arms.
    """
    event = event & present
    sets = risk_sets(time, event, np.zeros_like(present), present, stratum)
    w = sets.real.astype(np.float64)
    if weight is not None:
        w = w * np.where(sets.real, weight(pooled(sets, time, stratum)), 0.0)
    each = np.where(sets.real, w / np.where(sets.real, sets.at_risk, 1.0), 0.0)
    running = np.zeros((each.shape[0], each.shape[1] + 1))
    np.cumsum(each, axis=1, out=running[:, 1:])
    earlier = pick(sets.counted, sets.opening)
    taken = np.empty(time.shape)
    in_order = pick(running, sets.events_through) - pick(running, earlier)
    np.put_along_axis(taken, sets.order, in_order, axis=1)
    own = np.zeros((time.shape[0], time.shape[1] + 1))
    np.put_along_axis(own, np.where(sets.real, sets.record, time.shape[1]), w, axis=1)
    return np.where(present, own[:, :-1] - taken, 0.0)


def logrank_permutation(
    time: NumberArray,
    event: BoolArray,
    arm: CodeArray,
    present: BoolArray,
    stratum: CodeArray | None = None,
    weight: Weight | None = None,
    *,
    keys: FloatArray | None = None,
    assignments: CodeArray | None = None,
) -> Results:
    """Test for a difference in hazard by re-labelling the patients, within strata if given.

    The statistic is the (weighted) log-rank test's O - E of the treated, a sum of scores that do
    not depend on the arms (`logrank_scores`); it is not divided by its standard error. Two-sided
    p: share of the re-labellings with |O - E| at least as large. Numbers in each arm and stratum
    stay as they were.

    - Without ``keys`` and ``assignments`` all re-labellings are listed: exact, if there are at
      most 200,000 (10 against 10 patients have 184,756); more are refused.
    - ``keys`` draws a sample: in draw m of B the treated are those with the lowest keys of the
      patients present in each stratum. p = (1 + b)/(1 + B), b being how many of them are as far;
      it keeps its level exactly, whatever B.
    - ``assignments`` are arms drawn anew by the trial's own randomisation (biased coin,
      minimisation, blocks): the re-randomisation test, with the same p.

    ``estimate`` is O - E, ``se`` its standard deviation over all re-labellings (in closed form,
    not for ``assignments``: over those given), the interval is infinite, as the test gives none;
    ``statistic`` is their ratio, and is compared with no normal: take ``p``.

    Parameters
    ----------
    time, event, arm, present, stratum, weight
        As in `logrank`.
    keys
        (M, n) numbers in [0, 1), the same for all rows; ``generator.random((M, n))``.
    assignments
        (M, n) of 0 and 1, the same for all rows.

    Raises
    ------
    InputError
        If a row has more re-labellings than are listed and neither is given, or both are.

    References
    ----------
    Neuhaus G. Ann Stat 1993;21:1760-1779. Phipson B, Smyth GK. Stat Appl Genet Mol Biol
    2010;9:39 (the p-value of a sample).

    Examples
    --------
    >>> time = np.array([[1, 2, 3, 4, 5, 6]])
    >>> event = np.array([[True, True, True, True, False, False]])
    >>> arm = np.array([[0, 0, 1, 0, 1, 1]])
    >>> float(logrank_permutation(time, event, arm, np.ones((1, 6), dtype=bool)).p[0])
    0.2
    """
    if keys is not None and assignments is not None:
        raise InputError("keys, assignments: found both; expected one of them, or neither.")
    treated = (arm == 1) & present
    code = np.zeros(arm.shape, dtype=np.int64) if stratum is None else stratum
    scores = logrank_scores(time, event, present, stratum, weight)
    observed = ordered_sum(np.where(treated, scores, 0.0))
    rows = range(arm.shape[0])
    p, spread = np.full(observed.shape, np.nan), np.zeros(observed.shape)
    for b in rows:
        here = present[b]
        one = scores[b][here], treated[b][here], code[b][here]
        spread[b] = _spread(*one)
        far = abs(observed[b]) - AS_FAR * float(ordered_sum(np.abs(scores[b])))
        if keys is not None:
            sums = _of_keys(keys[:, here], *one)
            p[b] = (1 + np.count_nonzero(np.abs(sums) >= far)) / (1 + sums.size)
        elif assignments is not None:
            drawn = np.where(assignments[:, here] == 1, one[0], 0.0)
            sums = ordered_sum(drawn)
            spread[b] = np.sqrt(ordered_sum(sums * sums) / max(sums.size, 1))
            p[b] = (1 + np.count_nonzero(np.abs(sums) >= far)) / (1 + sums.size)
        else:
            p[b] = _listed(far, *one)
    # drawn anew by the trial's own randomisation, a stratum of one arm might have had both
    within = stratum if assignments is None else None
    return _results(observed, spread, p, event & present, arm, present, within, weight)


def _results(
    observed: FloatArray,
    spread: FloatArray,
    p: FloatArray,
    event: BoolArray,
    arm: CodeArray,
    present: BoolArray,
    stratum: CodeArray | None,
    weight: Weight | None,
) -> Results:
    both = np.minimum(*patients_per_arm(arm, present)) > 0
    converged = both & (spread > 0.0)
    blank = np.where(converged, 0.0, np.nan)
    alone, strata = one_arm_strata(arm, present, stratum)
    lost = left_out(stratum=alone, strata=strata)
    notes = comparison_notes(event, arm, present, converged)
    notes -= notes & int(Note.NO_EVENTS_IN_ONE_ARM) * converged  # no matter to this test
    return Results(
        method="permutation log-rank test" + ("" if weight is None else f", {weight}"),
        measure="observed less expected events",
        estimate=observed + blank,
        se=spread + blank,
        ci_low=np.where(converged, -np.inf, np.nan),
        ci_high=np.where(converged, np.inf, np.nan),
        df=np.full(p.shape, np.inf),
        statistic=observed / np.where(converged, spread, np.nan),
        p=p + blank,
        converged=converged,
        used=np.count_nonzero(present & ~alone, axis=1),
        notes=notes.astype(np.int64) | flags_of(lost),
        left_out=lost,
    )


def _strata(
    scores: FloatArray, treated: BoolArray, code: CodeArray
) -> list[tuple[FloatArray, int]]:
    """Give the scores and the number treated of each stratum."""
    return [
        (scores[code == c], int(np.count_nonzero(treated & (code == c)))) for c in np.unique(code)
    ]


def _spread(scores: FloatArray, treated: BoolArray, code: CodeArray) -> float:
    """Give the standard deviation of the sum over all re-labellings."""
    variance = 0.0
    for own, number in _strata(scores, treated, code):
        size = own.size
        if size > 1:
            share = number * (size - number) / (size * (size - 1.0))
            variance += share * float(ordered_sum(own * own))
    return float(np.sqrt(variance))


def _of_keys(
    keys: FloatArray, scores: FloatArray, treated: BoolArray, code: CodeArray
) -> FloatArray:
    total = np.zeros(keys.shape[0])
    for c in np.unique(code):
        own = np.flatnonzero(code == c)
        number = int(np.count_nonzero(treated[own]))
        lowest = np.argsort(keys[:, own], axis=1, kind="stable")[:, :number]
        total = total + ordered_sum(scores[own][lowest])
    return total


def _listed(far: float, scores: FloatArray, treated: BoolArray, code: CodeArray) -> float:
    strata = _strata(scores, treated, code)
    count = prod(comb(own.size, number) for own, number in strata)
    if count > MOST_LISTED:
        raise InputError(
            f"There are {count:,} re-labellings, more than the {MOST_LISTED:,} that are listed; "
            "give keys (or a generator and a number of draws) for a sample of them."
        )
    sums = np.zeros(1)
    for own, number in strata:
        listing = np.array(list(combinations(range(own.size), number)), dtype=np.int64)
        here = ordered_sum(own[listing.reshape(comb(own.size, number), number)])
        sums = (sums[:, None] + here[None, :]).ravel()
    return float(np.count_nonzero(np.abs(sums) >= far)) / count
