"""The model of chronic granulomatous disease against the real patients of the 1991 trial.

Survival's cgd and cgd0: 128 patients of 13 centres, 65 of them on placebo. Most of the model's
numbers were computed from these patients, so this is no independent trial: it asks whether numbers
typed in one by one make the trial's baseline and placebo arm. About two thirds of what is compared
was no input: the curve of the first infection, the second infection, whether the rate keeps its
height, and all that goes together or does not (baseline, infections, centres).

Each of 2,048 model cohorts has the real centres, arms and days of follow-up, patient by patient. Of
real ages only whole years are known, and the model took their quartiles so: its ages are not
rounded. 65 patients say little of what nobody published: sites that differ by 0.75 on the log scale
and a tie of age and infections of -0.45 would pass too. The data are not part of the project:
without them the tests skip.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from scipy.stats import norm, rankdata

from raresim.disease import Parameters, load_model
from raresim.disease.outcomes import Horizon
from raresim.streams import LUCK_BLOCK, Luck
from tests.worlds import SHARED

FILES = [SHARED / "data" / name for name in ("survival_cgd.csv", "survival_cgd0.csv")]
pytestmark = pytest.mark.skipif(
    not all(file.is_file() for file in FILES), reason="the individual data are not at hand"
)

Floats = npt.NDArray[np.float64]
MODEL = "chronic-granulomatous-disease"
SEED, BLOCKS = 1991, 2
YEAR = 365.25
DAYS = (90, 180, 270, 360)
AGAIN = (60, 120, 180)
"""Days after the first infection within which the second is looked for."""
FAMILY = 0.05
"""All real numbers lie inside their envelopes in 95 % of cohorts like the model's, or more: after
Bonferroni each envelope is the mean of the model's cohorts, 3.2 of their SDs to either side."""
INNER = 0.95
"""How many lie outside the central 95 % is compared with how many do so in the model's own."""
MISSES = {"log spread over centres of those on no prophylaxis"}
"""What lies outside: a model's patients are alike in all centres, but for their infections. Ages
come near to it for the same reason. See `about` of the model; nothing was tuned to mend it."""
ALONE = "Univ. of Washington"
"""The centre where nobody was on prophylaxis."""


@dataclass(frozen=True)
class Cohorts:
    """Patients of many cohorts: arrays of shape (cohorts, patients).

    `infections` are days of those on placebo (cohorts, patients, infections), infinite after the
    end of follow-up, `end`.
    """

    age: Floats
    autosomal: Floats
    female: Floats
    prophylaxis: Floats
    steroids: Floats
    infections: Floats
    end: Floats


