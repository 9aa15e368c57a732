"""Scenarios that, together, state every key of truth, design and analysis."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from raresim.trial import Scenario
from tests.believing import ALIKE, SHRUNK, believing, rates
from tests.grouped import grouped
from tests.one_arm import one_arm
from tests.prevalent import model_at, prevalent
from tests.registry import PRIORS, beside, registry
from tests.staged import snsmart, spcd
from tests.three_arms import two_doses
from tests.within import attacks, crossed, periods
from tests.worlds import ATAXIA, CGD, world

SIX = "duchenne-six-countries"
LEVEL = {"alpha": "0.025 one-sided"}
WHY = {"why": "a reason", "source": "fordmd"}
LINES = {
    "falls_by": 31, "rises_by": 32, "falls_by_percent": 33, "rises_by_percent": 34, "below": 35,
    "above": 36,
}  # fmt: skip
MONTHS = (
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
)  # fmt: skip
TOLD = {"n": 57, "where": "table 3", "derived": "4 / 2", "note": "to be checked"}


def boys() -> Scenario:
    """A finite pool, scores that pass lines, hazards that follow them, rescue and prices."""
    return world(SIX, {**_candidates(), **_patients(), **_design(), **_analysis()})


def _candidates() -> dict[str, Any]:
    change = {"from": "7 months", "until": "8 months", "by": 0.25, "sites": ["site2", "site3"]}
    hours = {"mean": 2.25, "sd": 1.75, "se": 0.3, "source": "fordmd", "seen": True, **TOLD}
    seasons = {month: 0.5 + k / 20 for k, month in enumerate(MONTHS)}
    stated = {"evidence": hours, "why": "so far"}
    return {
        "truth.drift": {"walk": {"difference": -3.5, "after": "41 weeks", **WHY}},
        "truth.branch": "stretch",
        "truth.candidates.changes": [{**change, **WHY}],
        "truth.candidates.seasons": {"starts_in": "march", **seasons, **WHY},
        "truth.candidates.pool.travel": {"hours": stated, "halves_every": "6 hours", **WHY},
        "truth.candidates.pool.source": "fordmd",
        "truth.candidates.pool.countries.germany.source": "fordmd",
        "truth.candidates.pool.competing.rival.source": "fordmd",
        "truth.site_opening_delay.source": "fordmd",
        "truth.data_entry.source": "fordmd",
    }


def _patients() -> dict[str, Any]:
    term = {"score": "walk", "hazard_ratio": 1.35, "for": -53, "of": "value", "seen": False}
    stops = {"rate": "0.07 per year", "by_arm": {"drug": 1.75}, "follows": [term], **WHY}
    rash = {"rate": "0.21 per year", "by_arm": {"drug": 2.5}, "once": False, "while": "always"}
    rash |= {"stops_treatment": 0.12, "lowers_dose": {"share": 0.45, "to": 0.55}, **WHY}
    line = {"score": "walk", "falls_by": 37, "confirmed": True}
    effect = {"difference": 23, "after": "9 weeks", "ci": [11, 34], "source": "fordmd", **TOLD}
    steroids = {"when": line, "share": 0.77, "lasts": "13 weeks", "effects": {"walk": effect}}
    return {
        "truth.stops_treatment": stops,
        "truth.adverse_events": {"rash": rash},
        "truth.rescue": {"steroids": {**steroids, **WHY}},
    }


def _design() -> dict[str, Any]:
    late = {"when": {"calendar": "11 months"}, "do": ["analyse change", {"recruit": 133}]}
    late["do"] += ["stop if harm", {"follow_for": "14 months"}]
    wide = {"when": {"visit": 24, "patients": 43}, "do": [{"ratio": {"placebo": 1, "drug": 3}}]}
    wide |= {"decide_after": "17 days"}
    only = {"when": {"completed": 44, "arm": "drug"}, "do": [{"eligible": "age >= 6"}]}
    ends = {"any": [{"everybody": "finished"}, {"calendar": "61 months"}]}
    final = {"when": ends, "do": ["analyse change", "analyse lost", "analyse passed"]}
    return {
        "design.run_in": "3 weeks",
        "design.follow_for": "13 months",
        "design.false_claims": {"no_effect": ["lost"]},
        "design.nuisance": {
            "truth.missed_visits.share": [0.17],
            "truth.data_entry.mean": ["9 days"],
        },
        "design.after_stopping_treatment": "keep following",
        "design.sites.names": [f"site{k + 1}" for k in range(14)],
        "design.milestones": {"late": late, "wide": wide, "only": only, "final": final},
        "design.costs.source": "fordmd",
    }


def _analysis() -> dict[str, Any]:
    lines = [{"score": "walk", name: value} for name, value in LINES.items()]
    lost = {"label": "what is lost", "better": "later", "first_of": ["loss_of_ambulation"]}
    events = {"stops_treatment": "treatment policy", "steroids": "composite"}
    first = {"variable": "time to first lost", "summary": "hazard ratio", "intercurrent": events}
    values = {"stops_treatment": {"composite": -61}, "steroids": {"composite": "worst"}}
    change = {"test": "mmrm", "covariance": "ar1", "df": "kenward-roger", "adjust_for": ["age"]}
    change |= LEVEL
    late = {"test": "fleming-harrington", "weight": {"rho": 0.5, "gamma": 1.5}, "estimate": "cox"}
    change |= {"harm": {"p_above": 0.93}, "futility": {"p_above": 0.41}}
    return {
        "analysis.endpoints": {"lost": lost, "passed": {"first_of": lines}},
        "analysis.estimands.lost": {**first, "arm": "drug", "population": "randomised"},
        "analysis.estimands.passed": {**first, "variable": "time to first passed"},
        "analysis.estimands.change.intercurrent": {**values, "loss_of_ambulation": "composite"},
        "analysis.methods.change": change,
        "analysis.methods.lost": {**late, **LEVEL},
        "analysis.methods.passed": {"test": "cox", **LEVEL},
    }


def infections() -> Scenario:
    """Counted events, blocks, caps, a boundary, and conditions of every kind."""
    parts = [
        {"first": "serious_infection", "patients": 22, "arm": "interferon"},
        {"events": "serious_infection", "total": 41, "arm": "placebo"},
        {"information": 0.55, "of": "infection_free"},
        {"screened": 91},
        {"randomised": 58, "arm": "placebo"},
    ]
    early = {"when": {"all": parts}, "do": ["analyse infection_free", "stop if efficacy"]}
    early["do"] += ["close recruitment"]
    final = {"when": {"everybody": "finished"}, "do": ["analyse infection_free"]}
    final["do"] += ["analyse infection_rate"]
    times = {"event": "serious_infection", "times": 3}
    ratio = {"rate_ratio": 0.45, "ci": [0.3, 0.8]}
    rescue = {"when": times, "effects": {"serious_infection": ratio}, "why": "a test"}
    policy = {"stops_treatment": "treatment policy", "antibiotics": "treatment policy"}
    closed = {"mean": 284.98, "sd": 68.64, "n": 65, "source": "cgd_ipd", "seen": True}
    return world(
        CGD,
        {
            "truth.site_opening_delay.source": "cgd_ipd",
            "truth.missed_visits.source": "cgd_ipd",
            "truth.rescue": {"antibiotics": rescue},
            "truth.followed_for": {
                "placebo": {"evidence": closed},
                "interferon": {"assumed": {"mean": 300.84, "sd": 57.54}, "why": "as printed"},
            },
            "design.kits": {"first": 3, "order_at": 2, "order": 5, "arrives_after": "11 days"},
            "design.costs": {"kit": 777},
            "design.randomise.method": "permuted blocks",
            "design.randomise.at_most": {"site": 18, "inheritance": {"x_linked": 77}},
            "design.milestones": {"early": early, "final": final},
            "analysis.estimands.infection_free.intercurrent": {**policy, "death": "while alive"},
            "analysis.estimands.infection_rate.intercurrent": {**policy, "death": "while alive"},
        },
    )


def spread() -> Scenario:
    """A blinded look at the spread, and hours of travel as quartiles."""
    again = {"re_estimate": "change", "planned_sd": 57, "at_most": 144}
    cross = {"cross_over": "placebo", "to": "drug", "only_if": "futility", "treat_for": "9 months"}
    look: dict[str, Any] = {"when": {"visit": 48, "patients": 33}, "do": [again]}
    turn = {"when": {"visit": 48, "patients": 43}, "do": ["analyse change", cross]}
    final = {"when": {"everybody": "finished"}, "do": ["analyse change"]}
    changes = {
        "design.milestones": {"again": look, "turn": turn, "final": final},
        "analysis.estimands.change.intercurrent.crosses_over": "hypothetical",
        "analysis.methods.change.futility": {"p_above": 0.5},
    }
    return world(SIX, changes)


def sequences() -> Scenario:
    """Arms of periods, which some take and some do not, after a treated run-in."""
    few = {"score": "mfars", "rises_by_percent": 17}
    often = {"event": "rash", "times": 4}
    why = {**WHY, "source": "moxie"}
    first = {"give": "placebo", "for": "24 weeks"}
    later = {"give": "drug", "for": "13 weeks", "unless": few}
    last = {"give": "nothing", "for": "11 weeks", "only_if": often}
    changes = {
        "truth.adverse_events": {"rash": {"rate": "3 per year", "by_arm": {"drug": 2}, **why}},
        "design.run_in": {"for": "6 weeks", "give": "drug"},
        "design.treatments": {
            "placebo": {"give": "a tablet without", "every": "morning"},
            "drug": {"give": "a tablet with", "every": "evening"},
        },
        "design.arms": {
            "placebo": {"periods": [first, later, last]},
            "drug": {"periods": [{"give": "drug", "for": "48 weeks"}]},
        },
    }
    return world(ATAXIA, changes)


def within() -> Scenario:
    """A score compared within patients, with a term for carry-over."""
    arms = {"ab": periods(8, "drug", "sugar", "drug"), "ba": periods(8, "sugar", "drug", "drug")}
    changes = {
        "design.arms": arms,
        "design.visits": {"weeks": [8, 16, 24]},
        "analysis.methods.score.carry_over": True,
    }
    return crossed(**changes)


def attacked() -> Scenario:
    """Events compared within patients, some of them left out, and a ratio that lasts."""
    return attacks(lasts="9 days", skip="13 days")


def survivors() -> Scenario:
    """A pool whose members have survived since their diagnosis."""
    with TemporaryDirectory() as folder:
        model = model_at(Path(folder), {"5 years": 0.7, "20 years": 0.2})
        opened = [{"first": 3, "at": "day 0"}, {"then": "one", "every": "2 weeks"}]
        changes = {"pool.survivors.source": "x", "pool.gamma_shape": 2.5}
        told = {f"truth.candidates.{name}": value for name, value in changes.items()}
        told["truth.drift"] = {"death": {"rate_ratio": 1.07, **WHY, "source": "x"}}
        return prevalent(model, {**told, "design.sites.open": opened})


def looked_at() -> list[Scenario]:
    """Looks that reject and give up by every kind of rule."""
    zone = {"conditional_power": 0.88, "promising_from": 0.33}
    grows = {"re_estimate": "change", "unblinded": zone, "at_most": 171}
    half = {"when": {"information": 0.45, "of": "change"}, "do": ["analyse change", grows]}
    final = {"when": {"everybody": "finished"}, "do": ["analyse change"]}
    plan: dict[str, Any] = {"looks": [0.45, 1], "planned_information": 91}
    spends: dict[str, Any] = {"spend": "kim-demets", "rho": 2.5, "power": 0.85, "binding": False}
    late: dict[str, Any] = {
        "spend": "hwang-shih-decani",
        "gamma": -3.5,
        "combine": "inverse normal",
    }
    shape: dict[str, Any] = {"shape": "wang-tsiatis", "delta": 0.15, "combine": "inverse normal"}
    given: dict[str, Any] = {"critical": [2.7, 1.98], "combine": "inverse normal"}
    rules: list[tuple[dict[str, Any], dict[str, Any]]] = [
        ({**plan, **late}, spends),
        ({**plan, **shape}, {**spends, "spend": "hwang-shih-decani", "gamma": -1.5, "rho": None}),
        ({**plan, **given}, {"conditional_power_below": 0.15}),
        ({**plan, "spend": "kim-demets", "rho": 2, "combine": "inverse normal"},
         {"predictive_power_below": 0.12}),
    ]  # fmt: skip
    found = [
        world(
            ATAXIA,
            {
                "design.milestones": {"half": half, "final": final},
                "analysis.methods.change": {
                    "test": "t", **LEVEL, "boundary": boundary, "futility": futility
                },
            },
        )
        for boundary, futility in rules
    ]  # fmt: skip
    guard = {"when": {"visit": 48, "patients": 41}, "do": ["analyse change", "stop if futility"]}
    bare = [{"conditional_power_below": 0.15}, {"predictive_power_below": 0.12}]
    return found + [
        world(
            ATAXIA,
            {
                "design.milestones": {"half": guard, "final": final},
                "analysis.methods.change": {
                    "test": "t", **LEVEL, "futility": {**rule, "planned_information": 93}
                },
            },
        )
        for rule in bare
    ]  # fmt: skip


def placebo_twice() -> Scenario:
    """Shares in two stages, weighed, among those whom a score and events chose."""
    quick = {"first_of": [{"score": "mfars", "falls_by": 3}], "better": "earlier"}
    stage = {"week": 24, "since": 12, "only_if": {"score": "mfars", "rises_by": 7}}
    return spcd(
        {
            "analysis.endpoints": {"quick": quick},
            "analysis.estimands.both_stages.variable": "share with quick by stages",
            "analysis.estimands.both_stages.stages": [{"week": 12}, stage],
            "analysis.estimands.both_stages.weight": 0.35,
            "analysis.methods.both_stages.variance": "separate",
        }
    )


def three_regimens() -> Scenario:
    """Courses of three treatments, and a prior."""
    prior = {"rates": [1.5, 2.5], "non_responders": [3.5, 4.5], "responders": 5.5, "why": "why not"}
    name = "high_or_low_bayesian"
    return snsmart(
        {
            f"analysis.methods.{name}.prior": prior,
            f"analysis.methods.{name}.linkage": "shared",
            f"analysis.estimands.{name}.against": "middle",
        }
    )


def chosen() -> list[Scenario]:
    """Arms and ratios that follow the data, and rules counted in responders."""
    adapt = {"of": "low", "method": "thompson", "power": 0.7, "floor": 0.17, "control_fixed": 0.37}
    keep = {"keep_best": 1, "of": ["low", "high"]}
    low = {"test": "t", "futility": {"z_below": 0.3}, **LEVEL}
    stage = {"when": {"visit": 48, "patients": 11}, "do": ["analyse held", "stop if futility"]}
    final = {"when": {"everybody": "finished"}, "do": ["analyse held", "analyse change"]}
    held = {"test": "exact binomial", "goal": 0.41, "futility": {"responders_at_most": 4}}
    return [
        two_doses([{"adapt_ratio": adapt}], [keep], changes={"analysis.methods.low": low}),
        one_arm(
            {
                "design.milestones": {"first": stage, "final": final},
                "analysis.methods.held": {**held, "responders_above": 16, **LEVEL},
            }
        ),
    ]


def claims() -> list[Scenario]:
    """Subgroups, several claims, and Bayesian rules with their priors."""
    shares = {"weights": {"whole": 0.55, "women": 0.35}, "passes": {"whole": {"women": 0.85}}}
    baskets = believing("basket exchangeability", prior=ALIKE, baskets="sex")
    one = {"test": "basket hierarchical", "prior": SHRUNK, "baskets": "sex", "goal": 0.45}
    both = baskets.changed({"analysis.methods.male": {**one, "posterior_above": 0.85}})
    return [grouped(), grouped({"analysis.multiplicity": {"graph": shares}}), both, rates()]


def outside() -> list[Scenario]:
    """Registries: one that is the control, one that is put beside a randomised control."""
    tilt = {"odds_ratio": 1.85, "for": "5.5 years", "even_at": "14.5 years"}
    people = {"n": 43, "eligible": "age >= 13", "selected": {"onset_age": tilt}, **WHY}
    seen = {"earlier": "2 to 4 years", "window": "9 days", "missed_visits": 0.19}
    rated = {"readings": {"mfars": {"sd": 1.15, "later": 0.35}}, "source": "facoms"}
    drift = {"truth.drift": {"mfars": {"difference": 0.15, "after": "37 weeks", "why": "a test"}}}
    events = {"finds": {"serious_infection": 0.83}}
    events["immortal"] = {"for": "37 days", "without": ["serious_infection", "death"]}
    counted = {
        "truth.external": {"registry": {"n": 39, "why": "a test", **events}},
        "analysis.methods.infection_rate.borrow": "registry",
    }
    whole = registry(drift, **{**people, **seen, **rated})
    return [whole, world(CGD, counted), *(beside(method) for method in PRIORS)]


def evenly() -> Scenario:
    """Candidates who come evenly in a time."""
    uniform = {"number": 83, "over": "13 months", "source": "letter1991", "why": "a test"}
    opened = {"number": 3, "open": [{"first": 3, "at": "day 0"}]}
    changes = {"truth.candidates": {"uniform": uniform}, "truth.site_opening_delay": None}
    return world(CGD, {**changes, "design.sites": opened})


def everything() -> list[Scenario]:
    """Return scenarios that, together, state every key."""
    small = [boys(), infections(), spread(), sequences(), survivors(), evenly(), one_arm(), spcd()]
    small += [placebo_twice(), three_regimens(), within(), attacked(), world("als-platform", {})]
    return [*small, *looked_at(), *chosen(), *claims(), *outside()]
