"""Enrolment by hand: rates that move, members of a pool, competing trials, what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError
from scipy.integrate import quad
from scipy.stats import beta

from raresim.errors import InputError
from raresim.streams import LUCK_BLOCK, Luck
from raresim.trial import run_block
from raresim.trial.fate.arrivals import arrivals, most_candidates, presenting
from raresim.trial.fate.enrolment import members, site_rates
from raresim.trial.fate.enrolment.intensity import Intensity
from raresim.trial.fate.enrolment.pool import expected
from raresim.trial.fate.enrolment.rivals import Contest
from raresim.trial.fate.enrolment.rivals import presenting as raced
from raresim.trial.grammar.candidate import MONTHS, Candidates
from raresim.trial.grammar.site import Sites
from raresim.trial.grammar.truth import Truth
from raresim.trial.ticks import NEVER
from tests.worlds import CGD, differences, world

MONTH = 365.25 / 12
STREAM = {"stream": {"per_site": "2 per month", "gamma_shape": 2.0}}
COUNTRY = {"prevalent": 60, "diagnosed": 0.8, "reachable": 0.75, "willing": 0.5}
RATES = {"per_site": "2 per month", "gamma_shape": 2.0}


def truth_of(candidates: dict, **more: object) -> Truth:
    effect = {"rate_ratio": 1}
    block = {
        "model": "none",
        "hypotheses": {"no_effect": {"infection": {"drug": effect}}},
        "candidates": candidates,
        "screening_lasts": "1 to 2 weeks",
    }
    return Truth.model_validate(block | more)


def sites_of(number: int, **more: object) -> Sites:
    return Sites.model_validate(
        {"number": number, "open": [{"first": number, "at": "day 0"}]} | more
    )


def pool_of(countries: dict, **more: object) -> dict:
    return {"pool": RATES | {"countries": countries} | more}


EVENLY = {"uniform": {"number": 90, "over": "9 months"}}
STAGGERED = [{"first": 1, "at": "day 10"}, {"then": "one", "every": "40 days"}]
MOVING = STREAM | {
    "ramp_up": "3 months",
    "changes": [
        {"from": "2 months", "until": "4 months", "by": 0.5, "sites": ["site2"]},
        {"from": "3 months", "until": "5 months", "by": 0},
        {"from": "6 months", "by": 3},
    ],
    "seasons": {"starts_in": "november", "december": 0.5, "august": 0.2},
}


def by_hand(k: int, full: float, opens: float, day: float) -> float:
    """The rate of site k on a day, written down from the file MOVING."""
    month = int(day / MONTH + 1e-9)
    season = {1: 0.5, 9: 0.2}.get(month % 12, 1.0)  # December is the second month, August the tenth
    change = 0.5 if k == 1 and 2 <= month < 4 else 1.0
    change *= 0.0 if 3 <= month < 5 else 1.0
    change *= 3.0 if month >= 6 else 1.0
    return full * season * change * min(1.0, max(0.0, (day - opens) / (3 * MONTH)))


def test_moving_rates_are_those_of_the_file_and_add_up() -> None:
    luck = Luck(3, 0).only(slice(0, 2))
    rates = site_rates(truth_of(MOVING), sites_of(3, open=STAGGERED), luck, until=20 * MONTH)
    days = np.array([5.0, 33.0, 75.0, 100.0, 160.0, 200.0, 280.0, 500.0])
    for k, found in enumerate(rates.on(np.tile(days, (2, 1)))):
        for row in range(2):
            full, opens = rates.full[row, k], rates.opens[row, k]
            assert np.allclose(found[row], [by_hand(k, full, opens, day) for day in days])
    total = rates.total()
    reached = total.cumulative(np.tile(days, (2, 1)))
    breaks = sorted({*(MONTH * np.arange(18)), *rates.opens[0], *(rates.opens[0] + 3 * MONTH)})
    for day, value in zip(days, reached[0], strict=True):
        inner = [b for b in breaks if b < day] + [day]
        expected_by_hand = sum(
            quad(lambda t, k=k: by_hand(k, rates.full[0, k], rates.opens[0, k], t), a, b)[0]
            for a, b in zip([0.0, *inner], inner, strict=False)
            for k in range(3)
        )
        assert value == pytest.approx(expected_by_hand, rel=1e-7, abs=1e-9)


def test_the_inverse_of_an_intensity_is_its_inverse_and_skips_pauses() -> None:
    rates = site_rates(truth_of(MOVING), sites_of(3, open=STAGGERED), Luck(3, 0), until=20 * MONTH)
    total = rates.total()
    need = np.linspace(0.01, 60, 200) * np.ones((1024, 1))
    day = total.inverse(need)
    assert np.allclose(total.cumulative(day), need, rtol=1e-12, atol=1e-12)
    assert (np.diff(day, axis=1) > 0).all()
    assert not ((day > 3 * MONTH) & (day < 5 * MONTH)).any()


def test_what_is_reached_as_a_pause_begins_is_reached_then_and_not_at_its_end() -> None:
    knots, level = np.array([[0.0, 2.0, 5.0]]), np.array([[1.0, 0.0, 4.0]])
    paused = Intensity(knots, level, np.zeros((1, 3)))
    assert paused.inverse(np.array([[1.0, 2.0, 4.0]])).tolist() == [[1.0, 2.0, 5.5]]
    assert paused.cumulative(np.array([[2.0, 3.0, 5.0, 6.0]])).tolist() == [[2.0, 2.0, 2.0, 6.0]]


def test_a_pause_that_goes_on_for_ever_is_never_over() -> None:
    paused = STREAM | {"changes": [{"from": "2 months", "by": 0}]}
    day = arrivals(truth_of(paused), sites_of(2), Luck(1, 0), 80).day
    assert np.isinf(day[:, -1]).all()
    assert day[np.isfinite(day)].max() <= 2 * MONTH
    assert presenting(truth_of(paused), sites_of(2), Luck(1, 0), 80, 600.0).dry.all()


def test_a_change_at_one_site_moves_only_its_candidates() -> None:
    """Before the change all is the same to the bit; in its pause a site has no candidate."""
    pause = {"from": "4 months", "until": "8 months", "by": 0, "sites": ["site1"]}
    sites = sites_of(3)
    came = arrivals(truth_of(STREAM), sites, Luck(5, 0), 60)
    first, here = came.day, came.site
    came = arrivals(truth_of(STREAM | {"changes": [pause]}), sites, Luck(5, 0), 60)
    second, there = came.day, came.site
    early = first < 4 * MONTH
    assert np.array_equal(first[early], second[early])
    assert np.array_equal(here[early], there[early])
    inside = (second > 4 * MONTH) & (second < 8 * MONTH)
    assert inside.any()
    assert not (there[inside] == 0).any()
    assert (there[second > 8 * MONTH] == 0).any()


def test_changes_of_one_do_not_move_a_bit() -> None:
    """The calendar adds pieces, and a sum in more pieces is the same but for rounding."""
    still = STREAM | {"seasons": {"starts_in": "may"}, "changes": [{"from": "1 month", "by": 1}]}
    came = arrivals(truth_of(STREAM), sites_of(4), Luck(5, 0), 60)
    first, here = came.day, came.site
    came = arrivals(truth_of(still), sites_of(4), Luck(5, 0), 60, until=700.0)
    second, there = came.day, came.site
    assert np.allclose(first, second, rtol=1e-12)
    assert np.array_equal(here, there)


def test_a_finite_pool_has_the_members_that_it_says() -> None:
    pool = Candidates.model_validate(
        pool_of({"malta": COUNTRY | {"incident": "24 per year"}, "cyprus": COUNTRY})
    ).pool
    assert pool is not None
    found = members(pool, 12 * MONTH)
    assert found["malta", "prevalent"] == found["cyprus", "prevalent"] == 60
    assert ("cyprus", "incident") not in found
    assert 24 + 6 * 24**0.5 < found["malta", "incident"] < 120
    assert expected(pool, "malta") == pytest.approx(60 * 0.8 * 0.75 * 0.5)


def test_willingness_falls_with_travel() -> None:
    """E 2^-(H/h) is 1 / (1 + mu ln 2 / h) for exponential hours with mean mu."""
    hours = {"assumed": {"mean": 4}, "why": "a test"}
    travel = {"hours": hours, "halves_every": "3 hours"}
    pool = Candidates.model_validate(pool_of({"malta": COUNTRY}, travel=travel)).pool
    assert pool is not None
    near = 1 / (1 + 4 * np.log(2) / 3)
    assert expected(pool, "malta") == pytest.approx(60 * 0.8 * 0.75 * 0.5 * near, rel=1e-6)


def test_members_come_in_order_and_the_end_of_the_pool_is_seen() -> None:
    truth, sites = truth_of(pool_of({"malta": COUNTRY})), sites_of(3)
    assert most_candidates(truth, 900.0) == 61
    assert most_candidates(truth_of(STREAM), 900.0) == np.inf
    found = presenting(truth, sites, Luck(2, 0), 70, 900.0)
    assert found.dry.all()
    assert (found.day[:, 1:] >= found.day[:, :-1]).all()  # infinite days are equal
    for row in range(0, 1024, 100):
        came = np.isfinite(found.day[row])
        assert found.day[row][came].max() <= 900
        assert len(set(found.member[row][came])) == came.sum() > 0
    few = presenting(truth, sites, Luck(2, 0), 3, 900.0)
    assert np.array_equal(few.day, found.day[:, :3])
    assert np.array_equal(few.site, found.site[:, :3])
    assert not few.dry.any()


def test_candidates_present_at_a_site_of_their_country() -> None:
    countries = {"malta": COUNTRY, "cyprus": COUNTRY | {"incident": "9 per year"}}
    placed = sites_of(5, countries={"cyprus": 2, "malta": 3})
    found = presenting(truth_of(pool_of(countries)), placed, Luck(2, 0), 80, 700.0)
    came = np.isfinite(found.day)
    maltese = found.member < 60
    assert set(np.unique(found.site[came & maltese])) == {2, 3, 4}
    assert set(np.unique(found.site[came & ~maltese])) == {0, 1}


def alone(start: float, until: float, rate: float, keeps: float, fails: float = np.inf) -> Contest:
    end = np.array([[min(until, fails)]])
    return Contest(start, end, rate, keeps, np.array([[fails]]))


def step_by_step(
    hazard: float, since: float, need: float, rivals: list[Contest], patience: list[float]
) -> float:
    """One member, in small steps of time: the reference for the race."""
    step, now, held, left = 0.01, since, -1.0, list(patience)
    while now < 4000:
        if now >= held:
            need -= hazard * step
            if need <= 0:
                return now
            for k, rival in enumerate(rivals):
                if rival.start <= now < rival.until[0, 0]:
                    left[k] -= rival.rate * step
                    if left[k] <= 0:
                        left[k] = np.inf
                        held = min(now + rival.keeps, rival.fails[0, 0])
                        break
        now += step
    return np.inf


def test_a_race_with_three_rivals_ends_as_it_does_step_by_step() -> None:
    rivals = [
        alone(20, 300, 0.01, 100),
        alone(0, 200, 0.008, 250, fails=150),
        alone(120, 1000, 0.02, 60),
    ]
    u = -np.log(Luck(4, 0).uniform("race", 5)[:40])
    level = np.array([[0.004]])
    intensity = Intensity(np.zeros((1, 1)), level, np.zeros((1, 1)))
    since = 40 * u[:, 0]
    found = raced(
        intensity, since[None], u[None, :, 1], rivals, [u[None, :, 2 + k] for k in range(3)]
    )
    for k in range(40):
        expected_day = step_by_step(0.004, since[k], u[k, 1], rivals, list(u[k, 2:]))
        assert found[0, k] == pytest.approx(expected_day, abs=0.1)
    assert (found[0] > since + u[:, 1] / 0.004 + 1).sum() > 15  # many were held for a time


def test_a_rival_that_never_recruits_moves_nobody() -> None:
    rival = {"from": "9 years", "until": "10 years", "takes": "1 per year", "keeps_for": "1 year"}
    still = rival | {"from": "1 month", "takes": "0 per year"}
    base = presenting(truth_of(pool_of({"malta": COUNTRY})), sites_of(3), Luck(2, 0), 40, 900.0)
    for other in (rival, still):
        raced_pool = pool_of({"malta": COUNTRY}, competing={"other": other})
        found = presenting(truth_of(raced_pool), sites_of(3), Luck(2, 0), 40, 900.0)
        assert np.allclose(found.day, base.day, rtol=1e-12)
        assert np.array_equal(found.member, base.member)


def test_another_country_or_rival_or_site_leaves_every_other_draw() -> None:
    """Another country moves nobody's day; another site or rival only adds decision points."""

    def came(candidates: dict, sites: Sites) -> tuple[np.ndarray, dict[str, int]]:
        luck = Luck(8, 0)
        found = presenting(truth_of(candidates), sites, luck, 400, 900.0)
        found.luck.uniform("baseline.age", 400)
        day = np.full((1024, 400), np.inf)
        np.put_along_axis(day, np.where(np.isfinite(found.day), found.member, 399), found.day, 1)
        return day, luck.points

    malta = {"malta": COUNTRY | {"incident": "9 per year"}}
    one = sites_of(3)
    day, points = came(pool_of(malta), one)
    both, more = came(
        pool_of(malta | {"cyprus": COUNTRY}),
        sites_of(5, countries={"malta": 3, "cyprus": 2}),
    )
    assert np.array_equal(day[:, :60], both[:, :60])
    assert all(more[name] == units for name, units in points.items())
    added = {name for name in set(more) - set(points) if "cyprus, prevalent" not in name}
    assert added == {f"site.{what}[site{k}]" for what in ("rate", "opening") for k in (4, 5)}
    rival = {"from": "1 month", "until": "9 months", "takes": "1 per year", "keeps_for": "1 year"}
    rival["fails"] = {"share": 0.5, "at": "6 months"}
    _, third = came(pool_of(malta, competing={"other": rival}), one)
    assert set(third) - set(points) == {
        "enrolment.fails[other]",
        "enrolment.taken[other, malta, prevalent]",
        "enrolment.taken[other, malta, incident]",
    }
    assert set(points) == {
        *(f"site.{what}[site{k}]" for what in ("rate", "opening") for k in (1, 2, 3)),
        *(
            f"{point}[malta, {kind}]"
            for kind in ("prevalent", "incident")
            for point in (
                *(f"enrolment.{w}" for w in ("reachable", "willing", "presents", "site")),
                "baseline.age",
            )
        ),
        "enrolment.diagnosed[malta, prevalent]",
        "enrolment.diagnosis[malta, incident]",
    }