@cache
def tables() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return a row for each patient: what was found at baseline, and the days of infections."""
    baseline = pd.read_csv(FILES[0]).groupby("id").first()
    return baseline, pd.read_csv(FILES[1]).set_index("id")


def placebo() -> npt.NDArray[np.bool_]:
    return (tables()[0]["treat"] == "placebo").to_numpy()


def centres() -> npt.NDArray[np.int64]:
    return pd.factorize(tables()[0]["center"])[0].astype(np.int64)


def real() -> Cohorts:
    """Return the real patients, as a cohort of one."""
    baseline, course = tables()
    course = course[placebo()]
    shown = {
        "age": baseline["age"],
        "autosomal": baseline["inherit"] == "autosomal",
        "female": baseline["sex"] == "female",
        "prophylaxis": baseline["propylac"],
        "steroids": baseline["steroids"],
        "infections": course.filter(like="etime").fillna(np.inf),
        "end": course["futime"],
    }
    return Cohorts(**{name: values.to_numpy(np.float64)[None] for name, values in shown.items()})


def model_cohorts(numbers: Parameters, block: int) -> Cohorts:
    """Return 1,024 cohorts of the model, in the real centres and followed as the real patients."""
    model, luck = load_model(MODEL), Luck(SEED, block)
    where, treated = centres(), ~placebo()
    site = np.broadcast_to(where, (LUCK_BLOCK, len(where)))
    patients = model.sample(luck, len(where), numbers, site, int(where.max()) + 1)
    follow_up = tables()[1]["futime"].to_numpy(np.float64)
    walked = model.walk(model.latents(luck, patients, numbers, Horizon(follow_up.max())))
    end = np.minimum(walked["death"].days[..., 0], follow_up)[:, ~treated]
    days = walked["serious_infection"].days[:, ~treated]
    values = {name: np.asarray(value, np.float64) for name, value in patients.values.items()}
    return Cohorts(
        age=values["age"],
        autosomal=values["inheritance"],
        female=values["sex"],
        prophylaxis=values["prophylaxis"],
        steroids=values["steroids"],
        infections=np.where(days <= end[..., None], days, np.inf),
        end=end,
    )


def free(days: Floats, seen: npt.NDArray[np.bool_], until: float, who: Floats) -> Floats:
    """Return the Kaplan-Meier estimate of each cohort at a day, among those with weight one."""
    order = np.lexsort((~seen, days), axis=1)
    days, seen, who = (np.take_along_axis(of, order, 1) for of in (days, seen, who))
    at_risk = np.cumsum(who[:, ::-1], axis=1)[:, ::-1]
    lost = seen & (days <= until) & (who > 0)
    return np.asarray(np.prod(1 - lost / np.maximum(at_risk, 1), axis=1))


def spearman(first: Floats, second: Floats) -> Floats:
    """Return the rank correlation of each cohort."""
    a, b = (rankdata(of, axis=1) for of in (first, second))
    a, b = (rank - rank.mean(1, keepdims=True) for rank in (a, b))
    return np.asarray((a * b).sum(1) / np.sqrt((a**2).sum(1) * (b**2).sum(1)))


def mean_in(values: Floats, among: Floats) -> Floats:
    return np.asarray((values * among).sum(1) / among.sum(1))


def unlike(found: Floats, expected: Floats, where: npt.NDArray[np.int64]) -> Floats:
    """Return the log of Pearson's distance of centres' sums from those expected, per centre."""
    of_centre = (where[:, None] == np.unique(where)).astype(np.float64)
    found, expected = found @ of_centre, expected @ of_centre
    return np.asarray(np.log(np.mean((found - expected) ** 2 / expected, axis=1)))


def age_over_centres(age: Floats) -> Floats:
    """Return the log of Fisher's F of ages between centres."""
    where = centres()
    of_centre = (where[:, None] == np.unique(where)).astype(np.float64)
    size = of_centre.sum(0)
    mean = age @ of_centre / size
    between = ((mean - age.mean(1, keepdims=True)) ** 2 * size).sum(1) / (len(size) - 1)
    within = ((age - mean @ of_centre.T) ** 2).sum(1) / (len(where) - len(size))
    return np.asarray(np.log(between / within))


def baseline_numbers(of: Cohorts) -> dict[str, Floats]:
    """Return what is compared of all 128 patients, one number for each cohort."""
    age, where = of.age, centres()
    found = {"mean of age": age.mean(1), "SD of age": age.std(1, ddof=1)}
    for share in (0.1, 0.25, 0.5, 0.75, 0.9):
        found[f"quantile {share:g} of age"] = np.quantile(age, share, axis=1)
    found |= {
        "share X-linked": 1 - of.autosomal.mean(1),
        "share male": 1 - of.female.mean(1),
        "share on prophylaxis": of.prophylaxis.mean(1),
        "share on steroids": of.steroids.mean(1),
        "share female of the autosomal": mean_in(of.female, of.autosomal),
        "share female of the X-linked": mean_in(of.female, 1 - of.autosomal),
        "mean age, autosomal less X-linked": mean_in(age, of.autosomal)
        - mean_in(age, 1 - of.autosomal),
        "share on prophylaxis, autosomal less X-linked": mean_in(of.prophylaxis, of.autosomal)
        - mean_in(of.prophylaxis, 1 - of.autosomal),
        "Spearman of age and inheritance": spearman(age, of.autosomal),
        "Spearman of age and sex": spearman(age, of.female),
        "Spearman of age and prophylaxis": spearman(age, of.prophylaxis),
    }
    found["log F of age between centres"] = age_over_centres(age)
    for name, values in (("autosomal", of.autosomal), ("on no prophylaxis", 1 - of.prophylaxis)):
        alike = np.broadcast_to(values.mean(1, keepdims=True), values.shape)
        found[f"log spread over centres of those {name}"] = unlike(values, alike, where)
    return found


