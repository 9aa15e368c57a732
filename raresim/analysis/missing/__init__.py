"""Missing repeated outcomes: multiple and conditional mean imputation, tipping points."""

from raresim.analysis.missing.tables import (
    conditional_mean_imputation,
    multiple_imputation,
    rubin,
    tipping_point,
)
from raresim.analysis.missing.tipping import TippingPoint, TippingPoints

__all__ = [
    "TippingPoint",
    "TippingPoints",
    "conditional_mean_imputation",
    "multiple_imputation",
    "rubin",
    "tipping_point",
]
