"""Size of weighting many patients to external controls; few patients: `tests.sizes`."""

import numpy as np

from raresim.analysis.external import batch
from tests import nulls


def test_weighting_of_many_patients_keeps_its_level():
    data = nulls.confounded(np.random.default_rng(1), (700, 400))
    table = data["change"], data["covariates"], data["arm"], data["present"]
    for found in (batch.propensity_weighted(*table, "overlap"), batch.entropy_balanced(*table)):
        assert np.mean(found.p < 0.05) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 700)
