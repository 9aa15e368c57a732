"""Looks at accumulating data: alpha spending and boundaries."""

from raresim.analysis.sequential.spending import boundaries, spent

__all__ = ["boundaries", "spent"]
