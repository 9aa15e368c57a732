"""Repeated measures: rows of a batch, symmetries, derivatives, tables that have no answer."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from raresim.analysis import Note, Results
from raresim.analysis.longitudinal import batch, mixed_model, mmrm, random_slope, repeated_measures
from raresim.analysis.longitudinal.arm_by_visit import cell_layout, with_arm
from raresim.analysis.longitudinal.likelihood import curvature, evaluate
from raresim.analysis.longitudinal.named_structures import STRUCTURES, structure
from raresim.analysis.longitudinal.parameters import chained, values_at
from raresim.analysis.longitudinal.prepared import prepare
from raresim.analysis.longitudinal.random_effects import RandomEffects
from raresim.errors import InputError

FIELDS = ("estimate", "se", "ci_low", "ci_high", "df", "statistic", "p", "converged", "used")
TIMES = np.array([0.0, 3.0, 6.0, 12.0])
Trial = dict[str, np.ndarray]


def draw(seed: int, trials: int = 40, patients: int = 26) -> Trial:
    rng = np.random.default_rng(seed)
    shape = (trials, patients, 4)
    outcome = 20.0 - 0.4 * TIMES + rng.normal(size=(*shape[:2], 1)) * 2.0 + rng.normal(size=shape)
    outcome += rng.normal(size=(*shape[:2], 1)) * 0.2 * TIMES
    gone = np.cumsum(rng.random(shape) < [0.02, 0.06, 0.06, 0.06], axis=2) > 0
    outcome[gone | (rng.random(shape) < 0.05)] = np.nan
    baseline = rng.normal(50.0, 10.0, (*shape[:2], 2))
    baseline[rng.random(baseline.shape) < 0.01] = np.nan
    return {
        "outcome": outcome,
        "baseline": baseline,
        "arm": rng.integers(0, 2, shape[:2]),
        "present": rng.random(shape[:2]) < 0.9,
        "weights": rng.random(shape) + 0.5,
    }


def by_mmrm(trial: Trial, **choices: Any) -> Results:
    names = ["outcome", "baseline", "arm", "present"]
    if choices.pop("weighted", False):
        choices["weights"] = trial["weights"]
    return batch.mmrm(*(trial[name] for name in names), **choices)


def by_slope(trial: Trial, **choices: Any) -> Results:
    columns = (trial[name] for name in ("baseline", "arm", "present"))
    return batch.random_slope(trial["outcome"], TIMES, *columns, **choices)


def by_slowing(trial: Trial, **choices: Any) -> Results:
    columns = (trial[name] for name in ("outcome", "arm", "present"))
    return batch.proportional_slowing(*columns, **choices)


def by_slowing_test(trial: Trial, **choices: Any) -> Results:
    columns = (trial[name] for name in ("outcome", "arm", "present"))
    return batch.proportional_slowing_test(*columns, **choices)


def by_design(trial: Trial, **choices: Any) -> Results:
    design = np.zeros((*trial["outcome"].shape, 5))
    design[:, :, np.arange(4), np.arange(4)] = 1.0
    design[:, :, :, 4] = trial["arm"][:, :, None]
    contrast = np.eye(5)[4]
    return batch.mixed_models(trial["outcome"], design, trial["present"], contrast, **choices)


KERNELS: list[tuple[str, Callable[..., Results], dict[str, Any]]] = [
    ("mmrm", by_mmrm, {}),
    ("kenward-roger", by_mmrm, {"df": "kenward-roger"}),
    ("linear", by_mmrm, {"df": "kenward-roger-linear", "covariance": "toeph"}),
    ("empirical", by_mmrm, {"standard_errors": "empirical", "by_visit": [True, False]}),
    ("jackknife", by_mmrm, {"standard_errors": "empirical-jackknife", "df": "residual"}),
    ("by arm", by_mmrm, {"by_arm": True, "covariance": ("us", "ar1h", "cs")}),
    ("weights", by_mmrm, {"weighted": True, "df": "kenward-roger"}),
    ("ML", by_mmrm, {"method": "ML", "covariance": "adh", "df": "between-within"}),
    ("same start", by_mmrm, {"same_start": True, "covariance": ("csh", "ar1", "toep", "ad")}),
    ("design", by_design, {}),
    ("slope", by_slope, {}),
    ("slope, same start", by_slope, {"same_start": True, "df": "kenward-roger-linear"}),
    ("slowing", by_slowing, {"covariance": ("ar1h", "cs")}),
    ("slowing test", by_slowing_test, {}),
]
IDS = [name for name, _, _ in KERNELS]


def padded(trial: Trial, row: int) -> Trial:
    """Take a row alone, with three absent patients in front of it."""
    filler = {"outcome": 7.0, "baseline": 3.0, "arm": 1, "present": False, "weights": 2.0}
    found = {}
    for name, values in trial.items():
        extra = np.full((1, 3, *values.shape[2:]), filler[name]).astype(values.dtype)
        found[name] = np.concatenate([extra, values[row : row + 1]], axis=1)
    return found


@pytest.mark.parametrize(("name", "kernel", "choices"), KERNELS, ids=IDS)
def test_a_row_alone_is_the_row_of_the_batch(
    name: str, kernel: Callable[..., Results], choices: dict[str, Any]
) -> None:
    trial = draw(7, trials=300 if name == "mmrm" else 40)
    together = kernel(trial, **choices)
    assert np.mean(together.converged) > 0.8
    for row in range(0, len(together), 7):
        alone = kernel(padded(trial, row), **choices)
        for field in (*FIELDS, "notes"):
            one, other = getattr(alone, field)[0], getattr(together, field)[row]
            assert one == other or (np.isnan(one) and np.isnan(other)), (row, field, one, other)


@pytest.mark.parametrize(("name", "kernel", "choices"), KERNELS[:-2], ids=IDS[:-2])
def test_naming_the_other_arm_control_turns_the_sign(
    name: str, kernel: Callable[..., Results], choices: dict[str, Any]
) -> None:
    trial = draw(8)
    one = kernel(trial, **choices)
    if name == "design":
        choices = {**choices}
    other = kernel({**trial, "arm": 1 - trial["arm"]}, **choices)
    both = one.converged & other.converged
    np.testing.assert_allclose(one.estimate[both], -other.estimate[both], rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(one.p[both], other.p[both], rtol=1e-5, atol=1e-9)


def test_units_do_not_matter() -> None:
    trial = draw(9)
    one = by_mmrm(trial)
    scaled = by_mmrm({**trial, "outcome": 1e3 * trial["outcome"] + 5e3})
    np.testing.assert_allclose(scaled.estimate, 1e3 * one.estimate, rtol=1e-6)
    np.testing.assert_allclose(scaled.df, one.df, rtol=1e-6)
    slope = by_slope(trial)
    columns = (trial[name] for name in ("baseline", "arm", "present"))
    daily = batch.random_slope(trial["outcome"], TIMES * 30.0, *columns)
    np.testing.assert_allclose(daily.estimate * 30.0, slope.estimate, rtol=1e-6)
    np.testing.assert_allclose(daily.p, slope.p, rtol=1e-5)


def test_a_design_with_a_layout_is_the_design_written_out() -> None:
    trial = draw(10)
    covariates = with_arm(np.nan_to_num(trial["baseline"]), trial["arm"], 4, False)
    layout = cell_layout(4, [True, False], False)
    contrast = np.eye(layout.coefficients)[7]
    one = batch.mixed_models(
        trial["outcome"], covariates, trial["present"], contrast, layout=layout, covariance="cs"
    )
    design = layout.design(covariates)
    other = batch.mixed_models(
        trial["outcome"], design, trial["present"], contrast, covariance="cs"
    )
    np.testing.assert_allclose(one.estimate, other.estimate, rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(one.df, other.df, rtol=1e-8)


SHAPES = [*(structure(name, 4) for name in STRUCTURES), structure("us", 1)]
SHAPES += [RandomEffects(TIMES / 12.0, rank) for rank in (0, 1, 2)]


@pytest.mark.parametrize("shape", SHAPES, ids=lambda s: f"{type(s).__name__}{s.size}")
def test_derivatives_of_covariances_are_derivatives(shape: Any) -> None:
    theta = np.random.default_rng(3).normal(size=(2, shape.size)) * 0.4
    found, step = shape.shape(theta), 1e-5
    second = np.broadcast_to(found.second, (2, *found.second.shape[1:]))
    for k in range(shape.size):
        move = step * np.eye(shape.size)[k]
        slope = (shape.value(theta + move) - shape.value(theta - move)) / (2 * step)
        np.testing.assert_allclose(found.first[:, :, k], slope, rtol=1e-6, atol=1e-8)
        bend = (shape.shape(theta + move).first - shape.shape(theta - move).first) / (2 * step)
        np.testing.assert_allclose(second[:, :, :, k], bend, rtol=1e-6, atol=1e-8)
    weights = np.random.default_rng(5).normal(size=found.value.shape)
    short, total = shape.bent(theta, weights)
    np.testing.assert_allclose(short.first, found.first)
    np.testing.assert_allclose(total, np.einsum("be,bekl->bkl", weights, second), atol=1e-12)


@pytest.mark.parametrize("reml", [True, False])
@pytest.mark.parametrize("name", ["us", "toeph", "ar1", "cs"])
def test_score_and_information_are_derivatives_of_the_likelihood(name: str, reml: bool) -> None:
    trial = draw(11, trials=1)
    covariates = with_arm(np.nan_to_num(trial["baseline"]), trial["arm"], 4, False)
    group = trial["arm"].astype(np.int64)
    layout = cell_layout(4, [True, False], False)
    data = prepare(trial["outcome"], covariates, layout, trial["present"], group, 2)
    shape = structure(name, 4)
    theta = np.random.default_rng(4).normal(size=(1, 2 * shape.size)) * 0.3

    def at(here: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        point = evaluate(values_at(here, shape, 2), data.slots, layout, reml)
        bent = curvature(point, data.slots, layout, reml, 2)
        _, score, observed, _ = chained(point, bent, here, shape, 2)
        return point.loglik[0], score[0], observed[0]

    _, score, observed = at(theta)
    for k in range(theta.size):
        move = 1e-5 * np.eye(theta.size)[k]
        up, down = at(theta + move), at(theta - move)
        assert (up[0] - down[0]) / 2e-5 == pytest.approx(score[k], rel=1e-6, abs=1e-6)
        bend = (up[1] - down[1]) / 2e-5
        np.testing.assert_allclose(-bend, observed[k], rtol=1e-5, atol=1e-5)


def note_of(found: Results) -> Note:
    return Note(int(found.notes[0]))


def one_trial(**changes: np.ndarray) -> Trial:
    return {**draw(12, trials=1, patients=30), **changes}


def degenerate() -> list[tuple[str, Trial, Note]]:
    plain = one_trial()
    y = plain["outcome"]
    late = y.copy()
    late[0, plain["arm"][0] == 1, 3] = np.nan
    few = plain["present"].copy()
    few[0, 4:] = False
    return [
        ("nobody", {**plain, "present": np.zeros_like(plain["present"])}, Note.TOO_FEW_PATIENTS),
        ("nothing seen", {**plain, "outcome": y * np.nan}, Note.TOO_FEW_PATIENTS),
        ("one arm", {**plain, "arm": np.zeros_like(plain["arm"])}, Note.ONE_ARM_EMPTY),
        ("four patients", {**plain, "present": few}, Note.TOO_FEW_PATIENTS),
        ("constant", {**plain, "outcome": y * 0.0 + 3.0}, Note.NO_RESIDUAL_VARIATION),
        ("arm not seen late", {**plain, "outcome": late}, Note.VISIT_WITHOUT_AN_ARM),
        ("same covariate", {**plain, "baseline": plain["baseline"] * 0.0}, Note.SINGULAR_DESIGN),
    ]


@pytest.mark.parametrize(("what", "trial", "note"), degenerate(), ids=[d[0] for d in degenerate()])
def test_a_trial_without_an_answer_says_why(what: str, trial: Trial, note: Note) -> None:
    found = by_mmrm(trial)
    assert not found.converged[0]
    assert np.isnan(found.p[0])
    assert note in note_of(found)
    if what not in ("four patients", "same covariate"):
        for kernel in (by_slope, by_slowing, by_slowing_test):
            other = kernel(trial)
            assert other.converged[0] or (np.isnan(other.p[0]) and other.notes[0])


def test_a_single_row_among_degenerate_ones_is_not_touched() -> None:
    plain = one_trial()
    trials = [plain, *(trial for _, trial, _ in degenerate())]
    together = by_mmrm({name: np.concatenate([t[name] for t in trials]) for name in plain})
    alone = by_mmrm(plain)
    assert together.p[0] == alone.p[0]
    assert not np.any(together.converged[1:])


def test_what_was_fallen_back_on_is_noted() -> None:
    trial = draw(13, trials=60, patients=14)
    found = by_mmrm(trial)
    steps = [
        (found.notes & int(flag)) > 0
        for flag in (
            Note.FIRST_FALLBACK_COVARIANCE,
            Note.SECOND_FALLBACK_COVARIANCE,
            Note.THIRD_FALLBACK_COVARIANCE,
            Note.NO_COVARIANCE_FITTED,
        )
    ]
    assert np.max(np.sum(steps, axis=0)) == 1
    first = steps[0] & found.converged
    assert np.any(first)
    alone = by_mmrm(trial, covariance="toeph")
    assert np.all(alone.p[first] == found.p[first])
    strict = by_mmrm(trial, covariance="us")
    assert not np.any(strict.converged[steps[0] | steps[1] | steps[2]])
    assert np.all((strict.notes[~strict.converged] & int(Note.NO_COVARIANCE_FITTED)) > 0)


def long_table() -> pd.DataFrame:
    trial = one_trial()
    n = trial["arm"].size
    return pd.DataFrame(
        {
            "y": trial["outcome"][0].ravel(),
            "visit": np.tile(TIMES, n),
            "who": np.repeat(np.arange(n), 4),
            "arm": np.repeat(trial["arm"][0], 4),
            "age": np.repeat(np.nan_to_num(trial["baseline"][0, :, 0]), 4),
            "sex": np.repeat(np.where(np.arange(n) % 3 == 0, "f", "m"), 4),
        }
    )


COLUMNS = {"outcome": "y", "visit": "visit", "subject": "who", "arm": "arm", "control": 0}


def test_the_table_is_the_kernel_in_any_order_of_rows() -> None:
    data = long_table()
    one = mmrm(data, **COLUMNS, covariates=("sex",), by_visit=("age",))
    shuffled = data.sample(frac=1.0, random_state=1)
    other = mmrm(shuffled, **COLUMNS, covariates=("sex",), by_visit=("age",))
    assert other.estimate == pytest.approx(one.estimate, rel=1e-8)
    fit = repeated_measures(data, **COLUMNS, covariates=("sex",), by_visit=("age",))
    whole = fit.difference()
    assert (whole.estimate, whole.se) == pytest.approx((one.estimate, one.se), rel=1e-8)
    assert whole.df == pytest.approx(one.df, rel=1e-6)
    means = fit.ls_mean(12.0, treated=True).estimate - fit.ls_mean(12.0, treated=False).estimate
    assert means == pytest.approx(one.estimate, rel=1e-8)
    assert fit.f_test([fit.arm_by_visit()[3].tolist()]).statistic == pytest.approx(
        one.statistic**2, rel=1e-8
    )


def test_a_design_of_ones_own_is_that_of_the_table() -> None:
    data = long_table()
    whole = repeated_measures(data, **COLUMNS, by_arm=True, covariance="cs")
    trial = one_trial()
    design = np.zeros((30, 4, 8))
    arm = trial["arm"][0]
    for v in range(4):
        design[:, v, [0, v]] = 1.0
        design[:, v, 4] = arm
        if v:
            design[:, v, 4 + v] = arm
    alone = mixed_model(trial["outcome"][0], design, group=arm, covariance="cs")
    contrast = [0.0, 0, 0, 0, 1, 0, 0, 1]
    one, other = alone.contrast(contrast), whole.difference()
    assert (one.estimate, one.se, one.df) == pytest.approx(
        (other.estimate, other.se, other.df), rel=1e-7
    )
    assert alone.loglik == pytest.approx(whole.loglik, rel=1e-10)
    assert whole.visit_covariance.shape == (2, 4, 4)


def test_one_visit_has_all_degrees_of_freedom() -> None:
    data = long_table()
    single = data[data["visit"] == 0.0]
    seen = int(single["y"].notna().sum())
    for df in ("satterthwaite", "between-within", "residual", "kenward-roger-linear"):
        found = mmrm(single, **COLUMNS, covariates=("age",), df=df)
        assert found.df == pytest.approx(seen - 3.0)


def test_a_table_without_a_fit_says_why() -> None:
    fit = repeated_measures(long_table().assign(y=3.0), **COLUMNS)
    assert not fit.converged
    assert "fits every patient exactly" in repr(fit)
    assert not fit.difference().converged
    assert not fit.f_test(fit.arm_by_visit().tolist()).converged


def test_only_one_table_stops_as_mmrm_does() -> None:
    with pytest.raises(InputError, match="batch of one"):
        by_mmrm(draw(5, trials=2), stopping="mmrm")


def test_changing_covariates_and_missing_ones() -> None:
    data = long_table()
    data["dose"] = data["age"] + data["visit"]
    data.loc[3, "dose"] = np.nan
    found = mmrm(data, **COLUMNS, covariates=("dose",), covariance="cs")
    assert found.converged
    assert any("missing covariate" in note for note in found.notes)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"covariance": "unstructured"}, "covariance"),
        ({"method": "reml"}, "method"),
        ({"stopping": "early"}, "stopping"),
        ({"df": "containment"}, "df"),
        ({"standard_errors": "robust"}, "standard_errors"),
        ({"df": "kenward-roger", "method": "ML"}, "REML"),
        ({"df": "kenward-roger", "standard_errors": "empirical"}, "bring their own"),
        ({"at_visit": 5.0}, "at_visit"),
        ({"covariates": "age"}, "sequence"),
        ({"covariates": ("weight",)}, "weight"),
        ({"covariance": ("us", "toep", "ar1", "cs", "csh")}, "1 to 4"),
        ({"weights": "bad"}, "above 0"),
    ],
)
def test_what_does_not_fit_is_said(change: dict[str, Any], words: str) -> None:
    data = long_table().assign(bad=0.0)
    with pytest.raises(InputError, match=words):
        mmrm(data, **{**COLUMNS, **change})


def test_tables_that_contradict_themselves_are_refused() -> None:
    data = long_table()
    with pytest.raises(InputError, match="twice"):
        mmrm(pd.concat([data, data.iloc[:1]]), **COLUMNS)
    other = data.assign(arm=np.where(np.arange(len(data)) == 0, 1 - data["arm"], data["arm"]))
    with pytest.raises(InputError, match="two arms"):
        mmrm(other, **COLUMNS)
    with pytest.raises(InputError, match="no outcome"):
        mmrm(data.assign(y=np.nan), **COLUMNS)
    time = {"outcome": "y", "time": "visit", "subject": "who", "arm": "arm", "control": 0}
    with pytest.raises(InputError, match="numbers"):
        random_slope(data.assign(visit="week 1"), **time)
    with pytest.raises(InputError, match="time"):
        random_slope(data[data["visit"] == 0.0], **time)
