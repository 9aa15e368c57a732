"""Tables that cannot be analysed are refused with the column, what was found and how to mend it."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from raresim.analysis import ancova, andersen_gill, batch, cox, logrank, negative_binomial
from raresim.errors import InputError


def table() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "days": [9.0, 13.0, 18.0, 28.0, 31.0, 45.0],
            "event": [1, 1, 1, 0, 1, 0],
            "arm": list("ppapaa"),
            "sex": list("fmfmfm"),
            "count": [0, 3, 1, 0, 0, 2],
        }
    )


NAMES = {"time": "days", "event": "event", "arm": "arm", "control": "p"}


@pytest.mark.parametrize("method", [logrank, cox])
@pytest.mark.parametrize(
    ("change", "names", "message"),
    [
        ({}, {"time": "weeks"}, "weeks: no such column"),
        ({}, {"strata": ("site",)}, "site: no such column"),
        ({}, {"strata": "sex"}, r"write \('sex',\)"),
        ({}, {"control": "placebo"}, "control 'placebo' among them"),
        ({"arm": list("pqapaa")}, {}, "exactly two arms"),
        ({"arm": list("pppppp")}, {}, "exactly two arms"),
        ({"arm": ["p", None, "a", "p", "a", "a"]}, {}, "an arm in every row"),
        ({"event": [1, 2, 0, 0, 1, 0]}, {}, "expected: 0 or 1"),
        ({"days": [9.0, -13.0, 18.0, 28.0, 31.0, 45.0]}, {}, "-13 in row 1"),
        ({"days": [9.0, 13.0, np.nan, 28.0, 31.0, 45.0]}, {}, "nan in row 2"),
        ({"days": list("abcdef")}, {}, "expected: numbers"),
        ({"sex": ["f", None, "f", "m", "f", "m"]}, {"strata": ("sex",)}, "a stratum in every row"),
    ],
)
def test_survival_tables(method, change, names, message) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(InputError, match=message):
        method(table().assign(**change), **{**NAMES, **names})


def test_an_empty_table() -> None:
    with pytest.raises(InputError, match="no rows"):
        logrank(table().iloc[:0], **NAMES)


def test_counts_must_be_whole() -> None:
    with pytest.raises(InputError, match="whole numbers"):
        negative_binomial(
            table().assign(count=0.5), count="count", exposure="days", arm="arm", control="p"
        )


INTERVALS = {"id": "id", "start": "start", "stop": "stop", "event": "event", "arm": "arm"}


def intervals() -> pd.DataFrame:
    rows = [(1, 0, 5, 1, "p"), (1, 5, 9, 0, "p"), (2, 0, 7, 1, "a"), (2, 7, 8, 1, "a")]
    rows += [(3, 0, 9, 0, "a"), (4, 0, 8, 1, "p")]
    return pd.DataFrame(rows, columns=list(INTERVALS.values()))


@pytest.mark.parametrize(
    ("row", "column", "value", "message"),
    [
        (0, "start", 1, "here from 0 to a later time"),
        (1, "start", 6, "here from 5 to a later time"),
        (1, "stop", 5, "follow each other"),
        (1, "arm", "a", "two arms for patient 1"),
    ],
)
def test_intervals(row: int, column: str, value: object, message: str) -> None:
    data = intervals()
    data.loc[row, column] = value
    with pytest.raises(InputError, match=message):
        andersen_gill(data, **INTERVALS, control="p")


def test_intervals_in_any_order_are_the_histories_given_to_the_kernel() -> None:
    fit = andersen_gill(intervals().iloc[::-1], **INTERVALS, control="p")
    never = np.inf
    event_time = np.array([[[5, never], [7, 8], [never, never], [8, never]]])
    direct = batch.andersen_gill(
        event_time,
        np.array([[9.0, 8.0, 9.0, 8.0]]),
        np.array([[0, 1, 1, 0]]),
        np.ones((1, 4), dtype=bool),
    )
    assert fit.estimate == pytest.approx(direct.estimate[0], rel=1e-12)
    assert fit.se == pytest.approx(direct.se[0], rel=1e-12)


def test_adapter_and_kernel_agree() -> None:
    data = table()
    coded = (data["days"], data["event"] == 1, (data["arm"] == "a").astype(int))
    rows = [column.to_numpy()[None] for column in coded]
    everyone = np.ones((1, 6), dtype=bool)
    sex = (data["sex"] == "m").astype(int).to_numpy()[None]
    assert cox(data, **NAMES) == batch.cox(*rows, everyone).row(0)
    assert logrank(data, **NAMES, strata=["sex"]) == batch.logrank(*rows, everyone, sex).row(0)


def test_the_result_reads_well() -> None:
    data = table().assign(change=[1.0, 2.5, 2.0, 0.5, np.nan, 3.0])
    text = repr(ancova(data, outcome="change", adjust_for=["days"], arm="arm", control="p"))
    assert text.startswith("analysis of covariance: adjusted mean difference ")
    assert "t(2) = " in text and "missing outcome" in text
    text = repr(cox(data.assign(event=0), **NAMES))
    assert text.startswith("Cox regression: no log hazard ratio from 6 patients\n  No events")


def test_one_sided_p() -> None:
    fit = logrank(table(), **NAMES)
    assert fit.p_one_sided("less") + fit.p_one_sided("greater") == pytest.approx(1.0)
    assert fit.p_one_sided("less") == pytest.approx(fit.p / 2)
    with pytest.raises(InputError, match="'less' or 'greater'"):
        fit.p_one_sided("two")  # type: ignore[arg-type]


def test_importing_the_analysis_is_light() -> None:
    code = (
        "import sys, raresim.analysis;"
        "print([m for m in ('pandas', 'scipy.stats', 'scipy.optimize') if m in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
