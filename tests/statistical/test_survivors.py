"""Survivors in a pool against closed forms: who is there, who dies waiting, what is left to live.

Every comparison is within K = 4 Monte Carlo standard errors of one mean or share; shares at 9
points of a distribution stand for the whole of it. Where the law goes through shares of another
one, the bound of what that moves is derived at its place and added.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.optimize import brentq
from scipy.special import exp1

from raresim.evidence.survival import PiecewiseExponential, SplitLogLogistic
from raresim.streams import Luck
from raresim.trial import Scenario
from raresim.trial.fate.candidates import people
from raresim.trial.fate.decided import Fate, fate
from raresim.trial.fate.enrolment import Survival
from raresim.trial.ticks import NEVER
from tests.prevalent import COUNTRY, MODEL, POOL, YEAR, model_at, prevalent
from tests.worlds import by_candidate

K = 4
DAY = 86_400
OVER = 30.0
RATE = 0.08  # deaths per year
PRESENTS = 8 * 12 / 60  # per member and year: 4 sites with 2 a month, 60 members
TENTHS = np.arange(1, 10) / 10


def near(values: np.ndarray, wanted: float, bound: float = 0.0) -> None:
    """Check the mean of independent values."""
    error = values.std() / np.sqrt(values.size)
    found = values.mean()
    assert abs(found - wanted) < K * error + bound, (found, wanted, error, bound)


def follows(
    values: np.ndarray, cdf: Callable[[float], float], top: float, bound: float = 0.0
) -> None:
    """Check that the shares below nine quantiles of a distribution on 0 to `top` are its levels."""
    for level in TENTHS:
        at = brentq(lambda x, level=level: cdf(x) - level, 0.0, top)
        near((values <= at).astype(float), level, bound)


def decide(scenario: Scenario, candidates: int) -> Fate:
    """Return the fate of all members, followed to the end of their lives."""
    followed = scenario.changed({"design.follow_for": "300 years"})
    return by_candidate(fate(followed, Luck(11, 0), "effect", candidates, width=candidates))


def presented(found: Fate) -> np.ndarray:
    return found.present < NEVER


def left(found: Fate) -> np.ndarray:
    """Years from randomisation to death without treatment."""
    return found.lives.arms[0].events["death"][..., 0] / DAY / YEAR


@pytest.fixture(scope="module")
def constant(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model with a constant hazard of death: one share free of it says all."""
    return model_at(tmp_path_factory.mktemp("constant"), {"10 years": float(np.exp(-10 * RATE))})


@pytest.fixture(scope="module")
def exponential(constant: Path) -> Fate:
    return decide(prevalent(constant, {"design.recruit_for": "10 years"}), 61)


def test_under_a_constant_hazard_time_since_diagnosis_is_a_truncated_exponential(
    exponential: Fate,
) -> None:
    """P(X <= x) = (1 - exp(-q x)) / (1 - exp(-q 30)), whenever they present: q forgets."""
    came = presented(exponential)
    on_day_0 = exponential.baseline["years_ill"] - exponential.ready / DAY / YEAR

    def cdf(x: float) -> float:
        return float(np.expm1(-RATE * x) / np.expm1(-RATE * OVER))

    follows(on_day_0[came], cdf, OVER)
    for low, high in ((0, 0.3), (0.3, 0.8), (0.8, 9)):
        day = exponential.present / DAY / YEAR
        follows(on_day_0[came & (day >= low) & (day < high)], cdf, OVER)


def test_under_a_constant_hazard_the_time_left_is_that_of_anybody(exponential: Fate) -> None:
    """The residual life of who presents on day t is exponential, whatever t."""
    day = exponential.present / DAY / YEAR
    for low, high in ((0, 0.3), (0.3, 0.8), (0.8, 9)):
        rest = left(exponential)[presented(exponential) & (day >= low) & (day < high)]
        follows(rest, lambda x: float(-np.expm1(-RATE * x)), 200.0)
        near(rest, 1 / RATE)


