"""Facts that sizes and powers obey whatever the numbers, and what they refuse."""

import itertools
import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from raresim.analysis import sizing
from raresim.analysis.sizing import (
    Accrual,
    Hazard,
    Plan,
    SurvivalTrial,
    accrual_needed,
    continuity_corrected_rates,
    crossover_means,
    duration_needed,
    exact_event_rates,
    expected_events,
    fisher_exact,
    log_rank,
    log_rank_events,
    one_mean,
    one_rate,
    one_rate_normal,
    paired_means,
    rank_sum,
    sequential_size,
    size_from_simulation,
    spcd,
    survival_curves,
    survival_percentiles,
    time_of_events,
    two_event_rates,
    two_means,
    two_rates,
    win_odds,
    win_ratio,
)
from raresim.analysis.sizing.course import course
from raresim.analysis.sizing.fisher import fisher_rejections, rejected
from raresim.analysis.sizing.log_rank import METHODS
from raresim.analysis.sizing.log_rank_score import Weight, _weights, score
from raresim.analysis.sizing.null_rates import measured, null_rates
from raresim.errors import InputError

TRIAL = SurvivalTrial(
    Hazard((0.06, 0.03), (5.0,)),
    Hazard((0.03, 0.015), (5.0,)),
    Accrual((3.0, 9.0), (1.0, 2.0)),
    22.0,
    Hazard((0.005,)),
    ratio=2.0,
)
CONSTANT = replace(TRIAL, control=Hazard((0.06,)), treated=Hazard((0.03,)))

Sized = Callable[..., Plan]
FORMULAS: dict[str, Sized] = {
    "two means": lambda **k: two_means(0.6, 1.1, ratio=1.5, **k),
    "two means, normal": lambda **k: two_means(0.6, 1.1, distribution="normal", **k),
    "ancova": lambda **k: two_means(0.6, 1.1, correlation=0.5, **k),
    "both tails": lambda **k: two_means(0.6, 1.1, far_tail=True, sided=2, **k),
    "one mean": lambda **k: one_mean(0.6, 1.1, **k),
    "paired": lambda **k: paired_means(-0.6, 1.1, 0.3, **k),
    "cross-over": lambda **k: crossover_means(0.6, 1.1, null=-0.1, **k),
    "rank sum": lambda **k: rank_sum(0.34, ratio=2.0, **k),
    "difference": lambda **k: two_rates(0.5, 0.2, ratio=2.0, **k),
    "ratio": lambda **k: two_rates(0.5, 0.2, scale="ratio", null=0.8, **k),
    "odds": lambda **k: two_rates(0.5, 0.2, scale="odds ratio", **k),
    "wald": lambda **k: two_rates(0.5, 0.2, variance="alternative", **k),
    "one rate": lambda **k: one_rate_normal(0.5, 0.2, **k),
    "negative binomial": lambda **k: two_event_rates(1.0, 2.0, dispersion=0.7, **k),
    "score": lambda **k: two_event_rates(
        1.0, 2.0, dispersion=0.7, exposure=(0.0, 2.0), null_variance="likelihood", **k
    ),
    "curves": lambda **k: survival_curves(TRIAL, 15.0, **k),
    "restricted mean": lambda **k: survival_curves(TRIAL, 22.0, measure="restricted mean", **k),
    "percentiles": lambda **k: survival_percentiles(TRIAL, 0.3, contrast="ratio", **k),
    "gehan": lambda **k: log_rank(TRIAL, method="yung-liu", weight="gehan", **k),
    "late weight": lambda **k: log_rank(TRIAL, method="direct", weight=(0.0, 1.0), **k),
    "win ratio": lambda **k: win_ratio(1.6, ties=0.2, **k),
    "win odds": lambda **k: win_odds(1.6, alternative="max", ratio=2.0, **k),
    **{m: lambda m=m, **k: log_rank(CONSTANT, method=m, **k) for m in METHODS},  # type: ignore
}


