"""Prioritised outcomes: R WINS, R BuyseTest, pairs counted one by one."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from typing import Any

import numpy as np
import pandas as pd

from raresim.analysis.hierarchical import BUYSETEST, WINS, Endpoint, Rules, win_statistics
from raresim.analysis.hierarchical.win_statistics import WinStatistic
from tests.oracle.validation.comparison import Comparison, data_file, oracle

WINS_151 = "R WINS 1.5.1, win.stat"
BUYSE = "R BuyseTest 3.3.9, scoring.rule Gehan, u-statistic"
TIMES = [Endpoint(f"Y_{k}", event=f"Delta_{k}", margin=0.1) for k in (1, 2, 3)]
NUMBERS = [Endpoint(f"Y_{k}") for k in (1, 2, 3)]
MIXED = [Endpoint("Y_1", event="Delta_1"), Endpoint("Y_2"), Endpoint("Y_3")]
SETS: dict[str, tuple[str, list[Endpoint], dict[str, Any]]] = {
    "WINS_data_tte": ("tte", TIMES, {}),
    "WINS_data_continuous": ("continuous", NUMBERS, {}),
    "WINS_data_mix": ("mix", MIXED, {}),
    "WINS_data_mix_stratum_MH": ("mix_stratum", MIXED, {"strata": ["stratum"]}),
}
MEASURES = {"Win_Ratio": "win_ratio", "Net_Benefit": "net_benefit", "Win_Odds": "win_odds"}


@cache
def wins(item: str) -> WinStatistic:
    name, endpoints, options = SETS[item]
    data = pd.read_csv(data_file(f"WINS_data_{name}.csv"))
    return win_statistics(data, endpoints=endpoints, arm="arm", control="B", rules=WINS, **options)


@cache
def of_stratum(item: str, stratum: int) -> WinStatistic:
    """Return the pairs of one stratum, or of all where there are none."""
    name, endpoints, options = SETS[item]
    data = pd.read_csv(data_file(f"WINS_data_{name}.csv"))
    if options:
        data = data[data["stratum"] == stratum]
    return win_statistics(data, endpoints=endpoints, arm="arm", control="B", rules=WINS)


def _pairs_of_wins(item: str) -> list[Comparison]:
    """Compare what each stratum's pairs came to."""
    out = oracle("win_ratio.json")[item]
    rows: list[Comparison] = []

    def add(what: str, expected: float, got: Callable[[], float]) -> None:
        label = f"{item}: {what}"
        rows.append(Comparison("win ratio", label, WINS_151, expected, got, 1e-9, False, True))

    for s, stratum in enumerate(np.atleast_1d(out["Win_prop"]["stratum"]).tolist()):
        found = partial(of_stratum, item, stratum)
        for arm, field in (("trt", "wins"), ("con", "losses")):
            share = lambda f=found, w=field: getattr(f(), w) / f().pairs  # noqa: E731
            expected = float(np.atleast_1d(out["Win_prop"][f"P_{arm}"])[s])
            add(f"stratum {stratum}, share of {field}", expected, share)
            for level in range(3):
                part = out["summary_ep"][f"{arm.title()}_Endpoint{level + 1}"]["Count"]

                def count(f: Any = found, w: str = f"{field}_by_level", k: int = level) -> float:
                    return float(getattr(f(), w)[k])

                text = f"stratum {stratum}, {field} by outcome {level + 1}"
                add(text, float(np.atleast_1d(part)[s]), count)
                shares = out["summary_ep"][f"{arm.title()}_Endpoint{level + 1}"]["Proportion"]

                def part_of(f: Any = found, c: Callable[[], float] = count) -> float:
                    return c() / float(f().pairs)

                add(f"{text}, share", float(np.atleast_1d(shares)[s]), part_of)
    return rows


@cache
def pbc(rules: Rules, time: float, bilirubin: float, levels: int, variance: str) -> WinStatistic:
    data = pd.read_csv(data_file("pbc.csv"))
    data = data[data["trt"].notna()]
    data = data.assign(died=(data["status"] == 2).astype(int))
    endpoints = [
        Endpoint("time", event="died", margin=time),
        Endpoint("bili", margin=bilirubin, better="lower"),
    ][:levels]
    return win_statistics(
        data,
        endpoints=endpoints,
        arm="trt",
        control=2.0,
        rules=rules,
        variance=variance,  # type: ignore[arg-type]
    )


def _number(found: Callable[[], WinStatistic], measure: str, name: str) -> Callable[[], float]:
    def got() -> float:
        result = getattr(found(), measure)
        value = float(getattr(result, name))
        if measure not in ("win_ratio", "win_odds") or name in ("statistic", "p"):
            return value
        return float(np.exp(value))

    return got


def _of_wins(item: str) -> list[Comparison]:
    out = oracle("win_ratio.json")[item]
    rows = []
    for theirs, ours in MEASURES.items():
        short = "".join(word[0] for word in theirs.split("_"))
        wanted = dict(
            zip(("estimate", "ci_low", "ci_high"), out["Win_statistic"][theirs], strict=True)
        )
        wanted["statistic"] = out["z_statistic"][f"zstat_{short}"]
        wanted["p"] = out["p_value"][f"pvalue_{short}"]
        for name, expected in wanted.items():
            got = _number(lambda item=item: wins(item), ours, name)  # type: ignore[misc]
            label = f"{item}: {name}"
            method = ours.replace("_", " ")
            rows.append(Comparison(method, label, WINS_151, expected, got, 1e-9, False, True))
    return rows


