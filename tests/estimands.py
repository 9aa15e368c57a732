"""A world in which every strategy of ICH E9(R1) has a closed form.

Patients of two kinds k lose s_k points a year from L_k on; the drug adds `GAIN` in 48 weeks of
treatment and what was gained is kept. Treatment stops at a hazard of its own in each arm, or at one
that follows how the score has changed. Everything below follows from S_ak(t), the share of kind k
still on treatment in arm a.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from scipy.integrate import quad
from scipy.optimize import brentq

YEAR = 365.25
WEEKS = (8, 16, 24, 36, 48)
DAYS = tuple(7.0 * week for week in WEEKS)
W = DAYS[-1]
GAIN = 8.0
LEVEL, SLOPE, SHARE = {"mild": 80.0, "severe": 40.0}, {"mild": -4.0, "severe": -24.0}, 0.5
EVENTS, HAZARD_RATIO = 1.2 / YEAR, 0.5
ATTACKS, RATE_RATIO = 3.0 / YEAR, 0.4
STOPS = (0.4 / YEAR, 0.9 / YEAR)
"""Hazard of stopping under control and under the drug, where it depends on nothing else."""

MODEL = """\
schema: raresim/model/1
name: Test of estimands
version: 1.0.0
about: A test in which every estimand has a closed form.
sources: {x: {cite: "Somebody et al., Journal 2000"}}
patients:
  kind: {states: [mild, severe], assumed: {share: {mild: 0.5, severe: rest}}, why: a test}
  level: {unit: points, formula: 80 - 40 * (kind == severe)}
  slope: {unit: points a year, formula: -4 - 20 * (kind == severe)}
outcomes:
  score:
    kind: trajectory
    better: higher
    unit: points
    range: 0 to 200
    step: 0.0001
    curve: level + slope * t
    noise: {evidence: {sd: 0.05, n: 100, source: x}}
  event:
    kind: time to event
    better: later
    hazard: {assumed: {rate: 1.2 per year, exposure: 1000 patient-years}, why: a test}
  attack:
    kind: recurrent
    better: fewer
    rate: {assumed: {rate: 3 per year, exposure: 1000 patient-years}, why: a test}
    between_patients: {assumed: {negative_binomial_theta: 5}, why: a test}
"""
SCENARIO = """\
schema: raresim/scenario/1
question: What do the five strategies ask?
truth:
  model: estimands.yaml
  uncertainty: fixed
  hypotheses:
    effect:
      score: {drug: {assumed: {difference: 8, after: 48 weeks}, why: a test}}
      event: {drug: {assumed: {hazard_ratio: 0.5}, why: a test}}
      attack: {drug: {assumed: {rate_ratio: 0.4}, why: a test}}
  candidates: {stream: {per_site: 40 per month, gamma_shape: 1000, why: a test}}
  screening_lasts: 0 to 1 days
  STOPPING
design:
  eligible: score >= 0
  arms: {sham: {give: nothing}, drug: {give: a drug}}
  control: sham
  randomise: {n: 400, ratio: {sham: 1, drug: 1}, block: 4}
  sites: {number: 4, open: [{first: 4, at: day 0}]}
  recruit_for: 48 months
  visits: {weeks: [8, 16, 24, 36, 48]}
  treat_for: 48 weeks
  milestones: {final: {when: {everybody: finished}, do: [ANALYSES]}}
analysis:
  endpoints:
    bad: {first_of: [event]}
    good: {better: earlier, first_of: [event]}
  estimands:
ESTIMANDS
  methods:
METHODS
  success: SUCCESS
