"""The cystic fibrosis model against real patients to whom nothing of it was fitted.

The placebo arm of the 1992 trial of rhDNase (survival's rhDNase: 325 patients, 24 weeks). Model
patients are chosen to have the ppFEV1 of the real ones; a real number should lie among those of
4,000 model arms of 325. What is not comparable: the model's exacerbations are those treated with
any antibiotic (the trial printed here has only intravenous courses), in patients of another era
and of two genotypes. The data are not part of the project: without them the test skips.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd
import pytest

from raresim.cohort.population import population
from raresim.disease import load_model
from tests.worlds import SHARED

DATA = SHARED / "data" / "survival_rhDNase.csv"
pytestmark = pytest.mark.skipif(not DATA.is_file(), reason="the individual data are not at hand")

DAYS = 166.0
"""Mean follow-up of the placebo arm."""
WEEKS = (4, 8, 12, 16, 20, 23)
ARMS, NEAR = 4000, 500
MISSES = {"events per patient-year, time on antibiotics counted"}
"""What lies outside: see `about` of the model; nothing was tuned to mend it."""


@cache
def real() -> pd.DataFrame:
    """One row for each placebo patient: ppFEV1, courses, day of the first, days and days at risk.

    Courses that began before randomisation do not count; nobody is at risk during a course and
    for six days after it (documentation of the data set).
    """
    table = pd.read_csv(DATA, parse_dates=["entry.dt", "end.dt"])
    table = table[table["trt"] == 0]
    table["days"] = (table["end.dt"] - table["entry.dt"]).dt.days
    table["new"] = table["ivstart"] >= 0
    until = np.minimum(table["ivstop"] + 6, table["days"])
    table["away"] = (until - table["ivstart"].clip(lower=0)).clip(lower=0).fillna(0)
    table["first"] = table["ivstart"].where(table["new"], np.inf)
    patients = table.groupby("id").agg(
        fev=("fev", "first"),
        count=("new", "sum"),
        first=("first", "min"),
        days=("days", "first"),
        away=("away", "sum"),
    )
    return patients.assign(risk=patients["days"] - patients["away"])


def numbers(count: np.ndarray, first: np.ndarray, low: np.ndarray) -> dict[str, float]:
    """Return dispersion, the ratio by lung function, and the curve of the first event."""
    spread = max(float(count.var(ddof=1) - count.mean()), 1e-9)
    found = {
        "theta of the counts": float(count.mean()) ** 2 / spread,
        "rate below the median of ppFEV1 over that above": count[low].mean() / count[~low].mean(),
    }
    return found | {f"event-free at {w} weeks": float(np.mean(first > 7 * w)) for w in WEEKS}


@cache
def compared() -> pd.DataFrame:
    """Return the real numbers, and how the model's arms lie about them."""
    people = population(load_model("cystic-fibrosis"), 250_000, {"exacerbation": [DAYS]})
    order = np.argsort(people.values["ppfev1"])
    fev = people.values["ppfev1"][order]
    count = people.counts["exacerbation", DAYS][order]
    first = people.firsts["exacerbation"][order]
    patients = real()
    low = (patients["fev"] < patients["fev"].median()).to_numpy()
    alike = np.clip(np.searchsorted(fev, patients["fev"]), NEAR, len(fev) - NEAR - 1)
    rng = np.random.default_rng(1992)
    arms = []
    for _ in range(ARMS):
        chosen = alike + rng.integers(-NEAR, NEAR + 1, len(alike))
        rate = count[chosen].mean() / DAYS * 365.25
        arms.append(
            {
                "events per patient-year, time on antibiotics counted": rate,
                "events per patient-year at risk": rate,
            }
            | numbers(count[chosen], first[chosen], low)
        )
    model = pd.DataFrame(arms)
    courses = patients["count"].sum()
    observed = {
        "events per patient-year, time on antibiotics counted": courses
        / (patients["days"].sum() / 365.25),
        "events per patient-year at risk": courses / (patients["risk"].sum() / 365.25),
    } | numbers(patients["count"].to_numpy(), patients["first"].to_numpy(), low)
    table = pd.DataFrame(
        {
            "real": pd.Series(observed),
            "lower": model.quantile(0.025),
            "median": model.median(),
            "upper": model.quantile(0.975),
        }
    )
    table["outside"] = (table["real"] < table["lower"]) | (table["real"] > table["upper"])
    return table


def test_the_real_arm_is_the_one_that_was_published() -> None:
    patients = real()
    assert len(patients) == 325
    assert int((patients["count"] > 0).sum()) == 139
    assert patients["count"].sum() / (patients["days"].sum() / 365.25) == pytest.approx(1.39, 0.01)


def test_exacerbations_against_the_placebo_arm_of_rhdnase() -> None:
    table = compared()
    outside = set(table.index[table["outside"]])
    assert outside == MISSES, f"outside the envelope of {ARMS} model arms:\n{table.round(3)}"


def test_the_known_miss_is_small() -> None:
    miss = compared().loc[sorted(MISSES)]
    off = (miss["real"] / miss["median"] - 1).abs().max()
    assert off < 0.2, f"the rate is off by {off:.0%}:\n{miss.round(3)}"
