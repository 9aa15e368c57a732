"""Continuous outcomes: scipy, statsmodels, R's help pages."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import numpy as np
import pandas as pd

from raresim.analysis.continuous import (
    ancova,
    brunner_munzel,
    paired_t,
    rank_ancova,
    two_sample_t,
    van_elteren,
    wilcoxon,
)
from tests.oracle.validation.comparison import Comparison

COLUMNS = {"outcome": "y", "arm": "arm", "control": "p"}
# extra hours of sleep under two drugs in ten patients (Student 1908; R's data set "sleep")
SLEEP = (
    [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0],
    [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4],
)
# Hollander and Wolfe 1973, p. 69: R's help page of wilcox.test
PERMEABILITY = (
    [1.15, 0.88, 0.90, 0.74, 1.21],
    [0.80, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46],
)
# Brunner and Munzel 2000: pain after surgery
PAIN = (
    [1, 2, 1, 1, 1, 1, 1, 1, 1, 1, 2, 4, 1, 1],
    [3, 3, 4, 3, 1, 2, 3, 1, 1, 5, 4],
)


def arms(control: Any, treated: Any) -> pd.DataFrame:
    labels = ["p"] * len(control) + ["a"] * len(treated)
    return pd.DataFrame({"y": [*map(float, control), *map(float, treated)], "arm": labels})


def made_up(ties: bool) -> pd.DataFrame:
    rng = np.random.default_rng(5)
    covariate = rng.normal(50.0, 10.0, 23)
    y = 0.1 * covariate + np.exp(rng.normal(size=23)) + np.r_[np.zeros(9), np.ones(14)]
    data = arms([0.0] * 9, [0.0] * 14)
    site = rng.integers(0, 3, 23)
    return data.assign(y=np.round(y) if ties else y, x=covariate, z=covariate**2 % 7.0, site=site)


def of(kernel: Any, data: pd.DataFrame, name: str, **options: Any) -> Callable[[], float]:
    return lambda: float(getattr(kernel(data, **COLUMNS, **options), name))


def _printed() -> list[Comparison]:
    """Numbers on R's help pages, to the digits shown."""
    sleep, page = arms(*SLEEP), "R stats, example of its help page"
    pairs = pd.DataFrame({"one": SLEEP[0], "two": SLEEP[1]})
    hollander, pain = arms(*PERMEABILITY), arms(*PAIN)

    def paired(name: str) -> Callable[[], float]:
        return lambda: float(getattr(paired_t(pairs, after="two", before="one"), name))

    found = [
        ("Welch's t-test", "sleep: t", 1.8608, of(two_sample_t, sleep, "statistic"), 5e-5),
        ("Welch's t-test", "sleep: df", 17.776, of(two_sample_t, sleep, "df"), 5e-4),
        ("Welch's t-test", "sleep: p", 0.07939, of(two_sample_t, sleep, "p"), 5e-6),
        ("paired t-test", "sleep: t", 4.0621, paired("statistic"), 5e-5),
        ("paired t-test", "sleep: p", 0.002833, paired("p"), 5e-7),
        ("Wilcoxon test", "permeability: W", 35.0, of(wilcoxon, hollander, "statistic"), 1e-9),
        (
            "Wilcoxon test",
            "permeability: p_greater",
            0.1272,
            of(wilcoxon, hollander, "p_greater"),
            5e-5,
        ),
    ]
    rows = [Comparison(a, b, page, c, got, tolerance) for a, b, c, got, tolerance in found]
    lawstat = "Brunner and Munzel 2000; R lawstat, example of its help page"
    for name, expected, tolerance in (
        ("statistic", 3.1375, 5e-5),
        ("df", 17.683, 5e-4),
        ("p", 0.005786, 5e-7),
        ("estimate", 0.788961 - 0.5, 5e-7),
        ("ci_low", 0.5952169 - 0.5, 5e-8),
        ("ci_high", 0.9827052 - 0.5, 5e-8),
    ):
        got = of(brunner_munzel, pain, name)
        rows.append(
            Comparison("Brunner-Munzel test", f"pain: {name}", lawstat, expected, got, tolerance)
        )
    return rows


