"""Sizes of tests under nulls: what is run, what passes, and the numbers that the page shows.

`docs/make-sizes` simulates them at their full number of replicates and writes both the page and
`tests/statistical/sizes.json`; the tests simulate fewer and hold them to those numbers.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from raresim.analysis import FlemingHarrington, batch
from tests import nulls
from tests.measured_size import DEAR, Size, Test
from tests.nulls import Data
from tests.sizes_beyond import BEYOND
from tests.sizes_enumerated import ENUMERATED

FILE = Path(__file__).parent / "statistical" / "sizes.json"
SCORES = (nulls.normal, nulls.skewed, nulls.bounded, nulls.tied, nulls.drop_out)
TIMES = (nulls.exponential, nulls.few_events, nulls.at_visits)
COUNTS = (nulls.poisson, nulls.overdispersed)
SHARES = (nulls.rare, nulls.common)
REPEATED = (nulls.visits, nulls.leaving, nulls.skewed_visits, nulls.bounded_visits)


def _change(data: Data) -> tuple[Any, Any, Any]:
    return data["change"], data["arm"], data["present"]


def _adjusted(data: Data) -> tuple[Any, Any, Any, Any]:
    return data["change"], data["covariates"], data["arm"], data["present"]


def _time(data: Data) -> tuple[Any, Any, Any, Any]:
    return data["time"], data["event"], data["arm"], data["present"]


def _count(data: Data) -> tuple[Any, Any, Any, Any]:
    return data["count"], data["years"], data["arm"], data["present"]


def _days(data: Data) -> tuple[Any, Any, Any, Any]:
    return data["days"], data["follow_up"], data["arm"], data["present"]


def _answer(data: Data) -> tuple[Any, Any, Any]:
    return data["event"].astype(float), data["arm"], data["present"]


def _with_nothing(data: Data) -> tuple[Any, Any, Any, Any]:
    answer, arm, present = _answer(data)
    return answer, np.empty((*arm.shape, 0)), arm, present


def _visits(data: Data) -> tuple[Any, Any, Any, Any]:
    return data["visits"], data["covariates"], data["arm"], data["present"]


def _from_start(data: Data) -> Any:
    """Return the visits with the baseline before them."""
    return np.concatenate([data["covariates"], data["visits"]], axis=2)


def _same_start(data: Data) -> Any:
    nothing = np.empty((*data["arm"].shape, 0))
    return batch.mmrm(_from_start(data), nothing, data["arm"], data["present"], same_start=True)


def _unadjusted(data: Data) -> tuple[Any, Any, Any, Any]:
    nothing = np.empty((*data["arm"].shape, 0))
    return data["change"], nothing, data["arm"], data["present"]


def _nothing(data: Data) -> Any:
    return np.empty((*data["arm"].shape, 0))


def _thirds(data: Data) -> Any:
    """Return three strata, in the order of the patients."""
    trials, patients = data["arm"].shape
    return np.tile(np.arange(patients) * 3 // patients, (trials, 1))


def _by_turns(data: Data) -> Any:
    """Return three groups instead of two arms."""
    trials, patients = data["arm"].shape
    return np.tile(np.arange(patients) % 3, (trials, 1))


def _covariate(data: Data) -> Any:
    """Return a normal covariate without effect."""
    return data["luck"].normal(size=(*data["arm"].shape, 1))


def _levels(data: Data) -> list[Any]:
    return [batch.Level(data["time"], data["event"]), batch.Level(data["change"])]


def _wins(data: Data) -> Any:
    return batch.win_statistics(_levels(data), data["arm"], data["present"])


WEEKS = np.array([12.0, 24.0, 36.0, 48.0])
LATE = FlemingHarrington(0, 1)
CONTINUOUS = [
    Test("t, unequal variances", SCORES, lambda d: batch.two_sample_t(*_change(d))),
    Test("ANCOVA", SCORES, lambda d: batch.ancova(*_adjusted(d))),
    Test("ANCOVA, HC3", SCORES, lambda d: batch.ancova(*_adjusted(d), errors="hc3")),
    Test(
        "t, equal variances", SCORES, lambda d: batch.two_sample_t(*_change(d), variances="equal")
    ),
    Test(
        "paired t",
        (nulls.in_pairs, nulls.in_skewed_pairs),
        lambda d: batch.paired_t(d["after"], d["before"], d["present"]),
    ),
    Test("ANCOVA, HC2", SCORES, lambda d: batch.ancova(*_adjusted(d), errors="hc2")),
    Test(
        "Wilcoxon-Mann-Whitney, asymptotic",
        SCORES,
        lambda d: batch.wilcoxon(*_change(d), distribution="asymptotic"),
    ),
    Test("van Elteren, three strata", SCORES, lambda d: batch.van_elteren(*_change(d), _thirds(d))),
    Test(
        "goal attainment, t",
        (nulls.goals,),
        lambda d: batch.goal_attainment(d["goals"], _nothing(d), d["arm"], d["present"]),
    ),
    Test("Wilcoxon-Mann-Whitney", SCORES, lambda d: batch.wilcoxon(*_change(d)), DEAR),
    Test("Brunner-Munzel", SCORES, lambda d: batch.brunner_munzel(*_change(d))),
    Test("rank ANCOVA", SCORES, lambda d: batch.rank_ancova(*_adjusted(d))),
    Test("MMRM, Satterthwaite", REPEATED, lambda d: batch.mmrm(*_visits(d)), DEAR),
    Test(
        "MMRM, Kenward-Roger",
        REPEATED,
        lambda d: batch.mmrm(*_visits(d), df="kenward-roger-linear"),
        DEAR,
    ),
    Test(
        "MMRM, Kenward-Roger with second derivatives",
        REPEATED,
        lambda d: batch.mmrm(*_visits(d), df="kenward-roger"),
        DEAR,
    ),
    Test("constrained longitudinal analysis", REPEATED, lambda d: _same_start(d), DEAR),
    Test(
        "random slope",
        REPEATED,
        lambda d: batch.random_slope(d["visits"], WEEKS, d["covariates"], d["arm"], d["present"]),
        DEAR,
    ),
    Test(
        "proportional slowing, test",
        REPEATED,
        lambda d: batch.proportional_slowing_test(_from_start(d), d["arm"], d["present"]),
        DEAR,
    ),
    Test(
        "proportional slowing, Wald",
        (nulls.visits,),
        lambda d: batch.proportional_slowing(_from_start(d), d["arm"], d["present"]),
        DEAR,
    ),
    Test(
        "proportional odds, score",
        (nulls.bounded, nulls.tied),
        lambda d: batch.proportional_odds_score(*_change(d)),
    ),
    Test(
        "proportional odds, Wald",
        (nulls.bounded, nulls.tied),
        lambda d: batch.proportional_odds(*_unadjusted(d)),
        DEAR,
    ),
]
PROPORTIONS = [
    Test("Fisher, exact", SHARES, lambda d: batch.fisher_exact(*_answer(d))),
    Test("Fisher, mid-p", SHARES, lambda d: batch.fisher_mid_p(*_answer(d))),
    Test("Boschloo", SHARES, lambda d: batch.boschloo(*_answer(d))),
    Test("Barnard", SHARES, lambda d: batch.barnard(*_answer(d))),
    Test("Miettinen-Nurminen", SHARES, lambda d: batch.miettinen_nurminen(*_answer(d))),
    Test("Cochran-Mantel-Haenszel", SHARES, lambda d: batch.cochran_mantel_haenszel(*_answer(d))),
    Test(
        "Cochran-Mantel-Haenszel, exact, three strata",
        SHARES,
        lambda d: batch.cochran_mantel_haenszel_exact(*_answer(d), _thirds(d)),
        DEAR,
    ),
    Test(
        "Miettinen-Nurminen, three strata",
        SHARES,
        lambda d: batch.stratified_miettinen_nurminen(*_answer(d), _thirds(d)),
        DEAR,
    ),
    Test(
        "standardised risk difference",
        SHARES,
        lambda d: batch.standardised_risk_difference(*_with_nothing(d)),
    ),
    Test(
        "Mantel-Haenszel risk difference",
        SHARES,
        lambda d: batch.mantel_haenszel_risk_difference(*_answer(d)),
    ),
    Test("logistic regression, Wald", SHARES, lambda d: batch.logistic(*_with_nothing(d))),
    Test("logistic regression, Firth", SHARES, lambda d: batch.firth(*_with_nothing(d)), DEAR),
]
SURVIVAL = [
    Test("log-rank", TIMES, lambda d: batch.logrank(*_time(d))),
    Test("Fleming-Harrington (0, 1)", TIMES, lambda d: batch.logrank(*_time(d), weight=LATE)),
    Test(
        "MaxCombo, (0, 0) and (0, 1)",
        TIMES,
        lambda d: batch.max_combo(*_time(d), weights=(FlemingHarrington(0, 0), LATE)),
        DEAR,
    ),
    Test("Cox, Wald", TIMES, lambda d: batch.cox(*_time(d))),
    Test("Cox, robust", TIMES, lambda d: batch.cox(*_time(d), robust=True), DEAR),
    Test("Cox, Firth", TIMES, lambda d: batch.firth_cox(*_time(d)), DEAR),
    Test(
        "Cox, one covariate",
        TIMES,
        lambda d: batch.cox(*_time(d), covariates=_covariate(d)),
        DEAR,
    ),
    Test(
        "log-rank of three groups",
        TIMES,
        lambda d: batch.logrank_groups(d["time"], d["event"], _by_turns(d), d["present"], groups=3),
    ),
    Test(
        "Gray, two groups",
        (nulls.competing,),
        lambda d: batch.gray_test(d["time"], d["cause"], d["arm"], d["present"], groups=2),
        DEAR,
    ),
    Test(
        "restricted mean, one covariate",
        TIMES,
        lambda d: batch.rmst_adjusted(*_time(d), _covariate(d)),
        DEAR,
    ),
    Test(
        "restricted mean at 0.6 years, one covariate",
        TIMES[:2],
        lambda d: batch.rmst_adjusted(*_time(d), _covariate(d), 0.6),
        DEAR,
    ),
    Test("restricted mean", TIMES, lambda d: batch.rmst(*_time(d))),
    Test(
        "survival at half a year, log-log",
        TIMES,
        lambda d: batch.milestone_survival(*_time(d), at=0.5, scale="log-log"),
    ),
]
RECURRENT = [
    Test("Poisson, exact", COUNTS, lambda d: batch.poisson_exact(*_count(d))),
    Test("Poisson, Wald", COUNTS, lambda d: batch.poisson_regression(*_count(d))),
    Test(
        "Poisson, likelihood ratio",
        COUNTS,
        lambda d: batch.poisson_regression(*_count(d), test="likelihood_ratio"),
    ),
    Test(
        "Poisson, score",
        COUNTS,
        lambda d: batch.poisson_regression(*_count(d), test="score"),
    ),
    Test("quasi-Poisson", COUNTS, lambda d: batch.quasi_poisson_regression(*_count(d))),
    Test("negative binomial", COUNTS, lambda d: batch.negative_binomial(*_count(d))),
    Test("Andersen-Gill, robust (LWYY)", COUNTS, lambda d: batch.andersen_gill(*_days(d))),
    Test(
        "mean cumulative difference at 250 days",
        COUNTS,
        lambda d: batch.mean_cumulative_difference(*_days(d), 250.0),
        DEAR,
    ),
    Test("mean cumulative function", COUNTS, lambda d: batch.mean_cumulative_test(*_days(d)), DEAR),
]
PRIORITIES = (nulls.deaths_and_scores,)
WINS = [
    Test("win ratio", PRIORITIES, lambda d: _wins(d).win_ratio),
    Test("net benefit", PRIORITIES, lambda d: _wins(d).net_benefit),
    Test(
        "Finkelstein-Schoenfeld",
        PRIORITIES,
        lambda d: batch.finkelstein_schoenfeld(_levels(d), d["arm"], d["present"]),
    ),
    Test(
        "joint rank (CAFS)",
        PRIORITIES,
        lambda d: batch.joint_rank(_levels(d), d["arm"], d["present"]),
    ),
]
TESTS = [*CONTINUOUS, *PROPORTIONS, *SURVIVAL, *RECURRENT, *WINS, *BEYOND, *ENUMERATED]


def stated() -> list[Size]:
    """Return the sizes on the page."""
    return [Size(**row) for row in json.loads(FILE.read_text(encoding="utf-8"))]
