"""Who is left out of an analysis: everybody present is used or counted, in every row of a batch.

Tables of one trial: `test_analysis_degenerate`. Comparisons within patients stand in their room.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from raresim.analysis import batch
from raresim.analysis.bayesian import NormalInverseGamma
from raresim.analysis.bayesian import batch as bayesian
from raresim.analysis.external import batch as external
from raresim.analysis.left_out import REASONS, flags_of, left_out, patients, sentences
from raresim.analysis.missing import batch as missing
from raresim.analysis.notes import Note
from raresim.analysis.rerandomisation import Procedure
from raresim.analysis.rerandomisation import batch as again
from raresim.randomisation import Simple

Table = dict[str, np.ndarray]


def draw(seed: int, replicates: int, n: int) -> Table:
    rng = np.random.default_rng(seed)
    shape = (replicates, n)

    def gone(values: np.ndarray) -> np.ndarray:
        return np.where(rng.random(values.shape) < 0.15, np.nan, values)

    stage = rng.integers(0, 3, shape)
    answer = rng.integers(0, 2, shape).astype(float)
    return {
        "y": gone(rng.normal(size=shape)),
        "x": gone(rng.normal(size=(*shape, 1))),
        "won": gone(rng.integers(0, 2, shape).astype(float)),
        "time": rng.integers(1, 9, shape).astype(float),
        "event": rng.random(shape) < 0.7,
        "count": rng.poisson(1.5, shape),
        "years": np.where(rng.random(shape) < 0.15, 0.0, rng.uniform(0.5, 1.5, shape)),
        "visits": gone(rng.normal(size=(*shape, 2))),
        "arm": rng.integers(0, 2, shape),
        "stratum": rng.integers(0, 4, shape),
        "present": rng.random(shape) < 0.85,
        "stage": stage,
        "answer": gone(answer),
        "then": np.where(answer == 1.0, stage, (stage + 1) % 3),
    }


def _two(t: Table, *names: str) -> tuple[np.ndarray, ...]:
    return tuple(t[name] for name in (*names, "arm", "present"))


def _joint(t: Table) -> Any:
    return batch.joint_stage_regression(
        t["stage"], t["answer"], t["then"], t["won"], t["present"], linkage="shared"
    )


KERNELS: dict[str, Callable[[Table], Any]] = {
    "t": lambda t: batch.two_sample_t(*_two(t, "y")),
    "wilcoxon": lambda t: batch.wilcoxon(*_two(t, "y")),
    "ancova": lambda t: batch.ancova(*_two(t, "y", "x")),
    "rank ancova": lambda t: batch.rank_ancova(*_two(t, "y", "x")),
    "van elteren": lambda t: batch.van_elteren(*_two(t, "y"), t["stratum"]),
    "fisher": lambda t: batch.fisher_exact(*_two(t, "won")),
    "cmh": lambda t: batch.cochran_mantel_haenszel(*_two(t, "won"), t["stratum"]),
    "cmh exact": lambda t: batch.cochran_mantel_haenszel_exact(*_two(t, "won"), t["stratum"]),
    "mh": lambda t: batch.mantel_haenszel_risk_difference(*_two(t, "won"), t["stratum"]),
    "mn": lambda t: batch.stratified_miettinen_nurminen(*_two(t, "won"), t["stratum"]),
    "logistic": lambda t: batch.logistic(*_two(t, "won", "x")),
    "odds": lambda t: batch.proportional_odds(*_two(t, "won", "x")),
    "binomial": lambda t: batch.binomial_test(t["won"], t["present"], goal=0.3),
    "logrank": lambda t: batch.logrank(*_two(t, "time", "event"), t["stratum"]),
    "permutation": lambda t: batch.logrank_permutation(
        *_two(t, "time", "event"), t["stratum"], keys=np.full((5, t["y"].shape[1]), 0.5)
    ),
    "cox": lambda t: batch.cox(*_two(t, "time", "event"), t["stratum"]),
    "cox, adjusted": lambda t: batch.cox(*_two(t, "time", "event"), covariates=t["x"]),
    "firth": lambda t: batch.firth_cox(*_two(t, "time", "event"), covariates=t["x"]),
    "negative binomial": lambda t: batch.negative_binomial(*_two(t, "count", "years")),
    "whole model": lambda t: batch.negative_binomial_fit(*_two(t, "count", "years")),
    "poisson": lambda t: batch.poisson_regression(*_two(t, "count", "years"), baseline=t["x"]),
    "win ratio": lambda t: (
        batch.win_statistics(
            (batch.Level(t["y"]),), t["arm"], t["present"], stratum=t["stratum"]
        ).win_ratio
    ),
    "wins": lambda t: batch.finkelstein_schoenfeld(
        (batch.Level(t["y"]),), t["arm"], t["present"], stratum=t["stratum"]
    ),
    "mmrm": lambda t: batch.mmrm(*_two(t, "visits", "x"), covariance="cs"),
    "imputed": lambda t: missing.conditional_mean_imputation(
        *_two(t, "visits", "x"), plan=missing.Plan()
    ),
    "weighted": lambda t: external.propensity_weighted(*_two(t, "y", "x")),
    "matched": lambda t: external.propensity_matched(*_two(t, "y", "x")),
    "balanced": lambda t: external.entropy_balanced(*_two(t, "y", "x")),
    "posterior": lambda t: bayesian.normal_unknown_sd(
        *_two(t, "y"), NormalInverseGamma(0.0, 1.0, 2.0, 2.0)
    ),
    "rates": lambda t: batch.poisson_exact(*_two(t, "count", "years")),
    "redrawn": lambda t: again.rerandomised_scores(
        *_two(t, "y"),
        np.full((9, t["y"].shape[1]), 0.4),
        procedure=Procedure(scheme=Simple()),
    ),
    "two stages": _joint,
}


@pytest.mark.parametrize("name", KERNELS)
@settings(max_examples=8, deadline=None)
@given(
    table=st.builds(
        draw, seed=st.integers(0, 2**32 - 1), replicates=st.integers(1, 3), n=st.integers(1, 25)
    )
)
def test_everybody_present_is_used_or_counted(name: str, table: Table) -> None:
    found = KERNELS[name](table)
    lost = patients(found.left_out)
    assert np.array_equal(found.used + lost, np.count_nonzero(table["present"], axis=1))
    assert np.all(found.left_out >= 0)
    said = flags_of(found.left_out)
    assert np.array_equal(found.notes & said, said)
    for b in range(len(lost)):
        row = found.row(b)
        assert row.left_out == lost[b]
        told = f" of {row.used + row.left_out} patients" in " ".join(row.notes)
        assert told == (row.left_out > 0)


def test_counts_go_to_the_first_reason() -> None:
    both = left_out(outcome=np.array([[True, True]]), covariate=np.array([[True, False]]))
    assert both[0, list(REASONS).index("outcome")] == 2
    assert patients(both)[0] == 2


def test_sentences_say_the_numbers() -> None:
    counts = left_out(
        strata=np.array([2]),
        covariate=np.array([[True, False, False, False]]),
        stratum=np.array([[False, True, True, False]]),
    )
    said = sentences(Note(int(flags_of(counts)[0])) | Note.NO_EVENTS, 1, counts[0])
    assert said == (
        "No events were observed.",
        "1 of 4 patients was left out: a missing covariate.",
        "2 of 4 patients in 2 strata were left out: a stratum with too few patients in an arm.",
    )
    assert sentences(Note.ONE_ARM_EMPTY, 0, counts[0] * 0) == ("There are no patients to analyse.",)
