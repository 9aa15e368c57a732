"""The Andersen-Gill sandwich worked out a second time, patient by patient and risk set by risk set.

Written from Therneau and Grambsch, Modeling Survival Data (2000), sections 3.3, 4.6 and 7.2.
"""

import math

import numpy as np
import pytest

from raresim.analysis import Note, batch

NEVER = 2**62
Histories = list[tuple[int, list[int], int]]  # arm, days of events, follow-up


def histories(seed: int, patients: int, longest: int, *, repeats: bool) -> Histories:
    """Draw a trial with ties between patients and, if asked for, within a patient."""
    rng = np.random.default_rng(seed)
    drawn: Histories = []
    for who in range(patients):
        follow_up = int(rng.integers(longest // 2, longest))
        hits = rng.poisson(0.12 * rng.gamma(1.0, 1.0), follow_up)
        if not repeats:
            hits = np.minimum(hits, 1)
        days = np.repeat(np.arange(1, follow_up + 1), hits)
        drawn.append((who % 2, rng.permutation(days).tolist(), follow_up))
    return drawn


def tied_sets(data: Histories) -> list[tuple[int, list[int], list[int]]]:
    """Give each event day with the patients at risk and the patient of each event."""
    days = sorted({day for _, events, _ in data for day in events})
    return [
        (
            day,
            [i for i, (_, _, end) in enumerate(data) if end >= day],
            [i for i, (_, events, _) in enumerate(data) for _ in range(events.count(day))],
        )
        for day in days
    ]


def pieces(data: Histories, beta: float) -> tuple[float, float, list[float]]:
    """Give score, information and the score residual of each patient under Efron's ties.

    A patient with several of the tied events is taken out of the risk set once.
    """
    score = information = 0.0
    residual = [0.0] * len(data)
    weight = [math.exp(beta * arm) for arm, _, _ in data]
    for _, at_risk, having in tied_sets(data):
        d = len(having)
        score += sum(data[i][0] for i in having)
        for place in range(d):
            gone = dict.fromkeys(having, place / d)
            share = {i: weight[i] * (1.0 - gone.get(i, 0.0)) for i in at_risk}
            total = sum(share.values())
            mean = sum(share[i] * data[i][0] for i in at_risk) / total
            score -= mean
            information += mean * (1.0 - mean)
            for i in at_risk:
                residual[i] -= share[i] / total * (data[i][0] - mean)
            for i in having:
                residual[i] += (data[i][0] - mean) / d
    return score, information, residual


@pytest.mark.parametrize("repeats", [False, True])
@pytest.mark.parametrize(("seed", "patients", "longest"), [(1, 12, 20), (2, 40, 40), (3, 70, 300)])
def test_andersen_gill_a_second_time(seed: int, patients: int, longest: int, repeats: bool) -> None:
    data = histories(seed, patients, longest, repeats=repeats)
    most = max(len(events) for _, events, _ in data)
    event_time = np.full((1, patients, most), NEVER)
    for i, (_, events, _) in enumerate(data):
        event_time[0, i, : len(events)] = events
    arm = np.array([[a for a, _, _ in data]])
    follow_up = np.array([[end for _, _, end in data]])
    ties = [having for _, _, having in tied_sets(data)]
    assert any(len(set(having)) > 1 for having in ties)
    assert any(len(set(having)) < len(having) for having in ties) == repeats
    fit = batch.andersen_gill(event_time, follow_up, arm, np.ones((1, patients), dtype=bool))
    score, information, residual = pieces(data, float(fit.estimate[0]))
    assert abs(score) < 1e-9
    assert sum(residual) == pytest.approx(score, abs=1e-9)
    robust = math.sqrt(sum(r * r for r in residual)) / information
    assert fit.se[0] == pytest.approx(robust, rel=1e-9)


def test_without_ties_the_residual_is_the_pull_of_the_patient_on_the_score() -> None:
    """The derivative of the weighted score by the weight of a patient, taken numerically."""
    data = [
        (0, [3, 11], 30),
        (1, [5], 28),
        (0, [7, 16], 26),
        (1, [19], 24),
        (0, [], 9),
        (1, [], 21),
    ]
    beta = -0.4

    def weighted_score(case: list[float]) -> float:
        total = 0.0
        for _, at_risk, having in tied_sets(data):
            share = {i: case[i] * math.exp(beta * data[i][0]) for i in at_risk}
            mean = sum(share[i] * data[i][0] for i in at_risk) / sum(share.values())
            total += sum(case[i] * (data[i][0] - mean) for i in having)
        return total

    _, _, residual = pieces(data, beta)
    for i in range(len(data)):
        up, down = [1.0] * 6, [1.0] * 6
        up[i] += 1e-5
        down[i] -= 1e-5
        slope = (weighted_score(up) - weighted_score(down)) / 2e-5
        assert residual[i] == pytest.approx(slope, abs=1e-8)


def one(values: list[object], kind: type = int) -> np.ndarray:
    return np.array([values], dtype=kind)


def test_logrank_by_hand() -> None:
    """Four events of a 2 x 2 trial: expected 1/2 + 2/3 + 1, variance 1/4 + 2/9 + 0."""
    time, event = one([1, 2, 3, 4]), one([1, 1, 1, 0], bool)
    fit = batch.logrank(time, event, one([0, 0, 1, 1]), one([1] * 4, bool))
    expected, variance = 2 / 4 + 2 / 3 + 1, 1 / 4 + 2 / 9
    assert fit.statistic[0] == pytest.approx((1 - expected) / math.sqrt(variance), rel=1e-12)
    assert fit.estimate[0] == pytest.approx((1 - expected) / variance, rel=1e-12)


def test_logrank_of_ties_by_hand() -> None:
    """Two of four patients, one of each arm, have the event at once: V = 2 (1/4) (2/3)."""
    fit = batch.logrank(
        one([1, 2, 1, 2]), one([1, 0, 1, 0], bool), one([0, 0, 1, 1]), one([1] * 4, bool)
    )
    assert fit.se[0] ** -2 == pytest.approx(1 / 3, rel=1e-12)
    assert fit.statistic[0] == 0.0


def test_rates_with_equal_exposure_have_a_closed_form() -> None:
    count = one([5, 0, 1, 9, 0, 0, 2, 0, 4, 0])
    arm = one([0, 0, 0, 0, 0, 1, 1, 1, 1, 1])
    here = one([1] * 10, bool)
    fit = batch.negative_binomial(count, np.full((1, 10), 2.0), arm, here)
    theta = batch.negative_binomial_theta(count, np.full((1, 10), 2.0), arm, here)[0]
    assert fit.estimate[0] == pytest.approx(math.log(6 / 15), rel=1e-9)
    variance = (1 / 15 + 1 / (5 * theta)) + (1 / 6 + 1 / (5 * theta))
    assert fit.se[0] == pytest.approx(math.sqrt(variance), rel=1e-9)


FIT_WITHOUT_ANSWER = [
    (batch.cox, (one([1, 2, 3, 4]), one([1, 1, 0, 0], bool)), Note.NO_EVENTS_IN_ONE_ARM),
    (batch.cox, (one([1, 2, 3, 4]), one([0] * 4, bool)), Note.NO_EVENTS),
    (batch.cox, (one([1, 2, 3, 4]), one([1] * 4, bool)), Note.MONOTONE_LIKELIHOOD),
    (batch.logrank, (one([1, 2, 3, 4]), one([0] * 4, bool)), Note.NO_EVENTS),
    (batch.negative_binomial, (one([0, 2, 0, 0]), np.ones((1, 4))), Note.NO_EVENTS_IN_ONE_ARM),
    (batch.negative_binomial, (one([0] * 4), np.ones((1, 4))), Note.NO_EVENTS),
    (
        batch.andersen_gill,
        (one([[1, 2], [3, 9], [9, 9], [9, 9]]), one([5] * 4)),
        Note.NO_EVENTS_IN_ONE_ARM,
    ),
    (batch.ancova, (np.ones((1, 4)), np.zeros((1, 4, 0))), Note.NO_RESIDUAL_VARIATION),
    (batch.ancova, (one([1, 2, 4, 3], float), np.zeros((1, 4, 1))), Note.SINGULAR_DESIGN),
    (
        batch.ancova,
        (one([1, 2, 4, 3], float), one([[0], [0], [1], [1]], float)),
        Note.SINGULAR_DESIGN,
    ),
    (
        batch.ancova,
        (one([1, 2, 4, np.nan], float), one([[1], [5], [2], [3]], float)),
        Note.TOO_FEW_PATIENTS | Note.MISSING_OUTCOME_DROPPED,
    ),
]


@pytest.mark.parametrize(("kernel", "data", "reason"), FIT_WITHOUT_ANSWER)
def test_a_fit_without_an_answer_says_why(kernel, data, reason) -> None:  # type: ignore[no-untyped-def]
    fit = kernel(*data, one([0, 0, 1, 1]), one([1] * 4, bool))
    assert not fit.converged[0]
    assert np.isnan(fit.estimate[0]) and np.isnan(fit.p[0])
    assert Note(int(fit.notes[0])) & ~Note.SIZE_ABOVE_NOMINAL == reason


def test_patients_without_exposure_are_left_out() -> None:
    count, years = one([1, 3, 0, 2, 0, 0]), one([1, 1, 0, 1, 1, 0], float)
    arm = one([0, 0, 0, 1, 1, 1])
    fit = batch.negative_binomial(count, years, arm, one([1] * 6, bool))
    kept = batch.negative_binomial(count, years, arm, years > 0)
    assert Note(int(fit.notes[0])) & Note.NO_EXPOSURE_DROPPED
    assert fit.used[0] == 4
    assert fit.estimate[0] == kept.estimate[0]


@pytest.mark.parametrize("small", [1, 19, 20, 59, 60, 99, 100])
def test_small_trials_carry_the_note_on_size(small: int) -> None:
    rng = np.random.default_rng(small)
    arm = one([0] * small + [1] * 120)
    here = np.ones(arm.shape, dtype=bool)
    days = rng.integers(1, 9, arm.shape)
    noted = {
        "logrank": batch.logrank(days, here, arm, here),
        "cox": batch.cox(days, here, arm, here),
        "negative binomial": batch.negative_binomial(days, np.ones(arm.shape), arm, here),
        "andersen-gill": batch.andersen_gill(days[:, :, None], days, arm, here),
    }
    found = {name: bool(fit.notes[0] & Note.SIZE_ABOVE_NOMINAL) for name, fit in noted.items()}
    assert found == {
        "logrank": small < 20,
        "cox": False,
        "negative binomial": small < 100,
        "andersen-gill": small < 100,
    }
