"""Times to an event: R survival, survRM2, simtrial."""

from __future__ import annotations

from functools import cache

import pandas as pd

from raresim.analysis import logrank
from tests.oracle.validation.comparison import Comparison, data_file, oracle

SURVDIFF = "R survival 3.5.3, survdiff"


@cache
def pbc() -> pd.DataFrame:
    data = pd.read_csv(data_file("pbc.csv"))
    data = data[data["trt"].notna()]
    return data.assign(died=(data["status"] == 2).astype(int))


def chi_square(*strata: str) -> float:
    columns = {"time": "time", "event": "died", "arm": "trt"}
    return logrank(pbc(), **columns, control=1, strata=strata).statistic ** 2


def comparisons() -> list[Comparison]:
    found = oracle("survival.json").get("pbc_survdiff")
    if found is None:
        return []
    item, wanted = "pbc, by treatment: chi-square", found["rho0"]["chisq"]
    return [Comparison("log-rank test", item, SURVDIFF, wanted, chi_square, 1e-6, True, True)]
