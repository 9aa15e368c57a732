"""Trials that are hard to run, for property tests: changes of a shipped scenario."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

FREE = {"variable": "time to first serious_infection", "summary": "hazard ratio"}
POLICY = {"stops_treatment": "treatment policy"}
ARMS = ["placebo", "interferon", "other"]


@st.composite
def randomisations(draw: st.DrawFn, n: int, arms: list[str]) -> dict[str, Any]:
    """Any way to randomise, with caps or without."""
    parts = [draw(st.sampled_from([1, 1, 2])) for _ in arms]
    if len(arms) > 2 and draw(st.booleans()):
        parts[2] = 0
    found: dict[str, Any] = {"n": n, "ratio": dict(zip(arms, parts, strict=True))}
    found["strata"] = draw(
        st.sampled_from([["inheritance"], ["site"], ["prophylaxis", "site", "inheritance"]])
    )
    found["method"] = draw(
        st.sampled_from(["permuted blocks", "simple", "biased coin", "urn", "minimisation"])
    )
    if found["method"] == "permuted blocks":
        found["block"] = sum(parts) * draw(st.integers(1, 2))
    if draw(st.booleans()):
        caps = [{"site": draw(st.integers(1, 6))}, {"inheritance": {"x_linked": 5}}]
        found["at_most"] = draw(st.sampled_from([*caps, {**caps[0], **caps[1]}]))
    return found


@st.composite
def conditions(draw: st.DrawFn, n: int) -> dict[str, Any]:
    """A condition of a milestone."""
    some = st.integers(1, max(1, n // 2))
    parts: list[dict[str, Any]] = [
        {"randomised": draw(some)},
        {"screened": draw(st.integers(1, 2 * n))},
        {"completed": draw(some)},
        {"randomised": draw(some), "arm": "interferon"},
        {"completed": draw(some), "arm": "placebo"},
        {"visit": 4, "patients": draw(some)},
        {"events": "serious_infection", "total": draw(some)},
        {"first": "serious_infection", "patients": draw(st.integers(1, 3)), "arm": "interferon"},
        {"information": 0.5, "of": "infected_alive"},
        {"calendar": f"{draw(st.integers(1, 12))} months"},
    ]
    kept = draw(st.lists(st.sampled_from(range(len(parts))), min_size=1, max_size=2, unique=True))
    if len(kept) == 1:
        return parts[kept[0]]
    return {draw(st.sampled_from(["all", "any"])): [parts[k] for k in kept]}


@st.composite
def actions(draw: st.DrawFn, arms: list[str], n: int) -> list[Any]:
    """What a milestone does."""
    several = len(arms) > 2
    choices: list[Any] = [
        "close recruitment",
        {"ratio": {arm: draw(st.integers(1, 2)) for arm in arms}},
        {"eligible": "age >= 5"},
        "stop if futility",
        "stop if harm",
        "drop interferon if futility",
        "drop interferon",
    ]
    if several:
        choices += ["add other", "drop other", "close other"]
    found = ["analyse infection_free"]
    return found + draw(st.lists(st.sampled_from(choices), max_size=3, unique_by=str))


@st.composite
def crossings(draw: st.DrawFn, arm: str) -> dict[str, Any]:
    """A change of treatment, of one arm's patients."""
    found: dict[str, Any] = {"cross_over": arm, "to": next(a for a in ARMS if a != arm)}
    found |= draw(st.sampled_from([{}, {"only_if": "futility"}, {"only_if": "efficacy"}]))
    return found | draw(st.sampled_from([{}, {"treat_for": "10 months"}]))


@st.composite
def candidates(draw: st.DrawFn) -> dict[str, Any]:
    """An endless stream or a small pool, with rates that move, or so many evenly in a time."""
    if draw(st.integers(0, 3)) == 0:
        number, months = draw(st.integers(3, 60)), draw(st.integers(1, 16))
        return {"uniform": {"number": number, "over": f"{months} months"}}
    rates = {"per_site": f"{draw(st.integers(1, 12))} per month", "gamma_shape": 2}
    found: dict[str, Any] = {}
    if draw(st.booleans()):
        found["ramp_up"] = "2 months"
        found["changes"] = [{"from": "1 months", "until": "3 months", "by": 0}]
    if draw(st.booleans()):
        return {"stream": rates, **found}
    country: dict[str, Any] = {"prevalent": draw(st.integers(5, 60)), "incident": "12 per year"}
    country |= {"diagnosed": 0.9, "reachable": 0.8, "willing": 0.6}
    rival = {"from": "1 months", "until": "5 months", "takes": "2 per year", "keeps_for": "90 days"}
    pool = {**rates, "countries": {"malta": country}, "competing": {"rival": rival}}
    return {"pool": pool, **found}


