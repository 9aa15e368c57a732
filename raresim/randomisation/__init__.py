"""Randomisation: used by trials to randomise and, later, by analyses to re-randomise."""

from raresim.randomisation.adaptive import adaptive_parts
from raresim.randomisation.alternating import alternating
from raresim.randomisation.balance import correct_guesses, imbalance
from raresim.randomisation.blocks import in_block, permuted_blocks
from raresim.randomisation.minimisation import Minimisation
from raresim.randomisation.schemes import BiasedCoin, Scheme, Simple, Urn, chosen

__all__ = [
    "BiasedCoin",
    "Minimisation",
    "Scheme",
    "Simple",
    "Urn",
    "adaptive_parts",
    "alternating",
    "chosen",
    "correct_guesses",
    "imbalance",
    "in_block",
    "permuted_blocks",
]