def test_the_pool_is_used_up_by_presenting_and_by_death(exponential: Fate) -> None:
    """N r / (r + q) (1 - exp(-(r + q) t)) have presented by t, binomially; q / (r + q) never do."""
    both = PRESENTS + RATE
    for years in (0.2, 0.7, 2.0, 9.9):
        p = PRESENTS / both * -np.expm1(-both * years)
        counts = (exponential.present <= years * YEAR * DAY).sum(axis=1)
        near(counts, 60 * p)
        near((counts - 60 * p) ** 2, 60 * p * (1 - p))
    never = 60 - presented(exponential).sum(axis=1)
    near(never, 60 * RATE / both + 60 * PRESENTS / both * np.exp(-both * 10))


def test_a_pool_of_survivors_dries_sooner_and_nothing_else_moves(constant: Path) -> None:
    """Who presents at all does so on the day of the pool in which nobody dies."""
    slow = {f"{POOL}.per_site": "0.1 per month", "design.recruit_for": "10 years"}
    found = decide(prevalent(constant, slow), 61)
    still = decide(prevalent(constant, {**slow, f"{POOL}.survivors": None}), 61)
    rate = PRESENTS / 20
    for years in (2.0, 8.0):
        with_deaths, without = ((f.present <= years * YEAR * DAY).sum(1) for f in (found, still))
        near(with_deaths, 60 * rate / (rate + RATE) * -np.expm1(-(rate + RATE) * years))
        near(without, 60 * -np.expm1(-rate * years))
    for row in range(0, 1024, 50):
        kept = found.present[row][found.present[row] < NEVER]
        assert set(kept) < set(still.present[row])


def test_the_newly_diagnosed_begin_their_clock_and_die_while_they_wait(constant: Path) -> None:
    """Incident at rate i: i r / b (t - (1 - exp(-b t)) / b) by t, with b = r + q; ill for the wait.

    The wait of one who presents by t has density proportional to exp(-b w) (t - w).
    """
    years = 8.0
    changes = {
        f"{COUNTRY}.incident": "40 per year",
        f"{POOL}.per_site": "0.25 per month",
        "design.recruit_for": "8 years",
    }
    found = decide(prevalent(constant, changes), 700)
    assert (found.present[:, -1] == NEVER).all()
    rate = PRESENTS / 8
    both = rate + RATE
    day, ill = found.ready / DAY / YEAR, found.baseline["years_ill"]
    came = presented(found)
    prevalent_by = 60 * rate / both * -np.expm1(-both * years)
    incident_by = 40 * rate / both * (years + np.expm1(-both * years) / both)
    near(came.sum(axis=1), prevalent_by + incident_by)
    waits = ill[came & (ill < day)]  # diagnosed after the start

    def part(w: float) -> float:
        return quad(lambda v: np.exp(-both * v) * (years - v), 0, w)[0]

    near(waits, quad(lambda v: v * np.exp(-both * v) * (years - v), 0, years)[0] / part(years))
    follows(waits, lambda w: part(w) / part(years), years)


def test_who_dies_during_screening_is_not_randomised(constant: Path) -> None:
    """Of who presents, exp(-q s) live through a screening of s = 2 years."""
    found = decide(prevalent(constant, {"truth.screening_lasts": "730.5 to 730.5 days"}), 61)
    came = presented(found)
    near(found.eligible[came].astype(float), float(np.exp(-RATE * 2)))
    follows(left(found)[found.eligible & came], lambda x: float(-np.expm1(-RATE * x)), 200.0)


A, B, KNOT = 0.02, 0.15, 0.5


def gompertz(t: float) -> float:
    """Share who are alive t years after diagnosis, at the hazard a exp(b t)."""
    return float(np.exp(-A / B * np.expm1(B * t)))


MU = np.exp(A / B) * exp1(A / B) / B
"""Mean survival from diagnosis, in years."""
BOUND = 2 * KNOT**2 / 8 * B * np.exp(B * KNOT) / MU
"""The most by which the law through the knots moves a share of the integral of S: 0.00085."""
SHORT = {f"{POOL}.per_site": "1000000 per month", "design.recruit_for": "1 month"}
"""Everybody presents on the first day."""


