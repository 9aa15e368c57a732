"""Are pools and curves of a model file calibrated? Trials are drawn, published, read and held."""

import numpy as np
import pytest

from raresim.evidence import EventFree, EventRate, Quantiles, Stated, fit_time

RUNS, MONTH = 1000, 30.4375
ENDS = np.array([0.05, 0.95])


def evenly(size):
    return (np.arange(size) + 0.5) / size


@pytest.mark.slow
def test_a_pool_of_three_rates_foretells_the_rate_of_a_new_trial(capsys):
    """SD between trials from its prior, 0.3; trials of 10 to 60 patient-years, 1.5 events a year.

    The Monte Carlo error of a coverage of .9 is .0095; four of them are allowed. Counts are whole
    and log rates not quite normal: one per cent more.
    """
    rng = np.random.default_rng(11)
    hits = 0
    for _ in range(RUNS):
        tau = abs(rng.normal(0, 0.3))
        exposure = rng.uniform(10, 60, 3)
        events = rng.poisson(exposure * 1.5 * np.exp(rng.normal(0, tau, 3)))
        studies = [
            {"events": float(x), "exposure": f"{t} patient-years", "source": "a"}
            for x, t in zip(events, exposure, strict=True)
        ]
        evidence = {"pool": studies, "heterogeneity": 0.3}
        found = Stated[EventRate].model_validate({"evidence": evidence}).statistic
        low, high = found.draw(lambda _: ENDS)["rate"]
        hits += low <= 1.5 * np.exp(rng.normal(0, tau)) <= high
    with capsys.disabled():
        print(f"\nnew trial's rate in 90 % intervals: {hits / RUNS:.3f} (MCSE 0.0095)")
    assert abs(hits / RUNS - 0.9) <= 4 * 0.0095 + 0.01


@pytest.mark.slow
def test_a_curve_of_sixty_patients_tells_how_sure_it_is(capsys):
    """Times are exponential with a mean of a year, censored evenly over two years.

    Clicks are off by .002. The intervals of the share free at four times, from laws drawn by the
    curve, are held against the truth. The Monte Carlo error of a coverage of .9 from 300 figures is
    .017; four of them are allowed at each time.
    """
    figures, patients, when = 300, 60, np.array([3.0, 6.0, 9.0, 12.0])
    rng = np.random.default_rng(12)
    hits = np.zeros(when.size)
    for _ in range(figures):
        found = published(rng.exponential(12, patients), rng.uniform(0, 24, patients), rng)
        u = {name: rng.permutation(evenly(400)) for name in ("figure", *found.free)}
        law = fit_time(found, MONTH, u.__getitem__)
        free = np.exp(-law.hazard(np.broadcast_to(when * MONTH, (400, when.size))))
        low, high = np.quantile(free, ENDS, axis=0)
        hits += (low <= np.exp(-when / 12)) & (np.exp(-when / 12) <= high)
    with capsys.disabled():
        print(f"\ntrue curve in 90 % intervals: {hits / figures} (MCSE 0.017)")
    assert hits / figures == pytest.approx(0.9, abs=4 * 0.017)


def published(event, leaving, rng):
    """Return the evidence of a figure: clicks at the steps, numbers at risk twice a year."""
    time, seen = np.minimum(event, leaving), event <= leaving
    steps = np.sort(time[seen])
    survival = np.cumprod([1 - 1 / np.sum(time >= t) for t in steps])
    clicked = np.clip(survival + 0.002 * rng.standard_normal(steps.size), 0, 1)
    curve = {
        "unit": "months",
        "clicks": np.column_stack([steps, np.minimum.accumulate(clicked)]).tolist(),
        "at_risk": [[t, int(np.sum(time >= t))] for t in (0, 6, 12) if np.sum(time >= t)],
        "events": int(seen.sum()),
    }
    evidence = {"curve": curve, "source": "a"}
    return Stated[EventFree | Quantiles].model_validate({"evidence": evidence}).statistic
