"""The list of named problems, derived from the functions themselves."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from mdpkit.models import TabularMDP
from mdpkit.problems.chain import chain
from mdpkit.problems.forest import forest
from mdpkit.problems.gambler import gambler
from mdpkit.problems.garnet import garnet
from mdpkit.problems.grid_world import grid_world
from mdpkit.problems.inventory import inventory
from mdpkit.problems.machine_replacement import machine_replacement
from mdpkit.problems.river_swim import river_swim
from mdpkit.problems.two_state import two_state

__all__ = ["Problem", "catalogue"]


@dataclass(frozen=True, slots=True)
class Problem:
    """An entry of the catalogue.

    Attributes
    ----------
    build : callable
        The function that builds the model.
    small : mapping
        Arguments of a small instance, for those that `build` requires.
    """

    build: Callable[..., TabularMDP]
    small: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def name(self) -> str:
        """Name under which ``mdpkit.problems`` holds the function."""
        return self.build.__name__

    @property
    def summary(self) -> str:
        """First line of the documentation."""
        return (inspect.getdoc(self.build) or "").partition("\n")[0]

    @property
    def parameters(self) -> str:
        """Parameters with their defaults, as a call would show them."""
        signature = inspect.signature(self.build)
        bare = [p.replace(annotation=inspect.Parameter.empty) for p in signature.parameters.values()]
        return str(inspect.Signature(bare))

    def example(self) -> TabularMDP:
        """Build a small instance."""
        return self.build(**self.small)


def catalogue() -> list[Problem]:
    """Return all named problems, by name.

    Examples
    --------
    >>> from mdpkit import problems
    >>> for entry in problems.catalogue():
    ...     print(entry.name)
    chain
    forest
    gambler
    garnet
    grid_world
    inventory
    machine_replacement
    river_swim
    two_state
    >>> entry.summary
    "Puterman's two-state problem: stay for 5 a step, or cash in 10 and pay 1 for ever after."
    """
    return [
        Problem(chain, MappingProxyType({"n_states": 10})),
        Problem(forest),
        Problem(gambler),
        Problem(garnet, MappingProxyType({"n_states": 10, "n_actions": 3, "branching": 2, "seed": 0})),
        Problem(grid_world, MappingProxyType({"n_rows": 5})),
        Problem(inventory),
        Problem(machine_replacement),
        Problem(river_swim),
        Problem(two_state),
    ]
