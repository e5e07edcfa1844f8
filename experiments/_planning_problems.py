"""The real inputs of the planning experiments, by name."""

from __future__ import annotations

from mdpkit import TabularMDP, io, problems

TITLES = {
    "frozen_lake": "FrozenLake 8x8",
    "taxi": "Taxi",
    "cliff_walking": "CliffWalking",
    "garnet": "Garnet 300/5/5",
    "river_swim": "RiverSwim 6",
}


def build(name: str) -> TabularMDP:
    """Return a problem of the planning experiments."""
    # The classes, not registered names: those change their version numbers between releases of gymnasium.
    from gymnasium.envs.toy_text import CliffWalkingEnv, FrozenLakeEnv, TaxiEnv

    match name:
        case "frozen_lake":
            return io.from_gymnasium(FrozenLakeEnv(map_name="8x8"), gamma=0.99)
        case "taxi":
            return io.from_gymnasium(TaxiEnv(), gamma=0.99)
        case "cliff_walking":
            return io.from_gymnasium(CliffWalkingEnv(), gamma=0.99)
        case "garnet":
            return problems.garnet(300, 5, 5, gamma=0.99, seed=0)
        case "river_swim":
            return problems.river_swim(6, gamma=0.95)
    raise ValueError(f"unknown problem {name!r}")