def outcome_numbers(of: Cohorts) -> dict[str, Floats]:
    """Return what is compared of the 65 patients on placebo, one number for each cohort."""
    arm, years = placebo(), of.end / YEAR
    happened = np.isfinite(of.infections)
    count = happened.sum(2).astype(np.float64)
    total, rate = count.sum(1), count.sum(1) / years.sum(1)
    found = {
        "infections per patient-year": rate,
        "share with any infection": (count >= 1).mean(1),
        "share with two or more": (count >= 2).mean(1),
        "share with three or more": (count >= 3).mean(1),
        "log of the most infections of one patient": np.log(count.max(1)),
        "log variance over mean of the counts": np.log(count.var(1, ddof=1) / count.mean(1)),
    }
    first, second = (np.minimum(of.infections[..., k], of.end) for k in (0, 1))
    infected = happened[..., 0].astype(np.float64)
    for day in DAYS:
        found[f"free of infection at {day} days"] = free(
            first, happened[..., 0], day, np.ones_like(first)
        )
    for day in AGAIN:
        found[f"free of a second {day} days after the first"] = free(
            second - first, happened[..., 1], day, infected
        )
    early = (happened & (of.infections <= of.end[..., None] / 2)).sum(2).astype(np.float64)
    found["share of infections in the first half"] = early.sum(1) / total
    found["Spearman of counts in the halves"] = spearman(early, count - early)
    found["Spearman of age and rate"] = spearman(of.age[:, arm], count / years)
    europe = tables()[0]["hos.cat"].str.startswith("Europe").to_numpy(np.float64)[arm]
    for name, among in (
        ("autosomal over X-linked", of.autosomal[:, arm]),
        ("with prophylaxis over without", of.prophylaxis[:, arm]),
        ("Europe over America", np.broadcast_to(europe, count.shape)),
    ):
        expected = years * rate[:, None]
        one, other = (
            ((count * w).sum(1) + 0.5) / ((expected * w).sum(1) + 0.5) for w in (among, 1 - among)
        )
        found[f"log rate, {name}"] = np.log(one / other)
    found["log spread over centres of infections"] = unlike(
        count, years * rate[:, None], centres()[arm]
    )
    return found


def numbers(cohorts: Cohorts) -> dict[str, Floats]:
    return baseline_numbers(cohorts) | outcome_numbers(cohorts)


def simulated(published: Parameters, blocks: int) -> pd.DataFrame:
    """Return what is compared in each cohort of the model."""
    parts = [numbers(model_cohorts(published, block)) for block in range(blocks)]
    return pd.DataFrame({name: np.concatenate([p[name] for p in parts]) for name in parts[0]})


@cache
def shipped() -> pd.DataFrame:
    return simulated(load_model(MODEL).published, BLOCKS)


def compared(model: pd.DataFrame) -> pd.DataFrame:
    """Return the real numbers, and how the model's cohorts lie about them."""
    table = pd.DataFrame(
        {
            "real": {name: float(value[0]) for name, value in numbers(real()).items()},
            "lower": model.quantile((1 - INNER) / 2),
            "median": model.median(),
            "upper": model.quantile((1 + INNER) / 2),
        }
    )
    return table.assign(z=(table["real"] - model.mean()) / model.std())


def most(count: int) -> float:
    """Return how many SDs away a number of so many may lie."""
    return float(norm.ppf(1 - FAMILY / count / 2))


def missed(model: pd.DataFrame) -> set[str]:
    """Return the real numbers that lie outside their envelopes."""
    table = compared(model)
    return set(table.index[table["z"].abs() > most(len(table))])


def off(model: pd.DataFrame) -> tuple[int, int]:
    """Return how many real numbers lie outside the central 95 %, but for the known miss.

    And how many do so, or fewer, in 95 % of the model's own cohorts.
    """
    table = compared(model)

    def outside(values: pd.DataFrame) -> pd.Series:
        among = (values < table["lower"]) | (values > table["upper"])
        return among.drop(columns=list(MISSES)).sum(axis=1)

    return int(outside(table[["real"]].T).iloc[0]), int(outside(model).quantile(INNER))


