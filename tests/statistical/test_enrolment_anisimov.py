"""Enrolment against closed forms: Poisson-gamma streams, depletion, competing trials. k = 4 SE.

With N sites open from day 0 whose rates are gamma (shape a, mean m), the sum of the rates is gamma
(shape N a, rate b = a / m) and the n-th candidate comes at a gamma(n) time over it: at b times a
beta prime (Pearson type VI) with parameters n and N a, which has mean n / (N a - 1). The model is
that of Anisimov & Fedorov, Stat Med 2007;26:4958-75.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from scipy import stats
from scipy.integrate import quad, trapezoid
from scipy.optimize import brentq

from raresim.streams import Luck
from raresim.trial.fate.arrivals import arrivals, presenting
from raresim.trial.fate.enrolment import Presenting
from raresim.trial.fate.enrolment.pool import expected
from raresim.trial.grammar.site import Sites
from raresim.trial.grammar.truth import Truth

K = 4
MONTH = 365.25 / 12
PER_SITE = 2 / MONTH
ALIKE = 1e9  # shape of rates that are the same at all sites
RATES = {"per_site": "2 per month", "gamma_shape": ALIKE}
ALL = {"prevalent": 200, "diagnosed": 1.0, "reachable": 1.0, "willing": 1.0}
FOREVER = 100 * 365.25


def truth_of(candidates: dict, **more: object) -> Truth:
    block = {
        "model": "none",
        "hypotheses": {"no_effect": {"infection": {"drug": {"rate_ratio": 1}}}},
        "candidates": candidates,
        "screening_lasts": "1 to 2 weeks",
    }
    return Truth.model_validate(block | more)


def sites_of(number: int, every: str = "") -> Sites:
    opens: list[dict] = [{"first": number, "at": "day 0"}]
    if every:
        opens = [{"first": 1, "at": "day 0"}, {"then": "one", "every": every}]
    return Sites.model_validate({"number": number, "open": opens})


def stream(shape: float, **more: object) -> dict:
    return {"stream": RATES | {"gamma_shape": shape}} | more


def pool(country: dict, rival: dict | None = None, **more: object) -> dict:
    competing = {} if rival is None else {"competing": {"rival": rival}}
    return {"pool": RATES | {"countries": {"malta": country}} | competing | more}


def days(candidates: dict, sites: Sites, units: int, blocks: int = 4, **more: object) -> np.ndarray:
    found = [
        arrivals(truth_of(candidates, **more), sites, Luck(17, k), units) for k in range(blocks)
    ]
    return np.concatenate([came.day for came in found])


def of_pool(candidates: dict, units: int, until: float = FOREVER) -> Presenting:
    return presenting(truth_of(candidates), sites_of(4), Luck(23, 0), units, until)


def near(values: np.ndarray, wanted: float) -> bool:
    """Whether the mean of independent values lies within K standard errors."""
    return bool(abs(values.mean() - wanted) < K * values.std() / np.sqrt(values.size))


def assert_share(hits: np.ndarray, wanted: float) -> None:
    error = np.sqrt(wanted * (1 - wanted) / hits.size)
    assert abs(hits.mean() - wanted) < K * error, (hits.mean(), wanted, error)


def assert_binomial(counts: np.ndarray, n: int, p: float) -> None:
    """Mean and variance of counts are those of a binomial."""
    assert near(counts, n * p), (counts.mean(), n * p)
    square = (counts - n * p) ** 2
    assert near(square, n * p * (1 - p)), (square.mean(), n * p * (1 - p))


@pytest.mark.parametrize(("number", "shape", "n"), [(8, 2.0, 60), (20, 1.2, 100), (3, 5.0, 10)])
def test_time_to_full_enrolment_has_anisimovs_mean_and_90_per_cent_band(
    number: int, shape: float, n: int
) -> None:
    full = days(stream(shape), sites_of(number), n)[:, -1]
    law = stats.betaprime(n, number * shape, scale=shape / PER_SITE)
    assert law.mean() == pytest.approx(shape / PER_SITE * n / (number * shape - 1))
    assert near(full, law.mean())
    for level in (0.05, 0.5, 0.95):
        assert_share(full <= law.ppf(level), level)


def recruited(day: float, opens: np.ndarray, shape: float, most: int) -> np.ndarray:
    """Law of the number recruited: a sum of negative binomials, one for each open site."""
    law = np.eye(1, most)[0]
    for since in day - opens[opens < day]:
        site = stats.nbinom.pmf(np.arange(most), shape, 1 / (1 + PER_SITE * since / shape))
        law = np.convolve(law, site)[:most]
    return law


def test_staggered_openings_agree_with_numerical_integration() -> None:
    shape, n, sites = 2.0, 30, sites_of(6, every="30 days")
    full = days(stream(shape), sites, n)[:, -1]
    opens = np.array(sites.planned())

    def later(day: float) -> float:  # P(T > t): fewer than n have come
        return float(recruited(day, opens, shape, n).sum())

    grid = np.linspace(0, 1500, 1501)
    mean = trapezoid([later(day) for day in grid], grid)
    assert near(full, mean)
    for level in (0.05, 0.95):
        at = brentq(lambda day, level=level: 1 - later(day) - level, 1, 1500)
        assert_share(full <= at, level)


def test_delays_of_opening_are_exponential() -> None:
    """E N(t) = S r (t - d (1 - exp(-t / d))) after exponential delays with mean d."""
    delay = {"mean": "60 days", "why": "a test"}
    found = days(stream(2.0), sites_of(6), 500, site_opening_delay=delay)
    for day in (30.0, 120.0, 300.0):
        counts = (found <= day).sum(axis=1)
        assert counts.max() < 500
        assert near(counts, 6 * PER_SITE * (day - 60 * (1 - np.exp(-day / 60))))


MOVING = [
    pytest.param({"ramp_up": "3 months"}, id="ramp-up"),
    pytest.param(
        {
            "changes": [
                {"from": "45 days", "until": "100 days", "by": 0.25},
                {"from": "6 months", "until": "7 months", "by": 0},
                {"from": "9 months", "by": 1.5},
            ]
        },
        id="changes",
    ),
    pytest.param({"seasons": {"starts_in": "june", "august": 0.4, "december": 0.5}}, id="seasons"),
    pytest.param(
        {
            "ramp_up": "5 months",
            "seasons": {"starts_in": "october", "december": 0.2},
            "changes": [{"from": "70 days", "until": "200 days", "by": 2}],
        },
        id="all",
    ),
]


def factor(block: dict, day: float) -> float:
    """The part of the full rate on a day, from the file."""
    found = 1.0
    if "ramp_up" in block:
        found *= min(1.0, day / (int(block["ramp_up"].split()[0]) * MONTH))
    for change in block.get("changes", []):
        begin, end = (
            float(text.split()[0]) * (MONTH if "month" in text else 1)
            for text in (change["from"], change.get("until", "9999 days"))
        )
        found *= change["by"] if begin <= day < end else 1.0
    names = "january february march april may june july august september october november december"
    if "seasons" in block:
        first = names.split().index(block["seasons"]["starts_in"])
        found *= block["seasons"].get(names.split()[(first + int(day / MONTH)) % 12], 1.0)
    return found


@pytest.mark.parametrize("block", MOVING)
def test_counts_by_month_are_the_integral_of_the_rate(block: dict) -> None:
    """Poisson counts in each month, mean the integral of the rate; so in the variance."""
    found = days(stream(ALIKE, **block), sites_of(4), 250, blocks=1)
    breaks = [45.0, 70.0, 100.0, 200.0]
    for month in range(18):
        begin, end = month * MONTH, (month + 1) * MONTH
        inner = [begin, *(b for b in breaks if begin < b < end), end]
        mean = (
            4
            * PER_SITE
            * sum(quad(lambda t: factor(block, t), a, b)[0] for a, b in pairwise(inner))
        )
        counts = ((found > begin) & (found <= end)).sum(axis=1)
        assert abs(counts.mean() - mean) <= K * np.sqrt(mean / 1024), (month, counts.mean(), mean)
        if mean > 0:
            square = (counts - mean) ** 2
            assert near(square, mean)


def test_a_pool_of_200_is_used_up_as_its_closed_form_says() -> None:
    """Each has presented by t with p = 1 - exp(-Lambda(t) / 200): a binomial count."""
    found = of_pool(pool(ALL), 201)
    assert found.dry.all()
    for day in (30.0, 200.0, 700.0, 2000.0):
        p = 1 - np.exp(-4 * PER_SITE * day / 200)
        assert_binomial((found.day <= day).sum(axis=1), 200, p)


def test_gamma_rates_between_sites_use_up_a_pool_by_their_laplace_transform() -> None:
    """E exp(-t R / N) = (1 + t m / (a N)) ** -(S a) for a sum R of S gamma rates."""
    shape, found = 2.0, of_pool({"pool": pool(ALL)["pool"] | {"gamma_shape": 2.0}}, 201)
    for day in (100.0, 500.0):
        left = (1 + day * PER_SITE / (shape * 200)) ** -(4 * shape)
        assert near((found.day <= day).sum(axis=1), 200 * (1 - left))


def test_shares_of_a_pool_are_those_of_the_file() -> None:
    """Present by t: diagnosed, reachable and willing (p), at the hazard of the full pool N p."""
    shares = {"diagnosed": 0.9, "reachable": 0.7, "willing": 0.5}
    found = of_pool(pool(ALL | shares), 201)
    p = 0.9 * 0.7 * 0.5
    for day in (60.0, 400.0):
        gone = 1 - np.exp(-4 * PER_SITE * day / (200 * p))
        assert_binomial((found.day <= day).sum(axis=1), 200, p * gone)


def test_candidates_come_at_the_published_rate_while_the_pool_is_full() -> None:
    travel = {
        "hours": {"assumed": {"median": 2.0, "q1": 1.0, "q3": 4.0}, "why": "a test"},
        "halves_every": "3 hours",
    }
    country = {"diagnosed": 0.8, "reachable": 0.7, "willing": 0.5, "prevalent": 1500}
    block = pool(country, travel=travel)
    found = of_pool(block, 120)
    finite = truth_of(block).candidates.pool
    assert finite is not None
    full = expected(finite, "malta")
    assert 200 < full < 0.9 * 420  # travel keeps some of the 420 away
    for months in (1, 3):
        counts = (found.day <= months * MONTH).sum(axis=1)
        assert counts.max() < 120
        assert near(counts, full * -np.expm1(-8 * months / full))  # 8 a month while it is full


def test_the_larger_the_pool_the_sooner_and_in_the_limit_it_is_the_stream() -> None:
    """E T_n = sum over k < n of N / (N - k) / R; n / R in a stream, which comes first."""
    means = []
    for size in (60, 200, 4000):
        found = of_pool(pool(ALL | {"prevalent": size}), 40).day[:, -1]
        rate = 4 * PER_SITE
        exact = sum(size / (size - k) for k in range(40)) / rate
        assert near(found, exact)
        means.append(exact)
    endless = days(stream(ALIKE), sites_of(4), 40, blocks=1)[:, -1]
    assert near(endless, 40 / (4 * PER_SITE))
    assert means[0] > means[1] > means[2] > 40 / (4 * PER_SITE)
    assert means[2] < 1.006 * 40 / (4 * PER_SITE)
    assert stats.ks_2samp(found, endless).pvalue > 1e-4


def test_the_newly_diagnosed_come_too() -> None:
    """Incident at rate i: a Poisson number with mean i q (t - (1 - exp(-h t)) / h) by day t."""
    rate, until = 40 / 365.25, 3 * 365.25
    country = ALL | {"incident": "40 per year", "reachable": 0.8, "willing": 0.5}
    found = of_pool(pool(country), 500, until=until)
    hazard = 4 * PER_SITE / (200 * 0.4)
    for day in (200.0, 800.0, until):
        prevalent = 200 * 0.4 * (1 - np.exp(-hazard * day))
        incident = rate * 0.4 * (day - (1 - np.exp(-hazard * day)) / hazard)
        came = found.day <= day
        old = found.member < 200
        assert near((came & old).sum(axis=1), prevalent)
        counts = (came & ~old).sum(axis=1)
        assert near(counts, incident)
        assert near((counts - incident) ** 2, incident)


TAKES = 0.6 / 365.25
RIVAL = {"from": "day 0", "until": "90 years", "takes": "0.6 per year", "keeps_for": "90 years"}
HAZARD = 4 * PER_SITE / 200
BOTH = HAZARD + TAKES


def test_two_exponential_hazards_compete_for_each_member() -> None:
    """P(presented by t) = p / (p + q) (1 - exp(-(p + q) t)), and for ever p / (p + q)."""
    found = of_pool(pool(ALL, RIVAL), 201, until=80 * 365.25)
    for day in (100.0, 500.0, 29_000.0):
        p = HAZARD / BOTH * (1 - np.exp(-BOTH * day))
        assert_binomial((found.day <= day).sum(axis=1), 200, p)


def test_members_of_a_rival_that_fails_are_approached_again() -> None:
    """All who are free or held at the failure present at p from then on: none is taken again."""
    fails = 400.0
    rival = RIVAL | {"fails": {"share": 1.0, "at": "400 days"}}
    found = of_pool(pool(ALL, rival), 201)
    for day in (200.0, 450.0, 1500.0):
        early = HAZARD / BOTH * (1 - np.exp(-BOTH * min(day, fails)))
        p = early + (1 - early) * (1 - np.exp(-HAZARD * max(0.0, day - fails)))
        assert_binomial((found.day <= day).sum(axis=1), 200, p)


def test_a_rival_fails_as_often_as_the_file_says_and_as_a_whole() -> None:
    rival = RIVAL | {"takes": "50 per year", "fails": {"share": 0.3, "at": "400 days"}}
    found = of_pool(pool(ALL, rival), 201, until=3000.0)
    after = ((found.day > 400) & (found.day < 3000)).sum(axis=1)
    assert_share(after > 20, 0.3)
    assert set(after > 20) == {True, False}
    assert after[after <= 20].max() < 5 < 100 < after[after > 20].min()


def test_members_come_back_after_their_time_in_a_rival() -> None:
    """Taken at s (density q exp(-(p + q) s)), free again at s + k: presents at p from then on."""
    keeps = 250.0
    found = of_pool(pool(ALL, RIVAL | {"keeps_for": "250 days"}), 201)
    for day in (200.0, 600.0, 1500.0):
        p = HAZARD / BOTH * (1 - np.exp(-BOTH * day))
        if day > keeps:
            p += quad(
                lambda s, day=day: (
                    TAKES * np.exp(-BOTH * s) * (1 - np.exp(-HAZARD * (day - keeps - s)))
                ),
                0,
                day - keeps,
            )[0]
        assert_binomial((found.day <= day).sum(axis=1), 200, p)


def test_two_rivals_at_half_the_hazard_are_one() -> None:
    """Kept for ever: the first of two exponentials at q / 2 is one at q."""
    half = RIVAL | {"takes": "0.3 per year"}
    block = pool(ALL)
    block["pool"] = block["pool"] | {"competing": {"one": half, "two": half}}
    found = of_pool(block, 201, until=80 * 365.25)
    for day in (100.0, 500.0):
        p = HAZARD / BOTH * (1 - np.exp(-BOTH * day))
        assert_binomial((found.day <= day).sum(axis=1), 200, p)
