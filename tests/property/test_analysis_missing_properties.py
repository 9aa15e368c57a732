"""Missing outcomes: rows of a batch, identities of the strategies, deaths, degenerate tables."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from raresim.analysis import Note
from raresim.analysis.missing import batch as kernels
from raresim.analysis.missing import (
    conditional_mean_imputation,
    multiple_imputation,
    rubin,
    tipping_point,
)
from raresim.analysis.missing.batch import Plan
from raresim.analysis.missing.normal_model import repeated_normal
from raresim.analysis.missing.posterior import monotone_draws
from raresim.analysis.missing.reference import laws
from raresim.analysis.missing.sums import sums_of
from raresim.analysis.missing.trial import fitted, trials
from raresim.analysis.small_matrices import lapack_inverse
from raresim.errors import InputError

STRATEGIES = ("MAR", "J2R", "CIR", "CR")
FIELDS = ("estimate", "se", "ci_low", "df", "statistic", "p", "converged", "used", "notes")


def draw(seed, rows=3, n=26, visits=3, *, monotone=True):
    rng = np.random.default_rng(seed)
    arm = np.tile(np.arange(n) % 2, (rows, 1))
    baseline = rng.normal(50.0, 10.0, (rows, n, 1))
    steps = np.cumsum(rng.normal(size=(rows, n, visits)), axis=2)
    outcome = 0.5 * baseline + 4.0 * steps + 2.0 * arm[:, :, None] * np.arange(visits)
    lost = rng.random(outcome.shape) < 0.12
    lost = np.cumsum(lost, axis=2) > 0 if monotone else lost
    present = rng.random((rows, n)) < 0.95
    draws = 6
    return {
        "outcome": np.where(lost, np.nan, outcome),
        "baseline": baseline,
        "arm": arm,
        "present": present,
        "resample": rng.random((rows, draws, n)),
        "posterior": rng.random((rows, draws, visits, 3 + visits)),
        "values": rng.random((rows, draws, n, visits)),
    }


BASE = ("outcome", "baseline", "arm", "present")


def conditional(t, **plan):
    plan = Plan(**plan)
    return kernels.conditional_mean_imputation(*(t[k] for k in BASE), plan=plan)


def multiple(t, kind, **plan):
    names = (*BASE, kind, "values")
    return kernels.multiple_imputation(*(t[k] for k in names), plan=Plan(**plan))


METHODS = {
    **{f"conditional {s}": lambda t, s=s: conditional(t, strategy=s) for s in STRATEGIES},
    "conditional by arm": lambda t: conditional(t, strategy="CIR", covariance="by arm"),
    "bootstrap": lambda t: multiple(t, "resample", strategy="J2R", delta=0.5),
    "monotone": lambda t: multiple(t, "posterior"),
    "tipping": lambda t: kernels.tipping_point(*(t[k] for k in BASE), plan=Plan()).without,
}


def bits(results, b):
    return [np.asarray(getattr(results, name)[b]).tobytes() for name in FIELDS]


def one_row(t, b, place, wide):
    """Row b with its patients at some places of a wider row, the others absent."""
    found = {}
    for name, values in t.items():
        axis = {"posterior": None, "resample": 1, "values": 1}.get(name, 0)
        if axis is None:
            found[name] = values[b : b + 1]
            continue
        own = values[b]
        shape = (*own.shape[:axis], wide, *own.shape[axis + 1 :])
        filled = np.full(shape, 0.37 if own.dtype == float else 0, dtype=own.dtype)
        filled[(slice(None),) * axis + (place,)] = own
        found[name] = filled[None]
    return found


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("monotone", [True, False])
def test_a_row_of_a_batch_is_that_row_alone(method, monotone):
    t = draw(5, monotone=monotone)
    together = METHODS[method](t)
    n = t["arm"].shape[1]
    for b in range(3):
        for place, wide in ((np.arange(n), n), (2 * np.arange(n) + 3, 2 * n + 9)):
            assert bits(METHODS[method](one_row(t, b, place, wide)), 0) == bits(together, b)
    assert together.converged.all() or (method == "monotone" and not monotone)


def test_inverses_of_a_stack_are_those_of_each_matrix():
    rng = np.random.default_rng(1)
    for k in (2, 3, 5, 9, 15):
        a = rng.normal(size=(301, k, k))
        a = a @ np.swapaxes(a, 1, 2)
        together = lapack_inverse(a)
        assert all(together[i].tobytes() == lapack_inverse(a[i]).tobytes() for i in range(301))
        assert all(
            together[i].tobytes() == lapack_inverse(a[i : i + 1]).tobytes() for i in range(301)
        )


def test_under_mar_the_estimate_is_that_of_the_reml_model():
    t = draw(6, monotone=False)
    fit = conditional(t)
    for b, trial in enumerate(trials(*(t[k] for k in BASE), None, None, Plan())):
        model = fitted([trial], [np.ones((1, len(trial.arm)))], Plan())[0]
        assert fit.estimate[b] == pytest.approx(model.coefficient[0, 1, -1], abs=1e-8)


def dense_deviance(trial, b, sigma):
    """-2 restricted log-likelihood up to a constant, profile over the coefficients."""
    visits, q = trial.visits, trial.design.shape[1]
    information, score, total = np.zeros((q * visits,) * 2), np.zeros(q * visits), 0.0
    for y, z in zip(trial.modelled, trial.design, strict=True):
        seen = np.flatnonzero(~np.isnan(y))
        if len(seen):
            x = np.kron(z, np.eye(visits))[seen]
            part = np.linalg.inv(sigma[np.ix_(seen, seen)])
            information += x.T @ part @ x
            score += x.T @ part @ y[seen]
            total += y[seen] @ part @ y[seen] - np.linalg.slogdet(part)[1]
    return total - score @ np.linalg.solve(information, score) + np.linalg.slogdet(information)[1]


def test_the_fit_is_where_the_restricted_likelihood_is_flat():
    t = draw(8, monotone=False)
    trial = next(trials(*(t[k] for k in BASE), None, None, Plan()))
    sigma = fitted([trial], [np.ones((1, len(trial.arm)))], Plan())[0].covariance[0, 0]
    best = dense_deviance(trial, 0, sigma)
    for i in range(3):
        for j in range(i + 1):
            step = np.zeros((3, 3))
            step[i, j] = step[j, i] = 1e-4 * np.sqrt(sigma[i, i] * sigma[j, j])
            up, down = (dense_deviance(trial, 0, sigma + s * step) for s in (1, -1))
            assert abs(up - down) < 1e-8 and up > best and down > best


def test_with_nothing_missing_the_covariance_is_that_of_the_residuals():
    rng = np.random.default_rng(9)
    design = np.column_stack((np.ones(15), np.arange(15) % 2, rng.normal(size=15)))
    outcome = rng.normal(100.0, 5.0, (15, 3))
    found = repeated_normal(sums_of(outcome, design, np.ones((1, 15)), np.zeros(15, int)))
    best, *_ = np.linalg.lstsq(design, outcome, rcond=None)
    left = outcome - design @ best
    np.testing.assert_allclose(found.coefficient[0], best, atol=1e-9)
    np.testing.assert_allclose(found.covariance[0, 0], left.T @ left / 12, rtol=1e-9)


def test_a_weight_is_so_many_patients():
    t = draw(10, rows=1, monotone=False)
    trial = next(trials(*(t[k] for k in BASE), None, None, Plan()))
    weight = np.random.default_rng(2).integers(0, 3, (1, len(trial.arm))).astype(float)
    again = np.repeat(np.arange(len(trial.arm)), weight[0].astype(int))
    a = fitted([trial], [weight], Plan())[0]
    sums = sums_of(trial.modelled[again], trial.design[again], np.ones((1, len(again))), again * 0)
    b = repeated_normal(sums)
    np.testing.assert_allclose(a.covariance, b.covariance, rtol=1e-8, atol=1e-8)
    np.testing.assert_allclose(a.coefficient, b.coefficient, rtol=1e-8, atol=1e-8)


def random_laws(seed, strategy, stop, seen):
    rng = np.random.default_rng(seed)
    root = rng.normal(size=(2, 4, 4)) + 2.0 * np.eye(4)
    sigma = (root @ np.swapaxes(root, 1, 2))[:, None, None]
    own, reference = rng.normal(size=(2, 1, 1, 4))
    return laws(own, reference, sigma[0], sigma[1], seen, np.array([stop]), strategy), (
        own[0, 0],
        reference[0, 0],
        sigma[0, 0, 0],
        sigma[1, 0, 0],
    )


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("stop", [0, 1, 2, 3, 4])
def test_laws_are_those_of_the_paper(strategy, stop):
    """The joint law written down in blocks, then conditioned the usual way."""
    seen = np.array([[True, False, True, True]]) & (np.arange(4) < stop)
    law, (own, ref, a, r) = random_laws(stop, strategy, stop, seen)
    one, two = slice(0, stop), slice(stop, 4)
    if strategy == "MAR" or stop == 4:
        mean, sigma = own, a
    elif strategy == "CR":
        mean, sigma = ref, r
    else:
        mean, sigma = np.concatenate((own[one], ref[two])), np.zeros((4, 4))
        if strategy == "CIR" and stop:
            mean[two] += own[stop - 1] - ref[stop - 1]
        k = r[two, one] @ np.linalg.inv(r[one, one])
        sigma[one, one], sigma[two, one], sigma[one, two] = a[one, one], k @ a[one, one], 0
        sigma[one, two] = sigma[two, one].T
        sigma[two, two] = r[two, two] - k @ (r[one, one] - a[one, one]) @ k.T
    o, m = np.flatnonzero(seen[0]), np.flatnonzero(~seen[0])
    slope = sigma[np.ix_(m, o)] @ np.linalg.inv(sigma[np.ix_(o, o)])
    y = np.where(seen[0], np.array([0.3, 1.0, -2.0, 0.7]), np.nan)
    wanted = mean[m] + slope @ (y[o] - mean[o])
    np.testing.assert_allclose(law.complete(y[None])[0, 0][m], wanted, atol=1e-10)
    left = sigma[np.ix_(m, m)] - slope @ sigma[np.ix_(o, m)]
    got = (law.root[0, 0] @ law.root[0, 0].T)[np.ix_(m, m)]
    np.testing.assert_allclose(got, left, atol=1e-9)


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), shift=st.floats(-100, 100), scale=st.floats(0.01, 100))
def test_units_and_arms(seed, shift, scale):
    t = draw(seed, rows=1, n=20)
    a = conditional(t)
    b = conditional({**t, "outcome": t["outcome"] * scale + shift})
    np.testing.assert_allclose(b.estimate, a.estimate * scale, rtol=1e-6, atol=1e-6 * scale)
    np.testing.assert_allclose(b.p, a.p, atol=1e-6)
    c = conditional({**t, "arm": 1 - t["arm"]})
    np.testing.assert_allclose(c.estimate, -a.estimate, rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(c.se, a.se, rtol=1e-6)


def test_reference_strategies_pull_towards_the_reference():
    t = draw(11, rows=4, n=60)
    t["outcome"] += 12.0 * t["arm"][:, :, None] * np.arange(1, 4)
    mar, j2r = conditional(t).estimate, conditional(t, strategy="J2R").estimate
    cir = conditional(t, strategy="CIR").estimate
    assert np.all(j2r < cir) and np.all(cir < mar)


def test_outcomes_after_the_event_stay_in_the_analysis_but_not_in_the_model():
    t = draw(12, rows=1, n=30)
    t["outcome"] = np.nan_to_num(t["outcome"], nan=25.0)
    stop = np.where(np.arange(30) % 6 == 1, 1, 3)[None]
    names = {"plan": Plan(strategy="J2R"), "stop": stop}
    whole = kernels.conditional_mean_imputation(*(t[k] for k in BASE), **names)
    plain = conditional(t)  # nothing is missing, so nothing is imputed
    assert whole.estimate[0] == pytest.approx(plain.estimate[0], abs=1e-9)
    trial = next(trials(*(t[k] for k in BASE), stop, None, names["plan"]))
    assert np.isnan(trial.modelled[trial.stop == 1, 1:]).all()


def test_at_the_tipping_point_p_is_the_limit():
    t = draw(13, rows=5, n=40)
    t["outcome"] += 9.0 * t["arm"][:, :, None] * np.array([1, -1, 1, 1, 1])[:, None, None]
    for strategy in STRATEGIES:
        found = kernels.tipping_point(*(t[k] for k in BASE), plan=Plan(strategy=strategy))
        for b in np.flatnonzero(found.significant):
            row = {name: values[b : b + 1] for name, values in t.items()}
            at, less = (
                conditional(row, strategy=strategy, delta=float(d * found.delta[b]))
                for d in (1.0, 0.99)
            )
            assert at.p[0] == pytest.approx(0.05, abs=1e-9)
            assert less.p[0] < 0.05
        assert found.significant.any()
        assert np.isnan(found.delta[~found.significant]).all()


def test_monotone_draws_have_the_moments_of_the_posterior():
    """Inverse gamma variances, and coefficients around those of the sequence of regressions."""
    t = draw(14, rows=1, n=30)
    trial = next(trials(*(t[k] for k in BASE), None, None, Plan()))
    uniforms = np.random.default_rng(3).random((20_000, 3, 6))
    fit = monotone_draws(trial, uniforms)
    first = ~np.isnan(trial.modelled[:, 0])
    y, z = trial.modelled[first], trial.design[first]
    best, *_ = np.linalg.lstsq(z, y[:, 0], rcond=None)
    rss, k = np.sum((y[:, 0] - z @ best) ** 2), z.shape[1]
    mean = rss / (len(y) - k - 2)
    got = fit.covariance[:, 0, 0, 0]
    assert got.mean() == pytest.approx(mean, abs=4 * got.std() / np.sqrt(20_000))
    spread = np.linalg.inv(z.T @ z) * mean
    np.testing.assert_allclose(
        np.cov(fit.coefficient[:, :, 0].T), spread, atol=0.04 * np.max(np.abs(spread))
    )
    # the last visit's means and covariance of maximum likelihood factor in the same way
    seen = ~np.isnan(y[:, 1])
    x = np.column_stack((z, y[:, 0]))[seen]
    second, *_ = np.linalg.lstsq(x, y[seen, 1], rcond=None)
    wanted = second[:k] + second[k] * best
    error = fit.coefficient[:, :, 1].std(axis=0) / np.sqrt(20_000)
    assert np.all(np.abs(fit.coefficient[:, :, 1].mean(axis=0) - wanted) < 4.5 * error)


def test_many_imputations_agree_with_the_conditional_mean():
    t = draw(15, rows=1, n=60)
    rng = np.random.default_rng(4)
    t |= {"posterior": rng.random((1, 1500, 3, 6)), "values": rng.random((1, 1500, 60, 3))}
    t["resample"] = rng.random((1, 1500, 60))
    for strategy in STRATEGIES:
        wanted = conditional(t, strategy=strategy)
        for kind in ("posterior", "resample"):
            found = multiple(t, kind, strategy=strategy)
            assert found.estimate[0] == pytest.approx(wanted.estimate[0], abs=0.1 * wanted.se[0])


TABLE = pd.DataFrame(
    {
        "v1": [5.0, 7.5, 6.0, 9.5, 6.0, 4.0, 9.0, 6.5, 8.0, 5.5, 7.0, 6.1],
        "v2": [5.5, 8.0, 5.0, None, 7.0, 6.0, 11.0, 8.5, None, 7.0, None, 6.0],
        "arm": list("ppppppaaaaaa"),
    }
)
NAMES = {"outcomes": ("v1", "v2"), "arm": "arm", "control": "p"}
DEAD = TABLE.assign(dead=[None] * 10 + ["v2", None])


def test_deaths_need_a_strategy():
    for method in (conditional_mean_imputation, tipping_point, multiple_imputation):
        seed = {"seed": 1} if method is multiple_imputation else {}
        with pytest.raises(InputError, match="1 deaths and no strategy"):
            method(DEAD, died="dead", **NAMES, **seed)
    with pytest.raises(InputError, match="worst"):
        conditional_mean_imputation(DEAD, died="dead", deaths="composite worst", **NAMES)
    with pytest.raises(InputError, match="outcome after death"):
        early = DEAD.assign(dead=["v2"] + [None] * 11)
        conditional_mean_imputation(early, died="dead", deaths="hypothetical", **NAMES)
    with pytest.raises(InputError, match="unknown word"):
        conditional_mean_imputation(DEAD, died="dead", deaths="ignore", **NAMES)
    with pytest.raises(InputError, match="name of the visit"):
        conditional_mean_imputation(DEAD.assign(dead="v9"), died="dead", **NAMES)


def test_what_a_death_means():
    names = {"died": "dead", **NAMES}
    alive = conditional_mean_imputation(TABLE, **NAMES)
    imputed = conditional_mean_imputation(DEAD, deaths="hypothetical", **names)
    assert imputed.estimate == alive.estimate
    worst = conditional_mean_imputation(DEAD, deaths="composite worst", worst=0.0, **names)
    last = conditional_mean_imputation(DEAD, deaths="while alive", **names)
    # one of six treated patients: what was imputed becomes 0, or the 7.0 of the visit before
    gone = 6 * (imputed.estimate - worst.estimate)
    assert 6 * (last.estimate - worst.estimate) == pytest.approx(7.0, abs=1e-9)
    assert gone > 7.0


def test_degenerate_tables_say_why():
    def told(table, method=conditional_mean_imputation, **more):
        found = method(table, **{**NAMES, **more})
        assert found.converged or (np.isnan(found.p) and found.notes)
        return found.converged, " ".join(found.notes)

    assert told(TABLE.assign(v2=TABLE["v1"] + np.arange(12)))[1].startswith("No outcome was")
    assert "too few outcomes" in told(TABLE.assign(v2=[*range(6), *[None] * 6]))[1]
    assert told(TABLE.assign(v1=1.0, v2=1.0)) == (
        False,
        "The model fits every patient exactly; there is no standard error. No outcome was missing, "
        "so nothing was imputed.",
    )
    assert not told(TABLE.iloc[[0, 1, 6, 7]])[0]
    assert not told(TABLE.iloc[[0, 6]])[0]
    assert "covariate" in told(TABLE.assign(x=[None, *range(11)]), adjust_for=("x",))[1]
    assert "singular" in told(TABLE.assign(x=1.0), adjust_for=("x",))[1]
    gap = TABLE.assign(v1=[None, *TABLE["v1"][1:]])
    assert told(gap)[0] and told(gap, multiple_imputation, seed=1)[0]
    converged, why = told(gap, multiple_imputation, seed=1, draws="monotone")
    assert not converged and "not monotone" in why
    nobody = TABLE.assign(v2=[5.5, 8.0, 5.0, 7, 7.0, 6.0, 11.0, 8.5, 1, 7.0, 3, 26.0])
    found = tipping_point(nobody.assign(v2=nobody["v2"] + np.repeat([0, 30], 6)), **{
        **NAMES, "outcomes": ("v1", "v2")})  # fmt: skip
    assert found.significant and np.isinf(found.delta)


def test_rubin_without_enough():
    with pytest.raises(InputError, match="two or more"):
        rubin([1.0], [1.0])
    lost = kernels.rubin(
        np.array([[1.0, np.nan, np.nan]]), np.ones((1, 3)), np.array([np.inf])
    ).row(0)
    assert not lost.converged and any("refits" in note for note in lost.notes)
    same = rubin([1.0, 1.0], [0.5, 0.5], df=10)
    assert same.se == 0.5 and same.df == pytest.approx(11 / 13 * 10)
    assert Note.REFIT_FAILED.sentences()