def broken(how: str) -> Parameters:
    """Return the model's numbers as they would be after a mistake."""
    plain = load_model(MODEL).published
    shares, laws, numbers = plain.shares, plain.distributions, dict(plain.numbers)
    rate = ("serious_infection", "rate.rate")
    male, female = ("sex", "x_linked"), ("sex", "autosomal")
    young, old = ("age", "x_linked"), ("age", "autosomal")
    match how:
        case "rate times 1.6":
            return replace(plain, numbers=numbers | {rate: numbers[rate] * 1.6})
        case "rate over 1.6":
            return replace(plain, numbers=numbers | {rate: numbers[rate] / 1.6})
        case "no frailty":
            del numbers["serious_infection", "site_log_sd"]
            alike = {("serious_infection", "between_patients.theta"): np.array([1e4])}
            return replace(plain, numbers=numbers | alike)
        case "infections come with age":
            return replace(plain, dependence={("age", "serious_infection"): np.array([0.45])})
        case "inheritance the wrong way round":
            turned = {("inheritance", ""): shares["inheritance", ""][:, ::-1]}
            return replace(plain, shares=shares | turned)
        case "sexes of the other form":
            return replace(plain, shares=shares | {male: shares[female], female: shares[male]})
        case "ages of the other form":
            return replace(plain, distributions=laws | {young: laws[old], old: laws[young]})
    raise ValueError(how)


def test_the_real_patients_are_those_of_the_trial() -> None:
    patients, course = tables()
    assert len(patients) == 128 and patients.index.tolist() == course.index.tolist()
    assert (course["treat"] == 0).tolist() == placebo().tolist()
    assert np.bincount(centres()).max() == 26 and len(np.bincount(centres())) == 13
    of = real()
    count = np.isfinite(of.infections[0]).sum(1)
    assert (len(count), int((count > 0).sum()), int(count.sum())) == (65, 30, 56)
    assert of.end.sum() / YEAR == pytest.approx(50.72, abs=5e-3)
    curve = [compared(shipped())["real"][f"free of infection at {day} days"] for day in DAYS[:3]]
    assert curve == pytest.approx([0.831, 0.719, 0.608], abs=5e-4)


def test_each_real_number_lies_among_those_of_the_model() -> None:
    table = compared(shipped())
    said = f"more than {most(len(table)):.2f} SDs away:\n{table.round(3).to_string()}"
    assert missed(shipped()) == MISSES, said


def test_no_more_numbers_are_off_than_in_a_cohort_of_the_model() -> None:
    found, usual = off(shipped())
    assert found <= usual, f"{found} outside, {usual} or fewer in 95 % of model cohorts"


def test_the_known_miss_is_one_centre_without_prophylaxis() -> None:
    where = (tables()[0]["center"] != ALONE).to_numpy()
    without = [1 - real().prophylaxis]
    assert without[0][0, ~where].tolist() == [1, 1, 1, 1]
    without.append(1 - model_cohorts(load_model(MODEL).published, 0).prophylaxis)
    found = []
    for values in without:
        left = values[:, where]
        alike = np.broadcast_to(left.mean(1, keepdims=True), left.shape)
        found.append(unlike(left, alike, centres()[where]))
    z = (found[0][0] - found[1].mean()) / found[1].std()
    assert 0 < z < most(len(compared(shipped()))), f"{z:.2f} SDs away without {ALONE}"


@pytest.mark.parametrize(
    ("how", "told_by"),
    [
        ("rate over 1.6", "free of infection at 360 days"),
        ("no frailty", "log variance over mean of the counts"),
        ("infections come with age", "Spearman of age and rate"),
        ("inheritance the wrong way round", "share X-linked"),
        ("sexes of the other form", "share female of the autosomal"),
        ("ages of the other form", "Spearman of age and inheritance"),
    ],
)
def test_a_broken_model_is_found_out(how: str, told_by: str) -> None:
    assert told_by in missed(simulated(broken(how), 1)) - missed(shipped())


def test_a_rate_too_high_puts_too_many_numbers_off() -> None:
    """No number lies outside its envelope alone: 65 patients allow that much."""
    found, usual = off(simulated(broken("rate times 1.6"), 1))
    assert found > usual
