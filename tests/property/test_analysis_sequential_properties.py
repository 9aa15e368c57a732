"""Facts that every design with looks must obey, and what it refuses."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from raresim.analysis.sequential import (
    batch,
    binomial_boundaries,
    binomial_exits,
    boundaries,
    conditional_error,
    conditional_power,
    exit_probabilities,
    fisher_combination,
    fisher_product,
    group_sequential,
    inverse_normal,
    multi_arm_multi_stage,
    predictive_power,
    repeated_confidence_intervals,
    repeated_p_values,
    spent,
    stagewise_inference,
    stagewise_p_value,
)
from raresim.errors import InputError

HSD, KD = "spending hwang-shih-decani", "spending kim-demets"
EFFICACY = st.sampled_from(
    [
        ("spending obrien-fleming", None),
        ("spending pocock", None),
        (HSD, -4.0),
        (HSD, 0.0),
        (KD, 3.0),
        ("obrien-fleming", None),
        ("pocock", None),
        ("wang-tsiatis", 0.3),
    ]
)
FUTILITY = st.sampled_from(
    [(None, None), ("spending obrien-fleming", None), ("spending pocock", None), (HSD, -2.0)]
)
TIMING = st.lists(st.integers(5, 100), min_size=1, max_size=5, unique=True).map(sorted)


@settings(max_examples=40, deadline=None)
@given(TIMING, EFFICACY, FUTILITY, st.booleans(), st.sampled_from([0.8, 0.95]))
def test_a_design_has_its_level_and_its_power(
    timing: list[int], efficacy: Any, futility: Any, binding: bool, power: float
) -> None:
    design = group_sequential(
        timing,
        power=power,
        efficacy=efficacy[0],
        efficacy_parameter=efficacy[1],
        futility=futility[0],
        futility_parameter=futility[1],
        binding=binding,
    )
    assert design.alpha_spent[-1] == pytest.approx(0.025, abs=1e-9)
    exits = design.exits()
    assert exits.upper.sum() == pytest.approx(power, abs=1e-9)
    if futility[0]:
        assert exits.lower.sum() == pytest.approx(1 - power, abs=1e-9)
        assert np.all(design.lower <= design.upper)
        assert design.exits(0.0).upper.sum() <= 0.025 + 1e-9
    assert exits.reached[0] == pytest.approx(1.0)
    assert design.inflation >= 1.0 - 1e-9


@pytest.mark.parametrize("theta", [0.0, 1.0, -2.0, 6.0])
def test_exits_are_those_of_the_multivariate_normal(theta: float) -> None:
    information, upper, lower = np.array([1.0, 2.5, 4.0]), [2.5, 2.2, 2.0], [-1.0, 0.0, 2.0]
    found = exit_probabilities(information, upper, lower, theta)
    root = np.sqrt(information)
    correlation = np.minimum.outer(root, root) / np.maximum.outer(root, root)
    assert found.upper[0] == pytest.approx(stats.norm.sf(upper[0] - theta), abs=1e-12)
    for k in (1, 2):
        wanted = stats.multivariate_normal.cdf(
            [*upper[:k], 60.0],
            mean=theta * root[: k + 1],
            cov=correlation[: k + 1, : k + 1],
            lower_limit=[*lower[:k], upper[k]],
            maxpts=200_000,
            abseps=1e-8,
            rng=np.random.default_rng(1),
        )
        assert found.upper[k] == pytest.approx(float(wanted), abs=1e-6)
    everything = found.upper.sum() + found.lower.sum()
    assert everything == pytest.approx(1.0, abs=1e-12)


def test_mirrored_boundaries_and_effects_swap_the_sides() -> None:
    a = exit_probabilities((1, 2, 3), (2.8, 2.4, 2.0), (-1.0, 0.3, 1.5), 0.7)
    b = exit_probabilities((1, 2, 3), (1.0, -0.3, -1.5), (-2.8, -2.4, -2.0), -0.7)
    np.testing.assert_allclose(a.upper, b.lower, atol=1e-13)
    np.testing.assert_allclose(a.lower, b.upper, atol=1e-13)


def test_only_ratios_of_the_timing_matter_and_one_look_is_the_fixed_test() -> None:
    a, b = group_sequential((1, 2, 3)), group_sequential((20, 40, 60))
    np.testing.assert_allclose(a.upper, b.upper, atol=1e-12)
    one = group_sequential(1)
    assert one.upper[0] == pytest.approx(1.959963984540054, abs=1e-10)
    assert one.inflation == pytest.approx(1.0, abs=1e-10)


def test_the_boundaries_of_trials_are_those_of_the_design() -> None:
    for kind, parameter in (("obrien-fleming", None), ("pocock", None), ("kim-demets", 2.0)):
        named = {"efficacy": f"spending {kind}", "efficacy_parameter": parameter}
        design = group_sequential((12, 30, 41), **named)  # type: ignore[arg-type]
        found = boundaries((12, 30, 41), 41, 0.025, kind, parameter=parameter)  # type: ignore[arg-type]
        np.testing.assert_allclose(found, design.upper, atol=1e-9)


def test_a_boundary_does_not_depend_on_what_was_asked_before() -> None:
    direct = boundaries((11.5, 23.25, 37.0), 41.5, 0.02)
    for k in range(1, 3):
        boundaries((11.5, 23.25, 37.0)[:k], 41.5, 0.02, final=False)
    again = boundaries((11.5, 23.25, 37.0 + 1e-300), 41.5, 0.02)
    assert direct.tobytes() == again.tobytes()


def test_futility_that_binds_lowers_the_boundary_and_costs_no_level() -> None:
    free = group_sequential(3, futility=HSD, futility_parameter=-2)
    bound = group_sequential(3, futility=HSD, futility_parameter=-2, binding=True)
    assert bound.upper[-1] < free.upper[-1]
    assert free.exits(0.0).upper.sum() < 0.025 < bound.exits(0.0).upper.sum() + 1e-9


def test_conditional_power_averages_to_the_power() -> None:
    design = group_sequential(3)
    theta, t = design.drift, design.timing
    z = np.linspace(-4, design.upper[0], 4001)
    density = stats.norm.pdf(z - theta * math.sqrt(t[0]))
    powers = [conditional_power(t, design.upper, 1, v, theta) for v in z[::40]]
    average = np.trapezoid(np.array(powers) * density[::40], z[::40]) + design.exits().upper[0]
    assert average == pytest.approx(0.9, abs=2e-4)
    errors = [conditional_error(t, design.upper, 1, v) for v in (0.0, 1.0, 2.0)]
    assert errors == sorted(errors)


def test_predictive_power_with_one_look_left_has_a_closed_form() -> None:
    for z in (-0.5, 1.0, 2.5):
        wanted = stats.norm.cdf((z * math.sqrt(2.5) - 1.98) * math.sqrt(1.0 / 1.5))
        assert predictive_power((1, 2.5), (2.8, 1.98), 1, z) == pytest.approx(wanted, abs=1e-9)
    sure = predictive_power((1, 2), (2.8, 1.98), 1, 1.0, prior_mean=2.0, prior_sd=1e-6)
    assert sure == pytest.approx(conditional_power((1, 2), (2.8, 1.98), 1, 1.0, 2.0), abs=1e-5)


def test_stagewise_p_values_at_the_boundary_are_the_level_spent() -> None:
    design = group_sequential((0.3, 0.7, 1.0))
    for k in range(3):
        p = stagewise_p_value(design.timing[: k + 1], design.upper, design.upper[k])
        assert p == pytest.approx(design.alpha_spent[k], abs=1e-9)


def test_stagewise_inference_is_consistent_and_mirrors() -> None:
    upper, lower = (2.8, 2.0), (-2.8, -2.0)
    found = stagewise_inference((20.0, 45.0), upper, 2.2, lower=lower)
    assert found.ci_low < found.estimate < found.ci_high
    assert (found.p < 0.025) == (found.ci_low > 0)
    p = stagewise_p_value((20.0, 45.0), upper, 2.2, found.ci_low, lower=lower)
    assert p == pytest.approx(0.025, abs=1e-9)
    mirrored = stagewise_inference((20.0, 45.0), upper, -2.2, lower=lower)
    assert mirrored.estimate == pytest.approx(-found.estimate, abs=1e-8)
    assert mirrored.ci_high == pytest.approx(-found.ci_low, abs=1e-8)
    first = stagewise_inference((20.0,), upper, 3.0)
    assert first.estimate == pytest.approx(3.0 / math.sqrt(20.0), abs=1e-9)


def test_futility_stops_are_less_extreme_than_all_that_goes_on() -> None:
    low = stagewise_p_value((1.0,), (2.5,), 0.2, lower=(0.5,))
    assert low == pytest.approx(stats.norm.sf(0.2), abs=1e-12)
    second = stagewise_p_value((1.0, 2.0), (2.5, 2.0), 1.0, lower=(0.5, 1.5))
    assert second < stats.norm.sf(0.5)
    exits = exit_probabilities((1.0, 2.0), (2.5, 1.0), (0.5, 1.0))
    assert second == pytest.approx(exits.upper.sum(), abs=1e-10)


@pytest.mark.parametrize("sides", [1, 2])
def test_repeated_p_values_are_below_the_level_where_the_boundary_is_crossed(sides: int) -> None:
    alpha = 0.025 * sides
    design = group_sequential(3, alpha=alpha, sides=sides, efficacy=HSD, efficacy_parameter=-4)
    at = repeated_p_values(design, design.upper)
    np.testing.assert_allclose(at, 0.025 * sides, atol=1e-8)
    above = repeated_p_values(design, design.upper + 0.1)
    assert np.all(above < 0.025 * sides)
    intervals = repeated_confidence_intervals((10, 20, 30), design.upper, design.upper)
    np.testing.assert_allclose(intervals[:, 0], 0.0, atol=1e-12)


@given(st.integers(1, 4), st.integers(0, 3), st.floats(0.05, 0.95))
@settings(max_examples=25, deadline=None)
def test_exact_binomial_exits_are_those_of_every_path(step: int, low: int, p: float) -> None:
    n, upper, lower = (step, 2 * step + 1), (step, step + 2), (-1, min(low, step))
    found = binomial_exits(n, upper, p, lower=lower)
    wanted = np.zeros((2, 2))
    for path in itertools.product((0, 1), repeat=n[1]):
        chance = math.prod(p if x else 1 - p for x in path)
        for k, size in enumerate(n):
            total = sum(path[:size])
            if total >= upper[k] or total <= lower[k]:
                wanted[int(total <= lower[k]), k] += chance
                break
    np.testing.assert_allclose([found.upper, found.lower], wanted, atol=1e-12)


@pytest.mark.parametrize("spending", ["obrien-fleming", "pocock"])
def test_exact_binomial_boundaries_keep_what_may_be_spent_and_are_the_lowest(spending: Any) -> None:
    n, p0 = (12, 25, 40), 0.2
    upper = binomial_boundaries(n, p0, 0.025, spending)
    gone = np.cumsum(binomial_exits(n, upper, p0).upper)
    allowed = [spent(size / 40, 0.025, spending) for size in n]
    assert np.all(gone <= np.array(allowed) + 1e-14)
    for k in range(3):
        lower_one = upper.copy()
        lower_one[k] -= 1
        assert np.cumsum(binomial_exits(n, lower_one, p0).upper)[k] > allowed[k]


def test_combined_statistics_of_rows_alone_are_those_of_the_batch() -> None:
    rng = np.random.default_rng(5)
    p, weights = rng.uniform(size=(40, 3)), np.array([1.0, 2.0, 0.7])
    for kernel in (batch.inverse_normal, batch.fisher_product):
        together = kernel(p, weights)
        for b in range(40):
            assert kernel(p[b : b + 1], weights).tobytes() == together[b : b + 1].tobytes()
            assert kernel(p[b], weights).tobytes() == together[b].tobytes()


def test_fisher_designs_spend_alpha_by_simulation() -> None:
    rng = np.random.default_rng(11)
    p = rng.uniform(size=(400_000, 3))
    for arguments in ({}, {"alpha0": (0.5, 0.4)}, {"alpha0": (0.5, 0.4), "method": "full-alpha"}):
        design = fisher_combination((1.0, 2.5, 3.0), alpha=0.05, **arguments)  # type: ignore[arg-type]
        product = fisher_product(p, design.weights)
        open_ = np.ones(len(p), bool)
        rejected = np.zeros(len(p), bool)
        for k in range(3):
            rejected |= open_ & (product[:, k] <= design.critical[k])
            stops = (*arguments.get("alpha0", (1.0, 1.0)), 1.0)  # type: ignore[misc]
            open_ &= (product[:, k] > design.critical[k]) & (p[:, k] <= stops[k])
        assert np.mean(rejected) == pytest.approx(0.05, abs=3 * math.sqrt(0.05 * 0.95 / 4e5))


def test_one_arm_multi_stage_is_the_group_sequential_design() -> None:
    lone = multi_arm_multi_stage(1, 2, alpha=0.025, lower="fixed", fixed_lower=-50.0)
    design = group_sequential(2, efficacy="obrien-fleming")
    np.testing.assert_allclose(lone.upper, design.upper, atol=1e-6)


def test_multi_arm_designs_by_simulation() -> None:
    design = multi_arm_multi_stage(3, 2, alpha=0.05, power=0.8, effect=0.5, uninteresting=0.1)
    rng = np.random.default_rng(2)
    trials, n = 60_000, design.n
    effects = np.array([0.5, 0.1, 0.1])
    steps = rng.normal(size=(trials, 2, 4)) * math.sqrt(n)
    sums = np.cumsum(steps, axis=1)
    size = n * np.array([1, 2])[None, :, None]
    mean = sums[:, :, 1:] / size + effects - sums[:, :, :1] / size
    z = mean / np.sqrt(2.0 / size)
    first = z[:, 0]
    stopped = np.any(first >= design.upper[0], axis=1)
    won = stopped & (np.argmax(first, axis=1) == 0)
    alive = first > design.lower[0]
    second = np.where(alive, z[:, 1], -np.inf)
    goes_on = ~stopped & alive.any(axis=1)
    late = goes_on & (second.max(axis=1) >= design.upper[1])
    won |= late & (np.argmax(second, axis=1) == 0)
    used = n * 4 + np.where(goes_on, n * (1 + alive.sum(axis=1)), 0)
    assert np.mean(won) == pytest.approx(design.power, abs=4 * math.sqrt(0.16 / trials))
    assert np.mean(stopped | late) == pytest.approx(design.rejects_any(effects), abs=0.006)
    spread = 4 * np.std(used) / math.sqrt(trials)
    assert np.mean(used) == pytest.approx(design.expected_patients(effects), abs=spread)


REFUSED: list[tuple[Any, dict[str, Any], str]] = [
    (0, {}, "timing"),
    ((0.5, 0.5), {}, "timing"),
    ((0.5, math.nan), {}, "timing"),
    (3, {"alpha": 0.6}, "alpha"),
    (3, {"power": 0.01}, "power"),
    (3, {"sides": 3}, "sides"),
    (3, {"efficacy": "o'brien"}, "efficacy"),
    (3, {"efficacy": "wang-tsiatis"}, "efficacy_parameter"),
    (3, {"efficacy": HSD}, "parameter"),
    (3, {"efficacy": KD, "efficacy_parameter": -1}, "parameter"),
    (3, {"efficacy": (0.01, 0.02)}, "efficacy"),
    (3, {"efficacy": (0.02, 0.01, 0.025)}, "efficacy"),
    (3, {"efficacy": "pampallona-tsiatis"}, "efficacy"),
    (3, {"futility": "pocock"}, "futility"),
    (3, {"futility_bounds": (0.0,)}, "futility_bounds"),
    (3, {"futility": HSD, "futility_parameter": 1, "futility_bounds": (0.0, 0.0)}, "bounds"),
    (3, {"under_null": True}, "under_null"),
    (3, {"futility_level": 0.5}, "futility_level"),
    (3, {"efficacy": "haybittle-peto", "efficacy_parameter": 1.0}, "No boundaries"),
]


@pytest.mark.parametrize(("timing", "arguments", "word"), REFUSED)
def test_impossible_designs_are_refused(timing: Any, arguments: Any, word: str) -> None:
    with pytest.raises(InputError, match=word):
        group_sequential(timing, **arguments)


def test_impossible_questions_are_refused() -> None:
    for ask in (
        lambda: exit_probabilities((1, 2), (2.0,)),
        lambda: exit_probabilities((2, 1), (2.0, 2.0)),
        lambda: exit_probabilities((1, 2), (2.0, 2.0), theta=math.nan),
        lambda: conditional_power((1, 2), (2.0, 2.0), 2, 1.0),
        lambda: conditional_power((1, 2), (2.0, 2.0), 1, math.nan),
        lambda: predictive_power((1, 2), (2.0, 2.0), 1, 1.0, prior_sd=0.0),
        lambda: predictive_power((1, 2), (2.0, 2.0), 1, 1.0, grid=((0.0,), (1.0, 2.0))),
        lambda: predictive_power((1, 2), (2.0, 2.0), 3, 1.0),
        lambda: stagewise_inference((1, 2), (2.0,), math.nan),
        lambda: stagewise_inference((1, 2), (), 2.0),
        lambda: stagewise_inference((1, 2), (2.0,), 2.0, level=1.0),
        lambda: repeated_confidence_intervals((1, 2), (2.0,), (1.0, 1.0)),
        lambda: repeated_p_values(group_sequential(1, efficacy=(0.025,)), (1.0,)),
        lambda: repeated_p_values(group_sequential(1), (1.0, 2.0)),
        lambda: inverse_normal(np.array([0.1, 1.2]), np.ones(2)),
        lambda: fisher_product(np.array([0.1, 0.2]), np.ones(3)),
        lambda: fisher_combination(3, alpha0=(0.01, 0.5)),
        lambda: fisher_combination(3, alpha=0.7),
        lambda: fisher_combination(3, method=(0.02, 0.01, 0.025)),
        lambda: fisher_combination(0),
        lambda: binomial_exits((10, 5), (3, 3), 0.1),
        lambda: binomial_exits((5, 10), (3, 3), 1.1),
        lambda: binomial_exits((5, 10), (3, 3), 0.1, lower=(4, 1)),
        lambda: binomial_boundaries((5, 10), 0.0, 0.025),
        lambda: multi_arm_multi_stage(2, 5),
        lambda: multi_arm_multi_stage(2, 2, alpha=0.9),
        lambda: multi_arm_multi_stage(2, 2, upper="fixed"),
        lambda: multi_arm_multi_stage(2, 2, lower="triangular"),
        lambda: multi_arm_multi_stage(2, 2, power=0.8),
        lambda: group_sequential(2).information(0.0),
        lambda: spent(0.5, 0.025, "pocock", 1.0),
    ):
        with pytest.raises(InputError, match="expected"):
            ask()
