"""The model of primary biliary cholangitis against the real patients of the Mayo trial.

The 312 randomised patients of survival's pbc and pbcseq. Summaries of these patients are the
model's evidence, so this is no independent trial: it asks whether numbers typed in one by one make
a population with the patients' dependences, course of bilirubin and deaths. About half of what is
compared was no input (dependences beside the printed ones, the change of bilirubin, hazards). A
real number should lie among those of 2,000 model cohorts of 312, which have the published numbers
and are censored as the patients were. The data are not part of the project: without them the tests
skip.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from scipy.stats import norm, rankdata

from raresim.cohort.population import population
from raresim.disease import load_model
from tests.worlds import SHARED

FILES = [SHARED / "data" / name for name in ("survival_pbc.csv", "survival_pbcseq.csv")]
pytestmark = pytest.mark.skipif(
    not all(file.is_file() for file in FILES), reason="the individual data are not at hand"
)

Floats = npt.NDArray[np.float64]
N, COHORTS, STRIP = 312, 2000, 250
YEAR = 365.25
YEARS = (1, 2, 3, 5, 7, 10)
VISITS = (1, 3, 5)
"""Years after which the change of bilirubin is compared."""
WINDOW = 0.35
"""Years by which a real visit may be early or late."""
FAMILY = 0.05
"""All real numbers lie inside their envelopes in 95 % of cohorts like the model's, or more: after
Bonferroni each envelope is the mean of the model's cohorts, 3.3 of their SDs to either side."""
INNER = 0.95
"""How many lie outside the central 95 % is compared with how many do so in the model's own."""


@dataclass(frozen=True)
class Cohorts:
    """Patients of many cohorts: arrays of shape (cohorts, patients), NaN where not measured.

    `numbers` are baseline measurements and shares, `days` the follow-up, `died` whether it ended
    with death, `change` the change of log bilirubin after so many years, in those who have it.
    """

    numbers: dict[str, Floats]
    days: Floats
    died: npt.NDArray[np.bool_]
    change: dict[int, Floats]


@cache
def tables() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the randomised patients, and all their visits."""
    patients, visits = (pd.read_csv(file) for file in FILES)
    return patients[patients["trt"].notna()], visits


def real() -> Cohorts:
    """Return the real patients, as a cohort of one."""
    patients, visits = tables()
    numbers = {
        "log bilirubin": np.log(patients["bili"]),
        "albumin": patients["albumin"],
        "prothrombin time": patients["protime"],
        "platelets": patients["platelet"],
        "age": patients["age"],
        "stage": patients["stage"],
        "female": patients["sex"] == "f",
        "ascites": patients["ascites"],
        "edema": patients["edema"],
    }
    change = {}
    for year in VISITS:
        later = visits.assign(away=(visits["day"] / YEAR - year).abs())
        later = later[later["away"] <= WINDOW].sort_values("away").groupby("id").first()
        bilirubin = later["bili"].reindex(patients["id"]).to_numpy()
        change[year] = np.log(bilirubin)[None] - np.log(patients["bili"].to_numpy())[None]
    return Cohorts(
        {name: np.asarray(values, np.float64)[None] for name, values in numbers.items()},
        patients["time"].to_numpy(np.float64)[None],
        (patients["status"] == 2).to_numpy()[None],
        change,
    )


def censoring(patients: Cohorts, u: Floats) -> Floats:
    """Return times of censoring from the real patients' own law, by Kaplan-Meier turned round."""
    days, died = patients.days[0], patients.died[0]
    order = np.lexsort((~died, days))
    at_risk = len(days) - np.arange(len(days))
    left = np.cumprod(np.where(died[order], 1.0, 1 - 1 / at_risk))
    place = np.searchsorted(-left, -(1 - u), side="left")
    return np.asarray(np.append(days[order], days.max())[place])


