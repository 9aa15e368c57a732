"""Randomisation: used by trials to randomise and, later, by analyses to re-randomise."""

from raresim.randomisation.blocks import permuted_blocks

__all__ = ["permuted_blocks"]