def test_a_member_keeps_its_disease_whenever_it_comes() -> None:
    """A faster site moves the order, and each member's draws with it."""
    slow, fast = (
        presenting(
            truth_of(pool_of({"malta": COUNTRY}, per_site=rate)), sites_of(2), Luck(6, 0), 61, 900.0
        )
        for rate in ("1 per month", "6 per month")
    )
    drawn = []
    for found in (slow, fast):
        values = np.full((1024, 60), np.nan)
        age = found.luck.uniform("baseline.age", 61)
        np.put_along_axis(values, found.member, age, 1)
        drawn.append(values)
    both = ~np.isnan(drawn[0]) & ~np.isnan(drawn[1])
    assert both.mean() > 0.1
    assert np.array_equal(drawn[0][both], drawn[1][both])
    assert not np.array_equal(slow.member, fast.member)


POOLED = {
    "truth.candidates": pool_of(
        {
            "malta": COUNTRY | {"incident": "12 per year"},
            "cyprus": COUNTRY,
        },
        competing={
            "other": {
                "from": "2 months",
                "until": "8 months",
                "takes": "1 per year",
                "keeps_for": "12 months",
                "fails": {"share": 0.5, "at": "7 months"},
            }
        },
    ),
    "design.sites": {
        "number": 5,
        "open": [{"first": 2, "at": "day 0"}, {"then": "one", "every": "2 weeks"}],
        "countries": {"malta": 3, "cyprus": 2},
    },
}


