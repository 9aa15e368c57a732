"""Every table function, on tables that no analysis can use or only just.

Either an `InputError`, or an answer in which no number is missing without a note; never a warning,
never another kind of error, never a p-value out of range.
"""

import dataclasses
import importlib
import inspect
import re
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest

from raresim.analysis import bayesian
from raresim.analysis import rerandomisation as again
from raresim.analysis.binary import SimonDesign
from raresim.analysis.hierarchical import Endpoint
from raresim.analysis.left_out import patients
from raresim.analysis.tail_result import TailResult
from raresim.errors import InputError
from raresim.randomisation import Simple

ROOMS = [
    importlib.import_module(f"raresim.analysis.{room}")
    for room in (
        "continuous",
        "longitudinal",
        "binary",
        "survival",
        "counts",
        "hierarchical",
        "rerandomisation",
        "missing",
        "external",
        "bayesian",
    )
]
TABLE_FUNCTIONS = {
    f"{room.__name__.rsplit('.', 1)[1]}.{name}": getattr(room, name)
    for room in ROOMS
    for name in room.__all__
    if inspect.isfunction(getattr(room, name))
    and "DataFrame" in str(inspect.signature(getattr(room, name)).parameters.get("data", ""))
}
PATIENTS = 14
NO_INTERVAL = ("Barnard", "Boschloo")
"""Methods without an interval, as their descriptions say."""


