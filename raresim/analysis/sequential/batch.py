"""Statistics of stages combined, as kernels: p-values (B, K) of B trials in."""

from raresim.analysis.sequential.combination import fisher_product, inverse_normal

__all__ = ["fisher_product", "inverse_normal"]
