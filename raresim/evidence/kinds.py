"""Any kind of statistic, told apart by the keys that it holds."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Discriminator, Tag

from raresim.evidence.events import Difference, Dispersion, EventRate, Ratio
from raresim.evidence.quantile_table import QuantileTable
from raresim.evidence.statistics import (
    Correlation,
    Mean,
    Quantiles,
    Share,
    Slope,
    Spread,
    Statistic,
)
from raresim.evidence.survival import EventFree

KINDS: tuple[type[Statistic], ...] = (
    Share, Mean, Spread, Quantiles, EventRate, Dispersion, Correlation, Slope, Ratio, Difference,
    EventFree, QuantileTable,
)  # fmt: skip


def _kind(value: Any) -> str | None:
    """Tell the kind of a statistic by its first telling key."""
    if isinstance(value, Statistic):
        return type(value).__name__
    if isinstance(value, dict):
        for kind in KINDS:
            if any(key in value for key in kind.keys):
                return kind.__name__
    return None


AnyStatistic = Annotated[
    Annotated[Share, Tag("Share")]
    | Annotated[Mean, Tag("Mean")]
    | Annotated[Spread, Tag("Spread")]
    | Annotated[Quantiles, Tag("Quantiles")]
    | Annotated[EventRate, Tag("EventRate")]
    | Annotated[Dispersion, Tag("Dispersion")]
    | Annotated[Correlation, Tag("Correlation")]
    | Annotated[Slope, Tag("Slope")]
    | Annotated[Ratio, Tag("Ratio")]
    | Annotated[Difference, Tag("Difference")]
    | Annotated[EventFree, Tag("EventFree")]
    | Annotated[QuantileTable, Tag("QuantileTable")],
    Discriminator(
        _kind,
        custom_error_type="statistic",
        custom_error_message="expected a statistic: one of "
        + ", ".join(key for kind in KINDS for key in kind.keys),
    ),
]
"""Any kind of statistic, told apart by the keys that it holds."""
