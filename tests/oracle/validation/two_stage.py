"""Two-stage trials: R snSMART and SPCDAnalyze, closed forms and sampling from the prior."""

from __future__ import annotations

from functools import cache, partial

import numpy as np
import pandas as pd

from raresim.analysis.sizing import SnsmartPlan, snsmart
from raresim.analysis.two_stage import JointStagePosteriors, JointStagePrior, batch
from tests.oracle.validation.comparison import Comparison, data_file, oracle

SNSMART = "R snSMART 0.2.4, LPJSM_binary"
PRIOR = JointStagePrior(((0.4, 1.6),) * 3, (1.6, 0.4), 3.0)
DRAWS = 400_000


@cache
def shared_trial() -> tuple[np.ndarray, ...]:
    data = pd.read_csv(data_file("snSMART_data_binary.csv"))
    first, then = (
        data[f"treatment_stage{k}"].fillna(0).to_numpy().astype(int)[None] - 1 for k in ("I", "II")
    )
    answer, again = (data[f"response_stage{k}"].to_numpy(float)[None] for k in ("I", "II"))
    return first, answer, then, again, np.ones(first.shape, bool)


def regression(linkage: str, field: str, *at: int) -> float:
    fit = batch.joint_stage_regression(*shared_trial(), linkage=linkage)  # type: ignore[arg-type]
    return float(getattr(fit, field)[(0, *at)])


def regression_rows() -> list[Comparison]:
    found = []
    pairs = [(0, 1), (0, 2), (1, 0), (1, 2), (2, 0), (2, 1)]
    for item, linkage in (("six_true", "each treatment"), ("six_false", "shared")):
        out = oracle("snsmart.json").get(f"LPJSM_binary_{item}", {})
        for key, field, places in (
            ("pi_hat", "rates", [(t,) for t in range(3)]),
            ("sd_pi_hat", "rate_se", [(t,) for t in range(3)]),
            ("pi_DTR_hat", "regimes", pairs),
            ("pi_DTR_se", "regime_se", pairs),
        ):
            for value, place in zip(out.get(key, []), places, strict=bool(out)):
                what = "".join("ABC"[t] for t in place)
                found.append(
                    Comparison(
                        "joint stage regression",
                        f"{linkage}: {key} {what}",
                        SNSMART,
                        value,
                        partial(regression, linkage, field, *place),
                        1e-9,
                        shared=True,
                    )
                )
    return found


# --- SPCD ---------------------------------------------------------------------------------

# responders and others in stages 1 and 2: placebo twice, placebo then drug, drug
GROUPS = ((18, 15, 3, 11), (21, 12, 7, 4), (20, 14, 0, 0))


def spcd(field: str, variance: str) -> float:
    columns: list[list[float]] = [[], [], [], [], []]
    for k, (yes, no, again, not_again) in enumerate(GROUPS):
        size = yes + no
        later = [1.0] * again + [0.0] * not_again
        columns[0] += [1.0] * yes + [0.0] * no
        columns[1] += [float(k == 2)] * size
        columns[2] += [0.0] * (size - len(later)) + later
        columns[3] += [float(k == 1)] * size
        columns[4] += [0.0] * (size - len(later)) + [1.0] * len(later)
    y1, a1, y2, a2, on = (np.array([column]) for column in columns)
    found = batch.spcd_responses(
        y1,
        a1.astype(int),
        y2,
        a2.astype(int),
        on == 1,
        np.ones(y1.shape, bool),
        variance=variance,  # type: ignore[arg-type]
    )
    return float(getattr(found, field)[0])


def by_hand(pooled: bool) -> float:
    """Standard error from the four shares."""
    shares = [(20, 34), (39, 66), (7, 11), (3, 14)]
    total = 0.0
    for (x, n), (y, m) in (shares[:2], shares[2:]):
        p, q = x / n, y / m
        r = (x + y) / (n + m)
        apart = p * (1 - p) / n + q * (1 - q) / m
        total += 0.25 * (r * (1 - r) * (1 / n + 1 / m) if pooled else apart)
    return float(np.sqrt(total))


def spcd_rows() -> list[Comparison]:
    name, source = "sequential parallel comparison", "R SPCDAnalyze 0.1.0, SPCDbinary example"
    rows = [
        Comparison(name, f"example: {field}", source, value, partial(spcd, field, "spcdanalyze"), t)
        for field, value, t in (
            ("estimate", 0.209702, 5e-7),
            ("se", 0.102492, 5e-7),
            ("statistic", 2.046, 5e-4),
            ("p", 0.04075, 5e-6),
        )
    ]
    for variance in ("separate", "pooled"):
        value = by_hand(variance == "pooled")
        got = partial(spcd, "se", variance)
        rows.append(Comparison(name, f"example: se, {variance}", "by hand", value, got, 1e-12))
    return rows