@pytest.mark.parametrize("name", FORMULAS)
@settings(max_examples=20, deadline=None)
@given(power=st.floats(0.3, 0.99), alpha=st.floats(0.001, 0.1), sided=st.sampled_from((1, 2)))
def test_the_size_for_a_power_has_that_power(
    name: str, power: float, alpha: float, sided: int
) -> None:
    level = {"alpha": alpha, "sided": sided} if name != "both tails" else {"alpha": alpha}
    found = FORMULAS[name](power=power, **level)
    back = FORMULAS[name](n=found.n, **level)
    assert back.power == pytest.approx(found.power, abs=1e-9)
    if found.n > 3.001:  # the smallest t-test may have more power than was asked for
        assert found.power == pytest.approx(power, abs=1e-9)
    assert (found.found, back.found) == ("n", "power")
    assert found.patients >= found.n - 1e-6


@pytest.mark.parametrize("name", FORMULAS)
def test_more_patients_more_power_and_a_stricter_level_less(name: str) -> None:
    sizes = [20.0, 40.0, 41.0, 80.0]
    powers = [FORMULAS[name](n=n).power for n in sizes]
    assert all(a < b for a, b in itertools.pairwise(powers)), powers
    assert FORMULAS[name](n=40, alpha=0.01).power < FORMULAS[name](n=40, alpha=0.05).power
    assert FORMULAS[name](power=0.8).n < FORMULAS[name](power=0.9).n


def test_swapping_the_arms_changes_nothing_but_their_sizes() -> None:
    pairs = [
        (two_rates(0.5, 0.2, ratio=2.0, power=0.8), two_rates(0.2, 0.5, ratio=0.5, power=0.8)),
        (two_means(1, 1, ratio=2.0, power=0.8), two_means(-1, 1, ratio=0.5, power=0.8)),
        (
            two_event_rates(1.0, 2.0, dispersion=1.0, ratio=3.0, power=0.8),
            two_event_rates(2.0, 1.0, dispersion=1.0, ratio=1 / 3, power=0.8),
        ),
    ]
    swapped = replace(CONSTANT, control=CONSTANT.treated, treated=CONSTANT.control, ratio=0.5)
    for method in METHODS:
        if method != "freedman":  # which takes the ratio's side
            first, second = (log_rank(t, power=0.8, method=method) for t in (CONSTANT, swapped))
            pairs.append((first, second))
    for first, second in pairs:
        assert first.n_treated == pytest.approx(second.n_control, rel=1e-9), first
        assert first.n_control == pytest.approx(second.n_treated, rel=1e-9), first


def test_units_of_time_and_of_the_outcome_do_not_matter() -> None:
    days = SurvivalTrial(
        Hazard((0.06 / 30, 0.03 / 30), (150.0,)),
        Hazard((0.03 / 30, 0.015 / 30), (150.0,)),
        Accrual((90.0, 270.0), (5.0, 10.0)),
        660.0,
        Hazard((0.005 / 30,)),
        ratio=2.0,
    )
    for method in METHODS:
        if method != "lachin-foulkes difference":
            months, in_days = (log_rank(t, power=0.9, method=method).n for t in (TRIAL, days))
            assert months == pytest.approx(in_days, rel=1e-12)
    assert two_means(6, 11, power=0.9).n == pytest.approx(two_means(0.6, 1.1, power=0.9).n)


