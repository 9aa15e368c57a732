"""The same data given to lifelines 0.30.3 and statsmodels 0.15.0."""

import numpy as np
import pandas as pd
import pytest

from raresim.analysis import ancova, andersen_gill, batch, cox, logrank, negative_binomial

pytestmark = pytest.mark.filterwarnings("ignore")  # theirs, not ours
TIGHT = {"precision": 1e-15, "r_precision": 1e-18}  # else lifelines stops at 1e-5


def survival_table(seed: int, patients: int, *, ties: bool) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    arm = rng.integers(0, 2, patients)
    centre = rng.integers(0, 4, patients)
    time = rng.exponential(10.0 * np.exp(0.5 * arm - 0.3 * centre))
    censored = rng.uniform(1.0, 25.0, patients)
    event = (time <= censored).astype(int)
    time = np.minimum(time, censored)
    if ties:
        time = np.ceil(time)
    return pd.DataFrame({"time": time, "event": event, "arm": arm, "centre": centre})


NAMES = {"time": "time", "event": "event", "arm": "arm", "control": 0}


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize(("seed", "patients"), [(1, 24), (2, 60), (3, 300)])
def test_logrank_is_that_of_lifelines(seed: int, patients: int, ties: bool) -> None:
    from lifelines.statistics import logrank_test

    data = survival_table(seed, patients, ties=ties)
    a, b = data[data["arm"] == 0], data[data["arm"] == 1]
    theirs = logrank_test(a["time"], b["time"], a["event"], b["event"])
    ours = logrank(data, **NAMES)
    assert ours.statistic**2 == pytest.approx(theirs.test_statistic, rel=1e-9)
    assert ours.p == pytest.approx(theirs.p_value, rel=1e-9)


@pytest.mark.parametrize("strata", [(), ("centre",)])
@pytest.mark.parametrize(
    ("seed", "patients", "ties"), [(1, 40, True), (2, 60, False), (3, 300, True)]
)
def test_cox_is_that_of_lifelines(
    seed: int, patients: int, ties: bool, strata: tuple[str, ...]
) -> None:
    from lifelines import CoxPHFitter

    data = survival_table(seed, patients, ties=ties)
    columns = ["time", "event", "arm", *strata]
    model = CoxPHFitter().fit(
        data[columns],
        "time",
        "event",
        strata=list(strata) or None,
        fit_options=TIGHT,
    )
    ours = cox(data, **NAMES, strata=strata)
    assert ours.estimate == pytest.approx(model.params_["arm"], rel=1e-6)
    assert ours.se == pytest.approx(model.standard_errors_["arm"], rel=1e-6)
    assert ours.p == pytest.approx(model.summary.loc["arm", "p"], rel=1e-5)


def test_robust_standard_error_is_that_of_lifelines_with_one_event_each() -> None:
    from lifelines import CoxPHFitter

    data = survival_table(5, 80, ties=False)
    model = CoxPHFitter().fit(
        data[["time", "event", "arm"]],
        "time",
        "event",
        robust=True,
        fit_options=TIGHT,
    )
    long = data.assign(who=np.arange(80), start=0.0)
    ours = andersen_gill(
        long, id="who", start="start", stop="time", event="event", arm="arm", control=0
    )
    assert ours.estimate == pytest.approx(model.params_["arm"], rel=1e-6)
    assert ours.se == pytest.approx(model.standard_errors_["arm"], rel=1e-6)


def test_recurrent_estimate_is_that_of_lifelines() -> None:
    from lifelines import CoxPHFitter

    rng = np.random.default_rng(6)
    rows = []
    for who in range(50):
        end, here = int(rng.integers(20, 60)), 0
        for gap in rng.geometric(0.03 * rng.gamma(1.0, 1.0) + 0.005, 50):
            if here + gap >= end:
                break
            rows.append((who, here, here + gap, 1, who % 2))
            here += gap
        rows.append((who, here, end, 0, who % 2))
    data = pd.DataFrame(rows, columns=["who", "start", "stop", "event", "arm"])
    model = CoxPHFitter().fit(
        data.drop(columns="who"),
        "stop",
        "event",
        entry_col="start",
        fit_options=TIGHT,
    )
    ours = andersen_gill(
        data, id="who", start="start", stop="stop", event="event", arm="arm", control=0
    )
    assert ours.estimate == pytest.approx(model.params_["arm"], rel=1e-7)