# --- Bayes --------------------------------------------------------------------------------


@cache
def small_trial() -> tuple[np.ndarray, ...]:
    first = np.repeat([0, 1, 2], 5)[None]
    answer = np.array([[1.0, 0, 0, 1, 0, 1, 1, 0, 0, 0, 1, 1, 1, 0, 0]])
    then = np.where(answer == 1, first, (first + 1 + np.arange(15) % 2) % 3)
    again = np.array([[1.0, 0, 1, 0, 0, 1, 0, 0, 1, 0, 1, 1, 0, 0, np.nan]])
    return first, answer, then, again, np.ones(first.shape, bool)


@cache
def posterior(linkage: str) -> JointStagePosteriors:
    return batch.bayesian_joint_stage(*small_trial(), prior=PRIOR, linkage=linkage)  # type: ignore[arg-type]


@cache
def sampled(linkage: str) -> dict[str, tuple[float, float]]:
    """Draw from the prior, weigh by the likelihood: values and Monte Carlo standard errors."""
    rng = np.random.default_rng(20)
    own = 1 if linkage == "shared" else 3
    rate = rng.beta(*PRIOR.rates[0], (DRAWS, 3))
    low = rng.beta(*PRIOR.linkage_0, (DRAWS, own)) * np.ones(3)
    high = rng.random((DRAWS, own)) ** (-1.0 / PRIOR.linkage_1) * np.ones(3)
    weight = np.all(high * rate <= 1.0, axis=1).astype(float)
    first, answer, then, again, _ = (column[0] for column in small_trial())
    for t, y, u, z in zip(first, answer, then, again, strict=True):
        weight *= rate[:, t] if y else 1.0 - rate[:, t]
        if not np.isnan(z):
            chance = high[:, t] * rate[:, t] if y else low[:, t] * rate[:, u]
            weight *= chance if z else np.maximum(1.0 - chance, 0.0)
    weight /= weight.sum()
    values = {f"mean {'ABC'[t]}": rate[:, t] for t in range(3)}
    values["P(C above B)"] = (rate[:, 2] > rate[:, 1]).astype(float)
    values["mean square A - B"] = (rate[:, 0] - rate[:, 1]) ** 2
    return {
        name: (float(m := weight @ x), float(np.sqrt(weight**2 @ (x - m) ** 2)))
        for name, x in values.items()
    }


def bayes(linkage: str, name: str) -> float:
    found = posterior(linkage)
    if name.startswith("mean s"):
        return float(found.difference[0, 0, 1] ** 2 + found.difference_sd[0, 0, 1] ** 2)
    return float(found.above[0, 2, 1] if name[0] == "P" else found.mean[0, "ABC".index(name[-1])])


def bayes_rows() -> list[Comparison]:
    return [
        Comparison(
            "Bayesian joint stage model",
            f"{linkage}: {name}",
            f"{DRAWS:,} draws of the prior, 4 Monte Carlo standard errors",
            value,
            partial(bayes, linkage, name),
            4.0 * error,
        )
        for linkage in ("shared", "each treatment")
        for name, (value, error) in sampled(linkage).items()
    ]


# --- sizes --------------------------------------------------------------------------------


@cache
def sized() -> SnsmartPlan:
    return snsmart(
        (0.7, 0.5, 0.25),
        linkage_1=1.4,
        linkage_0=0.5,
        coverage=0.9,
        power=0.3,
        prior_mean=(0.65, 0.55, 0.25),
        prior_patients=(10, 10, 10),
        changed="snsmart",
    )


def size_rows() -> list[Comparison]:
    """R draws its beta1 and rounds it to 3 digits: 0.001 of it is half of these tolerances."""
    out = oracle("snsmart.json").get("sample_size_snSMART", {})
    grid = out.get("grid_result", {})
    source = "R snSMART 0.2.4, sample_size"
    cases = [
        ("patients on each treatment", "n", out.get("final_N"), 0.0),
        ("E(D)", "difference", grid.get("E(D)"), 1.5e-5),
        ("E(D^2)", "mean_square", grid.get("Var(D)"), 3e-5),
        ("power", "power", grid.get("power"), 2e-4),
    ]
    return [
        Comparison(
            "snSMART size",
            f"rates 0.7, 0.5, 0.25: {item}",
            source,
            value,
            partial(lambda field: float(getattr(sized(), field)), field),
            tolerance,
            shared=True,
        )
        for item, field, value, tolerance in cases
        if value is not None
    ]


def comparisons() -> list[Comparison]:
    return [*regression_rows(), *spcd_rows(), *bayes_rows(), *size_rows()]
