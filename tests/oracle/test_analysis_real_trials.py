"""Real trials analysed by R: survival 3.5-3 and MASS 7.3-58.2 under R 4.2.2.

The data (survival's cgd, pbc and rhDNase) are not part of the project; the tests read them from
the oracle folder beside the repository where there is one.
"""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from raresim.analysis import andersen_gill, batch, cox, logrank, negative_binomial

DATA = Path(__file__).parents[3] / "shared" / "oracles" / "data"
pytestmark = pytest.mark.skipif(
    not (DATA / "cgd.csv").exists(), reason="no oracle data beside the repository"
)


def about(value: float) -> object:
    return pytest.approx(value, rel=1e-6)


def cgd() -> pd.DataFrame:
    return pd.read_csv(DATA / "cgd.csv")


def pbc() -> pd.DataFrame:
    table = pd.read_csv(DATA / "pbc.csv")
    table = table[table["trt"].notna()].copy()
    table["died"] = (table["status"] == 2).astype(int)
    return table


def rhdnase() -> pd.DataFrame:
    """The first exacerbation of each patient, those already in one at entry left out."""
    table = pd.read_csv(DATA / "rhDNase.csv", parse_dates=["entry.dt", "end.dt"])
    first = table.drop_duplicates("id").copy()
    first["event"] = first["ivstart"].notna().astype(int)
    days = (first["end.dt"] - first["entry.dt"]).dt.days.astype(float)
    first["days"] = first["ivstart"].where(first["event"] == 1, days)
    return first[first["days"] > 0]


CGD = {"time": "tstop", "event": "status", "arm": "treat", "control": "placebo"}
PBC = {"time": "time", "event": "died", "arm": "trt", "control": 1}
RHDNASE = {"time": "days", "event": "event", "arm": "trt", "control": 0}


def test_logrank_of_the_first_infection_in_cgd() -> None:
    table = cgd()
    fit = logrank(table[table["enum"] == 1], **CGD)
    # survdiff: observed 14, expected 25.0769577968819, variance 10.4491275676384
    assert fit.statistic**2 == about(11.742510868937)
    assert fit.p == about(0.000610885537409082)
    assert fit.se**-2 == about(10.4491275676384)
    assert fit.estimate / fit.se**2 == about(14 - 25.0769577968819)
    assert fit.used == 128


def test_cox_of_the_first_infection_in_cgd() -> None:
    table = cgd()
    fit = cox(table[table["enum"] == 1], **CGD)
    assert fit.estimate == about(-1.0940228192195)
    assert fit.se == about(0.334786807283841)


def test_negative_binomial_of_all_infections_in_cgd() -> None:
    patients = (
        cgd()
        .groupby("id")
        .agg(count=("status", "sum"), days=("tstop", "max"), treat=("treat", "first"))
    )
    fit = negative_binomial(
        patients, count="count", exposure="days", arm="treat", control="placebo"
    )
    assert fit.estimate == about(-1.03110300522624)
    assert fit.se == about(0.313681823993173)
    assert fit.statistic == about(-3.28709834730075)
    assert fit.p == about(0.00101225475277063)
    theta = batch.negative_binomial_theta(
        patients["count"].to_numpy()[None],
        patients["days"].to_numpy(dtype=float)[None],
        (patients["treat"] != "placebo").to_numpy().astype(int)[None],
        np.ones((1, 128), dtype=bool),
    )
    assert theta[0] == about(1.09502743932986)


def test_andersen_gill_of_all_infections_in_cgd() -> None:
    """R's coxph with cluster(id) gives 0.334 (0.181 to 0.616), to three digits.

    All digits: the estimate is that of lifelines 0.30.3, the robust standard error this project's
    own, whose residuals test_analysis_double_programming works out a second time.
    """
    columns = {"id": "id", "start": "tstart", "stop": "tstop", "event": "status"}
    fit = andersen_gill(cgd(), **columns, arm="treat", control="placebo")
    assert fit.estimate == about(-1.095286735123829)
    assert fit.se == about(0.3119365770816349)
    assert fit.used == 128
    ratio, *interval = np.exp([fit.estimate, fit.ci_low, fit.ci_high]).round(3)
    assert (ratio, interval) == (0.334, [0.181, 0.616])


@pytest.mark.parametrize(
    ("strata", "chisq", "variance"),
    [((), 0.101705474004902, 31.1917455489972), (("sex",), 0.0627415266518498, 31.099345054488)],
)
def test_logrank_of_death_in_pbc(strata: tuple[str, ...], chisq: float, variance: float) -> None:
    fit = logrank(pbc(), **PBC, strata=strata)
    assert fit.statistic**2 == about(chisq)
    assert fit.se**-2 == about(variance)
    assert fit.used == 312


def test_cox_of_death_in_pbc() -> None:
    fit = cox(pbc(), **PBC)
    assert fit.estimate == about(-0.0572237706770212)
    assert fit.se == about(0.179164787580678)


def test_first_exacerbation_in_rhdnase() -> None:
    table = rhdnase()
    fit = logrank(table, **RHDNASE)
    assert (fit.used, int(table["event"].sum())) == (641, 241)
    assert fit.statistic**2 == about(7.68963963168879)
    assert fit.p == about(0.00555387161326399)
    fit = cox(table, **RHDNASE)
    assert fit.estimate == about(-0.359418895606989)
    assert fit.se == about(0.130241680498552)