def _of_buysetest(item: str, time: float, bilirubin: float) -> list[Comparison]:
    out = oracle("win_ratio.json")[item]
    rows = []

    def add(method: str, what: str, expected: float, got: Callable[[], float]) -> None:
        rows.append(Comparison(method, f"{item}: {what}", BUYSE, expected, got, 1e-9, False, True))

    for level in (0, 1):

        def found(level: int = level) -> WinStatistic:
            return pbc(BUYSETEST, time, bilirubin, level + 1, "projection")

        add(
            "win ratio",
            f"pairs won by outcome {level + 1}",
            out["count_favorable"][level],
            lambda found=found, level=level: found().wins_by_level[level],  # type: ignore[misc]
        )
        add(
            "win ratio",
            f"pairs lost by outcome {level + 1}",
            out["count_unfavorable"][level],
            lambda found=found, level=level: found().losses_by_level[level],  # type: ignore[misc]
        )
        for theirs, ours in (("netBenefit", "net_benefit"), ("winRatio", "win_ratio")):
            row = out[theirs][level]
            for their_name, name in (
                ("estimate", "estimate"),
                ("lower.ci", "ci_low"),
                ("upper.ci", "ci_high"),
                ("p.value", "p"),
            ):
                add(
                    ours.replace("_", " "),
                    f"{name} by {level + 1} outcomes",
                    row[their_name],
                    _number(found, ours, name),
                )
        ratio = _number(found, "win_ratio", "estimate")
        add(
            "win ratio",
            f"se by {level + 1} outcomes",
            out["winRatio"][level]["se"],
            lambda found=found, ratio=ratio: ratio() * found().win_ratio.se,  # type: ignore[misc]
        )
        for theirs, share in (("favorable", "share_won"), ("unfavorable", "share_lost")):
            for their_name, name in (
                ("estimate", "estimate"),
                ("se", "se"),
                ("lower.ci", "ci_low"),
                ("upper.ci", "ci_high"),
            ):
                add(
                    "win ratio",
                    f"{share.replace('_', ' ')} by {level + 1} outcomes: {name}",
                    out[theirs][level][their_name],
                    _number(found, share, name),
                )
        add(
            "net benefit",
            f"se by {level + 1} outcomes",
            out["netBenefit"][level]["se"],
            lambda found=found: found().net_benefit.se,  # type: ignore[misc]
        )
    return rows


def _counted(item: str, rules: Rules) -> list[Comparison]:
    out = oracle("win_ratio.json")[item]

    def found() -> WinStatistic:
        return pbc(rules, 0.0, 0.0, 2, "null")

    wanted: dict[str, Callable[[], float]] = {
        "wins": lambda: found().wins,
        "losses": lambda: found().losses,
        "ties": lambda: found().pairs - found().wins - found().losses,
        "wins_tte": lambda: found().wins_by_level[0],
        "losses_tte": lambda: found().losses_by_level[0],
        "win_ratio": lambda: float(np.exp(found().win_ratio.estimate)),
        "net_benefit": lambda: found().net_benefit.estimate,
    }
    source = "R 4, two loops over the pairs"
    return [
        Comparison("win ratio", f"{item}: {name}", source, out[name], got, 1e-9, False, True)
        for name, got in wanted.items()
    ]


def _of_buysetests_tests() -> list[Comparison]:
    """A table in BuyseTest's own tests (correctionTTE), one time with a threshold of 1."""
    data = pd.DataFrame(
        {
            "time": [2.1, 4.1, 6.1, 8.1, 4.0, 6.0, 8.0, 10.0],
            "event": [1, 1, 1, 0, 1, 0, 0, 1],
            "arm": [0, 0, 0, 0, 1, 1, 1, 1],
        }
    )
    endpoints = [Endpoint("time", event="event", margin=1.0)]
    source = "BuyseTest, tests/testthat/test-BuyseTest-correctionTTE.R"
    rows = []
    for rules, label in ((BUYSETEST, "BUYSETEST"), (Rules("reached", "outlives"), "decimal")):

        def found(rules: Rules = rules) -> WinStatistic:
            return win_statistics(data, endpoints=endpoints, arm="arm", control=0, rules=rules)

        for name, expected in (("wins", 9), ("losses", 2)):
            got = lambda found=found, name=name: float(getattr(found(), name))  # noqa: E731
            item = f"8 patients, threshold 1, {label}: {name}"
            rows.append(Comparison("win ratio", item, source, expected, got, 1e-9))
    return rows


def comparisons() -> list[Comparison]:
    rows = _of_buysetests_tests()
    if not oracle("win_ratio.json"):
        return rows
    rows += [row for item in SETS for row in _of_wins(item) + _pairs_of_wins(item)]
    rows += _of_buysetest("BuyseTest_pbc_gehan", 0.0, 0.0)
    rows += _of_buysetest("BuyseTest_pbc_gehan_threshold", 180.0, 0.5)
    rows += _counted("win_counts_pbc_bruteforce", WINS)
    rows += _counted(
        "win_counts_pbc_bruteforce_censor_after_event", Rules(censored_at_event="outlives")
    )
    return rows
