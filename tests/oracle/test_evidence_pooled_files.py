"""Pools written in a file against metafor's published output and independent quadrature."""

import math

import numpy as np
import pytest
from scipy import integrate, stats

from raresim.evidence import EventRate, Ratio, Share, Stated
from tests.oracle.test_evidence_pooling import BCG


def read(kind, studies, **options):
    sourced = [study | {"source": f"study {k}"} for k, study in enumerate(studies)]
    return Stated[kind].model_validate({"evidence": {"pool": sourced} | options}).statistic


def test_the_bcg_trials_in_a_file_have_metafors_pooled_ratio():
    """Printed by metafor's rma(yi, vi): -0.7145, tau 0.5597, SE 0.1798; t(11) of a new trial."""
    studies = []
    for a, b, c, d in BCG:
        log = math.log(a / (a + b) / (c / (c + d)))
        half = 1.959963984540054 * math.sqrt(1 / a - 1 / (a + b) + 1 / c - 1 / (c + d))
        studies.append(
            {"rate_ratio": math.exp(log), "ci": [math.exp(log - half), math.exp(log + half)]}
        )
    found = read(Ratio, studies)
    assert math.log(found.ratio) == pytest.approx(-0.7145, abs=5.1e-5)
    spread = math.hypot(0.5597, 0.1798)
    ends = [-0.7145 + stats.t(11).ppf(p) * spread for p in (0.025, 0.975)]
    assert np.log(found.ci) == pytest.approx(ends, abs=5e-4)
    drawn = found.draw(lambda _: np.array([0.025, 0.975]))["rate_ratio"]
    assert np.log(drawn) == pytest.approx(ends, abs=5e-4)


def new_trial(y, se, scale):
    """Return mean and SD of a new trial's value: both integrals of tau by scipy's quad."""
    y, w = np.array(y), lambda t: 1 / (np.array(se) ** 2 + t**2)

    def weight(t):
        mean = w(t) @ y / w(t).sum()
        log = 0.5 * (np.log(w(t)).sum() - np.log(w(t).sum()) - w(t) @ (y - mean) ** 2)
        return math.exp(log) * stats.halfnorm.pdf(t, scale=scale)

    def integral(g):
        points = [0.1 * scale, scale]
        return integrate.quad(lambda t: weight(t) * g(t), 0, 12 * scale, points=points)[0]

    whole = integral(lambda t: 1.0)
    mean = integral(lambda t: w(t) @ y / w(t).sum()) / whole
    square = integral(lambda t: 1 / w(t).sum() + t**2 + (w(t) @ y / w(t).sum()) ** 2) / whole
    return mean, math.sqrt(square - mean**2)


def test_two_rates_and_a_prior_have_the_posterior_of_quadrature():
    studies = [
        {"events": 56, "exposure": "50.7 patient-years"},
        {"events": 9, "exposure": "14 patient-years"},
    ]
    found = read(EventRate, studies, heterogeneity=0.3)
    mean, sd = new_trial([math.log(56 / 50.7), math.log(9 / 14)], [56**-0.5, 1 / 3], 0.3)
    assert found.numbers()["rate"] == pytest.approx(math.exp(mean), rel=1e-7)
    assert found.errors()["rate"] == pytest.approx(math.exp(mean) * sd, rel=1e-7)


def test_three_shares_and_a_prior_have_the_posterior_of_quadrature():
    counts = [(12, 40), (30, 60), (5, 25)]
    studies = [{"share": x / n, "n": n} for x, n in counts]
    found = read(Share, studies, heterogeneity=0.5)
    y = [math.log(x / (n - x)) for x, n in counts]
    mean, sd = new_trial(y, [math.sqrt(1 / x + 1 / (n - x)) for x, n in counts], 0.5)
    share = 1 / (1 + math.exp(-mean))
    assert found.numbers()["yes"] == pytest.approx(share, rel=1e-7)
    assert found.errors()["yes"] == pytest.approx(share * (1 - share) * sd, rel=1e-7)
