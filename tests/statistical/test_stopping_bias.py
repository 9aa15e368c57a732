"""Runs that decide themselves when to stop: how far off their answer is on average."""

import numpy as np
import pytest

from raresim.study.stopping import Stopping, Tally

RUNS, BLOCK = 20_000, 1024


def answer(successes: np.ndarray, target: float) -> tuple[float, int]:
    """Return the share of successes, and the blocks, at which a run stops; each trial is a draw."""
    rule = Stopping(len(successes), target)
    for block, hits in enumerate(map(int, successes)):
        rule.add(block, Tally(BLOCK, hits, hits, hits, BLOCK, BLOCK))
        if rule.needed == block + 1:
            break
    return float(successes[: rule.needed].mean()) / BLOCK, rule.needed


@pytest.mark.slow
@pytest.mark.parametrize(
    ("power", "target"), [(0.025, 0.002), (0.05, 0.006), (0.2, 0.006), (0.5, 0.006), (0.9, 0.006)]
)
def test_the_mean_is_off_by_less_than_a_tenth_of_the_error(power: float, target: float) -> None:
    most = 10
    rng = np.random.Generator(np.random.PCG64(11))
    found = [answer(row, target) for row in rng.binomial(BLOCK, power, (RUNS, most))]
    shares, blocks = np.array(found).T
    needed = power * (1 - power) / target**2 / BLOCK
    assert needed <= blocks.mean() < needed + 1.1
    own = shares.std() / np.sqrt(RUNS)
    assert abs(shares.mean() - power) < target / 10
    assert own < target / 100  # so that the line above can tell
    print(f"{power}: off by {(shares.mean() - power) / target:+.3f} of the error asked for")
