"""Problems with nature in them: sets with closed forms, and instances on which methods stall or cycle."""

from mdpkit.problems.robust.rectangular import coin, iwocs_stall, modular, shared_budget, undamped_cycle
from mdpkit.problems.robust.static import (
    opposite_drifts,
    opposite_drifts_rectangular,
    retry,
    retry_rectangular,
)
from mdpkit.problems.robust.walk import windy_walk, windy_walk_model

__all__ = [
    "coin",
    "iwocs_stall",
    "modular",
    "opposite_drifts",
    "opposite_drifts_rectangular",
    "retry",
    "retry_rectangular",
    "shared_budget",
    "undamped_cycle",
    "windy_walk",
    "windy_walk_model",
]