@settings(max_examples=60, deadline=None)
@given(
    treated=st.floats(0.02, 0.98),
    control=st.floats(0.02, 0.98),
    shift=st.floats(-0.5, 0.5),
    ratio=st.floats(0.25, 4.0),
)
def test_null_rates_hold_the_null_value_and_no_others_are_likelier(
    treated: float, control: float, shift: float, ratio: float
) -> None:
    def likelihood(first: float, second: float) -> float:
        parts = (
            ratio * treated * np.log(first),
            ratio * (1 - treated) * np.log1p(-first),
            control * np.log(second),
            (1 - control) * np.log1p(-second),
        )
        return float(sum(parts))

    for scale, null in (("difference", shift), ("ratio", 2**shift), ("odds ratio", 4**shift)):
        first, second = null_rates(treated, control, scale, null, ratio)
        assert measured(first, second, scale) == pytest.approx(null, abs=1e-7, rel=1e-7)
        best = likelihood(first, second)
        for step in (-1e-3, 1e-3):
            moved = second + step
            other = {
                "difference": moved + null,
                "ratio": moved * null,
                "odds ratio": null * moved / (1 + moved * (null - 1)),
            }[scale]
            if 0 < moved < 1 and 0 < other < 1:
                assert likelihood(other, moved) <= best + 1e-12


@settings(max_examples=25, deadline=None)
@given(n1=st.integers(1, 12), n0=st.integers(1, 12), alpha=st.floats(0.005, 0.2))
def test_fisher_rejects_the_tables_that_scipy_rejects(n1: int, n0: int, alpha: float) -> None:
    for sided, alternative in ((1, "greater"), (2, "two-sided")):
        rejects = fisher_rejections(n1, n0, alpha, sided, True)
        for i, j in itertools.product(range(n1 + 1), range(n0 + 1)):
            table = [[i, n1 - i], [j, n0 - j]]
            p = stats.fisher_exact(table, alternative=alternative).pvalue
            if abs(p - alpha) > 1e-9:
                assert rejects[i, j] == (p <= alpha), (table, p)