@st.composite
def operations(draw: st.DrawFn, crossing: bool = True) -> dict[str, Any]:
    """Changes of a scenario of recurrent infections in which much is going on."""
    n = draw(st.integers(4, 24))
    arms = ARMS if draw(st.booleans()) else ARMS[:2]
    hard = {"futility": {"p_above": 0.6}, "harm": {"p_above": 0.8}}
    milestones: dict[str, Any] = {}
    policy: dict[str, str] = {}
    for name in ("first", "second")[: draw(st.integers(0, 2))]:
        after = draw(st.sampled_from([0, 0, 20, 200]))
        acts = draw(actions(arms, n))
        milestones[name] = {
            "when": draw(conditions(n)), "do": acts, "decide_after": f"{after} days"
        }  # fmt: skip
    once = draw(st.sampled_from([None, {"recruit": n + 9}, {"recruit": max(2, n - 5)}]))
    if milestones and once is not None:
        milestones["first"]["do"] = [*milestones["first"]["do"], once]
    if milestones and crossing and draw(st.booleans()):
        milestones["first"]["do"] = [*milestones["first"]["do"], draw(crossings("placebo"))]
        milestones[draw(st.sampled_from([*milestones]))]["do"] += [draw(crossings("interferon"))]
        policy = {"crosses_over": "treatment policy"}
    if milestones and draw(st.booleans()):
        longer = {"follow_for": "15 months"}
        milestones["first"]["do"] = [*milestones["first"]["do"], longer]
    randomise = draw(randomisations(n, arms))
    if not milestones and draw(st.booleans()):  # a list that does not turn with the ratio
        randomise = {**randomise, "method": "alternating"}
        randomise.pop("block", None)
    milestones["final"] = {
        "when": {"any": [{"everybody": "finished"}, {"calendar": "30 months"}]},
        "do": ["analyse infection_free", "analyse infected_alive"],
    }
    policy |= POLICY
    boundary = {"boundary": {"planned_information": draw(st.integers(2, n))}}
    method = {"test": "logrank", "alpha": "0.025 one-sided", **boundary}
    changes: dict[str, Any] = {
        "truth.candidates": (come := draw(candidates())),
        "truth.leaves_study.rate": f"{draw(st.sampled_from([0, 0.3, 2]))} per year",
        "truth.stops_treatment.rate": "0.5 per year",
        "truth.screening_lasts": draw(st.sampled_from(["0 to 0 days", "1 to 60 days"])),
        "truth.uncertainty": "fixed",
        "truth.withdraws_consent": {"share": draw(st.sampled_from([0.0, 0.3]))},
        "design.eligible": draw(st.sampled_from(["age >= 1", "age >= 12"])),
        "design.arms": {name: {"give": name} for name in arms},
        "design.randomise": randomise,
        "design.sites": {"number": 3, "open": [{"first": 3, "at": "day 0"}]},
        "design.recruit_for": f"{draw(st.integers(2, 14))} months",
        "design.follow_for": f"{draw(st.sampled_from([6, 12]))} months",
        "design.milestones": milestones,
        "analysis.estimands": {
            name: {**FREE, "intercurrent": {**policy, "death": how}, "arm": "interferon"}
            for name, how in (("infection_free", "composite"), ("infected_alive", "while alive"))
        },
        "analysis.methods": {"infection_free": {**method, **hard}, "infected_alive": method},
        "analysis.order": ["infection_free"],
    }  # fmt: skip
    if "uniform" in come:
        changes["truth.site_opening_delay"] = None
    if draw(st.booleans()):
        changes["truth.data_entry"] = {"mean": "20 days"}
    if draw(st.booleans()):
        rash = {"rate": "1 per year", "by_arm": {"interferon": 3}, "stops_treatment": 0.2}
        changes["truth.adverse_events"] = {
            "rash": {**rash, "lowers_dose": {"share": 0.5, "to": 0.5}}
        }
        once = {"event": "serious_infection", "times": 1}
        ratio = {"serious_infection": {"rate_ratio": 0.5}}
        changes["truth.rescue"] = {"antibiotics": {"when": once, "share": 0.7, "effects": ratio}}
        how = draw(st.sampled_from(["treatment policy", "hypothetical"]))
        estimands = changes["analysis.estimands"]
        estimands["infection_free"]["intercurrent"] |= {"antibiotics": how}
        estimands["infected_alive"]["intercurrent"] |= {"antibiotics": "treatment policy"}
    if draw(st.booleans()):
        changes["design.give_up_after"] = f"{draw(st.integers(1, 4))} months"
    if draw(st.booleans()):
        changes["design.screen_again"] = {"after": "30 days", "times": 2}
    return changes