def _by_scipy() -> list[Comparison]:
    from scipy import stats

    source = f"scipy {version('scipy')}"
    rows = []
    for ties in (False, True):
        data = made_up(ties)
        treated, control = (data["y"][data["arm"] == arm].to_numpy() for arm in "ap")
        label = f"made-up numbers{' with ties' if ties else ''}"
        for equal, variances in ((True, "equal"), (False, "unequal")):
            t = stats.ttest_ind(treated, control, equal_var=equal)
            for name, expected in (
                ("statistic", t.statistic),
                ("df", t.df),
                ("p", t.pvalue),
                ("ci_low", t.confidence_interval().low),
            ):
                got = of(two_sample_t, data, name, variances=variances)
                item = f"{label}, variances {variances}: {name}"
                call = f"{source}, ttest_ind"
                rows.append(Comparison("two-sample t-test", item, call, float(expected), got, 1e-9))
        calls: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
            (
                f"asymptotic, correction {correction}",
                {"method": "asymptotic", "use_continuity": correction},
                {"distribution": "asymptotic", "correction": correction},
            )
            for correction in (True, False)
        ]
        if not ties:
            calls.append(("exact", {"method": "exact"}, {"distribution": "exact"}))
        for which, theirs, ours in calls:
            for side, name in (("two-sided", "p"), ("less", "p_less"), ("greater", "p_greater")):
                p = stats.mannwhitneyu(treated, control, alternative=side, **theirs).pvalue
                got, item = of(wilcoxon, data, name, **ours), f"{label}, {which}: {name}"
                call = f"{source}, mannwhitneyu"
                rows.append(Comparison("Wilcoxon test", item, call, float(p), got, 1e-10))
        found = stats.brunnermunzel(control, treated)
        for name, expected in (("statistic", found.statistic), ("p", found.pvalue)):
            got, item = of(brunner_munzel, data, name), f"{label}: {name}"
            call = f"{source}, brunnermunzel"
            rows.append(Comparison("Brunner-Munzel test", item, call, float(expected), got, 1e-9))
        residual = _rank_residuals(data)
        sides = (residual[data["arm"] == "a"], residual[data["arm"] == "p"])
        f = stats.f_oneway(*sides)
        call = f"{source}, rankdata, f_oneway, after statsmodels OLS"
        adjusted = {"adjust_for": ["x", "z"]}
        got = of(rank_ancova, data, "p", **adjusted)
        rows.append(Comparison("rank ANCOVA (Quade)", label, call, float(f.pvalue), got, 1e-9))
    return rows


def _rank_residuals(data: pd.DataFrame) -> Any:
    import statsmodels.api as sm
    from scipy.stats import rankdata

    columns = sm.add_constant(np.column_stack((rankdata(data["x"]), rankdata(data["z"]))))
    return sm.OLS(rankdata(data["y"]), columns).fit().resid


def _by_statsmodels() -> list[Comparison]:
    import statsmodels.api as sm

    data = made_up(False)
    treated = (data["arm"] == "a").to_numpy().astype(float)
    columns = sm.add_constant(np.column_stack((data["x"], data["z"], treated)))
    source = f"statsmodels {version('statsmodels')}, OLS"
    rows = []
    for errors, kind in (("classical", "nonrobust"), ("hc2", "HC2"), ("hc3", "HC3")):
        fit = sm.OLS(data["y"].to_numpy(), columns).fit(cov_type=kind, use_t=True)
        for name, expected in (
            ("estimate", fit.params[3]),
            ("se", fit.bse[3]),
            ("p", fit.pvalues[3]),
        ):
            if errors == "hc2" and name == "p":
                continue  # statsmodels does not know Bell and McCaffrey's degrees of freedom
            got = of(ancova, data, name, adjust_for=["x", "z"], errors=errors)
            item = f"made-up numbers, {errors}: {name}"
            rows.append(
                Comparison("analysis of covariance", item, source, float(expected), got, 1e-9)
            )
    return rows


def _closed_forms() -> list[Comparison]:
    """Two arms of m and n: HC2 is Welch's error, its degrees of freedom have a closed form."""
    data, m, n = made_up(False), 14, 9
    df = (m + n) ** 2 * (m - 1) * (n - 1) / (m**2 * (m - 1) + n**2 * (n - 1))
    welch = two_sample_t(data, **COLUMNS).se
    one = data.assign(site=1)
    plain = wilcoxon(one, **COLUMNS, distribution="asymptotic", correction=False).p
    source = "Imbens and Kolesar 2016, two groups"
    return [
        Comparison(
            "analysis of covariance",
            "HC2 without covariates: df",
            source,
            df,
            of(ancova, data, "df", errors="hc2"),
            1e-9,
        ),
        Comparison(
            "analysis of covariance",
            "HC2 without covariates: se",
            "Welch's",
            welch,
            of(ancova, data, "se", errors="hc2"),
            1e-12,
        ),
        Comparison(
            "van Elteren test",
            "one stratum: p",
            "asymptotic Wilcoxon test",
            plain,
            of(van_elteren, one, "p", strata=["site"]),
            1e-12,
        ),
    ]


def comparisons() -> list[Comparison]:
    return _printed() + _by_scipy() + _by_statsmodels() + _closed_forms()