def counts_table(seed: int, patients: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    arm = rng.integers(0, 2, patients)
    years = rng.uniform(0.3, 2.0, patients)
    mean = years * np.exp(0.6 - 0.5 * arm) * rng.gamma(1.2, 1 / 1.2, patients)
    return pd.DataFrame({"count": rng.poisson(mean), "years": years, "arm": arm})


COUNTS = {"count": "count", "exposure": "years", "arm": "arm", "control": 0}


@pytest.mark.parametrize(("seed", "patients"), [(1, 30), (2, 80), (3, 400)])
def test_negative_binomial_is_that_of_statsmodels(seed: int, patients: int) -> None:
    import statsmodels.api as sm
    from statsmodels.discrete.discrete_model import NegativeBinomial

    data = counts_table(seed, patients)
    design = np.column_stack((np.ones(patients), data["arm"]))
    likelihood = NegativeBinomial(data["count"], design, offset=np.log(data["years"]))
    near = likelihood.fit(disp=0, method="bfgs", maxiter=2000)
    model = likelihood.fit(disp=0, method="newton", start_params=near.params, tol=1e-12)
    alpha = model.params.iloc[2]
    # the standard error of glm.nb: a generalised linear model with this dispersion
    given = sm.GLM(
        data["count"],
        design,
        offset=np.log(data["years"]),
        family=sm.families.NegativeBinomial(alpha=alpha),
    ).fit(tol=1e-12)
    ours = negative_binomial(data, **COUNTS)
    theta = batch.negative_binomial_theta(
        *(data[name].to_numpy()[None] for name in ("count", "years", "arm")),
        np.ones((1, patients), dtype=bool),
    )
    assert 1.0 / theta[0] == pytest.approx(alpha, rel=1e-5)
    assert ours.estimate == pytest.approx(model.params.iloc[1], rel=1e-5)
    assert ours.se == pytest.approx(given.bse.iloc[1], rel=1e-5)


def test_counts_without_overdispersion_are_poisson() -> None:
    import statsmodels.api as sm

    data = pd.DataFrame(
        {"count": [2, 1, 2, 1, 2, 1, 1, 0, 1, 1, 0, 1], "years": [1.0] * 12, "arm": [0, 1] * 6}
    )
    model = sm.GLM(data["count"], sm.add_constant(data["arm"]), family=sm.families.Poisson()).fit(
        tol=1e-12
    )
    ours = negative_binomial(data, **COUNTS)
    assert ours.converged
    assert any("Poisson" in sentence for sentence in ours.notes)
    assert ours.estimate == pytest.approx(model.params["arm"], rel=1e-9)
    assert ours.se == pytest.approx(model.bse["arm"], rel=1e-9)


@pytest.mark.parametrize("covariates", [(), ("age",), ("age", "score")])
def test_ancova_is_that_of_statsmodels(covariates: tuple[str, ...]) -> None:
    import statsmodels.api as sm

    rng = np.random.default_rng(8)
    data = pd.DataFrame(
        {
            "arm": rng.integers(0, 2, 33),
            "age": rng.normal(2000.0, 3.0, 33),
            "score": rng.normal(size=33),
        }
    )
    data["change"] = 0.4 * data["arm"] + 0.1 * data["age"] - data["score"] + rng.normal(size=33)
    data.loc[[3, 17], "change"] = np.nan
    data.loc[9, "score"] = np.nan
    kept = data.dropna(subset=["change", *covariates])
    columns = kept[["arm", *covariates]]
    model = sm.OLS(kept["change"], sm.add_constant(columns - columns.mean())).fit()
    ours = ancova(data, outcome="change", adjust_for=covariates, arm="arm", control=0)
    assert ours.estimate == pytest.approx(model.params["arm"], rel=1e-9)
    assert ours.se == pytest.approx(model.bse["arm"], rel=1e-9)
    assert ours.p == pytest.approx(model.pvalues["arm"], rel=1e-8)
    low, high = model.conf_int().loc["arm"]
    assert (ours.ci_low, ours.ci_high) == pytest.approx((low, high), rel=1e-8)
    assert ours.df == model.df_resid
    assert any("missing outcome" in sentence for sentence in ours.notes)