@st.composite
def re_estimates(draw: st.DrawFn) -> dict[str, Any]:
    """Changes of a scenario of a score whose blinded spread decides how many patients there are."""
    n = draw(st.integers(6, 20))
    final = {"when": {"everybody": "finished"}, "do": ["analyse change"]}
    action = {"re_estimate": "change", "planned_sd": draw(st.sampled_from([3, 6])), "at_most": 30}
    again = {
        "when": {"visit": 48, "patients": draw(st.integers(1, 4))},
        "do": [action],
        "decide_after": f"{draw(st.sampled_from([0, 30]))} days",
    }
    return {
        "design.randomise.n": n,
        "design.eligible": "age >= 16 and age <= 40 and mfars >= 20 and mfars <= 80",
        "design.screen_again": {"after": "60 days"},
        "design.recruit_for": f"{draw(st.integers(12, 30))} months",
        "design.milestones": {"again": again, "final": final},
        "truth.data_entry": {"mean": "20 days"},
    }


RULES: list[Any] = [
    None,
    {"p_above": 0.6},
    {"spend": "kim-demets", "rho": 2, "power": 0.8},
    {"spend": "pocock", "power": 0.9, "binding": True},
    {"conditional_power_below": 0.2},
    {"predictive_power_below": 0.3},
]
"""What futility may mean at a look."""


@st.composite
def looks(draw: st.DrawFn) -> dict[str, Any]:
    """Changes of a scenario of a score: boundaries of all kinds, and n that follows a trend."""
    n = draw(st.integers(8, 20))
    zone = {"conditional_power": 0.9, "promising_from": draw(st.sampled_from([0.05, 0.4]))}
    grows = {"re_estimate": "change", "unblinded": zone, "at_most": 30}
    boundary: dict[str, Any] = {"looks": [0.4, 1], "planned_information": n}
    kind = draw(st.sampled_from(["combined", "shape", "spent"]))
    acts: list[Any] = ["analyse change", "stop if futility"]
    if kind == "combined":
        boundary["combine"] = "inverse normal"
        acts += [grows]
    if kind == "shape" or (kind == "combined" and draw(st.booleans())):
        boundary["shape"] = draw(st.sampled_from(["pocock", "haybittle-peto"]))
    if kind == "spent":
        boundary |= {"spend": "hwang-shih-decani", "gamma": -2}
    acts += draw(st.sampled_from([[], ["stop if efficacy"]]))
    when = [{"information": 0.4, "of": "change"}, {"calendar": "20 months"}]
    half = {"when": {draw(st.sampled_from(["all", "any"])): when}, "do": acts}
    half["decide_after"] = f"{draw(st.sampled_from([0, 30]))} days"
    method = {"test": draw(st.sampled_from(["t", "ancova"])), "alpha": "0.025 one-sided"}
    rule = draw(st.sampled_from(RULES))
    if rule is None:
        half["do"] = [act for act in acts if act != "stop if futility"]
    else:
        method["futility"] = rule
    final = {"when": {"everybody": "finished"}, "do": ["analyse change"]}
    return {
        "design.randomise.n": n,
        "design.recruit_for": f"{draw(st.integers(20, 60))} months",
        "truth.candidates.stream.per_site": "0.2 per month",
        "design.milestones": {"half": half, "final": final},
        "analysis.methods.change": {**method, "boundary": boundary},
        "truth.data_entry": {"mean": "20 days"},
    }


@st.composite
def choices(draw: st.DrawFn) -> list[list[Any]]:
    """What two looks at two doses do: the ratio follows the data, arms are dropped or kept."""
    ratio = {"of": "low", "floor": draw(st.sampled_from([0.05, 0.3]))}
    fixed = draw(st.sampled_from([None, 0.4]))
    adapts = {"adapt_ratio": ratio if fixed is None else {**ratio, "control_fixed": fixed}}
    keeps = {"keep_best": 1, "of": draw(st.permutations(["low", "high"]))}
    acts: list[Any] = ["drop low if futility", "drop high if futility", adapts, keeps]
    acts += [{"ratio": {"placebo": 1, "low": 1, "high": 2}}, {"recruit": 70}]
    some = st.lists(st.sampled_from(acts[:4]), min_size=1, max_size=3, unique_by=str)
    first, second = draw(some), draw(some)
    return [first, [*second, *draw(st.sampled_from([[], acts[4:]]))]]
