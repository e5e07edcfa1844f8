"""IWOCS: robust problems as a sequence of ordinary ones, with a certificate."""

from mdpkit.robust.iwocs.front import iwocs
from mdpkit.robust.iwocs.monte_carlo import MonteCarlo
from mdpkit.robust.iwocs.result import IWOCSResult

__all__ = ["IWOCSResult", "MonteCarlo", "iwocs"]