"""
STRATEGIES = {
    "policy": "treatment policy",
    "hypothetical": "hypothetical",
    "composite": "composite",
    "while": "while on treatment",
    "stratum": "principal stratum",
}
CHANGE = {**STRATEGIES, "composite": "{composite: 0}", "worst": "{composite: worst}"}
RATE = {name: how for name, how in STRATEGIES.items() if name != "composite"}
KINDS = {
    "": ("change in score at week 48", "difference in means", "ancova", CHANGE),
    "percent_": ("percent change in score at week 48", "difference in means", "ancova", CHANGE),
    "time_": ("time to first event", "hazard ratio", "cox", STRATEGIES),
    "wait_": ("time to first good", "hazard ratio", "cox", STRATEGIES),
    "share_": ("share with bad by week 48", "difference in means", "ancova", STRATEGIES),
    "reply_": ("share with good by week 48", "difference in means", "ancova", STRATEGIES),
    "count_": ("events of attack", "rate ratio", "negative binomial", RATE),
}
FOLLOWS = {
    "rate": "0.4 per year",
    "follows": [
        {"score": "score", "seen": False, "of": "change", "hazard_ratio": 3.0, "for": "-10 points"}
    ],
    "why": "a test",
}
"""Stopping that depends on how far the true score has fallen, under either arm."""


GROUPS = (("", "percent_"), ("time_", "wait_", "count_"), ("share_", "reply_"))
"""Kinds of variable that share a scenario: there are too many for one."""


def text(group: tuple[str, ...]) -> str:
    estimands, methods, names = [], [], []
    for prefix in group:
        variable, summary, test, strategies = KINDS[prefix]
        for name, how in strategies.items():
            own = f"{{variable: {variable}, summary: {summary},"
            estimands.append(
                f"    {prefix}{name}: {own} intercurrent: {{stops_treatment: {how}}}}}"
            )
            methods.append(f"    {prefix}{name}: {{test: {test}, alpha: 0.025 one-sided}}")
            names.append(f"analyse {prefix}{name}")
    found = SCENARIO.replace("ANALYSES", ", ".join(names)).replace("SUCCESS", f"{group[0]}policy")
    found = found.replace("STOPPING", STOPPING)
    return found.replace("ESTIMANDS", "\n".join(estimands)).replace("METHODS", "\n".join(methods))


Cumulative = Callable[[int, str, float], float]


def independent(arm: int, kind: str, day: float) -> float:
    """Cumulative hazard of stopping at a rate by arm."""
    return STOPS[arm] * day


def following(arm: int, kind: str, day: float) -> float:
    """Cumulative hazard where its log follows the score's change, in the middle between visits."""
    total = 0.0
    for begin, end in zip((0.0, *DAYS), DAYS, strict=False):
        middle = (begin + end) / 2
        fallen = -(SLOPE[kind] / YEAR + arm * GAIN / W) * middle
        total += STOPS[0] * 3.0 ** (fallen / 10) * max(0.0, min(day, end) - begin)
    return total


def expected(cumulative: Cumulative) -> dict[str, float]:
    """The true values of changes by conditioning on kind and day of stopping."""
    found = {}
    for prefix, percent in (("", False), ("percent_", True)):
        means = {name: [0.0, 0.0] for name in (*CHANGE, "naive")}
        stayed, together = [0.0, 0.0], 0.0
        for kind, share in (("mild", SHARE), ("severe", 1 - SHARE)):
            unit = 100 / LEVEL[kind] if percent else 1.0
            both = math.exp(-max(cumulative(arm, kind, W) for arm in (0, 1)))
            together += share * both
            for arm in (0, 1):
                value = _by_strategy(cumulative, arm, kind, unit)
                on = math.exp(-cumulative(arm, kind, W))
                stayed[arm] += share * on
                for name in ("policy", "hypothetical", "composite", "worst", "while"):
                    means[name][arm] += share * value[name]
                means["stratum"][arm] += share * both * value["hypothetical"]
                means["naive"][arm] += share * on * value["hypothetical"]
        for arm in (0, 1):
            means["stratum"][arm] /= together
            means["naive"][arm] /= stayed[arm]
        found |= {prefix + name: two[1] - two[0] for name, two in means.items()}
    return found


def _by_strategy(cumulative: Cumulative, arm: int, kind: str, unit: float) -> dict[str, float]:
    """Mean changes of one kind in one arm."""

    def on(day: float) -> float:
        return math.exp(-cumulative(arm, kind, day))

    def treated(day: float) -> float:
        return unit * (SLOPE[kind] / YEAR + arm * GAIN / W) * day

    spent = quad(on, 0, W, points=DAYS[:-1], limit=200)[0]
    last = zip((0.0, *DAYS[:-1]), DAYS, strict=True)
    return {
        "policy": unit * (SLOPE[kind] / YEAR * W + arm * GAIN * spent / W),
        "hypothetical": treated(W),
        "composite": on(W) * treated(W),
        "worst": on(W) * treated(W) - (1 - on(W)) * unit * LEVEL[kind],
        "while": on(W) * treated(W) + sum((on(a) - on(b)) * treated(a) for a, b in last),
    }


