"""Whether a likelihood has a maximum, and where its profile has fallen far enough."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import linprog, minimize, minimize_scalar

from raresim.analysis import batch, cox, firth


@pytest.mark.parametrize(("ties", "seed"), [(t, s) for t in ("efron", "breslow") for s in range(3)])
def test_cox_says_when_arm_and_covariate_together_make_the_likelihood_rise(
    ties: Any, seed: int
) -> None:
    """Found by an audit: a step shortened for each coefficient led downhill and was taken as 0."""
    table = pd.DataFrame(
        {
            "arm": [1, 0, 1, 0, 1, 0, 0],
            "x": [-1.2, 0.6, 0.1, -0.8, 0.1, 0.6, -0.7],
            "time": [1, 2, 3, 3, 3, 4, 4],
            "event": [1, 0, 0, 1, 1, 0, 1],
        }
    ).sample(frac=1.0, random_state=seed)
    names = {"time": "time", "event": "event", "arm": "arm", "control": 0, "covariates": ["x"]}
    fit = cox(table, **names, ties=ties)
    assert not fit.converged
    assert "without end" in fit.notes[0]


def test_cox_has_an_estimate_where_and_only_where_the_likelihood_has_a_maximum() -> None:
    """There is none if some direction puts each event's patient at or above those at risk."""
    rng = np.random.default_rng(5)
    tried = lost = 0
    for _ in range(100):
        n = int(rng.integers(6, 12))
        x = np.column_stack([np.arange(n) % 2, rng.normal(size=n).round(1)])
        time, event = rng.integers(1, 6, n), rng.random(n) < 0.6
        pairs = [x[i] - x[j] for i in np.flatnonzero(event) for j in range(n) if time[j] >= time[i]]
        differences = np.array([d for d in pairs if np.any(d != 0.0)]).reshape(-1, 2)
        if np.linalg.matrix_rank(differences) < 2:
            continue
        best = linprog(
            -differences.sum(axis=0),
            A_ub=-differences,
            b_ub=np.zeros(len(differences)),
            bounds=[(-1, 1)] * 2,
        )
        endless = -best.fun > 1e-7
        fit = batch.cox_model(time[None], event[None], x[None], np.ones((1, n), dtype=bool))
        assert not (endless and fit.converged[0])
        lost += bool(not endless and not fit.converged[0])
        tried += bool(endless)
    assert tried > 8
    assert lost == 0


def test_cox_finds_a_maximum_that_puts_hazards_far_apart() -> None:
    """Events go by x but for one pair, 0.05 apart, out of order: the maximum lies at e^50 and more.

    Direct maximisation of the likelihood as it is written down is the reference.
    """
    x = np.array([10.0, 8.0, 6.0, 3.95, 4.0, 2.0, 0.0])
    time, event = np.arange(1.0, 8.0)[None], np.ones((1, 7), dtype=bool)
    fit = batch.cox_model(time, event, x[None, :, None], event)
    assert fit.converged[0]
    assert fit.coefficients[0, 0] * (x.max() - x.min()) > 25.0

    def fall(b: float) -> float:
        return -sum(b * x[k] - np.logaddexp.reduce(b * x[k:]) for k in range(7))

    best = minimize_scalar(fall, bounds=(0.1, 100.0), method="bounded", options={"xatol": 1e-10})
    assert fit.coefficients[0, 0] == pytest.approx(best.x, rel=1e-5)
    assert fit.loglik[0] == pytest.approx(-best.fun, rel=1e-10)
    in_order = batch.cox_model(time, event, np.sort(x)[::-1][None, :, None], event)
    assert not in_order.converged[0]
    assert "without end" in repr(in_order)


def test_a_singular_sandwich_gives_no_test_of_all_coefficients() -> None:
    rng = np.random.default_rng(8)
    x, time = rng.normal(size=(2, 40, 3)), rng.exponential(size=(2, 40))
    event = np.ones((2, 40), dtype=bool)
    cluster = np.stack([np.arange(40) % 2, np.arange(40) % 10])  # two clusters, then ten
    fit = batch.cox_model(time, event, x, event, cluster=cluster)
    assert np.isnan(fit.wald_test[0])
    assert np.isnan(fit.wald_p[0])
    assert "variance cannot be estimated" in repr(fit.row(0))
    assert np.isfinite(fit.wald_test[1]) and 0.0 <= fit.wald_p[1] <= 1.0
    assert "variance" not in repr(fit.row(1))
    alone = batch.cox_model(time[1:], event[1:], x[1:], event[1:], cluster=cluster[1:])
    assert alone.wald_test[0] == fit.wald_test[1]


def test_firths_limits_far_out_are_found() -> None:
    """The profile falls slowly; direct maximisation puts 3.84 below the top at about 44.6."""
    drug = [5.93, 6.67, 8.23, 8.81, 9.09, 9.23, 9.48, 10.06, 11.66, 12.49]
    placebo = [5.07, 6.13, 6.73, 6.86, 7.06, 7.86, 9.81, 9.89, 10.67, 11.23]
    table = pd.DataFrame(
        {
            "arm": ["drug"] * 10 + ["placebo"] * 10,
            "x": drug + placebo,
            "y": [0] * 4 + [1] * 6 + [0] * 10,
        }
    )
    fit = firth(table, outcome="y", covariates=["x"], arm="arm", control="placebo")
    treated = (table["arm"] == "drug").to_numpy(dtype=np.float64)
    design = np.column_stack([np.ones(20), treated, table["x"] - table["x"].mean()])

    def height(b: np.ndarray) -> float:
        logit = design @ b
        weight = np.exp(-np.abs(logit)) / (1.0 + np.exp(-np.abs(logit))) ** 2
        penalty = np.linalg.slogdet((design * weight[:, None]).T.astype(float) @ design)
        return float(np.sum(table["y"] * logit - np.logaddexp(0.0, logit)) + penalty[1] / 2.0)

    simplex = {"xatol": 1e-9, "fatol": 1e-12, "maxiter": 20000}
    top = minimize(
        lambda b: -height(b), np.array([-4.4, 4.5, 1.2]), method="Nelder-Mead", options=simplex
    )
    assert fit.estimate == pytest.approx(top.x[1], abs=1e-5)
    for limit in (fit.ci_low, fit.ci_high):
        start = np.array([-1.1 * limit, 0.4 * limit])
        here = minimize(
            lambda b, at=limit: -height(np.array([b[0], at, b[1]])),
            start,
            method="Nelder-Mead",
            options=simplex,
        )
        assert 2.0 * (here.fun - top.fun) == pytest.approx(3.841458820694124, abs=1e-6)