@pytest.mark.parametrize("patients", [12, 20, 40, 60])
@pytest.mark.parametrize("rejection", ["likelihood", "equal tails"])
def test_exact_tests_keep_their_size_at_every_rate(patients: int, rejection: str) -> None:
    """The worst case over a grid of common rates stays at or below 5 %."""
    rejects = fisher_rejections(patients // 2, patients // 2, 0.05, 2, True, rejection)
    sizes = [rejected(rejects, rate, rate) for rate in np.linspace(0.01, 0.99, 99)]
    assert max(sizes) <= 0.05
    for rate in (0.2, 1.0, 3.0):
        plan = exact_event_rates(rate, rate, n=patients, alpha=0.05, sided=2, rejection=rejection)
        assert plan.power == pytest.approx(plan.size, abs=1e-12)
        assert plan.size <= 0.05
    for null in np.linspace(0.05, 0.95, 19):
        assert one_rate(0.5 * null, null, n=patients, alpha=0.05, sided=2).size <= 0.05


def test_exact_power_of_one_rate_is_scipy_s_binomial_tail() -> None:
    plan = one_rate(0.35, 0.1, n=20)
    assert plan.power == pytest.approx(stats.binom.sf(plan.critical[1] - 1, 20, 0.35), abs=1e-13)
    below = one_rate(0.05, 0.3, n=30)
    assert below.power == pytest.approx(stats.binom.cdf(below.critical[0], 30, 0.05), abs=1e-13)
    assert math.isnan(below.critical[1])


def test_searched_exact_sizes_are_the_smallest_and_settle() -> None:
    plan = one_rate(0.2, 0.05, power=0.8)
    powers = {n: one_rate(0.2, 0.05, n=n).power for n in range(1, plan.looked_at + 1)}
    assert all(power < 0.8 for n, power in powers.items() if n < plan.n)
    assert powers[plan.n] >= 0.8
    assert powers[plan.settled - 1] < 0.8
    assert all(power >= 0.8 for n, power in powers.items() if n >= plan.settled)
    for found in (
        fisher_exact(0.7, 0.2, power=0.7, alpha=0.05, ratio=2.0),
        exact_event_rates(0.5, 1.5, power=0.8, ratio=2.0),
    ):
        assert found.power >= 0.7
        assert found.n_treated == 2 * found.n_control


def test_curves_of_patients_all_followed_up_have_closed_variances() -> None:
    """Binomial for survival, that of the shortened time for its mean, a quantile's for medians."""
    control, treated, end = 0.08, 0.05, 10.0
    trial = SurvivalTrial(Hazard((control,)), Hazard((treated,)), Accrual((1e-9,)), 1e3)

    def needed(effect: float, variances: list[float]) -> float:
        z = stats.norm.ppf(0.975) + stats.norm.ppf(0.9)
        return float(2.0 * sum(variances) * (z / effect) ** 2)

    survivals = [math.exp(-rate * end) for rate in (control, treated)]
    wanted = needed(survivals[1] - survivals[0], [s * (1 - s) for s in survivals])
    assert survival_curves(trial, end, power=0.9).n == pytest.approx(wanted, rel=1e-7)
    means = [(1 - s) / rate for s, rate in zip(survivals, (control, treated), strict=True)]
    squares = [
        2 * (1 - s * (1 + rate * end)) / rate**2
        for s, rate in zip(survivals, (control, treated), strict=True)
    ]
    wanted = needed(means[1] - means[0], [q - m * m for q, m in zip(squares, means, strict=True)])
    found = survival_curves(trial, end, power=0.9, measure="restricted mean")
    assert found.n == pytest.approx(wanted, rel=1e-7)
    medians = [math.log(2) / rate for rate in (control, treated)]
    wanted = needed(medians[1] - medians[0], [rate**-2.0 for rate in (control, treated)])
    assert survival_percentiles(trial, power=0.9).n == pytest.approx(wanted, rel=1e-7)


@pytest.mark.parametrize("weight", ["none", "gehan", (0.5, 1.0)])
def test_the_score_varies_as_the_sums_over_simulated_patients(weight: Weight) -> None:
    """int w (z - p)(dN - Y pooled dx) patient by patient, against its integrated variance."""
    rng = np.random.default_rng(3)
    n, path = 200_000, course(TRIAL)
    order = np.argsort(path.time.ravel())
    nodes = path.time.ravel()[order]
    total = 0.0
    weights = _weights(TRIAL, path, weight)
    for z, hazard, of_all in ((0.0, TRIAL.control, 1 / 3), (1.0, TRIAL.treated, 2 / 3)):
        goal = rng.exponential(1.0, n)
        first = 5.0 * hazard.rates[0]
        late = 5.0 + (goal - first) / hazard.rates[1]
        life = np.where(goal < first, goal / hazard.rates[0], late)
        where = rng.random(n)
        entry = np.where(where < 1 / 7, where * 21.0, 3.0 + (where - 1 / 7) * 7 / 6 * 9.0)
        end = np.minimum(rng.exponential(1.0 / 0.005, n), 22.0 - entry)
        seen = np.minimum(life, end)
        step = weights * (z - path.treated_share)
        running = path.running(step * path.pooled_hazard).ravel()[order]
        sums = np.where(life <= end, np.interp(seen, nodes, step.ravel()[order]), 0.0)
        total += of_all * float(np.var(sums - np.interp(seen, nodes, running)))
    spread = score(TRIAL, weight).spread
    assert abs(total / spread - 1.0) < 0.02, (total, spread)


def test_events_are_those_of_simulated_patients() -> None:
    rng = np.random.default_rng(11)
    n = 400_000
    share = rng.random(n)
    entry = np.where(share < 1 / 7, share * 21.0, 3.0 + (share - 1 / 7) * 7 / 6 * 9.0)
    arm = rng.random(n) < 2 / 3
    goal = rng.exponential(1.0, n) / np.where(arm, 0.5, 1.0)
    life = np.where(goal < 0.3, goal / 0.06, 5.0 + (goal - 0.3) / 0.03)
    left = rng.exponential(1.0 / 0.005, n)
    for longest in (math.inf, 8.0):
        seen = (life <= left) & (life <= longest) & (entry + life <= 22.0)
        expected = expected_events(replace(TRIAL, longest=longest), n)
        for mine, events in ((~arm, expected[0]), (arm, expected[1])):
            assert abs(np.count_nonzero(seen & mine) - events) < 4.0 * math.sqrt(events)


def test_times_and_durations_undo_expected_events_and_powers() -> None:
    events = sum(expected_events(TRIAL, 150))
    assert time_of_events(TRIAL, 150, events) == pytest.approx(22.0, rel=1e-9)
    power = log_rank(TRIAL, n=150, method="direct").power
    later = duration_needed(TRIAL, 150, power, method="direct")
    assert later.duration == pytest.approx(22.0, rel=1e-8)
    longer, plan = accrual_needed(TRIAL, 10.0, power)
    assert log_rank(longer, n=plan.n).power == pytest.approx(power, abs=1e-9)
    assert longer.duration == pytest.approx(longer.accrual.duration + 10.0)


def test_formulas_agree_where_they_should() -> None:
    """Near a hazard ratio of 1 all log-rank formulas are one; ANCOVA saves rho squared."""
    near = replace(CONSTANT, treated=CONSTANT.control.times(0.98))
    sizes = [log_rank(near, power=0.9, method=m).n for m in METHODS]
    assert max(sizes) / min(sizes) < 1.02
    plain = two_means(0.2, 1, power=0.9, distribution="normal").n
    adjusted = two_means(0.2, 1, correlation=0.6, power=0.9, distribution="normal").n
    assert adjusted == pytest.approx(plain * (1 - 0.36), rel=1e-12)
    assert two_means(0.2, 1, power=0.9).n == pytest.approx(plain, rel=0.01)
    direct = two_rates(0.3, 0.2, power=0.9)
    assert continuity_corrected_rates(0.3, 0.2, power=0.9).n > direct.n
    assert survival_curves(TRIAL, 1e-6, n=100).power < 0.03


REFUSED: list[tuple[str, Callable[[], object], str]] = [
    ("no difference", lambda: two_means(0, 1, power=0.9), "difference"),
    ("difference at the margin", lambda: two_means(1, 1, null=1, power=0.9), "difference"),
    ("power below alpha", lambda: two_means(1, 1, power=0.02), "power"),
    ("power of 1", lambda: two_rates(0.5, 0.2, power=1.0), "power"),
    ("nothing asked", lambda: two_means(1, 1), "n, power"),
    ("both asked", lambda: two_means(1, 1, n=10, power=0.9), "n, power"),
    ("no events asked", lambda: log_rank_events(0.5), "events, power"),
    ("alpha", lambda: two_means(1, 1, n=10, alpha=0.6), "alpha"),
    ("sides", lambda: two_means(1, 1, n=10, sided=3), "sided"),
    ("ratio", lambda: two_means(1, 1, n=10, ratio=0.0), "ratio"),
    ("nan", lambda: two_means(math.nan, 1, n=10), "difference"),
    ("sd", lambda: one_mean(1, -1, n=10), "sd"),
    ("two patients", lambda: two_means(1, 1, n=2), "n (less the degrees of freedom used up)"),
    ("Welch", lambda: two_means(1, 1, sd_control=2, n=20), "distribution"),
    ("correlation", lambda: paired_means(1, 1, 1.0, n=9), "correlation"),
    ("distribution", lambda: one_mean(1, 1, n=9, distribution="z"), "distribution"),  # type: ignore
    ("rate of 1", lambda: two_rates(1.0, 0.2, n=50), "treated"),
    ("equal rates", lambda: two_rates(0.2, 0.2, n=50), "treated"),
    ("scale", lambda: two_rates(0.3, 0.2, n=50, scale="log"), "scale"),  # type: ignore
    ("half a patient", lambda: one_rate(0.2, 0.05, n=12.5), "n"),  # type: ignore
    ("too few looked at", lambda: one_rate(0.2, 0.05, power=0.9, most=10), "most"),
    ("an empty arm", lambda: fisher_exact(0.9, 0.1, n=1), "n"),
    ("hazard ratio 1", lambda: log_rank_events(1.0, power=0.9), "hazard_ratio"),
    (
        "equal hazards",
        lambda: log_rank(replace(TRIAL, treated=TRIAL.control), n=50),
        "trial.treated",
    ),
    ("too many events", lambda: time_of_events(TRIAL, 10, 11), "events"),
    (
        "no hazard",
        lambda: log_rank(SurvivalTrial(Hazard((0,)), Hazard((0,)), Accrual((1,)), 2), n=9),
        "trial",
    ),
    (
        "late effect",
        lambda: log_rank(replace(TRIAL, treated=Hazard((0.06, 0.01), (5,))), n=50),
        "trial",
    ),
    ("margin", lambda: log_rank(TRIAL, n=50, null=1.2, method="direct"), "null"),
    ("no null", lambda: two_means(1, 1, n=20, null=math.nan), "null"),
    ("events below 0", lambda: log_rank_events(0.5, events=-1), "events"),
    (
        "nobody left",
        lambda: survival_curves(replace(TRIAL, control=Hazard((99,))), 12, n=9),
        "time",
    ),
    (
        "cure",
        lambda: log_rank(
            replace(TRIAL, treated=Hazard((0.03, 0.0), (5,))), n=50, method="average hazard ratio"
        ),
        "trial.treated",
    ),
    ("weight", lambda: log_rank(TRIAL, n=50, weight="gehan"), "weight"),
    ("median not reached", lambda: survival_percentiles(TRIAL, 0.9, n=50), "share"),
    ("milestone after the end", lambda: survival_curves(TRIAL, 30.0, n=50), "time"),
    ("falling starts", lambda: Hazard((1.0, 2.0, 3.0), (5.0, 4.0)), "starts"),
    ("no accrual", lambda: Accrual((1.0,), (0.0,)), "weights"),
    ("never reached", lambda: duration_needed(replace(TRIAL, longest=1.0), 20, 0.9), "power"),
    ("dispersion", lambda: two_event_rates(1, 2, n=50, dispersion=-1), "dispersion"),
    ("exposure", lambda: two_event_rates(1, 2, n=50, exposure=(2, 1)), "exposure"),
    ("win ratio 1", lambda: win_ratio(1.0, n=50), "ratio_of_wins"),
    ("only ties", lambda: win_ratio(1.5, n=50, ties=1.0), "ties"),
    ("win odds 1", lambda: win_odds(1.0, n=50), "odds"),
    ("spcd without effect", lambda: spcd((0.5, 0.5), (0.4, 0.4), n=50), "stage_1, stage_2"),
    ("looks", lambda: sequential_size(100, 1.01, (0.5, 0.4, 1.0)), "information"),
    ("stops", lambda: sequential_size(100, 1.01, (0.5, 1.0), (0.7, 0.7)), "stops"),
    ("simulated power", lambda: size_from_simulation(50, 0.01, 0.9), "reached"),
]


@pytest.mark.parametrize(("ask", "field"), [r[1:] for r in REFUSED], ids=[r[0] for r in REFUSED])
def test_impossible_asks_are_refused_and_say_why(ask: Callable[[], object], field: str) -> None:
    with pytest.raises(InputError) as caught:
        ask()
    problem = caught.value.problems[0]
    assert problem.field == field
    assert problem.found and problem.expected


def test_every_public_function_has_an_example() -> None:
    import doctest

    finder = doctest.DocTestFinder(exclude_empty=True)
    for name in sizing.__all__:
        thing = getattr(sizing, name)
        if not isinstance(thing, type):
            assert any(test.examples for test in finder.find(thing, name)), name
            for part in ("Raises", "References", "Parameters"):
                assert part in thing.__doc__, (name, part)


def test_effect_in_the_second_stage_alone_leaves_the_parallel_trial_without_a_size() -> None:
    plan = spcd((0.4, 0.4), (0.5, 0.2), power=0.8)
    assert plan.conventional_n == math.inf
    assert math.isfinite(plan.n)
    given_n = spcd((0.4, 0.4), (0.5, 0.2), n=200)
    assert given_n.conventional_power == pytest.approx(0.025)