def times() -> dict[str, float]:
    """The true values of times, shares and counts, where stopping depends on nothing."""
    (h0, h1), l0, l1 = STOPS, EVENTS, EVENTS * HAZARD_RATIO

    def still(t: float) -> float:
        return math.exp(-(l1 + h1) * t)

    def off(t: float) -> float:  # stopped at s, then at the hazard of the untreated
        return h1 * math.exp(-l0 * t) * (1 - math.exp(-(l1 + h1 - l0) * t)) / (l1 + h1 - l0)

    def before(rate: float, h: float) -> Callable[[float], float]:  # events before stopping, by t
        return lambda t: rate / (rate + h) * (1 - math.exp(-(rate + h) * t))

    def free(rate: float) -> Callable[[float], float]:
        return lambda t: math.exp(-rate * t)

    came = before(l0, h0), before(l1, h1)
    spent = (1 - math.exp(-h1 * W)) / h1 / W
    plain, dying = math.log(HAZARD_RATIO), math.exp(-l0 * W) - math.exp(-l1 * W)
    policy = cox_limit(
        free(l0), lambda t: l0 * free(l0)(t),
        lambda t: still(t) + off(t), lambda t: l1 * still(t) + l0 * off(t),
    )  # fmt: skip
    never = cox_limit(
        lambda t: 1 - came[0](t), lambda t: l0 * free(l0 + h0)(t),
        lambda t: 1 - came[1](t), lambda t: l1 * free(l1 + h1)(t),
    )  # fmt: skip
    composite = math.log((l1 + h1) / (l0 + h0))
    found = {"time_policy": policy, "wait_policy": policy, "time_composite": composite}
    found["wait_composite"] = never
    for name in ("hypothetical", "while", "stratum"):
        found |= {f"time_{name}": plain, f"wait_{name}": plain}
        found[f"count_{name}"] = math.log(RATE_RATIO)
    found["count_policy"] = math.log(1 - spent + RATE_RATIO * spent)
    for prefix in ("share_", "reply_"):
        found[f"{prefix}policy"] = free(l0)(W) - still(W) - off(W)
        found |= {f"{prefix}hypothetical": dying, f"{prefix}stratum": dying}
        found[f"{prefix}while"] = came[1](W) - came[0](W)
    found["share_composite"] = free(l0 + h0)(W) - free(l1 + h1)(W)
    found["reply_composite"] = found["reply_while"]
    return found


def cox_limit(g0: Callable, f0: Callable, g1: Callable, f1: Callable) -> float:
    """The limit of the Cox estimate: shares at risk g and densities of events f by arm.

    Source: Struthers & Kalbfleisch, Biometrika 1986;73:363-369.
    """

    def score(beta: float) -> float:
        def part(t: float) -> float:
            weight = math.exp(beta) * g1(t)
            return f1(t) - (f0(t) + f1(t)) * weight / (g0(t) + weight)

        return quad(part, 0, W)[0]

    return float(brentq(score, -3, 3))


RELIEF, RELIEF_IN = 20.0, 140.0
"""What rescue medication adds to the score in so many days, and after them at the same pace."""
STOPPING = "stops_treatment: {rate: 0.4 per year, by_arm: {drug: 2.25}, why: a test}"
OTHERS = {
    "rash": "adverse_events: {rash: {rate: 0.6 per year, by_arm: {drug: 1.5}, why: a test}}",
    "relief": "rescue: {relief: {when: {event: event}, why: a test, "
    "effects: {score: {difference: 20, after: 140 days}}}}",
}
"""Worlds in which another intercurrent event happens, and nobody stops treatment."""


def text_of(event: str) -> str:
    """Return the scenario of changes in which another event has the strategies."""
    found = text(GROUPS[0]).replace(STOPPING, OTHERS[event])
    found = found.replace("{stops_treatment:", f"{{stops_treatment: treatment policy, {event}:")
    if event == "rash":  # no world without adverse events is simulated
        found = found.replace("rash: hypothetical", "rash: treatment policy")
    return found


def comes(event: str) -> Cumulative:
    """Return the cumulative hazard of another event."""
    of_arm = {"rash": (0.6 / YEAR, 0.9 / YEAR), "relief": (EVENTS, EVENTS * HAZARD_RATIO)}[event]
    return lambda arm, kind, day: of_arm[arm] * day


def expected_of(event: str) -> dict[str, float]:
    """The true values where that event is the intercurrent one: treatment goes on after it."""
    found = expected(comes(event))
    for prefix in GROUPS[0]:
        found[f"{prefix}policy"] = found[f"{prefix}hypothetical"]
    if event == "relief":
        spent = [W - (1 - math.exp(-rate * W)) / rate for rate in (EVENTS, EVENTS * HAZARD_RATIO)]
        added = RELIEF * (spent[1] - spent[0]) / RELIEF_IN
        found["policy"] += added
        found["percent_policy"] += added * sum(50 / level for level in LEVEL.values())
    return found
