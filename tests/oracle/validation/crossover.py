"""Cross-over trials: statsmodels and scipy, closed forms, and hand-worked exact distributions."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from itertools import combinations, product

import numpy as np
import pandas as pd
import scipy
import statsmodels

from raresim.analysis.crossover import batch
from tests.oracle.validation.comparison import Comparison

WILLIAMS = np.array([[0, 1, 3, 2], [1, 2, 0, 3], [2, 3, 1, 0], [3, 0, 2, 1]])
AB_BA = np.array([[0, 1], [1, 0]])
SENN = "Senn, Cross-over Trials in Clinical Research: formoterol and salbutamol"
STATSMODELS = f"statsmodels {statsmodels.__version__}"
SCIPY = f"scipy {scipy.__version__}"


@cache
def williams() -> tuple[np.ndarray, np.ndarray]:
    """Ten patients in a Williams square of four, two periods missing."""
    rng = np.random.default_rng(7)
    order = WILLIAMS[np.arange(10) % 4]
    y = rng.normal(size=(10, 1)) + rng.normal(size=(10, 4)) + 0.8 * (order == 1) + np.arange(4) / 5
    y[3, 2] = y[8, 0] = np.nan
    return y[None], order[None]


@cache
def two_periods() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(8)
    order = AB_BA[np.arange(13) % 2]
    y = rng.normal(size=(13, 1)) * 2 + rng.normal(size=(13, 2)) + 0.6 * order + [0.0, 0.4]
    return y[None], order[None]


def here(y: np.ndarray) -> np.ndarray:
    return np.ones(y.shape[:2], dtype=bool)


def frame(y: np.ndarray, order: np.ndarray) -> pd.DataFrame:
    patients, periods = y.shape[1:]
    who, when = np.divmod(np.arange(patients * periods), periods)
    before = np.full(order.shape, -1)
    before[:, :, 1:] = order[:, :, :-1]
    columns = {"who": who, "when": when, "rx": order.ravel(), "before": before.ravel()}
    return pd.DataFrame(columns | {"y": y.ravel()}).dropna()


@cache
def least_squares(data: str, carry: bool, term: str) -> dict[str, float]:
    import statsmodels.formula.api as smf

    y, order = williams() if data == "williams" else two_periods()
    table = frame(y, order)
    formula = "y ~ C(who) + C(when) + C(rx)"
    for code in (1, 2, 3) if carry else ():
        table[f"after{code}"] = (table.before == code).astype(float)
        formula += f" + after{code}"
    fit = smf.ols(formula, table).fit()
    return {
        "estimate": float(fit.params[term]),
        "se": float(fit.bse[term]),
        "p": float(fit.pvalues[term]),
        "df": float(fit.df_resid),
    }


def anova(data: str, field: str, **options: object) -> float:
    y, order = williams() if data == "williams" else two_periods()
    return float(getattr(batch.crossover_anova(y, order, here(y), **options), field)[0])  # type: ignore[arg-type]


@cache
def hills_armitage() -> dict[str, float]:
    from scipy.stats import ttest_ind

    y, order = two_periods()
    apart = y[0, :, 0] - y[0, :, 1]
    first = order[0, :, 0] == 1
    found = ttest_ind(apart[first], apart[~first])
    mean = (apart[first].mean() - apart[~first].mean()) / 2
    return {"estimate": mean, "statistic": float(found.statistic), "p": float(found.pvalue)}


def ols_rows() -> list[Comparison]:
    cases: list[tuple[str, str, dict[str, object], dict[str, float]]] = [
        ("Williams, 1 against 0", "williams", {}, least_squares("williams", False, "C(rx)[T.1]")),
        (
            "Williams, 3 against 0, carry-over",
            "williams",
            {"treated": 3, "carry_over": True},
            least_squares("williams", True, "C(rx)[T.3]"),
        ),
        (
            "Williams, carry-over of 2 against 0",
            "williams",
            {"treated": 2, "contrast": "carry-over"},
            least_squares("williams", True, "after2"),
        ),
        ("AB/BA", "ab", {}, least_squares("ab", False, "C(rx)[T.1]")),
    ]
    found = [
        Comparison(
            "cross-over analysis of variance",
            f"{item}: {field}",
            f"{STATSMODELS}, ols with C(patient)",
            value,
            partial(anova, data, field, **options),
            1e-9,
        )
        for item, data, options, values in cases
        for field, value in values.items()
    ]
    found += [
        Comparison(
            "cross-over analysis of variance",
            f"AB/BA: {field}",
            f"{SCIPY}, ttest_ind of period differences (Hills and Armitage)",
            value,
            partial(anova, "ab", field),
            1e-9,
        )
        for field, value in hills_armitage().items()
    ]
    return found


# --- signed ranks -------------------------------------------------------------------------

DEPRESSION = (
    np.array([1.83, 0.50, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.30]),
    np.array([0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29]),
)
TIED = (np.zeros(9), np.array([1.0, 1.0, -1.0, 2.0, 3.0, 3.0, 0.0, -2.0, 4.0]))


def signed(data: tuple[np.ndarray, np.ndarray], field: str, **options: str) -> float:
    before, after = (part[None] for part in data)
    found = batch.signed_rank(after, before, np.ones(after.shape, bool), **options)  # type: ignore[arg-type]
    return float(getattr(found, field)[0])


def all_signs(zeros: str) -> float:
    """List all signs of the tied ranks: the chance to be as far from the mean."""
    from scipy.stats import rankdata

    difference = TIED[1] - TIED[0]
    ranks = rankdata(np.abs(difference[difference != 0] if zeros == "wilcoxon" else difference))
    if zeros == "pratt":
        ranks = ranks[difference != 0]
    kept = difference[difference != 0]
    observed = ranks[kept > 0].sum()
    sums = np.array([np.dot(ranks, signs) for signs in product((0, 1), repeat=len(ranks))])
    far = np.abs(sums - ranks.sum() / 2) >= abs(observed - ranks.sum() / 2) - 1e-9
    return float(np.mean(far))


def signed_rows() -> list[Comparison]:
    from scipy.stats import wilcoxon

    name = "Wilcoxon signed-rank test"
    after, before = DEPRESSION[1], DEPRESSION[0]
    book = "R wilcox.test example (Hollander and Wolfe, depression scale)"
    rows = [
        Comparison(name, "depression: p", book, 0.0390625, partial(signed, DEPRESSION, "p"), 1e-8)
    ]
    for side, field in (("less", "p_less"), ("greater", "p_greater"), ("two-sided", "p")):
        theirs = float(wilcoxon(after, before, alternative=side, method="exact").pvalue)
        got = partial(signed, DEPRESSION, field, distribution="exact")
        rows.append(Comparison(name, f"exact, {side}", f"{SCIPY}, wilcoxon", theirs, got, 1e-12))
        for zeros in ("wilcox", "pratt"):
            options = {"zero_method": zeros, "correction": True, "method": "approx"}
            theirs = float(wilcoxon(TIED[1] - TIED[0], alternative=side, **options).pvalue)
            own = "wilcoxon" if zeros == "wilcox" else "pratt"
            got = partial(signed, TIED, field, distribution="asymptotic", zeros=own)
            item = f"ties and a zero ({own}), {side}"
            if zeros == "wilcox" or side == "two-sided":
                rows.append(Comparison(name, item, f"{SCIPY}, wilcoxon", theirs, got, 1e-12))
    for own in ("wilcoxon", "pratt"):
        got = partial(signed, TIED, "p", distribution="exact", zeros=own)
        item = f"exact with ties and a zero ({own})"
        rows.append(Comparison(name, item, "all 2^8 signs", all_signs(own), got, 1e-12))
    return rows


# --- binary AB/BA -------------------------------------------------------------------------

PREFERENCES = ((9, 3, 0), (1, 5, 6))  # first, none, second: formoterol first, salbutamol first


def senn() -> tuple[np.ndarray, np.ndarray]:
    kinds = ([1.0, 0.0], [1.0, 1.0], [0.0, 1.0])
    y = [kind for row in PREFERENCES for k, kind in enumerate(kinds) for _ in range(row[k])]
    return np.array([y]), np.array([[[1, 0]] * 12 + [[0, 1]] * 12])


def preference(kernel: Callable[..., object], field: str) -> float:
    y, order = senn()
    return float(getattr(kernel(y, order, here(y)), field)[0])


@cache
def prescott_listed() -> float:
    """Share 24 patients out to two sequences of 12 in all ways that the margins allow."""
    from math import comb

    total = [a + b for a, b in zip(*PREFERENCES, strict=True)]
    weight = {}
    for first, second in product(range(total[0] + 1), range(total[2] + 1)):
        none = 12 - first - second
        if 0 <= none <= total[1]:
            ways = comb(total[0], first) * comb(total[1], none) * comb(total[2], second)
            weight[first, second] = ways
    centre = 12 * (total[0] - total[2]) / 24
    observed = PREFERENCES[0][0] - PREFERENCES[0][2]
    far = [w for (a, c), w in weight.items() if abs(a - c - centre) >= abs(observed - centre)]
    return sum(far) / sum(weight.values())


def binary_rows() -> list[Comparison]:
    from scipy.stats import fisher_exact

    gart = float(fisher_exact([[9, 0], [1, 6]]).pvalue)
    return [
        Comparison(
            "Mainland-Gart test",
            f"{SENN}: p",
            f"{SCIPY}, fisher_exact",
            gart,
            partial(preference, batch.mainland_gart, "p"),
            1e-10,
        ),
        Comparison(
            "Prescott's test",
            f"{SENN}: p",
            "all tables with these margins",
            prescott_listed(),
            partial(preference, batch.prescott, "p"),
            1e-12,
        ),
    ]


# --- counts -------------------------------------------------------------------------------


@cache
def counted() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(9)
    order = WILLIAMS[np.arange(14) % 4]
    time = rng.uniform(0.5, 1.5, order.shape)
    rate = rng.gamma(2.0, 1.5, (14, 1)) * np.exp(-0.6 * (order == 1) + np.arange(4) / 10)
    y = rng.poisson(rate * time).astype(float)
    y[2, 1] = np.nan
    return y[None], order[None], time[None]


@cache
def dummies() -> dict[str, float]:
    """Poisson regression with a coefficient for each patient, its sandwich by patient."""
    import statsmodels.api as sm
    import statsmodels.formula.api as smf

    y, order, time = counted()
    table = frame(y, order).assign(time=lambda t: time.ravel()[t.index])
    fit = smf.glm(
        "y ~ C(who) + C(when) + C(rx)",
        table,
        family=sm.families.Poisson(),
        offset=np.log(table.time),
    ).fit(tol=1e-12)
    design, mean = fit.model.exog, fit.mu
    score = pd.DataFrame(design * (table.y.to_numpy() - mean)[:, None]).groupby(
        table.who.to_numpy()
    )
    meat = score.sum().to_numpy().T @ score.sum().to_numpy()
    back = np.linalg.inv(design.T @ (design * mean[:, None]))
    at = fit.model.exog_names.index("C(rx)[T.1]")
    return {
        "estimate": float(fit.params["C(rx)[T.1]"]),
        "poisson": float(fit.bse["C(rx)[T.1]"]),
        "sandwich": float(np.sqrt((back @ meat @ back)[at, at])),
    }


def rates(field: str, variance: str) -> float:
    y, order, time = counted()
    found = batch.conditional_poisson(y, time, order, here(y), variance=variance)  # type: ignore[arg-type]
    return float(getattr(found, field)[0])


def mancl_derouen() -> float:
    """One coefficient (no periods): each score is divided by 1 less its leverage."""
    y, order, time = two_periods()[0], two_periods()[1], 1.0
    count = np.round(np.abs(y) * 2)[0]
    treated = np.where(order[0] == 1, count, 0).sum(1)
    total = count.sum(1)
    told = total > 0
    share = treated.sum() / total.sum() * time
    score = (treated - total * share)[told]
    part = (total * share * (1 - share))[told]
    information = part.sum()
    return float(np.sqrt(np.sum((score / (1 - part / information)) ** 2)) / information)


def one_coefficient() -> float:
    y, order = two_periods()
    count = np.round(np.abs(y) * 2)
    found = batch.conditional_poisson(count, np.ones(y.shape), order, here(y), periods=False)
    return float(found.se[0])


def count_rows() -> list[Comparison]:
    name, item = "conditional Poisson regression", "Williams, one count missing"
    source = f"{STATSMODELS}, GLM with C(patient)"
    cases = [
        ("log rate ratio", "estimate", "estimate", "robust"),
        ("standard error, Poisson", "poisson", "se", "poisson"),
        ("standard error, sandwich", "sandwich", "se", "sandwich"),
    ]
    rows = [
        Comparison(
            name, f"{item}: {what}", source, dummies()[key], partial(rates, field, variance), 1e-8
        )
        for what, key, field, variance in cases
    ]
    closed = "closed form of Mancl and DeRouen's"
    rows.append(
        Comparison(name, "no periods: robust se", closed, mancl_derouen(), one_coefficient, 1e-10)
    )
    return rows


# --- re-randomisation ---------------------------------------------------------------------


def replayed() -> float:
    from raresim.analysis.rerandomisation import Procedure

    y, order = two_periods()
    y, sequence = y[:, :8], (order[:, :8, 0] == 1).astype(int)
    found = batch.rerandomised_sequences(
        {"outcome": y},
        sequence,
        here(y),
        np.zeros((0, 8)),
        sequences=AB_BA,
        procedure=Procedure(block=8),
        compared="estimate",
        list_up_to=100,
    )
    return float(found.p_greater[0])


def listed() -> float:
    """All 70 ways to give four of eight patients the sequence BA."""
    y, order = two_periods()
    apart = (y[0, :, 0] - y[0, :, 1])[:8]
    first = np.flatnonzero(order[0, :8, 0] == 1)
    sums = [apart[list(chosen)].sum() for chosen in combinations(range(8), 4)]
    return float(np.mean(np.array(sums) >= apart[first].sum() - 1e-12))


def flipped() -> float:
    y, order = two_periods()
    found = batch.sign_flip(y, order, here(y), np.zeros((0, 13)), list_up_to=2**13)
    return float(found.p_greater[0])


@cache
def scipy_flipped() -> float:
    from scipy.stats import permutation_test

    y, order = two_periods()
    treated = np.where(order[0] == 1, y[0], 0).sum(1)
    control = np.where(order[0] == 0, y[0], 0).sum(1)
    found = permutation_test(
        (treated, control),
        lambda x, y, axis: np.mean(x - y, axis=axis),
        vectorized=True,
        permutation_type="samples",
        alternative="greater",
        n_resamples=np.inf,
    )
    return float(found.pvalue)


def comparisons() -> list[Comparison]:
    name = "re-randomised cross-over"
    return [
        *ols_rows(),
        *signed_rows(),
        *binary_rows(),
        *count_rows(),
        Comparison(
            name, "AB/BA in one block of 8", "all 70 assignments", listed(), replayed, 1e-12
        ),
        Comparison(
            name,
            "sign flips of 13 cycles",
            f"{SCIPY}, permutation_test, samples",
            scipy_flipped(),
            flipped,
            1e-12,
        ),
    ]