def beyond(x: float, top: float = np.inf) -> float:
    """Return the integral of S from x to `top`."""
    top = min(top, 80.0)
    return quad(gompertz, x, top, limit=200)[0] if x < top else 0.0


@pytest.fixture(scope="module")
def ageing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model whose law goes through 60 shares of a Gompertz survival."""
    times = KNOT * np.arange(1, 61)
    shares = {f"{time} years": gompertz(time) for time in times}
    return model_at(tmp_path_factory.mktemp("gompertz"), shares)


@pytest.fixture(scope="module")
def early(ageing: Path) -> Fate:
    return decide(prevalent(ageing, SHORT), 61)


def test_the_law_through_the_knots_is_as_near_as_the_bound_says() -> None:
    """Between knots h apart H is a chord, above it by h² / 8 times the largest H'' at most.

    So S is off by S h² / 8 a b exp(b t) exp(b h), whose integral is h² / 8 b exp(b h), as that of
    S times the hazard is 1. A share of the integral moves by no more than twice that over mu.
    """
    assert pytest.approx(beyond(0.0), rel=1e-8) == MU
    knots = KNOT * np.arange(61)
    at_knots = np.array([[A / B * np.expm1(B * t) for t in knots]])
    law = PiecewiseExponential(knots * YEAR, at_knots)
    grid = np.linspace(0.0, 30.0, 6001)
    free = np.exp(-law.hazard(grid[None] * YEAR))[0]
    gap = np.abs(free - np.exp(-A / B * np.expm1(B * grid)))
    assert np.trapezoid(gap, grid) < BOUND * MU / 2
    assert BOUND < 0.00086
    assert beyond(OVER) / MU < 1e-5  # what lies beyond the last knot


def test_on_the_first_day_time_since_diagnosis_has_the_density_of_survival(early: Fate) -> None:
    """Density S(x) / mu: mean E T² / 2 mu, with the integral of x S(x) for E T² / 2."""
    assert presented(early)[:, :59].mean() > 0.999
    lived = early.baseline["years_ill"][presented(early)]
    total = beyond(0.0, OVER)
    follows(lived, lambda x: 1 - beyond(x, OVER) / total, OVER, BOUND)
    mean = quad(lambda x: x * gompertz(x), 0, OVER)[0] / total
    near(lived, mean, BOUND * OVER)


def test_the_time_left_on_the_first_day_is_the_forward_recurrence_time(early: Fate) -> None:
    """P(R > x) = int from x to x + 30 of S, over mu: renewal theory's forward recurrence time."""
    rest = left(early)[presented(early)]
    total = beyond(0.0, OVER)
    follows(rest, lambda x: 1 - beyond(x, x + OVER) / total, 60.0, BOUND)
    mean = quad(lambda x: x * gompertz(x), 0, 80)[0] / total
    near(rest, mean, BOUND * OVER)


def test_the_prevalent_are_neither_as_the_newly_diagnosed_nor_as_the_model_draws_them(
    ageing: Path, early: Fate
) -> None:
    """Selection is seen: less is left to them than to the incident, and longer lives are theirs.

    The incident live mu = 11.9 years; the prevalent have E T² / 2 mu = 7.3 left and a whole life of
    E T² / mu = 14.7. Whom the model draws without selection, 10 years ill on average, has 5.9 left.
    """
    rest, lived = (x[presented(early)] for x in (left(early), early.baseline["years_ill"]))
    half_square = quad(lambda x: x * gompertz(x), 0, 80)[0]
    near(rest + lived, 2 * half_square / MU, 2 * BOUND * OVER)
    naive = prevalent(ageing, {**SHORT, f"{POOL}.survivors": None})
    law = naive.model.published.times["death", ""]
    incident = law.time(-np.log(Luck(5, 0).uniform("incident", 60))) / YEAR
    near(incident, MU, BOUND * OVER)
    assert rest.mean() < 0.7 * incident.mean() < incident.mean() < 0.9 * (rest + lived).mean()
    drawn = decide(naive, 61)
    assert abs(drawn.baseline["years_ill"].mean() - 10) < 0.2
    gap = rest.mean() - left(drawn)[presented(drawn)].mean()
    assert gap > 20 * rest.std() / np.sqrt(rest.size)