def test_a_trial_on_a_pool_that_runs_dry_ends_and_both_engines_agree() -> None:
    scenario = world(CGD, POOLED)
    first = run_block(scenario, "effect", 1, 0, replicates=12)
    second = run_block(scenario, "effect", 1, 0, engine="simpy", replicates=12)
    assert differences(first, second) == []
    assert (first.fate.present[:, -1] == NEVER).all()
    filled = first.ledger.present.sum(axis=1)
    assert 0 < filled.max() < scenario.n
    assert (first.performed[:, -1] < NEVER).all()


def test_candidates_who_come_evenly_are_so_many_uniform_in_order_and_no_more() -> None:
    """The k-th of n uniform days is beta (k, n + 1 - k) of the time; k = 5 standard errors."""
    truth, over = truth_of(EVENLY), 9 * MONTH
    found = presenting(truth, sites_of(3), Luck(1, 0), 91, 600.0)
    assert (np.diff(found.day[:, :90]) >= 0).all() and found.dry.all()
    assert (found.day[:, 89] < over).all() and (found.day[:, 90] == np.inf).all()
    for k in (1, 45, 90):
        law = beta(k, 91 - k)
        se = over * law.std() / np.sqrt(LUCK_BLOCK)
        assert found.day[:, k - 1].mean() == pytest.approx(over * law.mean(), abs=5 * se)
    shares = np.bincount(found.site[:, :90].ravel(), minlength=3) / found.site[:, :90].size
    assert shares == pytest.approx([1 / 3] * 3, abs=5 * np.sqrt(2 / 9 / (90 * LUCK_BLOCK)))
    fewer = presenting(truth, sites_of(3), Luck(1, 0), 40, 600.0)
    assert np.array_equal(fewer.day, found.day[:, :40])
    assert np.array_equal(fewer.site, found.site[:, :40])