def model_cohorts(rng: np.random.Generator, count: int) -> Cohorts:
    """Return cohorts of the model, followed and measured as the real patients were."""
    people = everybody()
    patients = real()
    chosen = rng.integers(0, len(people["age"]), (count, N))
    drawn = {name: values[chosen] for name, values in people.items()}
    end = censoring(patients, rng.random((count, N)))
    days = np.minimum(drawn["death"], end)
    change = {}
    for year in VISITS:
        seen = days > year * YEAR
        wanted = int(np.isfinite(patients.change[year]).sum())
        missed = (np.cumsum(seen, axis=1) > wanted) | ~seen  # the first are a random choice
        change[year] = np.where(missed, np.nan, drawn[f"change {year}"])
    names = list(patients.numbers)
    numbers = {name: drawn[name] for name in names}
    measured = np.isfinite(patients.numbers["platelets"]).sum()
    numbers["platelets"] = np.where(np.arange(N) < measured, numbers["platelets"], np.nan)
    return Cohorts(numbers, days, drawn["death"] <= end, change)


@cache
def everybody() -> dict[str, Floats]:
    """Return a large population of the model."""
    times = {"bilirubin": [year * YEAR for year in VISITS], "death": [13 * YEAR]}
    people = population(load_model("primary-biliary-cholangitis"), 500_000, times)
    values = people.values
    found = {
        "log bilirubin": values["bilirubin"],
        "albumin": values["albumin"],
        "prothrombin time": values["prothrombin_time"],
        "platelets": values["platelets"],
        "age": values["age"],
        "stage": values["stage"] + 1.0,
        "female": values["sex"] == 0,
        "ascites": values["ascites"],
        "edema": values["edema"] / 2,
        "death": people.firsts["death"],
    } | {f"change {year}": people.changes["bilirubin", year * YEAR] for year in VISITS}
    return {name: np.asarray(value, np.float64) for name, value in found.items()}


def survival(cohorts: Cohorts, years: float) -> Floats:
    """Return the Kaplan-Meier estimate of each cohort."""
    order = np.argsort(cohorts.days, axis=1)
    days = np.take_along_axis(cohorts.days, order, 1)
    died = np.take_along_axis(cohorts.died, order, 1) & (days <= years * YEAR)
    at_risk = days.shape[1] - np.arange(days.shape[1])
    return np.asarray(np.prod(np.where(died, 1 - 1 / at_risk, 1.0), axis=1))


def cox(cohorts: Cohorts, covariates: list[Floats]) -> Floats:
    """Return the coefficients of each cohort, (cohorts, covariates), by Newton's method."""
    order = np.argsort(-cohorts.days, axis=1, kind="stable")
    died = np.take_along_axis(cohorts.died, order, 1)[..., None]
    x = np.stack(covariates, axis=-1)
    x = np.take_along_axis(x - x.mean(1, keepdims=True), order[..., None], 1)
    beta = np.zeros((x.shape[0], x.shape[2]))
    for _ in range(12):
        weight = np.exp(np.einsum("bnp,bp->bn", x, beta))[..., None]
        total = np.cumsum(weight, 1)
        mean = np.cumsum(weight * x, 1) / total
        square = np.cumsum(weight[..., None] * x[..., :, None] * x[..., None, :], 1)
        spread = square / total[..., None] - mean[..., :, None] * mean[..., None, :]
        score = np.sum(died * (x - mean), 1)
        information = np.sum(died[..., None] * spread, 1)
        beta = beta + np.linalg.solve(information, score[..., None])[..., 0]
    return np.asarray(beta)


def spearman(first: Floats, second: Floats) -> Floats:
    """Return the rank correlation of each cohort, among those who have both."""
    both = np.isfinite(first) & np.isfinite(second)
    pair = (np.where(both, values, np.nan) for values in (first, second))
    ranks = [rankdata(values, axis=1, nan_policy="omit") for values in pair]
    a, b = (rank - np.nanmean(rank, 1, keepdims=True) for rank in ranks)
    return np.asarray(np.nansum(a * b, 1) / np.sqrt(np.nansum(a**2, 1) * np.nansum(b**2, 1)))


PAIRS = (
    ("log bilirubin", "stage"),
    ("log bilirubin", "albumin"),
    ("log bilirubin", "prothrombin time"),
    ("log bilirubin", "edema"),
    ("log bilirubin", "age"),
    ("albumin", "stage"),
    ("albumin", "prothrombin time"),
    ("prothrombin time", "stage"),
    ("age", "stage"),
    ("edema", "stage"),
    ("ascites", "stage"),
    ("platelets", "log bilirubin"),
)


