"""Survival methods worked out a second time, patient by patient, or by a general maximiser."""

import math
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
import pytest

from raresim.analysis.survival import GEHAN, batch, cox_model, logrank_permutation
from raresim.analysis.survival.permutation_log_rank import logrank_scores


def trial(seed: int, patients: int, *, ties: bool) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    arm = np.arange(patients) % 2
    x = rng.normal(size=patients)
    time = rng.exponential(10.0 * np.exp(0.4 * arm - 0.3 * x))
    end = rng.uniform(2.0, 25.0, patients)
    event, time = time <= end, np.minimum(time, end)
    return {
        "time": (np.ceil(time) if ties else time)[None],
        "event": event[None],
        "arm": arm[None],
        "present": np.ones((1, patients), dtype=bool),
        "x": x[None, :, None],
    }


def adjusted_rmst(data: dict[str, np.ndarray], tau: float) -> tuple[float, float]:
    """Tian, Zhao and Wei's regression with survRM2's variance, by loops over patients."""
    time, event, arm = (data[name][0] for name in ("time", "event", "arm"))
    n = time.size
    z = np.column_stack((np.ones(n), arm, data["x"][0]))
    y = np.minimum(time, tau)
    known = event | (y == tau)
    weight = np.zeros(n)
    for i in range(n):
        stays = 1.0
        for t in sorted({y[k] for k in range(n) if arm[k] == arm[i] and not known[k]}):
            if t <= y[i]:
                at_risk = sum(arm[k] == arm[i] and y[k] >= t for k in range(n))
                lost = sum(arm[k] == arm[i] and y[k] == t and not known[k] for k in range(n))
                stays *= 1.0 - lost / at_risk
        weight[i] = known[i] / stays if stays > 0 else 0.0
    beta = np.linalg.solve(z.T @ (weight[:, None] * z), z.T @ (weight * y))
    score = z * (weight * (y - z @ beta))[:, None]
    kappa = np.zeros_like(z)
    for i in range(n):
        mine = [k for k in range(n) if arm[k] == arm[i]]

        def share(k: int, mine: list[int] = mine) -> tuple[np.ndarray, int]:
            still = [m for m in mine if y[m] >= y[k]]
            return score[still].sum(axis=0) * (1 - known[k]), len(still)

        total, number = share(i)
        kappa[i] = score[i] + total / number
        for k in mine:
            if y[k] <= y[i]:
                total, number = share(k)
                kappa[i] -= total / number**2
    bread = np.linalg.inv(z.T @ z)
    return float(beta[1]), math.sqrt((bread @ kappa.T @ kappa @ bread)[1, 1])


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize(("seed", "patients"), [(1, 24), (2, 41)])
def test_adjusted_restricted_mean(seed: int, patients: int, ties: bool) -> None:
    data = trial(seed, patients, ties=ties)
    columns = [data[name] for name in ("time", "event", "arm", "present", "x")]
    fit = batch.rmst_adjusted(*columns, 9.0)
    estimate, se = adjusted_rmst(data, 9.0)
    assert fit.estimate[0] == pytest.approx(estimate, rel=1e-9)
    assert fit.se[0] == pytest.approx(se, rel=1e-9)


def penalised(data: dict[str, np.ndarray], beta: float, *, efron: bool) -> float:
    """log L + log I / 2 of the arm alone, event by event."""
    time, event, arm = (data[name][0] for name in ("time", "event", "arm"))
    loglik = information = 0.0
    for t in np.unique(time[event]):
        tied = np.flatnonzero(event & (time == t))
        for place in range(tied.size):
            weight = np.exp(beta * arm) * (time >= t)
            weight[tied] *= 1.0 - (place / tied.size if efron else 0.0)
            mean = np.sum(weight * arm) / np.sum(weight)
            loglik += beta * arm[tied[place]] - math.log(np.sum(weight))
            information += mean * (1.0 - mean)
    return loglik + math.log(information) / 2.0


@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_firth(ties: str) -> None:
    from scipy.optimize import brentq, minimize_scalar

    data = trial(7, 30, ties=True)
    data["event"] &= data["arm"] == 0  # no events under treatment

    def height(beta: float) -> float:
        return penalised(data, beta, efron=ties == "efron")

    found = minimize_scalar(
        lambda b: -height(b), bounds=(-15, 5), options={"xatol": 1e-10}, method="bounded"
    )
    fit = batch.firth_cox(*(data[n] for n in ("time", "event", "arm", "present")), ties=ties).row(0)
    assert fit.estimate == pytest.approx(found.x, abs=1e-6)
    ratio = 2.0 * (height(found.x) - height(0.0))
    assert fit.statistic**2 == pytest.approx(ratio, rel=1e-7)
    drop = 3.841458820694124 / 2.0
    for limit, far in ((fit.ci_low, found.x - 20.0), (fit.ci_high, found.x + 20.0)):
        want = brentq(lambda b: height(b) - height(found.x) + drop, found.x, far, xtol=1e-12)
        assert limit == pytest.approx(want, abs=1e-5)