def wide() -> pd.DataFrame:
    rng = np.random.default_rng(3)
    n = PATIENTS
    table = {
        "arm": ["placebo", "drug"] * (n // 2),
        "site": ["a", "a", "b", "b"] * (n // 4) + ["a"] * (n % 4),
        "y": rng.normal(10.0, 3.0, n).round(2),
        "base": rng.normal(10.0, 3.0, n).round(2),
        "responded": rng.integers(0, 2, n),
        "time": rng.exponential(3.0, n).round(1) + 0.1,
        "event": (np.arange(n) % 3 != 0).astype(int),
        "cause": np.arange(n) % 3,
        "count": rng.poisson(2.0, n),
        "exposure": rng.uniform(0.5, 2.0, n).round(2),
        "grade": rng.integers(0, 4, n),
        "v1": rng.normal(10.0, 3.0, n).round(2),
        "v2": rng.normal(11.0, 3.0, n).round(2),
    }
    found = pd.DataFrame(table)
    found.loc[n - 3 :, "v2"] = np.nan
    return found


def long() -> pd.DataFrame:
    rng = np.random.default_rng(4)
    rows = [
        {"id": i, "arm": ("placebo", "drug")[i % 2], "visit": v, "y": round(y, 2), "base": base}
        for i in range(PATIENTS)
        for base in (round(rng.normal(10.0, 2.0), 2),)
        for v, y in enumerate(base - 0.5 * np.arange(1, 3) + rng.normal(size=2), 1)
    ]
    return pd.DataFrame(rows)


def recurrent() -> pd.DataFrame:
    rng = np.random.default_rng(5)
    rows = []
    for i in range(PATIENTS):
        cuts = np.unique([0.0, *rng.uniform(0.5, 5.0, i % 3).round(1), 6.0 + i % 4])
        for k in range(len(cuts) - 1):
            last = k == len(cuts) - 2
            row = {
                "id": i,
                "arm": ("placebo", "drug")[i % 2],
                "start": cuts[k],
                "stop": cuts[k + 1],
            }
            rows.append({**row, "event": int(not last), "died": int(last and i % 5 == 0)})
    return pd.DataFrame(rows)


ARM = {"arm": "arm", "control": "placebo"}
RESPONSE = {"outcome": "responded", **ARM}
TIMES = {"time": "time", "event": "event", **ARM}
COUNTS = {"count": "count", "exposure": "exposure", **ARM}
ENDPOINTS = {"endpoints": [Endpoint("time", event="event"), Endpoint("y")], **ARM}
VISITS = {"outcome": "y", "visit": "visit", "subject": "id", **ARM}
HISTORY = {"id": "id", "start": "start", "stop": "stop", "event": "event", **ARM}
ADJUSTED = {"outcome": "y", "covariates": ["base"], **ARM}
MONITORED = {"outcomes": ["v1", "v2"], "adjust_for": ["base"], **ARM}
REDRAWN = {"procedure": again.Procedure(scheme=Simple()), "seed": 1, "draws": 99, "list_up_to": 99}
BETA = bayesian.BetaMixture.of((1.0, 1.0, 1.0))
GAMMA = bayesian.GammaMixture.of((1.0, 1.0, 1.0))
NORMAL = bayesian.NormalMixture.of((1.0, 0.0, 10.0))

CALLS: dict[str, tuple[Callable[[], pd.DataFrame], dict[str, Any]]] = {
    "continuous.ancova": (wide, {"outcome": "y", "adjust_for": ["base"], **ARM}),
    "continuous.brunner_munzel": (wide, {"outcome": "y", **ARM}),
    "continuous.one_sample_t": (wide, {"outcome": "y", "goal": 9.0}),
    "continuous.paired_t": (wide, {"after": "v2", "before": "v1"}),
    "continuous.rank_ancova": (wide, {"outcome": "y", "adjust_for": ["base"], **ARM}),
    "continuous.two_sample_t": (wide, {"outcome": "y", **ARM}),
    "continuous.van_elteren": (wide, {"outcome": "y", "strata": ["site"], **ARM}),
    "continuous.wilcoxon": (wide, {"outcome": "y", **ARM}),
    "longitudinal.mmrm": (long, {"covariates": ["base"], **VISITS}),
    "longitudinal.repeated_measures": (long, VISITS),
    "longitudinal.random_slope": (long, {"outcome": "y", "time": "visit", "subject": "id", **ARM}),
    "longitudinal.proportional_slowing": (long, VISITS),
    "longitudinal.proportional_slowing_test": (long, VISITS),
    "binary.barnard": (wide, RESPONSE),
    "binary.binomial_test": (wide, {"outcome": "responded", "goal": 0.3}),
    "binary.boschloo": (wide, RESPONSE),
    "binary.cochran_mantel_haenszel": (wide, {"strata": ["site"], **RESPONSE}),
    "binary.cochran_mantel_haenszel_exact": (wide, {"strata": ["site"], **RESPONSE}),
    "binary.farrington_manning": (wide, {"margin": -0.2, **RESPONSE}),
    "binary.firth": (wide, RESPONSE),
    "binary.fisher_exact": (wide, RESPONSE),
    "binary.fisher_mid_p": (wide, RESPONSE),
    "binary.goal_attainment": (
        wide,
        {"goals": ["responded", "cause"], "covariates": ["base"], **ARM},
    ),
    "binary.logistic": (wide, {"covariates": ["base"], **RESPONSE}),
    "binary.mantel_haenszel_risk_difference": (wide, {"strata": ["site"], **RESPONSE}),
    "binary.miettinen_nurminen": (wide, {"measure": "risk ratio", **RESPONSE}),
    "binary.newcombe": (wide, RESPONSE),
    "binary.proportional_odds": (wide, {"outcome": "grade", "covariates": ["base"], **ARM}),
    "binary.proportional_odds_score": (wide, {"outcome": "grade", **ARM}),
    "binary.simon_analysis": (
        wide,
        {"outcome": "responded", "goal": 0.2, "design": SimonDesign(1, 6, 4, PATIENTS)},
    ),
    "binary.standardised_risk_difference": (wide, {"covariates": ["base"], **RESPONSE}),
    "binary.stratified_miettinen_nurminen": (wide, {"strata": ["site"], **RESPONSE}),
    "survival.concordance": (wide, {"time": "time", "event": "event", "score": "base"}),
    "survival.cox": (wide, {"strata": ["site"], **TIMES}),
    "survival.cox_model": (wide, {"covariates": ["base"], "robust": True, **TIMES}),
    "survival.cumulative_incidence": (wide, {"time": "time", "cause": "cause"}),
    "survival.firth_cox": (wide, TIMES),
    "survival.gray_test": (
        wide,
        {"time": "time", "cause": "cause", "group": "arm", "strata": ["site"]},
    ),
    "survival.kaplan_meier": (wide, {"time": "time", "event": "event"}),
    "survival.logrank": (wide, {"strata": ["site"], **TIMES}),
    "survival.logrank_groups": (wide, {"time": "time", "event": "event", "group": "arm"}),
    "survival.logrank_permutation": (wide, TIMES),
    "survival.max_combo": (wide, TIMES),
    "survival.milestone_survival": (wide, {"at": 2.0, "scale": "log-log", **TIMES}),
    "survival.rmst": (wide, {"tau": 2.0, **TIMES}),
    "counts.andersen_gill": (recurrent, HISTORY),
    "counts.mean_cumulative_difference": (recurrent, {"time": 4.0, "death": "died", **HISTORY}),
    "counts.mean_cumulative_function": (recurrent, {"times": [2.0, 4.0], **HISTORY}),
    "counts.mean_cumulative_test": (recurrent, HISTORY),
    "counts.negative_binomial": (wide, COUNTS),
    "counts.negative_binomial_fit": (wide, COUNTS),
    "counts.poisson_test": (wide, {"count": "count", "exposure": "exposure", "goal": 1.5}),
    "counts.poisson_exact": (wide, COUNTS),
    "counts.poisson_regression": (wide, {"adjust_for": ["base"], **COUNTS}),
    "counts.quasi_poisson_regression": (wide, COUNTS),
    "hierarchical.finkelstein_schoenfeld": (wide, {"strata": ["site"], **ENDPOINTS}),
    "hierarchical.joint_rank": (wide, {"adjust_for": ["base"], **ENDPOINTS}),
    "hierarchical.win_statistics": (wide, {"strata": ["site"], **ENDPOINTS}),
    "rerandomisation.rerandomisation_test": (wide, {"outcome": "y", **REDRAWN, **ARM}),
    "rerandomisation.rerandomisation_logrank": (wide, {**REDRAWN, **TIMES}),
    "missing.conditional_mean_imputation": (wide, MONITORED),
    "missing.multiple_imputation": (wide, {"seed": 1, "imputations": 2, **MONITORED}),
    "missing.tipping_point": (wide, MONITORED),
    "external.entropy_balanced": (wide, ADJUSTED),
    "external.matching_adjusted": (
        wide,
        {"outcome": "y", "means": {"base": 10.0}, "other": (9.0, 1.0), **ARM},
    ),
    "external.propensity_matched": (wide, ADJUSTED),
    "external.propensity_weighted": (wide, ADJUSTED),
    "bayesian.beta_binomial": (wide, {"event": "responded", "prior": BETA, **ARM}),
    "bayesian.gamma_poisson": (wide, {"prior": GAMMA, **COUNTS}),
    "bayesian.normal_known_sd": (wide, {"outcome": "y", "sd": 3.0, "prior": NORMAL, **ARM}),
    "bayesian.normal_unknown_sd": (
        wide,
        {"outcome": "y", "prior": bayesian.NormalInverseGamma(), **ARM},
    ),
}


def columns_of(table: pd.DataFrame) -> list[str]:
    return [name for name in table.columns if name not in ("arm", "site", "id")]


def every_value(value: object) -> Callable[[pd.DataFrame], pd.DataFrame]:
    """Write a value into one row of every column of numbers."""

    def change(table: pd.DataFrame) -> pd.DataFrame:
        changed = table.copy()
        for name in columns_of(table):
            changed[name] = changed[name].astype(object)
            changed.loc[2, name] = value
        return changed

    return change


def each_column(
    change: Callable[[pd.Series], object],
) -> Callable[[pd.DataFrame], pd.DataFrame]:
    return lambda table: table.assign(**{name: change(table[name]) for name in columns_of(table)})


def few(patients: int) -> Callable[[pd.DataFrame], pd.DataFrame]:
    def keep(table: pd.DataFrame) -> pd.DataFrame:
        if "id" not in table:
            return table.groupby("arm").head(patients)
        return table[table["id"] < 2 * patients]

    return keep


def of(name: str, change: Callable[[pd.DataFrame], object]) -> Callable[..., pd.DataFrame]:
    """Change one column where the table has it."""
    return lambda table: table.assign(**{name: change(table)}) if name in table else table


def drug(table: pd.DataFrame) -> np.ndarray:
    return (table["arm"] == "drug").to_numpy()


TABLES: dict[str, Callable[[pd.DataFrame], pd.DataFrame]] = {
    "no rows": lambda t: t.iloc[:0],
    "no columns": lambda _: pd.DataFrame(),
    "one row": lambda t: t.iloc[:1],
    "one patient in each arm": few(1),
    "two patients in each arm": few(2),
    "nobody in the control": lambda t: t[drug(t)],
    "nobody treated": lambda t: t[~drug(t)],
    "three arms": lambda t: t.assign(arm=np.where(np.arange(len(t)) < 4, "third", t["arm"])),
    "an arm missing": lambda t: t.assign(arm=t["arm"].where(np.arange(len(t)) != 1)),
    "rows twice": lambda t: pd.concat([t, t]),
    "columns twice": lambda t: pd.concat([t, t], axis=1),
    "a value missing": every_value(np.nan),
    "a value infinite": every_value(np.inf),
    "a value negative": every_value(-1.0),
    "a value that is text": every_value("none"),
    "a value too large": every_value(1e200),
    "all missing": each_column(lambda s: s * np.nan),
    "one arm missing": lambda t: each_column(lambda s: s.where(drug(t)))(t),
    "all 0": each_column(lambda s: s * 0),
    "all the same in an arm": lambda t: each_column(lambda s: drug(t) + 1.0)(t),
    "all by arm": lambda t: each_column(lambda s: drug(t).astype(int))(t),
    "0 where treated": lambda t: each_column(lambda s: s.where(~drug(t), 0))(t),
    "all large": each_column(lambda s: s * 1e9),
    "complex": each_column(lambda s: s.astype(complex)),
    "dates": each_column(lambda s: pd.to_datetime(s, unit="D")),
    "spans of time": each_column(lambda s: pd.to_timedelta(s, unit="D")),
    "outcomes all tied": of("y", lambda t: 1.0),
    "outcome follows from the baseline": of("y", lambda t: 2.0 * t["base"] + drug(t)),
    "baseline follows from the arm": of("base", lambda t: drug(t) * 1.0),
    "baseline far from 0": of("base", lambda t: t["base"] + 1e9),
    "separated": of("responded", lambda t: (t["base"] > t["base"].median()).astype(int)),
    "monotone": of("base", lambda t: -t["time"] if "time" in t else t["base"]),
    "all at one time": of("time", lambda t: 2.0),
    "one event": of("event", lambda t: (np.arange(len(t)) == 1).astype(int)),
    "no event where treated": of("event", lambda t: t["event"].where(~drug(t), 0)),
    "no exposure": of("exposure", lambda t: 0.0),
    "strata of one arm": of("site", lambda t: t["arm"]),
    "strata of one patient": of("site", lambda t: np.arange(len(t))),
    "strata with an empty category": of(
        "site", lambda t: pd.Categorical(t["site"], categories=["a", "b", "c"])
    ),
}
SAME: dict[str, tuple[Callable[[pd.DataFrame], pd.DataFrame], object]] = {
    "integer arms, an index of text": (
        lambda t: t.assign(arm=drug(t).astype(int)).set_index(np.arange(len(t)).astype(str)),
        0,
    ),
    "nullable arms, one index for all": (
        lambda t: t.assign(arm=pd.array(drug(t), dtype="boolean")).set_index(np.zeros(len(t))),
        False,
    ),
    "categorical arms, nullable numbers": (
        lambda t: t.assign(
            arm=pd.Categorical(t["arm"], ["placebo", "drug", "none"]),
            **{name: t[name].convert_dtypes() for name in columns_of(t)},
        ),
        "placebo",
    ),
}


def found(name: str, table: pd.DataFrame, **changed: object) -> object:
    _, arguments = CALLS[name]
    changed = {key: value for key, value in changed.items() if key in arguments}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return TABLE_FUNCTIONS[name](table, **{**arguments, **changed})


def results(answer: object) -> Iterator[Any]:
    """Give the answer, or the results that it is made of."""
    if not hasattr(answer, "notes") and dataclasses.is_dataclass(answer):
        parts = [getattr(answer, field.name) for field in dataclasses.fields(answer)]
        inner = [part for part in parts if hasattr(part, "notes")]
        if inner:
            yield from inner
            return
    yield answer


def numbers_of(result: Any) -> dict[str, np.ndarray]:
    given = {field.name: getattr(result, field.name) for field in dataclasses.fields(result)}
    without = isinstance(result, TailResult) and result.method.startswith(NO_INTERVAL)
    if isinstance(result, again.Rerandomised) or without:  # none was asked for, or there is none
        given = {key: value for key, value in given.items() if not key.startswith("ci_")}
    return {
        key: np.asarray(value)
        for key, value in given.items()
        if isinstance(value, float | np.ndarray) and np.asarray(value).dtype.kind == "f"
    }


def assert_sound(answer: object) -> None:
    assert repr(answer)
    for result in results(answer):
        if not hasattr(result, "notes"):  # a curve: no standard error where it ends at 0
            continue
        noted = bool(np.any(np.asarray([note != 0 for note in np.atleast_1d(result.notes)])))
        settled = bool(np.all(getattr(result, "converged", True)))
        assert settled or noted
        values = numbers_of(result)
        lost = [key for key, value in values.items() if np.any(np.isnan(value))]
        assert noted or not lost, lost
        for key in ("p", "p_less", "p_greater"):
            p = values.get(key, np.zeros(1))
            assert np.all(np.isnan(p) | ((p >= 0.0) & (p <= 1.0 + 1e-12))), (key, p)
            assert not settled or not np.any(np.isnan(p))


def patients_in(table: pd.DataFrame) -> int:
    return table["id"].nunique() if "id" in table else len(table)


def assert_counts_who_was_lost(answer: object, given: int) -> None:
    """Everybody given is used or left out, and the notes say how many were left out."""
    for result in results(answer):
        if hasattr(result, "without"):
            result = result.without
        if not hasattr(result, "left_out"):  # a curve or a mean function refuses missing values
            continue
        used = int(np.ravel(getattr(result, "used", getattr(result, "patients", None)))[0])
        one = np.asarray(result.left_out)
        lost = int(one if one.ndim == 0 else patients(one[0]))
        assert used + lost == given
        shown = repr(result)
        counted = re.findall(r"(\d+) of (\d+) patients(?: in \d+ strat[aum]+)? w[ae]", shown)
        assert sum(int(number) for number, _ in counted) == lost, shown
        assert all(int(of) == given for _, of in counted), shown


def test_every_table_function_is_tried() -> None:
    assert set(CALLS) == set(TABLE_FUNCTIONS)


@pytest.mark.parametrize("name", CALLS)
def test_degenerate_tables(name: str) -> None:
    make, _ = CALLS[name]
    assert_sound(found(name, make()))
    assert_counts_who_was_lost(found(name, make()), patients_in(make()))
    for case, change in TABLES.items():
        try:
            answer = found(name, change(make()))
        except InputError:
            continue
        except Exception as error:
            raise AssertionError(f"{name}, {case}") from error
        assert_sound(answer)
        assert_counts_who_was_lost(answer, patients_in(change(make())))


@pytest.mark.parametrize("name", CALLS)
def test_how_pandas_holds_the_columns_changes_nothing(name: str) -> None:
    make, _ = CALLS[name]
    plain = repr(found(name, make()))
    for change, control in SAME.values():
        assert repr(found(name, change(make()), control=control)) == plain


@pytest.mark.parametrize("name", [name for name, (_, how) in CALLS.items() if "control" in how])
def test_a_control_that_is_not_there(name: str) -> None:
    make, _ = CALLS[name]
    for control in ("nobody", None, np.nan, ["placebo"], np.array(["placebo", "drug"]), 0):
        with pytest.raises(InputError, match="control"):
            found(name, make(), control=control)


@pytest.mark.parametrize("name", CALLS)
def test_what_is_no_table(name: str) -> None:
    for data in (None, {"arm": ["placebo"]}, [1, 2], np.ones((3, 2))):
        with pytest.raises(InputError, match="DataFrame"):
            found(name, data)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="column"):
        found(name, CALLS[name][0]().rename(columns=lambda _: "other"))
