"""Laws with finitely many atoms, what can be read off them, and how far apart two of them are."""

from mdpkit.distributional.laws.distances import cramer, energy, kolmogorov, sup_distance, wasserstein
from mdpkit.distributional.laws.law import DiscreteLaw
from mdpkit.distributional.laws.vector_distances import mmd

__all__ = ["DiscreteLaw", "cramer", "energy", "kolmogorov", "mmd", "sup_distance", "wasserstein"]