def numbers(cohorts: Cohorts) -> dict[str, Floats]:
    """Return all that is compared, one number for each cohort."""
    of = cohorts.numbers
    found = {}
    for name in ("age", "albumin", "prothrombin time", "platelets", "log bilirubin"):
        found[f"mean of {name}"] = np.nanmean(of[name], 1)
        found[f"SD of {name}"] = np.nanstd(of[name], 1, ddof=1)
    for share in (0.25, 0.5, 0.75):
        found[f"quantile {share:g} of log bilirubin"] = np.quantile(of["log bilirubin"], share, 1)
    for name in ("female", "ascites"):
        found[f"share of {name}"] = of[name].mean(1)
    found["share of edema"] = (of["edema"] > 0).mean(1)
    for stage in range(1, 5):
        found[f"share of stage {stage}"] = (of["stage"] == stage).mean(1)
    for first, second in PAIRS:
        found[f"Spearman of {first} and {second}"] = spearman(of[first], of[second])
    for year in YEARS:
        found[f"alive after {year} years"] = survival(cohorts, year)
    mayo = [of["log bilirubin"], of["age"], of["albumin"], np.log(of["prothrombin time"])]
    mayo = [*mayo, of["edema"]]
    words = ("log bilirubin", "age", "albumin", "log prothrombin time", "edema")
    for word, covariate in zip((*words, "stage"), (*mayo, of["stage"]), strict=True):
        found[f"Cox, {word} alone"] = cox(cohorts, [covariate])[:, 0]
    for word, column in zip(words, cox(cohorts, mayo).T, strict=True):
        found[f"Cox, {word} in the Mayo model"] = column
    for year in VISITS:
        found[f"mean change of log bilirubin in {year} years"] = np.nanmean(cohorts.change[year], 1)
        spread = np.nanstd(cohorts.change[year], 1, ddof=1)
        found[f"SD of the change of log bilirubin in {year} years"] = spread
    return found


@cache
def simulated() -> pd.DataFrame:
    """Return what is compared in each cohort of the model."""
    rng = np.random.default_rng(312)
    strips = [numbers(model_cohorts(rng, STRIP)) for _ in range(COHORTS // STRIP)]
    return pd.DataFrame({name: np.concatenate([s[name] for s in strips]) for name in strips[0]})


@cache
def compared() -> pd.DataFrame:
    """Return the real numbers, and how the model's cohorts lie about them."""
    model = simulated()
    table = pd.DataFrame(
        {
            "real": {name: float(value[0]) for name, value in numbers(real()).items()},
            "lower": model.quantile((1 - INNER) / 2),
            "median": model.median(),
            "upper": model.quantile((1 + INNER) / 2),
        }
    )
    return table.assign(z=(table["real"] - model.mean()) / model.std())


def outside(values: pd.DataFrame) -> pd.Series:
    """Return how many numbers of each cohort lie outside the central 95 %."""
    table = compared()
    among = (values < table["lower"]) | (values > table["upper"])
    return among.sum(axis=1)


def test_the_real_patients_are_those_of_the_facts() -> None:
    patients, visits = tables()
    assert len(patients) == N and patients["id"].tolist() == list(range(1, N + 1))
    assert (patients["status"] == 2).sum() == 125
    assert len(visits) == 1945
    assert float(survival(real(), 5)[0]) == pytest.approx(0.711, abs=5e-4)


def test_the_cox_fit_is_that_of_the_facts() -> None:
    found = {name: value for name, value in compared()["real"].items() if "Mayo" in str(name)}
    printed = [0.8773, 0.0335, -0.9445, 3.0132, 0.7846]
    assert list(found.values()) == pytest.approx(printed, rel=0.01)


def test_each_real_number_lies_among_those_of_the_model() -> None:
    table = compared()
    most = float(norm.ppf(1 - FAMILY / len(table) / 2))
    missed = set(table.index[table["z"].abs() > most])
    assert not missed, f"more than {most:.2f} SDs away:\n{table.round(3).to_string()}"


def test_no_more_numbers_are_off_than_in_a_cohort_of_the_model() -> None:
    real_one = int(outside(compared()[["real"]].T).iloc[0])
    usual = int(outside(simulated()).quantile(INNER))
    assert real_one <= usual, f"{real_one} outside, {usual} or fewer in 95 % of model cohorts"
