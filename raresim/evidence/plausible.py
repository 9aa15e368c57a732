"""Can printed statistics be true? Checks of what people type in, before anything is built on it.

Each check is a function of what was printed that returns its findings, an empty list where all
fits. Numbers are given as typed, best as text ("12.30"): rounding is allowed for, and a finding
means that no rounding explains it. None of them raises for implausible data; text that is no number
is an `InputError`.
"""

from raresim.evidence.plausible_closure import samples, whole_numbers
from raresim.evidence.plausible_intervals import FACTORS, interval, unit_jump
from raresim.evidence.plausible_printed import Finding, Number, Printed, printed
from raresim.evidence.plausible_samples import grim, mean_and_median, quantiles, sd_bounds
from raresim.evidence.plausible_shares import denominators, parts_of, share_of

__all__ = [
    "FACTORS", "Finding", "Number", "Printed", "denominators", "grim", "interval",
    "mean_and_median", "parts_of", "printed", "quantiles", "samples", "sd_bounds", "share_of",
    "unit_jump", "whole_numbers",
]  # fmt: skip