@pytest.mark.filterwarnings("ignore")
def test_robust_standard_errors_are_those_of_lifelines_without_ties() -> None:
    from lifelines import CoxPHFitter

    data = trial(3, 90, ties=False)
    table = pd.DataFrame({k: data[k][0] for k in ("time", "event", "arm")})
    table = table.assign(x=data["x"][0, :, 0], site=np.arange(90) // 6)
    model = CoxPHFitter().fit(
        table,
        "time",
        "event",
        cluster_col="site",
        fit_options={"precision": 1e-15, "r_precision": 1e-18},
    )
    ours = cox_model(
        table, time="time", event="event", arm="arm", control=0, covariates=("x",), cluster="site"
    )
    np.testing.assert_allclose(ours.coefficients[0], model.params_, rtol=1e-7)
    np.testing.assert_allclose(ours.se[0], model.standard_errors_, rtol=1e-6)


def test_scores_add_up_to_the_statistic_and_their_permutations_to_its_law() -> None:
    data = trial(5, 13, ties=True)
    time, event, arm, present = (data[n] for n in ("time", "event", "arm", "present"))
    scores = logrank_scores(time, event, present, None, GEHAN)
    fit = batch.logrank(time, event, arm, present, None, GEHAN)
    assert scores.sum() == pytest.approx(0.0, abs=1e-9)
    assert (scores * arm).sum() == pytest.approx(fit.estimate[0] / fit.se[0] ** 2, rel=1e-9)
    exact = batch.logrank_permutation(time, event, arm, present, None, GEHAN)
    table = pd.DataFrame({"time": time[0], "event": event[0], "arm": arm[0]})
    sampled = logrank_permutation(
        table,
        time="time",
        event="event",
        arm="arm",
        control=0,
        weight=GEHAN,
        draws=20_000,
        generator=np.random.default_rng(1),
    )
    error = math.sqrt(exact.p[0] * (1 - exact.p[0]) / 20_000)
    assert abs(sampled.p - exact.p[0]) < 4 * error + 1e-4
    assert sampled.se == pytest.approx(exact.se[0], rel=1e-12)


def test_exact_ties_are_all_ways_to_choose_who_has_the_events() -> None:
    """Cox's discrete model: the likelihood written out over all subsets, at the maximum."""
    rng = np.random.default_rng(11)
    for _ in range(20):
        n = 14
        time, event, arm = rng.integers(1, 5, n), rng.uniform(size=n) < 0.7, rng.integers(0, 2, n)
        found = batch.cox(
            time[None], event[None], arm[None], np.ones((1, n), bool), ties="exact"
        ).row(0)
        if not found.converged:
            continue

        def loglik(beta: float, time: Any = time, event: Any = event, arm: Any = arm) -> float:
            total = 0.0
            for t in np.unique(time[event]):
                risk, here = arm[time >= t], arm[event & (time == t)]
                ways = combinations(range(len(risk)), len(here))
                sums = [np.exp(beta * sum(risk[i] for i in way)) for way in ways]
                total += beta * here.sum() - np.log(np.sum(sums))
            return total

        h = 1e-4
        slope = (loglik(found.estimate + h) - loglik(found.estimate - h)) / (2 * h)
        bend = loglik(found.estimate + h) - 2 * loglik(found.estimate) + loglik(found.estimate - h)
        assert abs(slope) < 1e-6
        assert found.se == pytest.approx(1 / np.sqrt(-bend / h**2), rel=1e-4)


def test_without_ties_all_treatments_of_ties_are_one() -> None:
    rng = np.random.default_rng(12)
    time, event = rng.permutation(40)[None], rng.uniform(size=(1, 40)) < 0.6
    arm = np.tile([0, 1], 20)[None]
    fits = [
        batch.cox(time, event, arm, np.ones((1, 40), bool), ties=ties).row(0)
        for ties in ("efron", "breslow", "exact")
    ]
    for fit in fits[1:]:
        assert fit.estimate == pytest.approx(fits[0].estimate, abs=1e-9)
        assert fit.se == pytest.approx(fits[0].se, abs=1e-9)
