"""Repeated measures reject a true null as often as they say; `sizes_longitudinal` has it all."""

from __future__ import annotations

import pytest

from raresim.analysis.longitudinal import batch
from tests.statistical.sizes_longitudinal import METHODS, draw, measured

TRIALS = 600


@pytest.mark.parametrize("kind", ["normal", "skewed", "bounded"])
@pytest.mark.parametrize("patients", [12, 40])
@pytest.mark.parametrize("method", ["satterthwaite", "linear"])
def test_the_whole_chain_keeps_its_size(kind: str, patients: int, method: str) -> None:
    data = draw(kind, patients, TRIALS, seed=2)
    size = measured(batch.mmrm(**data, **METHODS[method]), kind, patients, method)
    assert size.rejected <= 0.05 + 3.0 * size.error, str(size)
    assert size.rejected >= 0.05 - 3.0 * size.error, str(size)
    assert size.steps[-1] == 0, str(size)


def test_small_trials_are_noted() -> None:
    from raresim.analysis import Note

    for patients, noted in ((12, True), (40, False)):
        found = batch.mmrm(**draw("normal", patients, 5))
        assert all(bool(n & int(Note.SIZE_ABOVE_NOMINAL)) is noted for n in found.notes)
