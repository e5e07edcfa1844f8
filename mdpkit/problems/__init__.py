"""A catalogue of named problems; each docstring says what is known about it in closed form.

Linear problems, those with nature in them, those about risk and those for learning from preferences are in
`mdpkit.problems.linear`, `linear_hard`, `robust`, `risk` and `preferences`.
"""

from mdpkit.problems import linear as linear
from mdpkit.problems import linear_hard as linear_hard
from mdpkit.problems import preferences as preferences
from mdpkit.problems import risk as risk
from mdpkit.problems import robust as robust
from mdpkit.problems._catalogue import Problem, catalogue
from mdpkit.problems.chain import chain
from mdpkit.problems.forest import forest
from mdpkit.problems.gambler import gambler
from mdpkit.problems.garnet import garnet
from mdpkit.problems.grid_world import grid_world
from mdpkit.problems.inventory import inventory
from mdpkit.problems.machine_replacement import machine_replacement
from mdpkit.problems.river_swim import river_swim
from mdpkit.problems.two_state import two_state

__all__ = [
    "Problem",
    "catalogue",
    "chain",
    "forest",
    "gambler",
    "garnet",
    "grid_world",
    "inventory",
    "machine_replacement",
    "river_swim",
    "two_state",
]