def test_those_who_wait_are_selected_further(ageing: Path) -> None:
    """Present on day t: density of x since diagnosis on day 0 is S(x + t) over its integral."""
    wait = 5.0
    changes = {
        "truth.candidates.changes": [{"from": "0 days", "until": "5 years", "by": 0}],
        f"{POOL}.per_site": "1000000 per month",
        "design.recruit_for": "70 months",
    }
    found = decide(prevalent(ageing, changes), 61)
    came = presented(found)
    assert found.present[came].min() >= wait * YEAR * DAY
    total = beyond(wait, wait + OVER)
    near(came.sum(axis=1), 60 * total / beyond(0.0, OVER), 60 * BOUND)
    lived = found.baseline["years_ill"][came] - wait
    follows(lived, lambda x: 1 - beyond(x + wait, wait + OVER) / total, OVER, BOUND * MU / total)


def test_what_is_computed_from_the_clock_follows_it(early: Fate) -> None:
    ill = early.baseline["years_ill"]
    assert np.array_equal(early.baseline["age"], early.baseline["diagnosis_age"] + ill)
    assert np.array_equal(early.baseline["older"], ill * 2 + 1)
    read = early.lives.arms[0].readings["strength"][..., 0]
    assert np.abs(read - (800 - 5 * ill)).max() < 7  # noise of SD 1, 62,464 readings


def test_the_true_values_are_of_the_first_days_prevalent(ageing: Path) -> None:
    """`people` without a calendar, as the true values ask for them."""
    scenario = prevalent(ageing)
    numbers, effects = scenario.numbers("effect", Luck(1, 0), "centre")
    folk = people(scenario, Luck(1, 2**32), 40, numbers, effects)
    total = beyond(0.0, OVER)
    lived = folk.patients.values["years_ill"].ravel()
    follows(lived, lambda x: 1 - beyond(x, OVER) / total, OVER, BOUND)


def test_each_replicate_has_its_own_law(tmp_path: Path) -> None:
    """Shares drawn from 20 patients: each draw's survivors are those of its own hazard."""
    evidence = "evidence: {free: {10 years: 0.45}, n: 20, source: x}"
    text = MODEL.replace("assumed: {free: FREE}, why: a test", evidence)
    scenario = prevalent(model_at(tmp_path, {}, text), SHORT | {"truth.uncertainty": "nuisance"})
    numbers, _ = scenario.numbers("effect", Luck(11, 0), "centre")
    hazard = numbers.times["death", ""].hazard(np.full((1024, 1), YEAR))[:, 0]
    assert hazard.max() > 3 * hazard.min()
    assert len(np.unique(hazard)) == 128
    lived = decide(scenario, 61).baseline["years_ill"][:, :59]
    u = np.expm1(-hazard[:, None] * lived) / np.expm1(-hazard[:, None] * OVER)
    follows(u.ravel(), lambda x: x, 1.0)


@pytest.mark.parametrize("q1", [2.0, 5.5])
def test_quartiles_of_a_time_are_inverted_as_quadrature_says(q1: float) -> None:
    """A log-logistic in two pieces, steep and flat at zero, has no closed form."""
    times = np.log(np.array([[q1, 6.0, 20.0]]) * YEAR)
    law = SplitLogLogistic(np.array([[0.25, 0.5, 0.75]]), times)
    u = np.array([[1e-6, 0.003, 0.1, 0.3, 0.5, 0.8, 0.97, 0.999999]])
    found = Survival(law, OVER * YEAR).lived(u)[0]

    def alive(day: float) -> float:
        return float(np.exp(-law.hazard(np.array([[day]])))[0, 0])

    kink = [6.0 * YEAR]
    total = quad(alive, 0, OVER * YEAR, points=kink, limit=400, epsabs=1e-7)[0]
    for level, day in zip(u[0], found, strict=True):
        inside = [point for point in kink if point < day]
        part = quad(alive, 0, day, points=inside or None, limit=400, epsabs=1e-9)[0]
        assert part / total == pytest.approx(level, abs=1e-6)