REFUSED = [
    pytest.param({}, "expected one of 'stream', 'pool' and 'uniform'", id="none"),
    pytest.param(
        STREAM | pool_of({"malta": COUNTRY}), "expected one of 'stream', 'pool'", id="both"
    ),
    pytest.param(EVENLY | {"ramp_up": "1 month"}, "have no rate that changes", id="even ramp"),
    pytest.param({"uniform": {"number": 9, "over": "0 days"}}, "'over' above zero", id="at once"),
    pytest.param(
        {"uniform": {"number": 10**7, "over": "1 year"}}, "candidates", id="too many at once"
    ),
    pytest.param(
        STREAM | {"changes": [{"from": "3 months", "until": "2 months", "by": 0.5}]},
        "expected 'until' after 'from'",
        id="change ends before it begins",
    ),
    pytest.param(
        STREAM | {"changes": [{"from": "3 months", "by": -1.0}]}, "greater than", id="negative rate"
    ),
    pytest.param(
        STREAM | {"seasons": {"starts_in": "may"} | dict.fromkeys(MONTHS, 0.0)},
        "nobody presents in any month",
        id="no season",
    ),
    pytest.param(pool_of({}), "at least 1", id="no country"),
    pytest.param(pool_of({"malta": COUNTRY | {"willing": 1.2}}), "less than", id="share"),
    pytest.param(pool_of({"malta": COUNTRY | {"diagnosed": 0.0}}), "greater than", id="no share"),
    pytest.param(
        pool_of({"malta": COUNTRY | {"prevalent": 10_001}}), "10,000 members", id="too many"
    ),
    pytest.param(pool_of({"a, b": COUNTRY}), "a name without commas", id="comma"),
    pytest.param(
        pool_of({"malta": COUNTRY}, travel={
            "hours": {"assumed": {"mean": -1.0}, "why": "a test"}, "halves_every": "1 hour"}),
        "hours of travel above zero",
        id="negative travel",
    ),
    pytest.param(
        pool_of({"malta": COUNTRY}, travel={
            "hours": {"assumed": {"mean": 1.0}, "why": "a test"}, "halves_every": "0 hours"}),
        "'halves_every' above zero",
        id="no travel",
    ),
    pytest.param(
        pool_of({"malta": COUNTRY}, competing={"other": {
            "from": "9 months", "until": "8 months", "takes": "1 per year",
            "keeps_for": "1 year"}}),
        "expected 'until' after 'from'",
        id="rival ends before it begins",
    ),
    pytest.param(
        pool_of({"malta": COUNTRY}, competing={"other": {
            "from": "2 months", "until": "8 months", "takes": "1 per year", "keeps_for": "1 year",
            "fails": {"share": 0.5, "at": "1 month"}}}),
        "expected 'fails: at' after 'from'",
        id="rival fails before it begins",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("candidates", "message"), REFUSED)
def test_impossible_candidates_are_refused(candidates: dict, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Candidates.model_validate(candidates)


CONTRADICTIONS = [
    pytest.param(
        {"truth.candidates": EVENLY, "design.sites.open": STAGGERED},
        "candidates who come evenly need sites that are all open on day 0",
        id="even candidates, later sites",
    ),
    pytest.param(
        {"truth.candidates": EVENLY, "truth.site_opening_delay": {"mean": "2 weeks"}},
        "candidates who come evenly need sites that are all open on day 0",
        id="even candidates, late sites",
    ),
    pytest.param(
        {
            "truth.candidates": STREAM
            | {"changes": [{"from": "1 month", "by": 2, "sites": ["Bern"]}]}
        },
        "unknown site 'Bern'",
        id="unknown site",
    ),
    pytest.param(
        {**POOLED, "design.sites": {"number": 1, "open": [{"first": 1, "at": "day 0"}]}},
        "the pool's countries need to know their sites",
        id="sites without countries",
    ),
    pytest.param(
        {**POOLED, "design.sites.countries": {"malta": 4, "zyprus": 1}},
        "unknown country 'zyprus'",
        id="unknown country",
    ),
    pytest.param(
        {**POOLED, "design.sites.countries": {"malta": 5}},
        "no site is in 'cyprus': nobody there can present",
        id="country without site",
    ),
    pytest.param(
        {**POOLED, "design.sites.countries": {"malta": 2, "cyprus": 2}},
        "expected 5 sites in all countries, there are 4",
        id="sites nowhere",
    ),
    pytest.param(
        {"truth.candidates": pool_of({"malta": COUNTRY | {"incident": "9000 per year"}})},
        "with those who are diagnosed while recruitment is open",
        id="pool too large",
    ),
    pytest.param(
        {"truth.candidates": pool_of({"malta": COUNTRY}, per_site="0 per month")},
        "nobody ever presents",
        id="nobody presents",
    ),
]


@pytest.mark.parametrize(("changes", "message"), CONTRADICTIONS)
def test_candidates_and_sites_that_contradict_are_refused_with_a_mend(
    changes: dict, message: str
) -> None:
    with pytest.raises(InputError, match=message) as error:
        world(CGD, changes)
    problems = [p for p in error.value.problems if message in p.message]
    assert problems
    assert all(problem.mend for problem in problems)
